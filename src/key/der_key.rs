//! Public keys from DER; the outer structure decides the type.

use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair};
use der::{
    Decode, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, ObjectIdentifier, UintRef},
};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};

use super::{
    CertificatePurpose, Curve, KeyProblem, OtherFormat, PublicKey, certificate, curve::curve_of, key_problem::name_of,
};

/// A public key and the kind of its source.
pub(super) struct DerKey {
    pub(super) key: PublicKey,
    /// Whether the source is a private key.
    pub(super) private: bool,
    /// The purpose of the certificate, if the source is one.
    pub(super) purpose: Option<CertificatePurpose>,
}

/// Reads a public key, certificate or private key. The structure decides the type, so that a wrong PEM label does not
/// matter.
pub(super) fn read(der: &[u8]) -> Result<DerKey, KeyProblem> {
    let public = |key| DerKey { key, private: false, purpose: None };
    let private = |key| DerKey { key, private: true, purpose: None };
    match shape(der)? {
        Shape::SubjectPublicKeyInfo => PublicKey::from_spki_der(der).map(public),
        Shape::RsaPublicKey => match PublicKey::from_pkcs1_der(der) {
            // Diffie-Hellman parameters are a prime and a generator, which is usually 2.
            Err(KeyProblem::RsaExponentSmall(2)) => Err(KeyProblem::Format(OtherFormat::Parameters)),
            key => key.map(public),
        },
        Shape::Certificate => {
            let purpose = certificate::purpose(der);
            certificate::key(der).map(|key| DerKey { key, private: false, purpose })
        }
        Shape::RsaPrivateKey => rsa_private(der).map(private),
        Shape::EcPrivateKey => {
            let key = EcPrivateKey::from_der(der);
            if key.is_err() && has_explicit_curve(der) {
                return Err(KeyProblem::CurveExplicit);
            }
            let EcParameters::NamedCurve(oid) =
                key.map_err(KeyProblem::der)?.parameters.ok_or(KeyProblem::CurveMissing)?;
            ec_private(Curve::from_oid(oid)?, der).map(private)
        }
        Shape::PrivateKeyInfo => {
            let info = PrivateKeyInfoRef::from_der(der).map_err(KeyProblem::der)?;
            match info.algorithm.oid {
                pkcs1::ALGORITHM_OID => rsa_private(info.private_key.as_bytes()).map(private),
                sec1::ALGORITHM_OID => ec_private(curve_of(&info.algorithm)?, der).map(private),
                other => Err(KeyProblem::Type(name_of(other))),
            }
        }
        Shape::Other(format) => Err(KeyProblem::Format(format)),
    }
}

/// Whether bytes are one DER SEQUENCE, or two: OpenSSL appends a second one to a trusted certificate.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let sequence = |bytes| AnyRef::from_der_partial(bytes).ok().filter(|(any, _)| any.tag() == Tag::Sequence);
    sequence(bytes).is_some_and(|(_, rest)| rest.is_empty() || sequence(rest).is_some_and(|(_, rest)| rest.is_empty()))
}

/// Whether DER has the structure of a PKCS#1 public key: two numbers, which need a label or name to be recognised as a
/// key.
pub(super) fn is_two_numbers(der: &[u8]) -> bool {
    matches!(shape(der), Ok(Shape::RsaPublicKey))
}

/// The public key of an `RSAPrivateKey` (RFC 8017 appendix A.1.2): nine numbers, then any primes after the second.
fn rsa_private(der: &[u8]) -> Result<PublicKey, KeyProblem> {
    let members = sequence_members(AnyRef::from_der(der).map_err(KeyProblem::der)?)?;
    let (numbers, further) = members.split_at_checked(9).ok_or(KeyProblem::Structure)?;
    let numbers = numbers
        .iter()
        .map(|number| number.decode_as::<UintRef<'_>>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(KeyProblem::der)?;
    match (further, numbers.as_slice()) {
        ([] | [_], [_, modulus, exponent, ..]) if further.iter().all(|primes| primes.tag() == Tag::Sequence) => {
            PublicKey::rsa(modulus.as_bytes(), exponent.as_bytes())
        }
        _ => Err(KeyProblem::Structure),
    }
}

/// Computes the public key from the private key, because SEC 1 makes the public key optional in a file.
fn ec_private(curve: Curve, der: &[u8]) -> Result<PublicKey, KeyProblem> {
    let algorithm: &'static EcdsaSigningAlgorithm = match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).map_err(|_| KeyProblem::PublicPart)?;
    PublicKey::ec_point(curve, pair.public_key().as_ref())
}

/// Whether an `ECPrivateKey` has explicit curve parameters (RFC 5915 section 3, SEC 1 section C.2).
fn has_explicit_curve(der: &[u8]) -> bool {
    let parameters = members(der).ok().and_then(|members| {
        members.into_iter().find(|member| matches!(member.tag(), Tag::ContextSpecific { number: TagNumber(0), .. }))
    });
    parameters
        .is_some_and(|parameters| AnyRef::from_der(parameters.value()).is_ok_and(|any| any.tag() == Tag::Sequence))
}

enum Shape {
    SubjectPublicKeyInfo,
    Certificate,
    RsaPublicKey,
    RsaPrivateKey,
    EcPrivateKey,
    PrivateKeyInfo,
    Other(OtherFormat),
}

/// The first members of the outer SEQUENCE identify the structure.
fn shape(der: &[u8]) -> Result<Shape, KeyProblem> {
    let members = members(der)?;
    let tags: Vec<_> = members.iter().map(Tagged::tag).collect();
    match tags.as_slice() {
        [Tag::Sequence, Tag::BitString] => Ok(Shape::SubjectPublicKeyInfo),
        [Tag::Sequence, Tag::Sequence, Tag::BitString] => Ok(signed(members[0])),
        [Tag::Sequence, Tag::OctetString] => {
            first_oid(members[0]).and_then(OtherFormat::of_algorithm).map(Shape::Other).ok_or(KeyProblem::Structure)
        }
        [Tag::ObjectIdentifier, ..] => {
            let oid = members[0].decode_as().ok();
            oid.and_then(OtherFormat::of_content_type).map(Shape::Other).ok_or(KeyProblem::Structure)
        }
        [Tag::Integer, Tag::Integer] => Ok(Shape::RsaPublicKey),
        [Tag::Integer, Tag::Integer, Tag::Integer] => Ok(Shape::Other(OtherFormat::Parameters)),
        [Tag::Integer, rest @ ..] if rest.len() == 5 && rest.iter().all(|tag| *tag == Tag::Integer) => {
            Ok(Shape::Other(OtherFormat::DsaPrivateKey))
        }
        [Tag::Integer, Tag::Integer, Tag::Integer, ..] => Ok(Shape::RsaPrivateKey),
        [Tag::Integer, Tag::OctetString, ..] => Ok(Shape::EcPrivateKey),
        [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Ok(Shape::PrivateKeyInfo),
        [Tag::Integer, Tag::Sequence] | [Tag::Integer, Tag::Sequence, Tag::Sequence]
            if first_oid(members[1]).and_then(OtherFormat::of_content_type).is_some() =>
        {
            Ok(Shape::Other(OtherFormat::Pkcs12))
        }
        _ => Err(KeyProblem::Structure),
    }
}

/// The kind of signed contents: certificate, certificate request or revocation list (RFC 5280 sections 4.1 and 5.1, RFC
/// 2986).
fn signed(contents: AnyRef<'_>) -> Shape {
    let Ok(members) = sequence_members(contents) else { return Shape::Certificate };
    let tags: Vec<_> = members.iter().map(Tagged::tag).collect();
    let is_time = |tag: &Tag| matches!(tag, Tag::UtcTime | Tag::GeneralizedTime);
    match tags.as_slice() {
        [Tag::Integer, Tag::Sequence, Tag::Sequence, Tag::ContextSpecific { .. }]
        | [Tag::Integer, Tag::Sequence, Tag::Sequence] => Shape::Other(OtherFormat::CertificateRequest),
        [Tag::Integer, Tag::Sequence, Tag::Sequence, time, ..] | [Tag::Sequence, Tag::Sequence, time, ..]
            if is_time(time) =>
        {
            Shape::Other(OtherFormat::RevocationList)
        }
        _ => Shape::Certificate,
    }
}

/// The object identifier at the start of a SEQUENCE.
fn first_oid(sequence: AnyRef<'_>) -> Option<ObjectIdentifier> {
    sequence_members(sequence).ok()?.first()?.decode_as().ok()
}

/// The first ten members of the outer SEQUENCE, enough to identify it. Other data may follow the SEQUENCE.
fn members(der: &[u8]) -> Result<Vec<AnyRef<'_>>, KeyProblem> {
    sequence_members(AnyRef::from_der_partial(der).map_err(KeyProblem::der)?.0)
}

fn sequence_members(sequence: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>, KeyProblem> {
    if sequence.tag() != Tag::Sequence {
        return Err(KeyProblem::Structure);
    }
    let mut reader = SliceReader::new(sequence.value()).map_err(KeyProblem::der)?;
    let mut members = Vec::with_capacity(10);
    while !reader.is_finished() && members.len() < 10 {
        members.push(AnyRef::decode(&mut reader).map_err(KeyProblem::der)?);
    }
    Ok(members)
}

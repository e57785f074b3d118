//! DER of every structure that holds a public key, told apart by its outer shape.

use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair};
use der::{Decode, Reader, SliceReader, Tag, Tagged, asn1::AnyRef};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};

use super::{CertificatePurpose, Curve, KeyError, PublicKey, certificate, curve::curve_of, key_error::name_of};

/// A public key and what it was read from.
pub(super) struct DerKey {
    pub(super) key: PublicKey,
    /// Whether it was read from a private key.
    pub(super) private: bool,
    /// What the certificate is for that it was read from.
    pub(super) purpose: Option<CertificatePurpose>,
}

/// Reads a public key, certificate or private key; the shape decides, so that a wrong PEM label does no harm.
pub(super) fn read(der: &[u8]) -> Result<DerKey, KeyError> {
    let public = |key| DerKey { key, private: false, purpose: None };
    let private = |key| DerKey { key, private: true, purpose: None };
    match shape(der)? {
        Shape::SubjectPublicKeyInfo => PublicKey::from_spki_der(der).map(public),
        Shape::RsaPublicKey => PublicKey::from_pkcs1_der(der).map(public),
        Shape::Certificate => {
            certificate::key(der).map(|key| DerKey { key, private: false, purpose: certificate::purpose(der) })
        }
        Shape::RsaPrivateKey => rsa_private(der).map(private),
        Shape::EcPrivateKey => {
            let parameters = EcPrivateKey::from_der(der)?.parameters.ok_or(KeyError::CurveMissing)?;
            let EcParameters::NamedCurve(oid) = parameters;
            ec_private(Curve::from_oid(oid)?, der).map(private)
        }
        Shape::PrivateKeyInfo => {
            let info = PrivateKeyInfoRef::from_der(der)?;
            match info.algorithm.oid {
                pkcs1::ALGORITHM_OID => rsa_private(info.private_key.as_bytes()).map(private),
                sec1::ALGORITHM_OID => ec_private(curve_of(&info.algorithm)?, der).map(private),
                other => Err(KeyError::Type(name_of(other))),
            }
        }
    }
}

/// Whether bytes start as a DER SEQUENCE that ends where they end.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    AnyRef::from_der(bytes).is_ok_and(|any| any.tag() == Tag::Sequence)
}

fn rsa_private(der: &[u8]) -> Result<PublicKey, KeyError> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(der)?;
    PublicKey::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
}

/// The public part is computed from the private one: SEC 1 lets a file leave it out.
fn ec_private(curve: Curve, der: &[u8]) -> Result<PublicKey, KeyError> {
    let algorithm: &'static EcdsaSigningAlgorithm = match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).map_err(|_| KeyError::PublicPart)?;
    PublicKey::ec_point(curve, pair.public_key().as_ref())
}

enum Shape {
    SubjectPublicKeyInfo,
    Certificate,
    RsaPublicKey,
    RsaPrivateKey,
    EcPrivateKey,
    PrivateKeyInfo,
}

/// The first members of the outer SEQUENCE name the structure.
fn shape(der: &[u8]) -> Result<Shape, KeyError> {
    let outer = AnyRef::from_der(der)?;
    if outer.tag() != Tag::Sequence {
        return Err(KeyError::Structure);
    }
    let mut reader = SliceReader::new(outer.value())?;
    let mut tags = Vec::with_capacity(3);
    while !reader.is_finished() && tags.len() < 3 {
        tags.push(AnyRef::decode(&mut reader)?.tag());
    }
    match tags.as_slice() {
        [Tag::Sequence, Tag::BitString] => Ok(Shape::SubjectPublicKeyInfo),
        [Tag::Sequence, Tag::Sequence, Tag::BitString] => Ok(Shape::Certificate),
        [Tag::Integer, Tag::Integer] => Ok(Shape::RsaPublicKey),
        [Tag::Integer, Tag::Integer, Tag::Integer] => Ok(Shape::RsaPrivateKey),
        [Tag::Integer, Tag::OctetString, ..] => Ok(Shape::EcPrivateKey),
        [Tag::Integer, Tag::Sequence, ..] => Ok(Shape::PrivateKeyInfo),
        _ => Err(KeyError::Structure),
    }
}

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm};
use der::{Tag, Tagged, asn1::ObjectIdentifier};
use spki::AlgorithmIdentifierRef;

use super::{KeyProblem, key_problem::name_of};

/// A curve of RFC 7518 section 6.2.1.1 that the API server signs with.
///
/// ```
/// use issuer::Curve;
/// assert_eq!(Curve::from_name("P-521"), Some(Curve::P521));
/// assert_eq!(Curve::P521.name(), "P-521");
/// assert_eq!(Curve::P521.coordinate_len(), 66);
/// assert_eq!(Curve::from_name("secp256k1"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The curve of a JWK `crv` member; `None` for every other name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    /// The value of the JWK member `crv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of one coordinate in bytes.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The object identifier (RFC 5480 section 2.1.1.1).
    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
            Self::P384 => ObjectIdentifier::new_unwrap("1.3.132.0.34"),
            Self::P521 => ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        }
    }

    pub(super) fn from_oid(oid: ObjectIdentifier) -> Result<Self, KeyProblem> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid).ok_or_else(|| KeyProblem::Curve(name_of(oid)))
    }

    pub(super) const fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED,
        }
    }
}

/// The named curve of an EC AlgorithmIdentifier (RFC 5480 section 2.1.1).
pub(super) fn curve_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Curve, KeyProblem> {
    let parameters = algorithm.parameters.ok_or(KeyProblem::CurveMissing)?;
    if parameters.tag() == Tag::Sequence {
        return Err(KeyProblem::CurveExplicit);
    }
    Curve::from_oid(parameters.decode_as().map_err(|_| KeyProblem::CurveMissing)?)
}

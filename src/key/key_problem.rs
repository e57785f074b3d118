use der::asn1::ObjectIdentifier;

use super::{Algorithm, Curve, OtherFormat};

/// Why bytes are not a public key this crate works with; reads as the end of "X is not usable: …".
///
/// ```
/// use issuer::{KeyProblem, PublicKey};
/// let error = PublicKey::rsa(&[0xff; 32], &[1, 0, 1]).unwrap_err();
/// assert_eq!(error, KeyProblem::RsaSize(256));
/// assert_eq!(error.to_string(), "its RSA modulus has 256 bits, and 512 to 16384 are accepted");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// The modulus has a size outside 512 to 16384 bits.
    #[error("its RSA modulus has {0} bits, and 512 to 16384 are accepted")]
    RsaSize(usize),
    /// The modulus is even, so not a product of two odd primes.
    #[error("its RSA modulus is even")]
    RsaModulusEven,
    /// The exponent is even.
    #[error("its RSA exponent {0} is even")]
    RsaExponentEven(u64),
    /// The exponent is 0, 1 or 2.
    #[error("its RSA exponent {0} is smaller than 3")]
    RsaExponentSmall(u64),
    /// The exponent is larger than the API server works with.
    #[error("its RSA exponent is larger than 2147483647, which the API server refuses")]
    RsaExponentLarge,
    /// A coordinate or point does not have the length of its curve.
    #[error("its point does not have the length of {}", .0.name())]
    EcCoordinates(Curve),
    /// The point is in compressed form.
    #[error("its EC point is compressed, which the API server does not read")]
    EcCompressed,
    /// The point is not on the curve.
    #[error("its point is not on {}", .0.name())]
    EcPoint(Curve),
    /// A curve other than P-256, P-384 and P-521, by object identifier or name.
    #[error("its curve {0} is not P-256, P-384 or P-521")]
    Curve(String),
    /// The curve is not given.
    #[error("its curve is not named")]
    CurveMissing,
    /// The curve is given by its parameters, not by its name.
    #[error("its curve is given by explicit parameters, which the API server does not read")]
    CurveExplicit,
    /// A key type other than RSA and EC.
    #[error("its type is {0}, and RSA and EC keys are accepted")]
    Type(String),
    /// A private key that does not hold its public part, from which none can be computed.
    #[error("its public part cannot be computed from the private key")]
    PublicPart,
    /// A bit string with unused bits.
    #[error("its bit string is not whole bytes")]
    BitString,
    /// The DER structure is broken.
    #[error("its DER is malformed ({0})")]
    Der(String),
    /// The DER structure is sound and not that of a key or certificate.
    #[error("its DER is neither a key nor a certificate")]
    Structure,
    /// Another format than that of a key or certificate.
    #[error("it is {}", .0.name())]
    Format(OtherFormat),
    /// A private key under a password.
    #[error("it is encrypted")]
    Encrypted,
    /// The contents between PEM lines are broken.
    #[error("{0}")]
    Pem(&'static str),
    /// An SSH public key is broken.
    #[error("its SSH key data is malformed")]
    Ssh,
    /// A JWK member that the key type needs is absent, of another type, or not base64url.
    #[error("its member \"{0}\" is missing or not base64url without padding")]
    JwkMember(&'static str),
    /// A JWK member that must be a string is absent or of another type.
    #[error("its member \"{0}\" is missing or not a string")]
    JwkString(&'static str),
    /// A JWK whose entry is not an object.
    #[error("it is not a JSON object")]
    JwkObject,
    /// A key ID without a character.
    #[error("its key ID is empty")]
    KeyIdEmpty,
    /// A key ID that is longer than Kubernetes accepts.
    #[error("its key ID has {0} bytes, and Kubernetes accepts 1024 at most")]
    KeyIdLong(usize),
    /// A JWK for another algorithm than the API server signs with.
    #[error("its alg is {alg:?}, and the API server signs with {algorithm} and such a key")]
    JwkAlgorithm {
        /// The `alg` member.
        alg: String,
        /// The algorithm that the API server would use.
        algorithm: Algorithm,
    },
    /// A JWK for other operations than signatures.
    #[error("its key_ops are not those of a key for signatures")]
    JwkOperations,
    /// A JWK that is meant for encryption.
    #[error("its use is \"{0}\", not \"sig\"")]
    JwkUse(String),
}

impl KeyProblem {
    /// The error of DER that cannot be parsed.
    pub(super) fn der(error: der::Error) -> Self {
        Self::Der(error.to_string())
    }
}

/// A key type or curve by the name people know it under, or its object identifier.
pub(super) fn name_of(oid: ObjectIdentifier) -> String {
    match oid.to_string().as_str() {
        "1.3.101.112" => "Ed25519".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        "1.3.101.110" => "X25519".to_owned(),
        "1.2.840.113549.1.1.10" => "RSASSA-PSS".to_owned(),
        "1.2.840.10040.4.1" => "DSA".to_owned(),
        "1.3.132.0.10" => "secp256k1".to_owned(),
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44".to_owned(),
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65".to_owned(),
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87".to_owned(),
        other => other.to_owned(),
    }
}

use der::asn1::ObjectIdentifier;

use super::{Algorithm, Curve, OtherFormat};

/// Reason why bytes are not a usable public key; the text completes the sentence "X is not a usable key: …".
///
/// ```
/// use issuer::{KeyProblem, PublicKey};
/// let error = PublicKey::rsa(&[0xff; 32], &[1, 0, 1]).unwrap_err();
/// assert_eq!(error, KeyProblem::RsaSize(256));
/// assert_eq!(error.to_string(), "its RSA modulus has 256 bits; 512 to 16384 are accepted");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// The modulus has fewer than 512 or more than 16384 bits.
    #[error("its RSA modulus has {0} bits; 512 to 16384 are accepted")]
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
    /// The exponent is larger than the API server accepts.
    #[error("its RSA exponent is larger than 2147483647, the maximum that the API server accepts")]
    RsaExponentLarge,
    /// A coordinate or point has the wrong length for the curve.
    #[error("its EC point has the wrong length for {}", .0.name())]
    EcCoordinates(Curve),
    /// The point is in compressed form.
    #[error("its EC point is compressed; the API server accepts only uncompressed points")]
    EcCompressed,
    /// The point is not on the curve.
    #[error("its EC point is not on {}", .0.name())]
    EcPoint(Curve),
    /// Another curve than P-256, P-384 and P-521, by name or object identifier.
    #[error("its curve is {0}; P-256, P-384 and P-521 are accepted")]
    Curve(String),
    /// The key does not name its curve.
    #[error("it does not name its curve")]
    CurveMissing,
    /// The curve is given by explicit parameters, not by its name.
    #[error("its curve is given by explicit parameters; the API server accepts only named curves")]
    CurveExplicit,
    /// A key type other than RSA and EC.
    #[error("its type is {0}; RSA and EC keys are accepted")]
    Type(String),
    /// A private key from which the public key cannot be computed.
    #[error("its public key cannot be computed from the private key")]
    PublicPart,
    /// A BIT STRING with unused bits.
    #[error("its BIT STRING is not a whole number of bytes")]
    BitString,
    /// The DER cannot be parsed.
    #[error("its DER is malformed ({0})")]
    Der(String),
    /// The DER is valid, but it is neither a key nor a certificate.
    #[error("its DER is neither a key nor a certificate")]
    Structure,
    /// A file format that holds no public key.
    #[error("it is {}", .0.name())]
    Format(OtherFormat),
    /// A private key that is encrypted with a password.
    #[error("it is encrypted")]
    Encrypted,
    /// A malformed PEM block.
    #[error("{0}")]
    Pem(&'static str),
    /// A malformed SSH public key.
    #[error("its SSH key data is malformed")]
    Ssh,
    /// A JWK member that the key type requires is missing or not base64url without padding.
    #[error("its member \"{0}\" is missing or not base64url without padding")]
    JwkMember(&'static str),
    /// A required JWK member is missing or not a string.
    #[error("its member \"{0}\" is missing or not a string")]
    JwkString(&'static str),
    /// A JWK Set entry that is not a JSON object.
    #[error("it is not a JSON object")]
    JwkObject,
    /// An empty key ID.
    #[error("its key ID is empty")]
    KeyIdEmpty,
    /// A key ID that is longer than Kubernetes accepts.
    #[error("its key ID has {0} bytes; Kubernetes accepts at most 1024")]
    KeyIdLong(usize),
    /// A JWK whose `alg` the API server does not use with such a key.
    #[error("its alg is {alg:?}; the API server signs with {algorithm} when it has such a key")]
    JwkAlgorithm {
        /// The `alg` member.
        alg: String,
        /// The algorithm that the API server uses with such a key.
        algorithm: Algorithm,
    },
    /// A JWK whose `key_ops` contain neither `sign` nor `verify`.
    #[error("its key_ops contain neither sign nor verify")]
    JwkOperations,
    /// A JWK whose `use` is not `sig`.
    #[error("its use is \"{0}\", not \"sig\"")]
    JwkUse(String),
}

impl KeyProblem {
    /// The problem with DER that cannot be parsed.
    pub(super) fn der(error: der::Error) -> Self {
        Self::Der(error.to_string())
    }
}

/// The common name of a key type or curve, or its object identifier if it is not in this list.
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

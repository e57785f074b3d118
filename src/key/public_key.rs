use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use der::{
    Decode, Encode,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef},
};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::{Algorithm, Curve, KeyError, KeyId, curve::curve_of, key_error::name_of};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The sizes of RSA modulus that parse, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 512..=16384;
/// The largest public exponent Go's `crypto/rsa`, and so the API server, works with.
const RSA_EXPONENT_MAX: u64 = (1 << 31) - 1;

/// The numbers a public key consists of, big-endian; RSA without leading zero bytes, coordinates in full length.
///
/// ```
/// use issuer::{KeyMaterial, KeySet, PublicKey};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let KeyMaterial::Rsa { modulus, exponent } = keys[0].material() else { panic!("{}", keys[0]) };
/// assert_eq!((modulus.len(), exponent.as_slice()), (256, [1, 0, 1].as_slice()));
/// assert_eq!(PublicKey::rsa(modulus, exponent)?, keys[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyMaterial {
    /// An RSA public key (RFC 8017 section 3.1).
    Rsa {
        /// `n`.
        modulus: Vec<u8>,
        /// `e`.
        exponent: Vec<u8>,
    },
    /// A point on a curve (SEC 1 section 2.3.3).
    Ec {
        /// The curve.
        curve: Curve,
        /// The x coordinate.
        x: Vec<u8>,
        /// The y coordinate.
        y: Vec<u8>,
    },
}

/// A checked public key with the API server's key ID.
///
/// RSA has 512 to 16384 bits, an odd modulus, and an odd exponent from 3 to 2³¹−1; an EC point is on its curve.
///
/// ```
/// use issuer::{Algorithm, PublicKey};
/// let der = std::fs::read("fixtures/keys/rsa2048-spki.der")?;
/// let key = PublicKey::from_spki_der(&der)?;
/// assert_eq!(key.key_id().as_str(), "VySw_uf2CxNBmIAMX_W82QIp1ATwZ9JFL9E-DbKqxPk");
/// assert_eq!((key.algorithm(), key.bits()), (Algorithm::Rs256, 2048));
/// assert_eq!(key.to_string(), "RSA 2048");
/// assert_eq!(key.spki_der(), der);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PublicKey {
    material: KeyMaterial,
    spki: Vec<u8>,
    key_id: KeyId,
}

/// Two keys are one when their SubjectPublicKeyInfo is, whatever they were encoded in.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// An RSA key of its big-endian modulus and exponent; leading zero bytes are allowed and dropped.
    ///
    /// ```
    /// use issuer::{KeyError, PublicKey};
    /// assert_eq!(PublicKey::rsa(&[0xff; 256], &[1, 0, 1])?.bits(), 2048);
    /// assert_eq!(PublicKey::rsa(&[0xff; 256], &[1]), Err(KeyError::RsaExponentSmall(1)));
    /// # Ok::<(), issuer::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a size, modulus or exponent outside the limits of [`PublicKey`].
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = (strip_zeros(modulus), strip_zeros(exponent));
        let bits = bit_len(modulus);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaSize(bits));
        }
        if modulus.last().is_none_or(|byte| byte & 1 == 0) {
            return Err(KeyError::RsaModulusEven);
        }
        let value = exponent.iter().try_fold(0_u64, |value, byte| {
            value.checked_mul(256).map(|value| value + u64::from(*byte)).filter(|value| *value <= RSA_EXPONENT_MAX)
        });
        match value {
            None => return Err(KeyError::RsaExponentLarge),
            Some(value) if value < 3 => return Err(KeyError::RsaExponentSmall(value)),
            Some(value) if value % 2 == 0 => return Err(KeyError::RsaExponentEven(value)),
            Some(_) => {}
        }
        let pkcs1 = pkcs1::RsaPublicKey { modulus: UintRef::new(modulus)?, public_exponent: UintRef::new(exponent)? }
            .to_der()?;
        let algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
        Self::new(KeyMaterial::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() }, algorithm, &pkcs1)
    }

    /// An EC key of its big-endian coordinates, each of [`Curve::coordinate_len`] bytes.
    ///
    /// ```
    /// use issuer::{Curve, KeyError, KeyMaterial, KeySet, PublicKey};
    /// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/mixed-keys/p256.pub")?)?;
    /// let KeyMaterial::Ec { x, y, .. } = keys[0].material() else { panic!("{}", keys[0]) };
    /// assert_eq!(PublicKey::ec(Curve::P256, x, y)?, keys[0]);
    /// assert_eq!(PublicKey::ec(Curve::P256, y, x), Err(KeyError::EcPoint(Curve::P256)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError`] when a coordinate has another length or the point is not on the curve.
    pub fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let len = curve.coordinate_len();
        if x.len() != len || y.len() != len {
            return Err(KeyError::EcCoordinates(curve));
        }
        let point = [&[4], x, y].concat();
        ParsedPublicKey::new(curve.verification(), &point).map_err(|_| KeyError::EcPoint(curve))?;
        let oid = curve.oid();
        let algorithm = AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters: Some(AnyRef::from(&oid)) };
        Self::new(KeyMaterial::Ec { curve, x: x.to_vec(), y: y.to_vec() }, algorithm, &point)
    }

    /// An EC key of an uncompressed point, the only form the API server reads (SEC 1 section 2.3.3).
    pub(super) fn ec_point(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        match point.split_first() {
            Some((4, rest)) if rest.len() == 2 * curve.coordinate_len() => {
                let (x, y) = rest.split_at(curve.coordinate_len());
                Self::ec(curve, x, y)
            }
            Some((2 | 3, _)) => Err(KeyError::EcCompressed),
            _ => Err(KeyError::EcCoordinates(curve)),
        }
    }

    /// A key of its DER SubjectPublicKeyInfo (RFC 5280 section 4.1).
    ///
    /// # Errors
    ///
    /// [`KeyError`] for DER that is not one, another key type, or a key outside the limits of [`PublicKey`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki(&SubjectPublicKeyInfoRef::from_der(der)?)
    }

    pub(super) fn from_spki(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<Self, KeyError> {
        let bits = spki.subject_public_key.as_bytes().ok_or(KeyError::BitString)?;
        match spki.algorithm.oid {
            RSA_ENCRYPTION => Self::from_pkcs1_der(bits),
            EC_PUBLIC_KEY => Self::ec_point(curve_of(&spki.algorithm)?, bits),
            other => Err(KeyError::Type(name_of(other))),
        }
    }

    /// A key of its DER RSAPublicKey (PKCS#1, RFC 8017 appendix A.1.1).
    pub(super) fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = pkcs1::RsaPublicKeyRef::from_der(der)?;
        Self::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    fn new(
        material: KeyMaterial,
        algorithm: AlgorithmIdentifierRef<'_>,
        subject_public_key: &[u8],
    ) -> Result<Self, KeyError> {
        let subject_public_key = BitStringRef::from_bytes(subject_public_key)?;
        let spki = SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der()?;
        let key_id = KeyId::of_spki(&spki);
        Ok(Self { material, spki, key_id })
    }

    /// The key ID.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The numbers of the key.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The one algorithm this key verifies: RS256 for RSA, and each curve its own.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            KeyMaterial::Rsa { .. } => Algorithm::Rs256,
            KeyMaterial::Ec { curve: Curve::P256, .. } => Algorithm::Es256,
            KeyMaterial::Ec { curve: Curve::P384, .. } => Algorithm::Es384,
            KeyMaterial::Ec { curve: Curve::P521, .. } => Algorithm::Es512,
        }
    }

    /// The size in bits: of the modulus, or of the curve's field.
    pub fn bits(&self) -> usize {
        match &self.material {
            KeyMaterial::Rsa { modulus, .. } => bit_len(modulus),
            KeyMaterial::Ec { curve: Curve::P256, .. } => 256,
            KeyMaterial::Ec { curve: Curve::P384, .. } => 384,
            KeyMaterial::Ec { curve: Curve::P521, .. } => 521,
        }
    }

    /// The DER SubjectPublicKeyInfo whose hash is the key ID.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }
}

/// `RSA 2048` or `P-256`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.material {
            KeyMaterial::Rsa { .. } => f.pad(&format!("RSA {}", self.bits())),
            KeyMaterial::Ec { curve, .. } => f.pad(curve.name()),
        }
    }
}

fn strip_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[start..]
}

fn bit_len(stripped: &[u8]) -> usize {
    stripped.first().map_or(0, |first| stripped.len() * 8 - first.leading_zeros() as usize)
}

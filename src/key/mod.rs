//! Bytes of every encoding in, checked public keys with the API server's key IDs out.

mod algorithm;
mod certificate;
mod curve;
mod der_key;
mod jwk;
mod key_error;
mod key_id;
mod key_set;
mod key_vault;
mod note;
mod other_format;
mod pem_block;
mod place;
mod public_key;
mod secret;
mod ssh;
mod text;

pub use algorithm::Algorithm;
pub use certificate::CertificatePurpose;
pub use curve::Curve;
pub use jwk::Jwk;
pub use key_error::KeyError;
pub use key_id::KeyId;
pub use key_set::{KeyReader, KeySet};
pub use note::{Note, SkipReason};
pub use other_format::OtherFormat;
pub use place::Place;
pub use public_key::{KeyMaterial, PublicKey};

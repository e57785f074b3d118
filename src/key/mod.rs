//! Bytes of every encoding in, checked public keys with the API server's key IDs out.

mod algorithm;
mod certificate;
mod curve;
mod der_key;
mod entry_choice;
mod escaped;
mod jwk;
mod key_error;
mod key_id;
mod key_reader;
mod key_set;
mod key_vault;
mod manifest;
mod note;
mod other_document;
mod other_format;
mod pem_block;
mod place;
mod public_key;
mod ssh;
mod text;
mod yaml;

pub use algorithm::Algorithm;
pub use certificate::CertificatePurpose;
pub use curve::Curve;
pub use jwk::Jwk;
pub use key_error::KeyError;
pub use key_id::KeyId;
pub use key_reader::KeyReader;
pub use key_set::KeySet;
pub use note::{Note, SkipReason};
pub use other_document::OtherDocument;
pub use other_format::OtherFormat;
pub use place::Place;
pub use public_key::{KeyMaterial, PublicKey};

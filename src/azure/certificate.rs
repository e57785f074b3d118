use std::{fmt, fs, path::Path};

use async_trait::async_trait;
use aws_lc_rs::{
    digest,
    rand::{self, SystemRandom},
    signature::{RSA_PSS_SHA256, RsaKeyPair},
};
use azure_core::{error::ErrorKind, http::ClientMethodOptions};
use azure_identity::ClientAssertion;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;

use super::AzureProblem;
use crate::key::KeySet;

/// The validity of an assertion, in seconds.
const LIFETIME: i64 = 600;

/// Signs a service principal's assertions with the private key of its certificate.
///
/// Microsoft Learn, "Microsoft identity platform application authentication certificate credentials".
pub(super) struct CertificateAssertion {
    audience: String,
    client_id: String,
    key: RsaKeyPair,
    /// SHA-256 of the certificate.
    thumbprint: String,
}

impl CertificateAssertion {
    /// Reads a PEM file with a private key and its certificate, in any order.
    pub(super) fn read(path: &Path, audience: String, client_id: String) -> Result<Self, AzureProblem> {
        let refuse = |because: &str| AzureProblem::Certificate(because.to_owned());
        let bytes = fs::read(path).map_err(|error| refuse(&error.to_string()))?;
        let blocks = pem::parse_many(&bytes).map_err(|_| refuse("it is not PEM"))?;
        let labelled = |label: &'static str| blocks.iter().filter(move |block| block.tag() == label);
        if labelled("ENCRYPTED PRIVATE KEY").next().is_some() {
            return Err(refuse("its private key is encrypted with a password"));
        }
        let pkcs8 = labelled("PRIVATE KEY").map(|block| (block, RsaKeyPair::from_pkcs8(block.contents())));
        let pkcs1 = labelled("RSA PRIVATE KEY").map(|block| (block, RsaKeyPair::from_der(block.contents())));
        let (block, key) = pkcs8.chain(pkcs1).next().ok_or_else(|| refuse("it holds no RSA private key"))?;
        let key = key.map_err(|_| refuse("its private key is not an RSA key of at least 2048 bits"))?;
        let key_id = |block: &pem::Pem| {
            let keys = KeySet::from_bytes(pem::encode(block).as_bytes()).ok()?;
            keys.iter().next().map(|key| key.key_id().clone())
        };
        let own = key_id(block);
        let certificate = labelled("CERTIFICATE").find(|certificate| own.is_some() && key_id(certificate) == own);
        let certificate = certificate.ok_or_else(|| refuse("it holds no certificate for its private key"))?;
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, certificate.contents()));
        Ok(Self { audience, client_id, key, thumbprint })
    }

    fn sign(&self, now: Timestamp) -> Result<String, aws_lc_rs::error::Unspecified> {
        let random = SystemRandom::new();
        let mut id = [0; 16];
        rand::SecureRandom::fill(&random, &mut id)?;
        let now = now.as_second();
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": self.audience,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": BASE64_URL_SAFE_NO_PAD.encode(id),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
        });
        let encode = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PSS_SHA256, &random, text.as_bytes(), &mut signature)?;
        Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[async_trait]
impl ClientAssertion for CertificateAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let failed = |_| azure_core::Error::with_message(ErrorKind::Credential, "cannot sign the client assertion");
        self.sign(Timestamp::now()).map_err(failed)
    }
}

impl fmt::Debug for CertificateAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAssertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

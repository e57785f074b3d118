use aws_lc_rs::hmac;
use azure_core::credentials::Secret;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::utf8_percent_encode;

use super::{Account, AzureProblem, RESERVED};

/// The validity of a SAS: long enough for one request and for clock skew.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// The version of the string to sign.
const VERSION: &str = "2022-11-02";
/// The blob service; its service, container and object resources; read, write, delete, create.
const SERVICES: &str = "b";
const RESOURCES: &str = "sco";
const PERMISSIONS: &str = "rwdc";

/// Signs account SAS tokens with an account key.
///
/// Microsoft Learn, "Create an account SAS".
pub(super) struct SasSigner {
    account: String,
    protocols: &'static str,
    key: hmac::Key,
}

impl SasSigner {
    pub(super) fn new(account: &Account, key: &Secret) -> Result<Self, AzureProblem> {
        let key = BASE64_STANDARD.decode(key.secret()).map_err(|_| AzureProblem::AccountKey)?;
        Ok(Self {
            account: account.name.to_string(),
            protocols: if account.is_plain() { "https,http" } else { "https" },
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    /// A SAS that is valid for [`LIFETIME`] from `now`.
    pub(super) fn sign(&self, now: Timestamp) -> Secret {
        let expiry = now.checked_add(LIFETIME).unwrap_or(now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let Self { account, protocols, key } = self;
        // The empty lines are the start time, the IP addresses and the encryption scope.
        let text =
            format!("{account}\n{PERMISSIONS}\n{SERVICES}\n{RESOURCES}\n\n{expiry}\n\n{protocols}\n{VERSION}\n\n");
        let signature = BASE64_STANDARD.encode(hmac::sign(key, text.as_bytes()));
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        Secret::new(format!(
            "sv={VERSION}&ss={SERVICES}&srt={RESOURCES}&sp={PERMISSIONS}&se={}&spr={}&sig={}",
            encode(&expiry),
            encode(protocols),
            encode(&signature)
        ))
    }
}

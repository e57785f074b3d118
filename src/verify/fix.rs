//! What to do about a refusal.

use super::{Refusal, clipped::first_of};
use crate::{published::FetchError, token::TokenError};

impl Refusal {
    /// What to change so that the token, or the next one, is accepted.
    pub fn fix(&self) -> String {
        match self {
            Self::Malformed(TokenError::Empty) => {
                "check that the file is the projected volume's and the kubelet has written it".to_owned()
            }
            Self::Malformed(_) => "pass the projected token itself, as the kubelet wrote it".to_owned(),
            Self::Legacy => "project a token: a serviceAccountToken volume, or `kubectl create token`".to_owned(),
            Self::Algorithm { alg, .. } if alg.starts_with("ES") => {
                "sign with an RSA key (--service-account-signing-key-file); for other relying parties pass --for oidc"
                    .to_owned()
            }
            Self::Algorithm { .. } => "use a token the API server signed".to_owned(),
            Self::KeyIdMissing | Self::Type(_) | Self::Critical(_) => {
                "use a token the API server signed; another signer made this one".to_owned()
            }
            Self::IssuerMissing => "set the API server's --service-account-issuer".to_owned(),
            Self::IssuerUrl(_) => {
                "set --service-account-issuer to the https URL the documents are published at".to_owned()
            }
            Self::Issuer { expected, seen } => issuer_fix(expected, seen),
            Self::IssuerUntrusted { seen, .. } => {
                format!("trust {seen:?} too, if it is yours; a token that a stranger made is rightly refused")
            }
            Self::DiscoveryIssuer { expected: seen, seen: expected } => format!(
                "{} (a federated credential that has the token's own string is answered AADSTS501661 instead)",
                issuer_fix(expected, seen)
            ),
            Self::IssuerNotPublic { .. } => {
                "set --service-account-issuer of the API server to a public https URL and publish the documents there; for other relying parties pass --for oidc".to_owned()
            }
            Self::JwksUriNotPublic { .. } => {
                "publish a discovery document whose jwks_uri is below the issuer: issuer publish sa.pub --allow-jwks-uri-change"
                    .to_owned()
            }
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) => fetch_fix(error),
            Self::DiscoveryContent(_) | Self::KeySetContent(_) | Self::KeySetEmpty => {
                "publish both documents again: issuer publish".to_owned()
            }
            Self::KeySetPrivate(_) => "rotate the signing key now, and publish only public keys".to_owned(),
            Self::KeySetDuplicate { .. } => {
                "publish again: issuer publish writes each key under its own key ID".to_owned()
            }
            Self::KeySetTooMany(_) => "drop retired keys: issuer publish --prune".to_owned(),
            Self::KeyNotFound { published, .. } => {
                let published = if published.is_empty() { "none".to_owned() } else { first_of(published).join(", ") };
                format!("publish the API server's current public key with issuer publish; published now: {published}")
            }
            Self::KeyIdForeign { .. } => {
                "publish again: issuer publish writes each key under the API server's own key ID".to_owned()
            }
            Self::KeySize { .. } => "rotate to an RSA key of 2048 to 8192 bits".to_owned(),
            Self::KeyUnusable { .. } => "publish that key again: issuer publish".to_owned(),
            Self::AlgorithmOfKey { .. } | Self::Signature => {
                "use the token as the API server issued it; if it was, publish that server's own sa.pub".to_owned()
            }
            Self::Lifetime { issued: None, .. } => {
                "use a token that the API server issued: it always has an iat".to_owned()
            }
            Self::Lifetime { .. } => {
                "set expirationSeconds of the projected token to 86400 or less (kubectl create token: --duration=24h)"
                    .to_owned()
            }
            Self::AudienceMissing => "project a token with an audience".to_owned(),
            Self::Audience { expected, .. } => format!(
                "project a token for {} (audience of the pod's serviceAccountToken volume)",
                expected.join(" or ")
            ),
            Self::SubjectMissing | Self::SubjectForm(_) => {
                "use a token the API server issued to a service account".to_owned()
            }
            Self::Subject { seen, .. } => {
                format!("use that service account in the pod, or make the federated credential's subject {seen}")
            }
            Self::ExpiryMissing => "project a token: the API server gives it an expiry".to_owned(),
            Self::Expired { .. } => "read the token file again at each exchange: the kubelet renews it".to_owned(),
            Self::NotYetValid { .. } => "set the clocks of control plane and client (NTP)".to_owned(),
        }
    }
}

fn issuer_fix(expected: &str, seen: &str) -> String {
    let cause = if expected.trim_end_matches('/') == seen.trim_end_matches('/') {
        "they differ by a trailing slash: "
    } else if expected.eq_ignore_ascii_case(seen) {
        "they differ in upper and lower case: "
    } else {
        ""
    };
    format!(
        "{cause}use one string in --service-account-issuer, the discovery document and the federated credential; \
         {expected} is published or expected, {seen} is what tokens say"
    )
}

fn fetch_fix(error: &FetchError) -> String {
    match error {
        FetchError::NoAnswer { .. } | FetchError::Unreadable { .. } => {
            "check the name, the network and the certificate; Entra needs to reach it from the internet".to_owned()
        }
        FetchError::Status { status: 401 | 403, .. } => {
            "let everybody read it: a storage firewall or a private container hides it from Entra".to_owned()
        }
        FetchError::Status { status: 404, is_html: true, .. } => {
            "publish the documents there: issuer publish; a static website answers so for what is not in its $web container, and for everything while it is off".to_owned()
        }
        FetchError::DotFolder(_) => {
            "serve the folder .well-known too: some hosts leave out names that start with a dot (GitHub Pages: add a file .nojekyll; actions/upload-pages-artifact: include-hidden-files: true)".to_owned()
        }
        FetchError::Status { status: 404, .. } | FetchError::NotThere(_) => {
            "publish the documents there: issuer publish; where --published is given, it stands in for the whole issuer URL, path included".to_owned()
        }
        FetchError::Status { .. } => "try again; if it stays, look at the server in front of the documents".to_owned(),
        FetchError::TooLong { .. } => "publish the documents again: issuer publish".to_owned(),
        FetchError::Redirect { .. } => "serve the documents at the issuer URL itself".to_owned(),
        FetchError::Elsewhere(_) => "pass --published with a URL, or the keys with --jwks".to_owned(),
        FetchError::NotHttps(_) => {
            "publish a discovery document whose jwks_uri is below the issuer: issuer publish".to_owned()
        }
    }
}

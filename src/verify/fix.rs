//! The next step after a refusal. No fix leads back to the state that it is for: `tests/it/fixes.rs` runs them.

use super::{Refusal, clipped::first_of};
use crate::{documents::FetchError, entra::Aadsts, hint::Hint, no_answer, token::TokenError};

/// What to change so that the token, or the next one, is accepted.
impl Hint for Refusal {
    fn hint(&self) -> Option<String> {
        Some(self.fix())
    }
}

impl Refusal {
    fn fix(&self) -> String {
        let fix = match self {
            Self::Malformed(TokenError::Empty) => {
                "check that the file belongs to the projected volume and that the kubelet has written it"
            }
            Self::Malformed(TokenError::Other(other)) => other.fix(),
            Self::Malformed(_) => "pass the projected token exactly as the kubelet writes it",
            Self::Legacy => "use a projected token: a serviceAccountToken volume, or kubectl create token",
            Self::Algorithm { alg, .. } if alg.starts_with("ES") => {
                "sign with an RSA key (--service-account-signing-key-file); for other relying parties pass --for oidc"
            }
            Self::Algorithm { .. } => "use a token that the API server signed",
            Self::KeyIdMissing | Self::Type(_) | Self::Critical(_) => {
                "use a token that the API server signed; another signer made this one"
            }
            Self::IssuerMissing => "set --service-account-issuer of the API server",
            Self::IssuerUrl(_) => {
                "set --service-account-issuer of the API server to the https URL where the documents are published"
            }
            Self::Issuer { expected, seen } => return issuer_fix(expected, seen),
            Self::IssuerUntrusted { seen, .. } => {
                return format!(
                    "pass --issuer {} too if this issuer is yours; other tokens are rightly refused",
                    url(seen)
                );
            }
            Self::DiscoveryIssuer { expected: seen, seen: expected } => {
                let fix = issuer_fix(expected, seen);
                let other = Aadsts::DISCOVERY;
                return format!("{fix} (a federated credential with the token's own string gets {other} instead)");
            }
            Self::KeySetFetch(FetchError::NotPublic { .. } | FetchError::NotPublicHere { .. }) => {
                "publish a discovery document whose jwks_uri is below the issuer: issuer publish sa.pub --allow-jwks-uri-change; to use keys that you have, pass --jwks FILE"
            }
            Self::IssuerNotPublic { .. } => {
                "set --service-account-issuer of the API server to a public https URL and publish the documents there; for other relying parties pass --for oidc"
            }
            Self::JwksUriNotPublic { .. } => JWKS_URI_FIX,
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) => return fetch_fix(error).to_owned(),
            Self::DiscoveryContent(_) | Self::KeySetContent(_) => {
                "publish both documents again: issuer publish sa.pub --replace-unreadable"
            }
            Self::KeySetEmpty => "publish the API server's keys: issuer publish sa.pub",
            Self::KeySetPrivate(_) => {
                "publish again, which removes private members: issuer publish sa.pub; then rotate this key, since everybody could read it"
            }
            Self::KeySetDuplicate { named: true, .. } => {
                "publish the API server's keys, which replace others under their key IDs: issuer publish sa.pub"
            }
            Self::KeySetDuplicate { kid, named: false } => {
                let kid = word(kid);
                return format!(
                    "publish again and drop the keys that share this ID: issuer publish sa.pub --remove {kid}"
                );
            }
            Self::KeySetTooMany(_) => {
                "drop the keys that no API server signs with any more: issuer publish sa.pub --remove KID for each; --prune drops those that are due"
            }
            Self::KeyNotFound { kid, published } => {
                let published = if published.is_empty() { "none".to_owned() } else { first_of(published).join(", ") };
                return format!("{}; published now: {published}", publish_key(kid));
            }
            Self::KeyIdForeign { .. } => {
                "publish the API server's key file and not a JWKS with other key IDs: issuer publish sa.pub"
            }
            Self::KeySize { .. } => "rotate to an RSA key of 2048 to 8192 bits",
            Self::KeyUnusable { kid, .. } => return publish_key(kid),
            Self::AlgorithmOfKey { .. } | Self::Signature => {
                "use the token as the API server issued it; if it is, publish the keys of that server: issuer publish sa.pub"
            }
            Self::Lifetime { issued: None, .. } => "use a token that the API server issued: it always has an iat",
            Self::Lifetime { .. } => {
                "set expirationSeconds of the projected token to 86400 or less (kubectl create token: --duration=24h)"
            }
            Self::AudienceMissing => "project a token with an audience",
            Self::Audience { expected, .. } => {
                let expected = expected.join(" or ");
                return format!("project a token for {expected} (audience of the pod's serviceAccountToken volume)");
            }
            Self::SubjectMissing | Self::SubjectForm(_) => {
                "use a token that the API server issued to a service account"
            }
            Self::Subject { seen, .. } => {
                return format!(
                    "use that service account in the pod, or set the subject of the federated credential to {seen}"
                );
            }
            Self::ExpiryMissing => "use a projected token: the API server always sets its expiry",
            Self::Expired { .. } => "read the token file again at each exchange: the kubelet renews it",
            Self::NotYetValid { .. } => "synchronise the clocks of control plane and client (NTP)",
        };
        fix.to_owned()
    }
}

const JWKS_URI_FIX: &str =
    "publish a discovery document whose jwks_uri is below the issuer: issuer publish sa.pub --allow-jwks-uri-change";

/// A key ID as a word of a command, if a shell reads it as one.
fn word(kid: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:+=@".contains(&byte);
    if !kid.is_empty() && kid.bytes().all(is_plain) { kid } else { "KID" }
}

/// An issuer from a token or document as a word of a command line, which a shell would not read as more.
fn url(issuer: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte);
    if issuer.starts_with("http") && issuer.bytes().all(is_plain) { issuer } else { "URL" }
}

/// How to publish the key with an ID. One that is not the API server's hash is an external signer's, and only its JWKS has it.
fn publish_key(kid: &str) -> String {
    let is_hash = kid.len() == 43 && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_hash {
        "publish the API server's current public key: issuer publish sa.pub".to_owned()
    } else {
        "publish the JWKS of the API server, which has this key ID: kubectl get --raw /openid/v1/jwks > jwks.json; issuer publish jwks.json".to_owned()
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

/// What Azure Storage answers to anonymous readers for a document in a private container, too
/// (<https://learn.microsoft.com/azure/storage/blobs/anonymous-read-access-configure>).
const HIDES_PRIVATE: [&str; 3] = ["ResourceNotFound", "ContainerNotFound", "BlobNotFound"];

const UNREACHED: &str = "check the name, the network and the certificate; Entra must reach it from the internet";

fn fetch_fix(error: &FetchError) -> &'static str {
    match error {
        FetchError::NoAnswer { because, .. } => no_answer::hint(because).unwrap_or(UNREACHED),
        FetchError::Unreadable { .. } => UNREACHED,
        FetchError::Status { status: 409, .. } if error.is_blocked() => {
            "publish to the static website, which needs no public access to blobs, and use its web endpoint as the issuer: issuer publish sa.pub --account NAME"
        }
        FetchError::Status { status: 401 | 403, .. } => {
            "allow anonymous reads: a storage firewall or a private container hides it from Entra"
        }
        FetchError::Status { status: 404, is_html: true, .. } => {
            "publish the documents there: issuer publish sa.pub; a static website answers 404 with a page for files that are not in its $web container, and for all files while it is off"
        }
        FetchError::DotFolder(_) => {
            "serve the folder .well-known too: some hosts leave out names that start with a dot (GitHub Pages: add a file .nojekyll; actions/upload-pages-artifact: include-hidden-files: true)"
        }
        FetchError::Status { status: 404, code: Some(code), .. } if HIDES_PRIVATE.contains(&code.as_str()) => {
            "it may be there and private: Azure Storage answers so for a private container; publish to the static website and use its web endpoint as the issuer (issuer publish sa.pub --account NAME), or permit anonymous read access to the container"
        }
        FetchError::Status { status: 404, .. } | FetchError::NotThere(_) => {
            "publish the documents there: issuer publish sa.pub; --published stands in for the whole issuer URL, path included"
        }
        FetchError::Status { .. } => "try again; if the status stays, check the server of the documents",
        FetchError::TooLong { .. } => "delete this document, and publish it again: issuer publish sa.pub",
        FetchError::Redirect { .. } => "serve the documents at the issuer URL itself",
        FetchError::Elsewhere(_) => "pass --published with a URL, or the keys with --jwks",
        FetchError::Encoded { .. } => {
            "publish again, which removes the Content-Encoding of the blob: issuer publish sa.pub; if it stays, switch off compression in the server or cache of the documents"
        }
        FetchError::NotPublic { .. } => {
            "pass --issuer URL if you trust that host; Entra needs one that the internet can reach"
        }
        FetchError::NotPublicHere { .. } => {
            "pass --issuer URL if you trust that host; Entra may get other addresses for it"
        }
        FetchError::NotHttps(_) | FetchError::Credentials(_) => JWKS_URI_FIX,
    }
}

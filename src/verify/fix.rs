//! The next step after a refusal. `tests/it/fixes.rs` runs the fixes and checks that each one resolves its refusal.

use super::{Refusal, clipped::first_of};
use crate::{documents::FetchError, entra::Aadsts, hint::Hint, no_answer, token::TokenError};

/// A change after which this token or the next token is accepted.
impl Hint for Refusal {
    fn hint(&self) -> Option<String> {
        Some(self.fix())
    }
}

impl Refusal {
    fn fix(&self) -> String {
        let fix = match self {
            Self::Malformed(TokenError::Empty) => {
                "check that the file belongs to the projected volume and that the kubelet has written the file"
            }
            Self::Malformed(TokenError::Other(other)) => other.fix(),
            Self::Malformed(_) => "pass the projected token exactly as the kubelet writes it",
            Self::Legacy => "use a projected token: a serviceAccountToken volume, or kubectl create token",
            Self::Algorithm { alg, .. } if alg.starts_with("ES") => {
                "sign with an RSA key (--service-account-signing-key-file); for other relying parties pass --for oidc"
            }
            Self::Algorithm { .. } => "use a token that the API server signed",
            Self::KeyIdMissing | Self::Type(_) | Self::Critical(_) => {
                "use a token that the API server signed; this token is from another signer"
            }
            Self::IssuerMissing => "set --service-account-issuer of the API server",
            Self::IssuerUrl(_) => {
                "set --service-account-issuer of the API server to the https URL where the documents are published"
            }
            Self::Issuer { expected, seen } => return issuer_fix(expected, seen),
            Self::IssuerUntrusted { seen, .. } => {
                return format!("if you trust this issuer, add --issuer {}", url(seen));
            }
            Self::DiscoveryIssuer { expected: seen, seen: expected, has_credential } => {
                let fix = issuer_fix(expected, seen);
                if *has_credential {
                    return fix;
                }
                let other = Aadsts::DISCOVERY;
                return format!(
                    "{fix} (with the issuer of the token in the federated identity credential, Entra answers {other})"
                );
            }
            Self::KeySetFetch(FetchError::NotPublic { .. } | FetchError::NotPublicHere { .. }) => {
                "publish a discovery document whose jwks_uri is below the issuer: issuer publish sa.pub --allow-jwks-uri-change; to verify with local keys, pass --jwks FILE"
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
                "publish again to remove the private members: issuer publish sa.pub; then rotate this key, because its private members were public"
            }
            Self::KeySetDuplicate { named: true, .. } => {
                "publish the API server's keys, which replace other keys with the same key ID: issuer publish sa.pub"
            }
            Self::KeySetDuplicate { kid, named: false } => {
                let kid = word(kid);
                return format!(
                    "publish again and remove the keys that share this key ID: issuer publish sa.pub --remove {kid}"
                );
            }
            Self::KeySetTooMany(_) => {
                "remove the keys that no API server uses any more: issuer publish sa.pub --remove KID for each; --prune removes retired keys that are due"
            }
            Self::KeyNotFound { kid, published } => {
                let published = if published.is_empty() { "none".to_owned() } else { first_of(published).join(", ") };
                return format!("{}; published keys: {published}", publish_key(kid));
            }
            Self::KeyIdForeign { .. } => {
                "publish the API server's key file instead of a JWKS with other key IDs: issuer publish sa.pub"
            }
            Self::KeySize { .. } => "rotate to an RSA key of 2048 to 8192 bits",
            Self::KeyUnusable { kid, .. } => return publish_key(kid),
            Self::AlgorithmOfKey { .. } | Self::Signature => {
                "use the unmodified token of the API server; if the token is unmodified, publish the keys of that API server: issuer publish sa.pub"
            }
            Self::Lifetime { issued: None, .. } => "use a token that the API server issued, which always has an iat",
            Self::Lifetime { .. } => {
                "set expirationSeconds of the projected token to 86400 or less (kubectl create token: --duration=24h)"
            }
            Self::Credential(mismatch) => return mismatch.hint().unwrap_or_default(),
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
                    "run the pod as the expected service account, or set the subject of the federated identity credential to {seen}"
                );
            }
            Self::ExpiryMissing => "use a projected token: the API server always sets its expiry",
            Self::Expired { .. } => "read the token file again at each exchange: the kubelet renews the token",
            Self::NotYetValid { .. } => "synchronise the clocks of control plane and client (NTP)",
        };
        fix.to_owned()
    }
}

const JWKS_URI_FIX: &str =
    "publish a discovery document whose jwks_uri is below the issuer: issuer publish sa.pub --allow-jwks-uri-change";

/// The key ID, if a command can contain it without quoting, else a placeholder.
fn word(kid: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:+=@".contains(&byte);
    if !kid.is_empty() && kid.bytes().all(is_plain) { kid } else { "KID" }
}

/// The untrusted issuer, if a command can contain it without quoting, else a placeholder.
fn url(issuer: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte);
    if issuer.starts_with("http") && issuer.bytes().all(is_plain) { issuer } else { "URL" }
}

/// The command that publishes the key with this key ID. Other key IDs than the API server's hash come from an external
/// signer and are only in the JWKS of the API server.
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
        "the issuers differ by a trailing slash: "
    } else if expected.eq_ignore_ascii_case(seen) {
        "the issuers differ in upper and lower case: "
    } else {
        ""
    };
    format!(
        "{cause}use one string in --service-account-issuer, the discovery document and the federated identity credential; \
         {expected} is published or expected, {seen} is in the token"
    )
}

/// Error codes that Azure Storage also returns to anonymous clients for a document in a private container
/// (<https://learn.microsoft.com/azure/storage/blobs/anonymous-read-access-configure>).
const HIDES_PRIVATE: [&str; 3] = ["ResourceNotFound", "ContainerNotFound", "BlobNotFound"];

const UNREACHED: &str =
    "check the host name, the network and the certificate; Entra must reach the URL from the internet";

fn fetch_fix(error: &FetchError) -> &'static str {
    match error {
        FetchError::NoAnswer { because, .. } => no_answer::hint(because).unwrap_or(UNREACHED),
        FetchError::Unreadable { .. } => UNREACHED,
        FetchError::Status { status: 409, .. } if error.is_blocked() => {
            "publish to the static website, which needs no public access to blobs, and use its web endpoint as the issuer: issuer publish sa.pub --account NAME"
        }
        FetchError::Status { status: 401 | 403, .. } => {
            "allow anonymous reads: a storage firewall or a private container blocks Entra"
        }
        FetchError::Status { status: 404, is_html: true, .. } => {
            "publish the documents to this site: issuer publish sa.pub; a static website returns 404 with an HTML page for files that are not in its $web container, and for all files while the website is disabled"
        }
        FetchError::DotFolder(_) => {
            "serve the folder .well-known: some hosts omit names that start with a dot (GitHub Pages: add a file .nojekyll; actions/upload-pages-artifact: include-hidden-files: true)"
        }
        FetchError::Status { status: 404, code: Some(code), .. } if HIDES_PRIVATE.contains(&code.as_str()) => {
            "the document may be private: Azure Storage also returns this error for a private container; publish to the static website and use its web endpoint as the issuer (issuer publish sa.pub --account NAME), or permit anonymous read access to the container"
        }
        FetchError::Status { status: 404, .. } | FetchError::NotThere(_) => {
            "publish the documents to this site: issuer publish sa.pub; --published replaces the whole issuer URL, including its path"
        }
        FetchError::Status { .. } => "retry; if the status persists, check the server of the documents",
        FetchError::TooLong { .. } => "delete this document, then publish again: issuer publish sa.pub",
        FetchError::Redirect { .. } => "serve the documents at the issuer URL itself",
        FetchError::Elsewhere(_) => "pass --published with a URL, or the keys with --jwks",
        FetchError::Encoded { .. } => {
            "publish again to remove the Content-Encoding of the blob: issuer publish sa.pub; if the header persists, disable compression in the server or cache of the documents"
        }
        FetchError::NotPublic { .. } => {
            "pass --issuer URL if you trust that host; Entra requires a host that the internet can reach"
        }
        FetchError::NotPublicHere { .. } => {
            "pass --issuer URL if you trust that host; Entra may resolve other addresses"
        }
        FetchError::NotHttps(_) | FetchError::Credentials(_) => JWKS_URI_FIX,
    }
}

//! Checks of a client assertion, as Microsoft Entra ID makes them.
//!
//! "Microsoft identity platform application authentication certificate credentials" (certificate-credentials.md) has
//! the assertion that a certificate signs, "Workload identity federation" the one that another provider issued.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, Header, Validation, errors::ErrorKind};
use serde_json::Value;
use x509_cert::{Certificate, der::Decode};

use super::entra::{Proof, Refusal};

const HELP: &str = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// Checks the assertion against these proofs. An assertion that the application itself issued is signed with a
/// certificate.
pub(crate) fn check(token: &str, endpoint: &str, client_id: &str, proofs: &[&Proof]) -> Result<(), Refusal> {
    let malformed = || Refusal::new("invalid_request", 50027, "JWT token is invalid or malformed.");
    // A client may send a token with the line break of its file, which is not part of the token.
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(malformed());
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| malformed())?;
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| malformed())?;
    if claims["iss"] == client_id || claims["sub"] == client_id {
        signed(token, &header, &claims, endpoint, client_id, proofs)
    } else {
        federated(&claims, client_id, proofs)
    }
}

fn signed(
    token: &str,
    header: &Header,
    claims: &Value,
    endpoint: &str,
    client_id: &str,
    proofs: &[&Proof],
) -> Result<(), Refusal> {
    let (Some(thumbprint), algorithm) = (match (&header.x5t_s256, &header.x5t) {
        (Some(sha256), _) => (Some(sha256), &SHA256),
        (None, sha1) => (sha1.as_ref(), &SHA1_FOR_LEGACY_USE_ONLY),
    }) else {
        let sentence = "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId \
                        specified in token header.";
        return Err(Refusal::new("invalid_client", 5_002_723, sentence));
    };
    let certificate = proofs.iter().find_map(|proof| match proof {
        Proof::Certificate(der) if thumbprint_of(der, algorithm) == *thumbprint => Some(der),
        _ => None,
    });
    let Some(certificate) = certificate else {
        let sentence = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - The key was not found., Thumbprint of key used by client: '{}', Please visit the Azure Portal, \
             Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'.]",
            hex(thumbprint)
        );
        return Err(Refusal::new("invalid_client", 700_027, sentence));
    };
    let certificate = Certificate::from_der(certificate).unwrap();
    let key = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::PS256);
    validation.algorithms.push(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[endpoint]);
    validation.set_issuer(&[client_id]);
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    validation.sub = Some(client_id.to_owned());
    validation.validate_nbf = true;
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_rsa_der(key), &validation)
        .map_err(|error| refusal(error.kind(), thumbprint, claims))?;
    if claims["jti"].as_str().is_none_or(str::is_empty) {
        return Err(missing("jti"));
    }
    // The page sets no limit. This limit finds assertions that are not short-lived.
    let latest = Timestamp::now().as_second() + 24 * 3600;
    if claims["exp"].as_i64().is_none_or(|exp| exp > latest) { Err(out_of_time(claims)) } else { Ok(()) }
}

fn refusal(kind: &ErrorKind, thumbprint: &str, claims: &Value) -> Refusal {
    let (code, sentence) = match kind {
        ErrorKind::MissingRequiredClaim(name) => return missing(name),
        ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => return out_of_time(claims),
        ErrorKind::InvalidAudience => {
            (700_023, "Client assertion audience claim does not match Realm issuer.".to_owned())
        }
        ErrorKind::InvalidIssuer | ErrorKind::InvalidSubject => {
            (700_021, "Client assertion application identifier doesn't match 'client_id' parameter.".to_owned())
        }
        _ => (
            700_027,
            format!(
                "Client assertion contains an invalid signature. [Reason - The provided signature value did not match \
                 the expected signature value., Thumbprint of key used by client: '{}']",
                hex(thumbprint)
            ),
        ),
    };
    Refusal::new("invalid_client", code, sentence)
}

/// Issuer, subject and audience must be those of one credential, byte for byte.
fn federated(claims: &Value, client_id: &str, proofs: &[&Proof]) -> Result<(), Refusal> {
    let credentials: Vec<_> = proofs
        .iter()
        .filter_map(|proof| match proof {
            Proof::Federated { issuer, subject, audience } => Some((issuer, subject, audience)),
            _ => None,
        })
        .collect();
    if credentials.is_empty() {
        let sentence = format!("The client '{client_id}' has no configured federated identity credentials.");
        return Err(Refusal::new("invalid_client", 70025, sentence));
    }
    let text = |name: &str| claims[name].as_str().ok_or(()).map_err(|()| missing(name));
    let (issuer, subject) = (text("iss")?, text("sub")?);
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let first = audiences.first().ok_or(()).map_err(|()| missing("aud"))?;
    let now = Timestamp::now().as_second();
    if claims["exp"].as_i64().is_none_or(|exp| exp <= now) {
        return Err(out_of_time(claims));
    }
    let same_issuer: Vec<_> = credentials.iter().filter(|credential| credential.0 == issuer).collect();
    let same_subject: Vec<_> = same_issuer.iter().filter(|credential| credential.1 == subject).collect();
    let start = "No matching federated identity record found for presented assertion";
    let (code, sentence) = if same_issuer.is_empty() {
        let rest = "Please check your federated identity credential Subject, Audience and Issuer against the presented \
                    assertion.";
        (700_211, format!("{start} issuer '{issuer}'. {rest} {HELP}"))
    } else if same_subject.is_empty() {
        let rest = "Please note that matching is done using a case-sensitive comparison. Check your federated identity \
                    credential Subject, Audience, and Issuer against the presented assertion.";
        (700_213, format!("{start} subject '{subject}'. {rest} {HELP}"))
    } else if !same_subject.iter().any(|credential| audiences.contains(&credential.2.as_str())) {
        let rest = "Please check your federated identity credential Subject, Audience and Issuer against the presented \
                    assertion.";
        (700_212, format!("{start} audience '{first}'. {rest} {HELP}"))
    } else {
        return Ok(());
    };
    Err(Refusal::new("invalid_client", code, sentence))
}

fn missing(claim: &str) -> Refusal {
    let sentence = format!(
        "The required field '{claim}' is missing from the credential. Ensure that you have all the necessary \
         parameters for the login request."
    );
    Refusal::new("invalid_client", 90014, sentence)
}

fn out_of_time(claims: &Value) -> Refusal {
    let time = |seconds: Option<i64>| Timestamp::from_second(seconds.unwrap_or(0)).unwrap_or_default();
    let sentence = format!(
        "Client assertion is not within its valid time range. Current time: {:.0}, assertion valid from {:.0}, expiry \
         time of assertion {:.0}.",
        Timestamp::now(),
        time(claims["nbf"].as_i64()),
        time(claims["exp"].as_i64())
    );
    Refusal::new("invalid_client", 700_024, sentence)
}

fn thumbprint_of(der: &[u8], algorithm: &'static Algorithm) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(algorithm, der))
}

/// Entra prints a thumbprint in hexadecimal.
fn hex(thumbprint: &str) -> String {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(thumbprint).unwrap_or_default();
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

//! Secrets that stand in the wrong place, taken out of text before it is printed.

use std::{borrow::Cow, sync::LazyLock};

use regex_lite::{Captures, Regex};

/// What secrets look like, and what is printed in their place.
///
/// - PEM private keys, with real or escaped line ends.
/// - Tokens: a JOSE header starts with `{"`, which is `eyJ` in base64.
/// - Names with a value: connection strings, shared access signatures, OAuth parameters, in URLs, forms and JSON.
/// - User and password of a URL.
/// - Storage account keys (64 bytes in base64), signatures (32 bytes) and other long base64.
/// - Client secrets of Entra, which have `8Q~` or `7Q~` at the fourth character.
/// - Bearer tokens of other forms.
const SHAPES: [(&str, &str); 8] = [
    (r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*?(?:-----END [A-Z0-9 ]*-----|$)", "…"),
    (r"eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){2,4}", "…"),
    (
        r#"(?i)\b(AccountKey|SharedAccessKey|SharedAccessSignature|client_secret|client_assertion|password|passwd|pwd|sig|(?:access|refresh|id)_token)(=|%3D|"\s*:\s*")[^&;,\s"']+"#,
        "${1}${2}…",
    ),
    (r#"(?i)\b(AccountKey|SharedAccessKey)\s+[^&;,\s"']{8,}"#, "${1} …"),
    (r#"://[^/?#\s"']*:[^/?#\s"']*@"#, "://…@"),
    (r"[A-Za-z0-9+/_-]{42,}={1,2}", "…"),
    (r"[A-Za-z0-9._~-]{3}[78]Q~[A-Za-z0-9._~-]{20,}", "…"),
    (r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{16,}", "Bearer …"),
];

/// Storage account keys without their padding, and other long secrets in base64.
const LONG_BASE64: &str = r"[A-Za-z0-9+/]{80,}={0,2}";

/// Text without what looks like a secret in it: private keys, tokens, account keys, signatures, passwords.
///
/// Every error, hint and note of the command line goes through it; errors of this library that show what a caller passed do,
/// too. A secret in a form that nobody knows is not found, so what may hold one should not be printed at all.
///
/// ```
/// use issuer::redacted;
/// assert_eq!(redacted("AccountName=acct;AccountKey=c2VjcmV0"), "AccountName=acct;AccountKey=…");
/// assert_eq!(redacted("https://user:secret@issuer.example.com/a"), "https://…@issuer.example.com/a");
/// assert_eq!(redacted("cannot read sa.pub"), "cannot read sa.pub");
/// ```
pub fn redacted(text: &str) -> Cow<'_, str> {
    static COMPILED: LazyLock<Vec<(Regex, &str)>> =
        LazyLock::new(|| SHAPES.iter().filter_map(|(shape, shown)| Some((Regex::new(shape).ok()?, *shown))).collect());
    static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(LONG_BASE64).ok());
    let mut text = Cow::Borrowed(text);
    if let Some(long) = LONG.as_ref().filter(|long| long.is_match(&text)) {
        // A long path or name has letters of one case, or no digits.
        let shown = |run: &Captures<'_>| {
            let run = &run[0];
            let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
            let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
            if is_mixed { "…".to_owned() } else { run.to_owned() }
        };
        text = Cow::Owned(long.replace_all(&text, shown).into_owned());
    }
    for (shape, shown) in COMPILED.iter() {
        if shape.is_match(&text) {
            text = Cow::Owned(shape.replace_all(&text, *shown).into_owned());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles() {
        for (shape, _) in SHAPES {
            assert!(Regex::new(shape).is_ok(), "{shape}");
        }
    }

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        let secrets = [
            key,
            key.trim_end_matches('='),
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl",
            "dGhpc2lzYXNpZ25hdHVyZW9mMzJieXRlc2luYmFzZTY0cGFkPQ==",
            "abc8Q~AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\\nMIIEvQIBADANBg\\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBg",
        ];
        for secret in secrets {
            for text in [
                secret.to_owned(),
                format!("{secret:?} is not a name"),
                format!("cannot read {secret}: no such file"),
                format!("AccountName=acct;AccountKey={secret};EndpointSuffix=core.windows.net"),
                format!("AccountName=acct,AccountKey={secret}"),
                format!("AccountName=acct AccountKey={secret}"),
                format!("https://acct.blob.core.windows.net/?sv=2022-11-02&sig={secret}"),
            ] {
                let shown = redacted(&text);
                assert!(!shown.contains(secret) && !shown.contains("MIIEvQ"), "{shown}");
            }
        }
        for (text, shown) in [
            ("?sv=2022-11-02&sig=abc%2Bdef%3D&se=2026", "?sv=2022-11-02&sig=…&se=2026"),
            ("{\"access_token\": \"abc\"}", "{\"access_token\": \"…\"}"),
            ("client_assertion=a.b.c&grant_type=x", "client_assertion=…&grant_type=x"),
            ("https://a:b@c@host/", "https://…@host/"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn what_is_public_stays() {
        for text in [
            "the JWKS has no key \"R4Jf-ds5L8_k48zrD0XYs2clIk0lDpbzhHP-yRG78Xo\"",
            "issuer \"https://acct.z6.web.core.windows.net/clusters/prod-1\"",
            "az role assignment create --role \"Storage Blob Data Contributor\" --assignee PRINCIPAL",
            "cannot read /etc/kubernetes/pki/sa.pub: permission denied",
            "pass it as AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_KEY",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}

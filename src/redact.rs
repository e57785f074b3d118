//! Secrets that stand in the wrong place, taken out of text before it is printed.

use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

use regex_lite::{Captures, Regex};

/// What secrets look like, and what is printed in their place.
///
/// - PEM private keys, with real or escaped line ends.
/// - Tokens: a JOSE header starts with `{"`, which is `eyJ` in base64. One that was cut off counts, too.
/// - Names with a value: connection strings, shared access signatures, OAuth parameters, in URLs, forms and JSON.
/// - User and password of a URL.
/// - Storage account keys (64 bytes in base64), signatures (32 bytes) and other long base64 with its padding.
/// - Client secrets of Entra, which have `8Q~` or `7Q~` at the fourth character.
/// - Bearer tokens of other forms.
const SHAPES: [(&str, &str); 9] = [
    (r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*?(?:-----END [A-Z0-9 ]*-----|$)", "…"),
    (r"eyJ[A-Za-z0-9_-]*(?:(?:\.[A-Za-z0-9_-]*)+…?|…|$)", "…"),
    (
        r#"(?i)\b(AccountKey|SharedAccessKey|SharedAccessSignature|client_secret|client_assertion|password|passwd|pwd|(?:access|refresh|id)_token)(\s*=\s*|%3D|\\?["']?\s*:\s*\\?["']?)[^&;,\s"'\\]+"#,
        "${1}${2}…",
    ),
    (r#"(?i)\b(sig)(=|%3D|\\?"\s*:\s*\\?")[^&;,\s"']+"#, "${1}${2}…"),
    (r#"(?i)\b(AccountKey|SharedAccessKey)\s+[^&;,\s"']{8,}"#, "${1} …"),
    (r#"://[^/?#\s"']*:[^/?#\s"']*@"#, "://…@"),
    (r"[A-Za-z0-9+/_-]{42,}={1,2}", "…"),
    (r"[A-Za-z0-9._~-]{3}[78]Q~[A-Za-z0-9._~-]{20,}", "…"),
    (r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{16,}", "Bearer …"),
];

/// What may be a key in hexadecimal, or one of 48 bytes and more in base64 or base64url without its padding. An API server's key
/// ID, which is public, has 43 characters.
const LONG: &str = r"[A-Za-z0-9+/_-]{60,}";

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
    static RUNS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(LONG).ok());
    let mut text = Cow::Borrowed(text);
    for (shape, shown) in COMPILED.iter() {
        if shape.is_match(&text) {
            text = Cow::Owned(shape.replace_all(&text, *shown).into_owned());
        }
    }
    if let Some(long) = RUNS.as_ref().filter(|long| long.is_match(&text)) {
        let shown = |run: &Captures<'_>| {
            if is_random(&run[0]) || is_hexadecimal(&run[0]) { "…".to_owned() } else { run[0].to_owned() }
        };
        text = Cow::Owned(long.replace_all(&text, shown).into_owned());
    }
    text
}

/// The start of a text from outside, without what looks like a secret: cut after so many characters, and `…` there.
///
/// What follows in the text is looked at for four times as long, for a secret that is cut in two is not found.
pub(crate) fn redacted_start(text: &str, max: usize) -> String {
    let start = |text: &str, max: usize| text.char_indices().nth(max).map(|(end, _)| end);
    let looked_at = start(text, 4 * max + 4096).map_or(text, |end| &text[..end]);
    let clean = redacted(looked_at);
    match start(&clean, max) {
        Some(end) => format!("{}…", &clean[..end]),
        None if looked_at.len() < text.len() => format!("{clean}…"),
        None => clean.into_owned(),
    }
}

/// Whether a run of characters is random base64: upper case, lower case and digits, and one kind changes to another often.
///
/// Six of ten neighbours differ in random base64. In paths, names and host names, words and numbers are of one kind.
fn is_random(run: &str) -> bool {
    let kind = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let kinds: Vec<usize> = run.bytes().map(kind).collect();
    let count = |of: usize| kinds.iter().filter(|kind| **kind == of).count();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let is_mixed = count(2) > 0 && [0, 1].into_iter().all(|letters| 7 * count(letters) >= run.len());
    is_mixed && 5 * changes >= 2 * run.len()
}

/// Whether a key of 32 bytes or more in hexadecimal is part of a run of characters.
fn is_hexadecimal(run: &str) -> bool {
    let mut words = run.split(|character: char| !character.is_ascii_hexdigit());
    words.any(|word| word.len() >= 64 && word.bytes().collect::<HashSet<_>>().len() >= 10)
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
    };

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
            ("AccountKey : c2VjcmV0", "AccountKey : …"),
            ("password: hunter2", "password: …"),
            (r#"{\"client_secret\":\"hunter2\"}"#, r#"{\"client_secret\":\"…\"}"#),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    /// Numbers that look random, and are the same each time (Knuth's constants).
    fn bytes(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn keys_without_a_name_are_taken_out_in_every_encoding() {
        for seed in 0..200 {
            let key = bytes(seed, 64);
            let hex: String = key[..32]
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
                .collect();
            for (encoded, of) in [
                (BASE64_STANDARD.encode(&key), "base64"),
                (BASE64_STANDARD_NO_PAD.encode(&key), "base64 without padding"),
                (BASE64_URL_SAFE_NO_PAD.encode(&key), "base64url"),
                (BASE64_URL_SAFE_NO_PAD.encode(&key[..48]), "base64url of 48 bytes"),
                (hex.clone(), "hexadecimal"),
                (hex.to_uppercase(), "upper-case hexadecimal"),
            ] {
                let shown = redacted(&format!("cannot read {encoded}: gone")).into_owned();
                assert_eq!(shown, "cannot read …: gone", "{of}, seed {seed}");
            }
            // A key ID is as long as a key of 32 bytes.
            let kid = format!("no key {:?}", BASE64_URL_SAFE_NO_PAD.encode(&key[..32]));
            assert_eq!(redacted(&kid), kid, "seed {seed}");
        }
    }

    #[test]
    fn a_secret_is_taken_out_before_text_is_cut() {
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", BASE64_URL_SAFE_NO_PAD.encode(bytes(1, 900)));
        assert_eq!(redacted_start(&format!("https://x.example/{token}"), 100), "https://x.example/…");
        for end in (3..token.len()).step_by(13) {
            assert_eq!(redacted(&token[..end]), "…");
            assert_eq!(redacted(&format!("{}…", &token[..end])), "…");
        }
        let long = "word ".repeat(10_000);
        assert_eq!(redacted_start(&long, 100), format!("{}…", &long[..100]));
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
            "cannot read /home/Jane2/Projects/KubernetesClusters/production-west-europe-1/issuer-keys/2026/sa.pub",
            "/subscriptions/72f988bf-86f1-41af-91ab-2d7cd011db47/resourceGroups/Cluster1/providers/Microsoft.Storage",
            "https://eastus.oic.prod-aks.azure.com/72f988bf-86f1-41af-91ab-2d7cd011db47/00001111-aaaa-2222-bbbb-3333cccc4444/",
            "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}

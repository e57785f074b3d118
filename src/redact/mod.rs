//! Removes secrets from text before it is printed.

mod shape;
mod url_password;

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{LazyLock, OnceLock},
};

use regex_lite::{Captures, Regex};
use shape::{SHAPES, longest_word};

pub(crate) use url_password::without_password;

/// The length of an API server's key ID, which is public.
const KEY_ID_CHARS: usize = 43;

/// A run of characters that may be a key: hexadecimal, or 48 or more bytes in base64 or base64url without padding, also
/// percent-encoded. The key ID of an API server is public and has 43 characters.
const LONG: &str = r"(?:[A-Za-z0-9+/_-]|%2[BbFf]|\\/){60,}";

/// The shortest run.
const RUN_MIN: usize = 60;

/// Replaces everything in a text that looks like a secret: private keys, tokens, account keys, signatures, passwords.
///
/// The command line redacts every error, hint and note. Errors of this library are redacted where they quote an input.
/// Secrets of an unknown form are not found, so do not print text that may hold a secret at all.
///
/// ```
/// use issuer::redacted;
/// assert_eq!(redacted("AccountName=acct;AccountKey=c2VjcmV0"), "AccountName=acct;AccountKey=…");
/// assert_eq!(redacted("https://user:secret@issuer.example.com/a"), "https://…@issuer.example.com/a");
/// assert_eq!(redacted("cannot read sa.pub"), "cannot read sa.pub");
/// ```
pub fn redacted(text: &str) -> Cow<'_, str> {
    static COMPILED: [OnceLock<Option<Regex>>; SHAPES.len()] = [const { OnceLock::new() }; SHAPES.len()];
    static RUNS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(LONG).ok());
    let mut text = Cow::Borrowed(text);
    if text.contains('@') {
        text = Cow::Owned(without_passwords(&text));
    }
    for (shape, compiled) in SHAPES.iter().zip(&COMPILED) {
        if !shape.may_match(&text) {
            continue;
        }
        let compiled = compiled.get_or_init(|| Regex::new(shape.pattern).ok());
        if let Some(regex) = compiled.as_ref().filter(|regex| regex.is_match(&text)) {
            text = Cow::Owned(regex.replace_all(&text, shape.shown).into_owned());
        }
    }
    // A run has no white space.
    let long = if longest_word(&text) >= RUN_MIN { RUNS.as_ref() } else { None };
    if let Some(long) = long.filter(|long| long.is_match(&text)) {
        let before = text.into_owned();
        let shown = |run: &Captures<'_>| {
            let is_digest = run.get(0).is_some_and(|run| before[..run.start()].ends_with("sha256:"));
            if is_digest { run[0].to_owned() } else { without_keys(&run[0]) }
        };
        text = Cow::Owned(long.replace_all(&before, shown).into_owned());
    }
    text
}

/// Removes the passwords from the URLs of a text, even if a password contains a character that ends a host.
fn without_passwords(text: &str) -> String {
    let is_end = |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '<' | '>');
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(is_end) {
        // User information without a colon is a user name. It is shown, because it may be there to mislead the reader.
        let rest = ["//", "\\\\", ":/", "\\/\\/"].iter().find_map(|mark| word.split_once(mark).map(|(_, rest)| rest));
        let user = rest.and_then(|rest| rest.rsplit_once('@')).map_or("", |(user, _)| user);
        if user.contains(':') {
            shown.push_str(&without_password(word));
        } else {
            shown.push_str(word);
        }
    }
    shown
}

/// Replaces the keys in a run of base64: the whole run if it may be one key, else each part between slashes that may be
/// a key.
fn without_keys(run: &str) -> String {
    // In random base64, about one of sixty characters is a slash. A path has more slashes.
    let plain = run.replace("\\/", "/").replace("%2F", "/").replace("%2f", "/").replace("%2B", "+").replace("%2b", "+");
    let is_key = |part: &str| part.len() >= 60 && (is_random(part) || is_hexadecimal(part));
    if 12 * plain.matches('/').count() <= plain.len() && is_key(&plain) && (plain.len() >= 86 || !holds_key_id(&plain))
    {
        return "…".to_owned();
    }
    let parts: Vec<_> = run.split('/').map(|part| if is_key(part) { "…" } else { part }).collect();
    parts.join("/")
}

/// The redacted start of an untrusted text, truncated to `max` characters with `…` at its end.
///
/// Redaction comes before truncation, because a truncated secret may not be found. It processes more than four times
/// `max` characters, so that the cost of a long text is bounded.
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

/// Whether a part of a path has the length of a key ID.
fn holds_key_id(run: &str) -> bool {
    run.split('/').any(|part| part.len() == KEY_ID_CHARS)
}

/// Whether a run of characters is random base64: upper case, lower case and digits, with frequent changes between these
/// kinds.
///
/// In random base64, six of ten neighbours are of different kinds. Paths and names consist of words and numbers of one
/// kind.
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

/// Whether a run of characters contains a key of 32 or more bytes in hexadecimal.
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
    fn secrets_are_redacted_in_every_context() {
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
            (r"sv=2022\u0026sig=abc%2Bdef", r"sv=2022\u0026sig=…"),
            ("sv%3D2022%26sig%3Dabc%252Bdef", "sv%3D2022%26sig%3D…"),
            ("x_sig = abcdef", "x_sig = …"),
            ("DB_PASSWORD=ab,cd-ef", "DB_PASSWORD=…"),
            ("AccountKey=\"two words\" more", "AccountKey=… more"),
            ("AZURE_CLIENT_SECRET=hunter2", "AZURE_CLIENT_SECRET=…"),
            ("{\"clientSecret\":\"hunter2\"}", "{\"clientSecret\":\"…\"}"),
            ("https://user:ab/Tr0ub4dor-x9Zq@127.0.0.1/a is not", "https://…@127.0.0.1/a is not"),
            ("ghp_GClbaNFD0123456789abcdefghijklmnopqr", "…"),
            ("abc8Q%7EAbCdEfGhIjKlMnOpQrStUvWxYz0123", "…"),
            ("J6Cus%2F7pIy%2BK8xxPwO3r0aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789AbCdEfGhIjKlMn%3D%3D", "…"),
            (r#"{\"client_secret\":\"hunter2\"}"#, r#"{\"client_secret\":\"…\"}"#),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    /// Pseudo-random bytes from a linear congruential generator with Knuth's constants.
    fn bytes(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn unnamed_keys_are_redacted_in_every_encoding() {
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
            // A key ID has the length of a 32-byte key and must stay.
            let kid = format!("no key {:?}", BASE64_URL_SAFE_NO_PAD.encode(&key[..32]));
            assert_eq!(redacted(&kid), kid, "seed {seed}");
        }
    }

    #[test]
    fn text_is_redacted_before_it_is_truncated() {
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", BASE64_URL_SAFE_NO_PAD.encode(bytes(1, 900)));
        assert_eq!(redacted_start(&format!("https://x.example/{token}"), 100), "https://x.example/…");
        for end in (16..token.len()).step_by(13) {
            assert_eq!(redacted(&token[..end]), "…");
            assert_eq!(redacted(&format!("{}…", &token[..end])), "…");
        }
        let long = "word ".repeat(10_000);
        assert_eq!(redacted_start(&long, 100), format!("{}…", &long[..100]));
    }

    #[test]
    fn public_text_is_unchanged() {
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
            "cannot read /keys/R4Jf-ds5L8_k48zrD0XYs2clIk0lDpbzhHP-yRG78Xo.pem",
            "https://issuers.example.com/clusters/R4Jf-ds5L8_k48zrD0XYs2clIk0lDpbzhHP-yRG78Xo/.well-known",
            "cannot read /Users/JaneD/Library/CloudStorage/OneDrive-Contoso1/K8sIssuers/P2aB3c/Q4r5/S6T7u8/sa.pub",
            "app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "cannot read publicKeyJwk.json, keyJwks.json and /home/heyJude",
            "the subject is system:serviceaccount:prod:password:abc",
            "pass a token: kubectl create token default --audience api://AzureADTokenExchange",
            "bearer authentication-keys.pub",
            "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}

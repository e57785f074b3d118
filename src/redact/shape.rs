//! The patterns of secrets, each with the texts that every match contains.

/// A pattern of secrets.
pub(super) struct Shape {
    /// Lists of texts in lower case. Every match contains a text of each list. A text without them needs no regular
    /// expression: compiling and running all of them takes longer than the rest of a short command.
    needs: &'static [&'static [&'static str]],
    /// The length in bytes of the longest word in the shortest match, or less.
    word: usize,
    pub(super) pattern: &'static str,
    /// The replacement.
    pub(super) shown: &'static str,
}

/// Parts of the names of secret values, one for each alternative of the patterns below.
const NAMES: &[&str] = &[
    "secret",
    "passw",
    "pwd",
    "token",
    "assertion",
    "_key",
    "apikey",
    "api-key",
    "accountkey",
    "accesskey",
    "accesssignature",
];

impl Shape {
    /// Whether the pattern can match; the regular expression decides.
    pub(super) fn may_match(&self, text: &str) -> bool {
        let has_one = |texts: &&[&str]| texts.iter().any(|needed| contains(text, needed));
        longest_word(text) >= self.word && self.needs.iter().all(has_one)
    }
}

/// Patterns of secrets, each with its replacement.
///
/// - PEM private keys, with real or escaped line breaks.
/// - Tokens, also truncated tokens: a JOSE header starts with `{"`, which is `eyJ` in base64.
/// - Named values: connection strings, shared access signatures, OAuth parameters, variables; in URLs, forms and JSON,
///   also percent-encoded.
/// - User name and password of a URL.
/// - Storage account keys (64 bytes in base64), signatures (32 bytes) and other long base64 with its padding.
/// - Client secrets of Entra, which have `8Q~` or `7Q~` from the fourth character on.
/// - Tokens of GitHub, and other bearer tokens.
/// - Hexadecimal bytes with colons between them: fingerprints, but also keys.
pub(super) const SHAPES: [Shape; 13] = [
    Shape {
        needs: &[&["-----begin "]],
        word: 0,
        pattern: r"(?is)-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*?(?:-----END [A-Z0-9 ]*-----|$)",
        shown: "…",
    },
    Shape {
        needs: &[&["eyj"]],
        word: 15,
        pattern: r"(^|[^A-Za-z0-9])eyJ[A-Za-z0-9_-]{12,}(?:(?:(?:\.|%2E)[A-Za-z0-9_-]*)+…?|…|$)",
        shown: "${1}…",
    },
    Shape {
        needs: &[NAMES, &["=", "3d"]],
        word: 0,
        pattern: r#"(?i)(^|[^A-Za-z:/])([A-Z_-]*(?:secret|passw(?:or)?d|pwd|token|assertion|_key|api-?key|AccountKey|AccessKey|AccessSignature))(\s*=\s*|%(?:25)?3D)("[^"]*"?|'[^']*'?|[^&;\s"'\\]+)"#,
        shown: "${1}${2}${3}…",
    },
    Shape {
        needs: &[NAMES, &["\"", "'"]],
        word: 0,
        pattern: r#"(?i)([A-Z_-]*(?:secret|passw(?:or)?d|pwd|token|assertion|_key|api-?key|AccountKey|AccessKey|AccessSignature))(\\?["']\s*:\s*\\?["'])[^&;,\s"'\\]+"#,
        shown: "${1}${2}…",
    },
    Shape {
        needs: &[&["secret", "passw", "pwd", "accountkey", "accesskey", "accesssignature"], &[":"]],
        word: 0,
        pattern: r#"(?i)(^|[^A-Za-z:/])([A-Z_-]*(?:client_?secret|passw(?:or)?d|pwd|AccountKey|AccessKey|AccessSignature))(\s*:\s*)[^&;,\s"'\\]+"#,
        shown: "${1}${2}${3}…",
    },
    Shape {
        needs: &[&["sig"], &["=", "3d", "\""]],
        word: 0,
        pattern: r#"(?i)(^|[^A-Za-z])(sig)(\s*=\s*|%(?:25)?3D|\\?"\s*:\s*\\?")[^&;,\s"'\\]+"#,
        shown: "${1}${2}${3}…",
    },
    Shape {
        needs: &[&["accountkey", "sharedaccesskey"]],
        word: 0,
        pattern: r#"(?i)\b(AccountKey|SharedAccessKey)\s+[^&;,\s"']{8,}"#,
        shown: "${1} …",
    },
    Shape { needs: &[&["://"], &["@"]], word: 0, pattern: r#"://[^/?#\s"']*:[^/?#\s"']*@"#, shown: "://…@" },
    Shape {
        needs: &[&["=", "3d"]],
        word: 43,
        pattern: r"(?:[A-Za-z0-9+/_-]|%2[Bb]|%2[Ff]|\\/){42,}(?:=|%3[Dd]){1,2}",
        shown: "…",
    },
    Shape {
        needs: &[&["q~", "q%7e"]],
        word: 26,
        pattern: r"[A-Za-z0-9._~-]{3}[78]Q(?:~|%7[Ee])[A-Za-z0-9._~%-]{20,}",
        shown: "…",
    },
    Shape {
        needs: &[&["gh", "github_pat_"], &["_"]],
        word: 34,
        pattern: r"(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{30,}",
        shown: "…",
    },
    Shape {
        needs: &[&["bearer"]],
        word: 0,
        pattern: r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]*[0-9][A-Za-z0-9._~+/=-]{12,}",
        shown: "Bearer …",
    },
    Shape { needs: &[&[":"]], word: 74, pattern: r"(?i)\b(?:[0-9a-f]{2}:){24,}[0-9a-f]{2}\b", shown: "…" },
];

/// The length of the longest text between white space, in bytes.
pub(super) fn longest_word(text: &str) -> usize {
    text.split_ascii_whitespace().map(str::len).max().unwrap_or_default()
}

/// Whether a text contains another in lower case, in upper or lower case ASCII letters.
fn contains(text: &str, lower: &str) -> bool {
    text.as_bytes().windows(lower.len()).any(|part| part.eq_ignore_ascii_case(lower.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use regex_lite::Regex;

    use super::*;

    #[test]
    fn every_shape_compiles() {
        for Shape { pattern, .. } in SHAPES {
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        /// Parts of secrets in any order: no pattern matches a text that does not have what the pattern needs.
        #[test]
        fn pattern_matches_only_what_may_match(parts in proptest::collection::vec(0..PARTS.len(), 1..12)) {
            static PATTERNS: LazyLock<Vec<Regex>> =
                LazyLock::new(|| SHAPES.iter().map(|shape| Regex::new(shape.pattern).unwrap()).collect());
            let text: String = parts.iter().map(|part| PARTS[*part]).collect();
            for (shape, pattern) in SHAPES.iter().zip(PATTERNS.iter()) {
                assert!(shape.may_match(&text) || !pattern.is_match(&text), "{} in {text:?}", shape.pattern);
            }
        }
    }

    const PARTS: [&str; 30] = [
        "-----BEGIN ",
        "RSA PRIVATE KEY-----",
        "-----END x-----",
        "eyJ",
        "hbGciOiJSUzI1NiJ9",
        ".",
        "%2E",
        " ",
        "\"",
        "'",
        ":",
        "=",
        "%3D",
        "%253d",
        "client_secret",
        "Password",
        "PWD",
        "AccountKey",
        "SharedAccessKey",
        "api-key",
        "sig",
        "://",
        "@",
        "abc8Q~",
        "7Q%7E",
        "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGh",
        "ghp_",
        "github_pat_",
        "Bearer",
        "ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:",
    ];
}

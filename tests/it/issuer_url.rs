//! An issuer URL is a string, kept byte for byte, and a place on a site.

use issuer::{DocumentPath, IssuerUrl};

fn issuer(text: &str) -> IssuerUrl {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn six_hundred_characters_are_an_issuer_and_one_more_is_not() {
    let longest = format!("https://issuer.example.com/{}", "a".repeat(600 - 27));
    assert_eq!((longest.len(), issuer(&longest).as_str()), (600, longest.as_str()));
    assert!(format!("{longest}a").parse::<IssuerUrl>().is_err());
}

#[test]
fn with_and_without_trailing_slash_are_two_issuers_at_one_place() {
    let (without, with) = (issuer("https://issuer.example.com/a"), issuer("https://issuer.example.com/a/"));
    assert_ne!(without, with);
    assert_eq!((without.as_str(), with.as_str()), ("https://issuer.example.com/a", "https://issuer.example.com/a/"));
    assert_eq!(without.jwks_uri(), with.jwks_uri());
    assert_eq!(without.discovery_url(), with.discovery_url());
    assert_eq!(without.jwks_path(), with.jwks_path());
}

#[test]
fn a_url_below_the_issuer_has_its_place_and_no_other_has() {
    let place = |url: &str| issuer("https://h.example.com/a").path_below(url).as_ref().map(DocumentPath::to_string);
    for (url, expected) in [
        ("https://h.example.com/a/keys.json", Some("a/keys.json")),
        ("https://h.example.com/a/.well-known/jwks.json", Some("a/.well-known/jwks.json")),
        ("https://h.example.com/a/with%20space", Some("a/with space")),
        ("https://h.example.com/a", None),
        ("https://h.example.com/a/", None),
        ("https://h.example.com/ab/keys.json", None),
        ("https://h.example.com/keys.json", None),
        ("https://h.example.com/a/../keys.json", None),
        ("https://h.example.com/a/%2e%2e/keys.json", None),
        ("https://h.example.com/a/b%2fkeys.json", None),
        ("https://h.example.com/a/keys.json?v=1", None),
        ("http://h.example.com/a/keys.json", None),
        ("https://h.example.com.evil.example/a/keys.json", None),
    ] {
        assert_eq!(place(url).as_deref(), expected, "{url}");
    }
}

#[test]
fn a_jwks_uri_with_a_signature_is_refused_and_one_with_a_long_path_is_not() {
    let parse = |text: &str| text.parse::<issuer::JwksUri>();
    let error = parse("https://acct.blob.core.windows.net/a?sv=2022-11-02&sig=c2VjcmV0").unwrap_err().to_string();
    assert!(error.contains("looks like a secret") && !error.contains("c2VjcmV0"), "{error}");
    let long = format!("https://192.0.2.2:16443/{}", "Ab1".repeat(60));
    assert_eq!(parse(&long).unwrap().as_str(), long);
}

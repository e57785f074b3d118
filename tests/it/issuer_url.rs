//! An issuer URL is a string, kept byte for byte, and a path on a site.

use issuer::{DocumentPath, IssuerUrl, JwksUri, UrlError, UrlProblem};

fn issuer(text: &str) -> IssuerUrl {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn issuer_url_has_at_most_600_characters() {
    let longest = format!("https://issuer.example.com/{}", "a".repeat(600 - 27));
    assert_eq!((longest.len(), issuer(&longest).as_str()), (600, longest.as_str()));
    assert!(format!("{longest}a").parse::<IssuerUrl>().is_err());
}

#[test]
fn trailing_slash_is_another_issuer_at_the_same_path() {
    let (without, with) = (issuer("https://issuer.example.com/a"), issuer("https://issuer.example.com/a/"));
    assert_ne!(without, with);
    assert_eq!((without.as_str(), with.as_str()), ("https://issuer.example.com/a", "https://issuer.example.com/a/"));
    assert_eq!(without.jwks_uri(), with.jwks_uri());
    let discovery = "https://issuer.example.com/a/.well-known/openid-configuration";
    assert_eq!([without.discovery_url(), with.discovery_url()], [discovery; 2]);
    assert_eq!(without.jwks_path(), with.jwks_path());
}

#[test]
fn documents_are_at_the_decoded_issuer_path() {
    let (nested, root) = (issuer("https://h.example.com/a/b%20c/"), issuer("https://h.example.com/"));
    assert_eq!(nested.jwks_path().as_str(), "a/b c/openid/v1/jwks");
    assert_eq!(nested.discovery_path().as_str(), "a/b c/.well-known/openid-configuration");
    assert_eq!(root.jwks_path().as_str(), "openid/v1/jwks");
    assert_eq!(root.discovery_path().as_str(), ".well-known/openid-configuration");
}

#[test]
fn only_urls_below_the_issuer_have_a_document_path() {
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
fn jwks_uri_with_a_signature_is_refused() {
    let parse = |text: &str| text.parse::<JwksUri>();
    let error = parse("https://acct.blob.core.windows.net/a?sv=2022-11-02&sig=c2VjcmV0").unwrap_err().to_string();
    assert!(error.contains("seems to contain a secret") && !error.contains("c2VjcmV0"), "{error}");
    let long = format!("https://192.0.2.2:16443/{}", "Ab1".repeat(60));
    assert_eq!(parse(&long).unwrap().as_str(), long);
}

/// The rule that a string violates.
fn because<T: std::fmt::Debug>(parsed: Result<T, UrlError>) -> UrlProblem {
    parsed.unwrap_err().problem
}

#[test]
fn each_issuer_url_rule_has_its_error() {
    let segment = |segment: &str| UrlProblem::Segment(segment.to_owned());
    for (text, error) in [
        ("", UrlProblem::Empty),
        ("https://issuer example.com", UrlProblem::WhiteSpace),
        ("https://issüer.example.com", UrlProblem::NotAscii('ü')),
        ("issuer.example.com", UrlProblem::NoScheme),
        ("issuer.example.com:8443/a", UrlProblem::NoScheme),
        ("ftp://issuer.example.com", UrlProblem::Scheme("ftp".to_owned())),
        ("https://issuer.example.com/<", UrlProblem::Malformed),
        ("https:///a", UrlProblem::NoHost),
        ("https:a", UrlProblem::NoHost),
        ("https://user@issuer.example.com", UrlProblem::Credentials),
        ("https://*.example.com", UrlProblem::Host("*.example.com".to_owned())),
        ("https://issuer.example.com:", UrlProblem::Port),
        ("https://issuer.example.com:0", UrlProblem::Port),
        ("https://issuer.example.com:65536", UrlProblem::Port),
        ("https://issuer.example.com#a", UrlProblem::Fragment),
        ("https://issuer.example.com?", UrlProblem::Query),
        ("https://issuer.example.com/a//b", UrlProblem::EmptySegment),
        ("https://issuer.example.com//", UrlProblem::EmptySegment),
        ("https://issuer.example.com/a/%2e%2e", segment("%2e%2e")),
        ("https://issuer.example.com/.hidden", segment(".hidden")),
        ("https://issuer.example.com/a%2fb", segment("a%2fb")),
        ("https://issuer.example.com/a%5cb", segment("a%5cb")),
        ("https://issuer.example.com/a%00", segment("a%00")),
        ("https://issuer.example.com/%ff", segment("%ff")),
        ("https://issuer.example.com/.well-known/openid-configuration", UrlProblem::Discovery),
        ("https://issuer.example.com/a/.well-known/openid-configuration", UrlProblem::Discovery),
    ] {
        assert_eq!(because(text.parse::<IssuerUrl>()), error, "{text}");
    }
    for text in [
        "https://issuer.example.com:1/",
        "https://issuer.example.com:65535/a.b/c%20d",
        "https://is_su-er.example.com/a.well-known/openid-configuration",
        "https://[2001:db8::1]/",
    ] {
        let url = issuer(text);
        assert_eq!([url.as_str(), url.as_ref()], [text; 2]);
        assert_eq!(url.to_string(), text);
    }
}

#[test]
fn http_is_allowed_only_on_loopback() {
    for here in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.255.255.254:1", "[::1]:8080"] {
        issuer(&format!("http://{here}/a"));
    }
    for beyond in ["localhost.example.com", "126.255.255.255", "128.0.0.1", "[::2]", "[::ffff:127.0.0.1]"] {
        assert_eq!(because(format!("http://{beyond}/a").parse::<IssuerUrl>()), UrlProblem::Http, "{beyond}");
    }
}

#[test]
fn jwks_uri_may_have_a_query_without_a_token() {
    for text in
        ["https://h.example.com/jwks?cluster=a", "https://h.example.com/eyJh.eyJi", "https://h.example.com/a.b.c"]
    {
        let uri: JwksUri = text.parse().unwrap();
        assert_eq!((uri.as_str(), format!("{uri}")), (text, text.to_owned()));
    }
    for text in ["https://h.example.com/eyJh.eyJi.c", "https://h.example.com/a/eyJh.eyJi.c.d"] {
        assert_eq!(because(text.parse::<JwksUri>()), UrlProblem::Secret, "{text}");
    }
    assert_eq!(because("http://h.example.com".parse::<JwksUri>()), UrlProblem::Http);
}

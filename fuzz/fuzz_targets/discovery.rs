//! Arbitrary bytes as a discovery document, and arbitrary text as an issuer URL.
//!
//! - A parsed document is printed, compact and indented, and parsed to the same document again.
//! - An issuer URL and a `jwks_uri` print the text they were parsed from, byte for byte.
//! - The documents of an issuer are below its URL, on a path without `..`, and contain the issuer URL byte for byte.
#![no_main]

use issuer::{Discovery, DocumentPath, Hint, IssuerUrl, JwksUri, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        read_urls(text);
    }
    let discovery = match Discovery::parse(bytes) {
        Ok(discovery) => discovery,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    assert_same(&discovery);
    read_urls(&discovery.issuer);
    read_urls(&discovery.jwks_uri);
});

fn assert_same(discovery: &Discovery) {
    assert_eq!(Discovery::parse(&discovery.to_bytes()).as_ref(), Ok(discovery));
    assert_eq!(Discovery::parse(&discovery.to_pretty()).as_ref(), Ok(discovery));
}

fn read_urls(text: &str) {
    match text.parse::<JwksUri>() {
        Ok(uri) => assert_eq!((uri.as_str(), uri.to_string().as_str()), (text, text)),
        Err(error) => drop((error.to_string(), error.hint())),
    }
    let issuer: IssuerUrl = match text.parse() {
        Ok(issuer) => issuer,
        Err(error) => {
            let _ = (error.to_string(), error.hint());
            return;
        }
    };
    assert_eq!((issuer.as_str(), issuer.to_string().as_str()), (text, text));
    assert_eq!(issuer.path_below(&issuer.discovery_url()), Some(issuer.discovery_path()));
    assert_eq!(issuer.path_below(issuer.jwks_uri().as_str()), Some(issuer.jwks_path()));
    assert_eq!(issuer.jwks_uri().as_str().parse::<JwksUri>().unwrap(), issuer.jwks_uri());
    assert_below(&issuer.discovery_path());
    assert_below(&issuer.jwks_path());

    let discovery = Discovery::new(&issuer, &issuer.jwks_uri(), &[] as &[PublicKey]);
    assert_eq!(discovery.issuer, text);
    assert_same(&discovery);
}

/// No segment of a document's path is empty or leaves the site.
fn assert_below(path: &DocumentPath) {
    assert!(path.as_str().split('/').all(|segment| !matches!(segment, "" | "." | "..")), "{path}");
}

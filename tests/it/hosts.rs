//! The hosts that documents are fetched from: public hosts, and hosts that the caller names.

use std::{
    io::ErrorKind,
    net::TcpListener,
    process::{Command, Output},
};

use crate::support::{
    http::{Scripted, response},
    issuer::{command, stderr, stdout},
    signer::{claims, signer, with},
};
use issuer::{FetchError, HttpFetcher, IssuerUrl, Location, PublishedIssuer};
use serde_json::json;
use tempfile::TempDir;

const JSON: &str = "Content-Type: application/json";
const SECRET: &str = "s3cr3t";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A server with a discovery document that has this `jwks_uri`; `answer` gives the response for each other path.
/// `{own}` in the document stands for the address of the server.
fn server(jwks_uri: &str, issuer: &str, answer: impl Fn(&str, &str) -> Vec<u8> + Send + 'static) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let discovery = json!({ "issuer": issuer.replace("{own}", &own), "jwks_uri": jwks_uri.replace("{own}", &own) });
    Scripted::listen(listener, move |path| match path {
        "/.well-known/openid-configuration" => response("200 OK", &[JSON], discovery.to_string().as_bytes()),
        path => answer(path, &own),
    })
}

fn jwks(_: &str, _: &str) -> Vec<u8> {
    response("200 OK", &[JSON], br#"{"keys":[]}"#)
}

/// A listener that must not receive a connection.
struct Untouched(TcpListener);

impl Untouched {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn assert(&self, what: &str) {
        let error = self.0.accept().expect_err(what);
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{what}");
    }
}

/// The JWKS of an issuer that the caller names, whose discovery document has this `jwks_uri`.
fn fetched_jwks(server: &Scripted) -> (String, Result<issuer::Page, FetchError>) {
    let issuer: IssuerUrl = server.url().parse().unwrap();
    let published = block_on(PublishedIssuer::fetch(&issuer, &Location::Issuer, &HttpFetcher::default()));
    let jwks = published.jwks.unwrap();
    (jwks.from, jwks.outcome)
}

#[test]
fn jwks_uri_on_another_host_must_be_public() {
    let untouched = Untouched::new();
    let port = untouched.port();
    for (uri, because) in [
        (format!("http://127.0.0.1:{port}/jwks"), "is a loopback address"),
        (format!("http://localhost:{port}/jwks"), "is a name of the local machine"),
        (format!("https://127.0.0.1:{port}/jwks"), "is a loopback address"),
        (format!("https://2130706433:{port}/jwks"), "is a loopback address"),
        (format!("https://0x7f.1:{port}/jwks"), "is a loopback address"),
        (format!("https://0177.0.0.1:{port}/jwks"), "is a loopback address"),
        (format!("https://%31%32%37.0.0.1:{port}/jwks"), "is a loopback address"),
        (format!("https:\\\\127.0.0.1:{port}\\jwks"), "is a loopback address"),
        (format!("https://\u{ff11}\u{ff12}\u{ff17}.0.0.1:{port}/jwks"), "is a loopback address"),
        (format!("https://[::ffff:127.0.0.1]:{port}/jwks"), "is a loopback address"),
        (format!("https://LOCALHOST.:{port}/jwks"), "is a name of the local machine"),
        (format!("https://a.localhost:{port}/jwks"), "is a name of the local machine"),
        ("https://10.0.0.1/jwks".to_owned(), "is an address of a private network"),
        ("https://169.254.169.254/metadata".to_owned(), "is a link-local address"),
        ("https://[::]/jwks".to_owned(), "is a special-purpose address"),
        ("https://192.0.2.1/jwks".to_owned(), "is a special-purpose address"),
        ("https://kubernetes.default.svc/openid/v1/jwks".to_owned(), "is a name inside a Kubernetes cluster"),
        ("https://oidc.corp.internal/jwks".to_owned(), "is a name of a private network"),
        ("https://nas.local/jwks".to_owned(), "is a name of the local network (.local)"),
        ("https://intranet/jwks".to_owned(), "is a name without a domain"),
    ] {
        let server = server(&uri, "http://{own}", jwks);
        let (_, outcome) = fetched_jwks(&server);
        let Err(FetchError::NotPublic { because: seen, .. }) = &outcome else { panic!("{uri}: {outcome:?}") };
        assert_eq!(seen, because, "{uri}");
        untouched.assert(&uri);
        assert_eq!(*server.requests.lock().unwrap(), ["/.well-known/openid-configuration"], "{uri}");
    }
}

#[test]
fn jwks_uri_on_the_named_host_and_port_may_be_private() {
    let server = server("http://{own}/elsewhere/keys.json", "http://{own}", jwks);
    let (_, outcome) = fetched_jwks(&server);
    assert_eq!(outcome.unwrap().body, br#"{"keys":[]}"#);
}

#[test]
fn public_only_fetcher_reaches_the_location_not_the_issuer() {
    let server = server("http://{own}/jwks", "http://{own}", jwks);
    let issuer: IssuerUrl = server.url().parse().unwrap();
    let fetcher = HttpFetcher::default().only_public();
    let fetch = |location: &Location| block_on(PublishedIssuer::fetch(&issuer, location, &fetcher));
    for published in
        [fetch(&Location::Issuer), block_on(PublishedIssuer::fetch_expected(&issuer, &Location::Issuer, &fetcher))]
    {
        assert!(matches!(published.discovery.outcome, Err(FetchError::NotPublic { .. })), "{published:?}");
        assert!(server.requests.lock().unwrap().is_empty());
    }
    assert!(fetch(&Location::Url(issuer.clone())).jwks.unwrap().outcome.is_ok());
    let outcome = block_on(fetcher.fetch(&server.url()));
    assert!(matches!(outcome, Err(FetchError::NotPublic { .. })), "{outcome:?}");
}

#[test]
fn credentials_in_a_jwks_uri_are_neither_sent_nor_shown() {
    for uri in [
        format!("http://user:{SECRET}@{{own}}/jwks"),
        format!("http://{SECRET}@{{own}}/jwks"),
        format!("http:\\\\user:{SECRET}@{{own}}/jwks"),
        format!("http:user:{SECRET}@{{own}}/jwks"),
        format!("https://user:{SECRET}@issuer.example.com/jwks"),
        format!("https://user:{SECRET}@10.0.0.1/jwks"),
        format!("https://user:{SECRET}/x@issuer.example.com/jwks"),
    ] {
        let server = server(&uri, "http://{own}", jwks);
        let (from, outcome) = fetched_jwks(&server);
        let error = outcome.unwrap_err();
        assert!(!format!("{from} {error} {error:?}").contains(SECRET), "{from} {error:?}");
        assert_eq!(*server.requests.lock().unwrap(), ["/.well-known/openid-configuration"], "{uri}");

        let folder = TempDir::new().unwrap();
        let token = folder.path().join("token.jwt");
        std::fs::write(&token, signer().sign(&signer().header(), &with(claims(), "iss", server.url().into()))).unwrap();
        let verify = ["verify", token.to_str().unwrap(), "--issuer", &server.url()].map(str::to_owned).to_vec();
        for args in [verify, vec!["status".to_owned(), server.url()]] {
            for more in [["-o", "text"], ["-o", "json"], ["--for", "oidc"]] {
                let output = command().args(&args).arg("-v").args(more).output().unwrap();
                assert_eq!(output.status.code(), Some(1), "{output:?}");
                let printed = stdout(&output) + &stderr(&output);
                assert!(!printed.contains(SECRET), "{printed}");
            }
        }
    }
    let outcome = block_on(HttpFetcher::default().fetch(&format!("https://user:{SECRET}@issuer.example.com/")));
    assert_eq!(outcome, Err(FetchError::Credentials("https://…@issuer.example.com/".to_owned())));
}

#[test]
fn redirect_to_credentials_or_private_port_is_refused() {
    let untouched = Untouched::new();
    let public_only = "redirects to another host are followed to public addresses only";
    let no_credentials = "a URL with a user name or password is refused";
    for (target, because) in [
        (format!("http://user:{SECRET}@{{own}}/there"), no_credentials),
        (format!("//user:{SECRET}@{{own}}/there"), no_credentials),
        (format!("https://user:{SECRET}@issuer.example.com/"), no_credentials),
        (format!("http://127.0.0.1:{}/", untouched.port()), public_only),
        (format!("http://localhost:{}/", untouched.port()), public_only),
    ] {
        let to = target.clone();
        let server = server("http://{own}/jwks", "http://{own}", move |_, own| {
            response("302 Found", &[&format!("Location: {}", to.replace("{own}", own))], b"")
        });
        let (_, outcome) = fetched_jwks(&server);
        let error = outcome.unwrap_err();
        let FetchError::Redirect { because: seen, .. } = error else { panic!("{target}: {error:?}") };
        assert_eq!(seen, because, "{target}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        assert_eq!(server.requests.lock().unwrap().len(), 2, "{target}");
        untouched.assert(&target);
    }
}

/// Verifies a token of this issuer on the command line.
fn verify(iss: &str, more: &[&str], adapt: impl Fn(&mut Command)) -> Output {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token.jwt");
    std::fs::write(&token, signer().sign(&signer().header(), &with(claims(), "iss", iss.into()))).unwrap();
    let mut command = command();
    command.arg("verify").arg(&token).args(more);
    adapt(&mut command);
    command.output().unwrap()
}

#[test]
fn private_host_in_a_token_gets_no_request_without_issuer() {
    let untouched = Untouched::new();
    let port = untouched.port();
    for (iss, because) in [
        (format!("http://127.0.0.1:{port}"), "is a loopback address"),
        (format!("https://127.0.0.1:{port}"), "is a loopback address"),
        (format!("https://127.1:{port}/a"), "is a loopback address"),
        (format!("http://localhost:{port}"), "is a name of the local machine"),
        (format!("https://localhost:{port}"), "is a name of the local machine"),
        (format!("http://[::1]:{port}"), "is a loopback address"),
        (format!("https://[::ffff:127.0.0.1]:{port}"), "is a loopback address"),
        ("https://10.0.0.1".to_owned(), "is an address of a private network"),
        ("https://169.254.169.254".to_owned(), "is a link-local address"),
        ("https://kubernetes.default.svc.cluster.local".to_owned(), "is a name inside a Kubernetes cluster"),
        ("https://oidc.corp.internal".to_owned(), "is a name of a private network"),
        ("https://nas.local".to_owned(), "is a name of the local network (.local)"),
        ("https://oidc".to_owned(), "is a name without a domain"),
    ] {
        let output = verify(&iss, &["--for", "oidc"], |_| {});
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = stdout(&output);
        assert!(text.contains("no request was sent to http"), "{text}");
        assert!(text.contains(&format!("because its host {because}\n")), "{text}");
        assert!(text.contains("fix: pass --issuer URL if you trust that host"), "{text}");
        untouched.assert(&iss);
    }
}

#[test]
fn private_host_in_a_token_is_fetched_with_issuer() {
    let server = server("http://{own}/jwks", "http://{own}", jwks);
    verify(&server.url(), &["--issuer", &server.url()], |_| {});
    assert_eq!(*server.requests.lock().unwrap(), ["/.well-known/openid-configuration", "/jwks"]);
}

#[test]
fn published_location_does_not_lead_to_a_private_issuer() {
    let untouched = Untouched::new();
    let host = format!("https://127.0.0.1:{}", untouched.port());
    let iss = format!("{host}/clusters/a");
    let location = server(&format!("{host}/keys"), &iss, jwks);
    let output = verify(&iss, &["--for", "oidc", "--published", &location.url()], |_| {});
    assert!(stdout(&output).contains("no request was sent to"), "{output:?}");
    assert_eq!(*location.requests.lock().unwrap(), ["/.well-known/openid-configuration"]);
    untouched.assert(&iss);
}

#[test]
fn proxy_resolves_public_names_and_local_names_are_refused() {
    let public = "https://issuer.example.com";
    let connect = ["issuer.example.com:443"].as_slice();
    for (variable, no_proxy, iss, requests) in [
        ("HTTPS_PROXY", "", public, connect),
        ("https_proxy", "", public, connect),
        ("ALL_PROXY", "", public, connect),
        ("HTTPS_PROXY", "other.example.com", public, connect),
        ("HTTPS_PROXY", "issuer.example.com", public, &[]),
        ("HTTPS_PROXY", "", "https://10.0.0.1", &[]),
        ("HTTPS_PROXY", "", "https://127.0.0.1:1", &[]),
        ("HTTPS_PROXY", "", "https://localhost:1", &[]),
        ("ALL_PROXY", "", "https://kubernetes.default.svc", &[]),
    ] {
        let proxy = Scripted::start(|_| response("502 Bad Gateway", &[], b""));
        verify(iss, &[], |command| {
            command.env(variable, proxy.url()).env("NO_PROXY", no_proxy);
        });
        assert_eq!(*proxy.requests.lock().unwrap(), requests, "{variable} {no_proxy} {iss}");
    }
}

#[test]
fn untrusted_url_is_shown_escaped_and_short() {
    let long = format!("https://10.0.0.1/{}", "x".repeat(100_000));
    for uri in [&long, "https://10.0.0.1/\u{1b}[31m\u{202e}", "ftp://\u{1b}[31m\u{202e}/"] {
        let server = server(uri, "http://{own}", jwks);
        let (from, outcome) = fetched_jwks(&server);
        for text in [from, outcome.unwrap_err().to_string()] {
            assert!(text.chars().count() < 800, "{} characters", text.chars().count());
            assert!(text.chars().all(|character| character == '…' || (' '..='~').contains(&character)), "{text:?}");
        }
    }
}

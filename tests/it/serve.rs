//! `issuer serve` serves the documents and nothing else.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use crate::support::{
    answer::parse,
    http::{get, request},
    issuer::{Server, run},
    recording,
};
use tempfile::TempDir;

/// A site with two issuers, one below a path, and private files beside the documents.
fn site() -> TempDir {
    let parent = TempDir::new().unwrap();
    let site = parent.path().join("site");
    fs::write(parent.path().join("outside"), "outside").unwrap();
    for (keys, issuer) in [
        (recording("rotation").path("sa.pub"), "https://issuer.example.com"),
        (recording("rotation").path("rsa4096.pub"), "https://issuer.example.com"),
        (recording("path-issuer").path("sa.pub"), "https://issuer.example.com/clusters/a"),
    ] {
        let args = ["publish", keys.to_str().unwrap(), "--issuer", issuer, "--directory", site.to_str().unwrap()];
        assert!(run(args).status.success());
    }
    fs::write(site.join("index.html"), "index").unwrap();
    fs::write(site.join("openid/v1/notes"), "notes").unwrap();
    fs::create_dir_all(site.join(".git/openid/v1")).unwrap();
    fs::write(site.join(".git/openid/v1/jwks"), "hidden").unwrap();
    fs::create_dir_all(site.join("link/openid/v1")).unwrap();
    symlink("/etc/passwd", site.join("link/openid/v1/jwks")).unwrap();
    symlink(parent.path(), site.join("up")).unwrap();
    fs::create_dir_all(parent.path().join("openid/v1")).unwrap();
    fs::write(parent.path().join("openid/v1/jwks"), "outside").unwrap();
    parent
}

fn served(parent: &TempDir) -> Server {
    Server::start(&parent.path().join("site"))
}

#[test]
fn documents_are_served_with_the_api_server_headers() {
    let parent = site();
    let server = served(&parent);
    for path in [
        ".well-known/openid-configuration",
        "openid/v1/jwks",
        "clusters/a/.well-known/openid-configuration",
        "clusters/a/openid/v1/jwks",
    ] {
        let answer = get(server.address(), &format!("/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, fs::read(parent.path().join("site").join(path)).unwrap(), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert!(answer.header("etag").unwrap().starts_with('"'));
    }
}

#[test]
fn published_cache_control_is_kept_and_served() {
    let folder = TempDir::new().unwrap();
    let site = folder.path().to_str().unwrap();
    let publish = |more: &[&str]| {
        let keys = recording("rotation").path("sa.pub");
        let args = ["publish", keys.to_str().unwrap(), "--issuer", "https://issuer.example.com", "--directory", site];
        run([&args[..], more].concat())
    };
    let server = Server::start(folder.path());
    let sent = || {
        ["/openid/v1/jwks", "/.well-known/openid-configuration"]
            .map(|path| get(server.address(), path).header("cache-control").unwrap().to_owned())
    };
    assert!(publish(&["--cache-control", "no-store"]).status.success());
    assert_eq!(sent(), ["no-store", "no-store"]);
    assert!(publish(&["--cache-control", "no-store", "--check"]).status.success());
    let drift = publish(&["--check"]);
    assert_eq!(drift.status.code(), Some(1));
    let text = String::from_utf8(drift.stdout).unwrap();
    assert!(text.contains("cache-control no-store → public, max-age=300"), "{text}");
    assert!(publish(&[]).status.success());
    assert_eq!(sent(), ["public, max-age=300", "public, max-age=300"]);
    assert!(!folder.path().join("openid/v1/.jwks.cache-control").exists());
    // A value that is not a valid header is not sent.
    fs::write(folder.path().join("openid/v1/.jwks.cache-control"), "a\r\nX: y\n").unwrap();
    assert_eq!(sent()[0], "public, max-age=300");
    assert_eq!(get(server.address(), "/openid/v1/.jwks.cache-control").status, 404);
}

#[test]
fn only_the_documents_are_reachable() {
    let parent = site();
    let server = served(&parent);
    assert!(parent.path().join("site/openid/v1/.jwks.retention.json").exists(), "this site has no retention record");
    for path in [
        "/",
        "/index.html",
        "/openid/v1",
        "/openid/v1/",
        "/openid/v1/jwks/",
        "/openid/v1/notes",
        "/openid/v1/.jwks.retention.json",
        "/openid/v1/%2ejwks.retention.json",
        "/.issuer.lock",
        "/.well-known",
        "/.well-known/",
        "/.git/openid/v1/jwks",
        "/%2egit/openid/v1/jwks",
        "/link/openid/v1/jwks",
        "/up/openid/v1/jwks",
        "/../openid/v1/jwks",
        "/%2e%2e/openid/v1/jwks",
        "/clusters/../openid/v1/jwks",
        "/clusters/..%2f..%2fopenid/v1/jwks",
        "/..%2fopenid%2fv1%2fjwks",
        "/clusters/a%2fopenid/v1/jwks",
        "/clusters\\a/openid/v1/jwks",
        "//openid/v1/jwks",
        "/clusters//a/openid/v1/jwks",
        "/clusters/a%00/openid/v1/jwks",
        "/%ff/openid/v1/jwks",
        "/unknown/openid/v1/jwks",
        "//etc/passwd",
        "/OPENID/v1/jwks",
    ] {
        let answer = get(server.address(), path);
        assert_eq!(answer.status, 404, "{path}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.body, b"{\"error\":\"not found\"}\n", "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn unchanged_document_is_answered_with_304() {
    let parent = site();
    let server = served(&parent);
    let ask = |etag: &str| request(server.address(), "GET", "/openid/v1/jwks", &[&format!("If-None-Match: {etag}")]);
    let etag = get(server.address(), "/openid/v1/jwks").header("etag").unwrap().to_owned();
    for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let answer = ask(&known);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
    }
    assert_eq!(ask("\"other\"").status, 200);
    let args = [
        "publish",
        recording("mixed-keys").path("sa.pub").to_str().unwrap(),
        "--issuer",
        "https://issuer.example.com",
        "--directory",
        parent.path().join("site").to_str().unwrap(),
    ]
    .map(str::to_owned);
    assert!(run(args).status.success());
    assert_eq!(ask(&etag).status, 200);
}

#[test]
fn head_is_get_without_body_and_other_methods_get_405() {
    let parent = site();
    let server = served(&parent);
    let (head, whole) =
        (request(server.address(), "HEAD", "/openid/v1/jwks", &[]), get(server.address(), "/openid/v1/jwks"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), whole.header("content-length"));
    assert_eq!(head.header("etag"), whole.header("etag"));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let answer = request(server.address(), method, "/openid/v1/jwks", &["Content-Length: 0"]);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn changed_symlink_is_followed_at_once() {
    let (first, second) = (site(), site());
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("current");
    symlink(first.path().join("site"), &link).unwrap();
    let server = Server::start(&link);
    assert_eq!(get(server.address(), "/openid/v1/jwks").status, 200);
    fs::remove_file(second.path().join("site/openid/v1/jwks")).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(second.path().join("site"), &link).unwrap();
    assert_eq!(get(server.address(), "/openid/v1/jwks").status, 404);
}

#[test]
fn server_stops_cleanly_on_a_signal() {
    for signal in ["-INT", "-TERM"] {
        let parent = site();
        let mut server = served(&parent);
        // An open client connection does not keep the server running.
        let mut idle = TcpStream::connect(server.address()).unwrap();
        idle.write_all(b"GET /openid/v1/jwks HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        idle.read_exact(&mut [0; 16]).unwrap();
        let kill = Command::new("kill").args([signal, &server.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn port_in_use_is_an_error_that_names_it() {
    let parent = site();
    let server = served(&parent);
    let output = run(["serve", parent.path().join("site").to_str().unwrap(), "--listen", server.address()]);
    assert_eq!(output.status.code(), Some(3));
    let said = crate::support::issuer::stderr(&output);
    assert!(said.starts_with(&format!("error: cannot listen on {}: ", server.address())), "{said}");
    assert!(said.contains("hint: pass another --listen, or port 0 for a free one"), "{said}");
}

#[test]
fn json_output_names_the_listen_address() {
    let parent = site();
    let mut child = crate::support::issuer::command()
        .args(["serve", "-o", "json", "--listen", "127.0.0.1:0"])
        .arg(parent.path().join("site"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let mut text = String::new();
    for line in lines {
        let line = line.unwrap();
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    let json = parse("serve", &text);
    let address = json["listening"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    assert_eq!(get(&address, "/openid/v1/jwks").status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn healthz_answers_and_verbose_logs_requests() {
    let parent = site();
    let mut command = crate::support::issuer::command();
    command.args(["serve", parent.path().join("site").to_str().unwrap(), "--listen", "0", "-v"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().rsplit("http://").next().unwrap().to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{line}");
    let health = get(&address, "/healthz");
    assert_eq!((health.status, health.body.as_slice()), (200, &b"ok\n"[..]));
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let jwks = get(&address, "/openid/v1/jwks");
    assert_eq!(get(&address, "/nothing%1b[31m").status, 404);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    for expected in [
        " GET /healthz 200 3 127.0.0.1:".to_owned(),
        format!(" GET /openid/v1/jwks 200 {} 127.0.0.1:", jwks.body.len()),
        " GET /nothing%1b[31m 404 22 127.0.0.1:".to_owned(),
    ] {
        let line = log.next().unwrap().unwrap();
        assert!(line.contains(&expected) && line.starts_with("20"), "{line:?} has no {expected:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn port_listens_on_loopback_and_colon_port_on_all_addresses() {
    let parent = site();
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let every = if has_ipv6 { "[::]:" } else { "0.0.0.0:" };
    for (listen, start) in [("0", "127.0.0.1:"), (":0", every)] {
        let mut command = crate::support::issuer::command();
        command.args(["serve", parent.path().join("site").to_str().unwrap(), "--listen", listen]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(&format!(" at http://{start}")), "{listen}: {line}");
        let port: u16 = line.trim_end().rsplit(':').next().unwrap().parse().unwrap();
        // The address of every address accepts connections of IPv4 and of IPv6.
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_eq!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok(), start == "[::]:", "{listen}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for listen in ["", ":", "eighty", "8080x", "+80", "70000", ":70000", "127.0.0.1"] {
        let output = run(["serve", parent.path().join("site").to_str().unwrap(), "--listen", listen]);
        assert_eq!(output.status.code(), Some(2), "{listen}");
    }
}

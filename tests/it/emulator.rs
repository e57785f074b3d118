//! The Azurite accounts, the stand-in for their static website and the fault-injecting proxy behave as documented.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    azurite::{Account, Azurite, account},
    front::Front,
    http,
    message::{Message, exchange},
    proxy::{Fault, Proxy, depth},
};

const ON: &str = "<StorageServiceProperties><StaticWebsite><Enabled>true</Enabled>\
    <IndexDocument>index.html</IndexDocument></StaticWebsite></StorageServiceProperties>";
const ON_404: &str = "<StorageServiceProperties><StaticWebsite><Enabled>true</Enabled>\
    <ErrorDocument404Path>404.html</ErrorDocument404Path></StaticWebsite></StorageServiceProperties>";
const OFF: &str =
    "<StorageServiceProperties><StaticWebsite><Enabled>false</Enabled></StaticWebsite></StorageServiceProperties>";

fn website() -> Account {
    let account = account();
    assert!(account.create_container("$web"));
    account.set_properties(ON);
    account
}

#[test]
fn shared_key_reads_and_writes() {
    let (one, other) = (account(), account());
    assert_ne!(one.name, other.name);
    assert!(!one.container_exists("$web"));
    assert_eq!(one.list_blobs("$web"), [""; 0]);
    assert!(one.create_container("$web"));
    assert!(!one.create_container("$web"));
    assert!(one.container_exists("$web"));
    assert!(!other.container_exists("$web"));

    for name in ["a", "openid/v1/jwks", ".well-known/openid-configuration", "with space & <more> + ü%41"] {
        assert!(one.get_blob("$web", name).is_none());
        let headers = [("x-ms-blob-content-type", "application/json"), ("x-ms-blob-cache-control", "max-age=300")];
        let headers = [&headers[..], &[("x-ms-meta-note", "{\"a\": \"b  c\"}"), ("If-None-Match", "*")]].concat();
        let etag = one.put_blob("$web", name, b"{}", &headers);
        let blob = one.get_blob("$web", name).unwrap();
        assert_eq!((blob.body.as_slice(), &blob.etag), (b"{}".as_slice(), &etag));
        assert_eq!(blob.header("content-type"), Some("application/json"));
        assert_eq!(blob.header("cache-control"), Some("max-age=300"));
        assert_eq!(blob.header("x-ms-meta-note"), Some("{\"a\": \"b  c\"}"));
        assert_ne!(one.put_blob("$web", name, b"", &[("If-Match", &etag)]), etag);
        assert_eq!(one.get_blob("$web", name).unwrap().body, b"");
    }
    let names = [".well-known/openid-configuration", "a", "openid/v1/jwks", "with space & <more> + ü%41"];
    assert_eq!(one.list_blobs("$web"), names);
    assert!(one.delete_blob("$web", "a"));
    assert!(!one.delete_blob("$web", "a"));
    assert_eq!(one.list_blobs("$web"), names.iter().filter(|name| **name != "a").copied().collect::<Vec<_>>());

    assert!(one.get_properties().contains("<StaticWebsite><Enabled>false</Enabled>"), "{}", one.get_properties());
    one.set_properties(ON);
    assert!(one.get_properties().contains("<IndexDocument>index.html</IndexDocument>"));
    assert!(!other.get_properties().contains("index.html"));
    assert!(one.connection_string().contains(&one.key));
}

#[test]
fn listing_follows_markers() {
    let account = account();
    let real = account.clone();
    account.create_container("con");
    for name in ["1", "2&3", "3"] {
        account.put_blob("con", name, b"", &[]);
    }
    let pages = Proxy::start(account.address(), move |seen| {
        let query = format!("{}&maxresults=1", seen.query);
        let answer = real.call("GET", "/con", &query, &[], b"");
        Fault::Answer(http::response("200 OK", &[], &answer.body))
    });
    assert_eq!(account.through(&pages.address).list_blobs("con"), ["1", "2&3", "3"]);
    assert_eq!(pages.exchanges().len(), 3);
}

#[test]
fn wrong_key_is_refused() {
    let mut wrong = account();
    wrong.key = account().key;
    assert_eq!(wrong.call("GET", "/con/b", "", &[], b"").status(), 403);
}

#[test]
fn account_sas_is_accepted() {
    let account = website();
    account.put_blob("$web", "a/b", b"hello", &[]);
    let get = |sas: &str| http::get(account.address(), &format!("/{}/$web/a%2Fb?{sas}", account.name));
    let answer = get(&account.account_sas("r", "o", 10));
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
    assert_eq!(get(&account.account_sas("w", "o", 10)).status, 403);
    assert_eq!(get(&account.account_sas("r", "sc", 10)).status, 403);
    assert_eq!(get(&account.account_sas("r", "o", -10)).status, 403);
    assert_eq!(get("").status, 403);
}

#[test]
fn front_serves_a_static_website() {
    let account = account();
    let front = Front::start(&account);
    let get = |path| http::get(&front.address, path);
    let disabled = get("/a");
    assert_eq!(disabled.status, 404);
    assert!(String::from_utf8(disabled.body).unwrap().contains("WebsiteNotEnabled"));
    account.set_properties(ON);
    assert_eq!(get("/a").status, 404);
    account.create_container("$web");
    assert_eq!(get("/a").status, 404);
    let headers = [("x-ms-blob-content-type", "application/json"), ("x-ms-blob-cache-control", "max-age=300")];
    let etag = account.put_blob("$web", "dir/a b", b"{}", &headers);
    account.put_blob("$web", "dir/index.html", b"index", &[]);
    let found = get("/dir/a%20b?query=ignored");
    assert_eq!((found.status, found.body.as_slice()), (200, b"{}".as_slice()));
    assert_eq!(found.header("content-type"), Some("application/json"));
    assert_eq!(found.header("cache-control"), Some("max-age=300"));
    assert_eq!(found.header("etag"), Some(etag.as_str()));
    assert!(found.header("last-modified").is_some());
    assert_eq!(get("/dir%2fa%20b").status, 200);
    let index = get("/dir/");
    assert_eq!((index.status, index.body.as_slice()), (200, b"index".as_slice()));
    assert_eq!(index.header("content-type"), Some("application/octet-stream"));
    assert_eq!(index.header("cache-control"), None);
    let missing = get("/");
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("text/html")));
    let head = http::request(&front.address, "HEAD", "/dir/a%20b", &[]);
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("2"), 0));
    for method in ["PUT", "POST", "DELETE", "OPTIONS"] {
        assert_eq!(http::request(&front.address, method, "/dir/a%20b", &[]).status, 405);
    }
    account.put_blob("$web", "404.html", b"lost", &[]);
    account.set_properties(ON_404);
    let missing = get("/other");
    assert_eq!((missing.status, missing.body.as_slice()), (404, b"lost".as_slice()));
    account.set_properties(OFF);
    assert_eq!(get("/dir/a%20b").status, 404);
    assert_eq!(front.requests()[..2], ["GET /a", "GET /a"]);
    assert_eq!(front.requests().last().unwrap(), "GET /dir/a%20b");
    assert!(front.url().ends_with(&front.address));
}

#[test]
fn front_keeps_connections_open() {
    let account = website();
    account.put_blob("$web", "a", b"hello", &[]);
    let front = Front::start(&account);
    let mut stream = TcpStream::connect(&front.address).unwrap();
    stream.write_all(b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 405").count(), 1);
    assert_eq!(text.matches("HTTP/1.1 200").count(), 2);
    assert_eq!(text.matches("hello").count(), 2);
}

/// Reads one response with a length or chunks from a connection that stays open.
fn read_one(stream: &mut impl BufRead) -> Message {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_until(b'\n', &mut bytes).unwrap(), 0);
    }
    let (head, start) = Message::head(&bytes).unwrap();
    if head.is_chunked() {
        while !bytes.ends_with(b"\r\n0\r\n\r\n") {
            assert_ne!(stream.read_until(b'\n', &mut bytes).unwrap(), 0);
        }
    } else {
        let length: usize = head.header("content-length").unwrap().parse().unwrap();
        bytes.resize(start + length, 0);
        stream.read_exact(&mut bytes[start..]).unwrap();
    }
    Message::response(&bytes).unwrap()
}

#[test]
fn proxy_forwards_and_keeps_connections_open() {
    let account = website();
    let proxy = Proxy::start(account.address(), |_| Fault::Pass);
    let behind = account.through(&proxy.address);
    behind.put_blob("$web", "a", b"hello", &[]);
    assert_eq!(behind.get_blob("$web", "a").unwrap().body, b"hello");
    assert!(behind.container_exists("$web"));
    assert_eq!(behind.list_blobs("$web"), ["a"]);

    let sas = account.account_sas("rwl", "sco", 5);
    let path = format!("/{}/$web", account.name);
    let stream = TcpStream::connect(&proxy.address).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut ask = |text: &str| {
        (&stream).write_all(text.as_bytes()).unwrap();
        read_one(&mut reader)
    };
    let host = "Host: 127.0.0.1\r\n";
    let listed = ask(&format!("GET {path}?restype=container&comp=list&{sas} HTTP/1.1\r\n{host}\r\n"));
    assert!(listed.is_chunked());
    assert!(listed.text().contains("<Name>a</Name>"));
    let put = format!("PUT {path}/b?{sas} HTTP/1.1\r\n{host}x-ms-blob-type: BlockBlob\r\n");
    assert_eq!(ask(&format!("{put}Content-Length: 3\r\n\r\none")).status(), 201);
    assert_eq!(ask(&format!("GET {path}/b?{sas} HTTP/1.1\r\n{host}\r\n")).text(), "one");
    let chunked = ask(&format!("{put}Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n5;x\r\nthree\r\n0\r\n\r\n"));
    let seen = proxy.exchanges().pop().unwrap();
    assert_eq!(seen.seen.body, b"twothree");
    assert_eq!(seen.seen.method, "PUT");
    assert_eq!(seen.seen.path, format!("{path}/b"));
    assert_eq!(seen.seen.query, sas);
    assert_eq!((seen.fault, seen.status), ("Pass", Some(chunked.status())));
    // Put Blob requires a Content-Length.
    assert_eq!(chunked.status(), 400);
    assert_eq!(ask(&format!("GET {path}/b?{sas} HTTP/1.1\r\n{host}\r\n")).status(), 200);
    let numbers: Vec<_> = proxy.exchanges().iter().map(|exchange| exchange.seen.number).collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert_eq!(depth(&proxy.exchanges()), numbers.len());
}

/// The bytes that a client receives, and whether the connection was reset after them.
fn try_get(address: &str, path: &str) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let result = stream.read_to_end(&mut bytes);
    (bytes, result.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset))
}

#[test]
fn proxy_injects_every_fault() {
    let account = website();
    account.put_blob("$web", "a", b"hello", &[]);
    let front = Front::start(&account);
    let called = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&called);
    let upstream = Arc::new(front);
    let behind = Arc::clone(&upstream);
    let proxy = Proxy::start(&upstream.address, move |seen| match seen.path.as_str() {
        "/reset" => Fault::Reset,
        "/answer" => Fault::Answer(http::response("503 Service Unavailable", &["Retry-After: 1"], b"busy")),
        "/a" if seen.query == "cut" => Fault::Cut(2),
        "/a" if seen.query == "delay" => Fault::Delay(Duration::from_millis(30)),
        "/drop" => Fault::DropAnswer,
        "/then" => {
            let (counted, behind) = (Arc::clone(&counted), Arc::clone(&behind));
            Fault::DropAnswerThen(Arc::new(move || {
                assert_eq!(behind.requests().last().unwrap(), "GET /then");
                counted.fetch_add(1, Ordering::SeqCst);
            }))
        }
        _ => Fault::Pass,
    });
    let get = |path| try_get(&proxy.address, path);
    for _ in 0..20 {
        assert_eq!(get("/reset"), (vec![], true));
        assert_eq!(get("/drop"), (vec![], true));
        assert_eq!(get("/then"), (vec![], true));
        let (bytes, reset) = get("/a?cut");
        assert!(reset);
        assert!(bytes.ends_with(b"\r\n\r\nhe"), "{}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(called.load(Ordering::SeqCst), 20);
    let count = |path: &str| upstream.requests().iter().filter(|request| request.ends_with(path)).count();
    assert_eq!((count("/reset"), count("/drop"), count("/then"), count("/answer")), (0, 20, 20, 0));
    let answer = http::get(&proxy.address, "/answer");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let before = Instant::now();
    assert_eq!(http::get(&proxy.address, "/a?delay").body, b"hello");
    assert!(before.elapsed() >= Duration::from_millis(30));
    let last = proxy.exchanges().pop().unwrap();
    assert_eq!((last.fault, last.status), ("Delay", Some(200)));
    assert!(last.ended - last.began >= Duration::from_millis(30));
    let faults: Vec<_> = proxy.exchanges().iter().take(4).map(|exchange| (exchange.fault, exchange.status)).collect();
    let expected = [("Reset", None), ("DropAnswer", Some(404)), ("DropAnswerThen", Some(404)), ("Cut", Some(200))];
    assert_eq!(faults, expected);
}

#[test]
fn delimited_answer_keeps_the_connection_open() {
    let proxy = Proxy::start("127.0.0.1:1", |seen| match seen.path.as_str() {
        "/a" => Fault::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_vec()),
        "/short" => Fault::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi".to_vec()),
        _ => Fault::Pass,
    });
    let twice = exchange(&proxy.address, b"GET /a HTTP/1.1\r\n\r\nGET /short HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(String::from_utf8(twice).unwrap().matches("hi").count(), 2);
    assert_eq!(try_get(&proxy.address, "/closed"), (vec![], true));
}

#[test]
fn depth_counts_sequential_round_trips() {
    let account = website();
    let front = Front::start(&account);
    let proxy = Proxy::start(&front.address, |_| Fault::Delay(Duration::from_millis(50)));
    thread::scope(|scope| {
        scope.spawn(|| http::get(&proxy.address, "/1"));
        scope.spawn(|| http::get(&proxy.address, "/2"));
    });
    http::get(&proxy.address, "/3");
    assert_eq!(proxy.exchanges().len(), 3);
    assert_eq!(depth(&proxy.exchanges()), 2);
    assert_eq!(depth(&[]), 0);
}

#[test]
fn proxy_accepts_many_connections_at_once() {
    let upstream = http::Scripted::start(|_| http::response("200 OK", &[], b"hello"));
    let proxy = Proxy::start(&upstream.address, |_| Fault::Pass);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| assert_eq!(http::get(&proxy.address, "/").status, 200));
        }
    });
    assert_eq!(proxy.exchanges().len(), 64);
}

#[test]
fn oauth_accepts_a_bearer_token_over_https() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", &cert, "-keyout", &key])
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let azurite = Azurite::start_with_oauth(Path::new(&cert), Path::new(&key));
    let account = azurite.account();
    let now = jiff::Timestamp::now().as_second();
    let encode = |json: serde_json::Value| {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
    };
    let claims = |aud: &str| {
        let iss = "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/";
        encode(serde_json::json!({"aud": aud, "iss": iss, "iat": now, "nbf": now - 5, "exp": now + 600}))
    };
    let put = |aud: &str| {
        let head = encode(serde_json::json!({"alg": "RS256", "typ": "JWT"}));
        let token = format!("Authorization: Bearer {head}.{}.AAAA", claims(aud));
        let url = format!("{}/con?restype=container", account.endpoint);
        let output = Command::new("curl")
            .args(["-s", "-S", "--cacert", &cert, "-X", "PUT", "-H", "x-ms-version: 2022-11-02", "-H", &token])
            .args(["-H", "Content-Length: 0", "-w", "%{http_code}", &url])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let refused = put("https://example.com");
    assert!(refused.ends_with("403") || refused.ends_with("401"), "{refused}");
    assert_eq!(put("https://storage.azure.com/"), "201");
    assert!(put(&format!("https://{}.blob.core.windows.net", account.name)).ends_with("409"));
}

/// Not a test: the process that the next test kills.
#[test]
#[ignore = "a helper process that waits to be killed"]
fn owner() {
    let account = account();
    println!("\nENDPOINT {}", account.endpoint);
    loop {
        thread::park();
    }
}

#[test]
fn emulator_ends_with_its_killed_owner() {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "emulator::owner", "--nocapture"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    let endpoint = { lines }.find_map(|line| Some(line.strip_prefix("ENDPOINT ")?.to_owned())).unwrap();
    let address = endpoint.split('/').nth(2).unwrap();
    drop(TcpStream::connect(address).unwrap());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let killed = Instant::now();
    while let Ok(mut stream) = TcpStream::connect(address) {
        assert!(killed.elapsed() < Duration::from_secs(5));
        // This read ends when the emulator does.
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let _ = stream.read(&mut [0]);
    }
    println!("gone {:?} after the kill", killed.elapsed());
}

#[test]
fn dropped_emulator_ends() {
    let azurite = Azurite::start();
    let (address, id) = (azurite.address.clone(), azurite.id());
    assert!(!azurite.account().container_exists("con"));
    drop(azurite);
    assert!(TcpStream::connect(address).is_err());
    assert!(!Path::new(&format!("/proc/{id}")).exists());
}

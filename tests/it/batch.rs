//! `issuer verify --batch`: many tokens on all cores, with verdicts in the order of the input.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Output, Stdio},
    sync::{Arc, OnceLock},
    thread,
};

use crate::support::{
    Recording,
    answer::verdicts,
    fixtures,
    hostile::cases,
    http::{Scripted, response},
    issuer::{command, stderr, stdout},
    recording,
};
use issuer::{Documents, IssuerUrl, KeySet};
use serde_json::{Value, json};

/// The command for the tokens of a recorded run.
fn batch(run: &Recording, file: &str) -> Command {
    let mut command = command();
    command.args(["verify", "--batch", file, "--issuer", &run.issuer, "--at", "2026-11-22T00:35:00Z", "--jwks"]);
    command.arg(run.path("jwks.json")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command with this standard input.
fn feed(mut command: Command, text: Vec<u8>) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        // The process may end before it has read all of its input.
        let _ = stdin.write_all(&text);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn lines(output: &Output) -> Vec<Value> {
    verdicts(output)
}

#[test]
fn each_token_has_a_json_line_and_the_summary_counts() {
    let run = recording("rotation");
    let text =
        [run.text("entra-1h.jwt"), String::new(), run.text("apiserver-audience.jwt"), "a.b\r".to_owned()].join("\n");
    let output = feed(batch(&run, "-"), text.into_bytes());
    assert_eq!(output.status.code(), Some(1));
    let expected = json!([
        {
            "line": 1, "verdict": "accepted", "issuer": run.issuer,
            "subject": "system:serviceaccount:default:workload-identity-sa", "expires": "2026-11-22T01:33:42Z",
        },
        {
            "line": 2, "verdict": "refused", "refusal": {
                "check": "token", "message": "not a token: it is empty", "aadsts": 7_000_218,
                "meaning": "the request contains no assertion",
                "fix": "check that the file belongs to the projected volume and that the kubelet has written the file",
            },
        },
        {
            "line": 3, "verdict": "refused", "refusal": {
                "check": "lifetime",
                "message": "the token has a lifetime of 87600h; Entra accepts at most 25h",
                "aadsts": 70023, "meaning": "the lifetime of the token exceeds 25 hours",
                "fix": "set expirationSeconds of the projected token to 86400 or less (kubectl create token: --duration=24h)",
            },
        },
        {
            "line": 4, "verdict": "refused", "refusal": {
                "check": "token", "aadsts": 50027, "meaning": "the token is malformed",
                "message": "not a token: it has 2 segments; a signed token has 3",
                "fix": "pass the projected token exactly as the kubelet writes it",
            },
        },
    ]);
    assert_eq!(Value::from(lines(&output)), expected);
    let said = stderr(&output);
    assert!(said.starts_with("4 tokens: 1 accepted, 3 refused (token 2, lifetime 1), in "), "{said}");
}

#[test]
fn file_of_good_tokens_is_accepted() {
    let run = recording("rotation");
    let output = batch(&run, run.path("entra-1h.jwt").to_str().unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stderr(&output).starts_with("1 token: 1 accepted, 0 refused, in "), "{output:?}");
    let quiet = batch(&run, run.path("entra-1h.jwt").to_str().unwrap()).arg("--quiet").output().unwrap();
    assert!(quiet.stderr.is_empty() && quiet.stdout == output.stdout);
}

#[test]
fn thousands_of_verdicts_keep_the_input_order() {
    let run = recording("rotation");
    let (good, other) = (run.text("entra-1h.jwt"), run.text("apiserver-audience.jwt"));
    // Long lines of garbage make the chunks differ in size.
    let garbage = "x".repeat(300_000);
    let line = |number: usize| match number {
        _ if number.is_multiple_of(97) => &garbage,
        _ if number.is_multiple_of(7) => &other,
        _ => &good,
    };
    let mut text = String::new();
    (1..=2000).for_each(|number| writeln!(text, "{}", line(number)).unwrap());
    let output = feed(batch(&run, "-"), text.into_bytes());
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert_eq!(lines.len(), 2000);
    for (index, verdict) in lines.iter().enumerate() {
        let number = index + 1;
        let check = match number {
            _ if number.is_multiple_of(97) => json!("token"),
            _ if number.is_multiple_of(7) => json!("lifetime"),
            _ => Value::Null,
        };
        assert_eq!((&verdict["line"], &verdict["refusal"]["check"]), (&json!(number), &check));
    }
}

#[test]
fn hostile_tokens_get_the_same_verdict_in_a_batch() {
    let tokens: Vec<_> = cases("tokens")
        .into_iter()
        // A newline ends a token in a batch, and one batch has one relying party, so these tokens are left out.
        .filter(|case| case.text("for").is_none() && case.members.get("command").is_none())
        .map(|case| (case.token(), case.expected()))
        .filter(|(token, _)| !token.contains(&b'\n') && !token.ends_with(b"\r"))
        .collect();
    assert!(tokens.len() > 200);
    let text = tokens.iter().flat_map(|(token, _)| [token, b"\n".as_slice()].concat()).collect();
    let mut command = command();
    command.args([
        "verify",
        "--batch",
        "-",
        "--issuer",
        crate::support::hostile::ISSUER,
        "--at",
        "2026-11-22T00:35:00Z",
    ]);
    command.arg("--jwks").arg(fixtures().join("hostile/jwks.json")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let answers = lines(&feed(command, text));
    assert_eq!(answers.len(), tokens.len());
    for ((token, verdict), answer) in tokens.iter().zip(&answers) {
        let expected = verdict.clone().err().map(|(_, says, _)| says);
        let seen = answer["refusal"]["message"].as_str().map(str::to_owned);
        assert_eq!(seen, expected, "{}", String::from_utf8_lossy(token));
    }
}

#[test]
fn memory_does_not_grow_with_the_input() {
    let run = recording("rotation");
    let mut child = batch(&run, "-").stdin(Stdio::piped()).spawn().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    // The input is a line of 200 MiB and a token. Both verdicts are printed while the process waits for more input.
    let megabyte = vec![b'x'; 1 << 20];
    (0..200).for_each(|_| stdin.write_all(&megabyte).unwrap());
    let token = format!("\n{}\n", run.text("entra-1h.jwt"));
    stdin.write_all(token.as_bytes()).unwrap();
    let mut answer = String::new();
    answers.read_line(&mut answer).unwrap();
    answers.read_line(&mut answer).unwrap();
    assert!(answer.contains("it has 209715200 bytes; at most 16384 are accepted"), "{answer}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kibibytes < 64 << 10, "{kibibytes} KiB");
    drop(stdin);
    answers.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.lines().count(), 2);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn each_verdict_is_flushed_before_the_next_token() {
    let run = recording("rotation");
    let mut child = batch(&run, "-").stdin(Stdio::piped()).spawn().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    for number in 1..=20 {
        stdin.write_all(format!("{}\n", run.text("entra-1h.jwt")).as_bytes()).unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("{{\"line\":{number},\"verdict\":\"accepted\"")), "{answer}");
    }
    // The output is closed and the input stays open: the process ends when it cannot write the next verdict.
    drop(answers);
    stdin.write_all(b"none\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(stdin);
}

#[test]
fn closed_output_pipe_is_no_error() {
    let run = recording("rotation");
    let mut child = batch(&run, "-").stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let token = format!("{}\n", run.text("entra-1h.jwt"));
    // The process ends although its input is still open.
    while stdin.write_all(token.as_bytes()).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!stderr(&output).contains("error"), "{output:?}");
}

#[test]
fn batch_fetches_only_the_given_issuers() {
    let pem = std::fs::read(fixtures().join("keys/rsa-private.key")).unwrap();
    let private = jsonwebtoken::EncodingKey::from_rsa_der(pem::parse(&pem).unwrap().contents());
    let keys = KeySet::from_bytes(&pem).unwrap();
    // A loopback issuer that serves its documents at its own URL.
    let servers = [(); 3].map(|()| {
        let keys = keys.clone();
        let own = Arc::new(OnceLock::<IssuerUrl>::new());
        let url = Arc::clone(&own);
        let server = Scripted::start(move |path| {
            let documents = Documents::new(url.get().unwrap().clone(), &keys);
            let body =
                if path == "/openid/v1/jwks" { documents.jwks.to_bytes() } else { documents.discovery.to_bytes() };
            response("200 OK", &["Content-Type: application/json"], &body)
        });
        own.set(server.url().parse().unwrap()).unwrap();
        server
    });
    let sign = |issuer: &str| {
        let header = jsonwebtoken::Header {
            kid: Some(keys[0].key_id().to_string()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256)
        };
        let (aud, sub) = ("api://AzureADTokenExchange", "system:serviceaccount:default:app");
        let claims = json!({ "iss": issuer, "aud": aud, "sub": sub, "exp": 4_000_000_000_u64 });
        jsonwebtoken::encode(&header, &claims, &private).unwrap()
    };
    let [one, other, untrusted] = servers.each_ref().map(Scripted::url);
    let text = [&one, &other, &untrusted].map(|url| sign(url)).join("\n");
    let mut command = command();
    let audience = "api://AzureADTokenExchange";
    command.args([
        "verify",
        "--batch",
        "-",
        "--issuer",
        &one,
        "--issuer",
        &other,
        "--for",
        "oidc",
        "--audience",
        audience,
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let lines = lines(&feed(command, text.into_bytes()));
    let issuers: Vec<_> = lines.iter().map(|line| line["issuer"].as_str()).collect();
    assert_eq!(issuers, [Some(&*one), Some(&*other), None], "{lines:?}");
    assert_eq!(lines[2]["refusal"]["message"], format!("issuer {untrusted:?} is not one of the 2 trusted issuers"));
    assert!(servers[2].requests.lock().unwrap().is_empty());
}

#[test]
fn given_documents_are_rejected_for_several_issuers() {
    let (one, other) = (recording("rotation"), recording("path-issuer"));
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = command();
    command.args(["verify", "--batch", "-", "--issuer", &one.issuer, "--issuer", &other.issuer, "--published"]);
    let output = command.arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = stderr(&output);
    assert!(said.contains("--published replaces the documents of one issuer, but 2 issuers are given"), "{said}");
}

#[test]
fn progress_is_shown_when_output_goes_to_a_file() {
    let run = recording("rotation");
    let folder = tempfile::TempDir::new().unwrap();
    let tokens = folder.path().join("tokens.txt");
    std::fs::write(&tokens, format!("{}\n", run.text("entra-1h.jwt")).repeat(3000)).unwrap();
    let line = format!(
        "{} verify --batch {} --issuer {} --jwks {} --at 2026-11-22T00:35:00Z > {}",
        env!("CARGO_BIN_EXE_issuer"),
        tokens.display(),
        run.issuer,
        run.path("jwks.json").display(),
        folder.path().join("verdicts.jsonl").display(),
    );
    // `script` of util-linux runs a command on a terminal of its own.
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null());
    let shown = stdout(&script.output().unwrap());
    assert!(shown.contains(" %  ") && shown.contains(" accepted, 0 refused  ") && shown.contains(" left"), "{shown:?}");
    assert!(shown.contains("3000 tokens: 3000 accepted, 0 refused, in "), "{shown:?}");
    let verdicts = std::fs::read_to_string(folder.path().join("verdicts.jsonl")).unwrap();
    assert_eq!(verdicts.lines().count(), 3000);
}

#[test]
fn batch_file_is_read_before_any_request() {
    // The port is closed, so the error shows whether the file or the issuer was read first.
    let output = crate::support::issuer::run(["verify", "--batch", "no-such-file", "--issuer", "http://127.0.0.1:9"]);
    assert!(stderr(&output).starts_with("error: cannot read no-such-file: "), "{output:?}");
}

#[test]
fn list_given_as_one_token_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("tokens.txt");
    let token = recording("rotation").text("entra-1h.jwt");
    std::fs::write(&path, format!("{}\n{}\n", token.trim(), token.trim())).unwrap();
    let output = crate::support::issuer::run(["verify", path.to_str().unwrap(), "--issuer", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("contains several tokens") && said.contains("issuer verify --batch "), "{said}");
}

/// A pipe may stay open for days, so its keys are refreshed. A file is read once.
#[test]
fn keys_are_refreshed_only_for_a_pipe() {
    let run = recording("path-issuer");
    let folder = tempfile::TempDir::new().unwrap();
    let keys = run.path("sa.pub").to_str().unwrap().to_owned();
    let publish = ["publish", &keys, "--issuer", &run.issuer, "--directory"];
    assert!(command().args(publish).arg(folder.path()).output().unwrap().status.success());
    let site = folder.path().join("clusters/prod-1");
    let tokens = folder.path().join("tokens.txt");
    std::fs::write(&tokens, format!("{}\n", run.text("entra-1h.jwt").trim())).unwrap();
    let verify = |file: &str| {
        let mut command = command();
        command.args(["verify", "--batch", file, "--issuer", &run.issuer, "-v", "--at", "2026-11-22T00:40:00Z"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let is_refreshed = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        stderr(&output).contains("next read after 600 s")
    };
    let text = std::fs::read(&tokens).unwrap();
    let mut pipe = verify("-");
    pipe.arg("--published").arg(&site);
    assert!(is_refreshed(feed(pipe, text.clone())));
    let mut file = verify(tokens.to_str().unwrap());
    assert!(!is_refreshed(file.arg("--published").arg(&site).output().unwrap()));
    let mut redirected = verify("-");
    redirected.arg("--published").arg(&site).stdin(std::fs::File::open(&tokens).unwrap());
    assert!(!is_refreshed(redirected.output().unwrap()));
    let mut keys = verify("-");
    keys.arg("--jwks").arg(run.path("jwks.json"));
    assert!(!is_refreshed(feed(keys, text)));
}

#[test]
fn unusable_issuer_is_reported_once_for_a_pipe() {
    let run = recording("path-issuer");
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = command();
    command.args(["verify", "--batch", "-", "--issuer", &run.issuer, "--published"]).arg(folder.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = feed(command, run.bytes("entra-1h.jwt"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(stderr(&output).matches("cannot verify any token of").count(), 1, "{output:?}");
}

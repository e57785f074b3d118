//! Hostile tokens, key sets and servers: every case of `fixtures/hostile`, and every small change to a recorded token.

use std::{
    collections::{HashMap, HashSet},
    num::NonZero,
    os::unix::process::ExitStatusExt,
    path::Path,
    thread,
    time::Duration,
};

use crate::support::{
    Recording,
    answer::answer,
    fixtures,
    hostile::{AUDIENCE, Case, ISSUER, Verdict, cases, discovery, good_set, good_token, seen, serve},
    http::response,
    issuer::command,
    recording, recordings, segment,
};
use issuer::{
    Documents, Expectations, Fetched, HttpFetcher, IssuerUrl, Jwks, KeySet, Location, Page, PublishedIssuer, Timestamp,
    Verifier,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use tempfile::TempDir;

fn issuer() -> IssuerUrl {
    ISSUER.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T00:35:00Z".parse().unwrap()
}

/// Runs a job for every item, on one thread for each processor, and returns all failures.
fn for_all<T: Sync>(items: &[T], job: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let job = &job;
    thread::scope(|scope| {
        let work = |start| move || items.iter().skip(start).step_by(threads).flat_map(job).collect::<Vec<_>>();
        let running: Vec<_> = (0..threads).map(|start| scope.spawn(work(start))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Reports all failures, not only the first.
fn assert_no_failures(failures: &[String]) {
    assert!(failures.is_empty(), "{} went failures:\n{}", failures.len(), failures.join("\n"));
}

/// The difference from the expected verdict of a file.
fn difference(case: &Case, what: &str, expected: &Verdict, seen: &Verdict) -> Vec<String> {
    let same = expected == seen;
    let line = || format!("{}, {what}\n  expected {expected:?}\n  seen     {seen:?}", case.name);
    if same { Vec::new() } else { vec![line()] }
}

/// The verdict of `verify`, which must be the same as that of `examine`.
fn judged(verifier: &Verifier, token: &str, expectations: &Expectations) -> Verdict {
    let verdict = verifier.verify(token, expectations, now());
    let report = verifier.examine(token, expectations, now());
    assert_eq!(verdict.as_ref().err(), report.refusal(), "{token}");
    seen(report.refusal())
}

/// A verifier with these bytes as the published key set.
fn served(key_set: Vec<u8>) -> Verifier {
    let body = discovery();
    let body = body[body.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4..].to_vec();
    let page = |body| Page { body, content_type: Some("application/json".to_owned()), ..Page::default() };
    let fetched = |body| Fetched { from: "memory".to_owned(), outcome: Ok(page(body)) };
    let published = PublishedIssuer { discovery: fetched(body), jwks: Some(fetched(key_set)), private_host: None };
    Verifier::from_published(issuer(), &published)
}

/// The verdict of the crate jsonwebtoken on a token of the good key set, without its times.
fn independent_verdict(token: &str) -> Result<(), String> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
    let keys: Value = serde_json::from_slice(&good_set()).unwrap();
    let keys = keys["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"].as_str() == header.kid.as_deref()).ok_or("no such key")?;
    let member = |name: &str| key[name].as_str().unwrap();
    let (algorithm, key) = match member("kty") {
        "RSA" => (Algorithm::RS256, DecodingKey::from_rsa_components(member("n"), member("e"))),
        _ => (Algorithm::ES256, DecodingKey::from_ec_components(member("x"), member("y"))),
    };
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    // jsonwebtoken does not accept a clock.
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(token, &key.unwrap(), &validation).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn hostile_files_are_well_formed_and_unique() {
    let mut sentences = HashMap::new();
    for folder in ["tokens", "jwks", "http"] {
        let known: &[&str] = match folder {
            "tokens" => {
                &["trick", "token", "token_base64", "repeat", "for", "refused", "accepted", "because", "command"]
            }
            "jwks" => &["trick", "for", "token", "jwks", "jwks_text", "refused", "accepted", "because"],
            _ => &[
                "trick",
                "server",
                "to",
                "redirects",
                "bytes",
                "status",
                "headers",
                "body_base64",
                "refused",
                "accepted",
                "because",
            ],
        };
        for case in cases(folder) {
            let sentence = case.text("trick").unwrap().to_owned();
            assert!(sentence.ends_with('.'), "{}: {sentence:?} is not a sentence", case.name);
            let unknown: Vec<_> = case.members.keys().filter(|name| !known.contains(&name.as_str())).collect();
            assert!(unknown.is_empty(), "{} has the members {unknown:?}", case.name);
            let inputs = ["token", "token_base64", "repeat", "jwks", "jwks_text", "server"];
            let given = inputs.iter().filter(|name| case.members.contains_key(**name)).count();
            assert!(given == 1 || (given == 2 && folder == "jwks"), "{} has {given} inputs", case.name);
            if let (Err((check, ..)), _) = (case.expected(), case.expected_of_command()) {
                let report = served(good_set()).examine("", &Expectations::entra(), now());
                assert!(report.checks.iter().any(|known| known.name.to_string() == check), "{}: {check}", case.name);
            }
            let other = sentences.insert(sentence, case.name.clone());
            assert_eq!(other, None, "{} has the same sentence", case.name);
        }
    }
}

#[test]
fn every_hostile_token_is_refused_as_its_file_says() {
    let verifier = Verifier::from_jwks(issuer(), &Jwks::parse(&good_set()).unwrap());
    let failures = for_all(&cases("tokens"), |case| {
        let token = case.token();
        let token = String::from_utf8_lossy(&token);
        let seen = judged(&verifier, &token, &case.expectations());
        let mut failures = difference(case, "from_jwks", &case.expected(), &seen);
        failures.extend(difference(
            case,
            "from_published",
            &seen,
            &judged(&served(good_set()), &token, &case.expectations()),
        ));
        if let (Ok(()), Err(error)) = (seen, independent_verdict(&token)) {
            failures.push(format!("{} is accepted, and jsonwebtoken refuses it: {error}", case.name));
        }
        failures
    });
    assert_no_failures(&failures);
}

#[test]
fn hostile_tokens_get_the_same_message_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let key_set = fixtures().join("hostile/jwks.json");
    let failures = for_all(&cases("tokens"), |case| {
        let file = folder.path().join(case.name.replace('/', "-"));
        std::fs::write(&file, case.token()).unwrap();
        let mut command = command();
        command.arg("verify").arg(&file).args(["--issuer", ISSUER, "--at", &now().to_string(), "-o", "json"]);
        command.arg("--jwks").arg(&key_set);
        if case.is_for_oidc() {
            command.args(["--for", "oidc", "--audience", AUDIENCE]);
        }
        let output = command.output().unwrap();
        let expected = case.expected_of_command().map_err(|(check, says, aadsts)| {
            // Only Entra has codes.
            (check.replace(' ', "_"), says, aadsts.filter(|_| !case.is_for_oidc()))
        });
        let status = (output.status.code(), output.status.signal());
        if output.stdout.is_empty() {
            return vec![format!("{}: {status:?} {}", case.name, String::from_utf8_lossy(&output.stderr))];
        }
        let answer = answer("verify", &output);
        let refusal = &answer["refusal"];
        let text = |name: &str| refusal[name].as_str().unwrap_or_default().to_owned();
        let seen =
            if refusal.is_null() { Ok(()) } else { Err((text("check"), text("message"), refusal["aadsts"].as_u64())) };
        let mut failures = difference(case, "command line", &expected, &seen);
        if status != (Some(i32::from(expected.is_err())), None) {
            failures.push(format!("{}: {status:?}", case.name));
        }
        failures
    });
    assert_no_failures(&failures);
}

#[test]
fn every_hostile_key_set_is_refused_as_its_file_says() {
    let failures = for_all(&cases("jwks"), |case| {
        let (token, key_set) = (String::from_utf8(case.token()).unwrap(), case.key_set());
        let judge = |verifier: &Verifier| judged(verifier, &token, &case.expectations());
        let mut failures = difference(case, "from_published", &case.expected(), &judge(&served(key_set.clone())));
        if let Ok(jwks) = Jwks::parse(&key_set) {
            let seen = judge(&Verifier::from_jwks(issuer(), &jwks));
            failures.extend(difference(case, "from_jwks", &case.expected(), &seen));
        }
        failures
    });
    assert_no_failures(&failures);
}

/// Fetches the documents from a server and verifies a good token with them.
async fn judged_by(url: &str) -> Verdict {
    let fetcher = HttpFetcher::new(&[] as &[&Path]).unwrap();
    let location: Location = url.parse().unwrap();
    let published = PublishedIssuer::fetch(&issuer(), &location, &fetcher).await;
    judged(&Verifier::from_published(issuer(), &published), &good_token("rs256"), &Expectations::entra())
}

/// The expected verdict of a file for a server at this URL.
fn expected_at(case: &Case, url: &str) -> Verdict {
    case.expected().map_err(|(check, says, code)| (check, says.replace("{url}", url), code))
}

#[test]
fn every_hostile_server_is_refused_as_its_file_says() {
    let (drips, others): (Vec<_>, Vec<_>) =
        cases("http").into_iter().partition(|case| case.text("server") == Some("drip"));
    let failures = for_all(&others, |case| {
        let url = serve(case.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        difference(case, &url, &expected_at(case, &url), &runtime.block_on(judged_by(&url)))
    });
    assert_no_failures(&failures);
    for case in drips {
        let (url, seen, waited, sent) = dripped_on(&case.key_set());
        assert_no_failures(&difference(&case, &url, &expected_at(&case, &url), &seen));
        // Received bytes do not extend the wait.
        assert!(waited.as_secs() == 10 && (5..=10).contains(&sent), "{sent} bytes in {waited:?}");
    }
}

/// Serves a key set one byte a second, with tokio's paused clock, which advances when all tasks wait.
fn dripped_on(key_set: &[u8]) -> (String, Verdict, Duration, usize) {
    let (head, body) = (response("200 OK", &[], &[]), key_set);
    let head =
        String::from_utf8(head).unwrap().replace("Content-Length: 0", &format!("Content-Length: {}", body.len()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = std::cell::Cell::new(0);
        let server = async {
            let mut request = [0; 4096];
            for whole in [discovery(), head.into_bytes()] {
                let (stream, _) = listener.accept().await.unwrap();
                // A socket that is reported as readable may still block.
                while stream.try_read(&mut request).is_err() {
                    stream.readable().await.unwrap();
                }
                stream.try_write(&whole).unwrap();
                // The second connection is for the JWKS.
                if request.starts_with(b"GET /openid/v1/jwks") {
                    for byte in body {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        sent.set(sent.get() + stream.try_write(&[*byte]).unwrap_or(0));
                    }
                }
            }
            std::future::pending().await
        };
        // Time advances in small steps, so that it does not overtake a packet.
        let clock = async {
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let start = tokio::time::Instant::now();
        let seen: Verdict = tokio::select! {
            seen = judged_by(&url) => seen,
            never = server => never,
            never = clock => never,
        };
        (url, seen, start.elapsed(), sent.get())
    })
}

/// A verifier of a run's keys.
fn verifier(run: &Recording) -> Verifier {
    let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
    Verifier::new(&Documents::new(run.issuer.parse().unwrap(), &keys)).unwrap()
}

/// When a recorded token was issued.
fn issued(token: &str) -> Timestamp {
    Timestamp::from_second(segment(token, 1)["iat"].as_i64().unwrap()).unwrap()
}

#[test]
fn every_truncation_and_bit_flip_of_a_token_is_refused() {
    let run = recording("trailing-slash");
    let (verifier, token) = (verifier(&run), run.text("entra-1h.jwt"));
    let at = issued(&token);
    let accepted = |token: &str| verifier.verify(token, &Expectations::entra(), at).is_ok();
    assert!(accepted(&token));
    let positions: Vec<_> = (0..token.len()).collect();
    let failures = for_all(&positions, |position| {
        let mut failures = Vec::new();
        let mut check = |token: &str, what: &dyn Fn() -> String| {
            if accepted(token) {
                failures.push(what());
            }
        };
        check(&token[..*position], &|| format!("cut to {position} bytes"));
        check(&token[position + 1..], &|| format!("without its first {} bytes", position + 1));
        check(&(token[..*position].to_owned() + &token[position + 1..]), &|| format!("without byte {position}"));
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[*position] ^= 1 << bit;
            // Invalid UTF-8 is replaced, as the command line does.
            check(&String::from_utf8_lossy(&bytes), &|| format!("bit {bit} of byte {position} flipped"));
        }
        for inserted in ["A", ".", "=", "\n", " ", "\0"] {
            let text = token[..*position].to_owned() + inserted + &token[*position..];
            check(&text, &|| format!("{inserted:?} inserted at {position}"));
        }
        failures
    });
    assert_no_failures(&failures);
    for appended in ["\n", " ", ".", "A", "=", "\0"] {
        assert!(!accepted(&format!("{token}{appended}")), "with {appended:?} behind it");
    }
}

#[test]
fn mixed_segments_of_recorded_tokens_never_verify() {
    let runs = recordings();
    let verifiers: HashMap<_, _> = runs.iter().map(|run| (run.name, verifier(run))).collect();
    let files = ["entra.jwt", "entra-1h.jwt", "pod-bound.jwt", "two-audiences.jwt", "apiserver-audience.jwt"];
    let tokens: Vec<_> = runs.iter().flat_map(|run| files.map(|file| (run, run.text(file)))).collect();
    let genuine: HashSet<&str> = tokens.iter().map(|(_, token)| token.as_str()).collect();
    // Any audience and algorithm is accepted: only the signature binds the parts together.
    let judge = |run: &Recording, token: &str, at| verifiers[run.name].verify(token, &Expectations::oidc(), at);
    for (run, token) in &tokens {
        judge(run, token, issued(token)).unwrap();
    }
    let failures = for_all(&tokens, |(_, claims_of)| {
        let (issuer, at) = (segment(claims_of, 1)["iss"].clone(), issued(claims_of));
        // Every run of the issuer in the claims.
        let judges: Vec<_> = runs.iter().filter(|run| issuer == run.issuer.as_str()).collect();
        assert!(!judges.is_empty());
        let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
        let claims = part(claims_of, 1);
        let mut failures = Vec::new();
        for (_, header_of) in &tokens {
            for (_, signature_of) in &tokens {
                let swapped = format!("{}.{claims}.{}", part(header_of, 0), part(signature_of, 2));
                let accepted = judges.iter().any(|run| judge(run, &swapped, at).is_ok());
                if accepted && !genuine.contains(swapped.as_str()) {
                    failures.push(swapped);
                }
            }
        }
        failures
    });
    assert_no_failures(&failures);
}

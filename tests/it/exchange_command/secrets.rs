//! Neither an assertion nor an access token appears anywhere except in the result.

use std::{fs, io::Read};

use rustix::process::Signal;

use super::{Watching, exchange};
use crate::{
    resources::World,
    support::{entra_controls::fault, http::get},
};

/// The parts of every secret until now: header, claims and signature of each token.
fn secrets(world: &World) -> Vec<String> {
    let assertion = fs::read_to_string(world.folder.path().join("token")).unwrap();
    let mut tokens = world.azure.controls.tokens.all();
    tokens.push(assertion);
    // The header of a token is public, and the same for all.
    tokens.iter().flat_map(|token| token.split('.').skip(1).map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn assert_clean(world: &World, what: &str, text: &str) {
    let found = secrets(world).into_iter().find(|secret| text.contains(secret.as_str()));
    assert!(found.is_none(), "{what} contains {found:?}: {text}");
}

#[test]
fn watch_shows_no_secret() {
    let world = World::new();
    let controls = &world.azure.controls;
    let out = world.folder.path().join("token-file");
    let words = ["--resource", "postgres", "--format", "pgpass", "-v", "--listen", "0"];
    let mut watching = Watching::start(&world, &out, &words);
    let line = watching.stdout_line();
    watching.line("wrote ");
    // An answer that contains the assertion and a token.
    let assertion = fs::read_to_string(world.folder.path().join("token")).unwrap();
    let sentence = format!("The assertion {assertion} and the token {} are not valid.", controls.tokens.all()[0]);
    controls.fail(fault::refusal("invalid_client", 99_999, &sentence));
    watching.send(Signal::HUP);
    watching.line("no new token");
    watching.line("wrote ");
    let metrics = get(line.strip_prefix("listening at http://").unwrap(), "/metrics");
    assert_clean(&world, "metrics", &String::from_utf8(metrics.body).unwrap());
    let process = format!("/proc/{}", watching.child.id());
    for file in ["cmdline", "environ"] {
        let text = String::from_utf8_lossy(&fs::read(format!("{process}/{file}")).unwrap()).into_owned();
        assert_clean(&world, file, &text);
    }
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    let mut stdout = String::new();
    watching.child.stdout.as_mut().unwrap().read_to_string(&mut stdout).unwrap();
    assert_clean(&world, "standard output", &format!("{line}\n{stdout}"));
    assert_clean(&world, "standard error", &watching.log());
    assert!(secrets(&world).iter().any(|secret| watching.content().contains(secret)), "the search finds nothing");
}

#[test]
fn one_exchange_shows_the_token_once() {
    let world = World::new();
    for format in ["token", "env", "header", "pgpass", "exec-credential", "json"] {
        let words = if format == "json" { ["-o", format] } else { ["--format", format] };
        let output = exchange(&world, &[&["--resource", "postgres", "-v"][..], &words].concat());
        assert_clean(&world, format, std::str::from_utf8(&output.stderr).unwrap());
        let text = String::from_utf8(output.stdout).unwrap();
        let shown = world.azure.controls.tokens.all().into_iter().filter(|token| text.contains(token.as_str()));
        let shown: Vec<_> = shown.collect();
        assert_eq!((shown.len(), text.matches(&shown[0]).count()), (1, 1), "{format}");
    }
}

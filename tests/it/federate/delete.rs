//! `issuer federate delete`.

use super::{APPLICATION, CLIENT, IDENTITY, SUBJECT, World};
use crate::support::{
    answer::answer,
    azure_credential::Credential,
    issuer::{stderr, stdout},
    pty::Terminal,
    signer::ISSUER,
};

fn delete(world: &World, words: &[&str]) -> std::process::Command {
    world.issuer(&[&["federate", "delete"], words, &["--auth", "az"]].concat())
}

#[test]
fn credential_is_deleted_with_yes() {
    let world = World::new();
    world.add("old", "https://old.example.com", SUBJECT);
    world.add("kept", ISSUER, SUBJECT);
    // Without a terminal, the command cannot ask.
    let output = delete(&world, &[&["old"], &IDENTITY[..]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let output = delete(&world, &[&["old", "--yes", "-o", "json"], &IDENTITY[..]].concat()).output().unwrap();
    let deleted = answer("federate-delete", &output);
    assert_eq!((deleted["deleted"].as_bool(), deleted["used"].as_u64()), (Some(true), Some(1)), "{deleted}");
    assert_eq!(world.credentials()[0][0], "kept");
    let output = delete(&world, &[&["old", "--yes"], &IDENTITY[..]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("has no federated credential \"old\""), "{}", stderr(&output));
}

#[test]
fn credential_of_a_valid_token_is_kept() {
    let world = World::new();
    world.add("used", ISSUER, SUBJECT);
    let token = world.token();
    let words = [&["used", "--yes", "--token", &token], &IDENTITY[..]].concat();
    let output = delete(&world, &words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("matches \"used\"; nothing was deleted"), "{}", stderr(&output));
    assert_eq!(world.credentials().len(), 1);
    let output = delete(&world, &[&words[..], &["--force"]].concat()).output().unwrap();
    assert_eq!((output.status.code(), world.credentials().len()), (Some(0), 0), "{}", stderr(&output));
    // A token of another workload does not protect the credential.
    world.add("used", ISSUER, SUBJECT);
    let other = world.write_token("other", "system:serviceaccount:shop:other", ISSUER);
    let words = [&["used", "--yes", "--token", other.to_str().unwrap()], &IDENTITY[..]].concat();
    assert_eq!(delete(&world, &words).output().unwrap().status.code(), Some(0));
}

#[test]
fn terminal_asks_for_the_name() {
    let world = World::new();
    world.directory.add_credential(APPLICATION, Credential::new("orders", ISSUER, SUBJECT));
    for (typed, code, left) in [("order", 1, 1), ("orders", 0, 0)] {
        let mut command = delete(&world, &["orders", "--app", APPLICATION]);
        let (mut terminal, mut child) = Terminal::run(80, &mut command, false);
        let question = terminal.read_to("> ");
        assert!(question.contains(SUBJECT) && question.contains(ISSUER), "{question}");
        terminal.type_line(typed);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{}", terminal.read_all());
        assert_eq!(world.directory.credentials(APPLICATION).len(), left);
    }
    assert!(world.directory.credentials(CLIENT).is_empty());
}

#[test]
fn text_names_what_is_left() {
    let world = World::new();
    world.add("old", ISSUER, SUBJECT);
    let output = delete(&world, &[&["old", "--yes"], &IDENTITY[..]].concat()).output().unwrap();
    assert_eq!(stdout(&output), "identity  managed identity orders, 0 credentials are left\ndeleted old\n");
}

//! The examples that embed the library reach the resources.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use super::{CLIENT, World, gate};
use crate::support::{
    issued_tokens::object_id,
    issuer::{stderr, stdout},
};

/// Runs an example in the pod. Its programs trust the certificates that `SSL_CERT_FILE` names.
fn example(world: &World, name: &str, argument: &str) -> Output {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_issuer")).with_file_name("examples").join(name);
    assert!(path.exists(), "build the examples first: cargo build --examples");
    let mut example = Command::new(path);
    example.env_clear().envs(world.pod(CLIENT)).env("SSL_CERT_FILE", world.ca_file()).arg(argument);
    example.output().unwrap()
}

#[test]
fn pool_of_sqlx_logs_in_with_one_token() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let ca_file = world.ca_file();
    let options = format!("sslmode=verify-full&sslrootcert={}", ca_file.to_str().unwrap());
    let url = format!("postgresql://{role}@localhost:{}/{role}?{options}", gate.port());
    let output = example(&world, "postgresql", &url);
    assert_eq!(stdout(&output), format!("logged in as {role}\n").repeat(4), "{}", stderr(&output));
    assert_eq!((gate.accepted(), gate.different_tokens(), world.azure.controls.exchanges()), (4, 1, 1));
}

#[test]
fn secret_is_read_twice_with_one_token() {
    let world = World::new();
    world.azure.vault.set("greeting", "Hello!", None);
    world.azure.vault.permit(&object_id(CLIENT));
    let url = format!("{}/secrets/greeting", world.azure.vault_url());
    let output = example(&world, "key_vault", &url);
    assert_eq!(stdout(&output), format!("{url} has 6 characters, the same twice: true\n"), "{}", stderr(&output));
    assert_eq!(world.azure.controls.exchanges(), 1);
}

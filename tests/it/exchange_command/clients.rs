//! Real clients read the password file at each login.

use super::{PGPASS, Watching};
use crate::{
    resources::{CLIENT, World},
    support::{
        clients,
        issued_tokens::object_id,
        issuer::{stderr, stdout},
        postgresql::psql,
    },
};

#[test]
fn psql_logs_in_with_each_token_of_the_file() {
    let world = World::new();
    if clients::postgresql().is_none() {
        return;
    }
    let Some(gate) = world.azure.postgresql() else { return };
    let role = "exchange-watch";
    gate.create_service(role, &object_id(CLIENT), role);
    world.azure.controls.lifetime(3);
    world.azure.controls.refresh_in(Some(1));
    let out = world.folder.path().join("pgpass");
    let connection = format!("postgres://{role}@localhost:{}/{role}?sslmode=verify-full", gate.port());
    let watching = Watching::ready(&world, &out, &[&PGPASS[..5], &[connection.as_str()]].concat());
    // Nine seconds: three lifetimes.
    for _ in 0..9 {
        let mut command = psql();
        command.env("PGPASSFILE", &out).env_remove("PGPASSWORD");
        command.env("PGSSLROOTCERT", world.ca_file()).env("PGHOSTADDR", "127.0.0.1");
        command.args(["--no-align", "--tuples-only", "--no-password", &connection, "--command", "SELECT current_user"]);
        let output = command.output().unwrap();
        assert_eq!((stdout(&output).trim_end(), stderr(&output).as_str()), (role, ""), "{}", watching.log());
        watching.line("wrote ");
    }
    assert_eq!((gate.accepted(), gate.different_tokens()), (9, 9));
    assert!(!watching.log().contains("warning: "), "{}", watching.log());
}

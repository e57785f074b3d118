//! psql, psycopg and Ruby's pg log in through the gate.

use std::{os::unix::fs::PermissionsExt, process::Command};

use super::{CLIENT, OTHER, TENANT, World, gate, unique};
use crate::support::{
    clients::{self, RUBY},
    entra_login::{self, Sentences},
    issued_tokens::{Principal, object_id},
    key_vault,
    pgaadauth::{self, PrincipalType},
    postgresql::{Postgresql, psql},
    postgresql_gate::Gate,
    python::{lines, python},
    tls::Authority,
};
use serde_json::json;

/// A token that opens the role of [`gate`].
fn postgresql_token(world: &World) -> String {
    world.token(CLIENT, entra_login::AUDIENCE)
}

/// psql with a password, which connects to the gate with the options of a careful user.
fn log_in(world: &World, gate: &Gate, role: &str, password: &str) -> Command {
    let mut command = psql();
    command.env("PGPASSWORD", password).env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", world.ca_file());
    command.env("PGHOST", "localhost").env("PGHOSTADDR", "127.0.0.1").env("PGPORT", gate.port().to_string());
    command.env("PGUSER", role).args(["--no-align", "--tuples-only", "--quiet", "--set", "ON_ERROR_STOP=1"]);
    command
}

/// Standard output of a successful query, or standard error.
fn run(command: &mut Command, sql: &str) -> Result<String, String> {
    let output = command.args(["--command", sql]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn psql_logs_in_with_a_token() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let tokens = [postgresql_token(&world), world.token(CLIENT, &format!("{}/", entra_login::AUDIENCE))];
    for token in &tokens {
        for sql in ["SELECT current_user", "SELECT current_database()"] {
            assert_eq!(run(&mut log_in(&world, &gate, &role, token), sql), Ok(role.clone()));
        }
    }
    // 4 MiB in each direction.
    let copy = "CREATE TEMP TABLE t (x text); INSERT INTO t SELECT repeat('x', 1024) FROM generate_series(1, 4096); \
                SELECT sum(length(x)) FROM t; SELECT string_agg(x, '') FROM t";
    let output = run(&mut log_in(&world, &gate, &role, &tokens[0]), copy).unwrap();
    assert_eq!(output.len(), "4194304\n".len() + 4_194_304);
    let long = format!("SELECT length('{}')", "x".repeat(100_000));
    assert_eq!(run(&mut log_in(&world, &gate, &role, &tokens[0]), &long), Ok("100000".to_owned()));
    assert_eq!((gate.accepted(), gate.different_tokens()), (6, 2));
    assert!(gate.logins().iter().all(|login| login.role == role && login.database == role));
    let log = gate.server().log();
    assert!(log.contains("SELECT current_database()"), "{log}");
    for token in world.azure.controls.tokens.all() {
        assert!(!log.contains(&token), "the server receives no token");
    }
}

#[test]
fn each_postgresql_refusal_has_the_sentence_of_azure() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let tokens = &world.azure.controls.tokens;
    let (user_role, group_role) = (unique("mary@contoso.com"), unique("readers"));
    let group = "ba0ea787-9e71-4e9e-834d-71aa7f32361b";
    for (role, id, kind) in [
        (&user_role, object_id("mary@contoso.com"), PrincipalType::User),
        (&group_role, group.to_owned(), PrincipalType::Group),
    ] {
        pgaadauth::create_principal(gate.server(), role, &id, kind, false);
    }
    // A role that no principal of Entra has.
    let plain_role = unique("plain");
    gate.server().create_role(&plain_role);
    let good = postgresql_token(&world);
    let issue = |principal: &Principal, age| tokens.issue(principal, entra_login::AUDIENCE, 3599, age);
    let user = issue(&Principal::user(TENANT, "mary@contoso.com"), 0);
    let other_user = issue(&Principal::user(TENANT, "john@contoso.com"), 0);
    let member = issue(&Principal::app(TENANT, CLIENT).in_group(group), 0);
    let expired = issue(&Principal::app(TENANT, CLIENT), 3600);
    let wrong = |role: &str| format!("password authentication failed for user \"{role}\"");
    let app_user = "AAD_AUTH_TOKENTYPE_APP_USER";
    let cases = [
        (Sentences::New, &role, "not a token", wrong(&role)),
        (Sentences::New, &role, "", "fe_sendauth: no password supplied".to_owned()),
        (Sentences::New, &CLIENT.to_owned(), &good, wrong(CLIENT)),
        (Sentences::New, &"postgres".to_owned(), &good, wrong("postgres")),
        (Sentences::New, &plain_role, &good, wrong(&plain_role)),
        (
            Sentences::New,
            &role,
            &world.token(CLIENT, key_vault::AUDIENCE),
            "The access token does not have a valid audience claim. Please acquire a new token for the resource \
             \"https://ossrdbms-aad.database.windows.net\"."
                .to_owned(),
        ),
        (
            Sentences::New,
            &role,
            &expired,
            "The access token has expired. Acquire a new token and try again.".to_owned(),
        ),
        (
            Sentences::Old,
            &role,
            &expired,
            "The access token has expired. Please acquire a new token and retry.".to_owned(),
        ),
        (
            Sentences::New,
            &group_role,
            &good,
            format!(
                "Azure AD access token not valid for role {group_role} (does not contain group ID {group})\nHINT:  Did \
                 you specify the correct user name and access token?"
            ),
        ),
        (
            Sentences::New,
            &user_role,
            &good,
            format!(
                "Microsoft Entra user token for role[{user_role}] is neither an {app_user} or an \
                 AAD_AUTH_TOKENTYPE_APP_OBO token."
            ),
        ),
        (
            Sentences::Old,
            &user_role,
            &good,
            format!(
                "Azure AD user token for role[{user_role}] is neither an {app_user} or an AAD_AUTH_TOKENTYPE_APP_OBO \
                 token."
            ),
        ),
        (
            Sentences::New,
            &role,
            &user,
            format!("Service principals cannot generate {app_user} tokens for role \"{role}\""),
        ),
        (
            Sentences::Old,
            &role,
            &user,
            format!("Service Principals cannot generate {app_user} tokens for role[{role}]"),
        ),
        (
            Sentences::New,
            &role,
            &world.token(OTHER, entra_login::AUDIENCE),
            format!("Service Principal oid mismatch for role[{role}]."),
        ),
        (Sentences::New, &user_role, &other_user, wrong(&user_role)),
    ];
    for (sentences, role, password, sentence) in &cases {
        gate.use_sentences(*sentences);
        let error = run(&mut log_in(&world, &gate, role, password), "SELECT 1").unwrap_err();
        let end = if password.is_empty() { sentence.clone() } else { format!("FATAL:  {sentence}") };
        assert!(error.ends_with(&end), "{end}\n{error}");
    }
    assert_eq!(gate.accepted(), 0);
    let states: Vec<_> = gate.logins().iter().filter_map(|login| login.refusal.clone()).collect();
    assert_eq!(states.len(), cases.len() - 1, "psql sends no empty password");
    assert!(states.iter().all(|refusal| {
        refusal.sqlstate == if refusal.message.starts_with("password") { "28P01" } else { "28000" }
    }));

    for (role, token) in [(&user_role, &user), (&group_role, &member), (&role, &good)] {
        let connect = &mut log_in(&world, &gate, role, token);
        assert_eq!(run(connect.env("PGDATABASE", "postgres"), "SELECT current_user"), Ok(role.clone()));
    }
    // The clock of the cloud decides, and the token that was good has expired.
    tokens.advance(3599);
    let error = run(&mut log_in(&world, &gate, &role, &good), "SELECT 1").unwrap_err();
    assert!(error.contains("The access token has expired."), "{error}");
}

#[test]
fn gate_requires_tls_and_passes_cancel_requests_on() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let token = postgresql_token(&world);
    let plain = run(log_in(&world, &gate, &role, &token).env("PGSSLMODE", "disable"), "SELECT 1").unwrap_err();
    let sentence = format!(
        "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"{role}\", database \"{role}\", no encryption"
    );
    assert!(plain.ends_with(&sentence), "{plain}");
    let other = Authority::new();
    let untrusted = run(log_in(&world, &gate, &role, &token).env("PGSSLROOTCERT", other.ca_file()), "SELECT 1");
    assert!(untrusted.unwrap_err().contains("certificate verify failed"));
    let name = run(log_in(&world, &gate, &role, &token).env("PGHOST", "db.example.com"), "SELECT 1").unwrap_err();
    assert!(name.contains("does not match host name \"db.example.com\""), "{name}");
    assert!(gate.logins().is_empty());

    // psql cancels its query at SIGINT, on a connection of its own.
    let mut child = log_in(&world, &gate, &role, &token)
        .args(["--command", "SELECT pg_advisory_lock(1), 'in this query', pg_sleep(600)"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let running = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND wait_event = 'PgSleep'");
    while gate.server().sql("postgres", &running) == "0" {
        std::thread::yield_now();
    }
    assert_eq!(gate.open_connections(), 1);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let mut error = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut error).unwrap();
    child.wait().unwrap();
    assert!(error.contains("canceling statement due to user request"), "{error}");
}

#[test]
fn logins_run_at_the_same_time() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    std::thread::scope(|scope| {
        let logins: Vec<_> = (0..16)
            .map(|_| {
                let token = postgresql_token(&world);
                let (world, gate, role) = (&world, &gate, &role);
                scope.spawn(move || run(&mut log_in(world, gate, role, &token), "SELECT 1"))
            })
            .collect();
        assert!(logins.into_iter().all(|login| login.join().unwrap().is_ok()));
    });
    assert_eq!((gate.accepted(), gate.different_tokens()), (16, 16));
}

#[test]
fn server_removes_its_data_when_it_ends() {
    let Some(server) = Postgresql::start() else { return };
    let folder = server.folder().to_owned();
    assert_eq!(server.sql("postgres", "SHOW listen_addresses"), "");
    assert!(folder.join("data/PG_VERSION").exists() && server.socket().exists());
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn sql_of_the_guides_creates_roles() {
    let world = World::new();
    let Some(gate) = world.azure.own_postgresql() else { return };
    let [admin, named, by_id] = ["admin@contoso.com", "shop-orders", "shop-bills"];
    pgaadauth::create_principal(gate.server(), admin, &object_id(admin), PrincipalType::User, true);
    pgaadauth::add_to_tenant(gate.server(), named, &object_id(CLIENT), PrincipalType::Service);
    let user = Principal::user(TENANT, admin);
    let admin_token = world.azure.controls.tokens.issue(&user, entra_login::AUDIENCE, 3599, 0);
    let as_admin = |sql: &str| run(log_in(&world, &gate, admin, &admin_token).env("PGDATABASE", "postgres"), sql);
    let created = as_admin(&format!("SELECT * FROM pgaadauth_create_principal('{named}', false, false)"));
    assert_eq!(created, Ok(format!("Created role for \"{named}\"")));
    let oid = object_id(OTHER);
    let with_oid =
        format!("pg_catalog.pgaadauth_create_principal_with_oid('{by_id}', '{oid}', 'service', false, false)");
    assert_eq!(as_admin(&format!("SELECT * FROM {with_oid}")), Ok(format!("Created role for \"{by_id}\"")));
    let listed = as_admin(&format!(
        "SELECT principaltype, objectid FROM pgaadauth_list_principals(false) WHERE rolename = '{by_id}'"
    ));
    assert_eq!(listed, Ok(format!("service|{oid}")));
    let unknown = as_admin("SELECT * FROM pgaadauth_create_principal('no-such-identity', false, false)").unwrap_err();
    assert!(
        unknown.contains("Could not validate AAD user no-such-identity because its name is not found"),
        "{unknown}"
    );

    for (role, client) in [(named, CLIENT), (by_id, OTHER)] {
        let token = world.token(client, entra_login::AUDIENCE);
        let as_role = |sql: &str| run(log_in(&world, &gate, role, &token).env("PGDATABASE", "postgres"), sql);
        assert_eq!(as_role("SELECT current_user"), Ok(role.to_owned()));
        let denied = as_role("SELECT pgaadauth_create_principal_with_oid('x', 'y', 'user', true, false)").unwrap_err();
        assert!(denied.contains("must be a member of azure_pg_admin"), "{denied}");
        assert!(as_role("SELECT * FROM pgaadauth.principal").unwrap_err().contains("permission denied"));
    }
}

#[test]
fn psycopg_logs_in_with_a_pgpass_file() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let file = world.folder.path().join("pgpass");
    std::fs::write(&file, format!("localhost:*:*:{role}:{}\n", postgresql_token(&world))).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let parameters = format!("host=localhost port={} user={role} dbname={role}", gate.port());
    let uri = format!("postgresql://{role}@localhost:{}/{role}", gate.port());
    let login = |connection: &str| json!({ "connection": connection, "query": "SELECT current_user" });
    let mut program = python("log_in.py");
    program.env("PGPASSFILE", &file).env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", world.ca_file());
    assert_eq!(lines(&mut program, &[login(&parameters), login(&uri)]), [role.as_str(), role.as_str()]);
    assert_eq!((gate.accepted(), gate.different_tokens()), (2, 1));

    // libpq ignores a file that others may read.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = lines(&mut program, &[login(&uri)]);
    assert!(refused[0].contains("no password supplied"), "{refused:?}");
}

#[test]
fn ruby_logs_in_with_a_uri_and_with_parameters() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    if !clients::has_ruby() {
        return;
    }
    let (port, ca_file, token) = (gate.port(), world.ca_file(), postgresql_token(&world));
    let ca_file = ca_file.to_str().unwrap();
    let query = "SELECT current_user";
    let mut program = Command::new(RUBY);
    program.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/ruby/log_in.rb")).env_clear();
    let settings = format!("sslmode=verify-full&sslrootcert={ca_file}");
    let parameters = format!("host=localhost port={port} user={role} dbname={role} sslmode=verify-full");
    let answers = lines(
        &mut program,
        &[
            json!({ "connection": format!("postgresql://{role}:{token}@localhost:{port}/{role}?{settings}"), "query": query }),
            json!({ "connection": format!("{parameters} sslrootcert={ca_file} password={token}"), "query": query }),
            json!({ "connection": format!("{parameters} sslrootcert={ca_file}"), "password": token, "query": query }),
            json!({ "connection": format!("{parameters} sslrootcert={ca_file} password=x"), "query": query }),
        ],
    );
    assert_eq!(answers[..3], [role.as_str(); 3]);
    assert!(answers[3].contains("FATAL:  password authentication failed for user"), "{answers:?}");
    assert_eq!(gate.accepted(), 3);
}

//! The last link of the chain: real clients prove the stand-ins for Key Vault and for PostgreSQL's logins with Entra.

use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::support::{
    azure_resources::AzureResources,
    clients::{self, RUBY},
    entra_controls::fault,
    entra_login::{self, Sentences},
    federated_credential::Federated,
    internet::Internet,
    issued_tokens::{Principal, object_id},
    key_vault::{self, PermissionModel},
    message::Message,
    pgaadauth::{self, PrincipalType},
    postgresql::{Postgresql, psql},
    postgresql_gate::Gate,
    python::{Variables, lines, python, sign_in},
    signer::{ENTRA, ISSUER, signer},
    stand_in::{Response, StandIn},
    tls::Authority,
    token_endpoint::Application,
};
use issuer::{Documents, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const OTHER: &str = "99998888-aaaa-7777-bbbb-6666cccc5555";
const SUBJECT: &str = "system:serviceaccount:shop:orders";

/// Two applications with the same federated credential, the site of its issuer, and the resources.
struct World {
    azure: AzureResources,
    _site: StandIn,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let authority = Authority::for_hosts(&["issuer.example.com"]);
        let documents = Documents::new(ISSUER.parse().unwrap(), &signer().keys);
        let site = StandIn::https(&authority, move |request| match request.path.as_str() {
            "/.well-known/openid-configuration" => Response::new(200, &[], documents.discovery.to_bytes()),
            "/openid/v1/jwks" => Response::new(200, &[], documents.jwks.to_bytes()),
            _ => Response::new(404, &[], ""),
        });
        let credentials = Federated::find(&json!([{ "issuer": ISSUER, "subject": SUBJECT, "audiences": [ENTRA] }]));
        let application = |client_id: &str| Application {
            tenant: TENANT.to_owned(),
            client_id: client_id.to_owned(),
            credentials: credentials.clone(),
        };
        let hosts = [("issuer.example.com", site.url().trim_start_matches("https://"))];
        let azure = AzureResources::start(authority, vec![application(CLIENT), application(OTHER)], &hosts);
        let folder = TempDir::new().unwrap();
        let now = Timestamp::now().as_second();
        let claims =
            json!({ "iss": ISSUER, "sub": SUBJECT, "aud": [ENTRA], "iat": now, "nbf": now, "exp": now + 3600 });
        std::fs::write(folder.path().join("token"), signer().sign(&signer().header(), &claims)).unwrap();
        Self { azure, _site: site, folder }
    }

    fn pod(&self, client_id: &str) -> Variables {
        self.azure.pod(TENANT, client_id, &self.folder.path().join("token"))
    }

    fn ca_file(&self) -> PathBuf {
        self.azure.authority().ca_file()
    }

    /// A token for an application and a resource.
    fn token(&self, client_id: &str, audience: &str) -> String {
        self.azure.controls.tokens.issue(&Principal::app(TENANT, client_id), audience, 3599, 0)
    }

    fn postgresql_token(&self) -> String {
        self.token(CLIENT, entra_login::AUDIENCE)
    }
}

/// A name that no other test uses for a role or a database.
fn unique(name: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A gate with a role of the application `CLIENT`, which owns the database of the same name.
fn gate(world: &World) -> Option<(Gate, String)> {
    let gate = world.azure.postgresql()?;
    let role = unique("orders");
    gate.create_service(&role, &object_id(CLIENT), &role);
    Some((gate, role))
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
    let tokens = [world.postgresql_token(), world.token(CLIENT, &format!("{}/", entra_login::AUDIENCE))];
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
    let good = world.postgresql_token();
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
    let token = world.postgresql_token();
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
                let token = world.postgresql_token();
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
    std::fs::write(&file, format!("localhost:*:*:{role}:{}\n", world.postgresql_token())).unwrap();
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
    let (port, ca_file, token) = (gate.port(), world.ca_file(), world.postgresql_token());
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

/// What the plain request and `SecretClient` get for a secret, once for each client ID.
fn read_secret(world: &World, client_ids: &[&str], secret: &str) -> Vec<String> {
    let pods = client_ids.iter().map(|client_id| {
        let mut pod = world.pod(client_id);
        pod.extend([("VAULT_URL", world.azure.vault_url()), ("SECRET", secret.to_owned())]);
        serde_json::to_value(pod).unwrap()
    });
    let mut program = python("read_secret.py");
    program.env("REQUESTS_CA_BUNDLE", world.ca_file()).env("SSL_CERT_FILE", world.ca_file());
    lines(&mut program, &pods.collect::<Vec<_>>())
}

#[test]
fn python_reads_a_secret_with_the_token_of_a_pod() {
    let world = World::new();
    let vault = &world.azure.vault;
    vault.set("greeting", "an older value", None);
    let version = vault.set("greeting", "Hello!", Some("text/plain"));
    vault.permit(&object_id(CLIENT));
    let answers = read_secret(&world, &[CLIENT, OTHER], "greeting");
    let body: Value = serde_json::from_str(answers[0].strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!((&body["value"], &body["contentType"]), (&json!("Hello!"), &json!("text/plain")));
    assert_eq!(body["id"], format!("https://contoso.vault.azure.net/secrets/greeting/{version}"));
    assert_eq!(answers[1], format!("Hello! {version} text/plain"));
    assert!(answers[2].starts_with("403 ") && answers[2].contains("\"innererror\":{\"code\":\"ForbiddenByRbac\"}"));
    assert!(answers[3].starts_with("error 403 (Forbidden) Caller is not authorized"), "{}", answers[3]);
    // SecretClient sends its first request without a token, and keeps the challenge of the vault.
    let requests = world.azure.vault_requests();
    assert_eq!(requests.iter().filter(|request| request.bearer().is_none()).count(), 1);
    assert_eq!((requests.len(), vault.requests()), (5, 5));

    let missing = read_secret(&world, &[CLIENT], "no-such-secret");
    assert!(missing[0].starts_with("404 ") && missing[0].contains("SecretNotFound"), "{missing:?}");
    assert!(missing[1].starts_with("error 404 (SecretNotFound) A secret with (name/id)"), "{missing:?}");
    assert!(world.azure.controls.exchanges() > 0);
}

/// The vault's answer to a request with this token: the status, the challenge, and the error.
fn get(world: &World, token: Option<&str>) -> (u16, String, Value) {
    let header = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let request = crate::support::stand_in::Request {
        method: "GET".to_owned(),
        origin: world.azure.vault_url(),
        path: "/secrets/greeting".to_owned(),
        query: vec![("api-version".to_owned(), "7.4".to_owned())],
        headers: header.into_iter().collect(),
        body: Vec::new(),
    };
    let response = world.azure.vault.handler()(&request);
    let challenge = response.headers.iter().find(|(name, _)| name == "WWW-Authenticate");
    let challenge = challenge.map(|(_, value)| value.clone()).unwrap_or_default();
    (response.status, challenge, serde_json::from_slice::<Value>(&response.body).unwrap()["error"].clone())
}

#[test]
fn each_key_vault_refusal_has_its_code() {
    let world = World::new();
    let (vault, tokens) = (&world.azure.vault, &world.azure.controls.tokens);
    vault.set("greeting", "Hello!", None);
    let app = Principal::app(TENANT, CLIENT);
    let other_tenant = Principal::app("11111111-1111-4111-8111-111111111111", CLIENT);
    let vault_token = |principal: &Principal, age| tokens.issue(principal, key_vault::AUDIENCE, 3599, age);
    let china = tokens.issue(&app, "https://vault.azure.cn", 3599, 0);
    let cases = [
        (None, "AKV10000: Request is missing a Bearer or PoP token."),
        (Some("abc".to_owned()), "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'."),
        (Some(vault_token(&app, 3600)), "[TokenExpired] Error validating token: 'S2S12086'."),
        (Some(china), "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://vault.azure.cn."),
        (
            Some(vault_token(&other_tenant, 0)),
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/, \
             found https://sts.windows.net/11111111-1111-4111-8111-111111111111/.",
        ),
    ];
    for (token, message) in cases {
        let (status, challenge, error) = get(&world, token.as_deref());
        assert_eq!((status, &error["code"], &error["message"]), (401, &json!("Unauthorized"), &json!(message)));
        let expected = format!(
            "Bearer authorization=\"https://login.microsoftonline.com/{TENANT}\", resource=\"https://vault.azure.net\""
        );
        assert_eq!(challenge, expected);
    }
    let good = vault_token(&app, 0);
    let inner = |world: &World| get(world, Some(&good)).2["innererror"]["code"].clone();
    assert_eq!(inner(&world), "ForbiddenByRbac");
    vault.use_model(PermissionModel::AccessPolicies);
    let (status, challenge, error) = get(&world, Some(&good));
    assert_eq!((status, challenge.as_str(), &error["innererror"]["code"]), (403, "", &json!("AccessDenied")));
    let message = error["message"].as_str().unwrap();
    let caller = format!("'appid={CLIENT};oid={};iss=https://sts.windows.net/{TENANT}/'", object_id(CLIENT));
    assert!(message.contains(&caller) && message.contains("does not have secrets get permission on key vault"));

    // A role assignment that has not reached the vault yet.
    vault.use_model(PermissionModel::Roles);
    vault.permit_after(&object_id(CLIENT), 2);
    let statuses: Vec<_> = (0..4).map(|_| get(&world, Some(&good)).0).collect();
    assert_eq!(statuses, [403, 403, 200, 200]);
    vault.block_network();
    assert_eq!(inner(&world), "ForbiddenByFirewall");
}

#[test]
fn token_endpoint_follows_its_controls() {
    let world = World::new();
    let controls = &world.azure.controls;
    let ask = |pods: usize| sign_in(&world.ca_file(), &vec![world.pod(CLIENT); pods]);
    controls.propagate_after(CLIENT, 2);
    let answers = ask(3);
    assert!(answers[..2].iter().all(|answer| answer.contains("AADSTS700211: ")), "{answers:?}");
    assert!(answers[2].starts_with("Bearer 60 "), "{answers:?}");
    assert_eq!((controls.requests(), controls.exchanges()), (3, 1));

    // A lifetime as a string, and a token that is old when it is issued.
    controls.lifetime(1800);
    controls.age(600);
    controls.refresh_in(Some(600));
    controls.expires_in_is_text(true);
    let answer = ask(1).remove(0);
    let (start, token) = answer.rsplit_once(' ').unwrap();
    assert_eq!(start, "Bearer 20");
    let issued = controls.tokens.find(token).unwrap();
    assert_eq!((issued.audience.as_str(), &issued.principal.client_id), (key_vault::AUDIENCE, &CLIENT.to_owned()));
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    assert_eq!((&claims["ver"], &claims["idtyp"], &claims["appid"]), (&json!("1.0"), &json!("app"), &json!(CLIENT)));
    assert_eq!((&claims["oid"], &claims["tid"]), (&json!(object_id(CLIENT)), &json!(TENANT)));
    let exp = claims["exp"].as_i64().unwrap();
    assert!((1199..=1200).contains(&(exp - controls.tokens.now())), "{claims}");

    controls.fail(fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."));
    assert!(ask(1)[0].contains("AADSTS7000215: "));
    // The SDK sends a request again after a status that is not a refusal.
    controls.fail(fault::gateway(502));
    controls.add_to_group(CLIENT, "ba0ea787-9e71-4e9e-834d-71aa7f32361b");
    let before = controls.requests();
    let answer = ask(1).remove(0);
    assert!(answer.starts_with("Bearer "), "{answer}");
    assert_eq!((controls.requests() - before, controls.faults_left()), (2, 0));
    let issued = controls.tokens.find(answer.rsplit(' ').next().unwrap()).unwrap();
    assert_eq!(issued.principal.groups, ["ba0ea787-9e71-4e9e-834d-71aa7f32361b"]);

    // Faults are sent in their order, and hide what is wrong with the request.
    controls.fail(fault::throttled(7));
    controls.fail(fault::transient());
    let address = world.azure.entra.url().trim_start_matches("https://");
    let internet = Internet::new(world.azure.authority(), &[("localhost", address)]);
    let post = || internet.post(&format!("https://localhost/{TENANT}/oauth2/v2.0/token"), &[("grant_type", "x")]);
    let answers = [post(), post(), post()];
    assert_eq!(answers.each_ref().map(Message::status), [429, 503, 400]);
    assert_eq!(answers[0].header("retry-after"), Some("7"));
    for (answer, code) in answers.iter().zip(["AADSTS90055: ", "AADSTS90033: ", "AADSTS900144: "]) {
        assert!(answer.text().contains(code), "{}", answer.text());
    }

    // A delayed request is answered when the test says so.
    controls.hold();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(1));
        controls.wait_for_held(1);
        let exchanges = controls.exchanges();
        controls.release();
        assert!(held.join().unwrap()[0].starts_with("Bearer "));
        controls.wait_for_exchanges(exchanges + 1);
    });
}

//! Windmill with PostgreSQL: the `entraid` URL, and a sidecar whose token outlives three lifetimes.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use super::{
    api_server::ApiServer,
    connections::{Connections, PYTHON},
    guide::Guide,
    pod::Pod,
    sidecar::Sidecar,
    world::{CLIENT, World},
};
use crate::support::{issued_tokens::object_id, issuer::stdout, postgresql_gate::Gate};

const ISSUER: &str = "https://acct.z6.web.core.windows.net";
const URL: &str = "postgres://windmill@contoso.postgres.database.azure.com/windmill?sslmode=verify-full";
/// The lifetime of the tokens in seconds. The sidecar refreshes after two thirds of it, so four seconds are left for a slow
/// machine.
const LIFETIME: i64 = 12;
/// Refreshes in three lifetimes.
const REFRESHES: usize = 5;

/// The state at the end of the guide.
struct Windmill {
    world: World,
    pod: Pod,
    manifest: String,
    sidecar: Sidecar,
}

impl Windmill {
    /// Follows the guide. `None`: PostgreSQL is missing, and the test is skipped.
    fn of_the_guide(prepare: impl FnOnce(&World)) -> Option<(Self, Guide)> {
        let (world, guide) = (World::with_postgresql("windmill")?, Guide::read("windmill-postgresql"));
        prepare(&world);
        let api_server = ApiServer::of_the_guides();
        world.permit_publisher();
        world.write("sa.pub", api_server.public());
        let run = |step: &str| guide.run(step, |script| world.run(script));
        for step in ["publish", "credential"] {
            run(step);
        }
        world.write("role.sql", &guide.file("role.sql"));
        run("role");
        let manifest = guide.file("windmill.yaml");
        world.write("windmill.yaml", &manifest);
        run("manifest");
        let mut pod = Pod::new(&manifest, &api_server, ISSUER).unwrap();
        for step in ["probe", "entraid"] {
            guide.run(step, |script| world.run_in(&pod, script));
        }
        world.write("jobs.py", &guide.file("jobs.py"));
        let sidecar = Sidecar::start(&world, &mut pod, &manifest);
        guide.run("jobs", |script| world.run_in(&pod, script));
        pod.variables.insert("DATABASE_URL", URL.to_owned());
        Some((Self { world, pod, manifest, sidecar }, guide))
    }

    fn gate(&self) -> &Gate {
        self.world.gate.as_ref().unwrap()
    }

    /// What psql prints in the pod, with the password file.
    fn psql(&self, sql: &str) -> String {
        let command = format!("psql \"$DATABASE_URL\" --no-align --tuples-only --quiet --command \"{sql}\"");
        self.world.printed_in(&self.pod, &command)
    }
}

#[test]
fn windmill_guide_ends_at_the_database() {
    let Some((mut windmill, guide)) = Windmill::of_the_guide(|_| ()) else { return };
    guide.finish();
    assert!(windmill.gate().logins().iter().all(|login| login.refusal.is_none()));
    assert_eq!(windmill.psql("select count(*) from backups"), "1\n");

    // Without its label, a pod has no variables.
    let label = "azure.workload.identity/use: \"true\"";
    let unlabelled = windmill.manifest.replacen(label, "", 1);
    assert!(Pod::new(&unlabelled, &ApiServer::of_the_guides(), ISSUER).is_none());

    let refused = |windmill: &Windmill, command: &str, sentence: &str| {
        let printed = windmill.world.printed_in(&windmill.pod, command);
        assert!(printed.contains(sentence), "{command}: {printed}");
        windmill.world.write("error.log", &printed);
        stdout(&windmill.world.run("issuer explain --file error.log"))
    };
    // A token for another resource.
    let vault = "issuer exec --resource keyvault --env PGPASSWORD -- psql \"$DATABASE_URL\" --command 'select 1'";
    let explained = refused(&windmill, vault, "does not have a valid audience claim");
    assert!(explained.contains("https://ossrdbms-aad.database.windows.net"), "{explained}");
    // The connection names no user.
    let without_user = "issuer exec --connection \"${DATABASE_URL/windmill@/}\" --env-connection D -- true";
    let printed = windmill.world.printed_in(&windmill.pod, without_user);
    assert!(printed.contains("names no user"), "{printed}");
    // A role of another object ID, as after an identity was created again, and a role of a user.
    let gate = windmill.gate();
    let set = |column: &str, value: &str| {
        let values = format!("set {column} = '{value}' where rolename = 'windmill'");
        gate.server().sql("postgres", &format!("update pgaadauth.principal {values}"));
    };
    let log_in = "psql \"$DATABASE_URL\" --command 'select 1'";
    set("objectid", "00000000-0000-4000-8000-000000000000");
    let explained = refused(&windmill, log_in, "oid mismatch for role[windmill]");
    assert!(explained.contains("on role \"windmill\" is 'aadauth,oid="), "{explained}");
    set("objectid", &object_id(CLIENT));
    set("principaltype", "user");
    let explained = refused(&windmill, log_in, "is neither an AAD_AUTH_TOKENTYPE_APP_USER");
    assert!(explained.contains("pgaadauth_create_principal_with_oid('windmill'"), "{explained}");
    set("principaltype", "service");
    // Privileges are missing, and the SQL of `explain` grants them.
    gate.server().sql("windmill", "revoke create on schema public from windmill");
    let create = "psql \"$DATABASE_URL\" --command 'create table jobs (id int)'";
    let explained = refused(&windmill, create, "permission denied for schema public");
    let grant = explained.split('`').find(|part| part.starts_with("grant usage, create")).unwrap();
    gate.server().sql("windmill", &grant.replace("ROLE", "windmill"));
    assert_eq!(windmill.psql("create table jobs (id int)"), "");

    // The last token stays after the end of the sidecar.
    assert_eq!(windmill.sidecar.stop().code(), Some(0));
    assert_eq!(windmill.psql("select current_user"), "windmill\n");
}

#[test]
fn token_is_refreshed_for_three_lifetimes() {
    let short = |world: &World| world.azure.controls.lifetime(LIFETIME);
    let Some((mut windmill, _)) = Windmill::of_the_guide(short) else { return };
    let tokens = windmill.world.azure.controls.tokens.clone();
    let first = windmill.sidecar.token();
    let mut connections = Connections::start(&windmill.world, &windmill.pod, PYTHON);
    assert_eq!(connections.open("first"), "windmill");
    let before = windmill.gate().logins().len();
    let (is_over, others) = (AtomicBool::new(false), AtomicUsize::new(0));
    let Windmill { world, pod, sidecar, .. } = &mut windmill;
    thread::scope(|scope| {
        // Other processes log in at every moment, also while the file is replaced.
        let log_ins = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let printed = world.printed_in(pod, "psql \"$DATABASE_URL\" -Atc 'select current_user'");
                assert_eq!(printed, "windmill\n");
                others.fetch_add(1, Ordering::Relaxed);
            }
        });
        for refresh in 0..REFRESHES {
            sidecar.wait_for_a_write();
            let name = format!("of-refresh-{refresh}");
            assert_eq!(connections.open(&name), "windmill");
            for open in (0..=refresh).rev().take(3) {
                assert_eq!(connections.query(&format!("of-refresh-{open}")), "windmill");
            }
            if refresh >= 3 {
                connections.close(&format!("of-refresh-{}", refresh - 3));
            }
            assert_eq!(connections.query("first"), "windmill");
            assert!(!log_ins.is_finished(), "a login failed");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let gate = windmill.gate();
    let logins = gate.logins();
    let refused: Vec<_> = logins.iter().filter_map(|login| login.refusal.clone()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(logins.len() - before, REFRESHES + others.load(Ordering::Relaxed));
    assert!(gate.different_tokens() >= REFRESHES, "{}", gate.different_tokens());
    // The first connection has outlived its token, with which no one can log in any more.
    assert!(tokens.is_expired(&tokens.find(&first).unwrap()));
    assert_eq!(connections.query("first"), "windmill");
    let late = format!("PGPASSWORD={first} psql \"$DATABASE_URL\" -c 'select 1'");
    let printed = windmill.world.printed_in(&windmill.pod, &late);
    assert!(printed.contains("The access token has expired"), "{printed}");
}

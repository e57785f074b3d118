//! Rails with PostgreSQL: a token for each connection of concurrent pools, in the way of the gem and with a sidecar.

use std::thread;

use serde_json::Value;

use super::{
    api_server::ApiServer,
    connections::{Connections, PYTHON, ruby},
    guide::Guide,
    pod::Pod,
    sidecar::Sidecar,
    world::{CLIENT, World},
};
use crate::support::{cli::write_executable, clients, issuer::stdout, signer::ENTRA};

const ISSUER: &str = "https://acct.z6.web.core.windows.net";
const URL: &str = "postgresql://rails@contoso.postgres.database.azure.com/shop?sslmode=verify-full";
/// The connections of `pools.rb` in the guide.
const POOLED: usize = 4 * 5;
const HOUR: i64 = 3600;

/// The state at the end of the guide.
struct Rails {
    world: World,
    pod: Pod,
    web: String,
}

impl Rails {
    /// Follows the guide. `None`: PostgreSQL or Ruby is missing, and the test is skipped.
    fn of_the_guide() -> Option<(Self, Guide)> {
        let world = clients::has_ruby().then(|| World::with_postgresql("rails"))??;
        let (guide, api_server) = (Guide::read("rails-postgresql"), ApiServer::of_the_guides());
        world.permit_publisher();
        world.write("sa.pub", api_server.public());
        let run = |step: &str| guide.run(step, |script| world.run(script));
        for step in ["publish", "credential", "sql"] {
            run(step);
        }
        world.write("role.sql", &guide.file("role.sql"));
        run("role");
        let job = guide.file("migrate.yaml");
        world.write("migrate.yaml", &job);
        let web = guide.file("web.yaml");
        world.write("web.yaml", &web);
        run("manifests");
        let pod = Pod::new(&job, &api_server, ISSUER).unwrap();
        let in_pod = |step: &str| guide.run(step, |script| world.run_in(&pod, script));
        for step in ["probe", "connection strings"] {
            in_pod(step);
        }
        world.write("pools.rb", &guide.file("pools.rb"));
        let accepted = world.gate.as_ref().unwrap().accepted();
        let different = world.gate.as_ref().unwrap().different_tokens();
        in_pod("pools");
        let gate = world.gate.as_ref().unwrap();
        assert_eq!(gate.accepted() - accepted, POOLED);
        assert_eq!(gate.different_tokens() - different, POOLED, "each connection has a token of its own");
        Some((Self { world, pod, web }, guide))
    }

    fn migrate(&self, manifest: &str) -> String {
        let documents = manifest.split("---\n").map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
        let job = documents.into_iter().find(|document| document["kind"] == "Job").unwrap();
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        let value = container["env"][0]["value"].as_str().unwrap();
        let words = container["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        // The kubelet replaces the variable; each word is one argument.
        let words: Vec<_> = words.map(|word| format!("'{}'", word.replace("$(DATABASE)", value))).collect();
        self.world.printed_in(&self.pod, &words.join(" "))
    }
}

#[test]
fn rails_guide_ends_with_a_token_for_each_connection() {
    let Some((rails, guide)) = Rails::of_the_guide() else { return };
    guide.finish();
    let Rails { world, pod, .. } = &rails;
    // The Job of the guide runs its program with the token. The program is that of the image.
    std::fs::create_dir(world.folder().join("bin")).unwrap();
    let program = "#!/bin/sh\n[ \"$*\" = db:migrate ] && psql \"$DATABASE_URL\" -qAtc 'create table orders (id int)' \
                   -c 'select current_user'\n";
    write_executable(&world.folder().join("bin/rails"), program);
    let job = std::fs::read_to_string(world.folder().join("migrate.yaml")).unwrap();
    assert_eq!(rails.migrate(&job), "rails\n");

    // A process that reads its token once: its first connection outlives the token, a second one is refused.
    let string = format!("{URL}&azure_workload_identity=true");
    let command = format!("issuer exec --connection '{string}' --env-connection DATABASE_URL -- {}", ruby());
    let mut connections = Connections::start(world, pod, &command);
    assert_eq!(connections.open("first"), "rails");
    world.azure.controls.tokens.advance(HOUR);
    assert_eq!(connections.query("first"), "rails");
    let refused = connections.open("second");
    assert!(refused.contains("The access token has expired"), "{refused}");
    world.write("error.log", &refused);
    let explained = stdout(&world.run("issuer explain --file error.log"));
    assert!(explained.contains("each") && explained.contains("fix: "), "{explained}");

    // A projected token that the kubelet does not refresh, because it is mounted with subPath.
    let subject = "system:serviceaccount:shop:rails";
    let stale = ApiServer::of_the_guides().token_of(ISSUER, subject, ENTRA, 2 * HOUR);
    world.write("stale.jwt", &stale);
    let command = "issuer exec --resource postgres --env PGPASSWORD --token-file stale.jwt -- true";
    let refused = world.printed_in(pod, command);
    assert!(refused.contains("AADSTS700024"), "{refused}");

    // The client ID is no role.
    let client = URL.replace("rails@", &format!("{CLIENT}@"));
    let command = format!("issuer exec --connection '{client}' --env-connection DATABASE_URL -- ruby check.rb");
    let refused = world.printed_in(pod, &command);
    assert!(refused.contains(&format!("password authentication failed for user \"{CLIENT}\"")), "{refused}");
}

#[test]
fn pools_of_ruby_and_python_read_the_password_file() {
    let Some((mut rails, _)) = Rails::of_the_guide() else { return };
    let account = std::fs::read_to_string(rails.world.folder().join("migrate.yaml")).unwrap();
    let manifest = format!("{}---\n{}", rails.web, account);
    let mut pod = Pod::new(&manifest, &ApiServer::of_the_guides(), ISSUER).unwrap();
    let mut sidecar = Sidecar::start(&rails.world, &mut pod, &rails.web);
    pod.variables.insert("DATABASE_URL", URL.to_owned());
    rails.pod = pod;
    let Rails { world, pod, .. } = &rails;
    let gate = world.gate.as_ref().unwrap();
    let (accepted, different) = (gate.accepted(), gate.different_tokens());
    // Four processes with pools of three, which grow while the token changes.
    let mut pools =
        [ruby(), PYTHON.to_owned(), ruby(), PYTHON.to_owned()].map(|command| Connections::start(world, pod, &command));
    for name in ["one", "two", "three"] {
        thread::scope(|scope| {
            for pool in &mut pools {
                scope.spawn(|| assert_eq!(pool.open(name), "rails"));
            }
        });
        sidecar.refresh();
    }
    assert_eq!(gate.accepted() - accepted, 12);
    assert!(gate.different_tokens() - different >= 3);
    assert!(gate.logins().iter().all(|login| login.refusal.is_none()));
    assert_eq!(gate.open_connections(), 12);
    // The connections outlive their tokens.
    world.azure.controls.tokens.advance(2 * HOUR);
    for pool in &mut pools {
        assert_eq!(["one", "two", "three"].map(|name| pool.query(name)), ["rails"; 3]);
    }
}

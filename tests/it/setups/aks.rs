//! AKS, whose issuer ends with a slash: it is the same string, byte for byte, from the documents to the credential.

use std::fs;

use serde_json::Value;

use super::{
    api_server::ApiServer,
    guide::Guide,
    pod::Pod,
    world::{AKS, CLIENT, OWN, TENANT, World},
};
use crate::support::{azure_credential::Credential, cloud::SUBSCRIPTION, issuer::stdout, signer::ENTRA};

const SUBJECT: &str = "system:serviceaccount:shop:orders";
const SECRET: &str = "correct horse battery staple";
const CLUSTER: &str = "9d0b1c5e-3f3a-4f0e-8b77-2c1f6b0a9d21";

/// Publishes the documents of AKS.
fn publish_as_aks(world: &World, issuer: &str) {
    let command = format!("issuer --quiet publish sa.pub --issuer {issuer} --directory aks");
    let published = world.run(&command);
    assert!(published.status.success(), "{}", stdout(&published));
}

/// The command of the first container, with the script of the ConfigMap in its place.
fn command_of_the_job(world: &World, manifest: &str) -> String {
    let documents: Vec<Value> =
        manifest.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect();
    world.write("read-secret.sh", documents[1]["data"]["read-secret.sh"].as_str().unwrap());
    let container = &documents[2]["spec"]["template"]["spec"]["containers"][0];
    let words: Vec<_> = container["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let variables = container["env"].as_array().unwrap().iter();
    let variables = variables.map(|variable| format!("{}={} ", variable["name"].as_str().unwrap(), variable["value"]));
    let command = format!("{}{}", variables.collect::<String>(), words.join(" "));
    command.replace("/scripts/", "").replace("/secret/", "")
}

/// What the Job prints, and the file that it wrote.
fn read_secret(world: &World, pod: &Pod, job: &str) -> (String, String) {
    let printed = world.printed_in(pod, job);
    let file = world.folder().join("db-password.json");
    let written = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(file);
    (printed, written)
}

/// Checks that the secret is in the file of the Job, and not in its log.
fn assert_read((printed, written): &(String, String)) {
    assert!(printed.contains("wrote db-password.json") && !printed.contains(SECRET), "{printed}");
    assert!(written.contains(SECRET), "{written}");
}

#[test]
fn slash_of_aks_stays_from_the_issuer_to_the_secret() {
    let (world, guide) = (World::new("orders"), Guide::read("aks"));
    let api_server = ApiServer::of_the_guides();
    world.write("sa.pub", api_server.public());
    world.azure.vault.set("db-password", SECRET, None);
    let issuer = format!("https://{AKS}/{TENANT}/{CLUSTER}/");
    world.directory.add_cluster(SUBSCRIPTION, "clusters", "prod", Some(&issuer), true);
    publish_as_aks(&world, &issuer);
    let run = |step: &str| guide.run(step, |script| world.run(script));
    for step in ["enable", "credential", "status", "role"] {
        run(step);
    }
    let name = world.directory.credentials(CLIENT)[0].name.clone();
    // The cluster is in another resource group than the identity.
    let create = "issuer federate --identity orders --resource-group identities --service-account shop/orders --apply";
    let clusters = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/clusters/providers");
    let again =
        stdout(&world.run(&format!("{create} --aks {clusters}/Microsoft.ContainerService/managedClusters/prod")));
    assert!(again.contains("unchanged"), "{again}");
    let missing = stdout(&world.run(&format!("{create} --aks prod")));
    assert!(missing.contains("pass the resource ID of the cluster"), "{missing}");
    let manifest = guide.file("job.yaml");
    world.set("tokens/shop.orders", &api_server.unbound_token(&issuer, SUBJECT, ENTRA));
    run("verify");
    let pod = Pod::new(&manifest, &api_server, &issuer).unwrap();
    guide.run("probe", |script| world.run_in(&pod, script));
    let job = command_of_the_job(&world, &manifest);
    assert_read(&read_secret(&world, &pod, &job));

    // The answer of a vault that refuses the token is in the log.
    let url = "https://contoso.vault.azure.net/secrets/";
    let (refused, _) = read_secret(&world, &pod, &job.replace(&format!("{url}db-password"), &format!("{url}other")));
    assert!(refused.contains("SecretNotFound") && !refused.contains("wrote"), "{refused}");

    // A token for identity bindings that goes to Entra in place of the proxy.
    world.write("binding.jwt", &api_server.token(&issuer, SUBJECT, "api://AKSIdentityBinding"));
    let refused = world.printed_in(&pod, &job.replacen("exec", "exec --token-file binding.jwt", 1));
    assert!(refused.contains("AADSTS700212"), "{refused}");

    // A cluster of one's own.
    run("own issuer");
    let own = format!("https://{OWN}/prod-1/");
    let create = "issuer federate --identity orders --service-account shop/orders --name own --apply";
    assert!(world.run(&format!("{create} --issuer {own}")).status.success());
    assert_read(&read_secret(&world, &Pod::new(&manifest, &api_server, &own).unwrap(), &job));
    // Without the slash, the token has an issuer that no credential has.
    let without = Pod::new(&manifest, &api_server, own.trim_end_matches('/')).unwrap();
    let refused = world.printed_in(&without, &job);
    assert!(refused.contains("AADSTS700211"), "{refused}");

    // The credential lacks the slash.
    world.directory.remove_credential(CLIENT, "own");
    let without_slash = Credential::new(&name, issuer.trim_end_matches('/'), SUBJECT);
    world.directory.add_credential(CLIENT, without_slash.clone());
    let slash = "differ by a slash at the end";
    let verified = run("without the slash");
    assert!(verified.contains(slash) && verified.contains("AADSTS700211"), "{verified}");
    let (refused, written) = read_secret(&world, &pod, &job);
    assert!(refused.contains("AADSTS700211") && written.is_empty(), "{refused}");
    world.write("error.log", &refused);
    let explained = run("explain");
    assert!(explained.contains("by a slash at the end"), "{explained}");
    run("replace");
    assert_read(&read_secret(&world, &pod, &job));
    guide.finish();

    // The values in the fix of `verify` are right, too.
    let (_, fix) = verified.split_once(": az identity federated-credential update ").unwrap();
    let words: Vec<&str> = fix.split(' ').collect();
    let value = |option: &str| words[words.iter().position(|word| *word == option).unwrap() + 1];
    assert_eq!((value("--name"), value("--audiences")), (name.as_str(), ENTRA));
    world.directory.add_credential(CLIENT, Credential::new(&name, value("--issuer"), value("--subject")));
    assert_read(&read_secret(&world, &pod, &job));
}

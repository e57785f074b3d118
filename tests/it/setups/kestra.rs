//! Kestra with Key Vault: a chart that cannot set the label of its pods, before and after the patch.

use std::fs;

use serde_json::Value;

use super::{
    api_server::ApiServer,
    guide::Guide,
    json_patch::kustomized,
    pod::Pod,
    world::{CLIENT, World},
};
use crate::support::{
    fixtures,
    issued_tokens::object_id,
    issuer::stdout,
    key_vault::PermissionModel,
    python::{lines, python},
};

const ISSUER: &str = "https://acct.z6.web.core.windows.net";
const SECRET: &str = "correct horse battery staple";

/// The answers of a plain request and of `SecretClient` of the Azure SDK, in a pod.
fn read_with_the_sdk(world: &World, pod: &Pod) -> Vec<String> {
    let mut variables = pod.variables.clone();
    variables.insert("VAULT_URL", "https://contoso.vault.azure.net".to_owned());
    variables.insert("SECRET", "db-password".to_owned());
    let mut program = python("read_secret.py");
    world.prepare(&mut program);
    program.env("REQUESTS_CA_BUNDLE", world.ca_file());
    lines(&mut program, &[serde_json::to_value(variables).unwrap()])
}

#[test]
fn kestra_reads_the_secret_once_its_pods_have_the_label() {
    let (world, guide) = (World::new("kestra"), Guide::read("kestra-key-vault"));
    world.permit_publisher();
    let api_server = ApiServer::of_the_guides();
    world.write("sa.pub", api_server.public());
    world.azure.vault.set("db-password", SECRET, None);
    let run = |step: &str| guide.run(step, |script| world.run(script));
    for step in ["publish", "credential", "role"] {
        run(step);
    }

    let rendered = guide.file("rendered.yaml");
    world.write("rendered.yaml", &rendered);
    let broken = run("broken");
    assert!(broken.contains("the pod template has no label") && broken.contains("failed: 1 failed"), "{broken}");
    let kustomization = guide.file("kustomization.yaml");
    let patched = kustomized(&kustomization, &rendered);
    world.write("patched.yaml", &patched);
    run("fixed");

    let pod = Pod::new(&patched, &api_server, ISSUER).unwrap();
    guide.run("probe", |script| world.run_in(&pod, script));
    let read = read_with_the_sdk(&world, &pod);
    assert!(read[0].starts_with("200 ") && read[1].starts_with(SECRET), "{read:?}");

    // The webhook ignores the pod of the old chart.
    assert!(Pod::new(&rendered, &api_server, ISSUER).is_none());
    let exchanges = world.azure.controls.requests();
    let without = run("without variables");
    assert!(without.contains("azure.workload.identity/use"), "{without}");
    assert_eq!(world.azure.controls.requests(), exchanges, "nothing is sent without a token");

    // A token for another resource.
    let request = "curl --silent --header \"Authorization: Bearer $TOKEN\" \"$0?api-version=7.4\"";
    let url = "https://contoso.vault.azure.net/secrets/db-password";
    let refused = world.printed_in(&pod, &format!("issuer exec --resource arm --env TOKEN -- sh -c '{request}' {url}"));
    assert!(refused.contains("AKV10022"), "{refused}");
    world.write("error.log", &refused);
    let explained = stdout(&world.run("issuer explain --file error.log"));
    assert!(explained.contains("https://vault.azure.net/.default"), "{explained}");

    // The permissions of the vault.
    world.set("permitted", "");
    world.azure.vault.use_model(PermissionModel::AccessPolicies);
    world.azure.vault.permit_after(&object_id(CLIENT), 2);
    let refused = read_with_the_sdk(&world, &pod);
    assert!(refused[0].starts_with("403 ") && refused[0].contains("AccessDenied"), "{refused:?}");
    world.write("error.log", &refused[0]);
    let explained = stdout(&world.run("issuer explain --file error.log"));
    assert!(explained.contains("az keyvault set-policy"), "{explained}");
    guide.finish();
}

/// The rendering among the fixtures, in another namespace, with a Secret beside it.
#[test]
fn rendering_of_the_old_chart_is_fixed_by_the_patch() {
    let (world, guide) =
        (World::new("kestra"), fs::read_to_string(fixtures().join("manifests/kestra-0.19.yaml")).unwrap());
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/setups/kestra-key-vault.md")).unwrap();
    let kustomization = page.split("```yaml\n").find(|block| block.contains("kind: Kustomization")).unwrap();
    let patched = kustomized(kustomization.split("```").next().unwrap(), &guide);
    let checked = |manifest: &str| {
        world.write("manifest.yaml", manifest);
        let credential = "issuer=https://acct.z6.web.core.windows.net,subject=system:serviceaccount:flows:kestra";
        let credential = format!("{credential},audience=api://AzureADTokenExchange");
        let output = world.run(&format!("issuer doctor --manifest manifest.yaml --credential {credential} -o json"));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let failed = report["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "failed");
        let failed: Vec<_> = failed.map(|check| check["check"].as_str().unwrap().to_owned()).collect();
        (output.status.code(), failed)
    };
    assert_eq!(checked(&guide), (Some(1), vec!["label".to_owned()]));
    assert_eq!(checked(&patched), (Some(0), vec![]));
    let api_server = ApiServer::of_the_guides();
    let pods = [&guide, &patched].map(|manifest| Pod::new(manifest, &api_server, ISSUER).is_some());
    assert_eq!(pods, [false, true]);
}

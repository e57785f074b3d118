//! The formats of `issuer federate`, read by other programs and by independent readers.

use std::{fs, path::Path, process::Command};

use issuer::{CredentialParent, FederatedCredential, Federation, UserAssignedIdentity};
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};

use crate::support::{
    bicep,
    issuer::{run, stdout},
};

const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// Texts with the characters that a shell, Bicep, Terraform or JSON treats specially.
fn hard_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("$".to_owned()),
        Just("${".to_owned()),
        Just("%{".to_owned()),
        Just("}".to_owned()),
        Just("`id`".to_owned()),
        Just("$(id)".to_owned()),
        Just("\n".to_owned()),
        Just("!".to_owned()),
        Just("\u{7f}é\u{2028}".to_owned()),
        "[a-z :=@,-]{1,4}",
        any::<char>()
            .prop_filter("no process has an argument with NUL", |letter| *letter != '\0')
            .prop_map(String::from),
    ];
    // Only templates of Azure Resource Manager give `[` at the start a meaning, and their reader here keeps the escape.
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| format!("a{}", pieces.concat()))
}

fn federation(parent: CredentialParent) -> Federation {
    let issuer = "https://issuer.example.com/".parse().unwrap();
    Federation::new(parent, "shop/orders".parse().unwrap(), &issuer)
}

fn of_identity() -> Federation {
    federation(CredentialParent::Identity(UserAssignedIdentity::new("shop-rg", "orders-identity")))
}

fn of_application() -> Federation {
    federation(CredentialParent::Application(CLIENT.parse().unwrap()))
}

/// The federation with these texts, which `problems` would reject.
fn with_texts(mut federation: Federation, texts: &[String; 3]) -> Federation {
    let [issuer, subject, audience] = texts.clone();
    federation.credential.issuer = issuer;
    federation.credential.subject = Some(subject);
    federation.audience(audience)
}

/// The arguments of the command `az …`, as `sh` reads them.
fn words(command: &str) -> Vec<String> {
    let script = format!("az() {{ printf '%s\\0' \"$@\"; }}\n{command}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The value after a flag.
fn value<'a>(words: &'a [String], flag: &str) -> &'a str {
    let at = words.iter().position(|word| word == flag).unwrap_or_else(|| panic!("{flag}: {words:?}"));
    &words[at + 1]
}

fn read_one(value: &Value) -> FederatedCredential {
    let mut read = FederatedCredential::read(value.to_string().as_bytes()).unwrap();
    assert_eq!(read.len(), 1);
    read.remove(0)
}

/// A string of Terraform, without its escapes. A template sequence that remains is an error.
fn unescaped(text: &str) -> String {
    let text = text.replace("$${", "\u{0}1").replace("%%{", "\u{0}2");
    assert!(!text.contains("${") && !text.contains("%{"), "{text:?}");
    text.replace("\u{0}1", "${").replace("\u{0}2", "%{")
}

/// A configuration as `terraform show -json` prints its plan.
fn planned(configuration: &Value) -> Value {
    let (kind, resources) = configuration["resource"].as_object().unwrap().iter().next().unwrap();
    let mut values = resources["credential"].clone();
    for (_, value) in values.as_object_mut().unwrap() {
        match value {
            Value::String(text) if text.starts_with("${data.") => *value = Value::Null,
            Value::String(text) => *text = unescaped(text),
            Value::Array(items) => {
                items.iter_mut().for_each(|item| *item = unescaped(item.as_str().unwrap()).into());
            }
            other => panic!("{other}"),
        }
    }
    let resource =
        json!({ "address": format!("{kind}.credential"), "mode": "managed", "type": kind, "values": values });
    json!({ "terraform_version": "1.11.4", "planned_values": { "root_module": { "resources": [resource] } } })
}

fn is_same<T: PartialEq + std::fmt::Debug>(one: &T, other: &T) -> Result<(), TestCaseError> {
    prop_assert_eq!(one, other);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn az_command_has_the_values_as_words(texts in [hard_text(), hard_text(), hard_text()], description in hard_text()) {
        let [issuer, subject, audience] = &texts;
        let words_of = words(&with_texts(of_identity(), &texts).az_command());
        is_same(&words_of[..3].join(" "), &"identity federated-credential create".to_owned())?;
        for (flag, expected) in [
            ("--issuer", &**issuer),
            ("--subject", subject),
            ("--audiences", audience),
            ("--identity-name", "orders-identity"),
            ("--resource-group", "shop-rg"),
        ] {
            is_same(&value(&words_of, flag), &expected)?;
        }
        is_same(&words_of.len(), &15)?;

        let federation = with_texts(of_application(), &texts).description(&*description);
        let words_of = words(&federation.az_command());
        is_same(&words_of[..4].join(" "), &"ad app federated-credential create".to_owned())?;
        is_same(&value(&words_of, "--id"), &CLIENT)?;
        let parameters: Value = serde_json::from_str(value(&words_of, "--parameters")).unwrap();
        is_same(&parameters["description"], &json!(description))?;
        is_same(&read_one(&parameters), &federation.credential)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arm_template_reads_back_as_the_credential(texts in [hard_text(), hard_text(), hard_text()]) {
        let federation = with_texts(of_identity(), &texts);
        let template = federation.arm_template().unwrap();
        is_same(&FederatedCredential::read(template.as_bytes()).unwrap(), &vec![federation.credential])?;
    }

    #[test]
    fn bicep_is_the_resource_of_the_arm_template(texts in [hard_text(), hard_text(), hard_text()]) {
        let federation = with_texts(of_identity(), &texts);
        let template: Value = serde_json::from_str(&federation.arm_template().unwrap()).unwrap();
        let compiled = bicep::compile(&federation.bicep());
        is_same(&compiled["resources"], &template["resources"])?;
    }

    #[test]
    fn bicep_for_graph_reads_back(texts in [hard_text(), hard_text(), hard_text()], description in hard_text()) {
        let federation = with_texts(of_application(), &texts).description(&*description);
        let compiled = bicep::compile(&federation.bicep());
        let [resource] = &compiled["resources"].as_array().unwrap()[..] else { panic!("{compiled}") };
        is_same(&resource["type"], &json!("Microsoft.Graph/applications/federatedIdentityCredentials@v1.0"))?;
        is_same(&resource["properties"]["description"], &json!(description))?;
        is_same(&read_one(&compiled), &federation.credential)?;
    }

    #[test]
    fn terraform_plan_reads_back(texts in [hard_text(), hard_text(), hard_text()], description in hard_text()) {
        for federation in [of_identity(), of_application().description(&*description)] {
            let federation = with_texts(federation, &texts);
            let configuration = serde_json::from_str(&federation.terraform()).unwrap();
            let planned = planned(&configuration);
            is_same(&read_one(&planned), &federation.credential)?;
            if federation.description.is_some() {
                let values = &planned["planned_values"]["root_module"]["resources"][0]["values"];
                is_same(&values["description"], &json!(description))?;
            }
        }
    }

    #[test]
    fn yaml_has_the_names_as_strings(
        namespace in prop_oneof!["[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", "true|null|on|no|y|1e3|0x1f|123|0o7"],
        name in prop_oneof!["[a-z0-9]([a-z0-9.]{0,5}[a-z0-9])?", "true|false|null|yes|off|n|1.5|1e3|12.e4"],
    ) {
        let Ok(account) = format!("{namespace}/{name}").parse() else { return Ok(()) };
        let federation = Federation { service_account: account, ..of_identity() };
        let manifest = federation.service_account_manifest(&CLIENT.parse().unwrap());
        is_same(&serde_saphyr::from_str::<Value>(&manifest).unwrap(), &json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "annotations": { "azure.workload.identity/client-id": CLIENT },
            },
        }))?;
        is_same(&serde_saphyr::from_str::<Value>(&federation.pod_template_patch()).unwrap(), &json!({
            "spec": { "template": {
                "metadata": { "labels": { "azure.workload.identity/use": "true" } },
                "spec": { "serviceAccountName": name },
            }},
        }))?;
    }
}

/// The arguments of hashicorp/terraform-provider-azurerm 5.12.0 (docs, `r/federated_identity_credential` and
/// `d/user_assigned_identity`) and hashicorp/terraform-provider-azuread 3 (docs,
/// `r/application_federated_identity_credential` and `d/application`): required, then optional.
const ARGUMENTS: [(&str, &[&str], &[&str]); 4] = [
    (
        "azurerm_federated_identity_credential",
        &["name", "user_assigned_identity_id", "audience", "issuer", "subject"],
        &[],
    ),
    ("azurerm_user_assigned_identity", &["name", "resource_group_name"], &[]),
    (
        "azuread_application_federated_identity_credential",
        &["application_id", "audiences", "display_name", "issuer", "subject"],
        &["description"],
    ),
    ("azuread_application", &[], &["client_id", "display_name", "object_id", "identifier_uri"]),
];

#[test]
fn terraform_uses_only_documented_arguments() {
    let identity = UserAssignedIdentity::new("shop-rg", "orders-identity");
    let with_id = UserAssignedIdentity { subscription: Some(SUBSCRIPTION.to_owned()), ..identity };
    let with_id = federation(CredentialParent::Identity(with_id));
    let mut seen = 0;
    for federation in [of_identity(), with_id, of_application(), of_application().description("orders")] {
        let configuration: Value = serde_json::from_str(&federation.terraform()).unwrap();
        for block in ["data", "resource"] {
            for (kind, named) in configuration[block].as_object().into_iter().flatten() {
                let (_, required, optional) = ARGUMENTS.iter().find(|(known, ..)| known == kind).unwrap();
                for arguments in named.as_object().unwrap().values() {
                    let arguments = arguments.as_object().unwrap();
                    assert!(required.iter().all(|name| arguments.contains_key(*name)), "{kind}");
                    let is_known = |name: &str| required.contains(&name) || optional.contains(&name);
                    assert!(arguments.keys().all(|name| is_known(name)), "{kind}: {arguments:?}");
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 7);
}

/// A program that some machines have. Without it, its part of a test is left out.
fn has(program: &str, version: &str) -> bool {
    let is_there = Command::new(program).arg(version).output().is_ok();
    if !is_there {
        eprintln!("{program} is not installed; nothing is compared with it");
    }
    is_there
}

#[test]
fn terraform_reads_the_configuration() {
    if !has("terraform", "-version") {
        return;
    }
    let terraform = |folder: &Path, args: &[&str], input: &str| {
        let script = format!("printf %s \"$INPUT\" | terraform {}", args.join(" "));
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(folder).env_remove("TF_CLI_CONFIG_FILE").env("INPUT", input);
        let output = command.env("CHECKPOINT_DISABLE", "1").output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}{err}");
        out.into_owned()
    };
    for (federation, provider) in [(of_identity(), "hashicorp/azurerm"), (of_application(), "hashicorp/azuread")] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("credential.tf.json"), federation.terraform()).unwrap();
        assert!(terraform(folder.path(), &["providers"], "").contains(provider));
    }
    // Without a provider, Terraform evaluates only local values.
    let hard = "it's \"${a}\" $${b} %{c} \\ é $(id)".to_owned();
    let federation = with_texts(of_identity(), &[hard.clone(), hard.clone(), hard.clone()]);
    let configuration: Value = serde_json::from_str(&federation.terraform()).unwrap();
    let resource = &configuration["resource"]["azurerm_federated_identity_credential"]["credential"];
    let folder = tempfile::tempdir().unwrap();
    let locals = json!({ "locals": { "subject": resource["subject"], "audience": resource["audience"] } });
    fs::write(folder.path().join("locals.tf.json"), locals.to_string()).unwrap();
    let printed = terraform(folder.path(), &["console"], "base64encode(jsonencode([local.subject, local.audience]))");
    let encoded = printed.trim().trim_matches('"');
    let decoded = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, encoded).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&decoded).unwrap(), json!([hard, [hard]]));
}

#[test]
fn kubectl_applies_the_patch_to_a_deployment() {
    if !has("kubectl", "--help") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "orders", "namespace": "shop" },
        "spec": {
            "selector": { "matchLabels": { "app": "orders" } },
            "template": {
                "metadata": { "labels": { "app": "orders" } },
                "spec": { "containers": [{ "name": "app", "image": "orders" }] },
            },
        },
    });
    fs::write(folder.path().join("deployment.json"), deployment.to_string()).unwrap();
    fs::write(folder.path().join("patch.yaml"), of_identity().pod_template_patch()).unwrap();
    let args = ["patch", "--local", "--filename", "deployment.json", "--patch-file", "patch.yaml", "--output", "json"];
    let output = Command::new("kubectl").args(args).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let patched: Value = serde_json::from_slice(&output.stdout).unwrap();
    let template = &patched["spec"]["template"];
    assert_eq!(template["metadata"]["labels"], json!({ "app": "orders", "azure.workload.identity/use": "true" }));
    assert_eq!(template["spec"]["serviceAccountName"], "orders");
    assert_eq!(template["spec"]["containers"][0]["name"], "app");
}

#[test]
fn command_prints_what_the_library_renders() {
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders-identity"
    );
    let account = ["--service-account", "system:serviceaccount:shop:orders", "--issuer", "https://issuer.example.com/"];
    let with_id = federation(CredentialParent::Identity(id.parse().unwrap()));
    let name = of_identity().credential.name.unwrap();
    let printed = stdout(&run(["federate", "--identity", &id].iter().chain(&account)));
    assert_eq!(printed, with_id.az_command());
    assert_eq!(value(&words(&printed), "--subscription"), SUBSCRIPTION);
    assert_eq!(value(&words(&printed), "--name"), name);

    let app = ["federate", "--app", CLIENT, "--description", "it's", "-o", "json"];
    let answer: Value = serde_json::from_str(&stdout(&run(app.iter().chain(&account)))).unwrap();
    assert_eq!(answer["output"], of_application().description("it's").az_command());
    assert_eq!(answer["parent"], json!({ "kind": "application", "client_id": CLIENT }));
    assert_eq!(answer["credential"]["description"], "it's");
    assert_eq!(read_one(&answer["credential"]), of_application().credential);
}

//! Azure credentials and discovery of the web endpoint, against stand-ins for Entra, Azure Resource Manager, the
//! metadata service, GitHub and the command line tools, with Azurite as the account.

use std::process::{Command, Output};

use crate::support::{
    answer::answer,
    arm::{Arm, Subscription},
    cli::Tools,
    cloud::{ARM, CLIENT, Cloud, GITHUB_TOKEN, SECRET, STORAGE, SUBSCRIPTION, TENANT, others},
    entra::{Client, Proof, entra},
    issuer::{command, stderr, stdout},
    recording,
    stand_in::{Request, Response, StandIn},
};
use serde_json::Value;

/// Environment and arguments of a case.
type SetUp<'a> = Box<dyn Fn(&mut Command) + 'a>;

fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    answer("publish", output)
}

#[test]
fn every_identity_signs_in_finds_the_endpoint_and_publishes() {
    let cloud = Cloud::new();
    let tools = Tools::new().with_az_signed_in(TENANT, &[STORAGE, ARM]).with_azd_signed_in(TENANT, &[STORAGE, ARM]);
    let cases: [(&str, String, SetUp<'_>); 8] = [
        (
            "client-secret",
            format!("service principal with a secret {CLIENT}"),
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", SECRET);
            }),
        ),
        (
            "client-certificate",
            format!("service principal with a certificate {CLIENT}"),
            Box::new(|command| {
                command.env("AZURE_CLIENT_CERTIFICATE_PATH", cloud.file("principal.pem"));
            }),
        ),
        (
            "workload-identity",
            format!("workload identity {CLIENT}"),
            Box::new(|command| {
                command.env("AZURE_FEDERATED_TOKEN_FILE", cloud.file("token.jwt"));
            }),
        ),
        (
            "github-actions",
            format!("GitHub Actions {CLIENT}"),
            Box::new(|command| {
                command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token?api-version=2.0", cloud.github.url()));
                command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", GITHUB_TOKEN);
            }),
        ),
        (
            "managed-identity",
            format!("managed identity {CLIENT}"),
            Box::new(|command| {
                command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.imds.url());
            }),
        ),
        (
            "managed-identity",
            "managed identity".to_owned(),
            Box::new(|command| {
                command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.imds.url()).env_remove("AZURE_CLIENT_ID");
            }),
        ),
        (
            "az",
            "az".to_owned(),
            Box::new(|command| {
                command.env("PATH", tools.path_env());
            }),
        ),
        (
            "azd",
            "azd".to_owned(),
            Box::new(|command| {
                command.env("PATH", tools.path_env());
            }),
        ),
    ];
    for (method, named, set_up) in cases {
        // Once as the first available credential, once by `--auth`. azd comes after az, so it always needs `--auth`.
        for forced in [false, true] {
            let mut command = cloud.principal();
            set_up(&mut command);
            if forced || method == "azd" {
                command.args(["--auth", method]);
            }
            let output = output(&mut command);
            assert!(output.status.success(), "{method}: {output:?}");
            let note = format!("note: credential for {}: {named}\n", cloud.site());
            assert!(stderr(&output).contains(&note), "{method}: {output:?}");
            assert!(stdout(&output).contains(&format!("issuer   {}\n", cloud.issuer())), "{method}: {output:?}");
            // The next run finds nothing published.
            cloud.current.update(|current| current + 1);
        }
    }
    // Each of the two runs requests one token for the blobs and one for Azure Resource Manager.
    let calls = tools.calls();
    for (tool, scope) in [("az account", STORAGE), ("az account", ARM), ("azd auth", STORAGE), ("azd auth", ARM)] {
        let count = calls.iter().filter(|call| call.starts_with(tool) && call.contains(scope)).count();
        assert_eq!(count, 2, "{tool} {scope}: {calls:?}");
    }
}

#[test]
fn first_available_credential_wins_unless_auth_names_one() {
    let cloud = Cloud::new();
    let tools = Tools::new().with_az_signed_in(TENANT, &[STORAGE, ARM]);
    let all = || {
        let mut command = cloud.with_secret();
        command.env("AZURE_CLIENT_CERTIFICATE_PATH", cloud.file("principal.pem"));
        command.env("AZURE_FEDERATED_TOKEN_FILE", cloud.file("token.jwt"));
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.imds.url());
        command.env("PATH", tools.path_env());
        command.args(["--dry-run", "-o", "json", "--issuer", "https://issuer.example.com"]);
        command
    };
    let chosen = |command: &mut Command| {
        let output = output(command);
        json(&output)["credential"].as_str().unwrap_or_else(|| panic!("{output:?}")).to_owned()
    };
    assert_eq!(chosen(&mut all()), format!("service principal with a secret {CLIENT}"));
    assert_eq!(
        chosen(all().env_remove("AZURE_CLIENT_SECRET")),
        format!("service principal with a certificate {CLIENT}")
    );
    let none = |name: &str| {
        let mut command = all();
        command.env_remove("AZURE_CLIENT_SECRET").env_remove("AZURE_CLIENT_CERTIFICATE_PATH").env_remove(name);
        command
    };
    assert_eq!(chosen(&mut none("X")), format!("workload identity {CLIENT}"));
    assert_eq!(chosen(&mut none("AZURE_FEDERATED_TOKEN_FILE")), format!("managed identity {CLIENT}"));
    let nowhere = ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
    assert_eq!(chosen(none("AZURE_FEDERATED_TOKEN_FILE").env(nowhere.0, nowhere.1)), "az");
    assert_eq!(chosen(all().args(["--auth", "az"])), "az");
    assert_eq!(chosen(all().env("AZURE_TOKEN_CREDENTIALS", "dev")), "az");
    assert_eq!(chosen(all().env("AZURE_STORAGE_KEY", &cloud.account().key)), "account key");
    let login = all().env("AZURE_STORAGE_KEY", "unused").env("AZURE_STORAGE_AUTH_MODE", "login").output().unwrap();
    assert_eq!(json(&login)["credential"], format!("service principal with a secret {CLIENT}"));
}

#[test]
fn each_sign_in_failure_has_a_message() {
    let cloud = Cloud::new();
    let not_logged_in = Tools::new().with_az(None, 1, "ERROR: Please run 'az login' to setup account.\n");
    let trailing = cloud.folder.path().join("trailing.jwt");
    std::fs::write(&trailing, "not a token\n").unwrap();
    let cases: [(&str, SetUp<'_>); 13] = [
        (
            "sign-in with service principal with a secret 00001111-aaaa-2222-bbbb-3333cccc4444 failed: no response: Connection refused",
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", SECRET).env("AZURE_AUTHORITY_HOST", "https://127.0.0.1:9");
            }),
        ),
        (
            "GitHub Actions: ACTIONS_ID_TOKEN_REQUEST_URL is not set (the job needs permissions: id-token: write)",
            Box::new(|command| {
                command.env("GITHUB_ACTIONS", "true");
            }),
        ),
        (
            "connection string: skipped (AZURE_STORAGE_AUTH_MODE is login)",
            Box::new(|command| {
                command.env("AZURE_STORAGE_CONNECTION_STRING", "x").env("AZURE_STORAGE_AUTH_MODE", "login");
            }),
        ),
        (
            "cannot read the file in AZURE_FEDERATED_TOKEN_FILE: No such file or directory",
            Box::new(|command| {
                command.env("AZURE_FEDERATED_TOKEN_FILE", "nothing.jwt");
            }),
        ),
        (
            "sign-in with service principal with a secret 00001111-aaaa-2222-bbbb-3333cccc4444 failed: AADSTS7000215",
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", "wrong");
            }),
        ),
        (
            "failed: AADSTS700016",
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", SECRET).env("AZURE_CLIENT_ID", "somebody-else");
            }),
        ),
        (
            "failed: AADSTS90002",
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", SECRET).env("AZURE_TENANT_ID", "nowhere");
            }),
        ),
        (
            "cannot read a certificate and its private key from the file in AZURE_CLIENT_CERTIFICATE_PATH: it holds no RSA private key",
            Box::new(|command| {
                command.env("AZURE_CLIENT_CERTIFICATE_PATH", &trailing);
            }),
        ),
        (
            "cannot read a certificate and its private key from the file in AZURE_CLIENT_CERTIFICATE_PATH: No such file or directory",
            Box::new(|command| {
                command.env("AZURE_CLIENT_CERTIFICATE_PATH", "nothing.pem");
            }),
        ),
        (
            "sign-in with GitHub Actions 00001111-aaaa-2222-bbbb-3333cccc4444 failed: cannot fetch the OIDC token of the job: GitHub returned status 401",
            Box::new(|command| {
                command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token", cloud.github.url()));
                command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of another job");
            }),
        ),
        (
            "the credential workload-identity is not completely configured: it requires AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE",
            Box::new(|command| {
                command.args(["--auth", "workload-identity"]);
            }),
        ),
        (
            "no credential was found: workload identity: AZURE_FEDERATED_TOKEN_FILE is not set; managed identity: this machine has no managed identity; az: ERROR: Please run 'az login' to setup account.; azd: azd not found",
            Box::new(|command| {
                command.env("PATH", not_logged_in.path_env());
            }),
        ),
        (
            "sign-in with az failed: ERROR: Please run 'az login'",
            Box::new(|command| {
                command.env("PATH", not_logged_in.path_env()).args(["--auth", "az"]);
            }),
        ),
    ];
    for (sentence, set_up) in cases {
        let mut command = cloud.principal();
        set_up(&mut command);
        let output = output(&mut command);
        let code = if sentence.starts_with("the credential") || sentence.starts_with("cannot read") { 2 } else { 3 };
        assert_eq!(output.status.code(), Some(code), "{sentence}: {output:?}");
        assert!(stderr(&output).contains(sentence), "{sentence}: {}", stderr(&output));
        let hint = match sentence {
            cloud if cloud.contains("90002") => "\nhint: check AZURE_TENANT_ID, and --cloud",
            silent if silent.contains("no response") => "\nhint: check the network, the proxy and AZURE_AUTHORITY_HOST",
            _ => "\nhint: ",
        };
        assert!(stderr(&output).contains(hint), "{}", stderr(&output));
        assert!(!stderr(&output).contains("Trace ID") && !stderr(&output).contains("aka.ms"), "{}", stderr(&output));
    }
}

/// The error for an identity without the role (Microsoft Learn, "Authorize access to blobs using Microsoft Entra ID"),
/// for the blobs and for the website.
#[test]
fn missing_role_is_named_with_the_command_that_assigns_it() {
    let cloud = Cloud::new();
    let properties = |request: &Request| request.query("comp") == Some("properties");
    let refused = || Response::new(403, &[("x-ms-error-code", "AuthorizationPermissionMismatch")], "");
    let off = || Response::new(200, &[("Content-Type", "application/xml")], "<StorageServiceProperties/>");
    let absent = || Response::new(404, &[("x-ms-error-code", "ContainerNotFound")], "");
    let blobs = StandIn::https(&cloud.authority, move |request| if properties(request) { off() } else { refused() });
    let website = StandIn::https(&cloud.authority, move |request| match request.method.as_str() {
        "PUT" => refused(),
        _ if properties(request) => off(),
        _ => absent(),
    });
    let cases = [
        (&blobs, "cannot read openid/v1/jwks in $web of", "Storage Blob Data Contributor"),
        (&website, "cannot enable the static website of", "Storage Account Contributor"),
    ];
    for (server, doing, role) in cases {
        let mut command = cloud.publish_at(server.url());
        command.env("AZURE_TENANT_ID", TENANT).env("AZURE_CLIENT_ID", CLIENT).env("AZURE_CLIENT_SECRET", SECRET);
        command.args(["--issuer", "https://issuer.example.com"]);
        let told = stderr(&output(&mut command));
        let name = &cloud.account().name;
        assert!(
            told.contains(&format!("{doing} {name}: the credential has no role assignment {role} on account {name}")),
            "{told}"
        );
        assert!(
            told.contains(&format!(
                "hint: assign the role, which takes effect within minutes: az role assignment create --role \"{role}\""
            )),
            "{told}"
        );
    }
}

#[test]
fn incomplete_identity_is_an_error_without_fallback() {
    let cloud = Cloud::new();
    let tools = Tools::new().with_az_signed_in(TENANT, &[STORAGE, ARM]);
    let token = cloud.file("token.jwt");
    let cases: [(&[(&str, &str)], &str); 3] = [
        // The webhook sets only these variables for a service account without a client ID.
        (
            &[("AZURE_TENANT_ID", TENANT), ("AZURE_FEDERATED_TOKEN_FILE", &token)],
            "the credential workload-identity is not completely configured: it requires AZURE_CLIENT_ID",
        ),
        (
            &[("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)],
            "the credential client-secret is not completely configured: it requires AZURE_CLIENT_ID, AZURE_TENANT_ID",
        ),
        (
            &[("AZURE_TOKEN_CREDENTIALS", "az")],
            "AZURE_TOKEN_CREDENTIALS is neither dev, prod nor a credential name of the Azure SDK",
        ),
    ];
    for (variables, sentence) in cases {
        let mut command = cloud.publish();
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.imds.url()).env("PATH", tools.path_env());
        let output = output(command.envs(variables.iter().copied()));
        assert!(!output.status.success() && stderr(&output).contains(sentence), "{sentence}: {output:?}");
    }
    // A requested identity never falls back to the user of `az login`.
    let output = output(cloud.publish().env("PATH", tools.path_env()).args(["--client-id", CLIENT]));
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("no credential was found: managed identity: this machine has no managed identity\n"),
        "{output:?}"
    );
    assert!(tools.calls().is_empty());
}

#[test]
fn foreign_or_silent_metadata_service_is_skipped() {
    let cloud = Cloud::new();
    let tools = Tools::new().with_az_signed_in(TENANT, &[STORAGE, ARM]);
    let foreign = StandIn::http(|_| Response::new(404, &[("Content-Type", "text/html")], "<html>Not found</html>"));
    let (forever, hold) = std::sync::mpsc::channel::<()>();
    let hold = std::sync::Mutex::new(hold);
    let silent = StandIn::http(move |_| {
        let _ = hold.lock().unwrap().recv();
        Response::new(400, &[], "")
    });
    for service in [&foreign, &silent] {
        let mut command = cloud.publish();
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", service.url()).env("PATH", tools.path_env());
        command.args(["--issuer", "https://issuer.example.com", "--dry-run", "-o", "json"]);
        assert_eq!(json(&output(&mut command))["credential"], "az");
        assert_eq!(service.requests().len(), 1, "one request, whatever the response");
    }
    drop(forever);
}

/// A throttled request to Entra is retried within the time limit.
#[test]
fn throttled_sign_in_is_retried_within_the_timeout() {
    let cloud = Cloud::new();
    for (wait, code) in [("1", 0), ("86400", 3)] {
        let was_throttled = std::sync::atomic::AtomicBool::new(false);
        let directory =
            Client { tenant: TENANT.to_owned(), client_id: CLIENT.to_owned(), proof: Proof::Secret(SECRET.to_owned()) };
        let answers = entra(vec![directory]);
        let busy = StandIn::https(&cloud.authority, move |request| {
            if was_throttled.swap(true, std::sync::atomic::Ordering::SeqCst) {
                return answers(request);
            }
            let error = serde_json::json!({ "error": "temporarily_unavailable", "error_description": "AADSTS90055: busy", "error_codes": [90055] });
            Response::json(429, error).with("Retry-After", wait)
        });
        let mut command = cloud.with_secret();
        command.env("AZURE_AUTHORITY_HOST", busy.url()).args([
            "--issuer",
            "https://issuer.example.com",
            "--dry-run",
            "-o",
            "json",
        ]);
        let output = output(&mut command);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        if code == 3 {
            let error = &json(&output)["error"];
            assert!(error["message"].as_str().unwrap().ends_with("failed: AADSTS90055: busy"), "{error}");
            assert_eq!(
                [&error["service"]["status"], &error["service"]["code"]],
                [&Value::from(429), &Value::from("AADSTS90055")]
            );
        }
    }
}

#[test]
fn busy_github_endpoint_is_retried() {
    let cloud = Cloud::new();
    let was_throttled = std::sync::atomic::AtomicBool::new(false);
    let answers = crate::support::github::github(GITHUB_TOKEN, crate::support::cloud::GITHUB_SUBJECT);
    let busy = StandIn::https(&cloud.authority, move |request| {
        if was_throttled.swap(true, std::sync::atomic::Ordering::SeqCst) {
            answers(request)
        } else {
            Response::new(503, &[], "")
        }
    });
    let mut command = cloud.principal();
    command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token", busy.url()));
    command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", GITHUB_TOKEN);
    command.args(["--issuer", "https://issuer.example.com", "--dry-run", "-o", "json"]);
    assert_eq!(json(&output(&mut command))["credential"], format!("GitHub Actions {CLIENT}"));
    assert_eq!(busy.requests().len(), 2);
}

/// Checks the hosts of each cloud by the requests that a proxy receives.
#[test]
fn each_cloud_has_its_own_hosts() {
    let cases = [
        ("public", "login.microsoftonline.com:443", "acct.blob.core.windows.net:443"),
        ("usgov", "login.microsoftonline.us:443", "acct.blob.core.usgovcloudapi.net:443"),
        ("china", "login.partner.microsoftonline.cn:443", "acct.blob.core.chinacloudapi.cn:443"),
    ];
    for (name, login, blob) in cases {
        let proxy = StandIn::http(|_| Response::new(403, &[], ""));
        let publish = |variables: &[(&str, &str)]| {
            let mut command = command();
            command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--account", "acct"]);
            command.args(["--cloud", name, "--issuer", "https://issuer.example.com", "--timeout", "2s"]);
            command.env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", "").envs(variables.iter().copied());
            assert_eq!(output(&mut command).status.code(), Some(3));
        };
        publish(&[("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)]);
        publish(&[("AZURE_STORAGE_KEY", "c2VjcmV0")]);
        let seen: Vec<_> = proxy
            .requests()
            .into_iter()
            .map(|request| (request.method.clone(), request.header("host").unwrap().to_owned()))
            .collect();
        for host in [login, blob] {
            assert!(seen.contains(&("CONNECT".to_owned(), host.to_owned())), "{name}: {seen:?}");
        }
        assert!(seen.iter().all(|(_, host)| [login, blob].contains(&host.as_str())), "{name}: {seen:?}");
    }
}

#[test]
fn resource_group_and_subscription_give_one_direct_request() {
    let cloud = Cloud::new();
    let mut command = cloud.with_secret();
    command.args(["--subscription", SUBSCRIPTION, "--resource-group", "clusters", "-o", "json"]);
    let output = output(&mut command);
    assert_eq!(json(&output)["issuer"], cloud.issuer());
    let requests =
        || cloud.arm.requests().into_iter().filter(|request| request.path != "/metadata/endpoints").collect::<Vec<_>>();
    assert_eq!(requests().len(), 1);
    assert!(
        requests()[0].path.ends_with(&format!("/storageAccounts/{}", cloud.account().name)),
        "{}",
        requests()[0].path
    );

    // Once published, the stored documents name the issuer, and Azure Resource Manager gets no request.
    let mut again = cloud.with_secret();
    again.args(["-o", "json"]);
    assert_eq!(json(&again.output().unwrap())["issuer"], cloud.issuer());
    assert_eq!(requests().len(), 1);
}

#[test]
fn unreadable_endpoint_error_names_the_command_that_prints_it() {
    let forbidden = Cloud::with(|accounts| Arm {
        subscriptions: vec![Subscription { id: SUBSCRIPTION.to_owned(), accounts }],
        page: 100,
        forbidden: true,
    });
    let elsewhere = Cloud::with(|_| Arm {
        subscriptions: vec![Subscription { id: SUBSCRIPTION.to_owned(), accounts: others() }],
        page: 100,
        forbidden: false,
    });
    let cases = [
        (&forbidden, "Azure Resource Manager returned 403 AuthorizationFailed"),
        (
            &elsewhere,
            "no account of this name with a web endpoint exists in the subscriptions that the credential can read",
        ),
    ];
    for (cloud, because) in cases {
        let name = &cloud.account().name;
        let output = output(&mut cloud.with_secret());
        assert_eq!(output.status.code(), Some(3));
        let told = stderr(&output);
        assert!(told.contains(&format!("the web endpoint of {name} is unknown: {because}")), "{told}");
        let hint = format!(
            "hint: pass the web endpoint as --issuer, without its trailing slash: az storage account show --name {name} --query primaryEndpoints.web --output tsv"
        );
        assert!(told.contains(&hint), "{told}");
        assert!(!cloud.account_has_documents());
    }
}

#[test]
fn unambiguous_values_are_accepted_in_other_forms() {
    let cloud = Cloud::new();
    let token = std::fs::read_to_string(cloud.file("token.jwt")).unwrap();
    let with_newline = cloud.folder.path().join("newline.jwt");
    std::fs::write(&with_newline, format!("{}\n", token.trim())).unwrap();
    let bare_host = cloud.entra.url().trim_start_matches("https://").to_owned();
    let sas = cloud.account().account_sas("rwdc", "sco", 10);
    let cases: [(&str, SetUp<'_>); 7] = [
        (
            "an authority without its scheme",
            Box::new(|command| {
                command.env("AZURE_AUTHORITY_HOST", &bare_host).env("AZURE_CLIENT_SECRET", SECRET);
            }),
        ),
        (
            "an authority with a slash and without its scheme",
            Box::new(|command| {
                command.env("AZURE_AUTHORITY_HOST", format!("{bare_host}/")).env("AZURE_CLIENT_SECRET", SECRET);
            }),
        ),
        (
            "a federated token with a newline",
            Box::new(|command| {
                command.env("AZURE_FEDERATED_TOKEN_FILE", &with_newline);
            }),
        ),
        (
            "a secret in quotes",
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", format!("\"{SECRET}\""));
            }),
        ),
        (
            "a secret in single quotes, with a newline",
            Box::new(|command| {
                command.env("AZURE_CLIENT_SECRET", format!("'{SECRET}'\n"));
            }),
        ),
        (
            "a SAS as a URL",
            Box::new(|command| {
                command.env(
                    "AZURE_STORAGE_SAS_TOKEN",
                    format!("https://{}.blob.core.windows.net/?{sas}", cloud.account().name),
                );
            }),
        ),
        (
            "a SAS with its question mark",
            Box::new(|command| {
                command.env("AZURE_STORAGE_SAS_TOKEN", format!("?{sas}"));
            }),
        ),
    ];
    for (what, set_up) in cases {
        let mut command = cloud.principal();
        set_up(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{what}: {output:?}");
    }
}

#[test]
fn github_token_has_the_audience_of_the_cloud_or_the_flag() {
    let cloud = Cloud::new();
    for (flags, expected) in [
        (&[][..], "api://AzureADTokenExchange"),
        (&["--cloud", "usgov"], "api://AzureADTokenExchangeUSGov"),
        (&["--cloud", "china"], "api://AzureADTokenExchangeChina"),
        (&["--cloud", "usgov", "--audience", "api://mine"], "api://mine"),
    ] {
        let requests: std::sync::Arc<std::sync::Mutex<Vec<String>>> = std::sync::Arc::default();
        let seen = std::sync::Arc::clone(&requests);
        // The stand-in returns no token, so that the command stops here.
        let github = StandIn::https(&cloud.authority, move |request| {
            seen.lock().unwrap().push(request.query("audience").unwrap_or_default().to_owned());
            Response::new(400, &[], "")
        });
        let mut command = cloud.principal();
        command.args(flags).env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token", github.url()));
        let output = command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", GITHUB_TOKEN).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert_eq!(requests.lock().unwrap().first().map(String::as_str), Some(expected), "{flags:?}: {output:?}");
    }
}

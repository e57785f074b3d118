//! Secrets, ConfigMaps and other manifests: only service account keys are read, and each skipped entry has a note.

use crate::support::{
    answer::answer,
    fixtures,
    issuer::{run, stderr, stdout},
    recording,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use issuer::{Hint, KeyError, KeyReader, KeySet, Note, OtherDocument};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::{Value, json};

/// The key ID of the inputs in `fixtures/field`.
const KID: &str = "1p9MhZ2512PvVa-E0Pccyosy0_fuiNNDIZjmi3Q5TnU";

fn read(bytes: &[u8]) -> Result<(KeySet, Vec<Note>), KeyError> {
    let mut reader = KeyReader::default();
    reader.read("input", bytes)?;
    reader.finish()
}

fn kids(bytes: &[u8]) -> Vec<String> {
    read(bytes).unwrap_or_else(|error| panic!("{error}")).0.iter().map(|key| key.key_id().to_string()).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<_> = BASE64_STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Public keys in PEM, each with its key ID.
fn recorded(name: &str) -> (String, String) {
    let pem = recording("mixed-keys").text(&format!("{name}.pub"));
    let kid = kids(pem.as_bytes()).remove(0);
    (pem, kid)
}

fn secret(name: &str, entries: &[(&str, &str)]) -> Value {
    let data = entries.iter().map(|(name, text)| ((*name).to_owned(), json!(BASE64_STANDARD.encode(text))));
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": data.collect::<serde_json::Map<_, _>>() })
}

#[test]
fn reported_manifests_yield_only_the_service_account_key() {
    for (path, expected) in [
        ("secret-with-whole-pki/vcluster-certs.yaml", 1),
        ("secret-in-other-yaml/kyaml.yaml", 1),
        ("secret-in-other-yaml/tf-yamlencode.yaml", 1),
        ("escaped-newlines/a1-env-escaped.env", 1),
        ("escaped-newlines/a3-json-string.json", 1),
        ("talos-and-kops-files/keyset.yaml", 1),
        ("talos-and-kops-files/talos-secrets.yaml", 1),
        ("openshift-configmap/cm-openshift.yaml", 2),
    ] {
        let found = kids(&std::fs::read(fixtures().join("field").join(path)).unwrap());
        assert_eq!((found[0].as_str(), found.len()), (KID, expected), "{path}: {found:?}");
    }
}

#[test]
fn every_skipped_certificate_and_key_is_named() {
    let bytes = std::fs::read(fixtures().join("field/secret-with-whole-pki/vcluster-certs.yaml")).unwrap();
    let (_, notes) = read(&bytes).unwrap();
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    for name in ["apiserver", "apiserver-kubelet-client", "ca", "etcd-ca", "front-proxy-ca", "front-proxy-client"] {
        for ending in ["crt", "key"] {
            let start = format!("input, entry \"{name}.{ending}\" is skipped: ");
            assert!(notes.iter().any(|note| note.starts_with(&start)), "{start} is not in {notes:#?}");
        }
    }
}

#[test]
fn document_of_another_kind_is_named_with_the_next_step() {
    let token = recording("rotation").text("entra.jwt");
    let status = |code: u16| json!({ "kind": "Status", "code": code, "message": "m" }).to_string();
    let field = |path: &str| std::fs::read_to_string(fixtures().join("field").join(path)).unwrap();
    let sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData: {sa.pub: AgB}\n";
    let external = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec: {}\n";
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\n";
    let kubeadm = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    let discovery = recording("rotation").text("openid-configuration.json");
    let xml = "<?xml version=\"1.0\"?><Error><Code>PublicAccessNotPermitted</Code></Error>".to_owned();
    for (text, is, hint) in [
        (status(403), "an error of the API server, status 403: m", "kubectl create clusterrolebinding"),
        (status(401), "an error of the API server, status 401: m", "check the credentials"),
        (status(404), "an error of the API server, status 404: m", "--service-account-issuer"),
        (
            field("api-server-says-no/status-403.json"),
            "an error of the API server, status 403",
            "system:service-account-issuer-discovery",
        ),
        (field("api-server-says-no/html.txt"), "an HTML page", "kubectl get --raw /openid/v1/jwks"),
        (xml, "an error of Azure Storage (PublicAccessNotPermitted)", "check the URL"),
        (field("sops-secret/sops.yaml"), "encrypted by SOPS", "sops -d FILE | issuer jwks -"),
        (sealed.to_owned(), "a SealedSecret", "kubectl get secret NAME -o yaml"),
        (external.to_owned(), "an ExternalSecret", "kubectl get secret NAME -o yaml"),
        (kubeconfig.to_owned(), "a kubeconfig", "--kubeconfig FILE"),
        (kubeadm.to_owned(), "a kubeadm configuration", "/etc/kubernetes/pki/sa.pub"),
        (discovery, "a discovery document", "curl https://"),
        (field("tokenrequest-json/tokenrequest.json"), "a response of the TokenRequest API", "issuer verify"),
        (token.clone(), "a token", "issuer verify"),
        (format!("Bearer {token}"), "a token", "issuer verify"),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::OtherDocument { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("input holds no key: it is {is}")), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
        assert!(!error.to_string().contains("eyJ"), "{error}");
    }
}

#[test]
fn one_foreign_document_leaves_a_stream_readable() {
    let (pem, kid) = recorded("rsa2048");
    let indented = pem.replace('\n', "\n    ");
    let good =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  sa.pub: |\n    {indented}\n");
    for foreign in [
        "kind: Deployment\napiVersion: apps/v1\nspec: [1, 2]\n",
        "a: [unclosed\n",
        "just text\n",
        "- a\n- list\n",
        "kind: Secret\napiVersion: v1\ndata: not an object\n",
        "kind: Secret\napiVersion: v1\ndata: {x: '%%%'}\n",
        "# nothing\n",
    ] {
        for stream in [format!("{foreign}---\n{good}"), format!("---\n{good}...\n---\n{foreign}")] {
            assert_eq!(kids(stream.as_bytes()), [kid.as_str()], "{stream}");
        }
    }
}

#[test]
fn entry_names_decide_among_several_keys() {
    let ((one, first), (other, second)) = (recorded("rsa2048"), recorded("rsa3072"));
    let cases = [
        // A single key, with any name.
        (secret("x", &[("whatever", &one)]), vec![first.clone()]),
        (secret("x", &[("a", &one), ("b", &one)]), vec![first.clone()]),
        // Entries with the name of a service account key.
        (secret("x", &[("other", &one), ("sa.pub", &other)]), vec![second.clone()]),
        (
            secret("x", &[("service-account-000.pub", &one), ("service-account-001.pub", &other)]),
            vec![first.clone(), second.clone()],
        ),
        (secret("x", &[("sa-old.pub", &one), ("sa.pub", &other)]), vec![first.clone(), second.clone()]),
        // A Secret with the name of a service account key.
        (secret("prod-1-sa", &[("tls.crt", &one)]), vec![first.clone()]),
        (
            json!({ "kind": "List", "items": [secret("prod-1-ca", &[("tls.crt", &other)]), secret("prod-1-sa", &[("tls.crt", &one)])] }),
            vec![first.clone()],
        ),
        // Other JSON, by the paths of its strings.
        (json!({ "outputs": { "sa_pub": { "value": one }, "ca": { "value": other } } }), vec![first.clone()]),
        (json!({ "data": { "data": { "public_key": one } } }), vec![first.clone()]),
        (json!({ "keys": { "sa": one, "ca": other } }), vec![first.clone()]),
        // Data without base64.
        (json!({ "apiVersion": "v1", "kind": "Secret", "data": { "sa.pub": one } }), vec![first.clone()]),
    ];
    for (document, expected) in cases {
        assert_eq!(kids(document.to_string().as_bytes()), expected, "{document:#}");
    }
    let stream = [secret("prod-1-sa", &[("tls.crt", &one)]), secret("prod-1-ca", &[("tls.crt", &other)])];
    let stream = stream.map(|document| format!("{document:#}\n")).concat();
    assert_eq!(kids(stream.as_bytes()), [first]);
    let list: Value = serde_json::from_slice(&recording("rotation").bytes("jwks.json")).unwrap();
    assert_eq!(kids(list["keys"].to_string().as_bytes()).len(), 2);
}

#[test]
fn ambiguous_keys_are_an_error_until_entry_is_given() {
    let ((one, first), (other, second)) = (recorded("rsa2048"), recorded("rsa3072"));
    let document = secret("x", &[("a.pub", &one), ("b.pub", &other)]);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("secret.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let path = path.to_str().unwrap();
    let output = run(["jwks", path]);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    assert!(said.contains("is the service account key: a.pub, b.pub"), "{said}");
    assert!(said.contains("hint: choose the entry of the service account key, for example --entry a.pub"), "{said}");
    for (entries, expected) in [
        (vec!["a.pub"], vec![&first]),
        (vec!["b.pub"], vec![&second]),
        (vec!["x/a.pub", "b.pub"], vec![&first, &second]),
    ] {
        let flags: Vec<_> = entries.iter().flat_map(|entry| ["--entry", entry]).collect();
        let output = run([&["jwks", path, "--compact"], &flags[..]].concat());
        let jwks = answer("jwks", &output);
        let found: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{entries:?}");
    }
    let output = run(["jwks", path, "--entry", "c.pub"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("no input has an entry \"c.pub\"; entries found: x/a.pub, x/b.pub"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn chosen_entry_is_read_whatever_its_kind() {
    let path = fixtures().join("field/secret-with-whole-pki/vcluster-certs.yaml");
    let output = run(["jwks", "--compact", path.to_str().unwrap(), "--entry", "etcd-ca.crt"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("is a CA certificate with the common name \"etcd-ca\""), "{}", stderr(&output));
}

/// A certificate and its private key in PEM.
fn pair(is_ca: bool, usage: Option<ExtendedKeyUsagePurpose>) -> (String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
    params.extended_key_usages = usage.into_iter().collect();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (pem("CERTIFICATE", certificate.der()), key.serialize_pem())
}

#[test]
fn service_account_key_is_found_among_any_certificates() {
    let (public, kid) = recorded("rsa4096");
    let (ca, server, client) = (
        pair(true, None),
        pair(false, Some(ExtendedKeyUsagePurpose::ServerAuth)),
        pair(false, Some(ExtendedKeyUsagePurpose::ClientAuth)),
    );
    let others = [
        ("ca.crt", &ca.0),
        ("ca.key", &ca.1),
        ("apiserver.crt", &server.0),
        ("apiserver.key", &server.1),
        ("front-proxy-client.crt", &client.0),
        ("front-proxy-client.key", &client.1),
    ];
    // Every subset of the other entries, with and without the service account key.
    for subset in 0..1_u32 << others.len() {
        let chosen = others.iter().enumerate().filter(|(index, _)| subset >> index & 1 == 1);
        let mut entries: Vec<(&str, &str)> = chosen.map(|(_, (name, text))| (*name, text.as_str())).collect();
        let telling = ["sa.pub", "service-account.pub", "bound-service-account-signing-key.pub"][subset as usize % 3];
        entries.push((telling, &public));
        assert_eq!(kids(secret("certs", &entries).to_string().as_bytes()), [kid.as_str()], "{subset:b}");
        entries.pop();
        // Certificates of other components and their keys give no service account key.
        let whole = |name: &str| entries.iter().any(|(entry, _)| *entry == format!("{name}.crt"));
        let all_certified = entries.iter().all(|(entry, _)| whole(entry.split('.').next().unwrap()));
        if !entries.is_empty() && all_certified {
            let error = read(secret("certs", &entries).to_string().as_bytes()).unwrap_err();
            assert!(matches!(error, KeyError::NoKey { .. }), "{subset:b}: {error}");
        }
    }
}

#[test]
fn distrusted_keyset_key_is_skipped() {
    let ((one, first), (other, _)) = (recorded("rsa2048"), recorded("rsa3072"));
    let key = |id: &str, pem: &str| json!({ "id": id, "publicMaterial": BASE64_STANDARD.encode(pem) });
    let mut distrusted = key("2", &other);
    distrusted["distrustTimestamp"] = "2026-01-01T00:00:00Z".into();
    let keyset = json!({
        "apiVersion": "kops.k8s.io/v1alpha2", "kind": "Keyset", "metadata": { "name": "service-account" },
        "spec": { "keys": [key("1", &one), distrusted] },
    });
    assert_eq!(kids(keyset.to_string().as_bytes()), [first]);
    let (_, notes) = read(keyset.to_string().as_bytes()).unwrap();
    assert!(notes.iter().any(|note| {
        note.to_string().contains("entry \"2/publicMaterial\" is skipped: the Keyset marks it as distrusted")
    }));
    let mut of_a_ca = keyset;
    of_a_ca["metadata"]["name"] = "kubernetes-ca".into();
    let error = read(of_a_ca.to_string().as_bytes()).unwrap_err();
    assert!(
        error.to_string().ends_with("it is the Keyset \"kubernetes-ca\", which holds no service account keys"),
        "{error}"
    );
}

#[test]
fn jwks_of_verify_reads_every_key_format() {
    let run_ = recording("rotation");
    let token = run_.path("entra-1h.jwt");
    let folder = tempfile::TempDir::new().unwrap();
    let secret_file = folder.path().join("secret.json");
    std::fs::write(&secret_file, secret("prod-1-sa", &[("tls.crt", &run_.text("rsa4096.pub"))]).to_string()).unwrap();
    for keys in [run_.path("sa.pub"), run_.path("rsa4096.pub"), run_.path("jwks.json"), secret_file] {
        let args =
            ["verify", token.to_str().unwrap(), "--jwks", keys.to_str().unwrap(), "--at", "2026-11-22T00:40:00Z"];
        let output = run(args);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    }
    assert!(matches!(
        read(b"<!doctype html>").unwrap_err(),
        KeyError::OtherDocument { document: OtherDocument::Html, .. }
    ));
}

#[test]
fn malformed_yaml_is_an_error_and_never_plain_text() {
    let indent = |name: &str| recorded(name).0.replace('\n', "\n    ");
    let start = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: certs}}\nstringData:\n  ca.key: |\n    {}\n  sa.pub: |\n    {}\n",
        indent("rsa3072"),
        indent("rsa2048")
    );
    assert_eq!(kids(start.as_bytes()), [recorded("rsa2048").1]);
    for broken in [
        format!("{start}  bad: [unclosed\n"),
        format!("{start}{{{{- end }}}}\n"),
        format!("{start}  sa.pub: again\n  sa.pub: again\n"),
        format!("{start}\tx: y\n"),
    ] {
        let error = read(broken.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::Input { .. }), "{error}\n{broken}");
    }
    // An end mark (`...`) alone separates documents, too.
    let stream = format!("{start}...\nkind: Other\napiVersion: v1\n");
    assert_eq!(kids(stream.as_bytes()), [recorded("rsa2048").1]);
}

/// A CA certificate with a common name, and its private key.
fn authority(common_name: &str) -> (String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (pem("CERTIFICATE", certificate.der()), key.serialize_pem())
}

#[test]
fn unnamed_keyset_is_identified_by_its_certificates() {
    let keyset = |(certificate, key): (String, String)| {
        let encode = |text: String| BASE64_STANDARD.encode(text);
        let key = json!({ "id": "1", "publicMaterial": encode(certificate), "privateMaterial": encode(key) });
        json!({ "apiVersion": "kops.k8s.io/v1alpha2", "kind": "Keyset", "spec": { "keys": [key] } }).to_string()
    };
    assert_eq!(kids(keyset(authority("service-account")).as_bytes()).len(), 1);
    let error = read(keyset(authority("kubernetes-ca")).as_bytes()).unwrap_err();
    assert!(matches!(error, KeyError::NoKey { .. }), "{error}");
}

#[test]
fn entry_name_does_not_override_a_foreign_certificate() {
    let (public, kid) = recorded("rsa2048");
    let client = pair(false, Some(ExtendedKeyUsagePurpose::ClientAuth));
    let server = pair(false, Some(ExtendedKeyUsagePurpose::ServerAuth));
    let ca = pair(true, None);
    let only = |name: &str, entries: &[(&str, &str)]| {
        let error = read(secret(name, entries).to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::NoKey { .. }), "{error}");
    };
    // The name of the document.
    only("web-sa", &[("tls.crt", &client.0), ("tls.key", &client.1)]);
    only("web-sa", &[("tls.crt", &server.0), ("tls.key", &server.1)]);
    only("web-sa", &[("ca.crt", &ca.0), ("ca.key", &ca.1)]);
    // Cluster API may keep a CA certificate of the service account key itself.
    assert_eq!(kids(secret("prod-sa", &[("ca.crt", &ca.0), ("tls.key", &ca.1)]).to_string().as_bytes()).len(), 1);
    // Names of entries, with and without the service account key beside them.
    only("x", &[("sa-client.crt", &client.0), ("sa-client.key", &client.1)]);
    for (certificate, key, names) in [
        (&client.0, &client.1, ["sa-client.crt", "sa-client.key"]),
        (&server.0, &server.1, ["serviceaccount-webhook.crt", "serviceaccount-webhook.key"]),
        (&ca.0, &ca.1, ["serviceaccount-ca.crt", "serviceaccount-ca.key"]),
    ] {
        let entries = [(names[0], certificate.as_str()), (names[1], key.as_str()), ("sa.pub", &public)];
        assert_eq!(kids(secret("certs", &entries).to_string().as_bytes()), [kid.as_str()], "{names:?}");
    }
    // kubeadm without a separate service account key uses the key of the API server's certificate.
    let entries = [("apiserver.crt", server.0.as_str()), ("sa.key", server.1.as_str())];
    assert_eq!(kids(secret("certs", &entries).to_string().as_bytes()).len(), 1);
}

#[test]
fn single_key_with_the_name_of_another_program_is_skipped() {
    // A leaf certificate without usages states no purpose.
    let (certificate, key) = leaf("x", None, &[]);
    let (certificate, key) = (certificate.as_str(), key.as_str());
    for (name, entries) in [
        ("letsencrypt-prod", vec![("tls.key", key)]),
        ("github-app", vec![("private-key.pem", key)]),
        ("repo", vec![("sshPrivateKey", key)]),
        ("mixed", vec![("password.key", key)]),
        ("webhook", vec![("tls.crt", certificate), ("tls.key", key)]),
        ("admin-cert", vec![("client.crt", certificate), ("client.key", key)]),
    ] {
        let error = read(secret(name, &entries).to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::NoKey { .. }), "{name}: {error}");
    }
    for name in ["prod-1-sa", "oidc-keys"] {
        assert_eq!(kids(secret(name, &[("tls.key", key)]).to_string().as_bytes()).len(), 1, "{name}");
    }
}

#[test]
fn hints_can_be_carried_out() {
    let discovery = json!({ "issuer": "x", "jwks_uri": "https://x.example.com/;rm -rf ~ $(id)" }).to_string();
    assert!(!read(discovery.as_bytes()).unwrap_err().hint().unwrap().contains("rm -rf"));
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("secret.json");
    let document = secret("x", &[("a.pub", &recorded("rsa2048").0), ("b.pub", &recorded("rsa3072").0)]);
    std::fs::write(&path, document.to_string()).unwrap();
    let token = recording("rotation").path("entra-1h.jwt");
    let output = run(["verify", token.to_str().unwrap(), "--jwks", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("hint: choose one with issuer jwks FILE --entry NAME"), "{}", stderr(&output));
}

/// A certificate with a common name, host names and usages, and its private key.
fn leaf(common_name: &str, host: Option<&str>, usages: &[ExtendedKeyUsagePurpose]) -> (String, String) {
    let names: Vec<_> = host.map(str::to_owned).into_iter().collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    params.extended_key_usages = usages.to_vec();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (pem("CERTIFICATE", certificate.der()), key.serialize_pem())
}

#[test]
fn manifest_in_any_form_is_never_read_as_plain_text() {
    let (public, kid) = recorded("rsa2048");
    let (ca, _) = authority("kubernetes-ca");
    let indented = |text: &str| text.trim_end().replace('\n', "\n    ");
    let map =
        json!({ "kind": "ConfigMap", "apiVersion": "v1", "data": { "ca.crt": ca, "sa.pub": public } }).to_string();
    let data_first =
        json!({ "data": { "ca.crt": ca, "sa.pub": public }, "apiVersion": "v1", "kind": "ConfigMap" }).to_string();
    let yaml = |ca_name: &str, sa_name: &str, start: &str| {
        format!("{start}  {ca_name}: |\n    {}\n  {sa_name}: |\n    {}\n", indented(&ca), indented(&public))
    };
    let config_map = yaml("ca.crt", "sa.pub", "apiVersion: v1\nkind: ConfigMap\ndata:\n");
    let latin = |text: &str| [b"# caf\xe9\n", text.as_bytes()].concat();
    let cloud_init = format!(
        "#cloud-config\nwrite_files:\n- path: /etc/kubernetes/pki/ca.crt\n  content: |\n    {}\n- path: /etc/kubernetes/pki/sa.pub\n  encoding: b64\n  content: {}\n",
        indented(&ca),
        BASE64_STANDARD.encode(&public)
    );
    let variables =
        format!("set -a\nCA_CRT=\"{}\"\nfoo.SA_PUB = \"{}\"\n", ca.replace('\n', "\\n"), public.replace('\n', "\\n"));
    for (form, bytes) in [
        ("another encoding", latin(&config_map)),
        (
            "another encoding in JSON",
            map.replacen("ConfigMap\"", "ConfigMap\",\"x\":\"?\"", 1)
                .replace('?', "\u{1}")
                .into_bytes()
                .into_iter()
                .map(|byte| if byte == 1 { 0xfc } else { byte })
                .collect(),
        ),
        ("values of a chart", yaml("ca_crt", "sa_pub", "pki:\n").into_bytes()),
        ("no apiVersion", yaml("ca.crt", "sa.pub", "kind: Secret\nstringData:\n").into_bytes()),
        ("cloud-init", cloud_init.into_bytes()),
        ("a stream", format!("{data_first}\n{{\"note\":1}}").into_bytes()),
        ("a stream on one line", format!("{{\"note\":1}} {map}").into_bytes()),
        ("variables", variables.into_bytes()),
    ] {
        assert_eq!(kids(&bytes), [kid.as_str()], "{form}");
    }
    for (form, text) in [
        ("an array that is cut", format!("[{}", &map[..map.len() - 2])),
        ("data first, cut", data_first[..data_first.len() - 2].to_owned()),
        ("tabs", config_map.replace("\n  ", "\n\t")),
        ("broken values", format!("{}  x: [\n", yaml("ca_crt", "sa_pub", "pki:\n"))),
        ("a flow with another end", format!("{}]", &map[..map.len() - 1])),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        assert!(!matches!(error, KeyError::KeyIdTwice { .. }), "{form}: {error}");
    }
}

#[test]
fn each_certificate_of_an_entry_is_judged_alone() {
    let (public, kid) = recorded("rsa2048");
    let ca = authority("kubernetes-ca").0;
    let kops = authority("service-account").0;
    let kops_kid = kids(kops.as_bytes()).remove(0);
    let server = leaf("apiserver", Some("kubernetes"), &[]).0;
    let client = leaf("admin", None, &[ExtendedKeyUsagePurpose::ClientAuth]).0;
    for (name, entry, expected) in [
        ("sa.pub", format!("{public}{ca}"), &kid),
        ("sa.pub", format!("{public}{server}"), &kid),
        ("sa.crt", format!("{kops}{server}"), &kops_kid),
        ("service-account.pem", format!("{kops}{client}{ca}"), &kops_kid),
    ] {
        let document = secret("certs", &[(name, &entry), ("ca.crt", &ca)]).to_string();
        assert_eq!(kids(document.as_bytes()), [expected.as_str()], "{name}");
    }
    // "Kubernetes the Hard Way" issues a client certificate named after the service account key.
    let own = leaf("service-accounts", None, &[ExtendedKeyUsagePurpose::ClientAuth]);
    let entries = [("service-accounts.crt", own.0.as_str()), ("service-accounts.key", &own.1), ("ca.crt", &ca)];
    assert_eq!(kids(secret("pki", &entries).to_string().as_bytes()).len(), 1);
    // The user name of a service account is not such a name.
    let user = leaf("system:serviceaccount:default:app", None, &[ExtendedKeyUsagePurpose::ClientAuth]);
    let entries = [("sa.crt", user.0.as_str()), ("sa.key", &user.1)];
    assert!(read(secret("pki", &entries).to_string().as_bytes()).is_err());
}

#[test]
fn entry_names_of_other_components_exclude_a_key() {
    let (public, kid) = recorded("rsa2048");
    let ca = authority("kubernetes-ca");
    let plain = leaf("plain", None, &[]);
    for name in [
        "serviceaccountca.crt",
        "serviceAccountCA.crt",
        "sa-cacert.pem",
        "sa_rootCA.pem",
        "sa-ca.crt",
        "service-account-issuer.crt",
    ] {
        let document = secret("x", &[(name, &ca.0), ("pub", &public)]).to_string();
        assert_eq!(kids(document.as_bytes()), [kid.as_str()], "{name}");
    }
    let web = leaf("web", Some("web.example.com"), &[]);
    let google = json!({ "type": "service_account", "private_key": plain.1, "client_email": "a@b" }).to_string();
    for (document, entries) in [
        ("x", vec![("ca.key", &ca.1)]),
        ("x", vec![("etcd-ca.crt", &plain.0)]),
        ("x", vec![("cacert.pem", &plain.0), ("cacert-key.pem", &plain.1)]),
        ("prod-1-ca", vec![("tls.crt", &plain.0), ("tls.key", &plain.1)]),
        ("etcd-certs", vec![("peer.key", &plain.1)]),
        ("x", vec![("server.key", &plain.1)]),
        ("web-tls", vec![("tls.crt", &web.0), ("tls.key", &web.1)]),
        ("build-sa", vec![("tls.crt", &web.0), ("tls.key", &web.1)]),
        ("gcp-service-account", vec![("key.json", &google)]),
    ] {
        let entries: Vec<_> = entries.into_iter().map(|(name, text)| (name, text.as_str())).collect();
        let error = read(secret(document, &entries).to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::NoKey { .. } | KeyError::OtherDocument { .. }), "{document}: {error}");
        if matches!(error, KeyError::NoKey { .. }) {
            assert!(error.hint().unwrap().contains("--entry NAME"), "{:?}", error.hint());
        }
    }
    let region = secret("x", &[("apiserver-sa-east-1.key", &plain.1), ("sa.pub", &public)]).to_string();
    assert_eq!(kids(region.as_bytes()), [kid.as_str()]);
    // The unreadable document may be the one with the key.
    let other = json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "x.pub": public } });
    let error =
        read(format!("---\n{other}\n---\nkind: Secret\nmetadata: {{name: {{{{ x }}}}-sa}}\n").as_bytes()).unwrap_err();
    assert!(matches!(error, KeyError::Input { .. }), "{error}");
}

#[test]
fn nested_documents_have_a_depth_limit() {
    let mut text = recorded("rsa2048").0;
    for depth in 0..600 {
        text = json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "sa": text } }).to_string();
        if depth == 3 {
            assert_eq!(kids(text.as_bytes()), [recorded("rsa2048").1]);
        }
        if text.len() > 1 << 20 {
            break;
        }
    }
    assert!(read(text.as_bytes()).is_err());
}

//! Keys and documents from the tests of other systems, read in place: `ISSUER_VECTORS`, or `../shared/vectors`.
//!
//! They belong to other projects and are not part of this repository. Without the folder, these tests print a note and
//! pass.

use std::{
    fs,
    path::{Path, PathBuf},
};

use issuer::{DesiredState, Discovery, Documents, Jwks, JwksUri, KeySet, PublishError, site::Memory};

/// The folder, or `None` and a note about the skipped test.
fn vectors(test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors");
    let folder = std::env::var_os("ISSUER_VECTORS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {test} needs the folder {}", folder.display());
    None
}

fn keys(path: &Path) -> KeySet {
    let bytes = fs::read(path).unwrap();
    KeySet::from_bytes(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn kids(path: &Path) -> Vec<String> {
    keys(path).iter().map(|key| key.key_id().to_string()).collect()
}

/// Every key of the folder, with the key IDs from its README.
const KEY_IDS: &[(&str, &[&str])] = &[
    ("kubernetes/rsa.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("kubernetes/rsa.key", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("kubernetes/ecdsa256.pub", &["SoABiieYuNx4UdqYvZRVeuC6SihxgLrhLy9peHMHpTc"]),
    ("kubernetes/ecdsa256.key", &["SoABiieYuNx4UdqYvZRVeuC6SihxgLrhLy9peHMHpTc"]),
    ("kubernetes/ecdsa256-params.key", &["MbtQUJSadTe6DXtqrsB3xe82FPnl5maeKkEhGKkBXJE"]),
    ("kubernetes/other.pub", &["yEooMTEt7THsoVd-yf2m_0tmtgtZWGhAPFm296R5q18"]),
    ("client-go/rsa2048.pub", &["e2p2BWkJkvT8MMr3Fuxb2r4F58_cGQqgSKZXNez4mMY"]),
    ("client-go/rsa2048.key", &["e2p2BWkJkvT8MMr3Fuxb2r4F58_cGQqgSKZXNez4mMY"]),
    ("client-go/x509certificate.pem", &["e2p2BWkJkvT8MMr3Fuxb2r4F58_cGQqgSKZXNez4mMY"]),
    ("client-go/ecdsa256.pub", &["UoieWxJuc0zhATOiuAC0GBlsDLDZVgtEs-D2M5CZVcQ"]),
    ("client-go/ecdsa256.key", &["UoieWxJuc0zhATOiuAC0GBlsDLDZVgtEs-D2M5CZVcQ"]),
    ("client-go/ecdsa256params.key", &["aRtOtqag_grFHCNNEmHlxyayDGz0kuogOCRxry7ocTA"]),
    ("azwi/sa.pub", &["2A3FPpix2keOV1SGPQiM0_wVemz4XOIgQyJJnpu5sPE"]),
    ("azwi/docs-sample-jwks.json", &["Me5VC6i4_4mymFj7T5rcUftFjYX70YoCfSnZB6-nBY4"]),
    ("irsa-manager/rsa.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("irsa-manager/ecdsa.pub", &["SoABiieYuNx4UdqYvZRVeuC6SihxgLrhLy9peHMHpTc"]),
    ("ccoctl/sa-4096.pub", &["vTM0nbCme-yk2IjmPYHm9h5pYmdR-9LztPbV76J2C6E"]),
    ("gardener/jwks.json", &["2qAiW7sYZexfKki3E3E_sU9y2Hvgy7RJzoqMZueTOII"]),
    (
        "kops/irsa/keys.json",
        &["3mNcULfgtWECYyZWY5ow1rOHjiRwEZHx28HQcRec3Ew", "G-cZ10iKJqrXhR15ivI7Lg2q_cuL0zN9ouL0vF67FLc"],
    ),
    ("derived/rsa-pkcs1.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-pkcs1.der", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-spki.der", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-spki-labelled-rsa-public-key.pem", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-pkcs8.key", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa.ssh.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-crlf.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-bom.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/rsa-duplicate.pub", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/secret.yaml", &["JHJehTTTZlsspKHT-GaJxK7Kd1NQgZJu3fyK6K_QDYU"]),
    ("derived/ecdsa256-pkcs8.key", &["SoABiieYuNx4UdqYvZRVeuC6SihxgLrhLy9peHMHpTc"]),
];

#[test]
fn vector_keys_have_their_documented_key_ids() {
    let Some(folder) = vectors("the key IDs of other systems") else { return };
    for (file, expected) in KEY_IDS {
        assert_eq!(kids(&folder.join(file)), *expected, "{file}");
    }
}

#[test]
fn documents_of_kubernetes_tests_match_byte_for_byte() {
    let Some(folder) = vectors("the documents of Kubernetes' tests") else { return };
    let keys = KeySet::from_keys(
        ["rsa.pub", "ecdsa256.pub"].iter().flat_map(|file| keys(&folder.join("kubernetes").join(file)).to_vec()),
    )
    .unwrap();
    let read = |file| fs::read(folder.join("kubernetes").join(file)).unwrap();
    assert_eq!(Jwks::from_keys(keys.iter()).to_bytes(), read("want-keyset.json"));
    let issuer: issuer::IssuerUrl = "https://issuer.example.com".parse().unwrap();
    let documents = Documents::new(issuer.clone(), &keys);
    assert_eq!(documents.discovery.to_bytes(), read("want-config.json"));
    let external: JwksUri = "https://192.0.2.1:80/openid/v1/jwks".parse().unwrap();
    assert_eq!(Discovery::new(&issuer, &external, keys.iter()).to_bytes(), read("want-config-external-jwks.json"));
    let by_address = Documents::new("https://192.0.2.1:80".parse().unwrap(), &keys);
    assert_eq!(by_address.discovery.to_bytes(), read("want-config-ip.json"));
}

#[test]
fn expected_jwks_of_other_systems_match_byte_for_byte() {
    let Some(folder) = vectors("the JWKS of other systems") else { return };
    let pairs = [
        ("ccoctl/sa-4096.pub", "ccoctl-4096"),
        ("client-go/ecdsa256.pub", "client-go-ec"),
        ("client-go/rsa2048.pub", "client-go-rsa"),
        ("kubernetes/other.pub", "other"),
        ("derived/rsa-then-ec.pub", "rsa-then-ec"),
        ("kubernetes/rsa.pub", "rsa"),
        ("derived/rsa-pkcs1.pub", "rsa"),
    ];
    for (input, expected) in pairs {
        let expected = fs::read(folder.join(format!("derived/expected-jwks.{expected}.json"))).unwrap();
        let jwks = Jwks::from_keys(keys(&folder.join(input)).iter());
        assert_eq!(jwks.to_bytes(), expected, "{input}");
    }
    // There is no key file for these two: they are given as a JWKS and printed unchanged.
    for name in ["ec384", "minikube"] {
        let expected = fs::read(folder.join(format!("derived/expected-jwks.{name}.json"))).unwrap();
        assert_eq!(Jwks::from_keys(KeySet::from_bytes(&expected).unwrap().iter()).to_bytes(), expected, "{name}");
    }
}

#[test]
fn three_blocks_of_two_keys_give_two_keys() {
    let Some(folder) = vectors("three blocks with two keys") else { return };
    assert_eq!(kids(&folder.join("derived/three-blocks-two-keys.pem")).len(), 2);
}

#[test]
fn empty_truncated_and_ed25519_inputs_are_errors() {
    let Some(folder) = vectors("inputs that are refused") else { return };
    for (file, said) in [
        ("derived/empty.pub", "input holds no usable key: it is empty"),
        (
            "derived/truncated.pub",
            "input, block 1 \"PUBLIC KEY\" is not a usable key: it has no END line; the file may be truncated",
        ),
        (
            "derived/ed25519-rfc8410.pub",
            "input, block 1 \"PUBLIC KEY\" is not a usable key: its type is Ed25519; RSA and EC keys are accepted",
        ),
    ] {
        let error = KeySet::from_bytes(&fs::read(folder.join(file)).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn weak_kops_keys_parse_but_are_not_published() {
    let Some(folder) = vectors("the 512-bit keys of kops") else { return };
    let golden: Vec<_> = kids(&folder.join("kops/irsa/keys.json"));
    let mut read = Vec::new();
    for file in ["kops/service-account-primary.crt", "kops/service-account-secondary.crt"] {
        read.extend(kids(&folder.join(file)));
    }
    read.sort();
    assert_eq!(read, golden);
    let mut private = Vec::new();
    for file in ["kops/service-account-primary.key", "kops/service-account-secondary.key"] {
        private.extend(kids(&folder.join(file)));
    }
    private.sort();
    assert_eq!(private, golden);
    let desired = DesiredState::new(
        "https://issuer.example.com".parse().unwrap(),
        keys(&folder.join("kops/service-account-primary.crt")),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(issuer::publish(&Memory::default(), &desired, &issuer::SystemClock)).unwrap_err();
    assert!(matches!(refused, PublishError::Refused { .. }));
    assert!(refused.to_string().contains("has 512 bits"), "{refused}");
}

#[test]
fn each_bad_issuer_and_jwks_uri_has_its_reason() {
    let Some(folder) = vectors("bad issuers") else { return };
    let reasons = [
        ("http://issuer.example.com", "its scheme is http"),
        ("issuer.example.com", "it has no scheme"),
        ("https://issuer.example.com?foo=bar", "it has a query"),
        ("https://issuer.example.com#baz", "it has a fragment"),
        ("https://issuer.example.com?foo=bar#baz", "it has a fragment"),
        ("issuer", "it has no scheme"),
        ("http://issuer.example.com/openid/v1/jwks", "its scheme is http"),
        ("issuer.example.com/openid/v1/jwks", "it has no scheme"),
        ("issuer/openid/v1/jwks", "it has no scheme"),
    ];
    let reason = |line: &str| reasons.iter().find(|(url, _)| *url == line).unwrap_or_else(|| panic!("{line}")).1;
    for line in fs::read_to_string(folder.join("kubernetes/bad-issuers.txt")).unwrap().lines() {
        let error = line.parse::<issuer::IssuerUrl>().unwrap_err().to_string();
        assert!(error.contains(reason(line)), "{error}");
    }
    for line in fs::read_to_string(folder.join("kubernetes/bad-jwks-uris.txt")).unwrap().lines() {
        let error = line.parse::<JwksUri>().unwrap_err().to_string();
        assert!(error.contains(reason(line)), "{error}");
    }
}

//! No printed fix leads to the same refusal again: each fix that is a command of this program is run, and the token is
//! verified again.

use std::{fs, path::Path, process::Output};

use crate::support::{
    Recording,
    answer::answer,
    fixtures,
    hostile::{ISSUER, cases, good_set},
    issuer::{run, stderr},
    recording,
};
use issuer::{IssuerUrl, Jwks};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A cluster, and a directory that stands in for its published issuer.
struct Cluster {
    folder: TempDir,
    issuer: String,
    /// The public keys of the API server.
    keys: Vec<String>,
    at: &'static str,
}

impl Cluster {
    fn new(issuer: &str, keys: &[Vec<u8>], at: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |(index, bytes): (usize, &Vec<u8>)| {
            let path = folder.path().join(format!("sa{index}.pub"));
            fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let keys = keys.iter().enumerate().map(write).collect();
        fs::create_dir(folder.path().join("site")).unwrap();
        Self { folder, issuer: issuer.to_owned(), keys, at }
    }

    fn of(recorded: &Recording) -> Self {
        Self::new(&recorded.issuer, &[recorded.bytes("sa.pub")], "2026-11-22T00:40:00Z")
    }

    /// The cluster that the hostile inputs belong to.
    fn of_hostile() -> Self {
        let keys: Vec<_> =
            Jwks::parse(&good_set()).unwrap().keys.iter().map(|jwk| jwk.key().unwrap().spki_der().to_vec()).collect();
        Self::new(ISSUER, &keys, "2026-11-22T00:35:00Z")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn site(&self) -> String {
        self.path("site")
    }

    /// Writes documents as another publisher does: without a retention record.
    fn write(&self, discovery: &[u8], jwks: &[u8]) {
        for (path, bytes) in [(".well-known/openid-configuration", discovery), ("openid/v1/jwks", jwks)] {
            let path = Path::new(&self.site()).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    fn discovery(&self) -> Value {
        let issuer: IssuerUrl = self.issuer.parse().unwrap();
        json!({
            "issuer": self.issuer, "jwks_uri": issuer.jwks_uri().as_str(),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    }

    fn verify(&self, token: &[u8], relying_party: &str) -> Option<(String, String)> {
        let path = self.path("token.jwt");
        fs::write(&path, token).unwrap();
        let audience = ["--audience", "api://AzureADTokenExchange"];
        let args = ["verify", &path, "--issuer", &self.issuer, "--published", &self.site(), "--at", self.at];
        let output = run([&args[..], &audience, &["--for", relying_party, "-o", "json"]].concat());
        let report = answer("verify", &output);
        let text = |name: &str| report["refusal"][name].as_str().unwrap().to_owned();
        (!report["refusal"].is_null()).then(|| (text("message"), text("fix")))
    }

    /// Runs `issuer publish` with `sa.pub` and `KID` replaced by their values.
    fn publish(&self, words: &[&str], relying_party: &str) -> Output {
        let mut args = vec!["publish".to_owned()];
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "sa.pub" => args.extend(self.keys.iter().cloned()),
                "--remove" if words.clone().next() == Some(&"KID") => {
                    words.next();
                    args.extend(self.other_kids().into_iter().flat_map(|kid| ["--remove".to_owned(), kid]));
                }
                word => args.push(word.to_owned()),
            }
        }
        args.extend(["--issuer", &self.issuer, "--directory", &self.site(), "--for", relying_party].map(str::to_owned));
        run(args)
    }

    /// The published key IDs that are not the API server's.
    fn other_kids(&self) -> Vec<String> {
        let jwks = Jwks::parse(&fs::read(Path::new(&self.site()).join("openid/v1/jwks")).unwrap()).unwrap();
        let own: Vec<_> = self
            .keys
            .iter()
            .flat_map(|path| {
                let keys = issuer::KeySet::from_bytes(&fs::read(path).unwrap()).unwrap();
                keys.iter().map(|key| key.key_id().to_string()).collect::<Vec<_>>()
            })
            .collect();
        let kids = jwks.keys.iter().filter_map(|jwk| jwk.kid().map(str::to_owned));
        kids.filter(|kid| !own.contains(kid)).collect()
    }
}

/// The arguments of the first `issuer publish` in a fix.
fn command(fix: &str) -> Option<Vec<&str>> {
    let (_, rest) = fix.split_once("issuer publish ")?;
    let mut words = Vec::new();
    for word in rest.split(' ') {
        let plain = word.trim_end_matches([';', ',', '.', ')']);
        let follows_flag = words.last().is_some_and(|last: &&str| *last == "--remove");
        if !(plain == "sa.pub" || plain == "jwks.json" || plain.starts_with("--") || follows_flag) {
            break;
        }
        words.push(plain);
        if plain.len() < word.len() {
            break;
        }
    }
    Some(words)
}

/// Verifies, runs the fix if it is a command, and verifies again. Returns the refusal where there was a command.
fn play(cluster: &Cluster, token: &[u8], relying_party: &str, what: &str) -> Option<String> {
    let (message, fix) = cluster.verify(token, relying_party)?;
    // A token that the API server did not sign stays refused, and the fix starts with that.
    if fix.starts_with("use the unmodified token of the API server") && cluster.issuer == ISSUER {
        return None;
    }
    let words = command(&fix)?;
    if words.contains(&"jwks.json") {
        return None;
    }
    if fix.starts_with("delete this document") {
        fs::remove_file(Path::new(&cluster.site()).join("openid/v1/jwks")).unwrap();
    }
    let output = cluster.publish(&words, relying_party);
    let after = cluster.verify(token, relying_party).map(|(message, _)| message);
    assert_ne!(after.as_ref(), Some(&message), "{what}: {words:?} leads back\n{}", stderr(&output));
    Some(message)
}

#[test]
fn fix_for_a_hostile_key_set_never_loops() {
    let mut played = Vec::new();
    for case in cases("jwks") {
        let cluster = Cluster::of_hostile();
        cluster.write(cluster.discovery().to_string().as_bytes(), &case.key_set());
        let relying_party = if case.is_for_oidc() { "oidc" } else { "entra" };
        played.extend(play(&cluster, &case.token(), relying_party, &case.name));
    }
    assert!(played.len() > 40, "{} refusals whose fix is a command", played.len());
}

/// A state of a published issuer, and a function that makes it.
type State<'a> = (&'a str, Box<dyn Fn(&Cluster) + 'a>);

#[test]
fn fix_for_a_broken_site_never_loops() {
    let recorded = recording("rotation");
    let token = recorded.text("entra-1h.jwt");
    let kid = "R4Jf-ds5L8_k48zrD0XYs2clIk0lDpbzhHP-yRG78Xo";
    let good: Value = serde_json::from_slice(&recorded.bytes("jwks.json")).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut jwks = good.clone();
        change(&mut jwks);
        jwks.to_string().into_bytes()
    };
    let other = |cluster: &Cluster, jwks_uri: &str| {
        let mut discovery = cluster.discovery();
        discovery["jwks_uri"] = jwks_uri.into();
        discovery.to_string().into_bytes()
    };
    let good_bytes = || good.to_string().into_bytes();
    let own = |cluster: &Cluster| cluster.discovery().to_string().into_bytes();
    let states: Vec<State<'_>> = vec![
        ("nothing is published", Box::new(|_| ())),
        ("the discovery document is a page", Box::new(|cluster| cluster.write(b"<!doctype html>", &good_bytes()))),
        ("the discovery document is cut off", Box::new(|cluster| cluster.write(b"{\"issuer\":", &good_bytes()))),
        ("the JWKS is a page", Box::new(|cluster| cluster.write(&own(cluster), b"<!doctype html>"))),
        ("the JWKS is cut off", Box::new(|cluster| cluster.write(&own(cluster), b"{\"keys\":["))),
        ("the JWKS is too long", Box::new(|cluster| cluster.write(&own(cluster), &vec![b' '; (1 << 20) + 1]))),
        ("the JWKS is empty", Box::new(|cluster| cluster.write(&own(cluster), b"{\"keys\":[]}"))),
        (
            "the JWKS is elsewhere, in a private network",
            Box::new(|cluster| {
                cluster.write(&other(cluster, "https://10.0.0.1/openid/v1/jwks"), &good_bytes());
            }),
        ),
        (
            "the key is not published",
            Box::new(|cluster| {
                cluster.write(&own(cluster), &with(&|jwks| drop(jwks["keys"].as_array_mut().unwrap().remove(1))));
            }),
        ),
        (
            "the key is published under a thumbprint",
            Box::new(|cluster| {
                let thumbprint = "Yy3zN1nU7jYbSgqM1kQ7Yb6b5bq0o3a9xJ2Y0bKqM1k";
                cluster.write(&own(cluster), &with(&|jwks| jwks["keys"][1]["kid"] = thumbprint.into()));
            }),
        ),
        (
            "the key has no use",
            Box::new(|cluster| {
                cluster.write(
                    &own(cluster),
                    &with(&|jwks| {
                        jwks["keys"][1].as_object_mut().unwrap().remove("use");
                    }),
                );
            }),
        ),
        (
            "the key has another algorithm",
            Box::new(|cluster| {
                cluster.write(&own(cluster), &with(&|jwks| jwks["keys"][1]["alg"] = "RS512".into()));
            }),
        ),
        (
            "another key has the ID of the key",
            Box::new(|cluster| {
                cluster.write(
                    &own(cluster),
                    &with(&|jwks| {
                        jwks["keys"][1] = jwks["keys"][0].clone();
                        jwks["keys"][1]["kid"] = kid.into();
                    }),
                );
            }),
        ),
        (
            "two keys have one ID, which is not the API server's",
            Box::new(|cluster| {
                cluster.write(
                    &own(cluster),
                    &with(&|jwks| {
                        for index in 0..2 {
                            let mut jwk = jwks["keys"][index].clone();
                            jwk["kid"] = "twice".into();
                            jwks["keys"].as_array_mut().unwrap().push(jwk);
                        }
                    }),
                );
            }),
        ),
        (
            "the ID of the other key of the API server has a second key",
            Box::new(|cluster| {
                cluster.write(
                    &own(cluster),
                    &with(&|jwks| {
                        let mut jwk = jwks["keys"][1].clone();
                        jwk["kid"] = jwks["keys"][0]["kid"].clone();
                        jwks["keys"].as_array_mut().unwrap().push(jwk);
                    }),
                );
            }),
        ),
        (
            "a private key is published",
            Box::new(|cluster| {
                cluster.write(&own(cluster), &with(&|jwks| jwks["keys"][0]["d"] = "AAAA".into()));
            }),
        ),
        (
            "101 keys are published",
            Box::new(|cluster| {
                cluster.write(
                    &own(cluster),
                    &with(&|jwks| {
                        for number in 0..100 {
                            let mut jwk = jwks["keys"][0].clone();
                            jwk["kid"] = format!("old-{number}").into();
                            jwks["keys"].as_array_mut().unwrap().push(jwk);
                        }
                    }),
                );
            }),
        ),
    ];
    for (what, write) in &states {
        let cluster = Cluster::of(&recorded);
        write(&cluster);
        let refused = play(&cluster, token.as_bytes(), "entra", what);
        assert!(refused.is_some(), "{what}: {:?}", cluster.verify(token.as_bytes(), "entra"));
        assert_eq!(cluster.verify(token.as_bytes(), "entra"), None, "{what}");
    }
}

#[test]
fn external_signer_key_id_suggests_the_api_server_jwks() {
    let recorded = recording("rotation");
    let cluster = Cluster::of(&recorded);
    assert!(cluster.publish(&["sa.pub"], "entra").status.success());
    let token = fixtures().join("field/discovery-empty-members/token.jwt");
    let cluster = Cluster { issuer: "https://issuer.shop.example".to_owned(), at: "2026-11-25T01:00:00Z", ..cluster };
    cluster.write(cluster.discovery().to_string().as_bytes(), &recorded.bytes("jwks.json"));
    let (_, fix) = cluster.verify(&fs::read(token).unwrap(), "entra").unwrap();
    // The `kid` of this token is the API server's hash of a key, so publishing the key file helps.
    assert!(fix.starts_with("publish the API server's current public key: issuer publish sa.pub"), "{fix}");
}

//! Verification rates of other JWT libraries with the same token and key.

use std::{path::Path, process::Command};

use issuer::{KeyMaterial, KeySet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use crate::verification::{AUDIENCE, Recorded, SECONDS};

const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");

/// `jsonwebtoken`, with a key and rules that are built once, as for our verifier.
pub(crate) fn jsonwebtoken(keys: &KeySet, issuer: &str) -> impl Fn(&str) {
    let keys = keys.iter().filter_map(|key| match key.material() {
        KeyMaterial::Rsa { modulus, exponent } => {
            Some((key.key_id().to_string(), DecodingKey::from_rsa_raw_components(modulus, exponent)))
        }
        _ => None,
    });
    let keys: std::collections::HashMap<_, _> = keys.collect();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[issuer]);
    rules.validate_nbf = true;
    move |token| {
        let kid = jsonwebtoken::decode_header(token).expect("a header").kid.expect("a kid");
        jsonwebtoken::decode::<serde_json::Value>(token, &keys[&kid], &rules).expect("a good token");
    }
}

/// `jose` on Node.js, if scripts/bench could install it.
pub(crate) fn jose(recorded: &Recorded) -> Option<f64> {
    rate(Command::new("node").arg(Path::new(SCRIPTS).join("jose.mjs")), recorded)
}

/// `PyJWT`, if scripts/bench could install it.
pub(crate) fn pyjwt(recorded: &Recorded) -> Option<f64> {
    rate(Command::new(Path::new(TARGET).join("python/bin/python")).arg(Path::new(SCRIPTS).join("pyjwt.py")), recorded)
}

fn rate(command: &mut Command, recorded: &Recorded) -> Option<f64> {
    let files = ["jwks.json", "entra.jwt"].map(|file| recorded.folder.join(file));
    command.current_dir(TARGET).arg(SECONDS.to_string()).args(files).args([&recorded.issuer, AUDIENCE]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

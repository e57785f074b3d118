//! What several tests share: the fixtures, the binary, a server, and encoders that are not the crate's own.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]
#![allow(clippy::cast_possible_truncation, clippy::format_collect, reason = "short inputs")]

pub mod arm;
pub mod assertion;
pub mod azurite;
pub mod cli;
pub mod cloud;
pub mod encode;
pub mod entra;
pub mod front;
pub mod github;
pub mod hostile;
pub mod http;
pub mod imds;
pub mod issuer;
pub mod message;
pub mod other_user;
pub mod proxy;
pub mod pty;
pub mod signer;
pub mod stand_in;
pub mod storage;
pub mod tls;

use std::path::{Path, PathBuf};

/// A recorded run of a kube-apiserver.
pub struct Recording {
    pub name: &'static str,
    pub issuer: String,
    dir: PathBuf,
}

pub const RUNS: [&str; 5] = ["mixed-keys", "no-trailing-slash", "path-issuer", "rotation", "trailing-slash"];

/// Every recorded run.
pub fn recordings() -> Vec<Recording> {
    RUNS.map(recording).into()
}

/// One recorded run.
pub fn recording(name: &'static str) -> Recording {
    let dir = fixtures().join("kubernetes").join(name);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("recording.json")).unwrap()).unwrap();
    Recording { name, issuer: json["issuer"].as_str().unwrap().to_owned(), dir }
}

impl Recording {
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    pub fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).unwrap()
    }

    /// The path of the issuer URL, without slashes at its ends.
    pub fn issuer_path(&self) -> &str {
        self.issuer.splitn(4, '/').nth(3).unwrap_or_default().trim_end_matches('/')
    }
}

pub fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

/// The JSON in a segment of a token, read without the crate.
pub fn segment(token: &str, index: usize) -> serde_json::Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

//! The etcd that all API servers of a test process share. It listens on a Unix socket in its folder, so it needs no port.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use super::clients;

/// Starts etcd in the folder `$2`. Stops it and removes the folder when standard input ends, which also happens when the
/// test process is killed. `$1` is the folder of the programs.
const RUN_UNTIL_END_OF_STDIN: &str = r#"
    trap 'rm -rf "$2"' EXIT
    "$1/etcd" --data-dir data --unsafe-no-fsync --listen-client-urls unix://client.sock:1 \
        --advertise-client-urls unix://client.sock:1 --listen-peer-urls unix://peer.sock:1 \
        --initial-advertise-peer-urls unix://peer.sock:1 --initial-cluster default=unix://peer.sock:1 \
        </dev/null >log 2>&1 &
    cat >/dev/null
    kill $!
    wait
"#;

/// The address for an API server whose working directory is the folder.
pub(crate) const ADDRESS: &str = "unix://client.sock:1";

/// A server that ends when this process ends.
pub(crate) struct Etcd {
    folder: std::path::PathBuf,
    _child: Child,
}

impl Etcd {
    /// The server of this process. `None`: the programs are missing, and the test is skipped.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Etcd>> = OnceLock::new();
        SHARED.get_or_init(|| clients::kube_apiserver().map(Self::start)).as_ref()
    }

    fn start(programs: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("etcd-").tempdir().unwrap().keep();
        let mut shell = Command::new("sh");
        shell.args(["-euc", RUN_UNTIL_END_OF_STDIN, "sh"]).args([programs, &folder]);
        let child = shell.current_dir(&folder).stdin(Stdio::piped()).spawn().unwrap();
        Self { folder, _child: child }
    }

    /// The folder with the socket.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

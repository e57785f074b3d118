use std::{
    fs::{self, File},
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use futures_util::future::try_join;
use issuer::{
    FileError, KeyReader, KeySet,
    kubernetes::{Cluster, ClusterOptions},
};
use tracing::info_span;

use super::{
    Failure, Output,
    api_server::ApiServer,
    cluster_args::{CLUSTER, ClusterArgs, namespaced},
    runtime,
};

const STDIN: &str = "standard input";

/// The flags that name the public keys of an API server: files, a Secret, or the API server itself.
#[derive(Debug, Args)]
pub(super) struct KeyInputs {
    /// Read public keys from these files; - means standard input
    ///
    /// PEM, DER, SSH public keys, JWK, JWKS, Key Vault keys, Kubernetes Secrets and ConfigMaps, kops keysets and Talos
    /// secrets are accepted. Of a private key only the public part is used.
    #[arg(value_name = "KEYS", required_unless_present_any = ["from_cluster", "secret"])]
    keys: Vec<PathBuf>,
    /// Read only this entry of a Secret or ConfigMap (repeatable)
    #[arg(long, value_name = "NAME")]
    entry: Vec<String>,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    /// Read the service account keys of this Secret
    ///
    /// Cluster API keeps them in CLUSTER-sa of the management cluster.
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "from_cluster", help_heading = CLUSTER)]
    secret: Option<String>,
}

/// The keys of all inputs, and the API server that some came from.
pub(super) struct KeysRead {
    pub(super) keys: KeySet,
    /// `None` without `--from-cluster`.
    pub(super) api_server: Option<ApiServer>,
}

/// What is read from an API server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Keys,
    /// The keys and the issuer.
    Issuer,
    /// Both, and the UID of the cluster.
    Uid,
}

impl KeyInputs {
    /// Reads all inputs, and prints notes about what was skipped.
    pub(super) fn read(&self, output: &mut Output) -> Result<KeySet, Failure> {
        Ok(self.read_all(Reads::Keys, output)?.keys)
    }

    /// The same with the issuer of the API server, and with the UID of the cluster.
    pub(super) fn read_with_issuer(&self, with_uid: bool, output: &mut Output) -> Result<KeysRead, Failure> {
        self.read_all(if with_uid { Reads::Uid } else { Reads::Issuer }, output)
    }

    fn read_all(&self, reads: Reads, output: &mut Output) -> Result<KeysRead, Failure> {
        if self.keys.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(stdin_twice());
        }
        let options = self.cluster.options(self.is_of_cluster(), "--from-cluster or --secret")?;
        let mut reader = KeyReader::default().only_entries(self.entry.iter().cloned());
        let mut api_server = None;
        if let Some(options) = options {
            self.cluster.warn(output);
            let fetch = self.fetch(&options, reads);
            let (name, bytes, found) = runtime::block_on(output.steps().without_warnings(fetch))??;
            reader.read(&name, &bytes)?;
            api_server = found;
        }
        for path in &self.keys {
            if is_stdin(path) {
                output.waits_for_stdin();
            }
            let bytes = read(path, KeyReader::INPUT_MAX)?;
            reader.read(&name(path), &bytes)?;
        }
        let (keys, notes) = reader.finish()?;
        notes.iter().for_each(|note| output.note(note));
        Ok(KeysRead { keys, api_server })
    }

    /// The keys of the cluster as an input with its name, and the issuer of the API server.
    async fn fetch(
        &self,
        options: &ClusterOptions,
        reads: Reads,
    ) -> Result<(String, Vec<u8>, Option<ApiServer>), Failure> {
        let secret = self.secret.as_deref().map(|secret| namespaced("--secret", secret)).transpose()?;
        let cluster = Cluster::connect(options).await?;
        if let Some((namespace, name)) = secret {
            let bytes = cluster.secret(&namespace, &name).await?;
            return Ok((format!("Secret {namespace}/{name}"), bytes, None));
        }
        let name = format!("the JWKS of {}", cluster.url());
        if reads == Reads::Keys {
            return Ok((name, cluster.jwks().await?, None));
        }
        let (api_server, bytes) = try_join(ApiServer::read(&cluster, reads == Reads::Uid), cluster.jwks()).await?;
        Ok((name, bytes, Some(api_server)))
    }

    fn is_of_cluster(&self) -> bool {
        self.cluster.from_cluster || self.secret.is_some()
    }

    /// Whether a path leads to one of the input files.
    pub(super) fn holds(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| {
            path.is_file() && self.keys.iter().any(|key| fs::canonicalize(key).is_ok_and(|key| key == path))
        })
    }
}

/// Whether an input is `-`.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The error for `-` given twice.
pub(super) fn stdin_twice() -> Failure {
    Failure::usage("standard input is given twice, but can be read only once", "pass - once, and files for the rest")
}

/// The name of an input in messages.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
}

/// Rejects a token that was given in place of its file. The error does not contain it, because errors are logged.
pub(super) fn no_token(path: &Path) -> Result<(), Failure> {
    if path.to_str().is_some_and(|text| text.contains("eyJ") && text.matches('.').count() >= 2) && !path.exists() {
        let hint = "pass the file that contains the token, or - to read it from standard input";
        return Err(Failure::usage("an argument is a token; expected a file", hint));
    }
    Ok(())
}

/// Reads a file, or standard input for `-`; of a longer one, one byte more than the limit.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    read_as(None, path, limit)
}

/// Reads a file as [`read`] does, and calls it so in errors.
pub(super) fn read_as(shown: Option<&str>, path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    if shown.is_none() {
        no_token(path)?;
    }
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let called = shown.map_or_else(|| name(path), str::to_owned);
    let result = if is_stdin(path) {
        let mut read = || io::stdin().take(limit).read_to_end(&mut bytes);
        // Nothing is drawn over what somebody types.
        if io::stdin().is_terminal() { read() } else { info_span!("read", file = called).in_scope(read) }
    } else {
        let read = || File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        info_span!("read", file = called).in_scope(read)
    };
    match result {
        Ok(_) => Ok(bytes),
        Err(source) => Err(FileError::Read { path: called.into(), source }.into()),
    }
}

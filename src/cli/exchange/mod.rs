//! Exchanges the projected token for an access token: once, or again and again as a sidecar.

mod answer;
mod check;
mod cluster_tokens;
mod format;
mod health;
mod left_token;
mod ready_file;
mod server;
mod watch;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) use answer::Answer;
use answer::sentence;
use check::{CheckedTokens, Refusal};
use clap::Args;
use cluster_tokens::ClusterTokens;
use format::{Rendering, TokenFormat, exec_credential_version};
use health::Health;
use issuer::{
    AccessToken, AssertionFile, PasswordFile, Resource, RetryPolicy, Scope, SecretFile, WorkloadIdentity,
    kubernetes::TokenRequest,
};
use ready_file::ReadyFile;
use watch::Watcher;

use super::{
    Exit, Failure, Output,
    clean::printable,
    cluster_args::{CLUSTER, ClusterArgs},
    identity_args::IdentityArgs,
    listen::Listen,
    runtime, scope_args,
    values::{self, given, variable_name},
    verify::trust::Trust,
};

/// The mode of the file without `--mode`. libpq ignores a password file that more than its owner can read.
const MODE: u32 = 0o600;
/// The bits of a mode that let others than the owner use the file.
const OTHERS: u32 = 0o077;
/// The bit that lets the owner read the file, which is needed to recognise a password file.
const OWNER_READS: u32 = 0o400;
/// The variable of `--format env`.
const VARIABLE: &str = "AZURE_ACCESS_TOKEN";

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Exchange the projected token for an access token";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Exchange the projected token of this pod for an access token of Microsoft Entra ID.

The token is printed, or written to the file of --out, which is replaced atomically. Only a regular file of this user is \
replaced. -v shows the audience, the lifetime and the identity of the token, never the token.

If Entra refuses the token the exit code is 1, and if there is no answer it is 3. A scope that Entra cannot grant is a usage \
error, and no request is sent.

With --watch the command keeps running and refreshes the token at the time that Entra names, else after two thirds of its \
lifetime. After a failure the file keeps the last token, and the next attempt follows after 1 s, doubling up to 60 s or a third \
of the lifetime. The file is removed when its token expires, and written again after the next success. SIGHUP refreshes the \
token now. SIGTERM and SIGINT end the command with exit code 0, and the file keeps the last token.",
    after_help = "Examples:
  issuer exchange --resource keyvault
  issuer exchange --resource keyvault --format header | curl -H @- URL
  issuer exchange --scope https://vault.azure.net/.default -o json
  issuer exchange --resource aks --format exec-credential
  issuer exchange --resource postgres --format pgpass --watch \\
    --out /azure/pgpass
  issuer exchange --resource keyvault --from-cluster \\
    --service-account shop/orders --client-id ID --tenant ID"
)]
pub(crate) struct Exchange {
    /// Request a token for this scope, such as https://vault.azure.net/.default
    #[arg(long, value_name = "SCOPE", conflicts_with = "resource")]
    scope: Option<String>,
    /// Request a token for this resource of the cloud
    ///
    /// One of postgres, mysql, keyvault, storage, arm, graph, servicebus and aks.
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Select the format of the token [default: token]
    ///
    /// With -o json it needs --out, because the JSON value contains the token itself.
    #[arg(long, value_name = "FORMAT")]
    format: Option<TokenFormat>,
    /// Set the name of the variable of --format env [default: AZURE_ACCESS_TOKEN]
    ///
    /// The line NAME=TOKEN suits `set -a; . FILE`, and environment files of systemd and containers.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Use host, port, database and user of this connection for --format pgpass
    ///
    /// A URI or key=value pairs. Without it, the values are those of PGHOST, PGPORT, PGDATABASE and PGUSER. A value that
    /// is not given matches any.
    #[arg(long, value_name = "STRING")]
    connection: Option<String>,
    /// Write the token to this file, and replace it atomically
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Set the permissions of the file, in octal, at each write [default: 0600]
    #[arg(long, value_name = "MODE", requires = "out")]
    mode: Option<String>,
    /// Verify the projected token before it is sent, as issuer verify does
    #[arg(long)]
    check: bool,
    /// Verify with the documents of this issuer [default: that of the token]
    ///
    /// Without it, only documents on public hosts are fetched.
    #[arg(long, value_name = "URL", requires = "check")]
    issuer: Option<String>,
    /// Verify with the documents at this URL or in this directory
    #[arg(long, value_name = "URL|DIR", requires = "check")]
    published: Option<String>,
    /// Keep a fresh token in the file until a signal ends the command
    #[arg(long, requires = "out")]
    watch: bool,
    /// Create this file while the token in the file of --out is valid
    ///
    /// For probes that check whether a file exists. It contains the time when the token expires, and its mode is 0644. It is
    /// removed when the token expires and when the command ends.
    #[arg(long, value_name = "FILE", requires = "watch")]
    ready_file: Option<PathBuf>,
    /// Serve /healthz, /readyz and /metrics at this address and port
    ///
    /// 8080 means port 8080 of 127.0.0.1, :8080 means port 8080 of every address, which the probes of a kubelet need,
    /// and port 0 means any free port.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "watch")]
    listen: Option<String>,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Request the projected token of this service account from the API server
    ///
    /// Without --from-cluster the projected token comes from a file.
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "from_cluster", help_heading = CLUSTER)]
    service_account: Option<String>,
    /// Set the audience of the requested token [default: that of the cloud]
    #[arg(long, value_name = "AUDIENCE", requires = "from_cluster", help_heading = CLUSTER)]
    audience: Option<String>,
}

impl Exchange {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let scope = self.scope()?;
        let rendering = self.rendering(output)?;
        let file = self.file(output)?;
        let listen = self.listen.as_deref().map(|text| Listen::parse("--listen", text)).transpose()?;
        self.cluster.warn(output);
        let refusal = Refusal::default();
        let identity = self.identity(RetryPolicy::default(), &refusal)?;
        let Some(file) = file.clone().filter(|_| self.watch) else {
            let exchanged = runtime::block_on(output.steps().without_warnings(identity.refresh(&scope)))?;
            let token = exchanged.map_err(|error| refusal.failure(error))?;
            return self.finish(&token, &rendering, file.as_ref(), output);
        };
        let watcher = Watcher {
            first: identity,
            others: self.identity(RetryPolicy::never(), &refusal)?,
            scope,
            rendering,
            health: Health::new(file.path().to_owned()),
            ready: self.ready_file(&file)?,
            file,
            refusal,
            format: self.format().name(),
            listen,
            output,
        };
        runtime::block_on(watcher.run())??;
        Ok(Exit::Yes)
    }

    /// Prints or writes the token of one exchange.
    fn finish(
        &self,
        token: &AccessToken,
        rendering: &Rendering,
        file: Option<&SecretFile>,
        output: &mut Output,
    ) -> Result<Exit, Failure> {
        if output.is_verbose() {
            output.note(sentence(token));
        }
        match file {
            Some(file) => {
                file.write(rendering.of(token).as_bytes())?;
                let path = printable(&file.path().display().to_string());
                output.note(format!("wrote {path}"));
                if output.is_json() {
                    output.json(&Answer::of_file(token, path, self.format().name()));
                }
            }
            None if output.is_json() => output.json_whole(&Answer::whole(token)),
            None => output.write(rendering.of(token).as_bytes()),
        }
        Ok(Exit::Yes)
    }

    fn format(&self) -> TokenFormat {
        self.format.unwrap_or(TokenFormat::Token)
    }

    fn scope(&self) -> Result<Scope, Failure> {
        let cloud = self.identity.cloud()?;
        match (&self.scope, &self.resource) {
            (Some(text), _) => {
                let scope = scope_args::scope(text)?;
                let owners: Vec<_> = Resource::of_scope(&scope).collect();
                self.check_format(owners.is_empty() || owners.contains(&Resource::Postgres))?;
                Ok(scope)
            }
            (None, Some(name)) => {
                let resource = scope_args::resource(name)?;
                self.check_format(resource == Resource::Postgres)?;
                Ok(resource.scope(cloud))
            }
            (None, None) => {
                let hint = "pass --resource NAME, such as --resource postgres, or --scope SCOPE";
                Err(Failure::usage("no resource is given", hint))
            }
        }
    }

    fn check_format(&self, may_be_of_postgres: bool) -> Result<(), Failure> {
        if self.format() == TokenFormat::Pgpass && !may_be_of_postgres {
            let hint = "pass --resource postgres, or another --format";
            return Err(Failure::usage("--format pgpass is a password file of PostgreSQL", hint));
        }
        Ok(())
    }

    /// The format with its values. Flags of another format are usage errors.
    fn rendering(&self, output: &mut Output) -> Result<Rendering, Failure> {
        let format = self.format();
        if output.is_json() && self.format.is_some() && self.out.is_none() {
            let hint = "leave out --format, or pass --out FILE";
            return Err(Failure::usage("-o json prints the token in a format of its own", hint));
        }
        let of_others = [
            ("--env", self.env.is_some(), TokenFormat::Env),
            ("--connection", self.connection.is_some(), TokenFormat::Pgpass),
        ];
        if let Some((flag, _, owner)) = of_others.into_iter().find(|(_, given, owner)| *given && *owner != format) {
            let message = format!("{flag} is not used by --format {}", format.name());
            return Err(Failure::usage(message, format!("leave out {flag}, or pass --format {}", owner.name())));
        }
        Ok(match format {
            TokenFormat::Token => Rendering::Token,
            TokenFormat::Header => Rendering::Header,
            TokenFormat::ExecCredential => Rendering::ExecCredential(exec_credential_version()?),
            TokenFormat::Env => {
                let name = self.env.as_deref().unwrap_or(VARIABLE);
                variable_name(name)?;
                Rendering::Env(name.to_owned())
            }
            TokenFormat::Pgpass => Rendering::Pgpass(self.password_file(output)?),
        })
    }

    fn password_file(&self, output: &mut Output) -> Result<PasswordFile, Failure> {
        let file = match &self.connection {
            Some(text) => {
                let connection = scope_args::connection(text)?;
                scope_args::warn_about(&connection, output);
                PasswordFile::of(&connection)?
            }
            None => scope_args::password_file_of_variables()?,
        };
        if file.is_of_every_server() {
            output.warning(
                "the password file names no host, so libpq sends the token to every server that it connects to; set PGHOST or pass --connection",
            );
        }
        Ok(file)
    }

    /// The file that gets the token, which must be one that this command may replace.
    fn file(&self, output: &mut Output) -> Result<Option<SecretFile>, Failure> {
        let Some(path) = &self.out else { return Ok(None) };
        let mode = self.mode.as_deref().map(parsed_mode).transpose()?.unwrap_or(MODE);
        let is_password_file = self.format() == TokenFormat::Pgpass;
        let is_of_libpq = path.file_name().is_some_and(|name| name == ".pgpass");
        if is_of_libpq && !is_password_file {
            return Err(Failure::usage("--out is a password file of libpq", "pass --format pgpass, or another path"));
        }
        let file = if is_password_file { SecretFile::password_file(path) } else { SecretFile::new(path) };
        let file = file.mode(mode);
        if self.identity.token_file().is_some_and(|projected| is_same(path, &projected)) {
            let hint = "pass another path to --out";
            return Err(Failure::usage("--out is the file with the projected token", hint));
        }
        file.check()?;
        if is_password_file && mode & OTHERS != 0 {
            output.warning(format!(
                "libpq ignores a password file with the mode {mode:04o}; leave out --mode, and run both programs as the same user"
            ));
        }
        Ok(Some(file))
    }

    fn ready_file(&self, file: &SecretFile) -> Result<ReadyFile, Failure> {
        let hint = "pass another path to --ready-file";
        if self.ready_file.as_deref().is_some_and(|ready| is_same(ready, file.path())) {
            return Err(Failure::usage("--out and --ready-file are the same file", hint));
        }
        let projected = self.identity.token_file();
        if self.ready_file.as_deref().zip(projected).is_some_and(|(ready, projected)| is_same(ready, &projected)) {
            return Err(Failure::usage("--ready-file is the file with the projected token", hint));
        }
        Ok(ReadyFile::new(self.ready_file.clone()))
    }

    /// The identity, which verifies each projected token with `--check`.
    fn identity(&self, retry: RetryPolicy, refusal: &Refusal) -> Result<WorkloadIdentity, Failure> {
        let builder = self.identity.builder()?.retry(retry);
        let trusted = if self.check {
            let IdentityArgs { ca_file, timeout, .. } = &self.identity;
            let (issuer, published) = (self.issuer.clone(), self.published.clone());
            Some(Trust::of(issuer, published, ca_file.clone(), timeout.clone()).check()?)
        } else {
            None
        };
        let refusal = refusal.clone();
        let builder = if let Some(options) = self.cluster.chosen()? {
            let tokens = ClusterTokens::new(options, self.token_request()?, refusal.clone());
            match trusted {
                Some(trusted) => builder.assertion_source(CheckedTokens::new(tokens, trusted, refusal)),
                None => builder.assertion_source(tokens),
            }
        } else if let (Some(path), Some(trusted)) = (self.identity.token_file(), trusted) {
            builder.assertion_source(CheckedTokens::new(AssertionFile::new(path), trusted, refusal))
        } else {
            builder
        };
        Ok(builder.build()?)
    }
}

impl Exchange {
    /// The request for the token of a service account.
    fn token_request(&self) -> Result<TokenRequest, Failure> {
        let Some(text) = &self.service_account else {
            let hint = "pass --service-account NAMESPACE/NAME";
            return Err(Failure::usage("--from-cluster needs a service account", hint));
        };
        if self.identity.has_token_file() {
            let hint = "leave out --token-file or --from-cluster";
            return Err(Failure::usage("--token-file is not used with --from-cluster", hint));
        }
        let account = values::service_account("--service-account", text)?;
        let of_cloud = self.identity.cloud()?.token_exchange_audience();
        let audience = self.audience.as_deref().unwrap_or(of_cloud);
        Ok(TokenRequest::new(account).audience(audience))
    }
}

/// Whether two paths lead to one file, which may not exist yet.
fn is_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(path).ok().or_else(|| Some(fs::canonicalize(parent).ok()?.join(path.file_name()?)))
    };
    one == other || resolved(one).is_some_and(|one| resolved(other) == Some(one))
}

/// The permission bits of `--mode`.
fn parsed_mode(text: &str) -> Result<u32, Failure> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let is_octal = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let hint = "pass three octal digits, such as 600 or 640";
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| is_octal && *mode <= 0o777);
    let mode = mode.ok_or_else(|| Failure::usage(format!("--mode {} is not an octal mode", given(text)), hint))?;
    if mode & OWNER_READS == 0 {
        return Err(Failure::usage(format!("--mode {} does not let the owner read the file", given(text)), hint));
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_is_octal_and_lets_the_owner_read() {
        for (text, expected) in [("0600", 0o600), ("600", 0o600), ("0o640", 0o640), ("0444", 0o444), ("400", 0o400)] {
            assert_eq!(parsed_mode(text).unwrap(), expected, "{text}");
        }
        for text in ["", "0", "0200", "4600", "01600", "u=rw", "-600", "+600", "0x180", "0o", "88"] {
            assert_eq!(parsed_mode(text).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}

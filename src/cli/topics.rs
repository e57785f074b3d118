//! The environment variables and exit codes, for help topics and manual pages.

use std::fmt::Write;

use super::output::Exit;

/// The commands that access a site.
const SITE: &[&str] = &["publish", "status", "unpublish"];
/// The commands that read from a cluster.
const CLUSTER: &[&str] = &["discovery", "doctor", "exchange", "federate", "jwks", "publish", "status", "verify"];
/// The commands that send requests over the network.
const NETWORK: &[&str] =
    &["discovery", "doctor", "exchange", "exec", "federate", "jwks", "publish", "status", "unpublish", "verify"];
/// The commands that exchange a token.
const TOKEN: &[&str] = &["exchange", "exec"];
/// The commands that sign in to Azure.
const AZURE: &[&str] = &["doctor", "federate", "publish", "status", "unpublish", "verify"];
/// The commands that sign in to Azure, and those that read the variables of a pod.
const AZURE_AND_POD: &[&str] = &["doctor", "exchange", "exec", "federate", "publish", "status", "unpublish", "verify"];

/// An environment variable.
pub(super) struct Variable {
    pub(super) name: &'static str,
    /// Its effect, one line.
    pub(super) effect: &'static str,
    /// The commands that read it; empty for all commands.
    commands: &'static [&'static str],
    /// Whether a dependency reads it, so that its name is not in these sources.
    #[cfg_attr(not(test), expect(dead_code, reason = "compared with the sources by a test"))]
    is_of_dependency: bool,
}

const fn variable(name: &'static str, commands: &'static [&'static str], effect: &'static str) -> Variable {
    Variable { name, effect, commands, is_of_dependency: false }
}

/// A variable that a dependency reads.
const fn foreign(name: &'static str, commands: &'static [&'static str], effect: &'static str) -> Variable {
    Variable { name, effect, commands, is_of_dependency: true }
}

/// Every environment variable that changes what `issuer` does.
const VARIABLES: &[Variable] = &[
    variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", AZURE, "Bearer token for the OIDC endpoint of a GitHub Actions job"),
    variable("ACTIONS_ID_TOKEN_REQUEST_URL", AZURE, "OIDC endpoint of a GitHub Actions job, a credential"),
    foreign("ALL_PROXY", NETWORK, "Proxy for requests, if HTTPS_PROXY is not set"),
    variable("AZURE_AUTHORITY_HOST", AZURE_AND_POD, "Microsoft Entra ID endpoint, instead of that of --cloud"),
    variable("AZURE_CLIENT_CERTIFICATE_PATH", AZURE, "File with the certificate of a service principal"),
    variable("AZURE_CLIENT_ID", AZURE_AND_POD, "Client ID of the service principal or managed identity"),
    variable("AZURE_CLIENT_SECRET", AZURE, "Client secret of a service principal"),
    variable(
        "AZURE_FEDERATED_TOKEN_FILE",
        &["doctor", "exchange", "exec", "federate", "inspect", "publish", "status", "unpublish", "verify"],
        "File with a service account token: credential, default of inspect and verify",
    ),
    variable("AZURE_KUBERNETES_TOKEN_PROXY", &["doctor"], "Present in a pod with an identity binding of AKS"),
    variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", AZURE, "Endpoint of the instance metadata service"),
    variable("AZURE_STORAGE_ACCOUNT", SITE, "Default of --account"),
    variable("AZURE_STORAGE_AUTH_MODE", SITE, "With the value login, use no connection string, SAS or account key"),
    variable("AZURE_STORAGE_CONNECTION_STRING", SITE, "Connection string of the storage account"),
    variable("AZURE_STORAGE_KEY", SITE, "Account key of the storage account"),
    variable("AZURE_STORAGE_SAS_TOKEN", SITE, "Shared access signature for the storage account"),
    variable("AZURE_STORAGE_SERVICE_ENDPOINT", SITE, "Default of --endpoint"),
    variable("AZURE_TENANT_ID", AZURE_AND_POD, "Tenant to sign in to"),
    variable("AZURE_TOKEN_CREDENTIALS", AZURE, "Credential, or group of credentials, to try: dev, prod or a name"),
    foreign("CLICOLOR", &[], "With the value 0, use no colours"),
    foreign("CLICOLOR_FORCE", &[], "Use colours also in files and pipes"),
    variable("COLUMNS", &[], "Line width of files and pipes; default width of a terminal"),
    variable("GITHUB_ACTIONS", AZURE, "Present in a GitHub Actions job, whose OIDC token is a credential"),
    variable("HOSTNAME", &["doctor"], "Name of the pod, which is compared with that of its token"),
    variable("HOME", CLUSTER, "Directory with the default kubeconfig, .kube/config"),
    variable("HTTPS_PROXY", NETWORK, "Proxy for HTTPS requests"),
    variable("IDENTITY_ENDPOINT", AZURE, "Managed identity endpoint of App Service or Azure Arc"),
    variable("IDENTITY_HEADER", AZURE, "Secret for IDENTITY_ENDPOINT in App Service"),
    variable("IDENTITY_SERVER_THUMBPRINT", AZURE, "Certificate thumbprint of IDENTITY_ENDPOINT in Service Fabric"),
    variable("IMDS_ENDPOINT", AZURE, "Present on an Azure Arc machine, together with IDENTITY_ENDPOINT"),
    variable("KUBECONFIG", CLUSTER, "Files of the kubeconfig, separated by colons"),
    variable("KUBERNETES_EXEC_INFO", &["exchange"], "Request of kubectl for an ExecCredential, as JSON"),
    variable(
        "KUBERNETES_SERVICE_HOST",
        CLUSTER,
        "Present in a pod, whose service account is used without a kubeconfig",
    ),
    variable("MSI_ENDPOINT", AZURE, "Managed identity endpoint of Azure Machine Learning or Cloud Shell"),
    variable("MSI_SECRET", AZURE, "Secret for MSI_ENDPOINT"),
    foreign("NO_COLOR", &[], "Use no colours if it has any value"),
    foreign("NO_PROXY", NETWORK, "Hosts that are reached without a proxy"),
    foreign("PATH", AZURE, "Directories that are searched for az and azd"),
    variable("PGDATABASE", TOKEN, "Database in a password file"),
    variable("PGHOST", TOKEN, "Host in a password file"),
    variable("PGHOSTADDR", TOKEN, "Host in a password file, if PGHOST is not set"),
    variable("PGPORT", TOKEN, "Port in a password file"),
    variable("PGSSLMODE", TOKEN, "sslmode of a connection string that has none"),
    variable("PGUSER", TOKEN, "User in a password file"),
    foreign("SSL_CERT_DIR", NETWORK, "Directories with trusted certificates, instead of the system's"),
    foreign("SSL_CERT_FILE", NETWORK, "File with trusted certificates, instead of the system's"),
    foreign("TERM", &[], "With the value dumb, use no colours"),
];

/// Every exit code with its meaning.
pub(super) const EXIT_CODES: [(Exit, &str); 4] = [
    (Exit::Yes, "Success, or the answer is yes"),
    (Exit::No, "The answer is no: refused token, refused change, drift or mismatch"),
    (Exit::Usage, "The command line or an environment variable is not valid"),
    (Exit::Incomplete, "The command did not complete: unreadable input, no permission, no response"),
];

/// A page of `issuer help` that is not about one command.
#[derive(Clone, Copy)]
pub(super) enum Topic {
    Environment,
    ExitCodes,
}

impl Topic {
    const ALL: [Self; 2] = [Self::Environment, Self::ExitCodes];

    fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::ExitCodes => "exit-codes",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Environment => "Show the environment variables and their effects",
            Self::ExitCodes => "Show the exit codes and their meanings",
        }
    }

    fn text(self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Environment => {
                let _ = writeln!(text, "Environment variables\n");
                variables(None).try_for_each(|variable| writeln!(text, "{}\n    {}", variable.name, variable.effect))
            }
            Self::ExitCodes => {
                let _ = writeln!(text, "Exit codes\n");
                EXIT_CODES.iter().try_for_each(|(code, meaning)| writeln!(text, "  {}  {meaning}", *code as u8))
            }
        };
        text
    }

    /// Adds the topics as hidden commands, which `issuer help` finds.
    pub(super) fn add_to(command: clap::Command) -> clap::Command {
        let page = |topic: Self| {
            let page = clap::Command::new(topic.name()).about(topic.about()).hide(true).arg_required_else_help(true);
            match topic {
                Self::Environment => page.defer(|page| page.override_help(Self::Environment.text())),
                Self::ExitCodes => page.defer(|page| page.override_help(Self::ExitCodes.text())),
            }
        };
        command.subcommands(Self::ALL.map(page))
    }
}

/// The variables that a command reads, or all of them.
pub(super) fn variables(command: Option<&str>) -> impl Iterator<Item = &'static Variable> {
    let reads = move |variable: &&Variable| {
        variable.commands.is_empty() || command.is_none_or(|command| variable.commands.contains(&command))
    };
    VARIABLES.iter().filter(reads)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use issuer::Environment;

    use super::*;

    /// The names of environment variables in the string literals of a file, without its tests.
    fn names_in(path: &Path, names: &mut BTreeSet<String>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| names_in(&entry.unwrap().path(), names));
            return;
        }
        let is_test = ["schemas.rs", "topics.rs", "wycheproof.rs"].iter().any(|name| path.ends_with(name))
            || path.to_str().is_some_and(|path| path.ends_with("_tests.rs"));
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let is_name = |word: &str| {
            let of_two = word.contains('_') && word.split('_').all(|part| !part.is_empty());
            (of_two || word.starts_with("PG") || ["COLUMNS", "HOME", "HOSTNAME", "KUBECONFIG"].contains(&word))
                && word.starts_with(|first: char| first.is_ascii_uppercase())
                && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let pieces: Vec<_> = text.split('"').collect();
        let found = pieces.windows(2).filter(|pair| !is_test && is_name(pair[1]) && !pair[0].ends_with("env!("));
        names.extend(found.map(|pair| pair[1].to_owned()));
    }

    /// The names that the commands set for other programs.
    const SET: [&str; 2] = ["AZURE_ACCESS_TOKEN", "PGPASSFILE"];
    /// A value of Azure with the form of a variable.
    const NO_NAME: &str = "TLS1_2";

    #[test]
    fn variables_are_those_that_the_sources_read() {
        let mut read: BTreeSet<String> = Environment::NAMES.iter().map(|name| (*name).to_owned()).collect();
        names_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut read);
        SET.into_iter().chain([NO_NAME]).for_each(|name| assert!(read.remove(name), "{name}"));
        let (listed, foreign): (Vec<_>, Vec<_>) = VARIABLES.iter().partition(|variable| !variable.is_of_dependency);
        // The proxy variables are read by hyper-util, and named here in errors.
        let foreign: BTreeSet<_> = foreign.iter().map(|variable| variable.name.to_owned()).collect();
        let listed: BTreeSet<_> = listed.iter().map(|variable| variable.name.to_owned()).collect();
        assert_eq!(read.difference(&foreign).cloned().collect::<BTreeSet<_>>(), listed);
    }

    #[test]
    fn topics_fit_in_eighty_columns() {
        for topic in Topic::ALL {
            for line in topic.text().lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}

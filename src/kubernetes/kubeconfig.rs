use std::{
    collections::HashSet,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
};

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{
    cluster_error::{ClusterError, NoKubeconfig},
    cluster_options::ClusterOptions,
    kubeconfig_files::{check_files, read_token},
    login::Login,
    proxy,
    server::Server,
};
use crate::{file_error::shown, issuer_url::is_loopback_http, redact::without_password};

/// Where the pod of a cluster finds its API server.
const HOST: &str = "KUBERNETES_SERVICE_HOST";
/// The configuration of a pod in messages.
const POD: &str = "the service account of this pod";
/// The longest kubeconfig that is read, in bytes.
const KUBECONFIG_MAX: u64 = 16 << 20;

/// Finds the configuration of a cluster as kubectl does: `--kubeconfig`, `KUBECONFIG`, `~/.kube/config`, the pod.
pub(super) async fn load(options: &ClusterOptions) -> Result<(Config, Server), ClusterError> {
    let found = match &options.kubeconfig {
        Some(path) => Some((read(path)?, shown(path))),
        None => of_environment()?,
    };
    let Some((kubeconfig, from)) = found else {
        if let Some(context) = &options.context {
            return Err(ClusterError::NoKubeconfig(NoKubeconfig::OfContext(context.clone())));
        }
        return in_cluster(options);
    };
    let (mut config, server) = of_kubeconfig(kubeconfig, &from, options).await?;
    let is_verified = is_secure(&config) && !config.accept_invalid_certs;
    if !is_verified && !options.is_insecure {
        return Err(ClusterError::NotVerified { server: server.url, from });
    }
    config.accept_invalid_certs = options.is_insecure;
    Ok((config, server))
}

/// Whether the connection is encrypted, or does not leave this machine, as that of `kubectl proxy`. A proxy for an
/// unencrypted connection reads it and can answer for the server.
fn is_secure(config: &Config) -> bool {
    let is_local = || is_loopback_http(&config.cluster_url.to_string()) && config.proxy_url.is_none();
    config.cluster_url.scheme_str() != Some("http") || is_local()
}

/// The kubeconfig of `KUBECONFIG` or the home directory, with its name in messages.
fn of_environment() -> Result<Option<(Kubeconfig, String)>, ClusterError> {
    let Some(variable) = env::var_os("KUBECONFIG").filter(|value| !value.is_empty()) else {
        let home = env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let Some(path) = home.map(|home| home.join(".kube/config")).filter(|path| path.exists()) else {
            return Ok(None);
        };
        return Ok(Some((read(&path)?, shown(&path))));
    };
    let listed: Vec<_> = env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty()).collect();
    // client-go ignores files that do not exist.
    let present: Vec<_> = listed.iter().filter(|path| path.exists()).collect();
    let names =
        |paths: &mut dyn Iterator<Item = &PathBuf>| paths.map(|path| shown(path)).collect::<Vec<_>>().join(" and ");
    if present.is_empty() {
        let missing = if listed.is_empty() { shown(Path::new(&variable)) } else { names(&mut listed.iter()) };
        return Err(ClusterError::NoKubeconfig(NoKubeconfig::Missing(missing)));
    }
    let mut merged = Kubeconfig::default();
    for path in &present {
        merged = merged.merge(read(path)?).map_err(|error| unreadable(&shown(path), &error))?;
    }
    Ok(Some((merged, names(&mut present.into_iter()))))
}

/// Reads a kubeconfig. A pipe, such as that of a process substitution, and a device have no length before they are read.
fn read(path: &Path) -> Result<Kubeconfig, ClusterError> {
    let refuse = |because: String| ClusterError::Kubeconfig { from: shown(path), because };
    let too_long = || refuse(format!("it is longer than {KUBECONFIG_MAX} bytes"));
    let found = fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    let read = if found.is_file() {
        if found.len() > KUBECONFIG_MAX {
            return Err(too_long());
        }
        Kubeconfig::read_from(path)
    } else {
        let mut text = String::new();
        let file = fs::File::open(path).map_err(|error| refuse(error.to_string()))?;
        let length = file.take(KUBECONFIG_MAX + 1).read_to_string(&mut text);
        if length.map_err(|error| refuse(error.to_string()))? as u64 > KUBECONFIG_MAX {
            return Err(too_long());
        }
        Kubeconfig::from_yaml(&text)
    };
    let mut kubeconfig = read.map_err(|error| unreadable(&shown(path), &error))?;
    if let Some((kind, name)) = repeated(&kubeconfig) {
        return Err(refuse(format!("it has two {kind} with the name {name:?}")));
    }
    // client-go takes the first name that is not empty.
    kubeconfig.current_context = kubeconfig.current_context.filter(|context| !context.is_empty());
    Ok(kubeconfig)
}

/// A name that two entries of a kubeconfig have, and their kind. kubectl refuses such a file.
fn repeated(kubeconfig: &Kubeconfig) -> Option<(&'static str, &str)> {
    let mut seen = HashSet::new();
    let clusters = kubeconfig.clusters.iter().map(|named| ("clusters", named.name.as_str()));
    let users = kubeconfig.auth_infos.iter().map(|named| ("users", named.name.as_str()));
    let contexts = kubeconfig.contexts.iter().map(|named| ("contexts", named.name.as_str()));
    clusters.chain(users).chain(contexts).find(|named| !seen.insert(*named))
}

async fn of_kubeconfig(
    mut kubeconfig: Kubeconfig,
    from: &str,
    options: &ClusterOptions,
) -> Result<(Config, Server), ClusterError> {
    let no_context = |context: &str| ClusterError::NoContext {
        context: context.to_owned(),
        from: from.to_owned(),
        known: kubeconfig.contexts.iter().map(|context| context.name.clone()).collect(),
    };
    let context = match (&options.context, &kubeconfig.current_context) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) if !name.is_empty() => name.clone(),
        _ => return Err(no_context("")),
    };
    let named = kubeconfig.contexts.iter().find(|known| known.name == context);
    let Some(found) = named.and_then(|named| named.context.clone()) else { return Err(no_context(&context)) };
    let invalid = |because: &str| ClusterError::Kubeconfig { from: from.to_owned(), because: because.to_owned() };
    let user_name = found.user.filter(|name| !name.is_empty());
    let user = match &user_name {
        Some(name) => {
            let named = kubeconfig.auth_infos.iter_mut().find(|known| known.name == *name);
            let missing = || invalid(&format!("the user {name:?} of the context {context:?} is not in it"));
            let named = named.ok_or_else(missing)?;
            if let Some(user) = &mut named.auth_info {
                read_token(user).map_err(|because| invalid(&because))?;
            }
            named.auth_info.clone()
        }
        None => None,
    };
    let cluster = kubeconfig.clusters.iter_mut().find(|known| known.name == found.cluster);
    let mut cluster = cluster.and_then(|named| named.cluster.as_mut());
    let authority = cluster.as_ref().and_then(|cluster| cluster.certificate_authority.as_deref());
    check_files(authority, user.as_ref()).map_err(|because| invalid(&because))?;
    let proxy_url = cluster.as_mut().and_then(|cluster| cluster.proxy_url.take()).filter(|url| !url.trim().is_empty());
    let loading = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let loaded = Config::from_custom_kubeconfig(kubeconfig, &loading).await;
    let mut config = loaded.map_err(|error| unreadable(from, &error))?;
    if !matches!(config.cluster_url.scheme_str(), Some("https" | "http")) {
        return Err(invalid("the server of the cluster is not an https URL"));
    }
    config.proxy_url = match proxy_url {
        Some(url) => Some(proxy::parsed(&url).map_err(|_| invalid("the proxy-url of the cluster is not a URL"))?),
        None => proxy::of_environment(&config.cluster_url).map_err(|_| invalid("HTTPS_PROXY is not a URL"))?,
    };
    config.default_retry = false;
    let server = Server {
        url: without_password(&config.cluster_url.to_string()).trim_end_matches('/').to_owned(),
        context: Some(context),
        login: user.as_ref().map_or(Login::None, Login::of),
        user: user_name,
        kubeconfig: options.kubeconfig.as_deref().map(|path| path.display().to_string()),
    };
    Ok((config, server))
}

/// The configuration of a pod.
fn in_cluster(options: &ClusterOptions) -> Result<(Config, Server), ClusterError> {
    if env::var_os(HOST).is_none_or(|host| host.is_empty()) {
        return Err(ClusterError::NoKubeconfig(NoKubeconfig::Nowhere));
    }
    let unusable = |error: kube::config::InClusterError| ClusterError::Kubeconfig {
        from: POD.to_owned(),
        because: error.to_string(),
    };
    let mut config = Config::incluster().map_err(unusable)?;
    read_token(&mut config.auth_info).map_err(|because| ClusterError::Kubeconfig { from: POD.to_owned(), because })?;
    config.accept_invalid_certs = options.is_insecure;
    let invalid =
        |_| ClusterError::Kubeconfig { from: "HTTPS_PROXY".to_owned(), because: "it is not a URL".to_owned() };
    config.proxy_url = proxy::of_environment(&config.cluster_url).map_err(invalid)?;
    config.default_retry = false;
    let server = Server {
        url: without_password(&config.cluster_url.to_string()).trim_end_matches('/').to_owned(),
        context: None,
        user: None,
        login: Login::InCluster,
        kubeconfig: None,
    };
    Ok((config, server))
}

fn unreadable(from: &str, error: &KubeconfigError) -> ClusterError {
    ClusterError::Kubeconfig { from: from.to_owned(), because: because(error) }
}

/// Why a kubeconfig is not usable. The text of a parser may quote a line with a secret, so only its place is shown.
pub(super) fn because(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(source, _) => source.to_string(),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!("it is not a kubeconfig: line {} cannot be parsed", place.line()),
            None => "it is not a kubeconfig".to_owned(),
        },
        KubeconfigError::LoadCertificateAuthority(error) => {
            format!("the certificate authority of the cluster cannot be read: {error}")
        }
        KubeconfigError::LoadClientCertificate(error) => {
            format!("the client certificate of the user cannot be read: {error}")
        }
        KubeconfigError::LoadClientKey(error) => format!("the client key of the user cannot be read: {error}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("the cluster {name:?} of the context is not in it"),
        KubeconfigError::ParseCertificates(_) => "the certificate authority of the cluster is not PEM".to_owned(),
        other => other.to_string(),
    }
}

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::{Certificate, Client, Url, redirect::Policy};

use crate::{
    file_error::{FileError, shown},
    hint::Hint,
    no_answer::OF_PROXY,
    resolver::PublicOnly,
};

/// The longest file of certificate authorities, in bytes: four times the usual bundle of a system.
const CA_FILE_MAX: u64 = 1 << 20;
/// The timeout for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP client cannot be set up.
///
/// ```
/// use issuer::{ClientError, Hint, HttpFetcher};
/// let error = HttpFetcher::new(&["fixtures/kubernetes/rotation/sa.pub"]).unwrap_err();
/// assert!(matches!(error, ClientError::CaFile { .. }));
/// assert!(error.hint().unwrap().starts_with("pass the PEM certificate of the authority that signed"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A file of certificate authorities cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of certificate authorities cannot be parsed.
    #[error("{} is not a file of PEM certificates: {because}", shown(path))]
    CaFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        because: String,
    },
}

impl Hint for ClientError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::CaFile { .. } => {
                Some("pass the PEM certificate of the authority that signed the server certificate".to_owned())
            }
        }
    }
}

/// The HTTP clients. Each is created at its first use, because loading certificate authorities takes time.
///
/// None of them follows redirects.
#[derive(Debug, Default)]
pub(crate) struct HttpClients {
    authorities: Vec<Certificate>,
    /// The resolver of [`public`](Self::public).
    resolver: PublicOnly,
    secure: OnceLock<Client>,
    public: OnceLock<Client>,
    plain: OnceLock<Client>,
    proxies: OnceLock<Matcher>,
}

impl HttpClients {
    /// Clients that trust the certificate authorities of the system and of PEM files.
    pub(crate) fn new(ca_files: &[impl AsRef<Path>]) -> Result<Self, ClientError> {
        let mut authorities = Vec::new();
        for path in ca_files {
            let path = path.as_ref();
            let mut pem = Vec::new();
            File::open(path)
                .and_then(|file| file.take(CA_FILE_MAX + 1).read_to_end(&mut pem))
                .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
            let refuse = |because: String| ClientError::CaFile { path: path.to_owned(), because };
            if pem.len() as u64 > CA_FILE_MAX {
                return Err(refuse(format!("it is longer than {CA_FILE_MAX} bytes")));
            }
            let found = Certificate::from_pem_bundle(&pem).map_err(|error| refuse(innermost(&error)))?;
            if found.is_empty() {
                return Err(refuse("it has no certificate".to_owned()));
            }
            authorities.extend(found);
        }
        Ok(Self { authorities, ..Self::default() })
    }

    /// Clients that resolve the names of public hosts with this resolver.
    #[cfg(test)]
    pub(crate) fn resolving(resolver: PublicOnly) -> Self {
        Self { resolver, ..Self::default() }
    }

    /// The client for https.
    pub(crate) fn secure(&self) -> Result<&Client, String> {
        get_or_build(&self.secure, || builder().tls_certs_merge(self.authorities.iter().cloned()).build())
    }

    /// The client for https to a host that the caller did not name. It connects to public addresses only.
    ///
    /// The resolver returns only addresses that it has checked, so DNS rebinding has no effect. The resolver never receives
    /// an IP address in a URL, so the caller must check it before. A proxy resolves names itself.
    pub(crate) fn public(&self, url: &Url) -> Result<&Client, String> {
        if self.is_proxied(url) {
            return self.secure();
        }
        let build = || {
            let resolver = self.resolver.clone();
            builder().no_proxy().dns_resolver(resolver).tls_certs_merge(self.authorities.iter().cloned()).build()
        };
        get_or_build(&self.public, build)
    }

    fn is_proxied(&self, url: &Url) -> bool {
        self.proxy(url).is_some()
    }

    /// The proxy of a request by `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as reqwest reads them.
    fn proxy(&self, url: &Url) -> Option<Intercept> {
        let proxies = self.proxies.get_or_init(Matcher::from_system);
        proxies.intercept(&url.as_str().parse().ok()?)
    }

    /// The cause of a failed request. If a proxy is the cause, it is named with its variable.
    pub(crate) fn cause(&self, url: &Url, error: &reqwest::Error) -> String {
        let cause = innermost(error);
        if !error.is_connect() {
            return cause;
        }
        let Some(proxy) = self.named_proxy(url) else { return cause };
        if ["certificate", "UnknownIssuer", "HandshakeFailure", "alert"].iter().any(|words| cause.contains(words)) {
            return cause;
        }
        match cause.strip_prefix("tunnel error: ") {
            Some("proxy authorization required") => format!("{proxy} requires a user name and password"),
            Some(cause) => format!("{proxy} did not open a connection: {cause}"),
            None if cause.contains("lookup address") => format!("{proxy} cannot be resolved: {cause}"),
            None => format!("{proxy} does not answer: {cause}"),
        }
    }

    /// The cause of a request that timed out.
    pub(crate) fn late(&self, url: &Url, limit: Duration) -> String {
        let through = self.named_proxy(url).map(|proxy| format!(" through {proxy}")).unwrap_or_default();
        format!("no answer{through} within {} s", (limit.as_secs_f64() * 10.0).round() / 10.0)
    }

    /// `the proxy http://proxy.example.com:3128 (HTTPS_PROXY)`, if an https request uses one.
    fn named_proxy(&self, url: &Url) -> Option<String> {
        let proxy = self.proxy(url).filter(|_| url.scheme() == "https")?;
        // Only the address: the variable may hold a user name and password.
        let proxy = proxy.uri();
        let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
        let variable = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().find(set);
        let scheme = proxy.scheme_str().unwrap_or("http");
        let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let of = variable.unwrap_or("of this system");
        Some(format!("{OF_PROXY}{scheme}://{}{port} ({of})", proxy.host().unwrap_or_default()))
    }

    /// The client for http on this machine. It uses no proxy and loads no certificate authorities, which takes time.
    pub(crate) fn plain(&self) -> Result<&Client, String> {
        get_or_build(&self.plain, || builder().no_proxy().tls_certs_only([]).build())
    }
}

fn builder() -> reqwest::ClientBuilder {
    let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    Client::builder().user_agent(agent).redirect(Policy::none()).connect_timeout(CONNECT_TIMEOUT)
}

fn get_or_build(cell: &OnceLock<Client>, build: impl FnOnce() -> reqwest::Result<Client>) -> Result<&Client, String> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = build().map_err(|error| innermost(&error))?;
    Ok(cell.get_or_init(|| client))
}

/// The innermost cause. The outer errors only say that a request failed, and some print the URL with its secrets.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = match cause.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "no answer in time".to_owned(),
        Some(_) => "the request failed".to_owned(),
        None => cause.to_string(),
    };
    // rustls reports only `CaUsedAsEndEntity` for it.
    if text.contains("CaUsedAsEndEntity") {
        return "the server uses the certificate of a certificate authority; install a server certificate signed by the authority"
            .to_owned();
    }
    text
}

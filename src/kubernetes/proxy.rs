use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::issuer_url::is_loopback_http;

/// The proxy of a request to the API server by `HTTPS_PROXY` and `NO_PROXY`.
///
/// Go's `http.ProxyFromEnvironment`, which kubectl uses, compares `NO_PROXY` with the host of the request, and uses no
/// proxy for this machine. kube 5 compares `NO_PROXY` with the host of the proxy.
pub(super) fn of_environment(server: &Uri) -> Result<Option<Uri>, http::uri::InvalidUri> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let Some(proxy) = variable("HTTPS_PROXY").or_else(|| variable("https_proxy")) else { return Ok(None) };
    let is_loopback = is_loopback_http(&format!("http://{}", server.host().unwrap_or_default()));
    if is_loopback || server.scheme_str() != Some("https") || Matcher::from_env().intercept(server).is_none() {
        return Ok(None);
    }
    parsed(&proxy).map(Some)
}

/// The URL of a proxy. Go accepts a host and port without a scheme.
pub(super) fn parsed(proxy: &str) -> Result<Uri, http::uri::InvalidUri> {
    let proxy = proxy.trim();
    if proxy.contains("://") { proxy.parse() } else { format!("http://{proxy}").parse() }
}

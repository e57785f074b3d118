//! The next step after a request without a response, if its cause gives one.

const DISTRUSTED: &str = "if a proxy inspects TLS or the host has a private certificate authority, pass the CA certificate with --ca-file; if this machine has no CA certificates, install ca-certificates or set SSL_CERT_FILE";
const PROXY: &str = "correct or unset the proxy variable, or list the host in NO_PROXY";

const THROUGH_PROXY: &str =
    "check that the host responds and that the proxy allows requests to this host, or list the host in NO_PROXY";

/// The start of every cause that is a failure of a proxy.
pub(crate) const OF_PROXY: &str = "the proxy ";

/// The hint for a cause; `None` for an unknown cause.
pub(crate) fn hint(because: &str) -> Option<&'static str> {
    if because.contains("through the proxy ") {
        Some(THROUGH_PROXY)
    } else if because.contains(OF_PROXY) {
        Some(PROXY)
    } else if is_of_certificate(because) {
        Some(DISTRUSTED)
    } else {
        None
    }
}

/// Whether no trusted certificate authority signed the certificate of a host. An expired certificate is another cause.
pub(crate) fn is_of_certificate(because: &str) -> bool {
    ["UnknownIssuer", "self-signed certificate", "No CA certificates", "no native root", "unable to get local issuer"]
        .iter()
        .any(|words| because.contains(words))
}

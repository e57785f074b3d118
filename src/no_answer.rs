//! The next step where a request gets no answer, as far as the cause tells it.

const DISTRUSTED: &str = "where TLS is inspected on the way, or the host is one of yours, pass the certificate of its authority as --ca-file; where this machine has no certificate authorities, install them (ca-certificates), or set SSL_CERT_FILE";
const PROXY: &str = "correct or unset the proxy variable, or list the host in NO_PROXY";

const THROUGH_PROXY: &str =
    "check that the host answers, and that the proxy lets requests to it through; NO_PROXY lists hosts without it";

/// How a cause starts that a proxy is the reason of.
pub(crate) const OF_PROXY: &str = "the proxy ";

/// The hint for a cause; `None` where the cause does not tell what to do.
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

/// Whether the certificate of a host is signed by no authority that is trusted here. An expired one is another matter.
fn is_of_certificate(because: &str) -> bool {
    ["UnknownIssuer", "self-signed certificate", "No CA certificates", "no native root", "unable to get local issuer"]
        .iter()
        .any(|words| because.contains(words))
}

//! What to do where the certificate of a host is of no authority that is trusted here.

/// The next step, as a hint.
pub(crate) const DISTRUSTED: &str = "where TLS is inspected on the way, or the host is one of yours, pass the certificate of its authority as --ca-file; where this machine has no certificate authorities, install them (ca-certificates), or set SSL_CERT_FILE";

/// Whether what went wrong with a connection is the certificate of the host, or that there is none to judge it by.
pub(crate) fn is_of_certificate(because: &str) -> bool {
    [
        "UnknownIssuer",
        "invalid peer certificate",
        "self-signed certificate",
        "No CA certificates",
        "no native root",
        "unable to get local issuer",
    ]
    .iter()
    .any(|words| because.contains(words))
}

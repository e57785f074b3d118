//! What to do where the certificate of a host is of no authority that is trusted here.

/// The next step, as a hint.
pub(crate) const DISTRUSTED: &str = "where TLS is inspected on the way, or the host is one of yours, pass the certificate of its authority as --ca-file; where this machine has no certificate authorities, install them (ca-certificates), or set SSL_CERT_FILE";

/// Whether nobody who is trusted here vouches for the certificate of the host. One that has expired is another matter.
pub(crate) fn is_of_certificate(because: &str) -> bool {
    ["UnknownIssuer", "self-signed certificate", "No CA certificates", "no native root", "unable to get local issuer"]
        .iter()
        .any(|words| because.contains(words))
}

//! File formats that are often passed by mistake in place of a public key, each with a hint.

use der::asn1::ObjectIdentifier;

/// A file format that the API server does not accept as a service account key.
///
/// ```
/// use issuer::{Hint, KeyError, KeyProblem, KeySet, OtherFormat};
/// let error = KeySet::from_bytes(&std::fs::read("fixtures/field/der-of-another-kind/csr.der")?).unwrap_err();
/// let KeyError::Key { problem: KeyProblem::Format(format), .. } = &error else { panic!("{error}") };
/// assert_eq!(*format, OtherFormat::CertificateRequest);
/// assert_eq!(error.to_string(), "input is not a usable key: it is a certificate request (PKCS#10)");
/// assert!(error.hint().unwrap().contains("openssl req -in FILE -noout -pubkey"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtherFormat {
    /// A certificate signing request (RFC 2986).
    CertificateRequest,
    /// A certificate revocation list (RFC 5280 section 5).
    RevocationList,
    /// A private key that is encrypted with a password (RFC 5958 section 3).
    EncryptedPrivateKey,
    /// A key store with certificates and private keys (RFC 7292).
    Pkcs12,
    /// Signed or enveloped data, often a chain of certificates (RFC 5652).
    Pkcs7,
    /// Parameters of DSA or Diffie-Hellman, without a key.
    Parameters,
    /// A DSA private key.
    DsaPrivateKey,
    /// A private key in OpenSSH's own format.
    OpenSshPrivateKey,
    /// A private key in ssh.com's own format.
    Ssh2PrivateKey,
    /// A private key of `PuTTY`.
    PuttyPrivateKey,
    /// A Java key store (JKS or JCEKS).
    JavaKeyStore,
    /// An `OpenPGP` key or message (RFC 9580).
    Pgp,
}

impl OtherFormat {
    /// The name of the format, with its article.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CertificateRequest => "a certificate request (PKCS#10)",
            Self::RevocationList => "a certificate revocation list",
            Self::EncryptedPrivateKey => "an encrypted private key (PKCS#8)",
            Self::Pkcs12 => "a PKCS#12 key store",
            Self::Pkcs7 => "PKCS#7 data",
            Self::Parameters => "DSA or Diffie-Hellman parameters without a key",
            Self::DsaPrivateKey => "a DSA private key",
            Self::OpenSshPrivateKey => "an OpenSSH private key",
            Self::Ssh2PrivateKey => "an ssh.com private key",
            Self::PuttyPrivateKey => "a PuTTY private key",
            Self::JavaKeyStore => "a Java key store",
            Self::Pgp => "OpenPGP data",
        }
    }

    /// The command that prints the public key of a file in this format, where there is one.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::CertificateRequest => {
                "print the public key: openssl req -in FILE -noout -pubkey; add -inform DER for a binary file"
            }
            Self::EncryptedPrivateKey => "pass the public key instead: openssl pkey -in KEY -pubout",
            Self::Pkcs12 => {
                "print the public key: openssl pkcs12 -in FILE -nokeys -clcerts | openssl x509 -noout -pubkey"
            }
            Self::Pkcs7 => {
                "print the certificates: openssl pkcs7 -in FILE -print_certs; add -inform DER for a binary file"
            }
            Self::OpenSshPrivateKey => "print the public key: ssh-keygen -e -m PKCS8 -f KEY",
            Self::Ssh2PrivateKey => {
                "print the public key: ssh-keygen -i -f KEY > OPENSSH_KEY && ssh-keygen -y -f OPENSSH_KEY"
            }
            Self::PuttyPrivateKey => "print the public key: puttygen KEY -L",
            Self::JavaKeyStore => "print a certificate: keytool -exportcert -rfc -keystore FILE -alias ALIAS",
            Self::RevocationList | Self::Parameters | Self::DsaPrivateKey | Self::Pgp => {
                "pass the file of the API server's flag --service-account-key-file, for example /etc/kubernetes/pki/sa.pub"
            }
        }
    }

    /// The format of a PEM block, by its label.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        Some(match label {
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::CertificateRequest,
            "X509 CRL" => Self::RevocationList,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedPrivateKey,
            "PKCS12" | "PKCS #12" => Self::Pkcs12,
            "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => Self::Pkcs7,
            "DSA PARAMETERS" | "DH PARAMETERS" | "X9.42 DH PARAMETERS" => Self::Parameters,
            "DSA PRIVATE KEY" => Self::DsaPrivateKey,
            "OPENSSH PRIVATE KEY" => Self::OpenSshPrivateKey,
            "SSH2 ENCRYPTED PRIVATE KEY" => Self::Ssh2PrivateKey,
            label if label.starts_with("PGP ") => Self::Pgp,
            _ => return None,
        })
    }

    /// The format of a file that is neither PEM nor DER, by its first bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // The magic numbers of `JavaKeyStore` and `JceKeyStore` in OpenJDK.
            [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Some(Self::JavaKeyStore),
            // A public key packet of version 4 with a two-byte length (RFC 9580 sections 4.2 and 5.5.2).
            [0x99, _, _, 4, ..] => Some(Self::Pgp),
            _ if bytes.starts_with(b"openssh-key-v1\0") => Some(Self::OpenSshPrivateKey),
            _ => match bytes.trim_ascii_start() {
                text if text.starts_with(b"PuTTY-User-Key-File-") => Some(Self::PuttyPrivateKey),
                text if text.starts_with(b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----") => Some(Self::Ssh2PrivateKey),
                _ => None,
            },
        }
    }

    /// The format of a structure that starts with this object identifier.
    pub(super) fn of_content_type(oid: ObjectIdentifier) -> Option<Self> {
        // The content types of PKCS#7: 1.2.840.113549.1.7.
        const PKCS7: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7");
        (oid.parent() == Some(PKCS7)).then_some(Self::Pkcs7)
    }

    /// The format of a structure that starts with this algorithm identifier.
    pub(super) fn of_algorithm(oid: ObjectIdentifier) -> Option<Self> {
        // The encryption schemes of PKCS#5 and PKCS#12: 1.2.840.113549.1.5 and 1.2.840.113549.1.12.1.
        const PKCS5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5");
        const PKCS12: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1");
        [PKCS5, PKCS12].contains(&oid.parent()?).then_some(Self::EncryptedPrivateKey)
    }
}

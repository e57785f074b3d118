//! X.509 certificates: public key and purpose (RFC 5280).

use std::fmt;

use der::{
    Decode, Encode, Tag, Tagged,
    asn1::{AnyRef, ObjectIdentifier},
};
use x509_cert::{
    certificate::{CertificateInner, Raw},
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectAltName, name::GeneralName},
};

use super::{KeyProblem, PublicKey};

/// RFC 5280 section 4.2.1.12.
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// The purpose of a certificate by its extensions.
///
/// The API server ignores the purpose of a certificate in its service account key file. kops stores its key in a
/// self-signed CA certificate.
///
/// ```
/// use issuer::{KeyReader, Note};
/// let mut reader = KeyReader::default();
/// reader.read("ca.crt", &std::fs::read("fixtures/keys/ca.crt")?)?;
/// let (_, notes) = reader.finish()?;
/// let Note::Certificate { purpose, .. } = &notes[0] else { panic!("{notes:?}") };
/// assert!(purpose.authority && !purpose.server && !purpose.client);
/// assert_eq!(purpose.common_name.as_deref(), Some("kubernetes"));
/// assert_eq!(purpose.to_string(), "a CA certificate with the common name \"kubernetes\"");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificatePurpose {
    /// The certificate signs other certificates: basicConstraints with CA:TRUE.
    pub authority: bool,
    /// The certificate identifies a server: extendedKeyUsage with serverAuth, or no extendedKeyUsage and a DNS name or
    /// an address.
    pub server: bool,
    /// The certificate identifies a client: extendedKeyUsage with clientAuth.
    pub client: bool,
    /// The common name of the subject.
    pub common_name: Option<String>,
}

impl CertificatePurpose {
    /// Whether the certificate states one of these purposes.
    pub(super) fn is_stated(&self) -> bool {
        self.authority || self.server || self.client
    }
}

/// For example `a CA certificate with the common name "kubernetes"`.
impl fmt::Display for CertificatePurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.authority, self.server, self.client) {
            (true, _, _) => "a CA certificate",
            (false, true, true) => "a certificate of a server and client",
            (false, true, false) => "a server certificate",
            (false, false, true) => "a client certificate",
            (false, false, false) => "a certificate",
        })?;
        match &self.common_name {
            Some(name) => write!(f, " with the common name {name:?}"),
            None => Ok(()),
        }
    }
}

/// The purpose of a certificate in DER; `None` for DER that is not a certificate.
pub(super) fn purpose(der: &[u8]) -> Option<CertificatePurpose> {
    let (certificate, _) = CertificateInner::<Raw>::from_der_partial(der).ok()?;
    let tbs = certificate.tbs_certificate();
    // Ignore extensions that cannot be decoded.
    let authority = tbs.get_extension::<BasicConstraints>().ok().flatten().is_some_and(|(_, basic)| basic.ca);
    let usages = tbs.get_extension::<ExtendedKeyUsage>().ok().flatten().map(|(_, usages)| usages.0).unwrap_or_default();
    let common_name = tbs.subject().common_name().ok().flatten().map(|name| name.value().into_owned());
    let names = tbs.get_extension::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let is_host = |name: &GeneralName| matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_));
    let is_of_host = usages.is_empty() && !authority && names.iter().any(is_host);
    let (server, client) = (usages.contains(&SERVER_AUTH) || is_of_host, usages.contains(&CLIENT_AUTH));
    Some(CertificatePurpose { authority, server, client, common_name })
}

/// The public key of a certificate in DER.
///
/// OpenSSL's `TRUSTED CERTIFICATE` appends a SEQUENCE of trust settings (`d2i_X509_AUX`), which is ignored. Expiry,
/// serial number and signature are not checked, because client-go does not check them.
pub(super) fn key(der: &[u8]) -> Result<PublicKey, KeyProblem> {
    let (certificate, rest) = CertificateInner::<Raw>::from_der_partial(der).map_err(KeyProblem::der)?;
    if !rest.is_empty() && AnyRef::from_der(rest).map_err(KeyProblem::der)?.tag() != Tag::Sequence {
        return Err(KeyProblem::Structure);
    }
    let spki = certificate.tbs_certificate().subject_public_key_info().to_der().map_err(KeyProblem::der)?;
    PublicKey::from_spki_der(&spki)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

    use super::*;

    fn certificate(common_name: &str, is_ca: IsCa, usages: &[ExtendedKeyUsagePurpose]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = is_ca;
        params.extended_key_usages = usages.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn extensions_of_a_certificate_give_its_purpose() {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let authority = IsCa::Ca(BasicConstraints::Unconstrained);
        for (der, expected) in [
            (certificate("kubernetes", authority, &[]), "a CA certificate with the common name \"kubernetes\""),
            (certificate("etcd", IsCa::NoCa, &[ServerAuth]), "a server certificate with the common name \"etcd\""),
            (certificate("a", IsCa::NoCa, &[ClientAuth]), "a client certificate with the common name \"a\""),
            (
                certificate("peer", IsCa::NoCa, &[ServerAuth, ClientAuth]),
                "a certificate of a server and client with the common name \"peer\"",
            ),
            (certificate("sa", IsCa::ExplicitNoCa, &[]), "a certificate with the common name \"sa\""),
        ] {
            let purpose = purpose(&der).unwrap();
            assert_eq!(purpose.to_string(), expected);
            assert_eq!(purpose.is_stated(), !expected.starts_with("a certificate with"));
            assert!(key(&der).is_ok());
        }
        assert_eq!(purpose(b"\x30\x00"), None);
    }
}

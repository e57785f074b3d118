//! An authority that issues client certificates, which an API server trusts with `--client-ca-file`.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};

/// The authority.
pub(crate) struct ClientAuthority(CertifiedIssuer<'static, KeyPair>);

/// A client certificate and its private key, both in PEM.
pub(crate) struct ClientCertificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl ClientAuthority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "the authority of users");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of a user in a group, valid until the last year of rcgen's default.
    pub(crate) fn issue(&self, user: &str, group: &str) -> ClientCertificate {
        self.sign(&params(user, group))
    }

    /// The same, expired at the start of 2020.
    pub(crate) fn issue_expired(&self, user: &str, group: &str) -> ClientCertificate {
        let mut params = params(user, group);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> ClientCertificate {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        ClientCertificate { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn params(user: &str, group: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, user);
    params.distinguished_name.push(DnType::OrganizationName, group);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

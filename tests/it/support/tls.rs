//! TLS: a certificate authority for tests.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs::default_provider},
};
use tempfile::TempDir;

/// An untrusted authority, and the certificate it issued to `localhost` and 127.0.0.1.
pub(crate) struct Authority {
    folder: TempDir,
    root: rustls::pki_types::CertificateDer<'static>,
    server: Arc<ServerConfig>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::for_hosts(&[])
    }

    /// The same with a certificate that is valid for these host names, too.
    pub(crate) fn for_hosts(hosts: &[&str]) -> Self {
        let issuer = CertifiedIssuer::self_signed(root_params(), KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = leaf_params(hosts).signed_by(&key, &issuer).unwrap();
        Self::of(issuer.as_ref(), &leaf, &key)
    }

    /// An authority whose own certificate is that of the server, as tools for a lab make it.
    pub(crate) fn as_server() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf_params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self::of(&certificate, &certificate, &key)
    }

    fn of(issuer: &Certificate, leaf: &Certificate, key: &KeyPair) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, pem: String| std::fs::write(folder.path().join(name), pem).unwrap();
        write("ca.pem", issuer.pem());
        write("server.pem", leaf.pem() + &issuer.pem());
        write("server.key", key.serialize_pem());
        let server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key.serialize_der().try_into().unwrap())
            .unwrap();
        Self { root: issuer.der().clone(), server: Arc::new(server), folder }
    }

    /// The authority's own certificate in PEM, for the client.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// The server's certificate with its chain, and its private key, both in PEM, for another server.
    pub(crate) fn server_files(&self) -> (PathBuf, PathBuf) {
        (self.file("server.pem"), self.file("server.key"))
    }

    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// A client that trusts only this authority.
    pub(crate) fn client_config(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn root_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "the authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    params
}

/// The name differs from the authority's, because OpenSSL treats equal names as self-signed.
fn leaf_params(hosts: &[&str]) -> CertificateParams {
    let names: Vec<_> = ["localhost", "127.0.0.1"].iter().chain(hosts).map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

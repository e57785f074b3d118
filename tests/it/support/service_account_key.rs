//! A key pair that an API server signs service account tokens with.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The two files of a key pair.
#[derive(Clone, Debug)]
pub(crate) struct ServiceAccountKey {
    private: PathBuf,
    public: PathBuf,
}

impl ServiceAccountKey {
    /// A new key of 2048 bits with its files in a folder: `NAME.key`, as kubeadm writes `sa.key`, and `NAME.pub`.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let [private, public] = ["key", "pub"].map(|extension| folder.join(format!("{name}.{extension}")));
        openssl(&["genrsa", "-traditional", "-out", private.to_str().unwrap(), "2048"]);
        openssl(&["rsa", "-in", private.to_str().unwrap(), "-pubout", "-out", public.to_str().unwrap()]);
        Self { private, public }
    }

    /// The key of two files.
    pub(crate) fn of_files(private: &Path, public: &Path) -> Self {
        Self { private: private.to_owned(), public: public.to_owned() }
    }

    /// The private key: PKCS #1 in PEM.
    pub(crate) fn private(&self) -> &Path {
        &self.private
    }

    /// The public key: SubjectPublicKeyInfo in PEM.
    pub(crate) fn public(&self) -> &Path {
        &self.public
    }
}

fn openssl(arguments: &[&str]) {
    let status = Command::new("openssl").args(arguments).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "openssl {arguments:?}");
}

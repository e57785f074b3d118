mod blob;
mod control_plane;
mod resource_manager;
mod sign_in;

use blob::BLOB;
use control_plane::CONTROL_PLANE;
use resource_manager::RESOURCE_MANAGER;
use sign_in::SIGN_IN;

use super::AuthMethod;
use crate::entra::Aadsts;

/// A documented error code of an Azure service, with its meaning for a publisher and the next step.
///
/// The placeholders `{account}`, `{container}`, `{blob}`, `{credential}`, `{role}`, `{subject}`, `{flags}`, `{provider}` and
/// `{message}` stand for the values of the request and its response.
#[derive(Debug)]
pub(super) struct KnownCode {
    /// Error codes with the same meaning. A text with a space is part of an error message without a code.
    codes: &'static [&'static str],
    /// Error codes of Entra with the same meaning.
    aadsts: &'static [Aadsts],
    credential: CredentialKind,
    /// The end of `cannot read … in …: …`; empty if the message of the service is shown.
    pub(super) sentence: &'static str,
    pub(super) hint: &'static str,
}

/// The credentials that a row applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialKind {
    Any,
    /// An account key, a SAS or a connection string.
    KeyOrSas,
    /// A Microsoft Entra identity.
    Identity,
    /// An application: with a secret, a certificate or a federated token.
    Application,
    Secret,
    Certificate,
    FederatedToken,
    ManagedIdentity,
    /// The user of `az` or `azd`.
    User,
}

impl CredentialKind {
    fn includes(self, method: AuthMethod) -> bool {
        match self {
            Self::Any => true,
            Self::KeyOrSas => method.is_storage_only(),
            Self::Identity => !method.is_storage_only(),
            Self::Application => {
                [Self::Secret, Self::Certificate, Self::FederatedToken].iter().any(|kind| kind.includes(method))
            }
            Self::Secret => method == AuthMethod::ClientSecret,
            Self::Certificate => method == AuthMethod::ClientCertificate,
            Self::FederatedToken => matches!(method, AuthMethod::WorkloadIdentity | AuthMethod::GitHubActions),
            Self::ManagedIdentity => method == AuthMethod::ManagedIdentity,
            Self::User => method.is_developer(),
        }
    }
}

impl KnownCode {
    /// The row of the Blob service for a code.
    pub(super) fn of_blob(code: &str, method: AuthMethod) -> Option<&'static Self> {
        BLOB.iter().filter(|row| row.credential.includes(method)).find(|row| row.codes.contains(&code))
    }

    /// The row of Azure Resource Manager for a code.
    pub(super) fn of_resource_manager(code: &str) -> Option<&'static Self> {
        RESOURCE_MANAGER.iter().find(|row| row.codes.contains(&code))
    }

    /// The row of Azure Resource Manager or Microsoft Graph for a code, or for a part of its message.
    pub(super) fn of_control_plane(code: &str, message: &str) -> Option<&'static Self> {
        let is_match = |known: &&str| *known == code || (known.contains(' ') && message.contains(*known));
        CONTROL_PLANE.iter().find(|row| row.codes.iter().any(is_match))
    }

    /// The next step after a failed sign-in: that of a documented error, else a general one for the credential.
    pub(super) fn sign_in_hint(method: AuthMethod, code: Option<&str>, because: &str) -> &'static str {
        Self::of_sign_in(method, code, because).map_or(general_hint(method), |row| row.hint)
    }

    /// The row for an error of Entra, a tool or an identity endpoint.
    pub(super) fn of_sign_in(method: AuthMethod, code: Option<&str>, because: &str) -> Option<&'static Self> {
        let is_match = |known: &&str| code == Some(*known) || (known.contains(' ') && because.contains(*known));
        let aadsts = code.and_then(|code| code.parse().ok());
        let is_listed = |row: &Self| aadsts.is_some_and(|code| row.aadsts.contains(&code));
        let mut rows = SIGN_IN.iter().filter(|row| row.credential.includes(method));
        rows.find(|row| is_listed(row) || row.codes.iter().any(is_match))
    }
}

const fn general_hint(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::ClientSecret => {
            "check AZURE_CLIENT_SECRET, AZURE_CLIENT_ID and AZURE_TENANT_ID, or choose another credential with --auth"
        }
        AuthMethod::ClientCertificate => {
            "check the certificate, AZURE_CLIENT_ID and AZURE_TENANT_ID, or choose another credential with --auth"
        }
        AuthMethod::WorkloadIdentity | AuthMethod::GitHubActions => {
            "check the federated credential of this identity, or choose another credential with --auth"
        }
        AuthMethod::ManagedIdentity => {
            "check that this machine or app has the identity, or choose another credential with --auth"
        }
        AuthMethod::AzureCli => "run `az login` again, or choose another credential with --auth",
        AuthMethod::AzureDeveloperCli => "run `azd auth login` again, or choose another credential with --auth",
        AuthMethod::ConnectionString | AuthMethod::Sas | AuthMethod::AccountKey => {
            "sign in with --auth az, workload-identity, managed-identity or client-secret"
        }
    }
}

const fn row(codes: &'static [&'static str], sentence: &'static str, hint: &'static str) -> KnownCode {
    KnownCode { codes, aadsts: &[], credential: CredentialKind::Any, sentence, hint }
}

const fn row_for(
    credential: CredentialKind,
    codes: &'static [&'static str],
    sentence: &'static str,
    hint: &'static str,
) -> KnownCode {
    KnownCode { codes, aadsts: &[], credential, sentence, hint }
}

const fn aadsts_for(credential: CredentialKind, aadsts: &'static [Aadsts], hint: &'static str) -> KnownCode {
    KnownCode { codes: &[], aadsts, credential, sentence: "", hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_row_per_credential_kind() {
        let check = |code: &dyn std::fmt::Debug, kinds: Vec<CredentialKind>| {
            let is_split = kinds.len() == 2 && !kinds.contains(&CredentialKind::Any) && kinds[0] != kinds[1];
            assert!(kinds.len() == 1 || is_split, "{code:?}: {kinds:?}");
        };
        for table in [BLOB, RESOURCE_MANAGER, SIGN_IN] {
            for row in table {
                assert!(!row.hint.is_empty(), "{row:?}");
                for code in row.codes {
                    let rows = table.iter().filter(|other| other.codes.contains(code));
                    check(code, rows.map(|other| other.credential).collect());
                }
                for code in row.aadsts {
                    let rows = table.iter().filter(|other| other.aadsts.contains(code));
                    check(code, rows.map(|other| other.credential).collect());
                    assert!(code.entry().is_some(), "{code} is not in the catalogue");
                }
            }
        }
        assert!(BLOB.iter().all(|row| !row.sentence.is_empty()));
    }
}

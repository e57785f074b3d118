use std::{fmt, sync::Arc};

use azure_core::credentials::{Secret, TokenCredential};
use jiff::Timestamp;

use super::{AuthMethod, sas::SasSigner};

/// A credential for Azure, ready for use.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) method: AuthMethod,
    /// The identity, for example a client ID. Contains no secret.
    pub(crate) identity: Option<String>,
    /// The tenant of the credential, if known.
    pub(crate) tenant: Option<String>,
    pub(super) access: Access,
}

/// How requests are authorised.
#[derive(Clone)]
pub(super) enum Access {
    /// With a SAS that is signed for each request.
    Key(Arc<SasSigner>),
    /// With the given SAS.
    Sas(Secret),
    /// With a bearer token.
    Token(Arc<dyn TokenCredential>),
}

impl Credential {
    /// The SAS for the query of a request to the storage account; `None` if a bearer token authorises the request.
    pub(super) fn query(&self) -> Option<Secret> {
        match &self.access {
            Access::Key(signer) => Some(signer.sign(Timestamp::now())),
            Access::Sas(sas) => Some(sas.clone()),
            Access::Token(_) => None,
        }
    }

    /// The source of bearer tokens; `None` for an account key or SAS.
    pub(crate) fn tokens(&self) -> Option<Arc<dyn TokenCredential>> {
        match &self.access {
            Access::Token(tokens) => Some(Arc::clone(tokens)),
            _ => None,
        }
    }
}

/// For example `workload identity 1c2d8f30-…`.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method.title())?;
        self.identity.as_ref().map_or(Ok(()), |identity| write!(f, " {identity}"))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("method", &self.method)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

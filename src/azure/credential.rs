use std::{fmt, sync::Arc};

use azure_core::credentials::{Secret, TokenCredential};
use jiff::Timestamp;

use super::{AuthMethod, sas::SasSigner};

/// Who we are in Azure, found and ready.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) method: AuthMethod,
    /// What tells this one from others of its kind, such as a client ID; nothing secret.
    pub(crate) identity: Option<String>,
    /// The tenant that it signs in to, where it is known.
    pub(crate) tenant: Option<String>,
    pub(super) access: Access,
}

/// How requests are authorised.
#[derive(Clone)]
pub(super) enum Access {
    /// By a query made for each request.
    Key(Arc<SasSigner>),
    /// By a query given once.
    Sas(Secret),
    /// By a bearer token.
    Token(Arc<dyn TokenCredential>),
}

impl Credential {
    /// What goes into the query of a request to the storage account; `None` where a header authorises it.
    pub(super) fn query(&self) -> Option<Secret> {
        match &self.access {
            Access::Key(signer) => Some(signer.sign(Timestamp::now())),
            Access::Sas(sas) => Some(sas.clone()),
            Access::Token(_) => None,
        }
    }

    /// The source of bearer tokens, where there is one.
    pub(crate) fn tokens(&self) -> Option<Arc<dyn TokenCredential>> {
        match &self.access {
            Access::Token(tokens) => Some(Arc::clone(tokens)),
            _ => None,
        }
    }
}

/// `workload identity 1c2d8f30-…`
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

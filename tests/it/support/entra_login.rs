//! The judgement of a PostgreSQL login with an access token, with the sentences of Azure Database for PostgreSQL.
//!
//! "Use Microsoft Entra ID for authentication with Azure Database for PostgreSQL" (security-entra-configure.md): the
//! password is an access token for the resource `https://ossrdbms-aad.database.windows.net`. Microsoft documents few of
//! the sentences and no SQLSTATE: each text names the report that has it. asyncpg raised
//! `InvalidAuthorizationSpecificationError` for one of them, which is SQLSTATE 28000; that the others have the same is
//! an assumption. The order of the checks is an assumption, too.

use super::{
    issued_tokens::{Issued, IssuedTokens, Kind},
    pgaadauth::{EntraRole, PrincipalType},
    postgresql_message::Fatal,
};

/// The resource of the tokens, in Azure's public cloud.
pub(crate) const AUDIENCE: &str = "https://ossrdbms-aad.database.windows.net";

/// Which texts the server sends: they changed when Azure Active Directory was renamed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sentences {
    #[default]
    New,
    Old,
}

/// Whether this password opens this role.
pub(crate) fn judge(
    role: &str,
    principal: Option<&EntraRole>,
    password: &str,
    tokens: &IssuedTokens,
    sentences: Sentences,
) -> Result<(), Fatal> {
    if password.is_empty() {
        // PostgreSQL, libpq/auth.c.
        return Err(Fatal { sqlstate: "28P01", message: "empty password returned by client".to_owned(), hint: None });
    }
    let (Some(principal), Some(token)) = (principal, tokens.find(password)) else {
        return Err(password_failed(role));
    };
    if token.audience.trim_end_matches('/') != AUDIENCE {
        // The whole text is in a list of validated samples of Spring Cloud Azure, its start in
        // Azure/azure-sdk-for-java#42632.
        return Err(refused(format!(
            "The access token does not have a valid audience claim. Please acquire a new token for the resource \
             \"{AUDIENCE}\"."
        )));
    }
    if tokens.is_expired(&token) {
        return Err(refused(match sentences {
            // darold/ora2pg#1851.
            Sentences::Old => "The access token has expired. Please acquire a new token and retry.".to_owned(),
            // User reports since 2025.
            Sentences::New => "The access token has expired. Acquire a new token and try again.".to_owned(),
        }));
    }
    judge_principal(role, principal, &token, sentences)
}

/// Whether the identity of the token is the principal of the role.
fn judge_principal(role: &str, principal: &EntraRole, token: &Issued, sentences: Sentences) -> Result<(), Fatal> {
    let identity = &token.principal;
    match (principal.principal_type, identity.kind) {
        (PrincipalType::Group, _) if identity.groups.contains(&principal.object_id) => Ok(()),
        // User reports have this text with its hint.
        (PrincipalType::Group, _) => Err(Fatal {
            hint: Some("Did you specify the correct user name and access token?"),
            ..refused(format!(
                "Azure AD access token not valid for role {role} (does not contain group ID {})",
                principal.object_id
            ))
        }),
        // "Deploy a Java Quarkus app with managed identity" and its siblings have this text.
        (PrincipalType::User, Kind::App) => {
            let product = if sentences == Sentences::Old { "Azure AD" } else { "Microsoft Entra" };
            Err(refused(format!(
                "{product} user token for role[{role}] is neither an AAD_AUTH_TOKENTYPE_APP_USER or an \
                 AAD_AUTH_TOKENTYPE_APP_OBO token."
            )))
        }
        // MicrosoftDocs/azure-docs#120133 has the old text, a user report of 2026 the new one.
        (PrincipalType::Service, Kind::User) => Err(refused(match sentences {
            Sentences::Old => {
                format!("Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[{role}]")
            }
            Sentences::New => {
                format!("Service principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role \"{role}\"")
            }
        })),
        _ if identity.object_id == principal.object_id => Ok(()),
        // cyrilgdn/terraform-provider-postgresql#423 has this text.
        (PrincipalType::Service, Kind::App) => {
            Err(refused(format!("Service Principal oid mismatch for role[{role}].")))
        }
        // No report has the text for the token of another user: PostgreSQL's own is an assumption.
        (PrincipalType::User, Kind::User) => Err(password_failed(role)),
    }
}

fn refused(message: String) -> Fatal {
    Fatal { sqlstate: "28000", message, hint: None }
}

/// PostgreSQL's answer to a wrong password and to an unknown role (PostgreSQL documentation, "Authentication
/// Problems"). Azure/data-api-builder#2271 has it for a client ID in place of a role.
fn password_failed(role: &str) -> Fatal {
    Fatal { sqlstate: "28P01", message: format!("password authentication failed for user \"{role}\""), hint: None }
}

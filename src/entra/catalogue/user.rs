//! Sign-ins of users, such as with the Azure CLI. The exchange of a federated token does not return these codes.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    sources::ERROR_CODES,
};

const fn of_user(
    code: Aadsts,
    name: &'static str,
    templates: &'static [&'static str],
    meaning: &'static str,
    causes: &'static [&'static str],
) -> CatalogueEntry {
    CatalogueEntry {
        code,
        name: Some(name),
        errors: &[],
        templates,
        meaning,
        causes,
        confirm: &["`az account get-access-token` fails with the same code"],
        fix: &["sign in again: `az login` or `azd auth login`"],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    }
}

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    of_user(
        Aadsts::MFA_REQUIRED,
        "UserStrongAuthClientAuthNRequired",
        &[],
        "the user must pass multifactor authentication",
        &["a policy changed, or the user signs in from a new location"],
    ),
    of_user(
        Aadsts::MFA_EXPIRED,
        "UserStrongAuthExpired",
        &[],
        "the multifactor authentication of the user has expired",
        &["a policy of the tenant limits the lifetime of a multifactor authentication"],
    ),
    of_user(
        Aadsts::MFA_NOT_REGISTERED,
        "UserStrongAuthEnrollmentRequired",
        &[],
        "the user must register for multifactor authentication",
        &["a policy changed, or the user signs in from a new location"],
    ),
    of_user(
        Aadsts::SESSION_INVALID,
        "SsoArtifactInvalidOrExpired",
        &[],
        "the session of the user is no longer valid",
        &["the password expired or was changed"],
    ),
    of_user(
        Aadsts::GRANT_REVOKED,
        "FreshTokenNeeded",
        &["The provided grant has expired due to it being revoked, and a fresh auth token is needed."],
        "the sign-in of the user was revoked",
        &["an administrator or the user revoked the tokens, for example by changing the password"],
    ),
    of_user(
        Aadsts::CONSENT_MISSING,
        "DelegationDoesNotExist",
        &[],
        "the consent for the tool to sign in for the user is missing",
        &["the tenant requires consent for the tool and this resource"],
    ),
    of_user(
        Aadsts::SIGN_IN_TOO_OLD,
        "BadTokenDueToSignInFrequency",
        &["The refresh token has expired or is invalid due to sign-in frequency checks by"],
        "the sign-in of the user is older than a Conditional Access policy allows",
        &["a policy of the tenant requires users to sign in more often"],
    ),
    of_user(
        Aadsts::SIGN_IN_UNUSED,
        "ExpiredOrRevokedGrantInactiveToken",
        &["The refresh token has expired due to inactivity."],
        "the sign-in of the user expired because of inactivity",
        &["the tool was not used for a long time"],
    ),
];

//! Sign-ins of users, such as that of the Azure CLI. The exchange of a federated token does not get them.

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
        &["a policy of the tenant limits how long it lasts"],
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
        "the session of the user is not valid any more",
        &["the password expired or was changed"],
    ),
    of_user(
        Aadsts::GRANT_REVOKED,
        "FreshTokenNeeded",
        &["The provided grant has expired due to it being revoked, and a fresh auth token is needed."],
        "the sign-in of the user was revoked",
        &["an administrator or the user revoked the tokens, as by a change of the password"],
    ),
    of_user(
        Aadsts::CONSENT_MISSING,
        "DelegationDoesNotExist",
        &[],
        "nobody has consented that the tool signs in for the user",
        &["the tenant requires consent for the tool and this resource"],
    ),
    of_user(
        Aadsts::SIGN_IN_TOO_OLD,
        "BadTokenDueToSignInFrequency",
        &["The refresh token has expired or is invalid due to sign-in frequency checks by"],
        "the sign-in of the user is older than a Conditional Access policy allows",
        &["a policy of the tenant sets how often users must sign in"],
    ),
    of_user(
        Aadsts::SIGN_IN_UNUSED,
        "ExpiredOrRevokedGrantInactiveToken",
        &["The refresh token has expired due to inactivity."],
        "the sign-in of the user expired because nobody used it",
        &["the tool was not used for long"],
    ),
];

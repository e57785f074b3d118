use std::{fmt, num::ParseIntError, str::FromStr};

use super::catalogue::{self, CatalogueEntry};

/// An error code of Entra's token endpoint, listed in the catalogue or not.
///
/// ```
/// use issuer::Aadsts;
/// assert_eq!(Aadsts::AUDIENCE.to_string(), "AADSTS700212");
/// assert_eq!(Aadsts::AUDIENCE.code(), 700_212);
/// assert_eq!(Aadsts::AUDIENCE.meaning(), "no federated identity credential matches this audience");
///
/// for text in ["AADSTS700212", "aadsts700212", "700212"] {
///     assert_eq!(text.parse(), Ok(Aadsts::AUDIENCE));
/// }
/// let answer = "invalid_client: AADSTS700212: No matching federated identity record found";
/// assert_eq!(Aadsts::find_in(answer), Some(Aadsts::AUDIENCE));
///
/// let unknown = Aadsts::from(4711);
/// assert_eq!(unknown.entry(), None);
/// assert_eq!(unknown.meaning(), "this code is not in the catalogue");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aadsts(u32);

/// The codes that this crate predicts.
impl Aadsts {
    /// The token is malformed or not a JWT.
    pub const MALFORMED: Self = Self(50027);
    /// The header of the token has no `kid`.
    pub const KEY_ID_MISSING: Self = Self(5_002_723);
    /// The header of the token has a `typ` other than `JWT`.
    pub const TYPE: Self = Self(5_002_727);
    /// The token is signed with an algorithm that Entra does not accept.
    pub const ALGORITHM: Self = Self(5_002_738);
    /// A required claim is missing.
    pub const CLAIM_MISSING: Self = Self(90014);
    /// The request contains no assertion.
    pub const NO_ASSERTION: Self = Self(7_000_218);
    /// Entra could not fetch a document of the issuer.
    pub const UNREACHABLE: Self = Self(90061);
    /// The server of the issuer denied Entra access to a document, for example by a storage firewall.
    pub const BLOCKED: Self = Self(50166);
    /// Entra could not use the discovery document.
    pub const DISCOVERY: Self = Self(501_661);
    /// Entra could not use the JWKS.
    pub const KEY_SET: Self = Self(900_612);
    /// No federated identity credential has the token's issuer.
    pub const ISSUER: Self = Self(700_211);
    /// No federated identity credential has the token's audience.
    pub const AUDIENCE: Self = Self(700_212);
    /// No federated identity credential has the token's subject.
    pub const SUBJECT: Self = Self(700_213);
    /// The application or managed identity has no federated identity credential.
    pub const NO_CREDENTIAL: Self = Self(70025);
    /// Entra does not allow flexible federated identity credentials for the token's issuer.
    pub const EXPRESSION_NOT_ALLOWED: Self = Self(7_002_241);
    /// The token was itself issued for a federated identity credential.
    pub const CHAINED: Self = Self(700_231);
    /// The subject of the federated identity credential differs in upper and lower case.
    pub const SUBJECT_CASE: Self = Self(7_002_138);
    /// The issuer's JWKS does not contain the key that the token names.
    pub const KEY_NOT_FOUND: Self = Self(7_000_272);
    /// The lifetime of the token exceeds what Entra accepts.
    pub const LIFETIME: Self = Self(70023);
    /// Signature verification failed with the key that the token names.
    pub const SIGNATURE: Self = Self(700_027);
    /// The token has more than one audience. Observed with client assertions, not with a federated token.
    pub const AUDIENCES: Self = Self(5_002_741);
    /// The token has expired or is not valid yet.
    pub const TIME: Self = Self(700_024);
}

/// Other sign-in codes for which this crate has its own hints.
impl Aadsts {
    /// No federated identity credential matches issuer, subject and audience of the token (an older code).
    pub const NO_MATCH: Self = Self(70021);
    /// The tenant is not found.
    pub const TENANT_NOT_FOUND: Self = Self(90002);
    /// The tenant ID is malformed.
    pub const TENANT_MALFORMED: Self = Self(900_023);
    /// The tenant is in another cloud.
    pub const TENANT_REDIRECTED: Self = Self(90038);
    /// The application is in another cloud.
    pub const CROSS_CLOUD: Self = Self(900_382);
    /// The application is in another cloud: a second code with the text of [`CROSS_CLOUD`](Self::CROSS_CLOUD).
    pub const CROSS_CLOUD_REQUEST: Self = Self(900_432);
    /// An application of Azure Government signs in at the public authority host.
    pub const US_GOVERNMENT_AT_PUBLIC: Self = Self(900_439);
    /// A tenant of the public cloud signs in at the authority host of Azure Government.
    pub const PUBLIC_AT_US_GOVERNMENT: Self = Self(900_440);
    /// The tenant has no application or managed identity with this client ID.
    pub const APPLICATION_NOT_FOUND: Self = Self(700_016);
    /// The application is disabled in the tenant.
    pub const APPLICATION_DISABLED: Self = Self(7_000_112);
    /// The client secret does not belong to the application.
    pub const SECRET_INVALID: Self = Self(7_000_215);
    /// The client secret has expired.
    pub const SECRET_EXPIRED: Self = Self(7_000_222);
    /// The client repeats the same request, and Entra rejects it for some minutes.
    pub const REQUEST_LOOP: Self = Self(50196);
    /// A Conditional Access policy blocks the sign-in.
    pub const CONDITIONAL_ACCESS: Self = Self(53003);
    /// The user must pass multifactor authentication.
    pub const MFA_REQUIRED: Self = Self(50076);
    /// The multifactor authentication of the user has expired.
    pub const MFA_EXPIRED: Self = Self(50078);
    /// The user must register for multifactor authentication.
    pub const MFA_NOT_REGISTERED: Self = Self(50079);
    /// The session of the user is no longer valid.
    pub const SESSION_INVALID: Self = Self(50132);
    /// The sign-in of the user was revoked.
    pub const GRANT_REVOKED: Self = Self(50173);
    /// The consent for the tool to sign in for the user is missing.
    pub const CONSENT_MISSING: Self = Self(65001);
    /// The sign-in of the user is older than a policy allows.
    pub const SIGN_IN_TOO_OLD: Self = Self(70043);
    /// The sign-in of the user expired because of inactivity.
    pub const SIGN_IN_UNUSED: Self = Self(700_082);
}

impl Aadsts {
    /// The code with this number, even if the number is not in the catalogue.
    pub const fn new(code: u32) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The catalogue entry of the code; `None` if the code is not in the catalogue.
    pub fn entry(self) -> Option<&'static CatalogueEntry> {
        catalogue::find(self)
    }

    /// The meaning, as a clause.
    pub fn meaning(self) -> &'static str {
        self.entry().map_or("this code is not in the catalogue", |entry| entry.meaning)
    }

    /// All entries of the catalogue, in order of their number.
    ///
    /// ```
    /// use issuer::Aadsts;
    /// assert!(Aadsts::catalogue().is_sorted_by_key(|entry| entry.code));
    /// let tenant = Aadsts::catalogue().find(|entry| entry.name == Some("InvalidTenantName")).unwrap();
    /// assert_eq!(tenant.code.code(), 90002);
    /// ```
    pub fn catalogue() -> impl ExactSizeIterator<Item = &'static CatalogueEntry> {
        catalogue::all()
    }

    /// The first code in a text, such as an `error_description` or the output of a tool.
    pub fn find_in(text: &str) -> Option<Self> {
        text.match_indices(PREFIX).find_map(|(at, _)| {
            let digits = &text[at + PREFIX.len()..];
            let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
            digits[..end].parse().ok().map(Self)
        })
    }
}

const PREFIX: &str = "AADSTS";

impl From<u32> for Aadsts {
    fn from(code: u32) -> Self {
        Self(code)
    }
}

/// Parses `AADSTS700211`, in upper or lower case, and `700211`.
impl FromStr for Aadsts {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_prefix = text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        let number = if has_prefix { &text[PREFIX.len()..] } else { text };
        // Reject a plus sign, which `parse` accepts.
        let number = if number.starts_with('+') { "+" } else { number };
        number.parse().map(Self)
    }
}

impl fmt::Display for Aadsts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Aadsts;

    #[test]
    fn only_a_code_is_parsed() {
        for text in ["", "AADSTS", "AADSTS ", "700211 ", "+700211", "AADSTS+1", "-1", "4294967296", "AADST700211", "é"]
        {
            assert!(text.parse::<Aadsts>().is_err(), "{text:?}");
        }
        assert_eq!("AaDsTs0".parse(), Ok(Aadsts::new(0)));
    }

    #[test]
    fn first_code_in_a_text_is_found() {
        let found = |text| Aadsts::find_in(text).map(Aadsts::code);
        assert_eq!(found("the AADSTS code: AADSTS50166: Request failed; AADSTS1"), Some(50166));
        assert_eq!(found("AADSTS99999999999: too long; AADSTS2"), Some(2));
        assert_eq!(found("AADSTS"), None);
        assert_eq!(found("700211"), None);
    }
}

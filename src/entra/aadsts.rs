use std::fmt;

/// An error code of Entra's token endpoint, as far as a federated token can cause it.
///
/// Microsoft Learn, "Microsoft Entra authentication and authorization error codes", and the texts seen in the field;
/// Microsoft may change the codes.
///
/// ```
/// use issuer::Aadsts;
/// assert_eq!(Aadsts::AUDIENCE.to_string(), "AADSTS700212");
/// assert_eq!(Aadsts::AUDIENCE.code(), 700_212);
/// assert_eq!(Aadsts::AUDIENCE.meaning(), "no federated credential matches this audience");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aadsts(u32);

impl Aadsts {
    /// The token is not a JWT, or a malformed one.
    pub const MALFORMED: Self = Self(50027);
    /// The token's header names no key.
    pub const KEY_ID_MISSING: Self = Self(5_002_723);
    /// The token's header has a `typ` other than `JWT`.
    pub const TYPE: Self = Self(5_002_727);
    /// The token is signed with an algorithm Entra does not take.
    pub const ALGORITHM: Self = Self(5_002_738);
    /// A claim the exchange needs is absent.
    pub const CLAIM_MISSING: Self = Self(90014);
    /// The request held no assertion.
    pub const NO_ASSERTION: Self = Self(7_000_218);
    /// Entra could not fetch a document of the issuer.
    pub const UNREACHABLE: Self = Self(90061);
    /// Entra was kept from fetching a document of the issuer, as by a storage firewall.
    pub const BLOCKED: Self = Self(50166);
    /// Entra could not use the discovery document.
    pub const DISCOVERY: Self = Self(501_661);
    /// Entra could not use the JWKS.
    pub const KEY_SET: Self = Self(900_612);
    /// No federated credential has the token's issuer.
    pub const ISSUER: Self = Self(700_211);
    /// No federated credential has the token's audience.
    pub const AUDIENCE: Self = Self(700_212);
    /// No federated credential has the token's subject.
    pub const SUBJECT: Self = Self(700_213);
    /// The subject of the federated credential differs in upper and lower case.
    pub const SUBJECT_CASE: Self = Self(7_002_138);
    /// The issuer's JWKS does not hold the key the token names.
    pub const KEY_NOT_FOUND: Self = Self(7_000_272);
    /// The token lives longer than Entra accepts.
    pub const LIFETIME: Self = Self(70023);
    /// The signature is not one of the key the token names.
    pub const SIGNATURE: Self = Self(700_027);
    /// The token has more than one audience. Seen with client assertions, not with a federated token.
    pub const AUDIENCES: Self = Self(5_002_741);
    /// The token has expired or is not valid yet.
    pub const TIME: Self = Self(700_024);

    /// The number.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// What Entra means by it, in a clause.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::MALFORMED => "the token is malformed",
            Self::KEY_ID_MISSING => "the token's header names no key",
            Self::TYPE => "the token's header has a type Entra does not allow",
            Self::ALGORITHM => "the token is signed with an algorithm Entra does not take",
            Self::CLAIM_MISSING => "a required claim is missing",
            Self::NO_ASSERTION => "the request holds no assertion",
            Self::UNREACHABLE | Self::BLOCKED => "the request to the issuer failed",
            Self::DISCOVERY => "the issuer's discovery document is not usable",
            Self::KEY_SET => "the issuer's signing keys cannot be parsed",
            Self::ISSUER => "no federated credential matches this issuer",
            Self::AUDIENCE => "no federated credential matches this audience",
            Self::SUBJECT => "no federated credential matches this subject",
            Self::SUBJECT_CASE => "the subject matches a federated credential but for upper and lower case",
            Self::KEY_NOT_FOUND => "the issuer's keys do not hold the one the token names",
            Self::LIFETIME => "the token lives longer than 25 hours",
            Self::AUDIENCES => "the token has more than one audience",
            Self::SIGNATURE => "the token's signature is not valid",
            Self::TIME => "the token is outside its time of validity",
            Self(_) => "the exchange failed",
        }
    }
}

impl fmt::Display for Aadsts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AADSTS{}", self.0)
    }
}

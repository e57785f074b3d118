use issuer::{Aadsts, Assertion, Claims, CredentialMismatch, FederatedCredential, Finding, Hint};
use serde::Serialize;

use super::{
    super::{
        clean::{message, printable},
        output::{BAD, GOOD, STRONG, WARN},
    },
    text::columns,
};

/// The token and the federated identity credentials of a case, compared with each other and with the error.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Case {
    /// The issuer of the token, or that in the error if no token is given; null if there is none.
    issuer: Option<String>,
    /// The subject of the token, or that in the error if no token is given; null if there is none.
    subject: Option<String>,
    /// The audiences of the token, or that in the error if no token is given.
    audiences: Vec<String>,
    /// The values of the error that differ from those of the token; if there are any, the error is about another token.
    differences: Vec<Difference>,
    /// How the credentials compare; absent if none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<Comparison>,
    #[serde(skip)]
    is_token: bool,
}

/// A value of the error that differs from that of the token.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Difference {
    /// The name of the value.
    value: ValueName,
    /// The value in the error.
    error: String,
    /// The value in the token; null if the token has none.
    token: Option<String>,
}

/// The name of a compared value.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum ValueName {
    /// The issuer.
    Issuer,
    /// The subject.
    Subject,
    /// The audience.
    Audience,
}

/// How the token compares with the federated identity credentials.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Comparison {
    /// A credential matches.
    Matched {
        /// The name of the credential; null if it is not known.
        name: Option<String>,
    },
    /// No credential matches.
    Different {
        /// What differs, a clause.
        message: String,
        /// The value of the nearest credential; null if no values were compared.
        expected: Option<String>,
        /// The value of the token; null if no values were compared.
        seen: Option<String>,
        /// The number of the AADSTS code that Entra returns for this difference; null if none is known.
        aadsts: Option<u32>,
        /// The fix; null if none is known.
        fix: Option<String>,
    },
    /// The token was not compared.
    NotCompared {
        /// Why, a clause.
        because: String,
    },
}

impl Case {
    /// The case of a token.
    pub(super) fn of_token(
        claims: &Claims<'_>,
        findings: &[Finding],
        credentials: Option<&[FederatedCredential]>,
    ) -> Self {
        let audiences: Vec<_> = claims.aud.iter().flatten().map(ToString::to_string).collect();
        Self {
            issuer: claims.iss.as_ref().map(ToString::to_string),
            subject: claims.sub.as_ref().map(ToString::to_string),
            differences: differences(claims, findings),
            credential: credentials.map(|credentials| Assertion::from(claims).find(credentials).into()),
            audiences,
            is_token: true,
        }
    }

    /// The case of the values that the error names.
    pub(super) fn of_text(findings: &[Finding], credentials: &[FederatedCredential]) -> Self {
        let value = |name| named(findings, name);
        let [issuer, subject, audience] = [ValueName::Issuer, ValueName::Subject, ValueName::Audience].map(value);
        let mut assertion = Assertion::default();
        if let Some(issuer) = issuer {
            assertion = assertion.issuer(issuer);
        }
        if let Some(subject) = subject {
            assertion = assertion.subject(subject);
        }
        if let Some(audience) = audience {
            assertion = assertion.audience(audience);
        }
        let is_empty = [issuer, subject, audience].iter().all(Option::is_none) && !credentials.is_empty();
        let compared = || Comparison::from(assertion.find(credentials));
        Self {
            issuer: issuer.map(str::to_owned),
            subject: subject.map(str::to_owned),
            audiences: audience.into_iter().map(str::to_owned).collect(),
            differences: Vec::new(),
            credential: Some(if is_empty { Comparison::without_values() } else { compared() }),
            is_token: false,
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut lines = vec![format!("{STRONG}in this case{STRONG:#}")];
        let of = if self.is_token { "token" } else { "error" };
        let audiences = Some(self.audiences.join(", ")).filter(|audiences| !audiences.is_empty());
        let values = [("issuer", &self.issuer), ("subject", &self.subject), ("audience", &audiences)];
        let shown = values.into_iter().filter(|(_, value)| self.is_token || value.is_some());
        let shown = shown.map(|(name, value)| (format!("{of} {name}"), value.as_deref().unwrap_or("(none)")));
        lines.extend(columns(shown));
        for Difference { value, error, token } in &self.differences {
            let token = token.as_deref().unwrap_or("(none)");
            lines.push(format!(
                "  {BAD}difference{BAD:#}: the error is about another token, because it names another {}",
                value.word()
            ));
            lines.push(format!("      error  {}", printable(error)));
            lines.push(format!("      token  {}", printable(token)));
        }
        match &self.credential {
            None => {}
            Some(Comparison::Matched { name }) => {
                let name = name.as_ref().map(|name| format!(" {}", printable(name))).unwrap_or_default();
                let what = if self.is_token { "" } else { " as far as the error names values" };
                lines.push(format!("  {GOOD}match{GOOD:#}: the federated identity credential{name} matches{what}"));
                lines.push("    if it was created or changed a few minutes ago, wait and retry".to_owned());
                lines.push(
                    "    otherwise check that it belongs to the identity that AZURE_CLIENT_ID names, and that the workload sends this token".to_owned(),
                );
            }
            Some(Comparison::Different { message: because, expected, seen, aadsts, fix }) => {
                lines.push(format!("  {BAD}mismatch{BAD:#}: {}", message(because)));
                if let (Some(expected), Some(seen)) = (expected, seen) {
                    lines.push(format!("      expected  {}", printable(expected)));
                    lines.push(format!("      seen      {}", printable(seen)));
                }
                lines.extend(aadsts.map(|code| format!("    Entra answers {} for this", Aadsts::new(code))));
                lines.extend(fix.as_ref().map(|fix| format!("  {STRONG}fix{STRONG:#}: {}", message(fix))));
            }
            Some(Comparison::NotCompared { because }) => {
                lines.push(format!("  {WARN}unknown{WARN:#}: the credentials were not compared: {}", message(because)));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// The values of the error that differ from those of the token.
fn differences(claims: &Claims<'_>, findings: &[Finding]) -> Vec<Difference> {
    let audiences: Vec<&str> = claims.aud.iter().flatten().map(AsRef::as_ref).collect();
    let token = [
        (ValueName::Issuer, claims.iss.as_deref().into_iter().collect()),
        (ValueName::Subject, claims.sub.as_deref().into_iter().collect()),
        (ValueName::Audience, audiences),
    ];
    let different = token.into_iter().filter_map(|(value, seen): (_, Vec<&str>)| {
        let error = named(findings, value).filter(|error| !seen.contains(error))?;
        let token = Some(seen.join(", ")).filter(|token| !token.is_empty());
        Some(Difference { value, error: error.to_owned(), token })
    });
    different.collect()
}

/// The first value with this name in the errors of Entra. Errors of resources are about access tokens.
fn named(findings: &[Finding], name: ValueName) -> Option<&str> {
    let mut of_entra = findings.iter().filter(|finding| finding.failure.code().is_some());
    of_entra.find_map(|finding| finding.value(name.word()))
}

impl ValueName {
    const fn word(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Subject => "subject",
            Self::Audience => "audience",
        }
    }
}

impl Comparison {
    fn without_values() -> Self {
        let because = "the error names no issuer, subject or audience; pass --token FILE".to_owned();
        Self::NotCompared { because }
    }
}

impl From<Result<&FederatedCredential, CredentialMismatch>> for Comparison {
    fn from(found: Result<&FederatedCredential, CredentialMismatch>) -> Self {
        match found {
            Ok(credential) => Self::Matched { name: credential.name.clone() },
            Err(mismatch @ CredentialMismatch::ExpressionNotEvaluated { .. }) => {
                Self::NotCompared { because: mismatch.to_string() }
            }
            Err(mismatch) => {
                let (expected, seen) = mismatch.expected_and_seen().unzip();
                Self::Different {
                    message: mismatch.to_string(),
                    expected,
                    seen,
                    aadsts: mismatch.aadsts().map(Aadsts::code),
                    fix: mismatch.hint(),
                }
            }
        }
    }
}

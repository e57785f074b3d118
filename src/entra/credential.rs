use super::TOKEN_EXCHANGE_AUDIENCE;

/// A federated identity credential of an application or managed identity.
///
/// ```
/// use issuer::FederatedCredential;
/// let listed = r#"[{
///     "name": "prod-app",
///     "issuer": "https://issuer.example.com",
///     "subject": "system:serviceaccount:shop:orders",
///     "audiences": ["api://AzureADTokenExchange"]
/// }]"#;
/// let credentials = FederatedCredential::read(listed.as_bytes())?;
/// assert_eq!(credentials[0].name.as_deref(), Some("prod-app"));
/// assert!(credentials[0].problems().is_empty());
///
/// let given = "issuer=https://issuer.example.com,subject=system:serviceaccount:shop:orders,audience=api://AzureADTokenExchange";
/// assert_eq!(given.parse(), Ok(FederatedCredential { name: None, ..credentials[0].clone() }));
/// # Ok::<(), issuer::CredentialError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FederatedCredential {
    /// The name, if it is known.
    pub name: Option<String>,
    /// The issuer of the tokens.
    pub issuer: String,
    /// The subject of the tokens; `None` for a flexible federated identity credential.
    pub subject: Option<String>,
    /// The expression that claims must match, of a flexible federated identity credential.
    pub expression: Option<String>,
    /// The audiences. Entra accepts exactly one.
    pub audiences: Vec<String>,
}

/// The maximum length of issuer, subject and audience, in characters (Microsoft Learn, "Important considerations and
/// restrictions for federated identity credentials").
const VALUE_MAX: usize = 600;

/// The issuers whose tokens an expression may match (Microsoft Learn, "Flexible federated identity credentials").
const WITH_EXPRESSIONS: [&str; 3] =
    ["https://token.actions.githubusercontent.com", "https://gitlab.com", "https://app.terraform.io"];

impl FederatedCredential {
    /// A credential for the tokens of a service account, with the default audience `api://AzureADTokenExchange`.
    ///
    /// ```
    /// use issuer::{FederatedCredential, TOKEN_EXCHANGE_AUDIENCE};
    /// let credential = FederatedCredential::new("https://issuer.example.com", "system:serviceaccount:shop:orders");
    /// assert_eq!(credential.audiences, [TOKEN_EXCHANGE_AUDIENCE]);
    /// ```
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: Some(subject.into()),
            audiences: vec![TOKEN_EXCHANGE_AUDIENCE.to_owned()],
            ..Self::default()
        }
    }

    /// The rules that the credential breaks. Entra rejects such a credential, or it matches no token.
    pub fn problems(&self) -> Vec<CredentialProblem> {
        let mut problems = Vec::new();
        if let Some(name) = self.name.as_deref().filter(|name| !is_name(name)) {
            problems.push(CredentialProblem::Name(name.to_owned()));
        }
        match (&self.subject, &self.expression) {
            (Some(_), Some(_)) => problems.push(CredentialProblem::SubjectAndExpression),
            (None, None) => problems.push(CredentialProblem::NoSubject),
            (None, Some(_)) if !supports_expressions(&self.issuer) => {
                problems.push(CredentialProblem::Expression(self.issuer.clone()));
            }
            _ => {}
        }
        if self.audiences.len() != 1 {
            problems.push(CredentialProblem::Audiences(self.audiences.len()));
        }
        let subject = self.subject.iter().map(|subject| ("subject", subject));
        let audiences = self.audiences.iter().map(|audience| ("audience", audience));
        for (member, value) in [("issuer", &self.issuer)].into_iter().chain(subject).chain(audiences) {
            if value.trim() != value {
                problems.push(CredentialProblem::WhiteSpace(member));
            }
            if value.contains('*') {
                problems.push(CredentialProblem::Wildcard(member));
            }
            if !fits(value) {
                problems.push(CredentialProblem::Length(member, value.chars().count()));
            }
        }
        problems
    }

    /// Whether an audience of a token matches. A credential with another number of audiences than one cannot exist.
    pub(super) fn has_audience(&self, audience: &str) -> bool {
        matches!(&self.audiences[..], [only] if only == audience && fits(only))
    }
}

/// Whether an expression may match tokens of this issuer.
pub(super) fn supports_expressions(issuer: &str) -> bool {
    WITH_EXPRESSIONS.contains(&issuer)
}

/// Whether a value is short enough for a credential.
pub(super) fn fits(value: &str) -> bool {
    value.chars().count() <= VALUE_MAX
}

/// 3 to 120 letters, digits, dashes and underscores; the first is a letter or a digit.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (3..=120).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with(['-', '_'])
}

/// A rule of Entra that a federated identity credential breaks.
///
/// Microsoft Learn, "Important considerations and restrictions for federated identity credentials".
///
/// ```
/// use issuer::{CredentialProblem, FederatedCredential};
/// let credential = FederatedCredential::new("https://issuer.example.com ", "system:serviceaccount:shop:*");
/// let problems = credential.problems();
/// assert_eq!(problems, [CredentialProblem::WhiteSpace("issuer"), CredentialProblem::Wildcard("subject")]);
/// assert_eq!(problems[1].to_string(), "the subject contains *; Entra supports no wildcards");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialProblem {
    /// The name is not allowed.
    #[error("the name {0:?} is not 3 to 120 letters, digits, - and _ with a letter or digit first")]
    Name(String),
    /// Subject and expression exclude each other.
    #[error("it has both a subject and a claimsMatchingExpression")]
    SubjectAndExpression,
    /// Neither a subject nor an expression is given.
    #[error("it has no subject")]
    NoSubject,
    /// Entra does not allow expressions for this issuer.
    #[error(
        "it has a claimsMatchingExpression, which Entra allows only for GitHub, GitLab and Terraform Cloud, not for {0}"
    )]
    Expression(String),
    /// The number of audiences is not one.
    #[error("it has {0} audiences; Entra requires exactly one")]
    Audiences(usize),
    /// A value starts or ends with white space.
    #[error("the {0} starts or ends with white space; Entra compares it as it is")]
    WhiteSpace(&'static str),
    /// A value has a wildcard.
    #[error("the {0} contains *; Entra supports no wildcards")]
    Wildcard(&'static str),
    /// A value is too long.
    #[error("the {0} has {1} characters; Entra accepts at most 600")]
    Length(&'static str, usize),
}

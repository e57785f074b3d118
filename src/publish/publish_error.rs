use crate::{
    hint::Hint,
    plan::{Plan, PlanRefusal},
    site::SiteError,
};

/// Why documents were not published or removed.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{DesiredState, Hint, KeySet, PublishError, SystemClock, site::Memory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/mixed-keys/p256.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let error = issuer::publish(&Memory::default(), &desired, &SystemClock).await.unwrap_err();
/// assert!(matches!(&error, PublishError::Refused { plan, written: false, .. } if plan.refusals.len() == 1));
/// assert!(error.hint().unwrap().starts_with("sign with an RSA key"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The plan has refusals: it would remove something without a request, or publish documents that Entra cannot use.
    #[error("cannot publish to {site}: {}", refusal_of(.plan))]
    Refused {
        /// The site.
        site: String,
        /// The plan, with every reason in its `refusals`.
        plan: Box<Plan>,
        /// Whether the JWKS was written before another publisher's change led to the refusal.
        written: bool,
    },
    /// Other publishers changed the site before every attempt to write.
    #[error("other publishers changed {site} during each of {attempts} attempts to publish")]
    Contended {
        /// The site.
        site: String,
        /// The number of attempts.
        attempts: u32,
    },
    /// The site cannot be read or written.
    #[error(transparent)]
    Site(#[from] SiteError),
}

impl Hint for PublishError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { plan, .. } => plan.refusals.first().and_then(PlanRefusal::hint),
            Self::Contended { .. } => Some("run it again".to_owned()),
            Self::Site(error) => error.hint(),
        }
    }
}

fn refusal_of(plan: &Plan) -> String {
    plan.refusals.first().map_or_else(String::new, ToString::to_string)
}

use issuer::{Hint, PlanRefusal, RemovalRefusal};
use serde::Serialize;

/// A reason why nothing is published or removed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct RefusalAnswer {
    /// The reason, a sentence.
    pub(crate) message: String,
    /// The next step.
    pub(crate) hint: String,
}

impl From<&PlanRefusal> for RefusalAnswer {
    fn from(refusal: &PlanRefusal) -> Self {
        Self { message: refusal.to_string(), hint: refusal.hint().unwrap_or_default() }
    }
}

impl From<&RemovalRefusal> for RefusalAnswer {
    fn from(refusal: &RemovalRefusal) -> Self {
        Self { message: refusal.to_string(), hint: refusal.hint().unwrap_or_default() }
    }
}

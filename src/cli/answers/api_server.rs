use issuer::{FlagPlace, IssuerChange};
use serde::Serialize;

use crate::cli::{api_server, output::STRONG};

/// What the API server says about its own issuer.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct ApiServer {
    /// The URL of the API server.
    pub(crate) server: String,
    /// The issuer of new tokens, byte for byte.
    pub(crate) issuer: String,
    /// The `jwks_uri` of the API server, which is never published.
    pub(crate) jwks_uri: String,
    /// The steps that change the API server to the published issuer without an outage; empty if it has this issuer.
    pub(crate) steps: Vec<Step>,
}

/// A step of the change of an issuer.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Step {
    /// What to do, a sentence.
    pub(crate) text: String,
    /// The flags of every API server after this step; empty if they do not change.
    pub(crate) flags: Vec<String>,
}

impl ApiServer {
    /// Beside the issuer that is published.
    pub(crate) fn beside(api_server: &api_server::ApiServer, published: &str) -> Self {
        let api_server::ApiServer { server, issuer, jwks_uri, .. } = api_server.clone();
        let change = (issuer != published).then(|| IssuerChange::new(&issuer, published));
        let steps = change.iter().flat_map(IssuerChange::steps);
        let steps = steps.map(|step| Step { text: step.text, flags: step.flags }).collect();
        Self { server, issuer, jwks_uri, steps }
    }

    /// The lines that say how to change the issuer of the API server; none if it has the published issuer.
    pub(crate) fn change_lines(&self) -> Vec<String> {
        if self.steps.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![format!("{STRONG}change the issuer of the API server{STRONG:#}")];
        for (index, step) in self.steps.iter().enumerate() {
            lines.push(format!("  {}. {}", index + 1, step.text));
            lines.extend(step.flags.iter().map(|flag| format!("     {flag}")));
        }
        lines.extend([
            "  Restart the API servers one after another after steps 2, 3 and 4.".to_owned(),
            String::new(),
            format!("{STRONG}where the flags are set{STRONG:#}"),
        ]);
        for FlagPlace { tool, place, applied_by, .. } in &FlagPlace::ALL {
            lines.push(format!("  {tool:11}  {place}"));
            lines.push(format!("  {:11}  {applied_by}", ""));
        }
        lines
    }
}

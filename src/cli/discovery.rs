use std::path::PathBuf;

use clap::Args;
use issuer::{IssuerUrl, JwksUri};
use serde_json::json;

use super::{Exit, Failure, Output, inputs::KeyInputs, jwks::print_or_write, values};

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Print the discovery document of an issuer";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Example:\n  issuer discovery --issuer https://issuer.example.com sa.pub")]
pub(crate) struct Discovery {
    #[command(flatten)]
    keys: KeyInputs,
    /// The issuer URL, byte for byte as in --service-account-issuer
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Where the JWKS is [default: openid/v1/jwks below the issuer]
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Print exactly what the API server serves: compact, no newline
    #[arg(long)]
    compact: bool,
    /// Write to a file, in one step, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Discovery {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let issuer: IssuerUrl = values::parse(&self.issuer)?;
        let jwks_uri: JwksUri = match &self.jwks_uri {
            Some(uri) => values::parse(uri)?,
            None => issuer.jwks_uri(),
        };
        let keys = self.keys.read(output)?;
        let discovery = issuer::Discovery::new(&issuer, &jwks_uri, keys.iter());
        let bytes = if self.compact { discovery.to_bytes() } else { discovery.to_pretty() };
        print_or_write(output, &bytes, &self.keys, self.out, json!({ "issuer": issuer.as_str() }))
    }
}

use std::path::PathBuf;

use clap::Args;
use issuer::{IssuerUrl, JwksUri};
use serde::Serialize;

use super::{Exit, Failure, Output, inputs::KeyInputs, jwks::print_or_write, values};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Print the discovery document of an issuer";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Print the OpenID Connect discovery document of an issuer, with the members that the API server serves.",
    after_help = "Example:\n  issuer discovery --issuer https://issuer.example.com sa.pub"
)]
pub(crate) struct Discovery {
    #[command(flatten)]
    keys: KeyInputs,
    /// Set the issuer URL, byte for byte as in --service-account-issuer
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Set the URL of the JWKS [default: openid/v1/jwks below the issuer URL]
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Print the exact bytes that the API server serves
    ///
    /// This is compact JSON without a newline at the end. By default the JSON is indented.
    #[arg(long)]
    compact: bool,
    /// Write to this file instead of standard output
    ///
    /// The file is replaced atomically: a reader sees the old content or the new content.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A discovery document that was written to a file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Written {
    /// The issuer URL, byte for byte.
    issuer: String,
    /// The path of the file.
    out: String,
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
        let issuer = issuer.to_string();
        print_or_write(output, &bytes, &self.keys, self.out, |out| Written { issuer, out })
    }
}

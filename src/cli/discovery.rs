use std::path::PathBuf;

use clap::Args;
use issuer::{IssuerUrl, JwksUri};
use serde::Serialize;

use super::{
    Exit, Failure, Output,
    inputs::{KeyInputs, KeysRead},
    jwks::print_or_write,
    values,
};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Print the discovery document of an issuer";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Print the OpenID Connect discovery document of an issuer, with the members that the API server serves.",
    after_help = "Examples:\n  issuer discovery --issuer https://issuer.example.com sa.pub\n  issuer discovery --from-cluster"
)]
pub(crate) struct Discovery {
    #[command(flatten)]
    keys: KeyInputs,
    /// Set the issuer URL, byte for byte as in --service-account-issuer
    ///
    /// The default with --from-cluster is the issuer of the API server.
    #[arg(long, value_name = "URL", required_unless_present = "from_cluster")]
    issuer: Option<String>,
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
        // Usage errors come before the first request.
        let given: Option<IssuerUrl> = self.issuer.as_deref().map(values::parse).transpose()?;
        let jwks_uri: Option<JwksUri> = self.jwks_uri.as_deref().map(values::parse).transpose()?;
        let (issuer, keys) = if let Some(issuer) = given {
            (issuer, self.keys.read(output)?)
        } else {
            let KeysRead { keys, api_server } = self.keys.read_with_issuer(false, output)?;
            let issuer = api_server.map(|api_server| api_server.issuer).unwrap_or_default();
            (values::parse(&issuer)?, keys)
        };
        let jwks_uri = jwks_uri.unwrap_or_else(|| issuer.jwks_uri());
        let discovery = issuer::Discovery::new(&issuer, &jwks_uri, keys.iter());
        let bytes = if self.compact { discovery.to_bytes() } else { discovery.to_pretty() };
        let issuer = issuer.to_string();
        print_or_write(output, &bytes, &self.keys, self.out, |out| Written { issuer, out })
    }
}

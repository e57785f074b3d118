//! The checks of `verify` on a token and its issuer.

use issuer::{
    Aadsts, Assertion, CheckName, Expectations, FederatedCredential, Hint, IDENTITY_BINDING_AUDIENCE, IssuerUrl,
    Outcome, RelyingParty, Report, Timestamp, Token, TrustedIssuer, Verifier, VerifyWarning,
};

use super::{
    super::{Failure, Output, verify::trust::Trusted},
    answer::Check,
};

/// The object of the checks of a token.
const TOKEN: &str = "token";

/// A token or an issuer to verify, and how.
pub(super) struct Verification<'a> {
    pub(super) trusted: &'a Trusted,
    pub(super) credentials: Option<&'a [FederatedCredential]>,
    /// Whether documents may be fetched over the network.
    pub(super) fetches: bool,
    /// Whether the token goes to the proxy of an identity binding, not to Entra.
    pub(super) has_proxy: bool,
}

impl Verification<'_> {
    /// Verifies a token as `issuer verify` does.
    pub(super) fn token(&self, text: &str, now: Timestamp, output: &mut Output) -> Result<Vec<Check>, Failure> {
        let mut buffer = Vec::new();
        let token = Token::parse(text, &mut buffer).ok();
        let assertion = token.as_ref().map(|token| Assertion::from(&token.claims)).unwrap_or_default();
        let audiences = token.as_ref().and_then(|token| token.claims.aud.as_ref());
        let mut found = Vec::new();
        if audiences.is_some_and(|audiences| audiences.iter().any(|audience| audience == IDENTITY_BINDING_AUDIENCE)) {
            if self.has_proxy {
                let message = "the token goes to the proxy of an identity binding, which presents another to Entra";
                return Ok(vec![Check::skipped("identity_binding", TOKEN, message)]);
            }
            let message = "the token is for the proxy of identity bindings, and Entra does not accept it";
            let fix = "enable the proxy for identity bindings in the SDK, or remove the annotation azure.workload.identity/use-identity-binding of the pod";
            let check = Check::failed("identity_binding", TOKEN, message).fix(fix);
            found.push(check.aadsts(Some(Aadsts::AUDIENCE)));
        }
        let named = token.as_ref().and_then(|token| token.claims.iss.as_deref());
        let issuers: Vec<IssuerUrl> = match &self.trusted.issuers[..] {
            [] => named.and_then(|text| text.parse().ok()).into_iter().collect(),
            issuers => issuers.to_vec(),
        };
        let mismatch = self.credentials.and_then(|credentials| assertion.find(credentials).err());
        let is_decided = mismatch.is_some_and(|mismatch| mismatch.is_before_fetching());
        let trusted = if self.trusted.fetches() && (is_decided || !self.fetches) {
            issuers.into_iter().map(TrustedIssuer::not_fetched).collect()
        } else {
            self.trusted.read(issuers, output)?
        };
        let issuer = trusted.first().map(|issuer| issuer.url().to_string());
        let verifier: Verifier = trusted.into_iter().collect();
        let expectations = match self.credentials {
            Some(credentials) => Expectations::entra().credentials(credentials.iter().cloned()),
            None => Expectations::entra(),
        };
        let report = verifier.examine(text, &expectations, now);
        found.extend(checks(&report, issuer.as_deref()));
        Ok(found)
    }

    /// Checks the documents of the issuer that the command line names, without a token.
    pub(super) fn issuer(&self, output: &mut Output) -> Result<Vec<Check>, Failure> {
        let mut checks = Vec::new();
        for issuer in self.trusted.read(self.trusted.issuers.clone(), output)? {
            let object = issuer_object(issuer.url().as_str());
            match issuer.judge(RelyingParty::Entra) {
                Ok(()) => {
                    checks.push(Check::passed("discovery", &object, "it can be read and names this issuer"));
                    checks.push(Check::passed("key_set", &object, "it can be read and has usable keys"));
                }
                Err(refusal) => checks.push(Check::refused(&id(refusal.check()), &object, &refusal)),
            }
            checks.extend(issuer.warnings().iter().map(|warning| warned(warning, "issuer", &object)));
        }
        Ok(checks)
    }
}

/// The checks of a report. Those of the documents are about the issuer.
fn checks(report: &Report, issuer: Option<&str>) -> Vec<Check> {
    let of_issuer = issuer.map_or_else(|| "issuer".to_owned(), issuer_object);
    let (mut of_token, mut of_documents) = (Vec::new(), Vec::new());
    for checked in &report.checks {
        let is_document = matches!(checked.name, CheckName::Discovery | CheckName::KeySet);
        let object = if is_document { of_issuer.as_str() } else { TOKEN };
        let name = id(checked.name);
        let check = match &checked.outcome {
            Outcome::Passed(seen) => Check::passed(&name, object, seen.clone()),
            Outcome::Failed(refusal) => Check::refused(&name, object, refusal),
            Outcome::Skipped(because) => Check::skipped(&name, object, because.clone()),
        };
        if is_document { of_documents.push(check) } else { of_token.push(check) }
    }
    of_token.extend(report.warnings.iter().map(|warning| warned(warning, "token", TOKEN)));
    of_token.extend(of_documents);
    of_token
}

fn issuer_object(url: &str) -> String {
    format!("issuer {url}")
}

fn warned(warning: &VerifyWarning, check: &str, object: &str) -> Check {
    let check = Check::warning(check, object, warning.to_string()).aadsts(warning.aadsts());
    Check { fix: warning.hint(), ..check }
}

fn id(name: CheckName) -> String {
    name.to_string().replace(' ', "_")
}

/// The issuer that a token names.
pub(super) fn named_issuer(text: &str) -> Option<String> {
    let mut buffer = Vec::new();
    Token::parse(text, &mut buffer).ok()?.claims.iss.map(std::borrow::Cow::into_owned)
}

/// Sends a request to the authority host (OpenID Connect Discovery 1.0 section 4).
pub(super) fn authority(trusted: &Trusted, host: Option<&str>, tenant: Option<&str>) -> Result<Check, Failure> {
    let host = host.unwrap_or(issuer::Cloud::Public.authority_host()).trim_end_matches('/');
    let object = "authority host";
    let Ok(parsed) = host.parse::<IssuerUrl>() else {
        return Ok(Check::skipped("authority", object, "AZURE_AUTHORITY_HOST is not an https URL"));
    };
    let tenant = tenant.filter(|tenant| super::pod::is_tenant(tenant)).unwrap_or("common");
    let url = format!("{parsed}/{tenant}/v2.0/.well-known/openid-configuration");
    let fetcher = trusted.fetcher();
    Ok(match super::super::runtime::block_on(async { fetcher.fetch(&url).await })? {
        Ok(_) => Check::passed("authority", object, format!("{parsed} answers")),
        Err(error) => {
            let fix = "allow requests to this host in the network policy, firewall or proxy (HTTPS_PROXY) of the pod";
            Check::failed("authority", object, error.to_string()).fix(fix)
        }
    })
}

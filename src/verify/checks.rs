//! The list of checks that both `verify` and `examine` use.

use aws_lc_rs::signature::ParsedPublicKey;
use jiff::{SignedDuration, Timestamp};

use super::{
    CheckName, Expectations, Refusal, RelyingParty, TrustedIssuer, Verifier, VerifyWarning,
    clipped::{clipped, first_of},
    key_ring::Ready,
    refusal::{hours, second},
    trusted_issuer::DiscoveryState,
};
use crate::{
    entra::{self, Assertion, CredentialMismatch, FederatedCredential},
    issuer_url::IssuerUrl,
    key::Algorithm,
    token::{Token, TokenError, subject_parts},
};

/// A token, the verifier and the expectations: the input of every check.
pub(super) struct Case<'a> {
    verifier: &'a Verifier,
    /// The trusted issuer that the token names.
    trusted: Option<&'a TrustedIssuer>,
    pub(super) token: Result<Token<'a>, TokenError>,
    expectations: &'a Expectations,
    now: Timestamp,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        verifier: &'a Verifier,
        token: Result<Token<'a>, TokenError>,
        expectations: &'a Expectations,
        now: Timestamp,
    ) -> Self {
        let named = token.as_ref().ok().and_then(|token| token.claims.iss.as_deref());
        Self { verifier, trusted: verifier.select(named), token, expectations, now }
    }
}

impl Case<'_> {
    /// Reasons why the relying party may reject the token although every check passes.
    pub(super) fn warnings(&self) -> Vec<VerifyWarning> {
        let relying_party = self.expectations.relying_party;
        let published = self.trusted.map(TrustedIssuer::warnings).unwrap_or_default();
        let audiences = self.token.as_ref().ok().and_then(|token| token.claims.aud.as_ref()).map_or(0, Vec::len);
        let several = (audiences > 1).then_some(VerifyWarning::Audiences(audiences));
        let credentials = self.expectations.compared().unwrap_or_default().iter().flat_map(|credential| {
            let warning = |problem| VerifyWarning::Credential { name: credential.name.clone(), problem };
            credential.problems().into_iter().map(warning)
        });
        published
            .iter()
            .cloned()
            .chain(several)
            .chain(credentials)
            .filter(|warning| warning.concerns(relying_party))
            .collect()
    }
}

pub(super) enum Verdict {
    Passed,
    Failed(Refusal),
    /// The check does not apply; the clause gives the reason.
    Skipped(&'static str),
    /// The check is not part of the report.
    Omitted,
}

use Verdict::{Failed, Omitted, Passed, Skipped};

pub(super) struct Check {
    pub(super) name: CheckName,
    pub(super) judge: fn(&Case<'_>) -> Verdict,
    /// Describes what was seen; called only if the check passed.
    pub(super) seen: fn(&Case<'_>) -> String,
}

/// The credential check is made once for a token: before the documents if no credential has its issuer, else after the
/// lifetime.
pub(super) const CHECKS: [Check; 12] = [
    Check { name: CheckName::Token, judge: judge_token, seen: see_token },
    Check { name: CheckName::Issuer, judge: judge_issuer, seen: see_issuer },
    Check { name: CheckName::Credential, judge: judge_issuer_of_credentials, seen: see_credential },
    Check { name: CheckName::Discovery, judge: judge_discovery, seen: see_discovery },
    Check { name: CheckName::KeySet, judge: judge_key_set, seen: see_key_set },
    Check { name: CheckName::Key, judge: judge_key, seen: see_key },
    Check { name: CheckName::Signature, judge: judge_signature, seen: see_signature },
    Check { name: CheckName::Lifetime, judge: judge_lifetime, seen: see_lifetime },
    Check { name: CheckName::Credential, judge: judge_credential, seen: see_credential },
    Check { name: CheckName::Audience, judge: judge_audience, seen: see_audience },
    Check { name: CheckName::Subject, judge: judge_subject, seen: see_subject },
    Check { name: CheckName::Time, judge: judge_time, seen: see_time },
];

const NO_TOKEN: Verdict = Skipped("the token cannot be parsed");
const NO_ISSUER: Verdict = Skipped("the token names no trusted issuer");
const NOT_FETCHED: Verdict = Skipped("the documents were not fetched");
const NO_KEY_SET: Verdict = Skipped("there is no usable JWKS");

fn judge_token(case: &Case<'_>) -> Verdict {
    let token = match &case.token {
        Ok(token) => token,
        Err(error) => return Failed(Refusal::Malformed(error.clone())),
    };
    let header = &token.header;
    if token.claims.legacy_namespace.is_some() {
        return Failed(Refusal::Legacy);
    }
    let accepted = match (case.expectations.relying_party, Algorithm::from_name(&header.alg)) {
        (_, Some(Algorithm::Rs256)) | (RelyingParty::Oidc, Some(_)) => None,
        (RelyingParty::Entra, _) => Some("RS256"),
        (RelyingParty::Oidc, None) => Some("RS256, ES256, ES384 or ES512"),
    };
    if let Some(accepted) = accepted {
        return Failed(Refusal::Algorithm { alg: clipped(&header.alg), accepted });
    }
    if header.kid.as_deref().unwrap_or_default().is_empty() {
        return Failed(Refusal::KeyIdMissing);
    }
    // Entra accepts these two types; RFC 7519 section 5.1 recommends upper case for JWT, but does not require it.
    let typ = header.typ.as_deref().unwrap_or("JWT");
    if !typ.eq_ignore_ascii_case("JWT") && typ != "http://openid.net/specs/jwt/1.0" {
        return Failed(Refusal::Type(clipped(typ)));
    }
    match &header.crit {
        Some(names) => Failed(Refusal::Critical(first_of(names))),
        None if header.b64 == Some(false) => Failed(Refusal::Malformed(TokenError::Unencoded)),
        None => Passed,
    }
}

fn see_token(case: &Case<'_>) -> String {
    case.token.as_ref().map_or_else(
        |_| String::new(),
        |token| format!("{}, kid {}", token.header.alg, token.header.kid.as_deref().unwrap_or_default()),
    )
}

fn judge_issuer(case: &Case<'_>) -> Verdict {
    let Ok(token) = &case.token else { return NO_TOKEN };
    let Some(seen) = &token.claims.iss else { return Failed(Refusal::IssuerMissing) };
    let differs = |trusted: &TrustedIssuer| {
        Failed(Refusal::Issuer { expected: trusted.url.as_str().to_owned(), seen: clipped(seen) })
    };
    match case.trusted {
        Some(trusted) if trusted.url.as_str() == seen => Passed,
        Some(trusted) => differs(trusted),
        None if case.verifier.trusted() > 0 => match case.verifier.near(seen) {
            Some(near) => differs(near),
            None => Failed(Refusal::IssuerUntrusted { seen: clipped(seen), trusted: case.verifier.trusted() }),
        },
        None => Failed(Refusal::IssuerUrl(match seen.parse::<IssuerUrl>() {
            Ok(_) => "the verifier trusts no issuer".to_owned(),
            Err(error) => error.to_string(),
        })),
    }
}

fn see_issuer(case: &Case<'_>) -> String {
    case.trusted.map_or_else(String::new, |trusted| trusted.url.to_string())
}

fn judge_discovery(case: &Case<'_>) -> Verdict {
    let Some(trusted) = case.trusted else { return NO_ISSUER };
    match (trusted.judge_discovery(case.expectations.relying_party), &trusted.discovery) {
        (Err(Refusal::DiscoveryIssuer { expected, seen, .. }), _) => {
            let has_credential = of_issuer(case).is_some_and(|found| found.is_ok());
            Failed(Refusal::DiscoveryIssuer { expected, seen, has_credential })
        }
        (Err(refusal), _) => Failed(refusal),
        (Ok(()), DiscoveryState::NotFetched) => NOT_FETCHED,
        (Ok(()), DiscoveryState::NotAsked) => Skipped("the caller passed the JWKS"),
        (Ok(()), _) => Passed,
    }
}

fn see_discovery(case: &Case<'_>) -> String {
    match case.trusted.map(|trusted| &trusted.discovery) {
        Some(DiscoveryState::Good(seen)) => seen.clone(),
        _ => String::new(),
    }
}

fn judge_key_set(case: &Case<'_>) -> Verdict {
    if case.trusted.is_some_and(|trusted| matches!(trusted.discovery, DiscoveryState::NotFetched)) {
        return NOT_FETCHED;
    }
    let Some(trusted) = case.trusted.filter(|trusted| trusted.keys.is_some()) else {
        return Skipped("no trusted discovery document gives the URL of the JWKS");
    };
    match trusted.judge_key_set(case.expectations.relying_party) {
        Ok(()) => Passed,
        Err(Refusal::KeySetDuplicate { kid, .. }) => {
            let names = |token: &Token<'_>| token.header.kid.as_deref().map(clipped).as_ref() == Some(&kid);
            let named = case.token.as_ref().is_ok_and(names);
            Failed(Refusal::KeySetDuplicate { kid, named })
        }
        Err(refusal) => Failed(refusal),
    }
}

fn see_key_set(case: &Case<'_>) -> String {
    match case.trusted.map(|trusted| (&trusted.keys, &trusted.jwks_remark)) {
        Some((Some(Ok(ring)), remark)) => format!("{}{remark}", ring.seen()),
        _ => String::new(),
    }
}

/// The key named by `kid`; the error is the verdict if there is no usable key.
fn key<'a>(case: &'a Case<'_>) -> Result<(&'a Ready, &'a ParsedPublicKey), Verdict> {
    let Ok(token) = &case.token else { return Err(NO_TOKEN) };
    let Some(Ok(ring)) = case.trusted.and_then(|trusted| trusted.keys.as_ref()) else { return Err(NO_KEY_SET) };
    let kid = token.header.kid.as_deref().unwrap_or_default();
    if kid.is_empty() {
        return Err(Skipped("the token has no kid"));
    }
    let Some(ready) = ring.get(kid) else {
        if let Some(published) = ring.foreign_kid(kid) {
            let (kid, published) = (clipped(kid), clipped(published));
            return Err(Failed(Refusal::KeyIdForeign { kid, published }));
        }
        return Err(Failed(Refusal::KeyNotFound { kid: clipped(kid), published: ring.kids() }));
    };
    // Entra's rules for keys apply to RS256 keys only: the algorithm check already refuses ES keys.
    match ready.usable(case.expectations.relying_party) {
        Ok(key) => Ok((ready, key)),
        Err(unusable) => Err(Failed(unusable.refusal(clipped(kid)))),
    }
}

fn judge_key(case: &Case<'_>) -> Verdict {
    match key(case) {
        Ok(_) => Passed,
        Err(verdict) => verdict,
    }
}

fn see_key(case: &Case<'_>) -> String {
    key(case).map_or_else(|_| String::new(), |(ready, _)| ready.kind.clone())
}

fn judge_signature(case: &Case<'_>) -> Verdict {
    let Ok(token) = &case.token else { return NO_TOKEN };
    let Ok((ready, key)) = key(case) else { return Skipped("there is no key for verification") };
    match ready.algorithm {
        Some(algorithm) if algorithm.name() == token.header.alg => {}
        algorithm => {
            let key_alg = algorithm.map_or("nothing", Algorithm::name);
            return Failed(Refusal::AlgorithmOfKey { alg: clipped(&token.header.alg), key_alg });
        }
    }
    match key.verify_sig(token.signing_input(), token.signature()) {
        Ok(()) => Passed,
        Err(_) => Failed(Refusal::Signature),
    }
}

fn see_signature(case: &Case<'_>) -> String {
    key(case).map_or_else(|_| String::new(), |(ready, _)| ready.kind.clone())
}

/// Entra checks the lifetime before the audience (MicrosoftDocs/azure-docs#116275).
fn judge_lifetime(case: &Case<'_>) -> Verdict {
    let Ok(token) = &case.token else { return NO_TOKEN };
    if case.expectations.relying_party != RelyingParty::Entra {
        return Skipped("only Entra limits the lifetime");
    }
    let Some(expires) = token.claims.exp else { return Skipped("the token has no exp") };
    let issued = token.claims.iat;
    let limit = SignedDuration::try_from(entra::LIFETIME_MAX).unwrap_or(SignedDuration::MAX);
    if expires.duration_since(issued.unwrap_or(Timestamp::UNIX_EPOCH)) > limit {
        return Failed(Refusal::Lifetime { issued, expires });
    }
    Passed
}

fn see_lifetime(case: &Case<'_>) -> String {
    let times = case.token.as_ref().ok().and_then(|token| token.claims.exp.zip(token.claims.iat));
    times.map_or_else(String::new, |(expires, issued)| hours(expires.duration_since(issued)))
}

/// The credentials of the issuer. `None` without a token or without credentials.
fn of_issuer<'a>(case: &'a Case<'_>) -> Option<Result<Vec<&'a FederatedCredential>, CredentialMismatch>> {
    let (token, credentials) = (case.token.as_ref().ok()?, case.expectations.compared()?);
    Some(Assertion::from(&token.claims).with_issuer(credentials))
}

fn judge_issuer_of_credentials(case: &Case<'_>) -> Verdict {
    match of_issuer(case) {
        Some(Err(mismatch)) => Failed(Refusal::Credential(mismatch.with_seen(clipped))),
        None if is_chained(case) => Failed(Refusal::Credential(CredentialMismatch::Chained)),
        Some(Ok(_)) | None => Omitted,
    }
}

/// Whether Entra refuses the token as a part of a chain of credentials, whatever the credentials are.
fn is_chained(case: &Case<'_>) -> bool {
    let is_marked = case.token.as_ref().is_ok_and(|token| token.claims.is_from_federated_credential);
    is_marked && case.expectations.relying_party == RelyingParty::Entra
}

fn judge_credential(case: &Case<'_>) -> Verdict {
    let Some(credentials) = case.expectations.compared() else { return Omitted };
    let Ok(token) = &case.token else { return NO_TOKEN };
    let claims = &token.claims;
    match Assertion::from(claims).find(credentials) {
        Err(mismatch) if mismatch.is_before_fetching() => Omitted,
        Err(CredentialMismatch::ExpressionNotEvaluated { .. }) => {
            Skipped("the expression of a flexible federated identity credential is not evaluated here")
        }
        Err(mismatch) => Failed(Refusal::Credential(mismatch.with_seen(clipped))),
        Ok(_) if claims.iss.is_none() || claims.sub.is_none() || claims.aud.as_ref().is_none_or(Vec::is_empty) => {
            Skipped("the token lacks a claim that Entra compares")
        }
        Ok(_) => Passed,
    }
}

fn see_credential(case: &Case<'_>) -> String {
    let credentials = case.expectations.compared().unwrap_or_default();
    let found = case.token.as_ref().ok().and_then(|token| Assertion::from(&token.claims).find(credentials).ok());
    let name = found.and_then(|credential| credential.name.clone());
    name.unwrap_or_else(|| "issuer, subject and audience match".to_owned())
}

fn judge_audience(case: &Case<'_>) -> Verdict {
    let Ok(token) = &case.token else { return NO_TOKEN };
    let expected = || case.expectations.audiences();
    if expected().next().is_none() {
        return Skipped("no expected audience was given");
    }
    match &token.claims.aud {
        None => Failed(Refusal::AudienceMissing),
        Some(seen) if seen.iter().any(|audience| expected().any(|expected| expected == audience)) => Passed,
        Some(seen) => {
            Failed(Refusal::Audience { expected: expected().map(str::to_owned).collect(), seen: first_of(seen) })
        }
    }
}

fn see_audience(case: &Case<'_>) -> String {
    let audiences = case.token.as_ref().ok().and_then(|token| token.claims.aud.as_deref());
    audiences.unwrap_or_default().join(", ")
}

fn judge_subject(case: &Case<'_>) -> Verdict {
    let Ok(token) = &case.token else { return NO_TOKEN };
    let Some(seen) = &token.claims.sub else { return Failed(Refusal::SubjectMissing) };
    let Some((namespace, name)) = subject_parts(seen) else {
        return Failed(Refusal::SubjectForm(clipped(seen)));
    };
    match &case.expectations.service_account {
        Some(expected) if (&*expected.namespace, &*expected.name) != (namespace, name) => {
            Failed(Refusal::Subject { expected: expected.to_string(), seen: clipped(seen) })
        }
        _ => Passed,
    }
}

fn see_subject(case: &Case<'_>) -> String {
    let subject = case.token.as_ref().ok().and_then(|token| token.claims.sub.clone());
    subject.unwrap_or_default().into_owned()
}

fn judge_time(case: &Case<'_>) -> Verdict {
    let Ok(token) = &case.token else { return NO_TOKEN };
    let (now, leeway) = (case.now, case.expectations.leeway);
    let margin = SignedDuration::try_from(leeway).unwrap_or(SignedDuration::MAX);
    // On overflow use the minimum and maximum time, so that the check passes.
    let earliest = now.checked_sub(margin).unwrap_or(Timestamp::MIN);
    let latest = now.checked_add(margin).unwrap_or(Timestamp::MAX);
    let Some(exp) = token.claims.exp else { return Failed(Refusal::ExpiryMissing) };
    if exp <= earliest {
        return Failed(Refusal::Expired { at: exp, now, leeway });
    }
    match token.claims.nbf.max(token.claims.iat) {
        Some(from) if from > latest => Failed(Refusal::NotYetValid { from, now, leeway }),
        _ => Passed,
    }
}

fn see_time(case: &Case<'_>) -> String {
    let Ok(token) = &case.token else { return String::new() };
    let from = token.claims.nbf.or(token.claims.iat).map(|from| format!("from {} ", second(from)));
    let until = token.claims.exp.map(|until| format!("to {}, ", second(until)));
    format!("valid {}{}now {}", from.unwrap_or_default(), until.unwrap_or_default(), second(case.now))
}

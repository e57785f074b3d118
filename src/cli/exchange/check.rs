//! `--check`: the checks of `issuer verify` on each projected token before it is sent.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use issuer::{
    Aadsts, AssertionError, AssertionSource, ClientAssertion, ExchangeError, Expectations, Hint, IssuerUrl, Timestamp,
    Token, Verifier,
};

use super::super::{Exit, Failure, clean::message, identity_args::exchange_failure, verify::trust::Trusted};

/// A source of tokens, each of which is verified before it is sent.
#[derive(Debug)]
pub(super) struct CheckedTokens<S> {
    source: S,
    trusted: Trusted,
    refusal: Refusal,
}

/// The last failed check or request for a token. The library knows only that there is no token to send.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal(Arc<Mutex<Option<Failure>>>);

impl Refusal {
    /// The failure of an exchange: the failed check, if there is one.
    pub(super) fn failure(&self, error: ExchangeError) -> Failure {
        let is_of_check = matches!(error, ExchangeError::Assertion(AssertionError::Other(_)));
        let failure = if is_of_check { self.0.lock().unwrap_or_else(PoisonError::into_inner).take() } else { None };
        failure.unwrap_or_else(|| exchange_failure(error))
    }

    pub(super) fn set(&self, failure: Option<Failure>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl<S> CheckedTokens<S> {
    pub(super) fn new(source: S, trusted: Trusted, refusal: Refusal) -> Self {
        Self { source, trusted, refusal }
    }

    /// Verifies a token as `issuer verify` does.
    async fn verify(&self, text: &str) -> Result<(), Failure> {
        let issuers: Vec<IssuerUrl> = match &self.trusted.issuers[..] {
            [] => named_issuer(text).into_iter().collect(),
            issuers => issuers.to_vec(),
        };
        let verifier: Verifier = self.trusted.fetch(issuers).await.into_iter().collect();
        let report = verifier.examine(text, &Expectations::entra(), Timestamp::now());
        let Some(refusal) = report.refusal() else { return Ok(()) };
        let code = refusal.aadsts();
        let (exit, code) = if refusal.is_inconclusive() {
            (Exit::Incomplete, code.map(|code| format!("; if Entra cannot read it either, it answers {code}")))
        } else {
            (Exit::No, code.map(|code| format!("; Entra will answer {code}, {}", Aadsts::meaning(code))))
        };
        let text = format!(
            "the projected token fails the check {}: {refusal}{}; no token request was sent",
            refusal.check(),
            code.unwrap_or_default()
        );
        Err(Failure::new(exit, message(&text), refusal.hint()))
    }
}

fn named_issuer(text: &str) -> Option<IssuerUrl> {
    let mut buffer = Vec::new();
    Token::parse(text, &mut buffer).ok()?.claims.iss?.parse().ok()
}

#[async_trait]
impl<S: AssertionSource> AssertionSource for CheckedTokens<S> {
    async fn assertion(&self) -> Result<ClientAssertion, AssertionError> {
        self.refusal.set(None);
        let assertion = self.source.assertion().await?;
        self.verify(assertion.secret()).await.map_err(|failure| {
            let error = AssertionError::other(io::Error::other(failure.message.clone()));
            self.refusal.set(Some(failure));
            error
        })?;
        Ok(assertion)
    }
}

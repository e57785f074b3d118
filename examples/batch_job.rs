//! Verifies collected tokens, one a line, on all cores, and counts the valid tokens of each service account.
//!
//! ```sh
//! kubectl get --raw /openid/v1/jwks > jwks.json
//! cargo run --release --example batch_job --no-default-features -- https://issuer.example.com jwks.json < tokens.txt
//! ```

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufRead, BufReader},
    sync::{Mutex, PoisonError},
    thread,
};

use issuer::{Expectations, Jwks, TOKEN_EXCHANGE_AUDIENCE, Timestamp, Verifier};

type Counts = BTreeMap<String, u64>;

/// Reads lines from an input that all threads share, and counts the verdicts.
fn count(
    verifier: &Verifier,
    expectations: &Expectations,
    lines: &Mutex<impl Iterator<Item = io::Result<String>>>,
) -> io::Result<Counts> {
    let mut counts = Counts::new();
    let next = || lines.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some(token) = next() {
        let account = match verifier.verify(token?.trim_end(), expectations, Timestamp::now()) {
            Ok(token) => token.service_account().to_string(),
            Err(refusal) => format!("refused by the check: {}", refusal.check()),
        };
        *counts.entry(account).or_default() += 1;
    }
    Ok(counts)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, jwks] = arguments.as_slice() else { return Err("usage: batch_job ISSUER JWKS < TOKENS".into()) };
    let verifier = Verifier::from_jwks(issuer.parse()?, &Jwks::parse(&std::fs::read(jwks)?)?);
    let expectations = Expectations::oidc().audience(TOKEN_EXCHANGE_AUDIENCE);
    let lines = Mutex::new(BufReader::new(io::stdin()).lines());

    let mut total = Counts::new();
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| count(&verifier, &expectations, &lines))).collect();
        for thread in threads {
            let counts = thread.join().map_err(|_| "a thread panicked")??;
            counts.into_iter().for_each(|(account, count)| *total.entry(account).or_default() += count);
        }
        Ok(())
    })?;
    total.iter().for_each(|(account, count)| println!("{count:>8}  {account}"));
    Ok(())
}

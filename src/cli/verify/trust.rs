use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use issuer::{
    Documents, HttpFetcher, IssuerUrl, Jwks, KeyError, KeyReader, Location, PublishedIssuer, RemoteVerifier,
    RemoteVerifierBuilder, TrustedIssuer,
};
use tracing::{Instrument, info_span};

use super::super::{
    Exit, Failure, Output,
    azure_args::Requests,
    inputs::{self, name},
    runtime, values,
};

/// The longest file that is read as a JWKS, in bytes. A published JWKS has the same limit.
const JWKS_FILE_MAX: usize = Documents::BYTES_MAX;

/// The flags that name the trusted issuers and the source of their keys.
#[derive(Debug, Args)]
pub(in super::super) struct Trust {
    /// Trust this issuer (repeatable) [default: the issuer that the token names]
    ///
    /// --batch has no default.
    #[arg(long, value_name = "URL", group = "trusted")]
    issuer: Vec<String>,
    /// Read the documents from this URL or directory instead of the issuer URL
    #[arg(long, value_name = "URL|DIR", conflicts_with = "jwks")]
    published: Option<String>,
    /// Use the keys of this JWKS file, and make no network requests
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Trust the PEM certificates of this file too (repeatable)
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
    /// Set the total time limit for fetching the documents of the issuers
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    timeout: String,
}

/// The checked values of [`Trust`].
#[derive(Debug)]
pub(in super::super) struct Trusted {
    pub(in super::super) issuers: Vec<IssuerUrl>,
    location: Location,
    pub(super) jwks: Option<PathBuf>,
    fetcher: HttpFetcher,
    pub(super) timeout: Duration,
    /// Whether certificate authorities of --ca-file are trusted.
    trusts_more: bool,
}

impl Trust {
    /// The values of another command, which has its own flags with the same names.
    pub(in super::super) fn of(
        issuer: Option<String>,
        published: Option<String>,
        ca_file: Vec<PathBuf>,
        timeout: String,
    ) -> Self {
        Self { issuer: issuer.into_iter().collect(), published, jwks: None, ca_file, timeout }
    }

    /// The file that the keys are read from, if it is given.
    pub(super) fn jwks(&self) -> Option<&PathBuf> {
        self.jwks.as_ref()
    }

    /// Trusts an issuer, too.
    pub(super) fn trust(&mut self, issuer: &IssuerUrl) {
        self.issuer.push(issuer.to_string());
    }

    /// How requests to Azure are sent.
    pub(super) fn requests(&self) -> Result<Requests, Failure> {
        let timeout = values::seconds("--timeout", &self.timeout)?;
        Ok(Requests { fetcher: HttpFetcher::new(&self.ca_file)?, timeout })
    }

    pub(in super::super) fn check(self) -> Result<Trusted, Failure> {
        let mut issuers: Vec<IssuerUrl> = Vec::new();
        for text in &self.issuer {
            let issuer = values::parse(text)?;
            if !issuers.contains(&issuer) {
                issuers.push(issuer);
            }
        }
        let location = self.published.as_deref().map(|text| values::location("--published", text, None)).transpose()?;
        let one = [("--published", self.published.is_some()), ("--jwks", self.jwks.is_some())];
        if let Some((flag, _)) = one.into_iter().find(|(_, given)| *given && issuers.len() > 1) {
            let message =
                format!("{flag} replaces the documents of one issuer, but {} issuers are given", issuers.len());
            return Err(Failure::usage(message, format!("leave out {flag}, or pass --issuer once")));
        }
        let location = location.unwrap_or(Location::Issuer);
        let timeout = values::seconds("--timeout", &self.timeout)?;
        let (fetcher, trusts_more) = (HttpFetcher::new(&self.ca_file)?, !self.ca_file.is_empty());
        Ok(Trusted { issuers, location, jwks: self.jwks, fetcher, timeout, trusts_more })
    }
}

impl Trusted {
    /// The source of the keys, if it is not the issuer URL.
    pub(super) fn elsewhere(&self) -> Option<String> {
        match (&self.jwks, &self.location) {
            (Some(path), _) => Some(name(path)),
            (None, Location::Issuer) => None,
            (None, location) => Some(location.to_string()),
        }
    }

    /// Fetches a URL that the caller names.
    pub(in super::super) fn fetcher(&self) -> HttpFetcher {
        let deadline = Instant::now().checked_add(self.timeout);
        deadline.map_or_else(|| self.fetcher.clone(), |deadline| self.fetcher.clone().until(deadline))
    }

    /// Whether the documents are fetched over the network.
    pub(in super::super) fn fetches(&self) -> bool {
        self.jwks.is_none() && !matches!(self.location, Location::Directory(_))
    }

    /// How the documents differ from those that Entra fetches, each a clause.
    pub(super) fn limits(&self) -> Vec<String> {
        if let Some(path) = &self.jwks {
            return vec![format!("the keys came from {}, not from the issuer URL", name(path))];
        }
        let mut limits = Vec::new();
        if self.location != Location::Issuer {
            limits.push(format!("the documents were read from {}, not from the issuer URL", self.location));
        }
        if self.trusts_more && !matches!(self.location, Location::Directory(_)) {
            limits.push("certificates of --ca-file were trusted; Entra does not trust them".to_owned());
        }
        limits
    }

    /// A verifier of the issuers that keeps their documents up to date.
    pub(super) fn builder(&self) -> RemoteVerifierBuilder {
        let builder = RemoteVerifier::builder().fetcher(self.fetcher.clone());
        let trust = |builder: RemoteVerifierBuilder, issuer: &IssuerUrl| {
            builder.trust_published_at(issuer.clone(), self.location.clone())
        };
        self.issuers.iter().fold(builder, trust)
    }

    /// Reads the documents of issuers. A runtime and an HTTP client are started only to fetch a URL.
    pub(in super::super) fn read(
        &self,
        issuers: Vec<IssuerUrl>,
        output: &mut Output,
    ) -> Result<Vec<TrustedIssuer>, Failure> {
        if let Some(path) = &self.jwks {
            let jwks = if issuers.is_empty() { Jwks::default() } else { read_jwks(path, output)? };
            return Ok(issuers.into_iter().map(|issuer| TrustedIssuer::from_jwks(issuer, &jwks)).collect());
        }
        if let Location::Directory(directory) = &self.location {
            return Ok(from_directory(issuers, directory));
        }
        if issuers.is_empty() {
            return Ok(Vec::new());
        }
        Ok(runtime::block_on(self.fetch(issuers))?)
    }

    /// Reads the documents of issuers from the network or a directory.
    pub(in super::super) async fn fetch(&self, issuers: Vec<IssuerUrl>) -> Vec<TrustedIssuer> {
        if let Location::Directory(directory) = &self.location {
            return from_directory(issuers, directory);
        }
        // A token can name any host. Without --issuer only public hosts are fetched (SSRF).
        let fetcher = self.fetcher.clone();
        let fetcher = if self.issuers.is_empty() { fetcher.only_public() } else { fetcher };
        let deadline = Instant::now().checked_add(self.timeout);
        let fetcher = deadline.map_or(fetcher.clone(), |deadline| fetcher.until(deadline));
        let mut trusted = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            let place = if self.location == Location::Issuer { issuer.to_string() } else { self.location.to_string() };
            let span = info_span!("read the documents at", place, limit_s = self.timeout.as_secs_f64());
            let published = PublishedIssuer::fetch(&issuer, &self.location, &fetcher).instrument(span).await;
            trusted.push(TrustedIssuer::from_published(issuer, &published));
        }
        trusted
    }
}

/// Reads the documents of issuers in a directory.
fn from_directory(issuers: Vec<IssuerUrl>, directory: &Path) -> Vec<TrustedIssuer> {
    let read = |issuer: IssuerUrl| {
        let read = || PublishedIssuer::from_directory(&issuer, directory);
        let published = info_span!("read the documents in", directory = %directory.display()).in_scope(read);
        TrustedIssuer::from_published(issuer, &published)
    };
    issuers.into_iter().map(read).collect()
}

fn read_jwks(path: &Path, output: &mut Output) -> Result<Jwks, Failure> {
    let refuse = |because: String| {
        let hint = "pass a JWKS; `issuer jwks` makes one from public keys".to_owned();
        Failure::new(Exit::Incomplete, format!("cannot read {}: {because}", name(path)), Some(hint))
    };
    let bytes = inputs::read(path, JWKS_FILE_MAX)?;
    if bytes.len() > JWKS_FILE_MAX {
        return Err(refuse(format!("it is longer than {JWKS_FILE_MAX} bytes")));
    }
    // A JWKS is used as it is, including entries that are not usable.
    if let Ok(jwks) = Jwks::parse(&bytes) {
        return Ok(jwks);
    }
    let mut reader = KeyReader::default();
    reader.read(&name(path), &bytes).map_err(|error| match error {
        KeyError::Ambiguous { .. } => {
            let hint = "choose one with issuer jwks FILE --entry NAME, and pass its output as --jwks".to_owned();
            Failure { hint: Some(hint), ..Failure::from(error) }
        }
        error => Failure::from(error),
    })?;
    let (keys, notes) = reader.finish()?;
    notes.iter().for_each(|note| output.note(note));
    Ok(Jwks::from_keys(keys.iter()))
}

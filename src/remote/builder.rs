use super::{RemoteVerifier, source::Source};
use crate::{
    clock::{Clock, SystemClock},
    documents::Location,
    issuer_url::IssuerUrl,
    published::HttpFetcher,
};

/// Configures a [`RemoteVerifier`].
///
/// ```
/// use issuer::{HttpFetcher, Location, RemoteVerifier, SystemClock};
/// let verifier = RemoteVerifier::builder()
///     .trust("https://issuers.example.com/a".parse()?)
///     .trust_published_at("https://issuers.example.com/b".parse()?, Location::Directory("site".into()))
///     .fetcher(HttpFetcher::default())
///     .clock(SystemClock)
///     .build();
/// # Ok::<(), issuer::Error>(())
/// ```
pub struct RemoteVerifierBuilder {
    pub(super) sources: Vec<Source>,
    pub(super) fetcher: HttpFetcher,
    pub(super) clock: Box<dyn Clock + Send>,
}

impl Default for RemoteVerifierBuilder {
    fn default() -> Self {
        Self { sources: Vec::new(), fetcher: HttpFetcher::default(), clock: Box::new(SystemClock) }
    }
}

impl RemoteVerifierBuilder {
    /// Trusts an issuer whose documents are at its own URL. Of two issuers with the same URL the later one is used.
    #[must_use]
    pub fn trust(self, issuer: IssuerUrl) -> Self {
        self.trust_published_at(issuer, Location::Issuer)
    }

    /// Trusts an issuer whose documents are read from another location. They must still name the issuer.
    #[must_use]
    pub fn trust_published_at(mut self, issuer: IssuerUrl, location: Location) -> Self {
        self.sources.push(Source::new(issuer, location));
        self
    }

    /// Sets the fetcher, for example one that trusts more certificate authorities; by default the system's are trusted.
    #[must_use]
    pub fn fetcher(mut self, fetcher: HttpFetcher) -> Self {
        self.fetcher = fetcher;
        self
    }

    /// Sets the clock for the times of tokens and keys; by default the clock of this machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + Send + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Builds the verifier. It fetches nothing yet.
    pub fn build(self) -> RemoteVerifier {
        RemoteVerifier::assemble(self)
    }
}

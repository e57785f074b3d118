//! Makes a self-managed Kubernetes cluster a trusted identity provider for Microsoft Entra ID, and proves it.
//!
//! The library turns the API server's `sa.pub` into a JWKS with the API server's own key IDs and makes the discovery document.
//! It publishes both to a site without losing a key, and verifies projected service account tokens against the published
//! documents. The command line `issuer` uses only this library.
//!
//! # Uses
//!
//! Keys to a JWKS, with exactly the bytes that the API server serves:
//!
//! ```
//! use issuer::{Jwks, KeySet};
//! let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
//! let jwks = Jwks::from_keys(keys.iter());
//! assert_eq!(jwks.to_bytes(), std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - Publish: [`publish`] writes the [`DesiredState`] to a [`site::Directory`] or, with the feature `azure`, a `site::Azure`.
//!   [`plan`] shows the changes before, [`status`] shows the stored documents after, and [`unpublish`] removes them.
//! - Verify: a [`Verifier`] of any number of trusted issuers checks tokens against [`Expectations`]. With the feature `remote`
//!   a `RemoteVerifier` fetches the documents of the issuers and keeps them up to date.
//! - Get access tokens: with the feature `remote` a `WorkloadIdentity` exchanges the token of a pod for access tokens of
//!   Entra, and caches them.
//! - Create federated credentials: a [`Federation`] is the credential of a service account, as a command, a template or a
//!   manifest. With the feature `azure` a `federate::FederatedIdentity` creates it in Azure.
//! - Observe: with the feature `tracing`, which `remote` and `azure` include, reads, writes, retries and refreshes are spans
//!   and events of the crate `tracing`. They contain no secrets.
//!
//! # Layout
//!
//! The core is pure: it computes values from bytes, times and documents. The edge does I/O: it reads and writes sites, fetches
//! documents and serves them. `docs/architecture.md` has the table of the modules, and a test enforces it.
//!
//! | to | core | edge |
//! | --- | --- | --- |
//! | read keys | [`KeyReader`], [`KeySet`], [`PublicKey`], [`KeyId`] | |
//! | make documents | [`Documents`], [`Jwks`], [`Discovery`] | |
//! | publish | [`DesiredState`], [`Plan`], [`Retention`] | [`publish`], [`status`], [`unpublish`], [`site`], `DocumentServer` |
//! | read published documents | [`PublishedIssuer`], [`Location`] | `HttpFetcher`, `read_back` |
//! | verify | [`Token`], [`Expectations`], [`Verifier`], [`Report`] | `RemoteVerifier` |
//! | get access tokens | [`Scope`], [`Resource`], [`TokenAnswer`] | `WorkloadIdentity`, `TokenSource`, `Watch` |
//! | match credentials | [`FederatedCredential`], [`Assertion`], [`CredentialMismatch`] | |
//! | read clusters | [`ApiServerDrift`], [`IssuerChange`] | `kubernetes` |
//! | create credentials | [`Federation`], [`CredentialPlan`] | `federate` |
//! | diagnose | [`Manifest`], [`ManifestContext`], [`FederatedCredential`], [`Assertion`] | |
//! | connect to PostgreSQL | [`ConnectionString`], [`PasswordFile`], [`DatabaseRole`] | |
//! | explain | [`Aadsts`] and its catalogue, [`KnownFailure`], [`Finding`], [`Hint`] | |
//!
//! # Features
//!
//! - `cli` (default): the command line, and all other features.
//! - `azure`: publishing to Azure Storage.
//! - `kubernetes`: the API server of a cluster as the source of issuer, keys, tokens and objects.
//! - `probe`: whether a resource accepts an access token.
//! - `remote`: fetching over HTTPS with tokio and reqwest, also for verifying, and access tokens.
//! - `serve`: the HTTP server.
//! - `tracing`: spans and events.
//! - `yaml`: Secret manifests in YAML.
//!
//! Without features the library has no runtime, no HTTP client and no server.

#![forbid(unsafe_code)]
// On docs.rs, items behind a feature name it. `doc_cfg` is unstable, so stable builds do not see it.
#![cfg_attr(docsrs, feature(doc_cfg))]
// No panic is reachable from input; tests may.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod api_server;
#[cfg(feature = "azure")]
mod azure;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "no request is retried"))]
mod backoff;
mod clock;
mod documents;
mod entra;
mod error;
#[cfg(feature = "remote")]
mod exchange;
mod explain;
#[cfg(feature = "azure")]
pub mod federate;
mod federation;
mod file_error;
mod file_text;
mod hint;
#[cfg(feature = "remote")]
mod http_clients;
mod issuer_url;
mod key;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod manifest;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "nothing is fetched"))]
mod no_answer;
mod plan;
mod postgresql;
#[cfg(feature = "probe")]
mod probe;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "hosts are judged where they are fetched from"))]
mod public_host;
mod publish;
mod published;
mod redact;
#[cfg(feature = "remote")]
mod remote;
mod replace_file;
#[cfg(feature = "remote")]
mod resolver;
mod secret_file;
#[cfg(feature = "serve")]
mod serve;
mod shell_word;
pub mod site;
mod token;
mod verify;
mod yaml;

pub use api_server::{ApiServerDrift, FlagPlace, IssuerChange, IssuerChangeStep};
#[cfg(feature = "azure")]
pub use azure::{AuthMethod, AzureError, AzureProblem, Environment, ResourceScope};
pub use clock::{Clock, SystemClock};
pub use documents::{Discovery, DocumentError, Documents, FetchError, Fetched, Jwks, Location, Page, PublishedIssuer};
pub use entra::{
    Aadsts, Assertion, AuthorityHost, CREDENTIALS_MAX, CatalogueEntry, ClientId, Cloud, CredentialError,
    CredentialMismatch, CredentialPlan, CredentialProblem, Evidence, FederatedCredential, IDENTITY_BINDING_AUDIENCE,
    IdentityError, IssuedToken, KEYS_MAX, LIFETIME_MAX, NearMiss, Nearest, Resource, RetryAdvice, Scope, ScopeError,
    TOKEN_EXCHANGE_AUDIENCE, TenantId, TokenAnswer, TokenRefusal, Waiting,
};
pub use error::Error;
#[cfg(feature = "remote")]
pub use exchange::{
    AccessToken, AccessTokenClaims, AssertionError, AssertionFile, AssertionProblem, AssertionSource, ClientAssertion,
    ConfigurationError, ExchangeError, Moment, RetryPolicy, TokenFuture, TokenSource, Watch, WatchStep,
    WorkloadIdentity, WorkloadIdentityBuilder,
};
pub use explain::{ChainFailure, Finding, KnownFailure, UnknownFailure};
pub use federation::{CredentialParent, Federation, FederationError, UserAssignedIdentity};
pub use file_error::FileError;
pub use hint::Hint;
#[cfg(feature = "remote")]
pub use http_clients::ClientError;
pub use issuer_url::{DocumentPath, IssuerUrl, JwksUri, UrlError, UrlProblem};
pub use jiff::Timestamp;
pub use key::{
    Algorithm, CertificatePurpose, Curve, Jwk, KeyError, KeyId, KeyMaterial, KeyProblem, KeyReader, KeySet, Note,
    OtherDocument, OtherFormat, Place, PublicKey, SkipReason,
};
pub use manifest::{
    ClusterKind, CustomResource, Manifest, ManifestAccount, ManifestCheck, ManifestContext, ManifestFinding,
    ManifestOutcome, ManifestReport, UnreadableDocument, Workload,
};
pub use plan::{
    Change, ClocksApart, CurrentState, DesiredState, DocumentChange, DocumentKind, DropReason, KeyState, Owner,
    OwnerError, Plan, PlanRefusal, PlanWarning, PlannedDocument, PlannedKey, Retention, RetentionError,
    StoredRetention,
};
pub use postgresql::{
    ConnectionString, ConnectionStringError, DatabaseRole, PasswordFile, PasswordFileError, PrincipalKind,
    ServerAddress, SslMode, TokenMarker,
};
#[cfg(feature = "probe")]
pub use probe::{Probe, ProbeAnswer, ProbeTarget, ProbeTargetError};
pub use public_host::NotPublic;
#[cfg(feature = "remote")]
pub use publish::read_back;
pub use publish::{
    KeyStatus, Mismatch, Publication, PublishError, Removal, RemovalGuard, RemovalRefusal, SiteFault, SiteStatus,
    compare, plan, plan_removal, publish, published_documents, status, unpublish,
};
#[cfg(feature = "remote")]
pub use published::HttpFetcher;
pub use redact::redacted;
#[cfg(feature = "remote")]
pub use remote::{NotReady, RemoteVerifier, RemoteVerifierBuilder};
pub use replace_file::replace_file;
pub use secret_file::{SecretFile, SecretFileError};
#[cfg(feature = "serve")]
pub use serve::{DocumentServer, ServeError, Served};
pub use token::{
    Claims, Header, Inspection, KubernetesClaims, ObjectReference, OtherInput, ServiceAccount, ServiceAccountError,
    Token, TokenError,
};
pub use verify::{
    CheckName, Checked, Expectations, Outcome, Refusal, RelyingParty, Report, TrustedIssuer, VerifiedToken, Verifier,
    VerifyWarning,
};

/// The JSON types of `serde_json` 1 in public signatures, such as that of [`VerifiedToken::claim`].
pub mod json {
    pub use serde_json::{Map, Value};
}

/// The examples of the book, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;

//! Makes a self-managed Kubernetes cluster a trusted identity provider for Microsoft Entra ID, and proves it.
//!
//! The API server's `sa.pub` becomes a JWKS with the API server's own key IDs, a discovery document goes with it, both are
//! published to a site without ever losing a key, and projected service account tokens are verified against what the
//! public reads. The command line `issuer` is a thin user of this library.
//!
//! # Uses
//!
//! Keys to a JWKS, to the byte what the API server serves:
//!
//! ```
//! use issuer::{Jwks, KeySet};
//! let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
//! let jwks = Jwks::from_keys(keys.iter());
//! assert_eq!(jwks.to_bytes(), std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Publishing to a directory: [`publish`] with a [`site::Directory`] and what is [`DesiredState`]; [`plan`] shows it beforehand, [`status`]
//! afterwards, and [`unpublish`] takes it away. Publishing to Azure Storage: the same with a `site::Azure`.
//! Verifying tokens: a [`Verifier`] of any number of trusted issuers and [`Expectations`], each with an example of its own; with
//! the feature `remote` a `RemoteVerifier`, which fetches what the issuers have published and keeps it up to date.
//!
//! # Layout
//!
//! The core is pure: bytes, times and documents come in, values go out. The edge does I/O: it reads and writes sites, fetches
//! documents, serves them. `docs/architecture.md` has the table of the modules, and a test holds it.
//!
//! | to | core | edge |
//! | --- | --- | --- |
//! | read keys | [`KeyReader`], [`KeySet`], [`PublicKey`], [`KeyId`] | |
//! | make documents | [`Documents`], [`Jwks`], [`Discovery`] | |
//! | publish | [`DesiredState`], [`Plan`], [`Retention`] | [`publish`], [`status`], [`unpublish`], [`site`], `DocumentServer` |
//! | read what is published | [`PublishedIssuer`], [`Location`] | `HttpFetcher`, `read_back` |
//! | verify | [`Token`], [`Expectations`], [`Verifier`], [`Report`] | `RemoteVerifier` |
//! | explain | [`Aadsts`] and its catalogue, [`Hint`] | |
//!
//! # Features
//!
//! `cli` (default) is the command line and all of the others; `azure` publishes to Azure Storage; `remote` fetches over HTTPS with tokio and reqwest, for verifying too; `serve` is the
//! HTTP server; `yaml` reads Secret manifests in YAML. Without any of them there is no runtime, no client and no server.

// No panic is reachable from input; tests may.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(feature = "azure")]
mod azure;
mod clock;
mod documents;
mod entra;
mod error;
mod file_error;
mod hint;
#[cfg(feature = "remote")]
mod http_clients;
mod issuer_url;
mod key;
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "nothing is fetched"))]
mod no_answer;
mod plan;
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
#[cfg(feature = "serve")]
mod serve;
pub mod site;
mod token;
mod verify;

#[cfg(feature = "azure")]
pub use azure::{AuthMethod, AzureError, AzureProblem, Environment, ResourceScope};
pub use clock::{Clock, SystemClock};
pub use documents::{Discovery, DocumentError, Documents, FetchError, Fetched, Jwks, Location, Page, PublishedIssuer};
pub use entra::{Aadsts, CatalogueEntry, Cloud, Evidence, KEYS_MAX, LIFETIME_MAX, TOKEN_EXCHANGE_AUDIENCE, Waiting};
pub use error::Error;
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
pub use plan::{
    Change, ClocksApart, CurrentState, DesiredState, DocumentChange, DocumentKind, DropReason, KeyState, Plan,
    PlanRefusal, PlanWarning, PlannedDocument, PlannedKey, Retention, RetentionError, StoredRetention,
};
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
#[cfg(feature = "serve")]
pub use serve::{DocumentServer, ServeError, Served};
pub use token::{
    Claims, Header, Inspection, KubernetesClaims, ObjectReference, OtherInput, ServiceAccount, Token, TokenError,
};
pub use verify::{
    CheckName, Checked, Expectations, Outcome, Refusal, RelyingParty, Report, TrustedIssuer, VerifiedToken, Verifier,
    VerifyWarning,
};

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

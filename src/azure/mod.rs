//! Azure: credentials, requests with retries, and the meaning of error codes.

mod account;
mod arc;
mod auth_method;
mod cached_token;
mod certificate;
mod challenge;
mod connection;
mod connection_string;
mod credential;
mod environment;
mod error;
mod find;
mod find_resource;
mod github;
mod known_code;
mod managed_identity;
mod new_account;
mod options;
mod problem;
mod resource_manager;
mod rest;
mod rest_error;
mod retry;
mod sas;
mod server_clock;
mod session;
mod sign_in_failure;
mod subject;
mod token_file;
mod transport;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

pub(crate) use account::{Account, AccountName};
pub use auth_method::AuthMethod;
pub use connection::AzureConnection;
use credential::Credential;
pub use environment::Environment;
pub use error::AzureError;
pub(crate) use error::{Operation, Target};
pub(crate) use find_resource::{ResourceType, is_missing};
pub use new_account::{ExistingAccount, NewAccount};
pub use options::AzureOptions;
pub use problem::AzureProblem;
pub(crate) use resource_manager::ResourceManager;
pub use resource_manager::ResourceScope;
pub(crate) use rest::{ErrorDetail, Rest};
pub(crate) use rest_error::retry_after;
pub(crate) use retry::Retry;
pub(crate) use server_clock::ServerClock;
pub use session::AzureSession;
pub(crate) use subject::{Subject, SubjectKind};
pub(crate) use transport::Transport;

/// The characters to encode in a path segment or query value of a URL: all except the unreserved characters (RFC 3986
/// section 2.3).
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

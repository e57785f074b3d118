use std::io::{self, ErrorKind};

use crate::hint::Hint;

/// The HTTP server cannot start, or has stopped.
///
/// ```
/// use issuer::{Hint, ServeError};
/// let (address, source) = ("127.0.0.1:80".to_owned(), std::io::ErrorKind::PermissionDenied.into());
/// let error = ServeError::Listen { address, source };
/// assert_eq!(error.to_string(), "cannot listen on 127.0.0.1:80: permission denied");
/// assert_eq!(error.hint().unwrap(), "ports below 1024 need privileges; pass another --listen");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Hint for ServeError {
    fn hint(&self) -> Option<String> {
        let Self::Listen { source, .. } = self;
        let hint = match source.kind() {
            ErrorKind::AddrInUse => "pass another --listen, or port 0 for a free one",
            ErrorKind::PermissionDenied => "ports below 1024 need privileges; pass another --listen",
            _ => "pass --listen as ADDRESS:PORT of this machine",
        };
        Some(hint.to_owned())
    }
}

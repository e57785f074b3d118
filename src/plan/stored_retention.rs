use super::Retention;

/// The retention record of a stored document.
///
/// ```
/// use issuer::{Retention, RetentionError, StoredRetention};
/// let found = StoredRetention::from_bytes(br#"{"issuer":"https://issuer.example.com"}"#);
/// assert_eq!(found.issuer(), Some("https://issuer.example.com"));
/// assert!(found.record().is_some());
/// let broken = StoredRetention::from_bytes(b"{");
/// assert_eq!(broken, StoredRetention::Unreadable(RetentionError::NotJson));
/// assert_eq!(StoredRetention::from(Retention::default()), StoredRetention::Absent);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredRetention {
    /// The document has no record, because another program published it.
    #[default]
    Absent,
    /// The document has a record that cannot be parsed.
    Unreadable(RetentionError),
    /// The record.
    Read(Retention),
}

impl StoredRetention {
    /// Parses the bytes of a record.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let text = str::from_utf8(bytes).map_err(|_| RetentionError::NotJson);
        match text.and_then(Retention::from_text) {
            Ok(record) => Self::Read(record),
            Err(error) => Self::Unreadable(error),
        }
    }

    /// The record, if it can be parsed.
    pub fn record(&self) -> Option<&Retention> {
        match self {
            Self::Read(record) => Some(record),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// The issuer of the document, if the record contains it.
    pub fn issuer(&self) -> Option<&str> {
        self.record()?.issuer.as_deref()
    }

    /// Whether this is the state of a site that stores `record`.
    pub(crate) fn is(&self, record: &Retention) -> bool {
        match self {
            Self::Absent => record.is_empty(),
            Self::Unreadable(_) => false,
            Self::Read(found) => found == record,
        }
    }
}

/// An empty record is not stored.
impl From<Retention> for StoredRetention {
    fn from(record: Retention) -> Self {
        if record.is_empty() { Self::Absent } else { Self::Read(record) }
    }
}

/// Reason why a retention record cannot be parsed.
///
/// ```
/// use issuer::{Retention, RetentionError};
/// let error = Retention::from_text(r#"{"keys":[]}"#).unwrap_err();
/// assert_eq!(error, RetentionError::Form);
/// assert_eq!(error.to_string(), "it does not have the format of a retention record");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The text is longer than the limit.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// The text is not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// A later version of `issuer` wrote the record.
    #[error("a later version of issuer wrote it (record version {0})")]
    Version(u64),
    /// The text is JSON, but not a retention record.
    #[error("it does not have the format of a retention record")]
    Form,
}

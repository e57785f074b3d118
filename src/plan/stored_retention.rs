use super::Retention;

/// The retention record that was found with a stored document.
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
    /// There is none: something else published the document.
    #[default]
    Absent,
    /// There is one, and it cannot be read.
    Unreadable(RetentionError),
    /// The record.
    Read(Retention),
}

impl StoredRetention {
    /// Reads the bytes of a record.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let text = str::from_utf8(bytes).map_err(|_| RetentionError::NotJson);
        match text.and_then(Retention::from_text) {
            Ok(record) => Self::Read(record),
            Err(error) => Self::Unreadable(error),
        }
    }

    /// The record, where there is one that can be read.
    pub fn record(&self) -> Option<&Retention> {
        match self {
            Self::Read(record) => Some(record),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// The issuer that the document was published for, as far as the record says so.
    pub fn issuer(&self) -> Option<&str> {
        self.record()?.issuer.as_deref()
    }

    /// Whether this is what a site has after it kept `record`.
    pub(crate) fn is(&self, record: &Retention) -> bool {
        match self {
            Self::Absent => record.is_empty(),
            Self::Unreadable(_) => false,
            Self::Read(found) => found == record,
        }
    }
}

/// An empty record is not kept.
impl From<Retention> for StoredRetention {
    fn from(record: Retention) -> Self {
        if record.is_empty() { Self::Absent } else { Self::Read(record) }
    }
}

/// Why a retention record cannot be read.
///
/// ```
/// use issuer::{Retention, RetentionError};
/// let error = Retention::from_text(r#"{"keys":[]}"#).unwrap_err();
/// assert_eq!(error, RetentionError::Form);
/// assert_eq!(error.to_string(), "it is not a list of keys with their times");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// It is longer than any record.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// It is not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// A later version of `issuer` wrote it.
    #[error("a later version of issuer wrote it (record version {0})")]
    Version(u64),
    /// It is JSON of another form.
    #[error("it is not a list of keys with their times")]
    Form,
}

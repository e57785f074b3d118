//! The next step after an error, a refusal or a warning.

/// Gives the next step after an error, a refusal or a warning.
///
/// ```
/// use issuer::{Hint, IssuerUrl};
/// let error = "issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert_eq!(error.hint().unwrap(), "pass the whole URL, including https://");
/// ```
pub trait Hint {
    /// One step that the reader can carry out; `None` where no step is known.
    fn hint(&self) -> Option<String>;
}

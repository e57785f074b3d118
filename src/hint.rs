//! The next step after an error or a refusal.

/// Gives the next step after an error, a refusal or a warning.
///
/// ```
/// use issuer::{Hint, IssuerUrl};
/// let error = "issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert_eq!(error.hint().unwrap(), "write it as the API server has it, https:// included");
/// ```
pub trait Hint {
    /// One step that the reader can carry out; `None` where no step is known.
    fn hint(&self) -> Option<String>;
}

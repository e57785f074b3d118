use crate::hint::Hint;

/// A text that is no connection string of libpq.
///
/// Messages do not repeat the text, which may contain a password.
///
/// ```
/// use issuer::{ConnectionString, ConnectionStringError, Hint};
/// let error = "jdbc:postgresql://db.example.com/orders".parse::<ConnectionString>().unwrap_err();
/// assert_eq!(error, ConnectionStringError::Jdbc);
/// assert_eq!(error.hint().unwrap(), "remove jdbc: from the start, and pass the user as postgresql://USER@HOST/DATABASE");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionStringError {
    /// It is a URL of JDBC.
    #[error("the connection string is a URL of JDBC")]
    Jdbc,
    /// Its parameters are separated by semicolons, as .NET writes them.
    #[error("the parameters of the connection string are separated by semicolons")]
    Semicolons,
    /// It is a URI with another scheme.
    #[error("the scheme of the connection string is not postgresql or postgres")]
    Scheme,
    /// A word has no `=`.
    #[error("a parameter of the connection string has no =")]
    NoValue,
    /// The name of a parameter has a character that no name has.
    #[error("a parameter of the connection string has a name with a character that no name has")]
    Name,
    /// A quoted value has no end.
    #[error("a quoted value of the connection string has no closing quote")]
    Quote,
    /// An escape in a URI is not `%` and two hexadecimal digits, or is not UTF-8.
    #[error("an escape in the connection string is not % and two hexadecimal digits of UTF-8")]
    Escape,
    /// A URI contains white space.
    #[error("the URI of the connection contains white space")]
    WhiteSpace,
    /// An IPv6 address has no closing bracket.
    #[error("an address in the connection string has no closing bracket")]
    Bracket,
    /// It contains a control character.
    #[error("the connection string contains a control character")]
    Control,
    /// `sslmode` has an unknown value.
    #[error(
        "sslmode of the connection string is unknown; expected disable, allow, prefer, require, verify-ca or verify-full"
    )]
    SslMode,
    /// `azure_workload_identity` is neither true nor false.
    #[error("azure_workload_identity of the connection string is neither true nor false")]
    Marker,
}

impl Hint for ConnectionStringError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Jdbc => "remove jdbc: from the start, and pass the user as postgresql://USER@HOST/DATABASE",
            Self::Semicolons | Self::Scheme | Self::NoValue | Self::Name => {
                "pass postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full, or \"host=HOST user=USER dbname=DATABASE sslmode=verify-full\""
            }
            Self::Quote => "end the value with a single quote; write a quote in a value as \\'",
            Self::Escape => "write a % in a URI as %25",
            Self::WhiteSpace => "write a space in a URI as %20",
            Self::Bracket => "write an IPv6 address as [::1]",
            Self::Control => "pass the connection string on one line",
            Self::SslMode => "set sslmode=verify-full",
            Self::Marker => "set azure_workload_identity=true",
        };
        Some(hint.to_owned())
    }
}

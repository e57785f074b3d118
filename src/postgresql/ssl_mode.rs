use std::{fmt, str::FromStr};

/// How a client protects and verifies its connection to PostgreSQL, from the weakest to the strongest.
///
/// PostgreSQL documentation, "SSL Support", "Protection Provided in Different Modes".
///
/// ```
/// use issuer::SslMode;
/// assert_eq!("verify-full".parse(), Ok(SslMode::VerifyFull));
/// assert!(SslMode::default() < SslMode::VerifyFull);
/// assert_eq!(SslMode::default().to_string(), "prefer");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS only if the server requires it.
    Allow,
    /// TLS if the server supports it; the default of libpq.
    #[default]
    Prefer,
    /// TLS, without verifying the server.
    Require,
    /// TLS, and the certificate of the server is verified, but not its host name.
    VerifyCa,
    /// TLS, and certificate and host name of the server are verified.
    VerifyFull,
}

impl SslMode {
    /// All modes, from the weakest to the strongest.
    pub const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// The value of `sslmode`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Parses the value of `sslmode`; the error has no value.
impl FromStr for SslMode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or(())
    }
}

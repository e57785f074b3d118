//! Connections to PostgreSQL with an access token as the password: connection strings, password files and roles.

mod connection_string;
mod connection_string_error;
mod key_value;
mod password_file;
mod role;
mod server;
mod ssl_mode;
mod uri;

pub use connection_string::{ConnectionString, TokenMarker};
pub use connection_string_error::ConnectionStringError;
pub use password_file::{PasswordFile, PasswordFileError};
pub use role::{DatabaseRole, PrincipalKind};
pub use server::ServerAddress;
pub use ssl_mode::SslMode;

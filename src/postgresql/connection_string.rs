use std::{fmt, ops::Range, str::FromStr};

use super::{
    ConnectionStringError, ServerAddress, SslMode,
    key_value::{self, quoted},
    uri::Parts,
};

/// The parameter of the Ruby gem `pg-azure_workload_identity`, and the password of Windmill, that ask for a token.
const GEM: &str = "azure_workload_identity";
const WINDMILL: &str = "entraid";

/// A connection string for PostgreSQL: a URI, or key=value pairs as libpq reads them.
///
/// `Debug` shows no value: a connection string may contain a password.
///
/// ```
/// use issuer::{ConnectionString, SslMode, TokenMarker};
/// let connection: ConnectionString = "postgres://windmill:entraid@db.example.com/windmill?sslmode=require".parse()?;
/// assert_eq!(connection.marker(), Some(TokenMarker::Password));
/// assert_eq!((connection.user(), connection.database()), (Some("windmill"), Some("windmill")));
/// assert_eq!(connection.ssl_mode(), SslMode::Require);
/// assert_eq!(connection.with_token("TOKEN"), "postgres://windmill:TOKEN@db.example.com/windmill?sslmode=require");
///
/// let connection: ConnectionString = "host=db.example.com user=shop azure_workload_identity=true".parse()?;
/// assert_eq!(connection.marker(), Some(TokenMarker::Parameter));
/// assert_eq!(connection.with_token("TOKEN"), "password=TOKEN host=db.example.com user=shop");
/// # Ok::<(), issuer::ConnectionStringError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionString {
    text: String,
    parameters: Vec<Parameter>,
    ssl_mode: SslMode,
    marker: Option<TokenMarker>,
}

/// How a connection string asks for a token in place of a password.
///
/// ```
/// use issuer::{ConnectionString, TokenMarker};
/// let connection: ConnectionString = "user=shop password=entraid".parse()?;
/// assert_eq!(connection.marker(), Some(TokenMarker::Password));
/// # Ok::<(), issuer::ConnectionStringError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenMarker {
    /// The parameter `azure_workload_identity=true`, as the gem `pg-azure_workload_identity` reads it.
    Parameter,
    /// The password `entraid`, as Windmill reads it.
    Password,
}

/// A parameter of a connection string.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
    /// The bytes of a key=value pair in the text; empty in a URI.
    pub(super) place: Range<usize>,
}

impl ConnectionString {
    /// The value of a parameter by its name in libpq, such as `dbname`; the last one wins.
    ///
    /// The password is a parameter, too.
    pub fn get(&self, name: &str) -> Option<&str> {
        get(&self.parameters, name)
    }

    /// The user. Without one, libpq uses the name of the operating system's user, and other drivers use `postgres`.
    pub fn user(&self) -> Option<&str> {
        self.get("user")
    }

    /// The database. Without one, libpq uses the name of the user.
    pub fn database(&self) -> Option<&str> {
        self.get("dbname")
    }

    /// The servers, in the order in which libpq tries them. A connection string without a host has one without a name.
    pub fn servers(&self) -> Vec<ServerAddress> {
        ServerAddress::all(self.get("host").or_else(|| self.get("hostaddr")), self.get("port"))
    }

    /// How the connection is protected. With `sslrootcert=system`, the default is [`SslMode::VerifyFull`].
    pub fn ssl_mode(&self) -> SslMode {
        self.ssl_mode
    }

    /// How the connection string asks for a token; `None` if it does not.
    pub fn marker(&self) -> Option<TokenMarker> {
        self.marker
    }

    /// Whether the connection string contains a password that is no marker.
    pub fn has_password(&self) -> bool {
        self.get("password").is_some_and(|password| password != WINDMILL)
    }

    /// The connection string with this token as the password and without a marker. Everything else stays as it is.
    pub fn with_token(&self, token: &str) -> String {
        let removed = [GEM, "password"];
        if let Some(parts) = Parts::of(&self.text) {
            let escaped = percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC);
            // The characters of an access token need no escape: RFC 3986, section 2.3.
            let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let token = if token.bytes().all(is_unreserved) { token.to_owned() } else { escaped.to_string() };
            return parts.with_password(&token, &removed);
        }
        let mut text = String::new();
        let mut end = 0;
        for parameter in self.parameters.iter().filter(|parameter| removed.contains(&parameter.name.as_str())) {
            // The space before the removed pair goes with it.
            text.push_str(trimmed(&self.text[end..parameter.place.start]));
            end = parameter.place.end;
            // The next pair may follow a quoted value directly.
            if !self.text[end..].starts_with(char::is_whitespace) {
                text.push(' ');
            }
        }
        text.push_str(&self.text[end..]);
        // At the start, because libpq skips spaces after the = of an empty value at the end.
        let text = trimmed(text.trim_start());
        let space = if text.is_empty() { "" } else { " " };
        format!("password={}{space}{text}", quoted(token))
    }
}

impl FromStr for ConnectionString {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, ConnectionStringError> {
        let text = trimmed(text.trim_start());
        if text.contains(|character: char| character.is_control() && character != '\t') {
            return Err(ConnectionStringError::Control);
        }
        if text.starts_with("jdbc:") {
            return Err(ConnectionStringError::Jdbc);
        }
        let parameters = match Parts::of(text) {
            Some(_) if text.contains(char::is_whitespace) => return Err(ConnectionStringError::WhiteSpace),
            Some(parts) => parts.parameters()?,
            None if text.split(['=', ' ']).next().is_some_and(|word| word.contains("://")) => {
                return Err(ConnectionStringError::Scheme);
            }
            None => key_value::parse(text)?,
        };
        // A connection string of .NET: Host=HOST;Username=USER. No host name contains a semicolon.
        let is_host = |parameter: &Parameter| ["host", "server"].contains(&&*parameter.name.to_ascii_lowercase());
        if parameters.iter().any(|parameter| is_host(parameter) && parameter.value.contains(';')) {
            return Err(ConnectionStringError::Semicolons);
        }
        let ssl_mode = match get(&parameters, "sslmode") {
            Some(name) => name.parse().map_err(|()| ConnectionStringError::SslMode)?,
            None if get(&parameters, "sslrootcert") == Some("system") => SslMode::VerifyFull,
            None => SslMode::default(),
        };
        let marker = match get(&parameters, GEM) {
            None | Some("false") if get(&parameters, "password") == Some(WINDMILL) => Some(TokenMarker::Password),
            None | Some("false") => None,
            Some("true") => Some(TokenMarker::Parameter),
            Some(_) => return Err(ConnectionStringError::Marker),
        };
        Ok(Self { text: text.to_owned(), parameters, ssl_mode, marker })
    }
}

/// The text without white space at its end, except a character that a backslash escapes.
fn trimmed(text: &str) -> &str {
    let end = text.trim_end();
    let is_escaped = end.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    match text[end.len()..].chars().next().filter(|_| is_escaped) {
        Some(escaped) => &text[..end.len() + escaped.len_utf8()],
        None => end,
    }
}

fn get<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a str> {
    let values = parameters.iter().rev().filter(|parameter| parameter.name == name);
    values.map(|parameter| parameter.value.as_str()).find(|value| !value.is_empty())
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|parameter| &parameter.name).collect();
        f.debug_struct("ConnectionString").field("parameters", &names).finish_non_exhaustive()
    }
}

use super::{ConnectionString, ServerAddress};
use crate::hint::Hint;

/// The start of the comment in the first line.
const MARK: &str = "# issuer writes this file";
const COMMENT: &str = "# issuer writes this file and renews the token in it; changes are lost\n";

/// The content of a password file of libpq (`PGPASSFILE`, `.pgpass`), with an access token as the password.
///
/// The first line is a comment, by which a later run recognises the file. PostgreSQL documentation, "The Password File".
///
/// ```
/// use issuer::{ConnectionString, PasswordFile};
/// let connection: ConnectionString = "postgresql://orders@db.example.com/shop".parse()?;
/// let file = PasswordFile::of(&connection)?;
/// let text = file.with_token("TOKEN");
/// assert_eq!(text.lines().last(), Some("db.example.com:*:shop:orders:TOKEN"));
/// assert!(PasswordFile::is_own(text.as_bytes()) && !PasswordFile::is_own(b"db.example.com:*:*:*:secret\n"));
///
/// let every = PasswordFile::default().with_token("TOKEN");
/// assert_eq!(every.lines().last(), Some("*:*:*:*:TOKEN"));
/// assert!(PasswordFile::default().is_of_every_server() && !file.is_of_every_server());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordFile {
    servers: Vec<ServerAddress>,
    database: Option<String>,
    user: Option<String>,
}

/// A value that a password file cannot contain.
///
/// ```
/// use issuer::{Hint, PasswordFile};
/// let error = PasswordFile::new(None, None, Some("shop\norders"), None).unwrap_err();
/// assert_eq!(error.to_string(), "the database contains a line break, which a password file cannot contain");
/// assert!(error.hint().is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} contains a line break, which a password file cannot contain")]
pub struct PasswordFileError(&'static str);

impl Hint for PasswordFileError {
    fn hint(&self) -> Option<String> {
        Some(format!("remove the line break from the {}", self.0))
    }
}

/// For every server, database and user.
impl Default for PasswordFile {
    fn default() -> Self {
        Self { servers: vec![ServerAddress::default()], database: None, user: None }
    }
}

impl PasswordFile {
    /// The file for the servers, the database and the user of a connection.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError`] for a value with a line break.
    pub fn of(connection: &ConnectionString) -> Result<Self, PasswordFileError> {
        Self::checked(connection.servers(), connection.database(), connection.user())
    }

    /// The file for hosts and ports, each a list that is separated by commas, a database and a user, as the variables
    /// `PGHOST`, `PGPORT`, `PGDATABASE` and `PGUSER` contain them. A value that is not set is for all.
    ///
    /// # Errors
    ///
    /// [`PasswordFileError`] for a value with a line break.
    pub fn new(
        hosts: Option<&str>,
        ports: Option<&str>,
        database: Option<&str>,
        user: Option<&str>,
    ) -> Result<Self, PasswordFileError> {
        Self::checked(ServerAddress::all(hosts, ports), database, user)
    }

    fn checked(
        servers: Vec<ServerAddress>,
        database: Option<&str>,
        user: Option<&str>,
    ) -> Result<Self, PasswordFileError> {
        let hosts = servers.iter().map(|server| ("host", server.host.as_deref()));
        let ports = servers.iter().map(|server| ("port", server.port.as_deref()));
        let others = [("database", database), ("user", user)];
        let mut values = hosts.chain(ports).chain(others);
        let is_broken = |value: Option<&str>| value.is_some_and(|value| value.contains(['\n', '\r', '\0']));
        if let Some((name, _)) = values.find(|(_, value)| is_broken(*value)) {
            return Err(PasswordFileError(name));
        }
        drop(values);
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self { servers, database: some(database), user: some(user) })
    }

    /// The content with this token. It contains one line for each server.
    pub fn with_token(&self, token: &str) -> String {
        let field = |value: Option<&str>| value.map_or_else(|| "*".to_owned(), escaped);
        let line = |server: &ServerAddress| {
            let (host, port) = (field(server.host.as_deref()), field(server.port.as_deref()));
            let (database, user) = (field(self.database.as_deref()), field(self.user.as_deref()));
            format!("{host}:{port}:{database}:{user}:{}\n", escaped(token))
        };
        let lines: String = self.servers.iter().map(line).collect();
        format!("{COMMENT}{lines}")
    }

    /// Whether a line of the file is for every host, so that libpq sends the token to any server.
    pub fn is_of_every_server(&self) -> bool {
        self.servers.iter().any(|server| server.host.is_none())
    }

    /// Whether this type has written the content of a password file: it starts with the comment.
    pub fn is_own(content: &[u8]) -> bool {
        content.starts_with(MARK.as_bytes())
    }
}

/// A field of a password file: `:` and `\` are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(':', "\\:")
}

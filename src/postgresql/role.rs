use std::fmt;

/// The role of a Microsoft Entra principal in Azure Database for PostgreSQL.
///
/// Microsoft Learn, "Manage Microsoft Entra roles in Azure Database for PostgreSQL".
///
/// ```
/// use issuer::{DatabaseRole, PrincipalKind};
/// let role = DatabaseRole { object_id: Some("2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11"), ..DatabaseRole::new("orders") };
/// assert_eq!(role.kind, PrincipalKind::Service);
/// assert_eq!(
///     role.creation(),
///     "select * from pgaadauth_create_principal_with_oid('orders', '2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11', 'service', false, false);"
/// );
/// assert_eq!(role.grants("shop")[0], "grant connect on database shop to orders;");
/// assert_eq!(DatabaseRole::new("o'brien").creation(), "select * from pgaadauth_create_principal('o''brien', false, false);");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseRole<'a> {
    /// The name of the role, which is the user of connections, with upper and lower case.
    pub name: &'a str,
    /// The object ID of the principal, not its client ID. Without it, the name must be the display name of the principal.
    pub object_id: Option<&'a str>,
    /// The kind of the principal.
    pub kind: PrincipalKind,
}

/// The kind of a Microsoft Entra principal.
///
/// ```
/// use issuer::{DatabaseRole, PrincipalKind};
/// let role = DatabaseRole { object_id: Some("1"), kind: PrincipalKind::Group, ..DatabaseRole::new("readers") };
/// assert!(role.creation().contains("'1', 'group', false, false"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A managed identity or the service principal of an application.
    #[default]
    Service,
    /// A user.
    User,
    /// A group.
    Group,
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Service => "service",
            Self::User => "user",
            Self::Group => "group",
        })
    }
}

impl<'a> DatabaseRole<'a> {
    /// The role of a managed identity or service principal with this name.
    pub const fn new(name: &'a str) -> Self {
        Self { name, object_id: None, kind: PrincipalKind::Service }
    }

    /// The statement that creates the role. A Microsoft Entra administrator runs it in the database `postgres`.
    pub fn creation(&self) -> String {
        let name = literal(self.name);
        match self.object_id {
            Some(id) => format!(
                "select * from pgaadauth_create_principal_with_oid({name}, {}, '{}', false, false);",
                literal(id),
                self.kind
            ),
            None => format!("select * from pgaadauth_create_principal({name}, false, false);"),
        }
    }

    /// The statements that let the role use the schema `public` of a database, where the owner of the tables runs the last
    /// two. Since PostgreSQL 15, a role may not create tables there unless it is granted.
    pub fn grants(&self, database: &str) -> [String; 3] {
        let role = identifier(self.name);
        [
            format!("grant connect on database {} to {role};", identifier(database)),
            format!("grant usage, create on schema public to {role};"),
            format!("grant select, insert, update, delete on all tables in schema public to {role};"),
        ]
    }
}

/// A string constant of SQL (PostgreSQL documentation, "String Constants").
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// An identifier of SQL, quoted unless it is a plain lower case name (PostgreSQL documentation, "Identifiers and Key Words").
fn identifier(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts_well = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    let is_key_word = [
        "all",
        "analyse",
        "analyze",
        "current_user",
        "default",
        "grant",
        "group",
        "order",
        "public",
        "select",
        "session_user",
        "table",
        "user",
        "authorization",
        "end",
        "with",
        "where",
        "to",
        "from",
        "none",
    ]
    .contains(&text);
    if starts_well && text.bytes().all(is_plain) && !is_key_word {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

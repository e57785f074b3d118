//! Values of the commands that use a token: resources, scopes and connections to PostgreSQL.

use std::env;

use issuer::{ConnectionString, PasswordFile, PasswordFileError, Resource, Scope, SslMode};

use super::{Failure, Output, values::given};

/// The resource with this name.
pub(super) fn resource(name: &str) -> Result<Resource, Failure> {
    Resource::ALL.into_iter().find(|resource| resource.name() == name).ok_or_else(|| {
        let names = Resource::ALL.map(Resource::name).join(", ");
        Failure::usage(
            format!("there is no resource {}", given(name)),
            format!("pass one of {names}, or --scope SCOPE"),
        )
    })
}

/// A scope; another text is a usage error, and no request is sent.
pub(super) fn scope(text: &str) -> Result<Scope, Failure> {
    Ok(text.parse::<Scope>()?)
}

/// A connection string; its errors do not show it.
pub(super) fn connection(text: &str) -> Result<ConnectionString, Failure> {
    Ok(text.parse::<ConnectionString>()?)
}

/// Warns about a connection that sends the token to the wrong role or to a server that was not verified.
pub(super) fn warn_about(connection: &ConnectionString, output: &mut Output) {
    if connection.user().is_none() && variable("PGUSER").is_none() {
        output.warning(
            "the connection names no user: libpq uses the name of the operating system's user, other drivers use postgres; set the user to the role of the identity",
        );
    }
    let ssl_mode = match (connection.get("sslmode"), variable("PGSSLMODE")) {
        (None, Some(name)) => name.parse().unwrap_or_default(),
        _ => connection.ssl_mode(),
    };
    if ssl_mode < SslMode::VerifyFull {
        output.warning(format!(
            "sslmode is {ssl_mode}, so the token may go to a server that was not verified; set sslmode=verify-full and sslrootcert"
        ));
    }
}

/// The password file for the server, database and user in the variables of libpq.
pub(super) fn password_file_of_variables() -> Result<PasswordFile, PasswordFileError> {
    let [host, address, port, database, user] =
        ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"].map(variable);
    PasswordFile::new(host.or(address).as_deref(), port.as_deref(), database.as_deref(), user.as_deref())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

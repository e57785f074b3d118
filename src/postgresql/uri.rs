//! The URI form: PostgreSQL documentation, "Connection URIs" (`conninfo_uri_parse` in libpq).

use percent_encoding::percent_decode_str;

use super::{ConnectionStringError, connection_string::Parameter};

/// The schemes of the form.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// The parts of a URI, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) scheme: &'static str,
    pub(super) user: &'a str,
    pub(super) password: Option<&'a str>,
    /// Hosts, ports and path.
    pub(super) place: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// `None` if the text has another scheme.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) =
            SCHEMES.into_iter().find_map(|scheme| text.strip_prefix(scheme).map(|rest| (scheme, rest)))?;
        // As in libpq, the user ends at the first @ before the path.
        let (user, rest) = match rest.find(['@', '/']) {
            Some(at) if rest[at..].starts_with('@') => (&rest[..at], &rest[at + 1..]),
            _ => ("", rest),
        };
        let (user, password) = user.split_once(':').map_or((user, None), |(user, password)| (user, Some(password)));
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        Some(Self { scheme, user, password, place, query })
    }

    /// The parameters, decoded. Those of the query come last and win, as in libpq.
    pub(super) fn parameters(&self) -> Result<Vec<Parameter>, ConnectionStringError> {
        let mut parameters = Vec::new();
        let mut add = |name: &str, value: &str| {
            let value = decoded(value)?;
            parameters.push(Parameter { name: decoded(name)?, value, place: 0..0 });
            Ok(())
        };
        let (servers, database) = self.place.split_once('/').unwrap_or((self.place, ""));
        let servers = servers.split(',').map(server).collect::<Result<Vec<_>, _>>()?;
        let join = |part: fn(&(&'a str, &'a str)) -> &'a str| servers.iter().map(part).collect::<Vec<_>>().join(",");
        let (hosts, ports) = (join(|server| server.0), join(|server| server.1));
        let has_port = servers.iter().any(|server| !server.1.is_empty());
        let named = [("user", self.user), ("password", self.password.unwrap_or_default()), ("host", &hosts)];
        for (name, value) in named.into_iter().filter(|(_, value)| !value.is_empty()) {
            add(name, value)?;
        }
        if has_port {
            add("port", &ports)?;
        }
        if !database.is_empty() {
            add("dbname", database)?;
        }
        for pair in pairs(self.query) {
            let (name, value) = pair.split_once('=').ok_or(ConnectionStringError::NoValue)?;
            // JDBC's spelling, which libpq accepts.
            if (name, value) == ("ssl", "true") { add("sslmode", "require")? } else { add(name, value)? }
        }
        Ok(parameters)
    }

    /// The URI with another password, and without the parameters of the query that have one of these names.
    pub(super) fn with_password(&self, password: &str, without: &[&str]) -> String {
        let kept = pairs(self.query).filter(|pair| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            decoded(name).is_ok_and(|name| !without.contains(&name.as_str()))
        });
        let query = kept.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{}:{password}@{}{mark}{query}", self.scheme, self.user, self.place)
    }
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = &str> {
    query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty())
}

/// Host and port of a server.
fn server(text: &str) -> Result<(&str, &str), ConnectionStringError> {
    let Some(address) = text.strip_prefix('[') else { return Ok(text.split_once(':').unwrap_or((text, ""))) };
    let (address, rest) = address.split_once(']').ok_or(ConnectionStringError::Bracket)?;
    Ok((address, rest.strip_prefix(':').unwrap_or_default()))
}

fn decoded(text: &str) -> Result<String, ConnectionStringError> {
    let is_escaped = |(at, _): (usize, &str)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.match_indices('%').all(is_escaped) {
        return Err(ConnectionStringError::Escape);
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| ConnectionStringError::Escape)?;
    if decoded.contains('\0') { Err(ConnectionStringError::Control) } else { Ok(decoded.into_owned()) }
}

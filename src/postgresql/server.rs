/// A server of a connection string.
///
/// ```
/// use issuer::ConnectionString;
/// let connection: ConnectionString = "host=a.example.com,b.example.com port=6432".parse()?;
/// let servers = connection.servers();
/// assert_eq!(servers[1].host.as_deref(), Some("b.example.com"));
/// assert_eq!(servers[1].port.as_deref(), Some("6432"));
/// # Ok::<(), issuer::ConnectionStringError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerAddress {
    /// The host name, the address, or the folder of a Unix domain socket.
    pub host: Option<String>,
    /// The port.
    pub port: Option<String>,
}

impl ServerAddress {
    /// The servers of lists that are separated by commas. One port is for all hosts (PostgreSQL documentation, "Specifying
    /// Multiple Hosts").
    pub(super) fn all(hosts: Option<&str>, ports: Option<&str>) -> Vec<Self> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let ports: Vec<&str> = ports.unwrap_or_default().split(',').collect();
        let port = |at: usize| if ports.len() == 1 { ports.first() } else { ports.get(at) }.and_then(|port| some(port));
        let hosts = hosts.unwrap_or_default().split(',').enumerate();
        hosts.map(|(at, host)| Self { host: some(host), port: port(at) }).collect()
    }
}

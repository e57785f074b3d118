//! The gate in front of a PostgreSQL server: it authenticates as Azure Database for PostgreSQL does, and passes
//! everything else on.
//!
//! "Message Flow" of the PostgreSQL documentation has the start of a connection: `SSLRequest`,
//! `StartupMessage`, `AuthenticationCleartextPassword`. "Secure connectivity with TLS in Azure Database for PostgreSQL"
//! requires TLS for every connection. A request to cancel a query comes on a connection of its own without TLS, as libpq sends it.

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    entra_login::{self, Sentences},
    issued_tokens::IssuedTokens,
    pgaadauth::{self, PrincipalType},
    postgresql::Postgresql,
    postgresql_message::{Fatal, Message, Start, StartupMessage},
    tls::Authority,
    tls_connection::TlsConnection,
};

/// A login, accepted or refused.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) role: String,
    pub(crate) database: String,
    /// The SHA-256 hash of the password.
    pub(crate) token_hash: Vec<u8>,
    pub(crate) refusal: Option<Fatal>,
}

/// A gate on a free port of this machine.
pub(crate) struct Gate {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: Arc<Postgresql>,
    tls: Arc<rustls::ServerConfig>,
    tokens: IssuedTokens,
    sentences: Mutex<Sentences>,
    logins: Mutex<Vec<Login>>,
    open: AtomicUsize,
}

impl Gate {
    /// A gate with the certificate of this authority in front of a server.
    pub(crate) fn start(server: Arc<Postgresql>, authority: &Authority, tokens: &IssuedTokens) -> Self {
        pgaadauth::install(&server);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            server,
            tls: authority.server_config(),
            tokens: tokens.clone(),
            sentences: Mutex::default(),
            logins: Mutex::default(),
            open: AtomicUsize::new(0),
        });
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let state = Arc::clone(&served);
                // A connection that breaks is the client's concern: it reports the error.
                thread::spawn(move || state.serve(stream));
            }
        });
        Self { address, state }
    }

    /// The server behind the gate.
    pub(crate) fn server(&self) -> &Postgresql {
        &self.state.server
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Creates the role of an application or a managed identity, and a database that it owns.
    pub(crate) fn create_service(&self, role: &str, object_id: &str, database: &str) {
        pgaadauth::create_principal(self.server(), role, object_id, PrincipalType::Service, false);
        self.server().create_database(database, role);
    }

    /// Changes the texts of refusals to these.
    pub(crate) fn use_sentences(&self, sentences: Sentences) {
        *self.state.sentences.lock().unwrap() = sentences;
    }

    /// The logins until now.
    pub(crate) fn logins(&self) -> Vec<Login> {
        self.state.logins.lock().unwrap().clone()
    }

    /// The number of accepted logins.
    pub(crate) fn accepted(&self) -> usize {
        self.logins().iter().filter(|login| login.refusal.is_none()).count()
    }

    /// The number of different tokens in accepted logins.
    pub(crate) fn different_tokens(&self) -> usize {
        let logins = self.logins();
        let accepted = logins.iter().filter(|login| login.refusal.is_none());
        accepted.map(|login| &login.token_hash).collect::<HashSet<_>>().len()
    }

    /// The number of connections with an accepted login that are open now.
    pub(crate) fn open_connections(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        loop {
            match Start::read(&mut stream)? {
                // Clients with an encrypted connection of GSSAPI are refused by "N" and continue with TLS.
                Start::GssEncryption => stream.write_all(b"N")?,
                Start::Tls => {
                    stream.write_all(b"S")?;
                    let connection = Arc::new(TlsConnection::new(stream, Arc::clone(&self.tls)));
                    let result = self.serve_encrypted(&connection);
                    connection.close();
                    return result;
                }
                Start::Cancel(bytes) => {
                    let mut server = UnixStream::connect(self.server.socket())?;
                    server.write_all(&bytes)?;
                    return server.read_to_end(&mut Vec::new()).map(|_| ());
                }
                Start::Session(startup) => return no_encryption(&startup, &stream).to_message().write(&mut stream),
            }
        }
    }

    fn serve_encrypted(&self, connection: &Arc<TlsConnection>) -> io::Result<()> {
        let mut stream: &TlsConnection = connection;
        let Start::Session(startup) = Start::read(&mut stream)? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        // PostgreSQL, tcop/backend_startup.c.
        let Some(role) = startup.parameter("user").filter(|role| !role.is_empty()) else {
            let message = "no PostgreSQL user name specified in startup packet".to_owned();
            return Fatal { sqlstate: "28000", message, hint: None }.to_message().write(&mut stream);
        };
        Message::password_request().write(&mut stream)?;
        let Some(password) = Message::read_password(&mut stream)? else { return Ok(()) };
        let principal = pgaadauth::find(&self.server, role)?;
        let sentences = *self.sentences.lock().unwrap();
        let refusal = entra_login::judge(role, principal.as_ref(), &password, &self.tokens, sentences).err();
        self.logins.lock().unwrap().push(Login {
            role: role.to_owned(),
            database: startup.parameter("database").unwrap_or(role).to_owned(),
            token_hash: digest(&SHA256, password.as_bytes()).as_ref().to_vec(),
            refusal: refusal.clone(),
        });
        match refusal {
            Some(refusal) => refusal.to_message().write(&mut stream),
            None => self.relay(connection, &startup),
        }
    }

    /// Opens the server with the message of the client, and copies bytes in both directions. The server trusts the gate,
    /// so its first answer is `AuthenticationOk`.
    fn relay(&self, connection: &Arc<TlsConnection>, startup: &StartupMessage) -> io::Result<()> {
        let mut server = UnixStream::connect(self.server.socket())?;
        server.write_all(&startup.bytes)?;
        self.open.fetch_add(1, Ordering::SeqCst);
        let (client, mut from_server) = (Arc::clone(connection), server.try_clone()?);
        let answers = thread::spawn(move || {
            let _ = copy(&mut from_server, &mut &*client);
            client.close();
        });
        let _ = copy(&mut &**connection, &mut server);
        // The server ends the session when the client has closed its connection.
        let _ = server.shutdown(std::net::Shutdown::Both);
        let _ = answers.join();
        self.open.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Copies without waiting for a full buffer.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 1 << 14];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => to.write_all(&buffer[..length])?,
        }
    }
}

/// PostgreSQL documentation, "Authentication Problems", with the end that releases since 14 add.
fn no_encryption(startup: &StartupMessage, stream: &TcpStream) -> Fatal {
    let user = startup.parameter("user").unwrap_or_default();
    let database = startup.parameter("database").unwrap_or(user);
    let host = stream.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let message =
        format!("no pg_hba.conf entry for host \"{host}\", user \"{user}\", database \"{database}\", no encryption");
    Fatal { sqlstate: "28000", message, hint: None }
}

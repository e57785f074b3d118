//! A real PostgreSQL server: Debian's package, with its data in a temporary folder.

use std::{
    io::{BufRead, BufReader},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
    thread,
};

use super::{
    clients,
    other_user::{OTHER_UID, is_root},
};

/// The superuser, who can log in over the socket only.
pub(crate) const SUPERUSER: &str = "postgres";

/// Starts the server. Shuts it down and removes its data when standard input ends, which also happens when the test
/// process is killed. `$1` is the folder of the programs, `$2` the folder of the server.
const RUN_UNTIL_END_OF_STDIN: &str = r#"
    trap '' INT
    trap 'rm -rf "$2"' EXIT
    "$1/initdb" --pgdata "$2/data" --username postgres --auth trust --encoding UTF8 --locale C --no-sync \
        --no-instructions >&2
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
        -c synchronous_commit=off -c autovacuum=off -c max_connections=300 -c shared_buffers=32MB \
        -c log_connections=on -c log_statement=all -c lc_messages=C </dev/null &
    cat >/dev/null
    kill -INT $!
    wait
"#;

/// A server that listens only on a Unix socket. Everyone who can reach the socket is trusted; the gate in front of the
/// server judges the logins.
pub(crate) struct Postgresql {
    folder: PathBuf,
    log: Arc<Mutex<String>>,
    child: Child,
}

impl Postgresql {
    /// The server that all tests share: roles and databases need names of their own. `None`: the programs are missing,
    /// and the test is skipped.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: OnceLock<Option<Arc<Postgresql>>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().map(Arc::new)).clone()
    }

    /// Starts a server with an empty cluster.
    pub(crate) fn start() -> Option<Self> {
        let programs = clients::postgresql()?;
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().unwrap().keep();
        let mut shell = Command::new("sh");
        shell.args(["-euc", RUN_UNTIL_END_OF_STDIN, "sh"]).args([programs, &folder]);
        // PostgreSQL does not run as root.
        if is_root() {
            chown(&folder, Some(OTHER_UID), Some(OTHER_UID)).unwrap();
            shell.uid(OTHER_UID).gid(OTHER_UID);
        }
        shell.current_dir(&folder).env_clear().env("PATH", "/usr/bin:/bin").env("TZ", "UTC");
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        while !log.lock().unwrap().contains("database system is ready to accept connections") {
            assert!(read_line(&mut stderr, &log), "PostgreSQL did not start:\n{}", log.lock().unwrap());
        }
        let noted = Arc::clone(&log);
        thread::spawn(move || while read_line(&mut stderr, &noted) {});
        Some(Self { folder, log, child })
    }

    /// The socket, which is also the address of the superuser.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// The log of the server, with every statement.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Runs SQL as the superuser, and returns the rows, one a line, with `|` between the columns.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let output = psql()
            .args(["--no-align", "--tuples-only", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", sql])
            .args(["--host".as_ref(), self.folder.as_os_str()])
            .args(["--port", "5432", "--username", SUPERUSER, "--dbname", database])
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Creates a role that may log in. Through the gate, it needs a principal, too.
    pub(crate) fn create_role(&self, role: &str) {
        self.sql("postgres", &format!("CREATE ROLE {} LOGIN", identifier(role)));
    }

    pub(crate) fn create_database(&self, database: &str, owner: &str) {
        self.sql("postgres", &format!("CREATE DATABASE {} OWNER {}", identifier(database), identifier(owner)));
    }

    /// The folder with the socket and the data.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// psql without the variables and files of the user who runs the tests.
pub(crate) fn psql() -> Command {
    let mut command = Command::new("psql");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").arg("--no-psqlrc");
    command.stdin(Stdio::null());
    command
}

/// A quoted identifier (PostgreSQL documentation, "Identifiers and Key Words").
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant ("String Constants").
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Adds the next line to the log; false at its end.
fn read_line(stderr: &mut BufReader<ChildStderr>, log: &Mutex<String>) -> bool {
    let mut line = Vec::new();
    let length = stderr.read_until(b'\n', &mut line).unwrap_or(0);
    log.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
    length > 0
}

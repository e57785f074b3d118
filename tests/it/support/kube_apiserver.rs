//! A real kube-apiserver with its objects in the shared etcd. It has no controller-manager: tests create the service
//! accounts, and nothing is collected as garbage.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    client_authority::ClientAuthority,
    clients,
    etcd::{self, Etcd},
    kubeconfig::Kubeconfig,
    service_account_key::ServiceAccountKey,
    tls::Authority,
};

/// The token of the administrator.
pub(crate) const ADMIN: &str = "admin-token-0123456789";
/// The token of a user without permissions.
pub(crate) const JANE: &str = "jane-token-0123456789";
/// The issuer of the shared server.
pub(crate) const ISSUER: &str = "https://issuers.example.com/clusters/prod-1";

/// Starts the server with the arguments after `$1`, its program. Stops it when standard input ends, which also happens
/// when the test process is killed.
const RUN_UNTIL_END_OF_STDIN: &str = r#"
    "$@" </dev/null >/dev/null 2>"$LOG" &
    cat >/dev/null
    kill $!
    wait
"#;
/// The number of attempts to start a server: another process may take its port.
const STARTS_MAX: usize = 5;
/// The number of requests for the state of a starting server, and the pause between them.
const POLLS_MAX: usize = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// How a server is started.
#[derive(Clone)]
pub(crate) struct Flags {
    /// The issuers; the first is that of new tokens.
    pub(crate) issuers: Vec<String>,
    /// The keys; the first signs.
    pub(crate) keys: Vec<ServiceAccountKey>,
    /// Other flags.
    pub(crate) others: Vec<OsString>,
}

/// A server on a free port.
pub(crate) struct KubeApiserver {
    port: u16,
    state: Arc<State>,
    flags: Flags,
    child: Child,
}

/// What a restart keeps.
struct State {
    etcd: &'static Etcd,
    /// The prefix of its objects in etcd.
    prefix: String,
    authority: Authority,
    users: ClientAuthority,
    folder: TempDir,
}

impl KubeApiserver {
    /// The server that all tests share: namespaces need names of their own. `None`: the programs are missing, and the
    /// test is skipped.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<KubeApiserver>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_issuer(ISSUER)).as_ref()
    }

    /// A server with one issuer and a new key.
    pub(crate) fn start_issuer(issuer: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        Etcd::shared()?;
        let keys = vec![ServiceAccountKey::new(folder.path(), "sa")];
        Self::start_in(folder, &Flags { issuers: vec![issuer.to_owned()], keys, others: Vec::new() })
    }

    /// A server with these flags and no objects.
    pub(crate) fn start(flags: &Flags) -> Option<Self> {
        Self::start_in(TempDir::new().unwrap(), flags)
    }

    fn start_in(folder: TempDir, flags: &Flags) -> Option<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let etcd = Etcd::shared()?;
        let prefix = format!("/cluster-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let users = ClientAuthority::new();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("users.pem", &users.pem());
        write("tokens.csv", &format!("{ADMIN},admin,1,\"system:masters\"\n{JANE},jane,2\n"));
        let state = State { etcd, prefix, authority: Authority::new(), users, folder };
        Some(Self::run(&Arc::new(state), flags))
    }

    /// Stops the server, and starts it again with other flags and the same objects.
    pub(crate) fn restarted(self, flags: &Flags) -> Self {
        let state = Arc::clone(&self.state);
        drop(self);
        Self::run(&state, flags)
    }

    /// Stops the server, and starts it again without its caches.
    pub(crate) fn restarted_alike(self) -> Self {
        let flags = self.flags.clone();
        self.restarted(&flags)
    }

    fn run(state: &Arc<State>, flags: &Flags) -> Self {
        for _ in 0..STARTS_MAX {
            // kube-apiserver cannot choose a port.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let child = spawn(state, port, flags);
            let mut server = Self { port, state: Arc::clone(state), flags: flags.clone(), child };
            if server.becomes_ready() {
                return server;
            }
        }
        panic!("kube-apiserver does not start: {}", log(state.folder.path()));
    }

    /// Waits until the server is ready; false if it has ended.
    fn becomes_ready(&mut self) -> bool {
        for _ in 0..POLLS_MAX {
            if self.call("GET", "/readyz", ADMIN, None).0 == 200 {
                return true;
            }
            if log(self.folder()).contains("address already in use") {
                return false;
            }
            thread::sleep(PAUSE);
        }
        false
    }

    /// The URL, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate of its authority.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.state.authority.ca_file()
    }

    /// The authority whose client certificates it accepts.
    pub(crate) fn users(&self) -> &ClientAuthority {
        &self.state.users
    }

    /// The cluster of a kubeconfig.
    pub(crate) fn cluster(&self) -> Value {
        json!({
            "server": self.url(),
            "certificate-authority-data": BASE64_STANDARD.encode(fs::read(self.ca_file()).unwrap()),
        })
    }

    /// A kubeconfig with the cluster `c` and the context `admin`, the current one.
    pub(crate) fn kubeconfig(&self) -> Kubeconfig {
        Kubeconfig::default().cluster("c", self.cluster()).user("admin", "c", json!({ "token": ADMIN }))
    }

    /// Sends a request with curl, and returns the status and the body; the status is 0 without a response.
    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Vec<u8>) {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--max-time", "30", "--write-out", "%{http_code}", "--cacert"])
            .arg(self.ca_file())
            .args(["--request", method, "--header", &format!("Authorization: Bearer {token}")])
            .args(["--header", "Content-Type: application/json", &format!("{}{path}", self.url())]);
        if body.is_some() {
            curl.args(["--data-binary", "@-"]);
        }
        let mut child = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let text = body.map(ToString::to_string).unwrap_or_default();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let mut output = child.wait_with_output().unwrap().stdout;
        let code = output.split_off(output.len() - 3);
        (String::from_utf8(code).unwrap().parse().unwrap(), output)
    }

    /// The body of a document, as the administrator.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        let (status, body) = self.call("GET", path, ADMIN, None);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// Creates an object, and returns it as the server stored it.
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        let (status, body) = self.call("POST", path, ADMIN, Some(object));
        assert_eq!(status, 201, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    pub(crate) fn create_namespace(&self, name: &str) -> Value {
        self.create("/api/v1/namespaces", &json!({ "metadata": { "name": name } }))
    }

    pub(crate) fn create_service_account(&self, namespace: &str, name: &str) -> Value {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.create(&path, &json!({ "metadata": { "name": name } }))
    }

    /// A token of a service account by TokenRequest, for an hour.
    pub(crate) fn token(&self, namespace: &str, name: &str, audience: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let spec = json!({ "audiences": [audience], "expirationSeconds": 3600 });
        let answer = self.create(&path, &json!({ "spec": spec }));
        answer["status"]["token"].as_str().unwrap().to_owned()
    }

    /// Grants a `ClusterRole` to a user.
    pub(crate) fn bind_cluster_role(&self, binding: &str, role: &str, user: &str) {
        self.create(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            &json!({
                "metadata": { "name": binding },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
                "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
            }),
        );
    }

    /// The folder with the files of the server, which lives as long as the server.
    pub(crate) fn folder(&self) -> &Path {
        self.state.folder.path()
    }
}

fn spawn(state: &State, port: u16, flags: &Flags) -> Child {
    let State { etcd, prefix, authority, folder, .. } = state;
    let folder = folder.path();
    let (certificate, key) = authority.server_files();
    let flag = |name: &str, value: &Path| {
        let mut flag = OsString::from(format!("--{name}="));
        flag.push(value);
        flag
    };
    let mut arguments: Vec<OsString> = vec![
        format!("--etcd-servers={}", etcd::ADDRESS).into(),
        format!("--etcd-prefix={prefix}").into(),
        format!("--secure-port={port}").into(),
        "--bind-address=127.0.0.1".into(),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        "--endpoint-reconciler-type=none".into(),
        "--authorization-mode=RBAC".into(),
        // Without a controller-manager no service account exists until a test creates it.
        "--disable-admission-plugins=ServiceAccount".into(),
        flag("tls-cert-file", &certificate),
        flag("tls-private-key-file", &key),
        flag("client-ca-file", &folder.join("users.pem")),
        flag("token-auth-file", &folder.join("tokens.csv")),
        flag("service-account-signing-key-file", flags.keys[0].private()),
    ];
    arguments.extend(flags.issuers.iter().map(|issuer| format!("--service-account-issuer={issuer}").into()));
    arguments.extend(flags.keys.iter().map(|key| flag("service-account-key-file", key.public())));
    arguments.extend(flags.others.iter().cloned());
    let program = clients::kube_apiserver().unwrap().join("kube-apiserver");
    Command::new("sh")
        .args(["-euc", RUN_UNTIL_END_OF_STDIN, "sh"])
        .arg(program)
        .args(arguments)
        .current_dir(etcd.folder())
        .env("LOG", folder.join("log"))
        .env_remove("HTTPS_PROXY")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

impl Drop for KubeApiserver {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

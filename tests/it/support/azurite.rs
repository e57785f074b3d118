//! Azurite, the emulator of Azure Storage, and its accounts.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_STANDARD};

/// The number of accounts of an emulator.
const ACCOUNTS: usize = 300;

/// The well-known key of every emulator's default account (Microsoft Learn, "Use the Azurite emulator").
const EMULATOR_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Ends the emulator and removes its data when its standard input ends, which also happens when the test process is
/// killed.
const EXIT_AT_END_OF_STDIN: &str = r#"data:text/javascript,import fs from "node:fs";process.stdin.on("end",()=>{fs.rmSync(process.env.AZURITE_DATA,{recursive:true});process.exit()}).resume()"#;

/// The next unused account of the shared emulator.
pub(crate) fn account() -> Account {
    static SHARED: OnceLock<Azurite> = OnceLock::new();
    SHARED.get_or_init(Azurite::start).account()
}

/// A storage account, by its key.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    /// The account key in base64.
    pub(crate) key: String,
    /// The URL of its Blob service, without a slash at its end.
    pub(crate) endpoint: String,
}

impl Account {
    pub(crate) fn connection_string(&self) -> String {
        let Self { name, key, endpoint } = self;
        let scheme = endpoint.split(':').next().unwrap();
        format!("DefaultEndpointsProtocol={scheme};AccountName={name};AccountKey={key};BlobEndpoint={endpoint};")
    }

    /// The same account at another address over plain HTTP.
    pub(crate) fn through(&self, proxy_address: &str) -> Self {
        Self { endpoint: format!("http://{proxy_address}/{}", self.name), ..self.clone() }
    }

    /// The host and port of the endpoint.
    pub(crate) fn address(&self) -> &str {
        self.endpoint.split('/').nth(2).unwrap()
    }
}

/// An emulator on a free port, with its data in a temporary folder.
///
/// It ends when it is dropped, and when this process ends or is killed.
pub(crate) struct Azurite {
    /// Its host and port.
    pub(crate) address: String,
    accounts: Vec<Account>,
    used: AtomicUsize,
    child: Child,
    _stdout: BufReader<ChildStdout>,
}

impl Azurite {
    /// Over plain HTTP, which accepts shared keys and shared access signatures.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--disableProductStyleUrl"], random_names())
    }

    /// Over HTTPS, which accepts bearer tokens, too. Their signatures are not checked.
    pub(crate) fn start_with_oauth(cert: &Path, key: &Path) -> Self {
        let [cert, key] = [cert, key].map(|path| std::path::absolute(path).unwrap().into_os_string());
        let [cert, key] = [cert, key].map(|path| path.into_string().unwrap());
        Self::start_with(
            &["--disableProductStyleUrl", "--oauth", "basic", "--cert", &cert, "--key", &key],
            random_names(),
        )
    }

    /// The same with accounts of these names, which are also served as `NAME.blob.core.windows.net`.
    pub(crate) fn start_with_hosts(cert: &Path, key: &Path, names: &[&str]) -> Self {
        let [cert, key] = [cert, key].map(|path| path.to_str().unwrap());
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self::start_with(&["--oauth", "basic", "--cert", cert, "--key", key], names)
    }

    fn start_with(options: &[&str], names: Vec<String>) -> Self {
        let main = home().join("node_modules/azurite/dist/src/blob/main.js");
        assert!(main.is_file(), "Azurite is not installed: run scripts/test once");
        let mut keys: Vec<_> = names.into_iter().map(|name| (name, BASE64_STANDARD.encode(random::<64>()))).collect();
        keys.push(("devstoreaccount1".to_owned(), EMULATOR_KEY.to_owned()));
        let accounts: Vec<_> = keys.iter().map(|(name, key)| format!("{name}:{key}")).collect();
        let data = tempfile::Builder::new().prefix("azurite-").tempdir().unwrap().keep();
        let mut child = Command::new("node")
            .args(["--no-warnings", "--import", EXIT_AT_END_OF_STDIN])
            .arg(main)
            .args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--location"])
            .arg(&data)
            .args(["--skipApiVersionCheck", "--disableTelemetry", "--silent"])
            .args(options)
            .current_dir(std::env::temp_dir())
            .env("AZURITE_ACCOUNTS", accounts.join(";"))
            .env("AZURITE_DATA", &data)
            .env_remove("AZURITE_DB")
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node must be installed");
        // Azurite prints its address when it listens.
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "Azurite ended before it listened");
            if let Some((_, url)) = line.trim().split_once("successfully listens on ") {
                break url.to_owned();
            }
        };
        let address = url.split('/').nth(2).unwrap().to_owned();
        let account = |(name, key)| Account { endpoint: format!("{url}/{name}"), name, key };
        let accounts = keys.into_iter().map(account).collect();
        let used = AtomicUsize::new(0);
        Self { address, accounts, used, child, _stdout: stdout }
    }

    /// The next unused account.
    pub(crate) fn account(&self) -> Account {
        let next = self.used.fetch_add(1, Ordering::Relaxed);
        self.accounts.get(next).expect("the emulator has another unused account").clone()
    }

    /// The process ID of the emulator.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The folder with the node modules.
fn home() -> PathBuf {
    std::env::var_os("AZURITE_HOME")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target/azurite").into(), PathBuf::from)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).unwrap();
    bytes
}

fn random_names() -> Vec<String> {
    (0..ACCOUNTS).map(|_| random_name()).collect()
}

/// A valid account name: 3 to 24 lower-case letters and digits.
fn random_name() -> String {
    let [length, bytes @ ..] = random::<25>();
    let letter = |byte: &u8| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[usize::from(*byte) % 36]);
    bytes.iter().take(12 + usize::from(length) % 13).map(letter).collect()
}

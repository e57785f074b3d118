//! Tokens: an exchange compared with curl sending the same request, a program that gets a token, and a cached token.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use issuer::{TokenSource, WorkloadIdentity};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    ISSUER,
    support::{
        signer::signer,
        stand_in::{Response, StandIn},
        tls::Authority,
    },
};

const RUNS: usize = 200;
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const SCOPE: &str = "https://vault.azure.net/.default";
/// The certificates that both programs load, as on a usual machine.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
const CACHED_CALLS: u32 = 1_000_000;

pub(crate) fn measure() {
    let authority = Authority::new();
    let body = json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "a".repeat(1500) }).to_string();
    let entra = StandIn::https(&authority, move |_| Response::json(200, serde_json::from_str(&body).expect("JSON")));
    let folder = TempDir::new().expect("a temporary directory");
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file in a temporary directory");
        path.to_str().expect("text").to_owned()
    };
    let claims = json!({ "iss": "https://issuer.example.com", "sub": "system:serviceaccount:shop:orders" });
    let assertion = signer().sign(&signer().header(), &claims);
    let token_file = file("token", assertion.as_bytes());
    let mut bundle = fs::read(SYSTEM_CERTIFICATES).unwrap_or_default();
    bundle.extend(fs::read(authority.ca_file()).expect("the certificate of the authority"));
    let bundle = file("bundle.pem", &bundle);
    let form = format!(
        "scope=https%3A%2F%2Fvault.azure.net%2F.default&client_id={CLIENT}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}&grant_type=client_credentials"
    );
    let form = format!("@{}", file("form", form.as_bytes()));
    let host = entra.url().replace("127.0.0.1", "localhost");
    let url = format!("{host}/{TENANT}/oauth2/v2.0/token");
    let in_pod = |arguments: &[&str]| {
        let mut command = Command::new(ISSUER);
        command.env("AZURE_AUTHORITY_HOST", &host).env("AZURE_TENANT_ID", TENANT).env("AZURE_CLIENT_ID", CLIENT);
        command.env("AZURE_FEDERATED_TOKEN_FILE", &token_file).env("SSL_CERT_FILE", &bundle).args(arguments);
        command
    };
    let curl = || {
        let mut command = Command::new("curl");
        command.args(["--silent", "--fail", "--cacert", &bundle, "--data", &form, &url]);
        command
    };
    let exchange = || in_pod(&["exchange", "--scope", SCOPE]);
    let program = || Command::new("true");
    let exec = || in_pod(&["exec", "--scope", SCOPE, "--env", "TOKEN", "--", "true"]);
    let [exchange, curl, program, exec] = medians([&exchange, &curl, &program, &exec]);
    println!(
        "| `issuer exchange`, wall time, median of {RUNS} | {exchange:.2} ms | curl, the same request {curl:.2} ms | {:.2} | ≤ 1.3 |",
        exchange / curl
    );
    let both = exchange + program;
    println!(
        "| `issuer exec -- true`, wall time, median of {RUNS} | {exec:.2} ms | `issuer exchange` and `true` {both:.2} ms | {:.2} | ≤ 1.1 |",
        exec / both
    );
    cached(&host, Path::new(&token_file), &authority);
}

/// The median wall times in milliseconds, measured alternately.
fn medians<const N: usize>(commands: [&dyn Fn() -> Command; N]) -> [f64; N] {
    let mut times = [(); N].map(|()| Vec::with_capacity(RUNS));
    for _ in 0..RUNS {
        for (command, times) in commands.iter().zip(&mut times) {
            let mut command = command();
            command.stdout(Stdio::null());
            let start = Instant::now();
            let status = command.status().expect("the program starts");
            times.push(start.elapsed());
            assert!(status.success(), "{command:?}");
        }
    }
    times.map(|mut times: Vec<Duration>| {
        times.sort();
        times[RUNS / 2].as_secs_f64() * 1e3
    })
}

/// A call of a `TokenSource` that has a token, compared with the exchange that it saves.
fn cached(host: &str, token_file: &Path, authority: &Authority) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let fetcher = issuer::HttpFetcher::new(&[authority.ca_file()]).expect("a certificate");
    let identity = WorkloadIdentity::builder()
        .fetcher(fetcher)
        .authority_host(host.parse().expect("an authority host"))
        .tenant(TENANT.parse().expect("a tenant"))
        .client_id(CLIENT.parse().expect("a client ID"))
        .token_file(token_file)
        .build()
        .expect("an identity");
    let scope = SCOPE.parse().expect("a scope");
    let start = Instant::now();
    runtime.block_on(identity.token(&scope)).expect("a token");
    let first = start.elapsed().as_secs_f64() * 1e9;
    let start = Instant::now();
    let allocations = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..CACHED_CALLS {
                std::hint::black_box(identity.token(&scope).await).expect("a token");
            }
        });
    });
    let call = start.elapsed().as_secs_f64() * 1e9 / f64::from(CACHED_CALLS);
    println!(
        "| a cached call of `TokenSource`, mean of {CACHED_CALLS} | {call:.0} ns, {} allocations in all | its exchange {first:.0} ns | {:.6} | 0 allocations |",
        allocations.count_total,
        call / first
    );
}

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{HttpClient, Method, RawResponse, Request, Url, headers::AUTHORIZATION},
    time::{Duration, OffsetDateTime},
};
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;

use super::{Transport, retry::header};

/// The endpoint of the agent, if no variable names one.
pub(super) const ENDPOINT: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
/// The program of the agent, which exists if the agent is installed.
pub(super) const AGENT: &str = "/opt/azcmagent/bin/himds";
/// The only folder from which key files are read.
pub(super) const KEY_FOLDER: &str = "/var/opt/azcmagent/tokens";
/// The maximum length of a key file, in bytes.
const KEY_MAX: u64 = 4096;
const API_VERSION: &str = "2020-06-01";
/// The start of the message for an error response.
pub(super) const ERROR_RESPONSE: &str = "the Azure Arc agent returned status";

/// Gets tokens for the managed identity of a server in Azure Arc.
///
/// The agent returns status 401 and the path of a key file, which only members of the group `himds` can read. The
/// second request sends the content of that file.
///
/// A local process could impersonate the agent and request any file. A key file is therefore read only if it is
/// directly in the folder of the agent, ends in `.key`, has at most 4 KiB, and belongs to the owner of that folder or
/// to root.
///
/// Microsoft Learn, "Authenticate against Azure resources with Azure Arc-enabled servers", "Acquiring an access token
/// using REST API".
pub(super) struct ArcCredential {
    pub(super) endpoint: Url,
    pub(super) key_folder: PathBuf,
    pub(super) transport: Arc<Transport>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_on: ExpiresOn,
}

/// Seconds since 1970. The agent sends a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum ExpiresOn {
    Number(i64),
    Text(String),
}

impl ArcCredential {
    async fn request(&self, resource: &str, key: Option<&Secret>) -> azure_core::Result<RawResponse> {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().append_pair("api-version", API_VERSION).append_pair("resource", resource);
        let mut request = Request::new(url, Method::Get);
        request.insert_header("metadata", "true");
        if let Some(key) = key {
            request.insert_header(AUTHORIZATION, format!("Basic {}", key.secret()));
        }
        self.transport.execute_request(&request).await?.try_into_raw_response().await
    }

    /// The content of the key file that a challenge names.
    fn key(&self, challenge: &RawResponse) -> azure_core::Result<Secret> {
        let realm = header(challenge.headers(), "www-authenticate");
        let path = realm.as_deref().and_then(|realm| realm.strip_prefix("Basic realm="));
        let path = path.ok_or_else(|| refuse("the Azure Arc agent did not return the path of a key file"))?;
        let path = Path::new(path.trim().trim_matches('"'));
        // A path with `..` has another parent.
        if path.parent() != Some(&self.key_folder) || path.extension().is_none_or(|extension| extension != "key") {
            let folder = self.key_folder.display();
            return Err(refuse(format!(
                "the Azure Arc agent returned the path of a key file that is not {folder}/NAME.key"
            )));
        }
        read_key(path, &self.key_folder)
    }
}

fn read_key(path: &Path, folder: &Path) -> azure_core::Result<Secret> {
    let cannot = |error: io::Error| {
        let group =
            if error.kind() == io::ErrorKind::PermissionDenied { "; the user must be in the group himds" } else { "" };
        refuse(format!("cannot read the key file of the Azure Arc agent: {error}{group}"))
    };
    // Do not follow a symbolic link, and do not wait for the writer of a named pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| cannot(error.into()))?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(cannot)?;
    let owner = std::fs::symlink_metadata(folder).map_err(cannot)?.uid();
    if !metadata.is_file() {
        return Err(refuse("the key file of the Azure Arc agent is not a regular file"));
    }
    if !is_trusted(metadata.uid(), owner) {
        return Err(refuse("the owner of the key file of the Azure Arc agent is neither the agent nor root"));
    }
    let mut key = String::new();
    file.take(KEY_MAX + 1).read_to_string(&mut key).map_err(cannot)?;
    if key.len() as u64 > KEY_MAX {
        return Err(refuse(format!("the key file of the Azure Arc agent is longer than {KEY_MAX} bytes")));
    }
    let key = key.trim();
    if key.is_empty() {
        return Err(refuse("the key file of the Azure Arc agent is empty"));
    }
    Ok(Secret::new(key.to_owned()))
}

/// Whether the owner of a key file is root or the agent, which owns the folder.
fn is_trusted(uid: u32, owner_of_folder: u32) -> bool {
    uid == owner_of_folder || uid == 0
}

fn refuse(because: impl Into<String>) -> azure_core::Error {
    azure_core::Error::with_message(ErrorKind::Credential, because.into())
}

#[async_trait]
impl TokenCredential for ArcCredential {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        // Return every failure as a failed sign-in. Otherwise it looks like an error of the service that needs the
        // token.
        self.token(scopes).await.map_err(|error| {
            if *error.kind() == ErrorKind::Credential {
                return error;
            }
            let because = error.to_string();
            azure_core::Error::with_error(ErrorKind::Credential, error, because)
        })
    }
}

impl ArcCredential {
    async fn token(&self, scopes: &[&str]) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        let mut answer = self.request(resource, None).await?;
        if u16::from(answer.status()) == 401 {
            let key = self.key(&answer)?;
            answer = self.request(resource, Some(&key)).await?;
            // Error responses are printed, and an agent may repeat the key in the response.
            if !answer.status().is_success() {
                let body = String::from_utf8_lossy(answer.body()).replace(key.secret(), "…");
                answer = RawResponse::from_bytes(answer.status(), answer.headers().clone(), body.into_bytes());
            }
        }
        let status = answer.status();
        if !status.is_success() {
            let because = format!("{ERROR_RESPONSE} {}", u16::from(status));
            let kind = ErrorKind::HttpResponse { status, error_code: None, raw_response: Some(Box::new(answer)) };
            return Err(azure_core::Error::with_message(kind, because));
        }
        let unread = || refuse("the response of the Azure Arc agent contains no token");
        let Answer { access_token, expires_on } = serde_json::from_slice(answer.body()).map_err(|_| unread())?;
        let seconds = match expires_on {
            ExpiresOn::Number(seconds) => Some(seconds),
            ExpiresOn::Text(text) => text.parse().ok(),
        };
        let expires_on = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        // Without an expiry time, the token is used now and not cached.
        let expires_on = expires_on.unwrap_or_else(|| OffsetDateTime::now_utc() + Duration::minutes(1));
        Ok(AccessToken::new(Secret::new(access_token), expires_on))
    }
}

impl fmt::Debug for ArcCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArcCredential").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener, os::unix::fs::symlink, sync::mpsc, thread};

    use super::*;
    use crate::http_clients::HttpClients;

    const KEY: &str = "s3cr3t-of-the-agent";

    /// An agent as documented by Microsoft Learn, with `key_file` in its challenge. The receiver gets each
    /// `Authorization` header.
    fn agent(key_file: &str) -> (Url, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/metadata/identity/oauth2/token", listener.local_addr().unwrap());
        let challenge = format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm={key_file}\r\n");
        let (sender, received) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = String::new();
                let mut buffer = [0; 4096];
                while !request.contains("\r\n\r\n") {
                    let length = stream.read(&mut buffer).unwrap();
                    request.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
                }
                let head = request.to_ascii_lowercase();
                assert!(head.contains("metadata: true") && head.contains("resource=https%3a%2f%2fstorage.azure.com"));
                let authorization = request.lines().find_map(|line| line.strip_prefix("authorization: "));
                let answer = match authorization {
                    None => format!("{challenge}Content-Length: 0\r\nConnection: close\r\n\r\n"),
                    Some(authorization) => {
                        let _ = sender.send(authorization.to_owned());
                        let body = r#"{"access_token":"token","expires_on":"4102444800","token_type":"Bearer"}"#;
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
                    }
                };
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (url.parse().unwrap(), received)
    }

    fn get_token(folder: &Path, key_file: &str) -> (Result<String, String>, mpsc::Receiver<String>) {
        let (endpoint, received) = agent(key_file);
        let transport = Arc::new(Transport::new(Arc::new(HttpClients::default()), None));
        let credential = ArcCredential { endpoint, key_folder: folder.to_owned(), transport };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let token = runtime.block_on(credential.get_token(&["https://storage.azure.com/.default"], None));
        let token = token.map(|token| token.token.secret().to_owned()).map_err(|error| error.to_string());
        (token, received)
    }

    #[test]
    fn key_file_of_the_challenge_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        std::fs::write(&path, format!("{KEY}\n")).unwrap();
        let (token, received) = get_token(folder.path(), path.to_str().unwrap());
        assert_eq!(token.as_deref(), Ok("token"));
        assert_eq!(received.recv().unwrap(), format!("Basic {KEY}"));
    }

    #[test]
    fn other_files_are_not_read() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("tokens");
        std::fs::create_dir(&folder).unwrap();
        let file = |path: &Path, length: usize| std::fs::write(path, "k".repeat(length)).unwrap();
        file(&outside.path().join("out.key"), 9);
        file(&folder.join("a.txt"), 9);
        file(&folder.join("long.key"), 4097);
        file(&folder.join("empty.key"), 0);
        std::fs::create_dir(folder.join("sub")).unwrap();
        file(&folder.join("sub/a.key"), 9);
        std::fs::create_dir(folder.join("folder.key")).unwrap();
        symlink(outside.path().join("out.key"), folder.join("link.key")).unwrap();
        let at = |name: &str| format!("{}/{name}", folder.display());
        let cases = [
            (at("../out.key"), "that is not"),
            (format!("{}/out.key", outside.path().display()), "that is not"),
            (at("a.txt"), "that is not"),
            (at("sub/a.key"), "that is not"),
            (String::new(), "that is not"),
            (at("long.key"), "longer than 4096 bytes"),
            (at("empty.key"), "is empty"),
            (at("folder.key"), "not a regular file"),
            (at("link.key"), "cannot read the key file"),
            (at("none.key"), "cannot read the key file"),
        ];
        for (path, because) in cases {
            let (token, received) = get_token(&folder, &path);
            assert!(token.as_ref().is_err_and(|error| error.contains(because)), "{path}: {token:?}");
            assert!(received.try_recv().is_err(), "{path}");
        }
    }

    #[test]
    fn key_file_of_another_user_is_rejected() {
        assert!(is_trusted(998, 998) && is_trusted(0, 998));
        assert!(!is_trusted(1000, 998) && !is_trusted(1000, 0));
        // Only root can change the owner of a file.
        if rustix::process::geteuid().is_root() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.key");
            std::fs::write(&path, KEY).unwrap();
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            let error = read_key(&path, folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("is neither the agent nor root"), "{error}");
        }
    }

    /// The agent returns an error after the challenge, and repeats the key in the error.
    #[test]
    fn error_response_is_a_failed_sign_in_without_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        std::fs::write(&path, KEY).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let challenge = format!("401 Unauthorized\r\nWWW-Authenticate: Basic realm={}", path.display());
        thread::spawn(move || {
            let body = format!("Basic {KEY} is not known");
            for (head, body) in [(challenge.as_str(), ""), ("403 Forbidden", &body)] {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let (head, length) = (format!("HTTP/1.1 {head}\r\n"), body.len());
                let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        let transport = Arc::new(Transport::new(Arc::new(HttpClients::default()), None));
        let endpoint = url.parse().unwrap();
        let credential = ArcCredential { endpoint, key_folder: folder.path().to_owned(), transport };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let token = runtime.block_on(credential.get_token(&["https://storage.azure.com/.default"], None));
        let error = token.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Credential);
        let failure = super::super::sign_in_failure::SignInFailure::of(&error);
        assert_eq!((failure.status, failure.because.as_str()), (Some(403), "Basic … is not known"));
        assert!(!format!("{error:?}").contains(KEY));
    }
}

use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;

use super::{AssertionError, AssertionProblem, AssertionSource, ClientAssertion};

/// The longest file that is read, in bytes: the longest token, with white space.
const FILE_MAX: u64 = 32 << 10;
/// The number of attempts to read the file, and the pause between them.
const READS_MAX: u32 = 4;
const PAUSE: Duration = Duration::from_millis(25);

/// The token file of a projected volume, which each token request reads again.
///
/// The kubelet replaces the file by swapping a symbolic link (Kubernetes `pkg/volume/util/atomic_writer.go`), so the path is
/// resolved at each read and no file stays open. A file that is missing, empty, incomplete, or changes during the read is
/// read again for a tenth of a second. Then it is an error. An empty or incomplete token is never sent.
///
/// ```
/// use issuer::{AssertionFile, AssertionSource};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # runtime.block_on(async {
/// let file = AssertionFile::new("fixtures/kubernetes/rotation/entra-1h.jwt");
/// assert!(file.assertion().await?.secret().starts_with("eyJ"));
///
/// let error = AssertionFile::new("no-such-file").assertion().await.unwrap_err();
/// assert!(error.to_string().starts_with("cannot read no-such-file: "));
/// # Ok::<(), issuer::AssertionError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AssertionFile {
    path: Arc<Path>,
}

impl AssertionFile {
    /// The file at a path. It is not opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<ClientAssertion, AssertionError> {
        let not_read = |source| AssertionError::Read { path: self.path.to_path_buf(), source: Arc::new(source) };
        let not_a_token = |source| AssertionError::File { path: self.path.to_path_buf(), source };
        let text = self.text().map_err(not_read)?;
        let Some(text) = text else { return Err(not_a_token(AssertionProblem::Changing)) };
        ClientAssertion::new(&text).map_err(not_a_token)
    }

    /// The content; `None` if the file changed during the read.
    fn text(&self) -> io::Result<Option<String>> {
        // Opening a pipe would block.
        let kind = std::fs::metadata(&self.path)?;
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut file = File::open(&self.path)?;
        let before = file.metadata()?;
        let mut bytes = Vec::new();
        (&mut file).take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_MAX {
            return Err(io::Error::other(format!("it is longer than {FILE_MAX} bytes")));
        }
        if stamp(&before) != stamp(&file.metadata()?) || bytes.len() as u64 != before.len() {
            return Ok(None);
        }
        String::from_utf8(bytes).map(Some).map_err(|_| io::Error::other("it is not text"))
    }
}

/// What a write changes.
fn stamp(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

#[async_trait]
impl AssertionSource for AssertionFile {
    async fn assertion(&self) -> Result<ClientAssertion, AssertionError> {
        let mut reads = 1;
        loop {
            let error = match self.read() {
                Ok(assertion) => return Ok(assertion),
                Err(error) => error,
            };
            if reads == READS_MAX || !may_pass(&error) {
                return Err(error);
            }
            reads += 1;
            sleep(PAUSE).await;
        }
    }
}

/// Whether another process may be about to complete the file.
fn may_pass(error: &AssertionError) -> bool {
    match error {
        AssertionError::Read { source, .. } => source.kind() == io::ErrorKind::NotFound,
        _ => true,
    }
}

impl fmt::Debug for AssertionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AssertionFile").field(&crate::file_error::shown(&self.path)).finish()
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::{
        super::test_setup::{jwt, paused},
        *,
    };

    fn read(path: &Path) -> Result<ClientAssertion, AssertionError> {
        paused().block_on(AssertionFile::new(path).assertion())
    }

    #[test]
    fn white_space_around_the_token_is_removed() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("token");
        for text in [jwt(1), format!("{}\n", jwt(1)), format!(" \t{}\r\n\n", jwt(1))] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap().secret(), jwt(1));
        }
    }

    #[test]
    fn file_without_a_whole_token_is_an_error() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("token");
        let unsigned = jwt(1).rsplit_once('.').unwrap().0.to_owned() + ".";
        for (bytes, because) in [
            (Vec::new(), "does not contain a token: it is empty"),
            (b"\n \n".to_vec(), "does not contain a token: it is empty"),
            (b"secret-Xy38Q".to_vec(), "does not contain a token: it has 1 segment"),
            (unsigned.into_bytes(), "does not contain a token: its signature is empty"),
            (jwt(1).split('.').next().unwrap().as_bytes().to_vec(), "does not contain a token: "),
            (b"\xff\xfe".to_vec(), "it is not text"),
            (vec![b' '; 33 << 10], "it is longer than 32768 bytes"),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            let error = read(&path).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(because) && text.contains(path.to_str().unwrap()), "{text}");
            assert!(!text.contains("Xy38Q"), "{text}");
        }
        for path in [folder.path(), Path::new("/dev/null"), &folder.path().join("none")] {
            assert!(read(path).unwrap_err().to_string().starts_with("cannot read "));
        }
    }

    #[test]
    fn file_that_is_being_replaced_is_read_again() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("token");
        paused().block_on(async {
            let file = AssertionFile::new(&path);
            let write = async {
                sleep(PAUSE / 2).await;
                std::fs::write(&path, &jwt(2)[..9]).unwrap();
                sleep(PAUSE).await;
                std::fs::write(&path, jwt(2)).unwrap();
            };
            let (assertion, ()) = futures_util::future::join(file.assertion(), write).await;
            assert_eq!(assertion.unwrap().secret(), jwt(2));
        });
    }
}

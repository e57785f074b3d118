use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Condition, Content, ETag, Site, Stored, Written};
use crate::{Error, documents::DocumentPath, publish::Retention};

/// Held for the moment of one read or write; the system lets go of it when its process dies.
const LOCK: &str = ".issuer.lock";
/// How long a lock is waited for, and how often it is tried meanwhile.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A site in a directory, for people without a storage account.
///
/// A document replaces its predecessor in one step (temporary file, fsync, rename), and publishers take turns, so that at any
/// kill a reader sees the old or the new one, whole. A directory keeps no headers: whatever serves it sets them. The
/// retention record of `openid/v1/jwks` is the dot file `openid/v1/.jwks.retention.json`, written before the document:
/// it is true of either version.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, Wanted, site::Directory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// let site = Directory::open(directory.path())?;
/// issuer::publish(&site, &wanted, &SystemClock).await?;
/// let jwks = std::fs::read(site.path().join("openid/v1/jwks"))?;
/// assert_eq!(jwks, std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// A site in a directory, which the first write makes if it is not there.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when the path is something other than a directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self { path }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { path }),
            Ok(_) => Err(Error::Read { path, source: ErrorKind::NotADirectory.into() }),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read_locked(&self, path: &DocumentPath) -> Result<Option<Stored>, Error> {
        let (file, record) = self.files(path);
        let Some(bytes) = read(&file)? else { return Ok(None) };
        let record = read(&record)?.unwrap_or_default();
        let etag = etag(&bytes, &record);
        let retention = Retention::from_text(&String::from_utf8_lossy(&record));
        Ok(Some(Stored { bytes, etag, headers: None, retention }))
    }

    fn write_locked(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, Error> {
        let found = self.read_locked(path)?;
        let holds = match (condition, &found) {
            (Condition::IfMatch(etag), Some(found)) => found.etag == *etag,
            (Condition::IfNoneMatch, None) => true,
            _ => false,
        };
        if !holds {
            return Ok(Written::PreconditionFailed);
        }
        let (file, record) = self.files(path);
        if let Some(parent) = file.parent() {
            create_dirs(parent).map_err(|source| Error::Write { path: parent.to_owned(), source })?;
        }
        if found.as_ref().map_or(!content.retention.is_empty(), |found| found.retention != content.retention) {
            replace(&record, format!("{}\n", content.retention.to_text()).as_bytes())?;
        }
        if found.is_none_or(|found| found.bytes != content.bytes) {
            replace(&file, &content.bytes)?;
        }
        Ok(Written::Done)
    }

    /// The lock of writers, held until it is dropped.
    fn lock(&self) -> Result<File, Error> {
        let open = || {
            create_dirs(&self.path)?;
            let path = self.path.join(LOCK);
            match File::options().create(true).truncate(false).write(true).open(&path) {
                // Another user's lock file can be locked all the same.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(&path).map_err(|_| error),
                other => other,
            }
        };
        let lock = open().map_err(|source| Error::Write { path: self.path.clone(), source })?;
        self.wait_for(|| lock.try_lock())?;
        Ok(lock)
    }

    /// Waits until a lock is had. It is held for moments only, so whoever has it for longer is stuck.
    fn wait_for(&self, lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            match lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_WAIT => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(Error::Locked { site: self.name() }),
                Err(TryLockError::Error(source)) => return Err(Error::Write { path: self.path.clone(), source }),
            }
        }
    }

    /// The files of a document and of its retention record.
    fn files(&self, path: &DocumentPath) -> (PathBuf, PathBuf) {
        let file = self.path.join(path.as_str());
        let name = path.as_str().rsplit('/').next().unwrap_or_default();
        let record = file.with_file_name(format!(".{name}.retention.json"));
        (file, record)
    }
}

impl Site for Directory {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, Error> {
        // Without a lock file nobody has written here yet; without the right to it, reading alone is still fine.
        let lock = File::open(self.path.join(LOCK)).ok();
        if let Some(lock) = &lock {
            self.wait_for(|| lock.try_lock_shared())?;
        }
        self.read_locked(path)
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, Error> {
        let _lock = self.lock()?;
        self.write_locked(path, content, condition)
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, Error> {
        let _lock = self.lock()?;
        if self.read_locked(path)?.is_none_or(|found| found.etag != *etag) {
            return Ok(Written::PreconditionFailed);
        }
        // Without its document a record says nothing, so it may go second.
        let (file, record) = self.files(path);
        for path in [file, record] {
            remove(&path).map_err(|source| Error::Write { path, source })?;
        }
        Ok(Written::Done)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::metadata(path).and_then(|metadata| if metadata.is_file() { fs::read(path) } else { Err(not_a_file()) }) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// A pipe or device would keep its reader waiting.
fn not_a_file() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")
}

/// Replaces a file in one step. The temporary file has one name, so that a killed publisher leaves at most one behind, and
/// the lock keeps others from it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp"));
    let write = || {
        let mut file = File::create(&temporary)?;
        // Who may read the document is its owner's choice, and outlasts the umask of whoever publishes next.
        if let Ok(metadata) = fs::metadata(path) {
            file.set_permissions(metadata.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent().map_or(Ok(()), sync_dir)
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Removes a file, for good, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.and_then(|()| path.parent().map_or(Ok(()), sync_dir)),
    }
}

/// Makes a directory and those above it, each entry on disk before the next.
fn create_dirs(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    create_dirs(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other.and_then(|()| sync_dir(parent)),
    }
}

/// Makes names in a directory last through a power cut.
fn sync_dir(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

fn etag(bytes: &[u8], record: &[u8]) -> ETag {
    let hash = |bytes| BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes));
    ETag(format!("{}.{}", hash(bytes), hash(record)))
}

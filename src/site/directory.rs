use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Condition, Content, ETag, Site, Stored, Written};
use crate::{Error, documents::DocumentPath, publish::Retention};

/// Held for the moment of one read or write; the system lets go of it when its process dies.
const LOCK: &str = ".issuer.lock";

/// A site in a directory, for people without a storage account.
///
/// A document replaces its predecessor in one step (temporary file, fsync, rename), and publishers take turns, so that at any
/// kill a reader sees the old or the new one, whole. A directory keeps no headers: whatever serves it sets them. The
/// retention record of `openid/v1/jwks` is the dot file `openid/v1/.jwks.retention.json`, written before the document:
/// it is true of either version.
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
        let lock = self.path.join(LOCK);
        // Without a lock file nobody has written here yet; without the right to it, reading alone is still fine.
        let lock = File::open(&lock).and_then(|file| file.lock_shared().map(|()| file)).ok();
        let stored = self.read_locked(path);
        drop(lock);
        stored
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, Error> {
        let lock_path = self.path.join(LOCK);
        let lock = || {
            create_dirs(&self.path)?;
            let lock = File::options().create(true).truncate(false).write(true).open(&lock_path)?;
            lock.lock().map(|()| lock)
        };
        let lock = lock().map_err(|source| Error::Write { path: lock_path.clone(), source })?;
        let written = self.write_locked(path, content, condition);
        drop(lock);
        written
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// Replaces a file in one step. The temporary file has one name, so that a killed publisher leaves at most one behind, and
/// the lock keeps others from it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp"));
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent().map_or(Ok(()), sync_dir)
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
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

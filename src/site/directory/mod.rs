mod file_kind;
mod folder;
mod lock;
mod world_writable;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
pub use file_kind::FileKind;
use folder::{Folder, PRIVATE, PUBLIC};
use lock::Lock;

use super::{Condition, Content, ETag, Site, SiteWarning, Stored, Written};
use crate::{
    Error,
    documents::DocumentPath,
    publish::{Retention, StoredRetention},
};

/// How often a document and its record are read until both belong together.
const READ_ATTEMPTS: u32 = 16;

/// A site in a directory, for people without a storage account.
///
/// A document is replaced in one step (temporary file, fsync, rename), and publishers take turns by the lock `.issuer.lock`,
/// so that at any kill a reader sees the old or the new document, whole. A directory keeps no headers: the web server sets
/// them. The retention record of `openid/v1/jwks` is the dot file `openid/v1/.jwks.retention.json`. It is written before the
/// document and is true of either version. It is written again after the document where keys were dropped.
///
/// # Permissions and links
///
/// - Documents get the mode 0644, the record and the lock 0600, directories below the site 0755, whatever the umask is.
/// - The path of the site may be a symbolic link, unless another user put it into a world-writable directory.
/// - Below the site no link is followed, for reading or writing. A link, named pipe, device or directory in the place of a
///   document, record or lock is [`Error::FileKind`].
/// - Temporary files have random names and are created with `O_EXCL`. The next write removes what a killed publisher left.
/// - The lock must belong to this user, to root or to the owner of the directory.
/// - Files over 1 MiB are refused unread.
/// - [`warnings`](Site::warnings) names directories and files that any user can change.
///
/// Reading takes no lock, so that nobody can block it.
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
    /// A site in a directory. The first write creates it if it is not there.
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

    /// Opens the folder of a document for reading; `None` when it is not there.
    fn folder(&self, names: &Names<'_>) -> Result<Option<Folder>, Error> {
        let Some(mut folder) = Folder::open(&self.path)? else { return Ok(None) };
        for name in names.folders() {
            let Some(below) = folder.folder(name)? else { return Ok(None) };
            folder = below;
        }
        Ok(Some(folder))
    }
}

/// The names that a document and its retention record have below the directory of the site.
struct Names<'a> {
    folders: &'a str,
    document: &'a str,
    record: String,
}

impl<'a> Names<'a> {
    fn of(path: &'a DocumentPath) -> Self {
        let (folders, document) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        Self { folders, document, record: format!(".{document}.retention.json") }
    }

    fn folders(&self) -> impl Iterator<Item = &'a str> {
        self.folders.split('/').filter(|name| !name.is_empty())
    }
}

/// A document and its retention record, as they are in a folder at one moment.
struct Pair {
    document: Vec<u8>,
    record: Option<Vec<u8>>,
}

impl Pair {
    /// Reads both while the caller holds the lock: no other publisher changes them.
    fn read_locked(folder: &Folder, names: &Names<'_>) -> Result<Option<Self>, Error> {
        let Some(document) = folder.read(names.document)? else { return Ok(None) };
        let record = folder.read(&names.record)?;
        Ok(Some(Self { document, record }))
    }

    /// Reads both without a lock.
    ///
    /// If the record is the same before and after the document was read, both were there at the moment in which the document
    /// was opened. A writer replaces the record before the document, so this may be the new record with the old document.
    /// A killed publisher leaves the same state, and the record is true of either document.
    ///
    /// If a writer is faster each time, the last pair is returned, and the two may not belong together. No plan that is made
    /// from it is carried out: the `ETag` covers both files, and a write compares it with a pair read under the lock.
    fn read_unlocked(folder: &Folder, names: &Names<'_>) -> Result<Option<Self>, Error> {
        let read_record = || folder.read(&names.record);
        let mut before = read_record()?;
        let mut attempts = 1;
        loop {
            let Some(document) = folder.read(names.document)? else { return Ok(None) };
            let record = read_record()?;
            if record == before || attempts == READ_ATTEMPTS {
                return Ok(Some(Self { document, record }));
            }
            before = record;
            attempts += 1;
        }
    }

    fn retention(&self) -> StoredRetention {
        self.record.as_deref().map_or(StoredRetention::Absent, StoredRetention::from_bytes)
    }

    fn etag(&self) -> ETag {
        let hash = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes));
        ETag(format!("{}.{}", hash(&self.document), hash(self.record.as_deref().unwrap_or_default())))
    }
}

impl Site for Directory {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, Error> {
        let names = Names::of(path);
        let Some(folder) = self.folder(&names)? else { return Ok(None) };
        let Some(pair) = Pair::read_unlocked(&folder, &names)? else { return Ok(None) };
        Ok(Some(Stored { etag: pair.etag(), headers: None, retention: pair.retention(), bytes: pair.document }))
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, Error> {
        let names = Names::of(path);
        let root = Folder::create(&self.path)?;
        let _lock = Lock::acquire(&root)?;
        let mut folder = root;
        for name in names.folders() {
            folder = match (folder.folder(name)?, condition) {
                (Some(below), _) => below,
                (None, Condition::IfNoneMatch) => folder.create_folder(name)?,
                (None, Condition::IfMatch(_)) => return Ok(Written::PreconditionFailed),
            };
        }
        let found = Pair::read_locked(&folder, &names)?;
        let holds = match (condition, &found) {
            (Condition::IfMatch(etag), Some(found)) => found.etag() == *etag,
            (Condition::IfNoneMatch, None) => true,
            _ => false,
        };
        if !holds {
            return Ok(Written::PreconditionFailed);
        }
        folder.remove_leftovers(names.document);
        let keep = |retention: &Retention| {
            folder.replace(&names.record, format!("{}\n", retention.to_text()).as_bytes(), PRIVATE)
        };
        let is_same = found.as_ref().is_some_and(|found| found.document == content.bytes);
        let recorded = found.map(|found| found.retention()).unwrap_or_default();
        // A dropped key stays in the record until the document is without it. A publisher that is killed in between leaves no
        // published key that is unknown.
        let before = match recorded.record() {
            Some(recorded) if !is_same => content.retention.joined(recorded),
            _ => content.retention.clone(),
        };
        if !recorded.is(&before) {
            keep(&before)?;
        }
        if !is_same {
            folder.replace(names.document, &content.bytes, PUBLIC)?;
        }
        if before != content.retention {
            keep(&content.retention)?;
        }
        Ok(Written::Done)
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, Error> {
        let names = Names::of(path);
        let root = Folder::create(&self.path)?;
        let _lock = Lock::acquire(&root)?;
        let mut folder = root;
        for name in names.folders() {
            let Some(below) = folder.folder(name)? else { return Ok(Written::PreconditionFailed) };
            folder = below;
        }
        if Pair::read_locked(&folder, &names)?.is_none_or(|found| found.etag() != *etag) {
            return Ok(Written::PreconditionFailed);
        }
        // A record without its document says nothing, so it may go second.
        folder.remove(names.document)?;
        folder.remove(&names.record)?;
        Ok(Written::Done)
    }

    fn warnings(&self, documents: &[DocumentPath]) -> Vec<SiteWarning> {
        world_writable::find(&self.path, documents)
    }
}

mod file_kind;
mod folder;
mod lock;
mod world_writable;

use async_trait::async_trait;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    thread,
};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
pub use file_kind::FileKind;
use folder::{Folder, PRIVATE, PUBLIC};
use futures_channel::oneshot;
use lock::Lock;

use super::{Condition, Content, ETag, Headers, Site, SiteWarning, Stored, Written};
use crate::{
    file_error::FileError,
    issuer_url::DocumentPath,
    plan::{Retention, StoredRetention},
    site::SiteError,
};

/// The suffix of the file with the Cache-Control of a document, after a dot and the name of the document.
pub(crate) const CACHE_CONTROL_FILE: &str = "cache-control";

/// The maximum number of attempts to read a document and its matching record.
const READ_ATTEMPTS: u32 = 16;

/// A site in a local directory.
///
/// A document is replaced atomically: temporary file, fsync, rename. The lock `.issuer.lock` serializes publishers. A
/// reader sees either the old or the new document, even if a publisher is killed.
///
/// # Files of a document
///
/// For the document `openid/v1/jwks`:
///
/// - `openid/v1/.jwks.retention.json` holds the retention record. It is written before the document and is valid for
///   the old and the new document. If keys were removed, it is written again after the document.
/// - `openid/v1/.jwks.cache-control` holds the Cache-Control header, if it differs from [`Headers::CACHE_CONTROL`].
///   [`DocumentServer`](crate::serve::DocumentServer) sends this header. A directory stores no other headers.
///
/// # Permissions and links
///
/// - Documents have the mode 0644, the record and the lock 0600, directories below the site 0755, whatever the umask
///   is.
/// - The path of the site may be a symbolic link, unless another user created the link in a world-writable directory.
/// - Links below the site are not followed, for reading or writing. If a document, record or lock is a link, named
///   pipe, device or directory, the error is [`SiteError::FileKind`].
/// - Temporary files have random names and are created with `O_EXCL`. The next write removes those of a
///   killed publisher.
/// - The lock must belong to this user, to root or to the owner of the directory.
/// - Files over 1 MiB are rejected without being read.
/// - [`warnings`](Site::warnings) lists directories and files that any user can change.
///
/// Reads take no lock, so that no other process can block them.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, DesiredState, site::Directory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// let site = Directory::open(directory.path())?;
/// issuer::publish(&site, &desired, &SystemClock).await?;
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
    /// A site in a directory. The first write creates the directory if it does not exist.
    ///
    /// # Errors
    ///
    /// [`FileError::Read`] if the path exists and is not a directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SiteError> {
        let path = path.into();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self { path }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { path }),
            Ok(_) => Err(FileError::Read { path, source: ErrorKind::NotADirectory.into() }.into()),
            Err(source) => Err(FileError::Read { path, source }.into()),
        }
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the folder of a document for reading; `None` if it does not exist.
    fn folder(&self, names: &Names<'_>) -> Result<Option<Folder>, SiteError> {
        let Some(mut folder) = Folder::open(&self.path)? else { return Ok(None) };
        for name in names.folders() {
            let Some(below) = folder.folder(name)? else { return Ok(None) };
            folder = below;
        }
        Ok(Some(folder))
    }
}

/// The names of a document, its retention record and its Cache-Control file, and of their folder.
struct Names<'a> {
    folders: &'a str,
    document: &'a str,
    record: String,
    cache_control: String,
}

impl<'a> Names<'a> {
    fn of(path: &'a DocumentPath) -> Self {
        let (folders, document) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        let dot_file = |suffix: &str| format!(".{document}.{suffix}");
        Self { folders, document, record: dot_file("retention.json"), cache_control: dot_file(CACHE_CONTROL_FILE) }
    }

    fn folders(&self) -> impl Iterator<Item = &'a str> {
        self.folders.split('/').filter(|name| !name.is_empty())
    }
}

/// A snapshot of a document, its retention record and its Cache-Control.
struct Pair {
    document: Vec<u8>,
    record: Option<Vec<u8>>,
    cache_control: Option<Vec<u8>>,
}

impl Pair {
    /// Reads all files while the caller holds the lock, so that no other publisher changes them.
    fn read_locked(folder: &Folder, names: &Names<'_>) -> Result<Option<Self>, SiteError> {
        let Some(document) = folder.read(names.document)? else { return Ok(None) };
        let (record, cache_control) = (folder.read(&names.record)?, folder.read(&names.cache_control)?);
        Ok(Some(Self { document, record, cache_control }))
    }

    /// Reads the document and its record without a lock.
    ///
    /// If the record is the same before and after reading the document, both existed when the document was opened. A
    /// writer replaces the record before the document, so the pair may be the new record with the old document. A
    /// killed publisher leaves the same state, and the record is valid for either document.
    ///
    /// If a writer changes the record during every attempt, the last pair is returned, and its files may not match. A
    /// write that is based on such a pair fails its condition: the `ETag` covers both files, and the write compares the
    /// `ETag` with that of a pair read under the lock.
    fn read_unlocked(folder: &Folder, names: &Names<'_>) -> Result<Option<Self>, SiteError> {
        let read_record = || folder.read(&names.record);
        let mut before = read_record()?;
        let mut attempts = 1;
        loop {
            let Some(document) = folder.read(names.document)? else { return Ok(None) };
            let record = read_record()?;
            if record == before || attempts == READ_ATTEMPTS {
                return Ok(Some(Self { document, record, cache_control: folder.read(&names.cache_control)? }));
            }
            before = record;
            attempts += 1;
        }
    }

    fn retention(&self) -> StoredRetention {
        self.record.as_deref().map_or(StoredRetention::Absent, StoredRetention::from_bytes)
    }

    fn headers(&self) -> Headers {
        let kept = self.cache_control.as_deref().map(String::from_utf8_lossy);
        Headers {
            content_type: "application/json".to_owned(),
            cache_control: kept.map_or(Headers::CACHE_CONTROL.to_owned(), |text| text.trim().to_owned()),
            content_encoding: None,
        }
    }

    fn etag(&self) -> ETag {
        let hash = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes));
        let [record, cache_control] =
            [&self.record, &self.cache_control].map(|file| hash(file.as_deref().unwrap_or_default()));
        ETag(format!("{}.{record}.{cache_control}", hash(&self.document)))
    }
}

impl Directory {
    fn read_blocking(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        let names = Names::of(path);
        let Some(folder) = self.folder(&names)? else { return Ok(None) };
        let Some(pair) = Pair::read_unlocked(&folder, &names)? else { return Ok(None) };
        let (etag, headers, retention) = (pair.etag(), Some(pair.headers()), pair.retention());
        Ok(Some(Stored { etag, headers, retention, bytes: pair.document }))
    }

    fn write_blocking(
        &self,
        path: &DocumentPath,
        content: &Content,
        condition: &Condition,
    ) -> Result<Written, SiteError> {
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
        let is_met = match (condition, &found) {
            (Condition::IfMatch(etag), Some(found)) => found.etag() == *etag,
            (Condition::IfNoneMatch, None) => true,
            _ => false,
        };
        if !is_met {
            return Ok(Written::PreconditionFailed);
        }
        folder.remove_leftovers(names.document);
        let keep = |retention: &Retention| {
            folder.replace(&names.record, format!("{}\n", retention.to_text()).as_bytes(), PRIVATE)
        };
        let kept = found.as_ref().map_or(Headers::CACHE_CONTROL.to_owned(), |found| found.headers().cache_control);
        let is_same = found.as_ref().is_some_and(|found| found.document == content.bytes);
        let recorded = found.map(|found| found.retention()).unwrap_or_default();
        // A removed key stays in the record until the document no longer has this key. A publisher that is killed
        // between the two writes leaves no published key without a record.
        let before = match recorded.record() {
            Some(recorded) if !is_same => content.retention.joined(recorded),
            _ => content.retention.clone(),
        };
        if !recorded.is(&before) {
            keep(&before)?;
        }
        match content.headers.cache_control.as_str() {
            same if same == kept => {}
            Headers::CACHE_CONTROL => folder.remove(&names.cache_control)?,
            other => folder.replace(&names.cache_control, format!("{other}\n").as_bytes(), PUBLIC)?,
        }
        if !is_same {
            folder.replace(names.document, &content.bytes, PUBLIC)?;
        }
        if before != content.retention {
            keep(&content.retention)?;
        }
        Ok(Written::Done)
    }

    fn remove_blocking(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
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
        // The other files have no meaning without the document, so they are removed last.
        folder.remove(names.document)?;
        folder.remove(&names.record)?;
        folder.remove(&names.cache_control)?;
        Ok(Written::Done)
    }
}

#[async_trait]
impl Site for Directory {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    #[cfg_attr(feature = "tracing", tracing::instrument(name = "read", skip_all, fields(%path)))]
    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        let (site, path) = (self.clone(), path.clone());
        on_thread(move || site.read_blocking(&path)).await
    }

    #[cfg_attr(feature = "tracing", tracing::instrument(name = "write", skip_all, fields(%path)))]
    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError> {
        let (site, path, content, condition) = (self.clone(), path.clone(), content.clone(), condition.clone());
        on_thread(move || site.write_blocking(&path, &content, &condition)).await
    }

    #[cfg_attr(feature = "tracing", tracing::instrument(name = "remove", skip_all, fields(%path)))]
    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        let (site, path, etag) = (self.clone(), path.clone(), etag.clone());
        on_thread(move || site.remove_blocking(&path, &etag)).await
    }

    fn warnings(&self, documents: &[DocumentPath]) -> Vec<SiteWarning> {
        world_writable::find(&self.path, documents)
    }
}

/// Does blocking work on a thread of its own, so that it does not block the executor. Needs no runtime. The work is
/// finished even if the future is dropped.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SiteError> + Send + 'static,
) -> Result<T, SiteError> {
    let (sender, receiver) = oneshot::channel();
    #[cfg(feature = "tracing")]
    let work = {
        let (span, dispatch) = (tracing::Span::current(), tracing::dispatcher::get_default(Clone::clone));
        move || tracing::dispatcher::with_default(&dispatch, || span.in_scope(work))
    };
    let thread = thread::Builder::new().name("issuer-directory".to_owned());
    // The receiver is dropped if the future was dropped.
    thread.spawn(move || drop(sender.send(work()))).map_err(SiteError::other)?;
    receiver.await.map_err(|_| SiteError::other("the thread that accesses the directory panicked"))?
}

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, Stat, fchmod},
    process::geteuid,
};

use super::{
    FileKind,
    folder::{Folder, PRIVATE},
};
use crate::{file_error::FileError, site::SiteError};

/// The lock file at the root of a site.
const LOCK: &str = ".issuer.lock";
/// The time limit for acquiring the lock, and the pause between two attempts.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(5);
/// The maximum number of attempts to open the lock file while other processes create or remove the file.
const OPEN_ATTEMPTS: u32 = 16;

/// The exclusive lock of a site, released on drop. The operating system releases the lock of a process that dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of a site, up to [`LOCK_WAIT`]. A publisher holds the lock only for a moment.
    pub(super) fn acquire(root: &Folder) -> Result<Self, SiteError> {
        let file = open(root)?;
        let start = Instant::now();
        let mut is_waiting = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_WAIT => {
                    if !std::mem::replace(&mut is_waiting, true) {
                        report_wait();
                    }
                    thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SiteError::Locked { site: root.path().display().to_string() });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(FileError::Write { path: root.path().join(LOCK), source }.into());
                }
            }
        }
    }
}

/// Reports that another publisher holds the lock.
fn report_wait() {
    #[cfg(feature = "tracing")]
    tracing::info!(
        cause = "another publisher holds the lock",
        "wait up to {} s for the lock of the site",
        LOCK_WAIT.as_secs()
    );
}

fn open(root: &Folder) -> Result<File, SiteError> {
    for _ in 0..OPEN_ATTEMPTS {
        let opened = match root.open_file(LOCK, OFlags::RDWR) {
            // On a local file system, a lock on a read-only descriptor works as well.
            Err(SiteError::File(FileError::Write { source, .. })) if source.kind() == ErrorKind::PermissionDenied => {
                root.open_file(LOCK, OFlags::RDONLY)?
            }
            opened => opened?,
        };
        if let Some((file, stat)) = opened {
            check_owner(root, &stat)?;
            narrow(&file, &stat);
            return Ok(file);
        }
        if let Some(file) = root.create_file(LOCK, PRIVATE)? {
            return Ok(file);
        }
    }
    let source = ErrorKind::ResourceBusy.into();
    Err(FileError::Write { path: root.path().join(LOCK), source }.into())
}

/// Rejects a lock file that another user created: that user could hold the lock forever.
fn check_owner(root: &Folder, stat: &Stat) -> Result<(), SiteError> {
    let directory = root.stat_of(".").map(|stat| stat.st_uid);
    let trusted = [Some(geteuid().as_raw()), Some(0), directory];
    if trusted.contains(&Some(stat.st_uid)) {
        return Ok(());
    }
    Err(SiteError::Owner { operation: "lock", path: root.path().join(LOCK), owner: stat.st_uid })
}

/// Restricts the mode of this user's lock file to 0600, because any user who can open the file can hold the lock.
fn narrow(file: &File, stat: &Stat) {
    let is_wide = Mode::from_raw_mode(stat.st_mode).intersects(Mode::RWXG | Mode::RWXO);
    // A file with a second hard link may be in use elsewhere.
    let is_own = FileKind::of(stat) == FileKind::Regular && stat.st_uid == geteuid().as_raw() && stat.st_nlink == 1;
    if is_wide && is_own {
        // Best effort: the lock also works with a wider mode.
        let _ = fchmod(file, PRIVATE);
    }
}

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use rustix::fs::{Mode, Stat};

use super::{FileKind, Names, folder::Folder};
use crate::{issuer_url::DocumentPath, site::SiteWarning};

/// Finds the directories and files of a site that every user can change.
pub(super) fn find(site: &Path, documents: &[DocumentPath]) -> Vec<SiteWarning> {
    let mut warnings = Vec::new();
    let mut add = |warning| {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    };
    // A user who can write to the parent directory can replace the site, or the link to the site.
    let parent = site.parent().filter(|parent| site.is_symlink() && !parent.as_os_str().is_empty());
    if let Some(parent) = parent
        && fs::metadata(parent).is_ok_and(|parent| is_world_writable_directory(parent.mode()))
    {
        add(SiteWarning::WorldWritableDirectory(parent.to_owned()));
    }
    for name in ["..", "."] {
        let root = Folder::open(site).ok().flatten();
        if root.and_then(|root| root.stat_of(name)).is_some_and(|stat| is_world_writable_directory(stat.st_mode)) {
            let path = if name == "." { site.to_owned() } else { site.join(name) };
            add(SiteWarning::WorldWritableDirectory(path));
        }
    }
    for path in documents {
        let names = Names::of(path);
        let mut folder = Folder::open(site).ok().flatten();
        for name in names.folders() {
            folder = folder.and_then(|above| above.folder(name).ok().flatten());
            if let Some(folder) = &folder
                && folder.stat_of(".").is_some_and(|stat| is_world_writable_directory(stat.st_mode))
            {
                add(SiteWarning::WorldWritableDirectory(folder.path().to_owned()));
            }
        }
        let Some(folder) = folder else { continue };
        for name in [names.document, &names.record] {
            if folder.stat_of(name).as_ref().is_some_and(is_world_writable_file) {
                add(SiteWarning::WorldWritableFile(folder.path().join(name)));
            }
        }
    }
    warnings
}

/// In a directory with the sticky bit, only the owner of an entry can replace the entry.
fn is_world_writable_directory(mode: u32) -> bool {
    let mode = Mode::from_raw_mode(mode);
    mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX)
}

fn is_world_writable_file(stat: &Stat) -> bool {
    FileKind::of(stat) == FileKind::Regular && Mode::from_raw_mode(stat.st_mode).contains(Mode::WOTH)
}

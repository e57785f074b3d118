use std::path::PathBuf;

/// A property of a site that allows other users to change the published documents.
///
/// ```
/// use std::{fs::Permissions, os::unix::fs::PermissionsExt};
/// use issuer::site::{Directory, Site, SiteWarning};
/// let site = tempfile::tempdir()?;
/// std::fs::set_permissions(site.path(), Permissions::from_mode(0o777))?;
/// let warnings = Directory::open(site.path())?.warnings(&[]);
/// assert_eq!(warnings, [SiteWarning::WorldWritableDirectory(site.path().to_owned())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteWarning {
    /// Any user can replace the files in a directory.
    #[error("directory {path} is world-writable without the sticky bit: any user can replace the documents; run `chmod o-w {path}`", path = .0.display())]
    WorldWritableDirectory(PathBuf),
    /// Any user can change a file.
    #[error("{path} is world-writable: any user can change it; run `chmod o-w {path}`", path = .0.display())]
    WorldWritableFile(PathBuf),
}

//! The umbrella error keeps the text, the hint and the source of each wrapped error.

use std::{error::Error as _, io, path::PathBuf};

use issuer::{Error, FileError, Hint, KeyReader, PublishError, site::SiteError};

fn denied() -> FileError {
    FileError::Write { path: PathBuf::from("site/openid"), source: io::ErrorKind::PermissionDenied.into() }
}

#[test]
fn wrapping_keeps_text_hint_and_source() {
    let text = denied().to_string();
    for error in [
        Error::from(denied()),
        Error::from(SiteError::from(denied())),
        Error::from(PublishError::from(SiteError::from(denied()))),
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(error.hint(), denied().hint());
        let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::PermissionDenied), "{error:?}");
    }
}

#[test]
fn error_of_another_crates_site_keeps_its_source() {
    let error = Error::from(SiteError::other(io::Error::other(denied())));
    assert_eq!(error.to_string(), denied().to_string());
    assert!(error.source().is_some(), "{error:?}");
}

#[test]
fn key_errors_keep_their_hint() {
    let mut reader = KeyReader::default();
    let error = reader.read("sa.pub", b"no key").unwrap_err();
    assert_eq!(Error::from(error.clone()).hint(), error.hint());
}

//! Arbitrary text as a connection string of PostgreSQL.
//!
//! - It is read or refused without a panic, and an error does not repeat it.
//! - With a token in place of its password, user, database and servers stay, and no marker is left.
//! - The password file of it has one line for each server.
#![no_main]

use issuer::{ConnectionString, Hint, PasswordFile};
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let connection = match text.parse::<ConnectionString>() {
        Ok(connection) => connection,
        Err(error) => {
            assert!(error.hint().is_some());
            return;
        }
    };
    let with_token: ConnectionString = connection.with_token(TOKEN).parse().expect("a connection string");
    assert_eq!(with_token.get("password"), Some(TOKEN));
    assert_eq!(with_token.marker(), None);
    assert_eq!((with_token.user(), with_token.database()), (connection.user(), connection.database()));
    assert_eq!((with_token.servers(), with_token.ssl_mode()), (connection.servers(), connection.ssl_mode()));
    if let Ok(file) = PasswordFile::of(&connection) {
        let content = file.with_token(TOKEN);
        assert!(PasswordFile::is_own(content.as_bytes()));
        assert_eq!(content.lines().count(), 1 + connection.servers().len());
    }
});

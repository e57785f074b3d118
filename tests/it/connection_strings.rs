//! Connection strings for PostgreSQL, password files, and the statements for a role.

use issuer::{ConnectionString, ConnectionStringError, DatabaseRole, Hint, PasswordFile, SslMode, TokenMarker};
use proptest::prelude::*;

type Expected<'a> = (&'a str, &'a str, &'a str, &'a str, SslMode, Option<TokenMarker>);

/// Host, port, database, user, TLS and marker.
const STRINGS: [(&str, Expected<'static>); 20] = {
    use SslMode::{Prefer, Require, VerifyFull};
    use TokenMarker::{Parameter, Password};
    [
        ("", ("", "", "", "", Prefer, None)),
        ("host=db", ("db", "", "", "", Prefer, None)),
        ("host = db  port= 6432 dbname =shop\tuser=orders", ("db", "6432", "shop", "orders", Prefer, None)),
        (r"user='o\'br ien' dbname=a\ b", ("", "", "a b", "o'br ien", Prefer, None)),
        ("host=a host=b sslmode=verify-full", ("b", "", "", "", VerifyFull, None)),
        ("host=db sslrootcert=system", ("db", "", "", "", VerifyFull, None)),
        ("hostaddr=10.0.0.1", ("10.0.0.1", "", "", "", Prefer, None)),
        ("user=orders azure_workload_identity=true", ("", "", "", "orders", Prefer, Some(Parameter))),
        ("user=orders azure_workload_identity=false", ("", "", "", "orders", Prefer, None)),
        ("user=orders password=entraid", ("", "", "", "orders", Prefer, Some(Password))),
        ("postgresql://", ("", "", "", "", Prefer, None)),
        ("postgres://db", ("db", "", "", "", Prefer, None)),
        ("postgresql://orders@db:6432/shop", ("db", "6432", "shop", "orders", Prefer, None)),
        ("postgresql://o%40x:p%3Aw@db/s%20p?sslmode=require", ("db", "", "s p", "o@x", Require, None)),
        ("postgresql://db/shop?user=orders&ssl=true", ("db", "", "shop", "orders", Require, None)),
        ("postgresql://[::1]:5433/shop", ("::1", "5433", "shop", "", Prefer, None)),
        ("postgresql:///shop?host=/run/postgresql", ("/run/postgresql", "", "shop", "", Prefer, None)),
        ("postgres://w:entraid@db/w?sslmode=verify-full", ("db", "", "w", "w", VerifyFull, Some(Password))),
        ("postgresql://w@db/w?azure_workload_identity=true", ("db", "", "w", "w", Prefer, Some(Parameter))),
        ("postgresql://w@db/?azure_workload_identity=true&x=1", ("db", "", "", "w", Prefer, Some(Parameter))),
    ]
};

#[test]
fn strings_are_read_as_libpq_reads_them() {
    for (text, (host, port, database, user, ssl_mode, marker)) in STRINGS {
        let connection: ConnectionString = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let server = connection.servers().remove(0);
        assert_eq!(server.host.as_deref().unwrap_or_default(), host, "{text}");
        assert_eq!(server.port.as_deref().unwrap_or_default(), port, "{text}");
        assert_eq!(connection.database().unwrap_or_default(), database, "{text}");
        assert_eq!(connection.user().unwrap_or_default(), user, "{text}");
        assert_eq!((connection.ssl_mode(), connection.marker()), (ssl_mode, marker), "{text}");
    }
}

#[test]
fn token_replaces_marker_and_password_only() {
    let cases = [
        ("", "password=T"),
        ("host=db", "password=T host=db"),
        ("azure_workload_identity=true host=db", "password=T host=db"),
        ("host=db azure_workload_identity = 'true' user=a", "password=T host=db user=a"),
        ("host='a b' password=entraid  user=a", "password=T host='a b'  user=a"),
        ("host=db password='entraid'user=a", "password=T host=db user=a"),
        ("application_name=foo\\  password=entraid host=db", "password=T application_name=foo\\  host=db"),
        ("host=db user=", "password=T host=db user="),
        ("postgres://a:entraid@db/x", "postgres://a:T@db/x"),
        ("postgres://a@db/x?azure_workload_identity=true", "postgres://a:T@db/x"),
        ("postgres://a@db?b=1&azure%5Fworkload_identity=true&c=%20", "postgres://a:T@db?b=1&c=%20"),
        ("postgres://db/x?user=a&password=entraid", "postgres://:T@db/x?user=a"),
        ("postgresql://a%40b:entraid@h1:1,h2:2/x?c=d", "postgresql://a%40b:T@h1:1,h2:2/x?c=d"),
    ];
    for (text, expected) in cases {
        let connection: ConnectionString = text.parse().unwrap();
        assert_eq!(connection.with_token("T"), expected, "{text}");
        let with_token: ConnectionString = expected.parse().unwrap();
        assert_eq!((with_token.get("password"), with_token.marker()), (Some("T"), None), "{text}");
    }
}

#[test]
fn refused_strings_have_a_hint_and_show_no_value() {
    use ConnectionStringError::{
        Bracket, Control, Escape, Jdbc, Marker, Name, NoValue, Quote, Scheme, Semicolons, SslMode, WhiteSpace,
    };
    let cases = [
        ("jdbc:postgresql://db/x?password=hunter2", Jdbc),
        ("Host=db;Username=a;Password=hunter2", Semicolons),
        ("mysql://a:hunter2@db/x", Scheme),
        ("host=db hunter2", NoValue),
        ("hunter2;=1", Name),
        ("postgresql://db/x?hunter2", NoValue),
        ("password='hunter2", Quote),
        ("postgresql://a:hunter2%zz@db/x", Escape),
        ("postgresql://a:hunter2%ff@db/x", Escape),
        ("postgresql://a:hunter2%00@db/x", Control),
        ("postgresql://[::1/x", Bracket),
        ("postgresql://a:hunter2@db /x", WhiteSpace),
        ("host=db\npassword=hunter2", Control),
        ("host=db sslmode=hunter2", SslMode),
        ("host=db azure_workload_identity=hunter2", Marker),
    ];
    for (text, expected) in cases {
        let error = text.parse::<ConnectionString>().unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(error.hint().is_some() && !error.to_string().contains("hunter2"), "{error}");
    }
    let connection: ConnectionString = "host=db password=hunter2".parse().unwrap();
    assert!(connection.has_password() && !format!("{connection:?}").contains("hunter2"));
}

#[test]
fn password_file_has_a_line_for_each_server() {
    let cases = [
        ("", "*:*:*:*:T:\\\\x\n"),
        ("host=db port=6432 dbname=shop user=orders", "db:6432:shop:orders:T:\\\\x\n"),
        ("postgresql://a%3Ab@[::1]/s%5Cp", "\\:\\:1:*:s\\\\p:a\\:b:T:\\\\x\n"),
        ("host=a,b port=1,2 user=u", "a:1:*:u:T:\\\\x\nb:2:*:u:T:\\\\x\n"),
        ("host=a,b port=1 user=u", "a:1:*:u:T:\\\\x\nb:1:*:u:T:\\\\x\n"),
    ];
    for (text, lines) in cases {
        let file = PasswordFile::of(&text.parse().unwrap()).unwrap();
        let content = file.with_token(r"T:\x");
        let (comment, rest) = content.split_once('\n').unwrap();
        assert_eq!((comment.starts_with("# issuer"), rest), (true, lines.replace("T:", r"T\:").as_str()), "{text}");
    }
    assert!(PasswordFile::new(Some("a\nb"), None, None, None).is_err());
}

#[test]
fn statements_quote_names() {
    let cases = [
        ("orders", "orders"),
        ("Orders", "\"Orders\""),
        ("o\"x", "\"o\"\"x\""),
        ("user", "\"user\""),
        ("1a", "\"1a\""),
        ("", "\"\""),
    ];
    for (name, identifier) in cases {
        let grant = &DatabaseRole::new(name).grants("shop")[0];
        assert_eq!(grant, &format!("grant connect on database shop to {identifier};"));
    }
    assert!(DatabaseRole::new(r"a\b'c").creation().contains(r"E'a\\b''c'"));
}

proptest! {
    #[test]
    fn values_survive_quoting(user in "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,20}", token in "[A-Za-z0-9_.-]{1,40}") {
        let quoted = format!("'{}'", user.replace('\\', "\\\\").replace('\'', "\\'"));
        let connection: ConnectionString = format!("host=db user={quoted} azure_workload_identity=true").parse().unwrap();
        prop_assert_eq!(connection.user(), Some(user.as_str()));
        let with_token: ConnectionString = connection.with_token(&token).parse().unwrap();
        prop_assert_eq!((with_token.user(), with_token.get("password")), (Some(user.as_str()), Some(token.as_str())));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), token in "[ -~]{1,20}") {
        if let Ok(connection) = text.parse::<ConnectionString>() {
            let with_token: ConnectionString = connection.with_token(&token).parse().unwrap();
            prop_assert_eq!(with_token.get("password"), Some(token.as_str()));
            prop_assert_eq!((with_token.user(), with_token.database()), (connection.user(), connection.database()));
        }
    }

    #[test]
    fn any_uri_is_read_or_refused(rest in "[-a-z0-9%:@/?&=,._\\[\\]]{0,40}", token in "[ -~]{1,20}") {
        if let Ok(connection) = format!("postgresql://{rest}").parse::<ConnectionString>() {
            let with_token: ConnectionString = connection.with_token(&token).parse().unwrap();
            prop_assert_eq!(with_token.get("password"), Some(token.as_str()));
            prop_assert_eq!(with_token.servers(), connection.servers());
        }
    }
}

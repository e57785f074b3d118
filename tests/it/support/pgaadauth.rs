//! The roles of Microsoft Entra principals in a PostgreSQL server, and the SQL functions that create them.
//!
//! "Manage Microsoft Entra users in Azure Database for PostgreSQL" (security-manage-entra-users.md) has the functions
//! with their signatures and the text that they return. They exist in the database `postgres` only (user reports).
//! A principal that the tenant does not have: MicrosoftDocs/azure-docs#117206 has the text.

use std::{
    io::{Error, Write},
    os::unix::net::UnixStream,
    sync::Mutex,
};

use super::{
    postgresql::{Postgresql, SUPERUSER, literal},
    postgresql_message::{Message, startup},
};

const INSTALL: &str = r#"
    CREATE ROLE azure_pg_admin NOLOGIN CREATEROLE CREATEDB;
    CREATE SCHEMA pgaadauth;
    -- The principals of the tenant, by their display names.
    CREATE TABLE pgaadauth.tenant (name text PRIMARY KEY, objectid text NOT NULL, type text NOT NULL);
    CREATE TABLE pgaadauth.principal (
        rolename text PRIMARY KEY,
        principaltype text NOT NULL CHECK (principaltype IN ('user', 'group', 'service')),
        objectid text NOT NULL,
        ismfa boolean NOT NULL,
        isadmin boolean NOT NULL
    );

    CREATE FUNCTION pg_catalog.pgaadauth_create_principal_with_oid(
        rolename text, objectid text, objecttype text, isadmin boolean, ismfa boolean
    ) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
        IF NOT pg_has_role(session_user, 'azure_pg_admin', 'member') THEN
            RAISE insufficient_privilege USING MESSAGE = 'must be a member of azure_pg_admin';
        END IF;
        EXECUTE format('CREATE ROLE %I LOGIN', rolename);
        IF isadmin THEN
            EXECUTE format('ALTER ROLE %I CREATEROLE CREATEDB', rolename);
            EXECUTE format('GRANT azure_pg_admin TO %I', rolename);
        END IF;
        INSERT INTO pgaadauth.principal VALUES (rolename, objecttype, objectid, ismfa, isadmin);
        RETURN format('Created role for "%s"', rolename);
    END $$;

    CREATE FUNCTION pg_catalog.pgaadauth_create_principal(rolename text, isadmin boolean, ismfa boolean)
    RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DECLARE
        known pgaadauth.tenant;
    BEGIN
        SELECT * INTO known FROM pgaadauth.tenant WHERE name = rolename;
        IF NOT FOUND THEN
            RAISE 'Could not validate AAD user % because its name is not found in the tenant.', rolename;
        END IF;
        RETURN pgaadauth_create_principal_with_oid(rolename, known.objectid, known.type, isadmin, ismfa);
    END $$;

    CREATE FUNCTION pg_catalog.pgaadauth_list_principals(isadminvalue boolean)
    RETURNS TABLE (rolename text, principaltype text, objectid text, ismfa boolean, isadmin boolean)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT * FROM pgaadauth.principal p WHERE p.isadmin OR NOT isadminvalue $$;
"#;

/// The kind of a principal, as the functions call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrincipalType {
    User,
    Group,
    Service,
}

impl PrincipalType {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Service => "service",
        }
    }
}

/// A role, with the principal whose tokens it accepts.
#[derive(Debug)]
pub(crate) struct EntraRole {
    pub(crate) principal_type: PrincipalType,
    pub(crate) object_id: String,
}

/// Creates the functions in the database `postgres`, once for a server.
pub(crate) fn install(server: &Postgresql) {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap();
    if server.sql("postgres", "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgaadauth'") == "0" {
        server.sql("postgres", INSTALL);
    }
}

/// Adds a principal to the tenant, so that `pgaadauth_create_principal` finds its name.
pub(crate) fn add_to_tenant(server: &Postgresql, name: &str, object_id: &str, principal_type: PrincipalType) {
    let values = [name, object_id, principal_type.name()].map(literal).join(", ");
    server.sql("postgres", &format!("INSERT INTO pgaadauth.tenant VALUES ({values})"));
}

/// Creates the role of a principal, as the superuser.
pub(crate) fn create_principal(
    server: &Postgresql,
    role: &str,
    object_id: &str,
    principal_type: PrincipalType,
    is_admin: bool,
) {
    let values = [role, object_id, principal_type.name()].map(literal).join(", ");
    server.sql("postgres", &format!("SELECT pgaadauth_create_principal_with_oid({values}, {is_admin}, false)"));
}

/// The principal of a role, if the role has one.
pub(crate) fn find(server: &Postgresql, role: &str) -> std::io::Result<Option<EntraRole>> {
    let principal = "SELECT principaltype, objectid FROM pgaadauth.principal WHERE rolename = ";
    let rows = query(server, &format!("{principal}{}", literal(role)))?;
    let types = [PrincipalType::User, PrincipalType::Group, PrincipalType::Service];
    Ok(rows.into_iter().next().map(|row| EntraRole {
        principal_type: *types.iter().find(|found| found.name() == row[0]).unwrap(),
        object_id: row[1].clone(),
    }))
}

/// The rows of a query of the superuser, without the start of a psql for each login.
fn query(server: &Postgresql, sql: &str) -> std::io::Result<Vec<Vec<String>>> {
    let mut stream = UnixStream::connect(server.socket())?;
    stream.write_all(&startup(SUPERUSER, "postgres"))?;
    rows_until_ready(&mut stream)?;
    Message::query(sql).write(&mut stream)?;
    rows_until_ready(&mut stream)
}

fn rows_until_ready(stream: &mut UnixStream) -> std::io::Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    loop {
        let message = Message::read(stream, 1 << 20)?;
        match message.kind {
            b'D' => rows.push(message.columns()),
            b'E' => return Err(Error::other(String::from_utf8_lossy(&message.body).into_owned())),
            b'Z' => return Ok(rows),
            _ => {}
        }
    }
}

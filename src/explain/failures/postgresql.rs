//! Azure Database for PostgreSQL, flexible server, with Microsoft Entra authentication.

use super::{
    super::KnownFailure,
    steps::{INSPECT_ACCESS_TOKEN, SHOW_IDENTITY},
};
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "PostgreSQL";

const LIST_PRINCIPALS: &str = "`psql \"host=SERVER dbname=postgres user=ADMIN sslmode=verify-full\" -c \"select * from pgaadauth_list_principals(false)\"` lists the roles with their principal type and object ID";

const CREATE_ROLE: &str = "connect to the database postgres as a Microsoft Entra administrator, and create the role: `select * from pgaadauth_create_principal_with_oid('ROLE', 'PRINCIPAL_ID', 'service', false, false)`";

const SET_USER: &str = "set the user of the connection to the exact name of the role, including upper and lower case";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "postgresql-role-of-user",
        service: SERVICE,
        patterns: &[
            "Azure AD user token for role[{role}] is neither an AAD_AUTH_TOKENTYPE_APP_USER or an AAD_AUTH_TOKENTYPE_APP_OBO token",
            "Microsoft Entra user token for role \"{role}\" is neither an AAD_AUTH_TOKENTYPE_APP_USER or an AAD_AUTH_TOKENTYPE_APP_OBO token",
            "Microsoft Entra user token for role[{role}] is neither an AAD_AUTH_TOKENTYPE_APP_USER or an AAD_AUTH_TOKENTYPE_APP_OBO token",
            "is neither an AAD_AUTH_TOKENTYPE_APP_USER or an AAD_AUTH_TOKENTYPE_APP_OBO token",
        ],
        meaning: "the role belongs to a user, but the access token belongs to an application or managed identity",
        causes: &[
            "the user of the connection is the administrator, not the role of the managed identity",
            "the role was created with the principal type user instead of service",
        ],
        confirm: &[LIST_PRINCIPALS, INSPECT_ACCESS_TOKEN],
        fix: &[SET_USER, CREATE_ROLE],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Tutorial: Connect to PostgreSQL Database from a Java Quarkus Container App without secrets using a managed identity\"; public reports of 2026",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "postgresql-role-of-application",
        service: SERVICE,
        patterns: &[
            "Service principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[{role}]",
            "Service principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role \"{role}\"",
        ],
        meaning: "the role belongs to an application or managed identity, but the access token belongs to a user",
        causes: &[
            "the access token comes from `az login` of a person, and the user of the connection is the role of an identity",
            "the role has another object ID than that of the identity in the access token",
        ],
        confirm: &[INSPECT_ACCESS_TOKEN, LIST_PRINCIPALS, SHOW_IDENTITY],
        fix: &[
            "connect with an access token of the identity that the role belongs to, or with a role of the user",
            CREATE_ROLE,
        ],
        waiting: Waiting::No,
        source: "MicrosoftDocs/azure-docs#120133; public reports of 2026",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "postgresql-token-not-valid-for-role",
        service: SERVICE,
        patterns: &[
            "access token not valid for role",
            "access token not valid for role {role} (does not contain group ID {group_id})",
        ],
        meaning: "the access token does not belong to the role or to a member of its group",
        causes: &[
            "the role belongs to a group, and the identity is not a member of it",
            "the identity became a member of the group after the access token was issued",
            "the user of the connection is the role of another identity",
        ],
        confirm: &[
            "`az ad group member check --group GROUP_ID --member-id PRINCIPAL_ID` shows whether the identity is a member of the group",
            INSPECT_ACCESS_TOKEN,
            LIST_PRINCIPALS,
        ],
        fix: &[
            "add the identity to the group: `az ad group member add --group GROUP_ID --member-id PRINCIPAL_ID`",
            "get a new access token after a change of the group",
            SET_USER,
        ],
        waiting: Waiting::No,
        source: "public reports of PostgreSQL sign-ins with groups",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "postgresql-object-id-mismatch",
        service: SERVICE,
        patterns: &[
            "Service Principal oid mismatch for role[{role}]",
            "Service principal oid mismatch for role \"The oid in the security label [{old_principal_id}] does not match the appid [{client_id}] or oid [{principal_id}] in the token",
            "Service Principal oid mismatch for role",
        ],
        meaning: "the role belongs to another application or managed identity than the access token",
        causes: &[
            "the identity was deleted and created again with the same name, and has a new object ID",
            "the role was created with the client ID in place of the object ID (principal ID)",
            "the user of the connection is the role of another identity",
        ],
        confirm: &[LIST_PRINCIPALS, SHOW_IDENTITY, INSPECT_ACCESS_TOKEN],
        fix: &[
            "as a Microsoft Entra administrator, set the object ID of the role, which keeps its privileges: `security label for \"pgaadauth\" on role \"ROLE\" is 'aadauth,oid=PRINCIPAL_ID,type=service'`",
            SET_USER,
        ],
        waiting: Waiting::No,
        source: "cyrilgdn/terraform-provider-postgresql#423; public reports of identities that were created again; Microsoft Learn, \"Manage Microsoft Entra users in Azure Database for PostgreSQL\"",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "postgresql-token-expired",
        service: SERVICE,
        patterns: &[
            "The access token has expired. Please acquire a new token and retry",
            "The access token has expired. Acquire a new token and try again",
        ],
        meaning: "the access token that was sent as the password has expired",
        causes: &[
            "a connection pool opens a new connection with the access token of its first connection",
            "the access token was read once at the start of the program, or stored in a configuration file",
        ],
        confirm: &[
            INSPECT_ACCESS_TOKEN,
            "compare the time of the first error with the start of the program: access tokens are valid for about an hour, or up to a day for managed identities",
        ],
        fix: &[
            "get an access token for each new connection: set the password callback of the driver or of the pool",
            "limit the lifetime of pooled connections only if the driver has no callback; open connections survive the expiry",
        ],
        waiting: Waiting::No,
        source: "darold/ora2pg#1851; dbcodeio/public#1071; MicrosoftDocs/azure-docs#122549",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "postgresql-token-audience",
        service: SERVICE,
        patterns: &[
            "The access token does not have a valid audience claim",
            "The access token does not have a valid audience claim. Please acquire a new token for the resource \"{resource}\"",
        ],
        meaning: "the access token is for another resource than PostgreSQL",
        causes: &[
            "the token was requested for another scope, such as Key Vault or Azure Resource Manager",
            "the password is the projected token of the service account, not an access token of Entra",
            "the scope is that of another cloud",
        ],
        confirm: &[
            INSPECT_ACCESS_TOKEN,
            "`az cloud show --query endpoints.ossrdbmsResourceId` shows the resource in this cloud",
        ],
        fix: &["request the token for the scope https://ossrdbms-aad.database.windows.net/.default"],
        waiting: Waiting::No,
        source: "microsoft/azuredatastudio-postgresql#505; Azure/azure-sdk-for-java#42632",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "postgresql-function-missing",
        service: SERVICE,
        patterns: &[
            "function pgaadauth_create_principal({arguments}) does not exist",
            "function pgaadauth_create_principal_with_oid({arguments}) does not exist",
        ],
        meaning: "the functions for Microsoft Entra roles exist only in the database postgres",
        causes: &[
            "the statement was sent to the database of the application",
            "Microsoft Entra authentication is not enabled on the server",
        ],
        confirm: &[
            "`psql \"host=SERVER dbname=postgres user=ADMIN sslmode=verify-full\" -c \"\\df *pgaadauth*\"` lists the functions",
            "`az postgres flexible-server show --name SERVER --resource-group GROUP --query authConfig` shows whether Microsoft Entra authentication is enabled",
        ],
        fix: &[
            "connect to the database postgres as a Microsoft Entra administrator; a role is valid in all databases of the server",
            "enable Microsoft Entra authentication on the server, and set a Microsoft Entra administrator",
        ],
        waiting: Waiting::No,
        source: "public reports of 2026",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "postgresql-schema-permission",
        service: SERVICE,
        patterns: &["permission denied for schema public"],
        meaning: "the sign-in succeeded, but the role may not use or create objects in the schema public",
        causes: &[
            "since PostgreSQL 15 only the owner of a database may create objects in its schema public",
            "the role was created, but no privileges were granted to it",
        ],
        confirm: &[
            "`psql \"host=SERVER dbname=DATABASE user=ADMIN sslmode=verify-full\" -c \"\\dn+ public\"` shows the owner and the privileges of the schema",
        ],
        fix: &[
            "grant the privileges in the database of the application: `grant usage, create on schema public to \"ROLE\"`",
        ],
        waiting: Waiting::No,
        source: "PostgreSQL 15 release notes",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "postgresql-table-permission",
        service: SERVICE,
        patterns: &["permission denied for table {table}"],
        meaning: "the sign-in succeeded, but the role has no privilege on the table",
        causes: &[
            "another role owns the table, and has granted no privileges on it",
            "the table was created after the privileges on all tables were granted",
        ],
        confirm: &[
            "`psql \"host=SERVER dbname=DATABASE user=ADMIN sslmode=verify-full\" -c \"\\dp TABLE\"` shows the owner and the privileges of the table",
        ],
        fix: &[
            "let the owner of the tables grant the privileges: `grant select, insert, update, delete on all tables in schema public to \"ROLE\"`",
            "let the owner alter its default privileges in the schema, for tables that it creates later",
        ],
        waiting: Waiting::No,
        source: "PostgreSQL documentation, \"GRANT\" and \"ALTER DEFAULT PRIVILEGES\"",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "postgresql-role-missing",
        service: SERVICE,
        patterns: &["role \"{role}\" does not exist"],
        meaning: "the server has no role with the name of the user",
        causes: &[
            "the role was not created on this server",
            "the user differs from the role in upper and lower case",
            "no user is set, so that the driver uses a default such as the operating system's user",
        ],
        confirm: &[LIST_PRINCIPALS],
        fix: &[CREATE_ROLE, SET_USER],
        waiting: Waiting::No,
        source: "PostgreSQL documentation, \"Database Roles\"; Microsoft Learn, \"Manage Microsoft Entra roles in Azure Database for PostgreSQL\"",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "postgresql-password-rejected",
        service: SERVICE,
        patterns: &["password authentication failed for user \"{user}\"", "28P01"],
        meaning: "PostgreSQL compared the password with a stored password, and did not check an access token",
        causes: &[
            "the user of the connection is the client ID or another name that is no role with Microsoft Entra authentication",
            "no user is set, so that the driver uses a default such as postgres",
            "the role was created with create role, without Microsoft Entra authentication",
            "Microsoft Entra authentication is not enabled on the server",
        ],
        confirm: &[
            LIST_PRINCIPALS,
            "`az postgres flexible-server show --name SERVER --resource-group GROUP --query authConfig` shows whether Microsoft Entra authentication is enabled",
        ],
        fix: &[SET_USER, CREATE_ROLE, "enable Microsoft Entra authentication on the server"],
        waiting: Waiting::No,
        source: "Azure/data-api-builder#2271; windmill-labs/windmill#10521; PostgreSQL documentation, \"PostgreSQL Error Codes\"",
        evidence: Evidence::Observed,
    },
];

//! Azure Database for MySQL, flexible server, with Microsoft Entra authentication.

use super::{
    super::KnownFailure,
    steps::{INSPECT_ACCESS_TOKEN, SHOW_IDENTITY},
};
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "MySQL";

const CREATE_USER: &str = "create the user as a Microsoft Entra administrator, with the client ID of the identity: `CREATE AADUSER 'USER' IDENTIFIED BY 'CLIENT_ID'`";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "mysql-access-denied",
        service: SERVICE,
        patterns: &["Access denied for user '{user}'@'{host}' (using password"],
        meaning: "MySQL does not accept this user with this access token",
        causes: &[
            "the user of the connection is not the name that was given to the identity in MySQL",
            "the access token has expired: a connection pool uses the access token of its first connection",
            "the access token is for another resource, or belongs to another identity",
            "the user was created without Microsoft Entra authentication",
            "the driver sent no password; the message then ends in NO",
        ],
        confirm: &[
            INSPECT_ACCESS_TOKEN,
            SHOW_IDENTITY,
            "`mysql --host SERVER --user ADMIN --enable-cleartext-plugin --password -e \"select user, plugin from mysql.user\"` shows the users and their authentication: aad_auth is Microsoft Entra",
        ],
        fix: &[
            CREATE_USER,
            "request a token for the scope https://ossrdbms-aad.database.windows.net/.default for each new connection",
        ],
        waiting: Waiting::No,
        source: "MicrosoftDocs/azure-docs#121045; Azure/azure-service-operator#3344",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "mysql-token-not-valid-for-user",
        service: SERVICE,
        patterns: &["Azure AD access token is not valid for user '{user}' with OID '{object_id}'"],
        meaning: "the access token belongs to another identity than the user in MySQL",
        causes: &[
            "the user was created with the object ID of the identity instead of its client ID",
            "the identity was created again, and the user in MySQL has the ID of the former identity",
            "the workload has the client ID of another identity",
        ],
        confirm: &[INSPECT_ACCESS_TOKEN, SHOW_IDENTITY],
        fix: &[
            "drop the user and create it with the client ID: `CREATE AADUSER 'USER' IDENTIFIED BY 'CLIENT_ID'`",
            "set AZURE_CLIENT_ID, or the annotation azure.workload.identity/client-id of the service account, to the client ID of the identity",
        ],
        waiting: Waiting::No,
        source: "Azure/azure-sdk-for-java#38281",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "mysql-cleartext-plugin",
        service: SERVICE,
        patterns: &[
            "Authentication plugin 'mysql_clear_password' cannot be loaded",
            "this user requires clear text authentication",
        ],
        meaning: "the client does not send the access token, because the plugin for clear-text passwords is off",
        causes: &[
            "the client was started without --enable-cleartext-plugin",
            "the driver has the plugin off by default",
        ],
        confirm: &["read the options of the connection: the plugin mysql_clear_password and TLS must be on"],
        fix: &[
            "enable the plugin together with TLS: `mysql --enable-cleartext-plugin --ssl-mode=REQUIRED`, or LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 for clients of the C library",
        ],
        waiting: Waiting::No,
        source: "MySQL documentation, \"Client-Side Cleartext Pluggable Authentication\"; Microsoft Learn, \"Set up Microsoft Entra authentication for Azure Database for MySQL - Flexible Server\"",
        evidence: Evidence::Documented,
    },
];

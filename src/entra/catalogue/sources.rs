//! Citations that several entries share.

pub(super) const ERROR_CODES: &str =
    "Microsoft Learn, \"Microsoft Entra authentication and authorization error codes\"";

pub(super) const NATIONAL_CLOUDS: &str = "Microsoft Learn, \"Microsoft Entra authentication and authorization error codes\" and \"Microsoft Entra authentication and national clouds\"";

pub(super) const MSAL_TESTS: &str = "AzureAD/microsoft-authentication-library-for-dotnet, TestConstants (2023)";

pub(super) const WEB_TESTS: &str = "AzureAD/microsoft-identity-web, tests of certificate errors";

pub(super) const SUPPORT_GUIDE: &str = "a public troubleshooting guide for Entra sign-ins of 2026-04";

pub(super) const CROSS_TENANT_TRIAL: &str = "a public trial of managed identities as federated credentials of 2024-12";

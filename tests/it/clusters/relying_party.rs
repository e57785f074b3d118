//! A second API server that trusts the published issuer as an OIDC relying party. The project wrote nothing of it.

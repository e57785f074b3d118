//! Five setups from `issuer publish` to the resource, as the guides in `docs/setups` describe them.
//!
//! Each test follows one guide: it runs the commands and the SQL of the page unchanged, and derives the pods from its
//! YAML. The hosts in the commands are stand-ins that a proxy connects, `az` and `kubectl` are scripts, and PostgreSQL,
//! psql, psycopg and Ruby's pg are real. Storage account, issuer and federated credentials are made by `issuer` in the
//! stand-in for Azure Resource Manager.

mod aks;
mod api_server;
mod azure_cli;
mod cluster_api;
mod connections;
mod data_plane;
mod guide;
mod json_patch;
mod kestra;
mod pod;
mod rails;
mod sidecar;
mod windmill;
mod world;

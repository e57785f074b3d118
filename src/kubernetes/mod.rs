//! Clusters as the source: the issuer and the keys of an API server, the keys of a Secret, tokens by TokenRequest, and
//! the objects that `issuer doctor` checks.
//!
//! A cluster is found as kubectl finds it: by a kubeconfig, or inside a pod by its service account.

mod cluster;
mod cluster_error;
mod cluster_issuer;
mod cluster_options;
mod connect_failure;
mod exec_plugin;
mod grant;
mod kubeconfig;
mod kubeconfig_files;
mod login;
mod objects;
mod proxy;
mod secrets;
mod server;
mod token_request;

pub use cluster::Cluster;
pub use cluster_error::{ClusterError, NoKubeconfig};
pub use cluster_issuer::ClusterIssuer;
pub use cluster_options::ClusterOptions;
pub use connect_failure::ConnectFailure;
pub use grant::Grant;
pub use objects::ObjectScope;
pub use token_request::{RequestedToken, ServiceAccountTokens, TokenRequest};

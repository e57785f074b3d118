//! The failures without an AADSTS code, one file for each topic.
//!
//! Each pattern comes from the source that its failure names.

mod federated_credential;
mod key_vault;
mod managed_identity;
mod mysql;
mod policy;
mod postgresql;
mod sdk;
mod steps;
mod token_request;
mod webhook;

use super::KnownFailure;

pub(super) const TOPICS: [&[KnownFailure]; 9] = [
    federated_credential::FAILURES,
    key_vault::FAILURES,
    managed_identity::FAILURES,
    mysql::FAILURES,
    policy::FAILURES,
    postgresql::FAILURES,
    sdk::FAILURES,
    token_request::FAILURES,
    webhook::FAILURES,
];

//! The issuer of an API server beside the published one: what differs, and the order of changes without an outage.

mod api_server_drift;
mod flag_place;
mod issuer_change;

pub use api_server_drift::ApiServerDrift;
pub use flag_place::FlagPlace;
pub use issuer_change::{IssuerChange, IssuerChangeStep};

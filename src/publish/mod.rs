//! Publishing that only ever adds, unless it is told otherwise and the time has come.

mod apply;
mod clocks;
mod document_change;
mod join;
mod judge;
mod live;
mod plan;
mod planned_document;
mod planned_key;
mod proof;
mod refusal;
mod retention;
mod status;
mod stored_retention;
mod unpublish;
mod wanted;
mod warning;

pub use apply::{Publication, plan, publish};
pub use clocks::ClocksApart;
pub use document_change::DocumentChange;
pub use live::Live;
pub use plan::Plan;
pub use planned_document::{Change, PlannedDocument};
pub use planned_key::{DropReason, KeyState, PlannedKey};
pub use proof::{Mismatch, compare, published_documents};
#[cfg(feature = "remote")]
pub use proof::{read_back, read_back_telling};
pub use refusal::PlanRefusal;
pub use retention::Retention;
pub use status::{KeyStatus, SiteFault, SiteStatus, status};
pub use stored_retention::{RetentionError, StoredRetention};
pub use unpublish::{Removal, RemovalGuard, RemovalRefusal, plan_removal, unpublish};
pub use wanted::Wanted;
pub use warning::PlanWarning;

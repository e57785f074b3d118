//! Publishing, reading back, status and removal. Publishing adds keys; it removes a key only on request.

mod apply;
mod join;
mod proof;
mod publish_error;
mod status;
mod unpublish;

pub use apply::{Publication, plan, publish};
#[cfg(feature = "remote")]
pub use proof::read_back;
pub use proof::{Mismatch, compare, published_documents};
pub use publish_error::PublishError;
pub use status::{KeyStatus, SiteFault, SiteStatus, status};
pub use unpublish::{Removal, RemovalGuard, RemovalRefusal, plan_removal, unpublish};

//! When labels and annotations were set, from `metadata.managedFields` (Kubernetes documentation, "Server-Side Apply",
//! "Field management"). `kubectl get` hides this member, and the API server returns it.

use jiff::Timestamp;
use serde_json::Value;

/// The last update of a field that `metadata.managedFields` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldUpdate {
    pub(super) manager: String,
    pub(super) time: Timestamp,
}

impl FieldUpdate {
    /// The earliest update among the managers of a label or annotation. `member` is `labels` or `annotations`.
    ///
    /// The time of a manager is that of its last update of any of its fields. The value is therefore at least as old as
    /// this time.
    pub(super) fn of(object: &Value, member: &str, name: &str) -> Option<Self> {
        let entries = object.pointer("/metadata/managedFields")?.as_array()?;
        let (member, name) = (format!("f:{member}"), format!("f:{name}"));
        let update = |entry: &Value| {
            entry.get("fieldsV1")?.get("f:metadata")?.get(&member)?.get(&name)?;
            let manager = entry.get("manager").and_then(Value::as_str).unwrap_or("an unknown manager").to_owned();
            Some(Self { manager, time: timestamp(entry.get("time"))? })
        };
        entries.iter().filter_map(update).min_by_key(|update| update.time)
    }
}

/// The time when an object was created.
pub(super) fn created(object: &Value) -> Option<Timestamp> {
    timestamp(object.pointer("/metadata/creationTimestamp"))
}

fn timestamp(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}

use jiff::Timestamp;
use serde_json::Value;

use super::{
    managed_field::{FieldUpdate, created},
    selector::{Labels, labels},
    setting::USE,
};

/// The state of a pod that the API server returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LivePod {
    pub(super) created: Option<Timestamp>,
    /// Whether its containers have ended, so that it needs no token.
    pub(super) is_completed: bool,
    pub(super) labels: Labels,
    /// The last update of the label that selects the pod.
    pub(super) labelled: Option<FieldUpdate>,
}

impl LivePod {
    /// The state; `None` for a pod of a manifest, which has no UID.
    pub(super) fn of(object: &Value) -> Option<Self> {
        object.pointer("/metadata/uid").and_then(Value::as_str)?;
        let phase = object.pointer("/status/phase").and_then(Value::as_str);
        Some(Self {
            created: created(object),
            is_completed: matches!(phase, Some("Succeeded" | "Failed")),
            labels: labels(object),
            labelled: FieldUpdate::of(object, "labels", USE),
        })
    }
}

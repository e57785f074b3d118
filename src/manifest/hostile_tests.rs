//! Objects of a cluster with any value at any place.

use serde_json::{Value, json};

use super::{ClusterKind, Manifest, ManifestContext, ManifestOutcome::Warning, test_cluster::*};

/// The pointers of every value in a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    for (name, value) in value.as_object().into_iter().flatten() {
        pointers(value, &format!("{at}/{}", name.replace('/', "~1")), found);
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        pointers(value, &format!("{at}/{index}"), found);
    }
}

#[test]
fn any_value_at_any_place_is_examined() {
    let fields = || managed("kubectl-label", "2026-03-03T08:00:00Z", "labels", "use");
    let selector = json!({ "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["a"] }] });
    let mut objects = json!([
        with(webhook(), "/webhooks/0/namespaceSelector", selector),
        namespace(),
        with(account(), "/metadata/managedFields", fields()),
        with(unchanged("orders-a"), "/metadata/managedFields", fields()),
        pod("orders-b"),
        deployment()
    ]);
    let values = [
        json!(null),
        json!(true),
        json!(-1e300),
        json!(""),
        json!("\u{fffd}/ -\u{0}~"),
        json!("+292277026596-12-04T15:30:07Z"),
        json!([]),
        json!([[{}], null, 1]),
        json!({ "": { "f:metadata": 1 } }),
    ];
    let mut places = Vec::new();
    pointers(&objects, "", &mut places);
    assert!(places.len() > 150);
    let contexts = [live(), ManifestContext::default().live([]), live().not_read(ClusterKind::Namespace, "")];
    for (index, place) in places.iter().enumerate() {
        for (offset, value) in values.iter().enumerate() {
            let before = std::mem::replace(objects.pointer_mut(place).unwrap(), value.clone());
            let mut manifest = Manifest::default();
            manifest.add("cluster", objects.to_string().as_bytes());
            let report = manifest.examine(&contexts[(index + offset) % contexts.len()]);
            let count = report.judged + report.not_judged + report.left_out;
            assert_eq!(count, manifest.workloads.len(), "{place} {value}");
            let lacks_fix = report.findings.iter().find(|finding| finding.outcome >= Warning && finding.fix.is_none());
            assert_eq!(lacks_fix, None, "{place} {value}");
            *objects.pointer_mut(place).unwrap() = before;
        }
    }
}

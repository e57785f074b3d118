//! Label selectors, as Kubernetes evaluates them.

use serde_json::{Value, json};

use super::selector::{LabelSelector, labels};

fn expression(operator: &str, values: &[&str]) -> Value {
    json!({ "matchExpressions": [{ "key": "tier", "operator": operator, "values": values }] })
}

#[test]
fn selectors_are_evaluated_as_in_kubernetes() {
    let gold = json!({ "tier": "gold", "a": "b" });
    let none = json!({ "a": "b" });
    let cases = [
        (json!(null), None, None),
        (json!({}), None, None),
        (json!({ "matchLabels": { "tier": "gold" } }), None, Some("tier=gold")),
        (json!({ "matchLabels": { "a": "b", "tier": "iron" } }), Some("tier=iron"), Some("tier=iron")),
        (expression("In", &["iron", "gold"]), None, Some("tier in (iron, gold)")),
        (expression("NotIn", &["iron"]), None, None),
        (expression("NotIn", &["gold"]), Some("tier!=gold"), None),
        (expression("NotIn", &["gold", "iron"]), Some("tier notin (gold, iron)"), None),
        (expression("Exists", &[]), None, Some("tier")),
        (expression("DoesNotExist", &[]), Some("!tier"), None),
        // The API server rejects these.
        (expression("Near", &["gold"]), None, None),
        (json!({ "matchLabels": [1], "matchExpressions": { "key": 1 } }), None, None),
        (json!({ "matchLabels": { "tier": 1 }, "matchExpressions": [1, {}, { "operator": "In" }] }), None, None),
    ];
    for (selector, of_gold, of_none) in cases {
        let unmet = |members: &Value| {
            let object = json!({ "metadata": { "labels": members } });
            LabelSelector::of(Some(&selector)).unmet(&labels(&object)).map(ToString::to_string)
        };
        assert_eq!((unmet(&gold).as_deref(), unmet(&none).as_deref()), (of_gold, of_none), "{selector}");
    }
}

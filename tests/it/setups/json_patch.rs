//! JSON patches of a kustomization: RFC 6902, operation `add` to an object.

use serde_json::Value;

/// The documents of a rendering with the patches of a kustomization, as YAML (JSON is YAML, too).
pub(super) fn kustomized(kustomization: &str, rendered: &str) -> String {
    let kustomization: Value = serde_saphyr::from_str(kustomization).unwrap();
    let mut documents: Vec<Value> = rendered
        .split("---\n")
        .filter(|document| !document.trim().is_empty())
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect();
    for patch in kustomization["patches"].as_array().unwrap() {
        let target = &patch["target"];
        let is_target = |document: &&mut Value| {
            document["kind"] == target["kind"] && document["metadata"]["name"] == target["name"]
        };
        let operations: Vec<Value> = serde_saphyr::from_str(patch["patch"].as_str().unwrap()).unwrap();
        let document = documents.iter_mut().find(is_target).expect("the target of the patch is in the rendering");
        operations.iter().for_each(|operation| add(document, operation));
    }
    documents.iter().map(|document| format!("{document:#}\n")).collect::<Vec<_>>().join("---\n")
}

/// RFC 6901 writes a slash in a name as `~1`.
fn add(document: &mut Value, operation: &Value) {
    assert_eq!(operation["op"], "add");
    let (parent, name) = operation["path"].as_str().unwrap().rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    let parent = document.pointer_mut(parent).and_then(Value::as_object_mut).expect("the parent is an object");
    parent.insert(name, operation["value"].clone());
}

//! Faults between a client and the stand-ins.

use super::{Azure, CLIENT, ISSUER, SUBJECT, code, path, properties};
use crate::support::{
    arm_answer::{error, throttled},
    azure_controls::Fault,
    azure_credential::Credential,
};
use serde_json::Value;

#[test]
fn each_fault_changes_or_answers_as_its_name_says() {
    let cases: [(Fault, Option<u16>, bool); 5] = [
        (Fault::Pass, Some(201), true),
        (Fault::Answer(error(503, "ServiceUnavailable", "Try again.")), Some(503), false),
        (Fault::AnswerAfterChange(error(500, "InternalServerError", "Unknown.")), Some(500), true),
        (Fault::LostAnswer, None, true),
        (Fault::LostRequest, None, false),
    ];
    for (fault, status, is_changed) in cases {
        let azure = Azure::new();
        let controls = azure.directory.controls();
        controls.fail_write(fault);
        let answer = azure.try_arm("PUT", &path("shop"), &properties(ISSUER, SUBJECT));
        assert_eq!(answer.map(|(status, ..)| status), status);
        assert_eq!((controls.changes().len() == 1, controls.faults_left()), (is_changed, 0));
        // The next write is served.
        assert_eq!(azure.credential("PUT", "shop", &properties(ISSUER, SUBJECT)).0 == 200, is_changed);
    }
}

#[test]
fn reads_and_writes_have_their_own_faults() {
    let azure = Azure::new();
    let controls = azure.directory.controls();
    controls.fail_write(Fault::Pass);
    controls.fail_write(Fault::Answer(throttled(7)));
    controls.fail_read(Fault::LostRequest);
    assert!(azure.try_arm("GET", &path(""), &Value::Null).is_none());
    assert_eq!(azure.credential("GET", "", &Value::Null).0, 200);
    assert_eq!(azure.credential("PUT", "first", &properties(ISSUER, SUBJECT)).0, 201);
    let (status, head, _) = azure.try_arm("DELETE", &path("first"), &Value::Null).unwrap();
    assert!(status == 429 && head.contains("Retry-After: 7"), "{head}");
    assert_eq!(azure.credential("DELETE", "first", &Value::Null).0, 200);
    assert_eq!(controls.requests()[0].0, "GET");
}

#[test]
fn second_caller_writes_between_read_and_write() {
    let azure = Azure::new();
    assert_eq!(azure.credential("GET", "", &Value::Null).1["value"], serde_json::json!([]));
    let directory = azure.directory.clone();
    let second = move || directory.add_credential(CLIENT, Credential::new("second", ISSUER, SUBJECT));
    azure.directory.controls().before_next_write(second);
    let (status, body) = azure.credential("PUT", "first", &properties(ISSUER, SUBJECT));
    assert_eq!((status, code(&body)), (400, "BadRequest"), "{body}");
    assert_eq!(azure.directory.credentials(CLIENT).len(), 1);
    assert_eq!(azure.credential("PUT", "first", &properties(ISSUER, "other")).0, 201);
}

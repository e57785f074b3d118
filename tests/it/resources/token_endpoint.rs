//! The token endpoint does what its controls say.

use super::{CLIENT, TENANT, World};
use crate::support::{
    entra_controls::fault, internet::Internet, issued_tokens::object_id, key_vault, message::Message, python::sign_in,
};
use serde_json::{Value, json};

#[test]
fn token_endpoint_follows_its_controls() {
    let world = World::new();
    let controls = &world.azure.controls;
    let ask = |pods: usize| sign_in(&world.ca_file(), &vec![world.pod(CLIENT); pods]);
    controls.propagate_after(CLIENT, 2);
    let answers = ask(3);
    assert!(answers[..2].iter().all(|answer| answer.contains("AADSTS700211: ")), "{answers:?}");
    assert!(answers[2].starts_with("Bearer 60 "), "{answers:?}");
    assert_eq!((controls.requests(), controls.exchanges()), (3, 1));

    // A lifetime as a string, and a token that is old when it is issued.
    controls.lifetime(1800);
    controls.age(600);
    controls.refresh_in(Some(600));
    controls.expires_in_is_text(true);
    let answer = ask(1).remove(0);
    let (start, token) = answer.rsplit_once(' ').unwrap();
    assert_eq!(start, "Bearer 20");
    let issued = controls.tokens.find(token).unwrap();
    assert_eq!((issued.audience.as_str(), &issued.principal.client_id), (key_vault::AUDIENCE, &CLIENT.to_owned()));
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    assert_eq!((&claims["ver"], &claims["idtyp"], &claims["appid"]), (&json!("1.0"), &json!("app"), &json!(CLIENT)));
    assert_eq!((&claims["oid"], &claims["tid"]), (&json!(object_id(CLIENT)), &json!(TENANT)));
    let exp = claims["exp"].as_i64().unwrap();
    assert!((1199..=1200).contains(&(exp - controls.tokens.now())), "{claims}");

    controls.fail(fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."));
    assert!(ask(1)[0].contains("AADSTS7000215: "));
    // The SDK sends a request again after a status that is not a refusal.
    controls.fail(fault::gateway(502));
    controls.add_to_group(CLIENT, "ba0ea787-9e71-4e9e-834d-71aa7f32361b");
    let before = controls.requests();
    let answer = ask(1).remove(0);
    assert!(answer.starts_with("Bearer "), "{answer}");
    assert_eq!((controls.requests() - before, controls.faults_left()), (2, 0));
    let issued = controls.tokens.find(answer.rsplit(' ').next().unwrap()).unwrap();
    assert_eq!(issued.principal.groups, ["ba0ea787-9e71-4e9e-834d-71aa7f32361b"]);

    // Faults are sent in their order, and hide what is wrong with the request.
    controls.fail(fault::throttled(7));
    controls.fail(fault::transient());
    let address = world.azure.entra.url().trim_start_matches("https://");
    let internet = Internet::new(world.azure.authority(), &[("localhost", address)]);
    let post = || internet.post(&format!("https://localhost/{TENANT}/oauth2/v2.0/token"), &[("grant_type", "x")]);
    let answers = [post(), post(), post()];
    assert_eq!(answers.each_ref().map(Message::status), [429, 503, 400]);
    assert_eq!(answers[0].header("retry-after"), Some("7"));
    for (answer, code) in answers.iter().zip(["AADSTS90055: ", "AADSTS90033: ", "AADSTS900144: "]) {
        assert!(answer.text().contains(code), "{}", answer.text());
    }

    // A delayed request is answered when the test says so.
    controls.hold();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(1));
        controls.wait_for_held(1);
        let exchanges = controls.exchanges();
        controls.release();
        assert!(held.join().unwrap()[0].starts_with("Bearer "));
        controls.wait_for_exchanges(exchanges + 1);
    });
}

//! Keys in responses of Azure Key Vault and the Azure CLI (`az keyvault key show`).

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_URL_SAFE_NO_PAD,
};
use serde_json::{Map, Value};

/// The Azure CLI prints bytes in standard base64 with padding, the REST API in base64url without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The JWK in a response of Key Vault, and its `kid` in the vault; `None` for any other value.
///
/// The `kid` is the URL of the key in its vault. The JWK omits it, because tokens carry the key ID that the API server
/// computes. A published JWK may have such a `kid` and keeps it. Therefore a response is recognised only by features
/// that no other JWK has: the member `key` around the JWK, a type with the suffix `-HSM`, or `keyOps` in the spelling
/// of the Azure CLI. See <https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key>.
pub(super) fn jwk(value: &Value) -> Option<(Value, Option<String>)> {
    let wrapped = value.get("key").and_then(Value::as_object);
    let members = wrapped.or(value.as_object())?;
    let kty = members.get("kty")?.as_str()?;
    let hardware = kty.strip_suffix("-HSM");
    if wrapped.is_none() && hardware.is_none() && !members.contains_key("keyOps") {
        return None;
    }
    let mut jwk = Map::new();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let number = value.as_str().filter(|_| matches!(name.as_str(), "n" | "e" | "x" | "y"));
        let (name, value) = match (name.as_str(), number.and_then(decode)) {
            ("kid", _) => continue,
            ("kty", _) => ("kty", Value::from(hardware.unwrap_or(kty))),
            ("keyOps", _) => ("key_ops", value.clone()),
            (name, Some(bytes)) => (name, Value::from(BASE64_URL_SAFE_NO_PAD.encode(bytes))),
            (name, None) => (name, value.clone()),
        };
        jwk.insert(name.to_owned(), value);
    }
    Some((Value::Object(jwk), members.get("kid").and_then(Value::as_str).map(str::to_owned)))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('-', "+").replace('_', "/")).ok()
}

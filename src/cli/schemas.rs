//! The JSON Schema of each answer, generated from its type and checked in as `docs/schemas/*.json`.
//!
//! `UPDATE_SCHEMAS=1 cargo test --bin issuer schemas` writes the files. Read the changes before you commit them.

use std::{collections::BTreeSet, fs, path::PathBuf};

use clap::CommandFactory;
use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value, json};

use super::{
    Cli, answers::ErrorAnswer, completions, discovery, doctor, exchange, explain, federate, inspect, jwks, man,
    publish, serve, status, unpublish, verify,
};

/// The output of `issuer jwks`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes a document that the library serialises")]
enum JwksAnswer {
    /// Without --out: the JWKS.
    Document(Jwks),
    /// With --out: the key IDs and the file.
    Written(jwks::Written),
}

/// A JWKS, as the API server serves it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a document that the library serialises")]
struct Jwks {
    /// The keys, in the order of the input.
    keys: Vec<Jwk>,
}

/// A public key.
#[derive(JsonSchema)]
#[schemars(tag = "kty", deny_unknown_fields)]
#[expect(dead_code, reason = "describes a document that the library serialises")]
enum Jwk {
    /// An RSA key.
    #[schemars(rename = "RSA")]
    Rsa {
        #[schemars(rename = "use", extend("const" = "sig"))]
        purpose: String,
        /// The key ID.
        kid: String,
        #[schemars(extend("const" = "RS256"))]
        alg: String,
        /// The modulus, base64url.
        n: String,
        /// The public exponent, base64url.
        e: String,
    },
    /// A key on an elliptic curve.
    #[schemars(rename = "EC")]
    Ec {
        #[schemars(rename = "use", extend("const" = "sig"))]
        purpose: String,
        /// The key ID.
        kid: String,
        /// The curve.
        #[schemars(extend("enum" = ["P-256", "P-384", "P-521"]))]
        crv: String,
        /// The signature algorithm of the curve.
        #[schemars(extend("enum" = ["ES256", "ES384", "ES512"]))]
        alg: String,
        /// The x coordinate, base64url.
        x: String,
        /// The y coordinate, base64url.
        y: String,
    },
}

/// The output of `issuer discovery`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes a document that the library serialises")]
enum DiscoveryAnswer {
    /// Without --out: the discovery document.
    Document(Discovery),
    /// With --out: the issuer and the file.
    Written(discovery::Written),
}

/// A discovery document, with the members that the API server serves.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a document that the library serialises")]
struct Discovery {
    /// The issuer URL, byte for byte.
    issuer: String,
    /// The URL of the JWKS.
    jwks_uri: String,
    #[schemars(extend("const" = ["id_token"]))]
    response_types_supported: Vec<String>,
    #[schemars(extend("const" = ["public"]))]
    subject_types_supported: Vec<String>,
    /// The signature algorithms of the keys, sorted, each once.
    id_token_signing_alg_values_supported: Vec<String>,
}

/// The schemas: the name of the file, the title, and the generated schema.
fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("completions", schema::<completions::Answer>("completions", "issuer completions")),
        ("discovery", schema::<DiscoveryAnswer>("discovery", "issuer discovery")),
        ("doctor", schema::<doctor::Answer>("doctor", "issuer doctor")),
        ("error", schema::<ErrorAnswer>("error", "Error of any command")),
        ("exchange", schema::<exchange::Answer>("exchange", "issuer exchange")),
        ("explain", schema::<explain::Answer>("explain", "issuer explain")),
        ("federate", schema::<federate::Answer>("federate", "issuer federate")),
        ("federate-delete", schema::<federate::Deleted>("federate-delete", "issuer federate delete")),
        ("federate-list", schema::<federate::Listed>("federate-list", "issuer federate list")),
        ("inspect", schema::<inspect::Answer>("inspect", "issuer inspect")),
        ("jwks", schema::<JwksAnswer>("jwks", "issuer jwks")),
        ("man", schema::<man::Answer>("man", "issuer man")),
        ("publish", schema::<publish::Answer>("publish", "issuer publish")),
        ("serve", schema::<serve::Answer>("serve", "issuer serve")),
        ("status", schema::<status::Answer>("status", "issuer status")),
        ("unpublish", schema::<unpublish::Answer>("unpublish", "issuer unpublish")),
        ("verify", schema::<verify::Answer>("verify", "issuer verify")),
        ("verify-batch", schema::<verify::batch::LineAnswer>("verify-batch", "One line of issuer verify --batch")),
    ]
}

fn schema<T: JsonSchema>(name: &str, title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with_transform(RecursiveTransform(absent_not_null));
    let settings = settings.with_transform(RecursiveTransform(without_rust_integers));
    let generated = settings.into_generator().into_root_schema_for::<T>().to_value();
    let head = [
        ("$schema", generated["$schema"].clone()),
        ("$id", json!(format!("{name}.json"))),
        ("title", json!(title)),
        ("description", generated["description"].clone()),
    ];
    let mut schema: Map<_, _> = head.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in generated.as_object().into_iter().flatten() {
        schema.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(schema)
}

/// Removes the Rust integer type of a number.
fn without_rust_integers(schema: &mut Schema) {
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        ["format", "maximum"].into_iter().for_each(|member| drop(schema.remove(member)));
    }
    if schema.get("enum").is_some() {
        schema.remove("minimum");
    }
}

/// A member that may be absent is never null, because `None` is either omitted or printed as null.
fn absent_not_null(schema: &mut Schema) {
    let names = |value: Option<&Value>| -> BTreeSet<String> {
        let names = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let required = names(schema.get("required"));
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(*name)) {
        let types = names(property.get("type"));
        if let [name] = &types.iter().filter(|name| *name != "null").collect::<Vec<_>>()[..] {
            property["type"] = json!(name);
        }
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(Value::Array(mut choices)) = property.remove("anyOf") {
            choices.retain(|choice| *choice != json!({ "type": "null" }));
            match (choices.pop(), choices.is_empty()) {
                (Some(Value::Object(choice)), true) => property.extend(choice),
                (last, _) => {
                    choices.extend(last);
                    property.insert("anyOf".to_owned(), Value::Array(choices));
                }
            }
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas"))
}

#[test]
fn checked_in_schemas_match_the_answer_types() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for (name, schema) in schemas() {
        let (path, text) = (folder().join(format!("{name}.json")), format!("{schema:#}\n"));
        if update {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{name}.json differs; read the change after: UPDATE_SCHEMAS=1 cargo test --bin issuer schemas"
        );
    }
}

/// The members in a schema without a description (their own or that of their type) and without a fixed value.
fn undescribed(schema: &Value, definitions: &Value, found: &mut Vec<String>) {
    let is_described = |property: &Value| {
        let name = property["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
        let definition = name.map_or(&Value::Null, |name| &definitions[name]);
        ["description", "const"].iter().any(|member| property.get(member).or(definition.get(member)).is_some())
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if !is_described(property) {
            found.push(name.clone());
        }
    }
    let parts: Box<dyn Iterator<Item = &Value>> = match schema {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(values) => Box::new(values.iter()),
        _ => return,
    };
    parts.for_each(|part| undescribed(part, definitions, found));
}

#[test]
fn every_member_has_a_description() {
    for (name, schema) in schemas() {
        let mut found = Vec::new();
        undescribed(&schema, &schema["$defs"], &mut found);
        assert_eq!(found, [""; 0], "{name}.json");
    }
}

#[test]
fn every_command_has_a_schema() {
    let schemas: BTreeSet<_> = schemas().into_iter().map(|(name, _)| name.to_owned()).collect();
    let command = Cli::command();
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: BTreeSet<_> = commands.map(|command| command.get_name().to_owned()).collect();
    let others: Vec<_> = schemas.symmetric_difference(&commands).map(String::as_str).collect();
    // The output of `exec` is that of its program.
    assert_eq!(others, ["error", "exec", "federate-delete", "federate-list", "verify-batch"]);
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.filter_map(|file| file.strip_suffix(".json").map(str::to_owned)).collect();
    assert_eq!(files, schemas);
}

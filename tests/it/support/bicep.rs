//! A reader of the part of Bicep that `issuer federate` prints, written from the documentation: Microsoft Learn, "Bicep
//! file structure", "Data types in Bicep" and "Compile Bicep to ARM JSON".

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// The resources of a Bicep file as a template has them. A parameter becomes `{NAME}`.
pub(crate) fn compile(text: &str) -> Value {
    let mut reader = Reader { rest: text };
    let mut symbols: HashMap<String, String> = HashMap::new();
    let mut resources = Vec::new();
    while !reader.skip_space().is_empty() {
        match &*reader.word() {
            "extension" => drop(reader.string()),
            "@description" => {
                reader.expect("(");
                reader.string();
                reader.expect(")");
            }
            "param" => {
                reader.word();
                assert_eq!(reader.word(), "string");
            }
            "resource" => {
                let symbol = reader.word();
                let kind = reader.string();
                let is_existing = reader.skip_space().starts_with("existing");
                if is_existing {
                    reader.word();
                }
                reader.expect("=");
                let Value::Object(mut members) = reader.value() else { panic!("{symbol} is no object") };
                let name = members["name"].as_str().unwrap().to_owned();
                if is_existing {
                    symbols.insert(symbol, name);
                } else {
                    resources.push(resource(&kind, &name, &mut members, &symbols));
                }
            }
            other => panic!("{other:?} is unknown"),
        }
    }
    json!({ "resources": resources })
}

fn resource(kind: &str, name: &str, members: &mut Map<String, Value>, symbols: &HashMap<String, String>) -> Value {
    let (kind, version) = kind.split_once('@').unwrap();
    if kind.starts_with("Microsoft.Graph/") {
        // Resources of an extension have all their members below `properties`, and no apiVersion.
        return json!({ "type": format!("{kind}@{version}"), "properties": members });
    }
    let parent = &members["parent"]["symbol"];
    let parent = &symbols[parent.as_str().unwrap()];
    json!({
        "type": kind,
        "apiVersion": version,
        "name": format!("{parent}/{name}"),
        "properties": members["properties"],
    })
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) -> &str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn next(&mut self) -> char {
        let letter = self.rest.chars().next().expect("the file ends too early");
        self.rest = &self.rest[letter.len_utf8()..];
        letter
    }

    fn expect(&mut self, token: &str) {
        let rest = self.skip_space().to_owned();
        assert!(rest.starts_with(token), "{token:?} is missing before {rest:?}");
        self.rest = &self.rest[token.len()..];
    }

    fn word(&mut self) -> String {
        let text = self.skip_space();
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '@').unwrap_or(text.len());
        let word = text[..end].to_owned();
        self.rest = &self.rest[end..];
        word
    }

    fn value(&mut self) -> Value {
        match self.skip_space().chars().next() {
            Some('\'') => self.string().into(),
            Some('[') => {
                self.expect("[");
                let mut items = Vec::new();
                while !self.skip_space().starts_with(']') {
                    items.push(self.value());
                }
                self.expect("]");
                items.into()
            }
            Some('{') => {
                self.expect("{");
                let mut members = Map::new();
                while !self.skip_space().starts_with('}') {
                    let name = self.word();
                    self.expect(":");
                    assert!(members.insert(name, self.value()).is_none());
                }
                self.expect("}");
                members.into()
            }
            _ => json!({ "symbol": self.word() }),
        }
    }

    fn string(&mut self) -> String {
        self.expect("'");
        let mut text = String::new();
        loop {
            match self.next() {
                '\'' => return text,
                '\n' => panic!("a line ends inside a string: {text:?}"),
                '\\' => match self.next() {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'u' => {
                        self.expect("{");
                        let (digits, _) = self.rest.split_once('}').unwrap();
                        text.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
                        self.rest = &self.rest[digits.len() + 1..];
                    }
                    letter @ ('\\' | '\'' | '$') => text.push(letter),
                    other => panic!("\\{other} is no escape"),
                },
                '$' if self.rest.starts_with('{') => {
                    let (name, _) = self.rest[1..].split_once('}').unwrap();
                    text.extend(["{", name, "}"]);
                    self.rest = &self.rest[name.len() + 2..];
                }
                letter => text.push(letter),
            }
        }
    }
}

//! Strings and lists of strings, borrowed from the JSON unless a string contains an escape.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

/// An unexpected string in an error message. Serde's default would quote the whole string.
pub(super) const STRING: de::Unexpected<'static> = de::Unexpected::Other("string");

/// A borrowed string. Serde copies the string of a `Cow` inside an `Option` or a list.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

/// An optional member that is a string. Null is rejected, because libraries differ in how they treat null.
pub(super) fn optional<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    match Option::<Text<'a>>::deserialize(deserializer)? {
        Some(text) => Ok(Some(text.0)),
        None => Err(de::Error::invalid_type(de::Unexpected::Unit, &"a string")),
    }
}

/// An optional member that is a list of strings.
pub(super) fn list<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Cow<'a, str>>>, D::Error> {
    deserializer.deserialize_any(List { or_one: false }).map(Some)
}

/// One string or a list of strings (RFC 7519 section 4.1.3).
pub(super) fn one_or_list<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Cow<'a, str>>>, D::Error> {
    deserializer.deserialize_any(List { or_one: true }).map(Some)
}

struct List {
    or_one: bool,
}

impl List {
    fn one<E: de::Error>(self, one: Cow<'_, str>) -> Result<Vec<Cow<'_, str>>, E> {
        if self.or_one { Ok(vec![one]) } else { Err(E::invalid_type(STRING, &self)) }
    }
}

impl<'de> de::Visitor<'de> for List {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.or_one { "a string or a list of strings" } else { "a list of strings" })
    }

    fn visit_borrowed_str<E: de::Error>(self, one: &'de str) -> Result<Self::Value, E> {
        self.one(Cow::Borrowed(one))
    }

    fn visit_str<E: de::Error>(self, one: &str) -> Result<Self::Value, E> {
        self.one(Cow::Owned(one.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        // Most tokens have one audience.
        let mut all = Vec::with_capacity(1);
        while let Some(Text(one)) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }
}

//! Strings and lists of them, borrowed from the JSON they stand in wherever it has no escape in them.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

/// A string where none should be, in an error: serde would quote all of it.
pub(super) const STRING: de::Unexpected<'static> = de::Unexpected::Other("string");

/// One string. Serde makes a copy of a `Cow` inside of an option or a list; this borrows.
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

/// A string, where the member is present. Null is not absence: readers disagree about it, so it is rejected.
pub(super) fn optional<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    match Option::<Text<'a>>::deserialize(deserializer)? {
        Some(text) => Ok(Some(text.0)),
        None => Err(de::Error::invalid_type(de::Unexpected::Unit, &"a string")),
    }
}

/// A list of strings, where the member is present.
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
        // Most tokens have one audience: room for more is made when they come.
        let mut all = Vec::with_capacity(1);
        while let Some(Text(one)) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }
}

//! The entries of a JSON document, handed on one by one: `{"k":"v", …}`, `{"key":"k","value":"v"}`, or an array of those.

use std::fmt;

use hit_core::{Error, ErrorCode, Result};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::load::text::{check_json, without_place};

/// Takes what a document holds.
pub(crate) trait Entries {
    /// An entry, or what is wrong with its value.
    fn entry(&mut self, key: &str, value: Result<&[u8]>) -> Result<(), Stop>;
    /// Something that is no entry.
    fn bad(&mut self, error: Error) -> Result<(), Stop>;
}

/// Nothing more is to be read; who says so knows why.
#[derive(Debug)]
pub(crate) struct Stop;

/// Reads one document.
pub(crate) struct Document<'e, E> {
    pub(crate) json_values: bool,
    pub(crate) entries: &'e mut E,
}

impl<E: Entries> Document<'_, E> {
    /// False: the source has ended.
    pub(crate) fn read<'de, R: serde_json::de::Read<'de>>(
        mut self,
        parser: &mut serde_json::Deserializer<R>,
    ) -> serde_json::Result<bool> {
        match parser.end() {
            Ok(()) => Ok(false),
            // There is something behind the white space, and it is still there.
            Err(error) if error.is_syntax() => parser.deserialize_any(&mut self).map(|()| true),
            Err(error) => Err(error),
        }
    }
}

const EXPECTED: &str = r#"{"key":…,"value":…}, an array of those, or an object of keys and values"#;

impl<'de, E: Entries> Visitor<'de> for &mut Document<'_, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_object(map, self.json_values, self.entries)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let json_values = self.json_values;
        while seq.next_element_seed(Element { json_values, entries: &mut *self.entries })?.is_some() {}
        Ok(())
    }
}

/// One element of an array.
struct Element<'e, E> {
    json_values: bool,
    entries: &'e mut E,
}

impl<'de, E: Entries> DeserializeSeed<'de> for Element<'_, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, E: Entries> Visitor<'de> for Element<'_, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_object(map, self.json_values, self.entries)
    }
}

/// An object with exactly `key` and `value` is one entry; every other one holds an entry for each member.
fn read_object<'de, A: MapAccess<'de>, E: Entries>(
    mut map: A,
    json_values: bool,
    entries: &mut E,
) -> Result<(), A::Error> {
    let mut key: Option<Content> = None;
    let mut value: Option<Content> = None;
    let mut is_entry = true;
    while let Some(name) = map.next_key::<String>()? {
        let content = map.next_value_seed(ContentSeed { json_values })?;
        if is_entry {
            match name.as_str() {
                "key" if key.is_none() => {
                    key = Some(content);
                    continue;
                }
                "value" if value.is_none() => {
                    value = Some(content);
                    continue;
                }
                _ => is_entry = false,
            }
            // It is a map after all: what was held back are entries too.
            for (name, held) in [("key", key.take()), ("value", value.take())] {
                if let Some(held) = held {
                    hand_on(entries, name, &held, json_values)?;
                }
            }
        }
        hand_on(entries, &name, &content, json_values)?;
    }
    match (key, value) {
        (Some(key), Some(value)) => match key.as_key() {
            Ok(key) => hand_on(entries, &key, &value, json_values),
            Err(error) => entries.bad(error).map_err(stop),
        },
        (Some(held), None) => hand_on(entries, "key", &held, json_values),
        (None, Some(held)) => hand_on(entries, "value", &held, json_values),
        (None, None) => Ok(()),
    }
}

fn hand_on<E: de::Error>(
    entries: &mut impl Entries,
    key: &str,
    content: &Content,
    json_values: bool,
) -> Result<(), E> {
    let value = content.as_value(json_values).map_err(|error| error.with_key(key.as_bytes()));
    entries.entry(key, value).map_err(stop)
}

fn stop<E: de::Error>(_: Stop) -> E {
    E::custom("ended")
}

/// What stands behind a name.
enum Content {
    Text(String),
    /// JSON as it is written.
    Json(Box<RawValue>),
    /// Something else that is not wanted: "a number".
    Other(&'static str),
}

impl Content {
    fn as_key(&self) -> Result<String> {
        let wrong = || Error::new(ErrorCode::KeyInvalid, "the key is not a string");
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Json(raw) => serde_json::from_str(raw.get()).map_err(|_| wrong()),
            Self::Other(_) => Err(wrong()),
        }
    }

    fn as_value(&self, json_values: bool) -> Result<&[u8]> {
        match self {
            Self::Text(text) => {
                if json_values {
                    check_json(text.as_bytes())?;
                }
                Ok(text.as_bytes())
            }
            Self::Json(raw) => Ok(raw.get().trim_ascii().as_bytes()),
            Self::Other(what) => Err(Error::new(
                ErrorCode::ValueInvalid,
                format!(
                    "the value is {what}, not a string: write it as a string, or load with valueEncoding 'json'"
                ),
            )),
        }
    }
}

struct ContentSeed {
    json_values: bool,
}

impl<'de> DeserializeSeed<'de> for ContentSeed {
    type Value = Content;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        if !self.json_values {
            return deserializer.deserialize_any(ContentVisitor);
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if !raw.get().trim_ascii_start().starts_with('"') {
            return Ok(Content::Json(raw));
        }
        let text = serde_json::from_str(raw.get());
        text.map(Content::Text).map_err(|error| de::Error::custom(without_place(&error)))
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Content, E> {
        Ok(Content::Other("true or false"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Content, E> {
        Ok(Content::Other("a number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Content, E> {
        Ok(Content::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Content, E> {
        Ok(Content::Other("a number"))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Content::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Content::Other("an object"))
    }
}

//! One JSON object a line.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::io::Read;

use hit_core::{Error, ErrorCode, Result};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::load::lines::{Line, Lines};
use crate::load::sink::{Sink, at, check_entry};
use crate::load::text::{MAX_LINE_BYTES, cannot_read, check_json, from_base64, without_place};

/// Reads all lines of a source.
///
/// # Errors
/// For the first bad line, where those are not skipped; `HIT_IO`.
pub(crate) fn read(source: impl Read, name: &str, json_values: bool, sink: &mut Sink) -> Result<()> {
    let mut lines = Lines::new(source, MAX_LINE_BYTES);
    loop {
        while let Some(line) = lines.buffered() {
            let taken = take(&line, json_values, sink);
            locate(taken, name, lines.number(), sink)?;
            sink.hand_over_if_full(lines.bytes())?;
        }
        // Whatever a slow source has given so far is written while it is waited for.
        sink.hand_over(lines.bytes())?;
        if !lines.fill().map_err(|error| cannot_read(name, error))? {
            break;
        }
    }
    let taken = lines.last().map_or(Ok(()), |line| take(&line, json_values, sink));
    locate(taken, name, lines.number(), sink)
}

fn locate(taken: Result<()>, name: &str, number: u64, sink: &mut Sink) -> Result<()> {
    taken.or_else(|error| sink.bad(at(&format!("{name} line {number}"), &error)))
}

fn take(line: &Line<'_>, json_values: bool, sink: &mut Sink) -> Result<()> {
    let text = match line {
        Line::Text(text) => *text,
        Line::TooLong => {
            let message = format!("the line has more than {MAX_LINE_BYTES} bytes: no entry needs so many");
            return Err(Error::new(ErrorCode::ValueTooLarge, message));
        }
    };
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    let members = parse(text, json_values)?;
    let key = members.key()?;
    let value = members.value(json_values).map_err(|error| error.with_key(&key))?;
    check_entry(&key, &value, members.expires_at)?;
    sink.entry(&key, &value, members.expires_at);
    Ok(())
}

fn parse(text: &[u8], json_values: bool) -> Result<Members<'_>> {
    // Once for the line, which is cheaper than for each string in it.
    let text = std::str::from_utf8(text).map_err(|error| {
        let column = error.valid_up_to() + 1;
        Error::new(ErrorCode::Argument, format!("the line is not UTF-8 (column {column}): convert the file"))
    })?;
    let reading = Cell::new("");
    let mut parser = serde_json::Deserializer::from_str(text);
    let object = Object { json_values, reading: &reading };
    let members = object.deserialize(&mut parser).and_then(|members| parser.end().map(|()| members));
    members.map_err(|error| {
        let (code, what) = match (error.classify(), reading.get()) {
            (serde_json::error::Category::Data, "") => (ErrorCode::Argument, String::new()),
            (serde_json::error::Category::Data, member) => (code_of(member), format!("{member}: ")),
            _ => (ErrorCode::Argument, "this is not a JSON object on one line: ".into()),
        };
        Error::new(code, format!("{what}{} (column {})", without_place(&error), error.column()))
    })
}

/// What a failure in a member means.
fn code_of(member: &str) -> ErrorCode {
    match member {
        "key" | "key64" => ErrorCode::KeyInvalid,
        "value" | "value64" => ErrorCode::ValueInvalid,
        _ => ErrorCode::Argument,
    }
}

/// The members of a line that are there.
#[derive(Default)]
struct Members<'a> {
    key: Option<Cow<'a, str>>,
    key64: Option<Cow<'a, str>>,
    value: Option<Cow<'a, str>>,
    value64: Option<Cow<'a, str>>,
    expires_at: Option<u64>,
    /// The value was JSON of its own, not a string that has to be looked at.
    is_json: bool,
}

impl Members<'_> {
    fn key(&self) -> Result<Cow<'_, [u8]>> {
        match (&self.key, &self.key64) {
            (Some(key), None) => Ok(Cow::Borrowed(key.as_bytes())),
            (None, Some(key)) => from_base64(key.as_bytes(), "key64", ErrorCode::KeyInvalid).map(Cow::Owned),
            (None, None) => Err(Error::new(ErrorCode::KeyInvalid, "there is no key: give key or key64")),
            (Some(_), Some(_)) => {
                Err(Error::new(ErrorCode::KeyInvalid, "there are key and key64: give one of them"))
            }
        }
    }

    fn value(&self, json_values: bool) -> Result<Cow<'_, [u8]>> {
        let invalid = |what| Error::new(ErrorCode::ValueInvalid, what);
        let value = match (&self.value, &self.value64) {
            (Some(value), None) => Cow::Borrowed(value.as_bytes()),
            (None, Some(value)) => {
                Cow::Owned(from_base64(value.as_bytes(), "value64", ErrorCode::ValueInvalid)?)
            }
            (None, None) => return Err(invalid("there is no value: give value or value64")),
            (Some(_), Some(_)) => return Err(invalid("there are value and value64: give one of them")),
        };
        if json_values && !self.is_json {
            check_json(&value)?;
        }
        Ok(value)
    }
}

/// Reads the object of one line.
struct Object<'c> {
    json_values: bool,
    /// The member that is being read, if any.
    reading: &'c Cell<&'static str>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with key or key64 and value or value64")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        let mut has_expiry = false;
        while let Some(Text(name)) = map.next_key()? {
            let member = MEMBERS.into_iter().find(|&member| member == name).ok_or_else(|| unknown(&name))?;
            self.reading.set(member);
            match member {
                "key" => once(&mut members.key, map.next_value()?)?,
                "key64" => once(&mut members.key64, map.next_value()?)?,
                "value" if self.json_values => {
                    let (text, is_json) = json(map.next_value()?)?;
                    members.is_json = is_json;
                    once(&mut members.value, text)?;
                }
                "value" => once(&mut members.value, map.next_value_seed(ValueText)?)?,
                "value64" => once(&mut members.value64, map.next_value()?)?,
                _ if std::mem::replace(&mut has_expiry, true) => return Err(twice()),
                _ => members.expires_at = map.next_value()?,
            }
            self.reading.set("");
        }
        Ok(members)
    }
}

const MEMBERS: [&str; 5] = ["key", "value", "expiresAt", "key64", "value64"];

fn once<'de, E: de::Error>(place: &mut Option<Cow<'de, str>>, text: Text<'de>) -> Result<(), E> {
    if place.replace(text.0).is_some() { Err(twice()) } else { Ok(()) }
}

fn twice<E: de::Error>() -> E {
    E::custom("it is there twice: give it once")
}

/// A misspelt `expiresat` that were passed over would lose the expiry without a word.
fn unknown<E: de::Error>(name: &str) -> E {
    let name: String = name.chars().take(40).collect();
    E::custom(format_args!(
        "'{name}' is no member of an entry: those are key or key64, value or value64, and expiresAt"
    ))
}

/// The text of any JSON value: a string's content, or the value as it is written. True: the latter.
fn json<'de, E: de::Error>(raw: &'de RawValue) -> Result<(Text<'de>, bool), E> {
    let text = raw.get().trim_ascii();
    if text.starts_with('"') {
        return serde_json::from_str(text)
            .map(|text| (text, false))
            .map_err(|error| E::custom(without_place(&error)));
    }
    Ok((Text(Cow::Borrowed(text)), true))
}

/// A string, borrowed where it holds no escape.
struct Text<'a>(Cow<'a, str>);

impl<'de> de::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor { expecting: "a string" })
    }
}

/// A value that has to be a string.
struct ValueText;

impl<'de> DeserializeSeed<'de> for ValueText {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text<'de>, D::Error> {
        deserializer.deserialize_str(TextVisitor {
            expecting: "a string (write the value as a string, or load with valueEncoding 'json')",
        })
    }
}

struct TextVisitor {
    expecting: &'static str,
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expecting)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

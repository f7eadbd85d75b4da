//! A header and one record an entry, quoted as RFC 4180 says.

use std::io::{self, Read};

use csv_core::ReadRecordResult;
use hit_core::{Error, ErrorCode, Result};

use crate::load::sink::{Sink, at, check_entry};
use crate::load::text::{MAX_LINE_BYTES, cannot_read, check_json, from_base64};

const CHUNK_BYTES: usize = 256 << 10;
/// The most fields of a record that are kept.
const MAX_FIELDS: usize = 64;

/// Reads all records of a source.
///
/// # Errors
/// Where the header is not one; for the first bad record, where those are not skipped; `HIT_IO`.
pub(crate) fn read(source: impl Read, name: &str, json_values: bool, sink: &mut Sink) -> Result<()> {
    let mut records = Records::new(source, MAX_LINE_BYTES);
    let header = records.next(name, sink)?.then(|| Columns::parse(&records));
    let no_header = || Error::new(ErrorCode::Argument, "it is empty: the first line has to name the columns");
    let columns = header
        .unwrap_or_else(|| Err(no_header()))
        .map_err(|error| at(&format!("{name} line {}", records.line.max(1)), &error))?;
    while records.next(name, sink)? {
        if let Err(error) = take(&records, &columns, json_values, sink) {
            sink.bad(at(&format!("{name} line {}", records.line), &error))?;
        }
        sink.hand_over_if_full(records.bytes)?;
    }
    Ok(())
}

fn take<R>(records: &Records<R>, columns: &Columns, json_values: bool, sink: &mut Sink) -> Result<()> {
    records.check()?;
    let fields = records.fields;
    if fields != columns.count {
        let message = format!("the record has {fields} fields, the header has {}", columns.count);
        return Err(Error::new(ErrorCode::Argument, message));
    }
    let mut binary = Vec::new();
    let key =
        text_or_bytes(records, (columns.key, columns.key64), "key", ErrorCode::KeyInvalid, &mut binary)?;
    take_rest(records, columns, json_values, key, sink).map_err(|error| match error.keys() {
        [] => error.with_key(key),
        _ => error,
    })
}

/// Takes everything but the key, which is known.
fn take_rest<R>(
    records: &Records<R>,
    columns: &Columns,
    json_values: bool,
    key: &[u8],
    sink: &mut Sink,
) -> Result<()> {
    let mut binary = Vec::new();
    let fields = (columns.value, columns.value64);
    let value = text_or_bytes(records, fields, "value", ErrorCode::ValueInvalid, &mut binary)?;
    if json_values {
        check_json(value)?;
    }
    let expires_at = expiry(records.field(columns.expires_at))?;
    check_entry(key, value, expires_at)?;
    sink.entry(key, value, expires_at);
    Ok(())
}

/// What a column holds as text, or its neighbour as base64.
fn text_or_bytes<'a, R>(
    records: &'a Records<R>,
    (text, base64): (Option<usize>, Option<usize>),
    name: &str,
    code: ErrorCode,
    binary: &'a mut Vec<u8>,
) -> Result<&'a [u8]> {
    match (records.field(text), records.field(base64)) {
        (text, b"") => utf8(text, name, code),
        (b"", base64) => {
            *binary = from_base64(base64, &format!("{name}64"), code)?;
            Ok(binary)
        }
        _ => Err(Error::new(code, format!("there are {name} and {name}64: give one of them"))),
    }
}

fn utf8<'a>(text: &'a [u8], column: &str, code: ErrorCode) -> Result<&'a [u8]> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(text),
        Err(_) => {
            let message =
                format!("the {column} is not UTF-8: convert the file, or give it in base64 as {column}64");
            Err(Error::new(code, message))
        }
    }
}

fn expiry(text: &[u8]) -> Result<Option<u64>> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).map(Some).ok_or_else(|| {
        let message = "expiresAt is no whole number of Unix milliseconds: write digits, or nothing for never";
        Error::new(ErrorCode::Argument, message)
    })
}

/// Which field holds what.
#[derive(Default)]
struct Columns {
    key: Option<usize>,
    key64: Option<usize>,
    value: Option<usize>,
    value64: Option<usize>,
    expires_at: Option<usize>,
    count: usize,
}

impl Columns {
    fn parse<R>(records: &Records<R>) -> Result<Self> {
        let wrong = |what: String| {
            let remedy = "the first line has to be a header such as key,value or key,value,expiresAt";
            Error::new(ErrorCode::Argument, format!("{what}: {remedy}, with key64 and value64 for base64"))
        };
        records.check()?;
        let mut columns = Self { count: records.fields, ..Self::default() };
        for number in 0..records.fields {
            let name = records.field(Some(number));
            let column = match name {
                b"key" => &mut columns.key,
                b"key64" => &mut columns.key64,
                b"value" => &mut columns.value,
                b"value64" => &mut columns.value64,
                b"expiresAt" => &mut columns.expires_at,
                other => {
                    let shown: String = String::from_utf8_lossy(other).chars().take(40).collect();
                    return Err(wrong(format!("'{shown}' is no column of an entry")));
                }
            };
            if column.replace(number).is_some() {
                return Err(wrong(format!("the column {} is there twice", String::from_utf8_lossy(name))));
            }
        }
        if columns.key.or(columns.key64).is_none() {
            return Err(wrong("there is no column for the key".into()));
        }
        if columns.value.or(columns.value64).is_none() {
            return Err(wrong("there is no column for the value".into()));
        }
        Ok(columns)
    }
}

/// Records of a source, one at a time.
struct Records<R> {
    source: R,
    parser: csv_core::Reader,
    max_bytes: usize,
    input: Vec<u8>,
    /// What is left of the input.
    start: usize,
    end: usize,
    has_ended: bool,
    /// Bytes read.
    bytes: u64,
    /// Line feeds passed.
    lines: u64,
    /// The fields of this record, one behind the other, and where each ends.
    output: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    /// The line on which this record begins.
    line: u64,
    quotes: u64,
    is_too_long: bool,
}

impl<R> Records<R> {
    /// A field of this record; empty where there is no such column.
    fn field(&self, number: Option<usize>) -> &[u8] {
        let Some(number) = number.filter(|&number| number < self.fields) else { return &[] };
        let start =
            number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(number).and_then(|&end| self.output.get(start..end)).unwrap_or_default()
    }

    /// Whether this record is whole and was kept.
    fn check(&self) -> Result<()> {
        if self.is_too_long {
            let message = format!(
                "the record has more than {} bytes or {MAX_FIELDS} fields: no entry needs so many; a quote may be missing",
                self.max_bytes
            );
            return Err(Error::new(ErrorCode::ValueTooLarge, message));
        }
        // The parser takes an open quote up to the end of the file for a field: a file that was cut would pass.
        if self.quotes % 2 == 1 {
            let message = "a quote is not closed: put a field with quotes in quotes and double those in it";
            return Err(Error::new(ErrorCode::Argument, message));
        }
        Ok(())
    }
}

impl<R: Read> Records<R> {
    fn new(source: R, max_bytes: usize) -> Self {
        Self {
            source,
            parser: csv_core::Reader::new(),
            max_bytes,
            input: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            has_ended: false,
            bytes: 0,
            lines: 0,
            output: vec![0; max_bytes.min(4 << 10)],
            ends: vec![0; MAX_FIELDS],
            fields: 0,
            line: 0,
            quotes: 0,
            is_too_long: false,
        }
    }

    /// Moves to the next record. False: there is none.
    fn next(&mut self, name: &str, sink: &mut Sink) -> Result<bool> {
        self.skip_blank_lines(name, sink)?;
        (self.fields, self.quotes, self.is_too_long) = (0, 0, false);
        self.line = self.lines + 1;
        let mut filled = 0;
        loop {
            if self.start == self.end && !self.has_ended {
                self.fill(name, sink)?;
            }
            let input = self.input.get(self.start..self.end).unwrap_or_default();
            let output = self.output.get_mut(filled..).unwrap_or_default();
            let ends = self.ends.get_mut(self.fields..).unwrap_or_default();
            let (result, read, written, ended) = self.parser.read_record(input, output, ends);
            let passed = input.get(..read).unwrap_or_default();
            self.lines += memchr::memchr_iter(b'\n', passed).count() as u64;
            self.quotes += memchr::memchr_iter(b'"', passed).count() as u64;
            self.start += read;
            filled += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.output.len() < self.max_bytes => {
                    self.output.resize((self.output.len() * 2).min(self.max_bytes), 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.is_too_long = true;
                    (filled, self.fields) = (0, 0);
                }
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// So that a record's line is where it begins.
    fn skip_blank_lines(&mut self, name: &str, sink: &mut Sink) -> Result<()> {
        loop {
            let rest = self.input.get(self.start..self.end).unwrap_or_default();
            let blank = rest.iter().take_while(|&&byte| matches!(byte, b'\n' | b'\r'));
            let (count, feeds) =
                blank.fold((0, 0), |(count, feeds), &byte| (count + 1, feeds + u64::from(byte == b'\n')));
            let is_all = count == rest.len();
            self.start += count;
            self.lines += feeds;
            if !is_all || self.has_ended {
                return Ok(());
            }
            self.fill(name, sink)?;
        }
    }

    fn fill(&mut self, name: &str, sink: &mut Sink) -> Result<()> {
        // Whatever a slow source has given so far is written while it is waited for.
        sink.hand_over(self.bytes)?;
        let read = loop {
            match self.source.read(&mut self.input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| cannot_read(name, error))?,
            }
        };
        (self.start, self.end) = (0, read);
        self.bytes += read as u64;
        self.has_ended = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::load::drip::Drip;

    fn records(text: &[u8], at_once: usize, max_bytes: usize) -> Vec<(u64, Vec<String>)> {
        let (target, _taken) = mpsc::sync_channel(1);
        let mut sink = Sink::new(target, false);
        let mut records = Records::new(Drip(text, at_once), max_bytes);
        let mut found = Vec::new();
        while records.next("text", &mut sink).unwrap() {
            let fields = (0..records.fields)
                .map(|number| String::from_utf8(records.field(Some(number)).to_vec()).unwrap());
            let fields = match records.check() {
                Ok(()) => fields.collect(),
                Err(error) => vec![error.code().name().into()],
            };
            found.push((records.line, fields));
        }
        found
    }

    #[test]
    fn records_and_their_lines_are_the_same_however_the_source_is_cut() {
        let text = b"\r\na,1\r\n\r\n\n\"b\r\n,\"\"\",\r\n\"\",c\nlast,one";
        let expected = [
            (2, vec!["a".to_owned(), "1".into()]),
            (5, vec!["b\r\n,\"".into(), String::new()]),
            (7, vec![String::new(), "c".into()]),
            (8, vec!["last".into(), "one".into()]),
        ];
        for at_once in 1..=text.len() {
            assert_eq!(records(text, at_once, 64), expected, "{at_once} at once");
        }
    }

    #[test]
    fn a_record_past_the_bounds_is_left_out_and_the_next_one_is_not() {
        let wide = ",".repeat(MAX_FIELDS);
        for text in [format!("a,1\n{}\nb,2\n", "x".repeat(200)), format!("a,1\n{wide}\nb,2\n")] {
            for at_once in 1..=20 {
                let found = records(text.as_bytes(), at_once, 64);
                let too_long = vec!["HIT_VALUE_TOO_LARGE".to_owned()];
                let [first, second] =
                    [["a", "1"], ["b", "2"]].map(|fields| fields.map(str::to_owned).to_vec());
                assert_eq!(found, [(1, first), (2, too_long), (3, second)]);
            }
        }
    }
}

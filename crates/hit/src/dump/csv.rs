//! A header and one record an entry, quoted as RFC 4180 says.

use std::ops::ControlFlow;

use hit_core::Result;

use crate::dump::PAGE_ENTRIES;
use crate::dump::text::{write_base64, write_number};
use crate::read::Entry;
use crate::scan::Scan;

/// The columns beside `key` and `value` that a dump needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) expires_at: bool,
    pub(crate) key64: bool,
    pub(crate) value64: bool,
}

impl Columns {
    /// Looks at everything once: the header comes first, and one that always had all columns would be in everybody's way.
    ///
    /// # Errors
    /// As all reads, and where `go_on` ends it.
    pub(crate) fn needed(scan: &mut Scan, mut go_on: impl FnMut() -> Result<()>) -> Result<Self> {
        let mut columns = Self::default();
        loop {
            let mut visited = 0;
            scan.visit(|key, entry| {
                if visited == PAGE_ENTRIES {
                    return ControlFlow::Break(());
                }
                visited += 1;
                columns.expires_at |= entry.expires_at.is_some();
                columns.key64 = columns.key64 || !is_text(key);
                columns.value64 = columns.value64 || !is_text(entry.value);
                ControlFlow::Continue(())
            })?;
            if visited == 0 || columns == (Self { expires_at: true, key64: true, value64: true }) {
                return Ok(columns);
            }
            go_on()?;
        }
    }
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

pub(crate) fn write_header(out: &mut Vec<u8>, columns: &Columns) {
    out.extend_from_slice(b"key,value");
    for (is_there, name) in
        [(columns.expires_at, ",expiresAt"), (columns.key64, ",key64"), (columns.value64, ",value64")]
    {
        if is_there {
            out.extend_from_slice(name.as_bytes());
        }
    }
    out.push(b'\n');
}

pub(crate) fn write(out: &mut Vec<u8>, columns: &Columns, key: &[u8], entry: Entry<'_>) {
    let (key_is_binary, value_is_binary) =
        (columns.key64 && !is_text(key), columns.value64 && !is_text(entry.value));
    if !key_is_binary {
        write_field(out, key);
    }
    out.push(b',');
    if !value_is_binary {
        write_field(out, entry.value);
    }
    if columns.expires_at {
        out.push(b',');
        if let Some(expires_at) = entry.expires_at {
            write_number(out, expires_at);
        }
    }
    for (is_there, is_binary, bytes) in
        [(columns.key64, key_is_binary, key), (columns.value64, value_is_binary, entry.value)]
    {
        if is_there {
            out.push(b',');
            if is_binary {
                write_base64(out, bytes);
            }
        }
    }
    out.push(b'\n');
}

/// Adds a field, in quotes where it needs them.
fn write_field(out: &mut Vec<u8>, text: &[u8]) {
    if !text.iter().any(|&byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for (number, part) in text.split(|&byte| byte == b'"').enumerate() {
        if number > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(columns: Columns, key: &[u8], value: &[u8], expires_at: Option<u64>) -> String {
        let mut out = Vec::new();
        write(&mut out, &columns, key, Entry { value, expires_at });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_quoted_where_they_need_it() {
        let columns = Columns::default();
        assert_eq!(record(columns, b"a b", b"", None), "a b,\n");
        assert_eq!(record(columns, b"a,b", b"say \"hi\"\n", None), "\"a,b\",\"say \"\"hi\"\"\n\"\n");
    }

    #[test]
    fn bytes_that_are_no_text_stand_in_columns_of_their_own() {
        let columns = Columns { expires_at: true, key64: true, value64: true };
        assert_eq!(record(columns, b"k", b"\xff", Some(9)), "k,,9,,/w==\n");
        assert_eq!(record(columns, b"\xff", b"v", None), ",v,,/w==,\n");
    }
}

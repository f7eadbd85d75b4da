//! Reads what JavaScript has put into the slab. `src/native/operation.ts` describes it; this is the other side of it.

use hit::{BatchOperation, Check, Result, take_encoded};

use crate::raw::overrun;

/// From this first byte on an operation is none of a log's.
const OWN: u8 = 0x10;
/// Eight bytes are behind the lengths.
const FLAG: u8 = 4;
/// There is a value.
const VALUE: u8 = 8;

/// What an operation asks for.
pub(crate) enum Request<'a> {
    Write(BatchOperation<'a>),
    Check(Check<'a>),
    Increment { key: &'a [u8], by: i64 },
    Expire { key: &'a [u8], expires_at: Option<u64> },
}

/// Whether a slab begins with an operation that is none of a log's.
pub(crate) fn begins_with_own(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|&kind| kind >= OWN)
}

/// Reads all operations of a slab.
pub(crate) fn requests(mut bytes: &[u8]) -> Result<Vec<Request<'_>>> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        requests.push(request(&mut bytes).ok_or_else(overrun)?);
    }
    Ok(requests)
}

fn request<'a>(bytes: &mut &'a [u8]) -> Option<Request<'a>> {
    if !begins_with_own(bytes) {
        return take_encoded(bytes).map(|operation| Request::Write(BatchOperation::Plain(operation)));
    }
    let (&kind, rest) = bytes.split_first()?;
    *bytes = rest;
    let key_bytes = take_length(bytes)?;
    let value_bytes = if kind & VALUE == 0 { 0 } else { take_length(bytes)? };
    let mut number = None;
    if kind & FLAG != 0 {
        let (field, rest) = bytes.split_first_chunk()?;
        (number, *bytes) = (Some(u64::from_le_bytes(*field)), rest);
    }
    let (key, rest) = bytes.split_at_checked(key_bytes)?;
    let (value, rest) = rest.split_at_checked(value_bytes)?;
    *bytes = rest;
    Some(match kind {
        0x10 | 0x14 => Request::Expire { key, expires_at: number },
        0x15 => Request::Increment { key, by: number?.cast_signed() },
        0x12 => Request::Check(Check::Exists { key }),
        0x13 => Request::Check(Check::Absent { key }),
        0x18 => Request::Check(Check::Equals { key, value }),
        0x19 => Request::Write(BatchOperation::SetKeepingExpiry { key, value }),
        _ => return None,
    })
}

/// Seven bits a byte, the low ones first; the top bit says that more follow.
fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(length);
        }
    }
    None
}

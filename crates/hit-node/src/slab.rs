//! Reads the slab that JavaScript fills. `src/native/slab.ts` describes its layout; this is the other side of it.

use hit::{BatchOperation, Check, KeyRange, Operation, Result};

use crate::raw::overrun;

const KIND: u32 = 0x0f;
const EXPIRY: u32 = 0x10;
const KEEP_EXPIRY: u32 = 0x20;
const END: u32 = 0x40;
const KEY_LENGTH_SHIFT: u32 = 8;

/// One operation of a slab.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    kind: u32,
    flags: u32,
    key: &'a [u8],
    value: &'a [u8],
    /// An expiry, or what a counter grows by.
    number: Option<u64>,
}

/// The operations of a slab, in order.
#[derive(Clone)]
pub(crate) struct Items<'a> {
    words: &'a [u32],
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Items<'a> {
    /// Checks that the words and bytes are a slab: every length within the bytes, and none left over.
    pub(crate) fn new(words: &'a [u32], bytes: &'a [u8]) -> Result<Self> {
        let mut items = Self { words, bytes, left: 0 };
        let mut left = 0;
        while items.read().is_some() {
            left += 1;
        }
        if !items.words.is_empty() || !items.bytes.is_empty() {
            return Err(overrun());
        }
        Ok(Self { words, bytes, left })
    }

    fn read(&mut self) -> Option<Item<'a>> {
        let (&[head, value_length], mut words) = self.words.split_first_chunk()?;
        let mut number = None;
        if head & EXPIRY != 0 || head & KIND == 7 {
            let (&[low, high], rest) = words.split_first_chunk()?;
            (number, words) = (Some(u64::from(high) << 32 | u64::from(low)), rest);
        }
        let (key, bytes) = self.bytes.split_at_checked((head >> KEY_LENGTH_SHIFT) as usize)?;
        let (value, bytes) = bytes.split_at_checked(value_length as usize)?;
        (self.words, self.bytes) = (words, bytes);
        Some(Item { kind: head & KIND, flags: head, key, value, number })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let item = self.read()?;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Items<'_> {}

/// What an item asks for.
pub(crate) enum Request<'a> {
    Write(BatchOperation<'a>),
    Check(Check<'a>),
    Increment { key: &'a [u8], by: i64 },
    Expire { key: &'a [u8], expires_at: Option<u64> },
}

impl<'a> Item<'a> {
    pub(crate) fn operation(self) -> Option<Operation<'a>> {
        let Self { kind, flags, key, value, number } = self;
        Some(match kind {
            1 => Operation::Set { key, value, expires_at: number },
            2 => Operation::Delete { key },
            3 => Operation::DeleteRange {
                range: KeyRange { start: key, end: (flags & END != 0).then_some(value) },
            },
            _ => return None,
        })
    }

    pub(crate) fn request(self) -> Option<Request<'a>> {
        let Self { kind, flags, key, value, number } = self;
        Some(match kind {
            1 if flags & KEEP_EXPIRY != 0 => Request::Write(BatchOperation::SetKeepingExpiry { key, value }),
            4 => Request::Check(Check::Equals { key, value }),
            5 => Request::Check(Check::Exists { key }),
            6 => Request::Check(Check::Absent { key }),
            7 => Request::Increment { key, by: number.unwrap_or(0).cast_signed() },
            8 => Request::Expire { key, expires_at: number },
            _ => Request::Write(BatchOperation::Plain(self.operation()?)),
        })
    }
}

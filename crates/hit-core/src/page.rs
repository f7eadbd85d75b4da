//! What leaves a storage, joined in one buffer: no allocation for each entry.

/// Values that were read, in the order of their keys.
#[derive(Debug, Default)]
pub struct Values {
    bytes: Vec<u8>,
    /// The end of each in `bytes`, and its expiry; `None` where the key is not there.
    values: Vec<Option<(usize, Option<u64>)>>,
}

/// A value and its expiry.
pub type StoredValue<'a> = (&'a [u8], Option<u64>);

impl Values {
    /// Adds what is under the next key.
    pub fn push(&mut self, value: Option<StoredValue<'_>>) {
        self.values.push(value.map(|(value, expires_at)| {
            self.bytes.extend_from_slice(value);
            (self.bytes.len(), expires_at)
        }));
    }

    /// What was read, key by key.
    pub fn iter(&self) -> impl Iterator<Item = Option<StoredValue<'_>>> {
        let mut start = 0;
        self.values.iter().map(move |value| {
            let (end, expires_at) = (*value)?;
            let bytes = self.bytes.get(start..end)?;
            start = end;
            Some((bytes, expires_at))
        })
    }

    /// Bytes that it can hold without growing.
    #[must_use]
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Empties it for the next read.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.values.clear();
    }
}

/// Entries of a scan.
#[derive(Debug)]
pub struct Page {
    bytes: Vec<u8>,
    entries: Vec<PageEntry>,
    /// Whether values are wanted; else they are left empty.
    pub wants_values: bool,
}

#[derive(Clone, Copy, Debug)]
struct PageEntry {
    key: usize,
    value: usize,
    end: usize,
    expires_at: Option<u64>,
}

impl Page {
    /// The most entries of a page.
    const ENTRIES: usize = 256;
    /// No entry is added behind so many bytes.
    const BYTES: usize = 256 << 10;

    /// An empty page.
    #[must_use]
    pub fn new(wants_values: bool) -> Self {
        Self { bytes: Vec::new(), entries: Vec::new(), wants_values }
    }

    /// Adds an entry.
    pub fn push(&mut self, key: &[u8], value: &[u8], expires_at: Option<u64>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        if self.wants_values {
            self.bytes.extend_from_slice(value);
        }
        self.entries.push(PageEntry { key: start, value: middle, end: self.bytes.len(), expires_at });
    }

    /// Whether there is no room for another entry.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries.len() >= Self::ENTRIES || self.bytes.len() >= Self::BYTES
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at a position: its key, its value and its expiry.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<(&[u8], StoredValue<'_>)> {
        let entry = self.entries.get(position)?;
        let key = self.bytes.get(entry.key..entry.value)?;
        let value = self.bytes.get(entry.value..entry.end)?;
        Some((key, (value, entry.expires_at)))
    }

    /// Empties it for the next entries.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_as_they_went_in() {
        let mut values = Values::default();
        let given: [Option<StoredValue<'_>>; 4] =
            [Some((b"a", None)), None, Some((b"", Some(7))), Some((b"bc", None))];
        given.iter().for_each(|&value| values.push(value));
        assert_eq!(values.iter().collect::<Vec<_>>(), given);
        values.clear();
        assert_eq!(values.iter().count(), 0);
    }

    #[test]
    fn a_page_is_full_by_entries_and_by_bytes() {
        let mut page = Page::new(true);
        page.push(b"k", &vec![0; Page::BYTES], Some(1));
        assert!(page.is_full());
        assert_eq!(
            page.get(0).map(|(key, (value, at))| (key, value.len(), at)),
            Some((&b"k"[..], Page::BYTES, Some(1)))
        );
        let mut keys = Page::new(false);
        while !keys.is_full() {
            keys.push(b"k", b"value", None);
        }
        assert_eq!(keys.len(), Page::ENTRIES);
        assert_eq!(keys.get(3), Some((&b"k"[..], (&b""[..], None))));
    }
}

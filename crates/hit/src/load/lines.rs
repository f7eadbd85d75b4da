use std::io::{self, Read};

/// Lines of a source, found in a buffer that grows up to a bound.
pub(crate) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// What is left of the buffer begins here,
    start: usize,
    /// has been searched to here,
    searched: usize,
    /// and ends here.
    end: usize,
    max_bytes: usize,
    is_too_long: bool,
    number: u64,
    bytes: u64,
}

/// One line, without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Text(&'a [u8]),
    /// It was longer than the bound and is not kept.
    TooLong,
}

/// How much is read at once at first.
const CHUNK_BYTES: usize = 256 << 10;

impl<R: Read> Lines<R> {
    pub(crate) fn new(source: R, max_bytes: usize) -> Self {
        let buffer = vec![0; CHUNK_BYTES.min(max_bytes)];
        Self {
            source,
            buffer,
            start: 0,
            searched: 0,
            end: 0,
            max_bytes,
            is_too_long: false,
            number: 0,
            bytes: 0,
        }
    }

    /// The number of the line handed out last; the first is 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is in the buffer whole.
    pub(crate) fn buffered(&mut self) -> Option<Line<'_>> {
        let rest = self.buffer.get(self.searched..self.end)?;
        let Some(length) = memchr::memchr(b'\n', rest) else {
            self.searched = self.end;
            return None;
        };
        let (start, end) = (self.start, self.searched + length);
        self.start = end + 1;
        self.searched = self.start;
        Some(self.line(start, end))
    }

    /// What stands behind the last line feed, when the source has ended.
    pub(crate) fn last(&mut self) -> Option<Line<'_>> {
        let (start, end) = (self.start, self.end);
        self.start = end;
        (start < end || self.is_too_long).then(|| self.line(start, end))
    }

    /// Reads once. False: the source has ended.
    ///
    /// # Errors
    /// What the source says.
    pub(crate) fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.searched -= self.start;
        self.start = 0;
        if self.is_too_long {
            (self.end, self.searched) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.grow();
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.source.read(room) {
                Ok(read) => {
                    self.end += read;
                    self.bytes += read as u64;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn line(&mut self, start: usize, end: usize) -> Line<'_> {
        self.number += 1;
        if std::mem::take(&mut self.is_too_long) {
            return Line::TooLong;
        }
        Line::Text(self.buffer.get(start..end).unwrap_or_default())
    }

    fn grow(&mut self) {
        if self.buffer.len() < self.max_bytes {
            self.buffer.resize((self.buffer.len() * 2).min(self.max_bytes), 0);
        } else {
            self.is_too_long = true;
            (self.end, self.searched) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::drip::Drip;

    fn lines(text: &[u8], at_once: usize, max_bytes: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(Drip(text, at_once), max_bytes);
        let mut found = Vec::new();
        let owned = |line: Line<'_>| match line {
            Line::Text(text) => Some(text.to_vec()),
            Line::TooLong => None,
        };
        loop {
            while let Some(line) = lines.buffered() {
                found.push(owned(line));
            }
            if !lines.fill().unwrap() {
                found.extend(lines.last().map(owned));
                assert_eq!(lines.number(), found.len() as u64);
                assert_eq!(lines.bytes(), text.len() as u64);
                return found;
            }
        }
    }

    #[test]
    fn lines_are_the_same_however_the_source_is_cut() {
        let text = b"one\n\nthree\r\nfour";
        for at_once in 1..=text.len() {
            let found = lines(text, at_once, 64);
            let expected: [&[u8]; 4] = [b"one", b"", b"three\r", b"four"];
            assert_eq!(found, expected.map(|line| Some(line.to_vec())));
        }
        assert!(lines(b"", 1, 64).is_empty());
        assert_eq!(lines(b"\n", 1, 64), [Some(Vec::new())]);
    }

    #[test]
    fn a_line_past_the_bound_is_left_out_and_the_next_one_is_not() {
        for at_once in 1..40 {
            let found = lines(b"a\n12345678901234567890\nb\n12345678901234567890", at_once, 8);
            assert_eq!(found, [Some(b"a".to_vec()), None, Some(b"b".to_vec()), None]);
        }
    }
}

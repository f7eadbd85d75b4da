use std::collections::{HashMap, VecDeque};

use hit_table::StoredValue;

/// Where a value of 256 bytes or more lies that may be in memory.
pub(super) struct Place {
    pub(super) key: Box<[u8]>,
    pub(super) sequence: u64,
    pub(super) at: StoredValue,
}

impl Place {
    /// The memory it takes.
    pub(super) fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.key.len()) as u64
    }
}

/// The places of values in memory, oldest first. Some are of values that have been overwritten since; all count, so there
/// are never too many of them.
#[derive(Default)]
pub(super) struct Waiting {
    places: VecDeque<Place>,
    bytes: u64,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The memory they take.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn push(&mut self, place: Place) {
        self.bytes += place.bytes();
        self.places.push_back(place);
    }

    pub(super) fn pop(&mut self) -> Option<Place> {
        let place = self.places.pop_front()?;
        self.bytes -= place.bytes();
        if self.places.is_empty() {
            self.places = VecDeque::new();
        }
        Some(place)
    }

    /// Files were replaced: what was in them has another place, by sequence number, or is dead.
    pub(super) fn correct(&mut self, replaced: &[u64], moved: &HashMap<u64, StoredValue>) {
        self.places.retain_mut(|place| {
            if !replaced.contains(&place.at.file) {
                return true;
            }
            let there = moved.get(&place.sequence);
            if let Some(&at) = there {
                place.at = at;
            }
            there.is_some()
        });
        self.bytes = self.places.iter().map(Place::bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(sequence: u64, file: u64) -> Place {
        Place { key: [b'k'; 10].into(), sequence, at: StoredValue { file, offset: sequence, length: 300 } }
    }

    #[test]
    fn what_was_in_a_replaced_file_moves_or_goes() {
        let mut waiting = Waiting::default();
        for (sequence, file) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
            waiting.push(place(sequence, file));
        }
        let one = waiting.bytes() / 4;
        let moved = [(1, place(1, 9).at), (4, place(4, 9).at)].into();
        waiting.correct(&[1, 7], &moved);
        assert_eq!(waiting.bytes(), 3 * one);
        let mut left = Vec::new();
        while let Some(place) = waiting.pop() {
            left.push((place.sequence, place.at.file));
        }
        assert_eq!(left, [(1, 9), (3, 2), (4, 9)]);
        assert!(waiting.is_empty() && waiting.bytes() == 0);
    }
}

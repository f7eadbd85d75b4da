//! Which files to compact next.

use std::ops::Range;

use hit_log::{FileId, FileKind, LogFile};
use hit_table::Span;

/// A file with less than this part to gain is not worth rewriting for itself.
const WORTHWHILE_PART: u64 = 8;
/// A file below this part of a segment is small: it is joined with its neighbours when there are many.
const SMALL_PART: u64 = 8;
/// So many files are never too many.
const FEW_FILES: usize = 32;

/// A closed file and what of it is needed. Bytes are the table's, close to those on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) file: LogFile,
    /// Sets that reads see.
    pub(crate) live: u64,
    /// Deletes and range deletes.
    tombstones: u64,
    /// Sets that something has superseded.
    dead: u64,
    /// A compaction has found damage in it, or near it: it stays as it is.
    is_damaged: bool,
}

/// What is known about all closed files, in replay order.
pub(crate) fn candidates(files: &[LogFile], spans: &[Span], damaged: &[FileId]) -> Vec<Candidate> {
    let mut spans = spans.iter().peekable();
    files
        .iter()
        .map(|&file| {
            let is_damaged = damaged.contains(&file.id);
            let mut candidate = Candidate { file, live: 0, tombstones: 0, dead: 0, is_damaged };
            while let Some(span) = spans.next_if(|span| span.first_sequence < file.next_sequence) {
                let dead = span.total_bytes.saturating_sub(span.live_bytes + span.tombstone_bytes);
                candidate.live += span.live_bytes;
                candidate.tombstones += span.tombstone_bytes;
                candidate.dead += dead;
            }
            candidate
        })
        .collect()
}

impl Candidate {
    /// About how long it becomes. Tombstones go where nothing older hides behind them: where all files before it were judged
    /// up to `judged_before`.
    fn kept(&self, judged_before: u64) -> u64 {
        let tombstones = if self.file.next_sequence <= judged_before { 0 } else { self.tombstones };
        self.live + tombstones
    }

    /// What rewriting it gives back: what is dead and, in a segment, the headers of many small frames.
    fn gain(&self, judged_before: u64) -> u64 {
        match self.file.id.kind {
            FileKind::Segment => self.file.bytes.saturating_sub(self.kept(judged_before)),
            FileKind::Run => self.dead + self.live + self.tombstones - self.kept(judged_before),
        }
    }

    fn is_small(&self, segment_bytes: u64) -> bool {
        !self.is_damaged && self.file.bytes * SMALL_PART <= segment_bytes
    }

    fn is_worthwhile(&self, judged_before: u64) -> bool {
        !self.is_damaged && self.gain(judged_before) * WORTHWHILE_PART >= self.file.bytes
    }
}

/// For each file up to which sequence number all before it were judged.
fn judged_before(files: &[Candidate]) -> Vec<u64> {
    let mut least = u64::MAX;
    files
        .iter()
        .map(|candidate| {
            let before = least;
            least = least.min(candidate.file.judged_to);
            before
        })
        .collect()
}

/// The stretch that gives back most for what reading and writing it takes; where none is worth it, one that must be judged
/// before tombstones behind it can go; `None` where neither helps.
pub(crate) fn best(files: &[Candidate], segment_bytes: u64) -> Option<Range<usize>> {
    let judged = judged_before(files);
    let worthwhile = files
        .iter()
        .zip(&judged)
        .enumerate()
        .filter(|(_, (candidate, judged))| candidate.is_worthwhile(**judged));
    // Gain by effort, compared as fractions.
    let best = worthwhile.max_by(|(_, (one, one_judged)), (_, (other, other_judged))| {
        let effort =
            |candidate: &Candidate, judged| u128::from(candidate.file.bytes + candidate.kept(judged));
        let left = u128::from(one.gain(**one_judged)) * effort(other, **other_judged);
        let right = u128::from(other.gain(**other_judged)) * effort(one, **one_judged);
        left.cmp(&right)
    });
    if let Some((position, _)) = best {
        let with = |position: usize| {
            files.get(position).zip(judged.get(position)).is_some_and(|(candidate, &judged)| {
                candidate.is_worthwhile(judged) || candidate.is_small(segment_bytes)
            })
        };
        return Some(extended(files, &judged, position, segment_bytes, with));
    }
    frontier(files, &judged, segment_bytes)
}

/// The oldest files that were not judged up to the newest tombstones behind them.
fn frontier(files: &[Candidate], judged: &[u64], segment_bytes: u64) -> Option<Range<usize>> {
    let waits = |(candidate, judged): &(&Candidate, &u64)| {
        candidate.tombstones > 0 && candidate.file.next_sequence > **judged
    };
    let waiting = files.iter().zip(judged).filter(waits).map(|(candidate, _)| candidate.file.next_sequence);
    let needed = waiting.max()?;
    let position = files.iter().position(|candidate| candidate.file.judged_to < needed)?;
    // What cannot be judged keeps tombstones behind it.
    files.get(position).filter(|candidate| !candidate.is_damaged)?;
    let with =
        |position: usize| files.get(position).is_some_and(|candidate| candidate.file.judged_to < needed);
    let from = position;
    let mut stretch = from..from + 1;
    grow(files, judged, &mut stretch, segment_bytes, with);
    Some(stretch)
}

/// Small neighbours, where there are too many files.
pub(crate) fn small(files: &[Candidate], segment_bytes: u64) -> Option<Range<usize>> {
    let total: u64 = files.iter().map(|candidate| candidate.file.bytes).sum();
    if files.len() <= FEW_FILES + (total / segment_bytes) as usize * 4 {
        return None;
    }
    let judged = judged_before(files);
    let is_small =
        |position: usize| files.get(position).is_some_and(|candidate| candidate.is_small(segment_bytes));
    let mut best: Option<Range<usize>> = None;
    let mut position = 0;
    while position < files.len() {
        let mut stretch = position..position + 1;
        if is_small(position) {
            grow(files, &judged, &mut stretch, segment_bytes, is_small);
        }
        position = stretch.end;
        if stretch.len() > best.as_ref().map_or(1, Range::len) {
            best = Some(stretch);
        }
    }
    best
}

/// The next stretch at or behind `position` that a compaction of everything rewrites.
pub(crate) fn next_of_all(files: &[Candidate], position: usize, segment_bytes: u64) -> Option<Range<usize>> {
    let judged = judged_before(files);
    let last_tombstone = |from: usize| {
        files.iter().skip(from).filter(|it| it.tombstones > 0).map(|it| it.file.next_sequence).max()
    };
    let is_due = |position: usize| {
        files.get(position).is_some_and(|candidate| {
            let is_small_segment =
                candidate.file.id.kind == FileKind::Segment && candidate.file.bytes * 2 < segment_bytes;
            candidate.dead > 0
                || judged.get(position).is_some_and(|&judged| candidate.is_worthwhile(judged))
                || is_small_segment
                || last_tombstone(position).is_some_and(|needed| candidate.file.judged_to < needed)
        })
    };
    let start = (position..files.len()).find(|&position| is_due(position))?;
    let mut stretch = start..start + 1;
    grow(files, &judged, &mut stretch, segment_bytes, is_due);
    Some(stretch)
}

/// A stretch around `position` that stays within a segment's length.
fn extended(
    files: &[Candidate],
    judged: &[u64],
    position: usize,
    segment_bytes: u64,
    with: impl Fn(usize) -> bool,
) -> Range<usize> {
    let mut stretch = position..position + 1;
    grow(files, judged, &mut stretch, segment_bytes, &with);
    let kept = |range: Range<usize>| -> u64 {
        let files = files.get(range.clone()).unwrap_or_default().iter();
        files.zip(judged.iter().skip(range.start)).map(|(candidate, &judged)| candidate.kept(judged)).sum()
    };
    while stretch.start > 0
        && with(stretch.start - 1)
        && kept(stretch.start - 1..stretch.end) <= segment_bytes
    {
        stretch.start -= 1;
    }
    stretch
}

/// Takes the files behind a stretch into it as long as `with` allows it and the result stays within a segment's length.
fn grow(
    files: &[Candidate],
    judged: &[u64],
    stretch: &mut Range<usize>,
    segment_bytes: u64,
    with: impl Fn(usize) -> bool,
) {
    let kept = |position: usize| {
        let candidate = files.get(position).zip(judged.get(position));
        candidate.map_or(u64::MAX, |(candidate, &judged)| candidate.kept(judged))
    };
    let mut bytes = kept(stretch.start);
    while stretch.end < files.len()
        && with(stretch.end)
        && bytes.saturating_add(kept(stretch.end)) <= segment_bytes
    {
        bytes += kept(stretch.end);
        stretch.end += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 1_000;

    /// Files of (bytes, live, tombstones, judged to), ten sequence numbers each.
    fn files(figures: &[(u64, u64, u64, u64)]) -> Vec<Candidate> {
        (0..)
            .zip(figures)
            .map(|(number, &(bytes, live, tombstones, judged_to))| Candidate {
                file: LogFile {
                    id: FileId::from_u64((number + 1) << 1 | u64::from(judged_to > 0)),
                    bytes,
                    first_sequence: number * 10 + 1,
                    next_sequence: number * 10 + 11,
                    operations: 10,
                    judged_to,
                },
                live,
                tombstones,
                dead: bytes - live - tombstones,
                is_damaged: false,
            })
            .collect()
    }

    #[test]
    fn the_emptiest_file_comes_first_with_neighbours_that_are_worth_it_or_small() {
        let files =
            files(&[(1_000, 1_000, 0, 0), (1_000, 450, 0, 0), (1_000, 100, 0, 0), (1_000, 500, 0, 0)]);
        assert_eq!(best(&files, SEGMENT), Some(2..4));
        assert_eq!(best(&files[..2], SEGMENT), Some(1..2));
        assert_eq!(best(&files[..1], SEGMENT), None);
    }

    #[test]
    fn tombstones_count_when_everything_before_them_was_judged() {
        let only_tombstones = files(&[(1_000, 1_000, 0, 0), (1_000, 1_000, 0, 0), (1_000, 0, 1_000, 0)]);
        // Nothing is gained yet: the oldest files are looked at first.
        assert_eq!(best(&only_tombstones, SEGMENT), Some(0..1));
        let judged = files(&[(1_000, 1_000, 0, 40), (1_000, 1_000, 0, 40), (1_000, 0, 1_000, 0)]);
        assert_eq!(best(&judged, SEGMENT), Some(2..3));
        let half = files(&[(1_000, 1_000, 0, 40), (1_000, 1_000, 0, 20), (1_000, 0, 1_000, 0)]);
        assert_eq!(best(&half, SEGMENT), Some(1..2));
        let first = files(&[(1_000, 0, 1_000, 0)]);
        assert_eq!(best(&first, SEGMENT), Some(0..1));
    }

    #[test]
    fn a_damaged_file_is_passed_over_and_does_not_keep_others() {
        let mut files = files(&[(1_000, 100, 0, 0), (1_000, 200, 0, 0), (1_000, 900, 100, 0)]);
        assert_eq!(best(&files, SEGMENT), Some(0..2));
        files[0].is_damaged = true;
        assert_eq!(best(&files, SEGMENT), Some(1..2));
        files[1].is_damaged = true;
        assert_eq!(best(&files, SEGMENT), None);
    }

    #[test]
    fn many_small_files_are_joined() {
        let many = files(&vec![(100, 100, 0, 0); 60]);
        assert_eq!(best(&many, SEGMENT), None);
        assert_eq!(small(&many, SEGMENT).map(|stretch| stretch.len()), Some(10));
        assert_eq!(small(&many[..30], SEGMENT), None);
    }

    #[test]
    fn compacting_all_passes_over_what_has_nothing_to_give() {
        let mixed = files(&[
            (1_000, 1_000, 0, 90),
            (1_000, 900, 0, 90),
            (900, 900, 0, 0),
            (50, 50, 0, 0),
            (60, 50, 10, 0),
        ]);
        // A tombstone at the end, and everything before it judged or not: the unjudged ones must be.
        assert_eq!(next_of_all(&mixed, 0, SEGMENT), Some(1..2));
        assert_eq!(next_of_all(&mixed, 2, SEGMENT), Some(2..4));
        assert_eq!(next_of_all(&mixed[..3], 2, SEGMENT), None);
        assert_eq!(next_of_all(&mixed, 5, SEGMENT), None);
    }

    #[test]
    fn spans_count_in_the_file_that_has_their_sequence_numbers() {
        let spans = [(1, 500, 100, 0), (5, 500, 200, 50), (11, 900, 900, 0), (21, 700, 7, 0)].map(
            |(first_sequence, total_bytes, live_bytes, tombstone_bytes)| Span {
                first_sequence,
                total_bytes,
                live_bytes,
                tombstone_bytes,
            },
        );
        let logs: Vec<_> = files(&[(1_000, 0, 0, 0), (1_000, 0, 0, 0)]).iter().map(|it| it.file).collect();
        let counted = candidates(&logs, &spans, &[]);
        assert_eq!((counted[0].live, counted[0].tombstones, counted[0].dead), (300, 50, 650));
        assert_eq!((counted[1].live, counted[1].tombstones, counted[1].dead), (900, 0, 0));
    }
}

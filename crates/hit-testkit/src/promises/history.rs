use std::ops::RangeInclusive;
use std::sync::Arc;

use hit::{Clock, KeyRange, Store};

use super::{Content, Write};

/// What a store held after each group of writes, and what it may therefore hold after an accident.
pub struct History {
    /// After so many groups.
    moments: Vec<Moment>,
    /// How many of the groups before each one were kept.
    kept: Vec<usize>,
}

struct Moment {
    next_sequence: u64,
    content: Content,
}

impl History {
    /// Follows groups; of those that were refused nothing may ever be seen.
    pub(super) fn of<'a>(groups: impl Iterator<Item = (&'a [Write], bool)>) -> Self {
        let mut content = Content::new();
        let mut next_sequence = 1;
        let mut moments = vec![Moment { next_sequence, content: content.clone() }];
        let mut kept = vec![0];
        for (writes, refused) in groups {
            if !refused {
                writes.iter().for_each(|write| write.apply(&mut content));
                next_sequence += writes.len() as u64;
                moments.push(Moment { next_sequence, content: content.clone() });
            }
            kept.push(moments.len() - 1);
        }
        Self { moments, kept }
    }

    /// What may follow where a store that held the first `groups` of these was given one group more.
    #[must_use]
    pub fn followed(&self, groups: usize, writes: &[Write]) -> Self {
        let Some(Moment { next_sequence, content }) = self.moments.get(groups) else {
            return Self { moments: Vec::new(), kept: Vec::new() };
        };
        let mut followed = content.clone();
        writes.iter().for_each(|write| write.apply(&mut followed));
        let before = Moment { next_sequence: *next_sequence, content: content.clone() };
        let after = Moment { next_sequence: next_sequence + writes.len() as u64, content: followed };
        Self { moments: vec![before, after], kept: vec![0, 1] }
    }

    /// How many groups there are that were not refused.
    #[must_use]
    pub fn len(&self) -> usize {
        self.moments.len() - 1
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of the first `groups` that were given, how many were not refused.
    #[must_use]
    pub fn kept_of(&self, groups: usize) -> usize {
        self.kept.get(groups).copied().unwrap_or(self.len())
    }

    /// Which of the groups a store holds.
    ///
    /// # Errors
    /// Says what is wrong where the store does not hold exactly what a number of groups in `allowed` make.
    pub fn find(
        &self,
        store: &Store,
        clock: &dyn Clock,
        allowed: RangeInclusive<usize>,
    ) -> Result<usize, String> {
        let next = store.stats().next_sequence;
        let found = self
            .moments
            .binary_search_by_key(&next, |moment| moment.next_sequence)
            .map_err(|near| format!("group {near} is there in part: the next operation is {next}"))?;
        if !allowed.contains(&found) {
            return Err(format!("{found} groups are there, expected {allowed:?}"));
        }
        let expected = self.moments.get(found).map(|moment| &moment.content);
        let expected = visible(expected.into_iter().flatten(), clock.now_ms());
        let content = content(store).map_err(|error| format!("the store cannot be read: {error}"))?;
        match difference(&expected, &content) {
            Some(difference) => Err(format!("{found} groups are there, but {difference}")),
            None => Ok(found),
        }
    }
}

fn visible<'a>(
    content: impl Iterator<Item = (&'a Arc<[u8]>, &'a (Arc<[u8]>, Option<u64>))>,
    now_ms: u64,
) -> Content {
    content
        .filter(|(_, (_, expires_at))| expires_at.is_none_or(|at| now_ms < at))
        .map(|(key, entry)| (Arc::clone(key), entry.clone()))
        .collect()
}

/// Everything that a store shows.
fn content(store: &Store) -> hit::Result<Content> {
    let mut content = Content::new();
    let mut scan = store.scan(KeyRange::ALL, false)?;
    loop {
        let page = scan.page(64)?;
        if page.is_empty() {
            return Ok(content);
        }
        let mut keys = page.iter();
        store.get_many_with(page.iter().map(|(key, _)| &**key), |entry| {
            if let (Some((key, value)), Some(entry)) = (keys.next(), entry)
                && entry.value == &**value
            {
                content.insert((&**key).into(), ((&**value).into(), entry.expires_at));
            }
        })?;
    }
}

fn difference(expected: &Content, found: &Content) -> Option<String> {
    let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    let short = |(value, expires_at): &(Arc<[u8]>, Option<u64>)| {
        let head = value.get(..12).unwrap_or(value);
        format!("{} … of {} bytes, expiry {expires_at:?}", text(head), value.len())
    };
    let missing = expected.iter().find_map(|(key, entry)| match found.get(key) {
        None => Some(format!("{} is missing", text(key))),
        Some(other) if other != entry => {
            Some(format!("{} is {}, expected {}", text(key), short(other), short(entry)))
        }
        Some(_) => None,
    });
    let more = found.keys().find(|key| !expected.contains_key(*key));
    missing.or_else(|| more.map(|key| format!("{} is there, which was taken away", text(key))))
}

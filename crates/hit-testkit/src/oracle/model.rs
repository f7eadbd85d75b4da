use std::collections::BTreeMap;

use hit::{ErrorCode, KeyRange};

use super::step::{Guard, Member, Write};

/// A value and its expiry.
pub type Entry = (Vec<u8>, Option<u64>);

/// What a store should hold. Expired entries stay in the map and are not seen.
#[derive(Clone, Debug, Default)]
pub struct Model {
    entries: BTreeMap<Vec<u8>, Entry>,
}

fn is_visible((_, expires_at): &Entry, now_ms: u64) -> bool {
    expires_at.is_none_or(|expires_at| now_ms < expires_at)
}

impl Model {
    pub fn get(&self, key: &[u8], now_ms: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| is_visible(entry, now_ms))
    }

    /// Every key that was ever set and not deleted.
    pub fn keys(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.entries.keys()
    }

    pub fn visible(&self, now_ms: u64) -> Vec<(Vec<u8>, Entry)> {
        let visible = self.entries.iter().filter(|(_, entry)| is_visible(entry, now_ms));
        visible.map(|(key, entry)| (key.clone(), entry.clone())).collect()
    }

    pub fn apply(&mut self, write: &Write, now_ms: u64) {
        match write {
            Write::Set { key, value, ttl_ms } => {
                let expires_at = ttl_ms.map(|ttl_ms| now_ms + ttl_ms);
                self.entries.insert(key.clone(), (value.clone(), expires_at));
            }
            Write::Delete { key } => {
                self.entries.remove(key);
            }
            Write::Clear { start, end } => {
                let range = KeyRange { start, end: end.as_deref() };
                self.entries.retain(|key, _| !range.contains(key));
            }
        }
    }

    /// A member that keeps an expiry keeps the one from before the batch.
    pub fn apply_batch(&mut self, members: &[Member], now_ms: u64) {
        let before = self.clone();
        for member in members {
            match member {
                Member::Plain(write) => self.apply(write, now_ms),
                Member::Keeping { key, value } => {
                    let expires_at = before.get(key, now_ms).and_then(|(_, expires_at)| *expires_at);
                    self.entries.insert(key.clone(), (value.clone(), expires_at));
                }
            }
        }
    }

    pub fn meets(&self, guard: &Guard, now_ms: u64) -> bool {
        match guard {
            Guard::Equals { key, value } => self.get(key, now_ms).is_some_and(|(found, _)| found == value),
            Guard::Exists { key } => self.get(key, now_ms).is_some(),
            Guard::Absent { key } => self.get(key, now_ms).is_none(),
        }
    }

    pub fn increment(&mut self, key: &[u8], by: i64, now_ms: u64) -> Result<i64, ErrorCode> {
        let (sum, expires_at) = match self.get(key, now_ms) {
            None => (by, None),
            Some((value, expires_at)) => {
                let number = str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
                let sum = number.and_then(|number| number.checked_add(by)).ok_or(ErrorCode::ValueInvalid)?;
                (sum, *expires_at)
            }
        };
        self.entries.insert(key.to_vec(), (sum.to_string().into_bytes(), expires_at));
        Ok(sum)
    }

    pub fn expire(&mut self, key: &[u8], expires_at: Option<u64>, now_ms: u64) -> bool {
        match self.entries.get_mut(key).filter(|entry| is_visible(entry, now_ms)) {
            Some(entry) => {
                entry.1 = expires_at;
                true
            }
            None => false,
        }
    }
}

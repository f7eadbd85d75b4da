//! The files of the entries, by level.

use std::collections::BTreeMap;
use std::ops::Bound;

use hit_core::Result;
use rocksdb::LiveFile;

use crate::database::Database;
use crate::error::cannot;
use crate::folder::ENTRIES;

/// The files below level 0; of a level, no two overlap.
pub(crate) struct Tables {
    /// By level and smallest key.
    levels: BTreeMap<i32, BTreeMap<Vec<u8>, LiveFile>>,
}

impl Tables {
    pub(crate) fn of(database: &Database) -> Result<Self> {
        let files = database.db.live_files().map_err(cannot("list its files"))?;
        let mut levels = BTreeMap::<i32, BTreeMap<Vec<u8>, LiveFile>>::new();
        for file in files.into_iter().filter(|file| file.level > 0 && file.column_family_name == ENTRIES) {
            let start = file.start_key.clone().unwrap_or_default();
            levels.entry(file.level).or_default().insert(start, file);
        }
        Ok(Self { levels })
    }

    /// The deepest file in whose range a key lies, and its size.
    pub(crate) fn deepest(&self, key: &[u8]) -> Option<(&str, u64)> {
        self.levels.values().rev().find_map(|level| {
            let (_, file) = level.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back()?;
            let holds = file.end_key.as_deref().is_some_and(|end| key <= end);
            holds.then_some((file.name.as_str(), file.size as u64))
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.levels.values().flat_map(BTreeMap::values).any(|file| file.name == name)
    }
}

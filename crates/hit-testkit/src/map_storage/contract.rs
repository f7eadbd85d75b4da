use std::collections::{BTreeSet, HashMap};

use hit_core::Operation;

use super::key_of;

/// What a store promises a storage: groups are sorted by key with each key once, or hold a range delete; one key is never in two groups
/// under way; while a range delete is under way nothing else is.
#[derive(Default)]
pub(super) struct Contract {
    under_way: HashMap<u64, Group>,
    begun: u64,
    /// What was broken first.
    pub(super) broken: Option<String>,
}

struct Group {
    keys: BTreeSet<Vec<u8>>,
    has_range: bool,
}

impl Contract {
    /// Looks at a group that begins.
    pub(super) fn begin(&mut self, operations: &[Operation<'_>]) -> u64 {
        let has_range = operations.iter().any(|operation| matches!(operation, Operation::DeleteRange { .. }));
        let keys: Vec<_> = operations.iter().map(|operation| key_of(operation).to_vec()).collect();
        if operations.is_empty() {
            self.note("a group is empty");
        }
        if !has_range && !keys.is_sorted_by(|before, behind| before < behind) {
            self.note("a group is not sorted, or has a key twice");
        }
        let group = Group { keys: keys.into_iter().collect(), has_range };
        let others = || self.under_way.values();
        let meets_range = others().any(|other| has_range || other.has_range);
        let shares_key = others().any(|other| !other.keys.is_disjoint(&group.keys));
        if meets_range {
            self.note("something is under way beside a range delete");
        }
        if shares_key {
            self.note("a key is in two groups that are under way");
        }
        self.begun += 1;
        self.under_way.insert(self.begun, group);
        self.begun
    }

    pub(super) fn end(&mut self, number: u64) {
        self.under_way.remove(&number);
    }

    fn note(&mut self, what: &str) {
        self.broken.get_or_insert_with(|| what.to_owned());
    }
}

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use hit::{KeyRange, Store};

/// Everything that a store shows at this moment.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn contents(store: &Store) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut contents = BTreeMap::new();
    let mut scan = store.scan(KeyRange::ALL, false).expect("the store can be read");
    scan.visit(|key, entry| {
        contents.insert(key.to_vec(), entry.value.to_vec());
        ControlFlow::Continue(())
    })
    .expect("the store can be read");
    contents
}

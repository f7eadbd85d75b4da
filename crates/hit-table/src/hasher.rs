use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

/// Hashes keys with a seed of its own, since keys come from the network and whoever knows the seed could send keys
/// that collide.
#[derive(Clone)]
pub(crate) struct KeyHasher {
    state: RandomState,
    mask: u64,
}

impl KeyHasher {
    pub(crate) fn new(mask: u64) -> Self {
        Self { state: RandomState::default(), mask }
    }

    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.state.build_hasher();
        hasher.write(key);
        hasher.finish() & self.mask
    }
}

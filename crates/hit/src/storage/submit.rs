use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hit_core::{Durability, Error, ErrorCode, Operation, Result};
use hit_log::Frame;
use parking_lot::Mutex;

use super::backing::Backing;
use crate::Store;
use crate::queue::{Completion, Content, Group};
use crate::shared::{Applied, Shared};
use crate::write::{Submitted, encode};

/// Encoded operations and the lanes they go to.
pub(crate) enum Route {
    /// To each lane its own; they are written side by side.
    Apart(Vec<(usize, Frame)>),
    /// To all of these lanes as one.
    Together(Vec<usize>, Frame),
}

impl Route {
    fn frames(&self) -> impl Iterator<Item = &Frame> {
        let (apart, together) = match self {
            Self::Apart(parts) => (parts.as_slice(), None),
            Self::Together(_, frame) => (&[][..], Some(frame)),
        };
        apart.iter().map(|(_, frame)| frame).chain(together)
    }
}

impl Store {
    /// Accepts a group for the storage. Where it is `whole` it becomes durable whole.
    pub(crate) fn submit_to_storage<'a>(
        &self,
        backing: &Backing,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        whole: bool,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        self.account().backlog.wait_for_room();
        let shared = self.open_shared()?;
        let route = backing.route(shared, operations.clone(), whole, &[])?;
        let mut applied = shared.applied.write();
        self.open_shared()?;
        Ok(self.put_in_flight(backing, &mut applied, operations, route, durability, completion))
    }

    /// Makes a checked and encoded group visible and hands it to its lanes.
    pub(crate) fn put_in_flight<'a>(
        &self,
        backing: &Backing,
        applied: &mut Applied,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        route: Route,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Submitted {
        if operations.len() == 0 {
            return Submitted::Settled;
        }
        if route.frames().any(Frame::has_range_delete) {
            backing.cache.give_up_all();
        } else {
            backing.cache.give_up(operations.clone().filter_map(|operation| operation.key()));
        }
        let first_sequence = applied.put_in_flight(operations);
        let next_sequence = applied.next_sequence;
        let bytes = route.frames().map(Frame::byte_len).sum();
        let (durability, at_once) = self.durability_of(durability, next_sequence, bytes);
        let group = |bytes, completion| Group {
            account: Arc::clone(self.account()),
            durability,
            completion,
            content: Some(Content {
                first_sequence,
                next_sequence,
                bytes,
                // Of these only a log asks.
                frees_space: false,
                begins_segment: false,
            }),
            undo: None,
            has_seen: false,
        };
        let completion = (!at_once).then(|| -> Completion { Box::new(completion) });
        let shared = self.shared();
        match route {
            Route::Together(lanes, frame) => {
                let group = group(frame.byte_len(), completion);
                shared.count_in(&group);
                backing.lanes.meet(&lanes, group, Some(frame));
            }
            Route::Apart(parts) => {
                let mut completions = shares(completion, parts.len()).into_iter();
                for (lane, frame) in parts {
                    let group = group(frame.byte_len(), completions.next().flatten());
                    shared.count_in(&group);
                    backing.lanes.push(lane, group, Some(frame));
                }
            }
        }
        if at_once { Submitted::Settled } else { Submitted::Pending }
    }
}

impl Backing {
    /// Encodes operations for their lanes. What was decided by keys that are in flight goes behind them: `seen`.
    pub(crate) fn route<'a>(
        &self,
        shared: &Shared,
        operations: impl Iterator<Item = Operation<'a>> + Clone,
        whole: bool,
        seen: &[&[u8]],
    ) -> Result<Route> {
        if !self.capabilities.ttl {
            operations.clone().try_for_each(|operation| refuse_expiry(&operation))?;
        }
        if self.lanes.len() == 1 {
            return Ok(Route::Apart(vec![(0, encode(shared, operations)?)]));
        }
        let mut frames: Vec<Option<Frame>> = (0..self.lanes.len()).map(|_| None).collect();
        let mut has_range = false;
        for operation in operations.clone() {
            let Some(key) = operation.key() else {
                has_range = true;
                break;
            };
            if let Some(frame) = frames.get_mut(self.lanes.of(key)) {
                frame.get_or_insert_with(|| shared.take_frame()).push(&operation)?;
            }
        }
        if has_range {
            return Ok(Route::Together(self.lanes.all(), encode(shared, operations)?));
        }
        let parts: Vec<_> = frames
            .into_iter()
            .enumerate()
            .filter_map(|(lane, frame)| frame.map(|frame| (lane, frame)))
            .collect();
        let mut lanes: Vec<_> = parts.iter().map(|&(lane, _)| lane).collect();
        lanes.extend(seen.iter().map(|key| self.lanes.of(key)));
        lanes.sort_unstable();
        lanes.dedup();
        if whole && lanes.len() > 1 {
            return Ok(Route::Together(lanes, encode(shared, operations)?));
        }
        Ok(Route::Apart(parts))
    }
}

/// Refuses an expiry where the storage knows none.
fn refuse_expiry(operation: &Operation<'_>) -> Result<()> {
    match operation {
        Operation::Set { key, expires_at: Some(_), .. } => Err(Error::new(
            ErrorCode::Unsupported,
            "this store has plain values without an expiry: leave ttlMs and expiresAt out (supports.ttl is false)",
        )
        .with_key(key)),
        _ => Ok(()),
    }
}

/// A completion for each part; the last one to be called calls `completion`, with the first failure.
fn shares(completion: Option<Completion>, parts: usize) -> Vec<Option<Completion>> {
    let Some(completion) = completion else { return Vec::new() };
    if parts <= 1 {
        return vec![Some(completion)];
    }
    let shared = Arc::new(Parts {
        left: AtomicUsize::new(parts),
        failure: Mutex::new(None),
        completion: Mutex::new(Some(completion)),
    });
    (0..parts)
        .map(|_| {
            let shared = Arc::clone(&shared);
            let share: Completion = Box::new(move |result| shared.end_one(result));
            Some(share)
        })
        .collect()
}

/// What the parts of one group have in common.
struct Parts {
    left: AtomicUsize,
    failure: Mutex<Option<Error>>,
    completion: Mutex<Option<Completion>>,
}

impl Parts {
    fn end_one(&self, result: Result<()>) {
        if let Err(error) = result {
            let mut failure = self.failure.lock();
            *failure = Some(match failure.take() {
                // It names the keys of all parts that failed.
                Some(first) => error.keys().iter().fold(first, |first, key| first.with_key(key)),
                None => error,
            });
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(completion) = self.completion.lock().take()
        {
            completion(self.failure.lock().take().map_or(Ok(()), Err));
        }
    }
}

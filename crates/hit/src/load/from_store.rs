use std::ops::ControlFlow;
use std::sync::Arc;

use hit_core::{Error, ErrorCode, KeyRange, Progress, Result, Tell, tell as tell_progress};

use crate::Store;
use crate::load::batch::Batch;
use crate::load::flight::Flight;

/// Writes what one store holds in a range at this moment into another one; says how many entries. `what` is the call.
///
/// # Errors
/// `HIT_ARGUMENT` where both are one store, `HIT_ABORTED`, and as all reads and writes.
pub(crate) fn copy(
    source: &Store,
    target: &Store,
    range: KeyRange<'_>,
    what: &str,
    tell: &mut Tell<'_>,
) -> Result<u64> {
    target.open_shared()?.check_writable()?;
    if Arc::ptr_eq(source.shared(), target.shared()) {
        let message = "a store cannot be copied into itself: name another one";
        return Err(Error::new(ErrorCode::Argument, message));
    }
    let total = source.exact_len(range)?;
    let mut scan = source.scan(range, false)?;
    let flight = Flight::new(target, None);
    let mut progress = Progress { total, ..Progress::default() };
    let mut batch = Batch::default();
    let copied = loop {
        batch.clear();
        let read = scan.visit(|key, entry| {
            if batch.is_full() {
                return ControlFlow::Break(());
            }
            batch.push(key, entry.value, entry.expires_at);
            ControlFlow::Continue(())
        });
        if let Err(error) = read.and_then(|()| flight.submit(&batch)) {
            break Err(error);
        }
        if batch.len() == 0 {
            break Ok(progress.done);
        }
        progress.done += batch.len() as u64;
        progress.bytes += batch.byte_len() as u64;
        if let Err(error) = tell_progress(tell, progress, what) {
            break Err(error);
        }
    };
    flight.land().and(copied)
}

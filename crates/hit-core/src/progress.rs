use std::ops::ControlFlow;

use crate::{Error, ErrorCode, Result};

/// How far a long call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What it counts: entries, or files and bytes where the call says so.
    pub done: u64,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    /// Bytes read or written.
    pub bytes: u64,
}

/// Hears of progress now and then, on the thread that makes it, and may end the call by breaking.
pub type Tell<'a> = dyn FnMut(Progress) -> ControlFlow<()> + Send + 'a;

/// Tells of progress.
///
/// # Errors
/// `HIT_ABORTED` where the call is to end; `what` names it.
pub fn tell(tell: &mut Tell<'_>, progress: Progress, what: &str) -> Result<()> {
    match tell(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            Err(Error::new(ErrorCode::Aborted, format!("{what} was ended by its caller")))
        }
    }
}

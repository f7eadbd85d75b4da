use hit_core::Result;

use crate::file_id::FileId;
use crate::header::FRAME_HEADER_BYTES;
use crate::operation::FrameOperations;
use crate::reader::FrameAt;

/// Takes in what a log holds.
pub trait Replay {
    /// Announces, before the first frame, with which sequence numbers the log's files begin, and how many operations
    /// come at most. A [`crate::LogReader`] calls it again where everything comes anew: what came before does not count then.
    fn begin(&mut self, first_sequences: &[u64], operations: u64);

    /// Takes the operations of one frame. They have been checked. Frames come in order.
    ///
    /// # Errors
    /// Any error ends the opening of the log; nothing in the folder is changed.
    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()>;

    /// Hears, behind all frames, that one of them has been copied to another file, where it lies from now on.
    fn copied(&mut self, _frame: &ReplayedFrame<'_>) {}
}

/// A frame that was read back.
pub struct ReplayedFrame<'a> {
    file: FileId,
    frame: FrameAt<'a>,
    will_be_copied: bool,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValuePlace {
    /// The file.
    pub file: FileId,
    /// Its first byte.
    pub offset: u64,
}

impl<'a> ReplayedFrame<'a> {
    /// A frame that stays where it lies.
    pub(crate) fn new(file: FileId, frame: FrameAt<'a>) -> Self {
        Self { file, frame, will_be_copied: false }
    }

    /// A frame of the last segment, which stays there only where it is proven to be synced.
    pub(crate) fn of_tail(file: FileId, frame: FrameAt<'a>, is_proven: bool) -> Self {
        Self { file, frame, will_be_copied: !is_proven }
    }

    /// The operations with their sequence numbers, in order.
    #[must_use]
    pub fn operations(&self) -> FrameOperations<'a> {
        self.frame.operations()
    }

    /// Whether it will be copied to another file, so that it does not stay where it lies.
    #[must_use]
    pub fn will_be_copied(&self) -> bool {
        self.will_be_copied
    }

    /// Where a value of one of its operations lies in the file.
    #[must_use]
    pub fn place_of(&self, value: &'a [u8]) -> ValuePlace {
        let body = self.frame.offset + FRAME_HEADER_BYTES as u64;
        let before = value.as_ptr().addr() - self.frame.body.as_ptr().addr();
        ValuePlace { file: self.file, offset: body + before as u64 }
    }
}

use std::io;
use std::path::PathBuf;

use hit_core::Result;

use crate::allocation::allocation;
use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::file_id::FileId;
use crate::files::{File, sync, write_all_at};
use crate::folder::Folder;
use crate::frame::Frame;
use crate::header::{FrameHeader, Place};
use crate::io_error::{cannot, is_disk_full};
use crate::names;
use crate::owner::now_ms;
use crate::replace::{create_anew, temporary};

use crate::store_id::random_bytes;

/// Frames up to this length are joined before they are written; longer ones are written where they are.
const JOINED_FRAME_BYTES: usize = 64 << 10;
const JOINED_BYTES: usize = 1 << 20;

/// The segment that is written: made in this open, so nothing in it is of unknown origin.
pub(crate) struct SegmentWriter {
    file: Box<dyn File>,
    pub(crate) path: PathBuf,
    pub(crate) header: FileHeader,
    /// Behind the last whole frame.
    pub(crate) end: u64,
    /// Up to here disk space is taken; the file is that long.
    allocated: u64,
    /// The highest synced sequence number that a frame here carries.
    carried: u64,
    /// Something was written since the last sync, a mark perhaps, which asks for none.
    pub(crate) is_unsynced: bool,
    /// Whether the file system can take space ahead.
    allocates: bool,
    /// Frames on their way into the file.
    joined: Vec<u8>,
}

/// What a new segment continues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Continuation {
    pub(crate) number: u64,
    pub(crate) predecessor: u64,
    pub(crate) predecessor_end: u64,
    pub(crate) first_sequence: u64,
}

impl SegmentWriter {
    /// Makes a segment with what `fill` writes into it. Durability: it gets its name when its content is synced, so
    /// a segment under its own name has a whole header, and a torn one has nothing behind it.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, `HIT_IO`; the same can be tried again.
    pub(crate) fn create(
        folder: &Folder,
        continued: Continuation,
        fill: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Self> {
        let files = folder.files();
        let log = folder.join(names::LOG);
        let id = FileId::segment(continued.number);
        let path = log.join(names::log_file(id));
        let unfinished = temporary(&path);
        let header = FileHeader {
            store: folder.id(),
            id,
            predecessor: continued.predecessor,
            predecessor_end: continued.predecessor_end,
            first_sequence: continued.first_sequence,
            created_ms: now_ms(),
            salt: random_bytes()?,
        };
        let made = Self::begin(folder, path, unfinished.clone(), header).and_then(|mut segment| {
            fill(&mut segment)?;
            segment.sync().map_err(cannot("sync", &segment.path))?;
            files.rename(&unfinished, &segment.path).map_err(cannot("name", &segment.path))?;
            Ok(segment)
        });
        if made.is_err() {
            // What is left behind is removed by the next open if it cannot be removed now.
            let _ = files.remove(&unfinished);
        }
        let segment = made?;
        files.sync_folder(&log).map_err(cannot("sync the folder", &log))?;
        Ok(segment)
    }

    fn begin(folder: &Folder, path: PathBuf, unfinished: PathBuf, header: FileHeader) -> Result<Self> {
        let file = create_anew(&**folder.files(), &unfinished).map_err(cannot("create", &unfinished))?;
        write_all_at(&*file, &header.encode(), 0).map_err(cannot("write", &unfinished))?;
        let end = FILE_HEADER_BYTES as u64;
        let carried = header.first_sequence;
        Ok(Self {
            file,
            path,
            header,
            end,
            allocated: end,
            carried,
            is_unsynced: true,
            allocates: true,
            joined: Vec::new(),
        })
    }

    /// Writes frames behind the others and says which sequence number comes next. On failure none of them counts:
    /// [`SegmentWriter::roll_back`] must follow.
    pub(crate) fn write(
        &mut self,
        frames: &mut [Frame],
        first_sequence: u64,
        synced_to: u64,
        segment_bytes: u64,
    ) -> io::Result<u64> {
        let mut sequence = first_sequence;
        let mut end = self.end;
        for frame in frames.iter_mut().filter(|frame| !frame.is_empty()) {
            frame.seal(self.place(end), sequence, synced_to);
            sequence += u64::from(frame.len());
            end += frame.byte_len() as u64;
        }
        self.allocate(end, segment_bytes)?;
        let mut offset = self.end;
        self.joined.clear();
        let alone = frames.len() == 1;
        for frame in frames.iter().filter(|frame| !frame.is_empty()) {
            let bytes = frame.bytes();
            let long = alone || bytes.len() > JOINED_FRAME_BYTES;
            if long || self.joined.len() + bytes.len() > JOINED_BYTES {
                offset = self.write_joined(offset)?;
            }
            if long {
                write_all_at(&*self.file, bytes, offset)?;
                offset += bytes.len() as u64;
            } else {
                self.joined.extend_from_slice(bytes);
            }
        }
        self.write_joined(offset)?;
        self.end = end;
        self.carried = self.carried.max(synced_to);
        Ok(sequence)
    }

    /// Writes a mark behind the frames. On failure [`SegmentWriter::roll_back`] must follow.
    pub(crate) fn write_mark(&mut self, next_sequence: u64, synced_to: u64) -> io::Result<()> {
        self.joined.clear();
        self.write_copy(FrameHeader::mark(next_sequence, synced_to), &[])?;
        self.write_copies()?;
        self.carried = synced_to;
        Ok(())
    }

    /// Writes a frame that another segment holds; `body` is operations and padding. It is whole in the file after
    /// [`SegmentWriter::write_copies`].
    pub(crate) fn write_copy(&mut self, header: FrameHeader, body: &[u8]) -> io::Result<()> {
        let offset = self.copied_end();
        self.joined.extend_from_slice(&header.encode(self.place(offset)));
        self.joined.extend_from_slice(body);
        if self.joined.len() >= JOINED_BYTES { self.write_copies() } else { Ok(()) }
    }

    /// Where the next copy will lie.
    pub(crate) fn copied_end(&self) -> u64 {
        self.end + self.joined.len() as u64
    }

    /// Writes what [`SegmentWriter::write_copy`] still holds.
    pub(crate) fn write_copies(&mut self) -> io::Result<()> {
        self.end = self.write_joined(self.end)?;
        Ok(())
    }

    /// Whether a mark would say more than the frames already do.
    pub(crate) fn needs_mark(&self, synced_to: u64) -> bool {
        synced_to > self.carried
    }

    /// Durability: everything up to the end survives power loss when this returns without an error.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        sync(&*self.file)?;
        self.is_unsynced = false;
        Ok(())
    }

    /// Cuts away what a failed write has left. Durability: synced, so that no rejected frame comes back with a
    /// power loss either.
    pub(crate) fn roll_back(&mut self) -> io::Result<()> {
        self.file.set_size(self.end)?;
        self.allocated = self.end;
        self.sync()
    }

    /// Gives the space ahead of the end back. What stays if that fails is zeros, and harmless.
    pub(crate) fn trim(&mut self) {
        if self.allocated > self.end && self.file.set_size(self.end).is_ok() {
            self.allocated = self.end;
        }
    }

    /// What it takes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.allocated.max(self.end)
    }

    fn place(&self, offset: u64) -> Place {
        Place { salt: self.header.salt, offset }
    }

    fn write_joined(&mut self, offset: u64) -> io::Result<u64> {
        self.is_unsynced = true;
        write_all_at(&*self.file, &self.joined, offset)?;
        let end = offset + self.joined.len() as u64;
        self.joined.clear();
        Ok(end)
    }

    fn allocate(&mut self, needed: u64, segment_bytes: u64) -> io::Result<()> {
        if !self.allocates || needed <= self.allocated {
            return Ok(());
        }
        let target = allocation(needed, segment_bytes);
        match self.file.allocate(target) {
            Ok(()) => self.allocated = target,
            // There may still be room for what is needed now.
            Err(error) if is_disk_full(&error) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.allocates = false,
        }
        Ok(())
    }
}

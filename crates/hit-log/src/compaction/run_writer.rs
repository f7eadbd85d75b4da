use std::path::PathBuf;

use hit_core::limits::LARGE_VALUE_BYTES;
use hit_core::{Operation, Result};

use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::file_id::FileId;
use crate::files::{File, OpenMode, sync, write_all_at};
use crate::folder::Folder;
use crate::header::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, Place};
use crate::io_error::cannot;
use crate::names;
use crate::operation::{encode, size_bound};
use crate::owner::now_ms;
use crate::replay::ValuePlace;
use crate::store_id::random_bytes;
use crate::varint;

use super::Judge;

/// A frame of a run is written when its operations take this much. Readers need memory for one frame.
const FRAME_BYTES: usize = 64 << 10;
/// It is synced in such steps: the syncs of the log may wait for what it has unwritten (a journal commits both).
const SYNCED_BYTES: u64 = 512 << 10;
/// Frames on their way into the file.
const JOINED_BYTES: usize = 256 << 10;

/// Writes a run. It has its name from the beginning: no list has it yet.
pub(super) struct RunWriter {
    file: Box<dyn File>,
    path: PathBuf,
    header: FileHeader,
    /// Behind what is in the file.
    written: u64,
    synced: u64,
    /// Whole frames that follow it.
    joined: Vec<u8>,
    /// The operations of the frame that is being made.
    payload: Vec<u8>,
    payload_operations: u32,
    payload_first: u64,
    payload_last: u64,
    operations: u64,
}

impl RunWriter {
    pub(super) fn create(folder: &Folder, id: FileId, first_sequence: u64) -> Result<Self> {
        let path = id.path(folder);
        let file = folder.files().open(&path, OpenMode::CreateNew).map_err(cannot("create", &path))?;
        let header = FileHeader {
            store: folder.id(),
            id,
            predecessor: 0,
            predecessor_end: 0,
            first_sequence,
            created_ms: now_ms(),
            salt: random_bytes()?,
        };
        Ok(Self {
            file,
            path,
            header,
            written: 0,
            synced: 0,
            joined: header.encode().to_vec(),
            payload: Vec::new(),
            payload_operations: 0,
            payload_first: 0,
            payload_last: 0,
            operations: 0,
        })
    }

    /// How long the file will be, as far as is known.
    pub(super) fn end(&self) -> u64 {
        self.written + (self.joined.len() + self.payload.len()) as u64
    }

    /// Adds an operation. Sequence numbers ascend.
    pub(super) fn push(
        &mut self,
        sequence: u64,
        operation: &Operation<'_>,
        judge: &mut dyn Judge,
    ) -> Result<()> {
        if self.payload_operations > 0 && self.payload.len() + size_bound(operation) > FRAME_BYTES {
            self.end_frame()?;
        }
        if self.payload_operations == 0 {
            self.payload_first = sequence;
            self.payload_last = sequence;
        }
        varint::write_long(&mut self.payload, sequence - self.payload_last);
        encode(&mut self.payload, operation);
        self.payload_last = sequence;
        self.payload_operations += 1;
        self.operations += 1;
        if let Operation::Set { key, value, .. } = operation
            && value.len() >= LARGE_VALUE_BYTES
        {
            // Its checksum is behind it.
            let behind = self.end() + FRAME_HEADER_BYTES as u64;
            let offset = behind - (value.len() + size_of::<u32>()) as u64;
            judge.moved(sequence, key, value.len() as u32, ValuePlace { file: self.header.id, offset });
        }
        Ok(())
    }

    fn end_frame(&mut self) -> Result<()> {
        let header = FrameHeader {
            kind: FrameKind::Kept,
            operations: self.payload_operations,
            payload_bytes: self.payload.len() as u32,
            payload_checksum: crc32c::crc32c(&self.payload),
            first_sequence: self.payload_first,
            synced_to: self.payload_first,
        };
        let place = Place { salt: self.header.salt, offset: self.written + self.joined.len() as u64 };
        let end = self.joined.len() + header.frame_bytes();
        self.joined.extend_from_slice(&header.encode(place));
        self.joined.extend_from_slice(&self.payload);
        self.joined.resize(end, 0);
        self.payload.clear();
        self.payload_operations = 0;
        if self.joined.len() >= JOINED_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        write_all_at(&*self.file, &self.joined, self.written).map_err(cannot("write to", &self.path))?;
        self.written += self.joined.len() as u64;
        self.joined.clear();
        if self.written - self.synced >= SYNCED_BYTES { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<()> {
        self.synced = self.written;
        sync(&*self.file).map_err(cannot("sync", &self.path))
    }

    /// Ends the run: how long it is and how many operations it holds. Durability: content and name survive power loss when
    /// this returns without an error.
    pub(super) fn finish(mut self, folder: &Folder) -> Result<(u64, u64)> {
        if self.payload_operations > 0 {
            self.end_frame()?;
        }
        self.write()?;
        debug_assert!(self.written >= FILE_HEADER_BYTES as u64, "the header comes first");
        self.sync()?;
        let log = folder.join(names::LOG);
        folder.files().sync_folder(&log).map_err(cannot("sync the folder", &log))?;
        Ok((self.written, self.operations))
    }
}

//! The bytes of all records, appended to chunks.
//!
//! Bytes of a record never change and never move while anything may point at them. A chunk counts the bytes of its
//! live records; one with none is *retired*, and freed once every view, snapshot and unsettled undo that is older
//! than its retirement is gone. `moment` counts retirements: whoever keeps locations remembers the moment it began
//! (its *birth*), and a chunk retired at a moment above that may still be read by it.
//!
//! A chunk with few live bytes is evacuated, step by step (`evacuate.rs`).

use std::collections::VecDeque;

use crate::bounds::Bounds;
use crate::buffer::Buffer;
use crate::location::Location;
use crate::record::Record;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No bytes; its number waits for a new chunk.
    Free,
    /// Records are appended to it.
    Head,
    Sealed,
    /// Waits to be evacuated, or is being.
    Sparse,
    /// Evacuated; what still counts as live is superseded by writes that are not settled.
    Evacuated,
    /// Without a live byte; freed when nobody can read it any more.
    Retired,
}

struct Chunk {
    bytes: Buffer,
    used: usize,
    live: usize,
    /// Unlike the number, never used again: a walk that left off in a chunk sees that it is another one.
    serial: u64,
    /// No record in it expires before this.
    next_expiry: u64,
    state: State,
}

/// A chunk by number and serial.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkId {
    number: u32,
    serial: u64,
}

/// A place in a chunk at which a walk over its records goes on.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) chunk: ChunkId,
    offset: usize,
}

impl Walk {
    pub(crate) fn new(chunk: ChunkId) -> Self {
        Self { chunk, offset: 0 }
    }
}

pub(crate) struct Arena {
    chunks: Vec<Chunk>,
    free: Vec<u32>,
    head: Option<u32>,
    /// When and which; oldest first.
    retired: VecDeque<(u64, u32)>,
    retired_bytes: usize,
    sparse: VecDeque<ChunkId>,
    /// The bytes of a freed ordinary chunk, kept for the next one: its pages need not come anew.
    spare: Option<Buffer>,
    moment: u64,
    next_serial: u64,
    live_bytes: usize,
    memory_bytes: usize,
    chunk_bytes: usize,
    large_record_bytes: usize,
    scratch: Vec<u8>,
}

impl Arena {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            head: None,
            retired: VecDeque::new(),
            retired_bytes: 0,
            sparse: VecDeque::new(),
            spare: None,
            moment: 0,
            next_serial: 0,
            live_bytes: 0,
            memory_bytes: 0,
            chunk_bytes: bounds.chunk_bytes,
            large_record_bytes: bounds.large_record_bytes.min(bounds.chunk_bytes),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn moment(&self) -> u64 {
        self.moment
    }

    pub(crate) fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// Bytes taken from the system.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes + self.spare.as_ref().map_or(0, |spare| spare.len())
    }

    /// Bytes of retired chunks.
    pub(crate) fn retired_bytes(&self) -> usize {
        self.retired_bytes
    }

    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() - self.free.len()
    }

    /// The bytes from a location to the end of its chunk.
    #[inline]
    fn tail(&self, location: Location) -> Option<&[u8]> {
        self.chunks.get(location.chunk())?.bytes.get(location.offset()..)
    }

    #[inline]
    pub(crate) fn record(&self, location: Location) -> Option<Record<'_>> {
        Record::decode(self.tail(location)?)
    }

    /// The key of a record. A location always has one; nothing is read otherwise.
    #[inline]
    pub(crate) fn key(&self, location: Location) -> &[u8] {
        self.tail(location).and_then(Record::decode_key).unwrap_or_default()
    }

    /// The first byte of a record: where its cache miss happens.
    #[inline]
    pub(crate) fn touch(&self, location: Location) -> u64 {
        self.tail(location).and_then(|tail| tail.first()).map_or(0, |&byte| byte.into())
    }

    pub(crate) fn append(&mut self, record: &Record<'_>) -> Location {
        let size = record.size();
        let (number, chunk) = self.room(size);
        let offset = chunk.used;
        if let Some(expires_at) = record.expires_at {
            chunk.next_expiry = chunk.next_expiry.min(expires_at);
        }
        chunk
            .bytes
            .get_mut(offset..)
            .and_then(|room| record.encode(room))
            .expect("room for the record was made");
        chunk.used += size;
        chunk.live += size;
        self.live_bytes += size;
        Location::new(number, offset as u32)
    }

    /// A copy of a record at the head, for evacuation.
    pub(crate) fn append_copy(&mut self, from: Location) -> Option<Location> {
        // One more copy of few bytes, since source and target are chunks of one list.
        let mut scratch = std::mem::take(&mut self.scratch);
        let record = self.record(from)?;
        let (size, expires_at) = (record.size(), record.expires_at);
        scratch.clear();
        scratch.extend_from_slice(self.tail(from)?.get(..size)?);
        let (number, chunk) = self.room(size);
        let offset = chunk.used;
        chunk.next_expiry = chunk.next_expiry.min(expires_at.unwrap_or(u64::MAX));
        chunk.bytes.get_mut(offset..offset + size)?.copy_from_slice(&scratch);
        chunk.used += size;
        chunk.live += size;
        self.live_bytes += size;
        self.scratch = scratch;
        Some(Location::new(number, offset as u32))
    }

    /// The chunk that a record of `size` bytes is appended to.
    #[inline]
    fn room(&mut self, size: usize) -> (u32, &mut Chunk) {
        let fits = |chunk: &Chunk| chunk.bytes.len() - chunk.used >= size;
        let number = match self.head {
            _ if size > self.large_record_bytes => self.open(size, State::Sealed),
            Some(head) if self.chunks.get(head as usize).is_some_and(fits) => head,
            _ => {
                self.seal_head();
                let head = self.open(self.chunk_bytes, State::Head);
                self.head = Some(head);
                head
            }
        };
        (number, self.chunks.get_mut(number as usize).expect("the chunk was looked up or opened just now"))
    }

    #[cold]
    fn open(&mut self, length: usize, state: State) -> u32 {
        let spare = if length == self.chunk_bytes { self.spare.take() } else { None };
        let bytes = spare.unwrap_or_else(|| Buffer::new(length));
        self.memory_bytes += bytes.len();
        let serial = self.next_serial;
        self.next_serial += 1;
        let number = self.free.pop().unwrap_or_else(|| {
            let number = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
            assert!(number <= Location::MAX_CHUNK, "memory ends before chunk numbers do");
            self.chunks.push(Chunk::free());
            number
        });
        if let Some(chunk) = self.chunks.get_mut(number as usize) {
            *chunk = Chunk { bytes, used: 0, live: 0, serial, next_expiry: u64::MAX, state };
        }
        number
    }

    /// Appends nothing more to the head chunk.
    pub(crate) fn seal_head(&mut self) {
        let Some(head) = self.head.take() else { return };
        if let Some(chunk) = self.chunks.get_mut(head as usize) {
            chunk.state = State::Sealed;
        }
        self.judge(head);
    }

    /// Counts a record as dead.
    pub(crate) fn kill(&mut self, location: Location) {
        let Some(size) = self.record(location).map(|record| record.size()) else { return };
        let Some(chunk) = self.chunks.get_mut(location.chunk()) else { return };
        // What was in a retired chunk has been counted already, all of it.
        if !matches!(chunk.state, State::Retired | State::Free) {
            chunk.live -= size;
            self.live_bytes -= size;
            if chunk.state != State::Head {
                self.judge(location.chunk() as u32);
            }
        }
    }

    /// Retires a sealed chunk without live bytes, and notes one with few.
    fn judge(&mut self, number: u32) {
        let Some(chunk) = self.chunks.get_mut(number as usize) else { return };
        if chunk.live == 0 && !matches!(chunk.state, State::Free | State::Retired | State::Head) {
            chunk.state = State::Retired;
            self.moment += 1;
            self.retired_bytes += chunk.bytes.len();
            self.retired.push_back((self.moment, number));
        } else if chunk.state == State::Sealed && chunk.live * 2 < chunk.used {
            chunk.state = State::Sparse;
            self.sparse.push_back(ChunkId { number, serial: chunk.serial });
        }
    }

    /// Whether the bytes of a superseded record still count, so that it can be the newest of its key again.
    pub(crate) fn can_restore(&self, location: Location) -> bool {
        let state = self.chunks.get(location.chunk()).map(|chunk| chunk.state);
        !matches!(state, None | Some(State::Free | State::Retired))
    }

    /// A superseded record is the newest of its key again: forgets what walks over its chunk have concluded.
    pub(crate) fn restore(&mut self, location: Location) {
        let expires_at = self.record(location).and_then(|record| record.expires_at);
        let Some(chunk) = self.chunks.get_mut(location.chunk()) else { return };
        chunk.next_expiry = chunk.next_expiry.min(expires_at.unwrap_or(u64::MAX));
        if chunk.state == State::Evacuated {
            chunk.state = State::Sealed;
        }
        self.judge(location.chunk() as u32);
    }

    /// The serial that the next chunk gets.
    pub(crate) fn next_serial(&self) -> u64 {
        self.next_serial
    }

    fn older_than(&self, serial: u64) -> impl Iterator<Item = u32> + use<> {
        let older = |chunk: &Chunk| {
            chunk.serial < serial && !matches!(chunk.state, State::Free | State::Retired | State::Head)
        };
        let numbers: Vec<u32> =
            self.chunks.iter().zip(0..).filter(|(chunk, _)| older(chunk)).map(|(_, number)| number).collect();
        numbers.into_iter()
    }

    /// Counts everything in sealed chunks older than `serial` as dead.
    pub(crate) fn kill_older_than(&mut self, serial: u64) {
        for number in self.older_than(serial) {
            if let Some(chunk) = self.chunks.get_mut(number as usize) {
                self.live_bytes -= std::mem::take(&mut chunk.live);
            }
            self.judge(number);
        }
    }

    /// The records of sealed chunks older than `serial` are in use again: forgets what walks over them have concluded
    /// while they were not.
    pub(crate) fn restore_older_than(&mut self, serial: u64) {
        for number in self.older_than(serial) {
            if let Some(chunk) = self.chunks.get_mut(number as usize) {
                chunk.next_expiry = 0;
                if chunk.state == State::Evacuated {
                    chunk.state = State::Sealed;
                }
            }
            self.judge(number);
        }
    }

    /// Whether a retired chunk can be freed once nobody older than `horizon` is left.
    pub(crate) fn can_reclaim(&self, horizon: u64) -> bool {
        self.retired.front().is_some_and(|&(moment, _)| moment <= horizon)
    }

    /// Frees the oldest retired chunk if nobody born before `horizon` can read it; returns its bytes, else 0.
    pub(crate) fn reclaim_step(&mut self, horizon: u64) -> usize {
        if !self.can_reclaim(horizon) {
            return 0;
        }
        let Some((_, number)) = self.retired.pop_front() else { return 0 };
        let Some(chunk) = self.chunks.get_mut(number as usize) else { return 0 };
        let bytes = std::mem::replace(chunk, Chunk::free()).bytes;
        let length = bytes.len();
        self.free.push(number);
        self.memory_bytes -= length;
        self.retired_bytes -= length;
        if length == self.chunk_bytes && self.spare.is_none() {
            self.spare = Some(bytes);
        }
        length
    }

    /// The next chunk to evacuate.
    pub(crate) fn next_sparse(&mut self) -> Option<Walk> {
        while let Some(id) = self.sparse.pop_front() {
            if self.chunk(id).is_some_and(|chunk| chunk.state == State::Sparse) {
                return Some(Walk::new(id));
            }
        }
        None
    }

    /// Puts an evacuation that was broken off back in front.
    pub(crate) fn requeue(&mut self, id: ChunkId) {
        self.sparse.push_front(id);
    }

    pub(crate) fn has_sparse(&self) -> bool {
        !self.sparse.is_empty()
    }

    /// Ends an evacuation.
    pub(crate) fn set_evacuated(&mut self, id: ChunkId) {
        if let Some(chunk) = self.chunk_mut(id)
            && chunk.state == State::Sparse
        {
            chunk.state = State::Evacuated;
        }
    }

    /// The chunks that may hold live records.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ChunkId> {
        let in_use = |chunk: &Chunk| !matches!(chunk.state, State::Free | State::Retired);
        self.chunks
            .iter()
            .zip(0..)
            .filter(move |(chunk, _)| in_use(chunk))
            .map(|(chunk, number)| ChunkId { number, serial: chunk.serial })
    }

    /// The chunk at `position` in some fixed order, if its earliest expiry is `before` or earlier; `Err` past the end.
    pub(crate) fn expiring_at(&self, position: usize, before: u64) -> Result<Option<ChunkId>, ()> {
        let chunk = self.chunks.get(position).ok_or(())?;
        let due = chunk.next_expiry <= before && !matches!(chunk.state, State::Free | State::Retired);
        Ok(due.then_some(ChunkId { number: position as u32, serial: chunk.serial }))
    }

    /// What a walk over a chunk has found out about its earliest expiry.
    pub(crate) fn set_next_expiry(&mut self, id: ChunkId, next_expiry: u64) {
        if let Some(chunk) = self.chunk_mut(id) {
            chunk.next_expiry = next_expiry;
        }
    }

    /// The next record of a walk; `None` at the end of the chunk, or when it is gone.
    pub(crate) fn step(&self, walk: &mut Walk) -> Option<(Location, Record<'_>)> {
        let chunk = self.chunk(walk.chunk).filter(|chunk| chunk.state != State::Retired)?;
        let record = Record::decode(chunk.bytes.get(walk.offset..chunk.used)?)?;
        let location = Location::new(walk.chunk.number, walk.offset as u32);
        walk.offset += record.size();
        Some((location, record))
    }

    fn chunk(&self, id: ChunkId) -> Option<&Chunk> {
        self.chunks.get(id.number as usize).filter(|chunk| chunk.serial == id.serial)
    }

    fn chunk_mut(&mut self, id: ChunkId) -> Option<&mut Chunk> {
        self.chunks.get_mut(id.number as usize).filter(|chunk| chunk.serial == id.serial)
    }
}

impl Chunk {
    fn free() -> Self {
        Self {
            bytes: Buffer::empty(),
            used: 0,
            live: 0,
            serial: u64::MAX,
            next_expiry: u64::MAX,
            state: State::Free,
        }
    }
}

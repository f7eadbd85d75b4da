//! The bytes of all records, appended to chunks.
//!
//! Bytes of a record never change and never move while anything may point at them. A chunk counts the bytes of its
//! live records; one with none is *retired*, and freed once every view, snapshot and unsettled undo that is older
//! than its retirement is gone. `moment` counts retirements: whoever keeps locations remembers the moment it began
//! (its *birth*), and a chunk retired at a moment above that may still be read by it. Who looks a single key up at that
//! moment keeps no location; the memory waits for him (`chunks.rs`).
//!
//! A chunk with few live bytes is evacuated, step by step (`evacuate.rs`).

use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::bounds::Bounds;
use crate::chunks::{Chunks, Records};
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
    start: NonNull<u8>,
    length: usize,
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

// SAFETY: where a chunk begins is an address in memory that `Chunks` keeps, which is bound to no thread.
unsafe impl Send for Chunk {}
// SAFETY: a shared chunk is only looked at.
unsafe impl Sync for Chunk {}

pub(crate) struct Arena {
    memory: Arc<Chunks>,
    /// By number; those of others, who share the memory, seem free.
    chunks: Vec<Chunk>,
    /// How many of them are not free.
    in_use: usize,
    head: Option<u32>,
    /// When and which; oldest first.
    retired: VecDeque<(u64, u32)>,
    retired_bytes: usize,
    sparse: VecDeque<ChunkId>,
    moment: u64,
    next_serial: u64,
    live_bytes: usize,
    memory_bytes: usize,
    chunk_bytes: usize,
    large_record_bytes: usize,
}

impl Arena {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self::beside(bounds, Arc::default())
    }

    /// An arena whose chunks have their numbers and their memory among those of others.
    pub(crate) fn beside(bounds: &Bounds, memory: Arc<Chunks>) -> Self {
        let chunk_bytes = bounds.chunk_bytes.min(Location::MAX_CHUNK_BYTES);
        Self {
            memory,
            chunks: Vec::new(),
            in_use: 0,
            head: None,
            retired: VecDeque::new(),
            retired_bytes: 0,
            sparse: VecDeque::new(),
            moment: 0,
            next_serial: 0,
            live_bytes: 0,
            memory_bytes: 0,
            chunk_bytes,
            large_record_bytes: bounds.large_record_bytes.min(chunk_bytes),
        }
    }

    /// The memory, for who reads it without the arena.
    pub(crate) fn memory(&self) -> &Arc<Chunks> {
        &self.memory
    }

    pub(crate) fn moment(&self) -> u64 {
        self.moment
    }

    pub(crate) fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// Bytes taken from the system.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Bytes of retired chunks.
    pub(crate) fn retired_bytes(&self) -> usize {
        self.retired_bytes
    }

    pub(crate) fn chunks(&self) -> usize {
        self.in_use
    }

    /// What reads the records.
    #[inline]
    pub(crate) fn records(&self) -> Records<'_> {
        // SAFETY: locations come from `append`, and chunks are released by `&mut self` only.
        unsafe { Records::new(&self.memory) }
    }

    #[inline]
    pub(crate) fn record(&self, location: Location) -> Option<Record<'_>> {
        self.records().record(location)
    }

    /// The key of a record. A location always has one; nothing is read otherwise.
    #[inline]
    pub(crate) fn key(&self, location: Location) -> &[u8] {
        self.records().key(location)
    }

    pub(crate) fn append(&mut self, record: &Record<'_>) -> Location {
        let size = record.size();
        let (number, chunk) = self.room(size);
        let offset = chunk.used;
        if let Some(expires_at) = record.expires_at {
            chunk.next_expiry = chunk.next_expiry.min(expires_at);
        }
        // SAFETY: the chunk has room for the record behind all that was appended before, of which alone others know.
        unsafe { record.write(chunk.start.add(offset)) };
        chunk.used += size;
        chunk.live += size;
        self.live_bytes += size;
        Location::new(number, offset)
    }

    /// A copy of a record at the head, for evacuation.
    pub(crate) fn append_copy(&mut self, from: Location) -> Option<Location> {
        let memory = Arc::clone(&self.memory);
        // SAFETY: as in `records`; appending releases no chunk.
        let record = unsafe { Records::new(&memory) }.record(from)?;
        Some(self.append(&record))
    }

    /// The chunk that a record of `size` bytes is appended to.
    #[inline]
    fn room(&mut self, size: usize) -> (u32, &mut Chunk) {
        let fits = |chunk: &Chunk| chunk.length - chunk.used >= size;
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
        let (number, start) = self.memory.open(length);
        self.memory_bytes += length;
        self.in_use += 1;
        let serial = self.next_serial;
        self.next_serial += 1;
        if self.chunks.len() <= number as usize {
            self.chunks.resize_with(number as usize + 1, Chunk::free);
        }
        if let Some(chunk) = self.chunks.get_mut(number as usize) {
            *chunk = Chunk { start, length, used: 0, live: 0, serial, next_expiry: u64::MAX, state };
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
        // What was in a retired chunk has been counted already, all of it.
        if !self.can_restore(location) {
            return;
        }
        let Some(size) = self.record(location).map(|record| record.size()) else { return };
        let Some(chunk) = self.chunks.get_mut(location.chunk()) else { return };
        chunk.live -= size;
        self.live_bytes -= size;
        if chunk.state != State::Head {
            self.judge(location.chunk() as u32);
        }
    }

    /// Retires a sealed chunk without live bytes, and notes one with few.
    fn judge(&mut self, number: u32) {
        let Some(chunk) = self.chunks.get_mut(number as usize) else { return };
        if chunk.live == 0 && !matches!(chunk.state, State::Free | State::Retired | State::Head) {
            chunk.state = State::Retired;
            self.moment += 1;
            self.retired_bytes += chunk.length;
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
        let length = std::mem::replace(chunk, Chunk::free()).length;
        self.memory.release(number);
        self.in_use -= 1;
        self.memory_bytes -= length;
        self.retired_bytes -= length;
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
        if walk.offset >= chunk.used {
            return None;
        }
        let location = Location::new(walk.chunk.number, walk.offset);
        let record = self.record(location)?;
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
            start: NonNull::dangling(),
            length: 0,
            used: 0,
            live: 0,
            serial: u64::MAX,
            next_expiry: u64::MAX,
            state: State::Free,
        }
    }
}

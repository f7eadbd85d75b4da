//! What the integration tests share: a store in a temporary folder behind faulty files, and a replay that records.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

pub mod compacting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hit_core::{ErrorCode, KeyRange, Operation, Result};
use hit_log::{Folder, Frame, Lock, LockFile, Log, LogOptions, Replay, ReplayedFrame, SystemFiles};
use hit_testkit::FaultyFiles;
use tempfile::TempDir;

/// Where a segment's first frame begins.
pub const SEGMENT_HEADER_BYTES: usize = 96;

/// An operation that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    Set(Vec<u8>, Vec<u8>, Option<u64>),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Option<Vec<u8>>),
}

impl Written {
    pub fn set(key: &str, value: &str) -> Self {
        Self::Set(key.into(), value.into(), None)
    }

    pub fn operation(&self) -> Operation<'_> {
        match self {
            Self::Set(key, value, expires_at) => Operation::Set { key, value, expires_at: *expires_at },
            Self::Delete(key) => Operation::Delete { key },
            Self::DeleteRange(start, end) => {
                Operation::DeleteRange { range: KeyRange { start, end: end.as_deref() } }
            }
        }
    }
}

impl From<Operation<'_>> for Written {
    fn from(operation: Operation<'_>) -> Self {
        match operation {
            Operation::Set { key, value, expires_at } => Self::Set(key.into(), value.into(), expires_at),
            Operation::Delete { key } => Self::Delete(key.into()),
            Operation::DeleteRange { range } => {
                Self::DeleteRange(range.start.into(), range.end.map(<[u8]>::to_vec))
            }
        }
    }
}

/// Records what a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub operations: Vec<Written>,
    /// How many operations each frame had.
    pub frames: Vec<usize>,
    /// The sequence number of each.
    pub sequences: Vec<u64>,
    pub reserved: Option<u64>,
    /// With which sequence numbers the files begin.
    pub first_sequences: Vec<u64>,
}

impl Replay for Recorded {
    fn begin(&mut self, first_sequences: &[u64], operations: u64) {
        assert_eq!(self.reserved.replace(operations), None, "begun twice");
        self.first_sequences = first_sequences.to_vec();
    }

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        let operations = frame.operations();
        self.frames.push(operations.len());
        for (sequence, operation) in operations {
            assert!(self.sequences.last().is_none_or(|&last| last < sequence), "{sequence} comes too late");
            self.sequences.push(sequence);
            self.operations.push(operation.into());
        }
        Ok(())
    }
}

/// A frame of operations.
pub fn frame(operations: &[Written]) -> Frame {
    let mut frame = Frame::new();
    for operation in operations {
        frame.push(&operation.operation()).unwrap();
    }
    frame
}

/// One frame with one small set.
pub fn one(key: &str, value: &str) -> Frame {
    frame(&[Written::set(key, value)])
}

/// An open log and its lock, released after it.
pub struct Open {
    pub log: Log,
    pub lock: Lock,
    pub recorded: Recorded,
}

impl Open {
    pub fn append(&mut self, frame: Frame) -> Result<()> {
        if self.log.is_full() {
            self.log.seal()?;
        }
        self.log.append(&mut [frame])
    }

    /// Appends one small set and syncs it.
    pub fn write(&mut self, key: &str, value: &str) {
        self.append(one(key, value)).unwrap();
        self.log.sync().unwrap();
    }

    pub fn close(self) -> Result<()> {
        self.log.close()
    }

    pub fn keys(&self) -> Vec<String> {
        keys(&self.recorded.operations)
    }
}

pub fn keys(operations: &[Written]) -> Vec<String> {
    operations
        .iter()
        .map(|operation| match operation {
            Written::Set(key, ..) | Written::Delete(key) | Written::DeleteRange(key, _) => {
                String::from_utf8(key.clone()).unwrap()
            }
        })
        .collect()
}

/// A store in a folder of its own.
pub struct Store {
    pub root: TempDir,
    pub files: Arc<FaultyFiles>,
    pub options: LogOptions,
}

impl Store {
    pub fn new() -> Self {
        let files = FaultyFiles::new(Arc::new(SystemFiles));
        files.ignore_syncs();
        Self { root: root(), files, options: LogOptions::default() }
    }

    /// With segments that are sealed at so many bytes.
    pub fn with_segments_of(segment_bytes: u64) -> Self {
        Self { options: LogOptions { segment_bytes }, ..Self::new() }
    }

    /// A new store with what is in the folder of another one.
    pub fn copy_of(content: &Content, options: LogOptions) -> Self {
        let store = Self { options, ..Self::new() };
        store.put(content);
        store
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("store")
    }

    pub fn log_path(&self, name: &str) -> PathBuf {
        self.path().join("log").join(name)
    }

    pub fn folder(&self) -> Result<Folder> {
        Folder::open(self.files.clone(), &self.path(), "file", true)
    }

    pub fn try_open(&self) -> Result<Open> {
        let folder = self.folder()?;
        let lock = LockFile::open(&folder)?.acquire()?;
        let mut recorded = Recorded::default();
        let log = Log::open(&folder, &lock, self.options, &mut recorded)?;
        Ok(Open { log, lock, recorded })
    }

    pub fn open(&self) -> Open {
        self.try_open().unwrap()
    }

    /// Opens, which must be refused with `code`, and checks that nothing in the folder has changed.
    pub fn refuses(&self, code: ErrorCode) -> String {
        let before = self.content();
        let error = self.try_open().err().expect("the store opened");
        assert_eq!(error.code(), code, "{error}");
        assert!(self.content() == before, "the folder was changed");
        error.message().to_owned()
    }

    /// Everything in the folder, except for the lock and its owner.
    pub fn content(&self) -> Content {
        let mut content = Content::new();
        collect(&self.path(), "", &mut content);
        content.retain(|name, _| !["hitkv.lock", "OWNER"].contains(&name.as_str()));
        content
    }

    /// Puts `content` in the place of what is in the folder.
    pub fn put(&self, content: &Content) {
        let _ = fs::remove_dir_all(self.path());
        for (name, bytes) in content {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.log_path(name)).unwrap()
    }

    pub fn replace(&self, name: &str, bytes: &[u8]) {
        fs::write(self.log_path(name), bytes).unwrap();
    }

    pub fn log_names(&self) -> Vec<String> {
        self.content().keys().filter_map(|name| name.strip_prefix("log/")).map(str::to_owned).collect()
    }
}

/// A temporary folder, in memory where the system offers that: thousands of small files are made.
fn root() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Names and bytes of a folder.
pub type Content = BTreeMap<String, Vec<u8>>;

fn collect(folder: &Path, prefix: &str, content: &mut Content) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), content);
        } else {
            content.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

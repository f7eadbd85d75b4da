use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hit_log::OpenMode;

use super::content::{Change, PAGE_BYTES};
use super::node::{FileNode, FolderNode, NameChange, Node};

/// The node of the root folder.
pub(super) const ROOT: u64 = 1;

/// Everything on a disk. A copy shares what is not changed afterwards.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) device: u64,
    pub(super) nodes: BTreeMap<u64, Arc<Node>>,
    pub(super) next_node: u64,
    pub(super) next_handle: u64,
    /// Grows with everything that a power loss could tell apart.
    pub(super) changes: u64,
    pub(super) capacity_bytes: Option<u64>,
}

impl State {
    /// An empty disk. Each has another device number, so that a store on one is never taken for one on another.
    pub(super) fn new() -> Self {
        static DEVICES: AtomicU64 = AtomicU64::new(1 << 40);
        Self {
            device: DEVICES.fetch_add(1, Ordering::Relaxed),
            nodes: BTreeMap::from([(ROOT, Arc::new(Node::Folder(FolderNode::default())))]),
            next_node: ROOT + 1,
            next_handle: 1,
            changes: 0,
            capacity_bytes: None,
        }
    }

    pub(super) fn node(&mut self, node: u64) -> io::Result<&mut Node> {
        self.nodes.get_mut(&node).map(Arc::make_mut).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn file(&mut self, node: u64) -> io::Result<&mut FileNode> {
        self.node(node)?.as_file()
    }

    pub(super) fn folder(&mut self, node: u64) -> io::Result<&mut FolderNode> {
        self.node(node)?.as_folder()
    }

    /// The node at a path.
    pub(super) fn find(&mut self, path: &Path) -> io::Result<u64> {
        let mut node = ROOT;
        for component in path.components() {
            if let Component::Normal(name) = component {
                node = *self.folder(node)?.now.get(name).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(node)
    }

    /// The folder and the name that a path ends with.
    fn parent<'p>(&mut self, path: &'p Path) -> io::Result<(u64, &'p OsStr)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.find(path.parent().unwrap_or(Path::new("")))?;
        self.folder(folder)?;
        Ok((folder, name))
    }

    fn named(&mut self, folder: u64, name: &OsStr) -> io::Result<Option<u64>> {
        Ok(self.folder(folder)?.now.get(name).copied())
    }

    /// Opens a file: its node and a number of this open file.
    pub(super) fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<(u64, u64)> {
        let (folder, name) = self.parent(path)?;
        let node = match (self.named(folder, name)?, mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(node), _) => node,
            (None, OpenMode::Read) => return Err(io::ErrorKind::NotFound.into()),
            (None, _) => self.add(folder, name, Node::File(FileNode::default()))?,
        };
        self.file(node)?.open += 1;
        self.next_handle += 1;
        Ok((node, self.next_handle))
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        match self.named(folder, name)? {
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            None => self.add(folder, name, Node::Folder(FolderNode::default())).map(drop),
        }
    }

    fn add(&mut self, folder: u64, name: &OsStr, node: Node) -> io::Result<u64> {
        let number = self.next_node;
        self.next_node += 1;
        self.nodes.insert(number, Arc::new(node));
        self.change_names(folder, NameChange::Add { name: name.into(), node: number })?;
        Ok(number)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (folder, from) = self.parent(from)?;
        let (target, to) = self.parent(to)?;
        if folder != target {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let node = self.named(folder, from)?.ok_or(io::ErrorKind::NotFound)?;
        match self.named(folder, to)? {
            Some(other) if other == node => return Ok(()),
            Some(other) => self.file(other)?.names -= 1,
            None => {}
        }
        self.change_names(folder, NameChange::Rename { from: from.into(), to: to.into(), node })
    }

    pub(super) fn link(&mut self, existing: &Path, new: &Path) -> io::Result<()> {
        let node = self.find(existing)?;
        self.file(node)?;
        let (folder, name) = self.parent(new)?;
        match self.named(folder, name)? {
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            None => self.change_names(folder, NameChange::Add { name: name.into(), node }),
        }
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        let node = self.named(folder, name)?.ok_or(io::ErrorKind::NotFound)?;
        self.file(node)?.names -= 1;
        self.change_names(folder, NameChange::Remove { name: name.into(), node })
    }

    fn change_names(&mut self, folder: u64, change: NameChange) -> io::Result<()> {
        self.changes += 1;
        let order = self.changes;
        if let NameChange::Add { node, .. } = change
            && let Node::File(file) = self.node(node)?
        {
            file.names += 1;
        }
        self.folder(folder)?.change(order, change);
        Ok(())
    }

    pub(super) fn list(&mut self, path: &Path) -> io::Result<Vec<OsString>> {
        let folder = self.find(path)?;
        Ok(self.folder(folder)?.now.keys().cloned().collect())
    }

    pub(super) fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        let folder = self.find(path)?;
        self.changes += 1;
        self.folder(folder)?.sync();
        Ok(())
    }

    /// Writes as much as there is room for, or fails where there is none.
    pub(super) fn write(&mut self, node: u64, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut length = bytes.len();
        if let Some(free) = self.free_bytes() {
            let file = self.file(node)?;
            let taken = file.taken_bytes();
            let mut wider = file.clone();
            wider.now.write(bytes, offset);
            if wider.taken_bytes() - taken > free {
                // What is left of a page that is there already, or of the free ones.
                let room = free / PAGE_BYTES * PAGE_BYTES + (PAGE_BYTES - offset % PAGE_BYTES) % PAGE_BYTES;
                length = length.min(usize::try_from(room).unwrap_or(usize::MAX));
            }
        }
        match bytes.get(..length) {
            Some([]) if !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
            written => {
                let bytes = written.unwrap_or_default().into();
                self.change_file(node, Change::Write { offset, bytes })?;
                Ok(length)
            }
        }
    }

    pub(super) fn allocate(&mut self, node: u64, bytes: u64) -> io::Result<()> {
        if let Some(free) = self.free_bytes() {
            let file = self.file(node)?;
            let taken = file.taken_bytes();
            let mut wider = file.clone();
            wider.allocated = wider.allocated.max(bytes);
            if wider.taken_bytes() - taken > free {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        self.change_file(node, Change::Allocate(bytes))
    }

    pub(super) fn change_file(&mut self, node: u64, change: Change) -> io::Result<()> {
        self.changes += 1;
        self.file(node)?.change(change);
        Ok(())
    }

    pub(super) fn close(&mut self, node: u64, handle: u64) {
        let Ok(file) = self.file(node) else { return };
        file.open -= 1;
        if file.locked_by == Some(handle) {
            file.locked_by = None;
        }
    }

    /// What a limit leaves; `None` without one.
    fn free_bytes(&self) -> Option<u64> {
        self.capacity_bytes.map(|capacity| capacity.saturating_sub(self.taken_bytes()))
    }

    pub(super) fn taken_bytes(&self) -> u64 {
        let files = self.nodes.values().filter_map(|node| match &**node {
            Node::File(file) => Some(file.taken_bytes()),
            Node::Folder(_) => None,
        });
        files.sum()
    }
}

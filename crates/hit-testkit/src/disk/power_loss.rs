//! What a disk holds after the power has failed. The model is in `disk.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use super::content::{Change, Content};
use super::node::{FileNode, FolderNode, NameChange, Names, Node};
use super::state::{ROOT, State};

/// A disk writes a sector whole, if it keeps what it says; some do not.
const SECTOR_BYTES: u64 = 512;

/// The disk that is found after a power loss.
pub(super) fn after(state: &State, seed: u64) -> State {
    let mut rng = Rng::with_seed(seed);
    let kept = KeptNames::choose(state, &mut rng);
    let mut found =
        State { next_node: state.next_node, capacity_bytes: state.capacity_bytes, ..State::new() };
    let mut reached = vec![ROOT];
    found.nodes.clear();
    while let Some(number) = reached.pop() {
        let Some(node) = state.nodes.get(&number).filter(|_| !found.nodes.contains_key(&number)) else {
            continue;
        };
        let node = match &**node {
            Node::Folder(folder) => {
                let names = kept.names(folder, &mut rng);
                reached.extend(names.values());
                Node::Folder(FolderNode { now: names.clone(), durable: names, ..FolderNode::default() })
            }
            Node::File(file) => {
                let content = content(file, &mut rng);
                let allocated = file.allocated.min(content.size());
                Node::File(FileNode {
                    now: content.clone(),
                    durable: content,
                    allocated,
                    ..FileNode::default()
                })
            }
        };
        found.nodes.insert(number, Arc::new(node));
    }
    count_names(&mut found);
    found
}

/// The disk as the next program finds it after the death of the one that used it.
pub(super) fn after_kill(state: &State) -> State {
    let mut found = State { device: State::new().device, ..state.clone() };
    for node in found.nodes.values_mut() {
        if let Node::File(file) = Arc::make_mut(node) {
            file.locked_by = None;
            file.open = 0;
        }
    }
    found
}

/// What of a file is on the disk when its last changes were not synced, as if each could be there or not.
pub(super) fn content(file: &FileNode, rng: &mut Rng) -> Content {
    let mut content = file.durable.clone();
    let Some(last) = file.pending.len().checked_sub(1) else { return content };
    match rng.u8(..6) {
        0 => {}
        1 => file.pending.iter().for_each(|change| content.apply(change)),
        // In order, the last one cut anywhere.
        2 => {
            let reached = rng.usize(..=last);
            file.pending.iter().take(reached).for_each(|change| content.apply(change));
            match file.pending.get(reached) {
                Some(Change::Write { offset, bytes }) => {
                    let cut = rng.usize(..=bytes.len());
                    content.write(bytes.get(..cut).unwrap_or_default(), *offset);
                }
                Some(change) if rng.bool() => content.apply(change),
                _ => {}
            }
        }
        // Each change or not, whatever came before it.
        3 => file.pending.iter().filter(|_| rng.bool()).for_each(|change| content.apply(change)),
        // Each sector of each change or not; most of them are kept, or most are lost.
        mode => {
            let mostly = if mode == 4 { 15 } else { 1 };
            file.pending.iter().for_each(|change| apply_sectors(change, &mut content, mostly, rng));
        }
    }
    // Lengths have a life of their own: the last one, one of before, or what the kept writes say.
    if rng.u8(..3) == 0 {
        let length = if rng.bool() { file.now.size() } else { file.durable.size() };
        content.set_size(length);
    }
    content
}

/// Keeps `of_16` of sixteen sectors. One in eight is torn inside.
fn apply_sectors(change: &Change, content: &mut Content, of_16: u8, rng: &mut Rng) {
    let Change::Write { offset, bytes } = change else {
        if rng.bool() {
            content.apply(change);
        }
        return;
    };
    let (mut at, mut rest) = (*offset, &**bytes);
    while !rest.is_empty() {
        let length = ((SECTOR_BYTES - at % SECTOR_BYTES) as usize).min(rest.len());
        let (sector, behind) = rest.split_at(length);
        if rng.u8(..16) < of_16 {
            let whole = rng.u8(..8) > 0;
            let kept = if whole { length } else { rng.usize(..=length) };
            content.write(sector.get(..kept).unwrap_or_default(), at);
        }
        at += length as u64;
        rest = behind;
    }
}

/// Which changes of names have reached the disk.
enum KeptNames {
    /// All up to this one, in all folders: a journal that is written in order.
    To(u64),
    /// In each folder all up to one of its own.
    FolderByFolder,
    /// Any.
    Any,
}

impl KeptNames {
    fn choose(state: &State, rng: &mut Rng) -> Self {
        match rng.u8(..3) {
            0 => {
                let mut pending: Vec<_> = state.nodes.values().flat_map(|node| orders(node)).collect();
                pending.sort_unstable();
                let kept = rng.usize(..=pending.len());
                Self::To(kept.checked_sub(1).and_then(|last| pending.get(last).copied()).unwrap_or(0))
            }
            1 => Self::FolderByFolder,
            _ => Self::Any,
        }
    }

    fn names(&self, folder: &FolderNode, rng: &mut Rng) -> Names {
        let mut names = folder.durable.clone();
        let mut keep = |changes: &mut dyn Iterator<Item = &(u64, NameChange)>| {
            changes.for_each(|(_, change)| change.apply(&mut names));
        };
        let pending = folder.pending.iter();
        match self {
            Self::To(last) => keep(&mut pending.take_while(|(order, _)| order <= last)),
            Self::FolderByFolder => keep(&mut pending.take(rng.usize(..=folder.pending.len()))),
            Self::Any => keep(&mut pending.filter(|_| rng.bool())),
        }
        names
    }
}

fn orders(node: &Node) -> Vec<u64> {
    match node {
        Node::Folder(folder) => folder.pending.iter().map(|(order, _)| *order).collect(),
        Node::File(_) => Vec::new(),
    }
}

fn count_names(state: &mut State) {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for node in state.nodes.values() {
        if let Node::Folder(folder) = &**node {
            folder.now.values().for_each(|number| *counts.entry(*number).or_default() += 1);
        }
    }
    for (number, names) in counts {
        if let Ok(file) = state.file(number) {
            file.names = names;
        }
    }
}

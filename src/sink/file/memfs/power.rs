//! What a power failure leaves of the file system in memory.

use std::path::{Path, PathBuf};

use rand::{Rng, RngExt as _};

use super::{Content, Disk, MemFs};

/// A disk writes so many bytes as a whole, or not at all.
const SECTOR: usize = 512;

impl MemFs {
    /// The power fails: what was never confirmed is gone, and so is every lock.
    pub(crate) fn crash(&self) {
        let mut disk = self.disk.lock();
        disk.names = disk.durable_names.clone();
        for content in disk.files.values_mut() {
            content.bytes.clone_from(&content.durable);
        }
        disk.power_off();
    }

    /// The power fails, and the disk had written any part of what was not confirmed: any sectors, in any order, a file's
    /// length before or behind them, names that were made since their directory was synced. What it never got reads as
    /// zeros. Removed names come back, the latest first.
    pub(in super::super) fn crash_torn(&self, random: &mut impl Rng) {
        let mut disk = self.disk.lock();
        // How much survives is decided for the whole disk, so that nearly all and nearly nothing come about too.
        let survives = [0.1, 0.5, 0.9, 1.0][random.random_range(0..4)];
        let mut names = disk.durable_names.clone();
        for (path, inode) in &disk.names {
            if !names.contains_key(path) && random.random_bool(0.5) {
                names.insert(path.clone(), *inode);
            }
        }
        let gone = random.random_range(0..=disk.removed.len());
        for (path, _) in &disk.removed[..gone] {
            names.remove(path);
        }
        disk.names = names;
        for content in disk.files.values_mut() {
            content.bytes = torn(content, survives, random);
        }
        disk.power_off();
    }

    /// The names in a directory.
    pub(in super::super) fn names_in(&self, dir: &Path) -> Vec<String> {
        let disk = self.disk.lock();
        let inside = disk.names.keys().filter(|path| path.parent() == Some(dir));
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        inside.map(name).collect()
    }

    /// Cuts a file, as nobody may.
    pub(in super::super) fn cut(&self, path: &Path, len: usize) {
        let mut disk = self.disk.lock();
        let inode = disk.names[path];
        let content = disk.files.get_mut(&inode).unwrap();
        content.bytes.truncate(len);
        content.durable.truncate(len);
        content.dirty = content.dirty.min(len);
    }

    /// Moves a file to another name, as nobody may.
    pub(in super::super) fn move_away(&self, from: &Path, to: PathBuf) {
        let mut disk = self.disk.lock();
        let inode = disk.names.remove(from).unwrap();
        disk.names.insert(to, inode);
    }

    /// Waits until every sync that has begun has ended.
    pub(in super::super) fn until_idle(&self) {
        let is_idle = || {
            let disk = self.disk.lock();
            disk.synced == disk.syncs
        };
        while !is_idle() {
            std::thread::yield_now();
        }
    }
}

impl Disk {
    /// What is there now is what the disk has.
    fn power_off(&mut self) {
        self.durable_names = self.names.clone();
        for content in self.files.values_mut() {
            content.durable.clone_from(&content.bytes);
            content.dirty = content.bytes.len();
            content.cuts.clear();
        }
        self.removed.clear();
        self.locks.clear();
        self.fault = None;
        self.crashes += 1;
    }
}

/// A file of which the disk had written any part of what was not confirmed.
fn torn(content: &Content, survives: f64, random: &mut impl Rng) -> Vec<u8> {
    let (old, new) = (&content.durable, &content.bytes);
    if old == new {
        return old.clone();
    }
    let len = match random.random_range(0..4) {
        0 => old.len(),
        1 => random.random_range(old.len()..=new.len()),
        _ => new.len(),
    };
    let mut left = old.clone();
    left.resize(len, 0);
    for from in (0..len).step_by(SECTOR) {
        let to = len.min(from + SECTOR);
        if left[from..to] == new[from..to] || !random.random_bool(survives) {
            continue;
        }
        // A sector that several writes added to is written as it was after one of them.
        let cuts: Vec<usize> = content
            .cuts
            .iter()
            .copied()
            .filter(|cut| (from..to).contains(cut))
            .collect();
        let until = match random.random_range(0..=cuts.len()) {
            0 => to,
            at => cuts[at - 1],
        };
        left[from..until].copy_from_slice(&new[from..until]);
    }
    left
}

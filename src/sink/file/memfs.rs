//! A file system in memory whose calls fail when a test says so, and whose power can fail (`power.rs`).

mod fault;
mod gate;
mod power;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

pub(crate) use self::fault::Fault;
use super::fs::{Access, Fs, FsFile, FsLock, Kind, LockError, Meta};
use super::space::Space;

#[derive(Debug, Clone, Default)]
pub(crate) struct MemFs {
    disk: Arc<Mutex<Disk>>,
    gate: Arc<Gate>,
}

/// Where syncs of a second thread stand while a test holds it.
#[derive(Debug, Default)]
struct Gate {
    /// Whether it is shut, and how many stand in it.
    state: Mutex<(bool, u64)>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Disk {
    names: BTreeMap<PathBuf, u64>,
    /// Names that survive a power failure.
    durable_names: BTreeMap<PathBuf, u64>,
    dirs: HashSet<PathBuf>,
    files: BTreeMap<u64, Content>,
    locks: HashSet<u64>,
    inodes: u64,
    calls: u64,
    /// Calls from the first to before the second number fail.
    fault: Option<(u64, u64, Fault)>,
    hit: bool,
    /// What the next sync of a segment meets.
    next_sync: Option<Fault>,
    dir_mode: u32,
    /// A path where nothing can be created.
    blocked: Option<PathBuf>,
    syncs: u64,
    /// Syncs of files that have ended.
    synced: u64,
    /// Names that were removed since their directory was synced, in order.
    removed: Vec<(PathBuf, u64)>,
    /// Power failures; a sync that one comes in the way of does nothing.
    crashes: u64,
    forgotten: u64,
    /// Free and used bytes, where a test says so.
    space: Option<Space>,
}

/// A file's bytes as programs see them, and as the disk has them.
#[derive(Debug, Default, Clone)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Where the bytes begin that the next sync will write.
    dirty: usize,
    /// Where each write that was not confirmed ended.
    cuts: Vec<usize>,
}

#[derive(Debug)]
struct MemFile {
    disk: Arc<Mutex<Disk>>,
    gate: Arc<Gate>,
    inode: u64,
    /// How many power failures there were before it was opened. Whoever holds it does not outlive the next one.
    life: u64,
}

#[derive(Debug)]
struct MemLock(MemFile);

impl MemFs {
    /// Lets the `nth` call from now on, and `count - 1` behind it, fail.
    pub(crate) fn fail(&self, nth: u64, count: u64, fault: Fault) {
        let mut disk = self.disk.lock();
        disk.hit = false;
        disk.fault = Some((disk.calls + nth, disk.calls + nth + count, fault));
    }

    /// Lets the next sync of a segment fail, and none behind it nor of another file.
    pub(crate) fn fail_one_sync(&self, fault: Fault) {
        self.disk.lock().next_sync = Some(fault);
    }

    pub(crate) fn heal(&self) {
        self.disk.lock().fault = None;
    }

    /// Lets nothing be created at a path, until [`Self::unblock`].
    pub(crate) fn block(&self, path: &Path) {
        self.disk.lock().blocked = Some(path.to_owned());
    }

    pub(crate) fn unblock(&self) {
        self.disk.lock().blocked = None;
    }

    /// Says how much room there is.
    pub(crate) fn room(&self, free: u64, used: u64) {
        self.disk.lock().space = Some(Space { free, used });
    }

    /// Lets syncs begin and not end, until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.gate.state.lock().0 = true;
    }

    /// Lets syncs end.
    pub(crate) fn release(&self) {
        self.gate.state.lock().0 = false;
        self.gate.moved.notify_all();
    }

    /// Waits until a sync has begun and is held.
    pub(crate) fn until_held(&self) {
        let mut state = self.gate.state.lock();
        while !state.0 || state.1 == 0 {
            self.gate.moved.wait(&mut state);
        }
    }

    /// Waits until so many bytes were let go of.
    pub(super) fn until_forgotten(&self, bytes: u64) {
        while self.disk.lock().forgotten < bytes {
            std::thread::yield_now();
        }
    }

    /// Whether a fault came to pass since it was set.
    pub(super) fn hit(&self) -> bool {
        self.disk.lock().hit
    }

    pub(super) fn syncs(&self) -> u64 {
        self.disk.lock().syncs
    }

    pub(super) fn dir_mode(&self, mode: u32) {
        self.disk.lock().dir_mode = mode;
    }

    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut disk = self.disk.lock();
        disk.inodes += 1;
        let inode = disk.inodes;
        let content = Content {
            bytes: bytes.to_vec(),
            durable: bytes.to_vec(),
            dirty: bytes.len(),
            cuts: Vec::new(),
        };
        disk.files.insert(inode, content);
        disk.names.insert(path.to_owned(), inode);
        disk.durable_names.insert(path.to_owned(), inode);
    }

    pub(crate) fn get(&self, path: &Path) -> Vec<u8> {
        let disk = self.disk.lock();
        disk.files[&disk.names[path]].bytes.clone()
    }

    /// Somebody removes a file.
    pub(crate) fn delete(&self, path: &Path) {
        self.disk.lock().names.remove(path).unwrap();
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let disk = self.disk.lock();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        disk.names.keys().map(name).collect()
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Enospc => io::ErrorKind::StorageFull.into(),
            Self::Erofs => io::ErrorKind::ReadOnlyFilesystem.into(),
            Self::Edquot => io::ErrorKind::QuotaExceeded.into(),
            Self::Emfile => io::Error::other("too many open files"),
            Self::Eacces => io::ErrorKind::PermissionDenied.into(),
            Self::Eintr => io::ErrorKind::Interrupted.into(),
            _ => io::Error::other("input/output error"),
        }
    }
}

impl Disk {
    /// Counts the call and says whether it fails.
    fn call(&mut self) -> Option<Fault> {
        self.calls += 1;
        let at = self.calls;
        let fault = self
            .fault
            .filter(|(from, to, _)| (*from..*to).contains(&at))
            .map(|(_, _, fault)| fault);
        self.hit |= fault.is_some();
        fault
    }

    fn of_segment(&mut self, inode: u64) -> Option<Fault> {
        let (path, _) = self.names.iter().find(|(_, of)| **of == inode)?;
        (path.extension()? == "jsonl").then(|| self.next_sync.take())?
    }

    fn plain(&mut self) -> io::Result<()> {
        match self.call() {
            None | Some(Fault::Sync | Fault::Zeros) => Ok(()),
            Some(fault) => Err(fault.error()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        let parent = path.parent().unwrap();
        if self.names.contains_key(parent) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&mut self, path: &Path) -> io::Result<u64> {
        if !self.dirs.contains(path.parent().unwrap()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.blocked.as_deref() == Some(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.inodes += 1;
        self.names.insert(path.to_owned(), self.inodes);
        self.files.insert(self.inodes, Content::default());
        Ok(self.inodes)
    }

    fn meta(&self, inode: u64) -> Meta {
        Meta {
            kind: Kind::File,
            len: self.files[&inode].bytes.len() as u64,
            id: Some((0, inode)),
            links: self.names.values().filter(|there| **there == inode).count() as u64,
            mode: 0o600,
        }
    }
}

impl FsFile for MemFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        let count = match disk.call() {
            None => bytes.len(),
            Some(Fault::Sync | Fault::Zeros) => bytes.len(),
            Some(Fault::Short) => bytes.len() / 2,
            Some(fault) => return Err(fault.error()),
        };
        let content = disk.files.get_mut(&self.inode).unwrap();
        content.bytes.extend_from_slice(&bytes[..count]);
        content.cuts.push(content.bytes.len());
        Ok(count)
    }

    /// What is written while it is held is not its business: a sync promises nothing for it.
    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        if disk.crashes != self.life {
            return Err(io::Error::other("the power failed"));
        }
        disk.syncs += 1;
        let fault = disk.call().or_else(|| disk.of_segment(self.inode));
        let content = disk.files.get_mut(&self.inode).unwrap();
        let from = content.dirty;
        content.dirty = content.bytes.len();
        let to = content.dirty;
        drop(disk);
        self.gate.pass();
        let mut disk = self.disk.lock();
        disk.synced += 1;
        if disk.crashes != self.life {
            return Err(io::Error::other("the power failed"));
        }
        let content = disk.files.get_mut(&self.inode).unwrap();
        if let Some(fault) = fault {
            if fault == Fault::Zeros {
                content.bytes[from..].fill(0);
            }
            // The pages are clean from now on although the disk may never have got them.
            return Err(fault.error());
        }
        content.durable.resize(from, 0);
        content.durable.extend_from_slice(&content.bytes[from..to]);
        content.cuts.retain(|cut| *cut > to);
        Ok(())
    }

    fn meta(&self) -> io::Result<Meta> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        Ok(disk.meta(self.inode))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let bytes = &disk.files[&self.inode].bytes;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn forget(&self, from: u64, to: u64) {
        let mut disk = self.disk.lock();
        disk.forgotten += to - from;
        let durable = disk.files[&self.inode].durable.len() as u64;
        assert!(
            from < to && to <= durable,
            "only what is on disk may be let go of"
        );
    }
}

impl MemFs {
    fn file(&self, inode: u64, life: u64) -> Box<dyn FsFile> {
        Box::new(self.open(inode, life))
    }

    fn open(&self, inode: u64, life: u64) -> MemFile {
        MemFile {
            disk: Arc::clone(&self.disk),
            gate: Arc::clone(&self.gate),
            inode,
            life,
        }
    }
}

impl Fs for MemFs {
    // Not a call that can fail: the tables of faults number the calls that write.
    fn space(&self, _dir: &Path) -> io::Result<Option<Space>> {
        Ok(self.disk.lock().space)
    }

    fn create_dir(&self, path: &Path, _access: Access) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        for ancestor in path.ancestors() {
            disk.dirs.insert(ancestor.to_owned());
        }
        Ok(())
    }

    fn create_new(&self, path: &Path, _access: Access) -> io::Result<Box<dyn FsFile>> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let inode = disk.create(path)?;
        Ok(self.file(inode, disk.crashes))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let inode = disk.find(path)?;
        Ok(self.file(inode, disk.crashes))
    }

    fn renew(&self, path: &Path, from: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let inode = disk.find(path)?;
        let content = disk.files.get_mut(&inode).unwrap();
        content.dirty = content.dirty.min(from as usize);
        Ok(())
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let inode = disk.find(path)?;
        let bytes = &disk.files[&inode].bytes;
        Ok(bytes[..bytes.len().min(limit as usize)].to_vec())
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        self.open_append(path)
    }

    fn meta(&self, path: &Path) -> io::Result<Meta> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        if disk.dirs.contains(path) {
            let mode = if disk.dir_mode == 0 { 0o700 } else { disk.dir_mode };
            return Ok(Meta {
                kind: Kind::Dir,
                len: 0,
                id: Some((0, 0)),
                links: 1,
                mode,
            });
        }
        let inode = disk.find(path)?;
        Ok(disk.meta(inode))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        if !disk.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = disk.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let inode = disk.find(path)?;
        disk.names.remove(path);
        disk.removed.push((path.to_owned(), inode));
        Ok(())
    }

    fn erase(&self, path: &Path, new: Option<&Path>) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let old = disk.find(path)?;
        let new_inode = new.map(|new| disk.find(new)).transpose()?;
        disk.names.remove(path);
        disk.durable_names.remove(path);
        if let (Some(new), Some(inode)) = (new, new_inode) {
            disk.names.remove(new);
            disk.durable_names.remove(new);
            disk.names.insert(path.to_owned(), inode);
            disk.durable_names.insert(path.to_owned(), inode);
        }
        let old = disk.files.get_mut(&old).unwrap();
        old.bytes.fill(0);
        old.durable.fill(0);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let inode = disk.find(from)?;
        disk.names.remove(from);
        disk.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.plain()?;
        let names = disk.names.clone();
        disk.removed.retain(|(path, _)| path.parent() != Some(dir));
        disk.durable_names.retain(|path, _| path.parent() != Some(dir));
        disk.durable_names
            .extend(names.into_iter().filter(|(path, _)| path.parent() == Some(dir)));
        Ok(())
    }

    fn lock(&self, path: &Path, _access: Access, holder: &str) -> Result<Box<dyn FsLock>, LockError> {
        let mut disk = self.disk.lock();
        disk.plain().map_err(LockError::Io)?;
        let inode = match disk.find(path) {
            Ok(inode) => inode,
            Err(_) => disk.create(path).map_err(LockError::Io)?,
        };
        if disk.locks.contains(&inode) {
            return Err(LockError::Held(
                String::from_utf8(disk.files[&inode].bytes.clone()).unwrap(),
            ));
        }
        disk.files.get_mut(&inode).unwrap().bytes = holder.as_bytes().to_vec();
        disk.locks.insert(inode);
        Ok(Box::new(MemLock(self.open(inode, disk.crashes))))
    }
}

//! The file system as the file sink needs it, so that tests can let any call fail.

use std::fmt;
use std::io;
use std::path::Path;

use super::space::Space;

/// Who may read what the sink creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// Permission bits of files.
    pub(crate) mode: u32,
    /// The owning group, by number; `None` leaves the process's own.
    pub(crate) group: Option<u32>,
}

impl Access {
    /// Permission bits of directories: whoever may read a file may also search its directory.
    pub(crate) fn dir_mode(self) -> u32 {
        self.mode | ((self.mode & 0o444) >> 2)
    }
}

/// What a path or an open file is at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    pub(crate) len: u64,
    /// Device and inode; `None` where the platform does not tell.
    pub(crate) id: Option<(u64, u64)>,
    /// How many names the file has; 0 means that it was deleted.
    pub(crate) links: u64,
    /// Permission bits; 0 where the platform has none.
    pub(crate) mode: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Dir,
    /// A symbolic link, a pipe, a device.
    Other,
}

/// Why a lock was not taken.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another writer has it; the text is what that writer put into the file.
    Held(String),
    Io(io::Error),
}

/// A lock that is held until it is dropped.
pub(crate) trait FsLock: Send + Sync + fmt::Debug {
    /// What the locked file is, to compare with what lies at its path.
    fn meta(&self) -> io::Result<Meta>;
}

/// An open segment: bytes are only ever added at its end. One thread writes; another may sync meanwhile.
pub(crate) trait FsFile: Send + Sync + fmt::Debug {
    /// One `write(2)`; it may write less than it was given.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// `fdatasync(2)`: what was written before the call is on disk when it answers `Ok`.
    fn sync(&self) -> io::Result<()>;
    fn meta(&self) -> io::Result<Meta>;
    /// Reads at a place, whatever became of the file's name. 0 only at the end.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Tells the system that a part that was synced will not be read soon. It stays as readable as before.
    fn forget(&self, from: u64, to: u64);
}

/// The calls that the file sink makes. No path is ever followed through a symbolic link in its last part.
pub(crate) trait Fs: Send + Sync + fmt::Debug {
    /// Creates a directory and its parents; one that exists is left as it is.
    fn create_dir(&self, path: &Path, access: Access) -> io::Result<()>;
    /// Creates a file for appending; `AlreadyExists` where the name is taken.
    fn create_new(&self, path: &Path, access: Access) -> io::Result<Box<dyn FsFile>>;
    /// Opens an existing file for appending.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;
    /// Writes the bytes of a file from `from` on once more, as they are: the next sync then has them to write, also where an
    /// earlier one failed and the system let go of what it could not write. Nobody may write to the file meanwhile. One that may
    /// be opened for appending only is left as it is: then the sync has to do.
    fn renew(&self, path: &Path, from: u64) -> io::Result<()>;
    /// Reads at most `limit` bytes of a small file.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// Opens a file for reading at any place.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;
    /// What lies at the path itself (`lstat`).
    fn meta(&self, path: &Path) -> io::Result<Meta>;
    /// The names in a directory, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory, if nothing is in it.
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let _ = dir;
        Ok(())
    }
    /// Gives a small file another name, in the place of what had it. Never a segment.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Puts a file that is durable in the place of another one, or nothing, and overwrites the bytes of what was there as
    /// far as the file system lets it. The name is durable when this returns.
    fn erase(&self, path: &Path, new: Option<&Path>) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// The room of the file system that a directory lies in; `None` where the platform does not tell.
    fn space(&self, dir: &Path) -> io::Result<Option<Space>> {
        let _ = dir;
        Ok(None)
    }
    /// Takes the one-writer lock and writes `holder` into its file.
    fn lock(&self, path: &Path, access: Access, holder: &str) -> Result<Box<dyn FsLock>, LockError>;
}

/// Removes a small file, which need not be there.
pub(super) fn remove(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    match fs.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Creates a small file anew, and its directory where there is none.
pub(super) fn fresh(fs: &dyn Fs, path: &Path, access: Access) -> io::Result<Box<dyn FsFile>> {
    remove(fs, path)?;
    match fs.create_new(path, access) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs.create_dir(path.parent().unwrap_or(Path::new(".")), access)?;
            fs.create_new(path, access)
        }
        other => other,
    }
}

/// Puts a small file in the place of whatever is there: where the power fails, it is the old one or the new one, whole. The
/// new one is written as `.<name>` beside it first.
pub(super) fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    let new = path.with_file_name(name);
    let file = fresh(fs, &new, access)?;
    if file.write(bytes)? < bytes.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    // Before the name moves: a power failure would leave an empty file in the old one's place.
    file.sync()?;
    fs.rename(&new, path)
}

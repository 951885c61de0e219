//! The operating system's file system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::fs::{Access, Fs, FsFile, FsLock, Kind, LockError, Meta};
#[cfg(any(target_os = "linux", target_os = "macos"))]
use super::space::Space;

/// Files of the operating system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RealFs;

#[derive(Debug)]
struct RealFile(File);

#[derive(Debug)]
struct RealLock(File);

impl FsFile for RealFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn meta(&self) -> io::Result<Meta> {
        Ok(meta(&self.0.metadata()?))
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, into, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, into, offset)
    }

    // Pages that are let go of are the ones that the next write is given: their memory is there, and warm. A trail
    // that only grows would otherwise push everything else out of the cache, and pay for fresh memory with each page.
    #[cfg(target_os = "linux")]
    fn forget(&self, from: u64, to: u64) {
        use rustix::fs::{Advice, fadvise};
        // Advice: nothing depends on it.
        let _ = fadvise(
            &self.0,
            from,
            to.saturating_sub(from).try_into().ok(),
            Advice::DontNeed,
        );
    }

    #[cfg(not(target_os = "linux"))]
    fn forget(&self, _from: u64, _to: u64) {}
}

impl FsLock for RealLock {
    fn meta(&self) -> io::Result<Meta> {
        Ok(meta(&self.0.metadata()?))
    }
}

impl Fs for RealFs {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn space(&self, dir: &Path) -> io::Result<Option<Space>> {
        let about = rustix::fs::statvfs(dir)?;
        let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
        Ok(Some(Space {
            free: bytes(about.f_bavail),
            used: bytes(about.f_blocks.saturating_sub(about.f_bfree)),
        }))
    }

    fn create_dir(&self, path: &Path, access: Access) -> io::Result<()> {
        let mut missing = Vec::new();
        for ancestor in path.ancestors() {
            if ancestor.as_os_str().is_empty() || ancestor.exists() {
                break;
            }
            missing.push(ancestor);
        }
        let mut builder = fs::DirBuilder::new();
        set_dir_mode(&mut builder, access);
        for dir in missing.into_iter().rev() {
            match builder.create(dir) {
                Ok(()) => own(dir, access.dir_mode(), access)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn create_new(&self, path: &Path, access: Access) -> io::Result<Box<dyn FsFile>> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        no_follow(&mut options);
        set_mode(&mut options, access);
        let file = options.open(path)?;
        own(path, access.mode, access)?;
        Ok(Box::new(RealFile(file)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        no_follow(&mut options);
        Ok(Box::new(RealFile(options.open(path)?)))
    }

    fn renew(&self, path: &Path, from: u64) -> io::Result<()> {
        // Not for appending: then each write would go to the end.
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        no_follow(&mut options);
        let mut file = match options.open(path) {
            // It takes nothing but appends (`chattr +a`).
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            opened => opened?,
        };
        let mut bytes = vec![0; 256 * 1024];
        let mut at = from;
        loop {
            file.seek(SeekFrom::Start(at))?;
            let count = file.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            file.seek(SeekFrom::Start(at))?;
            file.write_all(bytes.get(..count).unwrap_or_default())?;
            at += count as u64;
        }
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        read_only(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        Ok(Box::new(RealFile(read_only(path)?)))
    }

    fn meta(&self, path: &Path) -> io::Result<Meta> {
        Ok(meta(&fs::symlink_metadata(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn erase(&self, path: &Path, new: Option<&Path>) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        no_follow(&mut options);
        let mut old = options.open(path)?;
        match new {
            Some(new) => fs::rename(new, path)?,
            None => fs::remove_file(path)?,
        }
        if let Some(dir) = path.parent() {
            self.sync_dir(dir)?;
        }
        // Nobody finds the old bytes by a name any more; now they go, too. Readers that hold the file see zeros.
        let len = old.metadata()?.len();
        io::copy(&mut io::repeat(0).take(len), &mut old)?;
        old.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    // Windows keeps directory entries durable by itself and cannot open a directory as a file.
    #[cfg(not(unix))]
    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path, access: Access, holder: &str) -> Result<Box<dyn FsLock>, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        no_follow(&mut options);
        set_mode(&mut options, access);
        let mut file = options.open(path).map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // On Windows a locked file cannot be read; the refusal then says so.
                let _ = file.take(1024).read_to_string(&mut text);
                return Err(LockError::Held(text));
            }
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        let note = own(path, access.mode, access)
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.write_all(holder.as_bytes()));
        match note {
            Ok(()) => Ok(Box::new(RealLock(file))),
            Err(error) => Err(LockError::Io(error)),
        }
    }
}

fn read_only(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    no_follow(&mut options);
    options.open(path)
}

#[cfg(unix)]
fn meta(about: &fs::Metadata) -> Meta {
    use std::os::unix::fs::MetadataExt;
    Meta {
        kind: kind(about),
        len: about.len(),
        id: Some((about.dev(), about.ino())),
        links: about.nlink(),
        mode: about.mode() & 0o7777,
    }
}

#[cfg(not(unix))]
fn meta(about: &fs::Metadata) -> Meta {
    Meta {
        kind: kind(about),
        len: about.len(),
        id: None,
        links: 1,
        mode: 0,
    }
}

fn kind(about: &fs::Metadata) -> Kind {
    if about.is_file() {
        Kind::File
    } else if about.is_dir() {
        Kind::Dir
    } else {
        Kind::Other
    }
}

#[cfg(unix)]
fn no_follow(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    // Not blocking: a pipe that somebody put in the place of a segment must be an error, never a hang.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
}

#[cfg(not(unix))]
fn no_follow(_options: &mut OpenOptions) {}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, access: Access) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(access.mode);
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _access: Access) {}

#[cfg(unix)]
fn set_dir_mode(builder: &mut fs::DirBuilder, access: Access) {
    use std::os::unix::fs::DirBuilderExt;
    builder.mode(access.dir_mode());
}

#[cfg(not(unix))]
fn set_dir_mode(_builder: &mut fs::DirBuilder, _access: Access) {}

/// Gives a file that was just created its group, and the bits that the process's umask took away.
#[cfg(unix)]
fn own(path: &Path, mode: u32, access: Access) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, lchown};
    if let Some(group) = access.group {
        lchown(path, None, Some(group))?;
    }
    if fs::symlink_metadata(path)?.permissions().mode() & 0o777 != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn own(_path: &Path, _mode: u32, _access: Access) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_is_written_once_more_is_as_it_was_and_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segment");
        let bytes: Vec<u8> = (0..700_000_u32).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        for from in [0, 3, 256 * 1024, 699_999, 700_000, 800_000] {
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            drop(file);
            RealFs.renew(&path, from).unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "from {from}");
            let was_written = fs::metadata(&path).unwrap().modified().unwrap() > SystemTime::UNIX_EPOCH;
            assert_eq!(was_written, from < 700_000, "from {from}");
        }
    }
}

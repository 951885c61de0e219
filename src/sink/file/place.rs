//! Notices what others do to the files while they are open: deleted, moved, replaced, cut.

use std::io;

use super::fs::{Kind, Meta};
use super::{FileSink, RollCause, lock, open};
use crate::error::{Error, Result};

impl FileSink {
    /// Compares the open files with what lies at their paths. Where a segment is no longer the stream's, it is closed
    /// and its lines are carried on.
    pub(super) fn check_place(&mut self) -> Result<()> {
        let Some(segment) = &self.segment else {
            return Ok(());
        };
        let held = segment
            .file
            .meta()
            .map_err(|error| Error::io("could not look at", &segment.path, error))?;
        let cause = match self.fs.meta(&segment.path) {
            Ok(there) if there.kind != Kind::File || there.id != segment.id => Some(RollCause::Replaced),
            Ok(there) if there.len < segment.len => Some(RollCause::Truncated),
            Ok(_) => None,
            Err(error) if gone(&error) && held.links == 0 => Some(RollCause::Deleted),
            Err(error) if gone(&error) => Some(RollCause::Renamed),
            Err(error) => return Err(Error::io("could not look at", &segment.path, error)),
        };
        if let Some(cause) = cause {
            // Without a name the open descriptor is the last that knows the lines.
            self.give_up_segment(cause, held.links == 0);
        }
        self.check_lock()
    }

    /// Without its lock file the stream would be open to a second writer.
    fn check_lock(&mut self) -> Result<()> {
        let path = self.home.join(open::LOCK);
        let held = self.lock.lock().meta();
        match (self.fs.meta(&path), held) {
            (Ok(there), Ok(held)) if same(there, held) => Ok(()),
            (Err(error), _) if !gone(&error) => Err(Error::io("could not look at", &path, error)),
            _ => self.restore_home(),
        }
    }

    /// Puts back what the directory needs: itself, the lock, the identity.
    pub(super) fn restore_home(&mut self) -> Result<()> {
        let access = self.settings.access;
        self.fs
            .create_dir(&self.home, access)
            .map_err(|error| Error::io("could not create again the directory", &self.home, error))?;
        let path = self.home.join(open::LOCK);
        let ours = match (self.fs.meta(&path), self.lock.lock().meta()) {
            (Ok(there), Ok(held)) => same(there, held),
            _ => false,
        };
        if !ours {
            *self.lock.lock() = lock::take(&*self.fs, &path, access, self.clock.now())?;
        }
        self.identity.restore(&*self.fs, &self.home, access)?;
        open::sync_dirs(&*self.fs, &self.settings.dir, &self.home)
    }
}

fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn same(there: Meta, held: Meta) -> bool {
    there.kind == Kind::File && there.id == held.id
}

//! Where syncs are held, and the lock that goes with its holder.

use std::io;

use super::super::fs::{FsFile as _, FsLock, Meta};
use super::{Gate, MemLock};

impl Gate {
    /// Stands in it while it is shut.
    pub(super) fn pass(&self) {
        let mut state = self.state.lock();
        state.1 += 1;
        self.moved.notify_all();
        while state.0 {
            self.moved.wait(&mut state);
        }
        state.1 -= 1;
    }
}

impl FsLock for MemLock {
    fn meta(&self) -> io::Result<Meta> {
        self.0.meta()
    }
}

impl Drop for MemLock {
    fn drop(&mut self) {
        self.0.disk.lock().locks.remove(&self.0.inode);
    }
}

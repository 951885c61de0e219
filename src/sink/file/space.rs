//! The room of the journal's file system, as the operating system tells it.

use super::FileSink;

/// A file system's room, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// What a program without privilege can still write.
    pub(crate) free: u64,
    /// What is in use.
    pub(crate) used: u64,
}

impl Space {
    /// The part in use of what a program without privilege could use, in hundredths, rounded up: 100 is full.
    pub(crate) fn percent(self) -> u64 {
        let (used, all) = (
            u128::from(self.used),
            u128::from(self.used) + u128::from(self.free),
        );
        if all == 0 {
            return 0;
        }
        u64::try_from((used * 100).div_ceil(all)).unwrap_or(100)
    }
}

impl FileSink {
    /// The room of the file system that the stream lies in; `None` where the system does not tell.
    pub(crate) fn space(&self) -> Option<Space> {
        self.fs.space(&self.home).ok().flatten()
    }
}

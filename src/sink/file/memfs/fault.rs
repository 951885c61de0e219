//! The ways in which a call of the simulated file system can fail.

/// What a call does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Enospc,
    Eio,
    Erofs,
    Edquot,
    Emfile,
    Eacces,
    /// A signal came in between.
    Eintr,
    /// A write takes half of the bytes; any other call fails with EIO.
    Short,
    /// A sync fails and drops what it should have written; other calls work.
    Sync,
    /// The same, and what was dropped reads as zeros from then on.
    Zeros,
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
        Self::Enospc,
        Self::Eio,
        Self::Erofs,
        Self::Edquot,
        Self::Emfile,
        Self::Eacces,
        Self::Eintr,
        Self::Short,
        Self::Sync,
        Self::Zeros,
    ];
}

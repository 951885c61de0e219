//! The one error type: opaque, with a kind, a message that names value, place and remedy, and its cause.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, as a program can act on it. The text of an [`Error`] is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot work: an unknown key, a size out of range, a directory that cannot be written.
    Config,
    /// The operating system refused an operation on a file.
    Io,
    /// Another writer holds the directory.
    Locked,
    /// The queue was full and stayed full for as long as the caller was willing to wait.
    Full,
    /// The trail was shut down before the call.
    Closed,
    /// The time given was not enough; the message says how many records were not yet durable.
    Timeout,
    /// Called from inside this crate's own threads or from a value that is being recorded.
    Reentrant,
    /// An allocation failed that the record needed. The process and the trail go on, and so does the next record.
    Memory,
    /// The process forked; the writer thread exists only in the parent.
    Forked,
    /// The record does not satisfy the policy (for example: an actor is required).
    Refused,
    /// A sink could not take a record.
    Sink,
    /// Bytes that should be a record, a note or a key are not one.
    Format,
    /// A trail contradicts its own checkpoints: it was changed, or the disk did not keep what it confirmed.
    Corrupt,
    /// A query names a field, an operator or a value that does not exist.
    Query,
}

/// An error of this crate: what happened, where, and what to do about it.
pub struct Error {
    /// Nothing where there was no memory: there is none for saying so either.
    inner: Option<Box<Inner>>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
}

const NO_MEMORY: &str = "there was no memory for the record; it was not taken. Give the process more, or record less of \
                         large values";

/// The result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error. `message` names the value that was wrong, the place and the remedy, in lower case.
    #[must_use]
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Some(Box::new(Inner {
                kind,
                message: message.into(),
                source: None,
            })),
        }
    }

    /// There was no memory for a record. Allocates nothing.
    pub(crate) const fn memory() -> Self {
        Self { inner: None }
    }

    fn message(&self) -> &str {
        self.inner.as_ref().map_or(NO_MEMORY, |inner| &inner.message)
    }

    /// Attaches the cause.
    #[must_use]
    #[cold]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        if self.inner.is_none() {
            self = Self::new(ErrorKind::Memory, NO_MEMORY);
        }
        if let Some(inner) = &mut self.inner {
            inner.source = Some(source.into());
        }
        self
    }

    /// What a program can act on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.as_ref().map_or(ErrorKind::Memory, |inner| inner.kind)
    }

    #[cold]
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    #[cold]
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    #[cold]
    pub(crate) fn io(what: impl fmt::Display, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("{what} `{}`", path.display())).because(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .as_ref()
            .and_then(|inner| inner.source.as_ref())
            .map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

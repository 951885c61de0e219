//! Sinks: what receives entries. The contract stands here, its test suite in `testing::sink_conformance`.

pub mod file;
mod memory;
mod noop;
#[cfg(feature = "otlp")]
pub mod otlp;
mod seen;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stdout;

pub use file::FileSink;
pub use memory::{MemorySink, OwnedEntry};
pub use noop::NoopSink;
#[cfg(feature = "exporter")]
pub use otlp::ExporterSink;
#[cfg(feature = "otlp")]
pub use otlp::OtlpSink;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteSink;
pub use stdout::StdoutSink;

use std::fmt;
use std::time::Duration;

use crate::format::Entry;

/// Receives entries, in order, from one thread at a time.
///
/// # Obligations
///
/// A sink:
///
/// - MUST answer `Ok` only for entries that it has taken over; what it answered `Ok` for, and then flushed, is not
///   offered again.
/// - MUST expect to see entries again after an error, and after a start the last batch before a kill (delivery is at
///   least once); [`Entry::seq`] tells them apart, within their [stream](Entry::stream).
/// - MUST keep the order of entries, or keep their sequence numbers with them.
/// - MUST expect entries of several streams where the trail has them: each batch is of one, and the order of entries is that
///   of their stream. There is no order between streams but that of their times.
/// - MUST NOT change a line. What it writes elsewhere in another form, it derives from the line.
/// - MUST return within a bounded time, and MUST NOT panic.
/// - MUST NOT report through `tracing` or `log`: audit records from its thread are left out and counted in
///   `not_allowed`, other layers see what it reports and could feed it back, and its errors are the return value.
/// - SHOULD answer [`SinkError::Retry`] for what can pass (a full disk, a lost connection), with the time to wait
///   if the receiver named one, and [`SinkError::Fatal`] only for what needs a person.
/// - SHOULD count as refused in [`Accepted`] only entries that the receiver will never take, and name them where the
///   receiver did.
///
/// # What a sink does not promise
///
/// `deliver` alone does not make anything durable: [`Sink::flush`] does, as far as the sink can.
pub trait Sink: Send + fmt::Debug {
    /// Takes the entries over, all of them or none.
    ///
    /// # Errors
    ///
    /// [`SinkError`] where none of the entries, or an unknown part of them, was taken over.
    fn deliver(&mut self, batch: &[Entry<'_>]) -> Result<Accepted, SinkError>;

    /// Makes everything that was delivered as durable as the sink can: on disk, or acknowledged by the receiver.
    ///
    /// # Errors
    ///
    /// [`SinkError`] where the sink cannot promise that.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// Whether the sink still has what it was given once the process has ended. Beside a journal, one that has is
    /// continued where it was, by a cursor of its [`name`](Self::name); one that has not begins with what is written
    /// after the start. Default: true.
    fn resumes(&self) -> bool {
        true
    }

    /// Whether it is given all that waits in one call, up to 16,384 entries and 8 MiB, where there is no journal; otherwise it is
    /// given batch by batch, of about 256 KiB. For one that cuts what it is given into requests by itself, and goes on where it
    /// was when it is given some of it again: where it answers [`SinkError::Retry`], it is then given batch by batch. Default:
    /// false.
    fn gathers(&self) -> bool {
        false
    }

    /// A short name for counters and messages, and, for a sink that [resumes](Self::resumes) beside a journal, of its
    /// cursor: 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`, not beginning with a dot. It must stay the same from start
    /// to start. Default: the type's name without its path.
    fn name(&self) -> &str {
        let name = std::any::type_name::<Self>();
        name.rsplit("::").next().unwrap_or(name)
    }
}

/// The answer to a delivery that was taken over. The default: all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    refused: u64,
    which: Vec<u64>,
}

impl Accepted {
    /// All but so many entries, of which the receiver said that it will never take them, but not which they are. Where
    /// there is no journal, nobody who waits for one of the batch's entries is told that his was delivered.
    #[must_use]
    pub fn all_but(refused: u64) -> Self {
        Self {
            refused,
            which: Vec::new(),
        }
    }

    /// All but these, named by [`Entry::seq`]: the receiver said that it will never take them. Only who waits for one of
    /// them is told so; the others are delivered.
    #[must_use]
    pub fn all_but_these(which: impl Into<Vec<u64>>) -> Self {
        let mut which = which.into();
        which.sort_unstable();
        which.dedup();
        Self {
            refused: which.len() as u64,
            which,
        }
    }

    /// How many of the entries the receiver refused for good.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Which ones, where it named them; otherwise empty.
    #[must_use]
    pub fn which(&self) -> &[u64] {
        &self.which
    }
}

/// Why entries were not taken over.
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkError {
    /// It may work later.
    Retry {
        /// The least time to wait, if the receiver named one.
        after: Option<Duration>,
        /// What happened, for people.
        cause: String,
    },
    /// It will not work without a person.
    Fatal {
        /// What happened, for people.
        cause: String,
    },
}

impl SinkError {
    /// It may work later; try again after the usual back-off.
    #[must_use]
    pub fn retry(cause: impl fmt::Display) -> Self {
        Self::Retry {
            after: None,
            cause: cause.to_string(),
        }
    }

    /// It will not work without a person.
    #[must_use]
    pub fn fatal(cause: impl fmt::Display) -> Self {
        Self::Fatal {
            cause: cause.to_string(),
        }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { cause, .. } | Self::Fatal { cause } => f.write_str(cause),
        }
    }
}

impl std::error::Error for SinkError {}

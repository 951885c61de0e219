//! `tracing-audit`: the audit trail for Rust's `tracing`.

pub mod clock;
mod error;
pub mod format;
pub mod record;
pub mod sink;
mod stats;
pub mod testing;

pub use error::{Error, ErrorKind, Result};
pub use stats::{SinkStats, Stats};

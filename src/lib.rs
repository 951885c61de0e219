//! `tracing-audit`: the audit trail for Rust's `tracing`.

pub mod clock;
pub mod config;
mod error;
pub mod format;
mod queue;
pub mod record;
pub mod redact;
pub mod sink;
mod stats;

pub use error::{Error, ErrorKind, Result};
pub use stats::{SinkStats, Stats};

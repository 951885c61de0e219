//! `tracing-audit`: the audit trail for Rust's `tracing`.

// Here and not in the lint table of the workspace: a panic in the library is a record lost, in a test it is a finding.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

pub mod clock;
pub mod config;
mod error;
pub mod format;
mod queue;
pub mod record;
pub mod redact;
pub mod sink;
mod stats;
pub mod testing;

pub use error::{Error, ErrorKind, Result};
pub use stats::{SinkStats, Stats};

//! `tracing-audit`: the audit trail for Rust's `tracing`.

pub mod clock;
mod error;
pub mod format;
pub mod query;
pub mod record;
pub mod sink;
mod stats;
pub mod store;

pub use error::{Error, ErrorKind, Result};
pub use query::Query;
pub use stats::{SinkStats, Stats};

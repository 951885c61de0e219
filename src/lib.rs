//! `tracing-audit`: the audit trail for Rust's `tracing`.

// Here and not in the lint table of the workspace: a panic in the library is a record lost, in a test it is a finding.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

mod capture;
pub mod clock;
pub mod config;
mod error;
pub mod format;
pub mod guide;
mod pipeline;
pub mod query;
mod queue;
pub mod record;
pub mod redact;
pub mod sink;
mod stats;
pub mod store;
pub mod testing;

pub use capture::{
    Actor, AuditContext, AuditLayer, Audited, Check, CurrentContext, FilterShell, IdSource, Ids, Obstacle,
    Scoped, WithContext,
};
#[cfg(feature = "tower")]
pub use capture::{AuditContextLayer, AuditContextService};
pub use error::{Error, ErrorKind, Result};
pub use pipeline::{
    Audit, AuditBuilder, AuditedExt, EmitFuture, Emitter, Guard, NoopEmitter, Receipt, Report, State,
    Submitted,
};
pub use query::Query;
pub use stats::{SinkStats, Stats};

//! `tracing-audit`: the audit trail for Rust's `tracing`.
//!
//! Spans and events with the target `audit` become records: who did what to which thing, when, and how it ended. Each
//! record is one line of canonical JSON in a segment that is only ever appended to.
//!
//! ```no_run
//! use tracing_audit::{Actor, Audit, AuditedExt};
//! use tracing_subscriber::prelude::*;
//!
//! #[tracing::instrument(target = "audit", name = "document.delete", err, ret, skip_all,
//!                       fields(resource.type = "document", resource.id = id))]
//! fn delete(id: u64) -> Result<(), String> {
//!     Err(format!("no document {id}"))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let audit = Audit::builder().service("documents").start()?;
//! tracing_subscriber::registry().audited(&audit).init();
//! let _end = audit.guard();
//!
//! Actor::user("u-17").role("editor").sync_scope(|| delete(4))?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Audit`] is the running trail: [`Audit::builder`] has every setting with its default, [`Audit::check`] says what
//!   keeps records from it, [`Audit::flush`] and [`Audit::shutdown`] make durable, [`Audit::stats`] counts every fate.
//! - [`AuditedExt::audited`] puts it around a subscriber. [`Audit::layer`] and [`Audit::filter_shell`] are layers instead.
//! - [`Actor`] and [`AuditContext`] say who acts, for everything inside a scope.
//! - [`Emitter`] takes a [`record::Record`] as a value and answers what became of it.
//! - [`store::DirStore`] and [`Query`] read a trail; so does the command `tracing-audit`.
//!
//! # What it is not
//!
//! Not a log: it keeps what is tagged and nothing else, with [`AuditedExt::audited`] whatever `RUST_LOG` says. Not
//! proof against a thief of the signing key without a checkpoint kept elsewhere: see [`verify`]. Not able to know a secret
//! that has an innocent name: see [`guide::redaction`]. Not for several writers in one directory.
//!
//! # Naming on disk
//!
//! `./audit/main/audit-2026-11-21-00000000000000016384.jsonl`: directory, stream, and a segment with the UTC day on which
//! it was opened and the number of its first record. Files of other names are left alone. [`guide::format`] is the format,
//! byte for byte.
//!
//! # When a segment ends
//!
//! At UTC midnight (idle or not), where it would grow beyond 64 MiB, at [`Audit::rotate`], and after a failure that makes it
//! doubtful. Retention removes whole closed segments after 30 days; [`AuditBuilder::keep_days`], `keep_bytes` and
//! `keep_segments` say otherwise, and 0 is for ever.
//!
//! # Durability
//!
//! An idle writer looks for records every 50 ms at the latest; within 50 ms more the disk is asked to confirm what it wrote
//! (`fdatasync`), once for all, while the writer goes on. Who must know waits, and wakes it: [`Emitter::emit`] returns with [`State::Durable`], [`Audit::flush`] covers everything before it, and
//! [`config::Mode::Durable`] makes chosen events wait inside the macro. A killed process loses what was in memory; the next
//! `audit.open` record says how much that can be at most.
//!
//! # When something fails
//!
//! The writer keeps records in memory and tries again; callers wait for room as their mode says, and then a record is
//! refused or counted in a gap record. What people should know goes to [`AuditBuilder::diagnostics`], by default to
//! standard error, never through `tracing`. [`guide::failure_modes`] has every case.
//!
//! # Troubleshooting
//!
//! `print!("{}", audit.check())`, then `audit.openmetrics()`, then [`guide::missing_records`].
//!
//! # Features
//!
//! - `config` (default): [`config::Config`], the configuration as a serde struct for your own file.
//! - `derive`: [`derive(AuditEvent)`](derive@record::AuditEvent), a struct as a typed event;
//!   [`derive(AuditFields)`](derive@redact::AuditFields), a class for every field of a struct;
//!   [`sensitive_instrument`], which records no argument that is not named; and the short forms [`audited`](macro@audited), a
//!   function whose calls are records that know how they ended, and [`audit!`](macro@audit), an event.
//! - `catalog`: typed events for what agents, their hosts and their rulers do, in [`catalog`]; [`guide::events`] lists them.
//! - `sqlite`: `sink::SqliteSink` and `store::SqliteStore`, the trail in a SQLite file, as a follower of the journal or alone.
//! - `otlp`: `sink::OtlpSink`, records to an OpenTelemetry collector over HTTP: see `guide::opentelemetry`. `otlp-grpc`: over gRPC too.
//! - `tower`: `AuditContextLayer`, which opens a context per HTTP request.
//! - `opentelemetry`: `OtelIds`, records under the ids that tracing-opentelemetry exports; see [`guide::correlation`].
//! - `exporter`: `sink::ExporterSink`, records through any exporter of the OpenTelemetry SDK; `exporter-otlp`: with that of
//!   opentelemetry-otlp made ready. See [`guide::opentelemetry_exporter`].
//!
//! A feature adds API and never changes behaviour.

// Here and not in the lint table of the workspace: a panic in the library is a record lost, in a test it is a finding.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

mod capture;
pub mod catalog;
pub mod clock;
pub mod config;
mod error;
pub mod format;
pub mod guide;
#[cfg(feature = "otlp")]
mod hush;
mod memory;
mod pipeline;
pub mod query;
mod queue;
pub mod record;
pub mod redact;
mod secret;
mod shard;
pub mod sink;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stats;
pub mod store;
pub mod testing;
pub mod verify;

#[doc(hidden)]
pub use capture::audited as __audited;
pub use capture::{
    Actor, AuditContext, AuditLayer, Audited, Callsite, Check, CurrentContext, EventParent, FilterShell,
    IdSource, Ids, Obstacle, Scoped, Stack, TraceAnswer, WithContext,
};
#[cfg(feature = "tower")]
pub use capture::{AuditContextLayer, AuditContextService};
#[cfg(feature = "opentelemetry")]
pub use capture::{OtelCloseLayer, OtelIds, Passage};
pub use error::{Error, ErrorKind, Result};
pub use pipeline::{
    Audit, AuditBuilder, AuditStream, AuditedExt, BeginFuture, Done, EmitFuture, Emitter, Failure,
    FailureKind, Guard, NoopEmitter, Pending, Receipt, Report, Request, State, Submitted,
};
pub use query::Query;
pub use record::AuditError;
pub use stats::{RuleStats, SinkStats, Stats};
#[cfg(feature = "derive")]
pub use tracing_audit_derive::{audit, audited, sensitive_instrument};

// What the derives write names this crate, within it too.
extern crate self as tracing_audit;

/// What `derive(AuditEvent)` writes calls; not for anybody else.
#[doc(hidden)]
pub mod __event {
    pub use crate::capture::typed::{Callsite, Held};
    pub use crate::record::event::{class_of, is_slot, slot_for};
    pub use crate::record::part::{member, part, parts_of, whole};
    pub use tracing_core::callsite::Identifier;
    pub use tracing_core::field::FieldSet;
    pub use tracing_core::field::Value;
    pub use tracing_core::metadata::Kind;
    pub use tracing_core::{Level, Metadata};
}

//! Capture: `tracing` spans and events become redacted frames on the thread that reports them.

pub mod audited;
mod bare;
mod check;
mod context;
mod core;
#[cfg(feature = "opentelemetry")]
mod entered;
mod explain;
mod handed;
mod identify;
mod ids;
mod layer;
mod lease;
mod lifecycle;
mod local;
mod log;
#[cfg(feature = "opentelemetry")]
mod otel;
#[cfg(feature = "opentelemetry")]
mod otel_close;
mod pause;
mod place;
mod plan;
mod settings;
mod shell;
mod span_state;
mod spans;
mod stacks;
#[cfg(feature = "tower")]
mod tower;
mod tree;
pub(crate) mod typed;
mod visitor;
mod wrapper;

pub(crate) use check::check;
pub use check::{Check, Obstacle};
pub use context::{Actor, AuditContext, CurrentContext, Scoped, WithContext};
pub(crate) use core::Capture;
pub use explain::Callsite;
#[cfg(feature = "opentelemetry")]
pub use ids::Passage;
pub use ids::{EventParent, IdSource, Ids, Stack, TraceAnswer};
pub use layer::AuditLayer;
pub(crate) use local::{is_own_thread, is_recording, mark_own_thread};
#[cfg(feature = "opentelemetry")]
pub use otel::OtelIds;
#[cfg(feature = "opentelemetry")]
pub use otel_close::OtelCloseLayer;
pub(crate) use pause::{Fate, Pause};
pub(crate) use settings::Settings;
pub use shell::FilterShell;
#[cfg(feature = "tower")]
pub use tower::{AuditContextLayer, AuditContextService};
pub use wrapper::Audited;

use std::sync::Arc;

use tracing_core::Dispatch;

use crate::config::Mode;
use crate::redact::Redacting;

/// The trail that is part of a dispatcher, in whichever form.
fn installed(dispatch: &Dispatch) -> Option<Arc<Capture>> {
    let layer = || dispatch.downcast_ref::<AuditLayer>()?.capture();
    dispatch
        .downcast_ref::<Arc<Capture>>()
        .map(Arc::clone)
        .or_else(layer)
}

/// Where a frame goes: the queue's caller side, and the counting of what it refuses.
pub(crate) trait Outlet: Send + Sync + std::fmt::Debug {
    /// A buffer for a frame.
    fn buffer(&self) -> Vec<u8>;

    /// Takes back a buffer that became no frame.
    fn recycle(&self, buffer: Vec<u8>);

    /// Hands a complete frame over, waiting as the route's mode says. A refusal is counted and becomes part of a gap.
    fn send(&self, frame: &mut Redacting<'_>, route: Route<'_>);

    /// A record that could not be made at all: counted, and part of a gap.
    fn lost(&self, cause: Loss, category: &str);

    /// Tells the application something that it should know.
    fn say(&self, sentence: &str);
}

/// How a frame travels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) mode: Mode,
    pub(crate) category: &'a str,
}

/// Why a record that was reported through a layer is not in the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Loss {
    Full,
    Tripped,
    Policy,
    Reentrant,
    Closed,
    Forked,
    Memory,
}

impl Loss {
    /// The word for a gap record's cause.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Full => "queue_full",
            Self::Tripped => "tripped",
            Self::Policy => "actor_required",
            Self::Reentrant => "reentrant",
            Self::Closed => "closed",
            Self::Forked => "forked",
            Self::Memory => "no_memory",
        }
    }
}

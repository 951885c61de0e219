//! `.audited(&audit)`: putting the trail around a subscriber.

use tracing_core::Subscriber;

use super::handle::Audit;
use crate::capture::Audited;

/// Something that an audit trail can be put around: every `tracing` subscriber.
pub trait AuditedExt: Subscriber + Sized {
    /// Puts the trail around this subscriber. Call it last, after all layers and filters: they keep what they
    /// would have seen, and no `EnvFilter` among them can hide a record from the trail.
    ///
    /// The one thing that other layers see more of: an audit *span* that their filter would have disabled is
    /// shown to them, because the registry must know it for records inside to find their context.
    ///
    /// A subscriber that is not built on a registry must answer `try_close` with true when the last handle of a span goes
    /// ([`Audit::check`] says where one does not), and must not give the id of a closed span to the next one at once.
    ///
    /// One trail can be put around several subscribers. Each keeps spans of its own, in a few hundred kilobytes; scopes
    /// and contexts are shared.
    fn audited(self, audit: &Audit) -> Audited<Self> {
        Audited::new(self, audit.capture())
    }
}

impl<S: Subscriber> AuditedExt for S {}

//! The event of [`event`](crate::event) as a struct of its own.

use tracing_audit::record::AuditEvent;

use crate::event::{Event, MARKER, Report};

/// A document is shared.
#[derive(Debug, Clone, Copy, AuditEvent)]
#[audit(
    event = "document.share",
    category = "document",
    action = "document.share",
    level = "info"
)]
pub struct Typed<'a> {
    /// Who acted.
    #[audit(slot = "actor.id", internal)]
    pub actor_id: &'a str,
    /// What kind of thing was acted on.
    #[audit(slot = "resource.type", internal)]
    pub resource_type: &'a str,
    /// Which thing.
    #[audit(slot = "resource.id", internal)]
    pub resource_id: &'a str,
    /// How it ended.
    #[audit(slot = "outcome", internal)]
    pub outcome: &'a str,
    /// For whom.
    #[audit(slot = "scope.tenant", internal)]
    pub tenant: &'a str,
    /// How many bytes were moved.
    #[audit(attribute = "bytes", public)]
    pub bytes: u64,
    /// Which attempt this was.
    #[audit(attribute = "attempt", public)]
    pub attempt: i64,
    /// Whether a cache answered.
    #[audit(attribute = "cached", public)]
    pub cached: bool,
    /// A share between 0 and 1.
    #[audit(attribute = "ratio", public)]
    pub ratio: f64,
}

impl<'a> From<Event<'a>> for Typed<'a> {
    #[inline]
    fn from(event: Event<'a>) -> Self {
        debug_assert_eq!(event.action, MARKER, "the action is the same in all of them");
        Self {
            actor_id: event.actor_id,
            resource_type: event.resource_type,
            resource_id: event.resource_id,
            outcome: event.outcome,
            tenant: event.tenant,
            bytes: event.bytes,
            attempt: event.attempt,
            cached: event.cached,
            ratio: event.ratio,
        }
    }
}

impl Report for Typed<'_> {
    #[inline]
    fn report(&self) {
        self.record();
    }
}

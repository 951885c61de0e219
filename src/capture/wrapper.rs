//! The wrapper: an outermost `Subscriber` that no global filter inside it can silence.
//!
//! It answers for audit callsites itself, and asks the stack inside only when it forwards, in one go: what was
//! asked before an event's arguments were evaluated may no longer hold when the event arrives.

use std::any::TypeId;
use std::sync::Arc;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Identity, Layer, Layered};
use tracing_subscriber::registry::LookupSpan;

use super::core::Capture;
use super::layer::AuditLayer;
use super::plan::Plan;

/// A subscriber with an audit trail around it. Made by `AuditedExt::audited`.
#[derive(Debug)]
pub struct Audited<S> {
    inner: Inside<S>,
    /// `None` where the trail is configured off: then everything passes through.
    capture: Option<Arc<Capture>>,
}

/// What the trail is around.
#[derive(Debug)]
enum Inside<S> {
    Stack(S),
    /// A registry without any layer.
    Bare(Layered<Identity, S>),
}

/// Asks what is inside, without a virtual call.
macro_rules! inside {
    ($audited:expr, $inner:ident => $ask:expr) => {
        match &$audited.inner {
            Inside::Stack($inner) => $ask,
            Inside::Bare($inner) => $ask,
        }
    };
}

impl<S: Subscriber> Audited<S> {
    pub(crate) fn new(inner: S, capture: Option<Arc<Capture>>) -> Self {
        // A registry removes closed spans, and lets go of their parents, only where a layer is over it: alone, no
        // span with a child would ever end.
        let is_bare = TypeId::of::<S>() == TypeId::of::<Registry>();
        let inner = if is_bare { Inside::Bare(Identity::new().with_subscriber(inner)) } else { Inside::Stack(inner) };
        Self { inner, capture }
    }

    /// Whether the stack inside wants this callsite now. Where it must be asked, this also sets what its
    /// per-layer filters remember until the span or event that follows.
    fn is_wanted(&self, plan: &Plan, metadata: &Metadata<'_>) -> bool {
        plan.inner().unwrap_or_else(|| inside!(self, inner => inner.enabled(metadata)))
    }

    /// The trail, where this callsite is its business.
    #[inline]
    fn audits(&self, metadata: &Metadata<'_>) -> Option<&Arc<Capture>> {
        self.capture.as_ref().filter(|capture| capture.is_audit(metadata))
    }
}

impl<S: Subscriber> Subscriber for Audited<S> {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        if let Some(capture) = &self.capture {
            capture.registered(dispatch);
        }
        inside!(self, inner => inner.on_register_dispatch(dispatch));
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let inner = inside!(self, inner => inner.register_callsite(metadata));
        let Some(capture) = &self.capture else { return inner };
        let is_audit = capture.is_audit(metadata);
        if !is_audit && !capture.is_tracked(metadata) {
            return inner;
        }
        capture.plan(metadata).set_inner(&inner);
        if is_audit { Interest::always() } else { inner }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.audits(metadata).is_some() || inside!(self, inner => inner.enabled(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Audit callsites are wanted at every level. Others are still decided by their own interest.
        if self.capture.is_some() { None } else { inside!(self, inner => inner.max_level_hint()) }
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let Some(capture) = &self.capture else { return inside!(self, inner => inner.new_span(attributes)) };
        if capture.is_audit(attributes.metadata()) {
            let plan = capture.plan(attributes.metadata());
            if plan.inner() != Some(true) {
                // The span is forwarded whatever the answer. Asked for what per-layer filters remember until then:
                // they hide the span from their layers, also where all of them said never.
                let _ = inside!(self, inner => inner.enabled(attributes.metadata()));
            }
        }
        let id = inside!(self, inner => inner.new_span(attributes));
        capture.new_span(attributes, &id);
        id
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        inside!(self, inner => inner.record(span, values));
        if let Some(capture) = &self.capture {
            capture.record(span, values);
        }
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        inside!(self, inner => inner.record_follows_from(span, follows));
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        // For an audit event the stack inside is asked when the event is forwarded.
        self.audits(event.metadata()).is_some() || inside!(self, inner => inner.event_enabled(event))
    }

    #[inline]
    fn event(&self, event: &Event<'_>) {
        let Some(capture) = self.audits(event.metadata()) else { return inside!(self, inner => inner.event(event)) };
        if capture.plan(event.metadata()).is_probe() {
            // Other layers would show the probe. A second form of ours inside must see it, to be found.
            if inside!(self, inner => contains_ours(inner)) {
                inside!(self, inner => inner.event(event));
            }
            return capture.event(event);
        }
        if self.is_wanted(capture.plan(event.metadata()), event.metadata()) && inside!(self, inner => inner.event_enabled(event)) {
            inside!(self, inner => inner.event(event));
        }
        capture.event(event);
    }

    #[inline]
    fn enter(&self, span: &Id) {
        inside!(self, inner => inner.enter(span));
        if let Some(capture) = &self.capture {
            capture.enter(span);
        }
    }

    #[inline]
    fn exit(&self, span: &Id) {
        if let Some(capture) = &self.capture {
            capture.exit(span);
        }
        inside!(self, inner => inner.exit(span));
    }

    fn clone_span(&self, id: &Id) -> Id {
        inside!(self, inner => inner.clone_span(id))
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        let is_closed = inside!(self, inner => inner.try_close(id.clone()));
        if let Some(capture) = self.capture.as_ref().filter(|_| is_closed) {
            capture.close(&id);
        }
        is_closed
    }

    fn current_span(&self) -> Current {
        inside!(self, inner => inner.current_span())
    }

    // Other crates find their layers through this method: tracing-opentelemetry to set a span's parent,
    // tracing-error to read a trace. It is `unsafe` in the trait; here it only passes the inner answer on.
    #[expect(unsafe_code, reason = "the trait declares the method unsafe; nothing unsafe is done but the same call")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() || id == TypeId::of::<Ours>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        // SAFETY: the pointer is the inner subscriber's own answer and lives as long as `self`, which owns it.
        inside!(self, inner => unsafe { inner.downcast_raw(id) })
    }
}

/// What the generic forms of ours answer to when a stack is asked for it. It has no size and no content, so any
/// pointer can stand for it.
pub(super) struct Ours;

/// Whether a form of ours is part of this stack already.
fn contains_ours(stack: &dyn Subscriber) -> bool {
    stack.is::<Ours>() || stack.is::<AuditLayer>()
}

impl<'a, S: Subscriber + LookupSpan<'a>> LookupSpan<'a> for Audited<S> {
    type Data = S::Data;

    fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
        inside!(self, inner => inner.span_data(id))
    }
}

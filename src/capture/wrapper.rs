//! The wrapper: an outermost `Subscriber` that no global filter inside it can silence.
//!
//! It answers for audit callsites itself, and asks the stack inside only when it forwards, in one go: what was
//! asked before an event's arguments were evaluated may no longer hold when the event arrives.

use std::any::TypeId;
use std::sync::Arc;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::registry::LookupSpan;

use super::core::Capture;
use super::plan::Plan;

/// A subscriber with an audit trail around it. Made by `AuditedExt::audited`.
#[derive(Debug)]
pub struct Audited<S> {
    inner: S,
    /// `None` where the trail is configured off: then everything passes through.
    capture: Option<Arc<Capture>>,
}

impl<S: Subscriber> Audited<S> {
    pub(crate) fn new(inner: S, capture: Option<Arc<Capture>>) -> Self {
        Self { inner, capture }
    }

    /// Whether the stack inside wants this callsite now. Where it must be asked, this also sets what its
    /// per-layer filters remember until the span or event that follows.
    fn is_wanted(&self, plan: &Plan, metadata: &Metadata<'_>) -> bool {
        plan.inner().unwrap_or_else(|| self.inner.enabled(metadata))
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
        self.inner.on_register_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let inner = self.inner.register_callsite(metadata);
        let Some(capture) = &self.capture else {
            return inner;
        };
        let is_audit = capture.is_audit(metadata);
        if !is_audit && !capture.is_tracked(metadata) {
            return inner;
        }
        capture.plan(metadata).set_inner(&inner);
        if is_audit { Interest::always() } else { inner }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.audits(metadata).is_some() || self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Audit callsites are wanted at every level. Others are still decided by their own interest.
        if self.capture.is_some() {
            None
        } else {
            self.inner.max_level_hint()
        }
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let Some(capture) = &self.capture else {
            return self.inner.new_span(attributes);
        };
        if capture.is_audit(attributes.metadata()) {
            // Asked for what its filters remember; the span is forwarded whatever the answer.
            self.is_wanted(capture.plan(attributes.metadata()), attributes.metadata());
        }
        let id = self.inner.new_span(attributes);
        capture.new_span(attributes, &id);
        id
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.inner.record(span, values);
        if let Some(capture) = &self.capture {
            capture.record(span, values);
        }
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.inner.record_follows_from(span, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        // For an audit event the stack inside is asked when the event is forwarded.
        self.audits(event.metadata()).is_some() || self.inner.event_enabled(event)
    }

    #[inline]
    fn event(&self, event: &Event<'_>) {
        let Some(capture) = self.audits(event.metadata()) else {
            return self.inner.event(event);
        };
        if capture.plan(event.metadata()).is_probe() {
            return capture.event(event);
        }
        let plan = capture.plan(event.metadata());
        // The bridge has asked about a `log` record under its real target; only an audit one went unanswered.
        let was_asked = plan.is_log() && !capture.is_audit_log(event);
        if (was_asked || self.is_wanted(plan, event.metadata())) && self.inner.event_enabled(event) {
            self.inner.event(event);
        }
        capture.event(event);
    }

    #[inline]
    fn enter(&self, span: &Id) {
        self.inner.enter(span);
        if let Some(capture) = &self.capture {
            capture.enter(span);
        }
    }

    #[inline]
    fn exit(&self, span: &Id) {
        if let Some(capture) = &self.capture {
            capture.exit(span);
        }
        self.inner.exit(span);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.inner.clone_span(id)
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        let is_closed = self.inner.try_close(id.clone());
        if let Some(capture) = self.capture.as_ref().filter(|_| is_closed) {
            capture.close(&id);
        }
        is_closed
    }

    fn current_span(&self) -> Current {
        self.inner.current_span()
    }

    // Other crates find their layers through this method: tracing-opentelemetry to set a span's parent,
    // tracing-error to read a trace. It is `unsafe` in the trait; here it only passes the inner answer on.
    #[expect(
        unsafe_code,
        reason = "the trait declares the method unsafe; nothing unsafe is done but the same call"
    )]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        // SAFETY: the pointer is the inner subscriber's own answer and lives as long as `self`, which owns it.
        unsafe { self.inner.downcast_raw(id) }
    }
}

impl<'a, S: LookupSpan<'a>> LookupSpan<'a> for Audited<S> {
    type Data = S::Data;

    fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
        self.inner.span_data(id)
    }
}

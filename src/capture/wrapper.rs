//! The wrapper: an outermost `Subscriber` that no global filter inside it can silence.
//!
//! It answers for audit callsites itself, and asks the stack inside only when it forwards, in one go: what was
//! asked before an event's arguments were evaluated may no longer hold when the event arrives.

use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Registry;

use super::bare::Bare;
use super::core::Capture;
use super::layer::AuditLayer;
use super::plan::{Plan, Role};
use super::settings::TARGET;
use super::spans::Known;

/// Tells wrappers apart in what plans remember of the stacks inside them.
static WRAPPERS: AtomicU32 = AtomicU32::new(1);

/// A subscriber with an audit trail around it. Made by `AuditedExt::audited`.
#[derive(Debug)]
pub struct Audited<S> {
    inner: Inner<S>,
    /// `None` where the trail is configured off: then everything passes through.
    capture: Option<Arc<Capture>>,
    number: u32,
    /// Whether events of other targets than [`TARGET`] may be the trail's business.
    asks_events: bool,
    /// Whether spans of other targets may be.
    asks_spans: bool,
}

/// What the trail is put around.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one of them exists for each dispatcher, and a box would cost a step at every call"
)]
enum Inner<S> {
    Stack(S),
    /// In the place of a registry without any layer. Nobody asks that for what it keeps for layers, and keeping it costs
    /// more than all that the trail does with a span.
    Bare(Bare),
}

/// Calls the same method on whatever is inside.
macro_rules! inside {
    ($of:expr, $inner:ident => $call:expr) => {
        match &$of.inner {
            Inner::Stack($inner) => $call,
            Inner::Bare($inner) => $call,
        }
    };
}

impl<S: Subscriber> Audited<S> {
    pub(crate) fn new(inner: S, capture: Option<Arc<Capture>>) -> Self {
        let mut inner = Some(inner);
        let as_any: &mut dyn std::any::Any = &mut inner;
        let bare = as_any.downcast_mut::<Option<Registry>>().and_then(Option::take);
        let inner = match (bare, inner) {
            (Some(_), _) => Inner::Bare(Bare::new()),
            (None, Some(stack)) => Inner::Stack(stack),
            (None, None) => unreachable!("only a registry is taken out, and then it is there"),
        };
        let asks_events = capture
            .as_ref()
            .is_some_and(|capture| capture.asks_other_targets());
        let audited = Self {
            inner,
            asks_events,
            asks_spans: asks_events || capture.as_ref().is_some_and(|capture| capture.asks_all_spans),
            capture,
            number: WRAPPERS.fetch_add(1, Ordering::Relaxed),
        };
        if let Some(capture) = &audited.capture {
            let is_nested = match &audited.inner {
                Inner::Stack(stack) => has_registry(stack),
                Inner::Bare(_) => true,
            };
            capture.is_nested.store(is_nested, Ordering::Relaxed);
            capture.stack.is_around(std::any::type_name::<S>());
        }
        audited
    }

    /// Whether the stack inside wants this callsite now. Where it must be asked, this also sets what its
    /// per-layer filters remember until the span or event that follows.
    fn is_wanted(&self, plan: &Plan, metadata: &Metadata<'_>) -> bool {
        plan.inner(self.number)
            .unwrap_or_else(|| inside!(self, inner => inner.enabled(metadata)))
    }

    #[inline]
    fn forward(&self, event: &Event<'_>) {
        inside!(self, inner => {
            if inner.event_enabled(event) {
                inner.event(event);
            }
        });
    }

    #[inline(never)]
    fn any_event(&self, event: &Event<'_>) {
        match self.audits(event.metadata()) {
            None => self.forward(event),
            Some(capture) if matches!(self.inner, Inner::Bare(_)) => capture.event(event),
            Some(capture) => self.audit(capture, event),
        }
    }

    /// Forwards an audit event to a stack that wants it, and records it.
    #[inline(never)]
    fn audit(&self, capture: &Capture, event: &Event<'_>) {
        let plan = capture.plan(event.metadata());
        // A probe of `check` is nobody else's business. The bridge has asked about a `log` record under its real
        // target; only an audit one went unanswered.
        let was_asked = plan.is_log() && !capture.is_audit_log(event);
        // A second form of ours inside must see the probe, to be found.
        let is_wanted = if plan.is_probe() {
            inside!(self, inner => contains_ours(inner))
        } else {
            was_asked || self.is_wanted(plan, event.metadata())
        };
        if is_wanted {
            self.forward(event);
        }
        capture.planned_event(event, plan);
    }

    /// Whether the trail has nothing to do with what has this target. Answers without a look at the trail; where it answers
    /// `false`, the trail is asked.
    #[inline(always)]
    fn passes(asks: bool, metadata: &Metadata<'_>) -> bool {
        !asks && !metadata.target().starts_with(TARGET)
    }

    /// Opens a span that may be the trail's business.
    #[inline(always)]
    fn open<I: Subscriber>(&self, inner: &I, attributes: &Attributes<'_>) -> Id {
        let Some(capture) = &self.capture else {
            return inner.new_span(attributes);
        };
        let plan = capture.tracked(attributes.metadata());
        if let Some(plan) = plan.filter(|plan| !matches!(plan.role, Role::Lender | Role::Step))
            && plan.inner(self.number) != Some(true)
        {
            // The span is forwarded whatever the answer. Asked for what per-layer filters remember until then: they
            // hide the span from their layers, also where all of them said never.
            let _ = inner.enabled(attributes.metadata());
        }
        let id = inner.new_span(attributes);
        capture.planned_span(attributes, &id, plan);
        id
    }

    /// Whether nobody but the trail listens: known when the program is compiled, so that neither form has room for the other.
    #[inline(always)]
    fn is_alone() -> bool {
        TypeId::of::<S>() == TypeId::of::<Registry>()
    }

    #[inline(always)]
    fn enter_beside<I: Subscriber>(&self, inner: &I, span: &Id) {
        let Some(capture) = &self.capture else {
            return inner.enter(span);
        };
        #[cfg(feature = "opentelemetry")]
        capture.approach(span);
        inner.enter(span);
        capture.enter(span);
    }

    #[inline(always)]
    fn exit_beside<I: Subscriber>(&self, inner: &I, span: &Id) {
        if let Some(capture) = &self.capture {
            capture.exit(span);
        }
        inner.exit(span);
    }

    // What follows is apart from the methods of the trait: for a span that is none of the trail's business these only
    // pass the call on, and save nothing before. Whether it is, is asked before the stack inside hears of the call.

    #[inline(never)]
    fn open_in(&self, attributes: &Attributes<'_>) -> Id {
        inside!(self, inner => self.open(inner, attributes))
    }

    #[inline(never)]
    fn enter_in(stack: &S, capture: &Capture, span: &Id, context: u64) {
        #[cfg(feature = "opentelemetry")]
        capture.approach(span);
        stack.enter(span);
        capture.enter_context(span, context);
    }

    #[inline(never)]
    fn exit_in(&self, stack: &S, capture: &Capture, span: &Id) {
        if capture.exit_plain(span) {
            stack.exit(span);
        } else {
            self.exit_otherwise(span);
        }
    }

    #[inline(never)]
    fn close_in(stack: &S, capture: &Capture, id: Id, known: Known<'_>) -> bool {
        // Which handle is the last is known only when the stack inside has answered, and then a registry has freed the id:
        // it holds references of its own (a child's to its parent), so a count of ours could not tell earlier. Another
        // thread may be given the same *place* in between, but not the same id: the upper bits (13 of 64) count how often
        // the place was used before, and our tables compare whole ids. For one to come back, 8,191 more spans would have to
        // open and close in that place between these two calls; on a system of 32 bits, where 2 bits count, three. What the
        // new one records until this call then goes to the old one's record, which stands first in its bucket; both are
        // written. (The layer forms hear of it before the id is free.)
        let number = id.into_u64();
        let is_closed = stack.try_close(id);
        if is_closed {
            capture.close_known(number, known);
        }
        is_closed
    }

    // What is seldom is a call that is passed on as well.

    #[cold]
    #[inline(never)]
    fn enter_otherwise(&self, span: &Id) {
        inside!(self, inner => self.enter_beside(inner, span));
    }

    #[cold]
    #[inline(never)]
    fn exit_otherwise(&self, span: &Id) {
        inside!(self, inner => self.exit_beside(inner, span));
    }

    #[cold]
    #[inline(never)]
    fn close_otherwise(&self, id: Id) -> bool {
        match (&self.inner, &self.capture) {
            (Inner::Bare(bare), _) => self.close_bare(bare, &id),
            (Inner::Stack(stack), None) => stack.try_close(id),
            (Inner::Stack(stack), Some(capture)) => match capture.known(&id) {
                Some(known) => Self::close_in(stack, capture, id, known),
                None => stack.try_close(id),
            },
        }
    }

    /// Gives a handle back where nobody but the trail listens. It hears of the end before the id is free.
    #[inline]
    fn close_bare(&self, bare: &Bare, id: &Id) -> bool {
        bare.close(id, |closed| {
            if let Some(capture) = &self.capture {
                capture.close(closed);
            }
        })
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
        #[cfg(feature = "otlp")]
        let inner = crate::hush::interest(metadata, inner);
        let Some(capture) = &self.capture else {
            return inner;
        };
        let is_audit = capture.is_audit(metadata);
        if !is_audit && matches!(self.inner, Inner::Bare(_)) && metadata.is_event() {
            // Nobody else listens. Ordinary spans stay: they carry context from thread to thread.
            return Interest::never();
        }
        if !is_audit && capture.tracked(metadata).is_none() {
            return inner;
        }
        capture.plan(metadata).set_inner(self.number, &inner);
        if is_audit { Interest::always() } else { inner }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        #[cfg(feature = "otlp")]
        if crate::hush::is_hushed() {
            return false;
        }
        self.audits(metadata).is_some() || inside!(self, inner => inner.enabled(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Audit callsites are wanted at every level. Others are still decided by their own interest.
        if self.capture.is_some() {
            None
        } else {
            inside!(self, inner => inner.max_level_hint())
        }
    }

    #[inline]
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        match &self.inner {
            Inner::Bare(bare) if Self::is_alone() => self.open(bare, attributes),
            Inner::Stack(stack)
                if Self::passes(self.asks_spans, attributes.metadata())
                    && Capture::has_no_link(attributes) =>
            {
                stack.new_span(attributes)
            }
            _ => self.open_in(attributes),
        }
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

    fn event_enabled(&self, _: &Event<'_>) -> bool {
        // The stack inside is asked when the event is forwarded: one look at the target decides both.
        true
    }

    #[inline]
    fn event(&self, event: &Event<'_>) {
        // What is asked first needs nothing that is called, and so nothing that is saved before.
        match &self.inner {
            Inner::Stack(stack) if Self::passes(self.asks_events, event.metadata()) => {
                if stack.event_enabled(event) {
                    stack.event(event);
                }
            }
            // Nobody else listens.
            Inner::Bare(_) if event.metadata().target() == TARGET => {
                if let Some(capture) = &self.capture {
                    capture.event(event);
                }
            }
            _ => self.any_event(event),
        }
    }

    #[inline]
    fn enter(&self, span: &Id) {
        match (&self.inner, &self.capture) {
            // Neither needs the other, so the order is the shorter one.
            (Inner::Bare(bare), Some(capture)) if Self::is_alone() && capture.enter_plain(span) => {
                bare.enter(span)
            }
            (Inner::Stack(stack), None) => stack.enter(span),
            (Inner::Stack(stack), Some(capture)) if !capture.spans.is_crowded() => {
                match capture.context_placed(span) {
                    Some(context) => Self::enter_in(stack, capture, span, context),
                    None => stack.enter(span),
                }
            }
            _ => self.enter_otherwise(span),
        }
    }

    #[inline]
    fn exit(&self, span: &Id) {
        match (&self.inner, &self.capture) {
            (Inner::Bare(bare), Some(capture)) if Self::is_alone() && capture.exit_plain(span) => {
                bare.exit(span)
            }
            (Inner::Stack(stack), Some(capture)) if capture.passes_exit() => stack.exit(span),
            (Inner::Stack(stack), Some(capture)) => self.exit_in(stack, capture, span),
            (Inner::Stack(stack), None) => stack.exit(span),
            _ => self.exit_otherwise(span),
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        inside!(self, inner => inner.clone_span(id))
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        match (&self.inner, &self.capture) {
            (Inner::Bare(bare), _) if Self::is_alone() => self.close_bare(bare, &id),
            (Inner::Stack(stack), None) => stack.try_close(id),
            // Asked before the stack: whether a span is known is settled before anybody has its id.
            (Inner::Stack(stack), Some(capture)) if !capture.spans.is_crowded() => {
                match capture.spans.known_placed(id.into_u64()) {
                    Some(known) => Self::close_in(stack, capture, id, known),
                    None => stack.try_close(id),
                }
            }
            _ => self.close_otherwise(id),
        }
    }

    fn current_span(&self) -> Current {
        inside!(self, inner => inner.current_span())
    }

    // Other crates find their layers through this method: tracing-opentelemetry to set a span's parent,
    // tracing-error to read a trace. It is `unsafe` in the trait; here it only passes the inner answer on.
    #[expect(
        unsafe_code,
        reason = "the trait declares the method unsafe; nothing unsafe is done but the same call"
    )]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() || id == TypeId::of::<Ours>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        #[cfg(feature = "otlp")]
        if id == TypeId::of::<crate::hush::Hushes>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        if id == TypeId::of::<Arc<Capture>>() {
            return self
                .capture
                .as_ref()
                .map(|capture| std::ptr::from_ref(capture).cast());
        }
        // It is no part of a stack, but stands for one: see `has_registry`.
        if let (Inner::Bare(bare), true) = (&self.inner, id == TypeId::of::<Bare>()) {
            return Some(std::ptr::from_ref(bare).cast());
        }
        // SAFETY: the pointer is the inner subscriber's own answer and lives as long as `self`, which owns it.
        unsafe { inside!(self, inner => inner.downcast_raw(id)) }
    }
}

/// What the generic forms of ours answer to when a stack is asked for it. It has no size and no content, so any
/// pointer can stand for it.
pub(super) struct Ours;

/// Whether spans are kept by a registry, in which each holds the one around it open.
fn has_registry(stack: &dyn Subscriber) -> bool {
    stack.is::<Registry>() || stack.is::<Bare>()
}

/// Whether a form of ours is part of this stack already.
fn contains_ours(stack: &dyn Subscriber) -> bool {
    stack.is::<Ours>() || stack.is::<AuditLayer>()
}

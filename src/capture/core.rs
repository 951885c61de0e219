//! What the wrapper and both layer forms do with spans and events: the one implementation behind the three doors.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::RwLock;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Metadata};

use super::ids::{self, Ids};
use super::links::Links;
use super::local::{self, Depth, Held};
use super::plan::{Plan, Role};
use super::settings::Settings;
use super::spans::{Evidence, SpanState, Spans};
use super::visitor::Visitor;
use super::{Loss, Outlet, Route};
use crate::clock::SharedClock;
use crate::record::{Level, Outcome, Slot};
use crate::redact::{Policy, RedactedFields, Redacting, Tally, sees};
use crate::stats::{Counters, add};

/// Tells instances apart in what threads keep.
static INSTANCES: AtomicU32 = AtomicU32::new(1);

/// Turns what `tracing` reports into frames. One per trail, shared by everything that is installed for it.
pub(crate) struct Capture {
    pub(super) instance: u32,
    pub(super) settings: Settings,
    pub(super) ids: Ids,
    outlet: Arc<dyn Outlet>,
    clock: SharedClock,
    counters: Arc<Counters>,
    spans: Spans,
    links: Links,
    plans: RwLock<HashMap<usize, &'static Plan>>,
    registered: AtomicBool,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

impl Capture {
    pub(crate) fn new(
        settings: Settings,
        ids: Ids,
        outlet: Arc<dyn Outlet>,
        clock: SharedClock,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            instance: INSTANCES.fetch_add(1, Ordering::Relaxed),
            settings,
            ids,
            outlet,
            clock,
            counters,
            spans: Spans::new(),
            links: Links::new(),
            plans: RwLock::new(HashMap::new()),
            registered: AtomicBool::new(false),
        }
    }

    /// Notes that this trail is part of a dispatcher.
    pub(super) fn registered(&self, dispatch: &Dispatch) {
        self.registered.store(true, Ordering::Release);
        if let Ids::Source(source) = &self.ids {
            // Weak: the dispatcher owns the subscriber that owns us.
            source.registered(dispatch.downgrade());
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Acquire)
    }

    /// The callsite's plan, made now if nobody has made it: an event can come before its registration.
    #[inline]
    pub(super) fn plan(&self, metadata: &'static Metadata<'static>) -> &'static Plan {
        let key = std::ptr::from_ref(metadata).addr();
        match local::remembered(key, self.instance) {
            Some(plan) => plan,
            None => self.find_plan(key, metadata),
        }
    }

    #[cold]
    fn find_plan(&self, key: usize, metadata: &'static Metadata<'static>) -> &'static Plan {
        let found = self.plans.read().get(&key).copied();
        let plan = found.unwrap_or_else(|| {
            // Leaked on purpose: callsites are static, their number is bounded by the program's text, and a
            // counted reference would cost more than the plan on every event.
            let made = || -> &'static Plan { Box::leak(Box::new(Plan::new(metadata, &self.settings))) };
            self.plans.write().entry(key).or_insert_with(made)
        });
        local::remember(key, self.instance, plan);
        plan
    }

    #[inline]
    pub(super) fn is_audit(&self, metadata: &Metadata<'_>) -> bool {
        self.settings.is_audit(metadata.target())
    }

    /// Whether a span's callsite concerns us: an audit span, or one that may lend.
    #[inline]
    pub(super) fn is_tracked(&self, metadata: &'static Metadata<'static>) -> bool {
        self.is_audit(metadata)
            || (!self.settings.lend.is_empty() && self.plan(metadata).role == Role::Lender)
    }

    /// Where something with this parent stands: `with` is told the nearest span with a context (0: none), and what
    /// the thread has entered inside that span. It must not run user code.
    #[inline]
    fn place<R>(
        &self,
        is_contextual: bool,
        parent: Option<&Id>,
        mut with: impl FnMut(u64, &[Held]) -> R,
    ) -> R {
        if is_contextual {
            local::current(self.instance, with)
        } else {
            with(parent.map_or(0, |parent| self.context_of(parent.into_u64())), &[])
        }
    }

    /// The nearest span with a context, from this one upwards; 0 where there is none.
    fn context_of(&self, id: u64) -> u64 {
        self.links
            .get(id)
            .unwrap_or_else(|| if self.spans.contains(id) { id } else { 0 })
    }

    pub(super) fn new_span(&self, attributes: &Attributes<'_>, id: &Id) {
        let metadata = attributes.metadata();
        if !self.is_tracked(metadata) {
            return self.link(attributes, id);
        }
        let plan = self.plan(metadata);
        match plan.role {
            Role::Span | Role::Lender => {}
            Role::NotAllowed => {
                add(&self.counters.not_allowed, 1);
                return self.link(attributes, id);
            }
            Role::Probe => {
                super::check::hit(self.instance);
                return;
            }
            _ => return self.link(attributes, id),
        }
        let Some(_depth) = Depth::enter() else {
            if plan.role == Role::Span {
                self.outlet.lost(Loss::Reentrant, plan.category);
            }
            return self.link(attributes, id);
        };
        let id = id.into_u64();
        let mut state = self.spans.make(id);
        state.plan = Some(plan);
        self.count_names(plan);
        self.place(
            attributes.is_contextual(),
            attributes.parent(),
            |tracked, inside| {
                self.inherit(&mut state, tracked, inside);
            },
        );
        self.fill(&mut state, plan, |visitor| attributes.record(visitor));
        if plan.role == Role::Span {
            state.opened = self.clock.monotonic();
            if state.execution != 0 {
                self.send_start(&state, plan);
            }
        }
        self.spans.insert(id, state);
    }

    /// Remembers the context that an ordinary span stands in. Nothing is kept where there is no context.
    #[inline]
    fn link(&self, attributes: &Attributes<'_>, id: &Id) {
        if attributes.is_contextual() {
            if local::is_outside() {
                return;
            }
            let tracked = local::current(self.instance, |tracked, _| tracked);
            self.links.insert(id.into_u64(), tracked);
        } else {
            let tracked = attributes
                .parent()
                .map_or(0, |parent| self.context_of(parent.into_u64()));
            self.links.insert(id.into_u64(), tracked);
        }
    }

    /// Copies what the place hands down into a new span.
    fn inherit(&self, state: &mut SpanState, tracked: u64, inside: &[Held]) {
        let mut above = None;
        if tracked != 0 {
            let copied = self.spans.with(tracked, |parent| {
                state.inherited.extend(&parent.handed_down);
                state.has_actor |= parent.has_actor;
                parent.trace
            });
            above = copied.flatten();
        }
        for scope in local::scopes(inside) {
            scope.with_fields(self.instance, &self.settings.policy, |fields| {
                state.inherited.extend(fields)
            });
            state.has_actor |= scope.has_actor();
            above = scope.trace().or(above);
        }
        state.handed_down.extend(&state.inherited);
        state.trace = above;
    }

    /// Takes a new span's fields, and settles its ids.
    fn fill(&self, state: &mut SpanState, plan: &'static Plan, record: impl FnOnce(&mut Visitor<'_, '_>)) {
        let own = std::mem::take(&mut state.own);
        let handed_down = std::mem::take(&mut state.handed_down);
        let mut into = Redacting::fields(own, handed_down, &self.settings.policy);
        record(&mut Visitor {
            plan,
            into: &mut into,
        });
        self.count(into.tally);
        state.seen |= into.seen;
        state.has_actor |= into.seen & sees::ACTOR != 0;
        let above = into.trace.or(state.trace);
        if into.start && plan.role == Role::Span {
            state.execution = ids::random();
        }
        (state.own, state.handed_down) = into.finish_fields();
        state.trace = above;
        if plan.role != Role::Span {
            return;
        }
        state.parent = above.map(|above| above.span_id);
        state.trace = match (&self.ids, above) {
            (Ids::Own, Some(above)) => {
                ids::span_id().map(|span_id| crate::record::TraceContext { span_id, ..above })
            }
            (Ids::Own, None) => ids::root(),
            (Ids::Given, above) => above,
            // A tracer is asked when the span is entered, never now.
            (Ids::Source(_), _) => None,
        };
        if let Some(trace) = state.trace {
            state.handed_down.trace(trace, None);
        }
    }

    pub(super) fn record(&self, id: &Id, values: &Record<'_>) {
        let id = id.into_u64();
        let Some(Some(plan)) = self.spans.with(id, |state| state.plan) else {
            return;
        };
        let Some(_depth) = Depth::enter() else { return };
        // User code formats into fields of their own first; only then is the state locked.
        let mut into = Redacting::fields(
            RedactedFields::default(),
            RedactedFields::default(),
            &self.settings.policy,
        );
        values.record(&mut Visitor {
            plan,
            into: &mut into,
        });
        self.count(into.tally);
        let seen = into.seen;
        let trace = into.trace;
        let (own, handed_down) = into.finish_fields();
        self.spans.with(id, |state| {
            state.own.extend(&own);
            state.handed_down.extend(&handed_down);
            state.seen |= seen;
            state.has_actor |= seen & sees::ACTOR != 0;
            if let (Some(trace), Some(own)) = (trace, state.trace) {
                // A late traceparent moves the span into that trace; its own id stays.
                let moved = crate::record::TraceContext {
                    span_id: own.span_id,
                    ..trace
                };
                state.parent = Some(trace.span_id);
                state.trace = Some(moved);
                state.handed_down.trace(moved, None);
            }
        });
    }

    #[inline]
    pub(super) fn enter(&self, id: &Id) {
        let outside = local::is_outside();
        let number = id.into_u64();
        let tracked = match self.links.get(number) {
            Some(tracked) => tracked,
            None if self.spans.contains(number) => {
                self.entered(number, id);
                number
            }
            // Created outside of any context: a barrier, if there is a context around it now.
            None if outside => return,
            None => 0,
        };
        local::push(Held::Span {
            instance: self.instance,
            id: number,
            tracked,
        });
    }

    /// Asks a tracer for the ids of a span that was entered for the first time.
    fn entered(&self, number: u64, id: &Id) {
        let Ids::Source(source) = &self.ids else { return };
        let is_known = self
            .spans
            .with(number, |state| state.trace.is_some())
            .unwrap_or(true);
        if is_known {
            return;
        }
        if let Some(trace) = source.entered(id) {
            self.spans.with(number, |state| {
                state.trace = Some(trace);
                state.handed_down.trace(trace, None);
            });
        }
    }

    #[inline]
    pub(super) fn exit(&self, id: &Id) {
        if local::is_outside() {
            return;
        }
        if std::thread::panicking() {
            self.spans.with(id.into_u64(), |state| {
                state.evidence = state.evidence.max(Evidence::Panicked)
            });
        }
        local::pop_span(self.instance, id.into_u64());
    }

    #[inline]
    pub(super) fn close(&self, id: &Id) {
        let id = id.into_u64();
        self.links.remove(id);
        let Some(state) = self.spans.remove(id) else {
            return;
        };
        if let Some(plan) = state.plan.filter(|plan| plan.role == Role::Span) {
            self.send_span(&state, plan, None);
        }
        self.spans.recycle(id, state);
    }

    /// Writes the record of a span that has ended, or that is still open when the trail ends.
    fn send_span(&self, state: &SpanState, plan: &'static Plan, why_open: Option<&'static str>) {
        let mut into = Redacting::frame(self.outlet.buffer(), self.clock.now(), &self.settings.policy);
        into.inherit(&state.inherited);
        into.constants(&plan.constants);
        if state.seen & sees::DURATION == 0 {
            into.number(
                Slot::DurationNs,
                self.clock.monotonic().saturating_sub(state.opened),
            );
        }
        if state.seen & sees::OUTCOME == 0 {
            let (outcome, reason) = match (state.evidence, why_open) {
                (Evidence::Panicked, _) => (Outcome::Unknown, Some("panic")),
                (Evidence::Failed, _) => (Outcome::Failure, None),
                (Evidence::Returned, _) => (Outcome::Success, None),
                (Evidence::None, why) => (Outcome::Unknown, Some(why.unwrap_or("not_reported"))),
            };
            into.word(Slot::Outcome, word(&outcome));
            if let Some(reason) = reason {
                into.word(Slot::ReasonCode, reason);
            }
        }
        // Own fields come last: what the application said wins over what was concluded.
        into.inherit(&state.own);
        self.identify(&mut into, state);
        into.seen = state.seen;
        self.finish(into, plan, state.has_actor);
    }

    fn send_start(&self, state: &SpanState, plan: &'static Plan) {
        let mut into = Redacting::frame(self.outlet.buffer(), self.clock.now(), &self.settings.policy);
        into.inherit(&state.inherited);
        into.constants(&plan.constants);
        into.inherit(&state.own);
        into.word(Slot::Phase, "start");
        into.word(Slot::Outcome, word(&Outcome::Pending));
        self.identify(&mut into, state);
        into.seen = state.seen;
        self.finish(into, plan, state.has_actor);
    }

    fn identify(&self, into: &mut Redacting<'_>, state: &SpanState) {
        if let Some(trace) = state.trace {
            into.trace_ids(trace, state.parent);
        }
        if state.execution != 0 && state.seen & sees::EXECUTION == 0 {
            into.hex(Slot::ExecutionId, state.execution);
        }
    }

    /// Writes spans that are still open, as unknown/`still_open`. They end without another record.
    pub(crate) fn close_open_spans(&self) {
        for (_, state) in self.spans.drain() {
            if let Some(plan) = state.plan.filter(|plan| plan.role == Role::Span) {
                self.send_span(&state, plan, Some("still_open"));
            }
        }
    }

    pub(super) fn event(&self, event: &Event<'_>) {
        let plan = self.plan(event.metadata());
        match plan.role {
            Role::Event => {}
            Role::Failed | Role::Returned if self.fold(event, plan) => return,
            Role::Failed | Role::Returned => {}
            Role::Probe => return super::check::hit(self.instance),
            Role::NotAllowed => return add(&self.counters.not_allowed, 1),
            Role::Log if self.is_audit_log(event) => {}
            Role::Log | Role::Ignored | Role::Span | Role::Lender => return,
        }
        let Some(_depth) = Depth::enter() else {
            return self.outlet.lost(Loss::Reentrant, plan.category);
        };
        let mut into = Redacting::frame(self.outlet.buffer(), self.clock.now(), &self.settings.policy);
        let has_actor = self.place(event.is_contextual(), event.parent(), |tracked, inside| {
            self.append_context(&mut into, tracked, inside)
        });
        into.constants(&plan.constants);
        self.count_names(plan);
        event.record(&mut Visitor {
            plan,
            into: &mut into,
        });
        if let Some(trace) = into.trace {
            into.trace_ids(trace, None);
        } else if let Ids::Source(source) = &self.ids {
            if let Some(trace) = source.event(event.parent()) {
                into.trace_ids(trace, None);
            }
        }
        self.finish(into, plan, has_actor);
    }

    /// Whether a bridged `log` record is one for the trail.
    pub(super) fn is_audit_log(&self, event: &Event<'_>) -> bool {
        super::log::is_audit(event, &self.settings)
    }

    /// Takes an `err` or `ret` event of the span's own `#[instrument]` as evidence. `false` where it is not one.
    fn fold(&self, event: &Event<'_>, plan: &'static Plan) -> bool {
        let tracked = self.place(event.is_contextual(), event.parent(), |tracked, _| tracked);
        let span = self.spans.with(tracked, |state| state.plan).flatten();
        if !span.is_some_and(|span| span.role == Role::Span && plan.belongs_to(span)) {
            return false;
        }
        let Some(_depth) = Depth::enter() else { return true };
        let mut message = RedactedFields::default();
        let evidence = if plan.role == Role::Failed {
            Evidence::Failed
        } else {
            Evidence::Returned
        };
        if evidence == Evidence::Failed {
            let mut into = Redacting::fields(message, RedactedFields::default(), &self.settings.policy);
            event.record(&mut Visitor {
                plan,
                into: &mut into,
            });
            self.count(into.tally);
            (message, _) = into.finish_fields();
        }
        self.spans.with(tracked, |state| {
            state.evidence = state.evidence.max(evidence);
            state.own.extend(&message);
        });
        true
    }

    /// Ends a frame that a layer made: policy, floor, mode, and off it goes.
    #[inline]
    fn finish(&self, mut into: Redacting<'_>, plan: &'static Plan, has_actor: bool) {
        let has_actor = has_actor || into.seen & sees::ACTOR != 0;
        self.count(into.tally);
        if !has_actor {
            if self.settings.require_actor {
                self.outlet.recycle(into.finish().into_buffer());
                return self.outlet.lost(Loss::Policy, plan.category);
            }
            add(&self.counters.missing_actor, 1);
            into.word(Slot::ActorId, "unknown");
        }
        let (is_wanted, mode) = {
            let event = into.event_name().unwrap_or(plan.event);
            self.route(event, plan.category, &plan.level)
        };
        let frame = into.finish();
        if is_wanted {
            self.outlet.send(
                frame,
                Route {
                    mode,
                    category: plan.category,
                },
            );
        } else {
            add(&self.counters.below_level, 1);
            self.outlet.recycle(frame.into_buffer());
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    pub(crate) fn requires_actor(&self) -> bool {
        self.settings.require_actor
    }

    /// Appends what the current thread's spans and scopes hand down, for a record that is given as a value.
    /// Answers whether an actor is among it.
    pub(crate) fn inherit_context(&self, into: &mut Redacting<'_>) -> bool {
        self.place(true, None, |tracked, inside| {
            self.append_context(into, tracked, inside)
        })
    }

    #[inline]
    fn append_context(&self, into: &mut Redacting<'_>, tracked: u64, inside: &[Held]) -> bool {
        let mut has_actor = false;
        if tracked != 0 {
            self.spans.with(tracked, |state| {
                into.inherit(&state.handed_down);
                has_actor = state.has_actor;
            });
        }
        for scope in local::scopes(inside) {
            scope.with_fields(self.instance, &self.settings.policy, |fields| {
                into.inherit(fields)
            });
            has_actor |= scope.has_actor();
        }
        has_actor
    }

    /// Whether a record of this name and level is above its family's floor, and how it travels.
    pub(crate) fn route(&self, event: &str, category: &str, level: &Level) -> (bool, crate::config::Mode) {
        let mode = self
            .settings
            .modes
            .of(event, Some(category).filter(|category| !category.is_empty()));
        (self.settings.floors.admits(event, level), mode)
    }

    #[inline]
    pub(crate) fn count(&self, tally: Tally) {
        if tally.is_zero() {
            return;
        }
        add(&self.counters.wrong_type, u64::from(tally.wrong_type));
        add(&self.counters.redacted, u64::from(tally.redacted));
        add(&self.counters.truncated, u64::from(tally.truncated));
        add(&self.counters.panicked, u64::from(tally.panicked));
    }

    #[inline]
    fn count_names(&self, plan: &Plan) {
        if plan.duplicates | plan.reserved != 0 {
            add(&self.counters.duplicate_name, u64::from(plan.duplicates));
            add(&self.counters.reserved_name, u64::from(plan.reserved));
        }
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Denied => "denied",
        Outcome::Pending => "pending",
        Outcome::Unknown | Outcome::Other(_) => "unknown",
    }
}

//! The life of a span: created, filled, entered, left, closed, and the records that come of it.

use tracing_core::span::{Attributes, Id, Record};

use super::Loss;
use super::core::Capture;
use super::ids::{self, Ids};
use super::local::{self, Depth, Entered};
use super::plan::{Plan, Role};
use super::span_state::{Evidence, SpanState};
use super::spans::Known;
use super::tree::more;
use super::visitor::{LendingVisitor, Visitor};
use crate::record::Slot;
use crate::redact::{RedactedFields, Redacting, sees};
use crate::stats::add;

impl Capture {
    pub(super) fn new_span(&self, attributes: &Attributes<'_>, id: &Id) {
        self.planned_span(attributes, id, self.tracked(attributes.metadata()));
    }

    /// As [`Self::new_span`], for a caller who has looked the plan up.
    #[inline(always)]
    pub(super) fn planned_span(&self, attributes: &Attributes<'_>, id: &Id, plan: Option<&'static Plan>) {
        match plan {
            // Asked first: where spans lend, most spans do.
            Some(plan) if plan.role == Role::Lender => self.lending_span(attributes, id, plan),
            Some(plan) => self.tracked_span(attributes, id, plan),
            None => self.link(attributes, id),
        }
    }

    #[inline(never)]
    fn tracked_span(&self, attributes: &Attributes<'_>, id: &Id, plan: &'static Plan) {
        match plan.role {
            Role::Lender => return self.lending_span(attributes, id, plan),
            Role::Step => return self.step_span(attributes, id, plan),
            Role::Span => {}
            Role::NotAllowed => {
                add(&self.counters.not_allowed, 1);
                return self.link(attributes, id);
            }
            Role::Probe => return self.probe_opened(id.into_u64()),
            _ => return self.link(attributes, id),
        }
        let Some(_depth) = Depth::enter() else {
            self.nested_too_deeply(plan);
            return self.link(attributes, id);
        };
        let Some(mut state) = self.begin(attributes, plan) else {
            self.outlet.lost(Loss::Memory, plan.category);
            return self.cannot_hand_down();
        };
        self.fill(&mut state, plan, |visitor| attributes.record(visitor));
        state.opened = self.clock.monotonic();
        if state.more != 0 {
            return self.insert_more(attributes, id, state, plan);
        }
        let lost = || self.outlet.lost(Loss::Memory, plan.category);
        self.spans.insert(id.into_u64(), state, true, lost);
    }

    /// An ordinary span that lends: it becomes no record, so what it takes is only handed down.
    #[inline(never)]
    pub(super) fn lending_span(&self, attributes: &Attributes<'_>, id: &Id, plan: &'static Plan) {
        if !self.lends_in_words(attributes, id, plan) {
            self.lend_beside(attributes, id, plan);
        }
    }

    /// Most spans lend a few short values. `false`, and nothing done, where it is otherwise.
    #[inline(always)]
    fn lends_in_words(&self, attributes: &Attributes<'_>, id: &Id, plan: &'static Plan) -> bool {
        if !plan.lends_in_words() || !attributes.is_contextual() || local::is_recording() {
            return false;
        }
        let lent = local::plain(self.instance).and_then(|tracked| {
            // No code but ours runs while the values are written.
            self.spans.lend(id.into_u64(), plan, tracked, |into| {
                attributes.record(&mut LendingVisitor::new(plan, into));
            })
        });
        match lent {
            Some(true) => plan.kept_to_words(),
            Some(false) => plan.gave_words_up(),
            None => {}
        }
        lent == Some(true)
    }

    #[inline(never)]
    fn lend_beside(&self, attributes: &Attributes<'_>, id: &Id, plan: &'static Plan) {
        let Some(_depth) = Depth::enter() else {
            add(&self.counters.too_deep, plan.planned());
            return self.link(attributes, id);
        };
        let Some(mut state) = self.begin(attributes, plan) else {
            // Not linked to what is around it: who acts inside need not be who acts there.
            return self.cannot_hand_down();
        };
        let mut into = Redacting::lending(std::mem::take(&mut state.handed_down), &self.settings.policy);
        if plan.names_actor && state.has_actor {
            into.level();
        }
        attributes.record(&mut Visitor::new(plan, &mut into));
        self.count(&into.tally);
        state.has_actor |= into.seen & sees::ACTOR != 0;
        if into.trace.is_some() {
            state.trace = into.trace;
        }
        into.finish_lending_in(&mut state.handed_down);
        self.spans
            .insert(id.into_u64(), state, false, || self.cannot_hand_down());
    }

    /// The state of a new span, with what it inherits; `None` where there is no memory for it.
    #[inline(always)]
    fn begin(&self, attributes: &Attributes<'_>, plan: &'static Plan) -> Option<Box<SpanState>> {
        let mut state = self.spans.make()?;
        state.plan = Some(plan);
        if plan.is_notable {
            self.count_names(plan);
            state.more |= plan.more();
        }
        match local::plain(self.instance).filter(|_| attributes.is_contextual()) {
            Some(tracked) => self.inherit_span(&mut state, tracked),
            None => self.inherit_placed(&mut state, attributes),
        }
        // Only a span that becomes a record needs what it inherited apart from what it adds.
        if plan.role == Role::Span {
            state.inherited.extend(&state.handed_down);
        }
        Some(state)
    }

    /// Takes a new audit span's fields, and settles its ids.
    fn fill(&self, state: &mut SpanState, plan: &'static Plan, record: impl FnOnce(&mut Visitor<'_, '_>)) {
        let (own, handed_down) = (
            std::mem::take(&mut state.own),
            std::mem::take(&mut state.handed_down),
        );
        let mut into = Redacting::fields(own, handed_down, &self.settings.policy);
        if plan.names_actor && state.has_actor {
            into.level();
        }
        record(&mut Visitor::new(plan, &mut into));
        self.count(&into.tally);
        state.seen |= into.seen;
        state.names = into.names();
        state.has_actor |= into.seen & sees::ACTOR != 0;
        state.trace = into.trace.or(state.trace);
        if into.start || self.is_mandatory(&into, plan) {
            state.execution = ids::random();
            state.more |= more::STARTS;
        }
        (state.own, state.handed_down) = into.finish_fields();
        self.identify_new(state);
    }

    /// Whether a new audit span must be on record before its body runs, by what its callsite and its fields call it.
    fn is_mandatory(&self, into: &Redacting<'_>, plan: &Plan) -> bool {
        let modes = &self.settings.modes;
        if !modes.has_mandatory() {
            return false;
        }
        let event = into.event_name(&plan.event);
        let derived = || event.rsplit_once('.').map(|(category, _)| category);
        let category = Some(into.category().unwrap_or(plan.category)).filter(|category| !category.is_empty());
        modes.is_mandatory(event, category.or_else(derived))
    }

    /// Gives a new audit span its place in a trace.
    fn identify_new(&self, state: &mut SpanState) {
        let above = state.trace;
        // Given ids are those of the span around this one, whose own id nobody states. A tracer does not say which span it
        // took for the parent: that need not be the audit span around this one.
        state.parent = above
            .map(|above| above.span_id)
            .filter(|_| matches!(self.ids, Ids::Own));
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
        if let Some(evidence) = super::audited::concluded(id) {
            self.spans.with(id, |state| state.evidence = evidence);
            return;
        }
        let Some(plan) = self.spans.plan(id) else {
            if self.settings.call_stacks.is_some() {
                self.say_step(id, values);
            }
            return;
        };
        let Some(_depth) = Depth::enter() else {
            return add(&self.counters.too_deep, values.len() as u64);
        };
        // User code formats into fields of their own first; only then is the state locked.
        let spare = || RedactedFields::empty(self.outlet.buffer());
        let mut into = match plan.role {
            Role::Span => Redacting::fields(spare(), spare(), &self.settings.policy),
            _ => Redacting::lending(spare(), &self.settings.policy),
        };
        values.record(&mut Visitor::new(plan, &mut into));
        self.count(&into.tally);
        let seen = into.seen;
        let names = into.names();
        let trace = into.trace;
        let (own, handed_down) = match plan.role {
            Role::Span => into.finish_fields(),
            _ => (RedactedFields::default(), into.finish_lending()),
        };
        let changed = self.spans.change(id, |state| {
            state.names.take(names, state.own.len());
            state.own.extend(&own);
            state.handed_down.extend(&handed_down);
            state.seen |= seen;
            state.has_actor |= seen & sees::ACTOR != 0;
            if let (Some(trace), Some(own)) = (trace, state.trace.filter(|_| !self.has_tracer())) {
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
        if changed.is_none() && self.spans.knows(id) {
            self.cannot_hand_down();
        }
        self.outlet.recycle(own.into_buffer());
        self.outlet.recycle(handed_down.into_buffer());
        if plan.step.is_some() {
            self.say_step(id, values);
        }
    }

    /// Whether nothing comes of it that the thread leaves a span.
    #[inline(always)]
    pub(super) fn passes_exit(&self) -> bool {
        #[cfg(feature = "opentelemetry")]
        if self.has_tracer() {
            return false;
        }
        local::is_outside()
    }

    /// The context that the thread comes to by entering this span, 0 for none; `None` where nothing comes of it, because it is
    /// in none already. (A tracer hears of every span.)
    #[inline(always)]
    pub(super) fn context_in(&self, id: &Id) -> Option<u64> {
        let tracked = self.spans.tracked(id.into_u64());
        // Created outside of any context: a barrier, if there is a context around it now.
        tracked.or_else(|| (!self.passes_exit()).then_some(0))
    }

    /// The same of a span that has a place if anything is kept of it.
    #[inline(always)]
    pub(super) fn context_placed(&self, id: &Id) -> Option<u64> {
        let tracked = self.spans.tracked_placed(id.into_u64());
        tracked.or_else(|| (!self.passes_exit()).then_some(0))
    }

    #[inline(always)]
    pub(super) fn enter(&self, id: &Id) {
        if let Some(context) = self.context_in(id) {
            self.enter_context(id, context);
        }
    }

    /// Enters a span where nothing else is to be done, nor to be asked but what is at hand; `false`, with nothing done, where
    /// there may be more.
    #[inline(always)]
    pub(super) fn enter_plain(&self, id: &Id) -> bool {
        let number = id.into_u64();
        if self.has_tracer() || std::thread::panicking() || self.spans.is_crowded() {
            return false;
        }
        match self.spans.tracked_placed(number) {
            None if local::is_outside() => true,
            context => local::push_plain(Entered::new(self.instance, false, number, context.unwrap_or(0))),
        }
    }

    /// As [`Self::enter_plain`], where a span is left.
    #[inline(always)]
    pub(super) fn exit_plain(&self, id: &Id) -> bool {
        let is_plain = || !self.has_tracer() && !std::thread::panicking();
        self.passes_exit() || (is_plain() && local::pop_newest(self.instance, id.into_u64()).is_some())
    }

    /// Enters a span that stands in this context.
    #[inline(always)]
    pub(super) fn enter_context(&self, id: &Id, context: u64) {
        #[cfg(feature = "opentelemetry")]
        self.arrive(id);
        let number = id.into_u64();
        if context == number
            && let Ids::Source(source) = &self.ids
        {
            self.identify_entered(source.as_ref(), id);
        }
        #[cfg(feature = "opentelemetry")]
        if context == 0 && local::is_outside() && !self.spans.knows(number) {
            return;
        }
        let in_panic = std::thread::panicking();
        local::push_span(Entered::new(self.instance, in_panic, number, context));
    }

    #[inline(always)]
    pub(super) fn exit(&self, id: &Id) {
        #[cfg(feature = "opentelemetry")]
        self.leave(id);
        if local::is_outside() {
            return;
        }
        let number = id.into_u64();
        let Some(was_in_panic) = local::pop_span(self.instance, number) else {
            return;
        };
        // What is entered by a `Drop` while somebody else's panic unwinds, and left in order, has not panicked. (One that
        // panics there and is caught again cannot be told from that: it is left without this evidence.)
        if !was_in_panic && std::thread::panicking() {
            self.spans.with(number, |state| {
                state.evidence = state.evidence.max(Evidence::Panicked)
            });
        }
    }

    #[inline(always)]
    pub(super) fn close(&self, id: &Id) {
        if let Some(known) = self.known(id) {
            self.close_known(id.into_u64(), known);
        }
    }

    /// What is kept of a span, if anything is.
    #[inline(always)]
    pub(super) fn known(&self, id: &Id) -> Option<Known<'_>> {
        self.spans.known(id.into_u64())
    }

    /// A span has ended of which something is kept.
    #[inline(always)]
    pub(super) fn close_known(&self, id: u64, known: Known<'_>) {
        if let Some(state) = self.spans.close_known(id, known) {
            self.send_closed(state);
        }
    }

    #[inline(never)]
    fn send_closed(&self, state: Box<SpanState>) {
        if let Some(plan) = state.plan {
            self.send_span(&state, plan, None);
        }
        self.spans.recycle(state);
    }

    /// Writes the record of a span that has ended, or that is still open when the trail ends.
    fn send_span(&self, state: &SpanState, plan: &'static Plan, why_open: Option<&'static str>) {
        let mut into = Redacting::frame(self.outlet.buffer(), &self.settings.policy);
        into.at(self.clock.now());
        into.inherit(&state.inherited);
        into.constants(&plan.constants);
        if state.seen & sees::DURATION == 0 {
            into.number(
                Slot::DurationNs,
                self.clock.monotonic().saturating_sub(state.opened),
            );
        }
        if state.seen & sees::OUTCOME == 0 {
            let (outcome, reason) = state.evidence.says();
            let reason = match state.evidence {
                Evidence::None => Some(why_open.unwrap_or("not_reported")),
                _ => reason,
            };
            into.word(Slot::Outcome, outcome);
            if let Some(reason) = reason {
                into.word(Slot::ReasonCode, reason);
            }
        }
        // Own fields come last: what the application said wins over what was concluded.
        into.own(&state.own, state.names);
        self.identify(&mut into, state, why_open.is_none());
        into.seen = state.seen;
        self.finish(&mut into, plan, state.has_actor);
    }

    pub(super) fn send_start(&self, state: &SpanState, plan: &'static Plan) {
        let mut into = Redacting::frame(self.outlet.buffer(), &self.settings.policy);
        into.at(self.clock.now());
        into.inherit(&state.inherited);
        into.constants(&plan.constants);
        into.own(&state.own, state.names);
        into.word(Slot::Phase, "start");
        into.word(Slot::Outcome, "pending");
        self.identify(&mut into, state, false);
        into.seen = state.seen;
        self.finish(&mut into, plan, state.has_actor);
    }

    fn identify(&self, into: &mut Redacting<'_>, state: &SpanState, has_ended: bool) {
        if let Some(trace) = state.trace {
            into.trace_ids(trace, state.parent);
        } else if self.has_tracer() && !state.is_untraced {
            self.trace_unknown(into, has_ended);
        }
        if state.execution != 0 && state.seen & sees::EXECUTION == 0 {
            into.hex(Slot::ExecutionId, state.execution);
        }
    }

    /// Writes what is known of spans that are open while the trail rests: once for each, and no span ends by it. Their
    /// end, if it comes, is a record under the same execution id.
    pub(crate) fn state_open_spans(&self) {
        let mut open = self.spans.open(ids::random);
        for other in self.stacks.others() {
            open.append(&mut other.spans.open(ids::random));
        }
        open.sort_by_key(|state| state.opened);
        for state in open {
            if let Some(plan) = state.plan.filter(|plan| plan.role == Role::Span) {
                self.send_span(&state, plan, Some("still_open"));
            }
        }
    }

    /// Writes spans that are still open, as unknown/`still_open`, but for those that were stated so already. They end
    /// without another record.
    pub(crate) fn close_open_spans(&self) {
        let mut open = self.spans.drain();
        for other in self.stacks.others() {
            open.append(&mut other.spans.drain());
        }
        self.send_open(open);
    }

    /// Writes spans that nobody can close any more, oldest first.
    pub(super) fn send_open(&self, mut open: Vec<SpanState>) {
        open.sort_by_key(|state| state.opened);
        for state in open.into_iter().filter(|state| !state.is_stated) {
            if let Some(plan) = state.plan.filter(|plan| plan.role == Role::Span) {
                self.send_span(&state, plan, Some("still_open"));
            }
        }
    }
}

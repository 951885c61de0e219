//! What the wrapper and both layer forms do with spans and events: the one implementation behind the three doors.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::RwLock;
use tracing_core::{Dispatch, Event, Metadata};

use super::ids::{Ids, Stack};
use super::local::{self, Depth};
use super::pause::{self, Pauses, Way};
use super::plan::{Plan, Role};
use super::settings::Settings;
use super::span_state::Evidence;
use super::spans::Spans;
use super::stacks::Stacks;
use super::visitor::Visitor;
use super::{Loss, Outlet, Route};
use crate::clock::SharedClock;
use crate::queue::Pool;
use crate::record::Slot;
use crate::redact::{Policy, RedactedFields, Redacting, Tally, sees};
use crate::stats::{Counters, add};

/// Tells instances apart in what threads keep.
static INSTANCES: AtomicU32 = AtomicU32::new(1);

/// Turns what `tracing` reports into frames. One for each stack that a trail is part of; nearly always that is one.
pub(crate) struct Capture {
    /// The stack: whose spans these are.
    pub(super) instance: u32,
    /// The trail: whose settings, policy and counters these are. The number of its first stack.
    pub(super) trail: u32,
    pub(super) stacks: Arc<Stacks>,
    pub(super) settings: Settings,
    pub(super) ids: Ids,
    /// What a source of ids is told of the stack.
    pub(super) stack: Stack,
    pub(super) outlet: Arc<dyn Outlet>,
    pub(super) clock: SharedClock,
    pub(super) counters: Arc<Counters>,
    pub(super) spans: Spans,
    plans: RwLock<HashMap<usize, &'static Plan>>,
    /// The mode of every record, where nothing depends on names.
    pub(super) way: Way,
    pub(super) pauses: Arc<Pauses>,
    /// Whether ordinary spans may be more to us than links.
    pub(super) asks_all_spans: bool,
    /// Whether no span of this stack ends before those inside it.
    pub(super) is_nested: AtomicBool,
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
        let way = Way::new(settings.uniform());
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        Self {
            way,
            pauses: pause::none(),
            is_nested: AtomicBool::new(false),
            asks_all_spans: !settings.lend.is_empty() || settings.call_stacks.is_some(),
            instance,
            trail: instance,
            stacks: Arc::new(Stacks::default()),
            settings,
            ids,
            stack: Stack::new(instance),
            outlet,
            clock,
            counters,
            spans: Spans::new(),
            plans: RwLock::new(HashMap::new()),
        }
    }

    /// A capture of the same trail for another stack.
    pub(super) fn beside(&self) -> Self {
        let mut other = Self::new(
            self.settings.clone(),
            self.ids.clone(),
            Arc::clone(&self.outlet),
            self.clock.clone(),
            Arc::clone(&self.counters),
        );
        other.trail = self.trail;
        other.stacks = Arc::clone(&self.stacks);
        other.pauses = Arc::clone(&self.pauses);
        other
    }

    /// Tells a tracer which dispatcher this trail is part of.
    pub(super) fn registered(&self, dispatch: &Dispatch) {
        self.stack.belongs_to(dispatch);
        if let Ids::Source(source) = &self.ids {
            source.registered(&self.stack);
        }
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

    /// The plans that were made so far for this stack.
    pub(super) fn plans_made(&self) -> Vec<&'static Plan> {
        self.plans.read().values().copied().collect()
    }

    #[cold]
    fn find_plan(&self, key: usize, metadata: &'static Metadata<'static>) -> &'static Plan {
        let found = self.plans.read().get(&key).copied();
        let plan = found.unwrap_or_else(|| {
            let made = || Plan::of(metadata, &self.settings);
            self.plans.write().entry(key).or_insert_with(made)
        });
        local::remember(key, self.instance, plan);
        plan
    }

    #[inline]
    pub(super) fn is_audit(&self, metadata: &Metadata<'_>) -> bool {
        self.settings.is_audit(metadata.target())
    }

    /// Whether other targets than `audit` and those below it may be this trail's business.
    pub(super) fn asks_other_targets(&self) -> bool {
        !self.settings.targets.is_empty() || self.settings.allow_log
    }

    /// The plan of a span's callsite that concerns us: an audit span, or one that may lend or be a step.
    #[inline(always)]
    pub(super) fn tracked(&self, metadata: &'static Metadata<'static>) -> Option<&'static Plan> {
        if !self.asks_all_spans {
            return self.is_audit(metadata).then(|| self.plan(metadata));
        }
        Some(self.plan(metadata)).filter(|plan| plan.role != Role::Ignored)
    }

    // A call of its own: who asks whether an event is ours has no registers to save where it is not, and saves none twice.
    #[inline(never)]
    pub(super) fn event(&self, event: &Event<'_>) {
        self.report(event, self.plan(event.metadata()));
    }

    /// As [`Self::event`], for a caller who has looked the plan up.
    #[inline(never)]
    pub(super) fn planned_event(&self, event: &Event<'_>, plan: &'static Plan) {
        self.report(event, plan);
    }

    #[inline(always)]
    fn report(&self, event: &Event<'_>, plan: &'static Plan) {
        if plan.role != Role::Event && !self.is_record(event, plan) {
            return;
        }
        let Some(_depth) = Depth::enter() else {
            return self.nested_too_deeply(plan);
        };
        // The buffer in the thread's hand is taken without a call: it is nearly always there.
        let mut into = Redacting::frame(Pool::held().unwrap_or_default(), &self.settings.policy);
        if !into.has_memory() {
            into.give(self.outlet.buffer());
        }
        into.at(self.clock.now());
        let has_actor = self.append_for(&mut into, event);
        if plan.names_actor && has_actor {
            into.level();
        }
        into.constants(&plan.constants);
        self.count_names(plan);
        event.record(&mut Visitor::new(plan, &mut into));
        if let Some(trace) = into.trace {
            into.trace_ids(trace, None);
        } else if let Ids::Source(source) = &self.ids {
            self.identify_event(&mut into, source.as_ref(), event);
        }
        self.finish(&mut into, plan, has_actor);
    }

    /// Whether an event that is not a record by its callsite alone is one. What else it means is done here.
    #[inline(never)]
    fn is_record(&self, event: &Event<'_>, plan: &'static Plan) -> bool {
        match plan.role {
            Role::Event => return true,
            Role::Failed | Role::Returned => return !self.fold(event, plan),
            Role::Probe => super::check::hit(self.trail),
            Role::NotAllowed => add(&self.counters.not_allowed, 1),
            Role::Log => return self.is_audit_log(event),
            Role::Ignored | Role::Span | Role::Lender | Role::Step => {}
        }
        false
    }

    /// What is reported on a thread of ours is left out: a gap record would cause the next report there, for ever.
    #[cold]
    pub(super) fn nested_too_deeply(&self, plan: &Plan) {
        if local::is_own_thread() {
            add(&self.counters.not_allowed, 1);
        } else {
            self.outlet.lost(Loss::Reentrant, plan.category);
        }
    }

    /// Whether a bridged `log` record is one for the trail.
    pub(super) fn is_audit_log(&self, event: &Event<'_>) -> bool {
        super::log::is_audit(event, &self.settings)
    }

    /// Takes an `err` or `ret` event of the span's own `#[instrument]` as evidence. `false` where it is not one.
    pub(super) fn fold(&self, event: &Event<'_>, plan: &'static Plan) -> bool {
        let tracked = self.place(event.is_contextual(), event.parent(), |spot| spot.tracked);
        let span = self.spans.plan(tracked);
        if !span.is_some_and(|span| span.role == Role::Span && plan.belongs_to(span)) {
            return false;
        }
        let evidence = if plan.role == Role::Failed {
            Evidence::Failed
        } else {
            Evidence::Returned
        };
        let Some(_depth) = Depth::enter() else {
            self.spans
                .with(tracked, |state| state.evidence = state.evidence.max(evidence));
            add(&self.counters.too_deep, u64::from(evidence == Evidence::Failed));
            return true;
        };
        let mut message = RedactedFields::empty(self.outlet.buffer());
        if evidence == Evidence::Failed {
            let mut into = Redacting::fields(message, RedactedFields::default(), &self.settings.policy);
            event.record(&mut Visitor::new(plan, &mut into));
            self.count(&into.tally);
            (message, _) = into.finish_fields();
        }
        self.spans.with(tracked, |state| {
            state.evidence = state.evidence.max(evidence);
            state.own.extend(&message);
        });
        self.outlet.recycle(message.into_buffer());
        true
    }

    /// Ends a frame that a layer made: policy, floor, mode, and off it goes.
    #[inline(always)]
    pub(super) fn finish(&self, into: &mut Redacting<'_>, plan: &'static Plan, has_actor: bool) {
        let has_actor = has_actor || into.seen & sees::ACTOR != 0;
        self.count(&into.tally);
        if !has_actor {
            if into.is_lost() {
                self.outlet.recycle(into.discard());
                return self.outlet.lost(Loss::Memory, plan.category);
            }
            if self.settings.require_actor {
                self.outlet.recycle(into.discard());
                return self.outlet.lost(Loss::Policy, plan.category);
            }
            add(&self.counters.missing_actor, 1);
            into.word(Slot::ActorId, "unknown");
        }
        let mode = match self.way.uniform() {
            Some(mode) => mode,
            // By a match, and no closure: it would have its captures written down each time.
            None => match self.mode_by_names(into, plan) {
                Some(mode) => mode,
                None => return self.outlet.recycle(into.discard()),
            },
        };
        self.outlet.send(
            into,
            Route {
                mode,
                category: plan.category,
            },
        );
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    pub(crate) fn requires_actor(&self) -> bool {
        self.settings.require_actor
    }

    #[inline]
    pub(crate) fn count(&self, tally: &Tally) {
        if !tally.is_zero() {
            self.add_up(tally);
        }
    }

    /// Apart: where there is nothing to count, no room is needed for it.
    #[inline(never)]
    fn add_up(&self, tally: &Tally) {
        add(&self.counters.redacted, u64::from(tally.redacted));
        if !tally.is_only_redacted() {
            self.add_up_rare(tally);
        }
    }

    #[cold]
    fn add_up_rare(&self, tally: &Tally) {
        add(&self.counters.wrong_type, u64::from(tally.wrong_type));
        add(&self.counters.truncated, u64::from(tally.truncated));
        add(&self.counters.panicked, u64::from(tally.panicked));
    }

    #[inline]
    pub(super) fn count_names(&self, plan: &Plan) {
        if plan.is_notable {
            add(&self.counters.duplicate_name, u64::from(plan.duplicates));
            add(&self.counters.reserved_name, u64::from(plan.reserved));
        }
    }
}

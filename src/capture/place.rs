//! Where something that is reported stands, and what it inherits from there: spans by ancestry, scopes by time.
//!
//! Three layers, the later ones winning: scopes that the thread entered before the nearest span (only where that span
//! was made outside of every scope: else it has already taken what it needs), what that span hands down, and scopes
//! entered inside it.

use tracing_core::Event;
use tracing_core::span::{Attributes, Id};

use super::core::Capture;
use super::handed::{self, Key};
use super::local::{self, Held};
use super::span_state::{HandedDown, SpanState};
use crate::record::TraceContext;
use crate::redact::{RedactedFields, Redacting};
use crate::stats::add;

/// The nearest span with a context of ours, and the thread's scopes around and inside it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'h> {
    /// 0: none.
    pub(super) tracked: u64,
    pub(super) outer: &'h [Held],
    pub(super) inside: &'h [Held],
}

/// What a span hands down.
pub(super) struct Carried {
    pub(super) fields: RedactedFields,
    pub(super) has_actor: bool,
    pub(super) is_scoped: bool,
    pub(super) trace: Option<TraceContext>,
}

impl Capture {
    /// Where something with this parent stands. `with` must not run user code.
    #[inline]
    pub(super) fn place<R>(
        &self,
        is_contextual: bool,
        parent: Option<&Id>,
        mut with: impl FnMut(Spot<'_>) -> R,
    ) -> R {
        if is_contextual {
            return local::current(self.instance, with);
        }
        let tracked = parent.map_or(0, |parent| self.context_of(parent.into_u64()));
        local::around(|outer| {
            with(Spot {
                tracked,
                outer,
                inside: &[],
            })
        })
    }

    /// The nearest span with a context, from this one upwards; 0 where there is none.
    fn context_of(&self, id: u64) -> u64 {
        self.spans.tracked(id).unwrap_or(0)
    }

    /// Remembers the context that an ordinary span stands in. Nothing is kept where there is no context; a span that
    /// is the first in a scope is given a state, because it may be entered where the scope is not.
    #[inline(always)]
    pub(super) fn link(&self, attributes: &Attributes<'_>, id: &Id) {
        if !Self::has_no_link(attributes) {
            self.link_inside(attributes, id);
        }
    }

    /// Whether an ordinary span stands in no context, so that nothing is remembered of it.
    #[inline(always)]
    pub(super) fn has_no_link(attributes: &Attributes<'_>) -> bool {
        attributes.is_contextual() && local::is_outside()
    }

    #[inline(never)]
    fn link_inside(&self, attributes: &Attributes<'_>, id: &Id) {
        let is_contextual = attributes.is_contextual();
        let id = id.into_u64();
        self.place(is_contextual, attributes.parent(), |spot| {
            let is_first = local::scopes(spot.inside).next().is_some()
                || (local::scopes(spot.outer).next().is_some() && !self.is_scoped(spot.tracked));
            if !is_first {
                return self.spans.link(id, spot.tracked, || self.cannot_hand_down());
            }
            let Some(mut state) = self.spans.make() else {
                return self.cannot_hand_down();
            };
            self.inherit(&mut state, spot);
            self.spans.insert(id, state, false, || self.cannot_hand_down());
        });
    }

    /// For a record in a span that had no memory for what it hands down: its trace is known all the same, if no tracer is
    /// asked about the record itself. Answers that there is no actor: the one outside of the span need not be the one inside.
    #[cold]
    fn inherits_nothing(&self, into: &mut Redacting<'_>, from: &HandedDown<'_>) -> bool {
        self.cannot_hand_down();
        if let Some(trace) = from.trace.filter(|_| !self.has_tracer()) {
            into.trace_ids(trace, None);
        }
        false
    }

    /// Counts what is without that which should have been handed down.
    #[cold]
    pub(super) fn cannot_hand_down(&self) {
        add(&self.counters.not_handed_down, 1);
    }

    /// Takes over what an enclosing span hands down.
    #[inline]
    fn inherit_from(&self, state: &mut SpanState, parent: &HandedDown<'_>) {
        if !state.inherit(parent) {
            // Ids of a tracer are the span's own.
            if self.has_tracer() {
                state.handed_down.clear();
            }
            self.cannot_hand_down();
        }
    }

    fn is_scoped(&self, tracked: u64) -> bool {
        tracked != 0
            && self
                .spans
                .read(tracked, |from, _| from.is_scoped)
                .unwrap_or(false)
    }

    /// Copies what the place hands down into a new span.
    fn inherit(&self, state: &mut SpanState, spot: Spot<'_>) {
        if spot.outer.is_empty() && spot.inside.is_empty() {
            self.inherit_span(state, spot.tracked);
        } else {
            self.inherit_scoped(state, spot);
        }
    }

    /// As [`Self::inherit`], where there is no scope.
    #[inline(always)]
    pub(super) fn inherit_span(&self, state: &mut SpanState, tracked: u64) {
        if tracked != 0 {
            self.spans
                .read(tracked, |parent, _| self.inherit_from(state, parent));
        }
    }

    /// As [`Self::inherit`], for a span whose place has to be looked for.
    #[inline(never)]
    pub(super) fn inherit_placed(&self, state: &mut SpanState, attributes: &Attributes<'_>) {
        self.place(attributes.is_contextual(), attributes.parent(), |spot| {
            self.inherit(state, spot)
        });
    }

    /// As [`Self::inherit`], where there are scopes.
    #[inline(never)]
    fn inherit_scoped(&self, state: &mut SpanState, spot: Spot<'_>) {
        let mut above = None;
        if spot.tracked == 0 {
            above = self.inherit_scopes(state, spot.outer);
        } else {
            self.spans.read(spot.tracked, |parent, _| {
                if !parent.is_scoped {
                    above = self.inherit_scopes(state, spot.outer);
                }
                self.inherit_from(state, parent);
                above = state.trace.or(above);
            });
        }
        let inner = self.inherit_scopes(state, spot.inside);
        state.trace = inner.or(above);
    }

    /// Copies what scopes hand down, and answers with the trace that the newest of them names.
    fn inherit_scopes(&self, state: &mut SpanState, held: &[Held]) -> Option<TraceContext> {
        let mut trace = None;
        for scope in local::scopes(held) {
            if scope.has_actor() && state.has_actor {
                state.handed_down.level();
            }
            if scope.is_foreign(self.trail) {
                // Whoever acts in there is nobody that this trail knows, nor the one outside.
                state.has_actor &= !scope.has_actor();
                state.is_scoped |= scope.has_actor();
                continue;
            }
            scope.with_fields(
                (self.trail, &self.settings.policy),
                |tally| self.count(&tally),
                |fields| {
                    state.handed_down.extend(fields);
                },
            );
            state.has_actor |= scope.has_actor();
            state.is_scoped = true;
            trace = scope.trace().or(trace);
        }
        trace
    }

    /// Appends what the current thread's spans and scopes hand down, for a record that is given as a value.
    /// Answers whether an actor is among it.
    pub(crate) fn inherit_context(&self, into: &mut Redacting<'_>) -> bool {
        let beside = self.entered_beside();
        let here = beside.as_deref().unwrap_or(self);
        here.place(true, None, |spot| here.append_context(into, spot))
    }

    /// Appends what the place hands down. Answers whether an actor is among it.
    fn append_context(&self, into: &mut Redacting<'_>, spot: Spot<'_>) -> bool {
        match spot.outer.is_empty() && spot.inside.is_empty() {
            true => self.append_span(into, spot.tracked),
            false => self.append_scoped(into, spot),
        }
    }

    /// As [`Self::append_context`], where there is no scope: what is handed down is the span's alone, if it stands in one.
    #[inline(always)]
    fn append_span(&self, into: &mut Redacting<'_>, tracked: u64) -> bool {
        if tracked == 0 {
            return false;
        }
        let version = self.spans.version(tracked);
        let key = version.map(|version| self.key(tracked, version));
        match key.and_then(|key| handed::append(key, into)) {
            Some(has_actor) => has_actor,
            None => self.append_state(into, tracked),
        }
    }

    /// As [`Self::append_span`], where the thread does not remember it.
    #[inline(never)]
    fn append_state(&self, into: &mut Redacting<'_>, tracked: u64) -> bool {
        let span = |from: &HandedDown<'_>, version: Option<u64>| {
            if let Some(version) = version {
                handed::keep(self.key(tracked, version), from);
            }
            match into.try_inherit(from.fields) {
                true => from.has_actor,
                false => self.inherits_nothing(into, from),
            }
        };
        self.spans.read(tracked, span).unwrap_or(false)
    }

    #[inline(always)]
    fn key(&self, id: u64, version: u64) -> Key {
        let instance = self.instance;
        Key {
            id,
            version,
            instance,
        }
    }

    /// Appends what an event's place hands down. Answers whether an actor is among it.
    #[inline(always)]
    pub(super) fn append_for(&self, into: &mut Redacting<'_>, event: &Event<'_>) -> bool {
        match local::plain(self.instance).filter(|_| event.is_contextual()) {
            Some(tracked) => self.append_span(into, tracked),
            None => self.append_placed(into, event),
        }
    }

    /// As [`Self::append_for`], for an event whose place has to be looked for.
    #[inline(never)]
    fn append_placed(&self, into: &mut Redacting<'_>, event: &Event<'_>) -> bool {
        self.place(event.is_contextual(), event.parent(), |spot| {
            self.append_context(into, spot)
        })
    }

    /// As [`Self::append_context`], where there are scopes.
    #[inline(never)]
    fn append_scoped(&self, into: &mut Redacting<'_>, spot: Spot<'_>) -> bool {
        let mut has_actor = false;
        let mut is_scoped = false;
        if spot.tracked != 0 {
            self.spans.read(spot.tracked, |from, _| {
                is_scoped = from.is_scoped;
                // Where what it hands down is lost, whoever acts around it need not be who acts inside.
                if !is_scoped && !from.fields.is_lost() {
                    has_actor = self.append_scopes(into, spot.outer, false);
                }
                if has_actor && from.has_actor {
                    into.level();
                }
                if into.try_inherit(from.fields) {
                    has_actor |= from.has_actor;
                } else {
                    has_actor = self.inherits_nothing(into, from);
                }
            });
        } else {
            has_actor = self.append_scopes(into, spot.outer, false);
        }
        self.append_scopes(into, spot.inside, has_actor)
    }

    /// Appends what scopes hand down behind a context that has an actor or not; answers whether there is one now.
    fn append_scopes(&self, into: &mut Redacting<'_>, held: &[Held], mut has_actor: bool) -> bool {
        for scope in local::scopes(held) {
            if scope.has_actor() && has_actor {
                into.level();
            }
            if scope.is_foreign(self.trail) {
                has_actor &= !scope.has_actor();
                continue;
            }
            scope.with_fields(
                (self.trail, &self.settings.policy),
                |tally| self.count(&tally),
                |fields| into.inherit(fields),
            );
            has_actor |= scope.has_actor();
        }
        has_actor
    }

    /// What a span hands down, to be carried to another thread.
    pub(super) fn carried(&self, tracked: u64) -> Option<Carried> {
        if tracked == 0 {
            return None;
        }
        self.spans.read(tracked, |from, _| {
            let mut fields = RedactedFields::default();
            let is_lost = !fields.try_extend(from.fields) || fields.is_lost();
            let has_actor = from.has_actor && !is_lost;
            if is_lost {
                fields.clear();
                self.cannot_hand_down();
            }
            Carried {
                fields,
                has_actor,
                // Whoever acts around it need not be who acts inside.
                is_scoped: from.is_scoped || is_lost,
                trace: from.trace.filter(|_| !self.has_tracer()),
            }
        })
    }
}

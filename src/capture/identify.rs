//! Asking a tracer for the ids of what is recorded, at the moments at which it can know them.

use tracing_core::Event;
use tracing_core::span::Id;

use super::core::Capture;
#[cfg(feature = "opentelemetry")]
use super::entered;
#[cfg(feature = "opentelemetry")]
use super::ids::Passage;
use super::ids::{EventParent, IdSource, Ids, TraceAnswer};
use crate::record::{Record, Slot, TraceContext};
use crate::redact::Redacting;
use crate::stats::add;

impl Capture {
    /// Whether a tracer says which ids there are.
    #[inline]
    pub(super) fn has_tracer(&self) -> bool {
        matches!(self.ids, Ids::Source(_))
    }

    /// States an event's ids, as the tracer knows them.
    pub(super) fn identify_event(&self, into: &mut Redacting<'_>, source: &dyn IdSource, event: &Event<'_>) {
        let parent = match event.parent() {
            Some(parent) => EventParent::Span(parent),
            None if event.is_contextual() => EventParent::Current,
            None => EventParent::Root,
        };
        self.state_answer(into, source.event(&self.stack, parent));
    }

    /// Appends what the thread's spans and scopes hand down to a record that is given as a value, and, unless it names a
    /// trace, the ids of the place where the thread is. Answers whether an actor is among it.
    pub(crate) fn inherit_for(&self, record: &Record, into: &mut Redacting<'_>) -> bool {
        let has_actor = self.inherit_context(into);
        if let Ids::Source(source) = &self.ids
            && record.get(Slot::TraceId).is_none()
        {
            let beside = self.entered_beside();
            let here = beside.as_deref().unwrap_or(self);
            self.state_answer(into, source.event(&here.stack, EventParent::Current));
        }
        has_actor
    }

    /// The ids of the place where the thread is, to be carried to another thread; `None` without a tracer that knows.
    pub(super) fn traced_here(&self) -> Option<TraceContext> {
        let Ids::Source(source) = &self.ids else {
            return None;
        };
        match source.event(&self.stack, EventParent::Current) {
            TraceAnswer::Ids(trace) => Some(trace),
            TraceAnswer::Untraced | TraceAnswer::Unknown => None,
        }
    }

    #[inline]
    fn state_answer(&self, into: &mut Redacting<'_>, answer: TraceAnswer) {
        match answer {
            TraceAnswer::Ids(trace) => into.trace_ids(trace, None),
            TraceAnswer::Untraced => {}
            TraceAnswer::Unknown => self.trace_unknown(into, true),
        }
    }

    /// Marks and counts a record whose ids the tracer could not say, whether or not it was asked.
    #[cold]
    pub(super) fn trace_unknown(&self, into: &mut Redacting<'_>, was_asked: bool) {
        into.no_trace_ids();
        add(&self.counters.trace_unavailable, 1);
        if let Ids::Source(source) = &self.ids
            && was_asked
            && let Some(sentence) = source.complaint(&self.stack)
        {
            self.outlet.say(&sentence);
        }
    }

    /// Asks for the ids of an audit span that is entered, until they are known.
    #[inline(never)]
    pub(super) fn identify_entered(&self, source: &dyn IdSource, id: &Id) {
        if self.lacks_ids(id) {
            self.take_answer(id, source.entered(&self.stack, id));
        }
    }

    /// Whether this is an audit span of which no ids are known.
    fn lacks_ids(&self, id: &Id) -> bool {
        self.spans
            .with(id.into_u64(), |state| {
                state.trace.is_none() && !state.is_untraced && state.is_record()
            })
            .unwrap_or(false)
    }

    /// Keeps what a tracer said of a span. The tracer itself is never asked under the span's lock.
    ///
    /// The ids are the span's and are not handed down: what stands in its context may be reported where its trace is not, and
    /// is asked about itself.
    fn take_answer(&self, id: &Id, answer: TraceAnswer) {
        if answer == TraceAnswer::Unknown {
            return;
        }
        self.spans.with(id.into_u64(), |state| match answer {
            TraceAnswer::Ids(trace) => state.trace = Some(trace),
            TraceAnswer::Untraced | TraceAnswer::Unknown => state.is_untraced = true,
        });
    }
}

/// What only a tracer with layers of its own needs.
#[cfg(feature = "opentelemetry")]
impl Capture {
    /// Tells a source that watches of a span that will be entered.
    #[inline]
    pub(super) fn approach(&self, id: &Id) {
        if self.has_tracer() {
            self.tell(id, Passage::Entering);
        }
    }

    /// A span was entered: a source may learn from that, and can ask later which ones the thread is in.
    #[inline]
    pub(super) fn arrive(&self, id: &Id) {
        if self.has_tracer() {
            self.arrived(id);
        }
    }

    /// A span is left: a source may learn from that, or know ids that it could not know before.
    #[inline]
    pub(super) fn leave(&self, id: &Id) {
        if self.has_tracer() {
            self.left(id);
        }
    }

    /// A span is about to be closed, and the tracer's layer may still know it.
    #[inline]
    pub(super) fn closing(&self, id: &Id) {
        if self.has_tracer() {
            self.identify_by(id, |source| source.closing(&self.stack, id));
        }
    }

    // These are apart, so that whoever has no tracer needs no room for what is done here.

    #[inline(never)]
    fn arrived(&self, id: &Id) {
        entered::push(self.stack.number(), id.into_u64());
        self.tell(id, Passage::Entered);
    }

    #[inline(never)]
    fn left(&self, id: &Id) {
        self.tell(id, Passage::Exiting);
        self.identify_by(id, |source| source.exiting(&self.stack, id));
        entered::pop(self.stack.number(), id.into_u64());
    }

    #[inline(never)]
    fn tell(&self, id: &Id, passage: Passage) {
        if let Ids::Source(source) = &self.ids
            && source.watches(&self.stack)
        {
            source.passing(&self.stack, id, passage);
        }
    }

    #[inline(never)]
    fn identify_by(&self, id: &Id, ask: impl FnOnce(&dyn IdSource) -> TraceAnswer) {
        if let Ids::Source(source) = &self.ids
            && self.lacks_ids(id)
        {
            self.take_answer(id, ask(source.as_ref()));
        }
    }

    /// Opens the probe's span by `open`, and gives what the source of ids finds wrong.
    pub(super) fn probe_ids(&self, open: &dyn Fn() -> tracing::Span) -> Option<String> {
        match &self.ids {
            Ids::Source(source) => source.probe(&self.stack, open),
            Ids::Own | Ids::Given => {
                drop(open());
                None
            }
        }
    }
}

//! What is known of one live span, and what that says of its end.

use super::plan::{Plan, Role};
use crate::memory;
use crate::record::{SpanId, TraceContext};
use crate::redact::{HandedFields, Names, RedactedFields};

/// The largest field buffers that a state keeps for its next span.
const KEPT: usize = 4096;

/// The size that field buffers begin with.
const FIELDS: usize = 512;

/// What is known of a span's outcome, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Evidence {
    #[default]
    None,
    Returned,
    Cancelled,
    Failed,
    Denied,
    Panicked,
}

impl Evidence {
    /// The outcome that it is evidence of, and the reason code beside it.
    pub(super) const fn says(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::None => ("unknown", None),
            Self::Returned => ("success", None),
            Self::Cancelled => ("unknown", Some("cancelled")),
            Self::Failed => ("failure", None),
            Self::Denied => ("denied", None),
            Self::Panicked => ("unknown", Some("panic")),
        }
    }
}

/// What a span hands down to what is inside of it.
pub(super) struct HandedDown<'s> {
    pub(super) fields: HandedFields<'s>,
    /// Whether an actor is among it.
    pub(super) has_actor: bool,
    /// Whether a scope's fields are among it.
    pub(super) is_scoped: bool,
    pub(super) trace: Option<TraceContext>,
}

/// What is known of a live span: one that becomes a record, or one that lends.
pub(super) struct SpanState {
    pub(super) plan: Option<&'static Plan>,
    /// The clock's monotonic reading when the span was created.
    pub(super) opened: u64,
    /// What the span inherited: part of its own record.
    pub(super) inherited: RedactedFields,
    pub(super) own: RedactedFields,
    /// What the spans and events inside inherit.
    pub(super) handed_down: RedactedFields,
    pub(super) trace: Option<TraceContext>,
    pub(super) parent: Option<SpanId>,
    /// Whether a tracer said that the span is in no trace, so that ids are not missing.
    pub(super) is_untraced: bool,
    pub(super) evidence: Evidence,
    /// Which slots its own fields filled: bits of `redact::sees`.
    pub(super) seen: u16,
    /// Which names its own fields give.
    pub(super) names: Names,
    /// Whether an actor is known here and inside.
    pub(super) has_actor: bool,
    /// Whether a scope's fields are among what it inherited: then later scopes around its use are not its own.
    pub(super) is_scoped: bool,
    /// Ties a start record to the end; 0 where there is none.
    pub(super) execution: u64,
    /// Whether a record states already that it is open.
    pub(super) is_stated: bool,
    /// What there is to do beside the usual: bits of [`more`](super::tree::more).
    pub(super) more: u8,
}

impl SpanState {
    /// How much memory a new one takes.
    pub(super) const WEIGHT: usize = size_of::<Self>() + 3 * FIELDS;

    pub(super) fn new() -> Self {
        Self {
            plan: None,
            opened: 0,
            inherited: RedactedFields::empty(memory::zeros(FIELDS)),
            own: RedactedFields::empty(memory::zeros(FIELDS)),
            handed_down: RedactedFields::empty(memory::zeros(FIELDS)),
            trace: None,
            parent: None,
            is_untraced: false,
            evidence: Evidence::None,
            seen: 0,
            names: Names::default(),
            has_actor: false,
            is_scoped: false,
            execution: 0,
            is_stated: false,
            more: 0,
        }
    }

    #[inline]
    pub(super) fn hands_down(&self) -> HandedDown<'_> {
        HandedDown {
            fields: HandedFields::from(&self.handed_down),
            has_actor: self.has_actor,
            is_scoped: self.is_scoped,
            trace: self.trace,
        }
    }

    /// Takes over what an enclosing span hands down; `false` where there was no memory for that.
    #[inline]
    pub(super) fn inherit(&mut self, parent: &HandedDown<'_>) -> bool {
        if !self.handed_down.try_extend(parent.fields) {
            self.inherit_nothing(parent);
            return false;
        }
        self.has_actor |= parent.has_actor;
        self.is_scoped |= parent.is_scoped;
        self.trace = parent.trace;
        true
    }

    /// As [`Self::inherit`], where there was no memory for what the enclosing span hands down: nothing is taken over, also
    /// not the actor outside of it, who need not be the one inside.
    #[cold]
    fn inherit_nothing(&mut self, parent: &HandedDown<'_>) {
        self.handed_down.clear();
        self.has_actor = false;
        self.is_scoped = true;
        self.trace = parent.trace;
        if let Some(trace) = parent.trace {
            self.handed_down.trace(trace, None);
        }
    }

    /// Whether the span becomes a record when it closes.
    #[inline]
    pub(super) fn is_record(&self) -> bool {
        self.plan.is_some_and(|plan| plan.role == Role::Span)
    }

    /// What the span's record is made of now.
    pub(super) fn copy(&self) -> Self {
        let copy = |fields: &RedactedFields| {
            let mut copy = RedactedFields::empty(Vec::new());
            copy.extend(fields);
            copy
        };
        Self {
            inherited: copy(&self.inherited),
            own: copy(&self.own),
            handed_down: RedactedFields::empty(Vec::new()),
            ..*self
        }
    }

    #[inline]
    pub(super) fn reset(&mut self) {
        for fields in [&mut self.inherited, &mut self.own, &mut self.handed_down] {
            fields.clear();
            if fields.capacity() > KEPT {
                make_anew(fields);
            }
        }
        self.plan = None;
        self.trace = None;
        self.parent = None;
        self.is_untraced = false;
        self.evidence = Evidence::None;
        self.seen = 0;
        self.names = Names::default();
        self.has_actor = false;
        self.is_scoped = false;
        self.execution = 0;
        self.is_stated = false;
        self.more = 0;
    }
}

#[cold]
#[inline(never)]
fn make_anew(fields: &mut RedactedFields) {
    // Their own memory goes first: where there is no other, the next fields ask again.
    *fields = RedactedFields::default();
    *fields = RedactedFields::empty(memory::zeros(FIELDS));
}

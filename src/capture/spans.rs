//! Spans with a context of ours: audit spans, which become records, and ordinary spans that lend fields.
//!
//! States live in our own table, not in the registry's extensions: those cost a box per insert, and a lock that
//! user code could meet. States are kept for reuse, so that a warm table allocates nothing.

use std::cell::RefCell;

use crossbeam_queue::ArrayQueue;
use parking_lot::Mutex;

use super::links::place;
use super::plan::{Plan, Role};
use crate::record::{SpanId, TraceContext};
use crate::redact::{Names, RedactedFields};

/// A power of two.
const BUCKETS: usize = 1024;

/// The largest field buffers that a state keeps for its next span.
const KEPT: usize = 4096;

/// The size that field buffers begin with.
const FIELDS: usize = 512;

/// Spare states that a thread keeps. Others go to the reserve.
const SPARE: usize = 8;

/// States that are made beforehand, for threads that have none.
const RESERVE: usize = 64;

/// Spans in one place at the same time that need no growth of its list.
const CROWD: usize = 2;

/// What is known of a span's outcome, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Evidence {
    #[default]
    None,
    Returned,
    Failed,
    Panicked,
}

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
}

impl SpanState {
    fn new() -> Self {
        Self {
            plan: None,
            opened: 0,
            inherited: RedactedFields::empty(vec![0; FIELDS]),
            own: RedactedFields::empty(vec![0; FIELDS]),
            handed_down: RedactedFields::empty(vec![0; FIELDS]),
            trace: None,
            parent: None,
            evidence: Evidence::None,
            seen: 0,
            names: Names::default(),
            has_actor: false,
            is_scoped: false,
            execution: 0,
            is_stated: false,
        }
    }

    /// What the span's record is made of now.
    fn copy(&self) -> Self {
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

    fn reset(&mut self) {
        for fields in [&mut self.inherited, &mut self.own, &mut self.handed_down] {
            fields.clear();
            if fields.capacity() > KEPT {
                *fields = RedactedFields::empty(vec![0; FIELDS]);
            }
        }
        self.plan = None;
        self.trace = None;
        self.parent = None;
        self.evidence = Evidence::None;
        self.seen = 0;
        self.names = Names::default();
        self.has_actor = false;
        self.is_scoped = false;
        self.execution = 0;
        self.is_stated = false;
    }
}

thread_local! {
    /// States of spans that were closed on this thread, for those that it opens next. Empty states are alike, so all
    /// tables share them.
    #[expect(clippy::vec_box, reason = "states move between lists without being copied")]
    static SPARES: RefCell<Vec<Box<SpanState>>> = const { RefCell::new(Vec::new()) };
}

/// Spans whose ids lead to the same place.
type Bucket = Vec<(u64, Box<SpanState>)>;

/// The states of live spans, by id.
pub(super) struct Spans {
    buckets: Box<[Mutex<Bucket>]>,
    reserve: ArrayQueue<Box<SpanState>>,
}

impl Spans {
    pub(super) fn new() -> Self {
        let reserve = ArrayQueue::new(RESERVE);
        for _ in 0..RESERVE {
            let _ = reserve.push(Box::new(SpanState::new()));
        }
        Self {
            buckets: (0..BUCKETS)
                .map(|_| Mutex::new(Vec::with_capacity(CROWD)))
                .collect(),
            reserve,
        }
    }

    fn bucket(&self, id: u64) -> Option<&Mutex<Bucket>> {
        self.buckets.get(place(id, BUCKETS))
    }

    /// An empty state, not yet in the table.
    #[inline]
    pub(super) fn make(&self) -> Box<SpanState> {
        let spare = SPARES.try_with(|spares| spares.try_borrow_mut().ok()?.pop());
        spare
            .ok()
            .flatten()
            .or_else(|| self.reserve.pop())
            .unwrap_or_else(|| Box::new(SpanState::new()))
    }

    #[inline]
    pub(super) fn insert(&self, id: u64, state: Box<SpanState>) {
        if let Some(bucket) = self.bucket(id) {
            bucket.lock().push((id, state));
        }
    }

    /// Reads or changes a state. `with` runs under the bucket's lock: it must not run user code.
    #[inline]
    pub(super) fn with<R>(&self, id: u64, with: impl FnOnce(&mut SpanState) -> R) -> Option<R> {
        let mut bucket = self.bucket(id)?.lock();
        let (_, state) = bucket.iter_mut().find(|(live, _)| *live == id)?;
        Some(with(state))
    }

    pub(super) fn remove(&self, id: u64) -> Option<Box<SpanState>> {
        let mut bucket = self.bucket(id)?.lock();
        let at = bucket.iter().position(|(live, _)| *live == id)?;
        Some(bucket.swap_remove(at).1)
    }

    /// Keeps a state for the next span of this thread.
    #[inline]
    pub(super) fn recycle(&self, mut state: Box<SpanState>) {
        state.reset();
        let mut state = Some(state);
        let _ = SPARES.try_with(|spares| {
            let Ok(mut spares) = spares.try_borrow_mut() else {
                return;
            };
            if spares.capacity() == 0 {
                spares.reserve_exact(SPARE);
            }
            if spares.len() < SPARE {
                spares.extend(state.take());
            }
        });
        if let Some(state) = state {
            let _ = self.reserve.push(state);
        }
    }

    /// Copies of the states of open audit spans that were not stated yet. The spans go on; each gets an
    /// execution id, so that its end can be told to be the same span's.
    pub(super) fn open(&self, execution: impl Fn() -> u64) -> Vec<SpanState> {
        let mut open = Vec::new();
        for bucket in &self.buckets {
            for (_, state) in bucket.lock().iter_mut() {
                let is_span = state.plan.is_some_and(|plan| plan.role == Role::Span);
                if is_span && !std::mem::replace(&mut state.is_stated, true) {
                    if state.execution == 0 {
                        state.execution = execution();
                    }
                    open.push(state.copy());
                }
            }
        }
        open
    }

    /// Takes all states out: what is still open when the trail ends.
    pub(super) fn drain(&self) -> Vec<(u64, Box<SpanState>)> {
        self.buckets
            .iter()
            .flat_map(|bucket| std::mem::take(&mut *bucket.lock()))
            .collect()
    }
}

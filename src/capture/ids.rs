//! Where trace ids come from: made here, from a tracer, or from nowhere.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use tracing_core::Dispatch;
use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span;

use crate::record::{SpanId, TraceContext, TraceId};

/// Gives the ids under which spans are exported, so that a record carries the same ones.
///
/// The seam for a tracer such as OpenTelemetry's; `OtelIds` (feature `opentelemetry`) is the one for tracing-opentelemetry.
/// A source answers only what it knows: a wrong id is worse than none.
///
/// Whatever is asked runs inside of a report to `tracing`, on the thread that reports: it must not wait for other threads.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// Hears of a stack that the trail was installed in. Default: nothing.
    fn registered(&self, stack: &Stack) {
        let _ = stack;
    }

    /// The ids of an audit span that is being entered; asked until they are known. Never asked when a span is created: a
    /// tracer that generates ids at first use could no longer be given a remote parent.
    fn entered(&self, stack: &Stack, span: &span::Id) -> TraceAnswer;

    /// The ids for an event, or for a record that is given as a value.
    fn event(&self, stack: &Stack, parent: EventParent<'_>) -> TraceAnswer;

    /// The ids of an audit span that is being left without their being known. Default: unknown.
    #[cfg(feature = "opentelemetry")]
    fn exiting(&self, stack: &Stack, span: &span::Id) -> TraceAnswer {
        let _ = (stack, span);
        TraceAnswer::Unknown
    }

    /// The ids of an audit span that is being closed without their being known. Default: unknown.
    ///
    /// Asked by the layer forms of the trail and by `OtelCloseLayer`; a subscriber around the stack hears of the end too late.
    #[cfg(feature = "opentelemetry")]
    fn closing(&self, stack: &Stack, span: &span::Id) -> TraceAnswer {
        let _ = (stack, span);
        TraceAnswer::Unknown
    }

    /// Whether the source wants to hear of every span that is entered and left. Default: no.
    #[cfg(feature = "opentelemetry")]
    fn watches(&self, stack: &Stack) -> bool {
        let _ = stack;
        false
    }

    /// Hears of any span that is entered or left, while it [watches](Self::watches). Default: nothing.
    #[cfg(feature = "opentelemetry")]
    fn passing(&self, stack: &Stack, span: &span::Id, passage: Passage) {
        let _ = (stack, span, passage);
    }

    /// Opens the span that [`Audit::check`](crate::Audit::check) probes the stack with, and drops it. What it finds wrong
    /// with the ids is a remark of the check. Default: finds nothing.
    #[cfg(feature = "opentelemetry")]
    fn probe(&self, stack: &Stack, open: &dyn Fn() -> tracing::Span) -> Option<String> {
        let _ = stack;
        drop(open());
        None
    }

    /// What the application should be told when it was asked about a record and answered [`TraceAnswer::Unknown`]. Said each
    /// time that there is something. Default: nothing.
    fn complaint(&self, stack: &Stack) -> Option<String> {
        let _ = stack;
        None
    }
}

/// What a source knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceAnswer {
    /// The ids under which it is exported.
    Ids(TraceContext),
    /// It is in no trace: ids are absent, and nothing is missing. What a scope states (a `traceparent`) holds.
    Untraced,
    /// There may be ids, and nobody can say which: they are absent, the record is marked `trace_unavailable`, and counted.
    Unknown,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy)]
pub enum EventParent<'a> {
    /// Where its thread is.
    Current,
    /// Outside of every span: `parent: None`.
    Root,
    /// In the span that it names.
    Span(&'a span::Id),
}

/// What happens to a span that a source watches.
#[cfg(feature = "opentelemetry")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It will be entered, and no layer inside has heard of it. Only where the trail is around the stack.
    Entering,
    /// It was entered. Where the trail is a layer, layers outside of it have not heard of that.
    Entered,
    /// It will be left. Where the trail is a layer, layers inside of it have heard of that.
    Exiting,
}

/// A stack of layers that the trail is part of.
#[derive(Debug)]
pub struct Stack {
    number: u32,
    dispatch: OnceLock<WeakDispatch>,
    is_outermost: AtomicBool,
    inside: OnceLock<&'static str>,
    notes: AtomicU8,
}

impl Stack {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            dispatch: OnceLock::new(),
            is_outermost: AtomicBool::new(false),
            inside: OnceLock::new(),
            notes: AtomicU8::new(0),
        }
    }

    /// Tells stacks of this process apart.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The dispatcher that the stack belongs to, while it lives.
    #[must_use]
    pub fn dispatch(&self) -> Option<Dispatch> {
        self.dispatch.get()?.upgrade()
    }

    /// Whether the trail is around the stack, so that it hears of a span before and after all layers.
    #[must_use]
    pub fn is_outermost(&self) -> bool {
        self.is_outermost.load(Ordering::Relaxed)
    }

    /// The type of what the trail is around, or was put upon as a layer, in the words of [`std::any::type_name`]; empty where
    /// it is not known.
    #[must_use]
    pub fn inside(&self) -> &'static str {
        self.inside.get().copied().unwrap_or_default()
    }

    /// Room for what a source remarks of this stack. A trail has one source, so all of it is that one's.
    #[must_use]
    pub fn notes(&self) -> &AtomicU8 {
        &self.notes
    }

    /// Weak: the dispatcher owns the subscriber that owns us.
    pub(super) fn belongs_to(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    pub(super) fn is_put_upon(&self, inside: &'static str) {
        let _ = self.inside.set(inside);
    }

    pub(super) fn is_around(&self, inside: &'static str) {
        self.is_outermost.store(true, Ordering::Relaxed);
        self.is_put_upon(inside);
    }
}

/// Where a record's trace ids come from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Ids {
    /// Audit spans are given W3C ids of their own; a `traceparent` field or context continues a remote trace.
    #[default]
    Own,
    /// Only what a `traceparent` field or context states.
    Given,
    /// From a tracer.
    Source(Arc<dyn IdSource>),
}

#[cfg(feature = "opentelemetry")]
impl Ids {
    /// From tracing-opentelemetry: see [`OtelIds`](crate::OtelIds).
    #[must_use]
    pub fn opentelemetry() -> Self {
        Self::Source(Arc::new(super::otel::OtelIds::new()))
    }
}

thread_local! {
    /// State of a SplitMix64 generator; 0 = not seeded. Ids need to differ, not to be unpredictable.
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// A number that is not zero and that no thread of this or another process is likely to repeat.
pub(super) fn random() -> u64 {
    STATE
        .try_with(|state| {
            let mut seed = state.get();
            if seed == 0 {
                seed = rand::random::<u64>() | 1;
            }
            seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            state.set(seed);
            let mut mixed = seed;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ mixed >> 31).max(1)
        })
        .unwrap_or_else(|_| rand::random::<u64>().max(1))
}

/// A new span id.
pub(super) fn span_id() -> Option<SpanId> {
    SpanId::from_bytes(random().to_be_bytes())
}

/// A new trace, sampled: an audit trail leaves nothing out.
pub(super) fn root() -> Option<TraceContext> {
    let mut bytes = [0; 16];
    let (high, low) = bytes.split_at_mut(8);
    high.copy_from_slice(&random().to_be_bytes());
    low.copy_from_slice(&random().to_be_bytes());
    Some(TraceContext {
        trace_id: TraceId::from_bytes(bytes)?,
        span_id: span_id()?,
        flags: 1,
    })
}

//! Where trace ids come from: made here, from a tracer, or from nowhere.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span;

use crate::record::{SpanId, TraceContext, TraceId};

/// Gives the ids under which spans are exported, so that a record carries the same ones.
///
/// The seam for a tracer such as OpenTelemetry's. A source answers only what it knows: `None` leaves the ids out
/// of the record, and a wrong id is worse than none.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// Receives the dispatcher that the layer was installed in. Default: nothing.
    fn registered(&self, dispatch: WeakDispatch) {
        let _ = dispatch;
    }

    /// The ids of a span that is being entered. Never asked when a span is created: a tracer that generates ids
    /// at first use could no longer be given a remote parent.
    fn entered(&self, span: &span::Id) -> Option<TraceContext>;

    /// The ids for an event. `explicit_parent` is the event's own `parent:`, where it names one.
    fn event(&self, explicit_parent: Option<&span::Id>) -> Option<TraceContext>;
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

//! The ids that tracing-opentelemetry exports a span with, asked for when they exist and never before.
//!
//! There are two ways to them. The thread's OpenTelemetry context is cheap, and says where the thread is if the layer
//! *attaches* the context of each span that is entered, as it does unless told otherwise. `get_otel_context` says what a
//! certain span is, but starts it if it was not: after that nobody can give it another parent. So a span is asked about only
//! when it was started by the layer itself, when it is used (an event names it), or when it ends.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing_core::Dispatch;
use tracing_core::span::Id;
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError, get_otel_context};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

use super::entered::{self, Around};
use super::ids::{EventParent, IdSource, Passage, Stack, TraceAnswer};
use crate::record::{SpanId, TraceContext, TraceId};

/// A note on a stack: its OpenTelemetry layer was seen to attach the context of a span that was entered.
const ATTACHES: u8 = 1;

/// A note on a stack: its OpenTelemetry layer was seen to answer.
const ANSWERS: u8 = 2;

/// What must be the same in the application.
const VERSIONS: &str = "tracing-opentelemetry 0.34 (opentelemetry 0.33)";

/// Record ids from [tracing-opentelemetry](https://docs.rs/tracing-opentelemetry/0.34), so that records carry those of the
/// exported spans.
///
/// ```
/// use tracing_audit::{Audit, Ids};
///
/// let builder = Audit::builder().ids(Ids::opentelemetry());
/// ```
///
/// A span is never started by being recorded: an application that sets its parent after creating it still can, until the span
/// is entered, or an event names it as its parent. Where ids cannot be known they are absent, the record is marked
/// `trace_unavailable`, and [`Stats::trace_unavailable`](crate::Stats::trace_unavailable) counts it.
/// [`guide::correlation`](crate::guide::correlation) lists these cases.
///
/// What asks may start a span, so a sampler, or a span processor's `on_start`, must not report audit events itself: the layer
/// holds the span's lock there, and the event would wait for it. (The layer itself ignores what is reported there.)
///
/// The application must use the same versions of both crates: tracing-opentelemetry 0.34 with opentelemetry 0.33. Otherwise
/// the spans of one cannot be seen by the other; [`Audit::check`](crate::Audit::check) and the first record that lacks ids say
/// so.
#[derive(Debug, Default)]
pub struct OtelIds {
    has_complained: AtomicBool,
}

/// The span that a thread is in, by its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Active {
    /// `None` for a span that nobody exports.
    trace: Option<TraceContext>,
    is_remote: bool,
}

/// What the thread was in when a span was entered.
#[derive(Debug, Clone, Copy)]
struct Glimpse {
    stack: u32,
    span: u64,
    active: Option<Active>,
}

thread_local! {
    static GLIMPSE: Cell<Option<Glimpse>> = const { Cell::new(None) };
    /// Whether a span is being asked about. It may be started by that, under a lock of its own, and a sampler or a processor
    /// that reports an event then must not ask again.
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
}

/// What asking about a span gave.
enum Found {
    Ids(TraceContext),
    /// The layer knows the span and does not export it: telemetry is suppressed there.
    Suppressed,
    /// Another layer's filter hides the span, or nobody is there to answer.
    Nothing,
    /// No such span is open, or it cannot be asked about now.
    Unknown,
}

impl OtelIds {
    /// Ids from the layer of tracing-opentelemetry that is in the same stack as the trail.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn current(stack: &Stack) -> TraceAnswer {
        let active = active();
        if has(stack, ATTACHES) && active.is_none_or(|active| !active.is_remote) {
            return answer(active);
        }
        Self::current_span(stack, active)
    }

    /// As [`Self::current`], where the context alone does not say it: a remote one was attached, perhaps inside of a span, or
    /// the layer was never seen to attach any.
    #[cold]
    fn current_span(stack: &Stack, active: Option<Active>) -> TraceAnswer {
        let dispatch = stack
            .dispatch()
            .unwrap_or_else(|| tracing::dispatcher::get_default(Dispatch::clone));
        let current = dispatch.current_span();
        let Some(span) = current.id() else {
            return answer(active);
        };
        match innermost(stack, &dispatch, span) {
            Found::Ids(trace) => TraceAnswer::Ids(trace),
            Found::Suppressed => TraceAnswer::Untraced,
            Found::Unknown => TraceAnswer::Unknown,
            Found::Nothing if has(stack, ANSWERS) => answer(active),
            // Nobody answers. A context of this process is one that somebody attached; a remote one may stand around a span
            // that is exported under other ids.
            Found::Nothing => match active {
                Some(local) if !local.is_remote => answer(active),
                _ => TraceAnswer::Unknown,
            },
        }
    }

    fn under(stack: &Stack, parent: &Id) -> TraceAnswer {
        let Some(dispatch) = stack.dispatch() else {
            return TraceAnswer::Unknown;
        };
        // Who names the span that the thread is in means that place.
        if dispatch.current_span().id() == Some(parent) {
            return Self::current(stack);
        }
        match nearest(stack, &dispatch, parent) {
            Found::Ids(trace) => TraceAnswer::Ids(trace),
            Found::Suppressed => TraceAnswer::Untraced,
            Found::Nothing if has(stack, ANSWERS) => TraceAnswer::Untraced,
            Found::Nothing | Found::Unknown => TraceAnswer::Unknown,
        }
    }

    /// The ids of one span, and of no other.
    fn of_span(stack: &Stack, span: &Id) -> TraceAnswer {
        Self::of_hidden(stack, span, || TraceAnswer::Unknown)
    }

    /// The ids of one span, or, if a filter hides it, those that `hidden` knows.
    fn of_hidden(stack: &Stack, span: &Id, hidden: impl FnOnce() -> TraceAnswer) -> TraceAnswer {
        let Some(dispatch) = stack.dispatch() else {
            return TraceAnswer::Unknown;
        };
        match ask(stack, &dispatch, span) {
            Found::Ids(trace) => TraceAnswer::Ids(trace),
            Found::Suppressed => TraceAnswer::Untraced,
            Found::Nothing if has(stack, ANSWERS) => hidden(),
            Found::Nothing | Found::Unknown => TraceAnswer::Unknown,
        }
    }
}

impl IdSource for OtelIds {
    fn entered(&self, stack: &Stack, span: &Id) -> TraceAnswer {
        if !has(stack, ATTACHES) {
            return TraceAnswer::Unknown;
        }
        if stack.is_outermost() {
            // The layer has just attached the span's context. If a filter hides the span from it, the context is that of the
            // nearest span that is exported.
            return Self::current(stack);
        }
        // If a filter hides the span, entering it changes nothing, whichever layer hears of that first.
        Self::of_hidden(stack, span, || Self::current(stack))
    }

    fn event(&self, stack: &Stack, parent: EventParent<'_>) -> TraceAnswer {
        match parent {
            EventParent::Current => Self::current(stack),
            EventParent::Span(parent) => Self::under(stack, parent),
            EventParent::Root => TraceAnswer::Untraced,
        }
    }

    fn exiting(&self, stack: &Stack, span: &Id) -> TraceAnswer {
        if !has(stack, ATTACHES) {
            return TraceAnswer::Unknown;
        }
        // If a filter hides the span, leaving it changes nothing. Which spans it was entered in cannot be asked while some of
        // the stack have heard that it is left, so a context that was attached in between hides them, and one that is not of
        // where it was entered says nothing.
        Self::of_hidden(stack, span, || match active() {
            Some(active) if active.is_remote => TraceAnswer::Unknown,
            local if entered::is_as_at_first(stack.number(), span.into_u64()) => answer(local),
            _ => TraceAnswer::Unknown,
        })
    }

    fn closing(&self, stack: &Stack, span: &Id) -> TraceAnswer {
        Self::of_span(stack, span)
    }

    fn watches(&self, stack: &Stack) -> bool {
        !has(stack, ATTACHES)
    }

    /// Learns whether the layer attaches contexts: whether the one of a thread changes because a span is entered or left.
    fn passing(&self, stack: &Stack, span: &Id, passage: Passage) {
        let (number, id) = (stack.number(), span.into_u64());
        let now = active();
        let is_before = match passage {
            Passage::Entering => true,
            Passage::Entered => !stack.is_outermost(),
            Passage::Exiting => false,
        };
        if is_before {
            let glimpse = Glimpse {
                stack: number,
                span: id,
                active: now,
            };
            let _ = GLIMPSE.try_with(|seen| seen.set(Some(glimpse)));
            return;
        }
        let before = GLIMPSE.try_with(Cell::take).ok().flatten();
        let Some(before) = before.filter(|before| before.stack == number && before.span == id) else {
            return;
        };
        if before.active == now {
            return;
        }
        // Around the stack, a context that is there only after the layers have heard of it is one that a layer attached. A
        // layer hears of it before or after that other one, and the application may have attached something in between.
        let attaches = if stack.is_outermost() {
            let attaches = now.is_some_and(|now| !now.is_remote);
            if attaches {
                // The span was started, so this shows only whether the layer can be asked.
                let _ = Self::of_span(stack, span);
            }
            attaches
        } else {
            let own = Self::of_span(stack, span);
            own != TraceAnswer::Unknown && (own == answer(now) || own == answer(before.active))
        };
        if attaches {
            note(stack, ATTACHES);
        }
    }

    fn probe(&self, stack: &Stack, open: &dyn Fn() -> tracing::Span) -> Option<String> {
        // A suppressed span is exported nowhere.
        let _quiet = Context::enter_telemetry_suppressed_scope();
        let span = open();
        let is_known = span.id().is_some_and(|id| {
            let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
            !matches!(ask(stack, &dispatch, &id), Found::Nothing)
        });
        if is_known {
            return None;
        }
        // For a span that the layer does not have, this changes nothing, and says whether the layer is there.
        match span.set_parent(Context::new()) {
            Ok(()) => {
                note(stack, ANSWERS);
                Some(
                    "a filter hides audit spans from the OpenTelemetry layer; their records carry the ids of the nearest span \
                     that is exported"
                        .to_owned(),
                )
            }
            Err(SetParentError::LayerNotFound) => Some(absence(stack)),
            Err(_) => None,
        }
    }

    fn complaint(&self, stack: &Stack) -> Option<String> {
        // Where the layer was seen, what nobody can know is nobody's mistake.
        if notes(stack) != 0 || self.has_complained.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(format!(
            "a record has no trace ids, because those of the exported span could not be known; it is marked \
             trace_unavailable, and Stats::trace_unavailable counts such records. Call `Audit::check`, which says whether the \
             stack has the layer of {VERSIONS}, and see docs/opentelemetry-correlation.md"
        ))
    }
}

/// Why nobody answers.
fn absence(stack: &Stack) -> String {
    let inside = stack.inside();
    let consequence = "records with a trace are written without its ids and marked trace_unavailable";
    let is_there = inside.contains("OpenTelemetryLayer");
    if has(stack, ATTACHES) || (is_there && inside.contains("reload::Layer<")) {
        return format!(
            "the OpenTelemetry layer cannot be asked about spans, as it is behind `reload::Layer`: events are correlated where \
             their thread is inside of a span; of other records, {consequence}. Put the layer itself into the stack"
        );
    }
    if is_there {
        return format!(
            "the stack has an OpenTelemetryLayer that is not of {VERSIONS}, so {consequence}; use the same versions in the \
             application"
        );
    }
    format!(
        "nothing in the stack answers as {VERSIONS} does, so {consequence}; add its layer, use the same versions in the \
         application, or take the layer out of `reload::Layer`"
    )
}

fn notes(stack: &Stack) -> u8 {
    stack.notes().load(Ordering::Relaxed)
}

#[inline]
fn has(stack: &Stack, note: u8) -> bool {
    notes(stack) & note != 0
}

fn note(stack: &Stack, note: u8) {
    stack.notes().fetch_or(note, Ordering::Relaxed);
}

#[inline]
fn answer(active: Option<Active>) -> TraceAnswer {
    active
        .and_then(|active| active.trace)
        .map_or(TraceAnswer::Untraced, TraceAnswer::Ids)
}

/// The context that the thread is in.
#[inline]
fn active() -> Option<Active> {
    // At the end of a thread the context is gone before everything that may report, and then asking for it panics.
    catch_unwind(|| {
        Context::map_current(|context| {
            context.has_active_span().then(|| {
                let span = context.span();
                Active {
                    trace: ids(span.span_context()),
                    is_remote: span.span_context().is_remote(),
                }
            })
        })
    })
    .unwrap_or(None)
}

#[inline]
fn ids(span: &SpanContext) -> Option<TraceContext> {
    Some(TraceContext {
        trace_id: TraceId::from_bytes(span.trace_id().to_bytes())?,
        span_id: SpanId::from_bytes(span.span_id().to_bytes())?,
        flags: span.trace_flags().to_u8(),
    })
}

/// Asks the layer about a span, and has it start the span if nobody has.
fn ask(stack: &Stack, dispatch: &Dispatch, span: &Id) -> Found {
    if IS_ASKING.try_with(|asking| asking.replace(true)).unwrap_or(true) {
        return Found::Unknown;
    }
    // It panics where a span was closed a moment ago, by another thread; and where a sampler did.
    let found = catch_unwind(AssertUnwindSafe(|| get_otel_context(span, dispatch)));
    let _ = IS_ASKING.try_with(|asking| asking.set(false));
    match found {
        Ok(Some(context)) => {
            note(stack, ANSWERS);
            ids(context.span().span_context()).map_or(Found::Suppressed, Found::Ids)
        }
        Ok(None) => Found::Nothing,
        Err(_) => Found::Unknown,
    }
}

/// The ids of the span that the thread is in, or of the nearest one around it that is exported, in the order in which the
/// thread entered them: so the layer itself places what is reported in a span that a filter hides. Which span that one was
/// created in says nothing.
fn innermost(stack: &Stack, dispatch: &Dispatch, current: &Id) -> Found {
    match ask(stack, dispatch, current) {
        Found::Nothing => {}
        found => return found,
    }
    let mut around = Around::of(stack.number());
    if around.next() != Some(current.into_u64()) {
        // Not everything that was entered was heard of: the thread ends, or a layer reports while a span is entered.
        return Found::Unknown;
    }
    for span in around {
        match ask(stack, dispatch, &Id::from_u64(span)) {
            Found::Nothing => {}
            found => return found,
        }
    }
    Found::Nothing
}

/// The ids of a span that an event names, or of the nearest one above it that is exported.
fn nearest(stack: &Stack, dispatch: &Dispatch, span: &Id) -> Found {
    let Some(registry) = dispatch.downcast_ref::<Registry>() else {
        return ask(stack, dispatch, span);
    };
    let Some(mut place) = registry.span(span) else {
        return Found::Unknown;
    };
    loop {
        match ask(stack, dispatch, &place.id()) {
            Found::Nothing => {}
            found => return found,
        }
        match place.parent() {
            Some(parent) => place = parent,
            None => return Found::Nothing,
        }
    }
}

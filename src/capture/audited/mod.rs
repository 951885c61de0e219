//! What the macros `#[audited]` and `audit!` write calls to, and nobody else need: a call that knows how it ended.
//!
//! An audited call is an ordinary span, and its end is told to everybody as the fields `outcome`, `reason_code`, `error` and
//! `error.code` of it. While the first two are recorded, the thread holds what they say as `Evidence`, so that a trail
//! takes it as that: it costs no redaction, and an outcome that the application recorded itself still wins. All trails that
//! hear of the span read it there, however many there are and wherever they stand in the stack.

pub mod probe;

use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use tracing;
use tracing::{Span, Value, field};

use super::span_state::Evidence;
use crate::record::{AuditError, AuditEvent, Outcome};

thread_local! {
    /// The span whose end is being told on this thread, and how it ended. 0 where none is.
    static CONCLUDED: Cell<(u64, Evidence)> = const { Cell::new((0, Evidence::None)) };
}

/// How the span ended, where what is recorded about it now says just that.
#[inline]
pub(super) fn concluded(id: u64) -> Option<Evidence> {
    let (concluded, evidence) = CONCLUDED.try_with(Cell::get).ok()?;
    (concluded == id).then_some(evidence)
}

/// While it lives, the end of a span is being told. A layer may panic meanwhile, or call what is audited itself.
struct Concluding((u64, Evidence));

impl Concluding {
    fn begin(id: u64, evidence: Evidence) -> Option<Self> {
        CONCLUDED
            .try_with(|concluded| concluded.replace((id, evidence)))
            .ok()
            .map(Self)
    }
}

impl Drop for Concluding {
    fn drop(&mut self) {
        let _ = CONCLUDED.try_with(|concluded| concluded.set(self.0));
    }
}

/// A call that is under way.
///
/// Dropped without an end it has panicked, or was cancelled: nothing else ends a call without returning.
#[derive(Debug)]
pub struct Call {
    span: Span,
    /// What it means that nobody said how it ended; `None` once somebody has.
    otherwise: Option<Evidence>,
}

impl Call {
    /// Begins a call, which a span stands for.
    #[inline]
    #[must_use]
    pub const fn begin(span: Span) -> Self {
        Self {
            span,
            otherwise: Some(Evidence::Panicked),
        }
    }

    /// Whether anybody listens. Where nobody does, nothing needs to be found out.
    #[inline]
    #[must_use]
    pub fn is_heard(&self) -> bool {
        !self.span.is_disabled()
    }

    /// What happens while the guard lives happens inside of the call.
    #[inline]
    pub fn enter(&self) -> tracing::span::Entered<'_> {
        self.span.enter()
    }

    /// It returned, and nothing is known to have gone wrong.
    #[inline]
    pub fn returned(&mut self) {
        self.conclude(Evidence::Returned);
    }

    /// What it returned says nothing of how it ends: a future that nobody has awaited yet.
    #[inline]
    pub fn left_open(&mut self) {
        self.otherwise = None;
    }

    /// It returned this error.
    pub fn failed(&mut self, message: &dyn Value, error: Option<&dyn AuditError>, is_denied: bool) {
        let outcome = match error {
            _ if is_denied => Outcome::Denied,
            Some(error) => error.outcome(),
            None => Outcome::Failure,
        };
        if outcome == Outcome::Success {
            return self.returned();
        }
        self.span.record("error", message);
        if let Some(code) = error.and_then(AuditError::code) {
            self.span.record("error.code", &*code);
        }
        match outcome {
            Outcome::Failure => self.conclude(Evidence::Failed),
            Outcome::Denied => self.conclude(Evidence::Denied),
            other => {
                self.otherwise = None;
                self.span.record("outcome", other.as_str());
            }
        }
    }

    /// Records which fields the call has changed.
    pub fn changed(&self, names: &dyn Value) {
        self.span.record("changed_fields", names);
    }

    #[inline]
    fn conclude(&mut self, evidence: Evidence) {
        self.otherwise = None;
        let Some(id) = self.span.id() else { return };
        let _concluding = Concluding::begin(id.into_u64(), evidence);
        let (outcome, reason) = evidence.says();
        self.span.record("outcome", outcome);
        if let Some(reason) = reason {
            self.span.record("reason_code", reason);
        }
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        if let Some(evidence) = self.otherwise
            && self.is_heard()
        {
            self.conclude(evidence);
        }
    }
}

/// A call whose body is a future: polled inside of its span, and dropped there too.
#[must_use = "a future does nothing until it is awaited"]
pub struct Running<'f, F> {
    /// Pinned where the call's own future keeps it.
    body: Pin<&'f mut Option<F>>,
    /// `None` once the body has returned.
    call: Option<Call>,
}

/// Without the body, which holds what it works on.
impl<F> std::fmt::Debug for Running<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

impl<'f, F: Future> Running<'f, F> {
    /// A call that begins when it is first polled, which is when this is made.
    #[inline]
    pub fn new(span: Span, body: Pin<&'f mut Option<F>>) -> Self {
        let mut call = Call::begin(span);
        call.otherwise = Some(Evidence::Cancelled);
        Self {
            body,
            call: Some(call),
        }
    }
}

impl<F: Future> Future for Running<'_, F> {
    type Output = (Call, F::Output);

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let (Some(call), Some(body)) = (&mut this.call, this.body.as_mut().as_pin_mut()) else {
            return Poll::Pending;
        };
        // What is dropped from here on was dropped by a panic in the body.
        call.otherwise = Some(Evidence::Panicked);
        let inside = call.span.enter();
        let polled = body.poll(context);
        if polled.is_ready() {
            this.body.set(None);
        }
        drop(inside);
        call.otherwise = Some(Evidence::Cancelled);
        let Poll::Ready(output) = polled else {
            return Poll::Pending;
        };
        match this.call.take() {
            Some(call) => Poll::Ready((call, output)),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Running<'_, F> {
    fn drop(&mut self) {
        if let Some(call) = &self.call {
            // What the body drops may report, and then it reports from inside of the call.
            let _inside = call.span.enter();
            self.body.set(None);
        }
    }
}

/// What `audit!(event)` calls: a type may have a method `record` of its own, which records nothing.
pub trait Typed: AuditEvent {
    /// Records it through `tracing`.
    #[inline]
    fn audit_record(&self) {
        self.record();
    }
}

impl<E: AuditEvent> Typed for E {}

/// A field that has no value yet.
pub const EMPTY: field::Empty = field::Empty;

/// Runs a body. It is given to a function that takes it once, so that it may return what it was lent exclusively.
#[inline(always)]
pub fn once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Whether an error is a refusal, by what the attribute says.
#[inline]
pub fn is_denied<E: ?Sized>(error: &E, is_denied: impl FnOnce(&E) -> bool) -> bool {
    is_denied(error)
}

/// The error as one of this type, to be asked; also where a box of it or a shared one is the error: the source of these is
/// that of what they hold.
#[must_use]
pub fn of_type<'e, E: AuditError + Error + 'static>(
    error: &'e (dyn Error + 'static),
) -> Option<&'e dyn AuditError> {
    let plain = error.downcast_ref::<E>();
    let boxed = || error.downcast_ref::<Box<E>>().map(|error| &**error);
    let shared = || error.downcast_ref::<std::sync::Arc<E>>().map(|error| &**error);
    let found = plain.or_else(boxed).or_else(shared);
    found.map(|error| error as &dyn AuditError)
}

/// Looks for an error as one of a type.
pub type OfType = for<'e> fn(&'e (dyn Error + 'static)) -> Option<&'e dyn AuditError>;

/// How many sources behind each other are looked at; one that is its own source would have no end.
const MAX_SOURCES: usize = 64;

/// The first of an error and its sources that is of one of these types.
#[cold]
#[must_use]
pub fn found<'e>(error: &'e (dyn Error + 'static), types: &[OfType]) -> Option<&'e dyn AuditError> {
    let mut next = Some(error);
    for _ in 0..MAX_SOURCES {
        let error = next?;
        if let Some(found) = types.iter().find_map(|of_type| of_type(error)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What has changed, by what the attribute says.
#[inline]
pub fn changed<'o, T: ?Sized, N>(returned: &'o T, names: impl FnOnce(&'o T) -> N) -> N {
    names(returned)
}

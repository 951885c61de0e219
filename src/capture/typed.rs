//! The callsites of typed events: what `derive(AuditEvent)` writes calls in here, and nobody else need.
//!
//! A macro of `tracing` would do nearly the same. It cannot name a field of a sensitive type, takes no list and no
//! structure, and a dotted name only behind a plain one; and a plan that is made for its callsite does not know the
//! classes of its fields. So the callsite is our own. To other layers it is one like any other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::RwLock;
use tracing_core::field::{DebugValue, Value, debug};
use tracing_core::metadata::LevelFilter;
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Metadata, callsite, dispatcher};

use crate::record::{EventMeta, FieldClass, FieldMeta, FieldValue, View};
use crate::redact::Carry;

/// The callsites of this kind that were hit, by the addresses of their metadata, with the typed events that they are of.
static KNOWN: RwLock<BTreeMap<usize, Option<&'static EventMeta>>> = RwLock::new(BTreeMap::new());

/// The typed event that a callsite is of.
pub(super) fn event_of(metadata: &'static Metadata<'static>) -> Option<&'static EventMeta> {
    let known = KNOWN.read();
    known.get(&std::ptr::from_ref(metadata).addr()).copied().flatten()
}

/// Whether a callsite is of this kind.
pub(super) fn is_known(metadata: &'static Metadata<'static>) -> bool {
    KNOWN.read().contains_key(&std::ptr::from_ref(metadata).addr())
}

/// The callsite of a typed event.
pub struct Callsite {
    metadata: &'static Metadata<'static>,
    event: Option<&'static EventMeta>,
    interest: AtomicU8,
    registration: AtomicU8,
}

const NEVER: u8 = 0;
const SOMETIMES: u8 = 1;
const ALWAYS: u8 = 2;
const UNKNOWN: u8 = 3;

const UNREGISTERED: u8 = 0;
const REGISTERING: u8 = 1;
const REGISTERED: u8 = 2;

impl std::fmt::Debug for Callsite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callsite")
            .field("name", &self.metadata.name())
            .finish_non_exhaustive()
    }
}

impl callsite::Callsite for Callsite {
    fn set_interest(&self, interest: Interest) {
        let interest = match (interest.is_never(), interest.is_always()) {
            (true, _) => NEVER,
            (_, true) => ALWAYS,
            _ => SOMETIMES,
        };
        self.interest.store(interest, Ordering::Relaxed);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.metadata
    }
}

impl Callsite {
    /// The callsite with this metadata, for this event.
    #[must_use]
    pub const fn new(metadata: &'static Metadata<'static>, event: &'static EventMeta) -> Self {
        Self {
            event: Some(event),
            ..Self::named(metadata)
        }
    }

    /// The callsite of an event that is no struct's: what its fields mean follows from their names, as in a macro.
    #[must_use]
    pub const fn named(metadata: &'static Metadata<'static>) -> Self {
        Self {
            metadata,
            event: None,
            interest: AtomicU8::new(UNKNOWN),
            registration: AtomicU8::new(UNREGISTERED),
        }
    }

    /// Whether anybody wants the event. What `tracing` was told to leave out when it was compiled has no bearing: a trail
    /// that lacks events because of a feature of another crate would lack them in silence.
    #[inline]
    #[must_use]
    pub fn is_enabled(&'static self) -> bool {
        *self.metadata.level() <= LevelFilter::current()
            && match self.interest.load(Ordering::Relaxed) {
                NEVER => false,
                ALWAYS => true,
                SOMETIMES => self.is_wanted(),
                _ => self.register(),
            }
    }

    fn is_wanted(&self) -> bool {
        dispatcher::get_default(|dispatch| dispatch.enabled(self.metadata))
    }

    /// Registers the callsite, or waits for nobody where another thread does. Its event is known before anybody hears of
    /// the callsite, because plans are made then.
    #[cold]
    fn register(&'static self) -> bool {
        let key = std::ptr::from_ref(self.metadata).addr();
        KNOWN.write().insert(key, self.event);
        let state = &self.registration;
        let first = state.compare_exchange(UNREGISTERED, REGISTERING, Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok() {
            callsite::register(self);
            state.store(REGISTERED, Ordering::Release);
        }
        match self.interest.load(Ordering::Relaxed) {
            NEVER => false,
            ALWAYS => true,
            _ => self.is_wanted(),
        }
    }

    /// Reports the event with these values, one for each field of the metadata.
    #[inline]
    pub fn dispatch(&'static self, values: &[Option<&dyn Value>]) {
        Event::dispatch(self.metadata, &self.metadata.fields().value_set_all(values));
    }
}

/// A field's value in a form that `tracing` takes.
pub enum Held<'a> {
    /// No value.
    Nothing,
    /// A truth value.
    Bool(bool),
    /// An integer.
    U64(u64),
    /// An integer.
    I64(i64),
    /// An integer.
    U128(u128),
    /// An integer.
    I128(i128),
    /// A number.
    F64(f64),
    /// A text.
    Text(&'a str),
    /// What `tracing` has no kind for, or must not show.
    Carried(DebugValue<Carry<'a>>),
}

/// Without the value.
impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl<'a> Held<'a> {
    /// The value of a field of this class, in which these parts have classes of their own.
    #[inline(always)]
    pub fn of(value: &'a impl FieldValue, class: FieldClass, parts: &'static [FieldMeta]) -> Self {
        let view = value.view();
        if matches!(view, View::Absent) {
            return Self::Nothing;
        }
        if !class.is_open() {
            return Self::Carried(debug(Carry::new(view, class, parts)));
        }
        match view {
            View::Bool(truth) => Self::Bool(truth),
            View::U64(number) => Self::U64(number),
            View::I64(number) => Self::I64(number),
            View::U128(number) => Self::U128(number),
            View::I128(number) => Self::I128(number),
            View::F64(number) => Self::F64(number),
            View::Text(text) => Self::Text(text),
            view => Self::Carried(debug(Carry::new(view, class, parts))),
        }
    }

    /// The value itself.
    #[inline(always)]
    #[must_use]
    pub fn value(&self) -> Option<&dyn Value> {
        Some(match self {
            Self::Nothing => return None,
            Self::Bool(truth) => truth,
            Self::U64(number) => number,
            Self::I64(number) => number,
            Self::U128(number) => number,
            Self::I128(number) => number,
            Self::F64(number) => number,
            Self::Text(text) => text,
            Self::Carried(carried) => carried,
        })
    }
}

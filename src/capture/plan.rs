//! The plan of a callsite: what it is to us, its constant part, and a decision for each field. Made once.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;
use tracing_core::{Interest, Metadata};

use super::settings::{Settings, category};
use super::tree::{StepPlan, more};
use super::typed;
use crate::record::{EventMeta, Level, Resolved, Slot};
use crate::redact::{About, Constants, FieldPlan, Of, Shortcut};

/// What a callsite is to the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Ignored,
    /// An audit event in a module that may not write.
    NotAllowed,
    /// A record.
    Event,
    /// The `error` event that `#[instrument(err)]` reports, if it comes from the span's own line.
    Failed,
    /// The `return` event that `#[instrument(ret)]` reports, likewise.
    Returned,
    /// A record when it closes.
    Span,
    /// An ordinary span that hands fields to the records inside it.
    Lender,
    /// An ordinary span where call stacks are gathered; it may lend as well.
    Step,
    /// A bridged `log` record, whose real target stands in a field.
    Log,
    /// The probe of `check`.
    Probe,
}

/// Made once and kept as long as its callsite, which is static: for ever. Trails whose settings lead to the same plan share
/// it, so that what is kept is bounded by the program's callsites and by how differently its trails treat them, and not by
/// the number of its trails. Nothing in a plan belongs to one trail alone: no key, no text of a caller's.
pub(super) struct Plan {
    pub(super) role: Role,
    pub(super) constants: Constants,
    pub(super) fields: Box<[Option<FieldPlan>]>,
    /// The short way of each field.
    pub(super) shortcuts: Box<[Shortcut]>,
    pub(super) level: Level,
    /// The event name where no field gives one.
    pub(super) event: Cow<'static, str>,
    pub(super) category: &'static str,
    pub(super) file: Option<&'static str>,
    pub(super) line: Option<u32>,
    /// How many fields of each kind are counted whenever the callsite is hit.
    pub(super) duplicates: u32,
    pub(super) reserved: u32,
    /// Whether there is more to do than usual wherever the callsite is hit: names to count, a step to remember.
    pub(super) is_notable: bool,
    /// What its spans are as steps, where call stacks are gathered.
    pub(super) step: Option<Box<StepPlan>>,
    /// Whether a field can name the actor.
    pub(super) names_actor: bool,
    /// What the subscriber inside a wrapper answered for this callsite, in the two low bits, and above them which
    /// wrapper that was: several can stand around one trail, and each answers for its own stack only.
    inner: AtomicU64,
    /// How much more often what its spans lend did not go into words than it did. All trails count here.
    words_given_up: AtomicU32,
}

/// A callsite whose values did not go into words so much more often than they did is not tried again, by no trail: they are
/// paths, or statements.
const TRIES: u32 = 16;

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("role", &self.role)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// The field that marks the probe's callsites.
pub(super) const PROBE: &str = "tracing_audit.probe";

/// All plans, by their callsites' addresses.
static KEPT: Mutex<BTreeMap<usize, Vec<&'static Plan>>> = Mutex::new(BTreeMap::new());

impl Plan {
    /// The plan for a callsite under these settings.
    ///
    /// Leaked on purpose: a counted reference would cost more than the plan at every event.
    pub(super) fn of(metadata: &'static Metadata<'static>, settings: &Settings) -> &'static Self {
        let plan = Self::new(metadata, settings);
        let mut kept = KEPT.lock();
        let kept = kept.entry(std::ptr::from_ref(metadata).addr()).or_default();
        if let Some(same) = kept.iter().find(|kept| kept.is_same(&plan)) {
            return same;
        }
        let plan: &'static Self = Box::leak(Box::new(plan));
        kept.push(plan);
        plan
    }

    /// Whether another plan for the same callsite says the same. The callsite's own properties need no comparing.
    fn is_same(&self, other: &Self) -> bool {
        self.role == other.role
            && self.constants == other.constants
            && self.fields == other.fields
            && self.step == other.step
    }

    fn new(metadata: &'static Metadata<'static>, settings: &Settings) -> Self {
        let role = role(metadata, settings);
        let is_audit = !matches!(role, Role::Ignored | Role::Lender | Role::Step);
        let event = typed::event_of(metadata).filter(|_| is_audit);
        let (fields, duplicates, reserved) = match event {
            Some(event) => (stated(event, metadata, settings), 0, 0),
            None => fields(metadata, role, settings),
        };
        let step = StepPlan::of(metadata, role, settings);
        let names_actor = fields.iter().flatten().any(FieldPlan::names_actor);
        Self {
            role,
            names_actor,
            constants: if is_audit {
                constants(metadata, event, settings)
            } else {
                Constants::default()
            },
            shortcuts: fields.iter().map(shortcut).collect(),
            fields,
            level: level(metadata),
            event: event_name(metadata),
            category: event.map_or_else(
                || category(metadata.target()).unwrap_or_default(),
                |event| event.category,
            ),
            file: metadata.file(),
            line: metadata.line(),
            duplicates,
            reserved,
            is_notable: duplicates | reserved != 0 || step.is_some(),
            step,
            inner: AtomicU64::new(SOMETIMES),
            words_given_up: AtomicU32::new(0),
        }
    }

    /// Whether the event that this plan is for was reported by the `#[instrument]` of the span of `span`.
    pub(super) fn belongs_to(&self, span: &Self) -> bool {
        self.line.is_some() && self.line == span.line && self.file == span.file
    }

    /// What there is to do for its spans beside the usual: bits of [`more`].
    pub(super) fn more(&self) -> u8 {
        let is_step = self.role == Role::Span && self.step.is_some();
        if is_step { more::IS_STEP } else { 0 }
    }

    /// Whether it is tried to write what its spans lend into words.
    #[inline]
    pub(super) fn lends_in_words(&self) -> bool {
        !self.is_notable && self.words_given_up.load(Ordering::Relaxed) < TRIES
    }

    /// What a span lends did not go into words, because of its values.
    #[cold]
    pub(super) fn gave_words_up(&self) {
        // A few more or less: nothing is exchanged for that.
        let before = self.words_given_up.load(Ordering::Relaxed);
        self.words_given_up
            .store(before.saturating_add(1), Ordering::Relaxed);
    }

    /// What a span lends went into words.
    #[inline]
    pub(super) fn kept_to_words(&self) {
        let before = self.words_given_up.load(Ordering::Relaxed);
        if before != 0 {
            self.words_given_up.store(before - 1, Ordering::Relaxed);
        }
    }

    /// How many of the callsite's fields are taken.
    pub(super) fn planned(&self) -> u64 {
        self.fields.iter().flatten().count() as u64
    }

    /// Whether this is a probe of `check`, which is nobody else's business.
    pub(super) fn is_probe(&self) -> bool {
        self.role == Role::Probe
    }

    /// Whether this is the callsite of bridged `log` records.
    pub(super) fn is_log(&self) -> bool {
        self.role == Role::Log
    }

    /// Notes what the stack inside `wrapper` answered.
    pub(super) fn set_inner(&self, wrapper: u32, interest: &Interest) {
        let answer = match (interest.is_never(), interest.is_always()) {
            (true, _) => NEVER,
            (_, true) => ALWAYS,
            _ => SOMETIMES,
        };
        self.inner.store(answered(wrapper, answer), Ordering::Release);
    }

    /// Whether the stack inside `wrapper` wants this callsite: yes, no, or it must be asked each time, also because
    /// another wrapper's answer stands here.
    #[inline]
    pub(super) fn inner(&self, wrapper: u32) -> Option<bool> {
        let inner = self.inner.load(Ordering::Acquire);
        if inner == answered(wrapper, ALWAYS) {
            Some(true)
        } else if inner == answered(wrapper, NEVER) {
            Some(false)
        } else {
            None
        }
    }
}

#[inline]
fn answered(wrapper: u32, answer: u64) -> u64 {
    u64::from(wrapper) << 2 | answer
}

const SOMETIMES: u64 = 0;
const ALWAYS: u64 = 1;
const NEVER: u64 = 2;

fn role(metadata: &'static Metadata<'static>, settings: &Settings) -> Role {
    let field = |at: usize| metadata.fields().iter().nth(at).map(|field| field.name());
    if metadata.fields().iter().any(|field| field.name() == PROBE) {
        return Role::Probe;
    }
    if !settings.is_audit(metadata.target()) {
        let lends = metadata.is_span()
            && metadata
                .fields()
                .iter()
                .any(|field| settings.is_lent(field.name()));
        return match (lends, &settings.call_stacks) {
            (_, Some(_)) if metadata.is_span() => Role::Step,
            (true, _) => Role::Lender,
            (false, _) => Role::Ignored,
        };
    }
    if metadata.target() == super::log::TARGET && !settings.is_audit_target(metadata.target()) {
        return Role::Log;
    }
    // An event that this crate defines says nothing of who reports it.
    let is_ours = || {
        let module = metadata.module_path().unwrap_or_default();
        module.starts_with(concat!(env!("CARGO_CRATE_NAME"), "::")) && typed::is_known(metadata)
    };
    if !settings.is_allowed(metadata.module_path()) && !is_ours() {
        return Role::NotAllowed;
    }
    if metadata.is_span() {
        return Role::Span;
    }
    match (metadata.fields().len(), field(0)) {
        (1, Some("error")) => Role::Failed,
        (1, Some("return")) => Role::Returned,
        _ => Role::Event,
    }
}

/// A plan for each field, and how many are duplicates and reserved names.
fn fields(
    metadata: &'static Metadata<'static>,
    role: Role,
    settings: &Settings,
) -> (Box<[Option<FieldPlan>]>, u32, u32) {
    let mut seen = HashSet::new();
    let by_names = settings.uniform().is_none();
    // A span that only lends keeps nothing apart from what it hands down.
    let hands_down = metadata.is_span() && !matches!(role, Role::Lender | Role::Step);
    let (mut duplicates, mut reserved) = (0, 0);
    // Where a field may say what the event is called, nothing is known of it before.
    let event = event_name(metadata);
    let means =
        |field: &str, slot: Slot| matches!(Resolved::of(field), Resolved::Slot(given, _) if given == slot);
    let gives = |slot: Slot| metadata.fields().iter().any(|field| means(field.name(), slot));
    let policy = Of {
        policy: &settings.policy,
        about: About {
            event: Some(&*event).filter(|event| !event.is_empty() && !gives(Slot::Event)),
            category: category(metadata.target()).filter(|_| !gives(Slot::Category)),
        },
    };
    let plan = |name: &'static str| {
        let plan = match role {
            Role::Ignored | Role::NotAllowed | Role::Probe => None,
            Role::Log if name.starts_with("log.") => None,
            Role::Lender | Role::Step => settings.is_lent(name).then(|| FieldPlan::lent(name, policy)),
            _ if name == "traceparent" || name == "start" || !seen.contains(name) => {
                let (plan, is_object) = plan_of(name, metadata, policy);
                duplicates += u32::from(is_object);
                Some(plan)
            }
            _ => {
                duplicates += 1;
                let nth = (2..)
                    .find(|nth| !seen.contains(&format!("{name}#{nth}")))
                    .unwrap_or(2);
                let key = format!("{name}#{nth}");
                let plan = FieldPlan::attribute(name, &key, policy);
                seen.insert(key);
                Some(plan)
            }
        };
        let bare = name.strip_prefix("audit.").unwrap_or(name);
        if Slot::at(bare).is_some_and(|slot| slot.fill() == crate::record::Fill::Reserved) {
            reserved += 1;
        }
        seen.insert(name.to_owned());
        plan.map(|plan| plan.plainer(hands_down, by_names))
    };
    let plans = metadata
        .fields()
        .iter()
        .map(|field| field.name())
        .map(plan)
        .collect();
    (plans, duplicates, reserved)
}

/// The short way of a field; none of one that is not taken.
fn shortcut(plan: &Option<FieldPlan>) -> Shortcut {
    plan.as_ref().map_or_else(Shortcut::default, FieldPlan::shortcut)
}

/// The plan for a field, and whether it is an attribute because its place is an object.
fn plan_of(name: &str, metadata: &Metadata<'_>, of: Of<'_>) -> (FieldPlan, bool) {
    match leads_on(metadata, name) {
        true => (FieldPlan::attribute(name, name, of), true),
        false => (FieldPlan::new(name, of), false),
    }
}

/// Whether the place in `detail` that this name means is an object: another field of the callsite stands inside it. The
/// object keeps the place, and this field becomes an attribute.
fn leads_on(metadata: &Metadata<'_>, name: &str) -> bool {
    let Resolved::Detail(path) = Resolved::of(name) else {
        return false;
    };
    metadata
        .fields()
        .iter()
        .any(|other| match Resolved::of(other.name()) {
            Resolved::Detail(other) => other.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')),
            _ => false,
        })
}

/// A plan for each field of a typed event, under the class that is stated of it.
fn stated(
    event: &'static EventMeta,
    metadata: &'static Metadata<'static>,
    settings: &Settings,
) -> Box<[Option<FieldPlan>]> {
    let by_names = settings.uniform().is_none();
    let of = Of {
        policy: &settings.policy,
        about: About {
            event: Some(event.name),
            category: Some(event.category),
        },
    };
    let planned = event
        .fields
        .iter()
        .map(|field| Some(FieldPlan::of_event(event, field, of).plainer(false, by_names)));
    let constants = metadata.fields().len().saturating_sub(event.fields.len());
    std::iter::repeat_n(None, constants).chain(planned).collect()
}

fn constants(
    metadata: &'static Metadata<'static>,
    typed: Option<&'static EventMeta>,
    settings: &Settings,
) -> Constants {
    let mut constants = Constants::default().text(Slot::Level, level(metadata).as_str());
    let event = event_name(metadata);
    // The writer calls an event so by itself.
    if !event.is_empty() && event != UNNAMED {
        constants = constants.text(Slot::Event, &event);
    }
    if let Some(category) = category(metadata.target()) {
        constants = constants.text(Slot::Category, category);
    }
    if let Some(typed) = typed {
        constants = constants
            .text(Slot::Category, typed.category)
            .text(Slot::Action, typed.action);
        if let Some(outcome) = &typed.outcome {
            constants = constants.text(Slot::Outcome, outcome.as_str());
        }
    }
    if settings.callsite {
        let texts = [
            (Slot::CodeFile, metadata.file()),
            (Slot::CodeModule, metadata.module_path()),
        ];
        for (slot, text) in texts {
            if let Some(text) = text {
                constants = constants.text(slot, text);
            }
        }
        if let Some(line) = metadata.line() {
            constants = constants.uint(Slot::CodeLine, u64::from(line));
        }
        constants = constants.text(Slot::CodeTarget, metadata.target());
    }
    constants
}

/// What the line calls an event that nobody named.
const UNNAMED: &str = "event";

/// A span's name, or the name that an event's macro was given; not the place in the source that `tracing` puts
/// there otherwise. An event without one is called by the family that its target names, so that what is said of
/// `billing.*` holds for it; where a field may say what it is called, nothing is said here.
fn event_name(metadata: &'static Metadata<'static>) -> Cow<'static, str> {
    let is_unnamed = metadata.name().starts_with("event ") || metadata.target() == super::log::TARGET;
    if !(metadata.is_event() && is_unnamed) {
        return Cow::Borrowed(metadata.name());
    }
    let names = |field: &str| matches!(Resolved::of(field), Resolved::Slot(Slot::Event | Slot::Action, _));
    if metadata.fields().iter().any(|field| names(field.name())) {
        return Cow::Borrowed("");
    }
    match category(metadata.target()) {
        Some(category) => Cow::Owned(format!("{}.{UNNAMED}", category.replace("::", "."))),
        None => Cow::Borrowed(UNNAMED),
    }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::ERROR => Level::Error,
    }
}

//! Call stacks: the spans inside an outermost audit span, gathered as the steps of its record.
//!
//! Off unless configured, and then beside the usual path: a span that belongs to a tree stands in the span table's map,
//! never in its places, so that whoever looks a span up, or forgets one, meets its step only where there is one.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Metadata, span};

use super::Loss;
use super::core::Capture;
use super::ids::Ids;
use super::local::{self, Depth};
use super::plan::{Plan, Role};
use super::settings::{Settings, category, is_within};
use super::span_state::SpanState;
use super::spans::{Crowded, Spans};
use crate::clock::SharedClock;
use crate::config::CallStacks;
use crate::memory;
use crate::redact::{About, FieldPlan, Of, RedactedFields, Redacting, StepNode, StepText, sees};
use crate::stats::add;

/// The longest kind and the longest label of a step, in bytes.
const KIND: usize = 32;
const LABEL: usize = 128;

/// More than both take, with the remarks behind them.
const TEXTS: usize = 4 * (KIND + LABEL);

/// Bits for what there is to do for a new span beside the usual.
pub(super) mod more {
    /// It writes a start record.
    pub(in crate::capture) const STARTS: u8 = 1;
    /// It is a step of a call stack, or has one.
    pub(in crate::capture) const IS_STEP: u8 = 2;
}

/// What a span's callsite says of the step that the span is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StepPlan {
    /// Whether it is a step; else it is passed over.
    is_node: bool,
    /// Whether it has a tree of its own where it is the outermost audit span.
    is_root: bool,
    kind: &'static str,
    label: &'static str,
    /// The fields that say otherwise: the first that is there names it, by its place in the callsite.
    kind_field: Option<(usize, FieldPlan)>,
    label_field: Option<(usize, FieldPlan)>,
}

impl StepPlan {
    /// `None` where no call stacks are gathered, or where the callsite is no span's.
    pub(super) fn of(
        metadata: &'static Metadata<'static>,
        role: Role,
        settings: &Settings,
    ) -> Option<Box<Self>> {
        let stacks = settings.call_stacks.as_ref().filter(|_| metadata.is_span())?;
        if !matches!(role, Role::Span | Role::Step) {
            return None;
        }
        let of = Of {
            policy: &settings.policy,
            about: About::default(),
        };
        let field = |names: &[&str]| {
            let at = |name: &&str| metadata.fields().iter().position(|field| field.name() == *name);
            let (at, name) = names.iter().find_map(|name| Some((at(name)?, *name)))?;
            Some((at, FieldPlan::attribute(name, name, of)))
        };
        let kind_field = field(&KINDS);
        Some(Box::new(Self {
            is_node: role == Role::Span || is_step(metadata, stacks),
            is_root: role == Role::Span && stacks.is_root(metadata.name()),
            kind: kind(metadata.target(), role),
            label: metadata.name(),
            kind_field,
            label_field: field(&["label"]),
        }))
    }
}

/// The fields that make a span a step, and say of which kind.
const KINDS: [&str; 2] = ["kind", "span.kind"];

/// Whether an ordinary span is a step.
fn is_step(metadata: &Metadata<'_>, stacks: &CallStacks) -> bool {
    let (targets, is_every) = stacks.targets();
    is_every
        || targets.iter().any(|target| is_within(metadata.target(), target))
        || metadata
            .fields()
            .iter()
            .any(|field| KINDS.contains(&field.name()))
}

/// What a target says of the kind of its spans: the category of an audit target, else its last part.
fn kind(target: &'static str, role: Role) -> &'static str {
    match (role, category(target)) {
        (Role::Span, Some(category)) => category,
        _ => target.rsplit("::").next().unwrap_or(target),
    }
}

/// A tree that grows while its outermost span is open.
#[derive(Debug)]
struct Tree {
    clock: SharedClock,
    limits: (usize, usize),
    /// Whether an audit span's own id is known from its trace.
    knows_ids: bool,
    /// Whether nothing inside is still open when the outermost span ends. The wrapper hears of a span's end behind that of
    /// the one around it, where the one is what ends the other.
    is_nested: bool,
    grown: Mutex<Grown>,
}

#[derive(Debug, Default)]
struct Grown {
    /// The outermost span first; empty once that has ended.
    nodes: Vec<StepNode>,
    /// What redaction saw in the texts.
    seen: u16,
}

/// A span's place in a tree.
#[derive(Debug, Clone)]
pub(super) struct Step {
    tree: Arc<Tree>,
    plan: &'static StepPlan,
    /// Its node, or the nearest one around it where it is none itself.
    at: usize,
    is_kept: bool,
}

impl Step {
    fn is_over(&self) -> bool {
        self.tree.grown.lock().nodes.is_empty()
    }

    /// What a span inside this one is that is no step, or that is not kept.
    fn passed(&self) -> Self {
        Self {
            tree: Arc::clone(&self.tree),
            plan: self.plan,
            at: self.at,
            is_kept: false,
        }
    }

    /// Whether a step inside this one would be kept; counts it where not.
    fn has_room(&self) -> bool {
        let mut grown = self.tree.grown.lock();
        let (nodes, depth) = self.tree.limits;
        let is_full = grown.nodes.len() >= nodes;
        let Some(parent) = grown.nodes.get_mut(self.at) else {
            return false;
        };
        // What a step takes, with what its texts are made from.
        let has_room = !is_full && parent.depth < depth && memory::is_there(size_of::<StepNode>() + TEXTS);
        parent.omitted += u64::from(!has_room);
        has_room
    }

    /// Adds a step inside this one, if there is still room.
    fn add(&self, plan: &'static StepPlan, mut node: StepNode, seen: u16) -> Self {
        let mut grown = self.tree.grown.lock();
        let is_full = grown.nodes.len() >= self.tree.limits.0 || grown.nodes.try_reserve(1).is_err();
        let at = grown.nodes.len();
        let Some(parent) = grown.nodes.get_mut(self.at) else {
            return self.passed();
        };
        if is_full {
            parent.omitted += 1;
            return self.passed();
        }
        node.depth = parent.depth + 1;
        node.parent = Some(self.at);
        grown.nodes.push(node);
        grown.seen |= seen;
        Self {
            tree: Arc::clone(&self.tree),
            plan,
            at,
            is_kept: true,
        }
    }

    /// Takes what was recorded after the span was opened.
    fn say(&self, kind: Option<StepText>, label: Option<StepText>, seen: u16) {
        let mut grown = self.tree.grown.lock();
        if let Some(node) = grown.nodes.get_mut(self.at) {
            node.kind = kind.unwrap_or_else(|| std::mem::take(&mut node.kind));
            node.label = label.unwrap_or_else(|| std::mem::take(&mut node.label));
            grown.seen |= seen;
        }
    }

    /// The span has ended. Where it is the outermost, its tree becomes a field of its record.
    pub(super) fn close(&self, state: Option<&mut SpanState>) {
        if !self.is_kept {
            return;
        }
        let now = self.tree.clock.monotonic();
        let mut grown = self.tree.grown.lock();
        if let Some(node) = grown.nodes.get_mut(self.at) {
            node.duration = Some(now.saturating_sub(node.opened));
        }
        if self.at == 0 && self.tree.is_nested {
            for node in grown.nodes.iter_mut().filter(|node| node.duration.is_none()) {
                node.duration = Some(now.saturating_sub(node.opened));
            }
        }
        self.identify(&mut grown, state.as_deref());
        drop(grown);
        if let Some(state) = state.filter(|_| self.at == 0) {
            self.state(state);
            self.tree.grown.lock().nodes = Vec::new();
        }
    }

    /// Makes the tree, as it is now, a field of the outermost span's record.
    pub(super) fn state(&self, state: &mut SpanState) {
        if self.at != 0 || !self.is_kept {
            return;
        }
        let mut grown = self.tree.grown.lock();
        self.identify(&mut grown, Some(state));
        let has_steps = grown.nodes.len() > 1 || grown.nodes.first().is_some_and(|root| root.omitted > 0);
        if has_steps {
            state.own.steps(&grown.nodes);
            state.seen |= grown.seen;
        }
    }

    /// An audit span's step has the id that its record states: a tracer gives it late.
    fn identify(&self, grown: &mut Grown, state: Option<&SpanState>) {
        let trace = state.filter(|state| state.is_record() && self.tree.knows_ids);
        if let Some(trace) = trace.and_then(|state| state.trace)
            && let Some(node) = grown.nodes.get_mut(self.at)
        {
            node.id = u64::from_be_bytes(trace.span_id.to_bytes());
        }
    }
}

impl Spans {
    /// The step that a span is, or stands in.
    fn step(&self, id: u64) -> Option<Step> {
        if self.crowd.load(Ordering::Acquire) == 0 {
            return None;
        }
        let tracked = self.tracked(id);
        let crowded = self.crowded.lock();
        let step = |id: &u64| crowded.get(id)?.step.clone();
        step(&id).or_else(|| step(&tracked?))
    }

    /// The step that a span is, kept or not.
    fn own_step(&self, id: u64) -> Option<Step> {
        if self.crowd.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.crowded.lock().get(&id)?.step.clone()
    }

    /// Moves a span of this thread, which nobody else knows yet, to where its step is met.
    fn divert(&self, id: u64, step: Step) {
        let taken = self.give_place_up(id);
        let mut crowded = self.crowded.lock();
        if let Some((tracked, state)) = taken {
            let step = Some(step);
            crowded.insert(id, Crowded { tracked, state, step });
            self.crowd.fetch_add(1, Ordering::Release);
        } else if let Some(span) = crowded.get_mut(&id) {
            span.step = Some(step);
        }
    }
}

impl Capture {
    /// Whether an ordinary span is a step: for the filter shell, which must want it, for nobody else may.
    pub(super) fn is_step(&self, metadata: &Metadata<'_>) -> bool {
        let stacks = self.settings.call_stacks.as_ref();
        stacks.is_some_and(|stacks| metadata.is_span() && is_step(metadata, stacks))
    }

    /// Inserts a new audit span of which there is more to do: its start to write, its step to remember.
    #[cold]
    pub(super) fn insert_more(
        &self,
        attributes: &Attributes<'_>,
        id: &Id,
        state: Box<SpanState>,
        plan: &'static Plan,
    ) {
        if state.more & more::STARTS != 0 {
            self.send_start(&state, plan);
        }
        let own = state.trace.filter(|_| self.knows_ids());
        let own = own.map_or(id.into_u64(), |trace| {
            u64::from_be_bytes(trace.span_id.to_bytes())
        });
        let step = self.step_of(attributes, plan, own);
        let lost = || self.outlet.lost(Loss::Memory, plan.category);
        self.spans.insert(id.into_u64(), state, true, lost);
        if let Some(step) = step {
            self.spans.divert(id.into_u64(), step);
        }
    }

    /// An ordinary span, where call stacks are gathered.
    #[cold]
    pub(super) fn step_span(&self, attributes: &Attributes<'_>, id: &Id, plan: &'static Plan) {
        if plan.planned() > 0 {
            self.lending_span(attributes, id, plan);
        } else {
            self.link(attributes, id);
        }
        let Some(_depth) = Depth::enter() else {
            return add(&self.counters.too_deep, 1);
        };
        if let Some(step) = self.step_of(attributes, plan, id.into_u64()) {
            self.spans.divert(id.into_u64(), step);
        }
    }

    fn knows_ids(&self) -> bool {
        !matches!(self.ids, Ids::Given)
    }

    /// The place of a new span in the tree that it stands in, or in one of its own.
    fn step_of(&self, attributes: &Attributes<'_>, plan: &'static Plan, id: u64) -> Option<Step> {
        let step = plan.step.as_deref()?;
        let parent = if attributes.is_contextual() {
            local::innermost(self.instance)
        } else {
            attributes.parent().map(span::Id::into_u64)
        };
        let parent = parent.and_then(|parent| self.spans.step(parent));
        let parent = parent.filter(|parent| !parent.is_over());
        match &parent {
            None if !step.is_root => return None,
            Some(parent) if !step.is_node || !parent.has_room() => return Some(parent.passed()),
            _ => {}
        }
        let (kind, label, seen) = self.step_texts(step, |visitor| attributes.record(visitor));
        let node = StepNode {
            parent: None,
            depth: 1,
            id,
            kind: kind.unwrap_or_else(|| StepText::of_code(step.kind, KIND)),
            label: label.unwrap_or_else(|| StepText::of_code(step.label, LABEL)),
            opened: self.clock.monotonic(),
            duration: None,
            omitted: 0,
        };
        if let Some(parent) = parent {
            return Some(parent.add(step, node, seen));
        }
        let limits = self.settings.call_stacks.as_ref()?.limits();
        Some(Step {
            tree: Arc::new(Tree {
                clock: self.clock.clone(),
                limits,
                knows_ids: self.knows_ids(),
                is_nested: self.is_nested.load(Ordering::Relaxed),
                grown: Mutex::new(Grown {
                    nodes: vec![node],
                    seen,
                }),
            }),
            plan: step,
            at: 0,
            is_kept: true,
        })
    }

    /// What fields say of a step's kind and label, redacted.
    fn step_texts(
        &self,
        plan: &'static StepPlan,
        record: impl FnOnce(&mut StepVisitor<'_, '_>),
    ) -> (Option<StepText>, Option<StepText>, u16) {
        if plan.kind_field.is_none() && plan.label_field.is_none() {
            return (None, None, 0);
        }
        let scratch = RedactedFields::empty(self.outlet.buffer());
        let mut into = Redacting::lending(scratch, &self.settings.policy);
        let mut visitor = StepVisitor {
            plan,
            into: &mut into,
            kind: None,
            label: None,
        };
        record(&mut visitor);
        let (kind, label) = (visitor.kind, visitor.label);
        self.count(&into.tally);
        let seen = into.seen & (sees::HIDDEN | sees::PERSONAL);
        self.outlet.recycle(into.finish_lending().into_buffer());
        (kind, label, seen)
    }

    /// Takes what a span records after it was opened, where call stacks are gathered.
    #[cold]
    pub(super) fn say_step(&self, id: u64, values: &Record<'_>) {
        let Some(step) = self.spans.own_step(id).filter(|step| step.is_kept) else {
            return;
        };
        let Some(_depth) = Depth::enter() else {
            return add(&self.counters.too_deep, values.len() as u64);
        };
        let (kind, label, seen) = self.step_texts(step.plan, |visitor| values.record(visitor));
        if kind.is_some() || label.is_some() {
            step.say(kind, label, seen);
        }
    }
}

/// Takes the fields that say what a step is.
struct StepVisitor<'v, 'p> {
    plan: &'static StepPlan,
    into: &'v mut Redacting<'p>,
    kind: Option<StepText>,
    label: Option<StepText>,
}

impl<'p> StepVisitor<'_, 'p> {
    fn take(&mut self, field: &Field, write: impl FnOnce(&mut Redacting<'p>, &'static FieldPlan)) {
        let is = |at: &Option<(usize, FieldPlan)>| at.as_ref().is_some_and(|(at, _)| *at == field.index());
        let (place, planned, limit) = if is(&self.plan.kind_field) {
            (&mut self.kind, &self.plan.kind_field, KIND)
        } else if is(&self.plan.label_field) {
            (&mut self.label, &self.plan.label_field, LABEL)
        } else {
            return;
        };
        if let Some((_, plan)) = planned {
            let start = self.into.written().len();
            write(self.into, plan);
            *place = self.into.step_text(plan, start, limit);
        }
    }
}

macro_rules! visit {
    ($($method:ident($value:ty) $into:ident)*) => {$(
        fn $method(&mut self, field: &Field, value: $value) {
            self.take(field, |into, plan| into.$into(plan, value));
        }
    )*};
}

impl Visit for StepVisitor<'_, '_> {
    visit! {
        record_f64(f64) f64
        record_i64(i64) i64
        record_u64(u64) u64
        record_i128(i128) i128
        record_u128(u128) u128
        record_bool(bool) bool
        record_str(&str) str
        record_bytes(&[u8]) bytes
        record_error(&(dyn Error + 'static)) error
        record_debug(&dyn Debug) debug
    }
}

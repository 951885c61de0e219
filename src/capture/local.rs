//! What each thread keeps: the plans it used last, the spans and scopes it is inside of, and how deep it records.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::context::ScopeFields;
use super::place::Spot;
use super::plan::Plan;

/// How many pairs of plans a thread remembers. A power of two; callsites share pairs by their address. Single places were
/// tried: now and then two callsites of one request met in one, and each looked its plan up every time.
const REMEMBERED: usize = 64;

/// How deep recording may nest: an event reported by the `Debug` of a value that is being recorded is one level.
const MAX_DEPTH: u32 = 4;

/// Something that the thread is inside of, newest last.
#[derive(Clone)]
pub(super) enum Held {
    /// An entered span; `tracked` is the nearest span with a context of ours, or 0.
    Span {
        instance: u32,
        /// Whether the thread was unwinding already: then the panic is not this span's.
        in_panic: bool,
        id: u64,
        tracked: u64,
    },
    /// A context that was set for a request or job.
    Scope(Arc<ScopeFields>),
}

/// Plain numbers and references: the thread's storage for them needs no destructor, and so no check at each access. It
/// also works to the very end of a thread, while other locals are destroyed and report what they do.
struct Local {
    /// In each pair, the one that was looked up last stands first.
    plans: [[Cell<Remembered>; 2]; REMEMBERED],
    depth: Cell<u32>,
    here: Cell<Here>,
}

/// What nearly every question about the thread's list asks for: its end.
#[derive(Clone, Copy)]
struct Here {
    /// No scope is in the list. Where there is one, the list itself must be asked.
    is_plain: bool,
    /// Whose span was entered last, or 0: the list is empty.
    instance: u32,
    /// That span's context.
    tracked: u64,
}

impl Here {
    const NOWHERE: Self = Self {
        is_plain: true,
        instance: 0,
        tracked: 0,
    };
}

#[derive(Clone, Copy)]
struct Remembered {
    key: usize,
    instance: u32,
    plan: Option<&'static Plan>,
}

impl Remembered {
    const NONE: Self = Self {
        key: 0,
        instance: 0,
        plan: None,
    };
}

thread_local! {
    static LOCAL: Local = const {
        Local {
            plans: [const { [const { Cell::new(Remembered::NONE) }; 2] }; REMEMBERED],
            depth: Cell::new(0),
            here: Cell::new(Here::NOWHERE),
        }
    };
    /// Gone when the thread ends; what is reported after that has no context.
    static HELD: RefCell<Inside> = const { RefCell::new(Inside { list: Vec::new(), scopes: 0 }) };
}

/// What a thread is inside of.
struct Inside {
    /// Oldest first.
    list: Vec<Held>,
    /// How many of them are scopes: mostly none, and then nobody looks for them.
    scopes: usize,
}

impl Inside {
    /// Notes where the thread stands, after the list was changed.
    #[inline]
    fn note(&self) {
        note(match self.list.last() {
            None => Here::NOWHERE,
            Some(Held::Span {
                instance, tracked, ..
            }) => Here {
                is_plain: self.scopes == 0,
                instance: *instance,
                tracked: *tracked,
            },
            Some(Held::Scope(_)) => Here {
                is_plain: false,
                ..Here::NOWHERE
            },
        });
    }

    #[inline]
    fn make_room(&mut self) {
        if self.list.len() == self.list.capacity() {
            self.grow();
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.list.reserve(HELD_AT_FIRST);
    }
}

#[inline]
fn note(here: Here) {
    let _ = LOCAL.try_with(|local| local.here.set(here));
}

impl Drop for Inside {
    /// The thread ends.
    fn drop(&mut self) {
        note(Here::NOWHERE);
    }
}

/// How many entries a thread's list has room for from its first one on, so that it hardly ever grows again.
const HELD_AT_FIRST: usize = 32;

/// The depth of a thread of ours, where nothing is recorded at all. So many levels never come about otherwise.
const OWN: u32 = u32::MAX / 2;

/// Marks the current thread as one of ours: a record from here would wait for itself, or cause the next one.
pub(crate) fn mark_own_thread() {
    let _ = LOCAL.try_with(|local| local.depth.set(OWN));
}

/// Whether this is a thread of ours.
pub(crate) fn is_own_thread() -> bool {
    LOCAL.try_with(|local| local.depth.get() >= OWN).unwrap_or(true)
}

fn place(key: usize) -> usize {
    // Metadata are statics of over 64 bytes: their low address bits say little.
    (key >> 4 ^ key >> 11) % REMEMBERED
}

/// The plan that this thread last saw for the callsite at `key`.
#[inline]
pub(super) fn remembered(key: usize, instance: u32) -> Option<&'static Plan> {
    LOCAL
        .try_with(|local| {
            let [first, second] = local.plans.get(place(key))?;
            let is_it = |plan: &Remembered| plan.key == key && plan.instance == instance;
            let found = Some(first.get())
                .filter(is_it)
                .or_else(|| Some(second.get()).filter(is_it));
            found?.plan
        })
        .ok()
        .flatten()
}

pub(super) fn remember(key: usize, instance: u32, plan: &'static Plan) {
    let _ = LOCAL.try_with(|local| {
        if let Some([first, second]) = local.plans.get(place(key)) {
            let plan = Some(plan);
            second.set(first.replace(Remembered { key, instance, plan }));
        }
    });
}

/// Marks that this thread records; gone when dropped.
pub(super) struct Depth(());

impl Depth {
    /// `None` where recording has nested as deep as it may.
    #[inline]
    pub(super) fn enter() -> Option<Self> {
        LOCAL
            .try_with(|local| {
                let depth = local.depth.get();
                (depth < MAX_DEPTH).then(|| {
                    local.depth.set(depth + 1);
                    Self(())
                })
            })
            .ok()
            .flatten()
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        let _ = LOCAL.try_with(|local| local.depth.set(local.depth.get().saturating_sub(1)));
    }
}

/// Whether this thread is in the middle of recording a value.
pub(crate) fn is_recording() -> bool {
    LOCAL.try_with(|local| local.depth.get() > 0).unwrap_or(false)
}

/// Whether the thread is inside of nothing at all: the usual case for what is not audited.
#[inline]
pub(super) fn is_outside() -> bool {
    LOCAL
        .try_with(|local| {
            let here = local.here.get();
            here.is_plain && here.instance == 0
        })
        .unwrap_or(true)
}

/// Enters a span.
#[inline]
pub(super) fn push_span(instance: u32, in_panic: bool, id: u64, tracked: u64) {
    let _ = HELD.try_with(|held| {
        if let Ok(mut held) = held.try_borrow_mut() {
            held.make_room();
            held.list.push(Held::Span {
                instance,
                in_panic,
                id,
                tracked,
            });
            note(Here {
                is_plain: held.scopes == 0,
                instance,
                tracked,
            });
        }
    });
}

/// Enters a scope.
pub(super) fn push_scope(entered: &Arc<ScopeFields>) {
    let _ = HELD.try_with(|held| {
        if let Ok(mut held) = held.try_borrow_mut() {
            held.make_room();
            held.scopes += 1;
            held.list.push(Held::Scope(Arc::clone(entered)));
            held.note();
        }
    });
}

/// Leaves a span, wherever in the order it stands: guards can be dropped in any order. Answers whether the thread was
/// unwinding already when the span was entered, or `None` where it was not.
#[inline]
pub(super) fn pop_span(of: u32, left: u64) -> Option<bool> {
    let popped = HELD.try_with(|held| {
        let mut held = held.try_borrow_mut().ok()?;
        // Nearly always the newest.
        match held.list.last()? {
            Held::Span {
                instance,
                in_panic,
                id,
                ..
            } if *instance == of && *id == left => {
                let in_panic = *in_panic;
                // A span holds nothing: there is nothing to ask of it.
                std::mem::forget(held.list.pop());
                held.note();
                Some(in_panic)
            }
            _ => held.pop_deeper(of, left),
        }
    });
    popped.ok().flatten()
}

impl Inside {
    #[cold]
    fn pop_deeper(&mut self, of: u32, left: u64) -> Option<bool> {
        let is_it =
            |entry: &Held| matches!(entry, Held::Span { instance, id, .. } if *instance == of && *id == left);
        let at = self.list.iter().rposition(is_it)?;
        let left = self.list.remove(at);
        self.note();
        match left {
            Held::Span { in_panic, .. } => Some(in_panic),
            Held::Scope(_) => None,
        }
    }
}

/// Leaves a scope.
pub(super) fn pop_scope(left: &Arc<ScopeFields>) {
    let _ = HELD.try_with(|held| {
        let Ok(mut held) = held.try_borrow_mut() else {
            return;
        };
        let is_it = |entry: &Held| matches!(entry, Held::Scope(scope) if Arc::ptr_eq(scope, left));
        if let Some(at) = held.list.iter().rposition(is_it) {
            held.list.remove(at);
            held.scopes = held.scopes.saturating_sub(1);
            held.note();
        }
    });
}

/// The nearest span of this instance with a context, or 0, where the thread is inside of no scope and of no other stack's
/// span last; else the list must be asked.
#[inline(always)]
pub(super) fn plain(of: u32) -> Option<u64> {
    let here = LOCAL.try_with(|local| local.here.get()).ok()?;
    (here.is_plain && (here.instance == of || here.instance == 0)).then_some(here.tracked)
}

/// Where the thread stands: the nearest span of this instance, whose place says which span has a context, and the scopes
/// that were entered before and after it, among other things, oldest first. `with` must not run user code: the thread's
/// list is borrowed.
#[inline]
pub(super) fn current<R>(of: u32, mut with: impl FnMut(Spot<'_>) -> R) -> R {
    match plain(of) {
        Some(tracked) => with(Spot {
            tracked,
            outer: &[],
            inside: &[],
        }),
        None => current_among(of, with),
    }
}

/// As [`current`], where the thread is inside of scopes or of another stack's spans.
#[inline(never)]
fn current_among<R>(of: u32, mut with: impl FnMut(Spot<'_>) -> R) -> R {
    let found = HELD.try_with(|held| {
        let held = held.try_borrow().ok()?;
        let is_span = |entry: &Held| matches!(entry, Held::Span { instance, .. } if *instance == of);
        let at = held.list.iter().rposition(is_span);
        let tracked = match at.and_then(|at| held.list.get(at)) {
            Some(Held::Span { tracked, .. }) => *tracked,
            _ => 0,
        };
        let (outer, inside) = if held.scopes == 0 {
            Default::default()
        } else {
            held.list.split_at_checked(at.unwrap_or(0)).unwrap_or_default()
        };
        Some(with(Spot {
            tracked,
            outer,
            inside,
        }))
    });
    found.ok().flatten().unwrap_or_else(|| {
        with(Spot {
            tracked: 0,
            outer: &[],
            inside: &[],
        })
    })
}

/// The span of this instance that the thread entered last, if its place was worth remembering.
pub(super) fn innermost(of: u32) -> Option<u64> {
    all(|held| {
        held.iter().rev().find_map(|entry| match entry {
            Held::Span { instance, id, .. } if *instance == of => Some(*id),
            _ => None,
        })
    })
}

/// All that the thread is inside of, oldest first. `with` must not run user code.
#[inline]
pub(super) fn all<R>(mut with: impl FnMut(&[Held]) -> R) -> R {
    let found = HELD.try_with(|held| {
        let held = held.try_borrow().ok()?;
        Some(with(&held.list))
    });
    found.ok().flatten().unwrap_or_else(|| with(&[]))
}

/// As [`all`], for whoever looks for scopes: nothing at all where there is none.
#[inline]
pub(super) fn around<R>(mut with: impl FnMut(&[Held]) -> R) -> R {
    let found = HELD.try_with(|held| {
        let held = held.try_borrow().ok()?;
        Some(with(if held.scopes == 0 { &[] } else { &held.list }))
    });
    found.ok().flatten().unwrap_or_else(|| with(&[]))
}

/// The scopes among what was entered.
pub(super) fn scopes(inside: &[Held]) -> impl Iterator<Item = &Arc<ScopeFields>> {
    inside.iter().filter_map(|entry| match entry {
        Held::Scope(scope) => Some(scope),
        Held::Span { .. } => None,
    })
}

//! What each thread keeps: the plans it used last, the spans and scopes it is inside of, and how deep it records.

mod entered;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::context::ScopeFields;
use super::place::Spot;
use super::plan::Plan;
pub(super) use entered::Entered;

/// How many pairs of plans a thread remembers. A power of two; callsites share pairs by their address. Single places were
/// tried: now and then two callsites of one request met in one, and each looked its plan up every time.
const REMEMBERED: usize = 64;

/// How deep recording may nest: an event reported by the `Debug` of a value that is being recorded is one level.
const MAX_DEPTH: u32 = 4;

/// How many entered spans stand in cells, before there are scopes.
const FIRST: usize = 16;

/// Something that the thread is inside of, newest last.
#[derive(Clone)]
pub(super) enum Held {
    Span(Entered),
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
    /// The spans that were entered before everything in the list of [`HELD`], oldest first.
    first: [Cell<Entered>; FIRST],
    /// How many of them there are.
    len: Cell<usize>,
    /// Whether anything is in that list; then the next one goes there as well.
    is_deeper: Cell<bool>,
}

/// What nearly every question about the thread's list asks for: its end.
#[derive(Clone, Copy)]
struct Here {
    /// Whose span was entered last, or 0: the list is empty; [`AMONG_SCOPES`] where the list itself must be asked.
    instance: u32,
    /// That span's context.
    tracked: u64,
}

impl Here {
    const NOWHERE: Self = Self {
        instance: 0,
        tracked: 0,
    };

    /// Where a span was entered last, and so many scopes are in the list.
    #[inline]
    fn in_span(entered: &Entered, scopes: usize) -> Self {
        Self {
            instance: if scopes == 0 {
                entered.instance()
            } else {
                AMONG_SCOPES
            },
            tracked: entered.tracked,
        }
    }
}

/// The number of no instance: a scope is in the thread's list.
const AMONG_SCOPES: u32 = u32::MAX;

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
            first: [const { Cell::new(Entered::NONE) }; FIRST],
            len: Cell::new(0),
            is_deeper: Cell::new(false),
        }
    };
    /// Gone when the thread ends; what is reported after that has no context, if anything was ever here.
    static HELD: RefCell<Inside> = const { RefCell::new(Inside { list: Vec::new(), scopes: 0 }) };
}

/// What a thread is inside of, from its first scope on, or from its [`FIRST`] spans on.
struct Inside {
    /// Oldest first.
    list: Vec<Held>,
    /// How many of them are scopes: mostly none, and then nobody looks for them.
    scopes: usize,
}

impl Inside {
    /// Notes where the thread stands, after the list was changed.
    fn note(&self) {
        let _ = LOCAL.try_with(|local| {
            local.is_deeper.set(!self.list.is_empty());
            match self.list.last() {
                None => local.note(),
                Some(Held::Span(entered)) => local.here.set(Here::in_span(entered, self.scopes)),
                Some(Held::Scope(_)) => local.here.set(Here::in_span(&Entered::NONE, self.scopes)),
            }
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

/// Moves what stands behind this place one forward.
pub(super) fn close_gap<T: Copy>(cells: &[Cell<T>], at: usize) {
    let behind = cells.iter().skip(at + 1);
    cells
        .iter()
        .skip(at)
        .zip(behind)
        .for_each(|(to, from)| to.set(from.get()));
}

impl Local {
    #[inline]
    fn cells(&self) -> &[Cell<Entered>] {
        self.first.get(..self.len.get()).unwrap_or_default()
    }

    /// Notes where the thread stands, where nothing is in the list.
    #[inline]
    fn note(&self) {
        let here = self
            .cells()
            .last()
            .map_or(Here::NOWHERE, |cell| Here::in_span(&cell.get(), 0));
        self.here.set(here);
    }

    /// Leaves a span that is not the newest of those in cells.
    fn remove(&self, of: u32, left: u64) -> Option<bool> {
        let cells = self.cells();
        let at = cells.iter().rposition(|cell| cell.get().is(of, left))?;
        let was_in_panic = cells.get(at)?.get().was_in_panic();
        close_gap(cells, at);
        self.len.set(cells.len() - 1);
        if !self.is_deeper.get() {
            self.note();
        }
        Some(was_in_panic)
    }
}

impl Drop for Inside {
    /// The thread ends.
    fn drop(&mut self) {
        let _ = LOCAL.try_with(|local| {
            local.len.set(0);
            local.is_deeper.set(false);
            local.note();
        });
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
#[inline]
pub(crate) fn is_recording() -> bool {
    LOCAL.try_with(|local| local.depth.get() > 0).unwrap_or(false)
}

/// Whether the thread is inside of nothing at all: the usual case for what is not audited.
#[inline]
pub(super) fn is_outside() -> bool {
    LOCAL
        .try_with(|local| local.here.get().instance == 0)
        .unwrap_or(true)
}

/// Enters a span.
#[inline]
pub(super) fn push_span(entered: Entered) {
    if !push_plain(entered) {
        push_deeper(entered);
    }
}

/// Enters a span where it has a cell; `false`, with nothing done, where it has none.
#[inline(always)]
pub(super) fn push_plain(entered: Entered) -> bool {
    let pushed = LOCAL.try_with(|local| {
        let len = local.len.get();
        let cell = local.first.get(len).filter(|_| !local.is_deeper.get())?;
        cell.set(entered);
        local.len.set(len + 1);
        local.here.set(Here::in_span(&entered, 0));
        Some(())
    });
    pushed.ok().flatten().is_some()
}

#[cold]
#[inline(never)]
fn push_deeper(entered: Entered) {
    let _ = HELD.try_with(|held| {
        if let Ok(mut held) = held.try_borrow_mut() {
            held.make_room();
            held.list.push(Held::Span(entered));
            held.note();
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
    pop_newest(of, left).or_else(|| pop_other(of, left))
}

/// The same where the span is the newest, as it nearly always is, and has a cell.
#[inline(always)]
pub(super) fn pop_newest(of: u32, left: u64) -> Option<bool> {
    let popped = LOCAL.try_with(|local| {
        let newest = local.len.get().wrapping_sub(1);
        let entered = local.first.get(newest)?.get();
        if local.is_deeper.get() || !entered.is(of, left) {
            return None;
        }
        local.len.set(newest);
        local.note();
        Some(entered.was_in_panic())
    });
    popped.ok().flatten()
}

#[cold]
#[inline(never)]
fn pop_other(of: u32, left: u64) -> Option<bool> {
    pop_deeper(of, left).or_else(|| LOCAL.try_with(|local| local.remove(of, left)).ok().flatten())
}

fn pop_deeper(of: u32, left: u64) -> Option<bool> {
    let popped = HELD.try_with(|held| {
        let mut held = held.try_borrow_mut().ok()?;
        let is_it = |entry: &Held| matches!(entry, Held::Span(entered) if entered.is(of, left));
        let at = held.list.iter().rposition(is_it)?;
        let left = held.list.remove(at);
        held.note();
        match left {
            Held::Span(entered) => Some(entered.was_in_panic()),
            Held::Scope(_) => None,
        }
    });
    popped.ok().flatten()
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
    (here.instance == of || here.instance == 0).then_some(here.tracked)
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
    let before = first_ones(|entered| entered.instance() == of).map_or(0, |entered| entered.tracked);
    let found = HELD.try_with(|held| {
        let held = held.try_borrow().ok()?;
        let is_span = |entry: &Held| matches!(entry, Held::Span(entered) if entered.instance() == of);
        let at = held.list.iter().rposition(is_span);
        let tracked = match at.and_then(|at| held.list.get(at)) {
            Some(Held::Span(entered)) => entered.tracked,
            // All that is in the list was entered inside of that one.
            _ => before,
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
            tracked: before,
            outer: &[],
            inside: &[],
        })
    })
}

/// The innermost span among those in cells that is one of these.
fn first_ones(is_it: impl Fn(&Entered) -> bool) -> Option<Entered> {
    let found = LOCAL.try_with(|local| local.cells().iter().rev().map(Cell::get).find(is_it));
    found.ok().flatten()
}

/// The innermost span that is one of these.
pub(super) fn innermost_of(is_it: impl Fn(&Entered) -> bool) -> Option<Entered> {
    let deeper = held(|list| {
        list.iter().rev().find_map(|entry| match entry {
            Held::Span(entered) if is_it(entered) => Some(*entered),
            _ => None,
        })
    });
    deeper.or_else(|| first_ones(is_it))
}

/// The span of this instance that the thread entered last, if its place was worth remembering.
pub(super) fn innermost(of: u32) -> Option<u64> {
    innermost_of(|entered| entered.instance() == of).map(|entered| entered.id)
}

/// What is in the thread's list, and so all scopes, oldest first. `with` must not run user code.
#[inline]
pub(super) fn held<R>(mut with: impl FnMut(&[Held]) -> R) -> R {
    let found = HELD.try_with(|held| {
        let held = held.try_borrow().ok()?;
        Some(with(&held.list))
    });
    found.ok().flatten().unwrap_or_else(|| with(&[]))
}

/// As [`held`], for whoever looks for scopes: nothing at all where there is none.
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
        Held::Span(_) => None,
    })
}

#[cfg(test)]
mod tests;

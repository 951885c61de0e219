//! The spans that a thread is inside of, in the order in which it entered them.
//!
//! The first few stand in plain cells: the thread's storage for them needs no destructor, and so no check at each access,
//! and nothing is borrowed. Deeper ones stand in a list behind them.

use std::cell::{Cell, RefCell};

use crate::capture::local::close_gap;

/// How many stand in cells.
const FIRST: usize = 16;

#[derive(Clone, Copy)]
struct Entered {
    id: u64,
    /// Whose span it is.
    table: u32,
    /// Whether the thread was inside of it before.
    is_again: bool,
}

impl Entered {
    const NONE: Self = Self {
        id: 0,
        table: 0,
        is_again: false,
    };

    #[inline]
    fn is(&self, table: u32, id: u64) -> bool {
        self.id == id && self.table == table
    }
}

struct Inside {
    /// Oldest first.
    first: [Cell<Entered>; FIRST],
    /// How many of them there are.
    len: Cell<usize>,
    /// How many are in the list, or should be; where there are any, the next one goes there as well.
    deeper: Cell<usize>,
}

thread_local! {
    static INSIDE: Inside = const {
        Inside {
            first: [const { Cell::new(Entered::NONE) }; FIRST],
            len: Cell::new(0),
            deeper: Cell::new(0),
        }
    };
    /// Gone when the thread ends.
    static DEEPER: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

impl Inside {
    #[inline]
    fn cells(&self) -> &[Cell<Entered>] {
        self.first.get(..self.len.get()).unwrap_or_default()
    }

    #[inline]
    fn holds(&self, table: u32, id: u64) -> bool {
        self.cells().iter().any(|cell| cell.get().is(table, id))
    }

    /// Leaves a span that is not the newest.
    fn remove(&self, table: u32, id: u64) {
        let deeper_len = self.deeper.get();
        if deeper_len > 0 && deeper(|list| remove(list, table, id)) == Some(true) {
            self.deeper.set(deeper_len - 1);
            return;
        }
        let cells = self.cells();
        if let Some(at) = cells.iter().rposition(|cell| cell.get().is(table, id)) {
            close_gap(cells, at);
            self.len.set(cells.len() - 1);
        } else if deeper(|list| list.len() < deeper_len) == Some(true) {
            // One of those that found no memory.
            self.deeper.set(deeper_len - 1);
        }
    }

    /// Without memory for one more it is counted all the same: until it is left, the thread is inside of nothing that is
    /// known, rather than of the span around it.
    fn push_deeper(&self, table: u32, id: u64) {
        let counted = deeper(|list| {
            if list.try_reserve(1).is_ok() {
                let is_again = self.holds(table, id) || list.iter().any(|entered| entered.is(table, id));
                list.push(Entered { id, table, is_again });
            }
        });
        if counted.is_some() {
            self.deeper.set(self.deeper.get() + 1);
        }
    }

    /// The innermost one among those that are deeper; `Some(None)` where that is one that found no memory.
    #[cold]
    fn innermost_deeper(&self, is_it: impl Fn(&Entered) -> bool) -> Option<Option<Entered>> {
        deeper(|list| match list.len() < self.deeper.get() {
            true => Some(None),
            false => list.iter().rev().copied().find(is_it).map(Some),
        })
        .flatten()
    }
}

fn remove(list: &mut Vec<Entered>, table: u32, id: u64) -> bool {
    let at = list.iter().rposition(|entered| entered.is(table, id));
    at.map(|at| list.remove(at)).is_some()
}

/// `None` on a thread that is ending.
fn deeper<R>(then: impl FnOnce(&mut Vec<Entered>) -> R) -> Option<R> {
    DEEPER
        .try_with(|list| Some(then(&mut *list.try_borrow_mut().ok()?)))
        .ok()
        .flatten()
}

/// Enters a span.
#[inline]
pub(super) fn push(table: u32, id: u64) {
    let _ = INSIDE.try_with(|inside| {
        let len = inside.len.get();
        match inside.first.get(len).filter(|_| inside.deeper.get() == 0) {
            Some(cell) => {
                let is_again = inside.holds(table, id);
                cell.set(Entered { id, table, is_again });
                inside.len.set(len + 1);
            }
            None => push_deeper(table, id),
        }
    });
}

#[cold]
#[inline(never)]
fn push_deeper(table: u32, id: u64) {
    let _ = INSIDE.try_with(|inside| inside.push_deeper(table, id));
}

/// Leaves a span, wherever in the order it stands.
#[inline]
pub(super) fn pop(table: u32, id: u64) {
    let _ = INSIDE.try_with(|inside| {
        let newest = inside.len.get().wrapping_sub(1);
        // Nearly always the newest.
        match inside.first.get(newest) {
            Some(cell) if inside.deeper.get() == 0 && cell.get().is(table, id) => inside.len.set(newest),
            _ => remove_other(table, id),
        }
    });
}

#[cold]
#[inline(never)]
fn remove_other(table: u32, id: u64) {
    let _ = INSIDE.try_with(|inside| inside.remove(table, id));
}

/// The span of this table that the thread is inside of: of those that it is inside of once, the newest, and of the others
/// where it entered them first. 0: none.
#[inline]
pub(super) fn innermost(of: u32) -> u64 {
    let is_it = |entered: &Entered| entered.table == of && !entered.is_again;
    let found = INSIDE.try_with(|inside| {
        if inside.deeper.get() > 0
            && let Some(found) = inside.innermost_deeper(is_it)
        {
            return found;
        }
        inside.cells().iter().rev().map(Cell::get).find(is_it)
    });
    found.ok().flatten().map_or(0, |entered| entered.id)
}

/// Whether this is the span that the thread entered last and is inside of, and only once; `false` where that is not plain to
/// see.
#[inline]
pub(super) fn is_innermost(of: u32, id: u64) -> bool {
    let found = INSIDE.try_with(|inside| {
        let newest = inside.first.get(inside.len.get().wrapping_sub(1))?;
        let newest = newest.get();
        Some(inside.deeper.get() == 0 && newest.is(of, id) && !newest.is_again)
    });
    found.ok().flatten().unwrap_or(false)
}

//! Bounded reading: a walk that stops after so many records or so much time, and says where it stopped.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tracing_audit::Query;
use tracing_audit::record::Record;
use tracing_audit::store::{Cursor, Direction, Filter, Item, RawTest, Store, Window};

use super::asked::{Asked, Question};
use crate::out::Failure;

/// After how many records the clock is looked at.
const GLANCE: u64 = 256;

/// So many records are looked at however long it takes, so that what a small trail answers does not depend on its machine.
const LEAST: u64 = 10_000;

/// How far from its time a record is observed at most to be found in a range: ten minutes.
const NEAR: u64 = 600_000_000_000;

/// A query that lets everything pass once its budget is spent, so that the walk comes back to its caller.
pub(super) struct Budget<'q> {
    query: &'q Query,
    window: Window,
    most: u64,
    end: Option<Instant>,
    looked: Cell<u64>,
    spent: Cell<bool>,
}

impl<'q> Budget<'q> {
    /// As much as is given: records that are looked at, and time.
    pub(super) fn new(query: &'q Query, window: Window, most: u64, time: Duration) -> Self {
        Self {
            query,
            window,
            most,
            end: Instant::now().checked_add(time),
            looked: Cell::new(0),
            spent: Cell::new(false),
        }
    }

    /// How many records were looked at.
    pub(super) fn looked(&self) -> u64 {
        self.looked.get()
    }

    /// Looks at one more, and says whether the budget is spent.
    fn spend(&self) -> bool {
        if self.spent.get() {
            return true;
        }
        let looked = self.looked.get() + 1;
        self.looked.set(looked);
        let is_late = || {
            looked >= LEAST
                && looked.is_multiple_of(GLANCE)
                && self.end.is_some_and(|end| Instant::now() >= end)
        };
        self.spent.set(looked >= self.most || is_late());
        self.spent.get()
    }
}

impl Filter for Budget<'_> {
    fn matches(&self, record: &Record) -> bool {
        self.spend() || self.query.matches(record)
    }

    fn raw(&self) -> RawTest {
        self.query.raw()
    }

    /// With the budget spent, the next record is wanted, whatever its line holds.
    fn steps_over(&self) -> bool {
        !self.spend()
    }

    fn window(&self) -> Window {
        self.window
    }
}

/// The observation times that are looked at. A query itself reaches far around its range, because a record can be observed
/// long behind its time, and a caller can date it ahead. So that a page about an hour need not read two days, it is asked for
/// what was observed near its time, says so, and `late=1` in the address asks for everything.
pub(super) fn window(question: &Question, asked: &Asked) -> Window {
    let mut window = question.query.window();
    if asked.late {
        return window;
    }
    if let Some(until) = question.until {
        window.until = window.until.min(until.saturating_add(NEAR));
    }
    if let Some(since) = question.since {
        window.from = window.from.max(since.saturating_sub(NEAR));
    }
    window
}

/// Walks from the newest record on as long as `take` wants more and the budget lasts. Gives the place behind which to go on
/// where it did not come to the end.
pub(super) fn walk(
    store: &dyn Store,
    budget: &Budget<'_>,
    after: Option<&Cursor>,
    mut take: impl FnMut(Item) -> bool,
) -> Result<Option<Cursor>, Failure> {
    for item in store.walk(budget, Direction::NewestFirst, after)? {
        let item = item?;
        let Item::Record(stored) = &item else {
            take(item);
            continue;
        };
        let place = stored.place.clone();
        let spent = budget.spent.get();
        // With the budget spent, the filter lets everything pass.
        let wanted = !spent || budget.query.matches(&stored.record);
        let more = !wanted || take(item);
        if spent || !more {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

//! Bounded reading: a walk that stops after so many records or so much time, and says where it stopped.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tracing_audit::Query;
use tracing_audit::query::FUTURE_SLACK;
use tracing_audit::record::Record;
use tracing_audit::store::{Cursor, Direction, Filter, Item, Store, Window};

use super::asked::Asked;
use crate::out::Failure;

/// After how many records the clock is looked at.
const GLANCE: u64 = 256;

/// So many records are looked at however long it takes, so that what a small trail answers does not depend on its machine.
const LEAST: u64 = 10_000;

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
}

impl Filter for Budget<'_> {
    fn matches(&self, record: &Record) -> bool {
        let looked = self.looked.get() + 1;
        self.looked.set(looked);
        let is_late = || {
            looked >= LEAST
                && looked.is_multiple_of(GLANCE)
                && self.end.is_some_and(|end| Instant::now() >= end)
        };
        if looked >= self.most || is_late() {
            self.spent.set(true);
        }
        self.spent.get() || self.query.matches(record)
    }

    fn window(&self) -> Window {
        self.window
    }
}

/// The observation times that are looked at. A query has no end of its own, because records can be observed long behind
/// their time; so that a page about last month need not read this one, a day behind the asked end is the end here, unless
/// the address says `late=1`.
pub(super) fn window(query: &Query, asked: &Asked, until: Option<u64>) -> Window {
    let mut window = query.window();
    if let Some(until) = until.filter(|_| !asked.late) {
        window.until = window.until.min(until.saturating_add(FUTURE_SLACK));
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

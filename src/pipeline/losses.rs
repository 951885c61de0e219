//! What callers lost, until gap records account for it.

use parking_lot::Mutex;

use crate::capture::Loss;
use crate::memory;

/// Losses that no gap record accounts for yet, by cause and category.
#[derive(Debug)]
pub(super) struct Losses {
    rows: Mutex<Vec<LossRow>>,
}

impl Default for Losses {
    /// The rows have their memory from the beginning: what is lost for want of memory is counted there as well.
    fn default() -> Self {
        let rows = Vec::with_capacity(2 * MAX_ROWS);
        Self {
            rows: Mutex::new(rows),
        }
    }
}

/// Records lost for one cause in one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LossRow {
    pub(super) cause: &'static str,
    pub(super) category: String,
    pub(super) lost: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl LossRow {
    fn count(&mut self, lost: u64, now: u64) {
        self.lost += lost;
        self.first = self.first.min(now);
        self.last = self.last.max(now);
    }

    /// Records that were still in the queue when the shutdown's time was up.
    pub(super) fn at_the_end(lost: u64, now: u64) -> Self {
        Self {
            cause: "shutdown_timeout",
            category: String::new(),
            lost,
            first: now,
            last: now,
        }
    }
}

/// The most rows; what comes behind is counted under the category `other`.
const MAX_ROWS: usize = 64;

impl Losses {
    pub(super) fn add(&self, cause: Loss, category: &str, now: u64, lost: u64) {
        let mut rows = self.rows.lock();
        let cause = cause.word();
        let category = if rows.len() < MAX_ROWS { category } else { "other" };
        if let Some(row) = rows
            .iter_mut()
            .find(|row| row.cause == cause && row.category == category)
        {
            row.count(lost, now);
        } else {
            let (category, lacks) = memory::apart(|| memory::owned(category));
            // Where there is no memory for the name, the number counts without it: one row for all of those.
            let nameless = |row: &&mut LossRow| lacks && row.cause == cause && row.category.is_empty();
            if let Some(row) = rows.iter_mut().find(nameless) {
                return row.count(lost, now);
            }
            rows.push(LossRow {
                cause,
                category,
                lost,
                first: now,
                last: now,
            });
        }
    }

    /// Takes rows back whose gap records the disk may not have.
    pub(super) fn give_back(&self, row: LossRow) {
        self.rows.lock().push(row);
    }

    pub(super) fn take(&self) -> Vec<LossRow> {
        let mut rows = self.rows.lock();
        if rows.is_empty() {
            return Vec::new();
        }
        std::mem::replace(&mut *rows, Vec::with_capacity(2 * MAX_ROWS))
    }
}

//! What the writer has in its hand: records that it took out of the queue and has not rendered yet.

use super::inbox::Item;
use crate::queue::{Credit, Queue};

/// So many are taken at once. Taking one by one would have this thread wait each time until all that it rendered has arrived in
/// its caches: the locks of the queue are atomic exchanges.
const AT_ONCE: usize = 8;

/// Oldest first, always in the same memory: each is moved once. Their credit says that they wait in the queue.
pub(super) struct Hand {
    items: [Item; AT_ONCE],
    /// The first that is held, and the one behind the last.
    first: usize,
    end: usize,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self {
            items: std::array::from_fn(|_| Item::default()),
            first: 0,
            end: 0,
        }
    }

    /// Takes the oldest records of the queue, unless some are held. `false` where there is none.
    #[inline]
    pub(super) fn fill(&mut self, queue: &Queue<Item>) -> bool {
        if self.is_empty() {
            self.first = 0;
            self.end = queue.pop_into(&mut self.items, Item::leave_in);
        }
        !self.is_empty()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// The oldest that is held.
    #[inline]
    pub(super) fn first(&mut self) -> Option<&mut Item> {
        self.items.get_mut(self.first..self.end)?.first_mut()
    }

    /// The oldest has its place.
    #[inline]
    pub(super) fn pass(&mut self) {
        self.first += usize::from(!self.is_empty());
    }

    /// What all have of the queue's credit.
    pub(super) fn credit(&self) -> Credit {
        let held = self.items.get(self.first..self.end).unwrap_or_default();
        Credit {
            records: held.len() as u64,
            bytes: held.iter().map(|item| item.frame.capacity() as u64).sum(),
        }
    }
}

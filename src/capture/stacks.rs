//! The stacks that one trail is part of. Each has a capture of its own, with spans of its own: every registry numbers its
//! spans for itself, so the same id means another span in another stack. Settings, counters and scopes are the trail's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::core::Capture;
use super::local;

/// What the captures of one trail share.
#[derive(Default)]
pub(super) struct Stacks {
    /// Whether the first capture is part of a stack already.
    is_given: AtomicBool,
    /// The captures beside the first one. The stacks own them.
    others: Mutex<Vec<Weak<Capture>>>,
}

impl Stacks {
    /// The captures beside the first one.
    pub(super) fn others(&self) -> Vec<Arc<Capture>> {
        self.others.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Drop for Capture {
    /// A stack that goes has no handle of its spans left, so nobody can close what it did not close itself.
    fn drop(&mut self) {
        self.send_open(self.spans.drain());
    }
}

impl Capture {
    /// A capture for one more stack: this one, where it is not part of any yet. To be asked of a trail's first.
    pub(crate) fn for_stack(self: &Arc<Self>) -> Arc<Self> {
        if !self.stacks.is_given.swap(true, Ordering::AcqRel) {
            return Arc::clone(self);
        }
        let other = Arc::new(self.beside());
        let mut others = self.stacks.others.lock();
        others.retain(|other| other.strong_count() > 0);
        others.push(Arc::downgrade(&other));
        drop(others);
        other.take_pauses();
        other
    }

    /// The capture of this trail, beside the first, whose span the thread entered last.
    pub(super) fn entered_beside(&self) -> Option<Arc<Self>> {
        let others = self.stacks.others();
        if others.is_empty() {
            return None;
        }
        let is_ours = |instance: &u32| {
            *instance == self.instance || others.iter().any(|other| other.instance == *instance)
        };
        let entered = local::innermost_of(|entered| is_ours(&entered.instance()))?;
        others
            .into_iter()
            .find(|other| other.instance == entered.instance())
    }
}

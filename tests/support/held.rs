//! A clock that holds the writer: what a full queue does can be tested without guessing how much it still takes.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tracing_audit::clock::Clock;

/// A clock that holds the writer while it is shut. The writer asks it for the time between two looks at the queue, so who
/// waits here takes nothing. The test's own thread, which asks for the time of its records, goes through.
#[derive(Debug, Clone)]
pub(crate) struct HeldClock(Arc<(Mutex<Held>, Condvar, std::thread::ThreadId)>);

#[derive(Debug, Default)]
struct Held {
    is_shut: bool,
    holds: bool,
}

impl HeldClock {
    pub(crate) fn new() -> Self {
        let thread = std::thread::current().id();
        Self(Arc::new((Mutex::default(), Condvar::new(), thread)))
    }

    pub(crate) fn shut(&self) {
        self.0.0.lock().is_shut = true;
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().is_shut = false;
        self.0.1.notify_all();
    }

    /// Returns when the writer stands here.
    pub(crate) fn wait_for_the_writer(&self) {
        let (held, changed, _) = &*self.0;
        changed.wait_while(&mut held.lock(), |held| !held.holds);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> u64 {
        let (held, changed, thread) = &*self.0;
        if std::thread::current().id() != *thread {
            let mut held = held.lock();
            held.holds = held.is_shut;
            changed.notify_all();
            changed.wait_while(&mut held, |held| held.is_shut);
            held.holds = false;
        }
        1_795_219_200_000_000_000
    }
}

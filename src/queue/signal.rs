//! Waking the one thread that receives: rarely, and never twice for the same sleep.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// A bell with memory: a ring before the sleep ends the sleep at once.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    rung: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Signal {
    /// Names the current thread as the one that sleeps here.
    pub(crate) fn attach(&self) {
        let _ = self.sleeper.set(std::thread::current());
    }

    /// Ends the sleep, or the next one. Costs a load while the bell has been rung already.
    #[inline]
    pub(crate) fn notify(&self) {
        if !self.rung.load(Ordering::Relaxed)
            && !self.rung.swap(true, Ordering::SeqCst)
            && let Some(thread) = self.sleeper.get()
        {
            thread.unpark();
        }
    }

    /// Sleeps until the bell is rung, or for `at_most`. Only for the attached thread.
    pub(crate) fn wait(&self, at_most: Duration) {
        if !self.rung.swap(false, Ordering::SeqCst) {
            std::thread::park_timeout(at_most);
            self.rung.store(false, Ordering::SeqCst);
        }
    }
}

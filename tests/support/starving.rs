//! An allocator that gives a thread nothing, or not all: for a test binary of its own.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a thread is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fed {
    All,
    Nothing,
    /// What is not larger than this.
    Below(usize),
    /// All but the allocation of this number, from 0 on.
    AllButOne(usize),
}

struct Starving;

/// What is larger than this is refused to every thread but the one that has said so.
static OTHERS: AtomicUsize = AtomicUsize::new(usize::MAX);

thread_local! {
    static IS_SPARED: Cell<bool> = const { Cell::new(false) };
    static FED: Cell<Fed> = const { Cell::new(Fed::All) };
    static FAILED: Cell<usize> = const { Cell::new(0) };
}

fn is_refused(layout: Layout) -> bool {
    let refused = FED.try_with(|fed| match fed.get() {
        // Once: what is said of it needs memory.
        Fed::All => layout.size() > OTHERS.load(Ordering::Relaxed) && !IS_SPARED.replace(true),
        Fed::Nothing => true,
        Fed::Below(most) => layout.size() > most,
        Fed::AllButOne(0) => {
            fed.set(Fed::All);
            true
        }
        Fed::AllButOne(left) => {
            fed.set(Fed::AllButOne(left - 1));
            false
        }
    });
    let refused = refused.unwrap_or(false);
    if refused {
        let _ = FAILED.try_with(|failed| failed.set(failed.get() + 1));
    }
    refused
}

#[expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; there is no other way to let allocations fail"
)]
// SAFETY: a call goes to the system's allocator with the arguments as they came, or answers that there is no memory.
unsafe impl GlobalAlloc for Starving {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static STARVING: Starving = Starving;

/// Runs code that is given only this on its thread; answers what it answered, and how many allocations were refused.
pub(crate) fn starved<R>(fed: Fed, run: impl FnOnce() -> R) -> (R, usize) {
    FAILED.with(|failed| failed.set(0));
    FED.with(|own| own.set(fed));
    let answer = run();
    FED.with(|own| own.set(Fed::All));
    (answer, FAILED.with(Cell::get))
}

/// Gives every other thread only what is not larger than this, from now on.
pub(crate) fn starve_others(most: usize) {
    IS_SPARED.set(true);
    OTHERS.store(most, Ordering::Relaxed);
}

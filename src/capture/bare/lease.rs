//! Which places of a table belong to a thread alone, so that it takes one by a plain store.
//!
//! A thread has the same places in every table, from its first span until it ends. What has a place there then keeps it; who
//! has these places next finds it taken. A thread that finds no places of its own left takes those of all.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many places a thread has.
pub(super) const LEN: u32 = 16;

/// How many threads can have some.
pub(super) const LEASES: u32 = 128;

/// No place begins there.
pub(super) const NONE: u32 = u32::MAX;
/// Nobody has asked yet.
const UNKNOWN: u32 = u32::MAX - 1;

/// A bit for each lease that somebody has.
static TAKEN: [AtomicU64; (LEASES / 64) as usize] = [const { AtomicU64::new(0) }; (LEASES / 64) as usize];

thread_local! {
    /// Where the thread's places begin. A number, so that asking needs no check; it says so where there are none any more.
    static FIRST: Cell<u32> = const { Cell::new(UNKNOWN) };
    /// Gives them back when the thread ends.
    static LEASE: Lease = const { Lease };
}

struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        let first = FIRST.try_with(|first| first.replace(NONE)).unwrap_or(NONE);
        super::forget_own_places();
        give_back(first);
    }
}

fn give_back(first: u32) {
    let lease = first / LEN;
    if let Some(taken) = TAKEN.get((lease / 64) as usize) {
        taken.fetch_and(!(1 << (lease % 64)), Ordering::Release);
    }
}

/// Where this thread's places begin, or [`NONE`].
#[inline]
pub(super) fn first() -> u32 {
    match FIRST.try_with(Cell::get).unwrap_or(NONE) {
        UNKNOWN => begin(),
        first => first,
    }
}

#[cold]
#[inline(never)]
fn begin() -> u32 {
    // A thread that is ending can give nothing back any more.
    let first = LEASE
        .try_with(|_| take().map_or(NONE, |lease| lease * LEN))
        .unwrap_or(NONE);
    let _ = FIRST.try_with(|cell| cell.set(first));
    first
}

fn take() -> Option<u32> {
    let mut leases = TAKEN.iter().zip((0..).step_by(64));
    leases.find_map(|(taken, begin)| {
        let one_more = |taken: u64| (taken != u64::MAX).then_some(taken | (taken + 1));
        let before = taken.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more);
        before.ok().map(|before| begin + before.trailing_ones())
    })
}

//! What belongs to a thread alone, so that it takes a place in a table by a plain store.
//!
//! In the table of bare spans a thread has the same places from its first span until it ends. What has a place there then keeps
//! it; who has these places next finds it taken. A thread that finds no places of its own left takes those of all.
//!
//! In other tables a place is found by a number that somebody else chose. There the place names its owner by a [`token`], which
//! no other thread has before or after.

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

/// How many threads had each lease and have ended.
static ENDED: [AtomicU64; LEASES as usize] = [const { AtomicU64::new(0) }; LEASES as usize];

/// The token of a thread that has no lease. No place names it.
pub(super) const NO_TOKEN: u64 = u64::MAX;
/// Nobody has asked yet.
const UNKNOWN_TOKEN: u64 = u64::MAX - 1;

/// The lowest bits of a token, which are 0 for whoever names it to use.
pub(super) const FLAGS: u32 = 2;

/// How many places of other tables a thread may own. Those that it uses again and again are few; one that another thread needs is
/// free only when this thread comes to it again.
const MOST_OWNED: u32 = 64;

thread_local! {
    /// How many it became the owner of: never fewer, also where a place came to all or its table is gone. A thread that lives
    /// through many trails ends up taking new places as all do.
    static OWNED: Cell<u32> = const { Cell::new(0) };
    /// The thread's token, as [`FIRST`] is.
    static TOKEN: Cell<u64> = const { Cell::new(UNKNOWN_TOKEN) };
    /// Where the thread's places begin. A number, so that asking needs no check; it says so where there are none any more.
    static FIRST: Cell<u32> = const { Cell::new(UNKNOWN) };
    /// Gives them back when the thread ends.
    static LEASE: Lease = const { Lease };
}

struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        let first = FIRST.try_with(|first| first.replace(NONE)).unwrap_or(NONE);
        let _ = TOKEN.try_with(|token| token.set(NO_TOKEN));
        super::bare::forget_own_places();
        give_back(first);
    }
}

fn give_back(first: u32) {
    let lease = first / LEN;
    if let Some(ended) = ENDED.get(lease as usize) {
        // Whoever sees that the thread has ended sees all that it wrote before. What other locals' destructors write behind this
        // is not as an owner: the token is gone.
        ended.store(ended.load(Ordering::Relaxed) + 1, Ordering::Release);
    }
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
    let lease = first / LEN;
    let ended = ENDED
        .get(lease as usize)
        .map(|ended| ended.load(Ordering::Acquire));
    let token = ended.map_or(NO_TOKEN, |ended| {
        (ended * u64::from(LEASES) + u64::from(lease) + 1) << FLAGS
    });
    let _ = TOKEN.try_with(|cell| cell.set(token));
    first
}

/// What names this thread and no other one, ever, or [`NO_TOKEN`]. Never 0.
#[inline]
pub(super) fn token() -> u64 {
    match TOKEN.try_with(Cell::get).unwrap_or(NO_TOKEN) {
        UNKNOWN_TOKEN => {
            begin();
            TOKEN.try_with(Cell::get).unwrap_or(NO_TOKEN)
        }
        token => token,
    }
}

/// Whether this thread, which has asked for its token, may become the owner of one more place.
pub(super) fn may_own() -> bool {
    let one_more = |owned: &Cell<u32>| {
        let may = token() != NO_TOKEN && owned.get() < MOST_OWNED;
        owned.set(owned.get() + u32::from(may));
        may
    };
    OWNED.try_with(one_more).unwrap_or(false)
}

/// Whether the thread has given back what it has, whose token this is: if it has, all that it wrote as an owner is seen.
pub(super) fn has_ended(token: u64) -> bool {
    let number = (token >> FLAGS).wrapping_sub(1);
    let (ended, lease) = (number / u64::from(LEASES), number % u64::from(LEASES));
    let now = usize::try_from(lease).ok().and_then(|lease| ENDED.get(lease));
    now.is_some_and(|now| now.load(Ordering::Acquire) != ended)
}

fn take() -> Option<u32> {
    let mut leases = TAKEN.iter().zip((0..).step_by(64));
    leases.find_map(|(taken, begin)| {
        let one_more = |taken: u64| (taken != u64::MAX).then_some(taken | (taken + 1));
        let before = taken.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more);
        before.ok().map(|before| begin + before.trailing_ones())
    })
}

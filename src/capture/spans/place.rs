//! A span's place in the table: what stands in it, and who may write there.
//!
//! A place is taken under its lock, which is an atomic exchange: that waits until all that the thread stored before has arrived
//! in its cache. So nothing is exchanged where nobody else can take the place, and a short state needs no lock:
//!
//! - A place has an owner: the first thread that took it, which a registry gives the same numbers again and again. For a span
//!   without a state of its own, and for one that lends in words, the owner takes it by plain stores; for a state in a box it
//!   takes the lock as well. Whoever else comes does not take it. Where another thread wants it, it belongs to all from then on;
//!   where the owner has ended, to the next.
//! - What an ordinary span lends stands in words, if it is little. Whoever reads them looks whether the place was taken by another
//!   span meanwhile.
//!
//! Invariants: what says whose a place is changes under the lock, and away from a thread that has not ended only by that thread.
//! The version is another one before anything is written into words, and again another before the span has its id. A version of
//! a span that is open changes only under the lock, from one in words or in a box to one in a box, and never back into words. An
//! id comes to the place last when a span opens, and leaves it last when it is closed: as long as it stands there, what stands
//! beside it is that span's, and nobody else takes the place. No span has the id 0, though a free place does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::Duration;

use crossbeam_utils::atomic::AtomicCell;
use spin::mutex::{SpinMutex, SpinMutexGuard};

use super::super::lease;
use super::super::plan::Plan;
use super::super::span_state::{HandedDown, SpanState};
use crate::redact::{FewFields, FieldWords, HandedFields, Lending, sees};

type Guard<'p> = SpinMutexGuard<'p, Option<Box<SpanState>>>;

/// How often a state that another thread holds is asked for before this one sleeps.
const LOOKS: u32 = 256;

/// Whose a place is that nobody took, or that is taken under its lock by all for ever; else an owner's token.
const NOBODYS: u64 = 0;
const ALL: u64 = 1;
/// Beside an owner's token: another thread wants the place.
const WANTED: u64 = 2;

/// The bits of a version: how often it was changed, above what it is a version of.
mod version {
    /// One change more.
    pub(super) const STEP: u64 = 1 << 16;
    /// Where the state stands: in its box, in words, or nowhere yet.
    pub(super) const WHERE: u64 = 3;
    pub(super) const BOXED: u64 = 0;
    pub(super) const WORDS: u64 = 1;
    pub(super) const WRITING: u64 = 2;
    /// Of one in words: whether it has an actor; and how many words its fields have.
    pub(super) const HAS_ACTOR: u64 = 4;
    pub(super) const LEN_SHIFT: u32 = 4;
    const LEN: u64 = 0xFF;

    /// How many words the fields have.
    pub(super) fn len(version: u64) -> usize {
        usize::try_from(version >> LEN_SHIFT & LEN).unwrap_or(0)
    }

    /// The next version of a state that stands there.
    pub(super) fn next(version: u64, place: u64) -> u64 {
        (version & !(STEP - 1)).wrapping_add(STEP) | place
    }
}

/// Where a span stands in the table.
#[derive(Default)]
pub(super) struct Place {
    /// The span, or 0.
    id: AtomicU64,
    /// Its nearest ancestor with a context of ours, or itself, or 0: in none, whatever surrounds it.
    tracked: AtomicU64,
    /// Whether the span becomes a record, and its state must be given to whoever closes it.
    is_record: AtomicBool,
    /// Whose the place is.
    owner: AtomicU64,
    /// Another one whenever a state comes here, or what it hands down is changed. Never the same again.
    version: AtomicU64,
    /// A state in words: what it lends, and by which plan.
    words: FieldWords,
    plan: AtomicCell<Option<&'static Plan>>,
    /// Held by whoever takes the place of all. What a closed span has left is for the next that needs a state.
    /// A lock that is left by a plain store: an atomic exchange would wait for all that was written under it.
    state: SpinMutex<Option<Box<SpanState>>>,
}

/// A state as it stood in words.
struct Lent {
    version: u64,
    plan: Option<&'static Plan>,
    fields: FewFields,
}

impl Lent {
    /// What it hands down.
    #[inline]
    fn handed_down(&self) -> HandedDown<'_> {
        HandedDown {
            fields: HandedFields::from(&self.fields),
            has_actor: self.version & version::HAS_ACTOR != 0,
            // Inside of a scope nothing is lent in words.
            is_scoped: false,
            trace: None,
        }
    }
}

/// Where a span's state is.
enum State {
    /// This is it.
    InWords(Lent),
    /// In its box, or going there just now: to be looked for under the lock, where it may turn out that there is none.
    Boxed,
    /// The place is being written for another span: this one is closed.
    None,
}

impl Place {
    /// Whether the span with this id has the place.
    #[inline(always)]
    pub(super) fn is_of(&self, id: u64) -> bool {
        self.id.load(Ordering::Acquire) == id
    }

    #[inline(always)]
    pub(super) fn tracked(&self) -> u64 {
        self.tracked.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether the owner is this thread, and the place is free.
    #[inline(always)]
    fn is_own_and_free(&self) -> bool {
        self.owner.load(Ordering::Relaxed) == lease::token() && self.is_of(0)
    }

    /// Gives the place to a span that stands in the context of `tracked`; `false` where it is taken.
    #[inline]
    pub(super) fn link(&self, id: u64, tracked: u64) -> bool {
        if self.is_own_and_free() {
            self.hand_over(id, tracked, false);
            return true;
        }
        self.take(|_| self.hand_over(id, tracked, false)).is_some()
    }

    /// Gives the place to a span whose state is `state`, and answers what a closed one has left; `Err` where it is taken.
    #[inline]
    pub(super) fn insert(
        &self,
        id: u64,
        state: Box<SpanState>,
        is_record: bool,
    ) -> Result<Option<Box<SpanState>>, Box<SpanState>> {
        let mut state = Some(state);
        let left = self.take(|held| {
            let left = std::mem::replace(held, state.take());
            let before = self.version.load(Ordering::Relaxed);
            self.version
                .store(version::next(before, version::BOXED), Ordering::Release);
            self.hand_over(id, id, is_record);
            left
        });
        match (left, state) {
            (None, Some(state)) => Err(state),
            (left, _) => Ok(left.flatten()),
        }
    }

    /// Gives the place to a span that lends, whose fields `write` writes into words behind those of the span `around` it. `None`
    /// where that does not lie in the values: the place is not this thread's, or taken, or what is around stands in no words.
    /// `false` where what is lent does not fit; the place stays free then.
    #[inline(always)]
    pub(super) fn lend(
        &self,
        id: u64,
        plan: &'static Plan,
        around: Option<(&Self, u64)>,
        write: impl FnOnce(&mut Lending<'_>),
    ) -> Option<bool> {
        if !self.is_own_and_free() {
            return None;
        }
        let before = self.version.load(Ordering::Relaxed);
        self.version
            .store(version::next(before, version::WRITING), Ordering::Relaxed);
        // Who reads any of what follows reads this version behind it, or a later one.
        fence(Ordering::Release);
        let mut into = Lending::new(&self.words);
        let mut is = version::WORDS;
        if let Some((around, its)) = around {
            match around.copy_into(its, &mut into) {
                Some(inherited) if !(plan.names_actor && inherited & version::HAS_ACTOR != 0) => {
                    is |= inherited
                }
                // Said further inside: that stands in no words.
                _ => return None,
            }
        }
        write(&mut into);
        let Some((len, seen)) = into.finish() else {
            return Some(false);
        };
        if seen & sees::ACTOR != 0 {
            is |= version::HAS_ACTOR;
        }
        self.plan.store(Some(plan));
        self.version.store(
            version::next(before, is | (len as u64) << version::LEN_SHIFT),
            Ordering::Release,
        );
        self.hand_over(id, id, false);
        Some(true)
    }

    /// Copies what the span with this id hands down, if that stands in words, and answers with what is said of it in the version.
    fn copy_into(&self, id: u64, into: &mut Lending<'_>) -> Option<u64> {
        let version = self.version();
        if version & version::WHERE != version::WORDS {
            return None;
        }
        into.copy(&self.words, version::len(version));
        self.is_still(id, version).then_some(version & version::HAS_ACTOR)
    }

    /// Whether all that was read before is of this id, in this version.
    #[inline]
    fn is_still(&self, id: u64, version: u64) -> bool {
        // Who wrote any of what was read wrote another version before.
        fence(Ordering::Acquire);
        let is_same = self.version.load(Ordering::Relaxed) == version;
        is_same && self.is_its_own(id)
    }

    /// Whether the span with this id has the place, and a context of its own.
    #[inline]
    fn is_its_own(&self, id: u64) -> bool {
        id != 0 && self.is_of(id) && self.tracked() == id
    }

    /// The last of what is written when a span opens: from here on it is found.
    #[inline(always)]
    fn hand_over(&self, id: u64, tracked: u64, is_record: bool) {
        self.tracked.store(tracked, Ordering::Relaxed);
        self.is_record.store(is_record, Ordering::Relaxed);
        self.id.store(id, Ordering::Release);
    }

    /// Calls `fill` under the lock if the place is free and not another thread's; else answers `None`.
    #[inline]
    fn take<R>(&self, fill: impl FnOnce(&mut Option<Box<SpanState>>) -> R) -> Option<R> {
        let mut held = self.hold();
        if self.owner.load(Ordering::Relaxed) != lease::token() && !self.may_take() {
            return None;
        }
        self.is_of(0).then(|| fill(&mut held))
    }

    /// Whether this thread, which is not the owner and holds the lock, may take the place; it becomes the owner of one that has
    /// none, unless it has many.
    #[cold]
    #[inline(never)]
    fn may_take(&self) -> bool {
        let (owner, own) = (self.owner.load(Ordering::Relaxed), lease::token());
        let next = match owner {
            ALL => return true,
            // Somebody wants it of this thread.
            _ if owner & !WANTED == own => ALL,
            _ if owner == NOBODYS || lease::has_ended(owner & !WANTED) => {
                if lease::may_own() {
                    own
                } else {
                    NOBODYS
                }
            }
            _ => {
                self.owner.fetch_or(WANTED, Ordering::Relaxed);
                return false;
            }
        };
        self.owner.store(next, Ordering::Relaxed);
        true
    }

    /// As [`Self::close`], for a span that goes on elsewhere: gives its state, which is in its box.
    pub(super) fn give_up(&self, id: u64) -> Option<Box<SpanState>> {
        let mut held = self.hold();
        let state = self.boxed_version(id).and_then(|_| held.take());
        self.id.store(0, Ordering::Release);
        state
    }

    /// Forgets the span that has the place, and gives its state if it becomes a record.
    #[inline(always)]
    pub(super) fn close(&self) -> Option<Box<SpanState>> {
        let is_record = self.is_record.load(Ordering::Relaxed);
        let state = is_record.then(|| self.hold().take()).flatten();
        self.id.store(0, Ordering::Release);
        state
    }

    /// Where the state of `id` is, which has the place or had it a moment ago.
    #[inline(always)]
    fn state_of(&self, id: u64) -> State {
        let version = self.version.load(Ordering::Acquire);
        match version & version::WHERE {
            version::BOXED => State::Boxed,
            // Not there any more: closed, or somebody records more of it and it goes to a box.
            version::WORDS => self.copy(id, version).map_or(State::Boxed, State::InWords),
            _ => State::None,
        }
    }

    /// The state of `id` that stands in words in this version of the place; `None` where it stands there no more.
    #[inline]
    fn copy(&self, id: u64, version: u64) -> Option<Lent> {
        let lent = Lent {
            version,
            plan: self.plan.load(),
            fields: self.words.load(version::len(version)),
        };
        self.is_still(id, version).then_some(lent)
    }

    /// The state of `id` in its box, and the version that it has; for whoever holds the lock.
    #[inline]
    fn boxed_version(&self, id: u64) -> Option<u64> {
        let version = self.version();
        (self.is_its_own(id) && version & version::WHERE == version::BOXED).then_some(version)
    }

    /// Calls `with` with the state of `id`, if it is in its box.
    #[inline(always)]
    pub(super) fn with<R>(&self, id: u64, with: impl FnOnce(&mut SpanState) -> R) -> Option<R> {
        let mut held = self.hold();
        // Asked under the lock: it may have been closed before, and the place taken by another.
        held.as_mut()
            .filter(|_| self.boxed_version(id).is_some())
            .map(|state| with(state))
    }

    /// Whether a state stands in words here.
    pub(super) fn is_in_words(&self) -> bool {
        self.version() & version::WHERE == version::WORDS
    }

    /// As [`Self::with`], for who changes what the state hands down: one in words goes to `spare` first. What is left over then
    /// is answered beside.
    pub(super) fn change<R>(
        &self,
        id: u64,
        spare: Option<Box<SpanState>>,
        change: impl FnOnce(&mut SpanState) -> R,
    ) -> (Option<R>, Option<Box<SpanState>>) {
        let mut held = self.hold();
        let left = self.move_to_box(id, &mut held, spare);
        let changed = self.boxed_version(id).and_then(|version| {
            let changed = held.as_mut().map(|state| change(state));
            self.renew(version);
            changed
        });
        (changed, left)
    }

    /// Moves the state of `id` from words into a box, for whoever holds the lock. Where there is no memory for that, the span has
    /// no state from here on: who acted before need not be who is recorded now. Answers with the box that is left over.
    fn move_to_box(
        &self,
        id: u64,
        held: &mut Option<Box<SpanState>>,
        spare: Option<Box<SpanState>>,
    ) -> Option<Box<SpanState>> {
        let State::InWords(lent) = self.state_of(id) else {
            return spare;
        };
        let full = spare.and_then(|mut state| {
            state.plan = lent.plan;
            state.inherit(&lent.handed_down()).then_some(state)
        });
        let left = std::mem::replace(held, full);
        self.renew(lent.version);
        left
    }

    /// Calls `read` with what the state of `id` hands down, and the version of that.
    #[inline(always)]
    pub(super) fn read<R>(&self, id: u64, read: impl FnOnce(&HandedDown<'_>, u64) -> R) -> Option<R> {
        match self.state_of(id) {
            State::InWords(lent) => Some(read(&lent.handed_down(), lent.version)),
            State::Boxed => {
                let held = self.hold();
                let version = self.boxed_version(id)?;
                held.as_ref().map(|state| read(&state.hands_down(), version))
            }
            State::None => None,
        }
    }

    /// The plan of `id`, if it has a state.
    pub(super) fn plan(&self, id: u64) -> Option<&'static Plan> {
        match self.state_of(id) {
            State::InWords(lent) => lent.plan,
            State::Boxed => self.with(id, |state| state.plan).flatten(),
            State::None => None,
        }
    }

    /// Calls `with` with what is in the box if that is the state of a span that is open, and with the version of it.
    pub(super) fn with_live<R>(&self, with: impl FnOnce(&mut Option<Box<SpanState>>, u64) -> R) -> Option<R> {
        let mut held = self.hold();
        let version = self.boxed_version(self.id.load(Ordering::Acquire))?;
        Some(with(&mut held, version))
    }

    /// Takes the state of a span out that is open.
    pub(super) fn drain(&self) -> Option<Box<SpanState>> {
        self.with_live(|held, version| {
            let state = held.take();
            self.renew(version);
            state
        })?
    }

    /// Gives a state of this version that stands in its box, or has come there, another one, for whoever holds the lock. Nothing
    /// where it was closed meanwhile and its owner writes another span's words, for which it needs no lock.
    fn renew(&self, version: u64) {
        let next = version::next(version, version::BOXED);
        let _ = self
            .version
            .compare_exchange(version, next, Ordering::AcqRel, Ordering::Relaxed);
    }

    #[inline(always)]
    fn hold(&self) -> Guard<'_> {
        match self.state.try_lock() {
            Some(held) => held,
            None => self.hold_later(),
        }
    }

    /// Who holds it does so for a few copies, which may need new memory, and runs no code of a caller's. But it may be waiting for this very core, and a
    /// thread of higher rank would keep it from there for ever: so this one sleeps.
    #[cold]
    #[inline(never)]
    fn hold_later(&self) -> Guard<'_> {
        let mut looks = 0;
        loop {
            if let Some(held) = self.state.try_lock() {
                return held;
            }
            if looks < LOOKS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::sleep(Duration::from_micros(20));
            }
        }
    }
}

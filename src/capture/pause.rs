//! Pauses: parts of the trail that are left out for a while, counted record by record.
//!
//! Who records reads one word, which it reads anyway: the way in which records go. It says the mode of all of them, or that
//! names must be asked; a pause makes it say so. Everything else of a pause is beside the usual path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

use super::core::Capture;
use super::plan::Plan;
use crate::config::{Mode, Part};
use crate::record::Level;
use crate::redact::Redacting;
use crate::stats::add;

/// The most categories that a pause counts apart; what comes behind is counted under `other`.
const MAX_ROWS: usize = 64;

/// The way in which records go: in one mode all of them, or as their names say.
#[derive(Debug)]
pub(super) struct Way {
    now: AtomicU8,
    usual: u8,
}

const DURABLE: u8 = 0;
const BOUNDED: u8 = 1;
const LOSSY: u8 = 2;
const BY_NAMES: u8 = 3;
const PAUSED: u8 = 4;

impl Way {
    pub(super) fn new(uniform: Option<Mode>) -> Self {
        let usual = match uniform {
            Some(Mode::Durable) => DURABLE,
            Some(Mode::Bounded) => BOUNDED,
            Some(Mode::Lossy) => LOSSY,
            None => BY_NAMES,
        };
        Self {
            now: AtomicU8::new(usual),
            usual,
        }
    }

    /// The mode of every record; `None` where it depends on names. Relaxed: whoever pauses or resumes waits for nobody
    /// who is half way through a record.
    #[inline(always)]
    pub(super) fn uniform(&self) -> Option<Mode> {
        match self.now.load(Ordering::Relaxed) {
            DURABLE => Some(Mode::Durable),
            BOUNDED => Some(Mode::Bounded),
            LOSSY => Some(Mode::Lossy),
            _ => None,
        }
    }

    #[inline]
    fn is_paused(&self) -> bool {
        self.now.load(Ordering::Relaxed) == PAUSED
    }

    fn set(&self, is_paused: bool) {
        let now = if is_paused { PAUSED } else { self.usual };
        self.now.store(now, Ordering::Relaxed);
    }
}

/// What becomes of a record, by its names and its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It travels in this mode.
    Wanted(Mode),
    BelowLevel,
    Paused,
}

/// The pauses of a trail, for all its stacks.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    active: Vec<Pause>,
    /// The trail was shut down: nothing is paused any more.
    is_over: bool,
}

/// A part that is left out, and what that was so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) part: Part,
    /// Records that were left out.
    pub(crate) left_out: u64,
    /// The same by category.
    pub(crate) by_category: Vec<(String, u64)>,
}

impl Pause {
    fn count(&mut self, category: &str) {
        self.left_out += 1;
        let is_full = self.by_category.len() >= MAX_ROWS;
        let known = |name: &str, rows: &[(String, u64)]| rows.iter().position(|(row, _)| row == name);
        let at = known(category, &self.by_category);
        let at = at.or_else(|| known("other", &self.by_category).filter(|_| is_full));
        match at.and_then(|at| self.by_category.get_mut(at)) {
            Some((_, n)) => *n += 1,
            None => {
                let name = if is_full { "other" } else { category };
                self.by_category.push((name.to_owned(), 1));
            }
        }
    }
}

impl Capture {
    /// Leaves a part out from now on; `false` where that cannot be any more, because the trail was shut down.
    pub(crate) fn pause(&self, part: &Part) -> bool {
        let _stacks;
        let mut state = self.pauses.state.lock();
        if state.is_over {
            return false;
        }
        if state.active.iter().all(|pause| pause.part != *part) {
            state.active.push(Pause {
                part: part.clone(),
                left_out: 0,
                by_category: Vec::new(),
            });
        }
        _stacks = self.set_ways(true);
        true
    }

    /// Ends pauses: that of one part, or all. `told` is given each while nothing else can begin or end, so that whoever
    /// ends the trail comes behind it.
    pub(crate) fn resume(&self, part: Option<&Part>, mut told: impl FnMut(&Pause)) {
        let _stacks;
        let mut state = self.pauses.state.lock();
        let is_meant = |pause: &mut Pause| part.is_none_or(|part| pause.part == *part);
        let ended: Vec<_> = state.active.extract_if(.., is_meant).collect();
        _stacks = self.set_ways(!state.active.is_empty());
        ended.iter().for_each(&mut told);
    }

    /// As [`Self::resume`] for all, and for ever.
    pub(crate) fn end_pauses(&self, told: impl FnMut(&Pause)) {
        self.pauses.state.lock().is_over = true;
        self.resume(None, told);
    }

    /// The id of the actor in whose scope or span this thread is, as the trail's policy leaves it.
    pub(crate) fn actor_here(&self) -> Option<String> {
        let mut into = Redacting::frame(self.outlet.buffer(), &self.settings.policy);
        into.at(0);
        self.inherit_context(&mut into);
        let actor = crate::format::Names::of(into.written()).actor();
        let actor = actor.map(str::to_owned);
        self.outlet.recycle(into.discard());
        actor
    }

    /// The parts that are left out now.
    pub(crate) fn paused(&self) -> Vec<Part> {
        let state = self.pauses.state.lock();
        state.active.iter().map(|pause| pause.part.clone()).collect()
    }

    /// Tells every stack of the trail. For whoever holds the pauses. What it gives must be dropped when they are held no
    /// more: a stack that goes with it writes its open spans, and asks for the pauses.
    fn set_ways(&self, is_paused: bool) -> Vec<Arc<Self>> {
        self.way.set(is_paused);
        let others = self.stacks.others();
        others.iter().for_each(|other| other.way.set(is_paused));
        others
    }

    /// Takes over what is paused, for a stack that every later pause will find.
    pub(super) fn take_pauses(&self) {
        let state = self.pauses.state.lock();
        self.way.set(!state.active.is_empty());
    }

    /// What becomes of a record of this name and level. Counts what it leaves out. Where no category was given, it is the
    /// one that the line will derive from the name.
    pub(crate) fn route(&self, event: &str, category: &str, level: &Level) -> Fate {
        let derived = || event.rsplit_once('.').map_or("", |(category, _)| category);
        let category = if category.is_empty() { derived() } else { category };
        let given = Some(category).filter(|category| !category.is_empty());
        if self.settings.modes.is_mandatory(event, given) {
            return Fate::Wanted(Mode::Durable);
        }
        if !self.settings.floors.admits(event, level) {
            add(&self.counters.below_level, 1);
            return Fate::BelowLevel;
        }
        let mode = self.settings.modes.of(event, given);
        if self.way.is_paused() && mode != Mode::Durable && self.leaves_out(event, category) {
            return Fate::Paused;
        }
        Fate::Wanted(mode)
    }

    /// Whether a pause covers the record. Decided and counted in one step: a pause that has ended states an exact number.
    #[cold]
    fn leaves_out(&self, event: &str, category: &str) -> bool {
        let mut state = self.pauses.state.lock();
        let pause = state
            .active
            .iter_mut()
            .find(|pause| pause.part.covers(event, category));
        let Some(pause) = pause else { return false };
        pause.count(category);
        add(&self.counters.paused, 1);
        true
    }

    /// The mode of a frame that a layer made, where it depends on names; `None` where the record is left out.
    pub(super) fn mode_by_names(&self, into: &Redacting<'_>, plan: &Plan) -> Option<Mode> {
        let fate = if self.way.is_paused() {
            self.fate_in_pause(into, plan)
        } else {
            let category = into.category().unwrap_or(plan.category);
            self.route(into.event_name(&plan.event), category, &plan.level)
        };
        match fate {
            Fate::Wanted(mode) => Some(mode),
            Fate::BelowLevel | Fate::Paused => None,
        }
    }

    /// A plan that was made where no rule went by names does not say where they stand, so they are looked for.
    #[cold]
    fn fate_in_pause(&self, into: &Redacting<'_>, plan: &Plan) -> Fate {
        let names = crate::format::Names::of(into.written());
        let otherwise = Some(&*plan.event).filter(|name| !name.is_empty());
        let event = names.event().or(otherwise).or(names.action());
        let category = names.category().unwrap_or(plan.category);
        self.route(event.unwrap_or_default(), category, &plan.level)
    }
}

/// A trail's pauses, without any.
pub(super) fn none() -> Arc<Pauses> {
    Arc::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_by_category_and_what_is_beyond_the_rows_together() {
        let mut pause = Pause {
            part: Part::All,
            left_out: 0,
            by_category: Vec::new(),
        };
        for n in 0..MAX_ROWS + 10 {
            pause.count(&format!("c{n}"));
            pause.count("c0");
        }
        let sum: u64 = pause.by_category.iter().map(|(_, n)| n).sum();
        assert_eq!(pause.left_out, 2 * (MAX_ROWS as u64 + 10));
        assert_eq!(sum, pause.left_out);
        assert_eq!(pause.by_category.len(), MAX_ROWS + 1);
        assert_eq!(pause.by_category.last(), Some(&("other".to_owned(), 10)));
    }

    #[test]
    fn a_way_says_the_mode_of_all_records_but_while_something_is_paused() {
        for mode in [Some(Mode::Durable), Some(Mode::Bounded), Some(Mode::Lossy), None] {
            let way = Way::new(mode);
            assert_eq!(way.uniform(), mode);
            way.set(true);
            assert_eq!((way.uniform(), way.is_paused()), (None, true));
            way.set(false);
            assert_eq!((way.uniform(), way.is_paused()), (mode, false));
        }
    }
}

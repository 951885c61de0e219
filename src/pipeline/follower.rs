//! Sinks beside a journal: the writer's end of each. It hands them nothing; it asks how far they are, and tells the trail
//! where one stands still.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Sender;

use super::barrier::Barrier;
use super::control;
use super::failure::{self, FailureKind};
use super::follower_thread::{Asked, Worker};
use super::port_state::PortState;
use super::ports::{Port, Report};
use super::settle::Counts;
use super::writer::Writer;
use crate::clock::SharedClock;
use crate::error::Result;
use crate::sink::file::{Begin, Following};
use crate::sink::{FileSink, Sink};

/// A sink that has taken nothing for so long, although something waits for it, stands still, and the trail says so.
const STANDS_STILL: Duration = Duration::from_secs(60);

/// A sink as it was given to the builder.
pub(super) struct Given {
    pub(super) sink: Box<dyn Sink>,
    /// Without a cursor it begins with what is written from now on.
    pub(super) from_now: bool,
}

impl Given {
    fn begin(&self) -> Begin {
        match (self.sink.resumes(), self.from_now) {
            (false, _) => Begin::Now,
            (true, true) => Begin::Resume,
            (true, false) => Begin::Oldest,
        }
    }
}

/// The writer's end of a follower.
#[derive(Debug)]
pub(super) struct Follower {
    asks: Sender<Asked>,
    pub(super) state: Arc<PortState>,
    watch: Watch,
}

/// Whether a follower comes on.
#[derive(Debug, Default)]
struct Watch {
    /// What it was due when it was last seen to come on, and the times of that by both clocks.
    at: u64,
    since: Option<(u64, u64)>,
    is_told: bool,
}

/// What the trail has to say of a follower.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// It stands still, since a time.
    Stopped(u64),
    /// It comes on again.
    GoesOn,
}

impl Watch {
    fn look(&mut self, next: u64, is_behind: bool, clock: &SharedClock) -> Option<Turn> {
        let Some((since, then)) = self.since.filter(|_| is_behind && self.at == next) else {
            self.at = next;
            self.since = is_behind.then(|| (clock.now(), clock.monotonic()));
            return std::mem::take(&mut self.is_told).then_some(Turn::GoesOn);
        };
        let stood = clock.monotonic().saturating_sub(then);
        if self.is_told || u128::from(stood) < STANDS_STILL.as_nanos() {
            return None;
        }
        self.is_told = true;
        Some(Turn::Stopped(since))
    }
}

impl Follower {
    fn start(at: usize, given: Given, following: Following, report: &Report) -> Result<Self> {
        let name = given.sink.name().to_owned();
        let next = following.reader.next();
        let state = PortState::of_follower(&name, Arc::clone(&following.progress), next);
        if let Some(debt) = following.debts.missed {
            state.miss_unkept(debt.count);
        }
        if let Some(debt) = following.debts.refused {
            state.refusals.owe(debt);
        }
        let state = Arc::new(state);
        let (asks, asked) = crossbeam_channel::unbounded();
        let worker = Worker::new(at, given.sink, Arc::clone(&state), following, Arc::clone(report));
        super::writer::spawn("audit-follower", move || worker.run(&asked))?;
        Ok(Self {
            asks,
            state,
            watch: Watch::default(),
        })
    }

    /// Asks the sink to take everything before `target`, and to count the barrier down. Dropped with the barrier where
    /// the follower has ended: then so has the trail.
    pub(super) fn ask(&self, target: u64, barrier: &Arc<Barrier>, is_last: bool) {
        let barrier = Arc::clone(barrier);
        let asked = Asked {
            target,
            barrier,
            is_last,
        };
        let _ = self.asks.send(asked);
    }
}

/// The sinks of a stream that can be started: each with its place behind the journal, where there is one.
pub(super) struct Ready {
    sinks: Vec<(Given, Option<Following>)>,
}

/// Finds where each sink goes on behind the journal. All of them, before the first is given anything: a trail that does not
/// start has delivered nothing.
pub(super) fn ready(sinks: Vec<Given>, mut journal: Option<&mut FileSink>, report: &Report) -> Result<Ready> {
    let mut follow = |given: Given| {
        let Some(journal) = &mut journal else {
            return Ok((given, None));
        };
        let (following, told) = journal.follow(given.sink.name(), given.begin())?;
        if let Some(sentence) = told {
            report(&sentence);
        }
        Ok((given, Some(following)))
    };
    let sinks = sinks.into_iter().map(&mut follow).collect::<Result<_>>()?;
    Ok(Ready { sinks })
}

impl Ready {
    /// Starts the sinks: behind the journal, or, where there is none, each at a port of the writer.
    pub(super) fn start(self, report: &Report) -> Result<(Vec<Port>, Vec<Follower>)> {
        let (mut ports, mut followers) = (Vec::new(), Vec::new());
        for (at, (given, following)) in self.sinks.into_iter().enumerate() {
            match following {
                Some(following) => followers.push(Follower::start(at, given, following, report)?),
                None => ports.push(Port::start(at, given.sink, Arc::clone(report))?),
            }
        }
        Ok((ports, followers))
    }
}

/// Checks what can be known of the sinks before anything is created.
///
/// # Errors
///
/// `Config` where a sink that has a cursor is not named as it must be.
pub(super) fn check(sinks: &[Given]) -> Result<()> {
    let resume = sinks.iter().filter(|given| given.sink.resumes());
    crate::sink::file::check_names(resume.map(|given| given.sink.name()))
}

impl Writer {
    /// The trail ends: the sinks' receivers have a last second to answer.
    pub(super) fn end_sinks(&self) {
        self.ports.iter().for_each(Port::end);
        for follower in &self.followers {
            follower.state.ending.store(true, Ordering::Release);
        }
    }

    /// How many sinks there are.
    pub(super) fn sinks(&self) -> usize {
        self.ports.len() + self.followers.len()
    }

    /// Has the followers come to a barrier that the disk has reached.
    pub(super) fn ask_followers(&self, barrier: &Arc<Barrier>) {
        let is_last = self.journal.is_none();
        for follower in &self.followers {
            follower.ask(follower.state.durable(), barrier, is_last);
        }
    }

    /// States what followers missed and refused, that one failed for good or stands still, and that it goes on.
    pub(super) fn settle_followers(&mut self, is_end: bool) {
        self.settle_refusals(is_end);
        let (mut gaps, mut told) = (Vec::new(), Vec::new());
        let clock = &self.inbox.clock;
        let heard = |is_over, sentence: &str| {
            failure::tell(self.on_failure.as_ref(), FailureKind::Sink, is_over, sentence);
        };
        for follower in &mut self.followers {
            let state = &follower.state;
            let untold = state.untold.swap(0, Ordering::AcqRel);
            if untold > 0 {
                gaps.push((Arc::clone(state), untold));
            }
            let waiting = state.waiting();
            let name = state.name();
            if state.has_failed() {
                if !state.failure_told.swap(true, Ordering::AcqRel) {
                    let error = state.trouble();
                    let error = error.as_deref();
                    told.push(control::sink_degraded(name, "sink_failed", waiting, None, error));
                    // Its thread has told people.
                    heard(false, &format!("sink `{name}` failed for good{}", because(error)));
                }
                continue;
            }
            match follower.watch.look(state.next(), waiting > 0, clock) {
                Some(Turn::Stopped(since)) => {
                    let error = state.trouble();
                    let error = error.as_deref();
                    let cause = "sink_stands_still";
                    told.push(control::sink_degraded(name, cause, waiting, Some(since), error));
                    let sentence = stands_still(name, waiting, error);
                    (self.report)(&sentence);
                    heard(false, &sentence);
                }
                Some(Turn::GoesOn) => {
                    told.push(control::sink_recovered(name, waiting));
                    let sentence = format!("sink `{name}` takes entries again; {waiting} wait for it");
                    (self.report)(&sentence);
                    heard(true, &sentence);
                }
                None => {}
            }
        }
        for (state, count) in gaps {
            self.control(&control::sink_gap(state.name(), count, "not_kept"));
            state.states(count, self.seq);
            self.note(Counts::Missed(state, count));
        }
        for record in &told {
            self.control(record);
        }
    }
}

fn stands_still(name: &str, waiting: u64, error: Option<&str>) -> String {
    format!(
        "sink `{name}` has taken nothing for {STANDS_STILL:?}; {waiting} entries wait for it in the journal{}",
        because(error)
    )
}

/// `: why`, where it is known.
fn because(error: Option<&str>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_follower_stands_still_after_a_minute_without_an_entry_and_that_is_said_once() {
        let hands = ManualClock::new(1_000);
        let clock = SharedClock::Custom(Arc::new(hands.clone()));
        let mut watch = Watch::default();
        assert_eq!(watch.look(5, false, &clock), None);
        hands.advance(STANDS_STILL * 2);
        assert_eq!(watch.look(5, false, &clock), None, "nothing waits for it");
        let since = clock.now();
        assert_eq!(watch.look(5, true, &clock), None);
        hands.advance(STANDS_STILL - Duration::from_nanos(1));
        assert_eq!(watch.look(5, true, &clock), None);
        hands.advance(Duration::from_nanos(1));
        assert_eq!(watch.look(5, true, &clock), Some(Turn::Stopped(since)));
        hands.advance(STANDS_STILL * 9);
        assert_eq!(watch.look(5, true, &clock), None, "said once");
        assert_eq!(watch.look(6, true, &clock), Some(Turn::GoesOn));
        assert_eq!(watch.look(6, true, &clock), None);
        hands.advance(STANDS_STILL);
        assert!(matches!(watch.look(6, true, &clock), Some(Turn::Stopped(_))));
        assert_eq!(watch.look(9, false, &clock), Some(Turn::GoesOn));
        assert_eq!(watch.look(9, false, &clock), None);
    }
}

//! Settling accounts: what was lost becomes gap records, and is called recorded once they are as safe as the records.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control;
use super::failure::{self, FailureKind};
use super::losses::LossRow;
use super::port_state::PortState;
use super::writer::{Phase, Writer};
use crate::stats::add;

/// A sink that has failed for good misses its own gap records as well, and one that refuses everything refuses what is said
/// of it, so that one record for every loss would cause the next one, for ever: after the first, one for so many entries,
/// and one at the end.
const MANY: u64 = 1024;

/// A control record that is not safe yet, by its number, and what it accounts for if it is a gap.
pub(super) type Note = (u64, Option<Counts>);

/// What a gap record accounts for.
pub(super) enum Counts {
    /// Losses of callers.
    Lost(LossRow),
    /// Entries that a follower missed.
    Missed(Arc<PortState>, u64),
    /// Entries that a sink's receiver refused.
    Refused(Arc<PortState>, u64),
}

impl Writer {
    /// Writes gap records for what was lost, before the next record.
    pub(super) fn settle_losses(&mut self) {
        if self.state.retry.is_some() {
            return;
        }
        self.settle_refused();
        if self.state.phase == Phase::Open {
            self.settle_sinks(false);
        }
    }

    /// Writes gap records for what callers lost. Asked before every chunk of records: what is known to be lost is said before
    /// the next record.
    pub(super) fn settle_refused(&mut self) {
        let rows = self.inbox.losses.take();
        if !rows.is_empty() && self.state.phase == Phase::Resting {
            self.open("losses after the end");
        }
        let lost: u64 = rows.iter().map(|row| row.lost).sum();
        for row in rows {
            self.gap(row);
        }
        if lost > 0 {
            let message = format!("{lost} audit records were lost; a gap record counts them");
            failure::tell(self.on_failure.as_ref(), FailureKind::Loss, false, &message);
        }
    }

    /// Writes a gap record.
    pub(super) fn gap(&mut self, row: LossRow) {
        self.control(&control::gap(&row));
        self.note(Counts::Lost(row));
    }

    /// The control record that was written last is a gap, and accounts for this.
    pub(super) fn note(&mut self, counts: Counts) {
        if let Some((_, noted)) = self.state.notes.last_mut() {
            *noted = Some(counts);
        }
    }

    /// States what sinks have missed or refused, where anybody else is left to take it. At the end it cannot wait for a slow
    /// sink to have room again.
    pub(super) fn settle_sinks(&mut self, is_end: bool) {
        if self.journal.is_some() {
            return self.settle_followers(is_end);
        }
        if self.ports.iter().all(|port| port.state.has_failed()) {
            return;
        }
        let mut told = Vec::new();
        for port in &self.ports {
            let state = &port.state;
            let untold = state.untold.load(Ordering::Acquire);
            let (is_due, cause) = if state.has_failed() {
                let is_first = untold > 0 && !state.failure_told.swap(true, Ordering::AcqRel);
                (is_first || is_end || untold >= MANY, "sink_failed")
            } else {
                (port.has_room(), "sink_behind")
            };
            if untold > 0 && is_due {
                state.untold.fetch_sub(untold, Ordering::AcqRel);
                told.push(control::sink_gap(state.name(), untold, cause));
            }
        }
        for record in &told {
            self.control(record);
        }
        if self.ports.len() > 1 {
            self.settle_refusals(is_end);
        }
    }

    /// States what the sinks' receivers refused.
    pub(super) fn settle_refusals(&mut self, is_end: bool) {
        let ports = self.ports.iter().map(|port| &port.state);
        let states = ports.chain(self.followers.iter().map(|follower| &follower.state));
        let unstated = states.filter(|state| state.refusals.are_unstated());
        let states: Vec<_> = unstated.map(Arc::clone).collect();
        if states.is_empty() {
            return;
        }
        let now = self.inbox.clock.monotonic();
        for state in states {
            if let Some(statement) = state.refusals.statement(state.name(), now, is_end) {
                self.control(&statement.record);
                state.refusals.stand_at(self.seq - 1);
                self.note(Counts::Refused(state, statement.count));
            }
        }
    }

    /// The control records before `seq` are safe: what the gaps among them account for is recorded.
    pub(super) fn notes_are_safe(&mut self, seq: u64) {
        for (_, counts) in self.state.notes.extract_if(.., |(at, _)| *at < seq) {
            if let Some(Counts::Lost(row)) = counts {
                add(&self.inbox.counters.gap_recorded, row.lost);
            }
        }
    }

    /// The disk may not have the lines from `first` to `last`. Gives back how many of them are control records; the gaps
    /// among those are written again, because a gap twice is a smaller lie than none.
    pub(super) fn notes_in_doubt(&mut self, first: u64, last: u64) -> u64 {
        let mut count = 0;
        let in_doubt = |(at, _): &mut Note| (first..=last).contains(at);
        for (_, counts) in self.state.notes.extract_if(.., in_doubt) {
            count += 1;
            match counts {
                Some(Counts::Lost(row)) => self.inbox.losses.give_back(row),
                Some(Counts::Missed(state, missed)) => state.states_not(missed),
                Some(Counts::Refused(state, refused)) => state.refusals.doubt(refused),
                None => {}
            }
        }
        count
    }
}

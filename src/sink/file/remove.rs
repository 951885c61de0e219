//! The removal of segments that are due, in two steps where somebody states what goes: first it is told, and only when the
//! record that says so is on disk and sealed the files go. So a trail never lacks what no record of it names.

use super::cursor;
use super::retain::{Candidate, Unshipped};
use super::{Cleaned, FileEvent, FileSink, RemoveCause, base, recover};
use crate::error::Result;
use crate::format::SegmentName;

/// So many segments are named by one record: all of their names must fit into its line.
const MOST_NAMES: usize = 512;

/// What is due, oldest first, and what was seen when that was decided.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) rounds: Vec<(RemoveCause, Vec<Candidate>)>,
    /// The followers' cursors.
    pub(super) cursors: Vec<(String, u64)>,
    pub(super) is_held: bool,
    /// How many segments stay, the open one included, and the oldest of them.
    pub(super) kept: usize,
    pub(super) oldest: Option<SegmentName>,
}

/// A plan that was told, and the records that state it.
#[derive(Debug)]
pub(super) struct Stated {
    plan: Plan,
    /// The segments of each event that has no record yet.
    untold: Vec<Vec<SegmentName>>,
    /// The numbers of the first and the last record that state a part of it, once there is one.
    at: Option<(u64, u64)>,
}

impl Stated {
    /// Whether records state all of it.
    fn is_whole(&self) -> bool {
        self.untold.is_empty()
    }
}

fn removing(cause: RemoveCause, due: &[Candidate]) -> FileEvent {
    let first = due.first().map_or(0, |segment| segment.name.first_seq);
    let end = due.last().map_or(0, |segment| segment.end);
    FileEvent::Removing {
        // A segment of which every line was repeated in the next one holds none.
        records: end
            .checked_sub(1)
            .filter(|last| *last >= first)
            .map(|last| (first, last)),
        segments: due.iter().map(|segment| segment.name).collect(),
        bytes: due.iter().map(|segment| segment.len).sum(),
        cause,
    }
}

impl FileSink {
    /// Removes what is due, or tells that it is due where that must be stated first.
    pub(super) fn clean(&mut self) -> Result<Cleaned> {
        if self.settings.states_removal {
            self.state_removal()?;
            return Ok(Cleaned::default());
        }
        let plan = self.due()?;
        self.remove_due(plan)
    }

    /// Tells what is due, for a record of the trail to state it: [`FileSink::removal_stands_at`] says which,
    /// [`FileSink::remove_stated`] carries it out. `false` where nothing is. What was stated before and is not carried out
    /// comes first.
    ///
    /// A stream that was sealed and is not any more keeps everything until it is sealed again: what states a removal must be
    /// sealed, else it could be anybody's, and what no checkpoint covers could never be sealed without its lines.
    ///
    /// # Errors
    ///
    /// As [`FileSink::cleanup`].
    pub(crate) fn state_removal(&mut self) -> Result<bool> {
        if self.is_removing() {
            return Ok(true);
        }
        self.tell_old_debts()?;
        let mut plan = self.due()?;
        if self.sealed_before.is_some() {
            self.keep_all(&mut plan);
        }
        if plan.rounds.is_empty() {
            self.stated = None;
            self.made_good(&plan, plan.oldest)?;
            return Ok(false);
        }
        let mut untold = Vec::new();
        for (cause, due) in &plan.rounds {
            for due in due.chunks(MOST_NAMES) {
                untold.push(due.iter().map(|segment| segment.name).collect());
                self.tell(removing(*cause, due));
            }
        }
        self.stated = Some(Stated {
            plan,
            untold,
            at: None,
        });
        Ok(true)
    }

    /// Takes everything out of the plan, and tells, once, that it stays.
    fn keep_all(&mut self, plan: &mut Plan) {
        let rounds = std::mem::take(&mut plan.rounds);
        let oldest = rounds.first().and_then(|(_, due)| due.first());
        let was_told = std::mem::replace(&mut self.told_unsealed, oldest.is_some());
        let Some(oldest) = oldest else {
            return;
        };
        plan.kept += rounds.iter().map(|(_, due)| due.len()).sum::<usize>();
        plan.oldest = Some(oldest.name);
        if was_told {
            return;
        }
        self.tell(FileEvent::NotRemoved {
            segment: oldest.name,
            cause:
                "the stream was sealed and is not any more: nothing of it is removed until it is sealed again"
                    .to_owned(),
        });
    }

    /// Says under which number a record states what an [`FileEvent::Removing`] told. Where more was told since, because a
    /// segment began in between, the record does not state that.
    pub(crate) fn removal_stands_at(&mut self, segments: &[SegmentName], seq: u64) {
        if let Some(stated) = &mut self.stated
            && let Some(told) = stated.untold.iter().position(|told| told == segments)
        {
            stated.untold.remove(told);
            stated.at = Some((stated.at.map_or(seq, |(first, _)| first), seq));
        }
    }

    /// Whether a removal was stated that is not carried out yet.
    pub(crate) fn is_removing(&self) -> bool {
        self.stated.as_ref().is_some_and(Stated::is_whole)
    }

    /// The lines from `first` to `last` may be lost. A removal that one of them states is not carried out: the next
    /// clean-up states it again.
    pub(super) fn doubt_removal(&mut self, first: u64, last: u64) {
        self.stated
            .take_if(|stated| stated.at.is_some_and(|at| at.0 <= last && first <= at.1));
    }

    /// Removes what was stated, once the record that states it is on disk and, in a sealed stream, sealed: what is not could
    /// be anybody's. A file that stays is told, and stated again by the next clean-up.
    pub(crate) fn remove_stated(&mut self) {
        let safe = self.durable_seq().min(self.sealed().unwrap_or(u64::MAX));
        let is_stated =
            |stated: &mut Stated| stated.is_whole() && stated.at.is_some_and(|(_, last)| last < safe);
        let Some(Stated { mut plan, .. }) = self.stated.take_if(is_stated) else {
            return;
        };
        let oldest = plan.rounds.first().and_then(|(_, due)| Some(due.first()?.name));
        // A follower may have come since.
        let cursors = cursor::all(&*self.fs, &self.home, self.stream_id(), &self.running);
        let removed = cursors.and_then(|cursors| {
            plan.cursors = cursors;
            self.remove_due(plan)
        });
        match removed {
            Ok(cleaned) => {
                if let Some(all) = &mut self.cleaned {
                    all.removed.extend(cleaned.removed);
                    all.bytes += cleaned.bytes;
                }
            }
            Err(error) => {
                if let Some(segment) = oldest {
                    let cause = error.to_string();
                    self.tell(FileEvent::NotRemoved { segment, cause });
                }
            }
        }
    }

    /// Somebody waits for what is removed from here on, until [`FileSink::take_cleaned`].
    pub(crate) fn wait_for_removal(&mut self) {
        self.cleaned = Some(Cleaned::default());
    }

    pub(crate) fn take_cleaned(&mut self) -> Result<Cleaned> {
        let mut cleaned = self.cleaned.take().unwrap_or_default();
        cleaned.kept = recover::segments(&*self.fs, &self.home)?.len();
        Ok(cleaned)
    }

    /// Removes segments, oldest first. Where one stays, those behind it stay as well: the trail has no holes in its middle.
    fn remove_due(&mut self, mut plan: Plan) -> Result<Cleaned> {
        let mut cleaned = Cleaned {
            kept: plan.kept,
            ..Cleaned::default()
        };
        let mut staying = None;
        for (cause, due) in std::mem::take(&mut plan.rounds) {
            let mut gone = Vec::new();
            let mut bytes = 0;
            for segment in due {
                if staying.is_none() && self.goes(&segment, cause, &mut plan) {
                    bytes += segment.len;
                    gone.push(segment.name);
                } else {
                    staying = staying.or(Some(segment.name));
                    cleaned.kept += 1;
                }
            }
            if !gone.is_empty() {
                cleaned.removed.extend(&gone);
                cleaned.bytes += bytes;
                self.tell(FileEvent::Removed {
                    segments: gone,
                    bytes,
                    cause,
                });
            }
        }
        self.told_held |= plan.is_held;
        if !cleaned.removed.is_empty() {
            self.let_go_of_removed();
            self.progress.relist();
        }
        let oldest = staying.or(plan.oldest);
        // The segments are gone, whatever becomes of what speaks of them.
        if let Err(error) = self.made_good(&plan, oldest) {
            let cause = error.to_string();
            self.tell(FileEvent::RemainsStay { cause });
        }
        Ok(cleaned)
    }

    /// What follows from the removal of segments, for cursors and for the side table. It looks at what is there, so a stop
    /// between the removal and this is made good by the next clean-up.
    fn made_good(&mut self, plan: &Plan, oldest: Option<SegmentName>) -> Result<()> {
        self.move_on(plan, oldest)?;
        match oldest {
            Some(oldest) => self.forget_rows(oldest.first_seq),
            None => Ok(()),
        }
    }

    /// Removes a segment, unless a follower holds it back by now or it cannot be.
    fn goes(&mut self, segment: &Candidate, cause: RemoveCause, plan: &mut Plan) -> bool {
        if self.is_held(segment, cause, plan) {
            return false;
        }
        let removed = self.remove_one(segment);
        if let Err(cause) = &removed {
            let (segment, cause) = (segment.name, cause.clone());
            self.tell(FileEvent::NotRemoved { segment, cause });
        }
        removed.is_ok()
    }

    /// Removes a segment, once what must stay of its lines is on disk.
    fn remove_one(&self, segment: &Candidate) -> std::result::Result<(), String> {
        if self.seal.is_some() {
            let access = self.settings.access;
            let of = (segment.name, segment.end);
            base::keep(&*self.fs, &self.home, access, of).map_err(|error| error.to_string())?;
        }
        let path = self.home.join(segment.name.to_string());
        self.fs.remove(&path).map_err(|error| error.to_string())
    }

    /// Moves the cursors of followers that do not run, and whose entries are gone, to what is left. The others see for
    /// themselves.
    fn move_on(&mut self, plan: &Plan, oldest: Option<SegmentName>) -> Result<()> {
        let Some(oldest) = oldest.filter(|_| self.settings.unshipped == Unshipped::Drop) else {
            return Ok(());
        };
        for (sink, next) in &plan.cursors {
            if *next >= oldest.first_seq || self.running.contains(sink) {
                continue;
            }
            self.pass_over(sink, *next, oldest.first_seq)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileEvent;
    use super::super::fault_tests::{builder, line, time_of};
    use super::super::memfs::MemFs;
    use crate::format::Entry;
    use crate::sink::Sink as _;

    #[test]
    fn a_removal_is_not_carried_out_where_any_of_the_records_that_state_it_may_be_lost() {
        for (lost, is_doubted) in [((3, 3), true), ((4, 4), true), ((0, 2), false), ((5, 9), false)] {
            let fs = MemFs::default();
            let sink = builder(&fs).states_removal().keep_segments(3).keep_bytes(1);
            let mut sink = sink.open().unwrap();
            for seq in 0..3 {
                let line = line(seq, time_of(seq));
                sink.deliver(&[Entry::new(seq, time_of(seq), &line)]).unwrap();
                sink.rotate().unwrap();
            }
            // What earlier rolls told is told again, as nothing states it yet.
            sink.take_events();
            assert!(sink.state_removal().unwrap());
            let told = sink.take_events().into_iter().filter_map(|event| match event {
                FileEvent::Removing { segments, .. } => Some(segments),
                _ => None,
            });
            let told: Vec<_> = told.collect();
            assert_eq!(told.len(), 2, "one for each limit");
            for (segments, seq) in told.iter().zip(3..) {
                sink.removal_stands_at(segments, seq);
            }
            sink.doubt_removal(lost.0, lost.1);
            assert_eq!(sink.is_removing(), !is_doubted, "{lost:?}");
        }
    }
}

//! What followers will never be given, or their receivers refused, and no record of the trail says yet. It stands in the
//! cursor's file from before the cursor moves over it until the record that counts it is on disk, so no stop in between loses
//! the count. None has it told twice, but for refusals of a batch that comes again because the cursor had not moved.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::cursor::{self, CursorFile};
use super::fs::Fs;
use super::{FileEvent, FileSink, recover};
use crate::error::Result;

/// Entries before a cursor that no record is known to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Debt {
    pub(crate) count: u64,
    /// No record that counts some of them stands before this number.
    pub(crate) from: u64,
}

/// What a cursor's file says beside how far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Debts {
    /// Entries that the follower was not given: gap records count them.
    pub(crate) missed: Option<Debt>,
    /// Entries that its receiver refused.
    pub(crate) refused: Option<Debt>,
}

/// What was told of a follower that does not run, until the records of it are on disk.
#[derive(Debug)]
pub(super) struct Owed {
    sink: String,
    /// Events that have no record yet.
    untold: u32,
    /// Where the records of it stand, and how many entries each counts.
    at: Vec<(u64, u64)>,
}

/// How many entries a line says that became of a sink's.
type CountedBy = fn(&[u8], &str) -> Option<u64>;

/// How many entries records with this event say so, from a number on.
fn stated(fs: &dyn Fs, home: &Path, sink: &str, from: u64, (event, by): (&str, CountedBy)) -> Result<u64> {
    let quoted = format!("\"{event}\"");
    let searched = memchr::memmem::Finder::new(&quoted);
    let mut sum = 0;
    recover::scan_forward(fs, home, from, &mut |_, line| {
        if searched.find(line).is_some() {
            sum += by(line, sink).unwrap_or(0);
        }
    })?;
    Ok(sum)
}

const MISSED: (&str, CountedBy) = ("audit.gap", |line, sink| {
    let about = about(line, sink, "audit.gap")?;
    let is_it = about.get("cause")? == "not_kept";
    about.get("lost")?.as_u64().filter(|_| is_it)
});

const REFUSED: (&str, CountedBy) = ("audit.refused", |line, sink| {
    about(line, sink, "audit.refused")?.get("refused")?.as_u64()
});

/// What a control record of ours with this event says of a sink.
fn about(line: &[u8], sink: &str, event: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    let is_ours = value.get("event")? == event && value.get("profile").is_none();
    let about = value.get_mut("attributes")?.take();
    (is_ours && about.get("sink")? == sink).then_some(about)
}

impl FileSink {
    fn cursor_of(&self, sink: &str) -> CursorFile {
        let access = self.settings.access;
        CursorFile::new(Arc::clone(&self.fs), access, &self.home, self.stream_id(), sink)
    }

    /// What of a debt that an earlier life left is still to be told.
    pub(super) fn left_of(&self, sink: &str, debts: Debts) -> Result<Debts> {
        let left = |debt: Option<Debt>, records| {
            let Some(Debt { count, from }) = debt else {
                return Ok(None);
            };
            let stated = stated(&*self.fs, &self.home, sink, from, records)?;
            let (count, from) = (count.saturating_sub(stated), self.next_seq);
            Ok((count > 0).then_some(Debt { count, from }))
        };
        Ok(Debts {
            missed: left(debts.missed, MISSED)?,
            refused: left(debts.refused, REFUSED)?,
        })
    }

    /// Moves the cursor of a follower that does not run over entries that are gone, and tells of them. Where records say what
    /// happens to the trail, the count stands in the cursor's file until one does.
    pub(super) fn pass_over(&mut self, sink: &str, from: u64, to: u64) -> Result<()> {
        let (mut file, lost) = (self.cursor_of(sink), to - from);
        let mut debts = file.debts()?;
        let before = debts.missed.take();
        // What records say of refusals may be removed now: only what is left of them is owed.
        debts = self.left_of(sink, debts)?;
        debts.missed = self.settings.states_removal.then(|| Debt {
            count: lost + before.map_or(0, |before| before.count),
            from: before.map_or(self.next_seq, |before| before.from),
        });
        file.begin(to, debts)?;
        self.owe(sink, lost, debts.missed.is_some());
        Ok(())
    }

    fn owe(&mut self, sink: &str, lost: u64, is_owed: bool) {
        if is_owed {
            match self.owed.iter_mut().find(|owed| owed.sink == sink) {
                Some(owed) => owed.untold += 1,
                None => self.owed.push(Owed {
                    sink: sink.to_owned(),
                    untold: 1,
                    at: Vec::new(),
                }),
            }
        }
        let sink = sink.to_owned();
        self.tell(FileEvent::NotShipped { sink, lost });
    }

    /// Says under which number a record states an [`FileEvent::NotShipped`] of this sink, in the order of the events.
    pub(crate) fn not_shipped_stands_at(&mut self, sink: &str, lost: u64, seq: u64) {
        if let Some(owed) = self.owed.iter_mut().find(|owed| owed.sink == sink) {
            owed.untold = owed.untold.saturating_sub(1);
            owed.at.push((seq, lost));
        }
    }

    /// The lines from `first` to `last` may be lost. What they told of followers is told again.
    pub(super) fn doubt_debts(&mut self, first: u64, last: u64) {
        let mut again = Vec::new();
        for owed in &mut self.owed {
            let doubted = owed.at.extract_if(.., |(at, _)| (first..=last).contains(at));
            let lost: u64 = doubted.map(|(_, lost)| lost).sum();
            if lost > 0 {
                owed.untold += 1;
                again.push((owed.sink.clone(), lost));
            }
        }
        for (sink, lost) in again {
            self.tell(FileEvent::NotShipped { sink, lost });
        }
    }

    /// Takes out of the cursors' files what records on disk say.
    pub(super) fn settle_debts(&mut self) -> Result<()> {
        let safe = self.durable_seq();
        let is_safe = |owed: &mut Owed| owed.untold == 0 && owed.at.iter().all(|(at, _)| *at < safe);
        let told: Vec<Owed> = self.owed.extract_if(.., is_safe).collect();
        for owed in told {
            self.forgive(&owed.sink)?;
        }
        Ok(())
    }

    /// The debt of a cursor is settled.
    fn forgive(&self, sink: &str) -> Result<()> {
        let mut file = self.cursor_of(sink);
        match file.read()? {
            cursor::Said::Next(next) if !self.running.iter().any(|runs| runs == sink) => {
                // What its receiver refused is stated when it runs again.
                let refused = file.debts()?.refused;
                file.write_owing(
                    next,
                    Debts {
                        missed: None,
                        refused,
                    },
                )
            }
            _ => Ok(()),
        }
    }

    /// Tells what an earlier life left untold of followers that do not run now.
    pub(super) fn tell_old_debts(&mut self) -> Result<()> {
        if !self.has_old_debts || !self.settings.states_removal {
            return Ok(());
        }
        for (sink, next) in cursor::all(&*self.fs, &self.home, self.stream_id(), &self.running)? {
            let is_known = self.running.contains(&sink) || self.owed.iter().any(|owed| owed.sink == sink);
            let mut file = self.cursor_of(&sink);
            let debts = file.debts()?;
            if is_known || debts == Debts::default() {
                continue;
            }
            let left = self.left_of(&sink, debts)?;
            file.write_owing(next, left)?;
            if let Some(left) = left.missed {
                self.owe(&sink, left.count, true);
            }
        }
        self.has_old_debts = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Begin;
    use super::super::fault_tests::{builder, line};
    use super::super::memfs::MemFs;
    use super::*;
    use crate::format::Entry;
    use crate::sink::Sink as _;

    #[test]
    fn of_several_records_of_a_debt_those_that_are_lost_are_told_again_and_the_debt_stands_until_they_are() {
        let fs = MemFs::default();
        let mut sink = builder(&fs).states_removal().open().unwrap();
        let stream = sink.stream_id().to_owned();
        let text = format!("{{\"next\":0,\"schema\":1,\"sink\":\"away\",\"stream\":\"{stream}\"}}\n");
        fs.put(Path::new("/audit/main/cursors/away"), text.as_bytes());
        sink.pass_over("away", 0, 5).unwrap();
        sink.pass_over("away", 5, 7).unwrap();
        sink.take_events();
        sink.not_shipped_stands_at("away", 5, 0);
        sink.not_shipped_stands_at("away", 2, 1);
        sink.doubt_debts(0, 0);
        let told = sink.take_events();
        assert!(
            matches!(&told[..], [FileEvent::NotShipped { sink, lost: 5 }] if sink == "away"),
            "{told:?}"
        );
        for seq in 0..3 {
            let line = line(seq, 1);
            let entry = Entry::new(seq, 1, &line);
            sink.deliver(&[entry]).unwrap();
        }
        sink.flush().unwrap();
        sink.settle_debts().unwrap();
        let debt = sink.cursor_of("away").debts().unwrap().missed;
        assert_eq!(
            debt.map(|debt| debt.count),
            Some(7),
            "five of them have no record"
        );
        sink.not_shipped_stands_at("away", 5, 2);
        sink.settle_debts().unwrap();
        assert_eq!(sink.cursor_of("away").debts().unwrap().missed, None);
    }

    #[test]
    fn a_debt_is_told_also_where_its_cursor_lies_behind_the_end_of_a_stream_that_was_put_back() {
        let fs = MemFs::default();
        let mut sink = builder(&fs).open().unwrap();
        let mut file = sink.cursor_of("away");
        let debt = |count, from| Some(Debt { count, from });
        let debts = Debts {
            missed: debt(3, 8),
            refused: debt(2, 7),
        };
        file.begin(9, debts).unwrap();
        let (following, told) = sink.follow("away", Begin::Oldest).unwrap();
        assert!(told.is_some_and(|told| told.contains("older copy")));
        let expected = Debts {
            missed: debt(3, 0),
            refused: debt(2, 0),
        };
        assert_eq!((following.debts, file.debts().unwrap()), (expected, expected));
    }
}

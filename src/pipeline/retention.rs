//! Retention, as the trail tells it: what will go is stated in a record, and goes once that record is on disk and sealed.

use super::commands::{is_late, no_journal};
use super::writer::{Phase, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::sink::FileSink;
use crate::sink::file::Cleaned;

impl Writer {
    /// Removes the segments that are due, and waits for the record that says so to be safe.
    pub(super) fn clean_up(&mut self) -> Result<Cleaned> {
        let Some(journal) = &mut self.journal else {
            return Err(no_journal("clean up"));
        };
        journal.wait_for_removal();
        if self.is_removing() {
            self.open_again();
        }
        // What is stated already goes first: what is due behind it is found then.
        self.finish_removal()?;
        let is_due = match &mut self.journal {
            Some(journal) => journal.state_removal()?,
            None => false,
        };
        if is_due {
            self.open_again();
        }
        self.tell_file_events();
        self.finish_removal()?;
        match &mut self.journal {
            Some(journal) => journal.take_cleaned(),
            None => Err(no_journal("clean up")),
        }
    }

    /// Makes safe what states a removal, and carries that out.
    pub(super) fn finish_removal(&mut self) -> Result<()> {
        if !self.is_removing() {
            return Ok(());
        }
        self.hand_on();
        self.commit();
        if let Some(journal) = self.journal.as_mut().filter(|_| self.batch.is_empty()) {
            journal.seal()?;
        }
        self.sealed();
        self.remove_stated();
        if !self.is_removing() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Io,
            "the disk has not confirmed the record that states which segments go; they go once it has: look at the disk, and \
             at the diagnostics",
        ))
    }

    /// Nothing is removed behind the note of an end.
    fn open_again(&mut self) {
        if self.state.phase == Phase::Resting {
            self.open("a removal after the end");
        }
    }

    /// The stream is about to note its end: what is stated goes before, where the disk and the time allow it. Lives that are
    /// over before their first checkpoint would otherwise state the same one after another, and remove nothing.
    pub(super) fn remove_before_end(&mut self) {
        if self.state.retry.is_none() && !is_late(&self.state.closing) {
            // What cannot go now is stated again by the next start.
            let _ = self.finish_removal();
        }
    }

    fn is_removing(&self) -> bool {
        self.journal.as_ref().is_some_and(FileSink::is_removing)
    }

    /// Segments that a start finds due are stated, among them those whose removal the last stop cut short: then the trail
    /// says it again, behind what it found.
    pub(super) fn state_removal(&mut self) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.state_removal()
        {
            (self.report)(&format!("retention could not look at the audit journal: {error}"));
        }
        self.tell_file_events();
    }

    /// Carries out what was stated, if the record is safe by now. Not behind the note of an end: what it tells would follow
    /// that. The next start states it again.
    pub(super) fn remove_stated(&mut self) {
        let is_open = self.state.phase == Phase::Open;
        let Some(journal) = self.journal.as_mut().filter(|_| is_open) else {
            return;
        };
        if journal.is_removing() {
            journal.remove_stated();
            self.tell_file_events();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Audit;
    use crate::clock::ManualClock;
    use crate::error::ErrorKind;
    use crate::record::Record;
    use crate::sink::file::memfs::{Fault, MemFs};

    const LONG: Duration = Duration::from_secs(30);
    /// 2026-11-21T12:00:00Z.
    const NOON: u64 = 1_795_262_400_000_000_000;
    const HOUR: u64 = 3_600_000_000_000;

    fn start(fs: &MemFs, keep: u64) -> Audit {
        let builder = Audit::builder().directory("/audit").file_system(fs);
        let builder = builder.keep_days(0).keep_segments(keep).diagnostics(|_| {});
        builder.start().unwrap()
    }

    fn segments(fs: &MemFs) -> usize {
        let names = fs.names();
        names.iter().filter(|name| name.ends_with(".jsonl")).count()
    }

    /// Four segments.
    fn trail() -> MemFs {
        let fs = MemFs::default();
        let audit = start(&fs, 0);
        for n in 0..4 {
            let record = Record::builder("load.step").actor("user", "u-1");
            audit.emit(record.attribute("n", n).build()).unwrap();
            if n < 3 {
                audit.rotate().unwrap();
            }
        }
        audit.shutdown(LONG).unwrap();
        assert_eq!(segments(&fs), 4);
        fs
    }

    fn all(fs: &MemFs) -> String {
        let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
        let read = |name: String| fs.get(&std::path::Path::new("/audit/main").join(name));
        let bytes: Vec<u8> = names.flat_map(read).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn stated(fs: &MemFs) -> usize {
        all(fs).matches("\"audit.retention\"").count()
    }

    #[test]
    fn a_start_removes_what_is_due_once_it_has_said_so() {
        let fs = trail();
        let audit = start(&fs, 2);
        let cleaned = audit.cleanup().unwrap();
        assert_eq!((cleaned.kept, segments(&fs), stated(&fs)), (2, 2, 1));
        assert_eq!(audit.cleanup().unwrap().removed, [], "and says it once");
        assert_eq!(stated(&fs), 1);
        audit.shutdown(LONG).unwrap();
    }

    #[test]
    fn nothing_is_removed_as_long_as_the_disk_does_not_have_the_record_that_says_so() {
        let fs = MemFs::default();
        let clock = ManualClock::new(NOON);
        let builder = Audit::builder().directory("/audit").file_system(&fs).keep_days(1);
        let audit = builder.clock(clock.clone()).diagnostics(|_| {}).start().unwrap();
        audit.rotate().unwrap();
        // Two steps, each of less than a day: a longer one would suspend retention by age.
        for hours in [13, 26] {
            clock.set(NOON + hours * HOUR);
            audit.flush(LONG).unwrap();
            audit.rotate().unwrap();
        }
        audit.flush(LONG).unwrap();
        clock.set(NOON + 38 * HOUR);
        let oldest = fs
            .names()
            .into_iter()
            .find(|name| name.ends_with(".jsonl"))
            .unwrap();
        fs.fail(0, 1 << 40, Fault::Sync);
        let error = audit.cleanup().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(fs.names().contains(&oldest), "it went before its record was safe");
        fs.heal();
        audit.flush(LONG).unwrap();
        audit.cleanup().unwrap();
        assert!(!fs.names().contains(&oldest));
        audit.shutdown(LONG).unwrap();
    }

    #[test]
    fn a_life_that_ends_before_its_removal_is_safe_carries_it_out_before_it_notes_the_end() {
        let fs = trail();
        let builder = Audit::builder().directory("/audit").file_system(&fs);
        let builder = builder.keep_days(0).keep_segments(2).diagnostics(|_| {});
        // Nothing is confirmed before the end.
        let audit = builder.commit_interval(Duration::from_secs(10)).start().unwrap();
        audit.shutdown(LONG).unwrap();
        assert_eq!((segments(&fs), stated(&fs)), (2, 1));
    }

    #[test]
    fn a_midnight_behind_the_note_of_an_end_passes_unnoted_and_the_stop_stays_a_clean_one() {
        let fs = trail();
        let clock = ManualClock::new(NOON);
        let begin = || {
            let builder = Audit::builder().directory("/audit").file_system(&fs).keep_days(0);
            builder.clock(clock.clone()).diagnostics(|_| {}).start().unwrap()
        };
        let audit = begin();
        drop(audit.guard());
        clock.set(NOON + 13 * HOUR);
        for _ in 0..3 {
            audit.flush(LONG).unwrap();
        }
        audit.shutdown(LONG).unwrap();
        begin().shutdown(LONG).unwrap();
        assert!(!all(&fs).contains("\"clean\":false"), "{}", all(&fs));
    }

    #[test]
    fn what_is_stated_behind_the_note_of_an_end_is_removed_as_well_and_the_end_is_noted_again() {
        let fs = MemFs::default();
        let audit = start(&fs, 2);
        audit.rotate().unwrap();
        drop(audit.guard());
        audit.rotate().unwrap();
        assert_eq!(audit.cleanup().unwrap().kept, 2);
        assert_eq!((segments(&fs), stated(&fs)), (2, 1));
        drop(audit.guard());
        audit.rotate().unwrap();
        audit.shutdown(LONG).unwrap();
        let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
        let last = fs.get(&std::path::Path::new("/audit/main").join(names.max().unwrap()));
        let last = String::from_utf8(last).unwrap();
        assert!(
            last.trim_end()
                .rsplit('\n')
                .next()
                .unwrap()
                .contains("audit.close"),
            "{last}"
        );
    }

    #[test]
    fn a_stream_that_is_not_sealed_any_more_says_that_it_removes_nothing_until_it_is_sealed_again() {
        let fs = trail();
        let builder = Audit::builder()
            .directory("/audit")
            .file_system(&fs)
            .sealed(false);
        let builder = builder.keep_days(0).keep_segments(2).diagnostics(|_| {});
        let audit = builder.start().unwrap();
        audit.rotate().unwrap();
        assert_eq!(audit.cleanup().unwrap().removed, []);
        audit.rotate().unwrap();
        audit.shutdown(LONG).unwrap();
        assert_eq!((segments(&fs), stated(&fs)), (6, 0));
        let said = all(&fs).matches("until it is sealed again").count();
        assert_eq!(said, 1, "however often a segment begins");
        let audit = start(&fs, 2);
        audit.cleanup().unwrap();
        audit.shutdown(LONG).unwrap();
        assert_eq!(segments(&fs), 2);
    }
}

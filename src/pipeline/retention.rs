//! Retention, as the trail tells it: what will go is stated in a record, and goes once that record is on disk and sealed.

use super::commands::no_journal;
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
        // What is stated already goes first: what is due behind it is found then.
        self.finish_removal()?;
        let is_due = match &mut self.journal {
            Some(journal) => journal.state_removal()?,
            None => false,
        };
        if is_due && self.state.phase == Phase::Resting {
            self.open("a removal after the end");
        }
        self.tell_file_events();
        self.finish_removal()?;
        match &mut self.journal {
            Some(journal) => journal.take_cleaned(),
            None => Err(no_journal("clean up")),
        }
    }

    /// Makes safe what states a removal, and carries that out.
    fn finish_removal(&mut self) -> Result<()> {
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

//! The streams of a trail: which one a record goes to, and what callers ask of all of them.
//!
//! Each stream is whole: it has a queue, a writer, a journal, a seal and followers of its own, so what happens to one, above
//! all to its disk, holds no other up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::barrier::Reached;
use super::commands::Command;
use super::inbox::Inbox;
use super::routes::Routes;
use super::stream::{Asked, Stream, closed};
use super::ticket::Promise;
use crate::error::{Error, ErrorKind, Result};
use crate::sink::file::{Cleaned, Erased, Rotated};
use crate::stats::Stats;

/// The main stream, and those beside it.
#[derive(Debug)]
pub(super) struct Streams {
    main: Stream,
    beside: Vec<Stream>,
    routes: Arc<Routes>,
}

/// Why a guard did not find everything at rest.
pub(super) enum Rest {
    /// Time was up, with so many records in the queue.
    TimeUp(u64),
    NotWell(Error),
}

impl Streams {
    pub(super) fn new(main: Stream, beside: Vec<Stream>, routes: Arc<Routes>) -> Self {
        Self { main, beside, routes }
    }

    /// Where everything goes that no rule sends elsewhere, and what the trail has to say as a whole.
    pub(super) fn main(&self) -> &Stream {
        &self.main
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        std::iter::once(&self.main).chain(&self.beside)
    }

    /// The stream of a number that [`Self::number_of`] gave.
    pub(super) fn get(&self, number: usize) -> &Stream {
        let beside = number.checked_sub(1).and_then(|at| self.beside.get(at));
        beside.unwrap_or(&self.main)
    }

    /// The number of the stream that a frame goes to.
    pub(super) fn number_of(&self, frame: &[u8]) -> usize {
        self.routes.stream_of(frame)
    }

    /// The stream that a frame goes to.
    pub(super) fn of(&self, frame: &[u8]) -> &Stream {
        self.get(self.number_of(frame))
    }

    pub(super) fn inboxes(&self) -> impl Iterator<Item = &Arc<Inbox>> {
        self.iter().map(|stream| &stream.inbox)
    }

    /// Takes no further records.
    pub(super) fn close(&self) {
        self.inboxes().for_each(|inbox| inbox.queue.close());
    }

    /// What became of every record, whichever stream it went to.
    pub(super) fn stats(&self) -> Stats {
        let mut stats = self.main.stats();
        self.beside.iter().for_each(|stream| stats.add(&stream.stats()));
        stats
    }

    /// Asks every writer at once, and waits for all of them.
    pub(super) fn ask(
        &self,
        timeout: Duration,
        deadline: Instant,
        command: impl Fn(Promise<Reached>) -> Command,
    ) -> Result<()> {
        let asked: Vec<Asked<'_>> = self.iter().map(|stream| stream.ask(&command)).collect();
        let answers = asked.into_iter().map(|asked| asked.wait(timeout, deadline));
        self.together(answers).map(drop)
    }

    /// Has every writer note the end; the next record begins its stream again.
    pub(super) fn rest(&self, deadline: Instant) -> Vec<std::result::Result<(), Rest>> {
        let asked: Vec<Asked<'_>> = self.iter().map(|stream| stream.ask(Command::Rest)).collect();
        let found = asked.into_iter().zip(self.iter()).map(|(asked, stream)| {
            let found = asked.wait_at_rest(deadline);
            let found = found.ok_or_else(|| Rest::TimeUp(stream.inbox.queue.used().records))?;
            found.map_err(Rest::NotWell)
        });
        found.collect()
    }

    /// Begins a new segment in every stream; the answer is the main one's.
    pub(super) fn rotate(&self) -> Result<Rotated> {
        let answers = self.iter().map(|stream| stream.request(Command::Rotate));
        // One answer for each stream: the first is the main one's.
        self.together(answers)?.into_iter().next().ok_or_else(closed)
    }

    pub(super) fn cleanup(&self) -> Result<Cleaned> {
        let answers = self.iter().map(|stream| stream.request(Command::Cleanup));
        let mut all = Cleaned::default();
        for cleaned in self.together(answers)? {
            all.removed.extend(cleaned.removed);
            all.bytes += cleaned.bytes;
            all.kept += cleaned.kept;
        }
        Ok(all)
    }

    /// Erases in every stream. Numbers of records of several streams are no range.
    pub(super) fn erase(&self, subject: &str) -> Result<Erased> {
        let erase = |promise| Command::Erase(subject.to_owned(), promise);
        let answers = self.iter().map(|stream| stream.request(erase));
        let all = self.together(answers)?;
        let mut ranges = all.iter().filter_map(|erased| erased.range);
        let range = ranges.next().filter(|_| ranges.next().is_none());
        let mut followers: Vec<String> = Vec::new();
        for name in all.iter().flat_map(|erased| &erased.followers) {
            if !followers.contains(name) {
                followers.push(name.clone());
            }
        }
        let records = all.iter().map(|erased| erased.records).sum();
        let values = all.iter().map(|erased| erased.values).sum();
        Ok(Erased::new(records, values, range, followers))
    }

    /// The answers of all streams, in their order; or what went wrong, in one error.
    fn together<T>(&self, answers: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for (answer, stream) in answers.zip(self.iter()) {
            match answer {
                Ok(answer) => good.push(answer),
                Err(error) => bad.push((stream, error)),
            }
        }
        if bad.is_empty() {
            return Ok(good);
        }
        if self.beside.is_empty()
            && let Some((_, error)) = bad.pop()
        {
            return Err(error);
        }
        // What a sink did is the least: the journal has it.
        let kinds = || bad.iter().map(|(_, error)| error.kind());
        let worst = kinds().find(|kind| *kind != ErrorKind::Sink);
        let kind = worst.or_else(|| kinds().next()).unwrap_or(ErrorKind::Io);
        let told: Vec<String> = bad
            .iter()
            .map(|(stream, error)| format!("stream `{}`: {error}", stream.name))
            .collect();
        Err(Error::new(kind, told.join("; ")))
    }
}

//! A batch on its way: cut into requests, cut further where the receiver refuses some of it, and gone on with where it was
//! when it is offered again.
//!
//! While one request is under way, those behind it are written: see [`Desk`].
//!
//! Invariant: a request is sent once. Whoever calls `deliver` again repeats it, with the pause that is named here.

use std::collections::VecDeque;
use std::io;
use std::thread::scope;
use std::time::{Duration, Instant};

use rand::RngExt as _;

use super::ahead::{Desk, Encode};
use super::answer::Verdict;
use super::progress::{Progress, runs};
use super::transport::Exchange;
use super::wire::Room;
use crate::format::Entry;
use crate::sink::{Accepted, SinkError};

/// No call makes more requests, so that it ends in a bounded time; the next one goes on.
const MOST_REQUESTS: u32 = 32;

/// So many requests are written before they are due: with one for each who writes, they and whoever sends would wait for each
/// other whenever one of them is held up.
const AHEAD: usize = 3;

/// Fewer entries are written sooner than a thread begins.
const WORTH: usize = 64;

/// So many requests are written by one thread: another one would have to begin for little.
const FEW: usize = 3;

/// What waits is cut into so many requests, so that the next ones are written while one is under way; but into none of fewer
/// records than this. The fewer there are the better: between two of them, who sends and who receives wait for each other.
const PARTS: usize = 4;
const SMALL: usize = 512;

/// Pauses: the first one, and the longest for what passes by itself and for what needs somebody.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
const LONGEST_PERSON: Duration = Duration::from_secs(60);

/// A receiver that wants to be left alone for longer is asked again all the same.
const LONGEST_NAMED: Duration = Duration::from_secs(3600);

/// What is known of the batches under way, and of how it went lately.
#[derive(Debug)]
pub(super) struct Delivery {
    batch_records: usize,
    batch_bytes: usize,
    /// How many records a request of the run under way holds at most.
    records: usize,
    /// Streams are few.
    streams: Vec<Progress>,
    /// Whether something speaks for it that a refusal is about the record: the receiver took another one, or nothing.
    is_trusted: bool,
    /// How often it went wrong since it went well.
    failures: u32,
    /// Until when the receiver wants to be left alone, and what it said.
    silence: Option<(Instant, String)>,
    /// The room of requests that were sent: for the one under way, and those behind it.
    rooms: Vec<Room>,
}

impl Delivery {
    pub(super) fn new(batch_records: usize, batch_bytes: usize) -> Self {
        Self {
            batch_records,
            batch_bytes,
            records: batch_records,
            streams: Vec::new(),
            is_trusted: false,
            failures: 0,
            silence: None,
            rooms: Vec::new(),
        }
    }

    /// Has the receiver take the entries, or say that it never will. Requests are written by `encode`, and, where there are
    /// several, by `others` as well, which write the same.
    pub(super) fn deliver<E: Encode>(
        &mut self,
        batch: &[Entry<'_>],
        (encode, others): (&mut E, &mut [E]),
        to: &mut impl Exchange,
    ) -> Result<Accepted, SinkError> {
        self.keep_silence()?;
        let mut left = MOST_REQUESTS;
        self.is_trusted = false;
        let runs = runs(batch);
        for (stream, run) in &runs {
            // Taken out for as long as it is used.
            let mut progress = self.progress(stream);
            let done = self.run(run, &mut progress, &mut left, (&mut *encode, &mut *others), to);
            self.streams.push(progress);
            done?;
        }
        let mut refused = Vec::new();
        for (stream, run) in &runs {
            let mut progress = self.progress(stream);
            progress.answer_for(run, &mut refused);
            self.streams.push(progress);
        }
        self.failures = 0;
        Ok(Accepted::all_but_these(refused))
    }

    /// A receiver that has named a time is asked nothing before it, also where the end of the trail leaves no time to wait.
    fn keep_silence(&mut self) -> Result<(), SinkError> {
        let Some((until, why)) = &self.silence else {
            return Ok(());
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.silence = None;
            return Ok(());
        }
        Err(SinkError::Retry {
            after: Some(left),
            cause: why.clone(),
        })
    }

    /// How far a stream has come.
    fn progress(&mut self, stream: &str) -> Progress {
        let at = self.streams.iter().position(|known| *known.stream == *stream);
        at.map_or_else(|| Progress::new(stream), |at| self.streams.swap_remove(at))
    }

    /// Goes on with entries of one stream. Where they take more than one request, the next one is written beside the one
    /// that is under way.
    fn run<E: Encode>(
        &mut self,
        run: &[Entry<'_>],
        progress: &mut Progress,
        left: &mut u32,
        (encode, others): (&mut E, &mut [E]),
        to: &mut impl Exchange,
    ) -> Result<(), SinkError> {
        let rest = run.get(progress.done(run)..).unwrap_or_default();
        self.records = (run.len() / PARTS).max(SMALL).min(self.batch_records);
        let first = self.fitting(rest, progress);
        if rest.len() < WORTH || first == rest.len() {
            return self.requests(run, progress, left, &mut Desk::here(encode), to);
        }
        let others = if rest.len() > FEW * first { others } else { &mut [] };
        scope(|scope| match Desk::beside(scope, (encode, others)) {
            Ok(mut desk) => self.requests(run, progress, left, &mut desk, to),
            Err(encode) => self.requests(run, progress, left, &mut Desk::here(encode), to),
        })
    }

    fn requests<'b, E: Encode>(
        &mut self,
        run: &'b [Entry<'b>],
        progress: &mut Progress,
        left: &mut u32,
        desk: &mut Desk<'_, 'b, E>,
        to: &mut impl Exchange,
    ) -> Result<(), SinkError> {
        // How many entries there were from each begun request on, and how many it holds.
        let mut begun = VecDeque::new();
        loop {
            let rest = run.get(progress.done(run)..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            if *left == 0 {
                let cause = match progress.ends.as_slice() {
                    [] => "the batch takes more requests than one call makes; the next one goes on",
                    _ => "the collector refuses some of the records; which ones is still being found out",
                };
                return Err(SinkError::Retry {
                    after: Some(Duration::ZERO),
                    cause: cause.to_owned(),
                });
            }
            *left -= 1;
            let (part, behind) = rest.split_at(self.fitting(rest, progress).min(rest.len()));
            let ahead = match begun.pop_front() == Some((rest.len(), part.len())) {
                true => desk.take(),
                false => {
                    begun.clear();
                    self.rooms.extend(desk.forget().into_iter().map(Room));
                    None
                }
            };
            let request = ahead.unwrap_or_else(|| desk.write(part, self.room()));
            let request = request.map_err(|error| self.unwritten(&error))?;
            // What comes next depends on the answer, where some of it is refused.
            while progress.ends.is_empty() && begun.len() < AHEAD {
                let ahead = begun.iter().map(|(_, len)| len).sum::<usize>();
                let behind = behind.get(ahead..).unwrap_or_default();
                if behind.is_empty() {
                    break;
                }
                let next = behind.get(..self.fitting(behind, progress)).unwrap_or(behind);
                begun.push_back((behind.len(), next.len()));
                desk.begin(next, self.room());
            }
            let verdict = to.exchange(&request);
            self.rooms.push(Room(request));
            self.part(part, verdict, progress, desk, to)?;
        }
    }

    /// Room for a request.
    fn room(&mut self) -> Vec<u8> {
        self.rooms.pop().unwrap_or_default().0
    }

    fn unwritten(&mut self, error: &io::Error) -> SinkError {
        let cause = format!("the request could not be written: {error}");
        self.later(None, cause, LONGEST_PERSON)
    }

    /// How many of the entries fit one request.
    fn fitting(&self, entries: &[Entry<'_>], progress: &Progress) -> usize {
        let mut bytes = 0;
        let fits = |entry: &&Entry<'_>| {
            bytes += entry.line().len();
            bytes <= self.batch_bytes
        };
        let is_near = |entry: &&Entry<'_>| progress.ends.last().is_none_or(|end| entry.seq() < *end);
        let near = entries.iter().take_while(is_near);
        near.take(self.records).take_while(fits).count().max(1)
    }

    /// What becomes of entries that were sent in one request. Where the receiver does not want them together, they are cut in
    /// two.
    fn part<E: Encode>(
        &mut self,
        part: &[Entry<'_>],
        verdict: Verdict,
        progress: &mut Progress,
        desk: &mut Desk<'_, '_, E>,
        to: &mut impl Exchange,
    ) -> Result<(), SinkError> {
        if !matches!(verdict, Verdict::Taken { refused: 0, .. }) && progress.ends.is_empty() {
            // A search begins. What was taken before it says nothing of the receiver as it is now.
            self.is_trusted = false;
        }
        match verdict {
            Verdict::Taken { refused: 0, .. } => {
                self.is_trusted = true;
                // It is there: the next failure is a first one, even in the middle of a batch.
                self.failures = 0;
                progress.pass(part);
            }
            // It has read all of them, and knows what it refuses.
            Verdict::Taken { refused, .. } if refused >= part.len() as u64 => progress.refuse(part),
            Verdict::Taken { .. } | Verdict::Split(_) | Verdict::Fewer(_) if part.len() > 1 => {
                let ends = [
                    part.last().map(|last| last.seq().saturating_add(1)),
                    part.get(part.len() / 2).map(Entry::seq),
                ];
                progress.ends.extend(ends.into_iter().flatten());
            }
            Verdict::Split(why) => {
                self.trust(&why, desk, to)?;
                progress.refuse(part);
            }
            Verdict::Taken { why, .. } | Verdict::Fewer(why) => return Err(self.later(None, why, LONGEST)),
            Verdict::Later { after, why } => return Err(self.later(after, why, LONGEST)),
            Verdict::Person(why) => return Err(self.later(None, why, LONGEST_PERSON)),
        }
        Ok(())
    }

    /// Finds out whether a refusal is about the record: whoever refuses an empty request as well refuses everything.
    fn trust<E: Encode>(
        &mut self,
        why: &str,
        desk: &mut Desk<'_, '_, E>,
        to: &mut impl Exchange,
    ) -> Result<(), SinkError> {
        if self.is_trusted {
            return Ok(());
        }
        let request = desk.write(&[], Vec::new());
        let request = request.map_err(|error| self.unwritten(&error))?;
        match to.exchange(&request) {
            Verdict::Taken { .. } => {
                self.is_trusted = true;
                Ok(())
            }
            Verdict::Later { after, why } => Err(self.later(after, why, LONGEST)),
            Verdict::Split(_) | Verdict::Fewer(_) | Verdict::Person(_) => {
                let why = format!(
                    "{why}; it refuses a request without records as well, so nothing is taken for refused"
                );
                Err(self.later(None, why, LONGEST_PERSON))
            }
        }
    }

    /// The batch is to be offered again, after a growing time, and not before the one that the receiver named. A part of both is
    /// random, so that the senders of a collector that was away do not come back all at once.
    fn later(&mut self, named: Option<Duration>, cause: String, longest: Duration) -> SinkError {
        let grown = (FIRST * 2_u32.saturating_pow(self.failures.min(20))).min(longest);
        self.failures = self.failures.saturating_add(1);
        let part = rand::rng().random_range(0.0..0.5);
        let mut after = grown.mul_f64(1.0 - part);
        if let Some(named) = named.map(|named| named.min(LONGEST_NAMED)) {
            after = after.max(named.mul_f64(1.0 + part / 5.0));
            self.silence = Some((Instant::now() + named, cause.clone()));
        }
        SinkError::Retry {
            after: Some(after),
            cause,
        }
    }
}

#[cfg(test)]
mod tests;

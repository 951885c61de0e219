//! A batch on its way: cut into requests, cut further where the receiver refuses some of it, and gone on with where it was
//! when it is offered again.
//!
//! While one request is under way, the one behind it is written.
//!
//! Invariant: a request is sent once. Whoever calls `deliver` again repeats it, with the pause that is named here.

use std::io;
use std::time::Duration;

use rand::RngExt as _;

use super::ahead::{Encode, ask};
use super::answer::Verdict;
use super::progress::{Progress, runs};
use super::transport::Exchange;
use super::wire::Room;
use crate::format::Entry;
use crate::sink::{Accepted, SinkError};

/// No call makes more requests, so that it ends in a bounded time; the next one goes on.
const MOST_REQUESTS: u32 = 32;

/// Pauses: the first one, and the longest for what passes by itself and for what needs somebody.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
const LONGEST_PERSON: Duration = Duration::from_secs(60);

/// What is known of the batches under way, and of how it went lately.
#[derive(Debug)]
pub(super) struct Work {
    batch_records: usize,
    batch_bytes: usize,
    /// Streams are few.
    streams: Vec<Progress>,
    /// Whether something speaks for it that a refusal is about the record: the receiver took another one, or nothing.
    is_trusted: bool,
    /// How often it went wrong since it went well.
    failures: u32,
    request: Room,
    /// The request behind it.
    behind: Room,
}

impl Work {
    pub(super) fn new(batch_records: usize, batch_bytes: usize) -> Self {
        Self {
            batch_records,
            batch_bytes,
            streams: Vec::new(),
            is_trusted: false,
            failures: 0,
            request: Room::default(),
            behind: Room::default(),
        }
    }

    /// Has the receiver take the entries, or say that it never will.
    pub(super) fn deliver(
        &mut self,
        batch: &[Entry<'_>],
        encode: &mut Encode<'_>,
        to: &mut impl Exchange,
    ) -> Result<Accepted, SinkError> {
        let mut left = MOST_REQUESTS;
        self.is_trusted = false;
        let runs = runs(batch);
        for (stream, run) in &runs {
            // Taken out for as long as it is used.
            let mut progress = self.progress(stream);
            let done = self.run(run, &mut progress, &mut left, encode, to);
            self.streams.push(progress);
            done?;
        }
        let mut refused = Vec::new();
        for (stream, _) in &runs {
            let mut progress = self.progress(stream);
            refused.append(&mut progress.refused);
            self.streams.push(progress);
        }
        self.failures = 0;
        Ok(Accepted::all_but_these(refused))
    }

    /// How far a stream has come.
    fn progress(&mut self, stream: &str) -> Progress {
        let at = self.streams.iter().position(|known| *known.stream == *stream);
        at.map_or_else(|| Progress::new(stream), |at| self.streams.swap_remove(at))
    }

    /// Goes on with entries of one stream.
    fn run(
        &mut self,
        run: &[Entry<'_>],
        progress: &mut Progress,
        left: &mut u32,
        encode: &mut Encode<'_>,
        to: &mut impl Exchange,
    ) -> Result<(), SinkError> {
        let mut written = None;
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
            if written != Some((rest.len(), part.len())) {
                self.write(part, encode)?;
            }
            let next = match progress.ends.as_slice() {
                [] => behind.get(..self.fitting(behind, progress)).unwrap_or_default(),
                // What comes next depends on the answer.
                _ => &[],
            };
            let (verdict, ahead) = ask(&self.request.0, (next, &mut self.behind.0), encode, to);
            self.part(part, verdict, progress, encode, to)?;
            written = match ahead {
                Some(Ok(())) => Some((behind.len(), next.len())),
                Some(Err(error)) => return Err(self.unwritten(&error)),
                None => None,
            };
            std::mem::swap(&mut self.request, &mut self.behind);
        }
    }

    fn write(&mut self, entries: &[Entry<'_>], encode: &mut Encode<'_>) -> Result<(), SinkError> {
        self.request.0.clear();
        let written = encode(entries, &mut self.request.0);
        written.map_err(|error| self.unwritten(&error))
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
        near.take(self.batch_records).take_while(fits).count().max(1)
    }

    /// What becomes of entries that were sent in one request. Where the receiver does not want them together, they are cut in
    /// two.
    fn part(
        &mut self,
        part: &[Entry<'_>],
        verdict: Verdict,
        progress: &mut Progress,
        encode: &mut Encode<'_>,
        to: &mut impl Exchange,
    ) -> Result<(), SinkError> {
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
                self.trust(&why, encode, to)?;
                progress.refuse(part);
            }
            Verdict::Taken { why, .. } | Verdict::Fewer(why) => return Err(self.later(None, why, LONGEST)),
            Verdict::Later { after, why } => return Err(self.later(after, why, LONGEST)),
            Verdict::Person(why) => return Err(self.later(None, why, LONGEST_PERSON)),
        }
        Ok(())
    }

    /// Finds out whether a refusal is about the record: whoever refuses an empty request as well refuses everything.
    fn trust(&mut self, why: &str, encode: &mut Encode<'_>, to: &mut impl Exchange) -> Result<(), SinkError> {
        if self.is_trusted {
            return Ok(());
        }
        self.write(&[], encode)?;
        match to.exchange(&self.request.0) {
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

    /// The batch is to be offered again, after the time that the receiver named, or else a growing one. A part of it is
    /// random, so that the senders of a collector that was away do not come back all at once.
    fn later(&mut self, after: Option<Duration>, cause: String, longest: Duration) -> SinkError {
        let pause =
            after.unwrap_or_else(|| (FIRST * 2_u32.saturating_pow(self.failures.min(20))).min(longest));
        self.failures = self.failures.saturating_add(1);
        let part = pause.mul_f64(rand::rng().random_range(0.0..0.5));
        let after = if after.is_some() {
            pause.saturating_add(part / 5)
        } else {
            pause - part
        };
        SinkError::Retry {
            after: Some(after),
            cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A receiver that holds what it took. An entry's number is its request's byte.
    struct Receiver<F> {
        took: Vec<u8>,
        requests: usize,
        answer: F,
    }

    impl<F: FnMut(&[u8]) -> Verdict> Exchange for Receiver<F> {
        fn exchange(&mut self, request: &[u8]) -> Verdict {
            self.requests += 1;
            let verdict = (self.answer)(request);
            if verdict == taken(0) {
                self.took.extend_from_slice(request);
            }
            verdict
        }
    }

    fn taken(refused: u64) -> Verdict {
        Verdict::Taken {
            refused,
            why: String::new(),
        }
    }

    fn later() -> Verdict {
        Verdict::Later {
            after: None,
            why: "busy".into(),
        }
    }

    fn entries(range: std::ops::Range<u64>) -> Vec<Entry<'static>> {
        range.map(|seq| Entry::new(seq, seq, b"{}")).collect()
    }

    fn to<F: FnMut(&[u8]) -> Verdict>(answer: F) -> Receiver<F> {
        Receiver {
            took: Vec::new(),
            requests: 0,
            answer,
        }
    }

    fn written(part: &[Entry<'_>], out: &mut Vec<u8>) -> io::Result<()> {
        out.extend(part.iter().map(|entry| entry.seq() as u8));
        Ok(())
    }

    /// Offers the batch until it is answered for.
    fn offer(work: &mut Work, batch: &[Entry<'_>], to: &mut impl Exchange) -> Vec<u64> {
        loop {
            if let Ok(accepted) = work.deliver(batch, &mut written, to) {
                return accepted.which().to_vec();
            }
        }
    }

    #[test]
    fn whichever_records_are_refused_they_are_named_and_all_others_arrive_in_order() {
        let mut seed = 1_u64;
        for round in 0..200 {
            let mut bad: Vec<u64> = (0..200)
                .filter(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 33) % 100 < round % 20 * 5
                })
                .collect();
            bad.dedup();
            let is_bad = |byte: &u8| bad.contains(&u64::from(*byte));
            let says_how_many = round % 2 == 0;
            let mut receiver =
                to(
                    |request: &[u8]| match request.iter().filter(|byte| is_bad(byte)).count() {
                        0 => taken(0),
                        count if says_how_many => taken(count as u64),
                        _ => Verdict::Split("400".into()),
                    },
                );
            let mut work = Work::new(37 + 27 * (round % 3) as usize, usize::MAX);
            let refused = offer(&mut work, &entries(0..200), &mut receiver);
            assert_eq!(refused, bad, "round {round}");
            let good: Vec<u8> = (0..200).filter(|byte| !is_bad(byte)).collect();
            assert_eq!(receiver.took, good, "round {round}");
        }
    }

    #[test]
    fn streams_count_their_entries_by_themselves_and_none_is_passed_over_or_refused_for_another() {
        let line = |stream: &str, seq: u64| {
            format!("{{\"seq\":{seq},\"stream\":\"{stream}\",\"time\":\"\"}}").into_bytes()
        };
        let lines = |stream: &str, range: std::ops::Range<u64>| -> Vec<(u64, Vec<u8>)> {
            range.map(|seq| (seq, line(stream, seq))).collect()
        };
        let (one, other) = (lines("one", 50..60), lines("other", 0..10));
        fn of(lines: &[(u64, Vec<u8>)]) -> Vec<Entry<'_>> {
            lines
                .iter()
                .map(|(seq, line)| Entry::new(*seq, *seq, line))
                .collect()
        }
        let is_away = std::cell::Cell::new(true);
        let mut receiver = to(|request: &[u8]| {
            if request.contains(&52) {
                return Verdict::Split("400".into());
            }
            // It goes away in the middle of the first stream's batch, behind what it refuses.
            if is_away.get() && request.contains(&59) {
                return later();
            }
            taken(0)
        });
        let mut work = Work::new(4, usize::MAX);
        work.deliver(&of(&one), &mut written, &mut receiver).unwrap_err();
        let accepted = work.deliver(&of(&other), &mut written, &mut receiver).unwrap();
        assert_eq!(accepted.which(), [0; 0]);
        is_away.set(false);
        let accepted = work.deliver(&of(&one), &mut written, &mut receiver).unwrap();
        assert_eq!(accepted.which(), [52]);
        let mut arrived = receiver.took;
        arrived.sort_unstable();
        let wanted: Vec<u8> = (0..10).chain(50..52).chain(53..60).collect();
        assert_eq!(arrived, wanted);
    }

    #[test]
    fn the_next_request_is_written_while_one_is_under_way_and_is_the_one_that_is_sent() {
        let (tell, told) = std::sync::mpsc::channel();
        let mut encode = |part: &[Entry<'_>], out: &mut Vec<u8>| {
            tell.send(part.first().map(Entry::seq))
                .map_err(io::Error::other)?;
            written(part, out)
        };
        let mut asked = 0;
        let mut receiver = to(|request: &[u8]| {
            asked += 1;
            let behind = u64::from(request[0]) + 64;
            // It waits for ever where the next one is written behind the answer.
            while behind < 192 && told.recv().unwrap() != Some(behind) {}
            if asked == 2 { later() } else { taken(0) }
        });
        let mut work = Work::new(64, usize::MAX);
        let batch = entries(0..192);
        work.deliver(&batch, &mut encode, &mut receiver).unwrap_err();
        work.deliver(&batch, &mut encode, &mut receiver).unwrap();
        assert_eq!(receiver.took, (0..192).collect::<Vec<u8>>());
    }

    #[test]
    fn an_entry_that_took_the_number_of_a_lost_one_is_sent_as_well() {
        let mut receiver = to(|_: &[u8]| taken(0));
        let mut work = Work::new(4, usize::MAX);
        offer(&mut work, &entries(0..10), &mut receiver);
        let again: Vec<_> = (7..9).map(|seq| Entry::new(seq, seq + 20, b"{}")).collect();
        offer(&mut work, &again, &mut receiver);
        assert_eq!(receiver.took, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8]);
        let shown = format!("{work:?}");
        assert!(!shown.contains("[7, 8]"), "it shows the records: {shown}");
    }

    #[test]
    fn a_batch_of_many_requests_is_not_said_to_be_refused() {
        let mut receiver = to(|_: &[u8]| taken(0));
        let mut encode = |_: &[Entry<'_>], _: &mut Vec<u8>| Ok(());
        let mut work = Work::new(1, usize::MAX);
        let batch = entries(0..u64::from(MOST_REQUESTS) + 1);
        let error = work.deliver(&batch, &mut encode, &mut receiver).unwrap_err();
        assert!(!error.to_string().contains("refuses"), "{error}");
        assert_eq!(
            work.deliver(&batch, &mut encode, &mut receiver).unwrap(),
            Accepted::default()
        );
    }

    #[test]
    fn a_receiver_that_refuses_everything_refuses_no_record() {
        let mut receiver = to(|_: &[u8]| Verdict::Split("400".into()));
        let mut work = Work::new(10, usize::MAX);
        let mut encode = |_: &[Entry<'_>], out: &mut Vec<u8>| {
            out.push(1);
            Ok(())
        };
        for _ in 0..50 {
            let error = work
                .deliver(&entries(0..10), &mut encode, &mut receiver)
                .unwrap_err();
            assert!(error.to_string().contains("without records"), "{error}");
        }
        assert_eq!(work.streams[0].passed, 0);
    }

    #[test]
    fn what_was_taken_before_a_failure_is_not_sent_again_and_no_call_makes_more_requests_than_it_may() {
        let mut count = 0;
        let mut receiver = to(|request: &[u8]| {
            count += 1;
            if count % 3 == 0 {
                return later();
            }
            if request.iter().all(|byte| byte % 2 == 0) {
                taken(0)
            } else {
                Verdict::Split("no".into())
            }
        });
        let mut work = Work::new(64, usize::MAX);
        let batch = entries(0..200);
        let accepted = loop {
            let before = receiver.requests;
            let answer = work.deliver(&batch, &mut written, &mut receiver);
            assert!(receiver.requests - before <= 2 * MOST_REQUESTS as usize);
            if let Ok(accepted) = answer {
                break accepted;
            }
        };
        assert_eq!(accepted.which(), (1..200).step_by(2).collect::<Vec<u64>>());
        assert_eq!(receiver.took, (0..200).step_by(2).collect::<Vec<u8>>());
        assert_eq!(
            offer(&mut work, &batch, &mut receiver),
            Vec::<u64>::new(),
            "and not once more"
        );
    }

    #[test]
    fn a_request_holds_no_more_records_and_bytes_than_it_may_and_a_longer_line_travels_alone() {
        let long = [b'x'; 100];
        let mut batch = entries(0..5);
        batch.push(Entry::new(5, 5, &long));
        batch.extend(entries(6..9));
        let sizes = std::cell::RefCell::new(Vec::new());
        let mut receiver = to(|request: &[u8]| {
            sizes.borrow_mut().push(request.len());
            taken(0)
        });
        offer(&mut Work::new(4, 10), &batch, &mut receiver);
        assert_eq!(*sizes.borrow(), [4, 1, 1, 3]);
    }

    #[test]
    fn pauses_grow_to_their_limit_differ_and_never_end_before_the_time_that_was_named() {
        let mut work = Work::new(1, 1);
        let mut pause = |after, longest| match work.later(after, String::new(), longest) {
            SinkError::Retry {
                after: Some(after), ..
            } => after,
            other => panic!("{other:?}"),
        };
        let grown: Vec<_> = (0..30).map(|_| pause(None, LONGEST)).collect();
        assert!(grown[0] <= FIRST && grown.iter().all(|pause| *pause <= LONGEST));
        assert!(grown[20..].iter().all(|pause| *pause >= LONGEST / 2));
        assert!(grown[20..].windows(2).any(|pair| pair[0] != pair[1]));
        assert!(pause(None, LONGEST_PERSON) >= LONGEST_PERSON / 2);
        let named = Duration::from_secs(120);
        assert!((0..100).all(|_| pause(Some(named), LONGEST) >= named));
    }
}

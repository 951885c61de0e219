//! The next batch is read while a sink has one: whoever is far behind waits for its receiver, and not for the disk as well.
//!
//! Invariant: what was read ahead is given out before anything else is read, with what the reader said of it.

use std::mem::{swap, take};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder};
use std::{fmt, io};

use super::follow::TrailReader;
use crate::error::Result;
use crate::format::Batch;

/// Fewer entries are read sooner than a thread is woken.
const WORTH: u64 = 256;

/// A reader that reads while others work.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    /// `None` only while the thread has it.
    reader: Option<TrailReader>,
    /// The entry behind what was given out.
    next: u64,
    is_lost: bool,
    ahead: Option<Ahead>,
    /// Memory for the next batch.
    spare: Batch,
    /// The thread, begun when it is needed first.
    thread: Option<Thread>,
}

/// What was read ahead.
#[derive(Debug)]
struct Ahead {
    batch: Batch,
    /// What the reader answered.
    missing: Result<u64>,
}

impl ReadAhead {
    pub(crate) fn new(reader: TrailReader) -> Self {
        Self {
            next: reader.next(),
            reader: Some(reader),
            is_lost: false,
            ahead: None,
            spare: Batch::default(),
            thread: None,
        }
    }

    /// The entry that is due.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// As [`TrailReader::is_lost`].
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether there is more to read right now.
    pub(crate) fn is_behind(&self) -> bool {
        self.ahead.is_some() || self.waiting() > 0
    }

    fn waiting(&self) -> u64 {
        self.reader.as_ref().map_or(0, TrailReader::waiting)
    }

    /// As [`TrailReader::fill`]; what was read ahead goes into a batch that is empty.
    pub(crate) fn fill(&mut self, batch: &mut Batch) -> Result<u64> {
        let Some(reader) = &mut self.reader else {
            return Ok(0);
        };
        let missing = match self.ahead.take() {
            Some(mut ahead) => {
                swap(batch, &mut ahead.batch);
                self.spare = ahead.batch;
                ahead.missing
            }
            None => reader.fill(batch),
        };
        self.next = reader.next();
        self.is_lost = reader.is_lost();
        missing
    }

    /// Calls, and meanwhile has the next batch read, where enough waits for that.
    pub(crate) fn beside<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let is_reading = self.ahead.is_none() && self.waiting() >= WORTH && self.begin();
        let answer = call();
        if is_reading {
            self.end();
        }
        answer
    }

    /// Gives the thread the reader; `false` where there is none: then it is read when it is due.
    fn begin(&mut self) -> bool {
        if self.thread.is_none() {
            self.thread = Thread::start().ok();
        }
        let Some(thread) = &self.thread else { return false };
        let Some(reader) = self.reader.take() else {
            return false;
        };
        let mut batch = take(&mut self.spare);
        batch.clear();
        let sent = thread.jobs.send((reader, batch));
        if let Err(unsent) = sent {
            self.reader = Some(unsent.0.0);
            self.thread = None;
            return false;
        }
        true
    }

    /// Takes the reader back, with what it read.
    fn end(&mut self) {
        let answer = self.thread.as_ref().map(|thread| thread.answers.recv());
        match answer {
            Some(Ok(Ok((reader, ahead)))) => {
                self.reader = Some(reader);
                self.ahead = Some(ahead);
            }
            // As if it had been read here.
            Some(Ok(Err(panic))) => resume_unwind(panic),
            // It answers whatever happens.
            Some(Err(_)) | None => resume_unwind(Box::new("the thread that reads has ended")),
        }
    }
}

/// A thread that reads what it is asked for.
struct Thread {
    jobs: SyncSender<(TrailReader, Batch)>,
    answers: Receiver<thread::Result<(TrailReader, Ahead)>>,
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thread")
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let (jobs, received) = sync_channel::<(TrailReader, Batch)>(1);
        let (answer, answers) = sync_channel(1);
        let work = move || {
            for (mut reader, mut batch) in received {
                let read = AssertUnwindSafe(move || {
                    let missing = reader.fill(&mut batch);
                    (reader, Ahead { batch, missing })
                });
                if answer.send(catch_unwind(read)).is_err() {
                    return;
                }
            }
        };
        Builder::new().name("audit-read".to_owned()).spawn(work)?;
        Ok(Self { jobs, answers })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::fault_tests::{HOME, line, open, time_of};
    use super::super::follow_tests::follow;
    use super::super::memfs::{Fault, MemFs};
    use super::super::{FileSink, Sink as _};
    use super::*;
    use crate::format::{Entry, SegmentName};

    /// So many lines are more than two batches have room for.
    const LINES: u64 = 1_500;

    fn full(fs: &MemFs) -> FileSink {
        let mut sink = open(fs);
        let from = sink.next_seq();
        let lines: Vec<_> = (from..from + LINES).map(|seq| line(seq, time_of(seq))).collect();
        for (seq, line) in (from..).zip(&lines) {
            sink.deliver(&[Entry::new(seq, time_of(seq), line)]).unwrap();
        }
        sink.flush().unwrap();
        sink.publish();
        sink
    }

    /// Takes a batch and checks that it is the one that is due; gives how many entries it has, and how many are missing.
    fn take_one(reader: &mut ReadAhead, due: &mut u64) -> (u64, u64) {
        let mut batch = Batch::default();
        let missing = reader.fill(&mut batch).unwrap();
        *due += missing;
        for entry in batch.entries() {
            assert_eq!(entry.seq(), *due);
            assert_eq!(entry.line(), line(*due, time_of(*due)));
            *due += 1;
        }
        assert_eq!(reader.next(), *due);
        (batch.len() as u64, missing)
    }

    #[test]
    fn a_batch_is_read_while_the_one_before_it_is_delivered_and_is_the_next_one() {
        let fs = MemFs::default();
        let mut sink = full(&fs);
        let mut reader = ReadAhead::new(follow(&mut sink, "copy").reader);
        let mut due = 0;
        let (first, _) = take_one(&mut reader, &mut due);
        assert_eq!(reader.beside(|| 7), 7);
        assert_eq!(
            (reader.next(), reader.is_behind()),
            (first, true),
            "nothing is given out yet"
        );
        // Once is enough, however often the delivery is tried again.
        reader.beside(|| ());
        fs.fail(0, 1_000, Fault::Eio);
        let (second, missing) = take_one(&mut reader, &mut due);
        assert!(second > 0 && missing == 0);
        fs.heal();
        while take_one(&mut reader, &mut due).0 > 0 {
            reader.beside(|| ());
        }
        assert_eq!(due, LINES);
        assert!(!reader.is_behind());
    }

    #[test]
    fn what_was_missing_before_a_batch_that_was_read_ahead_is_told_with_it_and_not_before() {
        let fs = MemFs::default();
        let mut sink = full(&fs);
        let mut reader = ReadAhead::new(follow(&mut sink, "copy").reader);
        let names = fs.names();
        let mut segments = names.iter().filter(|name| name.ends_with(".jsonl"));
        fs.delete(&Path::new(HOME).join(segments.next().unwrap()));
        let next: SegmentName = segments.next().unwrap().parse().unwrap();
        reader.beside(|| ());
        assert_eq!((reader.next(), reader.is_behind()), (0, true));
        let (given, missing) = take_one(&mut reader, &mut 0);
        assert!(given > 0);
        assert_eq!(missing, next.first_seq);
        assert_eq!(reader.next(), missing + given);
    }
}

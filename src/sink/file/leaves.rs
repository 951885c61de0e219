//! The hashes of lines, made by a second thread while the writer goes on: a record's hash takes about as long as its line.
//!
//! Order is the writer's: it takes the hashes in the order in which it gave the lines, one run at a time, before anything
//! asks for the tree. What the thread does not answer, the writer hashes itself.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

use crate::format::{Hash, leaf_hashes};

/// Fewer bytes are hashed at once: to wake a thread costs as much.
const LEAST: usize = 64 * 1024;

/// So many bytes are hashed at a time where the writer does it.
const PART: usize = 16 * 1024;

/// A run of lines, and room for their hashes.
struct Job {
    lines: Arc<Vec<u8>>,
    hashes: Vec<Hash>,
}

#[derive(Debug)]
struct Thread {
    jobs: SyncSender<Job>,
    answers: Receiver<Vec<Hash>>,
}

/// Lines whose hashes are being made.
#[derive(Debug)]
struct Run {
    lines: Arc<Vec<u8>>,
    count: u64,
    is_recent: bool,
}

/// The thread, begun when it is needed first.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    thread: Option<Thread>,
    /// There is none, and there will be none.
    is_alone: bool,
    run: Option<Run>,
    /// Memory for the next run.
    spare: (Vec<u8>, Vec<Hash>),
}

impl Leaves {
    /// How many hashes are not taken yet.
    pub(super) fn waiting(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.count)
    }

    /// The hashes that are being made belong to an earlier call: nobody will ask for one of them.
    pub(super) fn age(&mut self) {
        if let Some(run) = &mut self.run {
            run.is_recent = false;
        }
    }

    /// Begins with these lines, each ended by a newline; `false` where it is not worth it. No run may be waiting.
    pub(super) fn begin(&mut self, lines: &[u8], count: u64) -> bool {
        if lines.len() < LEAST || !self.has_thread() {
            return false;
        }
        let (copy, hashes) = &mut self.spare;
        copy.clear();
        hashes.clear();
        let room = usize::try_from(count).map(|count| hashes.try_reserve(count).is_ok());
        if copy.try_reserve(lines.len()).is_err() || !room.unwrap_or(false) {
            return false;
        }
        let (mut copy, hashes) = std::mem::take(&mut self.spare);
        copy.extend_from_slice(lines);
        let lines = Arc::new(copy);
        let job = Job {
            lines: Arc::clone(&lines),
            hashes,
        };
        let sent = self.thread.as_ref().map(|thread| thread.jobs.send(job));
        if !matches!(sent, Some(Ok(()))) {
            self.thread = None;
            return false;
        }
        self.run = Some(Run {
            lines,
            count,
            is_recent: true,
        });
        true
    }

    /// Hashes lines, each ended by a newline, on the caller's thread.
    pub(super) fn here(&mut self, lines: &[u8], mut leaf: impl FnMut(Hash)) {
        let mut rest = lines;
        while !rest.is_empty() {
            // A part at a time, whose hashes take little memory.
            let end = rest.len().min(PART);
            let (part, behind) = match memchr::memchr(b'\n', rest.get(end..).unwrap_or_default()) {
                Some(at) => rest.split_at(end + at + 1),
                None => (rest, [].as_slice()),
            };
            leaf_hashes(part, &mut self.spare.1);
            self.spare.1.iter().copied().for_each(&mut leaf);
            rest = behind;
        }
    }

    /// Waits for the hashes that are being made, and gives them in the order of their lines; and whether they are those of
    /// the last call.
    pub(super) fn take(&mut self, mut leaf: impl FnMut(Hash, bool)) {
        let Some(run) = self.run.take() else { return };
        let answer = self.thread.as_ref().map(|thread| thread.answers.recv());
        let hashes = if let Some(Ok(hashes)) = answer {
            hashes
        } else {
            self.thread = None;
            let mut hashes = Vec::new();
            leaf_hashes(&run.lines, &mut hashes);
            hashes
        };
        for hash in &hashes {
            leaf(*hash, run.is_recent);
        }
        self.spare = (Arc::into_inner(run.lines).unwrap_or_default(), hashes);
    }

    fn has_thread(&mut self) -> bool {
        if self.thread.is_none() && !self.is_alone {
            let has_room =
                std::thread::available_parallelism().is_ok_and(|count| count > NonZero::<usize>::MIN);
            self.thread = has_room.then(start).and_then(Result::ok);
            self.is_alone = self.thread.is_none();
        }
        self.thread.is_some()
    }
}

fn start() -> io::Result<Thread> {
    let (jobs, received) = mpsc::sync_channel::<Job>(1);
    let (answer, answers) = mpsc::sync_channel(1);
    let work = move || {
        for Job { lines, mut hashes } in received {
            leaf_hashes(&lines, &mut hashes);
            // The writer uses the memory again, so it must be free before the answer is there.
            drop(lines);
            if answer.send(hashes).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("audit-hash".to_owned())
        .spawn(work)?;
    Ok(Thread { jobs, answers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<u8> {
        let line = |n: usize| format!("{{\"n\":{n},\"pad\":\"{}\"}}\n", "x".repeat(n % 900));
        (0..count).flat_map(|n| line(n).into_bytes()).collect()
    }

    #[test]
    fn the_hashes_come_in_the_order_of_the_lines_and_the_same_memory_serves_again() {
        let mut leaves = Leaves::default();
        for count in [1_000, 400, 2_000] {
            let lines = lines(count);
            let mut wanted = Vec::new();
            leaf_hashes(&lines, &mut wanted);
            let begun = leaves.begin(&lines, count as u64);
            assert_eq!(leaves.waiting(), if begun { count as u64 } else { 0 });
            let mut found = Vec::new();
            leaves.take(|hash, is_recent| {
                assert!(is_recent);
                found.push(hash);
            });
            assert_eq!(
                (leaves.waiting(), found.len()),
                (0, if begun { count } else { 0 })
            );
            assert!(!begun || found == wanted);
            leaves.take(|_, _| panic!("they are taken once"));
        }
        assert!(!leaves.begin(&lines(10), 10), "too few to wake a thread for");
    }

    #[test]
    fn where_the_thread_has_ended_the_hashes_are_made_all_the_same() {
        let lines = lines(1_000);
        let mut leaves = Leaves::default();
        if !leaves.begin(&lines, 1_000) {
            return;
        }
        leaves.age();
        leaves.thread = None;
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        leaf_hashes(&lines, &mut wanted);
        leaves.take(|hash, is_recent| {
            assert!(!is_recent);
            found.push(hash);
        });
        assert_eq!(found, wanted);
    }
}

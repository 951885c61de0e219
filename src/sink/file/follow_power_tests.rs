//! A reader behind a writer whose power fails, and a receiver in another world.

use std::collections::{BTreeMap, BTreeSet};

use super::fault_tests::{line, open, time_of};
use super::follow::TrailReader;
use super::follow_tests::{Dice, follow};
use super::memfs::{Fault, MemFs};
use super::*;
use crate::format::Batch;

/// A line that says in which life of the machine it was written.
fn put_in(sink: &mut FileSink, life: u64) -> bool {
    let seq = sink.next_seq();
    let time = time_of(seq) + life;
    sink.deliver(&[Entry::new(seq, time, &line(seq, time))]).is_ok()
}

/// What a receiver in another world was given: it knows nothing of power failures here.
#[derive(Default)]
struct Receiver {
    lines: BTreeMap<u64, Vec<u8>>,
    missed: BTreeSet<u64>,
}

impl Receiver {
    /// Takes what is due, and says how far it came. What is given again is what was given before.
    fn take(&mut self, reader: &mut TrailReader) -> u64 {
        loop {
            let mut batch = Batch::default();
            let before = reader.next();
            let filled = reader.fill(&mut batch);
            let mut due = reader.next() - batch.len() as u64;
            self.missed.extend(before..due);
            for entry in batch.entries() {
                assert_eq!(entry.seq(), due);
                due += 1;
                let before = self.lines.insert(entry.seq(), entry.line().to_vec());
                assert!(before.is_none_or(|before| before == entry.line()), "{due}");
            }
            if batch.is_empty() || filled.is_err() {
                return due;
            }
        }
    }
}

/// The numbers that the disk was not known to have.
fn doubts(sink: &mut FileSink) -> Vec<(u64, u64)> {
    let doubt = |event: FileEvent| match event {
        FileEvent::Unconfirmed { first, last } => Some((first, last)),
        _ => None,
    };
    sink.take_events().into_iter().filter_map(doubt).collect()
}

/// Every number was given or told missing, and what was given is what stands there.
fn compare(seed: u64, end: u64, (receiver, late): (&Receiver, &Receiver), unconfirmed: &[(u64, u64)]) {
    for seq in 0..end {
        let (given, there) = (receiver.lines.get(&seq), late.lines.get(&seq));
        assert!(
            given.is_some() || receiver.missed.contains(&seq),
            "seed {seed}: {seq} left out"
        );
        let in_doubt = unconfirmed
            .iter()
            .any(|(first, last)| (first..=last).contains(&&seq));
        assert!(
            in_doubt || (given.is_some() && given == there),
            "seed {seed}: {seq}"
        );
    }
}

#[test]
fn what_a_follower_was_given_still_stands_there_after_a_power_failure_and_nothing_is_left_out_by_it() {
    let mut crashes = 0;
    for seed in 0..60 {
        let fs = MemFs::default();
        let mut dice = Dice(seed);
        let mut sink = open(&fs);
        let mut swift = follow(&mut sink, "swift");
        let mut receiver = Receiver::default();
        let mut unconfirmed = Vec::new();
        let mut life = 0;
        for _ in 0..250 {
            match dice.below(24) {
                0..12 => drop(put_in(&mut sink, life)),
                12..14 => drop(sink.flush()),
                14 => drop(sink.rotate()),
                15 => fs.fail(dice.below(6), 1 + dice.below(3), Fault::Sync),
                16 => fs.fail(dice.below(6), 1 + dice.below(3), Fault::Short),
                17..19 => fs.heal(),
                19 => {
                    drop((sink, swift.hold, swift.reader));
                    fs.crash();
                    (crashes, life) = (crashes + 1, life + 1);
                    sink = open(&fs);
                    unconfirmed.extend(sink.opened().missing);
                    let taken = receiver.lines.last_key_value().map_or(0, |(seq, _)| seq + 1);
                    assert!(sink.next_seq() >= taken, "seed {seed}: a number is used again");
                    swift = follow(&mut sink, "swift");
                    let missed = receiver.missed.last().map_or(0, |seq| seq + 1);
                    assert!(
                        swift.reader.next() <= taken.max(missed),
                        "seed {seed}: a cursor behind its entries"
                    );
                }
                _ => {
                    let next = receiver.take(&mut swift.reader);
                    let cursor = swift.cursor.as_mut().unwrap();
                    let _ = match next % 3 {
                        0 => cursor.write(next),
                        _ => cursor.step(next),
                    };
                }
            }
            unconfirmed.extend(doubts(&mut sink));
            sink.publish();
        }
        fs.heal();
        while sink.flush().is_err() {}
        let end = sink.publish();
        receiver.take(&mut swift.reader);
        let mut late = Receiver::default();
        assert_eq!(late.take(&mut follow(&mut sink, "late").reader), end);
        compare(seed, end, (&receiver, &late), &unconfirmed);
    }
    assert!(crashes > 300, "{crashes}");
}

//! Readers behind a writer whose disk fails, whose segments are taken away and whose power failed: each entry once, in order.

use std::path::Path;

use super::fault_tests::{HOME, builder, line, open, time_of};
use super::follow::TrailReader;
use super::fs::{Access, Fs as _};
use super::memfs::{Fault, MemFs};
use super::*;
use crate::format::{Batch, SegmentName};
use crate::sink::file::retain::Unshipped;

const ACCESS: Access = Access {
    mode: 0o600,
    group: None,
};

/// Takes what the reader gives, and checks that each entry is the one that is due.
struct Taker {
    reader: TrailReader,
    due: u64,
    missed: Vec<u64>,
    /// How many of the missed ones the reader told of.
    told: u64,
    given: u64,
}

impl Taker {
    fn new(reader: TrailReader) -> Self {
        let due = reader.next();
        Self {
            reader,
            due,
            missed: Vec::new(),
            told: 0,
            given: 0,
        }
    }

    /// Reads on, as far as there is something and no call fails.
    fn take(&mut self) {
        loop {
            let before = self.due;
            let mut batch = Batch::default();
            let filled = self.reader.fill(&mut batch);
            let first = self.reader.next() - batch.len() as u64;
            self.missed.extend(self.due..first);
            self.due = first;
            for entry in batch.entries() {
                assert_eq!(entry.seq(), self.due);
                let is_lost = super::fault_tests::is_gap(entry.line());
                if !is_lost {
                    assert_eq!(entry.observed_at(), time_of(entry.seq()));
                    assert_eq!(entry.line(), line(entry.seq(), time_of(entry.seq())));
                }
                self.due += 1;
                self.given += 1;
            }
            assert_eq!(self.due, self.reader.next());
            // After an error what is missing is told later.
            let Ok(missing) = filled else { return };
            self.told += missing;
            assert_eq!(self.told, self.missed.len() as u64);
            if self.due == before {
                return;
            }
        }
    }
}

fn put(sink: &mut FileSink) -> bool {
    let seq = sink.next_seq();
    let bytes = line(seq, time_of(seq));
    sink.deliver(&[Entry::new(seq, time_of(seq), &bytes)]).is_ok()
}

pub(super) fn follow(sink: &mut FileSink, name: &str) -> Following {
    sink.follow(name, Begin::Oldest).unwrap().0
}

/// As many lines as go into `segments` segments, confirmed.
fn fill(sink: &mut FileSink, segments: u64) -> Vec<SegmentName> {
    let mut names = Vec::new();
    for _ in 0..segments {
        for _ in 0..5 {
            assert!(put(sink));
        }
        names.push(sink.rotate().unwrap().closed.unwrap());
    }
    assert!(put(sink));
    sink.flush().unwrap();
    sink.publish();
    names
}

#[test]
fn nothing_is_read_that_the_disk_has_not_confirmed() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    let mut taker = Taker::new(follow(&mut sink, "one").reader);
    for round in 0..100 {
        assert!(put(&mut sink));
        sink.publish();
        taker.take();
        assert_eq!(taker.due, round, "written, and not confirmed");
        sink.flush().unwrap();
        assert_eq!(sink.publish(), round + 1);
        taker.take();
        assert_eq!(taker.due, round + 1);
    }
    assert!(taker.missed.is_empty());
}

/// Numbers that look random, the same for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn through_rolls_failed_writes_and_failed_syncs_with_copies_each_entry_is_given_once_in_order() {
    let (mut copies, mut doubts) = (0, 0);
    for seed in 0..80 {
        let fs = MemFs::default();
        let mut dice = Dice(seed);
        let mut sink = open(&fs);
        let mut takers = vec![Taker::new(follow(&mut sink, "swift").reader)];
        let mut unconfirmed = Vec::new();
        for _ in 0..250 {
            match dice.below(12) {
                0..6 => drop(put(&mut sink)),
                6 => drop(sink.flush()),
                7 => drop(sink.rotate()),
                8 => {
                    let faults = [Fault::Sync, Fault::Zeros, Fault::Short, Fault::Eio, Fault::Enospc];
                    let fault = faults[dice.below(5) as usize];
                    fs.fail(dice.below(6), 1 + dice.below(3), fault);
                }
                9 => fs.heal(),
                _ => takers[0].take(),
            }
            let events = sink.take_events();
            copies += events
                .iter()
                .filter(|event| matches!(event, FileEvent::Rolled { copied: Some(_), .. }))
                .count();
            unconfirmed.extend(events.iter().filter_map(|event| match event {
                FileEvent::Unconfirmed { first, last } => Some(*first..=*last),
                _ => None,
            }));
            sink.publish();
        }
        fs.heal();
        // The first try can be told of what went wrong before.
        while sink.flush().is_err() {}
        unconfirmed.extend(sink.take_events().iter().filter_map(|event| match event {
            FileEvent::Unconfirmed { first, last } => Some(*first..=*last),
            _ => None,
        }));
        let end = sink.publish();
        assert_eq!(end, sink.next_seq());
        // And one that begins behind all of it.
        takers.push(Taker::new(follow(&mut sink, "late").reader));
        for taker in &mut takers {
            taker.take();
            assert_eq!(taker.due, end, "seed {seed}");
            assert_eq!(taker.given + taker.missed.len() as u64, end, "seed {seed}");
            assert!(taker.missed.is_empty(), "seed {seed}: {:?}", taker.missed);
        }
        doubts += unconfirmed.len();
    }
    assert!(copies > 50, "{copies}");
    assert!(
        doubts > 0,
        "zeros took lines that nobody could copy: gap records have their numbers"
    );
}

fn segment(first: u64) -> PathBuf {
    let date = jiff::civil::date(2026, 11, 21);
    Path::new(HOME).join(SegmentName::new(date, first).to_string())
}

fn bytes_of(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for seq in numbers {
        bytes.extend_from_slice(&line(seq, time_of(seq)));
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn lines_that_a_power_failure_left_behind_a_hole_are_stepped_over_and_their_numbers_come_from_the_next_segment()
 {
    let fs = MemFs::default();
    fs.create_dir(Path::new(HOME), ACCESS).unwrap();
    let mut first = bytes_of(0..10);
    first.extend_from_slice(&[0; 4096]);
    // What survived behind the hole has the numbers that the next run gave to its own records.
    for seq in 12..20 {
        first.extend_from_slice(&line(seq, time_of(seq + 1_000)));
        first.push(b'\n');
    }
    first.extend_from_slice(b"{\"torn");
    fs.put(&segment(0), &first);
    fs.put(&segment(10), &bytes_of(10..25));
    let mut sink = open(&fs);
    assert_eq!(sink.next_seq(), 25);
    let mut taker = Taker::new(follow(&mut sink, "one").reader);
    taker.take();
    assert_eq!((taker.due, taker.given), (25, 25));
    // Also for one that stopped in the middle of them.
    let mut sink_two = follow(&mut sink, "two");
    sink_two.cursor.as_mut().unwrap().write(13).unwrap();
    sink_two = follow(&mut sink, "two");
    let mut taker = Taker::new(sink_two.reader);
    taker.take();
    assert_eq!((taker.due, taker.given), (25, 12));
}

#[test]
fn where_the_next_run_went_on_in_the_same_file_what_lies_behind_the_hole_is_stepped_over() {
    let fs = MemFs::default();
    fs.create_dir(Path::new(HOME), ACCESS).unwrap();
    fs.put(&segment(0), &bytes_of(0..10));
    // Its first line is lost, so that the next run had the same number for its segment.
    let mut second = vec![0; 4096];
    for seq in 11..20 {
        second.extend_from_slice(&line(seq, time_of(seq + 1_000)));
        second.push(b'\n');
    }
    second.push(b'\n');
    second.extend_from_slice(&bytes_of(10..14));
    fs.put(&segment(10), &second);
    let mut sink = open(&fs);
    let mut taker = Taker::new(follow(&mut sink, "one").reader);
    taker.take();
    assert_eq!((taker.due, taker.given), (14, 14));
}

#[test]
fn of_two_segments_with_one_number_the_earlier_one_is_dead_whatever_a_power_failure_left_in_it() {
    let fs = MemFs::default();
    fs.create_dir(Path::new(HOME), ACCESS).unwrap();
    fs.put(&segment(0), &bytes_of(0..10));
    // Its lines were not confirmed, and their copies in the next segment were lost: the next run gave their numbers anew.
    let mut dead = Vec::new();
    for seq in 10..20 {
        dead.extend_from_slice(&line(seq, time_of(seq + 1_000)));
        dead.push(b'\n');
    }
    fs.put(&segment(10), &dead);
    let later = SegmentName::new(jiff::civil::date(2026, 11, 22), 10);
    fs.put(&Path::new(HOME).join(later.to_string()), &bytes_of(10..14));
    let mut sink = open(&fs);
    assert_eq!(sink.next_seq(), 14);
    let mut taker = Taker::new(follow(&mut sink, "one").reader);
    taker.take();
    assert_eq!((taker.due, taker.given), (14, 14));
}

#[test]
fn lines_that_were_lost_in_the_middle_are_taken_from_their_copies_in_the_next_segment() {
    let fs = MemFs::default();
    fs.create_dir(Path::new(HOME), ACCESS).unwrap();
    let mut first = bytes_of(0..10);
    first.extend_from_slice(&[0; 100]);
    first.push(b'\n');
    first.extend_from_slice(&bytes_of(13..20));
    fs.put(&segment(0), &first);
    // A copy that was cut short, and the whole one behind it.
    let mut second = bytes_of(8..11);
    second.extend_from_slice(b"{\"cut\n\n");
    second.extend_from_slice(&bytes_of(8..30));
    fs.put(&segment(8), &second);
    let mut sink = open(&fs);
    let mut taker = Taker::new(follow(&mut sink, "one").reader);
    taker.take();
    assert_eq!((taker.due, taker.given), (30, 30));
}

#[test]
fn an_entry_that_cannot_be_found_is_waited_for_and_taken_from_where_the_writer_saves_it() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    let mut taker = Taker::new(follow(&mut sink, "one").reader);
    fill(&mut sink, 1);
    for seq in 6..9 {
        assert!(put(&mut sink), "{seq}");
    }
    sink.flush().unwrap();
    sink.publish();
    let open = Path::new(HOME).join(sink.segment().unwrap().to_string());
    let bytes = fs.get(&open);
    fs.put(&open, &bytes[..bytes.len() / 4]);
    taker.take();
    assert_eq!((taker.due, taker.told), (6, 0));
    assert!(taker.reader.is_lost());
    // The writer finds its segment replaced, and saves what the descriptor still has into another one.
    assert!(put(&mut sink));
    sink.flush().unwrap();
    sink.publish();
    taker.take();
    assert_eq!((taker.due, taker.given), (10, 10));
    assert!(!taker.reader.is_lost());
}

#[test]
fn a_segment_that_was_taken_away_is_read_to_its_end_by_who_has_it_open_and_counted_by_who_has_not() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    let mut there = Taker::new(follow(&mut sink, "there").reader);
    let mut late = Taker::new(follow(&mut sink, "late").reader);
    assert!(put(&mut sink));
    sink.flush().unwrap();
    sink.publish();
    there.take();
    let names = fill(&mut sink, 3);
    for name in &names[..2] {
        fs.remove(&Path::new(HOME).join(name.to_string())).unwrap();
    }
    there.take();
    late.take();
    // The first had six lines; who has it open loses only the second.
    assert_eq!(there.missed, (6..11).collect::<Vec<u64>>());
    assert_eq!(late.missed, (0..11).collect::<Vec<u64>>());
    assert_eq!((there.due, late.due), (17, 17));
    there.take();
    assert_eq!(there.missed.len(), 5, "counted once");
}

#[test]
fn a_follower_goes_on_at_its_cursor_and_one_without_begins_where_it_is_told_to() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    fill(&mut sink, 2);
    let one = follow(&mut sink, "one");
    assert_eq!(one.reader.next(), 0);
    one.cursor.unwrap().write(7).unwrap();
    assert_eq!(follow(&mut sink, "one").reader.next(), 7);
    assert_eq!(sink.follow("one", Begin::Resume).unwrap().0.reader.next(), 7);
    assert_eq!(sink.follow("two", Begin::Resume).unwrap().0.reader.next(), 11);
    let (now, _) = sink.follow("one", Begin::Now).unwrap();
    assert_eq!(now.reader.next(), 11);
    assert!(now.cursor.is_none(), "what keeps nothing has no cursor");
}

#[test]
fn a_cursor_that_cannot_be_right_is_said_and_skips_nothing() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    fill(&mut sink, 1);
    let path = Path::new(HOME).join("cursors/one");
    follow(&mut sink, "one").cursor.unwrap().write(99).unwrap();
    let (following, told) = sink.follow("one", Begin::Oldest).unwrap();
    assert_eq!(
        following.reader.next(),
        6,
        "numbers up to 99 will be given to other records"
    );
    assert!(told.unwrap().contains("older copy"));
    fs.put(&path, b"{\"next\":");
    let (following, told) = sink.follow("one", Begin::Resume).unwrap();
    assert_eq!(following.reader.next(), 0, "rather twice than never");
    assert!(told.unwrap().contains("cannot be read"));
}

#[test]
fn retention_leaves_what_a_follower_has_not_passed_whether_it_runs_or_not_and_says_so_once() {
    let fs = MemFs::default();
    let mut sink = builder(&fs).keep_segments(1).open().unwrap();
    let mut slow = follow(&mut sink, "slow");
    follow(&mut sink, "swift").cursor.unwrap().write(100).unwrap();
    let names = fill(&mut sink, 4);
    let held = |event: &FileEvent| match event {
        FileEvent::Held {
            segment,
            sinks,
            cause,
        } => Some((*segment, sinks.clone(), *cause)),
        _ => None,
    };
    let told: Vec<_> = sink.take_events().iter().filter_map(held).collect();
    assert_eq!(told, [(names[0], vec!["slow".to_owned()], RemoveCause::Count)]);
    // It does not run any more; its cursor speaks for it.
    drop((sink, slow.reader));
    drop(slow.hold);
    let mut sink = builder(&fs).keep_segments(1).open().unwrap();
    sink.cleanup().unwrap();
    assert_eq!(sink.cleanup().unwrap().kept, 5);
    let told: Vec<_> = sink.take_events().iter().filter_map(held).collect();
    assert_eq!(told.len(), 1);
    slow.cursor.as_mut().unwrap().write(names[2].first_seq).unwrap();
    assert_eq!(sink.cleanup().unwrap().removed, names[..2]);
    slow.cursor.as_mut().unwrap().write(100).unwrap();
    assert_eq!(sink.cleanup().unwrap().removed, names[2..]);
}

#[test]
fn where_retention_drops_the_unshipped_a_cursor_that_nobody_runs_is_moved_on_and_the_count_told_once() {
    let fs = MemFs::default();
    let of = |sink: &mut FileSink| -> Vec<(String, u64)> {
        let lost = |event| match event {
            FileEvent::NotShipped { sink, lost } => Some((sink, lost)),
            _ => None,
        };
        sink.take_events().into_iter().filter_map(lost).collect()
    };
    let mut sink = builder(&fs).open().unwrap();
    let away = follow(&mut sink, "away");
    away.cursor.unwrap().write(2).unwrap();
    drop((away.hold, away.reader));
    fill(&mut sink, 3);
    drop(sink);
    let dropping = || builder(&fs).keep_segments(1).unshipped(Unshipped::Drop);
    let mut sink = dropping().open().unwrap();
    let mut runs = Taker::new(follow(&mut sink, "runs").reader);
    // The power can fail between the removal and the move of the cursor.
    fs.fail(4, 1 << 40, Fault::Eio);
    let _ = sink.cleanup();
    fs.heal();
    sink.cleanup().unwrap();
    assert_eq!(of(&mut sink), [("away".to_owned(), 13)]);
    sink.cleanup().unwrap();
    assert!(of(&mut sink).is_empty());
    runs.take();
    assert_eq!(
        runs.missed,
        (0..15).collect::<Vec<u64>>(),
        "one that runs sees for itself"
    );
    assert_eq!(follow(&mut sink, "away").reader.next(), 15);
}

#[test]
fn the_lock_is_held_as_long_as_a_follower_may_write_its_cursor() {
    let fs = MemFs::default();
    let mut sink = open(&fs);
    let follower = follow(&mut sink, "one");
    drop(sink);
    let error = builder(&fs).open().unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Locked);
    drop(follower);
    builder(&fs).open().unwrap();
}

#[test]
fn a_removal_is_told_as_done_where_a_cursor_cannot_follow_it_and_the_next_clean_up_moves_that() {
    let fs = MemFs::default();
    let mut sink = builder(&fs).open().unwrap();
    let away = follow(&mut sink, "away");
    away.cursor.unwrap().write(2).unwrap();
    drop((away.hold, away.reader));
    fill(&mut sink, 3);
    drop(sink);
    let mut sink = builder(&fs)
        .keep_segments(1)
        .unshipped(Unshipped::Drop)
        .open()
        .unwrap();
    fs.block(&Path::new(HOME).join("cursors/.away"));
    let cleaned = sink.cleanup().unwrap();
    assert_eq!((cleaned.removed.len(), cleaned.kept), (3, 1));
    let events = sink.take_events();
    let is_removed =
        |event: &FileEvent| matches!(event, FileEvent::Removed { segments, .. } if segments.len() == 3);
    assert!(events.iter().any(is_removed), "{events:?}");
    let stays =
        |event: &FileEvent| matches!(event, FileEvent::RemainsStay { cause } if cause.contains("cursor"));
    assert!(events.iter().any(stays), "{events:?}");
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, FileEvent::NotRemoved { .. }))
    );
    fs.unblock();
    sink.cleanup().unwrap();
    let lost = |event: &FileEvent| matches!(event, FileEvent::NotShipped { lost: 13, .. });
    assert!(sink.take_events().iter().any(lost));
}

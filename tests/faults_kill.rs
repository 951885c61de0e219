//! A process that is killed while four threads write, at any time and at named calls of the kernel, and one whose calls
//! fail: what was acknowledged over a pipe is in the trail, once, without a hole.
//!
//! Usually 200 kills, with `TRACING_AUDIT_FULL` 3,000.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/faults.rs"]
mod faults;
#[path = "support/torture.rs"]
mod torture;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use child::{directory, in_directory};
use faults::{Dice, When, Writing, has, rounds, survives, traced, write};
use torture::scenario;

/// Starts a child that writes for ever and kills it after so many milliseconds, from its start on or from its first
/// acknowledgement on.
fn killed(test: &str, is_young: bool, milliseconds: u64, when: When) -> Result<usize, String> {
    let place = tempfile::tempdir().expect("there is room for a directory");
    let writing = Writing::start(in_directory(test, "write", place.path()));
    if !is_young {
        writing.until_it_writes();
    }
    std::thread::sleep(Duration::from_millis(milliseconds));
    let acknowledged = writing.kill();
    survives(place.path(), &acknowledged, when)
        .map_err(|why| format!("killed after {milliseconds} ms: {why}"))?;
    Ok(acknowledged.len())
}

/// T003-33.
#[test]
fn a_kill_at_any_time_takes_nothing_that_was_acknowledged() {
    let test = "a_kill_at_any_time_takes_nothing_that_was_acknowledged";
    if scenario().is_some() {
        return write(&directory(), When::Durable, None);
    }
    let mut dice = Dice(20_261_121);
    let mut acknowledged = 0;
    let kills = rounds(2_700, 172, 20);
    for kill in 0..kills {
        let found = killed(test, kill % 4 == 0, dice.below(300), When::Durable);
        acknowledged += found.unwrap_or_else(|why| panic!("{why}"));
    }
    println!("{kills} kills, {acknowledged} records acknowledged, none lost");
    assert!(
        acknowledged > kills,
        "the children hardly wrote: {acknowledged} records"
    );
}

#[test]
fn a_kill_finds_an_acknowledgement_before_the_write() {
    let test = "a_kill_finds_an_acknowledgement_before_the_write";
    if scenario().is_some() {
        return write(&directory(), When::Before, None);
    }
    let mut dice = Dice(7);
    let found = (0..40).find_map(|_| killed(test, false, dice.below(250), When::Before).err());
    let why = found.expect("the lane does not see an acknowledgement that comes too early");
    assert!(why.contains("was acknowledged and is lost"), "{why}");
}

/// The calls of the commit path, in its order, each with numbers at which it is the last thing that a process does.
const POINTS: &[(&str, &[u32])] = &[
    ("flock", &[1]),
    ("mkdir", &[1, 2]),
    ("openat", &[2, 4, 6, 8]),
    ("write", &[1, 2, 3, 5, 9, 30]),
    ("fdatasync", &[1, 2, 3, 5, 8, 13, 21]),
    ("fsync", &[1, 2, 3]),
    ("statx", &[1, 2, 3, 5, 40]),
];

#[test]
#[cfg(target_os = "linux")]
fn a_kill_at_each_call_of_the_commit_path_takes_nothing_that_was_acknowledged() {
    let test = "a_kill_at_each_call_of_the_commit_path_takes_nothing_that_was_acknowledged";
    if scenario().is_some() {
        return write(&directory(), When::Durable, Some(40));
    }
    if !has("strace", "kills at named calls of the kernel") {
        return;
    }
    let (mut tries, mut kills) = (0, 0);
    for round in 0..rounds(12, 1, 1) as u32 {
        for (call, numbers) in POINTS {
            for number in *numbers {
                let number = number + round;
                let place = tempfile::tempdir().expect("there is room for a directory");
                let inject = format!("inject={call}:signal=KILL:when={number}");
                let command = in_directory(test, "write", place.path());
                let command = traced(&command, &["-e", &format!("trace={call}"), "-e", &inject]);
                let acknowledged = Writing::start(command).end();
                if let Err(why) = survives(place.path(), &acknowledged, When::Durable) {
                    panic!("{inject}: {why}");
                }
                tries += 1;
                // Who was not killed in time came to the end.
                kills += usize::from(acknowledged.len() < 160);
            }
        }
    }
    println!("{kills} kills at named calls in {tries} tries, nothing lost");
    assert!(
        kills * 2 > tries,
        "most calls are never made: {kills} kills in {tries} tries"
    );
}

/// A call on the first segment fails, with an error that a disk or a limit gives.
#[cfg(target_os = "linux")]
const ERRORS: &[(&str, &str, &str)] = &[
    ("write", "error=EIO", "1"),
    ("write", "error=ENOSPC", "2..4"),
    ("write", "error=EDQUOT", "3"),
    ("write", "error=EINTR", "2..5"),
    ("write", "error=EROFS", "4"),
    ("fdatasync", "error=EIO", "1"),
    ("fdatasync", "error=EIO", "3"),
    ("fdatasync", "error=ENOSPC", "2..3"),
    ("fdatasync", "error=EDQUOT", "4"),
    ("openat", "error=EMFILE", "1"),
    ("openat", "error=EACCES", "1"),
    ("openat", "error=ENOSPC", "1"),
    ("statx", "error=EIO", "3"),
];

/// The name of the segment that a new trail begins with today.
fn first_segment(directory: &Path) -> String {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let name = tracing_audit::format::SegmentName::new(today, 0).to_string();
    directory.join("main").join(name).display().to_string()
}

#[test]
#[cfg(target_os = "linux")]
fn a_call_that_fails_under_the_real_writer_takes_nothing_that_was_acknowledged() {
    let test = "a_call_that_fails_under_the_real_writer_takes_nothing_that_was_acknowledged";
    if scenario().is_some() {
        return write(&directory(), When::Durable, Some(25));
    }
    if !has("strace", "calls of the kernel that fail under the real writer") {
        return;
    }
    for (call, error, number) in ERRORS {
        let place = tempfile::tempdir().expect("there is room for a directory");
        let inject = format!("inject={call}:{error}:when={number}");
        let command: Command = in_directory(test, "write", place.path());
        let (trace, segment) = (format!("trace={call}"), first_segment(place.path()));
        let command = traced(&command, &["-P", &segment, "-e", &trace, "-e", &inject]);
        let acknowledged = Writing::start(command).end();
        assert_eq!(
            acknowledged.len(),
            100,
            "{inject}: every record is acknowledged in the end"
        );
        if let Err(why) = survives(place.path(), &acknowledged, When::Durable) {
            panic!("{inject}: {why}");
        }
    }
}

//! A process that is killed while retention removes segments, at the named calls around the removal: what is gone from the
//! trail is what a sealed record of it says, and the next start goes on with the removal.

#![cfg(target_os = "linux")]

#[path = "support/child.rs"]
mod child;
#[path = "support/faults.rs"]
mod faults;
#[path = "support/torture.rs"]
mod torture;

use std::path::Path;
use std::time::Duration;

use child::{directory, in_directory};
use faults::{Writing, has, rounds, traced};
use torture::scenario;
use tracing_audit::format::segments;
use tracing_audit::record::Record;
use tracing_audit::verify::{Options, Outcome, verify};
use tracing_audit::{Audit, AuditBuilder};

/// So many segments are kept.
const KEPT: u64 = 2;

fn builder(directory: &Path) -> AuditBuilder {
    let builder = Audit::builder().directory(directory).keep_segments(KEPT);
    builder.diagnostics(|_| {})
}

/// The child's side: segments of a few records, so that each new one makes others due; then all that is left is looked at.
fn prune(directory: &Path) {
    let audit = builder(directory).start().expect("it starts");
    for n in 0..12 {
        let record = Record::builder("retention.step").actor("user", "u");
        audit
            .emit(record.attribute("n", n).build())
            .expect("it is written");
        audit.rotate().expect("it rolls");
        if n % 4 == 3 {
            audit.cleanup().expect("it cleans up");
        }
    }
    audit.shutdown(Duration::from_secs(20)).expect("the disk works");
    println!("acknowledged 0 0 0");
}

/// Nothing is gone that a sealed record does not name, before a start and behind it; gives how many segments there were.
fn is_as_stated(directory: &Path) -> Result<usize, String> {
    let seen = |when: &str| -> Result<usize, String> {
        let report = verify(directory, &Options::new()).map_err(|error| format!("{when}: {error}"))?;
        // Killed before its first checkpoint, a trail is not sealed.
        if report.outcome() == Outcome::Tampered {
            return Err(format!("{when}: {:?}", report.streams));
        }
        let there = segments(&directory.join("main")).map_err(|error| error.to_string())?;
        Ok(there.len())
    };
    if !directory.join("main").is_dir() {
        return Ok(0);
    }
    let left = seen("as it was left")?;
    let audit = builder(directory).start().map_err(|error| error.to_string())?;
    audit
        .flush(torture::PATIENCE)
        .map_err(|error| error.to_string())?;
    seen("behind the start")?;
    audit.cleanup().map_err(|error| error.to_string())?;
    let kept = seen("behind a clean-up")?;
    if kept as u64 > KEPT {
        return Err(format!("{kept} segments are left"));
    }
    audit
        .shutdown(torture::PATIENCE)
        .map_err(|error| error.to_string())?;
    seen("behind the end")?;
    Ok(left)
}

/// The calls around a removal, each with a number of times that it is made: `rename` puts what stays of the tree and each
/// checkpoint in its place, `unlink` takes segments and tiles away, `fsync` and `fdatasync` make it safe.
const POINTS: [(&str, u32); 4] = [("unlink", 40), ("rename", 40), ("fsync", 24), ("fdatasync", 24)];

#[test]
fn a_kill_at_each_call_around_a_removal_leaves_what_the_trail_says_is_gone() {
    let test = "a_kill_at_each_call_around_a_removal_leaves_what_the_trail_says_is_gone";
    if scenario().is_some() {
        return prune(&directory());
    }
    if !has("strace", "kills around the removal of segments") {
        return;
    }
    let (mut tries, mut kills, mut amid) = (0, 0, 0);
    let step = rounds(1, 4, 13) as u32;
    for (call, most) in POINTS {
        for number in (1..=most).step_by(step as usize) {
            let place = tempfile::tempdir().expect("there is room for a directory");
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let command = in_directory(test, "prune", place.path());
            let command = traced(&command, &["-e", &format!("trace={call}"), "-e", &inject]);
            let said = Writing::start(command).end();
            let left = is_as_stated(place.path()).unwrap_or_else(|why| panic!("{inject}: {why}"));
            tries += 1;
            kills += usize::from(said.is_empty());
            amid += usize::from(said.is_empty() && left as u64 > KEPT);
        }
    }
    println!("{kills} kills in {tries} tries, {amid} of them with segments left that were due");
    assert!(
        kills * 2 > tries,
        "most calls are never made: {kills} kills in {tries}"
    );
    assert!(amid > 0, "no kill came before a removal");
}

#[test]
fn a_trail_whose_oldest_segments_went_many_times_verifies() {
    let place = tempfile::tempdir().expect("there is room for a directory");
    prune(place.path());
    assert_eq!(is_as_stated(place.path()), Ok(2));
    let report = verify(place.path(), &Options::new()).expect("it is readable");
    assert_eq!(report.outcome(), Outcome::Verified, "{:?}", report.streams);
    assert!(report.streams[0].removed > 0);
}

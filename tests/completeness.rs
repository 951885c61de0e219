//! The verdict on a window: each kind of loss, planted, keeps it from being complete; and what is whole is complete.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use tracing_audit::clock::ManualClock;
use tracing_audit::config::{Mode, Part};
use tracing_audit::record::Record;
use tracing_audit::store::{Completeness, DirStore, Doubt, Verdict, Window, completeness};
use tracing_audit::{Audit, AuditBuilder, AuditedExt as _};

const LONG: Duration = Duration::from_secs(30);
const SECOND: u64 = 1_000_000_000;
const NOON: u64 = 1_795_262_400 * SECOND;

/// A trail whose clock stands still between its steps.
struct Past {
    place: TempDir,
    clock: ManualClock,
}

/// Seconds behind noon.
fn at(second: u64) -> u64 {
    NOON + second * SECOND
}

fn between(from: u64, until: u64) -> Window {
    Window {
        from: at(from),
        until: at(until),
    }
}

impl Past {
    fn new() -> Self {
        Self {
            place: tempfile::tempdir().unwrap(),
            clock: ManualClock::new(NOON),
        }
    }

    fn start(&self, configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Audit {
        let builder = Audit::builder()
            .directory(self.place.path())
            .clock(self.clock.clone());
        // A killed process is one whose last lines are cut off: under a seal nobody could go on behind that.
        let builder = builder.sealed(false);
        let builder = builder.keep_days(0).disk_warn_percent(0).disk_critical_percent(0);
        let audit = configure(builder.diagnostics(|_| {})).start().unwrap();
        // The note of the start has its time before the clock moves on.
        audit.flush(LONG).unwrap();
        audit
    }

    /// One run of the application, to its end.
    fn run(&self, run: impl FnOnce(&Audit)) {
        let audit = self.start(|audit| audit);
        run(&audit);
        audit.shutdown(LONG).unwrap();
    }

    /// A record at each of these seconds.
    fn records(&self, audit: &Audit, seconds: impl IntoIterator<Item = u64>) {
        for second in seconds {
            self.clock.set(at(second));
            audit
                .emit(Record::builder("load.step").actor("user", "u-1").build())
                .unwrap();
        }
    }

    fn verdict(&self, window: Window) -> Verdict {
        completeness(&DirStore::open(self.place.path()).unwrap(), window).unwrap()
    }

    #[track_caller]
    fn is_complete(&self, window: Window) {
        let verdict = self.verdict(window);
        assert_eq!(verdict.completeness(), Completeness::Complete, "{verdict}");
        assert_eq!(verdict.to_string(), "complete");
    }

    #[track_caller]
    fn unknown(&self, window: Window, is: impl Fn(&Doubt) -> bool) {
        let verdict = self.verdict(window);
        assert_eq!(verdict.completeness(), Completeness::Unknown, "{verdict}");
        assert!(verdict.doubts.iter().any(is), "{verdict}");
    }

    fn segments(&self) -> Vec<PathBuf> {
        segments(&self.place.path().join("main"))
    }

    /// Changes the lines of all segments, as if they stood in the first one.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<String>)) {
        let segments = self.segments();
        let text: String = segments
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        segments
            .iter()
            .skip(1)
            .for_each(|path| std::fs::remove_file(path).unwrap());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&segments[0], text).unwrap();
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    paths
}

fn lose(audit: &Audit, category: &'static str) {
    let dispatch = tracing_core::Dispatch::new(tracing_subscriber::registry().audited(audit));
    tracing_core::dispatcher::with_default(&dispatch, || match category {
        "billing" => tracing::info!(target: "audit::billing", "nobody is named"),
        _ => tracing::info!(target: "audit::keys", "nobody is named"),
    });
    audit.flush(LONG).unwrap();
}

#[test]
fn a_trail_of_whole_runs_is_complete_and_so_is_every_window_in_it() {
    let past = Past::new();
    past.run(|audit| {
        past.records(audit, 1..=3);
        audit.rotate().unwrap();
        audit
            .begin(Record::builder("billing.transfer").actor("user", "u-1").build())
            .unwrap()
            .success()
            .unwrap();
        audit.pause_part(Part::All, "nothing happens meanwhile").unwrap();
        audit.resume().unwrap();
        past.records(audit, 4..=6);
    });
    past.run(|audit| past.records(audit, 10..=12));
    past.is_complete(Window::ALL);
    for from in 1..12 {
        for until in from + 1..14 {
            past.is_complete(between(from, until));
        }
    }
    past.is_complete(Window::NONE);
}

#[test]
fn what_a_gap_counts_is_lost_in_its_window_by_cause_and_category_and_in_no_other() {
    let past = Past::new();
    let audit = past.start(|audit| audit.require_actor(true));
    past.records(&audit, 1..=4);
    past.clock.set(at(5));
    (0..3).for_each(|_| lose(&audit, "billing"));
    lose(&audit, "keys");
    past.records(&audit, 6..=9);
    audit.shutdown(LONG).unwrap();
    let verdict = past.verdict(Window::ALL);
    assert_eq!((verdict.completeness(), verdict.lost()), (Completeness::Lossy, 4));
    let rows: Vec<_> = verdict
        .losses
        .iter()
        .map(|lost| (&*lost.cause, &*lost.category, lost.records))
        .collect();
    assert_eq!(
        rows,
        [("actor_required", "billing", 3), ("actor_required", "keys", 1)]
    );
    let said = "lossy: lost are 3 (actor_required in billing), 1 (actor_required in keys)";
    assert_eq!(verdict.to_string(), said);
    assert_eq!(past.verdict(between(5, 6)).lost(), 4);
    past.is_complete(between(1, 5));
    past.is_complete(between(6, 9));
    // Capacity came back late: the gap stands behind the window that it is about.
    past.rewrite(|lines| {
        let mark = |line: &mut String| {
            *line = line.replace(
                "12:00:05.000000000Z\",\"outcome",
                "12:00:06.000000000Z\",\"outcome",
            )
        };
        lines
            .iter_mut()
            .filter(|line| line.contains("audit.gap"))
            .for_each(mark);
    });
    assert_eq!(past.verdict(between(4, 6)).lost(), 4);
    past.is_complete(between(1, 5));
}

#[test]
fn a_line_that_is_gone_or_is_no_record_leaves_a_window_unknown_at_its_borders_too() {
    for (first, last) in [(5, 5), (4, 6)] {
        let past = Past::new();
        past.run(|audit| past.records(audit, 1..=9));
        past.rewrite(|lines| {
            lines.drain(first..=last);
        });
        let is_hole = |doubt: &Doubt| matches!(doubt, Doubt::Hole { .. } | Doubt::Finding(_));
        past.unknown(Window::ALL, is_hole);
        // The seconds are those of the lines, for the first one is the note of the start.
        past.unknown(between(1, last as u64 + 2), is_hole);
        past.unknown(between(1, last as u64), is_hole);
        past.unknown(between(first as u64, 9), is_hole);
        past.unknown(between(last as u64 + 1, 9), is_hole);
        past.is_complete(between(1, first as u64 - 1));
        past.is_complete(between(last as u64 + 2, 9));
    }
    let past = Past::new();
    past.run(|audit| past.records(audit, 1..=9));
    past.rewrite(|lines| lines[5].truncate(40));
    past.unknown(Window::ALL, |doubt| matches!(doubt, Doubt::Finding(_)));
    past.is_complete(between(7, 9));
}

/// T003-40.
#[test]
fn a_trail_without_an_end_is_unknown_and_the_next_start_bounds_what_is_missing() {
    let past = Past::new();
    past.run(|audit| past.records(audit, 1..=5));
    past.rewrite(|lines| {
        lines.pop();
    });
    past.unknown(Window::ALL, |doubt| matches!(doubt, Doubt::NoEnd { .. }));
    past.unknown(between(3, 99), |doubt| matches!(doubt, Doubt::NoEnd { .. }));
    past.unknown(between(50, 99), |doubt| matches!(doubt, Doubt::NoEnd { .. }));
    past.is_complete(between(1, 5));
    past.clock.set(at(20));
    past.run(|audit| past.records(audit, 21..=25));
    let is_unclean =
        |doubt: &Doubt| matches!(doubt, Doubt::Unclean { missing_at_most: Some(most), .. } if *most > 8_192);
    past.unknown(Window::ALL, is_unclean);
    past.unknown(between(2, 10), is_unclean);
    past.unknown(between(10, 30), is_unclean);
    past.is_complete(between(1, 5));
    past.is_complete(between(21, 30));
}

#[test]
fn an_intent_without_an_outcome_is_unknown_and_one_with_it_is_not() {
    let past = Past::new();
    let intent = || Record::builder("billing.transfer").actor("user", "u-1").build();
    let mut id = String::new();
    past.run(|audit| {
        past.records(audit, [1]);
        past.clock.set(at(2));
        let pending = audit.begin(intent()).unwrap();
        id = pending.execution_id().unwrap().to_owned();
        past.records(audit, 3..=5);
        pending.success().unwrap();
        past.records(audit, 6..=8);
    });
    past.is_complete(Window::ALL);
    past.is_complete(between(2, 4));
    past.rewrite(|lines| {
        // Killed behind the intent, and started again.
        let intent = lines
            .iter()
            .position(|line| line.contains("\"phase\":\"start\""))
            .unwrap();
        lines.truncate(intent + 1);
    });
    let is_open = |doubt: &Doubt| matches!(doubt, Doubt::NoOutcome { starts: 1, .. });
    past.unknown(Window::ALL, is_open);
    assert!(past.verdict(Window::ALL).without_outcome.contains(&id));
    past.clock.set(at(20));
    past.run(|audit| past.records(audit, 21..=22));
    past.unknown(between(1, 3), is_open);
    assert!(past.verdict(between(21, 22)).without_outcome.is_empty());
    past.is_complete(between(21, 22));
}

#[test]
fn what_a_pause_left_out_is_lost_and_a_pause_without_an_end_is_unknown() {
    let past = Past::new();
    past.run(|audit| {
        past.records(audit, 1..=3);
        audit.pause_part(Part::All, "a test").unwrap();
        past.clock.set(at(5));
        for _ in 0..7 {
            audit
                .submit(Record::builder("load.step").actor("user", "u-1").build())
                .unwrap();
        }
        past.clock.set(at(8));
        audit.resume().unwrap();
        past.records(audit, 9..=11);
    });
    for window in [Window::ALL, between(5, 7), between(3, 4), between(7, 11)] {
        let verdict = past.verdict(window);
        assert_eq!(
            (verdict.completeness(), verdict.lost()),
            (Completeness::Lossy, 7),
            "{verdict}"
        );
        assert_eq!(
            (&*verdict.losses[0].cause, &*verdict.losses[0].category),
            ("paused", "load")
        );
    }
    past.is_complete(between(1, 3));
    past.is_complete(between(9, 11));
    past.rewrite(|lines| {
        let resume = lines
            .iter()
            .position(|line| line.contains("audit.resume"))
            .unwrap();
        lines.truncate(resume);
    });
    past.clock.set(at(20));
    past.run(|audit| past.records(audit, 21..=22));
    past.unknown(between(1, 10), |doubt| matches!(doubt, Doubt::Pause { .. }));
    past.unknown(
        between(5, 6),
        |doubt| matches!(doubt, Doubt::Pause { part, .. } if part == "all"),
    );
    past.is_complete(between(21, 22));
}

/// T003-42.
#[test]
fn what_retention_removed_from_a_window_leaves_it_unknown_and_a_window_behind_it_is_complete() {
    let past = Past::new();
    let audit = past.start(|audit| audit.keep_segments(2).mode(Mode::Bounded));
    for first in [1, 4, 7, 10] {
        past.records(&audit, first..first + 3);
        audit.rotate().unwrap();
    }
    audit.cleanup().unwrap();
    past.records(&audit, [13]);
    audit.shutdown(LONG).unwrap();
    let is_removed = |doubt: &Doubt| matches!(doubt, Doubt::Begins { seq: 1.., removed_by: Some(rule), .. } if rule == "count");
    past.unknown(Window::ALL, is_removed);
    past.unknown(between(1, 12), is_removed);
    past.unknown(between(2, 4), is_removed);
    past.is_complete(between(12, 14));
}

#[test]
fn a_window_that_begins_before_the_trail_is_not_called_complete_unless_it_begins_with_it() {
    let past = Past::new();
    past.run(|audit| past.records(audit, 10..=12));
    past.is_complete(Window::ALL);
    let early = Window {
        from: NOON - SECOND,
        until: at(11),
    };
    past.unknown(early, |doubt| {
        matches!(
            doubt,
            Doubt::Begins {
                seq: 0,
                removed_by: None,
                ..
            }
        )
    });
    past.is_complete(Window {
        from: 0,
        until: at(11),
    });
}

#[test]
fn where_there_is_nothing_nothing_is_complete() {
    let past = Past::new();
    past.unknown(Window::ALL, |doubt| *doubt == Doubt::NoStream);
    past.run(|audit| past.records(audit, 1..=3));
    past.rewrite(Vec::clear);
    past.unknown(Window::ALL, |doubt| matches!(doubt, Doubt::NoEnd { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_planted_loss_is_found_and_what_is_whole_is_complete(
        runs in prop::collection::vec((1_u64..6, any::<bool>()), 1..4),
        place in any::<prop::sample::Index>(),
        plant in 0..4,
    ) {
        let past = Past::new();
        let mut second = 1;
        for (records, rolls) in runs {
            past.clock.set(at(second));
            past.run(|audit| {
                past.records(audit, second..second + records);
                if rolls {
                    audit.rotate().unwrap();
                }
                past.records(audit, [second + records]);
            });
            second += records + 2;
        }
        past.is_complete(Window::ALL);
        let mut is_planted = true;
        past.rewrite(|lines| {
            let at = place.index(lines.len());
            match plant {
                0 => drop(lines.remove(at)),
                1 => lines[at].truncate(20),
                2 => lines.truncate(at),
                // A gap in the place of the record that was lost, as the writer states it.
                _ => lines[at] = as_gap(&lines[at]),
            }
            // What is cut behind the note of an end is only seen by who knows how long the trail was.
            let ends_whole = lines.last().is_some_and(|line| line.contains("audit.close"));
            is_planted = plant == 3 || !ends_whole || (plant < 2 && at < lines.len() - usize::from(plant == 1));
        });
        let verdict = past.verdict(Window::ALL);
        let is_complete = verdict.completeness() == Completeness::Complete;
        prop_assert_eq!(is_complete, !is_planted, "{}", verdict);
    }
}

/// A line of the same number and time that says that a record was lost.
fn as_gap(line: &str) -> String {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["event"] = "audit.gap".into();
    let time = line["observed_at"].clone();
    line["attributes"] =
        serde_json::json!({"cause": "queue_full", "lost": 1, "first_time": time, "last_time": time});
    line.as_object_mut().unwrap().remove("summary");
    line.to_string()
}

//! `cargo xtask campaign`: tests at sizes that are too long for every run, one lane for each subject.
//!
//! A lane is one test binary, built for release and told by `TRACING_AUDIT_FULL` to use the full sizes. Its steps are
//! tests of that binary, run one after another. A step that passed leaves a stamp; while the program stays the same it
//! is not run again, so that a campaign that was interrupted goes on where it was.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sh::{Outcome, cargo, root, stdout, target, watched};
use crate::tally::Tally;
use crate::tools::{self, Tools};

/// A subject: its name, what it shows, the test binary that holds it, and the tests that are its steps.
struct Lane {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    /// A file of the package's `tests/`; or a module of the library, whose unit tests the steps are then.
    binary: &'static str,
    steps: &'static [&'static str],
}

impl Lane {
    /// The module of the library that holds the steps, if they are unit tests.
    fn module(&self) -> Option<&'static str> {
        self.binary.contains("::").then_some(self.binary)
    }

    /// A step as its test program knows it.
    fn test(&self, step: &str) -> String {
        match self.module() {
            Some(module) => format!("{module}::{step}"),
            None => step.to_owned(),
        }
    }
}

/// The package of the command, whose tests stand in a folder of its own.
const CLI: &str = "tracing-audit-cli";

/// The lane that needs what no other run installs.
const CLICKHOUSE: &str = "clickhouse";

/// The lanes whose steps read `TRACING_AUDIT_SIZE`.
const SIZED: [&str; 2] = ["kill-otlp", "otlp-outage"];

const LANES: &[Lane] = &[
    Lane {
        name: "accounting",
        what: "the identity at 10^7 records bounded and lossy, 10^5 durable, 10^7 with a sink 10 times too slow",
        package: "tracing-audit",
        binary: "accounting",
        steps: &[
            "the_script_fails_for_a_hole_a_repetition_a_repeated_id_and_a_count_that_disagrees",
            "a_build_that_drops_one_frame_breaks_the_identity_by_one",
            "one_record_that_is_dropped_between_queue_and_file_is_a_hole_for_the_script",
            "every_record_of_eight_threads_is_accounted_for_in_mode_durable",
            "every_record_is_accounted_for_where_waits_expire_and_categories_trip",
            "every_record_of_eight_threads_is_accounted_for_in_mode_bounded",
            "every_record_of_eight_threads_is_accounted_for_in_mode_lossy",
            "every_record_is_accounted_for_where_the_only_sink_is_ten_times_too_slow_in_mode_bounded",
            "every_record_is_accounted_for_where_the_only_sink_is_ten_times_too_slow_in_mode_lossy",
        ],
    },
    Lane {
        name: "first-use",
        what: "threads that meet a callsite for the first time at the same time, in 3,000 fresh processes",
        package: "tracing-audit",
        binary: "torture_process",
        steps: &["in_fresh_processes_no_first_use_of_a_callsite_loses_a_record"],
    },
    Lane {
        name: "canaries",
        what: "10,000 random secrets through every way in, searched in every byte that leaves",
        package: "tracing-audit",
        binary: "redact_matrix",
        steps: &[
            "the_search_finds_a_secret_in_every_form",
            "no_secret_of_the_matrix_is_in_any_byte_and_with_redaction_off_all_are_found",
        ],
    },
    Lane {
        name: "simulation",
        what: "500,000 lives over a disk that fails, tears, loses and reorders, 100,000 of two streams, and the planted bugs",
        package: "tracing-audit",
        binary: "sink::file::simulation_tests",
        steps: &[
            "every_planted_bug_is_caught_by_the_simulation",
            "on_a_disk_that_tears_loses_and_reorders_what_was_not_confirmed_nothing_acknowledged_is_lost",
            "of_two_streams_on_a_disk_that_tears_and_fails_neither_loses_what_was_acknowledged",
        ],
    },
    Lane {
        name: "kill",
        what: "3,000 kills of a process that writes, at random times and at named calls",
        package: "tracing-audit",
        binary: "faults_kill",
        steps: &[
            "a_kill_finds_an_acknowledgement_before_the_write",
            "a_kill_at_each_call_of_the_commit_path_takes_nothing_that_was_acknowledged",
            "a_kill_at_any_time_takes_nothing_that_was_acknowledged",
            "a_call_that_fails_under_the_real_writer_takes_nothing_that_was_acknowledged",
        ],
    },
    Lane {
        name: "kill-sqlite",
        what: "200 kills of a process that fills a SQLite file beside its journal: no row lost, none twice",
        package: "tracing-audit",
        binary: "sqlite_killed",
        steps: &["a_process_that_is_killed_while_it_fills_a_sqlite_file_loses_no_row_and_has_none_twice"],
    },
    Lane {
        name: "kill-retention",
        what: "kills of a process that removes segments, at each of 128 named calls around a removal",
        package: "tracing-audit",
        binary: "faults_retention",
        steps: &["a_kill_at_each_call_around_a_removal_leaves_what_the_trail_says_is_gone"],
    },
    Lane {
        name: "kill-streams",
        what: "300 kills of a process that writes to two streams",
        package: "tracing-audit",
        binary: "streams_killed",
        steps: &["a_kill_takes_nothing_that_was_acknowledged_from_any_of_two_streams"],
    },
    Lane {
        name: "kill-otlp",
        what: "200 kills of a sender and its collector, in turns, at random times (--size: kills)",
        package: "tracing-audit",
        binary: "otlp_killed",
        steps: &["whoever_is_killed_every_record_arrives_and_a_kill_has_at_most_one_batch_arrive_again"],
    },
    Lane {
        name: "kill-cursors",
        what: "kills of a process that moves cursors over entries that are gone, at each of 104 named calls, twice",
        package: "tracing-audit",
        binary: "faults_cursors",
        steps: &[
            "what_a_running_sink_missed_is_counted_once_whenever_the_process_is_killed",
            "what_a_sink_that_is_away_missed_is_counted_once_whenever_the_process_is_killed",
        ],
    },
    Lane {
        name: "power",
        what: "300 power failures under ext4 on a loop device; needs root",
        package: "tracing-audit",
        binary: "faults_power",
        steps: &[
            "a_power_failure_finds_an_fdatasync_that_does_nothing",
            "a_power_failure_under_a_real_file_system_takes_nothing_that_was_acknowledged",
        ],
    },
    Lane {
        name: "exits",
        what: "500 ways out of a process: returns, exits, panics, aborts, a stack overflow",
        package: "tracing-audit",
        binary: "torture_exits",
        steps: &["what_was_acknowledged_survives_every_way_out_of_a_process"],
    },
    Lane {
        name: "mutations",
        what: "100,000 changes of sealed trails, found and placed; 10,000 of them by the Python verifier as well",
        package: "tracing-audit",
        binary: "verify_mutations",
        steps: &[
            "every_change_of_a_sealed_trail_is_found_and_where",
            "a_verifier_of_our_format_in_python_agrees_about_changed_trails",
        ],
    },
    Lane {
        name: "otlp-outage",
        what: "a collector that is away for a day at 1,000 records a second, 33 GB of journal (--size: records)",
        package: "tracing-audit",
        binary: "otlp_outage",
        steps: &[
            "after_an_outage_of_a_day_every_record_arrives_once_and_in_order_and_memory_stays_as_it_was",
        ],
    },
    Lane {
        name: "page-readers",
        what: "200 readers of the page beside a caller of 20,000 records a second: none lost, and how long calls take",
        package: CLI,
        binary: "serve_readers",
        steps: &["whoever_records_waits_no_longer_while_the_page_is_read_by_many_and_loses_nothing"],
    },
    Lane {
        name: CLICKHOUSE,
        what: "an auditor's ten questions in ClickHouse's engine, over what a trail exported; installs 180 MB",
        package: "tracing-audit",
        binary: "otlp_recipes",
        steps: &["clickhouse_answers_ten_questions_of_an_auditor_over_what_was_exported"],
    },
    Lane {
        name: "fuzz",
        what: "random inputs for TRACING_AUDIT_FUZZ_SECONDS (600) each: value engine, line and its reader",
        package: "tracing-audit",
        binary: "fuzz_lane",
        steps: &[
            "the_engine_takes_every_text_and_counts_what_it_changes",
            "what_was_scanned_is_settled_but_for_one_odd_text_in_three_hundred",
            "every_record_is_one_line_that_reads_back_as_itself",
        ],
    },
];

/// How long one step may take. It is killed then, and has failed.
const LIMIT: Duration = Duration::from_secs(3_600);

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let again = arguments.iter().any(|argument| argument == "--again");
    let (names, size) = sized(arguments)?;
    if names.is_empty() {
        list();
        return Ok(());
    }
    let lanes = chosen(&names)?;
    let mut tools = Tools::find(true);
    if lanes.iter().any(|lane| lane.name == CLICKHOUSE) {
        tools.clickhouse = Some(tools::clickhouse()?);
    }
    let mut failed = Vec::new();
    for lane in lanes {
        failed.extend(one(lane, &tools, again, size.as_deref())?);
    }
    if failed.is_empty() {
        println!("campaign: every step passed");
        return Ok(());
    }
    Err(format!("{} failed: {}", failed.len(), failed.join(", ")))
}

fn list() {
    println!("usage: cargo xtask campaign <lane>… | all [--again] [--size N]\n");
    for lane in LANES {
        println!("  {:<14} {}", lane.name, lane.what);
    }
    println!("\nA step that passed is not run again with the same program, unless --again says so.");
}

/// The names of lanes, and the size behind `--size`, which every named lane must have a use for.
fn sized(arguments: &[String]) -> Outcome<(Vec<&str>, Option<String>)> {
    let mut names = Vec::new();
    let mut size = None;
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--again" => {}
            "--size" => {
                let number = arguments.next().and_then(|number| number.parse::<u64>().ok());
                let number = number.ok_or("--size wants a number behind it")?;
                size = Some(number.to_string());
            }
            name => names.push(name),
        }
    }
    match names.iter().find(|name| size.is_some() && !SIZED.contains(name)) {
        Some(name) => Err(format!("`{name}` takes no --size; {} do", SIZED.join(" and "))),
        None => Ok((names, size)),
    }
}

fn chosen(names: &[&str]) -> Outcome<Vec<&'static Lane>> {
    if names == ["all"] {
        return Ok(LANES.iter().collect());
    }
    let lane = |name: &&str| {
        let lane = LANES.iter().find(|lane| lane.name == *name);
        lane.ok_or_else(|| format!("no campaign is named `{name}`; `cargo xtask campaign` lists them"))
    };
    names.iter().map(lane).collect()
}

/// Runs the steps of a lane that have no stamp yet; answers those that failed.
fn one(lane: &Lane, tools: &Tools, again: bool, size: Option<&str>) -> Outcome<Vec<String>> {
    let program = build(lane)?;
    let print = format!("{}{}", fingerprint(&program)?, size.unwrap_or_default());
    let stamps = target().join("campaign").join(lane.name);
    fs::create_dir_all(&stamps).map_err(|error| format!("{}: {error}", stamps.display()))?;
    let mut failed = Vec::new();
    for (number, step) in lane.steps.iter().enumerate() {
        let title = format!("{} {}/{}: {step}", lane.name, number + 1, lane.steps.len());
        let stamp = stamps.join(step);
        if !again && fs::read_to_string(&stamp).is_ok_and(|passed| passed == print) {
            println!("== {title}: passed before, with the same program");
            continue;
        }
        println!("== {title}");
        // A failure must not leave the word of an earlier success.
        let _absent = fs::remove_file(&stamp);
        let begun = Instant::now();
        let judged = attempt(&program, &lane.test(step), tools, size);
        let seconds = begun.elapsed().as_secs();
        match judged {
            Ok(()) => {
                println!("== {title}: passed in {seconds} s");
                fs::write(&stamp, &print).map_err(|error| format!("{}: {error}", stamp.display()))?;
            }
            Err(why) => {
                println!("== {title}: FAILED after {seconds} s: {why}");
                failed.push(format!("{}/{step}", lane.name));
            }
        }
    }
    Ok(failed)
}

fn attempt(program: &Path, step: &str, tools: &Tools, size: Option<&str>) -> Outcome {
    let mut command = Command::new(program);
    command
        .args(["--exact", step, "--nocapture", "--test-threads=1"])
        .current_dir(root())
        .env("TRACING_AUDIT_FULL", "1")
        .env_remove("TRACING_AUDIT_QUICK")
        .env_remove("TRACING_AUDIT_SIZE");
    if let Some(size) = size {
        command.env("TRACING_AUDIT_SIZE", size);
    }
    if let Some(python) = &tools.python {
        command.env("TRACING_AUDIT_PYTHON", python);
    }
    if let Some(clickhouse) = &tools.clickhouse {
        command.env("TRACING_AUDIT_CLICKHOUSE", clickhouse);
    }
    let (status, said) = watched(&mut command, LIMIT)?;
    let status = status.ok_or_else(|| format!("still running after {} s, killed", LIMIT.as_secs()))?;
    verdict(status.success(), &said).map_err(|why| format!("{why} ({status})"))
}

/// A step has passed if its one test ran and passed; one that runs itself as its own child repeats what that one said. A name that no test has, or a test that stepped aside, is no success.
fn verdict(ended_well: bool, said: &str) -> Outcome {
    if !ended_well {
        return Err("its test failed".into());
    }
    if let Some(skipped) = said.lines().find(|line| line.starts_with("SKIPPED: ")) {
        return Err(skipped.to_owned());
    }
    match Tally::of_cargo_test(said) {
        Some(tally) if tally.passed > 0 && tally.failed == 0 => Ok(()),
        _ => Err("no test has this name".into()),
    }
}

/// Builds the test binary of a lane; the path of the program.
fn build(lane: &Lane) -> Outcome<PathBuf> {
    let library = lane.package.replace('-', "_");
    let (kind, name) = match lane.module() {
        Some(_) => (vec!["--lib"], library.as_str()),
        None => (vec!["--test", lane.binary], lane.binary),
    };
    let mut command = cargo(&["test", "--release", "--package", lane.package, "--all-features"]);
    command.args(kind);
    let messages = stdout(command.args(["--no-run", "--message-format=json-render-diagnostics"]))?;
    executable(&messages, name).ok_or_else(|| format!("cargo built no test `{}`", lane.binary))
}

/// The program of a test in what cargo says about a build, one JSON object a line.
fn executable(messages: &str, test: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut paths = messages.filter_map(|message| {
        let is_wanted = message.get("target")?.get("name")? == test;
        let path = message.get("executable")?.as_str().map(PathBuf::from);
        path.filter(|_| is_wanted)
    });
    paths.next()
}

/// What a stamp remembers: the program, and the scripts that its tests run.
fn fingerprint(program: &Path) -> Outcome<String> {
    let mut files = vec![program.to_owned()];
    let scripts = fs::read_dir(root().join("tests/support"));
    let scripts = scripts.map_err(|error| format!("tests/support cannot be listed: {error}"))?;
    files.extend(scripts.filter_map(|entry| Some(entry.ok()?.path())));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        hasher.write(&bytes);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_lane_is_refused_and_all_is_every_one() {
        assert_eq!(chosen(&["all"]).map(|lanes| lanes.len()), Ok(LANES.len()));
        assert_eq!(chosen(&["first-use"]).unwrap()[0].binary, "torture_process");
        assert!(
            chosen(&["accounting", "acounting"])
                .err()
                .unwrap()
                .contains("acounting")
        );
    }

    #[test]
    fn a_size_is_a_number_and_only_for_lanes_that_have_a_use_for_it() {
        let said = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            sized(&arguments).map(|(names, size)| (names.join(" "), size))
        };
        assert_eq!(
            said(&["kill-otlp", "--size", "60", "--again"]),
            Ok(("kill-otlp".into(), Some("60".into())))
        );
        assert_eq!(said(&["fuzz"]), Ok(("fuzz".into(), None)));
        said(&["fuzz", "--size", "60"]).unwrap_err();
        said(&["kill-otlp", "--size", "many"]).unwrap_err();
        assert!(
            SIZED
                .iter()
                .all(|name| LANES.iter().any(|lane| lane.name == *name))
        );
    }

    #[test]
    fn every_step_is_a_test_of_its_binary() {
        for lane in LANES {
            let file = match lane.module() {
                Some(module) => format!("src/{}.rs", module.replace("::", "/")),
                None if lane.package == CLI => format!("cli/tests/{}.rs", lane.binary),
                None => format!("tests/{}.rs", lane.binary),
            };
            let file = root().join(file);
            let text = fs::read_to_string(file).unwrap();
            for step in lane.steps {
                let head = format!("\nfn {step}()");
                let before = text
                    .split(&head)
                    .next()
                    .filter(|before| before.len() < text.len());
                let attributes = before.and_then(|before| before.rsplit("\n\n").next());
                let is_test = attributes.is_some_and(|attributes| attributes.contains("#[test]"));
                assert!(is_test, "{}: {step}", lane.name);
            }
        }
    }

    #[test]
    fn a_step_passes_only_where_its_one_test_ran_and_passed() {
        let said = |passed: u32| {
            format!(
                "test result: ok. {passed} passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s\n"
            )
        };
        verdict(true, &said(1)).unwrap();
        verdict(true, &said(0)).unwrap_err();
        verdict(true, "").unwrap_err();
        verdict(false, &said(1)).unwrap_err();
        let skipped = verdict(true, &format!("SKIPPED: no python\n{}", said(1)));
        assert_eq!(skipped, Err("SKIPPED: no python".to_owned()));
    }

    #[test]
    fn the_program_is_found_in_what_cargo_says() {
        let said = r#"{"reason":"compiler-artifact","target":{"name":"tracing_audit"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"accounting"},"executable":"/t/accounting-1"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(said, "accounting"),
            Some(PathBuf::from("/t/accounting-1"))
        );
        assert_eq!(executable(said, "tracing_audit"), None);
    }

    #[test]
    fn every_test_that_has_a_full_size_is_run_at_it_by_a_lane() {
        let tests = ["tests", "cli/tests"].map(|place| fs::read_dir(root().join(place)).expect("listed"));
        let files = tests.into_iter().flatten();
        let files = files.map(|entry| entry.expect("an entry").path());
        let mut sized = 0;
        for file in files.filter(|file| file.extension().is_some_and(|end| end == "rs")) {
            let text = fs::read_to_string(&file).expect("text");
            let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
            // `rounds` asks in the place of its caller (tests/support/faults.rs).
            if text.contains("TRACING_AUDIT_FULL") || text.contains(" rounds(") {
                sized += 1;
                assert!(LANES.iter().any(|lane| lane.binary == name), "{name}");
            }
        }
        assert!(sized > 5, "{sized}");
    }
}

//! The canary matrix: thousands of random secrets, in every carrier and encoding, through every way into a trail, and a
//! search for them in every byte that leaves it. With redaction off the same search must find them.

#[path = "support/canary.rs"]
mod canary;
#[path = "support/child.rs"]
mod child;
#[path = "support/canary_doors.rs"]
mod doors;
#[path = "support/canary_finder.rs"]
mod finder;
#[path = "support/torture.rs"]
mod torture;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use canary::Planted;
use doors::{DOORS, LENT};
use finder::Finder;
use tracing_audit::redact::Policy;
use tracing_audit::sink::{MemorySink, StdoutSink};
use tracing_audit::{Audit, AuditedExt};

/// How many secrets a run plants, and of how many doors each goes through one. In the usual run and in the full one every
/// kind in every carrier and encoding goes through every door: that takes 576 secrets for each of those rounds.
fn size() -> (usize, usize) {
    let is_set = |name| std::env::var_os(name).is_some();
    match (is_set("TRACING_AUDIT_FULL"), is_set("TRACING_AUDIT_QUICK")) {
        (true, _) => (10_000, 8),
        (_, true) => (600, 8),
        _ => (2_000, 3),
    }
}

/// Whether secret number `at` goes through this door.
fn enters(at: usize, door: usize) -> bool {
    (at / 576 + door).is_multiple_of(size().1)
}

/// A policy, by the name of its scenario.
fn policy(scenario: &str) -> Policy {
    let key: [u8; 32] = std::array::from_fn(|at| at as u8);
    match scenario {
        "off" => Policy::off("the control of the canary matrix"),
        "strict" => Policy::strict().key("k1", &key).expect("the key is long enough"),
        "keyed" => Policy::balanced()
            .key("k1", &key)
            .expect("the key is long enough"),
        _ => Policy::balanced(),
    }
}

/// How many secrets a scenario plants. The variants differ in what replaces a secret, not in what is recognised as one.
fn planted_in(scenario: &str) -> usize {
    match scenario {
        "keyed" | "strict" => size().0 / 5,
        _ => size().0,
    }
}

/// A trail with every sink that can be searched, and what its diagnostics say.
fn trail(scenario: &str) -> (Audit, MemorySink, Arc<Mutex<String>>) {
    let (memory, told) = (
        MemorySink::new().capacity(usize::MAX),
        Arc::new(Mutex::new(String::new())),
    );
    let heard = Arc::clone(&told);
    let builder = Audit::builder()
        .directory(child::directory())
        .service("matrix")
        .max_size_mb(1)
        .queue_records(1_000_000)
        .queue_bytes(1 << 30)
        .sink(memory.clone())
        .sink(StdoutSink::new())
        .policy(policy(scenario))
        .diagnostics(move |sentence| heard.lock().expect("nobody panics here").push_str(sentence));
    let builder = LENT.iter().fold(builder, |builder, name| builder.lend(*name));
    (builder.start().expect("the settings are good"), memory, told)
}

/// What a child does: plants its secrets, and searches what only it can see.
fn plants(scenario: &str) {
    let planted = Planted::many(planted_in(scenario), canary::given_seed());
    let finder = Finder::new(&planted);
    let (audit, memory, told) = trail(scenario);
    let subscriber = tracing_subscriber::registry().audited(&audit);
    let mut rest = format!("{subscriber:?} {audit:?}");
    let is_off = scenario == "off";
    // What panics on purpose must not be told: the message is the application's own.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut found = Vec::new();
    tracing::subscriber::with_default(subscriber, || {
        for (at, secret) in planted.iter().enumerate() {
            for (number, door) in DOORS.iter().enumerate() {
                if enters(at, number) {
                    (door.enter)(secret, &audit);
                }
            }
            if at % 800 == 799 || at == planted.len() / 2 {
                rest += &format!("{:?}", audit.rotate());
                found.extend(in_files(&finder, &child::directory(), is_off));
            }
        }
    });
    std::panic::set_hook(hook);
    audit.flush(torture::PATIENCE).expect("it is written");
    let lines = memory.lines();
    rest += &format!(
        "{:?} {} {:?} {memory:?}",
        audit.stats(),
        audit.openmetrics(),
        audit.check()
    );
    rest += &format!("{:?}", audit.shutdown(torture::PATIENCE).expect("it ends"));
    rest += &format!("{:?}", audit.emit(doors::record("late", &planted[0])));
    rest += &told.lock().expect("nobody panics here");
    found.extend(in_text(&finder, &rest, "counters, diagnostics and Debug forms"));
    if is_off {
        assert!(found.is_empty(), "what never holds a value: {found:?}");
        return all_show(&finder, &planted, &lines);
    }
    found.extend(lines.iter().flat_map(|line| in_text(&finder, line, line)));
    assert!(
        found.is_empty(),
        "{} leaks:\n{}",
        found.len(),
        told_of(&found, &planted)
    );
}

/// Whose secret was found, and where.
type Found = (usize, String);

fn in_text(finder: &Finder, text: &str, place: &str) -> Vec<Found> {
    let found = finder.find(text.as_bytes()).into_iter();
    found.map(|whose| (whose, place.to_owned())).collect()
}

/// Searches every file of a directory, whatever its name. With redaction off, only the segments may show anything.
fn in_files(finder: &Finder, directory: &Path, is_off: bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (path, bytes) in files(directory) {
        if !is_off || !path.ends_with(".jsonl") {
            let here = finder.find(&bytes).into_iter();
            found.extend(here.map(|whose| (whose, path.clone())));
        }
    }
    found
}

/// Every file under a directory, with its bytes.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            all.push((path.display().to_string(), bytes));
        }
    }
    all
}

fn told_of(found: &[Found], planted: &[Planted]) -> String {
    let told = found
        .iter()
        .take(20)
        .map(|(whose, place)| format!("{}: {place}\n", planted[*whose].what()));
    told.collect()
}

/// With redaction off every secret shows behind every door that shows it at all.
fn all_show(finder: &Finder, planted: &[Planted], lines: &[String]) {
    let mut shown = HashSet::new();
    for line in lines {
        let found = finder.find(line.as_bytes());
        if found.is_empty() {
            continue;
        }
        let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let event = line["event"].as_str().unwrap_or_default();
        let event = event.split('.').next().unwrap_or_default();
        let summary = line["summary"].as_str().unwrap_or_default();
        let door = DOORS
            .iter()
            .position(|door| door.name == event || door.name == summary);
        shown.extend(found.into_iter().map(|whose| (door, whose)));
    }
    let mut missing = Vec::new();
    for (at, secret) in planted.iter().enumerate() {
        for (number, door) in DOORS.iter().enumerate() {
            let is_shown = shown.contains(&(Some(number), at));
            if enters(at, number) && is_shown != (door.shows)(secret) {
                missing.push(format!("{} {}: shown {is_shown}\n", door.name, secret.what()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} wrong:\n{}",
        missing.len(),
        missing.iter().take(2000).cloned().collect::<String>()
    );
}

/// Runs a scenario as a child, and searches what the child leaves: its directory, its standard output and error.
/// Answers in which of these each secret was found.
fn left_by(scenario: &str, planted: &[Planted], seed: u64) -> [HashSet<usize>; 3] {
    let test = "no_secret_of_the_matrix_is_in_any_byte_and_with_redaction_off_all_are_found";
    let directory = tempfile::tempdir().expect("a directory");
    let mut child = child::in_directory(test, scenario, directory.path());
    child.env("TRACING_AUDIT_SEED", seed.to_string());
    let output = child.output().expect("the test binary can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {}\n{said}", output.status);
    let finder = Finder::new(planted);
    let whose = |bytes: &[u8]| -> HashSet<usize> { finder.find(bytes).into_iter().collect() };
    let mut in_files = HashSet::new();
    let mut segments = 0;
    for (path, bytes) in files(directory.path()) {
        let here = whose(&bytes);
        segments += usize::from(path.ends_with(".jsonl"));
        assert!(here.is_empty() || path.ends_with(".jsonl"), "{scenario}: {path}");
        in_files.extend(here);
    }
    assert!(
        segments > 1,
        "{scenario}: segments were rolled, there are {segments}"
    );
    [in_files, whose(&output.stdout), whose(&output.stderr)]
}

#[test]
fn no_secret_of_the_matrix_is_in_any_byte_and_with_redaction_off_all_are_found() {
    if let Some(scenario) = torture::scenario() {
        return plants(&scenario);
    }
    let seed = canary::seed();
    let planted = Planted::many(size().0, seed);
    for scenario in ["balanced", "keyed", "strict"] {
        let planted = &planted[..planted_in(scenario)];
        let begun = std::time::Instant::now();
        let [files, stdout, stderr] = left_by(scenario, planted, seed);
        println!("{scenario}: {} secrets in {:?}", planted.len(), begun.elapsed());
        for (surface, found) in [
            ("the directory", files),
            ("standard output", stdout),
            ("standard error", stderr),
        ] {
            let what: Vec<_> = found
                .iter()
                .take(20)
                .map(|&whose| planted[whose].what())
                .collect();
            assert!(
                found.is_empty(),
                "{scenario}: {} in {surface}:\n{}",
                found.len(),
                what.join("\n")
            );
        }
    }
    let [files, stdout, stderr] = left_by("off", &planted, seed);
    let all: HashSet<usize> = (0..planted.len()).collect();
    assert_eq!(files.len(), all.len(), "the search of the files is void");
    assert_eq!(
        stdout.len(),
        all.len(),
        "the search of the standard output is void"
    );
    assert!(stderr.is_empty());
}

/// The search itself: in each form, whatever stands before and behind it.
#[test]
fn the_search_finds_a_secret_in_every_form() {
    let planted = Planted::many(576, canary::seed());
    let finder = Finder::new(&planted);
    let mut dice = canary::Dice::new(7);
    for (whose, secret) in planted.iter().enumerate() {
        for needle in &secret.needles {
            for form in finder::forms(needle) {
                let noise = dice.text(canary::ALNUM, 9).into_bytes();
                let bytes = [&noise[..whose % 9], &form, &noise].concat();
                let found = finder.find(&bytes);
                assert!(found.contains(&whose), "{}: {form:?}", secret.what());
            }
        }
        assert!(finder.find(dice.text(canary::ALNUM, 100).as_bytes()).is_empty());
    }
}

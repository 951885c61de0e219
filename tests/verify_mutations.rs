//! R10: every change of a sealed trail is found, and where. 5,000 changes, 100,000 with `TRACING_AUDIT_FULL`; an equal
//! share of each class, from a mutator that shares no code with `verify`.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/mutator.rs"]
mod mutator;
#[path = "support/sealer.rs"]
mod sealer;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mutator::{CLASSES, Files, Mutant, Original, Random, Wanted, read_all};
use sealer::{Sealer, copy, key};
use tracing_audit::verify::{Anchor, Finding, Kind, Options, Outcome, Report, Weight, verify};

/// Six segments over two tiles, eleven checkpoints, two keys.
fn original() -> (Sealer, Original) {
    let keys = [key(), key()];
    let mut sealer = Sealer::new(Some(&keys[0]));
    sealer.control("audit.open", &[("clean", true.into())]);
    let mut taken_over = 0;
    for (at, count) in [19, 40, 37, 1, 60, 150].into_iter().enumerate() {
        sealer.records(count / 2);
        sealer.seal();
        if at == 3 {
            sealer.rotate(&keys[1]);
            taken_over = sealer.seq;
        }
        sealer.records(count - count / 2);
        sealer.seal();
        sealer.roll();
    }
    let original = Original {
        files: read_all(&sealer.home),
        lines: sealer.lines.clone(),
        sizes: sealer.sizes.clone(),
        keys,
        taken_over,
    };
    (sealer, original)
}

fn put(home: &Path, name: &str, bytes: Option<&[u8]>) {
    let path = home.join(name);
    match bytes {
        Some(bytes) => {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        None => drop(fs::remove_file(path)),
    }
}

fn apply(home: &Path, files: &Files) {
    for (name, bytes) in files {
        put(home, name, bytes.as_deref());
    }
}

fn restore(home: &Path, files: &Files, original: &Original) {
    for name in files.keys() {
        put(home, name, original.files.get(name).map(Vec::as_slice));
    }
}

/// What is not as it must be of a change that only an anchor shows.
fn only_anchored(report: &Report, anchored: &Report) -> Result<(), String> {
    let said = report.streams[0].sentences().join("\n");
    let mut kinds = anchored.findings().map(|finding| finding.kind);
    let is_found = kinds.any(|kind| matches!(kind, Kind::Shrunk | Kind::Anchor));
    if report.outcome() == Outcome::Verified && said.contains("not provable without an anchor") && is_found {
        return Ok(());
    }
    let told: Vec<String> = report.findings().map(ToString::to_string).collect();
    Err(format!(
        "{:?}, anchored {:?}: {told:?}",
        report.outcome(),
        anchored.outcome()
    ))
}

fn standing(finding: &Finding, file: &str, offset: u64) -> bool {
    finding.file.as_deref() == Some(file) && finding.offset == Some(offset)
}

/// What is not as it must be.
fn judge(mutant: &Mutant, report: &Report, anchored: &dyn Fn() -> Report) -> Result<(), String> {
    let serious: Vec<&Finding> = report
        .findings()
        .filter(|finding| finding.kind.weight() > Weight::Note)
        .collect();
    let first = serious.iter().filter_map(|finding| finding.seq()).min();
    let is_found = match &mutant.wanted {
        Wanted::Line { seqs, file, offset } => {
            let here = |finding: &&Finding| standing(finding, file, *offset);
            first.is_some_and(|first| seqs.contains(&first)) && serious.iter().any(here)
        }
        Wanted::From(seq) => first == Some(*seq),
        Wanted::Within(range) => {
            serious.iter().any(|finding| {
                let seqs = finding.seqs.clone().unwrap_or(0..0);
                finding.kind == Kind::Rewritten && seqs.start >= range.start && seqs.end <= range.end
            }) || first.is_some_and(|first| range.contains(&first))
        }
        // What follows from it may be told as well; a signature that is nobody's any more is seen by what it had endorsed.
        Wanted::File(file) => serious.iter().any(|finding| {
            finding.file.as_deref() == Some(file.as_str()) || finding.kind == Kind::KeyNotEndorsed
        }),
        Wanted::Kind(kind) => serious.iter().any(|finding| finding.kind.as_str() == *kind),
        Wanted::OnlyAnchored => return only_anchored(report, &anchored()),
        Wanted::Behind { file, offset } => report.findings().any(|finding| {
            finding.kind == Kind::UnreadableTail && standing(finding, file, *offset) && serious.is_empty()
        }),
    };
    let outcome = if matches!(mutant.wanted, Wanted::Behind { .. }) {
        Outcome::Verified
    } else {
        Outcome::Tampered
    };
    if report.outcome() == outcome && is_found {
        return Ok(());
    }
    let told: Vec<String> = report
        .findings()
        .map(|finding| format!("{:?} {:?} {finding}", finding.kind, finding.seqs))
        .collect();
    Err(format!(
        "wanted {:?}, {:?}: {}",
        mutant.wanted,
        report.outcome(),
        told.join("\n  ")
    ))
}

/// Changed trails on their way to the other verifier, many to a process.
struct Batch {
    dir: tempfile::TempDir,
    wanted: Vec<(&'static str, bool, Option<u64>)>,
}

/// Classes of which each verifier can say at which record a change begins.
const EXACT: &[&str] = &["flip", "cut", "delete", "segments"];

impl Batch {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            wanted: Vec::new(),
        }
    }

    fn add(&mut self, home: &Path, mutant: &Mutant, report: &Report) {
        copy(home, &self.dir.path().join(format!("{:06}", self.wanted.len())));
        let serious = report
            .findings()
            .filter(|finding| finding.kind.weight() > Weight::Note);
        let first = serious.filter_map(|finding| finding.seq()).min();
        let first = first.filter(|_| EXACT.contains(&mutant.class));
        self.wanted
            .push((mutant.class, report.outcome() == Outcome::Tampered, first));
    }

    /// Runs docs/verify.py over them; answers where it disagrees.
    fn compare(&self, key: &str) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.py");
        let mut python = std::process::Command::new("python3");
        python
            .arg(script)
            .args(["--key", key])
            .current_dir(self.dir.path());
        python.args((0..self.wanted.len()).map(|n| format!("{n:06}")));
        let output = python.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said.lines().count(), self.wanted.len(), "{errors}");
        let pairs = said.lines().zip(&self.wanted);
        let wrong = pairs.filter(|(line, (_, is_tampered, first))| {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let agrees = (json["outcome"] == "tampered") == *is_tampered;
            !agrees || first.is_some_and(|first| json["first"].as_u64() != Some(first))
        });
        wrong
            .map(|(line, wanted)| format!("{wanted:?}: {line}"))
            .collect()
    }
}

fn has_python() -> bool {
    let found = std::process::Command::new("python3").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn a_verifier_of_our_format_in_python_agrees_about_changed_trails() {
    if !has_python() {
        println!("SKIPPED: no python3: what another verifier makes of changed trails is not compared");
        return;
    }
    let (sealer, original) = original();
    let key = original.keys[0].verifier().clone();
    let options = Options::new().key(key.clone());
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut wrong = Vec::new();
    let mut left = count() / 10;
    while left > 0 {
        let mut batch = Batch::new();
        let round = left.min(200);
        for n in 0..round {
            let mutant = original.mutant(CLASSES[n % CLASSES.len()], &mut random);
            apply(&sealer.home, &mutant.files);
            batch.add(&sealer.home, &mutant, &verify(sealer.path(), &options).unwrap());
            restore(&sealer.home, &mutant.files, &original);
        }
        wrong.extend(batch.compare(&key.to_string()));
        left -= round;
    }
    assert!(
        wrong.is_empty(),
        "seed {seed}: {} disagree, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
}

#[test]
fn a_verifier_of_our_format_in_python_agrees_about_a_folder_that_its_tile_has_left() {
    if !has_python() {
        println!("SKIPPED: no python3: what another verifier makes of a missing tile is not compared");
        return;
    }
    let (sealer, original) = original();
    let key = original.keys[0].verifier().clone();
    let partial = original
        .files
        .keys()
        .find(|name| name.starts_with("tile/0/") && name.contains(".p/"));
    let files = Files::from([(partial.unwrap().clone(), None)]);
    let mutant = Mutant {
        class: "tile",
        wanted: Wanted::File(String::new()),
        files,
    };
    apply(&sealer.home, &mutant.files);
    assert!(sealer.home.join(partial.unwrap()).parent().unwrap().is_dir());
    let mut batch = Batch::new();
    let report = verify(sealer.path(), &Options::new().key(key.clone())).unwrap();
    batch.add(&sealer.home, &mutant, &report);
    assert_eq!(batch.compare(&key.to_string()), Vec::<String>::new());
}

fn count() -> usize {
    let set = |name| std::env::var_os(name).is_some();
    match (set("TRACING_AUDIT_FULL"), set("TRACING_AUDIT_QUICK")) {
        (true, _) => 100_000,
        (_, true) => 500,
        _ => 5_000,
    }
}

/// T003-08.
#[test]
fn every_change_of_a_sealed_trail_is_found_and_where() {
    let (sealer, original) = original();
    let options = Options::new().key(original.keys[0].verifier().clone());
    let kept = Anchor::parse(&original.files["checkpoint"]).unwrap().remove(0);
    let anchored = options.clone().anchor(kept);
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = Random(seed);
    let clean = || verify(sealer.path(), &options).unwrap();
    assert_eq!(
        (clean().outcome(), clean().findings().count()),
        (Outcome::Verified, 0)
    );
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for n in 0..count() {
        let class = CLASSES[n % CLASSES.len()];
        let mutant = original.mutant(class, &mut random);
        apply(&sealer.home, &mutant.files);
        let report = verify(sealer.path(), &options).unwrap();
        if let Err(why) = judge(&mutant, &report, &|| verify(sealer.path(), &anchored).unwrap()) {
            wrong.entry(mutant.class).or_default().push(why);
        }
        restore(&sealer.home, &mutant.files, &original);
        if n % 500 == 0 {
            assert_eq!(
                (clean().outcome(), clean().findings().count()),
                (Outcome::Verified, 0),
                "a false alarm at {n}"
            );
        }
    }
    assert_eq!(
        (clean().outcome(), clean().findings().count()),
        (Outcome::Verified, 0)
    );
    let told: Vec<String> = wrong
        .iter()
        .map(|(class, why)| format!("{class}: {} wrong, first: {}", why.len(), why[0]))
        .collect();
    assert!(told.is_empty(), "seed {seed}\n{}", told.join("\n"));
}

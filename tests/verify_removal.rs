//! What is gone at the beginning of a trail: it verifies where a sealed record says that exactly this was to go.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/sealer.rs"]
mod sealer;

use std::fs;

use sealer::{Sealer, found, key, report, with};
use tracing_audit::format::SigningKey;
use tracing_audit::record::Value;
use tracing_audit::verify::{Kind, Outcome};

const NAMES: [&str; 3] = [
    "audit-2026-11-21-00000000000000000000.jsonl",
    "audit-2026-11-21-00000000000000000100.jsonl",
    "audit-2026-11-21-00000000000000000300.jsonl",
];
const LAST: &str = "audit-2026-11-21-00000000000000000600.jsonl";

/// Four segments, of which the first `gone` are not there any more.
fn without(key: &SigningKey, gone: usize) -> Sealer {
    let sealer = Sealer::four_segments(Some(key));
    for name in NAMES.iter().take(gone) {
        fs::remove_file(sealer.home.join(name)).unwrap();
    }
    sealer
}

/// Says that the first two segments go, whose last record is `last`.
fn state(sealer: &mut Sealer, last: u64) {
    let names = NAMES[..2].iter().map(|name| Value::from(*name)).collect();
    let said = [
        ("cause", Value::from("age")),
        ("records", Value::List(vec![0_u64.into(), last.into()])),
        ("segments", Value::List(names)),
    ];
    sealer.control("audit.retention", &said);
}

#[test]
fn a_prefix_that_retention_removed_is_proven_by_the_tiles_and_must_be_on_record() {
    let key = key();
    let mut sealer = without(&key, 2);
    let unrecorded = |sealer: &Sealer| {
        let first = found(sealer.path(), &with(&key), Outcome::Tampered);
        assert_eq!(first[0].0, Kind::Unrecorded);
    };
    unrecorded(&sealer);
    state(&mut sealer, 299);
    unrecorded(&sealer);
    sealer.seal();
    let (stream, outcome) = report(sealer.path(), &with(&key));
    assert_eq!(
        (outcome, stream.removed, stream.checkpoints),
        (Outcome::Verified, 300, 14),
        "{:?}",
        stream.findings
    );
    let path = sealer.home.join(LAST);
    let mut bytes = fs::read(&path).unwrap();
    let from: usize = sealer.lines[600..603].iter().map(|line| line.len() + 1).sum();
    bytes[from + 60] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(
        found(sealer.path(), &with(&key), Outcome::Tampered),
        [(Kind::Changed, Some(603), Some(LAST.to_owned()))]
    );
    fs::remove_file(sealer.home.join("tile/0/000")).unwrap();
    fs::remove_dir_all(sealer.home.join("tile/0/000.p")).unwrap();
    assert!(
        found(sealer.path(), &with(&key), Outcome::Tampered)
            .iter()
            .any(|(kind, ..)| *kind == Kind::Unprovable)
    );
}

#[test]
fn a_removal_that_was_stated_may_be_cut_short_and_takes_no_more_than_it_states() {
    let key = key();
    for (gone, last, wanted) in [
        (0, 299, None),
        (1, 299, None),
        (2, 299, None),
        (3, 299, Some(Kind::Unrecorded)),
        // It ends elsewhere than where the log begins.
        (2, 298, Some(Kind::Unrecorded)),
        (2, 300, Some(Kind::Unrecorded)),
        (1, 98, Some(Kind::Unrecorded)),
    ] {
        let mut sealer = without(&key, gone);
        state(&mut sealer, last);
        sealer.seal();
        let outcome = wanted.map_or(Outcome::Verified, |_| Outcome::Tampered);
        let told = found(sealer.path(), &with(&key), outcome);
        assert_eq!(
            told.first().map(|told| told.0),
            wanted,
            "{gone} of two, up to {last}: {told:?}"
        );
    }
}

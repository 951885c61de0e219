//! Receipts: one record proven to somebody who does not have the trail, and nothing else.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/sealer.rs"]
mod sealer;

use std::fs;
use std::path::Path;

use sealer::{NAME, STREAM, Sealer, key};
use tracing_audit::format::{SigningKey, leaf_hash};
use tracing_audit::verify::{Options, Receipt};

fn with(key: &SigningKey) -> Options {
    Options::new().key(key.verifier().clone())
}

/// Three segments and five checkpoints, signed.
fn trail(key: &SigningKey) -> Sealer {
    let mut sealer = Sealer::new(Some(key));
    sealer.control("audit.open", &[("clean", true.into())]);
    for count in [9, 200, 90] {
        sealer.records(count);
        sealer.seal();
        sealer.roll();
    }
    sealer.records(20);
    sealer.seal();
    sealer.records(1);
    sealer.control("audit.close", &[]);
    sealer.seal();
    sealer
}

/// Replaces a part of a file.
fn edit(path: &Path, from: &str, to: &str) {
    let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
    assert!(text.contains(from), "{from} in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_receipt_proves_one_record_without_the_trail_and_nothing_else() {
    let key = key();
    let sealer = trail(&key);
    for seq in [0_usize, 9, 255, 256, 321] {
        let line = String::from_utf8(sealer.lines[seq].clone()).unwrap();
        let id = line
            .split_once("\"id\":\"0")
            .map(|(_, rest)| format!("0{}", rest.split('"').next().unwrap()))
            .unwrap();
        let receipt = Receipt::of(sealer.path(), &id, &with(&key)).unwrap();
        assert_eq!((receipt.index, &receipt.line), (seq as u64, &line));
        let receipt = Receipt::parse(receipt.to_json().as_bytes()).unwrap();
        let checked = receipt.check(&[key.verifier().clone()]).unwrap();
        assert_eq!(
            (checked.origin, checked.size, checked.signed),
            (format!("{NAME}/{STREAM}"), 322, true)
        );
        let changed = Receipt {
            line: line.replace("\"schema\":1", "\"schema\":2"),
            ..receipt.clone()
        };
        assert!(changed.check(&[]).is_err());
        assert!(
            Receipt {
                index: receipt.index ^ 1,
                ..receipt.clone()
            }
            .check(&[])
            .is_err()
        );
        let stranger = sealer::key();
        assert!(receipt.check(&[stranger.verifier().clone()]).is_err());
    }
    let error = Receipt::of(sealer.path(), "no-such-id", &with(&key)).unwrap_err();
    assert!(
        error.to_string().contains("no record of the trail has the id"),
        "{error}"
    );
}

#[test]
fn no_receipt_is_made_from_a_trail_that_does_not_verify_or_of_a_record_that_is_not_sealed() {
    let key = key();
    let mut sealer = trail(&key);
    sealer.records(1);
    let line = String::from_utf8(sealer.lines[322].clone()).unwrap();
    let id = line
        .split_once("\"id\":\"0")
        .map(|(_, rest)| format!("0{}", rest.split('"').next().unwrap()))
        .unwrap();
    let error = Receipt::of(sealer.path(), &id, &with(&key)).unwrap_err();
    assert!(error.to_string().contains("not sealed yet"), "{error}");
    sealer.seal();
    Receipt::of(sealer.path(), &id, &with(&key)).unwrap();
    edit(
        &sealer.home.join("audit-2026-11-21-00000000000000000010.jsonl"),
        "number 77:",
        "number 78:",
    );
    let error = Receipt::of(sealer.path(), &id, &with(&key)).unwrap_err();
    assert!(error.to_string().contains("does not verify"), "{error}");
    assert_eq!(leaf_hash(line.as_bytes()), leaf_hash(&sealer.lines[322]));
}

//! Receipts: one record proven to somebody who does not have the trail, and nothing else.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/sealer.rs"]
mod sealer;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sealer::{NAME, STREAM, Sealer, edit, key, with};
use tracing_audit::format::leaf_hash;
use tracing_audit::verify::Receipt;

#[test]
fn a_receipt_proves_one_record_without_the_trail_and_nothing_else() {
    let key = key();
    let sealer = Sealer::three_segments(&key);
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

/// PyPI's `aics-tlog`, as in `tests/verify_trails.rs`, given nothing but the receipt and the key.
#[test]
fn a_tool_that_we_did_not_write_accepts_a_receipt_without_the_trail_and_refuses_a_changed_one() {
    let Some(program) = std::env::var_os("TRACING_AUDIT_TLOG") else {
        println!("SKIPPED: TRACING_AUDIT_TLOG names no `aics-tlog`: its verdict on a receipt is not asked");
        return;
    };
    let key = key();
    let sealer = Sealer::three_segments(&key);
    let line: serde_json::Value = serde_json::from_slice(&sealer.lines[200]).unwrap();
    let receipt = Receipt::of(sealer.path(), line["id"].as_str().unwrap(), &with(&key)).unwrap();
    let vkey = key.for_stream(STREAM).unwrap().verifier().to_string();
    let dir = tempfile::tempdir().unwrap();
    let accepts = |receipt: &Receipt| {
        let bundle = serde_json::json!({
            "entry_bytes": URL_SAFE_NO_PAD.encode(&receipt.line),
            "index": receipt.index,
            "inclusion_proof": receipt.proof.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>(),
            "checkpoint_note": URL_SAFE_NO_PAD.encode(&receipt.checkpoint),
            "envelope": null,
            "body_or_ct": null,
        });
        let file = dir.path().join("receipt");
        std::fs::write(&file, bundle.to_string()).unwrap();
        let mut tool = std::process::Command::new(&program);
        tool.args(["verify-bundle", "--offline", "--log-key", &vkey, "--bundle"]);
        let output = tool.arg(&file).output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (is_accepted, said) = accepts(&receipt);
    assert!(is_accepted, "{said}");
    let line = receipt.line.replacen("\"schema\":1", "\"schema\":2", 1);
    assert!(
        !accepts(&Receipt {
            line,
            ..receipt.clone()
        })
        .0
    );
    let index = receipt.index + 1;
    assert!(!accepts(&Receipt { index, ..receipt }).0);
}

#[test]
fn no_receipt_is_made_from_a_trail_that_does_not_verify_or_of_a_record_that_is_not_sealed() {
    let key = key();
    let mut sealer = Sealer::three_segments(&key);
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

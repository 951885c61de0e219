//! Verification finding by finding: what each change of a file is called and where it is said to be, and what crashes,
//! failed writes and retention leave, which is no change.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/sealer.rs"]
mod sealer;

use std::fs;

use sealer::{Sealer, found, key, ordinary, report, with, write_tile};
use tracing_audit::format::{Tree, leaf_hash};
use tracing_audit::record::Value;
use tracing_audit::verify::{Kind, Options, Outcome};

const SECOND: &str = "audit-2026-11-21-00000000000000000100.jsonl";
const LAST: &str = "audit-2026-11-21-00000000000000000600.jsonl";

/// The lines of a segment, changed.
fn lines(sealer: &Sealer, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let path = sealer.home.join(name);
    let bytes = fs::read(&path).unwrap();
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    change(&mut lines);
    fs::write(path, lines.concat()).unwrap();
}

fn one(kind: Kind, seq: u64, file: &str) -> Vec<(Kind, Option<u64>, Option<String>)> {
    vec![(kind, Some(seq), Some(file.to_owned()))]
}

#[test]
fn deleted_inserted_doubled_and_swapped_records_are_each_found_at_the_first_one() {
    let key = key();
    let options = with(&key);
    let sealer = Sealer::four_segments(Some(&key));
    lines(&sealer, SECOND, |lines| drop(lines.remove(30)));
    assert_eq!(
        found(sealer.path(), &options, Outcome::Tampered),
        one(Kind::Missing, 130, SECOND)
    );

    let sealer = Sealer::four_segments(Some(&key));
    let forged = sealer.line(130, ordinary(7));
    lines(&sealer, SECOND, |lines| {
        lines.insert(30, [forged, b"\n".to_vec()].concat())
    });
    assert_eq!(
        found(sealer.path(), &options, Outcome::Tampered),
        one(Kind::Inserted, 130, SECOND)
    );

    let sealer = Sealer::four_segments(Some(&key));
    lines(&sealer, SECOND, |lines| lines.insert(31, lines[30].clone()));
    assert_eq!(
        found(sealer.path(), &options, Outcome::Tampered),
        one(Kind::Misplaced, 130, SECOND)
    );

    let sealer = Sealer::four_segments(Some(&key));
    lines(&sealer, SECOND, |lines| lines.swap(30, 31));
    assert_eq!(
        found(sealer.path(), &options, Outcome::Tampered),
        one(Kind::Misplaced, 131, SECOND)
    );
}

#[test]
fn a_segment_cut_at_any_byte_is_found_at_the_first_record_that_is_not_whole() {
    let key = key();
    let sealer = Sealer::four_segments(Some(&key));
    let whole = fs::read(sealer.home.join(LAST)).unwrap();
    for cut in [0, 1, 700, whole.len() - 2, whole.len() - 1] {
        fs::write(sealer.home.join(LAST), &whole[..cut]).unwrap();
        let complete = whole[..cut].iter().filter(|byte| **byte == b'\n').count() as u64;
        let found = found(sealer.path(), &with(&key), Outcome::Tampered);
        assert_eq!(found[0].1, Some(600 + complete), "{cut}: {found:?}");
    }
}

#[test]
fn a_changed_tile_is_named_and_no_record_is_blamed() {
    let key = key();
    let sealer = Sealer::four_segments(Some(&key));
    for path in [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/138",
        "tile/1/000.p/2",
        "tile/0/000.p/50",
    ] {
        let before = fs::read(sealer.home.join(path)).unwrap();
        let mut bytes = before.clone();
        bytes[40] ^= 4;
        fs::write(sealer.home.join(path), bytes).unwrap();
        let told = found(sealer.path(), &with(&key), Outcome::Tampered);
        assert_eq!(
            told.iter()
                .map(|(kind, _, file)| (*kind, file.as_deref().unwrap()))
                .collect::<Vec<_>>(),
            [(Kind::Tile, path)]
        );
        fs::write(sealer.home.join(path), before).unwrap();
    }
}

#[test]
fn missing_tiles_and_those_that_a_power_failure_emptied_are_told_and_are_no_tampering() {
    let key = key();
    let sealer = Sealer::four_segments(Some(&key));
    fs::write(sealer.home.join("tile/0/001"), [0; 8192]).unwrap();
    fs::write(sealer.home.join("tile/0/002.p/138"), []).unwrap();
    let told = found(sealer.path(), &with(&key), Outcome::Verified);
    assert_eq!(
        told.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(),
        [Kind::TileDamaged, Kind::TileDamaged]
    );
    fs::remove_dir_all(sealer.home.join("tile")).unwrap();
    let told = found(sealer.path(), &with(&key), Outcome::Verified);
    assert_eq!(
        told.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(),
        [Kind::TilesMissing]
    );
    lines(&sealer, SECOND, |lines| {
        let text = String::from_utf8(lines[30].clone()).unwrap();
        lines[30] = text.replace("number 130:", "number 131:").into_bytes();
    });
    let (stream, outcome) = report(sealer.path(), &with(&key));
    assert_eq!(outcome, Outcome::Tampered);
    assert_eq!(
        (stream.findings[0].kind, stream.findings[0].seqs.clone()),
        (Kind::Rewritten, Some(100..150))
    );
}

#[test]
fn records_and_hashes_changed_together_are_found_between_two_checkpoints() {
    for key in [None, Some(key())] {
        let sealer = Sealer::four_segments(key.as_ref());
        let mut changed = sealer.lines.clone();
        let text = String::from_utf8(changed[333].clone()).unwrap();
        changed[333] = text.replace("number 333:", "number 334:").into_bytes();
        lines(&sealer, "audit-2026-11-21-00000000000000000300.jsonl", |lines| {
            lines[33] = [changed[333].clone(), b"\n".to_vec()].concat();
        });
        fs::remove_dir_all(sealer.home.join("tile")).unwrap();
        let mut tree = Tree::new();
        for line in &changed {
            tree.push(leaf_hash(line), |tile| write_tile(&sealer.home, &tile));
        }
        tree.partial().for_each(|tile| write_tile(&sealer.home, &tile));
        let (stream, outcome) = report(sealer.path(), &key.as_ref().map_or_else(Options::new, with));
        assert_eq!(outcome, Outcome::Tampered);
        // Unsigned, only the newest checkpoint is there.
        let wanted = if key.is_some() { 300..350 } else { 0..650 };
        assert_eq!(
            (stream.findings[0].kind, stream.findings[0].seqs.clone()),
            (Kind::Rewritten, Some(wanted))
        );
    }
}

#[test]
fn a_changed_checkpoint_signature_or_key_is_named_by_its_file() {
    let key = key();
    let sealer = Sealer::four_segments(Some(&key));
    for (file, from, to) in [
        ("checkpoint", "650", "651"),
        ("checkpoint", "\n\n\u{2014} example", "\n\n\u{2014} exbmple"),
        ("checkpoints", "\n200\n", "\n201\n"),
        ("checkpoints", "\u{2014} example", "- example"),
        ("keys", "\"first\":0", "\"first\":7x"),
        ("keys", "example.com", "exbmple.com"),
    ] {
        let path = sealer.home.join(file);
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{file} {from}");
        fs::write(&path, before.replacen(from, to, 1)).unwrap();
        let told = found(sealer.path(), &with(&key), Outcome::Tampered);
        assert_eq!(told[0].2.as_deref(), Some(file), "{from}: {told:?}");
        assert!(
            matches!(told[0].0, Kind::Signature | Kind::Checkpoint | Kind::Keys),
            "{told:?}"
        );
        fs::write(&path, before).unwrap();
    }
}

#[test]
fn a_key_that_nobody_endorsed_and_one_that_no_record_names_fail() {
    let (old, new) = (key(), key());
    for has_record in [false, true] {
        let mut sealer = Sealer::new(Some(&old));
        sealer.records(10);
        sealer.seal();
        if has_record {
            let attributes = [
                ("vkey", Value::from(new.verifier().to_string())),
                ("first", Value::from(11_u64)),
            ];
            sealer.control("audit.key", &attributes);
        } else {
            sealer.records(1);
        }
        sealer.append(
            "keys",
            format!("{{\"first\":11,\"vkey\":\"{}\"}}\n", new.verifier()).as_bytes(),
        );
        let signers = if has_record { vec![&new] } else { vec![&new, &old] };
        let signers: Vec<_> = signers
            .iter()
            .map(|key| key.for_stream(sealer::STREAM).unwrap())
            .collect();
        let note = sealer.note(&signers);
        sealer.append("checkpoints", format!("{note}\n").as_bytes());
        fs::write(sealer.home.join("checkpoint"), note).unwrap();
        let told = found(sealer.path(), &with(&old), Outcome::Tampered);
        assert_eq!(
            told.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(),
            [Kind::KeyNotEndorsed, Kind::Untrusted]
        );
    }
}

#[test]
fn a_region_that_a_crash_left_is_accounted_for_by_the_next_start_and_only_as_it_was() {
    let key = key();
    let mut sealer = Sealer::four_segments(Some(&key));
    sealer.records(5);
    let offset = sealer.len();
    let name = sealer.segment();
    let dead = sealer.line(656, ordinary(656));
    sealer.raw(&[vec![0; 300], b"x\n".to_vec(), dead, b"\n{\"acti".to_vec()].concat());
    let unsealed = found(sealer.path(), &with(&key), Outcome::Verified);
    assert_eq!(
        unsealed.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(),
        [Kind::UnreadableTail]
    );
    sealer.roll();
    sealer.open_after_crash(&name, offset);
    sealer.records(10);
    sealer.seal();
    let (stream, outcome) = report(sealer.path(), &with(&key));
    assert_eq!(
        (outcome, stream.torn_regions, stream.findings.len()),
        (Outcome::Verified, 1, 0),
        "{:?}",
        stream.findings
    );
    let path = sealer.home.join(&name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[offset as usize + 310] ^= 1;
    fs::write(path, bytes).unwrap();
    let told = found(sealer.path(), &with(&key), Outcome::Tampered);
    assert_eq!(
        told.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(),
        [Kind::Region]
    );
}

#[test]
fn a_fragment_that_no_record_names_is_a_finding() {
    let key = key();
    let mut sealer = Sealer::four_segments(Some(&key));
    let name = sealer.segment();
    sealer.records(5);
    sealer.raw(b"{\"acti");
    sealer.roll();
    sealer.records(5);
    sealer.seal();
    assert_eq!(
        found(sealer.path(), &with(&key), Outcome::Tampered),
        one(Kind::Inserted, 655, &name)
    );
}

#[test]
fn copies_behind_a_failed_write_are_no_finding_unless_one_of_them_was_changed() {
    let key = key();
    let mut sealer = Sealer::four_segments(Some(&key));
    sealer.records(8);
    sealer.roll();
    let name = sealer.segment();
    let copies: Vec<u8> = sealer.lines[652..658]
        .iter()
        .flat_map(|line| [line.as_slice(), b"\n"].concat())
        .collect();
    sealer.raw(&copies);
    sealer.records(8);
    sealer.seal();
    let (stream, outcome) = report(sealer.path(), &with(&key));
    assert_eq!(
        (outcome, stream.copies, stream.findings.len()),
        (Outcome::Verified, 6, 0)
    );
    lines(&sealer, &name, |lines| lines[2][20] ^= 1);
    let told = found(sealer.path(), &with(&key), Outcome::Tampered);
    assert_eq!(
        (told.len(), told[0].2.as_deref()),
        (1, Some(name.as_str())),
        "{told:?}"
    );
}

#[test]
fn lines_that_a_failed_sync_lost_are_replaced_by_their_copies_and_told() {
    let key = key();
    let mut sealer = Sealer::four_segments(Some(&key));
    let name = sealer.segment();
    sealer.records(8);
    sealer.roll();
    let copies: Vec<u8> = sealer.lines[655..658]
        .iter()
        .flat_map(|line| [line.as_slice(), b"\n"].concat())
        .collect();
    sealer.raw(&copies);
    sealer.records(8);
    sealer.seal();
    let path = sealer.home.join(&name);
    let mut bytes = fs::read(&path).unwrap();
    let from: usize = sealer.lines[650..655].iter().map(|line| line.len() + 1).sum();
    bytes[from + 40..].fill(0);
    fs::write(&path, bytes).unwrap();
    assert_eq!(
        found(sealer.path(), &with(&key), Outcome::Verified),
        one(Kind::Replaced, 655, &name)
    );
}

#[test]
fn a_checkpoint_that_a_crash_cut_short_is_told_and_any_other_one_is_a_finding() {
    let key = key();
    let mut sealer = Sealer::four_segments(Some(&key));
    sealer.records(5);
    let note = sealer.note(&[key.for_stream(sealer::STREAM).unwrap()]);
    sealer.append("checkpoints", &note.as_bytes()[..note.len() - 20]);
    assert_eq!(
        found(sealer.path(), &with(&key), Outcome::Verified)[0].0,
        Kind::Cut
    );
    sealer.append("checkpoints", b"\n\n");
    let history = fs::read(sealer.home.join("checkpoints")).unwrap();
    sealer.control("audit.open", &[("clean", Value::from(false))]);
    sealer.seal();
    assert_eq!(
        found(sealer.path(), &with(&key), Outcome::Verified)[0].0,
        Kind::Cut
    );
    let mut clean = Sealer::four_segments(Some(&key));
    clean.records(5);
    fs::write(clean.home.join("checkpoints"), history).unwrap();
    clean.control("audit.open", &[("clean", Value::from(true))]);
    clean.seal();
    let told = found(clean.path(), &with(&key), Outcome::Tampered);
    assert!(
        told.iter()
            .all(|(_, _, file)| file.as_deref() == Some("checkpoints")),
        "{told:?}"
    );
}

#[test]
fn a_file_full_of_rubbish_takes_no_memory_and_ends() {
    let key = key();
    let sealer = Sealer::four_segments(Some(&key));
    let rubbish: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| [b'x', (n % 251) as u8 | 1, b'\n'])
        .collect();
    fs::write(sealer.home.join(SECOND), rubbish).unwrap();
    let (stream, outcome) = report(sealer.path(), &with(&key));
    assert_eq!(outcome, Outcome::Tampered);
    assert!(
        stream.findings.len() <= 1_000 && stream.findings[0].seq() == Some(100),
        "{:?}",
        stream.findings[0]
    );
    // What stands behind it is proven nevertheless: the tiles have the hashes of what is missing.
    assert_eq!(stream.sealed.as_ref().map(|sealed| sealed.size), Some(650));
}

#[test]
fn records_that_were_moved_are_found_where_they_stand_and_not_called_missing() {
    let key = key();
    let sealer = Sealer::four_segments(Some(&key));
    lines(&sealer, SECOND, |lines| lines.swap(30, 90));
    let wanted = [
        one(Kind::Misplaced, 190, SECOND),
        one(Kind::Misplaced, 130, SECOND),
    ]
    .concat();
    assert_eq!(found(sealer.path(), &with(&key), Outcome::Tampered), wanted);
    let sealer = Sealer::four_segments(Some(&key));
    lines(&sealer, SECOND, |lines| lines.insert(30, lines[90].clone()));
    let (stream, _) = report(sealer.path(), &with(&key));
    let offset: usize = sealer.lines[100..130].iter().map(|line| line.len() + 1).sum();
    assert_eq!(
        (stream.findings.len(), stream.findings[0].offset),
        (1, Some(offset as u64))
    );
    assert_eq!(
        (stream.findings[0].kind, stream.findings[0].seq()),
        (Kind::Misplaced, Some(190))
    );
}

#[test]
fn a_hole_in_the_numbers_behind_the_last_checkpoint_is_no_crashs_and_a_finding() {
    let key = key();
    let mut sealer = Sealer::four_segments(Some(&key));
    let name = sealer.segment();
    sealer.records(9);
    lines(&sealer, &name, |lines| drop(lines.remove(4)));
    assert_eq!(
        found(sealer.path(), &with(&key), Outcome::Tampered),
        one(Kind::Missing, 654, &name)
    );
}

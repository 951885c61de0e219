//! The two lists that say what a line does not: `redaction` and `truncated`.

use std::collections::BTreeSet;

use super::member::Remark;
use super::text;
use super::walk::Scan;

/// How many kinds of remark, and how many cut values, are listed; the rest is counted.
pub(super) const MAX_REMARKS: usize = 16;
/// See [`MAX_REMARKS`].
pub(super) const MAX_NOTES: usize = 32;

/// The longest field name or path in a list.
const MAX_PATH: usize = 128;

/// A value that the line writer cut or left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) path: String,
    /// The length in bytes that the value had; 0 where it is not stated.
    pub(super) original_len: u64,
    /// How many keys were left out; 0 where a value was cut.
    pub(super) omitted: u64,
}

/// A path's beginning, as a JSON string.
fn path(out: &mut Vec<u8>, path: &[u8]) {
    let mut kept = path.len().min(MAX_PATH);
    while kept > 0 && path.get(kept).is_some_and(|byte| byte & 0xC0 == 0x80) {
        kept -= 1;
    }
    text::string(out, path.get(..kept).unwrap_or_default());
}

fn number(out: &mut Vec<u8>, key: &str, number: u64) {
    out.extend_from_slice(key.as_bytes());
    text::u64(out, number);
}

fn word(words: &'static [&'static str], number: u8) -> &'static [u8] {
    words.get(usize::from(number)).unwrap_or(&"other").as_bytes()
}

/// Writes `{"count":…,"fields":[…],"more":…}`: `count` is the sum of each `n` and of `more`.
pub(super) fn redaction(out: &mut Vec<u8>, frame: &[u8], scan: &Scan, actions: &'static [&'static str]) {
    let sum = |remarks: &mut dyn Iterator<Item = &Remark>| -> u64 {
        remarks.map(|remark| u64::from(remark.n)).sum()
    };
    let count = sum(&mut scan.remarks.iter());
    number(out, "{\"count\":", count);
    out.extend_from_slice(b",\"fields\":[");
    let (mut listed, mut covered) = (0, 0);
    for (index, remark) in scan.remarks.iter().enumerate() {
        let same = |other: &&Remark| {
            other.action == remark.action
                && other.rule.of(frame) == remark.rule.of(frame)
                && other.field.of(frame) == remark.field.of(frame)
        };
        if listed == MAX_REMARKS {
            break;
        }
        if remark.n == 0 || scan.remarks.iter().take(index).any(|other| same(&other)) {
            continue;
        }
        let count = sum(&mut scan.remarks.iter().skip(index).filter(same));
        if listed > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"action\":");
        text::string(out, word(actions, remark.action));
        out.extend_from_slice(b",\"field\":");
        path(out, remark.field.of(frame));
        number(out, ",\"n\":", count);
        out.extend_from_slice(b",\"rule\":");
        path(out, remark.rule.of(frame));
        out.push(b'}');
        listed += 1;
        covered += count;
    }
    out.push(b']');
    if covered < count {
        number(out, ",\"more\":", count - covered);
    }
    out.push(b'}');
}

/// Writes the kinds of personal data that redaction saw, `["email","phone"]`, each once and sorted.
pub(super) fn pii_categories(out: &mut Vec<u8>, frame: &[u8], scan: &Scan) {
    let kinds: BTreeSet<&[u8]> = scan.pii().map(|remark| remark.pii.of(frame)).collect();
    out.push(b'[');
    for (index, kind) in kinds.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        path(out, kind);
    }
    out.push(b']');
}

/// Writes the list of what was cut, `"truncated":[…],`, unless there is nothing to list. Gives the number of values.
pub(super) fn truncated(out: &mut Vec<u8>, frame: &[u8], scan: &Scan, notes: &[Note]) -> u32 {
    if scan.cuts.is_empty() && notes.is_empty() {
        return 0;
    }
    out.extend_from_slice(b"\"truncated\":[");
    let mut listed = 0;
    let mut total = 0;
    let mut entry = |out: &mut Vec<u8>, name: &[u8], original_len: u64, omitted: u64| {
        total += 1;
        if listed == MAX_NOTES {
            return;
        }
        listed += 1;
        out.push(b'{');
        for (key, value) in [("\"omitted\":", omitted), ("\"original_len\":", original_len)] {
            if value > 0 {
                number(out, key, value);
                out.push(b',');
            }
        }
        out.extend_from_slice(b"\"path\":");
        path(out, name);
        out.extend_from_slice(b"},");
    };
    for (index, cut) in scan.cuts.iter().enumerate() {
        let name = cut.field.of(frame);
        if !scan
            .cuts
            .iter()
            .skip(index + 1)
            .any(|later| later.field.of(frame) == name)
        {
            entry(out, name, cut.original_len, 0);
        }
    }
    for note in notes {
        let name = note.path.as_bytes();
        let known = note.omitted == 0 && scan.cuts.iter().any(|cut| cut.field.of(frame) == name);
        if !known {
            entry(out, name, note.original_len, note.omitted);
        }
    }
    if total > listed {
        number(out, "{\"more\":", (total - listed) as u64);
        out.extend_from_slice(b"},");
    }
    out.pop();
    out.extend_from_slice(b"],");
    u32::try_from(total).unwrap_or(u32::MAX)
}

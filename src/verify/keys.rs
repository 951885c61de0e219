//! Which key may sign which size, and why it is trusted.

use crate::format::{Json, Note, VerifierKey, parse_json};

use super::control::Takeover;
use super::finding::{Finding, Findings, Kind};
use super::seal::KEYS;

/// A key that signs from a size on, and what was seen of it.
#[derive(Debug)]
struct Line {
    first: u64,
    key: VerifierKey,
    /// The `audit.key` record that says so.
    record: Option<u64>,
    /// The smallest checkpoint behind that record which both keys have signed.
    endorsed: Option<u64>,
    /// Sizes of the first and the last checkpoint that it had to sign, and their number.
    signed: Option<(u64, u64)>,
    checkpoints: u64,
}

/// What was seen of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// The key.
    pub key: VerifierKey,
    /// The size from which it signs.
    pub first: u64,
    /// Sizes of the first and the last checkpoint that it signed in its range.
    pub signed: Option<(u64, u64)>,
    /// How many those are.
    pub checkpoints: u64,
    /// Whether the caller gave it, or one that it was endorsed by.
    pub trusted: bool,
}

/// Who signed a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signed {
    /// Lines of `keys`, by their place.
    By(Vec<usize>),
    /// None that is known, or wrongly.
    Not,
    /// No key is known at all.
    Unknown,
}

/// The keys of a stream.
#[derive(Debug)]
pub(super) struct Keys {
    stream: String,
    lines: Vec<Line>,
    given: Vec<VerifierKey>,
    /// Whether the file has them. Otherwise the given ones stand in, for every size.
    from_file: bool,
}

impl Keys {
    /// Reads the file's bytes. What is wrong with them goes to `findings`.
    pub(super) fn new(file: Option<&[u8]>, given: &[VerifierKey], findings: &mut Findings) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        let mut offset = 0;
        for bytes in file.unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            match line(text) {
                _ if text.is_empty() => {}
                // It was announced again: the first time, a crash came before it had signed.
                Some(line)
                    if lines
                        .last()
                        .is_some_and(|last| last.key == line.key && last.first <= line.first) =>
                {
                    lines.pop();
                    lines.push(line);
                }
                Some(line)
                    if bytes.len() > text.len()
                        && lines.last().is_none_or(|last| last.first <= line.first) =>
                {
                    lines.push(line);
                }
                None if is_cut(text) => findings.add(
                    findings
                        .of(Kind::Cut, "a key is cut short, as a crash leaves it")
                        .file(KEYS)
                        .offset(offset),
                ),
                _ => findings.add(
                    findings
                        .of(
                            Kind::Keys,
                            "a line is not `{\"first\":…,\"vkey\":\"…\"}` in the order of sizes",
                        )
                        .file(KEYS)
                        .offset(offset),
                ),
            }
            offset += bytes.len() as u64;
        }
        let from_file = !lines.is_empty();
        if !from_file {
            return Self::given(&findings.stream, given);
        }
        Self {
            stream: findings.stream.to_string(),
            lines,
            given: given.to_vec(),
            from_file,
        }
    }

    /// Keys for every size.
    pub(super) fn given(stream: &str, given: &[VerifierKey]) -> Self {
        Self {
            stream: stream.to_owned(),
            lines: given.iter().cloned().map(|key| Line::new(0, key)).collect(),
            given: given.to_vec(),
            from_file: false,
        }
    }

    /// Who signed it, of those that are known. A key is known by its 32 bytes; the signer's name is the key's own, or
    /// that and the stream's id.
    pub(super) fn judge(&self, note: &Note) -> Signed {
        if self.lines.is_empty() {
            return Signed::Unknown;
        }
        let mut by = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let named = note
                .signatures
                .iter()
                .filter(|by| self.is_name_of(&line.key, &by.name));
            for signature in named {
                let Ok(key) = VerifierKey::new(&signature.name, line.key.bytes()) else {
                    continue;
                };
                // A key that is known has signed, or it has not: there is no harmless wrong signature. Those of keys that
                // are not known are somebody else's.
                if key.id() == signature.id {
                    if !key.verifies(&note.text, &signature.bytes) {
                        return Signed::Not;
                    }
                    by.push(at);
                }
            }
        }
        if by.is_empty() {
            Signed::Not
        } else {
            Signed::By(by)
        }
    }

    fn is_name_of(&self, key: &VerifierKey, name: &str) -> bool {
        let rest = name.strip_prefix(key.name());
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('/') == Some(self.stream.as_str()))
    }

    /// An `audit.key` record was read.
    pub(super) fn takeover(&mut self, seq: u64, takeover: &Takeover) {
        let Ok(key) = takeover.vkey.parse::<VerifierKey>() else {
            return;
        };
        let mut lines = self.lines.iter_mut();
        let named = lines.find(|line| {
            line.record.is_none() && line.first == takeover.first && line.key.bytes() == key.bytes()
        });
        if let Some(line) = named {
            line.record = Some(seq);
        }
    }

    /// A checkpoint of this size was signed by these. `removed`: records below are gone by retention.
    pub(super) fn signed(&mut self, size: u64, by: &[usize], removed: u64) -> Option<String> {
        for at in by.iter().copied().filter(|at| *at > 0) {
            let with_previous = by.contains(&(at - 1));
            if let Some(line) = self.lines.get_mut(at) {
                let is_covered = line.record.map_or(line.first < removed, |record| record < size);
                if with_previous && is_covered && line.endorsed.is_none() {
                    line.endorsed = Some(size);
                }
            }
        }
        let due = if self.from_file {
            self.lines.iter().rposition(|line| line.first <= size)
        } else {
            by.first().copied()
        };
        match due.and_then(|due| self.lines.get_mut(due)) {
            Some(line) if by.iter().any(|at| Some(*at) == due) => {
                line.checkpoints += 1;
                let first = line.signed.map_or(size, |(first, _)| first);
                line.signed = Some((first, size));
                None
            }
            Some(line) => Some(format!(
                "the key of size {size} is {}, and it has not signed this",
                line.key.name()
            )),
            None => Some(format!("no key has a range with the size {size}")),
        }
    }

    /// What is wrong with how one key followed the other.
    pub(super) fn findings(&self, findings: &Findings, removed: u64) -> Vec<Finding> {
        let lines = self.lines.iter().enumerate();
        // The first key needs a record only where the log began without it.
        let is_wrong = |at: usize, line: &Line| match at {
            0 => line.first > 0 && line.record.is_none() && line.first >= removed,
            _ => line.endorsed.is_none(),
        };
        let unendorsed = lines
            .filter(|(at, line)| self.from_file && line.checkpoints > 0 && is_wrong(*at, line))
            .map(|(_, line)| line);
        let found = unendorsed.map(|line| {
            let why = match line.record {
                None => "no record `audit.key` of the log says so",
                Some(_) => "no checkpoint that covers its record is signed by the key before it as well",
            };
            let sentence = format!("key {} signs from size {} on, and {why}", line.key, line.first);
            findings.of(Kind::KeyNotEndorsed, sentence).file(KEYS)
        });
        found.collect()
    }

    /// What was seen of each key, and whether it is trusted.
    pub(super) fn uses(&self) -> Vec<KeyUse> {
        let mut before = false;
        let uses = self.lines.iter().map(|line| {
            let is_given = self.given.iter().any(|given| self.is_same(given, &line.key));
            let trusted = is_given || (before && line.endorsed.is_some());
            before = trusted;
            KeyUse {
                key: line.key.clone(),
                first: line.first,
                signed: line.signed,
                checkpoints: line.checkpoints,
                trusted,
            }
        });
        uses.collect()
    }

    fn is_same(&self, given: &VerifierKey, key: &VerifierKey) -> bool {
        given.bytes() == key.bytes()
            && (self.is_name_of(given, key.name()) || self.is_name_of(key, given.name()))
    }
}

impl Line {
    fn new(first: u64, key: VerifierKey) -> Self {
        Self {
            first,
            key,
            record: None,
            endorsed: None,
            signed: None,
            checkpoints: 0,
        }
    }
}

/// Whether a line of keys ends before the end of its last text, as a write that was cut short does.
fn is_cut(text: &[u8]) -> bool {
    let quotes = text.iter().filter(|byte| **byte == b'"').count();
    text.starts_with(br#"{"first":"#.get(..text.len().min(9)).unwrap_or_default())
        && quotes <= 5
        && !text.contains(&b'}')
}

fn line(text: &[u8]) -> Option<Line> {
    let Ok(Json::Object(members)) = parse_json(text) else {
        return None;
    };
    let get = |name: &str| {
        members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    let Some(Json::Number(first)) = get("first") else {
        return None;
    };
    let Some(Json::Str(key)) = get("vkey") else {
        return None;
    };
    Some(Line::new(first.parse().ok()?, key.parse().ok()?))
}

//! Changes to sealed trails, each with what must be found. It knows lines by their newlines and shares nothing with `verify`.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use tracing_audit::format::{SigningKey, Tree, leaf_hash};

use crate::sealer::{STREAM, checkpoint, ordinary, write_tile};

/// Files by their paths within the stream's directory; `None` is a file that is taken away.
pub(crate) type Files = BTreeMap<String, Option<Vec<u8>>>;

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What must be found.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// A finding about this record, in this file at this offset; about no earlier record.
    Line {
        seqs: Range<u64>,
        file: String,
        offset: u64,
    },
    /// A finding that begins with this record.
    From(u64),
    /// A finding about an interval with this record in it, between these sizes.
    Within(Range<u64>),
    /// A finding about this file.
    File(String),
    /// A finding of this kind.
    Kind(&'static str),
    /// Nothing, without an anchor; with one, a finding.
    OnlyAnchored,
    /// Nothing that is sealed has changed: a remark about what stands in this file from this offset on.
    Behind { file: String, offset: u64 },
}

pub(crate) struct Mutant {
    pub(crate) class: &'static str,
    pub(crate) files: Files,
    pub(crate) wanted: Wanted,
}

/// A trail as it was written: its files, its lines and sizes, its keys.
pub(crate) struct Original {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) sizes: Vec<u64>,
    /// The key from size 0 on, the next one, and the size from which it signs.
    pub(crate) keys: [SigningKey; 2],
    pub(crate) taken_over: u64,
}

pub(crate) const CLASSES: &[&str] = &[
    "flip",
    "cut",
    "delete",
    "insert",
    "duplicate",
    "swap",
    "tile",
    "checkpoint",
    "checkpoints",
    "keys",
    "together",
    "segments",
    "unsigned",
    "resealed",
    "continued",
    "rollback",
    "stolen",
];

/// Every file below a directory.
pub(crate) fn read_all(home: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, home: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, home, found);
            } else {
                let name = path
                    .strip_prefix(home)
                    .expect("inside")
                    .to_string_lossy()
                    .into_owned();
                found.insert(name, fs::read(&path).expect("read"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(home, home, &mut found);
    found
}

/// What a copy of a record must give. Behind the last record of all nothing is sealed yet: a torn write may leave such a thing.
fn copied(seq: u64, file: String, offset: u64, is_behind_all: bool) -> Wanted {
    if is_behind_all {
        return Wanted::Behind { file, offset };
    }
    Wanted::Line {
        seqs: seq..seq + 1,
        file,
        offset,
    }
}

impl Original {
    fn segments(&self) -> Vec<String> {
        self.files
            .keys()
            .filter(|name| name.ends_with(".jsonl"))
            .cloned()
            .collect()
    }

    fn first(name: &str) -> u64 {
        name[17..37].parse().expect("twenty digits")
    }

    /// A segment, its first number, and where its lines begin; behind the last one, its length.
    fn segment(&self, random: &mut Random) -> (String, u64, Vec<usize>) {
        let name = random.of(&self.segments()).clone();
        let mut starts = vec![0];
        let bytes = &self.files[&name];
        starts.extend(
            bytes
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        let first = Self::first(&name);
        (name, first, starts)
    }

    pub(crate) fn mutant(&self, class: &'static str, random: &mut Random) -> Mutant {
        let (files, wanted) = match class {
            "flip" => self.flip(random),
            "cut" => self.cut(random),
            "delete" | "insert" | "duplicate" | "swap" => self.lines_moved(class, random),
            "tile" | "checkpoint" | "checkpoints" | "keys" => self.bytes_changed(class, random),
            "together" => self.together(random),
            "segments" => self.segments_gone(random),
            "unsigned" => self.unsigned(),
            "resealed" => self.resealed(random),
            "continued" => self.continued(random),
            "rollback" => self.rollback(random),
            "stolen" => self.stolen(random),
            _ => unreachable!("{class} is no class"),
        };
        Mutant { class, files, wanted }
    }

    fn flip(&self, random: &mut Random) -> (Files, Wanted) {
        let (name, first, starts) = self.segment(random);
        let mut bytes = self.files[&name].clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        let line = starts.partition_point(|start| *start <= at) - 1;
        let seq = first + line as u64;
        // A newline that is gone joins two records.
        let joined = u64::from(at + 1 == starts[line + 1]);
        let wanted = Wanted::Line {
            seqs: seq..seq + 1 + joined,
            file: name.clone(),
            offset: starts[line] as u64,
        };
        (Files::from([(name, Some(bytes))]), wanted)
    }

    fn cut(&self, random: &mut Random) -> (Files, Wanted) {
        let (name, first, starts) = self.segment(random);
        let bytes = &self.files[&name];
        let at = random.below(bytes.len());
        let whole = starts.partition_point(|start| *start <= at) - 1;
        (
            Files::from([(name, Some(bytes[..at].to_vec()))]),
            Wanted::From(first + whole as u64),
        )
    }

    fn lines_moved(&self, class: &str, random: &mut Random) -> (Files, Wanted) {
        let (name, first, starts) = self.segment(random);
        let bytes = &self.files[&name];
        let mut lines: Vec<Vec<u8>> = starts.windows(2).map(|at| bytes[at[0]..at[1]].to_vec()).collect();
        let at = random.below(lines.len());
        let seq = first + at as u64;
        let offset = starts[at] as u64;
        let place = |seqs: Range<u64>| Wanted::Line {
            seqs,
            file: name.clone(),
            offset,
        };
        let wanted = match class {
            "delete" => {
                lines.remove(at);
                Wanted::From(seq)
            }
            "insert" => {
                let mut forged = lines[random.below(lines.len())].clone();
                match random.below(4) {
                    0 => forged = b"\n".to_vec(),
                    1 => forged = b"not a record\n".to_vec(),
                    2 => {
                        let end = forged.len() - 2;
                        forged.splice(end..end, *b",\"zone\":\"x\"");
                    }
                    _ => forged[20] ^= 1,
                }
                lines.insert(at, forged);
                place(seq..seq + 1)
            }
            "duplicate" => {
                // A copy at a segment's begin is what a failed write leaves; elsewhere it does not belong.
                let at_first = at.max(1);
                // So is a segment that is repeated from its first line on.
                let from = 1 + random.below(lines.len() - 1);
                lines.insert(at_first, lines[from].clone());
                // Of two that stand side by side the second one is too much.
                let offset = starts[at_first + usize::from(from == at_first)] as u64;
                let is_behind_all = offset as usize == bytes.len() && self.segments().last() == Some(&name);
                copied(first + from as u64, name.clone(), offset, is_behind_all)
            }
            _ => {
                let other = (at + 1 + random.below(lines.len() - 1)) % lines.len();
                lines.swap(at, other);
                let (low, high) = (at.min(other), at.max(other));
                let offset = starts[low] as u64;
                Wanted::Line {
                    seqs: first + low as u64..first + high as u64 + 1,
                    file: name.clone(),
                    offset,
                }
            }
        };
        (Files::from([(name, Some(lines.concat()))]), wanted)
    }

    fn bytes_changed(&self, class: &str, random: &mut Random) -> (Files, Wanted) {
        let tiles: Vec<String> = self
            .files
            .keys()
            .filter(|name| name.starts_with("tile/"))
            .cloned()
            .collect();
        let name = if class == "tile" {
            random.of(&tiles).clone()
        } else {
            class.to_owned()
        };
        let mut bytes = self.files[&name].clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        (Files::from([(name.clone(), Some(bytes))]), Wanted::File(name))
    }

    /// The sizes sealed before and behind a record.
    fn interval(&self, seq: u64) -> Range<u64> {
        let behind = self.sizes.partition_point(|size| *size <= seq);
        let before = if behind == 0 { 0 } else { self.sizes[behind - 1] };
        before..self.sizes[behind]
    }

    fn together(&self, random: &mut Random) -> (Files, Wanted) {
        let (name, first, starts) = self.segment(random);
        let at = random.below(starts.len() - 1);
        let seq = first + at as u64;
        let mut lines = self.lines.clone();
        self.forge(&mut lines[seq as usize]);
        let mut files = self.tiles(&lines);
        let mut bytes = self.files[&name].clone();
        bytes.splice(starts[at]..starts[at + 1] - 1, lines[seq as usize].clone());
        files.insert(name, Some(bytes));
        (files, Wanted::Within(self.interval(seq)))
    }

    fn forge(&self, line: &mut [u8]) {
        let at = line
            .windows(11)
            .position(|part| part == b"\"action\":\"u" || part == b"\"action\":\"o");
        line[at.map_or(12, |at| at + 10)] ^= 1;
    }

    /// Tiles over other lines.
    fn tiles(&self, lines: &[Vec<u8>]) -> Files {
        let dir = tempfile::tempdir().expect("a directory");
        let mut tree = Tree::new();
        for line in lines {
            tree.push(leaf_hash(line), |tile| write_tile(dir.path(), &tile));
        }
        tree.partial().for_each(|tile| write_tile(dir.path(), &tile));
        let mut files: Files = self
            .files
            .keys()
            .filter(|name| name.starts_with("tile/"))
            .map(|name| (name.clone(), None))
            .collect();
        files.extend(
            read_all(dir.path())
                .into_iter()
                .map(|(name, bytes)| (name, Some(bytes))),
        );
        files
    }

    fn segments_gone(&self, random: &mut Random) -> (Files, Wanted) {
        let names = self.segments();
        let at = random.below(names.len());
        let count = 1 + random.below(names.len() - at);
        let files = names[at..at + count]
            .iter()
            .map(|name| (name.clone(), None))
            .collect();
        (files, Wanted::From(Self::first(&names[at])))
    }

    fn unsigned(&self) -> (Files, Wanted) {
        let mut files = Files::from(
            [("checkpoint", None), ("checkpoints", None), ("keys", None)]
                .map(|(name, none)| (name.to_owned(), none)),
        );
        let text = checkpoint(&[], self.lines.len() as u64, root(&self.lines));
        files.insert("checkpoint.unsigned".to_owned(), Some(text.into_bytes()));
        (files, Wanted::Kind("unsigned"))
    }

    /// An old checkpoint, signed again with the key that took over later.
    fn resealed(&self, random: &mut Random) -> (Files, Wanted) {
        let old: Vec<usize> = (0..self.sizes.len())
            .filter(|at| self.sizes[*at] < self.taken_over)
            .collect();
        let at = *random.of(&old);
        let mut notes = self.notes();
        let size = self.sizes[at];
        notes[at] = checkpoint(&[self.signer(1)], size, root(&self.lines[..size as usize]));
        let history = notes.iter().map(|note| format!("{note}\n")).collect::<String>();
        (
            Files::from([("checkpoints".to_owned(), Some(history.into_bytes()))]),
            Wanted::Kind("key_range"),
        )
    }

    fn signer(&self, at: usize) -> SigningKey {
        self.keys[at].for_stream(STREAM).expect("a name")
    }

    fn notes(&self) -> Vec<String> {
        let history = String::from_utf8(self.files["checkpoints"].clone()).expect("text");
        let blocks: Vec<&str> = history.split("\n\n").collect();
        blocks
            .chunks(2)
            .filter(|pair| pair.len() == 2)
            .map(|pair| format!("{}\n\n{}\n", pair[0], pair[1]))
            .collect()
    }

    /// The log cut somewhere, and continued with other records; tiles made again.
    fn continued(&self, random: &mut Random) -> (Files, Wanted) {
        let (name, first, starts) = self.segment(random);
        let at = random.below(starts.len() - 1);
        let from = first + at as u64;
        let mut lines = self.lines[..from as usize].to_vec();
        let mut bytes = self.files[&name][..starts[at]].to_vec();
        for seq in from..from + 1 + random.below(300) as u64 {
            let id = uuid::Uuid::from_u128(u128::from(random.next()));
            let line = tracing_audit::format::write_line(
                &ordinary(seq + 5_000),
                STREAM,
                seq,
                1_795_251_700_000_000_000,
                id,
            );
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            lines.push(line);
        }
        let mut files = self.tiles(&lines);
        for later in self.segments().into_iter().filter(|later| *later > name) {
            files.insert(later, None);
        }
        files.insert(name, Some(bytes));
        let interval = self.interval(from);
        (files, Wanted::Within(interval.start..self.lines.len() as u64))
    }

    /// Everything as it was at an earlier checkpoint.
    fn rollback(&self, random: &mut Random) -> (Files, Wanted) {
        let at = random.below(self.sizes.len() - 1);
        let size = self.sizes[at];
        let mut files = self.tiles(&self.lines[..size as usize]);
        let names = self.segments();
        for (at, name) in names.iter().enumerate() {
            let first = Self::first(name);
            let end = names.get(at + 1).map_or(size, |next| Self::first(next).min(size));
            let lines = &self.lines[first as usize..end.max(first) as usize];
            let keep: Vec<u8> = lines
                .iter()
                .flat_map(|line| [line.as_slice(), b"\n"].concat())
                .collect();
            files.insert(name.clone(), (first < size).then_some(keep));
        }
        let notes = self.notes();
        let history = notes[..=at]
            .iter()
            .map(|note| format!("{note}\n"))
            .collect::<String>();
        files.insert("checkpoints".to_owned(), Some(history.into_bytes()));
        files.insert("checkpoint".to_owned(), Some(notes[at].clone().into_bytes()));
        let keys = String::from_utf8(self.files["keys"].clone()).expect("text");
        let count = if size < self.taken_over { 1 } else { 2 };
        files.insert(
            "keys".to_owned(),
            Some(
                keys.split_inclusive('\n')
                    .take(count)
                    .collect::<String>()
                    .into_bytes(),
            ),
        );
        (files, Wanted::OnlyAnchored)
    }

    /// A record changed, and everything sealed again by somebody who has the keys.
    fn stolen(&self, random: &mut Random) -> (Files, Wanted) {
        let (mut files, _) = self.together(random);
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for name in self.segments() {
            let bytes = files
                .get(&name)
                .cloned()
                .flatten()
                .unwrap_or_else(|| self.files[&name].clone());
            lines.extend(
                bytes
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .map(<[u8]>::to_vec),
            );
        }
        let mut history = String::new();
        let mut newest = String::new();
        let mut has_both = false;
        for size in &self.sizes {
            let is_new = *size >= self.taken_over;
            let signers = match (is_new, has_both) {
                (false, _) => vec![self.signer(0)],
                (true, false) => vec![self.signer(1), self.signer(0)],
                (true, true) => vec![self.signer(1)],
            };
            has_both = is_new;
            newest = checkpoint(&signers, *size, root(&lines[..*size as usize]));
            history.push_str(&format!("{newest}\n"));
        }
        files.insert("checkpoints".to_owned(), Some(history.into_bytes()));
        files.insert("checkpoint".to_owned(), Some(newest.into_bytes()));
        (files, Wanted::OnlyAnchored)
    }
}

fn root(lines: &[Vec<u8>]) -> tracing_audit::format::Hash {
    let mut tree = Tree::new();
    lines.iter().for_each(|line| tree.push(leaf_hash(line), |_| {}));
    tree.root()
}

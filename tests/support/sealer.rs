//! Sealed trails for tests, written as docs/format.md says, step by step: segments, tiles, checkpoints, keys.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tracing_audit::format::{
    Checkpoint, Hash, Note, Signature, SigningKey, Tile, TileName, Tree, VerifierKey, leaf_hash, write_line,
};
use tracing_audit::record::{Map, Record, Value};
use tracing_audit::verify::{Finding, Kind, Options, Outcome, StreamReport, verify};

pub(crate) const STREAM: &str = "main-0123456789ab";
pub(crate) const NAME: &str = "example.com/payments";

/// 2026-11-21T09:00:00Z.
const START: u64 = 1_795_251_600_000_000_000;

pub(crate) fn key() -> SigningKey {
    SigningKey::generate(NAME).expect("a name")
}

/// A writer of one stream.
pub(crate) struct Sealer {
    root: TempDir,
    pub(crate) home: PathBuf,
    /// The keys that sign now: the newest first, and behind it the one before it until both have signed once.
    keys: Vec<SigningKey>,
    pub(crate) tree: Tree,
    pub(crate) seq: u64,
    segment: Option<PathBuf>,
    /// Every line, by its number.
    pub(crate) lines: Vec<Vec<u8>>,
    /// The sizes that were sealed.
    pub(crate) sizes: Vec<u64>,
}

impl Sealer {
    pub(crate) fn new(key: Option<&SigningKey>) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let home = root.path().join("main");
        fs::create_dir(&home).expect("a directory");
        let identity =
            format!("{{\"created\":\"2026-11-21T09:00:00.000000000Z\",\"stream\":\"{STREAM}\"}}\n");
        fs::write(home.join("stream"), identity).expect("a file");
        let mut sealer = Self {
            root,
            home,
            keys: Vec::new(),
            tree: Tree::new(),
            seq: 0,
            segment: None,
            lines: Vec::new(),
            sizes: Vec::new(),
        };
        if let Some(key) = key {
            sealer.key_line(0, key);
            sealer.keys = vec![key.for_stream(STREAM).expect("a name")];
        }
        sealer
    }

    /// Three segments and five checkpoints, signed.
    pub(crate) fn three_segments(key: &SigningKey) -> Self {
        let mut sealer = Self::new(Some(key));
        sealer.control("audit.open", &[("clean", Value::from(true))]);
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

    /// Four segments of 100, 200, 300 and 50 records, a checkpoint every 50.
    pub(crate) fn four_segments(key: Option<&SigningKey>) -> Self {
        let mut sealer = Self::new(key);
        for count in [100, 200, 300, 50] {
            for _ in 0..count / 50 {
                sealer.records(50);
                sealer.seal();
            }
            sealer.roll();
        }
        sealer
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    fn key_line(&self, first: u64, key: &SigningKey) {
        let line = format!("{{\"first\":{first},\"vkey\":\"{}\"}}\n", key.verifier());
        self.append("keys", line.as_bytes());
    }

    pub(crate) fn append(&self, name: &str, bytes: &[u8]) {
        let path = self.home.join(name);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("a file");
        file.write_all(bytes).expect("written");
    }

    /// The segment that is open, by its name; the first one is begun where there is none.
    pub(crate) fn segment(&mut self) -> String {
        let seq = self.seq;
        let home = &self.home;
        let path = self
            .segment
            .get_or_insert_with(|| home.join(format!("audit-2026-11-21-{seq:020}.jsonl")));
        path.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// The name of the open segment.
    pub(crate) fn segment_name(&self) -> String {
        let path = self
            .segment
            .as_deref()
            .and_then(Path::file_name)
            .expect("an open segment");
        path.to_string_lossy().into_owned()
    }

    /// Ends the segment; the next record begins another one.
    pub(crate) fn roll(&mut self) {
        self.segment = None;
    }

    /// Appends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let name = self.segment();
        self.append(&name, bytes);
    }

    pub(crate) fn records_so_far(&self) -> u64 {
        self.seq
    }

    /// The length of the open segment.
    pub(crate) fn len(&mut self) -> u64 {
        let name = self.segment();
        fs::metadata(self.home.join(name)).map_or(0, |about| about.len())
    }

    /// Makes the line of a record without writing it.
    pub(crate) fn line(&self, seq: u64, record: Record) -> Vec<u8> {
        let time = START + seq * 1_000_000;
        let id = uuid::Builder::from_unix_timestamp_millis(time / 1_000_000, &[seq as u8; 10]).into_uuid();
        write_line(&record, STREAM, seq, time, id)
    }

    pub(crate) fn put(&mut self, record: Record) -> u64 {
        let line = self.line(self.seq, record);
        let mut bytes = line.clone();
        bytes.push(b'\n');
        self.raw(&bytes);
        self.leaf(line)
    }

    /// Takes a line for the next record without writing it.
    pub(crate) fn leaf(&mut self, line: Vec<u8>) -> u64 {
        let home = &self.home;
        self.tree.push(leaf_hash(&line), |tile| write_tile(home, &tile));
        self.lines.push(line);
        self.seq += 1;
        self.seq - 1
    }

    /// Ordinary records.
    pub(crate) fn records(&mut self, count: u64) {
        for _ in 0..count {
            let n = self.seq;
            self.put(ordinary(n));
        }
    }

    pub(crate) fn control(&mut self, event: &str, attributes: &[(&str, Value)]) -> u64 {
        let mut record = Record::builder(event)
            .category("audit")
            .actor("system", "tracing-audit");
        for (name, value) in attributes {
            record = record.attribute(*name, value.clone());
        }
        self.put(record.build())
    }

    /// Says what a crash has left in a segment.
    pub(crate) fn open_after_crash(&mut self, segment: &str, offset: u64) {
        let bytes = fs::read(self.home.join(segment)).expect("a segment");
        let bytes = &bytes[offset as usize..];
        let torn = Map::from([
            ("segment".to_owned(), Value::from(segment)),
            ("offset".to_owned(), Value::from(offset)),
            ("len".to_owned(), Value::from(bytes.len() as u64)),
            ("sha256".to_owned(), Value::from(sha256(bytes))),
        ]);
        self.control(
            "audit.open",
            &[("clean", Value::from(false)), ("torn", Value::Map(torn))],
        );
    }

    /// Another key takes over, from the next size on.
    pub(crate) fn rotate(&mut self, key: &SigningKey) {
        let previous = self.keys[0].verifier().to_string();
        let first = self.seq + 1;
        let attributes = [
            ("vkey", Value::from(key.verifier().to_string())),
            ("first", Value::from(first)),
            ("previous", Value::from(previous)),
        ];
        self.control("audit.key", &attributes);
        self.key_line(first, key);
        self.keys.insert(0, key.for_stream(STREAM).expect("a name"));
    }

    /// The note over what is there, signed by these keys, or the bare text without one.
    pub(crate) fn note(&self, keys: &[SigningKey]) -> String {
        let (size, root) = (self.seq, self.tree.root());
        checkpoint(keys, size, root)
    }

    /// Writes tiles and a checkpoint.
    pub(crate) fn seal(&mut self) {
        for tile in self.tree.partial() {
            write_tile(&self.home, &tile);
        }
        let note = self.note(&self.keys);
        self.sizes.push(self.seq);
        if self.keys.is_empty() {
            fs::write(self.home.join("checkpoint.unsigned"), note).expect("a file");
        } else {
            fs::write(self.home.join("checkpoint"), &note).expect("a file");
            self.append("checkpoints", format!("{note}\n").as_bytes());
        }
        // Both have signed now.
        self.keys.truncate(1);
    }

    /// The first key's public half, under its own name.
    pub(crate) fn signed_by(key: &SigningKey) -> VerifierKey {
        key.verifier().clone()
    }
}

/// Verification that trusts this key.
pub(crate) fn with(key: &SigningKey) -> Options {
    Options::new().key(key.verifier().clone())
}

/// What verification says of the only stream.
pub(crate) fn report(path: &Path, options: &Options) -> (StreamReport, Outcome) {
    let report = verify(path, options).expect("it can be read");
    let outcome = report.outcome();
    (report.streams.into_iter().next().expect("a stream"), outcome)
}

/// What it finds there: what it is called, at which record, and in which file.
#[track_caller]
pub(crate) fn found(
    path: &Path,
    options: &Options,
    wanted: Outcome,
) -> Vec<(Kind, Option<u64>, Option<String>)> {
    let (stream, outcome) = report(path, options);
    assert_eq!(outcome, wanted, "{:#?}", stream.findings);
    let place = |finding: &Finding| (finding.kind, finding.seq(), finding.file.clone());
    stream.findings.iter().map(place).collect()
}

/// Replaces a part of a file.
pub(crate) fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("text");
    assert!(text.contains(from), "{from} in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

pub(crate) fn checkpoint(keys: &[SigningKey], size: u64, root: Hash) -> String {
    let origin = keys
        .first()
        .map_or_else(|| STREAM.to_owned(), |key| key.verifier().name().to_owned());
    let text = Checkpoint { origin, size, root }.to_string();
    if keys.is_empty() {
        return text;
    }
    let signatures: Vec<Signature> = keys
        .iter()
        .map(|key| key.signature(&text).expect("signs"))
        .collect();
    Note { text, signatures }.to_string()
}

pub(crate) fn ordinary(n: u64) -> Record {
    let text = format!(
        "what happened, number {n}: {}",
        "lorem ipsum ".repeat((n % 7) as usize)
    );
    Record::builder("invoice.update")
        .actor("user", format!("u-{}", n % 13))
        .resource("invoice", n.to_string())
        .outcome("success")
        .attribute("note", text)
        .build()
}

pub(crate) fn write_tile(home: &Path, tile: &Tile<'_>) {
    let path = home.join(TileName::of(tile).to_string());
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, tile.hashes.concat()).expect("a tile");
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A directory and everything in it, elsewhere.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

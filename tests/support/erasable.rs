//! A trail whose policy makes fields erasable, and what is in its files.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_audit::format::read_line;
use tracing_audit::record::Record;
use tracing_audit::redact::{Action, Policy};
use tracing_audit::store::{DirStore, Direction, List, Store as _, Stored};
use tracing_audit::{Audit, AuditBuilder, AuditedExt as _, Query};
use tracing_subscriber::registry;

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Trail {
    pub(crate) place: tempfile::TempDir,
    pub(crate) audit: Audit,
}

pub(crate) fn policy() -> Policy {
    Policy::balanced()
        .field("email", Action::Erasable("actor.id"))
        .field("shipping address", Action::Erasable("customer"))
}

impl Trail {
    pub(crate) fn new() -> Self {
        Self::with(policy(), |builder| builder)
    }

    pub(crate) fn with(policy: Policy, configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Self {
        let place = tempfile::tempdir().unwrap();
        let builder = Audit::builder().directory(place.path()).service("t").host("t");
        let audit = configure(builder.policy(policy)).start().unwrap();
        Self { place, audit }
    }

    pub(crate) fn stream(&self) -> PathBuf {
        self.place.path().join("main")
    }

    pub(crate) fn run(&self, report: impl FnOnce()) {
        tracing::subscriber::with_default(registry().audited(&self.audit), report);
        self.audit.flush(LONG).unwrap();
    }

    /// The bytes of the log, without what is read by joining.
    pub(crate) fn log(&self) -> Vec<u8> {
        let mut names: Vec<_> = fs::read_dir(self.stream())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        names.sort();
        names.iter().flat_map(|path| fs::read(path).unwrap()).collect()
    }

    pub(crate) fn lines(&self, event: &str) -> Vec<Record> {
        let log = self.log();
        let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let records = lines.map(|line| read_line(line).unwrap());
        records.filter(|record| record.event() == event).collect()
    }

    /// The records that a reader is given.
    pub(crate) fn read(&self, event: &str) -> Vec<Stored> {
        let query = Query::parse(&format!("event={event}")).unwrap();
        let list = List::default().direction(Direction::OldestFirst).limit(0);
        DirStore::open(self.place.path())
            .unwrap()
            .list(&query, &list)
            .unwrap()
            .records
    }

    pub(crate) fn rows(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.stream().join("erasable")) else {
            return Vec::new();
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// Whether the bytes stand anywhere in the trail's directory.
    pub(crate) fn holds(&self, bytes: &str) -> bool {
        fn any(dir: &Path, bytes: &[u8]) -> bool {
            fs::read_dir(dir).unwrap().any(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return any(&path, bytes);
                }
                // A file that the trail replaces meanwhile may be gone.
                memchr::memmem::find(&fs::read(path).unwrap_or_default(), bytes).is_some()
            })
        }
        any(self.place.path(), bytes.as_bytes())
    }
}

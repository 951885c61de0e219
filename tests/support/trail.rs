//! A trail in a directory of a test's own, beside a memory, and read back as a user reads it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tracing_audit::record::{Map, Record, Value};
use tracing_audit::sink::MemorySink;
use tracing_audit::store::{DirStore, Direction, List, Page, Store as _};
use tracing_audit::{Audit, AuditBuilder, AuditedExt as _, Query};
use tracing_core::Dispatch;

pub(crate) const LONG: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Trail {
    pub(crate) audit: Audit,
    pub(crate) memory: MemorySink,
    place: TempDir,
}

impl Trail {
    pub(crate) fn new() -> Self {
        Self::with(|audit| audit)
    }

    pub(crate) fn with(configure: impl FnOnce(AuditBuilder) -> AuditBuilder) -> Self {
        let (place, memory) = (tempfile::tempdir().unwrap(), MemorySink::new());
        let builder = Audit::builder().directory(place.path()).sink(memory.clone());
        Self {
            audit: configure(builder.service("test").host("test")).start().unwrap(),
            memory,
            place,
        }
    }

    /// Runs code under the trail.
    pub(crate) fn run<R>(&self, run: impl FnOnce() -> R) -> R {
        let dispatch = Dispatch::new(tracing_subscriber::registry().audited(&self.audit));
        tracing_core::dispatcher::with_default(&dispatch, run)
    }

    pub(crate) fn submit(&self, record: Record) {
        self.audit.submit(record).unwrap();
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.place.path()
    }

    /// A page of what the files hold.
    pub(crate) fn page(&self, query: &Query, list: &List) -> Page {
        self.audit.flush(LONG).unwrap();
        DirStore::open(self.place.path())
            .unwrap()
            .list(query, list)
            .unwrap()
    }

    /// The records that a query finds in the files, oldest first, but for those that the trail writes about itself.
    pub(crate) fn ask(&self, query: &str) -> Vec<Record> {
        self.asked(Query::parse(query).unwrap())
    }

    pub(crate) fn asked(&self, query: Query) -> Vec<Record> {
        let query = query.and(Query::parse("category!=audit").unwrap());
        let list = List::default().direction(Direction::OldestFirst).limit(0);
        let page = self.page(&query, &list);
        assert_eq!(page.findings, [], "the files are whole");
        page.records.into_iter().map(|stored| stored.record).collect()
    }

    /// The event names of what a query finds.
    pub(crate) fn events(&self, query: &str) -> Vec<String> {
        let found = self.ask(query);
        found.iter().map(|record| record.event().to_owned()).collect()
    }

    /// What stands in the files, as text.
    pub(crate) fn text(&self) -> String {
        self.audit.flush(LONG).unwrap();
        let mut names: Vec<_> = fs::read_dir(self.audit.path().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        names.sort();
        names
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }
}

/// `detail.<variant>`: a map of one map.
pub(crate) fn detail<const N: usize>(variant: &str, members: [(&str, Value); N]) -> Map {
    Map::from([(variant.to_owned(), Value::Map(map(members)))])
}

pub(crate) fn map<const N: usize>(members: [(&str, Value); N]) -> Map {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

//! A trail that ends and begins again in the same process and directory.

use std::time::Duration;

use tracing_audit::record::Record;
use tracing_audit::store::{DirStore, Direction, List, Store};
use tracing_audit::{Audit, Emitter, ErrorKind, Query};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_directory_is_free_as_soon_as_its_trail_was_shut_down() {
    // A service that reloads its configuration met `Locked` in two of five restarts: the answer came before the release.
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("audit");
    for round in 0..100_u64 {
        let audit = Audit::builder().directory(&dir).start();
        let audit = audit.unwrap_or_else(|error| panic!("round {round}: {error}"));
        audit
            .emit(Record::builder("round.end").attribute("round", round).build())
            .unwrap();
        audit.shutdown(PATIENCE).unwrap();
    }
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let found = DirStore::open(&dir)
        .unwrap()
        .list(&Query::parse("event=round.end").unwrap(), &list)
        .unwrap();
    let rounds: Vec<_> = found
        .records
        .iter()
        .filter_map(|stored| stored.record.attribute("round")?.as_u64())
        .collect();
    assert_eq!(rounds, (0..100).collect::<Vec<_>>());
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

#[test]
fn a_directory_is_not_free_while_its_trail_runs() {
    let place = tempfile::tempdir().unwrap();
    let first = Audit::builder().directory(place.path().join("audit")).start().unwrap();
    let second = Audit::builder().directory(place.path().join("audit")).start();
    let error = second.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    first.shutdown(PATIENCE).unwrap();
}

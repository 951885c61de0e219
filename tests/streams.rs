//! Several streams in one trail: which record goes where, and that each stream is whole by itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tracing::{info, info_span, subscriber};
use tracing_audit::config::{Part, Stream};
use tracing_audit::format::SigningKey;
use tracing_audit::record::{Record, Slot, Value};
use tracing_audit::redact::{Action, Policy};
use tracing_audit::sink::{MemorySink, StdoutSink};
use tracing_audit::store::{Completeness, DirStore, Direction, List, Store as _, Window, completeness};
use tracing_audit::verify::{Options, Outcome, Proof, verify};
use tracing_audit::{Audit, AuditBuilder, AuditedExt as _, Done, Query, Request, State};
use tracing_subscriber::registry;

const LONG: Duration = Duration::from_secs(60);

const ALWAYS: Window = Window {
    from: 0,
    until: u64::MAX / 4,
};

fn three(dir: &Path) -> AuditBuilder {
    Audit::builder()
        .directory(dir)
        .diagnostics(|_| {})
        .stream_beside(Stream::named("personal").keep_days(90))
        .stream_beside(Stream::named("billing").keep_segments(1))
        .stream_of_event("security.*", "main")
        .stream_of_pii_category("health*", "billing")
        .stream_of_pii("personal")
        .stream_of_category("billing", "billing")
}

fn event(name: &str) -> tracing_audit::record::RecordBuilder {
    Record::builder(name).actor("user", "u-1")
}

/// The records that match, oldest first.
fn records(dir: &Path, query: &str) -> Vec<Record> {
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let found = DirStore::open(dir).unwrap();
    let found = found.list(&Query::parse(query).unwrap(), &list).unwrap();
    found.records.into_iter().map(|stored| stored.record).collect()
}

/// Which events of the application stand in which stream.
fn told(dir: &Path) -> BTreeMap<String, Vec<String>> {
    let mut told = BTreeMap::new();
    for stream in ["main", "personal", "billing"] {
        let records = records(&dir.join(stream), "event!=audit.*");
        let names = records.iter().map(|record| record.event().to_owned());
        told.insert(stream.to_owned(), names.collect());
    }
    told
}

fn expect(rows: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let row = |(stream, events): &(&str, &[&str])| {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        ((*stream).to_owned(), events)
    };
    rows.iter().map(row).collect()
}

#[test]
fn the_first_rule_that_fits_says_the_stream_of_a_record_that_comes_by_a_macro() {
    let place = tempfile::tempdir().unwrap();
    let audit = three(place.path()).start().unwrap();
    subscriber::with_default(registry().audited(&audit), || {
        info!(target: "audit", event = "plain");
        info!(target: "audit", event = "declared", contains_pii = true);
        info!(target: "audit", event = "declared.none", contains_pii = false);
        info!(target: "audit", event = "listed", pii_categories = "contact, name");
        info!(target: "audit", event = "listed.debug", pii_categories = ?["contact", "health data"]);
        info!(target: "audit", event = "seen", note = "write to ana@example.com");
        info!(target: "audit", event = "undeclared", contains_pii = false, note = "write to ana@example.com");
        info!(target: "audit", event = "security.login", contains_pii = true);
        info!(target: "audit", event = "by.category", category = "billing");
        info!(target: "audit", event = "billing.refund");
        info!(target: "audit", event = "billing.refund.late");
        info!(target: "audit::billing", event = "by.target");
        let span =
            info_span!(target: "audit", "span", event = "span.late", contains_pii = tracing::field::Empty);
        span.record("contains_pii", true);
        drop(span);
        drop(info_span!(target: "audit", "span", event = "span.plain"));
    });
    audit.shutdown(LONG).unwrap();
    let expected = expect(&[
        (
            "main",
            &[
                "plain",
                "declared.none",
                "security.login",
                "billing.refund.late",
                "span.plain",
            ],
        ),
        (
            "personal",
            &["declared", "listed", "seen", "undeclared", "span.late"],
        ),
        (
            "billing",
            &["listed.debug", "by.category", "billing.refund", "by.target"],
        ),
    ]);
    assert_eq!(told(place.path()), expected);
}

#[test]
fn the_same_holds_for_values_and_a_receipt_names_its_stream_and_the_place_there() {
    let place = tempfile::tempdir().unwrap();
    let audit = three(place.path()).start().unwrap();
    let ids: Vec<String> = audit
        .streams()
        .iter()
        .map(|stream| stream.id().to_owned())
        .collect();
    assert_eq!(audit.stream(), Some(&*ids[0]));
    let personal = || event("a").set(Slot::PiiContains, true);
    let kinds = Value::List(vec!["other".into(), "health".into()]);
    let cases = [
        (event("plain").build(), 0, 1),
        (personal().build(), 1, 1),
        (personal().category("billing").build(), 1, 2),
        (event("b").set(Slot::PiiCategories, kinds).build(), 2, 1),
        (event("c").attribute("note", "ana@example.com").build(), 1, 3),
        (event("security.x").set(Slot::PiiContains, true).build(), 0, 2),
        (event("billing.y").build(), 2, 2),
    ];
    for (record, stream, seq) in cases {
        let receipt = audit.emit(record).unwrap();
        assert_eq!(
            (receipt.stream(), receipt.seq()),
            (Some(&*ids[stream]), Some(seq))
        );
        assert_eq!(receipt.state(), State::Durable);
    }
    audit.submit(event("billing.z").build()).unwrap();
    let future = audit.emit_async(event("billing.later").build());
    let receipt = pollster(future).unwrap();
    assert_eq!((receipt.stream(), receipt.seq()), (Some(&*ids[2]), Some(4)));
    let report = audit.flush(LONG).unwrap();
    assert_eq!((report.taken, report.durable, report.lost), (9, 9, 0));
    let by_stream: Vec<u64> = audit
        .streams()
        .iter()
        .map(|stream| stream.stats().durable)
        .collect();
    assert_eq!(by_stream, [2, 3, 4]);
    audit.shutdown(LONG).unwrap();
}

/// Waits for a future on this thread.
fn pollster<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        let mut context = std::task::Context::from_waker(&waker);
        if let std::task::Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::park();
    }
}

#[test]
fn each_stream_is_whole_with_a_begin_an_end_a_seal_and_its_own_retention() {
    let place = tempfile::tempdir().unwrap();
    let audit = three(place.path()).start().unwrap();
    for _ in 0..3 {
        for name in ["plain", "billing.refund"] {
            audit.emit(event(name).build()).unwrap();
        }
        audit
            .emit(event("p").set(Slot::PiiContains, true).build())
            .unwrap();
        audit.rotate().unwrap();
    }
    audit.cleanup().unwrap();
    audit.shutdown(LONG).unwrap();
    let segments = |stream: &str| {
        let found = tracing_audit::format::segments(&place.path().join(stream)).unwrap();
        found.len()
    };
    assert_eq!((segments("main"), segments("personal")), (4, 4));
    assert!(segments("billing") <= 2, "{}", segments("billing"));
    for (stream, days, keep) in [("main", 30, 0), ("personal", 90, 0), ("billing", 30, 1)] {
        let dir = place.path().join(stream);
        let close = records(&dir, "event=audit.close");
        assert_eq!(close.len(), 1);
        assert_eq!(
            close[0].attribute("records").and_then(Value::as_u64),
            Some(3),
            "{stream}"
        );
        assert!(dir.join("checkpoint.unsigned").is_file());
        let Some(open) = records(&dir, "event=audit.open").pop() else {
            assert_eq!(stream, "billing", "the others keep their begin");
            continue;
        };
        let config = open.attribute("config").and_then(Value::as_map).unwrap().clone();
        let number = |name: &str| config[name].as_u64().unwrap();
        assert_eq!((number("keep_days"), number("keep_segments")), (days, keep));
        assert_eq!(config["stream"], Value::from(stream));
        let rules = config["routes"].as_list().unwrap();
        assert_eq!(rules.len(), 4);
        let row = rules[3].as_map().unwrap();
        assert_eq!(
            (&row["of"], &row["stream"]),
            (&"category billing".into(), &"billing".into())
        );
    }
    let retention = |stream: &str| records(&place.path().join(stream), "event=audit.retention").len();
    assert_eq!((retention("main"), retention("personal")), (0, 0));
    assert!(retention("billing") > 0);
    let verified = verify(place.path(), &Options::new()).unwrap();
    assert_eq!(verified.streams.len(), 3);
    assert_eq!(verified.outcome(), Outcome::Verified, "{verified:?}");
}

#[test]
fn each_stream_is_signed_by_the_trails_key_and_a_new_key_takes_over_in_all_of_them() {
    let place = tempfile::tempdir().unwrap();
    let keys = [(); 2].map(|()| SigningKey::generate("example.com/payments").unwrap());
    let [old, new] = &keys;
    let heads = std::sync::Arc::new(parking_lot::Mutex::new(std::collections::BTreeSet::new()));
    let starts = [(old, None), (new, Some(old)), (new, None)];
    for (key, retiring) in starts {
        let heard = std::sync::Arc::clone(&heads);
        let builder = three(place.path())
            .signing_key(key.clone())
            .on_checkpoint(move |note| {
                heard.lock().insert(note.lines().next().unwrap().to_owned());
            });
        let builder = retiring
            .into_iter()
            .fold(builder, |builder, old| builder.retiring_key(old.clone()));
        let audit = builder.start().unwrap();
        audit.emit(event("plain").build()).unwrap();
        audit.emit(event("billing.refund").build()).unwrap();
        audit.shutdown(LONG).unwrap();
    }
    assert_eq!(
        heads.lock().len(),
        3,
        "an origin for each stream: {:?}",
        heads.lock()
    );
    let options = keys
        .iter()
        .fold(Options::new(), |options, key| options.key(key.verifier().clone()));
    let report = verify(place.path(), &options).unwrap();
    assert_eq!(report.outcome(), Outcome::Verified, "{report:?}");
    assert_eq!(report.streams.len(), 3);
    for stream in &report.streams {
        assert_eq!(
            (stream.proof, stream.keys.len(), stream.unsealed()),
            (Proof::Signed, 2, 0),
            "{stream:?}"
        );
    }
}

#[test]
fn a_trail_of_several_streams_goes_on_in_each_of_them() {
    let place = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for run in 0..3 {
        let audit = three(place.path()).start().unwrap();
        let now: Vec<String> = audit
            .streams()
            .iter()
            .map(|stream| stream.id().to_owned())
            .collect();
        assert!(run == 0 || ids == now);
        ids = now;
        let receipt = audit.emit(event("billing.refund").build()).unwrap();
        assert_eq!(receipt.seq(), Some(run * 3 + 1));
        // The drop of a guard ends all of them, and a record begins only its own again.
        drop(audit.guard());
        audit.shutdown(LONG).unwrap();
    }
    for stream in ["main", "personal", "billing"] {
        let closes = records(&place.path().join(stream), "event=audit.close").len();
        assert_eq!(closes, 3, "{stream}");
    }
    let verdict = completeness(&DirStore::open(place.path()).unwrap(), ALWAYS).unwrap();
    assert_eq!(verdict.completeness(), Completeness::Complete, "{verdict}");
}

#[test]
fn a_sink_is_given_the_entries_of_every_stream_each_once_across_restarts() {
    let place = tempfile::tempdir().unwrap();
    let sink = MemorySink::new();
    let path = place.path().join("out.jsonl");
    let mut ids = Vec::new();
    for run in 0..2 {
        let file = fs::File::options().create(true).append(true).open(&path).unwrap();
        let audit = three(place.path())
            .sink(sink.clone())
            .sink(StdoutSink::to(file))
            .start()
            .unwrap();
        for n in 0..50 {
            for name in ["plain", "billing.refund"] {
                audit
                    .submit(event(name).attribute("n", run * 50 + n).build())
                    .unwrap();
            }
            audit
                .submit(event("p").set(Slot::PiiContains, true).build())
                .unwrap();
        }
        audit.flush(LONG).unwrap();
        ids = audit
            .streams()
            .iter()
            .map(|stream| stream.id().to_owned())
            .collect();
        audit.shutdown(LONG).unwrap();
        let stats = audit.stats();
        assert_eq!(stats.sinks.len(), 2);
        assert_eq!(stats.sinks[0].accepted, stats.taken + stats.control);
    }
    for of in [
        sink.lines(),
        fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    ] {
        let mut next: BTreeMap<String, u64> = BTreeMap::new();
        for line in of {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            let due = next
                .entry(line["stream"].as_str().unwrap().to_owned())
                .or_default();
            assert_eq!(line["seq"].as_u64(), Some(*due), "{line}");
            *due += 1;
        }
        let mut known: Vec<&String> = next.keys().collect();
        known.sort();
        ids.sort();
        assert_eq!(known, ids.iter().collect::<Vec<_>>());
        assert!(next.values().all(|count| *count == 104), "{next:?}");
    }
}

#[test]
fn a_sink_that_resumes_has_a_cursor_in_each_stream() {
    #[derive(Debug)]
    struct Ships(MemorySink);
    impl tracing_audit::sink::Sink for Ships {
        fn deliver(
            &mut self,
            batch: &[tracing_audit::format::Entry<'_>],
        ) -> Result<tracing_audit::sink::Accepted, tracing_audit::sink::SinkError> {
            let streams: std::collections::BTreeSet<_> = batch.iter().map(|entry| entry.stream()).collect();
            assert!(streams.len() <= 1 && !streams.contains(&None), "{streams:?}");
            self.0.deliver(batch)
        }
        fn flush(&mut self) -> Result<(), tracing_audit::sink::SinkError> {
            Ok(())
        }
        fn name(&self) -> &str {
            "ships"
        }
    }
    let place = tempfile::tempdir().unwrap();
    let mut taken = 0;
    for _ in 0..2 {
        // A new one each time: only the cursors know what it has.
        let sink = MemorySink::new();
        let audit = three(place.path()).sink(Ships(sink.clone())).start().unwrap();
        audit.emit(event("plain").build()).unwrap();
        audit.emit(event("billing.refund").build()).unwrap();
        audit.flush(LONG).unwrap();
        audit.shutdown(LONG).unwrap();
        taken += sink.len();
        assert_eq!(sink.len(), 3 + 2 + 3);
    }
    for (stream, next) in [("main", 6), ("personal", 4), ("billing", 6)] {
        let text = fs::read(place.path().join(stream).join("cursors/ships")).unwrap();
        let cursor: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(cursor["next"], next, "{stream}");
    }
    assert_eq!(taken, 16);
}

#[test]
fn without_a_journal_the_streams_meet_in_the_sinks() {
    let sink = MemorySink::new();
    let place = tempfile::tempdir().unwrap();
    let audit = three(place.path()).memory(&sink).start().unwrap();
    let receipt = audit.emit(event("billing.refund").build()).unwrap();
    assert_eq!(receipt.state(), State::Delivered);
    let of_plain = audit.emit(event("plain").build()).unwrap();
    assert_ne!(receipt.stream(), of_plain.stream());
    audit.shutdown(LONG).unwrap();
    let entries = sink.entries();
    let of = |stream: &str| {
        entries
            .iter()
            .filter(|entry| String::from_utf8_lossy(entry.line()).contains(stream))
            .count()
    };
    assert_eq!(of("\"stream\":\"billing-"), 3);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn an_erasure_reaches_every_stream_and_a_request_one() {
    let place = tempfile::tempdir().unwrap();
    let policy = Policy::balanced().field("note", Action::Erasable("actor.id"));
    let audit = three(place.path()).policy(policy).start().unwrap();
    let emit = |name: &str, actor: &str| {
        let record = Record::builder(name)
            .actor("user", actor)
            .attribute("note", "hello");
        audit.emit(record.build()).unwrap();
    };
    for actor in ["u-1", "u-2"] {
        emit("plain", actor);
        emit("billing.refund", actor);
    }
    let erased = audit.erase("u-1").unwrap();
    assert_eq!((erased.records, erased.values, erased.range), (2, 2, None));
    let billing = place.path().join("billing");
    let Done::Erased(erased) = Request::Erase("u-2".to_owned()).ask(&billing, LONG).unwrap() else {
        panic!("it was asked to erase");
    };
    assert_eq!((erased.records, erased.values), (1, 1));
    let erased = audit.erase("u-2").unwrap();
    assert_eq!((erased.records, erased.range.is_some()), (1, true));
    audit.shutdown(LONG).unwrap();
}

#[test]
fn a_pause_leaves_out_what_would_go_to_another_stream_and_the_main_one_says_so() {
    let place = tempfile::tempdir().unwrap();
    let audit = three(place.path()).start().unwrap();
    audit.pause_part(Part::category("billing"), "a test").unwrap();
    let receipt = audit.emit(event("billing.refund").build()).unwrap();
    assert_eq!(receipt.state(), State::Paused);
    assert_eq!(audit.resume().unwrap(), 1);
    audit.shutdown(LONG).unwrap();
    let told = |stream: &str| {
        records(
            &place.path().join(stream),
            "event=audit.pause or event=audit.resume",
        )
        .len()
    };
    assert_eq!((told("main"), told("billing")), (2, 0));
    let store = DirStore::open(place.path()).unwrap();
    let verdict = completeness(&store, ALWAYS).unwrap();
    assert_eq!(
        (verdict.completeness(), verdict.lost()),
        (Completeness::Lossy, 1),
        "{verdict}"
    );
}

#[test]
fn an_outcome_in_another_stream_than_its_intent_is_an_outcome() {
    let place = tempfile::tempdir().unwrap();
    let audit = three(place.path()).start().unwrap();
    let pending = audit.begin(event("transfer").build()).unwrap();
    pending
        .finish_with(|outcome| outcome.outcome("success").set(Slot::PiiContains, true))
        .unwrap();
    let left = audit.begin(event("transfer").build()).unwrap();
    std::mem::forget(left);
    audit.shutdown(LONG).unwrap();
    let verdict = completeness(&DirStore::open(place.path()).unwrap(), ALWAYS).unwrap();
    assert_eq!(verdict.without_outcome.len(), 1, "{verdict:?}");
    let main = records(&place.path().join("main"), "event=transfer");
    assert_eq!(main.len(), 2);
    let known = main[1].text(Slot::ExecutionId).unwrap();
    assert!(verdict.without_outcome.contains(known));
}

//! Sinks that refuse, miss and fail: who is told, by what, and what stands in the trail of it.

#[path = "support/told.rs"]
mod told;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tracing_audit::record::{Record, Slot};
use tracing_audit::store::{DirStore, Direction, List, Store};
use tracing_audit::{Audit, ErrorKind, Query, State};

use told::{Deed, Told, record, without_journal};

const LONG: Duration = Duration::from_secs(30);

fn on_disk(dir: &std::path::Path, query: &str) -> Vec<Record> {
    let list = List::default().direction(Direction::OldestFirst).limit(0);
    let query = Query::parse(query).unwrap();
    let found = DirStore::open(dir).unwrap().list(&query, &list).unwrap();
    found.records.into_iter().map(|stored| stored.record).collect()
}

#[test]
fn only_the_caller_of_a_refused_record_is_told_where_the_sink_names_it() {
    let (good, picky) = (Told::new("good", Deed::Take), Told::new("picky", Deed::RefuseOdd));
    let audit = without_journal(&[&good, &picky]);
    // Held, so that all of them stand in one batch.
    picky.tell(Deed::Stand);
    let mut futures: Vec<_> = ["even.a", "odd.a", "even.b"]
        .map(|event| (event, audit.emit_async(record(event))))
        .into();
    for (_, future) in &mut futures {
        let polled = std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }
    picky.tell(Deed::RefuseOdd);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (event, future) in futures {
        let answer = runtime.block_on(future);
        if event == "odd.a" {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Sink);
            assert_eq!(error.to_string(), "sink `picky` refused the record");
        } else {
            assert_eq!(answer.unwrap().state(), State::Delivered);
        }
    }
    assert!(good.has("odd.a"), "the other sink has it");
    let stats = audit.stats();
    let picky = stats.sinks.iter().find(|sink| sink.name == "picky").unwrap();
    assert_eq!(picky.refused, 1);
}

#[test]
fn nobody_in_a_batch_is_called_delivered_where_the_sink_does_not_say_what_it_refused() {
    let vague = Told::new("vague", Deed::RefuseSome);
    let audit = without_journal(&[&vague]);
    vague.tell(Deed::Stand);
    let [even, odd] = ["even.a", "odd.a"].map(|event| audit.emit_async(record(event)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answers = runtime.block_on(async {
        let open = async { vague.tell(Deed::RefuseSome) };
        let (even, odd, ()) = tokio::join!(even, odd, open);
        [even, odd]
    });
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    // One batch or two: the record that was refused is never called delivered.
    assert!(answers[1].is_err(), "{answers:?}");
    for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(answer.kind(), ErrorKind::Sink);
    }
    assert!(refused >= 1);
    assert_eq!(audit.stats().sinks[0].refused, 1);
    let receipt = audit.emit(record("even.c")).unwrap();
    assert_eq!(
        receipt.state(),
        State::Delivered,
        "what follows is not held against it"
    );
}

#[test]
fn a_flush_fails_once_for_what_a_sink_refused_since_the_one_before() {
    let place = tempfile::tempdir().unwrap();
    let picky = Told::new("picky", Deed::RefuseOdd);
    let builder = Audit::builder().directory(place.path()).sink(picky.clone());
    let audit = builder.start().unwrap();
    audit.flush(LONG).unwrap();
    let receipt = audit.emit(record("odd.a")).unwrap();
    assert_eq!(
        receipt.state(),
        State::Durable,
        "the journal has it, whatever the sink says"
    );
    audit.submit(record("odd.b")).unwrap();
    let error = audit.flush(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    assert_eq!(
        error.to_string(),
        "sink `picky` missed 0 entries and its receiver refused 2 since the last flush that said so; \
         the journal has every record"
    );
    audit.flush(LONG).unwrap();
    audit.submit(record("odd.c")).unwrap();
    let error = audit.shutdown(LONG).unwrap_err();
    assert!(error.to_string().contains("refused 1 "), "{error}");
    audit.shutdown(LONG).unwrap();
    assert_eq!(on_disk(place.path(), "event=odd.*").len(), 3);
    let told = on_disk(place.path(), "event=audit.refused");
    let refused = |told: &Record| told.attribute("refused").and_then(|count| count.as_u64());
    // The last one may be refused behind the end of the journal: then the answer of the shutdown is what tells it.
    let stated = told.iter().filter_map(refused).sum::<u64>();
    assert!((2..=3).contains(&stated), "{told:?}");
    let by = |told: &Record| told.attribute("sink").and_then(|sink| sink.as_str()) == Some("picky");
    assert!(told.iter().all(by), "{told:?}");
}

#[test]
fn beside_a_journal_a_slow_sink_lags_and_misses_nothing_and_a_flush_says_what_waits_for_it() {
    let place = tempfile::tempdir().unwrap();
    let slow = Told::new("slow", Deed::Stand);
    let builder = Audit::builder().directory(place.path()).sink(slow.clone());
    let audit = builder.start().unwrap();
    // Each is a commit of its own.
    for _ in 0..80 {
        audit.emit(record("load.step")).unwrap();
    }
    let error = audit.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    let message = "81 entries wait for sink `slow` after 50ms; the journal has every record";
    assert_eq!(error.to_string(), message);
    let sink = audit.stats().sinks.remove(0);
    assert_eq!((sink.waiting, sink.missed, sink.accepted), (81, 0, 0));
    slow.tell(Deed::Take);
    audit.flush(LONG).unwrap();
    assert_eq!(audit.stats().sinks[0].waiting, 0);
    audit.shutdown(LONG).unwrap();
    assert!(on_disk(place.path(), "event=audit.gap").is_empty());
    let numbers: Vec<u64> = slow.kept.entries().iter().map(|entry| entry.seq()).collect();
    assert_eq!(numbers, (0..82).collect::<Vec<u64>>());
}

#[test]
fn without_a_journal_a_receipt_is_refused_where_one_of_two_sinks_missed_the_record() {
    let (good, slow) = (Told::new("good", Deed::Take), Told::new("slow", Deed::Stand));
    let audit = without_journal(&[&good, &slow]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let waker = Waker::noop();
    let mut futures = Vec::new();
    // One batch each, until the port of the slow one is full and misses.
    while audit.stats().sinks[1].missed == 0 {
        let mut future = audit.emit_async(record("load.step"));
        assert!(
            std::pin::Pin::new(&mut future)
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
        futures.push(future);
        // The good one keeps up: it must not miss anything because its thread was not given a turn.
        while audit.stats().in_queue > 0 || audit.stats().sinks[0].waiting > 0 {
            std::thread::yield_now();
        }
    }
    slow.tell(Deed::Take);
    let (mut delivered, mut refused) = (Vec::new(), 0);
    for future in futures {
        match runtime.block_on(future) {
            Ok(receipt) => delivered.push(receipt),
            Err(error) => {
                assert_eq!(error.to_string(), "sink `slow` missed the record");
                refused += 1;
            }
        }
    }
    let kept = slow.kept.entries();
    assert!(
        refused > 0 && !delivered.is_empty(),
        "{refused} {}",
        delivered.len()
    );
    for receipt in &delivered {
        assert!(kept.iter().any(|entry| Some(entry.seq()) == receipt.seq()));
    }
    let load = kept.iter().filter(|entry| {
        let record = entry.record().unwrap();
        record.event() == "load.step"
    });
    assert_eq!(
        load.count(),
        delivered.len(),
        "who was refused is not in the sink"
    );
}

#[test]
fn a_sink_that_cannot_flush_fails_receipts_and_flushes_and_is_named() {
    let sink = Told::new("mute", Deed::FailToFlush);
    let audit = without_journal(&[&sink]);
    let error = audit.emit(record("x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sink `mute` could not flush: the receiver does not answer"
    );
    assert_eq!(audit.flush(LONG).unwrap_err().to_string(), error.to_string());
    sink.tell(Deed::Take);
    audit.flush(LONG).unwrap();
    assert_eq!(audit.emit(record("x")).unwrap().state(), State::Delivered);
}

#[test]
fn a_side_sink_that_failed_for_good_is_stated_in_the_journal_fails_every_flush_and_has_all_of_it_after_the_next_start()
 {
    for deed in [Deed::Fail, Deed::Panic] {
        let place = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Told::new("broken", deed);
        let sentences = Arc::clone(&told);
        let builder = Audit::builder()
            .directory(place.path())
            .sink(sink.clone())
            .diagnostics(move |sentence| sentences.lock().push(sentence.to_owned()));
        let audit = builder.start().unwrap();
        for _ in 0..3_000 {
            audit.submit(record("load.step")).unwrap();
        }
        for _ in 0..2 {
            let error = audit.flush(LONG).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("sink `broken` could not flush: it failed for good"),
                "{error}"
            );
        }
        audit.shutdown(LONG).unwrap_err();
        let stats = audit.stats();
        let sink = &stats.sinks[0];
        assert!(sink.failed);
        assert_eq!((sink.missed, sink.accepted), (0, 0));
        assert_eq!(sink.waiting, stats.taken + stats.control, "all of it waits");
        assert_eq!(on_disk(place.path(), "event=load.step").len(), 3_000);
        assert!(on_disk(place.path(), "event=audit.gap").is_empty());
        let stated = on_disk(place.path(), "event=audit.degraded");
        assert_eq!(stated.len(), 1, "{stated:?}");
        let of = |name| stated[0].attribute(name).and_then(|value| value.as_str());
        assert_eq!((of("sink"), of("cause")), (Some("broken"), Some("sink_failed")));
        assert_eq!(
            on_disk(place.path(), "event=audit.*").pop().unwrap().event(),
            "audit.close"
        );
        let sentences = told.lock();
        let failure = sentences
            .iter()
            .filter(|sentence| sentence.contains("failed for good"));
        assert_eq!(failure.count(), 1, "{sentences:?}");
        drop(sentences);
        let mended = Told::new("broken", Deed::Take);
        let builder = Audit::builder().directory(place.path()).sink(mended.clone());
        let audit = builder.start().unwrap();
        audit.shutdown(LONG).unwrap();
        let numbers: Vec<u64> = mended.kept.entries().iter().map(|entry| entry.seq()).collect();
        assert!(numbers.len() > 3_000);
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<u64>>());
    }
}

#[test]
fn a_gap_of_a_failed_sink_goes_to_the_other_sinks_where_there_is_no_journal() {
    let (good, broken) = (Told::new("good", Deed::Take), Told::new("broken", Deed::Fail));
    let audit = without_journal(&[&good, &broken]);
    audit.submit(record("x")).unwrap();
    audit.flush(LONG).unwrap_err();
    audit.shutdown(LONG).unwrap_err();
    let records = good.kept.records();
    let gap = records
        .iter()
        .find(|record| record.event() == "audit.gap")
        .unwrap();
    assert_eq!(
        gap.attribute("sink").and_then(|sink| sink.as_str()),
        Some("broken")
    );
    assert_eq!(gap.text(Slot::Outcome), Some("failure"));
}

#[test]
fn where_the_only_sink_failed_for_good_every_caller_is_told_and_only_counters_are_left() {
    let broken = Told::new("broken", Deed::Fail);
    let audit = without_journal(&[&broken]);
    for _ in 0..3 {
        let error = audit.emit(record("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sink);
        assert!(
            error
                .to_string()
                .contains("failed for good: the receiver is gone"),
            "{error}"
        );
    }
    assert_eq!(audit.flush(LONG).unwrap_err().kind(), ErrorKind::Sink);
    assert_eq!(audit.shutdown(LONG).unwrap_err().kind(), ErrorKind::Sink);
    let stats = audit.stats();
    // No gap: nobody is left who could take it.
    assert_eq!((stats.taken, stats.control), (3, 2), "{stats:?}");
    assert_eq!(stats.sinks[0].missed, 5);
    assert!(broken.kept.is_empty());
}

#[test]
fn a_sink_that_refuses_everything_is_stated_a_few_times_and_not_for_ever() {
    let place = tempfile::tempdir().unwrap();
    let all = Told::new("never", Deed::RefuseAll);
    let builder = Audit::builder().directory(place.path()).sink(all.clone());
    let audit = builder.start().unwrap();
    for _ in 0..50 {
        audit.emit(record("x")).unwrap();
        audit.flush(LONG).unwrap_err();
    }
    audit.shutdown(LONG).unwrap_err();
    let stats = audit.stats();
    // The beginning, what is said of the sink at once and at the end, and the end.
    assert_eq!((stats.taken, stats.control), (50, 4), "{stats:?}");
    let told = on_disk(place.path(), "event=audit.refused");
    let refused = |told: &Record| told.attribute("refused").and_then(|count| count.as_u64());
    // All but the last statement and the end, which it refused as well.
    let stated: u64 = told.iter().filter_map(refused).sum();
    assert_eq!(stated + 2, stats.sinks[0].refused);
}

//! Outcomes of spans: only from evidence, once for each span, whatever becomes of its code.

#[path = "support/torture.rs"]
mod torture;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use torture::{records, trail, users};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Instrument, Span, info, info_span, instrument};
use tracing_audit::record::{Record, Slot};
use tracing_audit::{Audit, AuditedExt};
use tracing_subscriber::layer::Identity;
use tracing_subscriber::prelude::*;

fn dispatch(audit: &Audit) -> Dispatch {
    tracing_subscriber::registry().audited(audit).into()
}

/// The three forms in which a trail is installed.
fn forms(audit: &Audit) -> [Dispatch; 4] {
    [
        dispatch(audit),
        tracing_subscriber::registry()
            .with(Identity::new())
            .audited(audit)
            .into(),
        tracing_subscriber::registry().with(audit.layer()).into(),
        tracing_subscriber::registry().with(audit.filter_shell()).into(),
    ]
}

fn within<R>(dispatch: &Dispatch, run: impl FnOnce() -> R) -> R {
    tracing::dispatcher::with_default(dispatch, run)
}

/// The record of this event name or summary.
fn one<'r>(records: &'r [Record], name: &str) -> &'r Record {
    let is_it = |record: &&Record| record.text(Slot::Summary) == Some(name) || record.event() == name;
    let mut found = records.iter().filter(is_it);
    let record = found
        .next()
        .unwrap_or_else(|| panic!("{name} is not among {} records", records.len()));
    assert!(found.next().is_none(), "{name} is there twice");
    record
}

fn end<'r>(records: &'r [Record], name: &str) -> (&'r str, &'r str) {
    let record = one(records, name);
    (
        record.text(Slot::Outcome).unwrap_or_default(),
        record.text(Slot::ReasonCode).unwrap_or_default(),
    )
}

#[instrument(target = "audit", err, ret)]
fn answers(answer: Result<u8, String>) -> Result<u8, String> {
    info!(target: "audit", "at work");
    answer
}

#[instrument(target = "audit")]
fn panics() {
    panic!("on purpose");
}

#[instrument(target = "audit", err, ret)]
async fn waits() -> Result<u8, String> {
    std::future::pending::<()>().await;
    Ok(1)
}

#[instrument(target = "audit")]
async fn panics_later() {
    tokio::task::yield_now().await;
    panic!("on purpose");
}

#[test]
fn an_outcome_comes_only_from_evidence() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        let mut seen = Vec::new();
        let mut take = |run: &mut dyn FnMut()| {
            within(&dispatch, run);
            let records = records(&audit, &sink);
            sink.clear();
            let spans = records
                .iter()
                .filter(|record| record.text(Slot::Summary) != Some("at work"));
            let ends: Vec<_> = spans
                .map(|span| end(std::slice::from_ref(span), span.event()))
                .collect();
            assert_eq!(ends.len(), 1, "one record for one span: {ends:?}");
            seen.push((ends[0].0.to_owned(), ends[0].1.to_owned()));
        };
        take(&mut || assert!(answers(Ok(1)).is_ok()));
        take(&mut || assert!(answers(Err("no".to_owned())).is_err()));
        take(&mut || assert!(catch_unwind(panics).is_err()));
        take(&mut || {
            let mut future = Box::pin(waits());
            assert!(
                future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            drop(future);
        });
        take(&mut || {
            let mut future = Box::pin(panics_later());
            let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _inside = runtime.enter();
            assert!(poll().is_pending());
            assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        });
        take(&mut || drop(info_span!(target: "audit", "said", outcome = "denied", reason_code = "quota")));
        let expected = [
            ("success", ""),
            ("failure", ""),
            ("unknown", "panic"),
            ("unknown", "not_reported"),
            ("unknown", "panic"),
            ("denied", "quota"),
        ];
        assert_eq!(
            seen,
            expected.map(|(outcome, reason)| (outcome.to_owned(), reason.to_owned()))
        );
    }
}

#[test]
fn a_future_that_is_cancelled_while_it_runs_on_a_runtime_is_written_as_not_reported() {
    let (audit, sink) = trail();
    let dispatch = dispatch(&audit);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(waits().with_subscriber(dispatch.clone()));
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let timeout = tokio::time::timeout(Duration::ZERO, waits().with_subscriber(dispatch.clone()));
        assert!(timeout.await.is_err());
    });
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!(
            end(std::slice::from_ref(record), "waits"),
            ("unknown", "not_reported")
        );
    }
}

#[test]
fn spans_that_are_still_open_at_the_shutdown_are_written_once() {
    let (audit, sink) = trail();
    let dispatch = dispatch(&audit);
    let (span, other) = within(&dispatch, || {
        let span = info_span!(target: "audit", "open", actor.id = "ann", start = true);
        let other = span.in_scope(|| info_span!(target: "audit", "inner"));
        (span, other)
    });
    let entered = within(&dispatch, || span.clone().entered());
    audit.shutdown(torture::PATIENCE).unwrap();
    let at_the_end = users(&sink);
    assert_eq!(
        at_the_end
            .iter()
            .filter(|record| record.text(Slot::Phase) == Some("start"))
            .count(),
        1
    );
    let ends: Vec<_> = at_the_end
        .iter()
        .filter(|record| record.text(Slot::Phase).is_none())
        .collect();
    assert_eq!(ends.len(), 2);
    for record in &ends {
        assert_eq!(record.text(Slot::ReasonCode), Some("still_open"));
        assert_eq!(record.text(Slot::ActorId), Some("ann"));
    }
    drop((entered, other, span));
    assert_eq!(
        users(&sink).len(),
        3,
        "a span that was written as open is not written again"
    );
    assert_eq!(audit.stats().lost_closed, 0);
}

/// A future that is ready at its second poll, and polled on another thread then.
async fn halfway() {
    let mut polled = false;
    std::future::poll_fn(move |_| {
        if std::mem::replace(&mut polled, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[test]
fn an_instrumented_future_that_changes_its_thread_at_every_poll_is_one_record() {
    let (audit, sink) = trail();
    let dispatch = dispatch(&audit);
    let future = within(&dispatch, || {
        async {
            info!(target: "audit", "before");
            halfway().await;
            info!(target: "audit", "after");
            Span::current().record("outcome", "success");
        }
        .instrument(info_span!(target: "audit", "travels", actor.id = "ann", outcome = tracing::field::Empty))
    });
    let mut future = Box::pin(future);
    for expected in [false, true] {
        let elsewhere = dispatch.clone();
        future = std::thread::spawn(move || {
            within(&elsewhere, || {
                let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert_eq!(poll.is_ready(), expected);
                future
            })
        })
        .join()
        .unwrap();
    }
    drop(future);
    let records = records(&audit, &sink);
    assert_eq!(records.len(), 3);
    assert!(
        records
            .iter()
            .all(|record| record.text(Slot::ActorId) == Some("ann"))
    );
    assert_eq!(end(&records, "travels"), ("success", ""));
}

/// Runs what it is given when it is dropped.
struct Cleanup<F: FnMut()>(F);

impl<F: FnMut()> Drop for Cleanup<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[instrument(target = "audit", name = "cleans up", err)]
fn cleans_up() -> Result<(), String> {
    nested_work();
    Ok(())
}

#[instrument(target = "audit", name = "nested")]
fn nested_work() {}

#[instrument(target = "audit", name = "restores", err, ret)]
async fn restores() -> Result<u8, String> {
    tokio::task::yield_now().await;
    Err("no backup".to_owned())
}

#[instrument(target = "audit", name = "fails")]
fn fails(opened_before: Span) {
    let _cleanup = Cleanup(move || {
        cleans_up().unwrap();
        opened_before.in_scope(nested_work);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(restores()).is_err());
    });
    deeper();
}

#[instrument(target = "audit", name = "deeper")]
fn deeper() {
    panic!("on purpose");
}

#[test]
fn what_runs_to_its_end_while_a_panic_unwinds_did_not_panic() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let before = info_span!(target: "audit", "opened before");
            assert!(catch_unwind(AssertUnwindSafe(|| fails(before))).is_err());
        });
        let records = records(&audit, &sink);
        sink.clear();
        assert_eq!(records.len(), 7);
        for (name, outcome) in [
            ("fails", ("unknown", "panic")),
            ("deeper", ("unknown", "panic")),
            ("cleans up", ("unknown", "not_reported")),
            ("opened before", ("unknown", "not_reported")),
            ("restores", ("failure", "")),
        ] {
            assert_eq!(end(&records, name), outcome, "{name}");
        }
        let nested = records.iter().filter(|record| record.event() == "nested");
        assert!(nested.clone().count() == 2);
        for record in nested {
            assert_eq!(record.text(Slot::ReasonCode), Some("not_reported"));
        }
    }
}

#[test]
fn a_future_that_is_dropped_by_somebody_elses_panic_did_not_panic_itself() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let dropped = AssertUnwindSafe(|| {
                let mut future = Box::pin(waits());
                let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(polled.is_pending());
                panic!("on purpose");
            });
            assert!(catch_unwind(dropped).is_err());
        });
        let records = records(&audit, &sink);
        sink.clear();
        assert_eq!(end(&records, "waits"), ("unknown", "not_reported"));
    }
}

#[test]
fn a_future_that_panics_at_a_later_poll_did_panic_also_where_it_was_made_while_another_panic_unwound() {
    let (audit, sink) = trail();
    for dispatch in forms(&audit) {
        within(&dispatch, || {
            let made = std::cell::Cell::new(None);
            let unwinding = AssertUnwindSafe(|| {
                let _cleanup = Cleanup(|| {
                    let mut future = Box::pin(panics_later());
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let _inside = runtime.enter();
                    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    assert!(polled.is_pending());
                    made.set(Some(future));
                });
                panic!("on purpose");
            });
            assert!(catch_unwind(unwinding).is_err());
            let mut future = made.take().unwrap();
            let poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        });
        let records = records(&audit, &sink);
        sink.clear();
        assert_eq!(end(&records, "panics_later"), ("unknown", "panic"));
    }
}

//! What became of an audit span: said only where there is evidence.

use std::error::Error;
use std::fmt;

use tracing::{field, info, info_span, instrument, warn};
use tracing_audit::record::Slot;
use tracing_audit::testing::{Captured, CapturedRecord, Recording, capture};

#[derive(Debug)]
struct Failed {
    message: &'static str,
    cause: Option<Box<Failed>>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

fn failed(message: &'static str) -> Failed {
    Failed {
        message,
        cause: Some(Box::new(Failed {
            message: "the disk is full",
            cause: None,
        })),
    }
}

#[track_caller]
fn the(captured: &Captured, event: &str) -> CapturedRecord {
    captured.with_event(event).only().clone()
}

#[track_caller]
fn assert_outcome(captured: &Captured, event: &str, outcome: &str, reason_code: Option<&str>) {
    let record = the(captured, event);
    record.assert_has(Slot::Outcome, outcome);
    assert_eq!(record.text(Slot::ReasonCode), reason_code, "{record:?}");
}

#[instrument(target = "audit", err)]
fn err_only(result: Result<u8, Failed>) -> Result<u8, Failed> {
    result
}

#[instrument(target = "audit", ret)]
fn ret_only(secret: &str) -> String {
    format!("canary {secret}")
}

#[instrument(target = "audit", err, ret)]
fn both(result: Result<u8, Failed>) -> Result<u8, Failed> {
    result
}

#[instrument(target = "audit", err(Debug))]
fn err_debug() -> Result<(), Failed> {
    Err(failed("cannot save"))
}

#[instrument(target = "audit", err(level = "info"), ret(level = "trace"))]
fn other_levels(result: Result<u8, Failed>) -> Result<u8, Failed> {
    result
}

#[instrument(target = "audit", level = "debug", err, ret)]
fn quiet(result: Result<u8, Failed>) -> Result<u8, Failed> {
    result
}

#[test]
fn err_is_a_failure_with_its_message_and_ret_a_success_without_its_value() {
    let captured = capture(|| {
        let _ = err_only(Err(failed("cannot save")));
        ret_only("sesame");
        let _ = both(Err(failed("cannot save")));
    });
    captured.count(3);
    for event in ["err_only", "both"] {
        assert_outcome(&captured, event, "failure", None);
        the(&captured, event).assert_has(Slot::ErrorMessage, "cannot save");
    }
    assert_outcome(&captured, "ret_only", "success", None);
    the(&captured, "ret_only").assert_hides("canary");
}

#[test]
fn err_alone_does_not_claim_success() {
    // `err` reports nothing for an `Ok`, and nothing is what is known.
    let captured = capture(|| drop(err_only(Ok(1))));
    captured.count(1);
    assert_outcome(&captured, "err_only", "unknown", Some("not_reported"));
    let captured = capture(|| drop(both(Ok(1))));
    assert_outcome(&captured, "both", "success", None);
}

#[test]
fn the_forms_of_err_and_ret_are_all_evidence() {
    let captured = capture(|| {
        let _ = err_debug();
        let _ = quiet(Err(failed("quietly")));
    });
    captured.count(2);
    assert_outcome(&captured, "err_debug", "failure", None);
    let message = the(&captured, "err_debug");
    let text = message.text(Slot::ErrorMessage).unwrap();
    assert!(
        text.starts_with("Failed {") && text.contains("the disk is full"),
        "{text}"
    );
    assert_outcome(&captured, "quiet", "failure", None);
    for (result, outcome) in [(Err(failed("at info")), "failure"), (Ok(1), "success")] {
        let captured = capture(|| drop(other_levels(result)));
        captured.count(1);
        assert_outcome(&captured, "other_levels", outcome, None);
    }
}

#[test]
fn a_recorded_outcome_wins_over_every_other_evidence() {
    #[instrument(target = "audit", err, ret, fields(outcome))]
    fn denied(how: Result<u8, Failed>, outcome: &str) -> Result<u8, Failed> {
        tracing::Span::current().record("outcome", outcome);
        how
    }
    let captured = capture(|| {
        let _ = denied(Err(failed("no")), "denied");
    });
    assert_outcome(&captured, "denied", "denied", None);
    the(&captured, "denied").assert_has(Slot::ErrorMessage, "no");
    let captured = capture(|| drop(denied(Ok(1), "pending")));
    assert_outcome(&captured, "denied", "pending", None);
    let captured = capture(|| {
        let unwinds = || {
            let _span = info_span!(target: "audit", "unwinds", outcome = "bespoke").entered();
            panic!("on purpose");
        };
        assert!(std::panic::catch_unwind(unwinds).is_err());
    });
    assert_outcome(&captured, "unwinds", "bespoke", None);
}

#[test]
fn a_panic_is_unknown_and_says_so() {
    let captured = capture(|| {
        let unwinds = || {
            let _outer = info_span!(target: "audit", "outer").entered();
            let _inner = info_span!(target: "audit", "inner").entered();
            panic!("on purpose");
        };
        assert!(std::panic::catch_unwind(unwinds).is_err());
        drop(info_span!(target: "audit", "after"));
    });
    for event in ["outer", "inner"] {
        assert_outcome(&captured, event, "unknown", Some("panic"));
    }
    assert_outcome(&captured, "after", "unknown", Some("not_reported"));
}

#[test]
fn without_evidence_the_outcome_is_unknown() {
    let captured = capture(|| {
        drop(info_span!(target: "audit", "never entered"));
        info_span!(target: "audit", "entered").in_scope(|| ());
        drop(info_span!(target: "audit", "explained", reason_code = "own"));
    });
    for event in ["never entered", "entered"] {
        assert_outcome(&captured, event, "unknown", Some("not_reported"));
    }
    assert_outcome(&captured, "explained", "unknown", Some("own"));
    // An event is no span: nothing is concluded about it.
    let captured = capture(|| info!(target: "audit", event = "x"));
    captured.only().assert_lacks(Slot::Outcome);
}

#[instrument(target = "audit", err, ret)]
async fn fetch(result: Result<u8, Failed>) -> Result<u8, Failed> {
    tokio::task::yield_now().await;
    result
}

#[instrument(target = "audit", ret)]
async fn never() -> u8 {
    std::future::pending().await
}

#[test]
fn an_async_function_is_one_record_with_its_outcome() {
    let recording = Recording::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    recording.run(|| {
        runtime.block_on(async {
            let _ = fetch(Ok(1)).await;
            let _ = fetch(Err(failed("not there"))).await;
            let mut cancelled = Box::pin(never());
            std::future::poll_fn(|context| {
                assert!(cancelled.as_mut().poll(context).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            drop(cancelled);
        });
    });
    let captured = recording.captured();
    captured.count(3);
    captured
        .with_outcome("success")
        .only()
        .assert_has(Slot::Event, "fetch");
    let failure = captured.with_outcome("failure");
    failure.only().assert_has(Slot::ErrorMessage, "not there");
    // A future that was dropped before its end reported nothing.
    assert_outcome(&captured, "never", "unknown", Some("not_reported"));
}

#[test]
fn nested_audit_spans_keep_their_own_outcomes() {
    #[instrument(target = "audit", err, ret)]
    fn outer() -> Result<u8, Failed> {
        let _ = err_only(Err(failed("inner trouble")));
        Ok(1)
    }
    let captured = capture(|| drop(outer()));
    captured.count(2);
    assert_outcome(&captured, "outer", "success", None);
    the(&captured, "outer").assert_lacks(Slot::ErrorMessage);
    assert_outcome(&captured, "err_only", "failure", None);
}

#[test]
fn only_the_spans_own_line_is_evidence() {
    let captured = capture(|| {
        let _span = info_span!(target: "audit", "span").entered();
        // The form of what `err` and `ret` report, but written by hand, on lines of their own.
        warn!(target: "audit", error = "told by hand");
        info!(target: "audit", return = 7);
        warn!(target: "audit", error = "with company", action = "x");
    });
    captured.count(4);
    assert_outcome(&captured, "span", "unknown", Some("not_reported"));
    captured
        .with(Slot::ErrorMessage, "told by hand")
        .only()
        .assert_lacks(Slot::Outcome);
    captured.with_attribute("return", 7_u64).count(1);
}

#[test]
fn an_error_value_brings_the_messages_of_its_sources() {
    let captured = capture(|| {
        let error = failed("cannot save");
        warn!(target: "audit", event = "event", error = &error as &(dyn Error + 'static));
        let span = info_span!(target: "audit", "span", error = field::Empty);
        span.record("error", &error as &(dyn Error + 'static));
    });
    for event in ["event", "span"] {
        the(&captured, event)
            .assert_has(Slot::ErrorMessage, "cannot save")
            .assert_has(Slot::ErrorChain, vec!["cannot save", "the disk is full"]);
    }
}

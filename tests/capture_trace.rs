//! Trace ids: our own, given ones, and those of a tracer that is asked at the right moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tracing::{info, info_span};
use tracing_audit::record::{Record, Slot, SpanId, TraceContext, TraceId};
use tracing_audit::testing::{Captured, CapturedRecord, Recording, capture};
use tracing_audit::{AuditContext, EventParent, IdSource, Ids, Stack, TraceAnswer};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn ids(record: &CapturedRecord) -> [Option<&str>; 3] {
    [Slot::TraceId, Slot::SpanId, Slot::ParentSpanId].map(|slot| record.text(slot))
}

fn the(captured: &Captured, event: &str) -> CapturedRecord {
    captured.with_event(event).only().clone()
}

#[test]
fn audit_spans_form_a_trace_of_their_own() {
    let captured = capture(|| {
        let _root = info_span!(target: "audit", "root").entered();
        let _plain = info_span!("plain").entered();
        let _child = info_span!(target: "audit", "child").entered();
        info!(target: "audit", event = "event");
        drop(info_span!(target: "audit", "grandchild"));
    });
    let [root, child, grandchild, event] =
        ["root", "child", "grandchild", "event"].map(|event| the(&captured, event));
    let [trace, root_span, above] = ids(&root);
    assert_eq!(trace.map(str::len), Some(32));
    assert_eq!(root_span.map(str::len), Some(16));
    assert_eq!(above, None, "a root has no parent");
    let [child_trace, child_span, child_parent] = ids(&child);
    assert_eq!((child_trace, child_parent), (trace, root_span));
    assert_ne!(child_span, root_span);
    assert_eq!(ids(&grandchild)[2], child_span);
    assert_eq!(
        ids(&event)[..2],
        [trace, child_span],
        "an event stands in its span"
    );
    root.assert_has(Slot::TraceFlags, 1_u64);
}

#[test]
fn two_roots_are_two_traces() {
    let captured = capture(|| {
        drop(info_span!(target: "audit", "one"));
        drop(info_span!(target: "audit", "two"));
        info!(target: "audit", event = "alone");
    });
    assert_ne!(ids(&the(&captured, "one"))[0], ids(&the(&captured, "two"))[0]);
    assert_eq!(ids(&the(&captured, "alone")), [None; 3], "no span, no trace");
}

#[test]
fn a_traceparent_continues_a_remote_trace() {
    let captured = capture(|| {
        drop(info_span!(target: "audit", "as a field", traceparent = HEADER));
        drop(info_span!(target: "audit", "as a shown field", traceparent = %HEADER));
        AuditContext::new().traceparent(HEADER).sync_scope(|| {
            let _span = info_span!(target: "audit", "as a context").entered();
            info!(target: "audit", event = "inside");
        });
        AuditContext::new()
            .traceparent(HEADER)
            .sync_scope(|| info!(target: "audit", event = "event of the context"));
        info!(target: "audit", event = "event", traceparent = HEADER);
    });
    for span in ["as a field", "as a shown field", "as a context"] {
        let record = the(&captured, span);
        let [trace, span, parent] = ids(&record);
        assert_eq!((trace, parent), (Some(TRACE), Some(PARENT)), "{record:?}");
        assert_ne!(span, Some(PARENT));
        record.assert_lacks(Slot::Attributes);
    }
    let span = the(&captured, "as a context");
    assert_eq!(ids(&the(&captured, "inside"))[1], span.text(Slot::SpanId));
    for event in ["event", "event of the context"] {
        assert_eq!(ids(&the(&captured, event))[..2], [Some(TRACE), Some(PARENT)]);
    }
}

#[test]
fn a_traceparent_that_is_not_valid_is_an_attribute_and_not_a_trace() {
    let recording = Recording::new();
    recording.run(|| {
        info!(target: "audit", event = "field", traceparent = "00-nonsense");
        info!(target: "audit", event = "number", traceparent = 7);
        AuditContext::new()
            .traceparent("00-nonsense")
            .sync_scope(|| info!(target: "audit", event = "context"));
    });
    let captured = recording.captured();
    the(&captured, "field").assert_attribute("traceparent", "00-nonsense");
    the(&captured, "number").assert_attribute("traceparent", 7_u64);
    for event in ["field", "number", "context"] {
        the(&captured, event).assert_lacks(Slot::TraceId);
    }
    assert_eq!(recording.audit().stats().wrong_type, 2);
}

#[test]
fn a_traceparent_that_comes_late_moves_the_span_into_its_trace() {
    let captured = capture(|| {
        let span = info_span!(target: "audit", "span", traceparent = tracing::field::Empty);
        span.record("traceparent", HEADER);
        span.in_scope(|| info!(target: "audit", event = "inside"));
    });
    let (span, inside) = (the(&captured, "span"), the(&captured, "inside"));
    assert_eq!(ids(&span)[0], Some(TRACE));
    assert_eq!(ids(&span)[2], Some(PARENT));
    assert_eq!(ids(&inside)[..2], ids(&span)[..2]);
}

#[test]
fn given_ids_are_stated_and_none_is_made_up() {
    let recording = Recording::with(|audit| audit.ids(Ids::Given));
    recording.run(|| {
        let alone = info_span!(target: "audit", "alone").entered();
        info!(target: "audit", event = "inside alone");
        drop(alone);
        let _given = info_span!(target: "audit", "given", traceparent = HEADER).entered();
        info!(target: "audit", event = "inside given");
    });
    let captured = recording.captured();
    for event in ["alone", "inside alone"] {
        assert_eq!(ids(&the(&captured, event)), [None; 3]);
    }
    for event in ["given", "inside given"] {
        let record = the(&captured, event);
        assert_eq!(ids(&record), [Some(TRACE), Some(PARENT), None], "{record:?}");
    }
}

/// A tracer that says what it was asked.
#[derive(Debug)]
struct Source {
    asked: Mutex<Vec<String>>,
    next: AtomicU64,
    knows: bool,
    otherwise: TraceAnswer,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            next: AtomicU64::new(0),
            knows: false,
            otherwise: TraceAnswer::Unknown,
        }
    }
}

impl Source {
    fn answer(&self, what: String) -> Option<TraceContext> {
        self.asked.lock().push(what);
        let number = self.next.fetch_add(1, Ordering::SeqCst) + 1;
        self.knows.then(|| TraceContext {
            trace_id: TraceId::parse(TRACE).unwrap(),
            span_id: SpanId::from_bytes(number.to_be_bytes()).unwrap(),
            flags: 1,
        })
    }

    fn says(&self, what: String) -> TraceAnswer {
        self.answer(what).map_or(self.otherwise, TraceAnswer::Ids)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock())
    }
}

impl IdSource for Source {
    fn registered(&self, stack: &Stack) {
        let alive = stack.dispatch().is_some();
        self.asked.lock().push(format!("registered {alive}"));
    }

    fn entered(&self, _: &Stack, _: &tracing::span::Id) -> TraceAnswer {
        self.says("entered".to_owned())
    }

    fn event(&self, _: &Stack, parent: EventParent<'_>) -> TraceAnswer {
        let place = match parent {
            EventParent::Current => "here",
            EventParent::Root => "nowhere",
            EventParent::Span(_) => "in a span",
        };
        self.says(format!("event {place}"))
    }
}

#[test]
fn a_tracer_is_asked_when_a_span_is_entered_and_never_when_it_is_made() {
    let source = Arc::new(Source {
        knows: true,
        ..Source::default()
    });
    let ids_of = Ids::Source(Arc::clone(&source) as Arc<dyn IdSource>);
    let recording = Recording::with(|audit| audit.ids(ids_of));
    assert_eq!(source.asked().len(), 1, "told of its dispatcher, once");
    recording.run(|| {
        let span = info_span!(target: "audit", "span");
        assert!(source.asked().is_empty());
        span.in_scope(|| info!(target: "audit", event = "first"));
        assert_eq!(source.asked(), ["entered", "event here"]);
        span.in_scope(|| ());
        assert!(source.asked().is_empty(), "known already");
        info!(target: "audit", parent: &span, event = "second");
        assert_eq!(source.asked(), ["event in a span"]);
        info!(target: "audit", parent: None, event = "third");
        assert_eq!(source.asked(), ["event nowhere"]);
        info_span!("ordinary").in_scope(|| ());
        drop(info_span!(target: "audit", "never entered"));
        assert!(source.asked().is_empty());
    });
    let captured = recording.captured();
    assert_eq!(
        ids(&the(&captured, "span"))[..2],
        [Some(TRACE), Some("0000000000000001")]
    );
    assert_eq!(
        ids(&the(&captured, "first"))[..2],
        [Some(TRACE), Some("0000000000000002")]
    );
    the(&captured, "never entered").assert_lacks(Slot::TraceId);
}

#[test]
fn where_a_tracer_does_not_know_the_record_is_without_ids_and_says_so() {
    let source = Arc::new(Source::default());
    let ids_of = Ids::Source(Arc::clone(&source) as Arc<dyn IdSource>);
    let recording = Recording::with(|audit| audit.ids(ids_of));
    recording.run(|| {
        AuditContext::new().traceparent(HEADER).sync_scope(|| {
            let _span = info_span!(target: "audit", "span").entered();
            info!(target: "audit", event = "event");
            info!(target: "audit", event = "stated", traceparent = HEADER);
        });
    });
    let captured = recording.captured();
    for event in ["span", "event"] {
        let record = the(&captured, event);
        assert_eq!(ids(&record), [None; 3], "what the scope states may be wrong");
        record
            .assert_lacks(Slot::TraceFlags)
            .assert_has(Slot::TraceUnavailable, true);
    }
    let stated = the(&captured, "stated");
    assert_eq!(ids(&stated), [Some(TRACE), Some(PARENT), None]);
    stated.assert_lacks(Slot::TraceUnavailable);
    assert_eq!(recording.audit().stats().trace_unavailable, 2);
}

#[test]
fn where_a_tracer_says_that_there_is_no_trace_nothing_is_missing() {
    let source = Arc::new(Source {
        otherwise: TraceAnswer::Untraced,
        ..Source::default()
    });
    let ids_of = Ids::Source(Arc::clone(&source) as Arc<dyn IdSource>);
    let recording = Recording::with(|audit| audit.ids(ids_of));
    recording.run(|| {
        let span = info_span!(target: "audit", "span").entered();
        info!(target: "audit", event = "event");
        drop(span);
        AuditContext::new()
            .traceparent(HEADER)
            .sync_scope(|| info!(target: "audit", event = "in a scope"));
    });
    let captured = recording.captured();
    for event in ["span", "event"] {
        let record = the(&captured, event);
        assert_eq!(ids(&record), [None; 3]);
        record.assert_lacks(Slot::TraceUnavailable);
    }
    assert_eq!(ids(&the(&captured, "in a scope"))[0], Some(TRACE));
    assert_eq!(recording.audit().stats().trace_unavailable, 0);
}

#[test]
fn ids_that_a_record_states_itself_hold_and_a_tracer_is_not_asked() {
    let source = Arc::new(Source::default());
    let ids_of = Ids::Source(Arc::clone(&source) as Arc<dyn IdSource>);
    let recording = Recording::with(|audit| audit.ids(ids_of));
    source.asked();
    let trace = TraceContext::parse(HEADER).unwrap();
    let emit = |record| recording.audit().submit(record).map(drop).unwrap();
    emit(Record::builder("own").trace(trace).build());
    assert!(source.asked().is_empty());
    emit(Record::builder("asked").build());
    assert_eq!(source.asked(), ["event here"]);
    let captured = recording.captured();
    assert_eq!(ids(&the(&captured, "own"))[..2], [Some(TRACE), Some(PARENT)]);
    the(&captured, "asked").assert_has(Slot::TraceUnavailable, true);
}

#[test]
fn a_field_with_the_name_of_the_mark_is_an_attribute_and_no_mark() {
    let captured = capture(|| info!(target: "audit", event = "forged", trace_unavailable = true));
    let record = the(&captured, "forged");
    record.assert_lacks(Slot::TraceUnavailable);
    record.assert_attribute("trace_unavailable", true);
}

#[test]
fn ids_of_many_threads_do_not_repeat() {
    let recording = Recording::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let make = || (0..250).for_each(|_| drop(info_span!(target: "audit", "span")));
            let dispatch = recording.dispatch();
            scope.spawn(move || tracing::dispatcher::with_default(dispatch, make));
        }
    });
    let captured = recording.captured();
    captured.count(1000);
    let unique: std::collections::HashSet<_> = captured.records().iter().map(|record| ids(record)).collect();
    assert_eq!(unique.len(), 1000);
}

//! An application whose OpenTelemetry crates are of another version than ours: nothing is made up, and it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use other_opentelemetry::trace::TracerProvider as _;
use other_opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::{Dispatch, info, info_span};
use tracing_audit::record::Slot;
use tracing_audit::sink::MemorySink;
use tracing_audit::{Audit, AuditedExt, Ids};
use tracing_subscriber::layer::SubscriberExt as _;

type Sentences = Arc<Mutex<Vec<String>>>;

fn trail() -> (Audit, MemorySink, Sentences) {
    let (sink, told) = (MemorySink::new(), Sentences::default());
    let keep = Arc::clone(&told);
    let audit = Audit::builder()
        .memory(&sink)
        .ids(Ids::opentelemetry())
        .diagnostics(move |sentence| keep.lock().unwrap().push(sentence.to_owned()))
        .start()
        .unwrap();
    (audit, sink, told)
}

/// The stack around a trail, and one that the trail is the last layer of.
fn stacks(audit: &Audit, provider: &SdkTracerProvider) -> [Dispatch; 2] {
    macro_rules! traced {
        () => {
            tracing_subscriber::registry()
                .with(other_tracing_opentelemetry::layer().with_tracer(provider.tracer("test")))
        };
    }
    [
        traced!().audited(audit).into(),
        traced!().with(audit.layer()).into(),
    ]
}

#[test]
fn spans_of_another_version_are_told_of_and_their_ids_are_marked_as_unavailable() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let (audit, sink, told) = trail();
    for stack in stacks(&audit, &provider) {
        tracing::dispatcher::with_default(&stack, || {
            info_span!(target: "audit", "span").in_scope(|| {
                info!(target: "audit", event = "inside");
            });
        });
        let check = tracing::dispatcher::with_default(&stack, || audit.check());
        let is_told = |remark: &String| {
            remark.contains("not of tracing-opentelemetry 0.34") && remark.contains("use the same versions")
        };
        assert!(check.is_live() && check.remarks.iter().any(is_told), "{check}");
    }
    audit.flush(Duration::from_secs(60)).unwrap();
    let records = sink.records();
    let own = records
        .iter()
        .filter(|record| record.text(Slot::ActorId) == Some("unknown"));
    let mut count = 0;
    for record in own {
        assert_eq!(
            record.get(Slot::TraceUnavailable),
            Some(&true.into()),
            "{record:?}"
        );
        assert_eq!(
            (record.get(Slot::TraceId), record.get(Slot::SpanId)),
            (None, None)
        );
        count += 1;
    }
    assert_eq!((count, audit.stats().trace_unavailable), (4, 4));
    let told = told.lock().unwrap();
    assert!(
        told.len() == 1 && told[0].contains("trace_unavailable"),
        "{told:?}"
    );
    // The traces themselves are whole: two spans, and those of the checks' probes.
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.iter().filter(|span| span.name == "span").count(), 2);
}

//! One process with a global subscriber, as services have it: tasks on many threads, and threads that end.

#[path = "support/otel.rs"]
mod otel;

use std::collections::HashMap;

use opentelemetry::trace::TraceContextExt as _;
use otel::{Form, Stage, Traces, ids, remote, said};
use tracing::{Instrument as _, info, info_span, instrument};
use tracing_audit::record::Slot;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

#[instrument(target = "audit", err, fields(event = format!("load {number}"), otel.name = format!("load {number}")))]
async fn load(number: u32) -> Result<u32, String> {
    info!(target: "audit", event = format!("before {number}"));
    tokio::task::yield_now().await;
    info!(target: "audit", event = format!("behind {number}"));
    if number.is_multiple_of(2) {
        Ok(number)
    } else {
        Err(format!("{number} is odd"))
    }
}

async fn request(number: u32) {
    let name = format!("request {number}");
    let span = info_span!("request", otel.name = name);
    let parent = remote(u8::try_from(number % 200).expect("it is below 200") + 1);
    span.set_parent(parent).expect("nobody has started the span");
    let work = async {
        let load = tokio::spawn(load(number).instrument(info_span!("task"))).await;
        let _ = load.expect("nobody panics");
        info!(target: "audit", event = format!("request {number}"));
    };
    work.instrument(span).await;
}

/// Reports when its thread ends: after whatever that thread has used since.
struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        info!(target: "audit", event = "at the end of a thread");
    }
}

thread_local! {
    static LAST: Last = const { Last };
}

#[test]
fn tasks_that_move_between_threads_keep_the_ids_of_their_spans() {
    let stage = Stage::new(Form::Wrapper, Traces::default());
    tracing::dispatcher::set_global_default(stage.dispatch.clone()).expect("it is the only one");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .expect("there are threads");
    runtime.block_on(async {
        let requests: Vec<_> = (0..200).map(|number| tokio::spawn(request(number))).collect();
        for request in requests {
            request.await.expect("nobody panics");
        }
    });
    drop(runtime);
    let spans: HashMap<String, _> = stage
        .spans()
        .into_iter()
        .map(|span| (span.name.to_string(), span))
        .collect();
    let records = stage.records();
    assert_eq!(records.len(), 800);
    for record in records {
        let event = record.event();
        let name = event.replace("before", "load").replace("behind", "load");
        assert_eq!(ids(&record), said(&spans[&name].span_context), "{record:?}");
        let number: u8 = name
            .rsplit(' ')
            .next()
            .expect("it has a number")
            .parse()
            .expect("below 200");
        let trace = remote(number + 1).span().span_context().trace_id().to_string();
        if name.starts_with("request") {
            assert_eq!(record.text(Slot::TraceId), Some(trace.as_str()));
        }
    }
    assert_eq!(stage.stats().trace_unavailable, 0);

    // The thread's context is gone before this is reported, and nobody must notice.
    let thread = std::thread::spawn(|| {
        LAST.with(|_| ());
        info_span!("on a thread").in_scope(|| ());
    });
    thread.join().expect("the thread ends well");
    let record = stage.record("at the end of a thread");
    assert_eq!(record.get(Slot::TraceId), None);
}

//! Records carry the ids of the exported span, wherever an API can know them: the oracle is what the SDK exported.

#[path = "support/otel.rs"]
mod otel;

use std::collections::HashMap;

use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use otel::{Traces, ids, remote, said, stages, stages_with};
use tracing::{Span, info, info_span, instrument};
use tracing_audit::record::{Record, Slot};
use tracing_audit::{AuditContext, CurrentContext};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

#[test]
fn an_event_has_the_ids_of_the_span_that_it_is_reported_in() {
    for stage in stages() {
        stage.run(|| {
            info!(target: "audit", event = "before");
            let _outer = info_span!("outer").entered();
            info!(target: "audit", event = "in outer");
            info_span!("inner").in_scope(|| info!(target: "audit", event = "in inner"));
            info!(target: "audit", event = "in outer again");
        });
        stage.run(|| info!(target: "audit", event = "after"));
        stage.assert_untraced("before");
        stage.assert_ids("in outer", "outer");
        stage.assert_ids("in inner", "inner");
        stage.assert_ids("in outer again", "outer");
        stage.assert_untraced("after");
        assert_eq!(stage.stats().trace_unavailable, 0);
    }
}

#[test]
fn a_span_has_its_own_ids_at_its_end() {
    for stage in stages() {
        stage.run(|| {
            let _outer = info_span!(target: "audit", "outer").entered();
            let _plain = info_span!("plain").entered();
            let inner = info_span!(target: "audit", "inner");
            inner.in_scope(|| info!(target: "audit", event = "inside"));
            inner.in_scope(|| ());
        });
        stage.assert_ids("outer", "outer");
        stage.assert_ids("inner", "inner");
        stage.assert_ids("inside", "inner");
        assert_eq!(stage.stats().trace_unavailable, 0);
    }
}

#[test]
fn the_first_span_of_all_has_its_ids_although_nothing_is_known_of_the_layer_then() {
    for stage in stages() {
        stage.run(|| info_span!(target: "audit", "first").in_scope(|| ()));
        stage.assert_ids("first", "first");
    }
}

#[test]
fn an_instrumented_function_has_its_ids_and_its_outcome() {
    #[instrument(target = "audit", err)]
    fn refuse() -> Result<(), String> {
        info!(target: "audit", event = "in refuse");
        Err("no".to_owned())
    }
    for stage in stages() {
        stage.run(|| refuse().expect_err("it refuses"));
        stage.assert_ids("refuse", "refuse");
        stage.assert_ids("in refuse", "refuse");
        assert_eq!(stage.record("refuse").text(Slot::Outcome), Some("failure"));
    }
}

#[test]
fn an_event_that_names_its_parent_has_that_spans_ids_and_not_those_around_it() {
    for stage in stages() {
        stage.run(|| {
            let named = info_span!("named");
            let entered = info_span!("entered");
            entered.in_scope(|| ());
            let _around = info_span!("around").entered();
            info!(target: "audit", parent: &named, event = "in named");
            info!(target: "audit", parent: &entered, event = "in entered");
            info!(target: "audit", parent: &Span::current(), event = "in around");
            info!(target: "audit", parent: None, event = "in none");
        });
        stage.assert_ids("in named", "named");
        stage.assert_ids("in entered", "entered");
        stage.assert_ids("in around", "around");
        stage.assert_untraced("in none");
        assert_eq!(stage.stats().trace_unavailable, 0);
    }
}

#[test]
fn a_span_that_names_its_parent_has_its_own_ids() {
    for stage in stages() {
        stage.run(|| {
            let above = info_span!("above");
            let _around = info_span!("around").entered();
            let span = info_span!(target: "audit", parent: &above, "below");
            span.in_scope(|| info!(target: "audit", event = "inside"));
            info_span!(target: "audit", parent: None, "root").in_scope(|| ());
        });
        stage.assert_ids("below", "below");
        stage.assert_ids("inside", "below");
        stage.assert_ids("root", "root");
        assert_eq!(
            stage.span("below").parent_span_id,
            stage.span("above").span_context.span_id()
        );
    }
}

#[test]
fn what_a_filter_hides_from_the_traces_has_the_ids_of_the_nearest_span_that_is_exported() {
    for stage in stages_with(Traces::HIDING) {
        stage.run(|| {
            info_span!("first").in_scope(|| ());
            let hidden = info_span!(target: "audit::hidden", "alone");
            hidden.in_scope(|| info!(target: "audit", event = "in alone"));
            drop(hidden);
            let _shown = info_span!("shown").entered();
            let _hidden = info_span!(target: "hidden", "plain").entered();
            info!(target: "audit", event = "in plain");
            let hidden = info_span!(target: "audit::hidden", "span");
            hidden.in_scope(|| info!(target: "audit", event = "in span"));
            info!(target: "audit", parent: &hidden, event = "named span");
        });
        stage.assert_untraced("alone");
        stage.assert_untraced("in alone");
        for event in ["in plain", "span", "in span", "named span"] {
            stage.assert_ids(event, "shown");
        }
        assert_eq!(stage.spans().len(), 2);
    }
}

#[test]
fn what_happens_in_a_hidden_span_belongs_where_the_thread_is_and_what_names_one_to_the_spans_above_it() {
    for stage in stages_with(Traces::HIDING) {
        stage.run(|| {
            info_span!("first").in_scope(|| ());
            let above = info_span!("above");
            let _around = info_span!("around").entered();
            let hidden = info_span!(target: "audit::hidden", parent: &above, "span");
            hidden.in_scope(|| {
                info!(target: "audit", event = "in span");
                // The traces place what is exported from there likewise.
                info_span!("child").in_scope(|| ());
            });
            info!(target: "audit", parent: &hidden, event = "named span");
        });
        for (event, span) in [("span", "around"), ("in span", "around"), ("named span", "above")] {
            stage.assert_ids(event, span);
        }
        let spans = stage.spans();
        let of = |name: &str| spans.iter().find(|span| span.name == name).expect("exported");
        assert_eq!(of("child").parent_span_id, of("around").span_context.span_id());
    }
}

#[test]
fn an_unsampled_trace_has_ids_and_flags_that_say_so() {
    let unsampled = Traces {
        sample: false,
        ..Traces::default()
    };
    for stage in stages_with(unsampled) {
        let context = stage.run(|| {
            let span = info_span!(target: "audit", "span").entered();
            info!(target: "audit", event = "event");
            span.context()
        });
        let context = context.span().span_context().clone();
        assert!(context.is_valid() && !context.is_sampled());
        for event in ["span", "event"] {
            let record = stage.record(event);
            assert_eq!(ids(&record), said(&context), "{:?}", stage.form);
            assert_eq!(ids(&record).2, Some(0));
        }
        assert!(stage.spans().is_empty());
    }
}

#[test]
fn a_span_can_be_given_a_remote_parent_after_it_was_created_and_filled() {
    for stage in stages() {
        stage.run(|| {
            let _around = info_span!("around").entered();
            let span = info_span!(target: "audit", "request", actor.id = tracing::field::Empty);
            span.record("actor.id", "u-1");
            drop(span.clone());
            info!(target: "audit", event = "meanwhile");
            span.set_parent(remote(7)).expect("nobody has started the span");
            span.in_scope(|| info!(target: "audit", event = "inside"));
        });
        stage.assert_ids("request", "request");
        stage.assert_ids("inside", "request");
        let span = stage.span("request");
        assert_eq!(
            span.span_context.trace_id(),
            remote(7).span().span_context().trace_id()
        );
        assert_eq!(span.parent_span_id, remote(7).span().span_context().span_id());
    }
}

#[test]
fn a_span_that_begins_with_a_record_can_still_be_given_a_remote_parent() {
    for stage in stages() {
        stage.run(|| {
            let span = info_span!(target: "audit", "job", start = true);
            span.set_parent(remote(9)).expect("nobody has started the span");
            span.in_scope(|| ());
        });
        let records = stage.records();
        let is_start = |record: &&Record| record.text(Slot::Phase) == Some("start");
        let start = records.iter().find(is_start).expect("it has a start");
        assert_eq!(start.get(Slot::TraceUnavailable), Some(&true.into()));
        assert_eq!(ids(start), (None, None, None));
        let end = records
            .iter()
            .find(|record| !is_start(record))
            .expect("and an end");
        assert_eq!(ids(end), said(&stage.span("job").span_context));
        assert_eq!(start.text(Slot::ExecutionId), end.text(Slot::ExecutionId));
        assert_eq!(stage.stats().trace_unavailable, 1);
    }
}

#[test]
fn a_remote_context_that_is_attached_is_the_parent_until_a_span_is_entered() {
    for stage in stages() {
        stage.run(|| {
            let _attached = remote(5).attach();
            info!(target: "audit", event = "outside");
            let _span = info_span!(target: "audit", "span").entered();
            info!(target: "audit", event = "inside");
            let _within = remote(6).attach();
            info!(target: "audit", event = "further inside");
        });
        assert_eq!(
            ids(&stage.record("outside")),
            said(remote(5).span().span_context())
        );
        for event in ["span", "inside", "further inside"] {
            stage.assert_ids(event, "span");
        }
        assert_eq!(
            stage.span("span").span_context.trace_id(),
            remote(5).span().span_context().trace_id()
        );
    }
}

#[test]
fn a_span_of_the_tracers_own_api_is_where_it_is_entered() {
    for stage in stages() {
        stage.run(|| {
            // A layer learns at the end of the first span that contexts are attached. Until then the ids are those of the
            // span of `tracing` around the other one.
            info_span!("first").in_scope(|| ());
            let _outer = info_span!("outer").entered();
            stage.provider().tracer("direct").in_span("direct", |_| {
                info!(target: "audit", event = "in direct");
                info_span!(target: "audit", "below").in_scope(|| ());
            });
            info!(target: "audit", event = "in outer");
        });
        stage.assert_ids("in outer", "outer");
        stage.assert_ids("in direct", "direct");
        stage.assert_ids("below", "below");
    }
}

#[test]
fn a_record_that_is_given_as_a_value_has_the_ids_of_the_place_where_it_is_given() {
    for stage in stages() {
        stage.run(|| {
            let _span = info_span!(target: "audit", "span").entered();
            let _inner = info_span!("inner").entered();
            let given = stage.audit.submit(Record::builder("given").build());
            given.expect("there is room");
        });
        let given = stage.audit.submit(Record::builder("outside").build());
        given.expect("there is room");
        stage.assert_ids("given", "inner");
        stage.assert_untraced("outside");
    }
}

#[test]
fn a_context_that_is_carried_to_a_thread_without_traces_keeps_the_ids_it_was_captured_under() {
    for stage in stages() {
        let carried = stage.run(|| {
            let _span = info_span!(target: "audit", "span", actor.id = "u-1").entered();
            let _inner = info_span!("inner").entered();
            CurrentContext::capture()
        });
        std::thread::scope(|scope| {
            let stage = &stage;
            let there = move || {
                carried.sync_scope(|| {
                    info!(target: "audit", event = "there");
                    info_span!("own").in_scope(|| info!(target: "audit", event = "in own"));
                });
            };
            scope.spawn(move || stage.run(there));
        });
        stage.assert_ids("there", "inner");
        stage.assert_ids("in own", "own");
        assert_eq!(stage.record("in own").text(Slot::ActorId), Some("u-1"));
    }
}

#[test]
fn a_traceparent_of_a_scope_holds_where_there_is_no_trace_and_yields_to_one() {
    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for stage in stages() {
        stage.run(|| {
            info_span!("first").in_scope(|| ());
            AuditContext::new().traceparent(HEADER).sync_scope(|| {
                info!(target: "audit", event = "outside");
                info_span!(target: "audit", "span", traceparent = HEADER)
                    .in_scope(|| info!(target: "audit", event = "inside"));
            });
        });
        assert_eq!(
            stage.record("outside").text(Slot::TraceId),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        stage.assert_ids("span", "span");
        stage.assert_ids("inside", "span");
    }
}

#[test]
fn spans_of_many_threads_keep_their_own_ids() {
    for stage in stages() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let stage = &stage;
                let work = move || {
                    for turn in 0..50 {
                        let name = format!("{thread}-{turn}");
                        let span = info_span!(target: "audit", "work", otel.name = name, event = name);
                        span.in_scope(|| info!(target: "audit", event = format!("in {name}")));
                    }
                };
                scope.spawn(move || stage.run(work));
            }
        });
        let spans = stage.spans();
        let exported: HashMap<_, _> = spans
            .iter()
            .map(|span| (span.name.to_string(), said(&span.span_context)))
            .collect();
        let records = stage.records();
        assert_eq!((records.len(), exported.len()), (400, 200));
        for record in records {
            let name = record.event().trim_start_matches("in ");
            assert_eq!(ids(&record), exported[name], "{:?}: {record:?}", stage.form);
        }
    }
}

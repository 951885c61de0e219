//! Where the exported ids are hard to know, or cannot be known: then they are absent, marked and counted.

#[path = "support/otel.rs"]
mod otel;

use opentelemetry::trace::TraceContextExt as _;
use otel::{Form, Stage, Traces, remote, stages, stages_with};
use tracing::{Span, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

#[test]
fn without_context_activation_events_have_the_ids_of_their_span() {
    for stage in stages_with(Traces::UNATTACHED) {
        stage.run(|| {
            let _attached = remote(5).attach();
            let _outer = info_span!("outer").entered();
            info!(target: "audit", event = "in outer");
            let inner = info_span!("inner");
            inner.in_scope(|| info!(target: "audit", event = "in inner"));
            info!(target: "audit", parent: &inner, event = "named inner");
        });
        stage.assert_ids("in outer", "outer");
        stage.assert_ids("in inner", "inner");
        stage.assert_ids("named inner", "inner");
        assert_eq!(stage.stats().trace_unavailable, 0);
    }
}

#[test]
fn without_context_activation_a_parent_can_be_set_inside_of_the_span() {
    for stage in stages_with(Traces::UNATTACHED) {
        stage.run(|| {
            let span = info_span!(target: "audit", "span");
            span.in_scope(|| ());
            span.in_scope(|| {
                Span::current()
                    .set_parent(remote(8))
                    .expect("nobody has started the span")
            });
        });
        let exported = stage.span("span");
        assert_eq!(exported.parent_span_id, remote(8).span().span_context().span_id());
        if stage.form.hears_first() {
            stage.assert_ids("span", "span");
        } else {
            stage.assert_unavailable("span");
            assert_eq!(stage.stats().trace_unavailable, 1);
        }
    }
}

#[test]
fn a_span_that_nobody_enters_has_ids_only_if_something_of_the_trail_hears_of_its_end_first() {
    for stage in stages() {
        stage.run(|| {
            info_span!("first").in_scope(|| ());
            drop(info_span!(target: "audit", "never"));
        });
        if stage.form.hears_first() {
            stage.assert_ids("never", "never");
        } else {
            stage.assert_unavailable("never");
        }
        assert_eq!(
            stage.stats().trace_unavailable,
            u64::from(!stage.form.hears_first())
        );
        assert_eq!(stage.spans().len(), 2);
    }
}

fn behind_reload() -> Traces {
    Traces {
        reload: true,
        ..Traces::default()
    }
}

#[test]
fn behind_a_reload_layer_events_are_correlated_by_context_and_nothing_is_made_up() {
    for stage in stages_with(behind_reload()) {
        stage.run(|| {
            let _outer = info_span!("outer").entered();
            info!(target: "audit", event = "in outer");
            let other = info_span!("other");
            info!(target: "audit", parent: &other, event = "in other");
            info_span!(target: "audit", "span").in_scope(|| info!(target: "audit", event = "in span"));
        });
        stage.assert_ids("in outer", "outer");
        stage.assert_ids("in span", "span");
        stage.assert_unavailable("in other");
        if matches!(stage.form, Form::Wrapper | Form::Close) {
            stage.assert_ids("span", "span");
        } else {
            stage.assert_unavailable("span");
        }
    }
}

#[test]
fn behind_a_reload_layer_a_remote_context_inside_of_a_span_is_not_taken_for_that_span() {
    for stage in stages_with(behind_reload()) {
        stage.run(|| {
            let _outer = info_span!("outer").entered();
            let _attached = remote(5).attach();
            info!(target: "audit", event = "further inside");
        });
        stage.assert_unavailable("further inside");
    }
}

#[test]
fn before_the_layer_has_answered_a_hidden_span_cannot_be_told_from_a_layer_that_is_not_there() {
    let report = || {
        let hidden = info_span!(target: "audit::hidden", "hidden");
        hidden.in_scope(|| info!(target: "audit", event = "in hidden"));
    };
    for stage in stages_with(Traces::HIDING) {
        stage.run(report);
        stage.assert_unavailable("in hidden");
        let stage = Stage::new(stage.form, Traces::HIDING);
        stage.run(|| {
            assert!(stage.audit.check().is_live());
            report();
        });
        stage.assert_untraced("in hidden");
    }
}

#[test]
fn a_span_that_is_open_at_the_end_has_ids_if_it_was_entered_and_says_so_otherwise() {
    for stage in stages() {
        let (entered, waiting) = stage.run(|| {
            info_span!("first").in_scope(|| ());
            let entered = info_span!(target: "audit", "entered");
            entered.in_scope(|| ());
            (entered, info_span!(target: "audit", "waiting"))
        });
        let ended = stage.audit.shutdown(std::time::Duration::from_secs(60));
        ended.expect("a memory sink takes everything");
        stage.run(|| {
            waiting
                .set_parent(remote(3))
                .expect("nobody has started the span")
        });
        stage.run(|| drop((entered, waiting)));
        stage.assert_ids("entered", "entered");
        stage.assert_unavailable("waiting");
    }
}

#[test]
fn an_event_in_a_span_that_was_closed_is_marked_and_nobody_panics() {
    for stage in stages() {
        stage.run(|| {
            info_span!("first").in_scope(|| ());
            let id = info_span!(target: "audit", "gone").in_scope(|| Span::current().id());
            let _around = info_span!("around").entered();
            info!(target: "audit", parent: id, event = "late");
            info!(target: "audit", event = "around");
        });
        stage.assert_unavailable("late");
        stage.assert_ids("around", "around");
        assert_eq!(stage.stats().trace_unavailable, 1);
    }
}

#[test]
fn where_telemetry_is_suppressed_nothing_is_traced_and_nothing_is_missing() {
    for stage in stages() {
        stage.run(|| {
            info_span!("first").in_scope(|| ());
            let _quiet = opentelemetry::Context::enter_telemetry_suppressed_scope();
            let _span = info_span!(target: "audit", "span").entered();
            info!(target: "audit", event = "event");
        });
        stage.assert_untraced("span");
        stage.assert_untraced("event");
        assert_eq!(stage.stats().trace_unavailable, 0);
    }
}

//! What hides the exported ids from the trail is said: by `check`, and once at the first record that lacks them.

#[path = "support/otel.rs"]
mod otel;

use std::sync::{Arc, Mutex};

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use otel::{Form, Stage, Traces, noop, trail};
use tracing::{Dispatch, info, info_span};
use tracing_audit::{Audit, AuditedExt};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

/// What a check remarks about ids.
fn remarks(audit: &Audit, dispatch: &Dispatch) -> Vec<String> {
    let check = tracing::dispatcher::with_default(dispatch, || audit.check());
    assert!(check.is_live(), "{check}");
    let is_about_ids = |remark: &String| !remark.contains("allow_modules");
    check.remarks.into_iter().filter(is_about_ids).collect()
}

#[test]
fn a_check_finds_nothing_where_the_layer_answers_and_its_probe_is_not_exported() {
    for form in Form::ALL {
        for attach in [true, false] {
            let traces = Traces {
                attach,
                ..Traces::default()
            };
            let stage = Stage::new(form, traces);
            assert_eq!(
                remarks(&stage.audit, &stage.dispatch),
                Vec::<String>::new(),
                "{form:?}"
            );
            assert!(stage.spans().is_empty(), "{form:?}");
            stage.run(|| info_span!("span").in_scope(|| info!(target: "audit", event = "event")));
            stage.assert_ids("event", "span");
        }
    }
}

#[test]
fn a_check_says_that_the_layer_is_missing() {
    let (audit, _) = trail(|builder| builder);
    let bare: Dispatch = registry().audited(&audit).into();
    let found = remarks(&audit, &bare);
    assert!(
        found.len() == 1 && found[0].contains("nothing in the stack answers") && found[0].contains("0.34"),
        "{found:?}"
    );
}

#[test]
fn a_check_says_that_the_layer_is_behind_a_reload_layer() {
    let reloaded = Traces {
        reload: true,
        ..Traces::default()
    };
    for form in [Form::Wrapper, Form::LayerBehind, Form::ShellBehind] {
        let stage = Stage::new(form, reloaded);
        let found = remarks(&stage.audit, &stage.dispatch);
        assert!(
            found.len() == 1 && found[0].contains("reload::Layer"),
            "{form:?}: {found:?}"
        );
    }
    let (audit, _) = trail(|builder| builder);
    let reloaded = tracing_subscriber::reload::Layer::new(noop()).0;
    let stack: Dispatch = registry().with(reloaded).audited(&audit).into();
    let found = remarks(&audit, &stack);
    assert!(
        found.len() == 1 && found[0].contains("is behind `reload::Layer`"),
        "{found:?}"
    );
}

#[test]
fn a_check_says_that_a_filter_hides_audit_spans_from_the_traces() {
    let (audit, _) = trail(|builder| builder);
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter)
        .build();
    use tracing_subscriber::Layer as _;
    let no_audit = tracing_subscriber::filter::filter_fn(|metadata| metadata.target() != "audit");
    let telemetry = Traces::default().layer(&provider).with_filter(no_audit);
    let stack: Dispatch = registry().with(telemetry).audited(&audit).into();
    let found = remarks(&audit, &stack);
    assert!(
        found.len() == 1 && found[0].contains("a filter hides audit spans"),
        "{found:?}"
    );
}

#[test]
fn the_first_record_that_lacks_its_ids_is_told_of_once() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&told);
    let (audit, _) = trail(move |builder| {
        builder.diagnostics(move |sentence| keep.lock().expect("nobody panics").push(sentence.to_owned()))
    });
    let bare: Dispatch = registry().audited(&audit).into();
    tracing::dispatcher::with_default(&bare, || {
        info!(target: "audit", event = "outside");
        assert_eq!(told.lock().expect("nobody panics").len(), 0);
        for _ in 0..3 {
            info_span!(target: "audit", "span").in_scope(|| info!(target: "audit", event = "inside"));
        }
    });
    let told = told.lock().expect("nobody panics");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("trace_unavailable") && told[0].contains("0.34"),
        "{told:?}"
    );
    assert_eq!(audit.stats().trace_unavailable, 6);
    assert!(
        audit
            .openmetrics()
            .contains("tracing_audit_records_trace_unavailable_total 6\n")
    );
}

#[test]
fn a_tracer_that_exports_nothing_leaves_nothing_missing() {
    let (audit, sink) = trail(|builder| builder);
    let stack: Dispatch = registry().with(noop()).audited(&audit).into();
    tracing::dispatcher::with_default(&stack, || {
        info_span!(target: "audit", "span").in_scope(|| info!(target: "audit", event = "inside"));
    });
    audit
        .flush(std::time::Duration::from_secs(60))
        .expect("a memory sink takes everything");
    assert_eq!(audit.stats().trace_unavailable, 0, "{:?}", sink.lines());
}

#[test]
fn the_versions_that_are_said_are_those_that_are_used() {
    let manifest = include_str!("../Cargo.toml");
    for line in [
        "tracing-opentelemetry = { version = \"0.34\"",
        "\nopentelemetry = { version = \"0.33.",
    ] {
        assert!(
            manifest.contains(line),
            "{line}: say the new version in src/capture/otel.rs too"
        );
    }
}

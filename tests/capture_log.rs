//! Records of the `log` crate, and what the bridge costs where the trail is part of the stack. A logger is the process's,
//! so each scenario is a child.

#[path = "support/torture.rs"]
mod torture;

use log::LevelFilter;
use torture::{child, messages, scenario, succeed, trail_with};
use tracing_audit::{Audit, AuditedExt};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Runs `run` in a process of its own.
fn alone(test: &str, run: impl FnOnce()) {
    if scenario().is_some() {
        run();
    } else {
        succeed(child(test, "alone"));
    }
}

/// A usual stack.
fn stack(audit: &Audit) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::registry()
        .with(EnvFilter::new("info"))
        .audited(audit)
}

#[test]
fn log_records_for_the_audit_target_are_records_where_that_is_allowed() {
    alone(
        "log_records_for_the_audit_target_are_records_where_that_is_allowed",
        || {
            let (audit, sink) = trail_with(|builder| builder.allow_log(true));
            stack(&audit).init();
            log::info!(target: "audit", "info");
            log::trace!(target: "audit::billing", "trace");
            log::info!(target: "app", "ordinary");
            assert_eq!(messages(&audit, &sink), ["info", "trace"]);
        },
    );
}

#[test]
fn log_records_are_not_records_where_nobody_allowed_them() {
    alone("log_records_are_not_records_where_nobody_allowed_them", || {
        let (audit, sink) = trail_with(|builder| builder);
        stack(&audit).init();
        log::error!(target: "audit", "error");
        assert!(messages(&audit, &sink).is_empty());
    });
}

#[test]
fn without_the_trail_init_takes_over_the_level_of_the_filter_for_log_records() {
    alone(
        "without_the_trail_init_takes_over_the_level_of_the_filter_for_log_records",
        || {
            tracing_subscriber::registry().with(EnvFilter::new("info")).init();
            assert_eq!(log::max_level(), LevelFilter::Info);
        },
    );
}

#[test]
fn with_the_trail_init_lets_log_records_of_all_levels_as_far_as_the_filter_and_set_max_level_ends_that() {
    alone(
        "with_the_trail_init_lets_log_records_of_all_levels_as_far_as_the_filter_and_set_max_level_ends_that",
        || {
            let (audit, sink) = trail_with(|builder| builder.allow_log(true));
            stack(&audit).init();
            assert_eq!(log::max_level(), LevelFilter::Trace);
            log::set_max_level(LevelFilter::Info);
            log::debug!(target: "audit", "debug");
            log::info!(target: "audit", "info");
            tracing::debug!(target: "audit", "an event");
            assert_eq!(messages(&audit, &sink), ["info", "an event"]);
        },
    );
}

#[test]
fn a_bridge_that_was_built_with_a_level_keeps_it_beside_the_trail() {
    alone(
        "a_bridge_that_was_built_with_a_level_keeps_it_beside_the_trail",
        || {
            let (audit, sink) = trail_with(|builder| builder.allow_log(true));
            tracing_log::LogTracer::builder()
                .with_max_level(LevelFilter::Warn)
                .init()
                .unwrap();
            tracing::subscriber::set_global_default(stack(&audit)).unwrap();
            assert_eq!(log::max_level(), LevelFilter::Warn);
            log::info!(target: "audit", "info");
            log::warn!(target: "audit", "warn");
            tracing::trace!(target: "audit", "an event");
            assert_eq!(messages(&audit, &sink), ["warn", "an event"]);
        },
    );
}

//! Level floors by family of events, which hold alike for every way in: the levels of tools, sessions and automation in the
//! configuration of the first seed.
#![cfg(feature = "config")]

use tracing::{debug, debug_span, error, error_span, info, info_span, warn};
use tracing_audit::config::{Config, Family};
use tracing_audit::record::{Level, Record};
use tracing_audit::testing::Recording;
use tracing_audit::{AuditBuilder, State, Submitted};

/// As a configuration file says it.
fn by_file(builder: AuditBuilder) -> AuditBuilder {
    let text = r#"{"levels":{"tools":"warn","sessions":"error","automation":"debug"}}"#;
    let config = Config::from_json(text).unwrap();
    builder.config(&config).unwrap()
}

fn by_builder(builder: AuditBuilder) -> AuditBuilder {
    builder
        .family_floor(Family::Tools, Level::Warn)
        .family_floor(Family::Sessions, Level::Error)
        .family_floor(Family::Automation, Level::Debug)
}

/// What is reported through macros: events by their name and by their action, spans by their name and by a field.
fn through_macros() {
    info!(target: "audit", event = "tool.start", actor.id = "a");
    warn!(target: "audit", event = "tool.denied", actor.id = "a");
    error!(target: "audit", action = "tool.error", actor.id = "a");
    info!(target: "audit", action = "skills.scan.pass", actor.id = "a");
    warn!(target: "audit", event = "session.create", actor.id = "a");
    error!(target: "audit", event = "session.delete", actor.id = "a");
    debug!(target: "audit", event = "cron.trigger", actor.id = "a");
    debug!(target: "audit", event = "user.action", actor.id = "a");
    debug!(target: "audit", event = "security.elevation.enabled", actor.id = "a");
    drop(info_span!(target: "audit", "tool.start", actor.id = "a", start = true));
    drop(error_span!(target: "audit", "tool.error", actor.id = "a"));
    drop(info_span!(target: "audit", "run", event = "tool.success", actor.id = "a"));
    drop(debug_span!(target: "audit", "heartbeat.cycle", actor.id = "a"));
}

/// T000-03: with `levels.tools = warn`, `tool.start` at info is not written and `tool.error` at error is; other families
/// are unaffected, and security events have no floor.
#[test]
fn floors_of_families_hold_alike_for_events_spans_and_values_from_file_and_builder() {
    for set in [by_file, by_builder] {
        let recording = Recording::with(set);
        recording.run(through_macros);
        let events: Vec<_> = recording
            .captured()
            .records()
            .iter()
            .map(|record| record.event().to_owned())
            .collect();
        assert_eq!(
            events,
            [
                "tool.denied",
                "tool.error",
                "session.delete",
                "cron.trigger",
                "user.action",
                "security.elevation.enabled",
                "tool.error",
                "heartbeat.cycle",
            ]
        );
        // The span that was left out would have been two records.
        assert_eq!(recording.audit().stats().below_level, 6);
    }
}

/// T000-03, for values: whoever gives one is told that it is below its floor.
#[tokio::test]
async fn floors_of_families_hold_for_values_by_every_door_and_their_callers_are_told() {
    let recording = Recording::with(by_builder);
    let audit = recording.audit();
    let cases = [
        ("tool.start", Level::Info, false),
        ("tool.error", Level::Error, true),
        ("session.message", Level::Warn, false),
        ("webhook.receive", Level::Debug, true),
        ("webhook.receive", Level::Trace, false),
        ("user.action", Level::Trace, true),
        ("security.elevation.expired", Level::Trace, true),
    ];
    for (event, level, is_written) in cases {
        let record = || Record::builder(event).actor("user", "a").level(&level).build();
        let (state, submitted) = if is_written {
            (State::Delivered, Submitted::Queued)
        } else {
            (State::BelowLevel, Submitted::BelowLevel)
        };
        assert_eq!(audit.emit(record()).unwrap().state(), state, "{event}");
        assert_eq!(
            audit.emit_async(record()).await.unwrap().state(),
            state,
            "{event}"
        );
        assert_eq!(audit.submit(record()).unwrap(), submitted, "{event}");
    }
    recording.captured().count(12);
    assert_eq!(audit.stats().below_level, 9);
}

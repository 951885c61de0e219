//! Acceptance cases of seed 000, flynn, beside those that other tests serve: docs/seeds.md lists all.

#[path = "support/trail.rs"]
mod trail;

use tracing::info;
use tracing_audit::Query;
use tracing_audit::clock::ManualClock;
use tracing_audit::config::Family;
use tracing_audit::record::{Level, Record, Slot, Value};
use trail::{Trail, detail, map};

const SECOND: u64 = 1_000_000_000;
/// 2026-11-21T12:00:00Z.
const NOON: u64 = 1_795_262_400 * SECOND;

/// T000-02.
#[test]
fn an_event_type_that_nobody_has_heard_of_is_recorded_and_found() {
    let trail = Trail::new();
    trail.run(|| {
        info!(target: "audit", event = "user.action", session_id = "s-1", verb = "wave");
        info!(target: "audit", event = "user.nod", session_id = "s-1");
    });
    let [found] = trail.ask("event=user.action session_id=s-1").try_into().unwrap();
    assert_eq!(found.attribute("verb"), Some(&Value::from("wave")));
    assert_eq!(
        (found.text(Slot::Category), found.text(Slot::Action)),
        (Some("user"), Some("action"))
    );
    assert_eq!(trail.ask("category=user").len(), 2);
}

/// T000-03.
#[test]
fn a_floor_for_tools_leaves_their_starts_out_and_their_errors_in_and_other_families_whole() {
    let trail = Trail::with(|audit| audit.family_floor(Family::Tools, Level::Warn));
    for (event, level) in [
        ("tool.start", Level::Info),
        ("tool.error", Level::Error),
        ("skills.scan.pass", Level::Debug),
        ("session.create", Level::Debug),
        ("heartbeat.check", Level::Debug),
        ("security.elevation.enabled", Level::Debug),
    ] {
        trail.submit(Record::builder(event).level(&level).build());
    }
    assert_eq!(
        trail.events(""),
        [
            "tool.error",
            "session.create",
            "heartbeat.check",
            "security.elevation.enabled"
        ]
    );
    assert_eq!(trail.audit.stats().below_level, 2);
}

/// T000-05.
#[test]
fn a_question_reaches_over_files_that_were_ended_by_size_and_age_removes_the_old_ones() {
    let clock = ManualClock::new(NOON);
    let trail = Trail::with(|audit| audit.clock(clock.clone()).max_size_mb(1).keep_days(2));
    for at in 0..100_u64 {
        let padded = Record::builder("tool.success")
            .attribute("at", at)
            .attribute("pad", "no secret at all ".repeat(900))
            .build();
        trail.submit(padded);
    }
    let numbers = |query: &str| -> Vec<u64> {
        let found = trail.ask(query);
        let number = |record: &Record| record.attribute("at").and_then(Value::as_u64);
        found.iter().filter_map(number).collect()
    };
    assert_eq!(numbers("event=tool.success"), (0..100).collect::<Vec<_>>());
    let files = || {
        tracing_audit::format::segments(trail.audit.path().unwrap())
            .unwrap()
            .len()
    };
    assert!(files() >= 2, "{} files", files());
    for _ in 0..4 {
        clock.advance(std::time::Duration::from_secs(20 * 60 * 60));
        trail.submit(Record::builder("tool.start").build());
        trail.audit.flush(trail::LONG).unwrap();
    }
    trail.audit.cleanup().unwrap();
    assert_eq!(numbers("event=tool.success"), [0_u64; 0]);
    assert!(!trail.ask("event=tool.start").is_empty());
}

/// T000-06.
#[test]
fn each_question_of_the_seed_narrows_alone_and_together_and_zero_is_the_epoch() {
    let trail = Trail::new();
    let events = [
        ("tool.start", "s-1", "grep", Level::Info, 0),
        ("tool.error", "s-1", "curl", Level::Error, 1_500),
        ("tool.start", "s-2", "grep", Level::Debug, 3_000),
        ("cron.trigger", "s-2", "", Level::Warn, 4_000),
    ];
    for (event, session, tool, level, millis) in events {
        let record = Record::builder(event)
            .session_id(session)
            .level(&level)
            .time(millis * 1_000_000);
        trail.submit(match tool {
            "" => record.build(),
            tool => record.detail(detail("tool", [("name", tool.into())])).build(),
        });
    }
    let found = |query: &str| trail.events(query);
    assert_eq!(found("session_id=s-1"), ["tool.start", "tool.error"]);
    assert_eq!(found("detail.tool.name=grep"), ["tool.start", "tool.start"]);
    assert_eq!(
        found("event in (tool.error, cron.trigger)"),
        ["tool.error", "cron.trigger"]
    );
    assert_eq!(found("level=error"), ["tool.error"]);
    assert_eq!(found("level>=warn"), ["tool.error", "cron.trigger"]);
    assert_eq!(
        found("event=tool.start session_id=s-2 detail.tool.name=grep").len(),
        1
    );
    let between = |from: u64, until: u64| {
        let query = Query::all().since(from).until(until);
        trail
            .asked(query)
            .iter()
            .map(|record| record.event().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        between(0, 1_500_000_000),
        ["tool.start"],
        "0 is a time, and no absence"
    );
    assert_eq!(between(1_500_000_000, 3_000_000_001).len(), 2);
    assert_eq!(between(0, 0), [""; 0], "until the epoch there is nothing");
}

/// T000-09, through a value; the typed event is in `tests/catalog_events.rs`.
#[test]
fn arguments_under_a_secrets_name_are_masked_at_any_depth_and_counted() {
    let trail = Trail::new();
    let secret = ["hunter", "2"].concat();
    let inner = map([("password", secret.as_str().into()), ("user", "ann".into())]);
    let args = map([("url", "https://example.com".into()), ("login", inner.into())]);
    trail.submit(
        Record::builder("tool.start")
            .detail(detail("tool", [("name", "curl".into()), ("args", args.into())]))
            .build(),
    );
    let [found] = trail.ask("event=tool.start").try_into().unwrap();
    let redaction = found.map(Slot::Redaction).unwrap();
    assert_eq!(redaction.get("count"), Some(&Value::from(1)));
    assert!(!trail.text().contains(&secret));
    assert!(
        trail.text().contains("\"user\":\"ann\""),
        "what is harmless stays"
    );
}

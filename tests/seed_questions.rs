//! What the documents of the seeds configure, ask and answer: each setting takes effect, each filter narrows, each number of
//! an answer can be had.

#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/trail.rs"]
mod trail;

use std::collections::BTreeSet;

use tracing_audit::clock::ManualClock;
use tracing_audit::record::{Level, Record, Slot};
use tracing_audit::store::{DirStore, Direction, List, Store as _};
use tracing_audit::{Audit, Query, State};
use trail::{LONG, Trail, detail};

/// Fails where a document declares a field that is not among these, or the other way round.
#[track_caller]
fn all_of(system: &str, name: &str, seen: &[&str]) {
    let declared: BTreeSet<String> = seeds::named(system, name).leaves().into_iter().collect();
    let seen: BTreeSet<String> = seen.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(seen, declared, "{system}: {name}");
}

#[cfg(feature = "config")]
#[test]
fn every_setting_of_flynn_takes_effect() {
    use tracing_audit::record::{Map, Value};

    all_of(
        "flynn",
        "AuditConfig",
        &[
            "enabled",
            "path",
            "max_size_mb",
            "keep_days",
            "levels.tools",
            "levels.sessions",
            "levels.automation",
        ],
    );
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("flynn");
    let off = Audit::builder()
        .config(&config(&path, false))
        .unwrap()
        .start()
        .unwrap();
    let receipt = off.emit(Record::builder("system.start").build()).unwrap();
    assert_eq!(receipt.state(), State::Disabled);
    assert!(!path.exists(), "switched off, nothing is made");
    let open = what_the_floors_let_through(&path);
    let stated = open.attribute("config").and_then(Value::as_map).unwrap();
    let has = |name: &str, value: Value| assert_eq!(stated.get(name), Some(&value), "{name}");
    has("path", path.display().to_string().into());
    has("max_size_mb", 10.into());
    has("keep_days", 7.into());
    let floor = |family: &str, level: &str| {
        let floor = [("family", family), ("level", level)].map(|(name, word)| (name.to_owned(), word.into()));
        Value::from(Map::from(floor))
    };
    let floors = vec![
        floor("tools", "warn"),
        floor("sessions", "error"),
        floor("automation", "debug"),
    ];
    has("levels", floors.into());
}

#[cfg(feature = "config")]
fn config(path: &std::path::Path, enabled: bool) -> tracing_audit::config::Config {
    let json = serde_json::json!({
        "enabled": enabled,
        "path": path,
        "max_size_mb": 10,
        "keep_days": 7,
        "levels": {"tools": "warn", "sessions": "error", "automation": "debug"},
    });
    tracing_audit::config::Config::from_json(&json.to_string()).unwrap()
}

/// Checks what a trail of that configuration leaves out, and gives its first record.
#[cfg(feature = "config")]
fn what_the_floors_let_through(path: &std::path::Path) -> Record {
    let on = Audit::builder()
        .config(&config(path, true))
        .unwrap()
        .start()
        .unwrap();
    for (event, level) in [
        ("tool.start", Level::Info),
        ("tool.error", Level::Error),
        ("session.create", Level::Warn),
        ("session.delete", Level::Error),
        ("cron.trigger", Level::Trace),
        ("cron.add", Level::Debug),
    ] {
        on.submit(Record::builder(event).level(&level).build()).unwrap();
    }
    on.flush(LONG).unwrap();
    let store = DirStore::open(path).unwrap();
    let list = List::default().direction(Direction::OldestFirst);
    let found = store.list(&Query::all(), &list).unwrap().records;
    let events: Vec<_> = found.iter().map(|stored| stored.record.event()).collect();
    assert_eq!(events, ["audit.open", "tool.error", "session.delete", "cron.add"]);
    found[0].record.clone()
}

/// Events at 1, 2, 3 and 4 seconds after 1970.
fn asked() -> Trail {
    let trail = Trail::new();
    let events = [
        ("tool.start", "s-1", "grep", Level::Info),
        ("tool.error", "s-1", "curl", Level::Error),
        ("tool.start", "s-2", "grep", Level::Debug),
        ("cron.trigger", "s-2", "curl", Level::Warn),
    ];
    for ((event, session, tool, level), second) in events.into_iter().zip(1..) {
        let record = Record::builder(event)
            .session_id(session)
            .level(&level)
            .time(second * 1_000_000_000)
            .detail(detail("tool", [("name", tool.into())]));
        trail.submit(record.build());
    }
    trail
}

#[test]
fn every_filter_of_flynns_question_narrows_alone() {
    let trail = asked();
    let of = |text: &str| Query::parse(text).unwrap();
    let rows = [
        ("start_time", Query::all().since(3_000_000_000), vec![3, 4]),
        ("end_time", Query::all().until(3_000_000_000), vec![1, 2]),
        (
            "event_types",
            of("event in (tool.error, cron.trigger)"),
            vec![2, 4],
        ),
        ("session_id", of("session_id=s-2"), vec![3, 4]),
        ("tool_name", of("detail.tool.name=curl"), vec![2, 4]),
        ("level", of("level=warn"), vec![4]),
    ];
    for (field, query, seconds) in &rows {
        let found = trail.asked(query.clone());
        let found: Vec<u64> = found
            .iter()
            .map(|record| record.uint(Slot::Time).unwrap() / 1_000_000_000)
            .collect();
        assert_eq!(&found, seconds, "{field}");
    }
    all_of("flynn", "AuditQuery", &rows.map(|(field, ..)| field));
}

/// Ten events of one host of agents, a minute apart, the last one at noon.
fn hosted() -> (Trail, u64) {
    const NOON: u64 = 1_795_262_400_000_000_000;
    let clock = ManualClock::new(NOON - 600_000_000_000);
    let trail = Trail::with(|audit| audit.clock(clock.clone()));
    for at in 0..10_u64 {
        clock.advance(std::time::Duration::from_secs(60));
        let (category, outcome) = if at % 2 == 0 {
            ("tool_call", "success")
        } else {
            ("llm", "failure")
        };
        let record = Record::builder(format!("{category}.x"))
            .category(category)
            .outcome(outcome)
            .summary(format!("number {at}"))
            .set(Slot::AgentName, if at < 3 { "helper" } else { "main" })
            .set(Slot::Source, if at == 9 { "dryrun" } else { "chat" });
        trail.submit(record.build());
        trail.audit.flush(LONG).unwrap();
    }
    (trail, NOON)
}

/// The numbers of the events that a page has, newest first.
fn numbers(trail: &Trail, query: &Query, list: &List) -> Vec<String> {
    let records = trail.page(query, list).records;
    let number = |record: &Record| record.text(Slot::Summary).unwrap().replace("number ", "");
    records.iter().map(|stored| number(&stored.record)).collect()
}

#[test]
fn every_filter_of_denkeepers_list_narrows_alone_and_pages_by_limit_and_place() {
    let (trail, noon) = hosted();
    let minute = 60_000_000_000;
    let of = |text: &str| {
        Query::parse(text)
            .unwrap()
            .and(Query::parse("category!=audit").unwrap())
    };
    let own = of("");
    let whole = List::default();
    let fourth = trail.page(&own, &whole.clone().limit(4)).next;
    let rows = [
        ("Category", of("category=llm"), whole.clone(), "97531"),
        ("Agent", of("agent.name=helper"), whole.clone(), "210"),
        ("Status", of("outcome=success"), whole.clone(), "86420"),
        ("Source", of("source=dryrun"), whole.clone(), "9"),
        ("Search", of("summary~\"ber 7\""), whole.clone(), "7"),
        (
            "Since",
            own.clone().since(noon - 2 * minute),
            whole.clone(),
            "987",
        ),
        ("Until", own.clone().until(noon - 8 * minute), whole.clone(), "0"),
        ("Limit", own.clone(), whole.clone().limit(3), "987"),
        // The place behind the fourth: an offset of four.
        ("Offset", own.clone(), whole.limit(3).after(fourth), "543"),
    ];
    for (field, query, list, expected) in &rows {
        assert_eq!(numbers(&trail, query, list).concat(), *expected, "{field}");
    }
    all_of("denkeeper", "ListOpts", &rows.map(|(field, ..)| field));
}

/// T001-34, T001-25 and T001-29: every number obeys the filter, and without one the trail is whole.
#[test]
fn every_number_of_denkeepers_answers_can_be_had_and_obeys_the_filter() {
    let (trail, noon) = hosted();
    trail.audit.flush(LONG).unwrap();
    let store = DirStore::open(trail.path()).unwrap();
    let of = |text: &str| {
        Query::parse(text)
            .unwrap()
            .and(Query::parse("category!=audit").unwrap())
    };
    let total = |query: &Query| store.totals(query).unwrap();
    let list = List::default().limit(3);
    let page = store.list(&of(""), &list).unwrap();
    all_of("denkeeper", "ListResult", &["events", "total", "limit", "offset"]);
    assert_eq!(
        (page.records.len(), total(&of("")).records, list.limit),
        (3, 10, 3)
    );
    assert!(page.next.is_some(), "the place in the list stands for its number");
    all_of(
        "denkeeper",
        "Stats",
        &["total", "by_category", "by_status", "events_last_hour"],
    );
    for (filter, all, llm, success, last_minutes) in [("", 10, 5, 5, 3), ("source!=dryrun", 9, 4, 5, 2)] {
        let with = |more: &str| of(&format!("{filter} {more}"));
        let totals = total(&of(filter));
        assert_eq!(totals.records, all, "{filter}");
        assert_eq!(total(&with("category=llm")).records, llm, "{filter}");
        assert_eq!(totals.outcomes.get("success"), Some(&success), "{filter}");
        let recent = of(filter).since(noon - 120_000_000_000);
        assert_eq!(total(&recent).records, last_minutes, "{filter}");
        assert_eq!((totals.gaps, totals.lost, totals.findings), (0, 0, 0));
    }
}

//! The recipes in docs/collector: their settings are ones that their components have, what they say about an answer's worth is
//! there, and the SQL answers an auditor's questions over what a trail exported.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/otlp.rs"]
mod otlp;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use collector::Collector;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use otlp::Held;
use serde_json::{Map, Value, json};
use tracing_audit::Audit;
use tracing_audit::clock::ManualClock;
use tracing_audit::record::{Record, Slot, TraceContext};
use tracing_audit::redact::Policy;
use tracing_audit::sink::OtlpSink;

const LONG: Duration = Duration::from_secs(60);

/// 2026-11-21T10:00:00Z.
const BEGIN: u64 = 1_795_255_200_000_000_000;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/collector")
}

fn support(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/support")
        .join(file)
}

fn configurations() -> Vec<PathBuf> {
    let entries = fs::read_dir(recipes()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    paths.sort();
    paths
}

/// The interpreter that a variable names. Without it the test says aloud that it does nothing.
fn interpreter(variable: &str, how: &str) -> Option<PathBuf> {
    let python = std::env::var_os(variable).map(PathBuf::from);
    if python.is_none() {
        println!("SKIPPED: {variable} names no interpreter; `{how}` makes one");
    }
    python
}

fn run(command: &mut Command) -> String {
    let said = command.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn each_recipe_says_what_an_answer_is_worth() {
    for file in [
        "clickhouse.sql",
        "filelog.yaml",
        "gateway.yaml",
        "object-lock.yaml",
        "rotel.sh",
    ] {
        let text = fs::read_to_string(recipes().join(file)).unwrap();
        let says = [
            "What its 200 is worth: ",
            "What a 200 is worth: ",
            "What an answer of the exporter is worth here: ",
        ];
        assert!(says.iter().any(|says| text.contains(says)), "{file}");
    }
}

#[test]
fn what_the_exporter_inserts_has_its_column_in_the_table() {
    let facts = fs::read_to_string(support("collector_facts.json")).unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let schema = fs::read_to_string(recipes().join("clickhouse.sql")).unwrap();
    for column in facts["clickhouse_insert"]["columns"].as_array().unwrap() {
        let column = format!("\n    {} ", column.as_str().unwrap());
        assert!(schema.contains(&column), "{column}");
    }
}

#[test]
fn every_setting_of_a_recipe_is_one_that_its_component_has_and_what_is_none_is_found() {
    let Some(python) = interpreter("TRACING_AUDIT_PEERS", "cargo xtask test") else {
        return;
    };
    let checked = |paths: &[PathBuf]| {
        let mut command = Command::new(&python);
        command
            .arg(support("collector_config.py"))
            .arg(support("collector_facts.json"));
        run(command.args(paths))
    };
    let said = checked(&configurations());
    assert!(said.starts_with("looked at "), "{said}");
    let looked: u32 = said["looked at ".len()..].trim().parse().unwrap();
    assert!(looked > 80, "{looked}");

    let place = tempfile::tempdir().unwrap();
    let gateway = fs::read_to_string(recipes().join("gateway.yaml")).unwrap();
    for (from, to, found) in [
        (
            "required_acks",
            "required_ack",
            "exporters.kafka.producer.required_ack is no setting",
        ),
        ("max_elapsed_time: 0s", "max_elapsed_time: 0", "is 0, no duration"),
        (
            "storage: file_storage",
            "storage: files",
            "names 'files', which is no extension of the service",
        ),
        (
            "max_elapsed_time: 0s",
            "max_elapsed_time: 5m",
            "exporters.kafka gives up",
        ),
        (
            "exporters: [kafka, clickhouse]",
            "exporters: [kafka]",
            "exporters.clickhouse is not used",
        ),
        (
            "    database: audit\n",
            "    database: audit\n    database: other\n",
            "a key stands twice",
        ),
        ("  otlp:\n", "  otlp: [\n", "gateway.yaml"),
    ] {
        assert!(gateway.contains(from), "{from}");
        let path = place.path().join("gateway.yaml");
        fs::write(&path, gateway.replacen(from, to, 1)).unwrap();
        let said = checked(&[path]);
        assert!(said.contains(found), "{to}: {said}");
    }
}

/// Minute, actor, its address, action, what it was done to, whose that is, and what became of it.
type Step = (
    u64,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const STORY: [Step; 10] = [
    (0, "u-1", "192.0.2.1", "read", "d-1", "north", "success"),
    (1, "u-1", "192.0.2.1", "share", "d-1", "north", "success"),
    (2, "u-2", "192.0.2.7", "share", "d-1", "north", "denied"),
    (3, "u-2", "192.0.2.7", "share", "d-1", "north", "denied"),
    (4, "u-2", "192.0.2.8", "share", "d-1", "north", "denied"),
    (6, "u-2", "192.0.2.8", "share", "d-1", "north", "success"),
    (7, "u-3", "192.0.2.9", "delete", "d-2", "south", "denied"),
    (30, "u-3", "192.0.2.9", "delete", "d-2", "north", "success"),
    (1440, "u-1", "192.0.2.1", "read", "d-2", "north", "failure"),
    (1441, "u-4", "192.0.2.9", "read", "d-2", "north", "success"),
];

/// Who took the last step, the record of which does not come to the table.
const LEFT_OUT: &str = "u-4";

/// A trail of the story, and what its collector has of it.
fn exported(place: &Path) -> Vec<Held> {
    let collector = Collector::good();
    let clock = ManualClock::new(BEGIN);
    let sink = OtlpSink::builder()
        .endpoint(collector.url())
        .build_with(|_| None)
        .unwrap();
    let builder = Audit::builder()
        .directory(place)
        .service("documents")
        .host("here");
    let builder = builder
        .policy(Policy::off("addresses are compared as they are"))
        .clock(clock.clone());
    let audit = builder.sink(sink).start().unwrap();
    for (minute, actor, ip, action, target, tenant, outcome) in STORY {
        clock.set(BEGIN + minute * 60_000_000_000 + 1);
        let record = Record::builder(format!("document.{action}"))
            .action(action)
            .outcome(outcome);
        let record = record
            .actor("user", actor)
            .resource("document", target)
            .tenant(tenant);
        let record = record
            .set(Slot::ActorIp, ip)
            .attribute("pages", json_list(minute));
        let record = if minute < 2 {
            let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
            record.trace(TraceContext::parse(&parent).unwrap())
        } else {
            record
        };
        audit.emit(record.build()).unwrap();
        // Before the clock goes on: a sink that is behind for a minute is stated in the trail.
        audit.flush(LONG).unwrap();
    }
    audit.shutdown(LONG).unwrap();
    collector.took()
}

fn json_list(number: u64) -> tracing_audit::record::Value {
    vec![number, number + 1].into()
}

/// A value as the collector's exporter writes it into a map of texts.
fn text(any: Option<&AnyValue>) -> String {
    match any.and_then(|any| any.value.as_ref()) {
        None => String::new(),
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::BoolValue(truth)) => truth.to_string(),
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::DoubleValue(number)) => number.to_string(),
        Some(Any::ArrayValue(_) | Any::KvlistValue(_)) => plain(any).to_string(),
        Some(other) => panic!("the story has no {other:?}"),
    }
}

/// What is within a list or a map.
fn plain(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        None => Value::Null,
        Some(Any::BoolValue(truth)) => json!(truth),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|any| plain(Some(any))).collect(),
        Some(Any::KvlistValue(map)) => {
            let pairs = map.values.iter();
            Value::Object(
                pairs
                    .map(|pair| (pair.key.clone(), plain(pair.value.as_ref())))
                    .collect(),
            )
        }
        Some(_) => json!(text(any)),
    }
}

fn map(pairs: &[KeyValue]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|pair| (pair.key.clone(), json!(text(pair.value.as_ref()))))
        .collect()
}

/// A record as the collector's exporter inserts it; `exporter_logs.go` says so, of the release that the facts name.
fn row(held: &Held) -> Value {
    let record = &held.record;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let resource = map(&held.resource);
    let time = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    };
    json!({
        "Timestamp": at(time), "TraceId": hex(&record.trace_id), "SpanId": hex(&record.span_id),
        "TraceFlags": record.flags & 0xFF, "SeverityText": record.severity_text, "SeverityNumber": record.severity_number,
        "ServiceName": resource.get("service.name").cloned().unwrap_or_default(), "Body": text(record.body.as_ref()),
        "ResourceSchemaUrl": "", "ResourceAttributes": resource, "ScopeSchemaUrl": "", "ScopeName": "", "ScopeVersion": "",
        "ScopeAttributes": {}, "LogAttributes": map(&record.attributes), "EventName": record.event_name,
    })
}

fn at(nanos: u64) -> String {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
    let said = format!("{stamp:.9}");
    said.replace('T', " ").trim_end_matches('Z').to_owned()
}

fn minute(minute: u64) -> String {
    at(BEGIN + minute * 60_000_000_000 + 1)
}

#[test]
fn clickhouse_answers_ten_questions_of_an_auditor_over_what_was_exported() {
    let Some(python) = interpreter("TRACING_AUDIT_CLICKHOUSE", "cargo xtask campaign clickhouse") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let records = exported(&place.path().join("audit"));
    let is_left_out = |held: &&Held| held.text("audit.actor.id").as_deref() == Some(LEFT_OUT);
    let hole = records.iter().find(is_left_out).unwrap().seq();
    let kept: Vec<&Held> = records.iter().filter(|held| !is_left_out(held)).collect();
    let rows: String = kept.iter().map(|held| format!("{}\n", row(held))).collect();
    let path = place.path().join("rows.jsonl");
    fs::write(&path, rows).unwrap();
    let parameters = json!({
        "target_type": "document", "target_id": "d-1", "actor": "u-1", "since": minute(1), "until": minute(1441), "trace": TRACE,
    });
    let mut command = Command::new(python);
    command.arg(support("clickhouse.py"));
    command
        .arg(recipes().join("clickhouse.sql"))
        .arg(recipes().join("auditor.sql"));
    let said = run(command.arg(&path).arg(parameters.to_string()));
    let report: Value = serde_json::from_str(&said).unwrap();
    println!("engine {}", report["engine"]);
    assert_eq!(
        report["trail"],
        kept.len(),
        "what comes twice is there once: {report}"
    );
    let answers = report["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 10);
    for (number, (answer, expected)) in answers.iter().zip(expected(&kept, hole)).enumerate() {
        assert_eq!(*answer, expected, "question {}", number + 1);
    }
}

/// The answers, from the story.
fn expected(kept: &[&Held], hole: u64) -> [Value; 10] {
    let step = |at: usize| STORY[at];
    let stream = kept[0].text("audit.sequence.stream_id");
    let done = |at: usize| {
        let (minute_of, actor, _, action, _, _, outcome) = step(at);
        json!({"time": minute(minute_of), "actor_type": "user", "actor_id": actor, "event": format!("document.{action}"), "action": action, "outcome": outcome})
    };
    let did = |at: usize| {
        let (minute_of, _, _, action, target, _, outcome) = step(at);
        json!({"time": minute(minute_of), "event": format!("document.{action}"), "action": action, "target_type": "document", "target_id": target, "outcome": outcome})
    };
    let traced = |at: usize| {
        let (_, actor, _, action, _, _, outcome) = step(at);
        json!({"stream": stream, "seq": at + 1, "event": format!("document.{action}"), "actor_id": actor, "action": action, "outcome": outcome})
    };
    let from = |actor: &str, ip: &str, times: u64| json!({"actor_id": actor, "actor_ip": ip, "times": times});
    let own: Vec<Value> = kept
        .iter()
        .filter(|held| held.record.event_name.starts_with("audit."))
        .map(|held| {
            let summary = text(held.record.body.as_ref());
            json!({"time": at(held.record.time_unix_nano), "service": "documents", "host": "here", "stream": stream, "event": held.record.event_name, "summary": summary})
        })
        .collect();
    assert!(own.len() >= 2, "{own:?}");
    let on = |day: &str| {
        kept.iter()
            .filter(|held| at(held.record.time_unix_nano).starts_with(day))
            .count()
    };
    [
        (0..6).map(done).collect(),
        json!([did(1), did(8)]),
        json!([
            {"actor_id": "u-2", "action": "share", "times": 3, "first": minute(2), "last": minute(4)},
            {"actor_id": "u-3", "action": "delete", "times": 1, "first": minute(7), "last": minute(7)},
        ]),
        json!([{"actor_id": "u-2", "action": "share", "success": minute(6)}]),
        json!([
            from("u-1", "192.0.2.1", 3),
            from("u-2", "192.0.2.7", 2),
            from("u-2", "192.0.2.8", 2),
            from("u-3", "192.0.2.9", 2)
        ]),
        json!([{"actor_id": "u-3", "tenants": ["north", "south"]}]),
        json!([traced(0), traced(1)]),
        json!([{"service": "documents", "host": "here", "stream": stream, "first_missing": hole, "last_missing": hole}]),
        json!(own),
        json!([
            {"day": "2026-11-21", "service": "documents", "records": on("2026-11-21"), "not_a_success": 4},
            {"day": "2026-11-22", "service": "documents", "records": on("2026-11-22"), "not_a_success": 1},
        ]),
    ]
}

//! Every field of the documents of seeds 001 to 004, set to a value of its own, from the seed's shape into a trail and back:
//! from file, memory, SQLite and a collector each is where it belongs, and the shape is what it was.
#![cfg(all(feature = "otlp", feature = "sqlite"))]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/elsewhere.rs"]
mod elsewhere;
#[path = "support/otlp.rs"]
mod otlp;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/trail.rs"]
mod trail;

use std::collections::BTreeSet;

use elsewhere::elsewhere;
use serde_json::{Value as Json, json};
use tracing_audit::catalog::profile::Profile;
use tracing_audit::record::{CallNode, CallStack, Value};
use tracing_audit::redact::Policy;
use trail::{Trail, map};

/// A field of a document, its place in a record, and what stands there.
type Row = (&'static str, &'static str, Value);

/// Imports a line, emits the record, and looks each field up in what file, memory, SQLite and a collector give back. Fails where a field of the
/// document has no row, or a row no field.
#[track_caller]
fn comes_back(system: &str, declared: &str, line: &Json, rows: &[Row]) {
    let profile: Profile = system.parse().unwrap();
    let imported = profile.import(line.to_string().as_bytes()).unwrap();
    let trail = Trail::with(|audit| audit.policy(Policy::off("values are compared with what was given")));
    trail.audit.emit(imported).unwrap();
    let [file] = trail.ask("").try_into().unwrap();
    let mut memory = trail.memory.records();
    memory.retain(|record| record.event() == file.event());
    let mut places = vec![("file", vec![file]), ("memory", memory)];
    places.extend(elsewhere(&trail.memory));
    let places = places.into_iter().map(|(place, records)| {
        let [record] = <[_; 1]>::try_from(records).unwrap();
        (place, record)
    });
    let places: Vec<_> = places.collect();
    for (field, path, expected) in rows {
        for (place, record) in &places {
            assert_eq!(
                record.at(path),
                Some(expected),
                "{system}: {field} at `{path}` in {place}"
            );
        }
        let given = field.split('.').fold(line, |json, key| &json[key]);
        assert!(
            !given.is_null() && *given != json!("") && *given != json!(0),
            "{field} has a value of its own"
        );
    }
    for (place, record) in &places {
        let exported = profile.export(record).unwrap();
        assert_eq!(exported.unfit, [], "{system} from {place}");
        let again: Json = serde_json::from_str(&exported.line).unwrap();
        assert_eq!(again, *line, "{system} from {place}");
    }
    let declared: BTreeSet<String> = seeds::named(system, declared).leaves().into_iter().collect();
    let seen: BTreeSet<String> = rows.iter().map(|(field, ..)| (*field).to_owned()).collect();
    assert_eq!(seen, declared, "{system}");
}

/// 2026-11-21T09:30:00.125Z in nanoseconds.
const TIME: u64 = 1_795_253_400_125_000_000;

/// Its payloads are in `tests/catalog_flynn.rs`; here is one of the event types that have none.
#[test]
fn every_field_of_flynns_envelope_comes_back_from_everywhere_and_as_the_shape() {
    let line = json!({
        "timestamp": TIME / 1_000_000,
        "level": "warn",
        "event_type": "system.config",
        "event": {"changed": ["quiet_hours"], "restarts": 9_007_199_254_740_993_u64},
    });
    let event = map([
        ("changed", vec!["quiet_hours"].into()),
        ("restarts", 9_007_199_254_740_993_u64.into()),
    ]);
    comes_back(
        "flynn",
        "AuditEvent",
        &line,
        &[
            ("timestamp", "time", TIME.into()),
            ("level", "level", "warn".into()),
            ("event_type", "event", "system.config".into()),
            ("event", "attributes", event.into()),
        ],
    );
}

#[test]
fn every_field_of_denkeepers_event_comes_back_from_everywhere_and_as_the_shape() {
    let line = json!({
        "id": 41,
        "timestamp": "2026-11-21T09:30:00.125Z",
        "category": "tool_call",
        "action": "execute",
        "agent": "main",
        "summary": "ran grep",
        "detail": "{\"tool\":\"grep\",\"server\":\"local\",\"round\":2,\"arguments\":{\"pattern\":\"x\"},\"result\":\"three lines\",\"result_truncated\":true}",
        "status": "error",
        "duration_ms": 12,
        "source": "chat",
        "conversation_id": "c-9",
    });
    let args = map([("pattern", "x".into())]);
    comes_back(
        "denkeeper",
        "Event",
        &line,
        &[
            ("id", "attributes.denkeeper", map([("id", 41.into())]).into()),
            ("timestamp", "time", TIME.into()),
            ("category", "category", "tool_call".into()),
            ("action", "action", "execute".into()),
            ("agent", "agent.name", "main".into()),
            ("summary", "summary", "ran grep".into()),
            (
                "detail",
                "detail.tool",
                map([
                    ("name", "grep".into()),
                    ("server", "local".into()),
                    ("round", 2.into()),
                    ("args", args.into()),
                    ("result", "three lines".into()),
                    ("result_truncated", true.into()),
                ])
                .into(),
            ),
            ("status", "outcome", "failure".into()),
            ("duration_ms", "duration_ns", 12_000_000.into()),
            ("source", "source", "chat".into()),
            ("conversation_id", "conversation_id", "c-9".into()),
        ],
    );
}

#[test]
fn every_field_of_code_executors_entry_comes_back_from_everywhere_and_as_the_shape() {
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let line = json!({
        "timestamp": "2026-11-21T09:30:00.125Z",
        "correlationId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "eventType": "tool_call",
        "clientId": "5e884898da28047151d0e56f8dc62927",
        "clientIp": "203.0.113.7",
        "toolName": "run",
        "paramsHash": hash,
        "status": "rejected",
        "errorMessage": "not allowed",
        "latencyMs": 7,
        "metadata": {"round": 3},
    });
    comes_back(
        "code_executor",
        "AuditLogEntry",
        &line,
        &[
            ("timestamp", "time", TIME.into()),
            (
                "correlationId",
                "correlation_id",
                "7c9e6679-7425-40de-944b-e07fc1f90ae7".into(),
            ),
            ("eventType", "event", "tool_call".into()),
            (
                "clientId",
                "actor.client_hash",
                "5e884898da28047151d0e56f8dc62927".into(),
            ),
            ("clientIp", "actor.ip", "203.0.113.7".into()),
            ("toolName", "detail.tool.name", "run".into()),
            ("paramsHash", "hashes.params", format!("sha256:{hash}").into()),
            ("status", "outcome", "denied".into()),
            ("errorMessage", "error.message", "not allowed".into()),
            ("latencyMs", "duration_ns", 7_000_000.into()),
            ("metadata", "attributes", map([("round", 3.into())]).into()),
        ],
    );
}

#[test]
fn every_field_of_aaasms_event_comes_back_from_everywhere_and_as_the_shape() {
    let line = json!({
        "eventId": "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc",
        "agentId": "agent-2",
        "actionType": "tool_call",
        "decision": "deny",
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": "00f067aa0ba902b7",
        "parentSpanId": "388d1970a51a81bb",
        "labels": {"team": "core"},
        "callStack": [{"id": "1", "kind": "llm", "label": "plans", "children": [
            {"id": "2", "kind": "telepathy", "label": "hears", "latencyMs": 5}
        ]}],
    });
    let hears = CallNode::new("2", "telepathy", "hears").duration_ns(5_000_000);
    let stack = CallStack::of([CallNode::new("1", "llm", "plans").child(hears)]);
    comes_back(
        "aaasm",
        "AuditEvent",
        &line,
        &[
            ("eventId", "id", "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc".into()),
            ("agentId", "agent.id", "agent-2".into()),
            ("actionType", "category", "tool_call".into()),
            ("decision", "decision.enforced", "deny".into()),
            ("traceId", "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736".into()),
            ("spanId", "span_id", "00f067aa0ba902b7".into()),
            ("parentSpanId", "parent_span_id", "388d1970a51a81bb".into()),
            ("labels", "labels.team", "core".into()),
            ("callStack", "call_stack", stack.into()),
        ],
    );
}

#[test]
fn every_leaf_of_dpas_entry_comes_back_from_everywhere_and_as_the_shape() {
    let line = json!({
        "actorId": "u-17",
        "actorType": "service",
        "actorRoles": ["nurse", "admin"],
        "action": "UPDATE",
        "resource": {"type": "patient", "id": "p-4"},
        "changedFields": ["address"],
        "at": "2026-11-21T09:30:00.125Z",
        "scope": {"feature": "admissions", "environment": "production", "tenant": "st-mary"},
        "reason": "moved",
        "correlationId": "ticket-9",
        "requestId": "r-1",
        "from": {"ipTruncated": "203.0.113.0", "userAgent": "Firefox/131"},
        "containsPii": true,
        "piiCategories": ["address", "health"],
        "outcome": "error",
        "errorCode": "E_LOCKED",
    });
    comes_back(
        "dpa",
        "AuditEntry",
        &line,
        &[
            ("actorId", "actor.id", "u-17".into()),
            ("actorType", "actor.type", "service".into()),
            ("actorRoles", "actor.roles", vec!["nurse", "admin"].into()),
            ("action", "action", "UPDATE".into()),
            ("resource.type", "resource.type", "patient".into()),
            ("resource.id", "resource.id", "p-4".into()),
            ("changedFields", "changed_fields", vec!["address"].into()),
            ("at", "time", TIME.into()),
            ("scope.feature", "scope.feature", "admissions".into()),
            ("scope.environment", "scope.environment", "production".into()),
            ("scope.tenant", "scope.tenant", "st-mary".into()),
            ("reason", "reason", "moved".into()),
            ("correlationId", "correlation_id", "ticket-9".into()),
            ("requestId", "request_id", "r-1".into()),
            ("from.ipTruncated", "actor.ip", "203.0.113.0".into()),
            ("from.userAgent", "actor.user_agent", "Firefox/131".into()),
            ("containsPii", "pii.contains", true.into()),
            (
                "piiCategories",
                "pii.categories",
                vec!["address", "health"].into(),
            ),
            ("outcome", "outcome", "failure".into()),
            ("errorCode", "error.code", "E_LOCKED".into()),
        ],
    );
}

/// Fails unless each line comes back from everywhere.
#[track_caller]
fn come_back(trail: &Trail, lines: &[(&str, Json)]) {
    let mut places = vec![("file", trail.ask(""))];
    places.extend(elsewhere(&trail.memory));
    for (place, found) in &places {
        assert_eq!(found.len(), lines.len(), "{place}");
        for (record, (system, line)) in found.iter().zip(lines) {
            let profile: Profile = system.parse().unwrap();
            let exported = profile.export(record).unwrap();
            let again: Json = serde_json::from_str(&exported.line).unwrap();
            assert_eq!((&again, exported.unfit.as_slice()), (line, &[][..]), "{place}");
        }
    }
}

/// A line of flynn's, with this payload.
fn flynn(level: &str, event: &str, payload: &Json) -> Json {
    json!({"timestamp": 1_795_253_400_125_u64, "level": level, "event_type": event, "event": payload})
}

/// Every word that a field of a payload of flynn's may have.
#[test]
fn every_literal_of_flynns_payloads_goes_through_a_trail_as_it_is() {
    let mut lines = Vec::new();
    for payload in seeds::of("flynn").iter().filter(|ty| ty.kind == "payload") {
        for field in payload.fields.iter().filter(|field| !field.literals.is_empty()) {
            let name = field.name.as_str();
            let words = field.literals.iter();
            lines.extend(
                words.map(|word| ("flynn", flynn("info", &payload.events[0], &json!({ name: word })))),
            );
        }
    }
    assert_eq!(lines.len(), 5 * 2 + 4 + 2 * 2 + 4 + 4 + 2 + 2 + 2);
    let trail = Trail::with(|audit| audit.policy(Policy::off("words are compared with what was given")));
    for (_, line) in &lines {
        trail.submit(Profile::Flynn.import(line.to_string().as_bytes()).unwrap());
    }
    come_back(&trail, &lines);
}

/// Every word that a document has for an event, a level, a category, a decision or a status is one that its shape takes, and
/// gives back.
#[test]
fn every_literal_of_the_documents_goes_through_a_trail_as_it_is() {
    let flynn = |level: &str, event: &str| flynn(level, event, &json!({}));
    let denkeeper = |category: &str, status: &str| {
        json!({
            "id": 0, "timestamp": "2026-11-21T09:30:00Z", "category": category, "action": "x", "agent": "a", "summary": "",
            "detail": "", "status": status, "duration_ms": 0, "source": "", "conversation_id": "",
        })
    };
    let code_executor = |event: &str, status: &str| json!({"timestamp": "2026-11-21T09:30:00.125Z", "correlationId": "c", "eventType": event, "status": status});
    let words = |system: &str, name: &str| seeds::named(system, name).literals;
    let mut lines = Vec::new();
    lines.extend(
        words("flynn", "AuditEventType")
            .iter()
            .map(|event| ("flynn", flynn("info", event))),
    );
    lines.extend(
        words("flynn", "AuditLevel")
            .iter()
            .map(|level| ("flynn", flynn(level, "tool.start"))),
    );
    lines.extend(
        words("denkeeper", "Category")
            .iter()
            .map(|category| ("denkeeper", denkeeper(category, "ok"))),
    );
    lines.extend(
        words("denkeeper", "Status")
            .iter()
            .map(|status| ("denkeeper", denkeeper("llm", status))),
    );
    let events = words("code_executor", "AuditEventType");
    lines.extend(
        events
            .iter()
            .map(|event| ("code_executor", code_executor(event, "success"))),
    );
    let statuses = words("code_executor", "AuditStatus");
    lines.extend(
        statuses
            .iter()
            .map(|status| ("code_executor", code_executor("discovery", status))),
    );
    let aaasm = |action: &str, decision: &str| json!({"eventId": "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc", "agentId": "a", "actionType": action, "decision": decision});
    let actions = words("aaasm", "actionType");
    lines.extend(actions.iter().map(|action| ("aaasm", aaasm(action, "allow"))));
    let decisions = words("aaasm", "decision");
    lines.extend(
        decisions
            .iter()
            .map(|decision| ("aaasm", aaasm("llm_call", decision))),
    );
    assert_eq!(lines.len(), 35 + 4 + 10 + 4 + 7 + 3 + 3 + 3);
    let trail = Trail::with(|audit| audit.policy(Policy::off("words are compared with what was given")));
    for (system, line) in &lines {
        let profile: Profile = system.parse().unwrap();
        trail.submit(profile.import(line.to_string().as_bytes()).unwrap());
    }
    come_back(&trail, &lines);
}

#[test]
fn every_literal_of_dpas_entry_goes_through_a_trail_as_it_is() {
    let entry = json!({
        "actorId": "u-1", "actorType": "user", "actorRoles": [], "action": "VIEW", "resource": {"type": "t"},
        "at": "2026-11-21T09:30:00.125Z", "scope": {"feature": "f", "environment": "e", "tenant": "default"},
        "from": {"ipTruncated": "system", "userAgent": "background-job"}, "containsPii": true, "outcome": "success",
    });
    let with = |key: &str, word: Json| {
        let mut line = entry.clone();
        line[key] = word;
        line
    };
    let mut lines: Vec<Json> = Vec::new();
    let actions = seeds::named("dpa", "AuditAction").literals;
    lines.extend(actions.iter().map(|action| with("action", json!(action))));
    for field in seeds::named("dpa", "AuditEntry").fields {
        lines.extend(field.literals.iter().map(|word| with(&field.name, json!(word))));
    }
    let categories = seeds::named("dpa", "piiCategories").literals;
    lines.push(with("piiCategories", json!(categories)));
    assert_eq!(lines.len(), 6 + 3 + 3 + 1);
    let trail = Trail::with(|audit| audit.policy(Policy::off("words are compared with what was given")));
    for line in &lines {
        trail.submit(Profile::Dpa.import(line.to_string().as_bytes()).unwrap());
    }
    let lines: Vec<_> = lines.into_iter().map(|line| ("dpa", line)).collect();
    come_back(&trail, &lines);
}

#[test]
fn what_a_document_may_leave_out_is_absent_and_not_empty() {
    for system in ["code_executor", "aaasm", "dpa"] {
        let profile: Profile = system.parse().unwrap();
        let line = match system {
            "code_executor" => {
                json!({"timestamp": "2026-11-21T09:30:00.125Z", "correlationId": "c", "eventType": "shutdown", "status": "success"})
            }
            "aaasm" => {
                json!({"eventId": "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc", "agentId": "a", "actionType": "llm_call", "decision": "allow"})
            }
            _ => json!({
                "actorId": "system", "actorType": "system", "actorRoles": [], "action": "VIEW", "resource": {"type": "t"},
                "at": "2026-11-21T09:30:00.125Z", "scope": {"feature": "f", "environment": "e", "tenant": "default"},
                "from": {"ipTruncated": "system", "userAgent": "background-job"}, "containsPii": false, "outcome": "success",
            }),
        };
        let record = profile.import(line.to_string().as_bytes()).unwrap();
        let absent = [
            "reason",
            "request_id",
            "pii.categories",
            "error.code",
            "labels",
            "call_stack",
            "changed_fields",
        ];
        for path in absent {
            assert_eq!(record.at(path), None, "{system}: {path}");
        }
        let again: Json = serde_json::from_str(&profile.export(&record).unwrap().line).unwrap();
        assert_eq!(again, line, "{system}");
    }
}

//! Every event of the catalogue with all its fields: from a line, through a trail by both doors, and back; and what a shape
//! of a seed makes of typed events.
#![cfg(feature = "catalog")]

#[path = "support/trail.rs"]
mod trail;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use serde_json::{Map as Members, Value as Json, json};
use tracing_audit::catalog::profile::Profile;
use tracing_audit::catalog::*;
use tracing_audit::format::read_line;
use tracing_audit::record::{AuditEvent, EventMeta, FieldType, Outcome, Record, Slot, Verdict};
use tracing_audit::redact::Policy;
use trail::Trail;

/// A value of a type that is not what is there by default.
fn sample(ty: &FieldType, path: &str) -> Json {
    match (path, ty) {
        ("call_stack", _) => json!([{"id": "1", "kind": "llm", "label": "plans", "duration_ns": 5}]),
        ("detail.llm.violations", _) => json!([{"type": "openai_key", "count": 2}]),
        (_, FieldType::Text | FieldType::Word) => json!(format!("a word for {path}")),
        (_, FieldType::Integer { max, .. }) => json!(7_u128.min(*max) as u64),
        (_, FieldType::Float) => json!(0.5),
        (_, FieldType::Bool) => json!(true),
        (_, FieldType::Duration) => json!(5_000_000),
        (_, FieldType::Any) => json!({"any": ["value"]}),
        (_, FieldType::List(of)) => json!([sample(of, path), sample(of, "again")]),
        (_, FieldType::Map(of)) => json!({"key": sample(of, path)}),
        (path, ty) => panic!("no sample of {ty} for {path}"),
    }
}

/// The line of a record of this event in which every field has a value.
fn full(meta: &EventMeta) -> Json {
    let mut line = json!({
        "event": meta.name, "category": meta.category, "action": meta.action, "level": meta.level.as_str(), "schema": 1,
        "seq": 0, "stream": "s", "id": "0192f0c1-2b5e-7c3a-8f00-0123456789ab", "observed_at": "2026-11-21T09:30:00.000000000Z",
        "time": "2026-11-21T09:30:00.000000000Z", "service": "test", "host": "test",
    });
    if let Some(outcome) = &meta.outcome {
        line["outcome"] = json!(outcome.as_str());
    }
    for field in meta.fields {
        let value = sample(&field.ty, field.path);
        let (objects, last) = field.path.rsplit_once('.').unwrap_or(("", field.path));
        let mut place = &mut line;
        for key in objects.split('.').filter(|key| !key.is_empty()) {
            let members = place.as_object_mut().expect("an object");
            place = members.entry(key).or_insert_with(|| Json::Object(Members::new()));
        }
        place[last] = value;
    }
    line
}

/// Reads the event out of a full line, sends it through a trail by both doors, and compares every field.
fn goes_round<E>(seen: &mut BTreeSet<&'static str>)
where
    E: AuditEvent + PartialEq + Debug,
    for<'e> &'e E: Into<Record>,
{
    let meta = E::META;
    let line = full(meta);
    let given = read_line(line.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{}: {error}\n{line}", meta.name));
    let event = E::from_record(&given).unwrap_or_else(|error| panic!("{}: {error}", meta.name));
    let trail = Trail::with(|audit| audit.policy(Policy::off("values are compared with what was given")));
    trail.submit((&event).into());
    trail.run(|| event.record());
    let [emitted, traced] = trail.ask("").try_into().unwrap();
    for record in [&emitted, &traced] {
        assert_eq!(
            E::from_record(record).as_ref().ok(),
            Some(&event),
            "{}",
            meta.name
        );
        for field in meta.fields {
            assert!(given.at(field.path).is_some(), "{}: {}", meta.name, field.path);
            assert_eq!(
                record.at(field.path),
                given.at(field.path),
                "{}: {}",
                meta.name,
                field.path
            );
        }
        assert_eq!(record.text(Slot::Category), Some(meta.category));
        assert_eq!(record.text(Slot::Level), Some(meta.level.as_str()));
    }
    let shown = format!("{event:?}");
    for field in meta.fields.iter().filter(|field| !field.class.is_open()) {
        assert!(!shown.contains(&format!("a word for {}", field.path)), "{shown}");
    }
    assert!(seen.insert(meta.name), "{} is checked twice", meta.name);
}

#[allow(
    elided_lifetimes_in_paths,
    reason = "some have a lifetime, and it says nothing here"
)]
#[test]
fn every_event_of_the_catalogue_comes_back_with_every_field_by_both_doors() {
    let mut seen = BTreeSet::new();
    macro_rules! go {
        ($($event:ident)*) => { $(goes_round::<$event>(&mut seen);)* };
    }
    go!(ToolStart ToolSuccess ToolError ToolDenied ToolApproval ElevationEnabled ElevationDisabled ElevationExpired);
    go!(AuthFailure RateLimited CircuitOpen QueueFull SkillScanPass SkillScanFail SkillExecutionBlocked);
    go!(SkillCommandResult SkillRun SessionCreate SessionMessage SessionDelete SessionTransfer SessionCompact);
    go!(SessionSwitch CronTrigger CronSent CronAdd CronRemove ScheduleFire WebhookReceive WebhookSent WebhookNotFound);
    go!(WebhookDenied HeartbeatCycle HeartbeatCheck HeartbeatFail HeartbeatRecover McpHealthFail GmailPoll);
    go!(GmailNewEmail GmailError SystemStart SystemStop SystemConfig Shutdown Discovery ConfigChange LlmCall ToolCall);
    go!(ToolResult FileOp NetworkCall ProcessExec AgentSpawn PolicyViolation ApprovalDecide LlmRound ChannelRoute);
    go!(ApprovalAuto SupervisorReview SafetyPanic SafetyResume OperatorChange DataView DataCreate DataUpdate DataDelete);
    go!(DataExport DataPermissionChange DataConsentGrant DataConsentWithdraw DataRestrict DataUnrestrict);
    let known: BTreeSet<&str> = EVENTS.iter().map(|meta| meta.name).collect();
    assert_eq!(seen, known);
}

/// The record of an event as a trail that keeps everything gives it back, in the shape of a seed.
fn shaped(profile: Profile, event: impl Into<Record>) -> Json {
    let trail = Trail::with(|audit| audit.policy(Policy::off("shapes are compared")));
    trail.submit(event.into());
    let [record] = trail.ask("").try_into().unwrap();
    let line = profile.export(&record).unwrap().line;
    serde_json::from_str(&line).unwrap()
}

#[track_caller]
fn says(shape: &Json, expected: &[(&str, Json)]) {
    for (path, value) in expected {
        let found = path.split('.').fold(shape, |json, key| &json[key]);
        assert_eq!(found, value, "{path} in {shape}");
    }
}

fn call() -> ToolCall<'static> {
    ToolCall::new("grep", Outcome::Denied)
        .server("local")
        .round(2)
        .agent_id("agent-2")
        .agent_name("main")
        .correlation_id("c-1")
        .client_id("5e88")
        .decision(Verdict::Deny)
        .error_message("not allowed")
        .latency(Duration::from_millis(12))
}

#[test]
fn a_typed_tool_call_says_in_the_seeds_shapes_what_the_seeds_would_have_said() {
    let entry = [
        ("eventType", json!("tool_call")),
        ("status", json!("rejected")),
        ("toolName", json!("grep")),
        ("clientId", json!("5e88")),
        ("correlationId", json!("c-1")),
        ("errorMessage", json!("not allowed")),
        ("latencyMs", json!(12)),
    ];
    says(&shaped(Profile::CodeExecutor, call()), &entry);
    let event = [
        ("actionType", json!("tool_call")),
        ("agentId", json!("agent-2")),
        ("decision", json!("deny")),
        ("toolCall.toolName", json!("grep")),
        ("toolCall.latencyMs", json!(12)),
        ("toolCall.errorMessage", json!("not allowed")),
    ];
    says(&shaped(Profile::Aaasm, call()), &event);
    let row = [
        ("category", json!("tool_call")),
        ("agent", json!("main")),
        ("status", json!("denied")),
        ("duration_ms", json!(12)),
    ];
    let shape = shaped(Profile::Denkeeper, call());
    says(&shape, &row);
    let detail: Json = serde_json::from_str(shape["detail"].as_str().unwrap()).unwrap();
    let parts = [
        ("tool", json!("grep")),
        ("server", json!("local")),
        ("round", json!(2)),
    ];
    says(&detail, &parts);
}

#[test]
fn a_typed_access_says_in_the_seeds_shape_what_the_seed_would_have_said() {
    let view = DataView::new("u-1", "patient", Outcome::Success, true)
        .resource_id("p-4")
        .actor_roles(["nurse"])
        .feature("admissions")
        .environment("production")
        .tenant("st-mary");
    let entry = [
        ("actorId", json!("u-1")),
        ("actorRoles", json!(["nurse"])),
        ("action", json!("VIEW")),
        ("resource.type", json!("patient")),
        ("resource.id", json!("p-4")),
        ("scope.tenant", json!("st-mary")),
        ("containsPii", json!(true)),
        ("outcome", json!("success")),
    ];
    says(&shaped(Profile::Dpa, view), &entry);
}

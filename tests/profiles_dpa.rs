//! The shape `dpa`, there and back.

#[path = "support/shapes.rs"]
mod shapes;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use shapes::{any_json, comes_back, comes_back_byte_for_byte, declared, round, same, text, through_a_trail};
use tracing_audit::catalog::dpa::{Action, Entry, Outcome};
use tracing_audit::catalog::profile::{Profile, Why};
use tracing_audit::record::{Record, Slot, Value as Held};
use tracing_audit::testing::MemoryEmitter;
use tracing_audit::{AuditContext, ErrorKind};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The twenty leaves, each with a value that is not its default.
fn full() -> Value {
    json!({
        "actorId": "u-17", "actorType": "user", "actorRoles": ["nurse", "night, shift"],
        "action": "UPDATE", "resource": {"type": "patient", "id": "p-4"}, "changedFields": ["address"],
        "at": "2026-05-19T08:30:00.125Z",
        "scope": {"feature": "admissions", "environment": "production", "tenant": "st-mary"},
        "reason": "moved", "correlationId": TRACE, "requestId": "r-9",
        "from": {"ipTruncated": "203.0.113.0", "userAgent": "Firefox/131"},
        "containsPii": true, "piiCategories": ["address", "shoe size"], "outcome": "error", "errorCode": "E_CONFLICT",
    })
}

fn import(line: &Value) -> Record {
    Profile::Dpa.import(line.to_string().as_bytes()).unwrap()
}

/// The groups: who has what in them may be anything, but something is there.
fn groups() -> impl Strategy<Value = Map<String, Value>> {
    let address = prop::sample::select(vec![
        "system",
        "203.0.113.0",
        "203.0.113.7",
        "2001:db8:1::",
        "::ffff:1.2.3.4",
        "",
        "x",
    ]);
    (
        declared("type: string, id?: string"),
        declared("feature: string, environment: string, tenant: string"),
        declared("userAgent: string"),
        address,
        any_json(),
    )
        .prop_map(|(mut resource, mut scope, mut from, address, odd)| {
            resource.entry("type").or_insert(odd.clone());
            for key in ["feature", "environment", "tenant"] {
                scope.entry(key).or_insert(odd.clone());
            }
            from.entry("userAgent").or_insert(odd);
            from.insert("ipTruncated".to_owned(), json!(address));
            let groups = [("resource", resource), ("scope", scope), ("from", from)];
            let groups = groups.map(|(name, group)| (name.to_owned(), Value::Object(group)));
            groups.into_iter().collect()
        })
}

/// What the shape requires to be of its type.
fn required() -> impl Strategy<Value = Value> {
    let at = (100_000_000_u64..9_223_000_000_000).prop_map(|millis| {
        let record = Record::builder("x").time(millis * 1_000_000).build();
        let line = Profile::CodeExecutor.export(&record).unwrap().line;
        serde_json::from_str::<Value>(&line).unwrap()["timestamp"].clone()
    });
    (
        prop::sample::select(Action::ALL),
        prop::sample::select(vec!["user", "system", "service"]),
        prop::sample::select(vec!["success", "denied", "error"]),
        prop::collection::vec(text(), 0..3),
        any::<bool>(),
        at,
    )
        .prop_map(|(action, kind, outcome, roles, pii, at)| {
            json!({
                "action": action.as_str(), "actorType": kind, "outcome": outcome, "actorRoles": roles,
                "containsPii": pii, "at": at,
            })
        })
}

fn line() -> impl Strategy<Value = Value> {
    let free = declared(
        "changedFields?: string[], reason?: string, correlationId?: string, requestId?: string, \
         piiCategories?: string[], errorCode?: string, actorId: string",
    );
    let trace = prop_oneof![
        3 => Just(None),
        1 => prop::sample::select(vec![TRACE, "0AF7651916CD43DD8448EB211C80319C", "00000000000000000000000000000000"]).prop_map(Some),
    ];
    (free, groups(), required(), trace, any_json()).prop_map(|(free, groups, required, trace, odd)| {
        let mut line = free;
        line.entry("actorId").or_insert(odd);
        line.extend(groups);
        line.extend(required.as_object().unwrap().clone());
        line.extend(trace.map(|trace| ("correlationId".to_owned(), json!(trace))));
        Value::Object(line)
    })
}

proptest! {
    #![proptest_config(shapes::cases(800))]

    #[test]
    fn every_line_comes_back_as_the_same_value(line in line()) {
        comes_back(Profile::Dpa, &line, &line)?;
    }

    #[test]
    fn what_is_exported_comes_back_byte_for_byte(line in line()) {
        comes_back_byte_for_byte(Profile::Dpa, &line)?;
    }
}

#[test]
fn each_of_the_twenty_leaves_stands_in_its_place_and_comes_back() {
    let line = full();
    let back = round(Profile::Dpa, &line.to_string());
    same(&back.line, &line.to_string()).unwrap();
    assert_eq!(back.unfit, []);
    let record = import(&line);
    assert_eq!(record.event(), "data_access.update");
    for (slot, text) in [
        (Slot::ActorId, "u-17"),
        (Slot::ActorType, "user"),
        (Slot::Action, "UPDATE"),
        (Slot::ResourceType, "patient"),
        (Slot::ResourceId, "p-4"),
        (Slot::ScopeFeature, "admissions"),
        (Slot::ScopeEnvironment, "production"),
        (Slot::ScopeTenant, "st-mary"),
        (Slot::Reason, "moved"),
        (Slot::CorrelationId, TRACE),
        (Slot::TraceId, TRACE),
        (Slot::RequestId, "r-9"),
        (Slot::ActorIp, "203.0.113.0"),
        (Slot::ActorUserAgent, "Firefox/131"),
        (Slot::Outcome, "failure"),
        (Slot::ErrorCode, "E_CONFLICT"),
    ] {
        assert_eq!(record.text(slot), Some(text), "{slot:?}");
    }
    assert_eq!(
        record.texts(Slot::ActorRoles),
        Some(vec!["nurse", "night, shift"])
    );
    assert_eq!(record.texts(Slot::ChangedFields), Some(vec!["address"]));
    assert_eq!(
        record.texts(Slot::PiiCategories),
        Some(vec!["address", "shoe size"])
    );
    assert_eq!(record.flag(Slot::PiiContains), Some(true));
    assert_eq!(record.uint(Slot::Time), Some(1_779_179_400_125_000_000));
    assert_eq!(record.uint(Slot::ActorIpPrefixLen), Some(24));
    assert_eq!(
        record.get(Slot::Attributes),
        None,
        "nothing had to be kept beside"
    );
}

#[test]
fn nobodys_roles_are_an_empty_list_and_sentinels_have_no_prefix() {
    let mut line = full();
    line["actorRoles"] = json!([]);
    line["from"] = json!({"ipTruncated": "system", "userAgent": "background-job"});
    let record = import(&line);
    assert_eq!(record.get(Slot::ActorRoles), Some(&Held::List(Vec::new())));
    assert_eq!(record.text(Slot::ActorIp), Some("system"));
    assert_eq!(record.get(Slot::ActorIpPrefixLen), None);
    same(&round(Profile::Dpa, &line.to_string()).line, &line.to_string()).unwrap();
}

/// The shape's words are closed: another is refused with the known ones, and so is what must be declared.
#[test]
fn t004_01_an_unknown_action_is_refused_with_line_column_and_the_known_ones() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut line = full();
        change(&mut line);
        let error = Profile::Dpa.import(line.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format);
        error.to_string()
    };
    let told = refused(&|line| line["action"] = json!("PRINT"));
    assert!(
        told.starts_with("column 11: `action` holds `\"PRINT\"`"),
        "{told}"
    );
    assert!(
        Action::ALL.iter().all(|action| told.contains(action.as_str())),
        "{told}"
    );
    for (key, value, says) in [
        ("outcome", json!("failure"), "success, denied, error"),
        ("actorType", json!("agent"), "user, system, service"),
        ("containsPii", json!("yes"), "true or false"),
        ("actorRoles", json!("nurse"), "a list of texts"),
        ("resource", json!("patient"), "an object with type"),
        ("from", json!({"userAgent": "x"}), "`from.ipTruncated` is missing"),
        (
            "scope",
            json!({"feature": "f", "environment": "e"}),
            "`scope.tenant` is missing",
        ),
        ("at", json!("soon"), "ISO 8601"),
    ] {
        let told = refused(&|line| line[key] = value.clone());
        assert!(told.contains(says), "{told}");
    }
    for key in [
        "actorId",
        "actorType",
        "actorRoles",
        "action",
        "resource",
        "at",
        "scope",
        "from",
        "containsPii",
        "outcome",
    ] {
        let told = refused(&|line| {
            line.as_object_mut().unwrap().remove(key);
        });
        assert!(told.contains(&format!("`{key}` is missing")), "{told}");
    }
    let file = format!("{}\n{{\"action\":\"VIEW\",\"action\":\"VIEW\"}}\n", full());
    let read: Vec<_> = Profile::Dpa.reader(file.as_bytes()).collect();
    assert_eq!(read.len(), 2);
    let told = read[1].as_ref().unwrap_err().to_string();
    assert!(
        told.starts_with("line 2, column ") && told.contains("`action` twice"),
        "{told}"
    );
}

#[test]
fn t004_02_from_requires_both_its_fields() {
    for missing in ["ipTruncated", "userAgent"] {
        let mut line = full();
        line["from"].as_object_mut().unwrap().remove(missing);
        let told = Profile::Dpa
            .import(line.to_string().as_bytes())
            .unwrap_err()
            .to_string();
        assert!(told.contains(&format!("`from.{missing}` is missing")), "{told}");
    }
}

#[test]
fn t004_04_exactly_the_optional_fields_may_be_absent() {
    let mut line = full();
    for optional in [
        "changedFields",
        "reason",
        "correlationId",
        "requestId",
        "piiCategories",
        "errorCode",
    ] {
        line.as_object_mut().unwrap().remove(optional);
        same(&round(Profile::Dpa, &line.to_string()).line, &line.to_string()).unwrap();
    }
    line["resource"].as_object_mut().unwrap().remove("id");
    same(&round(Profile::Dpa, &line.to_string()).line, &line.to_string()).unwrap();
}

#[test]
fn t004_08_an_entry_is_exported_with_its_trace_as_correlation_id_unless_it_has_one() {
    let entry = |correlation: Option<&str>| {
        let entry = Entry::view("patient")
            .service("billing")
            .feature("f")
            .environment("e")
            .single_tenant()
            .from_background_job()
            .contains_pii(false)
            .outcome(Outcome::Denied);
        let entry = correlation
            .into_iter()
            .fold(entry, |entry, id| entry.correlation_id(id));
        entry.build().unwrap()
    };
    let exported = |correlation| {
        let emitter = MemoryEmitter::new();
        let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
        AuditContext::new()
            .traceparent(&parent)
            .sync_scope(|| emitter.audit().emit(entry(correlation)))
            .unwrap();
        let captured = emitter.captured();
        let line = Profile::Dpa.export(captured.only().record()).unwrap().line;
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let filled = exported(None);
    assert_eq!(filled["correlationId"], json!(TRACE));
    assert_eq!(filled["outcome"], json!("denied"));
    assert_eq!(filled["actorId"], json!("service-billing"));
    assert_eq!(filled["scope"]["tenant"], json!("default"));
    assert_eq!(
        filled["from"],
        json!({"ipTruncated": "system", "userAgent": "background-job"})
    );
    assert_eq!(exported(Some("order-5"))["correlationId"], json!("order-5"));
}

#[test]
fn a_record_of_another_origin_is_given_where_it_says_what_the_shape_requires() {
    let record = Record::builder("document.delete")
        .action("delete")
        .actor("agent", "a-1")
        .resource("document", "d-4")
        .outcome("failure")
        .set(Slot::PiiContains, false)
        .attribute("etag", "x");
    let back = Profile::Dpa.export(&record.clone().build()).unwrap();
    let given: Value = serde_json::from_str(&back.line).unwrap();
    assert_eq!(
        (&given["action"], &given["actorType"]),
        (&json!("DELETE"), &json!("service"))
    );
    assert_eq!(
        given["scope"],
        json!({"feature": "unknown", "environment": "unknown", "tenant": "default"})
    );
    let unfit: Vec<_> = back
        .unfit
        .iter()
        .map(|unfit| (unfit.path.as_str(), unfit.why))
        .collect();
    for expected in [
        ("action", Why::Replaced),
        ("actor.type", Why::Replaced),
        ("actor.roles", Why::Replaced),
        ("scope.tenant", Why::Replaced),
        ("attributes.etag", Why::NoPlace),
    ] {
        assert!(unfit.contains(&expected), "{expected:?} of {unfit:?}");
    }
    Profile::Dpa.import(back.line.as_bytes()).unwrap();
    for (record, lacks) in [
        (record.clone().action("open"), "`action`"),
        (record.clone().outcome("pending"), "`outcome`"),
        (
            Record::builder("x")
                .action("view")
                .actor("user", "u")
                .outcome("success"),
            "`pii.contains`",
        ),
        (
            Record::builder("x")
                .action("view")
                .outcome("success")
                .set(Slot::PiiContains, true),
            "`actor.id`",
        ),
    ] {
        let error = Profile::Dpa.export(&record.build()).unwrap_err();
        assert!(error.to_string().contains(lacks), "{error}");
    }
}

#[test]
fn t004_10_no_value_of_a_changed_field_comes_into_the_shape() {
    let record = through_a_trail(import(&full()));
    let line: Value = serde_json::from_str(&Profile::Dpa.export(&record).unwrap().line).unwrap();
    assert_eq!(line["changedFields"], json!(["address"]));
    let keys: Vec<_> = line.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 16, "{keys:?}");
}

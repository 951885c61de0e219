//! The shape `code_executor`, there and back.

#[path = "support/shapes.rs"]
mod shapes;

use proptest::prelude::*;
use serde_json::{Value, json};
use shapes::{any_json, comes_back, comes_back_byte_for_byte, declared, object, of_kind, round, same, text};
use tracing_audit::catalog::profile::{Profile, Why};
use tracing_audit::record::{Record, Slot, Value as Held};
use tracing_audit::redact::sha256;
use tracing_audit::testing::MemoryEmitter;
use tracing_audit::{ErrorKind, redact::Policy};

const ENTRY: Profile = Profile::CodeExecutor;

/// A hash as the source writes it: its digits alone.
fn digits(text: &[u8]) -> String {
    let hash = sha256(text);
    hash.strip_prefix("sha256:")
        .expect("the algorithm's name")
        .to_owned()
}

/// The eleven fields, each with a value that is not its default.
fn full() -> Value {
    json!({
        "timestamp": "2025-11-23T10:20:30.456Z",
        "correlationId": "5f0c3a52-7c1e-4b1e-9a51-0a1b2c3d4e5f",
        "eventType": "tool_call",
        "clientId": digits(b"key"),
        "clientIp": "203.0.113.77",
        "toolName": "mcp__files__read",
        "paramsHash": digits(b"params"),
        "status": "rejected",
        "errorMessage": "no such file",
        "latencyMs": 12.345,
        "metadata": {"nested": {"list": [1, 2.5, "x"]}, "code_executor": 7, "big": 9_007_199_254_740_993_u64},
    })
}

/// What the metadata of a sampling holds.
fn sampling(status: &str, violations: Value) -> Value {
    let mut line = full();
    line["toolName"] = json!("sampling");
    line["status"] = json!(if status == "success" { "success" } else { "failure" });
    line["latencyMs"] = json!(850);
    line["metadata"] = json!({
        "round": 2, "model": "small-1", "promptHash": digits(b"prompt"), "responseHash": digits(b"response"),
        "tokensUsed": 75, "durationMs": 850, "originalStatus": status,
    });
    if violations != Value::Null {
        line["metadata"]["contentViolations"] = violations;
    }
    line
}

fn executed() -> Value {
    json!({
        "timestamp": "2025-11-23T10:20:30.456Z", "executor": "typescript", "codeHash": digits(b"code"), "codeLength": 120,
        "allowedTools": ["a", "b"], "toolsCalled": ["a"], "executionTimeMs": 31.5, "success": false,
        "error": "timeout", "clientId": "default", "memoryUsage": 4096,
    })
}

fn import(line: &Value) -> Record {
    ENTRY.import(line.to_string().as_bytes()).unwrap()
}

/// A time in one of the forms that sources write.
fn timestamp() -> impl Strategy<Value = Value> {
    (100_000_u64..9_223_000_000, 0_u64..1_000_000_000, 0..4).prop_map(|(second, nanos, form)| {
        let nanos = if form == 0 {
            nanos / 1_000_000 * 1_000_000
        } else {
            nanos
        };
        let record = Record::builder("x").time(second * 1_000_000_000 + nanos).build();
        let line: Value = serde_json::from_str(&ENTRY.export(&record).unwrap().line).unwrap();
        let text = line["timestamp"].as_str().unwrap();
        json!(match form {
            0 | 1 => text.to_owned(),
            2 => format!("{}Z", text.split('.').next().unwrap()),
            _ => text.replace('Z', "+05:30"),
        })
    })
}

fn entry() -> impl Strategy<Value = Value> {
    let fields = declared(
        "correlationId: string, clientId?: string, clientIp?: string, toolName?: string, paramsHash?: string, \
         status: success|failure|rejected|denied, errorMessage?: string, latencyMs?: number",
    );
    let event = prop_oneof![
        6 => prop::sample::select(vec![
            "auth_failure", "rate_limited", "circuit_open", "queue_full", "tool_call", "shutdown", "discovery",
            "code_execution", "a.b", "odd.", ".odd",
        ]).prop_map(str::to_owned),
        1 => text().prop_filter("a name", |name| !name.is_empty()),
    ];
    let metadata = prop_oneof![
        2 => Just(None),
        3 => object(any_json()).prop_map(|metadata| Some(Value::Object(metadata))),
        3 => declared(
            "round: number, model: string, promptHash: string, responseHash: string, tokensUsed: number, \
             durationMs: number, contentViolations: unknown, originalStatus: string, code_executor: unknown",
        ).prop_map(|metadata| Some(Value::Object(metadata))),
        // The entry's own names, which mean nothing here.
        2 => declared(
            "clientId?: string, clientIp?: string, toolName?: string, errorMessage?: string, latencyMs?: number, \
             paramsHash?: string, status?: string, executor?: string, eventType?: string",
        ).prop_map(|metadata| Some(Value::Object(metadata))),
        1 => any_json().prop_map(Some),
    ];
    let special = prop::sample::select(vec!["", "sampling", "hash", "named hash", "ip"]);
    (fields, event, timestamp(), metadata, special, any_json()).prop_map(
        |(mut line, event, timestamp, metadata, special, odd)| {
            line.insert("eventType".to_owned(), json!(event));
            line.insert("timestamp".to_owned(), timestamp);
            line.entry("correlationId").or_insert(odd.clone());
            line.entry("status").or_insert(odd);
            if let Some(metadata) = metadata {
                line.insert("metadata".to_owned(), metadata);
            }
            match special {
                "sampling" => {
                    line.insert("eventType".to_owned(), json!("tool_call"));
                    line.insert("toolName".to_owned(), json!("sampling"));
                }
                "hash" => {
                    line.insert("paramsHash".to_owned(), json!(digits(b"x")));
                }
                "named hash" => {
                    line.insert("paramsHash".to_owned(), json!(sha256(b"x")));
                }
                "ip" => {
                    line.insert("clientIp".to_owned(), json!("2001:db8::7"));
                }
                _ => {}
            }
            Value::Object(line)
        },
    )
}

fn execution() -> impl Strategy<Value = Value> {
    let fields = declared(
        "executor: typescript|python, codeHash: string, codeLength: number, allowedTools: string[], \
         toolsCalled: string[], executionTimeMs: number, success: boolean, error?: string, clientId: string, \
         memoryUsage: unknown",
    );
    (fields, timestamp(), of_kind("typescript|python")).prop_map(|(mut line, timestamp, executor)| {
        line.remove("eventType");
        line.insert("timestamp".to_owned(), timestamp);
        line.entry("executor").or_insert(executor);
        Value::Object(line)
    })
}

proptest! {
    #![proptest_config(shapes::cases(800))]

    #[test]
    fn every_line_comes_back_as_the_same_value(line in prop_oneof![4 => entry(), 1 => execution()]) {
        comes_back(ENTRY, &line, &line)?;
    }

    #[test]
    fn what_is_exported_comes_back_byte_for_byte(line in prop_oneof![4 => entry(), 1 => execution()]) {
        comes_back_byte_for_byte(ENTRY, &line)?;
    }
}

#[test]
fn each_of_the_eleven_fields_stands_in_its_place_and_comes_back() {
    let line = full();
    let back = round(ENTRY, &line.to_string());
    same(&back.line, &line.to_string()).unwrap();
    assert_eq!(back.unfit, []);
    let record = import(&line);
    assert_eq!(record.uint(Slot::Time), Some(1_763_893_230_456_000_000));
    assert_eq!(record.text(Slot::CorrelationId), line["correlationId"].as_str());
    assert_eq!(
        (record.event(), record.text(Slot::Category)),
        ("tool_call", Some("tool_call"))
    );
    assert_eq!(record.text(Slot::ActorClientHash), line["clientId"].as_str());
    assert_eq!(record.text(Slot::ActorIp), Some("203.0.113.77"));
    assert_eq!(record.uint(Slot::ActorIpPrefixLen), Some(32));
    assert_eq!(record.text(Slot::Outcome), Some("denied"));
    assert_eq!(record.text(Slot::ErrorMessage), Some("no such file"));
    assert_eq!(record.uint(Slot::DurationNs), Some(12_345_000));
    assert_eq!(
        record.attribute("big"),
        Some(&Held::from(9_007_199_254_740_993_u64))
    );
    let hash = format!("sha256:{}", digits(b"params"));
    assert_eq!(record.map(Slot::Hashes).unwrap()["params"], Held::from(hash));
    assert_eq!(
        record.map(Slot::Detail).unwrap()["tool"].as_map().unwrap()["name"],
        Held::from("mcp__files__read")
    );
}

#[test]
fn the_statuses_are_the_trails_words_and_another_is_kept() {
    for (status, outcome) in [
        ("success", "success"),
        ("failure", "failure"),
        ("rejected", "denied"),
        ("denied", "unknown"),
    ] {
        let mut line = full();
        line["status"] = json!(status);
        assert_eq!(import(&line).text(Slot::Outcome), Some(outcome));
        same(&round(ENTRY, &line.to_string()).line, &line.to_string()).unwrap();
    }
}

#[test]
fn a_duration_is_exact_to_the_nanosecond_and_a_finer_one_is_kept_beside() {
    for (latency, nanos) in [
        (json!(0), Some(0)),
        (json!(0.25), Some(250_000)),
        (json!(1.000_001), Some(1_000_001)),
        (json!(0.000_000_1), None),
        (json!(-1), None),
        (json!(1e300), None),
        (json!("12"), None),
    ] {
        let mut line = full();
        line["latencyMs"] = latency;
        assert_eq!(import(&line).uint(Slot::DurationNs), nanos, "{line}");
        same(&round(ENTRY, &line.to_string()).line, &line.to_string()).unwrap();
    }
}

/// Samplings that succeeded, failed and were limited are recorded, each with its own word.
#[test]
fn t002_12_samplings_are_records_of_a_tool_call_with_the_model_in_their_detail() {
    for status in ["success", "error", "rate_limited", "timeout"] {
        let line = sampling(status, Value::Null);
        let record = import(&line);
        assert_eq!(record.text(Slot::ReasonCode), Some(status));
        let outcome = if status == "success" { "success" } else { "failure" };
        assert_eq!(record.text(Slot::Outcome), Some(outcome));
        let llm = record.map(Slot::Detail).unwrap()["llm"].as_map().unwrap().clone();
        assert_eq!(llm["model"], Held::from("small-1"));
        assert_eq!(llm["round"], Held::from(2));
        assert_eq!(llm["tokens_total"], Held::from(75));
        same(&round(ENTRY, &line.to_string()).line, &line.to_string()).unwrap();
    }
}

#[test]
fn t002_13_hashes_of_prompt_and_response_are_64_digits_that_differ_and_hold_no_text() {
    let record = import(&sampling("success", Value::Null));
    let hashes = record.map(Slot::Hashes).unwrap();
    let of = |name: &str| {
        hashes[name]
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap()
            .to_owned()
    };
    let (prompt, response) = (of("prompt"), of("response"));
    assert_eq!((prompt.len(), response.len()), (64, 64));
    assert_ne!(prompt, response);
    assert_eq!(prompt, digits(b"prompt"), "the same text has the same hash");
    let mut named = full();
    named["paramsHash"] = json!(sha256(b"params"));
    assert_eq!(
        import(&named).map(Slot::Hashes),
        import(&full()).map(Slot::Hashes)
    );
    same(&round(ENTRY, &named.to_string()).line, &named.to_string()).unwrap();
    let mut plain = full();
    plain["paramsHash"] = json!("not a hash");
    assert_eq!(
        import(&plain).map(Slot::Hashes),
        None,
        "what is no hash is not taken for one"
    );
}

#[test]
fn t002_14_violations_are_counted_by_type_and_absent_where_there_are_none() {
    let several = json!([{"type": "email", "count": 2}, {"type": "openai_key", "count": 1}]);
    let unsorted = json!([{"type": "ssn", "count": 1}, {"type": "email", "count": 2}]);
    for violations in [
        several.clone(),
        unsorted,
        json!([]),
        json!([{"type": "email"}]),
        json!("many"),
    ] {
        let line = sampling("success", violations);
        same(&round(ENTRY, &line.to_string()).line, &line.to_string()).unwrap();
    }
    let llm = |line: &Value| {
        import(line).map(Slot::Detail).unwrap()["llm"]
            .as_map()
            .unwrap()
            .clone()
    };
    let counted = llm(&sampling("success", several));
    let counts = counted["violations"].as_list().unwrap();
    let read = |found: &Held| {
        let found = found.as_map().unwrap();
        (
            found["type"].as_str().unwrap().to_owned(),
            found["count"].as_u64().unwrap(),
        )
    };
    let read: Vec<_> = counts.iter().map(read).collect();
    assert_eq!(read, [("email".to_owned(), 2), ("openai_key".to_owned(), 1)]);
    assert!(!llm(&sampling("success", Value::Null)).contains_key("violations"));
}

#[test]
fn t002_15_the_text_of_an_error_carries_no_key_into_the_trail() {
    let key = format!("sk-{}", "ant-api03-Zx81kQ".repeat(4));
    let mut line = full();
    line["errorMessage"] = json!(format!("the server refused {key}"));
    let emitter = MemoryEmitter::new();
    emitter.audit().emit(import(&line)).unwrap();
    let captured = emitter.captured();
    captured.only().assert_hides(&key);
    let back = ENTRY.export(captured.only().record()).unwrap();
    assert!(
        !back.line.contains(&key) && back.line.contains("the server refused"),
        "{}",
        back.line
    );
    assert!(
        back.unfit.iter().any(|unfit| unfit.why == Why::Redacted),
        "{:?}",
        back.unfit
    );
}

#[test]
fn t002_22_a_shutdown_is_an_event_with_its_drain_timeout() {
    let line = json!({
        "timestamp": "2025-11-23T10:20:30.456Z", "correlationId": "shutdown", "eventType": "shutdown",
        "status": "success", "metadata": {"drainTimeoutMs": 30000},
    });
    let record = import(&line);
    assert_eq!(
        (record.event(), record.text(Slot::Category)),
        ("shutdown", Some("system"))
    );
    assert_eq!(record.attribute("drainTimeoutMs"), Some(&Held::from(30_000)));
    same(&round(ENTRY, &line.to_string()).line, &line.to_string()).unwrap();
}

#[test]
fn an_entry_about_executed_code_has_its_own_places() {
    let line = executed();
    let record = import(&line);
    assert_eq!(record.event(), "code_execution");
    assert_eq!(record.text(Slot::Outcome), Some("failure"));
    assert_eq!(record.text(Slot::ActorId), Some("default"));
    assert_eq!(record.uint(Slot::DurationNs), Some(31_500_000));
    assert_eq!(
        record.map(Slot::Detail).unwrap()["code_exec"].as_map().unwrap()["code_len"],
        Held::from(120)
    );
    let back = round(ENTRY, &line.to_string());
    same(&back.line, &line.to_string()).unwrap();
    assert_eq!(back.unfit, []);
}

#[test]
fn metadata_under_the_name_of_a_field_is_metadata_and_does_not_say_who_acted() {
    let mut line = full();
    line["metadata"] =
        json!({"clientId": "other", "clientIp": "198.51.100.1", "toolName": 7, "latencyMs": 1});
    let back = round(ENTRY, &line.to_string());
    same(&back.line, &line.to_string()).unwrap();
    assert_eq!(back.unfit, []);
}

#[test]
fn the_default_policy_truncates_an_address_and_says_so() {
    let emitter = MemoryEmitter::with(|audit| audit.policy(Policy::balanced()));
    emitter.audit().emit(import(&full())).unwrap();
    let captured = emitter.captured();
    captured
        .only()
        .assert_has(Slot::ActorIp, "203.0.113.0")
        .assert_has(Slot::ActorIpPrefixLen, 24_u8);
}

#[test]
fn what_cannot_be_a_record_is_refused_with_its_place_and_the_remedy() {
    for (line, told) in [
        (
            r#"{"eventType":"x","correlationId":"c","status":"success"}"#,
            "`timestamp` is missing",
        ),
        (
            r#"{"timestamp":"yesterday","eventType":"x"}"#,
            "column 14: `timestamp` holds `\"yesterday\"`",
        ),
        (r#"{"timestamp":1700000000000,"eventType":"x"}"#, "ISO 8601"),
        (
            r#"{"timestamp":"2300-01-01T00:00:00Z","eventType":"x"}"#,
            "from 1970 to 2262",
        ),
        (
            r#"{"timestamp":"2025-11-23T10:20:30Z","correlationId":"c","status":"success"}"#,
            "`eventType` is missing",
        ),
        (
            r#"{"timestamp":"2025-11-23T10:20:30Z","eventType":"","correlationId":"c","status":"success"}"#,
            "`eventType` holds `\"\"`",
        ),
        (
            r#"{"timestamp":"2025-11-23T10:20:30Z","eventType":"x","status":"success"}"#,
            "`correlationId` is missing",
        ),
        (
            r#"{"timestamp":"2025-11-23T10:20:30Z","eventType":"x","correlationId":"c"}"#,
            "`status` is missing",
        ),
        (
            r#"{"timestamp":"2025-11-23T10:20:30Z","timestamp":"2025-11-23T10:20:30Z"}"#,
            "`timestamp` twice",
        ),
        (r"[]", "column 1: expected an object"),
    ] {
        let error = ENTRY.import(line.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format);
        let text = error.to_string();
        assert!(text.starts_with("column ") && text.contains(told), "{text}");
    }
}

#[test]
fn a_record_of_another_origin_is_given_whole_and_what_has_no_field_is_metadata() {
    let record = Record::builder("document.delete")
        .action("delete")
        .category("document")
        .actor("user", "u-17")
        .resource("document", "d-4")
        .outcome("denied")
        .hash("params", format!("sha256:{}", digits(b"p")))
        .hash("body", "blake3:00")
        .attribute("etag", "x")
        .time(1_763_893_230_456_789_000)
        .build();
    let back = ENTRY.export(&record).unwrap();
    let given: Value = serde_json::from_str(&back.line).unwrap();
    assert_eq!(given["timestamp"], json!("2025-11-23T10:20:30.456789Z"));
    assert_eq!(given["eventType"], json!("document.delete"));
    assert_eq!(given["status"], json!("rejected"));
    assert_eq!(given["paramsHash"], json!(digits(b"p")));
    assert_eq!(
        given["metadata"],
        json!({
            "actor.id": "u-17", "actor.type": "user", "etag": "x", "hashes.body": "blake3:00",
            "resource.id": "d-4", "resource.type": "document",
        })
    );
    assert_eq!(back.unfit, []);
    let pending = Record::builder("x").outcome("pending").build();
    let told = ENTRY.export(&pending).unwrap();
    assert!(
        told.unfit
            .iter()
            .any(|unfit| unfit.path == "outcome" && unfit.why == Why::Replaced)
    );
}

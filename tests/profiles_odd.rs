//! Lines of other systems that are not as their documents say, at every place of every shape: kept as they are, or refused with
//! line, column and remedy.

#[path = "support/shapes.rs"]
mod shapes;

use serde_json::{Value, json};
use tracing_audit::catalog::profile::Profile;
use tracing_audit::record::Record;
use tracing_audit::{ErrorKind, Result};

fn flynn(event_type: &str, event: &Value) -> (Profile, Value) {
    let line = json!({"timestamp": 1_771_203_409_000_u64, "level": "info", "event_type": event_type, "event": event});
    (Profile::Flynn, line)
}

/// Lines in which every kind of field of each shape stands.
fn lines() -> Vec<(Profile, Value)> {
    [flynns(), others()].concat()
}

fn flynns() -> Vec<(Profile, Value)> {
    vec![
        flynn(
            "tool.start",
            &json!({"tool_name": "t", "tool_args": {"a": [1, {"b": null}]}, "execution_id": "x", "execution_environment": "host",
                "skill_name": "s", "redactions_applied": 1, "session_id": "s-1", "channel": "c", "sender": "u-1", "agent_tier": "main"}),
        ),
        flynn(
            "tool.success",
            &json!({"tool_name": "t", "result": {"success": true, "output": "o", "error": "e"}, "duration_ms": 12}),
        ),
        flynn(
            "tool.denied",
            &json!({"tool_name": "t", "reason": "r", "denial_type": "policy"}),
        ),
        flynn(
            "tool.approval",
            &json!({"tool_name": "t", "approved": true, "reason": "r"}),
        ),
        flynn(
            "skills.scan.pass",
            &json!({"skill_name": "s", "tier": "bundled", "phase": "load", "ok": true, "error_count": 0, "warn_count": 1, "issue_codes": ["E1"]}),
        ),
        flynn(
            "security.elevation.enabled",
            &json!({"session_id": "s", "channel": "c", "sender": "u", "elevation_id": "e", "until_ms": 1, "ttl_ms": 2, "reason": "r"}),
        ),
        flynn(
            "gmail.new_email",
            &json!({"email_id": "e", "from": "f", "subject": "s", "labels": ["l"]}),
        ),
        flynn("user.action", &json!({"x": {"y": 1}})),
    ]
}

fn others() -> Vec<(Profile, Value)> {
    vec![
        (
            Profile::Denkeeper,
            json!({"id": 7, "timestamp": "2026-04-25T10:00:00.12Z", "category": "tool_call", "action": "execute", "agent": "main",
                "summary": "s", "detail": "{\"tool\":\"read\",\"round\":1}", "status": "ok", "duration_ms": 12, "source": "agent",
                "conversation_id": "c-1"}),
        ),
        (
            Profile::CodeExecutor,
            json!({"timestamp": "2025-11-23T10:20:30.123Z", "correlationId": "c-1", "eventType": "tool_call", "clientId": "ab",
                "clientIp": "203.0.113.7", "toolName": "read", "paramsHash": "ef", "status": "success", "errorMessage": "m",
                "latencyMs": 12.5, "metadata": {"a": 1, "b": {"c": [true]}}}),
        ),
        (
            Profile::CodeExecutor,
            json!({"timestamp": "2025-11-23T10:20:30.123Z", "correlationId": "c-1", "eventType": "tool_call", "toolName": "sampling",
                "status": "failure", "metadata": {"round": 1, "model": "m", "promptHash": "ab", "responseHash": "cd", "tokensUsed": 5,
                "durationMs": 3, "contentViolations": [{"type": "email", "count": 2}], "originalStatus": "timeout"}}),
        ),
        (
            Profile::Aaasm,
            json!({"eventId": "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc", "agentId": "a", "actionType": "tool_call", "decision": "deny",
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "parentSpanId": "388d1970a51a81bb",
                "labels": {"team": "core"}, "callStack": [{"children": [{"children": [], "id": "2", "kind": "tool", "label": "run"}],
                "id": "1", "kind": "llm", "label": "plan", "latencyMs": 3}]}),
        ),
        (
            Profile::Dpa,
            json!({"actorId": "u-17", "actorType": "user", "actorRoles": ["editor"], "action": "UPDATE", "resource": {"type": "document", "id": "42"},
                "changedFields": ["title"], "at": "2026-05-11T08:00:00.000Z", "scope": {"feature": "docs", "environment": "production",
                "tenant": "default"}, "reason": "r", "correlationId": "c", "requestId": "q", "from": {"ipTruncated": "203.0.113.0",
                "userAgent": "curl"}, "containsPii": true, "piiCategories": ["email"], "outcome": "success", "errorCode": "E"}),
        ),
    ]
}

/// The pointers to every value in a line, the line itself among them.
fn places(line: &Value) -> Vec<String> {
    fn down(value: &Value, at: &str, into: &mut Vec<String>) {
        into.push(at.to_owned());
        match value {
            Value::Object(members) => members
                .iter()
                .for_each(|(key, value)| down(value, &format!("{at}/{key}"), into)),
            Value::Array(values) => (0..)
                .zip(values)
                .for_each(|(index, value)| down(value, &format!("{at}/{index}"), into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    down(line, "", &mut found);
    found
}

/// A line that is read behind a good one.
fn read(profile: Profile, good: &Value, line: &str) -> Result<Record> {
    let file = format!("{good}\n{line}\n");
    let mut reader = profile.reader(file.as_bytes());
    reader.next().unwrap().unwrap();
    reader.next().unwrap()
}

/// Fails unless the error says where in the second line of a file, what is wrong, and what to do about it.
#[track_caller]
fn is_told(error: &tracing_audit::Error, line: &str) {
    let told = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Format, "{told}");
    let rest = told.strip_prefix("line 2, column ").expect(&told);
    let (column, why) = rest.split_once(": ").expect(&told);
    let column: usize = column.parse().expect(&told);
    assert!((1..=line.chars().count()).contains(&column), "{told}");
    let (_, remedy) = why.rsplit_once(": ").expect(&told);
    let begins = ["correct", "declare", "give", "name", "remove", "state", "write"];
    assert!(
        begins.iter().any(|verb| remedy.starts_with(verb)),
        "no remedy: {told}"
    );
}

/// Fails unless the line is refused with all that helps, or comes back through a trail as it was; whether it came back.
#[track_caller]
fn is_kept_or_told(profile: Profile, good: &Value, line: &str) -> bool {
    match read(profile, good, line) {
        Err(error) => {
            is_told(&error, line);
            false
        }
        Ok(_) => {
            let back = shapes::round(profile, line);
            assert_eq!(back.unfit, [], "{profile}: {line}");
            let compared = shapes::same(&back.line, line);
            assert!(compared.is_ok(), "{profile}: {}", compared.unwrap_err());
            true
        }
    }
}

fn is_object(line: &Value, at: &str) -> bool {
    line.pointer(at).is_some_and(Value::is_object)
}

fn with(line: &Value, at: &str, other: Value) -> Value {
    let mut changed = line.clone();
    *changed.pointer_mut(at).unwrap() = other;
    changed
}

#[test]
fn a_value_of_another_type_is_kept_at_every_place_of_every_shape_or_refused() {
    let others = json!([
        null, true, false, 7, -1, 1.5, "zzz", "", [], [1], ["a", null], {}, {"a": 1}, {"$int": "7"}, {"$map": {}},
        9_007_199_254_740_993_u64, u64::MAX, i64::MIN, "2026-11-21T09:00:00.123Z",
    ]);
    let (mut kept, mut refused) = (0, 0);
    for (profile, line) in lines() {
        for at in places(&line) {
            for other in others.as_array().unwrap() {
                // On the way back an id that says nothing is absent: docs/profiles.md.
                if profile == Profile::Aaasm && *other == json!("") && at.ends_with("Id") && at != "/eventId"
                {
                    continue;
                }
                match is_kept_or_told(profile, &line, &with(&line, &at, other.clone()).to_string()) {
                    true => kept += 1,
                    false => refused += 1,
                }
            }
        }
    }
    assert!(kept > 1_500 && refused > 300, "{kept} {refused}");
}

#[test]
fn a_member_that_no_document_declares_is_kept_in_every_object_of_every_shape() {
    let others = [
        (
            "nobodyDeclared",
            json!({"a": [1, null, {"b": 1_152_921_504_606_846_977_u64}]}),
        ),
        ("nobody_declared", json!(null)),
        ("payload", json!("")),
        ("oldValue", json!("Old Street 1")),
        ("$int", json!("7")),
        ("", json!(1)),
    ];
    for (profile, line) in lines() {
        for at in places(&line).iter().filter(|at| is_object(&line, at)) {
            for (name, other) in &others {
                let mut changed = line.clone();
                changed.pointer_mut(at).unwrap()[name] = other.clone();
                assert!(
                    is_kept_or_told(profile, &line, &changed.to_string()),
                    "{profile}: {name} in `{at}`"
                );
            }
        }
    }
}

#[test]
fn a_number_beyond_a_double_is_kept_to_its_last_digit_at_every_place_of_every_shape_or_refused() {
    let numbers = [
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551616",
        "-9223372036854775809",
        "170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105728",
        "340282366920938463463374607431768211455",
    ];
    let beyond = ["340282366920938463463374607431768211456", "1e400", "-1e400"];
    let mut kept = 0;
    for (profile, line) in lines() {
        for at in places(&line).iter().filter(|at| !at.is_empty()) {
            let text = |number: &str| with(&line, at, json!("@@")).to_string().replace("\"@@\"", number);
            for number in numbers {
                let text = text(number);
                match read(profile, &line, &text) {
                    Err(error) => is_told(&error, &text),
                    Ok(_) => {
                        let back = shapes::round(profile, &text);
                        assert_eq!(back.unfit, [], "{profile}: {text}");
                        // Text by text: the comparison of values would itself round such a number.
                        assert_eq!(back.line.matches(number).count(), 1, "{profile}: {}", back.line);
                        let rest = |text: &str| text.replace(number, "\"@@\"");
                        let compared = shapes::same(&rest(&back.line), &rest(&text));
                        assert!(compared.is_ok(), "{profile}: {}", compared.unwrap_err());
                        kept += 1;
                    }
                }
            }
            for number in beyond {
                let text = text(number);
                is_told(&read(profile, &line, &text).unwrap_err(), &text);
            }
        }
    }
    assert!(kept > 500, "{kept}");
}

#[test]
fn a_key_that_stands_twice_in_any_object_of_any_shape_is_refused() {
    for (profile, line) in lines() {
        for at in places(&line).iter().filter(|at| is_object(&line, at)) {
            let object = line.pointer(at).unwrap();
            let Some(key) = object.as_object().unwrap().keys().next() else {
                continue;
            };
            let members = object.to_string();
            let twice = format!("{},\"{key}\":0}}", members.strip_suffix('}').unwrap());
            let text = match at.as_str() {
                "" => twice.clone(),
                at => with(&line, at, json!("@@")).to_string().replace("\"@@\"", &twice),
            };
            let error = read(profile, &line, &text).unwrap_err();
            is_told(&error, &text);
            let column = text.find(&twice).unwrap() + 1;
            let told =
                format!("line 2, column {column}: the object that begins here has the key `{key}` twice");
            assert!(error.to_string().starts_with(&told), "{error}\n{text}");
        }
    }
}

#[test]
fn a_word_that_no_document_has_is_kept_where_a_vocabulary_is_open_and_refused_where_it_is_closed() {
    let lines = lines();
    let of = |profile: Profile| lines.iter().find(|(own, _)| *own == profile).unwrap().1.clone();
    for (profile, at) in [
        (Profile::Flynn, "/level"),
        (Profile::Flynn, "/event_type"),
        (Profile::Flynn, "/event/execution_environment"),
        (Profile::Denkeeper, "/category"),
        (Profile::Denkeeper, "/status"),
        (Profile::CodeExecutor, "/eventType"),
        (Profile::CodeExecutor, "/status"),
        (Profile::Aaasm, "/actionType"),
        (Profile::Aaasm, "/decision"),
        (Profile::Aaasm, "/callStack/0/kind"),
        (Profile::Dpa, "/piiCategories/0"),
    ] {
        let line = of(profile);
        for word in ["zzz", "Success", "TOOL.START", "ok ", "日本"] {
            let changed = with(&line, at, json!(word)).to_string();
            assert!(is_kept_or_told(profile, &line, &changed), "{profile}: {changed}");
        }
    }
    let line = of(Profile::Dpa);
    for (at, known) in [
        ("/action", "VIEW, CREATE, UPDATE"),
        ("/actorType", "user, system, service"),
        ("/outcome", "success, denied, error"),
    ] {
        for word in ["zzz", "view", "Success", ""] {
            let changed = with(&line, at, json!(word)).to_string();
            let error = read(Profile::Dpa, &line, &changed).unwrap_err();
            is_told(&error, &changed);
            assert!(error.to_string().contains(known), "{error}");
        }
    }
}

/// Denkeeper's detail and AAASM's arguments are texts in which there is JSON, or nearly.
#[test]
fn json_in_a_text_comes_back_as_it_was_whatever_is_odd_about_it() {
    let odd = [
        r#"{"tool":"a","tool":"b"}"#,
        r#"{"tool":7,"round":"two","arguments":null}"#,
        r#"{"round":9007199254740993,"tokens":340282366920938463463374607431768211456}"#,
        r#"{"nobody":{"declared":[1,{"this":null}]}}"#,
        r#"{ "tool" : "a" }"#,
        r#"{"tool":1.0,"round":1e2}"#,
        r#"{"tool":"a"} "#,
        r#"["a"]"#,
        r#"{"tool":"#,
        "null",
        "",
        "plain text",
        "{\"tool\":\"\u{0}\"}",
    ];
    let lines = lines();
    let (_, denkeeper) = lines.iter().find(|(own, _)| *own == Profile::Denkeeper).unwrap();
    let event = json!({"event_id": "0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc", "agent_id": {"agent_id": "a"}, "action_type": "TOOL_CALL",
        "tool_call": {"tool_name": "t", "args_json": ""}});
    for text in odd {
        let changed = with(denkeeper, "/detail", json!(text)).to_string();
        assert!(is_kept_or_told(Profile::Denkeeper, denkeeper, &changed), "{text}");
        let changed = with(&event, "/tool_call/args_json", json!(text)).to_string();
        assert!(is_kept_or_told(Profile::Aaasm, &event, &changed), "{text}");
    }
}

//! What other people wrote does not get into a trail with what is imported, unless the policy is to keep it.

use tracing_audit::Audit;
use tracing_audit::catalog::profile::{Profile, classified};
use tracing_audit::redact::Policy;
use tracing_audit::sink::MemorySink;

/// A text that no detector knows.
const CONTENT: &str = "the quick brown otter";

fn line_of(profile: Profile, line: &str, policy: Policy) -> String {
    let sink = MemorySink::new();
    let audit = Audit::builder()
        .without_journal()
        .memory(&sink)
        .policy(policy)
        .start()
        .expect("a trail in memory");
    let record = profile
        .import(line.as_bytes())
        .unwrap_or_else(|error| panic!("{error}: {line}"));
    audit.emit(record).expect("taken");
    sink.lines().last().cloned().unwrap_or_default()
}

#[test]
fn content_is_hidden_wherever_a_shape_has_it() {
    let flynn = |event: &str, fields: &str| {
        format!(r#"{{"timestamp":1,"level":"info","event_type":"{event}","event":{{{fields}}}}}"#)
    };
    let denkeeper = |category: &str, detail: &str| {
        format!(
            r#"{{"timestamp":"2026-04-25T10:00:00Z","category":"{category}","action":"execute","detail":{}}}"#,
            serde_json::Value::from(detail)
        )
    };
    let lines = [
        (
            Profile::Flynn,
            flynn("webhook.receive", &format!(r#""body":"{CONTENT}""#)),
        ),
        (
            Profile::Flynn,
            flynn("webhook.receive", &format!(r#""body":["{CONTENT}"]"#)),
        ),
        (
            Profile::Flynn,
            flynn("cron.trigger", &format!(r#""message":"{CONTENT}""#)),
        ),
        (
            Profile::Flynn,
            flynn("tool.start", &format!(r#""tool_args":{{"a":["{CONTENT}"]}}"#)),
        ),
        (
            Profile::Flynn,
            flynn(
                "tool.success",
                &format!(r#""result":{{"success":true,"output":"{CONTENT}"}}"#),
            ),
        ),
        (
            Profile::Flynn,
            flynn("tool.success", &format!(r#""result":{{"output":"{CONTENT}"}}"#)),
        ),
        (
            Profile::Flynn,
            flynn("gmail.new_email", &format!(r#""subject":"{CONTENT}""#)),
        ),
        (
            Profile::Flynn,
            flynn("gmail.new_email", &format!(r#""from":"{CONTENT}""#)),
        ),
        (
            Profile::Flynn,
            flynn("x", "").replace(r#""level":"info""#, &format!(r#""level":["{CONTENT}"]"#)),
        ),
        (
            Profile::Denkeeper,
            denkeeper("tool_call", &format!(r#"{{"arguments":{{"x":"{CONTENT}"}}}}"#)),
        ),
        (
            Profile::Denkeeper,
            denkeeper("tool_call", &format!(r#"{{"result":"{CONTENT}"}}"#)),
        ),
        (
            Profile::Denkeeper,
            denkeeper("tool_call", &format!(r#"{{ "result":"{CONTENT}"}}"#)),
        ),
        (Profile::Denkeeper, denkeeper("tool_call", CONTENT)),
        (
            Profile::Denkeeper,
            denkeeper(
                "llm",
                &format!(r#"{{"response_text":"{CONTENT}","thinking_content":"{CONTENT}"}}"#),
            ),
        ),
        (
            Profile::Denkeeper,
            denkeeper("llm", &format!(r#"{{"response_text":["{CONTENT}"]}}"#)),
        ),
        (
            Profile::Denkeeper,
            denkeeper("supervisor", &format!(r#"{{"raw_response":"{CONTENT}"}}"#)),
        ),
    ];
    for (profile, line) in lines {
        let kept = line_of(profile, &line, Policy::off("the test looks for what is kept"));
        assert!(kept.contains(CONTENT), "{kept}");
        let hidden = line_of(profile, &line, classified(Policy::balanced()));
        assert!(!hidden.contains(CONTENT), "{hidden}");
        assert!(hidden.contains(r#""redaction""#), "{hidden}");
    }
}

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

fn flynn() -> Vec<(Profile, String)> {
    let fields = [
        ("webhook.receive", r#""body":"%""#),
        ("webhook.receive", r#""body":["%"]"#),
        ("cron.trigger", r#""message":"%""#),
        ("cron.trigger", r#""message":{"a":"%"}"#),
        ("user.action", r#""message":"%""#),
        ("tool.start", r#""tool_args":{"a":["%"]}"#),
        ("tool.success", r#""result":{"success":true,"output":"%"}"#),
        ("tool.success", r#""result":{"output":"%"}"#),
        ("gmail.new_email", r#""subject":"%""#),
        ("gmail.new_email", r#""subject":["%"]"#),
        ("gmail.new_email", r#""from":"%""#),
        ("gmail.new_email", r#""from":["%"]"#),
        ("x", r#""flynn":"%""#),
    ];
    let line = |(event, fields): (&str, &str)| {
        let fields = fields.replace('%', CONTENT);
        format!(r#"{{"timestamp":1,"level":"info","event_type":"{event}","event":{{{fields}}}}}"#)
    };
    fields.map(|fields| (Profile::Flynn, line(fields))).to_vec()
}

fn denkeeper() -> Vec<(Profile, String)> {
    let details = [
        ("tool_call", r#"{"arguments":{"x":"%"}}"#),
        ("tool_call", r#"{"result":"%"}"#),
        ("tool_call", r#"{ "result":"%"}"#),
        ("tool_call", "%"),
        ("llm", r#"{"response_text":"%","thinking_content":"%"}"#),
        ("llm", r#"{"response_text":["%"]}"#),
        ("supervisor", r#"{"raw_response":"%"}"#),
        ("supervisor", r#"{"raw_response":{"a":"%"}}"#),
        ("supervisor", r#"{"arguments":"%"}"#),
        ("safety", r#"{"action":"warn","excerpt":"%"}"#),
    ];
    let line = |(category, detail): (&str, &str)| {
        let detail = serde_json::Value::from(detail.replace('%', CONTENT));
        format!(
            r#"{{"timestamp":"2026-04-25T10:00:00Z","category":"{category}","action":"execute","detail":{detail}}}"#
        )
    };
    details.map(|detail| (Profile::Denkeeper, line(detail))).to_vec()
}

fn aaasm() -> Vec<(Profile, String)> {
    let parts = [
        r#""toolCall":{"toolName":"t","argsJson":"{\"x\":\"%\"}"}"#,
        r#""toolCall":{"toolName":"t","argsJson":"{ \"x\":\"%\"}"}"#,
        r#""process":{"command":"c","args":["%"]}"#,
    ];
    let line = |part: &str| {
        let part = part.replace('%', CONTENT);
        format!(r#"{{"eventId":"e","agentId":"a","actionType":"tool_call","decision":"allow",{part}}}"#)
    };
    parts.map(|part| (Profile::Aaasm, line(part))).to_vec()
}

#[test]
fn content_is_hidden_wherever_a_shape_has_it() {
    for (profile, line) in [flynn(), denkeeper(), aaasm()].concat() {
        let kept = line_of(profile, &line, Policy::off("the test looks for what is kept"));
        assert!(kept.contains(CONTENT), "{kept}");
        let hidden = line_of(profile, &line, classified(Policy::balanced()));
        assert!(!hidden.contains(CONTENT), "{hidden}");
        assert!(hidden.contains(r#""redaction""#), "{hidden}");
    }
}

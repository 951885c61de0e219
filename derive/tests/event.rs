//! `derive(AuditEvent)`: a struct is an event with places, classes and types.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use tracing_audit::record::{AuditEvent, EventPart, Map, Value, Word};
use tracing_audit::testing::{MemoryEmitter, Recording};

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Install,
    Other(String),
}

impl Word for Phase {
    fn word(&self) -> &str {
        match self {
            Self::Install => "install",
            Self::Other(word) => word,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "install" => Self::Install,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// A tool is called.
/// By an agent.
#[derive(Debug, Clone, PartialEq, AuditEvent)]
#[audit(
    event = "tool.start",
    category = "tool",
    action = "start",
    level = "warn",
    outcome = "pending"
)]
struct ToolStart<'a> {
    /// The tool's name.
    #[audit(detail = "tool.name", internal)]
    tool_name: String,
    #[audit(detail = "tool.args", internal)]
    tool_args: Value,
    #[audit(detail = "tool.round", public)]
    round: u32,
    #[audit(detail = "tool.share", public)]
    share: f64,
    #[audit(detail = "tool.offset", public)]
    offset: Option<i64>,
    #[audit(detail = "tool.cached", public)]
    cached: bool,
    #[audit(detail = "tool.phase", public)]
    phase: Phase,
    #[audit(detail = "tool.wide", public)]
    wide: u128,
    #[audit(detail = "labels", public)]
    list: Vec<String>,
    #[audit(detail = "tool.limits", public)]
    limits: Option<Vec<u16>>,
    #[audit(slot = "execution_id", internal)]
    execution_id: Option<String>,
    #[audit(slot = "actor.id", internal)]
    actor: u64,
    #[audit(slot = "actor.roles", internal)]
    roles: Vec<Cow<'a, str>>,
    #[audit(slot = "duration_ns", internal)]
    took: Duration,
    #[audit(slot = "labels", internal)]
    labels: BTreeMap<String, String>,
    #[audit(attribute = "note", internal)]
    note: Cow<'a, str>,
    #[audit(hash = "params", internal)]
    hash: Option<String>,
    #[audit(detail = "tool.result", nested)]
    result: Option<ToolResult>,
    #[audit(skip)]
    cache: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, EventPart)]
struct ToolResult {
    #[audit(public)]
    success: bool,
    #[audit(internal, key = "error")]
    failed_with: Option<String>,
    #[audit(nested)]
    r#size: Size,
}

#[derive(Debug, Clone, PartialEq, EventPart)]
struct Size {
    #[audit(public)]
    bytes: u64,
    #[audit(skip)]
    seen: bool,
}

fn start() -> ToolStart<'static> {
    ToolStart {
        tool_name: "search".to_owned(),
        tool_args: Value::Map(Map::from([
            ("depth".to_owned(), Value::from(3)),
            ("words".to_owned(), Value::from(vec!["a", "b"])),
        ])),
        round: 7,
        share: 0.25,
        offset: Some(0),
        cached: false,
        phase: Phase::Other("verify".to_owned()),
        wide: u128::MAX,
        list: vec!["x".to_owned(), "y, z".to_owned(), String::new()],
        limits: Some(vec![]),
        execution_id: Some("e-1".to_owned()),
        actor: 17,
        roles: vec!["editor".into(), "admin".into()],
        took: Duration::from_millis(1500),
        labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
        note: Cow::Borrowed("fine"),
        hash: Some("sha256:00".to_owned()),
        result: Some(ToolResult {
            success: false,
            failed_with: Some("timeout".to_owned()),
            r#size: Size {
                bytes: 0,
                seen: false,
            },
        }),
        cache: Vec::new(),
    }
}

/// The line of the one record, as JSON.
fn line(record: &tracing_audit::testing::CapturedRecord) -> serde_json::Value {
    serde_json::from_str(record.line()).unwrap()
}

fn without_place(mut line: serde_json::Value) -> serde_json::Value {
    for key in ["id", "observed_at", "seq", "stream", "time", "code"] {
        line.as_object_mut().unwrap().remove(key);
    }
    line
}

/// A part that holds a list of its like.
#[derive(Debug, Clone, PartialEq, EventPart)]
struct Step {
    #[audit(internal)]
    name: String,
    #[audit(public)]
    took: u64,
    #[audit(internal)]
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, AuditEvent)]
#[audit(
    event = "run.end",
    category = "run",
    action = "end",
    level = "info",
    outcome = "success"
)]
struct RunEnd {
    #[audit(detail = "steps", internal)]
    steps: Vec<Step>,
    #[audit(detail = "all", secret)]
    all: BTreeMap<String, ToolResult>,
}

#[test]
fn parts_in_a_list_or_a_map_are_of_its_class() {
    let step = |name: &str, steps: &[Step]| Step {
        name: name.to_owned(),
        took: 1,
        steps: steps.to_vec(),
    };
    let event = RunEnd {
        steps: vec![step("outer", &[step("inner", &[])])],
        all: BTreeMap::from([("x".to_owned(), start().result.unwrap())]),
    };
    let recording = Recording::new();
    recording.run(|| event.record());
    let detail = serde_json::json!({
        "all": "[REDACTED:secret]",
        "steps": [{"name": "outer", "took": 1, "steps": [{"name": "inner", "took": 1, "steps": []}]}],
    });
    assert_eq!(line(recording.captured().only())["detail"], detail);
    assert_eq!(RunEnd::from_record(&event.to_record()).unwrap(), event);
}

/// Where other things have the names that everybody else's have.
mod among_namesakes {
    use tracing_audit::record::{AuditEvent, EventPart};

    #[expect(unused_imports, reason = "nobody means them")]
    use Answer::*;

    #[expect(dead_code, reason = "their names are what counts")]
    enum Answer {
        Ok,
        Err,
        Some,
        None,
    }

    macro_rules! assert {
        () => {};
    }
    assert!();

    #[derive(EventPart)]
    pub(super) struct Part {
        #[audit(public)]
        pub(super) number: u8,
    }

    #[derive(AuditEvent)]
    #[audit(
        event = "namesake.met",
        category = "namesake",
        action = "met",
        level = "info",
        outcome = "success"
    )]
    pub(super) struct Met {
        #[audit(slot = "actor.id", internal)]
        pub(super) id: u8,
        #[audit(detail = "part", nested)]
        pub(super) part: Part,
    }
}

#[test]
fn an_event_does_not_mind_what_else_has_the_names_of_the_prelude() {
    let met = among_namesakes::Met {
        id: 7,
        part: among_namesakes::Part { number: 8 },
    };
    let read = among_namesakes::Met::from_record(&met.to_record()).unwrap();
    assert_eq!((read.id, read.part.number), (7, 8));
}

#[test]
fn an_event_is_recorded_exactly_through_tracing_and_given_as_a_value() {
    let event = start();
    let recording = Recording::new();
    recording.run(|| event.record());
    let emitter = MemoryEmitter::new();
    emitter.audit().emit(&event).unwrap();
    let (traced, emitted) = (recording.captured(), emitter.captured());
    let (traced, emitted) = (traced.only(), emitted.only());
    assert_eq!(without_place(line(traced)), without_place(line(emitted)));
    let detail = serde_json::json!({
        "labels": ["x", "y, z", ""],
        "tool": {
            "args": {"depth": 3, "words": ["a", "b"]}, "cached": false, "limits": [], "name": "search", "offset": 0,
            "phase": "verify", "result": {"error": "timeout", "size": {"bytes": 0}, "success": false}, "round": 7, "share": 0.25, "wide": {"$int": u128::MAX.to_string()},
        },
    });
    assert_eq!(line(traced)["detail"], detail);
    for record in [traced, emitted] {
        let read = tracing_audit::format::read_line(record.line().as_bytes()).unwrap();
        assert_eq!(ToolStart::from_record(&read).unwrap(), event);
    }
    assert_eq!(ToolStart::from_record(&event.to_record()).unwrap(), event);
}

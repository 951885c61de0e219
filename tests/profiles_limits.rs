//! What no record can hold of a line that is imported: said beside what is exported, or refused. Never silently gone.

#[path = "support/shapes.rs"]
mod shapes;

use shapes::through_a_trail;
use tracing_audit::catalog::profile::Profile;

fn flynn(event: &str) -> String {
    format!(r#"{{"timestamp":1,"level":"info","event_type":"tool.start","event":{event}}}"#)
}

fn denkeeper(detail: &str) -> String {
    let detail = serde_json::Value::from(detail);
    format!(
        r#"{{"id":1,"timestamp":"2026-04-25T10:00:00Z","category":"tool_call","action":"execute","agent":"a","summary":"s","detail":{detail},"status":"ok","duration_ms":1,"source":"s","conversation_id":"c"}}"#
    )
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

fn keys(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|key| format!(r#""k{key}":{key}"#)).collect();
    format!("{{{}}}", members.join(","))
}

/// Values within values, in every place that a shape has for them.
fn deep() -> impl Iterator<Item = (Profile, String)> {
    (30..=126).flat_map(|depth| {
        [
            (
                Profile::Flynn,
                flynn(&format!(r#"{{"tool_args":{}}}"#, nested(depth))),
            ),
            (Profile::Flynn, flynn(&format!(r#"{{"own":{}}}"#, nested(depth)))),
            (
                Profile::Flynn,
                flynn("{}").replace(r#""level":"#, &format!(r#""own":{},"level":"#, nested(depth))),
            ),
            (
                Profile::Denkeeper,
                denkeeper(&format!(r#"{{"own":{}}}"#, nested(depth))),
            ),
        ]
    })
}

#[test]
fn what_a_record_cannot_hold_is_said_or_refused() {
    let long = "x".repeat(100_000);
    let lines = [
        (
            Profile::Flynn,
            flynn(&format!(r#"{{"tool_name":"t","tool_args":"{long}"}}"#)),
        ),
        (Profile::Flynn, flynn(&format!(r#"{{"session_id":"{long}"}}"#))),
        (Profile::Flynn, flynn(&format!(r#"{{"own":"{long}"}}"#))),
        (Profile::Flynn, flynn(&keys(600))),
        (
            Profile::Flynn,
            flynn(&format!(r#"{{"tool_args":{}}}"#, keys(600))),
        ),
        (Profile::Flynn, flynn(&format!(r#"{{"own":{{"{long}":1}}}}"#))),
        (Profile::Flynn, flynn("{}").replace("tool.start", &long)),
        (Profile::Flynn, flynn("{}").replace("info", &long)),
        (
            Profile::Flynn,
            flynn("{}").replace(r#""event":"#, &format!(r#""{long}":1,"event":"#)),
        ),
        (Profile::Denkeeper, denkeeper(&long)),
        (
            Profile::Denkeeper,
            denkeeper(&format!(r#"{{"result":"{long}"}}"#)),
        ),
        (
            Profile::Denkeeper,
            denkeeper("").replace(r#""summary":"s""#, &format!(r#""summary":"{long}""#)),
        ),
    ];
    for (profile, line) in lines.into_iter().chain(deep()) {
        let Ok(record) = profile.import(line.as_bytes()) else {
            continue;
        };
        let exported = profile.export(&through_a_trail(record)).unwrap();
        if shapes::same(&exported.line, &line).is_err() {
            assert!(
                !exported.unfit.is_empty(),
                "{}…\nbecame {}…",
                &line[..line.len().min(300)],
                &exported.line[..exported.line.len().min(300)]
            );
        }
    }
}

#[test]
fn a_detail_that_is_long_comes_back_whole_as_long_as_a_line_has_room() {
    for (detail, what) in [
        (
            format!(r#"{{"result":"{}","tool":"t"}}"#, "x".repeat(60_000)),
            "as Go writes it",
        ),
        (
            format!(r#"{{"tool":"t","result":"{}"}}"#, "x".repeat(60_000)),
            "in another order",
        ),
        ("y".repeat(60_000), "no JSON"),
    ] {
        let line = denkeeper(&detail);
        let record = Profile::Denkeeper.import(line.as_bytes()).unwrap();
        let exported = Profile::Denkeeper.export(&through_a_trail(record)).unwrap();
        assert_eq!(exported.unfit, [], "{what}");
        assert_eq!(exported.line, line, "{what}");
    }
}

//! A trail with something of everything in it, and the lines of what a command says as JSON.
#![allow(dead_code, reason = "each test file uses a part")]

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::trails::{line, segment, stdout};

pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Eight records in two streams: a request with spans inside each other, a denied deletion, a job, a gap.
pub(crate) fn trail() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let span = |id: &str, parent: &str, took: u64| {
        let parent = if parent.is_empty() {
            String::new()
        } else {
            format!(r#""parent_span_id":"{parent}","#)
        };
        format!(
            r#","actor":{{"id":"u-1","ip":"192.0.2.7","roles":["editor","owner"],"type":"user"}},"duration_ns":{took},"outcome":"success",{parent}"resource":{{"id":"7","type":"document"}},"span_id":"{id}","trace_id":"{TRACE}""#
        )
    };
    let denied = r#","actor":{"id":"nightly","type":"service"},"outcome":"denied","reason":"not the owner","resource":{"id":"9","type":"invoice"}"#;
    let changed = r#","actor":{"id":"u-1","type":"user"},"changed_fields":["title","owner"],"outcome":"success","resource":{"id":"7","type":"document"}"#;
    let redacted = r#","outcome":"failure","redaction":{"count":3,"fields":[{"action":"marker","field":"password","n":2,"rule":"name.secret"}],"more":1}"#;
    let main = [
        line(
            "main",
            0,
            "db.query",
            &span("00f067aa0ba902b7", "00f067aa0ba902b6", 200_000_000),
        ),
        line(
            "main",
            1,
            "document.update",
            &span("00f067aa0ba902b6", "00f067aa0ba902b5", 1_500_000_000),
        ),
        line("main", 2, "invoice.delete", denied),
        line("main", 3, "document.update", changed),
        line("main", 4, "session.login", redacted),
        line(
            "main",
            3605,
            "audit.gap",
            r#","attributes":{"cause":"queue_full","lost":17}"#,
        ),
    ]
    .map(|line| line.replace("T10:60:", "T11:00:"));
    let mut main = main.to_vec();
    main[5] = main[5].replace("\"seq\":3605", "\"seq\":5");
    segment(root.path(), "main", 0, &main);
    let request = span("00f067aa0ba902b5", "", 3_000_000_000);
    segment(
        root.path(),
        "web",
        0,
        &[line("web", 2, "http.request", &request).replace("\"seq\":2", "\"seq\":0")],
    );
    root
}

/// The lines of standard output as JSON.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

//! A filter that is written in Python, in one process for many queries: what the readers are compared with.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use tracing_audit::store::Cursor;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/naive_filter.py");

struct Python {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _child: Child,
}

/// Ends with this process, which closes its input.
static PYTHON: LazyLock<Option<Mutex<Python>>> = LazyLock::new(|| {
    let python = std::env::var_os("TRACING_AUDIT_PYTHON").unwrap_or_else(|| "python3".into());
    let started = Command::new(&python)
        .args(["-I", "-X", "utf8", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        println!("SKIPPED: no Python is here to filter lines beside ours");
        return None;
    };
    Some(Mutex::new(Python {
        input: child.stdin.take().expect("a pipe was asked for"),
        output: BufReader::new(child.stdout.take().expect("a pipe was asked for")),
        _child: child,
    }))
});

/// The places of the lines that satisfy the query, in order, as Python finds them; `None` where it is not installed.
pub(crate) fn found(query: &str, lines: &[String]) -> Option<Vec<Cursor>> {
    let mut python = PYTHON.as_ref()?.lock().expect("no test has panicked within");
    let request = serde_json::json!({ "query": query, "lines": lines });
    writeln!(python.input, "{request}").expect("Python reads");
    let mut answer = String::new();
    python.output.read_line(&mut answer).expect("Python answers");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("it answers in JSON");
    let places = answer
        .as_array()
        .unwrap_or_else(|| panic!("Python says of `{query}`: {answer}"));
    let place = |place: &serde_json::Value| {
        Some(Cursor {
            observed_at: place.get(0)?.as_u64()?,
            stream: place.get(1)?.as_str()?.into(),
            seq: place.get(2)?.as_u64()?,
        })
    };
    let places = places.iter().map(|one| place(one).expect("a place"));
    Some(places.collect())
}

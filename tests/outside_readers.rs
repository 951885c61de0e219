//! What others read: each line of a trail, with jq and with DuckDB, as an auditor would.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tracing::info;
use tracing_audit::{Actor, Audit, AuditedExt};

/// A trail of `records` records with every awkward kind of value; gives its segments' path as a pattern.
fn trail(dir: &Path, records: u64) -> String {
    let audit = Audit::builder().directory(dir).start().unwrap();
    let subscriber = tracing_subscriber::registry().audited(&audit);
    tracing::subscriber::with_default(subscriber, || {
        for nth in 0..records {
            let big = u128::MAX - u128::from(nth);
            Actor::user("u-1").role("admin").sync_scope(|| {
                info!(target: "audit", action = "document.read", resource.id = nth, big, ratio = 0.5, text = "a\"\n\u{1F600}");
            });
        }
    });
    audit.shutdown(Duration::from_secs(60)).unwrap();
    audit.path().unwrap().join("*.jsonl").display().to_string()
}

/// Leaves what a kill or a full disk does: a line that ends in its midst, behind all others.
fn tear(segments: &str) {
    let home = Path::new(segments).parent().unwrap();
    let files = std::fs::read_dir(home).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let newest = files
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .max();
    let mut options = std::fs::OpenOptions::new();
    let mut newest = options.append(true).open(newest.unwrap()).unwrap();
    newest.write_all(b"{\"event\":\"document.read\",\"id\"").unwrap();
}

/// What a program says, which succeeds.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn jq_reads_every_line() {
    let dir = tempfile::tempdir().unwrap();
    let segments = trail(dir.path(), 100);
    if Command::new("jq").arg("--version").output().is_err() {
        println!("SKIPPED: jq is not installed");
        return;
    }
    let count = |jq: &str| {
        let read = "select(.event == \"document.read\") | .actor.id";
        let pipe = format!("{} {segments} | sort | uniq -c", jq.replace("READ", read));
        said(Command::new("sh").args(["-c", &pipe]))
    };
    assert_eq!(count("jq -r 'READ'"), "100 u-1");
    tear(&segments);
    assert_eq!(count("jq -rR 'fromjson? | READ'"), "100 u-1");
}

#[test]
fn duckdb_and_python_read_every_line() {
    let Some(python) = std::env::var_os("TRACING_AUDIT_PYTHON") else {
        println!(
            "SKIPPED: TRACING_AUDIT_PYTHON names no interpreter with duckdb; `cargo xtask test` makes one"
        );
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let segments = trail(dir.path(), 100);
    let script = r#"
import duckdb, glob, json, sys
pattern, how = sys.argv[1:]
lines = [line for path in glob.glob(pattern) for line in open(path, encoding="utf-8")]
lines = [json.loads(line) for line in lines if line.endswith("\n") or how == "format='newline_delimited'"]
read = f"read_json_auto('{pattern}', {how})"
rows = duckdb.sql(f"select count(*), max(seq) from {read} where event = 'document.read'").fetchall()[0]
print(sum(line["event"] == "document.read" for line in lines), rows[0], rows[1])
"#;
    let count = |how: &str| said(Command::new(&python).args(["-c", script, &segments, how]));
    assert_eq!(count("format='newline_delimited'"), "100 100 100");
    tear(&segments);
    assert_eq!(count("ignore_errors = true"), "100 100 100");
}

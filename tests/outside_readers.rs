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
    let home = audit.path().unwrap();
    // What a kill or a full disk leaves: a line that ends in its midst.
    let newest = std::fs::read_dir(home)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let newest = newest
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .max();
    let mut newest = std::fs::OpenOptions::new()
        .append(true)
        .open(newest.unwrap())
        .unwrap();
    newest.write_all(b"{\"event\":\"document.read\",\"id\"").unwrap();
    home.join("*.jsonl").display().to_string()
}

#[test]
fn jq_reads_every_line() {
    let dir = tempfile::tempdir().unwrap();
    let segments = trail(dir.path(), 100);
    let query = "jq -rR 'fromjson? | select(.event == \"document.read\") | .actor.id' $0 | sort | uniq -c";
    if Command::new("jq").arg("--version").output().is_err() {
        println!("SKIPPED: jq is not installed");
        return;
    }
    let shell = Command::new("sh")
        .args(["-c", &query.replace("$0", &segments)])
        .output()
        .unwrap();
    let counted = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(
        counted.trim(),
        "100 u-1",
        "{}",
        String::from_utf8_lossy(&shell.stderr)
    );
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
pattern = sys.argv[1]
lines = [json.loads(line) for path in glob.glob(pattern) for line in open(path, encoding="utf-8") if line.endswith("\n")]
read = f"read_json_auto('{pattern}', ignore_errors = true)"
rows = duckdb.sql(f"select count(*), max(seq) from {read} where event = 'document.read'").fetchall()[0]
print(sum(line["event"] == "document.read" for line in lines), rows[0], rows[1])
"#;
    let run = Command::new(python)
        .args(["-c", script, &segments])
        .output()
        .unwrap();
    let counted = String::from_utf8(run.stdout).unwrap();
    assert_eq!(
        counted.trim(),
        "100 100 100",
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

//! `serve` over what a hostile writer left, and what other programs read of it.
#![cfg(feature = "serve")]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use client::Server;
use trails::{append, line, segment};

/// As they stand in a line: JSON escapes what it must.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\\\"'><svg onload=alert(1)>",
    "\\u001b[2J\\u001b]0;title\\u0007\\u0000\\u009b31m",
    "a\\u202ecod.exe\\u202c\\u2066x\\u2069\\u200b\\ufeff",
    "line\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nSet-Cookie: a=b",
    "</textarea></title></pre><iframe src=//evil.example>&amp;&lt;",
];

/// A record with the text in every place that has a text of its own.
fn hostile(seq: u64, text: &str) -> String {
    let more = format!(
        r#","action":"{text}","actor":{{"id":"{text}","ip":"{text}","roles":["{text}"],"type":"{text}"}},"attributes":{{"{text}":{{"{text}":["{text}"]}}}},"call_stack":[{{"id":"{text}","kind":"{text}","label":"{text}"}}],"category":"{text}","changed_fields":["{text}"],"correlation_id":"{text}","detail":{{"{text}":1}},"error":{{"message":"{text}"}},"labels":{{"{text}":"{text}"}},"outcome":"{text}","reason":"{text}","redaction":{{"count":1,"fields":[{{"action":"{text}","field":"{text}","n":1,"rule":"{text}"}}]}},"request_id":"{text}","resource":{{"id":"{text}","type":"{text}"}},"session_id":"{text}","trace_id":"{text}""#
    );
    line("main", seq, text, &more)
}

/// Nothing in it that is markup of the record's making, or that a terminal or the eye obeys.
fn assert_harmless(page: &str, path: &str) {
    for markup in [
        "<script>",
        "<img",
        "<svg onload",
        "<iframe",
        "onerror=alert(1)>",
        "</textarea>",
    ] {
        assert!(!page.contains(markup), "{markup} in {path}");
    }
    let harmful = page.chars().find(|c| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    });
    assert_eq!(harmful, None, "{path}");
}

#[test]
fn hostile_values_are_shown_as_what_they_are_in_every_page() {
    let root = tempfile::tempdir().expect("a directory");
    let mut lines: Vec<String> = (0..).zip(HOSTILE).map(|(seq, text)| hostile(seq, text)).collect();
    let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    lines.push(line(
        "main",
        6,
        "deep",
        &format!(r#","attributes":{{"deep":{deep}}}"#),
    ));
    segment(root.path(), "main", 0, &lines);
    let server = Server::start(root.path(), &[]);
    for path in [
        "/",
        "/overview?run=verify",
        "/live",
        "/?q=%3Cscript%3E",
        "/?q=a%3D%3Cscript%3E",
        "/nowhere%3Cscript%3E",
        "/?%3Cscript%3E=1",
    ] {
        assert_harmless(server.get(path).text(), path);
    }
    let list = server.get("/");
    assert!(list.text().contains("&lt;script&gt;") && list.text().contains("\\u{202e}"));
    let places = list
        .text()
        .split("data-open=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let mut opened = 0;
    for place in places {
        let path = format!("/record?open={place}");
        let page = server.get(&path);
        assert_eq!(page.status, 200, "{path}");
        assert_harmless(page.text(), &path);
        let line = server.get(&format!("/line?open={place}"));
        assert_eq!(line.header("content-type"), Some("application/json"));
        opened += 1;
    }
    assert_eq!(opened, 7);
}

#[test]
fn files_that_are_no_trail_any_more_are_told_and_never_end_the_server() {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..20)
        .map(|seq| line("main", seq, "document.read", ""))
        .collect();
    let path = segment(root.path(), "main", 0, &lines);
    // A line longer than any record, of NULs; what is no record; nesting without an end; a line that is cut short.
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("a file");
    for _ in 0..64 {
        file.write_all(&vec![0; 1 << 20]).expect("written");
    }
    append(&path, &format!("\n{{\"a\":1}}\n{}\n", "[".repeat(60_000)));
    append(&path, &format!("{}\n", line("main", 23, "document.write", "")));
    append(&path, "{\"event\":\"cut");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).expect("a link");
        std::os::unix::fs::symlink("nowhere", root.path().join("broken")).expect("a link");
    }
    fs::write(root.path().join("main/checkpoint"), vec![0xff; 4096]).expect("written");
    fs::create_dir_all(root.path().join("main/cursors/sink")).expect("made");
    let server = Server::start(root.path(), &[]);
    let list = server.get("/");
    assert_eq!(list.status, 200);
    assert!(
        list.text().contains("longer than any record") && list.text().contains("document.write"),
        "{}",
        list.text()
    );
    assert_eq!(list.text().matches("data-open=\"").count(), 21);
    for path in [
        "/overview?run=verify",
        "/live",
        "/metrics",
        "/healthz",
        "/export?format=jsonl",
        "/export?format=csv",
    ] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let exported = server.get("/export?format=jsonl");
    assert_eq!(exported.text().lines().count(), 21);
}

#[test]
fn requests_that_are_no_requests_are_ended_and_others_are_answered() {
    let root = tempfile::tempdir().expect("a directory");
    segment(root.path(), "main", 0, &[line("main", 0, "document.read", "")]);
    let server = Server::start(root.path(), &[]);
    let long = "x".repeat(1 << 20);
    for (path, header) in [
        (format!("/?q={long}"), "X: y".to_owned()),
        ("/".to_owned(), format!("X: {long}")),
        ("no path".to_owned(), "\u{0}".to_owned()),
    ] {
        let mut stream = std::net::TcpStream::connect(server.address).expect("connects");
        stream.set_read_timeout(Some(client::DEADLINE)).expect("set");
        let _ = stream.write_all(
            format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\n{header}\r\n\r\n",
                server.address
            )
            .as_bytes(),
        );
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{header:.20}");
    }
    let filter = format!("/?q={}", "(".repeat(3000));
    assert_eq!(server.get(&filter).status, 400);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn metrics_say_what_the_files_tell_in_a_form_that_promtool_takes() {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (5..20)
        .map(|seq| line("main", seq, "document.read", ""))
        .collect();
    segment(root.path(), "main", 5, &lines);
    let odd = line("o\\\"dd\\\\", 0, "document.read", "");
    segment(root.path(), "odd", 0, &[odd]);
    fs::write(root.path().join("main/stream"), r#"{"stream":"main"}"#).expect("written");
    fs::create_dir_all(root.path().join("main/cursors")).expect("made");
    fs::write(
        root.path().join("main/cursors/otlp"),
        r#"{"next":12,"stream":"main"}"#,
    )
    .expect("written");
    let server = Server::start(root.path(), &[]);
    let metrics = server.get("/metrics");
    let text = metrics.text();
    for sample in [
        "tracing_audit_trail_readable 1\n",
        "tracing_audit_trail_records{stream=\"main\"} 15\n",
        "tracing_audit_trail_records{stream=\"o\\\"dd\\\\\"} 1\n",
        "tracing_audit_trail_last_timestamp_seconds{stream=\"main\"} 1763719219.25\n",
        "tracing_audit_trail_unsealed_records{stream=\"main\"} 20\n",
        "tracing_audit_trail_follower_behind_records{stream=\"main\",sink=\"otlp\"} 8\n",
    ] {
        assert!(text.contains(sample), "{sample} in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        println!("SKIPPED: the form of /metrics: promtool is not installed (cargo xtask test)");
        return;
    };
    promtool
        .stdin
        .take()
        .expect("piped")
        .write_all(&metrics.body)
        .expect("written");
    let said = promtool.wait_with_output().expect("ends");
    let told = format!("{}{}", trails::stdout(&said), trails::stderr(&said));
    assert!(said.status.success() && told.trim().is_empty(), "{told}");
}

#[test]
fn health_is_a_word_and_a_status() {
    let root = tempfile::tempdir().expect("a directory");
    segment(root.path(), "main", 0, &[line("main", 0, "document.read", "")]);
    let server = Server::start(root.path(), &[]);
    let health: serde_json::Value = serde_json::from_slice(&server.get("/healthz").body).expect("JSON");
    assert_eq!((&health["status"], &health["records"]), (&"ok".into(), &1.into()));
    fs::remove_dir_all(root.path()).expect("removed");
    let answer = server.get("/healthz");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("unreadable"), "{}", answer.text());
    assert!(
        server
            .get("/metrics")
            .text()
            .contains("tracing_audit_trail_readable 0\n")
    );
    assert_eq!(server.get("/").status, 503);
}

#[test]
fn an_export_that_lacks_lines_which_cannot_be_read_is_told_of_where_the_server_runs() {
    let root = tempfile::tempdir().expect("a directory");
    let lines = ["e", "e", "e"]
        .iter()
        .zip(0..)
        .map(|(event, seq)| line("main", seq, event, ""));
    let mut lines: Vec<String> = lines.collect();
    lines.insert(1, "not a record".to_owned());
    segment(root.path(), "main", 0, &lines);
    let told = root.path().join("told");
    let stderr = fs::File::create(&told).expect("made");
    let server = Server::telling(root.path(), &[], stderr.into());
    let exported = server.get("/export?format=jsonl");
    assert_eq!(exported.text().lines().count(), 3);
    let told = fs::read_to_string(told).expect("read");
    assert!(
        told.contains("an export lacks what could not be read, 1 finding"),
        "{told}"
    );
}

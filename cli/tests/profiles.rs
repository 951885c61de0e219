//! `import` and `export` as a process: other systems' lines in, the same lines out.

#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use trails::{append, binary, line, run, segment, stderr, stdout};

const FLYNN: &[&str] = &[
    r#"{"timestamp":1771203409000,"level":"info","event_type":"system.start","event":{}}"#,
    r#"{"timestamp":1771203409123,"level":"debug","event_type":"tool.start","event":{"tool_name":"shell","tool_args":{"cmd":"ls","n":9007199254740993},"execution_id":"e-1","sender":"ana"}}"#,
    r#"{"timestamp":1771203409124,"level":"warn","event_type":"tool.denied","event":{"tool_name":"shell","reason":"not today","denial_type":"hook","color":"blue"}}"#,
    r#"{"timestamp":1771203409125,"level":"fatal","event_type":"audit.gap","event":{"lost":"much","flynn":{"x":null}},"extra":[1.5]}"#,
    r#"{"timestamp":1771203409126,"level":"info","event_type":"webhook.receive","event":{"webhook_name":"w","body":"key sk-ant-","signature_verified":false,"output_channel":"","output_peer":"p"}}"#,
];

const DENKEEPER: &[&str] = &[
    r#"{"id":7,"timestamp":"2026-04-25T10:00:00.12Z","category":"tool_call","action":"execute","agent":"main","summary":"read \u003cx\u003e","detail":"{\"arguments\":{\"path\":\"/etc/hosts\"},\"result\":\"a \\u0026 b\",\"round\":1,\"server\":\"fs\",\"tool\":\"read\"}","status":"ok","duration_ms":12,"source":"agent","conversation_id":"c-1"}"#,
    r#"{"id":8,"timestamp":"2026-04-25T12:00:00+02:00","category":"schedule","action":"fire","agent":"a#dryrun","summary":"s","detail":"{\"name\":\"a\"b\"}","status":"denied","duration_ms":0,"source":"dryrun","conversation_id":""}"#,
];

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

const CODE_EXECUTOR: &[&str] = &[
    r#"{"timestamp":"2025-11-23T10:20:30.123Z","correlationId":"c-1","eventType":"tool_call","clientId":"9f86d081","clientIp":"203.0.113.7","toolName":"read","paramsHash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","status":"success","latencyMs":12.5,"metadata":{"a":1,"b":[null,{"c":"d"}]}}"#,
    r#"{"timestamp":"2025-11-23T10:20:31.000Z","correlationId":"c-2","eventType":"auth_failure","clientIp":"2001:db8::7","status":"rejected","errorMessage":"no key"}"#,
];

const AAASM: &[&str] = &[
    r#"{"eventId":"0192f0c1-2b5e-7c3a-8f00-aaaabbbbcccc","agentId":"agent-7","actionType":"tool_call","decision":"deny","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","labels":{"team":"core"},"callStack":[{"children":[{"id":"2","kind":"odd","label":"x"}],"id":"1","kind":"llm","label":"plan","latencyMs":3}]}"#,
    r#"{"eventId":"e-2","agentId":"agent-7","actionType":"teleport","decision":"maybe"}"#,
];

const DPA: &[&str] = &[
    r#"{"actorId":"u-17","actorType":"user","actorRoles":["editor"],"action":"UPDATE","resource":{"type":"document","id":"42"},"changedFields":["title"],"at":"2026-05-11T08:00:00.000Z","scope":{"feature":"docs","environment":"production","tenant":"default"},"reason":"asked for","correlationId":"0af7651916cd43dd8448eb211c80319c","requestId":"r-1","from":{"ipTruncated":"203.0.113.0","userAgent":"curl"},"containsPii":true,"piiCategories":["email"],"outcome":"success"}"#,
    r#"{"actorId":"system","actorType":"system","actorRoles":[],"action":"DELETE","resource":{"type":"session"},"at":"2026-05-11T08:00:00.000Z","scope":{"feature":"docs","environment":"production","tenant":"default"},"from":{"ipTruncated":"system","userAgent":"background-job"},"containsPii":false,"outcome":"error","errorCode":"E1"}"#,
];

/// Imports what it is given on standard input.
fn import(args: &[&str], dir: &Path, input: &str) -> Output {
    let mut child = binary()
        .arg("import")
        .args(args)
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that ends early does not read to the end.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ends")
}

#[test]
fn what_is_imported_and_kept_is_exported_byte_for_byte_and_a_second_time_too() {
    for (format, given) in [
        ("flynn", FLYNN),
        ("denkeeper", DENKEEPER),
        ("code_executor", CODE_EXECUTOR),
        ("aaasm", AAASM),
        ("dpa", DPA),
    ] {
        let root = tempfile::tempdir().expect("a directory");
        let (first, second) = (root.path().join("first"), root.path().join("second"));
        let given = lines(given);
        let done = import(&["--format", format, "--policy", "keep"], &first, &given);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let count = given.lines().count();
        assert!(
            stdout(&done).starts_with(&format!("{count} records imported into ")),
            "{}",
            stdout(&done)
        );
        let once = run(&["export", "--format", format, "--strict"], &first);
        assert_eq!(
            (once.status.code(), stdout(&once)),
            (Some(0), given.clone()),
            "{}",
            stderr(&once)
        );
        assert!(
            stderr(&once).contains("2 records of the trail's own left out"),
            "{}",
            stderr(&once)
        );
        let file = root.path().join("lines.jsonl");
        let to_file = run(
            &[
                "export",
                "--format",
                format,
                "--out",
                file.to_str().expect("text"),
            ],
            &first,
        );
        assert_eq!(
            (to_file.status.code(), stdout(&to_file)),
            (Some(0), String::new())
        );
        let from_file = binary()
            .args(["import", "--format", format, "--policy", "keep"])
            .args([&second, &file])
            .output()
            .expect("runs");
        assert_eq!(from_file.status.code(), Some(0), "{}", stderr(&from_file));
        assert_eq!(stdout(&run(&["export", "--format", format], &second)), given);
    }
}

#[test]
fn an_import_is_redacted_unless_it_is_asked_to_keep() {
    let root = tempfile::tempdir().expect("a directory");
    let secret = ["gh", "p_", &"a1B2c3D4e5F6g7H8i9J0".repeat(2)[..36]].concat();
    let line = format!(
        r#"{{"timestamp":1,"level":"info","event_type":"webhook.receive","event":{{"webhook_name":"w","body":"token {secret}","password":"hunter2"}}}}"#
    );
    let done = import(&["--format", "flynn"], root.path(), &line);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stdout(&done).contains("2 values redacted"), "{}", stdout(&done));
    let exported = run(&["export", "--format", "flynn"], root.path());
    assert!(
        !stdout(&exported).contains(&secret) && !stdout(&exported).contains("hunter2"),
        "{}",
        stdout(&exported)
    );
    assert!(
        stderr(&exported).contains("was redacted when it was recorded"),
        "{}",
        stderr(&exported)
    );
    let strict = run(&["export", "--format", "flynn", "--strict"], root.path());
    assert_eq!(strict.status.code(), Some(2), "{}", stderr(&strict));
    assert!(
        stderr(&strict).contains("does not fit the format `flynn`"),
        "{}",
        stderr(&strict)
    );
}

#[test]
fn of_a_file_with_a_line_that_is_wrong_nothing_is_written_unless_it_is_asked_to_keep_going() {
    let root = tempfile::tempdir().expect("a directory");
    let (dir, file) = (root.path().join("trail"), root.path().join("lines"));
    let given = [
        FLYNN[0],
        "",
        r#"{"timestamp":1,"timestamp":2,"level":"info","event_type":"a.b","event":{}}"#,
        r#"{"timestamp":"noon","level":"info","event_type":"a.b","event":{}}"#,
        FLYNN[1],
    ];
    fs::write(&file, lines(&given)).expect("a file");
    let import = |more: &[&str]| {
        let mut command = binary();
        command
            .args(["import", "--format", "flynn", "--policy", "keep"])
            .args(more);
        command.args([&dir, &file]).output().expect("runs")
    };
    let stopped = import(&[]);
    assert_eq!(stopped.status.code(), Some(3));
    let told = stderr(&stopped);
    assert!(
        told.contains("line 3, column 1: the object that begins here has the key `timestamp` twice"),
        "{told}"
    );
    assert!(told.contains("nothing was written") && !dir.exists(), "{told}");
    let going = import(&["--keep-going"]);
    assert_eq!(going.status.code(), Some(2));
    let told = stderr(&going);
    assert!(
        told.contains("line 3, column 1") && told.contains("line 4, column 14: `timestamp` holds `\"noon\"`"),
        "{told}"
    );
    assert!(
        stdout(&going).contains("2 records imported") && stdout(&going).contains("2 lines left out"),
        "{}",
        stdout(&going)
    );
    assert_eq!(
        stdout(&run(&["export", "--format", "flynn"], &dir)),
        lines(&[FLYNN[0], FLYNN[1]])
    );
}

#[test]
fn standard_input_is_written_up_to_the_line_that_is_wrong() {
    let root = tempfile::tempdir().expect("a directory");
    let done = import(
        &["--format", "flynn", "--policy", "keep"],
        root.path(),
        &lines(&[FLYNN[0], "{", FLYNN[1]]),
    );
    assert_eq!(done.status.code(), Some(3));
    assert!(
        stdout(&done).starts_with("1 record imported"),
        "{}",
        stdout(&done)
    );
    assert!(
        stderr(&done).contains("line 2, column 2: not JSON") && stderr(&done).contains("from this line on"),
        "{}",
        stderr(&done)
    );
    assert_eq!(
        stdout(&run(&["export", "--format", "flynn"], root.path())),
        lines(&[FLYNN[0]])
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_that_is_named_as_a_file_is_read_as_standard_input_is() {
    let root = tempfile::tempdir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_tracing-audit");
    let command = format!("cat | '{program}' import --format flynn --policy keep trail /dev/stdin");
    let file = root.path().join("lines");
    fs::write(&file, lines(FLYNN)).expect("a file");
    let done = std::process::Command::new("sh")
        .args(["-c", &command])
        .current_dir(root.path())
        .stdin(fs::File::open(&file).expect("a file"))
        .output()
        .expect("runs");
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(
        stdout(&done).starts_with("5 records imported"),
        "{}",
        stdout(&done)
    );
}

#[test]
fn csv_sentences_and_lines_are_formats_too_and_filters_narrow_them() {
    let root = tempfile::tempdir().expect("a directory");
    let own = r#","action":"delete","actor":{"id":"=ana","type":"user"},"outcome":"success","resource":{"id":"42","type":"document"}"#;
    let first = line("main", 0, "document.delete", own);
    let denied = line(
        "main",
        1,
        "tool.denied",
        r#","detail":{"tool":{"name":"shell"}},"reason":"no\u001b[2J""#,
    );
    segment(root.path(), "main", 0, &[first.clone(), denied]);
    let exported = |args: &[&str]| run(&[&["export", "--format"], args].concat(), root.path());
    assert_eq!(
        stdout(&exported(&["jsonl", "event=document.delete"])),
        format!("{first}\n")
    );
    let csv = stdout(&exported(&["csv", "--since", "2025-11-21", "-n", "1"]));
    let csv: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        csv.len(),
        3,
        "a head, a record, and the end behind the last line break"
    );
    assert!(
        csv[0].starts_with("stream,seq,observed_at,id,time,level,event,")
            && csv[0].ends_with(",attributes,other")
    );
    assert!(
        csv[1].contains(",success,user,'=ana,") && csv[1].contains(",document,42,"),
        "{}",
        csv[1]
    );
    assert_eq!(
        stdout(&exported(&["sentence"])),
        "2025-11-21 10:00:00.250  =ana deleted document 42 (success)\n2025-11-21 10:00:01.250  shell was denied: no\\u{1b}[2J\n"
    );
    let told = stdout(&run(
        &["show", "--sentences", "event=document.delete"],
        root.path(),
    ));
    let expected = "2025-11-21 10:00:00.250  =ana deleted document 42 (success)\n1 of 2 records, 1 stream\n";
    assert!(told.starts_with(expected), "{told}");
    let catalogue = root.path().join("catalogue.toml");
    fs::write(&catalogue, "\"tool.denied\" = \"no {detail.tool.name}\"\n").expect("a file");
    let with = |format| {
        let path = catalogue.to_str().expect("text");
        exported(&[format, "--sentences", path, "event=tool.denied"])
    };
    assert_eq!(stdout(&with("sentence")), "2025-11-21 10:00:01.250  no shell\n");
    assert_eq!(with("csv").status.code(), Some(4));
    fs::write(&catalogue, "\"tool.denied\" = \"no {detial.tool.name}\"\n").expect("a file");
    let wrong = with("sentence");
    assert_eq!(wrong.status.code(), Some(4));
    assert!(
        stderr(&wrong).contains("line 1, column 21: `detial.tool.name` is no place"),
        "{}",
        stderr(&wrong)
    );
}

#[test]
fn exit_codes_say_what_the_trail_is_worth() {
    let root = tempfile::tempdir().expect("a directory");
    let gap = r#","attributes":{"cause":"queue_full","lost":17}"#;
    let path = segment(
        root.path(),
        "main",
        0,
        &[line("main", 0, "a.b", ""), line("main", 1, "audit.gap", gap)],
    );
    let code = |args: &[&str]| run(args, root.path()).status.code();
    assert_eq!(code(&["export", "--format", "flynn"]), Some(2));
    append(&path, "not a record\n");
    assert_eq!(code(&["export", "--format", "flynn"]), Some(1));
    let root = tempfile::tempdir().expect("a directory");
    segment(root.path(), "main", 0, &[line("main", 0, "a.b", "")]);
    let code = |args: &[&str]| run(args, root.path()).status.code();
    let none = ["export", "--format", "flynn", "event=none"];
    assert_eq!(code(&none), Some(0));
    assert_eq!(code(&[&none[..], &["--fail-if-empty"]].concat()), Some(5));
    assert_eq!(code(&["export", "--format", "xml"]), Some(4));
    assert_eq!(code(&["import", "--format", "xml"]), Some(4));
    let file = path.to_str().expect("text");
    let there = run(&["export", "--format", "csv", "--out", file], root.path());
    assert_eq!(there.status.code(), Some(4));
    assert!(stderr(&there).contains("is there already"), "{}", stderr(&there));
}

#[test]
fn a_line_that_another_system_calls_a_gap_is_no_loss_of_the_trail() {
    let root = tempfile::tempdir().expect("a directory");
    let given = r#"{"timestamp":1,"level":"info","event_type":"audit.gap","event":{"cause":"x","lost":5}}"#;
    let done = import(&["--format", "flynn", "--policy", "keep"], root.path(), given);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    for filter in ["event=audit.gap", "event=none"] {
        let exported = run(&["export", "--format", "flynn", filter], root.path());
        assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
        assert!(!stderr(&exported).contains("lost"), "{}", stderr(&exported));
    }
}

#[test]
fn a_record_that_lacks_what_a_format_requires_is_left_out_and_told() {
    let root = tempfile::tempdir().expect("a directory");
    let fits = r#","action":"update","actor":{"id":"u-1","roles":[],"type":"user"},"outcome":"success","pii":{"contains":false},"resource":{"id":"42","type":"document"}"#;
    segment(
        root.path(),
        "main",
        0,
        &[
            line("main", 0, "document.frobnicate", ""),
            line("main", 1, "document.update", fits),
        ],
    );
    let exported = run(&["export", "--format", "dpa"], root.path());
    assert_eq!(exported.status.code(), Some(2), "{}", stderr(&exported));
    assert_eq!(stdout(&exported).lines().count(), 1, "{}", stdout(&exported));
    assert!(
        stderr(&exported).contains("1 record left out"),
        "{}",
        stderr(&exported)
    );
    let strict = run(&["export", "--format", "dpa", "--strict"], root.path());
    assert_eq!((strict.status.code(), stdout(&strict)), (Some(2), String::new()));
    assert!(
        stderr(&strict).contains("does not fit the format `dpa`"),
        "{}",
        stderr(&strict)
    );
}

#[test]
fn what_an_application_calls_audit_is_exported_and_what_the_trail_says_of_itself_is_not() {
    let root = tempfile::tempdir().expect("a directory");
    let own = r#","actor":{"id":"tracing-audit","type":"system"}"#;
    let read = r#","actor":{"id":"ana","type":"user"}"#;
    let lines = [
        line("main", 0, "audit.open", own),
        line("main", 1, "audit.export", read),
    ];
    segment(root.path(), "main", 0, &lines);
    let exported = run(&["export", "--format", "flynn"], root.path());
    let (given, told) = (stdout(&exported), stderr(&exported));
    assert!(
        given.lines().count() == 1 && given.contains("audit.export"),
        "{given}"
    );
    assert!(told.contains("1 record of the trail's own left out"), "{told}");
}

#[cfg(unix)]
#[test]
fn the_examples_in_the_help_of_import_do_what_they_say() {
    let help = binary().args(["import", "--help"]).output().expect("runs");
    let help = stdout(&help);
    let examples: Vec<&str> = help
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("tracing-audit import"))
        .collect();
    assert_eq!(examples.len(), 2, "{help}");
    let program = Path::new(env!("CARGO_BIN_EXE_tracing-audit"));
    let path = program.parent().expect("a directory").display().to_string();
    let path = format!("{path}:{}", std::env::var("PATH").unwrap_or_default());
    for example in examples {
        let root = tempfile::tempdir().expect("a directory");
        fs::write(root.path().join("audit.log"), lines(FLYNN)).expect("a file");
        fs::write(root.path().join("entries.jsonl"), lines(DPA)).expect("a file");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", example])
            .current_dir(root.path())
            .env("PATH", &path);
        let done = shell.output().expect("runs");
        assert_eq!(done.status.code(), Some(0), "{example}: {}", stderr(&done));
        assert!(
            stdout(&done).contains("imported into `./trail`"),
            "{example}: {}",
            stdout(&done)
        );
    }
}

//! `serve` as a process, asked over HTTP: who gets an answer, what the pages say, and what hostile lines become.
#![cfg(feature = "serve")]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use client::{Server, hrefs, rows};
use trails::{append, binary, line, run, segment, stdout};

const DENIED: &str = r#","actor":{"id":"ana","type":"user"},"outcome":"denied","reason":"not the owner","resource":{"id":"9","type":"invoice"},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#;

const GAP: &str = r#","attributes":{"cause":"queue_full","lost":17}"#;

/// Every page that shows something of the trail.
const PAGES: [&str; 10] = [
    "/",
    "/overview",
    "/live",
    "/events",
    "/export?format=csv",
    "/metrics",
    "/healthz",
    "/help",
    "/page.js",
    "/record?open=1-1-x",
];

fn trail() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..120)
        .map(|seq| match seq {
            7 | 70 => line("main", seq, "invoice.delete", DENIED),
            90 => line("main", seq, "audit.gap", GAP),
            _ => line(
                "main",
                seq,
                "document.read",
                r#","actor":{"id":"bo"},"outcome":"success""#,
            ),
        })
        .collect();
    segment(root.path(), "main", 0, &lines);
    root
}

#[test]
fn a_request_without_the_token_gets_nothing_of_any_page() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let host = format!("Host: {}", server.address);
    for page in PAGES {
        let answer = server.ask("GET", page, &[&host]);
        assert_eq!(answer.status, 401, "{page}");
        assert!(
            !answer.text().contains("ana") && answer.body.len() < 100,
            "{page}"
        );
        let wrong = format!(
            "Cookie: tracing-audit-{}={}",
            server.address.port(),
            "0".repeat(64)
        );
        assert_eq!(server.ask("GET", page, &[&host, &wrong]).status, 401, "{page}");
    }
}

#[test]
fn a_foreign_host_or_origin_gets_an_empty_answer_even_with_the_token() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let host = format!("Host: {}", server.address);
    let bearer = format!("Authorization: Bearer {}", server.token);
    let foreign: [&[&str]; 5] = [
        &["Host: evil.example", &bearer],
        &[&format!("Host: evil.example:{}", server.address.port()), &bearer],
        &[&host, "Origin: http://evil.example", &bearer],
        &[&host, "Origin: null", &bearer],
        &[
            &host,
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Mode: no-cors",
            &bearer,
        ],
    ];
    for lines in foreign {
        for page in PAGES {
            let answer = server.ask("GET", page, lines);
            assert_eq!((answer.status, answer.body.len()), (403, 0), "{page} {lines:?}");
        }
    }
    let entering = format!("/?token={}", server.token);
    assert_eq!(
        server
            .ask("GET", &entering, &["Host: evil.example"])
            .header("set-cookie"),
        None
    );
}

#[test]
fn the_printed_address_gives_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let host = format!("Host: {}", server.address);
    let answer = server.ask(
        "GET",
        &format!("/?q=actor%3Dana&token={}", server.token),
        &[&host],
    );
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/?q=actor%3Dana"))
    );
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    let cookie = format!("Cookie: {}", cookie.split(';').next().expect("a value"));
    let page = server.ask("GET", "/?q=actor%3Dana", &[&host, &cookie]);
    assert_eq!((page.status, rows(page.text())), (200, 2));
}

#[test]
fn every_answer_forbids_what_the_page_does_not_need_and_nothing_is_changed_by_asking() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let host = format!("Host: {}", server.address);
    let bearer = format!("Authorization: Bearer {}", server.token);
    for page in ["/", "/overview", "/page.css", "/nowhere", "/?q=nosuch%3D1"] {
        let answer = server.get(page);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let text = answer.text();
        assert!(
            !text.contains(" style=\"") && !text.contains("<style") && !text.contains(" onclick="),
            "{page}"
        );
        assert!(!text.contains("https://") && !text.contains("//cdn"), "{page}");
    }
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        assert_eq!(server.ask(method, "/", &[&host, &bearer]).status, 405, "{method}");
    }
}

#[test]
fn the_list_has_the_newest_rows_and_leads_to_all_others() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let (mut seen, mut path) = (Vec::new(), "/?n=50".to_owned());
    loop {
        let answer = server.get(&path);
        let page = answer.text();
        let places = page
            .split("data-open=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        seen.extend(places.filter_map(|place| place.split('-').nth(1)?.parse::<u64>().ok()));
        match hrefs(page, "Older").first() {
            Some(href) => path.clone_from(href),
            None => break,
        }
    }
    assert_eq!(seen, (0..120).rev().collect::<Vec<u64>>());
    let page = server.get("/");
    let page = page.text();
    assert!(
        page.contains("120 records") && page.contains("17 records lost"),
        "{page}"
    );
    assert!(
        page.contains("invoice/9") && !page.contains("10:00:07"),
        "only the newest fifty"
    );
}

/// T001-39.
#[test]
fn the_filter_speaks_the_language_of_the_command_line_and_a_slip_is_an_error_with_a_place() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let page = server.get("/?q=actor%3Dana+outcome%3Ddenied&since=2025-11-21T10:01&until=2025-11-21T10:02");
    assert_eq!(rows(page.text()), 1);
    assert!(page.text().contains(r#"value="actor=ana outcome=denied""#));
    for (path, told) in [
        (
            "/?q=actr%3Dana",
            "column 1: unknown field `actr`; did you mean `actor`?",
        ),
        ("/?since=yesteryear", "`yesteryear` is not a time"),
    ] {
        let page = server.get(path);
        assert_eq!((page.status, rows(page.text())), (400, 0), "{path}");
        assert!(
            page.text().contains(told) && page.text().contains("role=\"alert\""),
            "{}",
            page.text()
        );
    }
    let page = server.get("/?q=outcome%3Ddenyed");
    assert!(
        page.text().contains("Nothing found") && page.text().contains("did you mean <code>denied</code>")
    );
    assert_eq!(server.get("/?x=1").status, 400);
}

#[test]
fn gap_records_are_told_as_losses_and_never_as_damage_however_many_there_are() {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..20)
        .map(|seq| match seq {
            0..8 => line("main", seq, "audit.gap", GAP),
            _ => line("main", seq, "invoice.delete", DENIED),
        })
        .collect();
    segment(root.path(), "main", 0, &lines);
    let server = Server::start(root.path(), &[]);
    let page = server.get("/?q=outcome%3Ddenied");
    let text = page.text();
    assert!(
        text.contains("136 records lost") && text.contains("8 gap records"),
        "{text}"
    );
    assert!(
        !text.contains("finding") && !text.contains("notice damaged"),
        "{text}"
    );
}

#[test]
fn a_range_says_that_it_leaves_late_records_out_and_finds_them_where_that_is_asked() {
    let root = tempfile::tempdir().expect("a directory");
    let near = line("main", 0, "near", "");
    let late =
        line("main", 1, "imported", "").replace("\"time\":\"2025-11-21T10:00", "\"time\":\"2025-11-20T10:00");
    segment(root.path(), "main", 0, &[near, late]);
    let server = Server::start(root.path(), &[]);
    let range = "since=2025-11-20&until=2025-11-21";
    let page = server.get(&format!("/?{range}"));
    assert_eq!(rows(page.text()), 0);
    let further = hrefs(page.text(), "Look for all others too");
    assert_eq!(further, [format!("/?{range}&late=1")]);
    let page = server.get(&further[0]);
    assert!(rows(page.text()) == 1 && page.text().contains("imported"));
    assert_eq!(
        rows(server.get("/").text()),
        2,
        "without a range nothing is left out"
    );
    let exported = server.get(&format!("/export?format=jsonl&{range}"));
    assert!(exported.text().contains("imported"), "an export is whole");
}

#[test]
fn an_export_is_what_the_command_exports_and_a_broken_one_does_not_look_whole() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    for (format, question) in [
        ("jsonl", ""),
        ("csv", ""),
        ("jsonl", "outcome=denied"),
        ("csv", "nothing-says-this"),
    ] {
        let page = server.get(&format!(
            "/export?format={format}&q={}",
            question.replace('=', "%3D")
        ));
        let args: Vec<&str> = ["export", "--format", format]
            .into_iter()
            .chain([question])
            .collect();
        let exported = run(&args, root.path());
        assert_eq!(page.status, 200);
        assert_eq!(page.body, exported.stdout, "{format} {question}");
        assert!(
            page.header("content-disposition")
                .is_some_and(|value| value.contains(&format!("records.{format}")))
        );
    }
    assert_eq!(server.get("/export?format=xml").status, 400);
    assert_eq!(server.get("/export?format=csv&q=nosuch%3D1").status, 400);
}

#[test]
fn a_client_that_stops_reading_does_not_keep_others_from_their_answers() {
    let root = tempfile::tempdir().expect("a directory");
    let text = format!(r#","summary":"{}""#, "x".repeat(30_000));
    let lines: Vec<String> = (0..1000).map(|seq| line("main", seq, "e", &text)).collect();
    segment(root.path(), "main", 0, &lines);
    let server = Server::start(root.path(), &[]);
    let bearer = format!("Authorization: Bearer {}", server.token);
    let host = format!("Host: {}", server.address);
    // More of them than there are exports at a time.
    let stuck: Vec<_> = (0..8)
        .map(|_| server.open("GET", "/export?format=jsonl", &[&host, &bearer]))
        .collect();
    assert_eq!(server.get("/?q=seq%3D999").status, 200);
    assert_eq!(server.get("/healthz").status, 200);
    drop(stuck);
}

#[test]
fn what_comes_is_sent_to_whoever_looks_on_and_sent_is_shown_and_omitted() {
    let root = trail();
    let path = root
        .path()
        .join("main/audit-2025-11-21-00000000000000000000.jsonl");
    let server = Server::start(root.path(), &[]);
    let page = server.get("/live?q=outcome%3Ddenied");
    let events = page
        .text()
        .split("data-events=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let events = events.expect("an address").replace("&amp;", "&");
    let more: Vec<String> = (120..700)
        .map(|seq| line("main", seq, "e", r#","outcome":"denied""#))
        .collect();
    // Written between the page and its stream: not lost.
    append(&path, &format!("{}\n", more[..1].join("\n")));
    let bearer = format!("Authorization: Bearer {}", server.token);
    let stream = server.open("GET", &events, &[&format!("Host: {}", server.address), &bearer]);
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
    let mut batch = || {
        let data = lines
            .by_ref()
            .find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
        let value: serde_json::Value = serde_json::from_str(&data.expect("a batch")).expect("JSON");
        let number = |name: &str| value[name].as_u64().expect("a number");
        assert_eq!(number("sent"), number("shown") + number("omitted"));
        (
            number("sent"),
            number("shown"),
            value["rows"].as_str().expect("rows").to_owned(),
        )
    };
    let (sent, shown, rows) = batch();
    assert_eq!((sent, shown), (1, 1));
    assert!(rows.contains("data-open=") && rows.contains("denied"), "{rows}");
    append(&path, &format!("{}\n", more[1..].join("\n")));
    append(
        &path,
        &format!("{}\n", line("main", 700, "e", r#","outcome":"success""#)),
    );
    let mut last = (0, 0, String::new());
    while last.0 < 580 {
        last = batch();
    }
    assert_eq!(
        last.0, 580,
        "neither the one that the filter does not want, nor one twice"
    );
    assert!(last.1 < 580, "too many at a time are counted instead");
}

#[test]
fn a_reader_that_was_cut_off_goes_on_behind_what_it_has() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let page = server.get("/?n=3");
    let third = page
        .text()
        .split("data-open=\"")
        .nth(3)
        .and_then(|rest| rest.split('"').next())
        .expect("a place");
    let lines = [
        &format!("Host: {}", server.address),
        &format!("Authorization: Bearer {}", server.token),
        &format!("Last-Event-ID: {third}"),
    ];
    let stream = server.open("GET", "/events", &lines.map(String::as_str));
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let value: serde_json::Value = serde_json::from_str(&data.expect("a batch")).expect("JSON");
    assert_eq!(value["sent"], 2, "those behind the third");
}

#[test]
fn looking_is_itself_recorded_in_a_stream_of_its_own() {
    let (root, views) = (trail(), tempfile::tempdir().expect("a directory"));
    let before = files(root.path());
    let server = Server::start(root.path(), &["--audit-views", &views.path().to_string_lossy()]);
    server.get("/?q=actor%3Dana");
    server.get("/overview");
    server.get("/export?format=csv");
    assert_eq!(
        server
            .ask("GET", "/", &[&format!("Host: {}", server.address)])
            .status,
        401
    );
    assert_eq!(server.end(), Some(0));
    let seen = binary()
        .arg("show")
        .arg(views.path())
        .args(["--json", "event=trail.view"])
        .output()
        .expect("runs");
    let seen = stdout(&seen);
    let actions: Vec<serde_json::Value> = seen
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let named: Vec<&str> = actions
        .iter()
        .filter_map(|line| line["action"].as_str())
        .collect();
    assert_eq!(named, ["list", "overview", "export"], "{seen}");
    assert_eq!(actions[0]["attributes"]["filter"], "actor=ana");
    assert_eq!(files(root.path()), before, "the trail itself is as it was");
}

fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).expect("listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((
                path.to_string_lossy().into_owned(),
                fs::read(&path).expect("read"),
            ));
        }
    }
    found.sort();
    found
}

#[test]
fn other_addresses_are_only_listened_at_when_that_is_said_and_a_trail_must_be_there() {
    let root = trail();
    let serve = |args: &[&str]| binary().arg("serve").args(args).output().expect("runs");
    let dir = root.path().to_string_lossy();
    let answer = serve(&[&dir, "--listen", "0.0.0.0:0"]);
    assert_eq!(answer.status.code(), Some(4));
    assert!(trails::stderr(&answer).contains("--allow-remote"));
    assert_eq!(serve(&["./nowhere-at-all"]).status.code(), Some(3));
    let token = root.path().join("token");
    fs::write(&token, "short").expect("written");
    assert_eq!(
        serve(&[&dir, "--token-file", &token.to_string_lossy()])
            .status
            .code(),
        Some(4)
    );
}

/// T001-35.
#[test]
fn an_empty_directory_is_a_trail_that_is_still_to_come() {
    let root = tempfile::tempdir().expect("a directory");
    let server = Server::start(root.path(), &[]);
    assert!(server.get("/").text().contains("No record yet"));
    assert_eq!(server.get("/overview").status, 200);
    assert_eq!(server.get("/healthz").status, 200);
    segment(root.path(), "main", 0, &[line("main", 0, "document.read", "")]);
    assert!(server.get("/").text().contains("document.read"));
    let mut rest = String::new();
    let bearer = format!("Authorization: Bearer {}", server.token);
    let mut stream = server.open("GET", "/help", &[&format!("Host: {}", server.address), &bearer]);
    stream.read_to_string(&mut rest).expect("read");
    assert!(rest.contains("outcome in (denied, failure)"));
}

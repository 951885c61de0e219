//! `serve` over more records than a page reads: what is left out is told.
#![cfg(feature = "serve")]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::io::{BufRead as _, BufReader};

use client::Server;
use trails::segment;

/// More than the live page looks through, and than it looks for when its reader comes back.
const RECORDS: u64 = 200_100;

fn trail() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..RECORDS)
        .map(|seq| {
            let event = if seq == 0 { "first.of.all" } else { "document.read" };
            let at = format!("2025-11-21T10:00:00.{seq:09}Z");
            format!(
                r#"{{"event":"{event}","observed_at":"{at}","schema":1,"seq":{seq},"stream":"main","time":"{at}"}}"#
            )
        })
        .collect();
    segment(root.path(), "main", 0, &lines);
    root
}

/// The first batch that a reader is sent who has this record.
fn first_batch(server: &Server, last: &str) -> serde_json::Value {
    let lines = [
        format!("Host: {}", server.address),
        format!("Authorization: Bearer {}", server.token),
        format!("Last-Event-ID: {last}"),
    ];
    let stream = server.open("GET", "/events", &lines.each_ref().map(String::as_str));
    let mut data = BufReader::new(stream)
        .lines()
        .map(|line| line.expect("the stream goes on"))
        .filter_map(|line| Some(line.strip_prefix("data: ")?.to_owned()));
    serde_json::from_str(&data.next().expect("a batch")).expect("JSON")
}

#[test]
fn what_the_live_page_did_not_look_at_is_told_and_so_is_what_a_reader_missed_beyond_its_limit() {
    let root = trail();
    let server = Server::start(root.path(), &[]);
    let page = server.get("/live?q=event%3Dfirst.of.all");
    let text = page.text();
    assert!(
        text.contains("Looked back to 2025-11-21 10:00:00.") && text.contains("Nothing yet"),
        "{text}"
    );
    let all = server.get("/live");
    assert!(!all.text().contains("Looked back to"), "{}", all.text());
    let place = |seq: u64| format!("{}-{seq}-main", 1_763_719_200_000_000_000 + seq);
    // Of one who missed 20,000 nothing is left out.
    for (missed, sent, more) in [
        (RECORDS - 1, 20_000, true),
        (20_001, 20_000, true),
        (20_000, 20_000, false),
        (10, 10, false),
    ] {
        let batch = first_batch(&server, &place(RECORDS - 1 - missed));
        assert_eq!(
            (&batch["sent"], &batch["more"]),
            (&sent.into(), &more.into()),
            "{missed}"
        );
    }
}

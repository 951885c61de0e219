//! The live page over several streams: what one of them tells late is sent, however old it is beside what another told.
#![cfg(feature = "serve")]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::io::{BufRead as _, BufReader, Lines};
use std::net::TcpStream;
use std::path::PathBuf;

use client::Server;
use trails::{append, line, segment};

/// Two streams: `fast` has told up to 10:01:39, `slow` up to 10:00:04.
fn trail() -> (tempfile::TempDir, [PathBuf; 2]) {
    let root = tempfile::tempdir().expect("a directory");
    let told = |stream: &str, records: u64| -> Vec<String> {
        (0..records).map(|seq| line(stream, seq, "step", "")).collect()
    };
    let fast = segment(root.path(), "fast", 0, &told("fast", 100));
    let slow = segment(root.path(), "slow", 0, &told("slow", 5));
    (root, [fast, slow])
}

/// A stream of events.
struct Live(Lines<BufReader<TcpStream>>);

/// One event: its id, its numbers and its rows.
#[derive(Debug)]
struct Batch {
    id: String,
    sent: u64,
    rows: String,
}

impl Live {
    fn open(server: &Server, path: &str, last: Option<&str>) -> Self {
        let mut lines = vec![
            format!("Host: {}", server.address),
            format!("Authorization: Bearer {}", server.token),
        ];
        lines.extend(last.map(|last| format!("Last-Event-ID: {last}")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        Self(BufReader::new(server.open("GET", path, &lines)).lines())
    }

    fn batch(&mut self) -> Batch {
        let mut id = String::new();
        for line in self.0.by_ref() {
            let line = line.expect("the stream goes on");
            // The server has looked forty times and found nothing: what is waited for was left out.
            assert_ne!(line, ": still here", "nothing more is sent");
            if let Some(last) = line.strip_prefix("id: ") {
                id = last.to_owned();
            }
            let Some(data) = line.strip_prefix("data: ") else {
                continue;
            };
            let value: serde_json::Value = serde_json::from_str(data).expect("JSON");
            let number = |name: &str| value[name].as_u64().expect("a number");
            assert_eq!(number("sent"), number("shown") + number("omitted"));
            return Batch {
                id,
                sent: number("sent"),
                rows: value["rows"].as_str().expect("rows").to_owned(),
            };
        }
        panic!("the stream ended");
    }

    /// Batches until so many records were sent.
    fn until(&mut self, sent: u64) -> Batch {
        loop {
            let batch = self.batch();
            assert!(batch.sent <= sent, "{batch:?}");
            if batch.sent == sent {
                return batch;
            }
        }
    }
}

/// Where the page says that its events are.
fn events(server: &Server, path: &str) -> String {
    let page = server.get(path);
    let rest = page.text().split("data-events=\"").nth(1);
    let href = rest.and_then(|rest| rest.split('"').next()).expect("an address");
    href.replace("&amp;", "&")
}

#[test]
fn what_a_slow_stream_tells_between_the_page_and_its_events_is_sent() {
    let (root, [_, slow]) = trail();
    let server = Server::start(root.path(), &[]);
    let events = events(&server, "/live");
    append(&slow, &format!("{}\n", line("slow", 5, "late.one", "")));
    let batch = Live::open(&server, &events, None).batch();
    assert_eq!(batch.sent, 1);
    assert!(batch.rows.contains("late.one"), "{}", batch.rows);
}

#[test]
fn a_reader_that_comes_back_lacks_nothing_of_any_stream_and_has_nothing_twice() {
    let (root, [fast, slow]) = trail();
    let server = Server::start(root.path(), &[]);
    let events = events(&server, "/live");
    let mut live = Live::open(&server, &events, None);
    append(&fast, &format!("{}\n", line("fast", 100, "fast.one", "")));
    append(&slow, &format!("{}\n", line("slow", 5, "late.one", "")));
    let last = live.until(2).id;
    drop(live);
    // Each is older than what `fast` has told, and one stream is new.
    let late: Vec<String> = (6..9).map(|seq| line("slow", seq, "late.more", "")).collect();
    append(&slow, &format!("{}\n", late.join("\n")));
    segment(root.path(), "new", 0, &[line("new", 0, "new.one", "")]);
    let mut again = Live::open(&server, &events, Some(&last));
    let batch = again.until(4);
    assert_eq!(batch.rows.matches("data-open=").count(), 4, "{}", batch.rows);
    assert!(
        batch.rows.contains("new.one") && !batch.rows.contains("late.one"),
        "{}",
        batch.rows
    );
    drop(again);
    let mut none = Live::open(&server, &events, Some(&batch.id));
    append(&slow, &format!("{}\n", line("slow", 9, "late.last", "")));
    let batch = none.batch();
    assert_eq!(batch.sent, 1, "{}", batch.rows);
}

#[test]
fn an_id_of_the_old_form_is_a_place_among_all_streams() {
    let (root, _) = trail();
    let server = Server::start(root.path(), &[]);
    // The third record of `fast`; at the same time, and later, `slow` has two.
    let third = format!("{}-2-fast", 1_763_719_202_250_000_000_u64);
    assert_eq!(Live::open(&server, "/events", Some(&third)).batch().sent, 97 + 3);
    let events = format!("/events?after={third}");
    assert_eq!(Live::open(&server, &events, None).batch().sent, 97 + 3);
    assert_eq!(Live::open(&server, "/events?seen=each", None).batch().sent, 105);
    assert_eq!(server.get("/events?seen=nothing").status, 400);
}

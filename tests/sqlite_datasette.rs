//! Datasette over the SQLite file of a running trail: what it serves is what the journal holds.
#![cfg(feature = "sqlite")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tracing_audit::Audit;
use tracing_audit::format::read_line;
use tracing_audit::record::{Record, Slot};
use tracing_audit::sink::SqliteSink;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running Datasette.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// `None` where it is not installed.
    fn start(file: &Path) -> Option<Self> {
        let Some(python) = std::env::var_os("TRACING_AUDIT_PYTHON") else {
            println!(
                "SKIPPED: TRACING_AUDIT_PYTHON names no interpreter with Datasette; `cargo xtask test` makes one"
            );
            return None;
        };
        let mut child = Command::new(python)
            .args(["-m", "datasette", "serve"])
            .arg(file)
            .args(["-h", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the interpreter that TRACING_AUDIT_PYTHON names can be started");
        let said = BufReader::new(child.stderr.take().expect("a pipe was asked for"));
        let mut all = String::new();
        let mut lines = said.lines();
        // The port is the system's choice.
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line
                .split("http://")
                .nth(1)
                .and_then(|rest| rest.split_whitespace().next());
            all.push_str(&line);
            address.map(str::to_owned)
        });
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.unwrap_or_else(|| panic!("it says no address: {all}"));
        Some(Self { child, address })
    }

    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.split(' ').nth(1) == Some("200"), "{path}: {answer}");
        serde_json::from_str(body).expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a trail's segments.
fn journal_of(audit: &Audit) -> String {
    let segments = std::fs::read_dir(audit.path().unwrap()).unwrap();
    let mut segments: Vec<_> = segments
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    segments.sort();
    let texts = segments.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.collect()
}

/// A trail of 150 records beside their SQLite file, still running.
fn running(dir: &Path, path: &Path) -> Audit {
    let sink = SqliteSink::open(path).unwrap().part_records(40);
    let audit = Audit::builder()
        .directory(dir.join("audit"))
        .sink(sink)
        .start()
        .unwrap();
    for at in 0..150 {
        let outcome = if at % 3 == 0 { "denied" } else { "success" };
        let record = Record::builder("document.read")
            .actor("user", format!("u-{}", at % 7))
            .outcome(outcome)
            .resource("document", format!("{at}<&\"é"));
        audit.emit(record.build()).unwrap();
    }
    audit.flush(PATIENCE).unwrap();
    audit
}

#[test]
fn datasette_serves_the_records_of_a_running_trail() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("audit.db");
    let audit = running(place.path(), &path);
    let text = journal_of(&audit);
    let journal: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let Some(server) = Server::start(&path) else {
        return;
    };

    let served = server.get("/audit/lines.json?_shape=array&_size=max&_sort=seq");
    let served: Vec<&str> = served
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["line"].as_str().unwrap())
        .collect();
    assert_eq!(served, text.lines().collect::<Vec<_>>());

    let denied = server.get("/audit/records.json?_shape=array&_size=max&_sort=seq&outcome=denied");
    let denied = denied.as_array().unwrap();
    let wanted: Vec<&Value> = journal
        .iter()
        .filter(|line| line["outcome"] == "denied")
        .collect();
    assert_eq!((denied.len(), wanted.len()), (50, 50));
    for (row, line) in denied.iter().zip(wanted) {
        for (column, said) in [
            ("seq", &line["seq"]),
            ("stream", &line["stream"]),
            ("event", &line["event"]),
            ("action", &line["action"]),
            ("actor_id", &line["actor"]["id"]),
            ("resource_id", &line["resource"]["id"]),
        ] {
            assert_eq!(&row[column], said, "{column}");
        }
        let record = read_line(line.to_string().as_bytes()).unwrap();
        assert_eq!(row["time"].as_u64(), record.uint(Slot::Time), "in nanoseconds");
    }
    let counted = server.get("/audit/records.json?_shape=objects&_size=0&_facet=actor_id");
    assert_eq!(
        counted["facet_results"]["actor_id"]["results"]
            .as_array()
            .unwrap()
            .len(),
        8,
        "seven users, and the trail itself"
    );
    audit.shutdown(PATIENCE).unwrap();
}

//! `tail -f` as a process: what it prints while a trail grows, and when it ends.

#[path = "support/trails.rs"]
mod trails;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use trails::{append, binary, line, segment};

/// Long enough for a loaded machine; no test waits for it unless it fails.
const DEADLINE: Duration = Duration::from_secs(30);

const DENIED: &str = r#","actor":{"id":"nightly","type":"service"},"outcome":"denied","reason":"not the owner","resource":{"id":"9","type":"invoice"}"#;

/// A running `tail -f`, its lines read by a thread so that a test can wait with a deadline.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(args: &[&str], dir: &Path) -> Self {
        let mut child = binary()
            .args(["tail", "-f"])
            .args(args)
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    // Dropping the pipe is what a reader that has seen enough does.
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines
            .recv_timeout(DEADLINE)
            .expect("a line before the deadline")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn tail_follows_into_new_segments_and_new_streams() {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..6).map(|seq| line("main", seq, "e", "")).collect();
    let path = segment(root.path(), "main", 0, &lines[..2]);
    let tail = Running::start(&["--json", "-n", "1"], root.path());
    assert_eq!(tail.next(), lines[1], "the newest record first");
    append(&path, &lines[2][..20]);
    append(&path, &format!("{}\n", &lines[2][20..]));
    assert_eq!(tail.next(), lines[2]);
    append(&path, &format!("{}\n", lines[3]));
    segment(root.path(), "main", 4, &lines[4..]);
    assert_eq!([tail.next(), tail.next(), tail.next()], lines[3..]);
    let other = line("pii", 0, "e", "");
    segment(root.path(), "pii", 0, std::slice::from_ref(&other));
    assert_eq!(tail.next(), other);
}

#[test]
fn tail_filters_and_ends_when_nobody_reads_even_if_nothing_is_written() {
    let root = tempfile::tempdir().expect("a directory");
    let lines = [
        line("main", 0, "document.read", ""),
        line("main", 1, "invoice.delete", DENIED),
    ];
    segment(root.path(), "main", 0, &lines);
    let mut child = binary()
        .args(["tail", "-f", "-n", "5"])
        .arg(root.path())
        .arg("outcome=denied")
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let (mut head, mut row) = (String::new(), String::new());
    stdout.read_line(&mut head).expect("the head");
    stdout.read_line(&mut row).expect("a row");
    assert!(
        head.starts_with("TIME (UTC)") && row.contains("invoice.delete"),
        "{head}{row}"
    );
    drop(stdout);
    let (sender, ended) = channel();
    let waiting = std::thread::spawn(move || sender.send(child.wait()));
    let status = ended
        .recv_timeout(DEADLINE)
        .expect("ends before the deadline")
        .expect("a status");
    assert_eq!(status.code(), Some(0));
    waiting.join().expect("joined").expect("sent");
}

#[test]
fn tail_waits_in_an_empty_directory_for_the_first_record() {
    let root = tempfile::tempdir().expect("a directory");
    let tail = Running::start(&["--json"], root.path());
    let first = line("main", 0, "audit.open", "");
    segment(root.path(), "main", 0, std::slice::from_ref(&first));
    assert_eq!(tail.next(), first);
}

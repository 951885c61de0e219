//! The binary as a process, and trails that are written by hand for it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracing-audit"));
    command.env_remove("NO_COLOR").env_remove("COLUMNS");
    command
}

pub(crate) fn run(args: &[&str], dir: &Path) -> Output {
    let (name, rest) = args.split_first().expect("a command");
    binary().arg(name).arg(dir).args(rest).output().expect("runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A line of stream `stream`, taken `seq` seconds after 10:00.
pub(crate) fn line(stream: &str, seq: u64, event: &str, more: &str) -> String {
    let at = format!("2025-11-21T10:{:02}:{:02}.250000000Z", seq / 60, seq % 60);
    format!(
        r#"{{"event":"{event}","observed_at":"{at}","schema":1,"seq":{seq},"stream":"{stream}","time":"{at}"{more}}}"#
    )
}

pub(crate) fn segment(root: &Path, stream: &str, first: u64, lines: &[String]) -> PathBuf {
    let dir = root.join(stream);
    fs::create_dir_all(&dir).expect("a directory");
    let path = dir.join(format!("audit-2025-11-21-{first:020}.jsonl"));
    fs::write(
        &path,
        lines.iter().map(|line| format!("{line}\n")).collect::<String>(),
    )
    .expect("a file");
    path
}

pub(crate) fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

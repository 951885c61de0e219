//! Files that no writer of ours leaves: a line of 100 MB, links in circles, files that are cut short. Every command says
//! what it met and ends in order, in little memory.
#![cfg(target_os = "linux")]

#[cfg(feature = "serve")]
#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;
use tracing_audit::Audit;
use tracing_audit::record::Record;
use trails::{append, binary, line, segment, stderr, stdout};

/// The length of one line, in bytes.
const LONG: u64 = 100 * 1024 * 1024;

/// What the system gives to a command, in KiB, the program itself included: one that took such a line whole would fail.
const ROOM: u64 = 192 * 1024;

/// The commands that read every line, each with what it is asked.
const COMMANDS: &[&[&str]] = &[
    &["show", "--no-pager"],
    &["show", "--json", "event=document.read"],
    &["show", "--json", "zebra"],
    &["tail", "-n", "100"],
    &["stats"],
    &["count", "--by", "event"],
    &["export", "--format", "jsonl"],
    &["verify"],
    &["doctor"],
];

/// Runs a command with little memory: the limit is on addresses, so that nothing is taken in advance either.
fn within(kib: u64, args: &[&str], dir: &Path) -> Output {
    let (name, rest) = args.split_first().expect("a command");
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {kib}; exec \"$0\" \"$@\"")])
        .arg(binary().get_program())
        .arg(name)
        .arg(dir)
        .args(rest)
        // An arena for each thread would reserve addresses that nobody uses.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .expect("runs")
}

/// Whether a command ended by itself, and said why where it did not do what it was asked.
fn assert_ends_in_order(args: &[&str], output: &Output, said: &str) {
    let text = format!("{}{}", stdout(output), stderr(output));
    let shown: String = text.chars().take(2_000).collect();
    assert!(
        matches!(output.status.code(), Some(0..=3)),
        "{args:?}: {} {shown}",
        output.status
    );
    assert!(!text.contains("panicked"), "{args:?}: {shown}");
    assert!(!text.trim().is_empty(), "{args:?} says nothing");
    assert!(text.contains(said), "{args:?} does not say `{said}`: {shown}");
}

/// A trail of one stream with twenty records, of which the tenth is followed by `bytes` that are no record.
fn with(bytes: impl FnOnce(&mut fs::File)) -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let lines: Vec<String> = (0..20)
        .map(|seq| line("main", seq, "document.read", ""))
        .collect();
    let path = segment(root.path(), "main", 0, &lines[..10]);
    let mut file = OpenOptions::new().append(true).open(&path).expect("a file");
    bytes(&mut file);
    append(&path, &format!("{}\n", lines[10..].join("\n")));
    root
}

fn with_a_long_line() -> TempDir {
    with(|file| {
        file.write_all(b"{\"event\":\"document.read\",\"summary\":\"")
            .expect("written");
        // A hole: it reads as NULs, and takes no room on the disk.
        let end = file.metadata().expect("a file").len() + LONG;
        file.set_len(end).expect("longer");
        file.write_all(b"\"}\n").expect("written");
    })
}

#[test]
fn a_line_of_100_mb_is_told_by_every_command_in_bounded_memory() {
    let root = with_a_long_line();
    for args in COMMANDS {
        let output = within(ROOM, args, root.path());
        let said = match args.first() {
            Some(&"verify" | &"doctor" | &"count") => "",
            _ => "longer than any record",
        };
        assert_ends_in_order(args, &output, said);
    }
    let exported = within(ROOM, &["export", "--format", "jsonl"], root.path());
    assert_eq!(stdout(&exported).lines().count(), 20);
    let verified = within(ROOM, &["verify"], root.path());
    assert_ne!(verified.status.code(), Some(0), "{}", stdout(&verified));
}

#[cfg(feature = "serve")]
#[test]
fn a_line_of_100_mb_is_told_by_the_page_in_bounded_memory() {
    let root = with_a_long_line();
    let server = client::Server::start(root.path(), &[]);
    let list = server.get("/");
    assert_eq!(list.status, 200);
    assert!(list.text().contains("longer than any record"), "{}", list.text());
    for path in [
        "/overview?run=verify",
        "/?q=zebra",
        "/live",
        "/metrics",
        "/export?format=csv",
    ] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    assert_eq!(server.get("/export?format=jsonl").text().lines().count(), 20);
    let peak = server.peak_kib();
    assert!(peak < LONG / 1024, "{peak} KiB");
}

#[test]
fn links_in_circles_end_no_command_and_are_never_followed_into_a_second_trail() {
    let root = with(|_| {});
    let main = root.path().join("main");
    symlink(root.path(), root.path().join("up")).expect("a link");
    symlink("itself", root.path().join("itself")).expect("a link");
    symlink("..", main.join("up")).expect("a link");
    symlink("b", main.join("a")).expect("a link");
    symlink("a", main.join("b")).expect("a link");
    symlink("cursors", main.join("cursors")).expect("a link");
    for args in COMMANDS {
        assert_ends_in_order(args, &within(ROOM, args, root.path()), "");
    }
    let exported = within(ROOM, &["export", "--format", "jsonl"], root.path());
    assert_eq!(
        stdout(&exported).lines().count(),
        20,
        "each record once: {}",
        stderr(&exported)
    );
}

#[test]
fn a_segment_in_whose_place_a_link_to_itself_stands_is_missed_by_verify_and_told_by_show() {
    let root = written();
    let dir = root.path().join("audit");
    let mut all = Vec::new();
    files(&dir, &mut all);
    all.retain(|path| {
        path.extension().is_some_and(|end| end == "jsonl") && path.parent() == Some(&dir.join("main"))
    });
    all.sort();
    assert!(all.len() > 2, "{all:?}");
    fs::remove_file(&all[1]).expect("removed");
    symlink(all[1].file_name().expect("a name"), &all[1]).expect("a link");
    for args in COMMANDS {
        assert_ends_in_order(args, &within(ROOM, args, &dir), "");
    }
    let verified = within(ROOM, &["verify"], &dir);
    assert!(
        !matches!(verified.status.code(), Some(0)),
        "{}",
        stdout(&verified)
    );
    let shown = within(ROOM, &["show", "--no-pager"], &dir);
    assert!(stdout(&shown).contains("numbers missing"), "{}", stdout(&shown));
}

/// A trail as the writer leaves it, sealed, with two segments.
fn written() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("audit");
    let audit = Audit::builder().directory(&dir).start().expect("it starts");
    for turn in 0..2 {
        for at in 0..40 {
            let record = Record::builder("document.read").summary(format!("{turn} {at}"));
            audit.emit(record.build()).expect("the disk works");
        }
        audit.rotate().expect("the disk works");
    }
    audit.shutdown(Duration::from_secs(60)).expect("the disk works");
    root
}

/// Every file below a directory.
fn files(dir: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

#[test]
fn a_trail_of_which_any_file_is_cut_short_is_read_and_told_by_every_command() {
    let root = written();
    let dir = root.path().join("audit");
    let mut all = Vec::new();
    files(&dir, &mut all);
    assert!(all.len() > 5, "{all:?}");
    for path in &all {
        let whole = fs::read(path).expect("a file");
        for keep in [0, whole.len() / 3, whole.len().saturating_sub(1)] {
            if keep == whole.len() {
                continue;
            }
            fs::write(path, &whole[..keep]).expect("written");
            for args in [&["show", "--no-pager"][..], &["tail"], &["verify"], &["doctor"]] {
                assert_ends_in_order(args, &within(ROOM, args, &dir), "");
            }
        }
        fs::write(path, &whole).expect("written");
    }
    let verified = within(ROOM, &["verify"], &dir);
    assert!(
        matches!(verified.status.code(), Some(0 | 2)),
        "as it was: {}{}",
        stdout(&verified),
        stderr(&verified)
    );
}

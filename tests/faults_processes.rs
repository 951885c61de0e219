//! Fifty processes that want the same directory at the same time: one of them gets it, and the others are told who has it.

#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/torture.rs"]
mod torture;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use child::{directory, halt, in_directory, tells};
use torture::scenario;
use tracing_audit::{Audit, ErrorKind};

const PROCESSES: usize = 50;

/// What one of them does: it says how it fared, and stays until its parent lets it go.
fn open() {
    match Audit::builder().directory(directory()).start() {
        Ok(audit) => {
            audit.flush(torture::PATIENCE).expect("the disk works");
            println!("fared: has it");
            std::mem::forget(audit);
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
            println!("fared: {error}");
        }
    }
    halt();
}

/// The answer of a child, which goes on running.
fn answer(child: &mut Child) -> String {
    let said = child.stdout.as_mut().expect("it is piped");
    for line in BufReader::new(said).lines() {
        let line = line.expect("it says text");
        if let Some((_, answer)) = line.split_once("fared: ") {
            return answer.to_owned();
        }
    }
    panic!("a child ended without an answer: {:?}", child.wait());
}

#[test]
fn of_fifty_processes_exactly_one_gets_the_directory_and_the_others_are_told_which() {
    let test = "of_fifty_processes_exactly_one_gets_the_directory_and_the_others_are_told_which";
    if scenario().is_some() {
        open();
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let start = |_| {
        let mut command = in_directory(test, "open", place.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().expect("the child starts")
    };
    let mut children: Vec<Child> = (0..PROCESSES).map(start).collect();
    let answers: Vec<(u32, String)> = children
        .iter_mut()
        .map(|child| (child.id(), answer(child)))
        .collect();
    let winners: Vec<u32> = answers
        .iter()
        .filter(|(_, answer)| answer == "has it")
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let holder = format!("pid {} on ", winners[0]);
    // Who asked while the winner had the lock and had not yet written its name into it is told "another process".
    let is_told = |answer: &str| answer.contains(&holder) || answer.contains("another process");
    let others = || answers.iter().filter(|(id, _)| *id != winners[0]);
    assert!(others().all(|(_, answer)| is_told(answer)), "{answers:?}");
    for mut child in children {
        child.kill().expect("it still runs");
        child.wait().expect("it can be waited for");
    }
    // The trail is one writer's, and free again.
    let next = Audit::builder().directory(place.path()).start();
    next.expect("it starts")
        .shutdown(torture::PATIENCE)
        .expect("the disk works");
    tells(place.path(), &[("audit.open", 2), ("audit.close", 1)], "fifty");
}

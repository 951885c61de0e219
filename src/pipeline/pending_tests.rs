//! No action is done without a durable intent, whatever the disk does: 1,000 runs with faults and power failures.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use super::{Audit, Pending};
use crate::error::Result;
use crate::format::read_line;
use crate::record::{Record, Slot};
use crate::sink::file::memfs::{Fault, MemFs};

const LONG: Duration = Duration::from_secs(30);

/// Short, so that a disk that answers nothing is an error soon. An expired wait only refuses an action.
const PATIENCE: Duration = Duration::from_millis(4);

const ACTIONS: u64 = 4;

/// Splits a seed into small numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        // xorshift64*: any numbers will do, as long as a seed gives the same ones again.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

fn intent(number: u64) -> Record {
    let record = Record::builder("billing.transfer").actor("user", "u-1");
    record.attribute("number", number).build()
}

/// The records that the disk has, where the power fails now.
fn durable(fs: &MemFs) -> Vec<Record> {
    fs.crash();
    let names = fs.names().into_iter().filter(|name| name.ends_with(".jsonl"));
    let files = names.map(|name| fs.get(&Path::new("/audit/main").join(name)));
    // File by file: one may end with a part of a line, which is no part of the next one's first.
    let read = |bytes: Vec<u8>| {
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.filter_map(|line| read_line(line).ok()).collect::<Vec<_>>()
    };
    files.flat_map(read).collect()
}

/// What an application does that acts only where `begin` says so. Gives the actions that were done, and the disk's records.
fn run(
    seed: u64,
    begin: impl Fn(&Audit, u64) -> Option<(String, Option<Pending>)>,
) -> (Vec<String>, Vec<Record>) {
    const FAULTS: [Fault; 6] = [
        Fault::Enospc,
        Fault::Eio,
        Fault::Erofs,
        Fault::Short,
        Fault::Sync,
        Fault::Zeros,
    ];
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let fs = MemFs::default();
    let builder = Audit::builder().directory("/audit").file_system(&fs).keep_days(0);
    let patient = builder.commit_timeout(PATIENCE).room_timeout(PATIENCE);
    let audit = patient.diagnostics(|_| {}).start().unwrap();
    let fault = FAULTS[dice.below(6) as usize];
    let count = [1, 2, 5, 1 << 40][dice.below(4) as usize];
    fs.fail(dice.below(30), count, fault);
    let power = dice.below(2 * ACTIONS);
    let mut done = Vec::new();
    for number in 0..ACTIONS {
        if number == power {
            fs.crash();
        }
        let Some((id, pending)) = begin(&audit, number) else {
            continue;
        };
        // The action is done here.
        done.push(id);
        match (pending, dice.below(3)) {
            (Some(pending), 0) => drop(pending.success()),
            (Some(pending), 1) => drop(pending.denied("no")),
            (pending, _) => drop(pending),
        }
    }
    // The process ends here, in whatever way, and the power with it.
    let records = durable(&fs);
    drop(audit.shutdown(Duration::ZERO));
    (done, records)
}

fn by_intent(audit: &Audit, number: u64) -> Option<(String, Option<Pending>)> {
    let pending: Result<Pending> = audit.begin(intent(number));
    let pending = pending.ok()?;
    Some((pending.execution_id().unwrap().to_owned(), Some(pending)))
}

/// As an application that does not wait until its intent is durable.
fn by_submit(audit: &Audit, number: u64) -> Option<(String, Option<Pending>)> {
    let id = format!("{number:016x}");
    let mut record = intent(number);
    record.put(Slot::Phase, "start".into());
    record.put(Slot::ExecutionId, id.as_str().into());
    audit.submit(record).ok()?;
    Some((id, None))
}

/// How many of the actions have no intent on the disk.
fn without_intent(done: &[String], records: &[Record]) -> usize {
    let is_intent = |record: &&Record| record.text(Slot::Phase) == Some("start");
    let intents: HashSet<&str> = records
        .iter()
        .filter(is_intent)
        .filter_map(|record| record.text(Slot::ExecutionId))
        .collect();
    done.iter().filter(|id| !intents.contains(id.as_str())).count()
}

#[test]
fn no_action_is_done_without_a_durable_intent_in_a_thousand_runs_with_faults() {
    // Most of a run is waiting, so many run beside each other.
    const BESIDE: u64 = 20;
    let part = |first: u64| {
        let mut done = 0;
        for seed in (first..1000).step_by(BESIDE as usize) {
            let (actions, records) = run(seed, by_intent);
            assert_eq!(without_intent(&actions, &records), 0, "seed {seed}");
            done += actions.len() as u64;
        }
        done
    };
    let done: u64 = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..BESIDE)
            .map(|first| scope.spawn(move || part(first)))
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    let refused = 1000 * ACTIONS - done;
    // A model that never acts, or is never refused, would prove nothing.
    assert!(done > 200 && refused > 200, "{done} done, {refused} refused");
}

#[test]
fn an_application_that_does_not_wait_for_its_intent_is_found_to_act_without_one() {
    let found = (0..200).any(|seed| {
        let (actions, records) = run(seed, by_submit);
        without_intent(&actions, &records) > 0
    });
    assert!(found, "the check of the thousand runs cannot fail");
}

#[test]
fn an_action_that_was_refused_for_want_of_time_is_said_not_to_have_begun() {
    let fs = MemFs::default();
    let builder = Audit::builder().directory("/audit").file_system(&fs);
    let audit = builder
        .commit_timeout(PATIENCE)
        .diagnostics(|_| {})
        .start()
        .unwrap();
    audit.flush(LONG).unwrap();
    fs.hold();
    let error = audit.begin(intent(1)).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Timeout, "{error}");
    fs.release();
    audit.flush(LONG).unwrap();
    audit.shutdown(LONG).unwrap();
    let records = durable(&fs);
    let told = records
        .iter()
        .filter(|record| record.event() == "billing.transfer");
    let said: Vec<_> = told
        .map(|record| (record.text(Slot::Outcome).unwrap(), record.text(Slot::ReasonCode)))
        .collect();
    assert_eq!(said, [("pending", None), ("failure", Some("not_begun"))]);
}

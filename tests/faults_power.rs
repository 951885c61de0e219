//! Power failures under a real file system: ext4 on a loop device is shut down without writing its journal, while four
//! threads write. What was acknowledged is there when it is mounted again.
//!
//! Usually 20, with `TRACING_AUDIT_FULL` 300. Without root, loop devices or the tools this is skipped, aloud.

#![cfg(target_os = "linux")]

#[path = "support/child.rs"]
mod child;
#[path = "support/faults.rs"]
mod faults;
#[path = "support/torture.rs"]
mod torture;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use child::{directory, in_directory};
use faults::{Dice, When, Writing, has, rounds, survives, traced, write};
use torture::{scenario, succeed};

/// Waits for the end of its input, then `FS_IOC_SHUTDOWN` with `NOLOGFLUSH`: from here on nothing reaches the device, and
/// what was not confirmed is gone.
const SHUT_DOWN: &str = "import fcntl, os, struct, sys\n\
                         fd = os.open(sys.argv[1], os.O_RDONLY)\n\
                         sys.stdin.read()\n\
                         fcntl.ioctl(fd, 0x8004587D, struct.pack('I', 2))\n";

/// Runs a line of the shell in the directory of the test; its error where it fails.
fn shell(place: &Path, line: &str) -> Result<(), String> {
    let output = Command::new("sh").args(["-ec", line]).current_dir(place).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
}

const MAKE: &str = "mkdir -p mnt; rm -f image; truncate -s 24M image; mkfs.ext4 -q -F -E nodiscard image";
const MOUNT: &str = "mount -t ext4 -o loop image mnt";

/// Runs the test again as its own child in a mount namespace of its own; `None` where that cannot be.
fn in_namespace(test: &str) -> Option<()> {
    let what = "power failures under a real file system";
    if !has("python3", what) {
        return None;
    }
    let place = tempfile::tempdir().expect("there is room for a directory");
    let mut can = Command::new("unshare");
    can.args(["-m", "sh", "-ec", &format!("{MAKE}; {MOUNT}; umount mnt")])
        .current_dir(place.path());
    if !can.output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: {what}: no ext4 can be made and mounted on a loop device here");
        return None;
    }
    let inner = in_directory(test, "inside", place.path());
    let mut outer = Command::new("unshare");
    outer.arg("-m").arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    let told = succeed(outer);
    println!("{}", String::from_utf8_lossy(&told.stdout));
    Some(())
}

/// One power failure, after so many milliseconds of writing; how many records were acknowledged before it.
fn fails(place: &Path, writer: Command, milliseconds: u64) -> Result<usize, String> {
    let mount = place.join("mnt");
    shell(place, MAKE)?;
    shell(place, MOUNT)?;
    let mut switch = Command::new("python3")
        .args(["-c", SHUT_DOWN])
        .arg(&mount)
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let writing = Writing::start(writer);
    writing.until_it_writes();
    std::thread::sleep(Duration::from_millis(milliseconds));
    // The kernel's shutdown is no single moment: an fdatasync that is under way can answer that all is well, and a program
    // of five lines loses what it took for synced then. So what counts was acknowledged before.
    let acknowledged = writing.so_far();
    drop(switch.stdin.take());
    let shut = switch.wait();
    assert!(
        shut.is_ok_and(|status| status.success()),
        "the file system is shut down"
    );
    let _later = writing.kill();
    shell(place, "umount mnt || { sleep 1; umount mnt; }")?;
    shell(place, MOUNT)?;
    let survived = survives(&mount.join("audit"), &acknowledged, When::Durable);
    shell(place, "umount mnt")?;
    survived.map_err(|why| format!("power failure after {milliseconds} ms: {why}"))?;
    Ok(acknowledged.len())
}

fn inside(
    test: &str,
    scenario: &str,
    wrap: impl Fn(Command) -> Command,
    rounds: usize,
) -> Result<usize, String> {
    let place = directory();
    let mut dice = Dice(1_121);
    let mut acknowledged = 0;
    for _ in 0..rounds {
        let writer = in_directory(test, scenario, &place.join("mnt").join("audit"));
        acknowledged += fails(&place, wrap(writer), dice.below(300))?;
    }
    Ok(acknowledged)
}

#[test]
fn a_power_failure_under_a_real_file_system_takes_nothing_that_was_acknowledged() {
    let test = "a_power_failure_under_a_real_file_system_takes_nothing_that_was_acknowledged";
    match scenario().as_deref() {
        None => {
            in_namespace(test);
        }
        Some("inside") => {
            let failures = rounds(300, 20, 5);
            let acknowledged = inside(test, "write", |command| command, failures);
            let acknowledged = acknowledged.unwrap_or_else(|why| panic!("{why}"));
            println!("{failures} power failures, {acknowledged} records acknowledged, none lost");
            assert!(acknowledged > failures, "the children hardly wrote");
        }
        Some(_) => write(&directory(), When::Durable, None),
    }
}

#[test]
fn a_power_failure_finds_an_fdatasync_that_does_nothing() {
    let test = "a_power_failure_finds_an_fdatasync_that_does_nothing";
    match scenario().as_deref() {
        None => {
            if has("strace", "a stubbed fdatasync under a power failure") {
                in_namespace(test);
            }
        }
        Some("inside") => {
            let stub = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:retval=0"];
            let stubbed = inside(test, "write", |command| traced(&command, &stub), 10);
            let why = stubbed.expect_err("the lane does not see that nothing was synced");
            assert!(why.contains("lost"), "{why}");
        }
        Some(_) => write(&directory(), When::Durable, None),
    }
}

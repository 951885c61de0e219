//! `tracing-audit demo`: a day that was invented, and what can be seen of it.

#[path = "support/trails.rs"]
mod trails;

use trails::{run, stderr, stdout};

#[test]
fn demo_writes_a_trail_that_show_reads_and_never_into_one_that_is_there() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("new");
    let output = run(&["demo", "--records", "300", "--seed", "7"], &dir);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("300 invented records"),
        "{}",
        stdout(&output)
    );
    let shown = run(
        &[
            "show",
            "--limit",
            "0",
            "--json",
            "service=docs-demo",
            "not event=audit.*",
        ],
        &dir,
    );
    assert_eq!(stdout(&shown).lines().count(), 300, "{}", stderr(&shown));
    // No gap and no finding; the demo leaves a job open, as a process that was killed does.
    let said = stderr(&shown);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("1 start in `main-") && said.contains("has no outcome"),
        "{said}"
    );
    assert!(
        !stdout(&shown).contains("an invented one"),
        "the password was redacted"
    );
    let denied = stdout(&run(&["show", "outcome=denied", "--since", "-25h"], &dir));
    assert!(denied.contains("not the owner"), "{denied}");
    let open = stdout(&run(&["show", "--open"], &dir));
    assert!(open.contains("index-rebuild"), "{open}");
    assert!(open.contains("1 of "), "one job is still open: {open}");
    let again = run(&["demo"], &dir);
    assert_eq!(again.status.code(), Some(4));
    assert!(
        stderr(&again).contains("holds a trail already"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn demo_says_of_a_file_that_it_is_no_directory() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("file");
    std::fs::write(&file, "mine").expect("written");
    let output = run(&["demo"], &file);
    assert_eq!(output.status.code(), Some(4));
    let said = stderr(&output);
    assert!(
        said.contains("is not a directory") && !said.contains("holds a trail"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "mine");
}

//! Project commands, the same for people and for CI: `cargo xtask <lane>`.

mod browser;
mod campaign;
mod checks;
mod examples;
mod sh;
mod tally;
mod test;
mod tools;

use std::process::ExitCode;

/// A lane: its name, what it does, and the function that does it.
type Lane = (&'static str, &'static str, fn(&[String]) -> sh::Outcome);

const LANES: &[Lane] = &[
    (
        "test",
        "install what the tests need, run every test; --quick installs nothing and leaves slow tests out",
        test::run,
    ),
    (
        "lint",
        "formatting, clippy and documentation, warnings denied",
        checks::lint,
    ),
    ("examples", "run every example to its end", examples::run),
    (
        "features",
        "compile without features, with each alone, with all",
        checks::features,
    ),
    (
        "targets",
        "compile for Windows and macOS, and by the oldest Rust; installs what that takes",
        checks::targets,
    ),
    (
        "bench",
        "measure everything, and write docs/benchmarks.md; arguments are passed on instead, such as `redact`",
        checks::bench,
    ),
    (
        "campaign",
        "run tests at full size, by the name of their lane; without a name list the lanes",
        campaign::run,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let lane = arguments
        .first()
        .and_then(|name| LANES.iter().find(|(known, ..)| known == name));
    let Some((name, _, run)) = lane else {
        println!("usage: cargo xtask <lane>\n");
        for (name, what, _) in LANES {
            println!("  {name:<9} {what}");
        }
        return ExitCode::from(2);
    };
    match run(arguments.get(1..).unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask {name}: {why}");
            ExitCode::FAILURE
        }
    }
}

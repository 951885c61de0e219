//! What the figures were measured on.

use std::fs;
use std::process::Command;

/// Lines for the head of the document: machine, kernel, compiler, commit, date.
#[must_use]
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let rows = [
        (
            "Processor",
            format!("{cores} × {}", field("/proc/cpuinfo", "model name")),
        ),
        ("Memory", field("/proc/meminfo", "MemTotal")),
        ("Kernel", said("uname", &["-sr"])),
        ("Compiler", said("rustc", &["--version"])),
        ("Build", "release, lto = thin, codegen-units = 1".into()),
        ("Commit", commit()),
        ("Date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
    ];
    let mut text = String::from("| | |\n|-|-|\n");
    for (name, value) in rows {
        text.push_str(&format!("| {name} | {value} |\n"));
    }
    text
}

fn commit() -> String {
    let changed = said(
        "git",
        &[
            "status",
            "--porcelain",
            "--",
            "src",
            "benches",
            "Cargo.toml",
            "Cargo.lock",
        ],
    );
    let mark = if changed == "unknown" || changed.is_empty() {
        ""
    } else {
        ", with changes that are not committed"
    };
    format!("{}{mark}", said("git", &["rev-parse", "--short=12", "HEAD"]))
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.ok().filter(|output| output.status.success());
    text.map_or_else(
        || "unknown".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn field(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_owned())
}

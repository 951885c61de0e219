//! What tests need beside Rust: Python packages in an environment of their own, `jq`, `valgrind`, and what the page is tested with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::browser;
use crate::sh::{Outcome, output, root, run, target};

/// What was found or installed, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    /// The interpreter that has the packages of `python-requirements.txt`.
    pub(crate) python: Option<PathBuf>,
    /// The interpreter that has the packages of `peers-requirements.txt`: a collector, a broker and their decoder.
    pub(crate) peers: Option<PathBuf>,
    /// The verifier of transparency logs of `tlog-requirements.txt`.
    pub(crate) tlog: Option<PathBuf>,
    /// The interpreter that has ClickHouse's engine, of `clickhouse-requirements.txt`.
    pub(crate) clickhouse: Option<PathBuf>,
    /// The folder that has the modules of `tests/page/package-lock.json`.
    pub(crate) page: Option<PathBuf>,
    /// For each tool that is missing, what is not tested for want of it.
    pub(crate) missing: Vec<String>,
}

/// The list of packages that run on an older Python than they ask for.
const TLOG: &str = "tlog";

impl Tools {
    /// Finds every tool; installs those that are missing if `install` says so.
    pub(crate) fn find(install: bool) -> Self {
        let mut tools = Self::default();
        match python("python", install) {
            Ok(python) => tools.python = Some(python),
            Err(why) => tools.missing.push(format!(
                "Python oracles (RFC 8785, JSON Schema, DuckDB, Datasette): {why}"
            )),
        }
        match python("peers", install) {
            Ok(python) => tools.peers = Some(python),
            Err(why) => tools.missing.push(format!(
                "a real collector (rotel, tansu, opentelemetry-proto): {why}"
            )),
        }
        match python(TLOG, install) {
            Ok(python) => tools.tlog = Some(python.with_file_name("aics-tlog")),
            Err(why) => tools.missing.push(format!(
                "another verifier of transparency logs (aics-tlog): {why}"
            )),
        }
        // Large: only the campaign that is about it installs it.
        match python("clickhouse", false) {
            Ok(python) => tools.clickhouse = Some(python),
            Err(_) => tools.missing.push(
                "an auditor's questions in ClickHouse: `cargo xtask campaign clickhouse` installs it and asks them".into(),
            ),
        }
        for (program, what) in [
            ("jq", "reading lines with jq"),
            ("valgrind", "counting instructions"),
        ] {
            if let Err(why) = program_or_package(program, install) {
                tools.missing.push(format!("{what}: {why}"));
            }
        }
        tools.page = browser::find(install, &mut tools.missing);
        tools
    }
}

/// Installs ClickHouse's engine unless it is there.
pub(crate) fn clickhouse() -> Outcome<PathBuf> {
    python("clickhouse", true)
}

fn program_or_package(program: &str, install: bool) -> Outcome {
    if has(program) {
        return Ok(());
    }
    if !install {
        return Err(format!("`{program}` is not installed"));
    }
    apt(program)?;
    if has(program) {
        Ok(())
    } else {
        Err(format!("`{program}` was installed and does not run"))
    }
}

pub(crate) fn has(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Installs a Debian package, which only root can.
pub(crate) fn apt(package: &str) -> Outcome {
    let user = output(Command::new("id").arg("-u")).unwrap_or_default();
    if user.trim() != "0" || !has("apt-get") {
        return Err(format!(
            "`{package}` is not installed, and without root and apt-get it cannot be"
        ));
    }
    // Old package lists name versions that are no longer served.
    output(Command::new("apt-get").args(["update", "-q"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-q", "--no-install-recommends", package]);
    output(install.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

/// The interpreter of an environment of ours, made from its pinned and hash-checked list unless it is there already.
fn python(name: &str, install: bool) -> Outcome<PathBuf> {
    let list = root().join(format!("xtask/{name}-requirements.txt"));
    let wanted =
        fs::read_to_string(&list).map_err(|error| format!("the list of packages cannot be read: {error}"))?;
    let home = target().join("tools").join(name);
    let python = home.join("bin/python");
    // The stamp is written last: an installation that was interrupted is made anew.
    let stamp = home.join("requirements.installed");
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !install {
        return Err("not installed; `cargo xtask test` without --quick installs it".into());
    }
    if home.exists() {
        fs::remove_dir_all(&home)
            .map_err(|error| format!("the old environment cannot be removed: {error}"))?;
    }
    environment(&home)?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        // The lists name all that is needed.
        "--no-deps",
    ]);
    if name == TLOG {
        pip.arg("--ignore-requires-python");
    }
    run(pip.arg("-r").arg(&list))?;
    fs::write(&stamp, wanted).map_err(|error| format!("the stamp cannot be written: {error}"))?;
    Ok(python)
}

fn environment(home: &Path) -> Outcome {
    let make = || output(Command::new("python3").args(["-m", "venv"]).arg(home)).map(drop);
    // Debian ships `venv` apart from the interpreter.
    make().or_else(|_| apt("python3-venv").and_then(|()| make()))
}

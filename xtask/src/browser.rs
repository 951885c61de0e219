//! What the tests of the page need: Debian's Chromium, Node with two modules from the lock file, and promtool.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::sh::{Outcome, output, root, target};
use crate::tools::{apt, has};

/// Programs, each with its Debian package and what is not tested without it.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("chromium", "chromium", "the page in a browser"),
    ("npm", "npm", "the page in a browser"),
    ("promtool", "prometheus", "the form of /metrics"),
];

/// Finds the programs and the modules; installs those that are missing if `install` says so. Gives the folder that holds the
/// modules, and adds what is missing to `missing`.
pub(crate) fn find(install: bool, missing: &mut Vec<String>) -> Option<PathBuf> {
    for (program, package, what) in PROGRAMS {
        if has(program) {
            continue;
        }
        let installed = if install {
            apt(package)
        } else {
            Err(format!("`{program}` is not installed"))
        };
        if let Err(why) = installed {
            missing.push(format!("{what}: {why}"));
        }
    }
    match modules(install) {
        Ok(home) => Some(home),
        Err(why) => {
            missing.push(format!(
                "the page in a browser (playwright-core, axe-core): {why}"
            ));
            None
        }
    }
}

/// The modules as the lock file names them, checked by hash, without scripts of theirs, in the build folder.
fn modules(install: bool) -> Outcome<PathBuf> {
    let read = |name: &str| {
        let text = fs::read_to_string(root().join("tests/page").join(name));
        text.map_err(|error| format!("tests/page/{name} cannot be read: {error}"))
    };
    let (list, lock) = (read("package.json")?, read("package-lock.json")?);
    let home = target().join("tools/page");
    // The stamp is written last: an installation that was interrupted is made anew.
    let stamp = home.join("lock.installed");
    if home.join("node_modules").is_dir()
        && fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock)
    {
        return Ok(home);
    }
    if !install {
        return Err("not installed; `cargo xtask test` without --quick installs it".into());
    }
    let failed = |error| format!("`{}` cannot be written: {error}", home.display());
    fs::create_dir_all(&home).map_err(failed)?;
    fs::write(home.join("package.json"), list).map_err(failed)?;
    fs::write(home.join("package-lock.json"), &lock).map_err(failed)?;
    let mut npm = Command::new("npm");
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]);
    output(npm.current_dir(&home))?;
    fs::write(&stamp, lock).map_err(failed)?;
    Ok(home)
}

//! `cargo xtask examples`: every example is run to its end; its own exit code decides.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::sh::{Outcome, bounded, cargo, root, run as shell, target};

/// How long an example may take: it is for somebody who waits in front of it.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(format!("unknown arguments {arguments:?}; every example is run"));
    }
    let names = names(&root().join("examples"))?;
    if names.is_empty() {
        println!("examples: there is none");
        return Ok(());
    }
    shell(&mut cargo(&[
        "build",
        "--examples",
        "--all-features",
        "--package",
        "tracing-audit",
    ]))?;
    let failed: Vec<&str> = names
        .iter()
        .filter(|name| !one(name))
        .map(String::as_str)
        .collect();
    if failed.is_empty() {
        println!("examples: all {} ended well", names.len());
        return Ok(());
    }
    Err(format!(
        "{} of {} ended badly: {}",
        failed.len(),
        names.len(),
        failed.join(", ")
    ))
}

/// The examples as cargo finds them: files, and folders with a `main.rs`.
fn names(folder: &Path) -> Outcome<Vec<String>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| format!("the folder of examples cannot be listed: {error}"))?
            .path();
        let file = path.extension().is_some_and(|extension| extension == "rs");
        if (file || path.join("main.rs").exists())
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Runs one example in an empty folder of its own, where it may leave a trail. True if it ended well.
fn one(name: &str) -> bool {
    let folder = target().join("examples-run").join(name);
    // The trail of an earlier run would be continued.
    let _absent = fs::remove_dir_all(&folder);
    let begun = Instant::now();
    let program = target()
        .join("debug/examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let ended = fs::create_dir_all(&folder)
        .map_err(|error| format!("its folder cannot be made: {error}"))
        .and_then(|()| bounded(Command::new(program).current_dir(&folder), LIMIT));
    let seconds = begun.elapsed().as_secs_f64();
    let (why, said) = match ended {
        Ok((Some(status), _)) if status.success() => {
            println!("ok      {name} ({seconds:.1} s)");
            return true;
        }
        Ok((Some(status), said)) => (status.to_string(), said),
        Ok((None, said)) => (format!("still running after {} s", LIMIT.as_secs()), said),
        Err(why) => (why, String::new()),
    };
    println!("FAILED  {name} ({seconds:.1} s): {why}");
    let lines: Vec<&str> = said.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(60)) {
        println!("        {line}");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_folder_with_a_main_are_examples() {
        let folder = std::env::temp_dir().join(format!("tracing-audit-xtask-{}", std::process::id()));
        fs::create_dir_all(folder.join("b")).unwrap();
        fs::create_dir_all(folder.join("shared")).unwrap();
        for file in ["c.rs", "b/main.rs", "shared/data.txt", "readme.md"] {
            fs::write(folder.join(file), "").unwrap();
        }
        let found = names(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["b", "c"]);
        assert!(names(&folder).unwrap().is_empty());
    }
}

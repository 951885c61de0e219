//! The lanes that only call cargo: lint, features, targets, bench.

use std::process::Command;

use serde_json::Value;

use crate::sh::{Outcome, cargo, output, root, run};

pub(crate) fn lint(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    // Libraries only: the binary has the library's name, and their pages would overwrite each other.
    let mut documents = cargo(&["doc", "--workspace", "--lib", "--no-deps", "--all-features"]);
    run(documents.env("RUSTDOCFLAGS", "-Dwarnings"))?;
    println!("lint: clean");
    Ok(())
}

pub(crate) fn features(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let names = feature_names(&output(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?)?;
    let check =
        |more: &[&str]| run(cargo(&["check", "--quiet", "--package", "tracing-audit", "--lib"]).args(more));
    check(&["--no-default-features"])?;
    for name in &names {
        check(&["--no-default-features", "--features", name])?;
    }
    check(&["--all-features"])?;
    println!("features: none, each of {} alone, and all compile", names.len());
    let tree = output(&mut cargo(&[
        "tree",
        "--package",
        "tracing-audit",
        "--no-default-features",
        "--features",
        "otlp",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p} [{f}]",
    ]))?;
    match what_reports(&tree) {
        None => {
            println!("features: nothing that `otlp` brings reports through `log` or `tracing`");
            Ok(())
        }
        Some(line) => Err(format!(
            "`{line}` is brought by `otlp`: what it reports would become records of the sink's own traffic"
        )),
    }
}

/// The line of a dependency tree that says that a crate reports what it does: it is `log`, or has a feature for that.
fn what_reports(tree: &str) -> Option<&str> {
    tree.lines().find(|line| {
        let mut parts = line.splitn(2, " [");
        let (krate, features) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let has = |wanted: &str| features.split([',', ']']).any(|feature| feature == wanted);
        krate.starts_with("log ") || ["log", "logging", "tracing"].into_iter().any(has)
    })
}

/// The features of the library, `default` aside.
fn feature_names(metadata: &str) -> Outcome<Vec<String>> {
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let ours = packages
        .into_iter()
        .find(|package| package.get("name").is_some_and(|name| name == "tracing-audit"));
    let features = ours.and_then(|package| package.get("features")?.as_object());
    let features = features.ok_or("cargo metadata does not name the features of tracing-audit")?;
    Ok(features
        .keys()
        .filter(|name| *name != "default")
        .cloned()
        .collect())
}

/// The systems that the library is compiled for without being run, each with the target that stands for it.
const SYSTEMS: [(&str, &str); 2] = [
    ("Windows", "x86_64-pc-windows-msvc"),
    ("macOS", "aarch64-apple-darwin"),
];

/// The version that `rust-version` names.
const OLDEST: &str = "1.89";

/// Features whose dependencies want a C compiler for the target, which is not here: TLS brings one, and the exporters
/// bring that.
const NEEDS_C: [&str; 4] = ["otlp", "otlp-grpc", "exporter", "exporter-otlp"];

pub(crate) fn targets(arguments: &[String]) -> Outcome {
    no_arguments(arguments)?;
    let names = feature_names(&output(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?)?;
    let features: Vec<String> = names
        .into_iter()
        .filter(|name| !NEEDS_C.contains(&name.as_str()))
        .collect();
    let features = features.join(",");
    println!(
        "without the features {}: they want a C compiler for the target",
        NEEDS_C.join(", ")
    );
    for (system, target) in SYSTEMS {
        // Does nothing where the toolchain has it. Without a network, or without rustup, it cannot.
        if let Err(why) = output(Command::new("rustup").args(["target", "add", target])) {
            println!("SKIPPED: compiling for {system}: {why}");
            continue;
        }
        let check = [
            "check",
            "--package",
            "tracing-audit",
            "--features",
            &features,
            "--target",
        ];
        // SQLite's C is not compiled: that takes a C compiler for the target, and nothing is linked here.
        let without_c = [
            ("LIBSQLITE3_SYS_USE_PKG_CONFIG", "1"),
            ("SQLITE3_LIB_DIR", "."),
            ("SQLITE3_INCLUDE_DIR", "."),
        ];
        run(cargo(&check).arg(target).envs(without_c))?;
    }
    oldest()
}

/// Compiles the library and the command by the oldest compiler that they promise to be compiled by.
fn oldest() -> Outcome {
    // Does nothing where it is there. Without a network, or without rustup, it cannot.
    let install = ["toolchain", "install", OLDEST, "--profile", "minimal"];
    if let Err(why) = output(Command::new("rustup").args(install)) {
        println!("SKIPPED: compiling by Rust {OLDEST}: {why}");
        return Ok(());
    }
    let packages = ["--package", "tracing-audit", "--package", "tracing-audit-cli"];
    let mut check = Command::new("rustup");
    check.args(["run", OLDEST, "cargo", "check", "--all-features"]);
    run(check.args(packages).current_dir(root()))
}

pub(crate) fn bench(arguments: &[String]) -> Outcome {
    let package = [
        "--release",
        "--package",
        "tracing-audit-benches",
        "--features",
        "sds,otlp",
    ];
    // The whole package first: the program that counts allocations must stand beside the one that is run.
    run(cargo(&["build"]).args(package))?;
    let mut command = cargo(&["run"]);
    command.args(package).arg("--");
    if arguments.is_empty() {
        command.arg("all");
    }
    run(command.args(arguments))
}

fn no_arguments(arguments: &[String]) -> Outcome {
    if arguments.is_empty() {
        Ok(())
    } else {
        Err(format!("unknown arguments {arguments:?}; this lane takes none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_compiler_is_the_one_that_the_manifest_names() {
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains(&format!("rust-version = \"{OLDEST}\"")));
    }

    #[test]
    fn the_features_are_those_of_the_library_without_the_default() {
        let metadata = r#"{"packages": [
            {"name": "xtask", "features": {"no": []}},
            {"name": "tracing-audit", "features": {"default": ["config"], "config": [], "tower": []}}]}"#;
        assert_eq!(feature_names(metadata).unwrap(), ["config", "tower"]);
        feature_names(r#"{"packages": []}"#).unwrap_err();
    }

    #[test]
    fn a_crate_that_reports_is_found_in_a_tree() {
        let quiet =
            "tracing-audit v0.1.0 [otlp]\nhyper v1.12.0 [client,http1]\ntracing v0.1.44 [std]\nlogos v1 []";
        assert_eq!(what_reports(quiet), None);
        for loud in [
            "log v0.4.27 []",
            "rustls v0.23.46 [log,std]",
            "hyper v1.12.0 [client,tracing]",
        ] {
            assert_eq!(what_reports(&format!("{quiet}\n{loud}")), Some(loud));
        }
    }
}

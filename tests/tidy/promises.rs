//! What documents promise: tests that are named exist and run, documents are compiled, examples are executed.

use std::fs;

use super::source::{File, blocks, code, files, root};
use super::{CODE, none};

/// The names of the tests of a file that are not ignored.
pub(crate) fn tests(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let found = blocks(&code, "fn").into_iter().filter(|block| {
        let above = code[..block.start]
            .trim_end_matches("async ")
            .trim_end_matches("pub ")
            .trim_end();
        let attributes: Vec<&str> = above
            .lines()
            .rev()
            .map(str::trim)
            .take_while(|text| text.starts_with("#["))
            .collect();
        let test = attributes
            .iter()
            .any(|text| text.contains("test]") || text.contains("test("));
        test && !attributes.iter().any(|text| text.starts_with("#[ignore"))
    });
    found.map(|block| block.name.to_owned()).collect()
}

/// The texts between backticks, outside fenced blocks, with their lines.
pub(crate) fn quoted(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let parts = line.split('`').skip(1).step_by(2);
            found.extend(parts.map(|part| (at + 1, part.to_owned())));
        }
    }
    found
}

/// Test names of the form `path.rs::name` that do not lead to a test.
fn broken_paths(document: &File, sources: &[File]) -> Vec<String> {
    let named = quoted(&document.text);
    let broken = named.iter().filter(|(_, text)| {
        let Some((path, name)) = text.split_once(".rs::") else {
            return false;
        };
        let path = format!("{path}.rs");
        let name = name.rsplit("::").next().unwrap_or_default();
        let file = sources.iter().find(|file| file.path == path);
        !file.is_some_and(|file| tests(file).iter().any(|test| test == name))
    });
    broken
        .map(|(at, text)| format!("{}:{at}: `{text}` is no test that runs", document.path))
        .collect()
}

/// Rows that name no test in the column headed "test" of a document's tables, or one that no file has.
fn broken_cells(document: &File, sources: &[File]) -> Vec<String> {
    let known: Vec<String> = sources.iter().flat_map(tests).collect();
    let cells = |row: &str| {
        row.trim()
            .trim_matches('|')
            .split('|')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (mut column, mut rows, mut findings) = (None, 0, Vec::new());
    for (at, row) in document.text.lines().enumerate() {
        if !row.trim_start().starts_with('|') {
            column = None;
            continue;
        }
        let Some(column) = column else {
            column = Some(
                cells(row)
                    .iter()
                    .position(|cell| cell.to_lowercase().contains("test")),
            );
            continue;
        };
        let cell = column.and_then(|column| cells(row).into_iter().nth(column));
        let Some(cell) = cell.filter(|cell| !cell.trim_matches('-').is_empty()) else {
            continue;
        };
        rows += 1;
        let named = quoted(&cell);
        if named.is_empty() {
            findings.push(format!("{}:{}: the row names no test", document.path, at + 1));
        }
        for (_, text) in named {
            let name = text.rsplit("::").next().unwrap_or_default();
            if !known.iter().any(|test| test == name) {
                findings.push(format!(
                    "{}:{}: `{text}` is no test that runs",
                    document.path,
                    at + 1
                ));
            }
        }
    }
    if rows == 0 {
        findings.push(format!("{}: has no table with a column of tests", document.path));
    }
    findings
}

/// The documents at the root and in `docs/`.
fn documents() -> Vec<File> {
    let mut found = files(&["docs"], ".md");
    for entry in fs::read_dir(root()).expect("the root can be listed") {
        let entry = entry.expect("an entry of the root can be read");
        let path = entry.file_name().to_string_lossy().into_owned();
        if path.ends_with(".md") {
            let text = fs::read_to_string(entry.path()).expect("a document is text");
            found.push(File { path, text });
        }
    }
    found
}

#[test]
fn every_test_that_a_document_names_exists_and_runs() {
    let sources = files(CODE, ".rs");
    none(
        documents()
            .iter()
            .flat_map(|document| broken_paths(document, &sources))
            .collect(),
    );
    let promises = documents()
        .into_iter()
        .filter(|document| ["docs/guarantees.md", "docs/failure-modes.md"].contains(&document.path.as_str()));
    none(
        promises
            .flat_map(|document| broken_cells(&document, &sources))
            .collect(),
    );
}

#[test]
fn a_test_that_is_missing_ignored_or_no_test_is_found() {
    let file = |path: &str, text: &str| File {
        path: path.into(),
        text: text.into(),
    };
    let sources = [file(
        "tests/x.rs",
        "#[test]\nfn runs() {}\n#[test]\n#[ignore = \"slow\"]\nfn sleeps() {}\nfn helps() {}\n\
         #[tokio::test(flavor = \"current_thread\")]\nasync fn waits() {}\n",
    )];
    let paths = file(
        "a.md",
        "`tests/x.rs::runs` `tests/x.rs::waits` `tests/x.rs::sleeps` `tests/x.rs::helps` `tests/y.rs::runs`",
    );
    assert_eq!(broken_paths(&paths, &sources).len(), 3);
    let fenced = file("a.md", "```\n`tests/y.rs::runs`\n```\n");
    assert_eq!(broken_paths(&fenced, &sources).len(), 0);
    let table = |cell: &str| {
        file(
            "g.md",
            &format!("| promise | Test |\n|---|---|\n| `keep_days` | {cell} |\n"),
        )
    };
    assert_eq!(broken_cells(&table("`runs`, `x::waits`"), &sources).len(), 0);
    assert_eq!(broken_cells(&table("`runs`, `sleeps`"), &sources).len(), 1);
    assert_eq!(
        broken_cells(&table("by hand"), &sources).len(),
        1,
        "a row that names no test proves nothing"
    );
    assert_eq!(broken_cells(&file("g.md", "no table"), &sources).len(), 1);
}

/// Documents of `docs/` that are not part of the crate's documentation, where their examples are compiled.
fn outside_the_guide(names: &[String], guide: &str, lib: &str) -> Vec<String> {
    let included = |name: &String| guide.contains(&format!("include_str!(\"../{name}\")"));
    let missing = names.iter().filter(|name| !included(name));
    let undeclared = !names.is_empty() && !lib.lines().any(|line| line == "pub mod guide;");
    missing
        .map(|name| {
            format!("{name}: src/guide.rs lacks a module with `#[doc = include_str!(\"../{name}\")]`")
        })
        .chain(undeclared.then(|| "src/lib.rs does not say `pub mod guide;`".to_owned()))
        .collect()
}

#[test]
fn every_document_is_part_of_the_guide() {
    let names: Vec<String> = files(&["docs"], ".md")
        .into_iter()
        .map(|file| file.path)
        .collect();
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_default();
    none(outside_the_guide(
        &names,
        &read("src/guide.rs"),
        &read("src/lib.rs"),
    ));
    let (a, guide) = (
        ["docs/a.md".to_owned()],
        "#[doc = include_str!(\"../docs/a.md\")]",
    );
    assert_eq!(outside_the_guide(&a, guide, "pub mod guide;\n").len(), 0);
    assert_eq!(
        outside_the_guide(&a, &guide.replace("a.md", "b.md"), "pub mod guide;\n").len(),
        1
    );
    assert_eq!(outside_the_guide(&a, guide, "").len(), 1);
    assert_eq!(outside_the_guide(&[], "", "").len(), 0);
}

/// What is missing for every example to be executed by CI: the lane, and that the lane lists the folder itself.
fn examples_not_run(ci: &str, lane: &str) -> Vec<String> {
    let called = ci.lines().any(|line| line.trim() == "cargo xtask examples");
    let lists = lane.contains("read_dir") && lane.contains("\"examples\"");
    let called = (!called).then(|| ".ci/run does not call `cargo xtask examples`".to_owned());
    let lists = (!lists).then(|| "xtask/src/examples.rs does not list the folder `examples`".to_owned());
    called.into_iter().chain(lists).collect()
}

#[test]
fn every_example_is_executed_by_ci() {
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let lane = fs::read_to_string(root().join("xtask/src/examples.rs")).unwrap();
    none(examples_not_run(&ci, &lane));
    assert_eq!(
        examples_not_run("# cargo xtask examples\n", "run(\"quickstart\")").len(),
        2
    );
}

#[test]
fn ci_runs_the_tests_first() {
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let first = ci.lines().find(|line| line.starts_with("cargo "));
    assert_eq!(first, Some("cargo xtask test"));
}

/// A merge that was left half done.
fn half_merged(file: &File) -> Vec<String> {
    let marks = ["<<<<<<< ", "||||||| ", ">>>>>>> "];
    let lines = file.text.lines().enumerate();
    let found = lines.filter(|(_, text)| marks.iter().any(|mark| text.starts_with(mark)));
    found
        .map(|(at, _)| format!("{}:{}: a conflict of a merge", file.path, at + 1))
        .collect()
}

#[test]
fn no_conflict_of_a_merge_is_left_in_a_text() {
    let endings = [
        ".rs", ".md", ".toml", ".py", ".sh", ".js", ".css", ".html", ".yaml", "/run",
    ];
    let places = || CODE.iter().chain(&["docs", ".ci"]).copied().collect::<Vec<_>>();
    let mut all: Vec<File> = endings
        .iter()
        .flat_map(|ending| files(&places(), ending))
        .collect();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "Cargo.toml",
    ] {
        let text = fs::read_to_string(root().join(name)).expect("a document of the tree is text");
        all.push(File {
            path: name.into(),
            text,
        });
    }
    none(all.iter().flat_map(half_merged).collect());
    let text = format!(
        "{} HEAD\none\n=======\nother\n{} side\n",
        "<".repeat(7),
        ">".repeat(7)
    );
    let file = File {
        path: "a.md".into(),
        text,
    };
    assert_eq!(half_merged(&file).len(), 2);
}

//! The acceptance cases of the five seeds: each stands in docs/seeds.md once, with tests that run or with a reason.

use std::collections::BTreeMap;

use super::promises::{quoted, tests};
use super::source::{File, files, root};
use super::{CODE, none};

/// How many cases each seed has.
const CASES: [(&str, u32); 5] = [
    ("T000", 9),
    ("T001", 40),
    ("T002", 24),
    ("T003", 45),
    ("T004", 11),
];

/// Cases that only a part of a seed can have which this project has no use for: its REST and MCP servers, its web
/// pages, its gateway. Nothing else may be answered with "no".
const FOREIGN: &[&str] = &["T001-31", "T001-32", "T001-40", "T003-18"];

/// What is wrong with the table of cases.
fn broken_cases(document: &File, sources: &[File]) -> Vec<String> {
    let known: Vec<String> = sources.iter().flat_map(tests).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for (at, row) in document.text.lines().enumerate() {
        let cells: Vec<&str> = row.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(case) = cells.first().filter(|case| is_case(case)) else {
            continue;
        };
        *seen.entry((*case).to_owned()).or_default() += 1;
        let mut say = |what: String| findings.push(format!("{}:{}: {case}: {what}", document.path, at + 1));
        let [_, asks, answer] = cells[..] else {
            say("the row has not three cells".to_owned());
            continue;
        };
        if asks.is_empty() {
            say("does not say what it asks".to_owned());
        }
        let named: Vec<String> = quoted(answer)
            .into_iter()
            .map(|(_, text)| text)
            .filter(|text| {
                text.chars()
                    .all(|char| char == '_' || char.is_ascii_lowercase() || char.is_ascii_digit())
            })
            .collect();
        for name in &named {
            if !known.contains(name) {
                say(format!("`{name}` is no test that runs"));
            }
        }
        if named.is_empty() {
            unanswered(case, answer).into_iter().for_each(say);
        }
    }
    findings.extend(miscounted(document, &seen));
    findings
}

fn is_case(text: &str) -> bool {
    let (seed, number) = text.split_once('-').unwrap_or_default();
    CASES.iter().any(|(known, _)| *known == seed) && number.len() == 2
}

/// What is wrong with an answer that names no test.
fn unanswered(case: &str, answer: &str) -> Option<String> {
    if let Some(reason) = answer.strip_prefix("no: ") {
        let allowed = FOREIGN.contains(&case) && !reason.trim().is_empty();
        return (!allowed)
            .then(|| "only a server's, a page's or a gateway's own part may be left out".to_owned());
    }
    Some(format!("`{answer}` names no test"))
}

fn miscounted(document: &File, seen: &BTreeMap<String, usize>) -> Vec<String> {
    let wanted = CASES
        .iter()
        .flat_map(|(seed, count)| (1..=*count).map(move |number| format!("{seed}-{number:02}")));
    let wanted: Vec<String> = wanted.collect();
    let counted = wanted.iter().filter_map(|case| match seen.get(case) {
        Some(1) => None,
        Some(n) => Some(format!("{}: {case} stands there {n} times", document.path)),
        None => Some(format!("{}: {case} is missing", document.path)),
    });
    let unknown = seen.keys().filter(|case| !wanted.contains(case));
    let unknown = unknown.map(|case| format!("{}: there is no {case}", document.path));
    counted.chain(unknown).collect()
}

/// Whether the test of this name says, in the name or in the comment above it, that it serves the case.
fn says(source: &File, test: &str, case: &str) -> bool {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let head = format!("fn {test}(");
    let Some(at) = lines.iter().position(|line| line.contains(&head)) else {
        return false;
    };
    let above = lines.iter().take(at).rev();
    let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    test.contains(&case.to_lowercase().replace('-', "_")) || above.any(|line| line.contains(case))
}

/// Cases that none of their tests names.
fn unnamed_cases(document: &File, sources: &[File]) -> Vec<String> {
    let rows = document.text.lines().filter_map(|row| {
        let cells: Vec<&str> = row.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        let case = *cells.first().filter(|case| is_case(case))?;
        Some((case, quoted(cells.last()?)))
    });
    let unnamed = rows.filter(|(case, named)| {
        let mut tests = named.iter().map(|(_, test)| test);
        let is_said = |test: &String| sources.iter().any(|source| says(source, test, case));
        !named.is_empty() && !tests.any(is_said)
    });
    unnamed
        .map(|(case, _)| format!("{}: {case}: none of its tests names it", document.path))
        .collect()
}

fn document() -> File {
    let path = "docs/seeds.md";
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    File {
        path: path.into(),
        text,
    }
}

#[test]
fn every_acceptance_case_of_the_seeds_is_named_by_a_test_of_its_own() {
    none(unnamed_cases(&document(), &files(CODE, ".rs")));
    let row = |test: &str| File {
        path: "docs/seeds.md".into(),
        text: format!("| T000-01 | asks | `{test}` |\n| T001-31 | asks | no: the seed's own |\n"),
    };
    let source = |text: &str| File {
        path: "tests/x.rs".into(),
        text: text.into(),
    };
    for (text, findings) in [
        ("/// T000-01, T000-02.\n#[test]\nfn runs() {}\n", 0),
        ("/// T000-02.\n#[test]\nfn runs() {}\n", 1),
        (
            "/// T000-01.\n#[test]\nfn other() {}\n\n#[test]\nfn runs() {}\n",
            1,
        ),
        ("#[test]\nfn t000_01_runs() {}\n", 1),
    ] {
        assert_eq!(
            unnamed_cases(&row("runs"), &[source(text)]).len(),
            findings,
            "{text}"
        );
    }
    let named = source("#[test]\nfn t000_01_runs() {}\n");
    assert_eq!(unnamed_cases(&row("t000_01_runs"), &[named]).len(), 0);
}

#[test]
fn every_acceptance_case_of_the_seeds_has_a_test_that_runs_or_a_reason() {
    none(broken_cases(&document(), &files(CODE, ".rs")));
}

#[test]
fn a_case_that_is_missing_doubled_unserved_or_excused_without_right_is_found() {
    let sources = [File {
        path: "tests/x.rs".into(),
        text: "#[test]\nfn runs() {}\n#[test]\n#[ignore]\nfn sleeps() {}\n".into(),
    }];
    let all: String = CASES
        .iter()
        .flat_map(|(seed, count)| (1..=*count).map(move |n| format!("| {seed}-{n:02} | asks | `runs` |\n")))
        .collect();
    let found = |text: &str| {
        let document = File {
            path: "docs/seeds.md".into(),
            text: text.into(),
        };
        broken_cases(&document, &sources).len()
    };
    assert_eq!(found(&all), 0);
    let row = "| T000-01 | asks | `runs` |\n";
    assert_eq!(found(&all.replace(row, "")), 1, "missing");
    assert_eq!(found(&format!("{all}{row}")), 1, "twice");
    assert_eq!(
        found(&format!("{all}| T000-99 | asks | `runs` |\n")),
        1,
        "unknown"
    );
    for (cell, findings) in [
        ("`sleeps`", 1),
        ("`nothing`", 1),
        ("`runs`, `nothing`", 1),
        ("", 1),
        ("by hand", 1),
        ("no: not wanted", 1),
        ("with the moon", 1),
        ("`runs`; `count=1` and `seq` wait", 1),
        ("`runs`; `a = 1` says so", 0),
        ("with the page: `ListOpts`", 1),
    ] {
        let text = all.replace(row, &format!("| T000-01 | asks | {cell} |\n"));
        assert_eq!(found(&text), findings, "{cell}");
    }
    let foreign = "| T001-31 | asks | `runs` |\n";
    let excused = |why: &str| all.replace(foreign, &format!("| T001-31 | asks | no: {why} |\n"));
    assert_eq!(found(&excused("a scope of the seed's own server")), 0);
    assert_eq!(found(&excused(" ")), 1);
}

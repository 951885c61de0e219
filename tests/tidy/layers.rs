//! Imports only descend: the edges between the modules of `src/`, the table of those allowed, and cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::none;
use super::source::{File, blocks, code, files, identifier, line, root, words};

/// What each module may import. The read side (`store`, `query`, `verify`) and the write side (`capture`, `queue`,
/// `sink`, `pipeline`) meet only in what stands above them here.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("clock", &[]),
    ("shard", &[]),
    ("stats", &["shard"]),
    ("guide", &[]),
    ("hush", &[]),
    ("memory", &[]),
    ("secret", &["error"]),
    ("record", &["clock", "error", "memory"]),
    ("config", &["error", "record"]),
    (
        "redact",
        &["config", "error", "memory", "record", "secret", "shard", "stats"],
    ),
    (
        "format",
        &["clock", "error", "record", "redact", "secret", "stats"],
    ),
    ("queue", &["clock", "error", "stats"]),
    (
        "capture",
        &[
            "clock", "config", "error", "format", "hush", "memory", "queue", "record", "redact", "stats",
        ],
    ),
    ("sqlite", &["error", "format", "record"]),
    (
        "sink",
        &[
            "clock", "error", "format", "hush", "record", "redact", "sqlite", "stats",
        ],
    ),
    (
        "store",
        &["clock", "error", "format", "record", "redact", "sqlite"],
    ),
    ("query", &["clock", "error", "format", "record", "store"]),
    ("verify", &["clock", "error", "format", "record", "store"]),
    (
        "pipeline",
        &[
            "capture", "clock", "config", "error", "format", "memory", "queue", "record", "redact", "sink",
            "stats",
        ],
    ),
    (
        "catalog",
        &[
            "capture", "clock", "error", "format", "pipeline", "record", "redact",
        ],
    ),
    (
        "testing",
        &[
            "capture", "clock", "config", "error", "format", "pipeline", "query", "record", "redact", "sink",
            "stats", "store",
        ],
    ),
];

/// An import: the module that imports, the module imported, and where it is said.
type Edge = (String, String, String);

/// The module that a file belongs to, and how many modules lie between its code and the crate's root.
fn place(path: &str) -> Option<(&str, usize)> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    let module = inner.split('/').next()?;
    (module != "lib").then(|| (module, inner.split('/').count()))
}

/// What the root re-exports: the name, and the module that it comes from.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let lib = code(lib);
    let statements = lib
        .split(';')
        .filter_map(|statement| statement.rsplit_once("pub use ").map(|(_, path)| path));
    let mut found = BTreeMap::new();
    for path in statements {
        let module = identifier(path.trim_start_matches("crate::").trim_start_matches("self::"));
        for leaf in path.split([',', '{', '}']) {
            let name = leaf
                .rsplit([' ', ':'])
                .find(|part| !part.trim().is_empty())
                .unwrap_or_default();
            found.insert(name.trim().to_owned(), module.to_owned());
        }
    }
    found
}

/// The names that stand directly under `crate::`, those of a group `crate::{a, b::c}` one by one.
fn under_root(rest: &str) -> Vec<&str> {
    let Some(group) = rest.trim_start().strip_prefix('{') else {
        return vec![identifier(rest)];
    };
    let mut depth = 0;
    let mut names = vec![identifier(group)];
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b',' if depth == 0 => names.push(identifier(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The imports of a file, and findings where a path cannot be followed.
fn imports(file: &File, exports: &BTreeMap<String, String>) -> (Vec<Edge>, Vec<String>) {
    let (mut edges, mut findings) = (Vec::new(), Vec::new());
    let Some((module, depth)) = place(&file.path) else {
        return (edges, findings);
    };
    let code = code(&file.text);
    let known = |name: &str| ALLOWED.iter().any(|(known, _)| *known == name);
    for at in
        words(&code, "crate").filter(|&at| code[at..].starts_with("crate::") && !code[..at].ends_with('$'))
    {
        let place = format!("{}:{}", file.path, line(&code, at));
        for name in under_root(&code[at + "crate::".len()..]) {
            match exports.get(name) {
                _ if known(name) => edges.push((module.into(), name.into(), place.clone())),
                Some(from) => edges.push((module.into(), from.clone(), place.clone())),
                None => findings.push(format!(
                    "{place}: `crate::{name}` is neither a listed module nor exported"
                )),
            }
        }
    }
    let inline = blocks(&code, "mod");
    for at in words(&code, "super").filter(|&at| !code[..at].ends_with("super::")) {
        let chain = code[at..].split("::").take_while(|part| *part == "super").count();
        let inside = inline
            .iter()
            .filter(|block| (block.start..block.end).contains(&at))
            .count();
        if chain >= depth + inside {
            findings.push(format!(
                "{}:{}: reaches the root by `super`; write `crate::`",
                file.path,
                line(&code, at)
            ));
        }
    }
    (edges, findings)
}

/// Edges that the table does not list.
fn unlisted(edges: &[Edge]) -> Vec<String> {
    let listed = |from: &str, to: &str| {
        ALLOWED
            .iter()
            .any(|(name, list)| *name == from && list.contains(&to))
    };
    let found = edges
        .iter()
        .filter(|(from, to, _)| from != to && !listed(from, to));
    found
        .map(|(from, to, place)| format!("{place}: `{from}` may not import `{to}`"))
        .collect()
}

/// The modules that reach themselves: what remains after modules without imports have been taken away, again and
/// again.
fn cycle(edges: &[Edge]) -> BTreeSet<String> {
    let mut rest: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to, _) in edges.iter().filter(|(from, to, _)| from != to) {
        rest.entry(from).or_default().insert(to);
    }
    loop {
        let names: BTreeSet<&str> = rest.keys().copied().collect();
        let before = names.len();
        rest.retain(|_, targets| targets.iter().any(|target| names.contains(target)));
        if rest.len() == before {
            return rest.into_keys().map(str::to_owned).collect();
        }
    }
}

fn tree() -> (Vec<Edge>, Vec<String>) {
    let sources = files(&["src"], ".rs");
    let lib = sources
        .iter()
        .find(|file| file.path == "src/lib.rs")
        .expect("src/lib.rs exists");
    let exports = exports(&lib.text);
    let (edges, findings): (Vec<_>, Vec<_>) = sources.iter().map(|file| imports(file, &exports)).unzip();
    (edges.concat(), findings.concat())
}

#[test]
fn imports_only_descend() {
    let (edges, findings) = tree();
    assert!(!edges.is_empty(), "no import was found: the scan is broken");
    none(findings);
    none(unlisted(&edges));
}

#[test]
fn no_module_reaches_itself() {
    assert_eq!(cycle(&tree().0), BTreeSet::new());
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned(), String::new());
    let knot = [edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("d", "e")];
    assert_eq!(cycle(&knot), ["a", "b", "c"].map(String::from).into());
}

#[test]
fn the_table_of_allowed_imports_has_no_cycle_and_keeps_the_two_sides_apart() {
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned(), String::new());
    let edges: Vec<_> = ALLOWED
        .iter()
        .flat_map(|(from, list)| list.iter().map(move |to| edge(from, to)))
        .collect();
    assert_eq!(cycle(&edges), BTreeSet::new());
    let (read, write) = (
        ["store", "query", "verify"],
        ["capture", "queue", "sink", "pipeline"],
    );
    for (from, to, _) in &edges {
        let (from, to) = (from.as_str(), to.as_str());
        assert!(!(read.contains(&from) && write.contains(&to)), "{from} → {to}");
        assert!(!(write.contains(&from) && read.contains(&to)), "{from} → {to}");
    }
}

#[test]
fn an_import_is_seen_in_each_of_its_forms() {
    let exports = exports("pub use error::{Error, ErrorKind as Kind};\npub use pipeline::Audit;\n");
    let seen = |path: &str, text: &str| {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        let (edges, findings) = imports(&file, &exports);
        (unlisted(&edges).len(), findings.len())
    };
    assert_eq!(seen("src/store/mod.rs", "use crate::sink::Sink;"), (1, 0));
    assert_eq!(
        seen(
            "src/store/file.rs",
            "use crate::{error::Error, sink::{A, B}, queue};"
        ),
        (2, 0)
    );
    assert_eq!(
        seen("src/record/value.rs", "fn f() -> crate::pipeline::X {}"),
        (1, 0)
    );
    assert_eq!(
        seen("src/record/value.rs", "use crate::Audit;"),
        (1, 0),
        "through a re-export of the root"
    );
    assert_eq!(
        seen(
            "src/record/value.rs",
            "use crate::{Error, Kind}; // crate::sink\n"
        ),
        (0, 0)
    );
    assert_eq!(seen("src/record/value.rs", "use crate::nowhere::X;"), (0, 1));
    assert_eq!(seen("src/record/mod.rs", "use super::sink;"), (0, 1));
    assert_eq!(seen("src/record/value.rs", "use super::super::sink;"), (0, 1));
    assert_eq!(
        seen(
            "src/record/value.rs",
            "use super::ids; mod tests { use super::super::ids; }"
        ),
        (0, 0)
    );
}

#[test]
fn the_table_of_imports_in_contributing_is_the_one_that_is_enforced() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let table = text.split("```text\n").nth(1).unwrap();
    let rows = table.lines().take_while(|line| *line != "```");
    let told: BTreeMap<&str, Vec<&str>> = rows
        .map(|row| row.split_once("  ").unwrap())
        .flat_map(|(names, list)| names.split(", ").map(move |name| (name, list.trim())))
        .map(|(name, list)| match list {
            "nothing" => (name, Vec::new()),
            list => (name, list.split(", ").collect()),
        })
        .collect();
    // `guide` is documentation.
    let listed = ALLOWED.iter().filter(|(name, _)| *name != "guide");
    let enforced: BTreeMap<&str, Vec<&str>> = listed.map(|(name, list)| (*name, list.to_vec())).collect();
    assert_eq!(told, enforced);
}

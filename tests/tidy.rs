//! The house rules that a program can check. Each rule is a function that returns what it found, with a test that
//! the tree is clean and a test that the rule bites.

#[path = "tidy/cases.rs"]
mod cases;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/source.rs"]
mod source;

use source::{File, blocks, code, files, identifier, line, root, words};

/// Every folder that holds Rust code of ours.
const CODE: &[&str] = &[
    "src", "cli", "derive", "xtask", "benches", "tests", "examples", "fuzz",
];

/// The only two places where `unsafe` may stand: `tracing` declares `downcast_raw` as unsafe, and forwarding it
/// keeps other layers working behind ours.
const UNSAFE: &[&str] = &["src/capture/wrapper.rs", "src/capture/shell.rs"];

/// Fails with all findings, one a line.
#[track_caller]
fn none(findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

/// Runs a rule over a text in memory: how the teeth of a rule are tested.
fn bites(rule: impl Fn(&File) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&File {
        path: path.into(),
        text: text.into(),
    })
    .len()
}

fn every(rule: impl Fn(&File) -> Vec<String>) -> Vec<String> {
    files(CODE, ".rs").iter().flat_map(rule).collect()
}

/// A file that needs more than 500 lines holds two ideas.
fn short_file(file: &File) -> Vec<String> {
    let count = file.text.lines().count();
    let long = (count > 500).then(|| format!("{}: {count} lines, at most 500", file.path));
    long.into_iter().collect()
}

#[test]
fn no_file_is_longer_than_500_lines() {
    none(every(short_file));
    assert_eq!(bites(short_file, "a.rs", &"\n".repeat(501)), 1);
    assert_eq!(bites(short_file, "a.rs", &"\n".repeat(500)), 0);
}

/// A reader must be able to hold a function in view.
fn short_functions(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let long = blocks(&code, "fn").into_iter().filter_map(|block| {
        let first = line(&code, block.start);
        let count = line(&code, block.end) - first + 1;
        (count > 60).then(|| {
            format!(
                "{}:{first}: `{}` has {count} lines, at most 60",
                file.path, block.name
            )
        })
    });
    long.collect()
}

#[test]
fn no_function_is_longer_than_60_lines() {
    none(every(short_functions));
    let body = |lines: usize| format!("fn f() -> [u8; 1] {{\n{}}}\nfn g();", "// }\n".repeat(lines));
    assert_eq!(bites(short_functions, "a.rs", &body(59)), 1);
    assert_eq!(bites(short_functions, "a.rs", &body(58)), 0);
}

/// The first line says what the file is for.
fn opening_line(file: &File) -> Vec<String> {
    let says = file
        .text
        .lines()
        .next()
        .and_then(|first| first.strip_prefix("//! "));
    let missing = says.is_none_or(|words| words.trim().is_empty());
    let finding = missing.then(|| format!("{}:1: does not open with a `//!` line", file.path));
    finding.into_iter().collect()
}

#[test]
fn every_file_opens_with_a_line_that_says_what_it_is() {
    none(every(opening_line));
    assert_eq!(bites(opening_line, "a.rs", "use std::fmt;\n//! Late.\n"), 1);
    assert_eq!(bites(opening_line, "a.rs", "//! \n"), 1);
    assert_eq!(bites(opening_line, "a.rs", "//! What it is.\n"), 0);
}

/// The rooms whose code runs on the application's threads, and on those of the trail that a forked child can start again.
const CALLERS: [&str; 5] = [
    "src/capture/",
    "src/format/",
    "src/queue/",
    "src/record/",
    "src/redact/",
];

/// What is made at its first use must be made at the start instead: the first record would wait for it, and a process that
/// forks while a thread of ours makes it has a child that waits for ever.
fn late_tables(file: &File, all: &[File]) -> Vec<String> {
    let code = code(&file.text);
    let is_lifetime = |at: &usize| code[..*at].ends_with('\'');
    let statics = words(&code, "static").filter(|at| !is_lifetime(at));
    let statics = statics.filter_map(|at| {
        let (name, rest) = code[at + "static".len()..].split_once(':')?;
        let is_late = ["LazyLock<", "OnceLock<"]
            .iter()
            .any(|kind| rest.trim_start().starts_with(kind));
        is_late.then(|| (at, name.trim().to_owned()))
    });
    let is_forced = |name: &str| {
        let ends = [format!("::{name})"), format!("&{name})")];
        let mut forced = all
            .iter()
            .flat_map(|file| file.text.split("LazyLock::force(").skip(1));
        forced.any(|rest| {
            ends.iter().any(|end| {
                rest.lines()
                    .next()
                    .is_some_and(|first| first.contains(end.as_str()))
            })
        })
    };
    let late = statics
        .filter(|(_, name)| CALLERS.iter().any(|room| file.path.starts_with(room)) && !is_forced(name));
    late.map(|(at, name)| {
        format!(
            "{}:{}: `{name}` is not made at the start",
            file.path,
            line(&code, at)
        )
    })
    .collect()
}

#[test]
fn no_table_is_made_on_a_callers_thread() {
    let all = files(CODE, ".rs");
    none(every(|file| late_tables(file, &all)));
    let bite = |path: &str, text: &str| {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        late_tables(&file, std::slice::from_ref(&file)).len()
    };
    let made = "static A: LazyLock<u8> = LazyLock::new(f);";
    assert_eq!(bite("src/redact/a.rs", made), 1);
    assert_eq!(bite("src/sink/a.rs", made), 0);
    assert_eq!(
        bite(
            "src/redact/a.rs",
            &format!("{made} fn g() {{ LazyLock::force(&A); }}")
        ),
        0
    );
    assert_eq!(
        bite(
            "src/redact/a.rs",
            &format!("{made} fn g() {{ LazyLock::force(&AB); }}")
        ),
        1
    );
    assert_eq!(
        bite(
            "src/queue/a.rs",
            "fn f() { static B: OnceLock<u8> = OnceLock::new(); }"
        ),
        1
    );
}

/// Work that is not done is an issue, not a word in the code.
fn unfinished(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let notes = notes
        .into_iter()
        .flat_map(|word| words(&file.text, word).map(move |at| (at, word)));
    let macros = ["todo", "unimplemented"];
    let macros = macros
        .into_iter()
        .flat_map(|word| words(&code, word).map(move |at| (at, word)));
    let macros = macros.filter(|&(at, word)| code[at + word.len()..].starts_with('!'));
    let all = notes.chain(macros);
    all.map(|(at, word)| format!("{}:{}: unfinished: {word}", file.path, line(&file.text, at)))
        .collect()
}

#[test]
fn nothing_is_left_unfinished() {
    none(every(unfinished));
    let note = concat!("// TO", "DO later");
    assert_eq!(bites(unfinished, "a.rs", note), 1);
    assert_eq!(
        bites(
            unfinished,
            "a.rs",
            "fn f() { todo!() }\nfn g() { unimplemented!(\"x\") }"
        ),
        2
    );
    assert_eq!(bites(unfinished, "a.rs", "fn todo() { \"todo!\"; }"), 0);
}

/// `unsafe` stands only in the two pinned files, and there only as `downcast_raw` and in its body.
fn no_unsafe(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let pinned = UNSAFE.contains(&file.path.as_str());
    let forwarded: Vec<_> = blocks(&code, "fn")
        .into_iter()
        .filter(|block| block.name == "downcast_raw")
        .collect();
    let found = words(&code, "unsafe").filter(|&at| {
        let rest = code[at + "unsafe".len()..].trim_start();
        let declares = rest
            .strip_prefix("fn")
            .is_some_and(|name| identifier(name) == "downcast_raw");
        let inside = forwarded
            .iter()
            .any(|block| (block.start..block.end).contains(&at));
        !(pinned && (declares || inside))
    });
    found
        .map(|at| format!("{}:{}: `unsafe`", file.path, line(&code, at)))
        .collect()
}

#[test]
fn unsafe_code_stands_only_where_it_is_pinned() {
    none(
        files(&["src", "cli", "derive", "xtask", "examples"], ".rs")
            .iter()
            .flat_map(no_unsafe)
            .collect(),
    );
    let forward =
        "#[allow(unsafe_code)]\nunsafe fn downcast_raw(&self) { unsafe { self.inner.downcast_raw() } }";
    assert_eq!(bites(no_unsafe, UNSAFE[0], forward), 0);
    assert_eq!(bites(no_unsafe, UNSAFE[1], forward), 0);
    assert_eq!(bites(no_unsafe, "src/capture/layer.rs", forward), 2);
    assert_eq!(bites(no_unsafe, UNSAFE[0], "fn f() { unsafe { g() } }"), 1);
    assert_eq!(bites(no_unsafe, UNSAFE[0], "unsafe impl Send for X {}"), 1);
}

/// Every dependency says why it is there, on the line above it.
fn explained_dependencies(file: &File) -> Vec<String> {
    let mut inside = false;
    let mut before = "";
    let mut findings = Vec::new();
    for (at, text) in file.text.lines().enumerate() {
        let table = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(table) = table {
            inside = table.ends_with("dependencies");
        } else if inside && text.starts_with(char::is_alphabetic) {
            let ours = text.contains("path = \"");
            if !ours && !before.starts_with("# ") {
                let name = text.split([' ', '=']).next().unwrap_or_default();
                findings.push(format!(
                    "{}:{}: `{name}` has no comment that says why",
                    file.path,
                    at + 1
                ));
            }
        }
        before = text;
    }
    findings
}

#[test]
fn every_dependency_says_why_it_is_there() {
    // Not benches/: what a benchmark compares with is there to be compared with.
    let mut manifests = files(&["cli", "derive", "xtask"], "Cargo.toml");
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    manifests.push(File {
        path: "Cargo.toml".into(),
        text,
    });
    none(manifests.iter().flat_map(explained_dependencies).collect());
    let silent = "[dependencies]\n# Why.\na = \"1\"\nb = \"1\"\n[dev-dependencies]\n\nc = { version = \"1\" }\n[features]\nd = []\n";
    assert_eq!(bites(explained_dependencies, "Cargo.toml", silent), 2);
}

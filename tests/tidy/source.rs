//! Rust source as tidy sees it: files of the tree, code without comments and strings, functions, words.

use std::fs;
use std::path::Path;

/// A file of the tree: its path from the root, with `/`, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folders` whose name ends with `ending`, in order of their paths. Absent folders hold none.
pub(crate) fn files(folders: &[&str], ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), folder, ending, &mut found);
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn collect(folder: &Path, name: &str, ending: &str, found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let entry = entry.expect("a folder of the tree can be listed");
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            if !path.ends_with("/target") {
                collect(&entry.path(), &path, ending, found);
            }
        } else if path.ends_with(ending) {
            let text = fs::read_to_string(entry.path()).expect("a file of the tree is text");
            found.push(File { path, text });
        }
    }
}

/// The code alone: comments, strings and character literals become spaces; every newline stays, and every byte has
/// its old place.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = vec![b' '; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let end = at + opaque(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        if end == at {
            out[at] = bytes[at];
            at += 1;
        } else {
            for place in at..end.min(bytes.len()) {
                if bytes[place] == b'\n' {
                    out[place] = b'\n';
                }
            }
            at = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The length of the comment, string or character that `rest` begins with; 0 if it begins with code.
fn opaque(rest: &[u8], before: Option<u8>) -> usize {
    if rest.starts_with(b"//") {
        return find(rest, b"\n").unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return block_comment(rest);
    }
    let word_before = before.is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    if rest.starts_with(b"r") && (!word_before || before == Some(b'b')) {
        let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let close = [b"\"".as_slice(), &rest[1..=hashes]].concat();
            let body = &rest[hashes + 2..];
            return hashes + 2 + find(body, &close).map_or(body.len(), |at| at + close.len());
        }
    }
    match rest {
        [b'"', ..] => quoted(rest, b'"'),
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        // `'a'` is a character, `'a` a lifetime; only a character can have several bytes.
        [b'\'', first, ..] if !first.is_ascii() => quoted(rest, b'\''),
        [b'\'', _, b'\'', ..] => 3,
        _ => 0,
    }
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// The places at which `word` stands in the code as a word of its own.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |byte: Option<&u8>| byte.is_some_and(|&byte| byte == b'_' || byte.is_ascii_alphanumeric());
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !part(before) && !part(bytes.get(at + word.len()))
    })
}

/// The identifier that the text begins with, spaces before it aside; empty if there is none.
pub(crate) fn identifier(text: &str) -> &str {
    let text = text.trim_start();
    let end = text
        .find(|character: char| character != '_' && !character.is_alphanumeric())
        .unwrap_or(text.len());
    &text[..end]
}

/// The line, from 1, of a place.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// A named block of code: where its keyword stands and where its closing brace does.
pub(crate) struct Block<'a> {
    pub(crate) name: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The blocks that `keyword` opens: `fn` or `mod`. Declarations without a body and types like `fn(u8)` are none.
pub(crate) fn blocks<'a>(code: &'a str, keyword: &'a str) -> Vec<Block<'a>> {
    words(code, keyword)
        .filter_map(|start| {
            let rest = &code[start + keyword.len()..];
            let name = identifier(rest.trim_start().trim_start_matches('$'));
            let open = body(rest).filter(|_| !name.is_empty())?;
            let end = start + keyword.len() + open + closing(&rest[open..]);
            Some(Block { name, start, end })
        })
        .collect()
}

/// Where the body opens: the first brace outside parentheses and brackets, unless a semicolon comes first.
fn body(rest: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

/// The distance to the brace that closes the one `rest` begins with.
fn closing(rest: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len().saturating_sub(1)
}

#[test]
fn code_is_what_remains_without_comments_strings_and_characters() {
    for (text, words_left) in [
        ("a // b\nc", "a c"),
        ("a /* b /* c */ d */ e", "a e"),
        (r#"f("b \" c", d)"#, "f( , d)"),
        ("f(r#\"b \" c\"#, d)", "f( , d)"),
        ("f(b\"x\", br\"y\\\", c)", "f(b , b , c)"),
        ("match c { '{' => '\\'', 'ß' => x }", "match c { => , => x }"),
        (
            "fn f<'a>(b: &'a str) -> &'static str { b }",
            "fn f<'a>(b: &'a str) -> &'static str { b }",
        ),
        ("let var\"x\";", "let var ;"),
    ] {
        let left = code(text);
        assert_eq!(left.len(), text.len(), "every byte keeps its place: {text}");
        assert_eq!(
            left.split_whitespace().collect::<Vec<_>>().join(" "),
            words_left,
            "{text}"
        );
    }
}

#[test]
fn a_block_reaches_from_its_keyword_to_its_closing_brace() {
    let text = "fn declared(&self) -> [u8; 2];\ntype F = fn(u8) -> u8;\nfn outer() { fn inner() { if x { } } }\nfn $name() {}";
    let found: Vec<_> = blocks(text, "fn")
        .into_iter()
        .map(|block| (block.name, &text[block.start..=block.end]))
        .collect();
    let inner = ("inner", "fn inner() { if x { } }");
    let outer = ("outer", "fn outer() { fn inner() { if x { } } }");
    assert_eq!(found, [outer, inner, ("name", "fn $name() {}")]);
}

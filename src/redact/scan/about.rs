//! What stands behind sensitive names and is no secret: words about it, types, placeholders, marks of what is gone.

use super::alphabet::{Alphabet, Bytes};
use super::harmless::is_foreign_word;
use super::lexicon::{Beginnings, Lexicon};
use super::mark;
use super::traits::{self, Traits};

/// Nothing, or a mark that stands for what was taken away: never counted again.
pub(super) fn is_nothing(value: &str) -> bool {
    is_nothing_in(value, || mark::is_in(value.as_bytes()))
}

/// As [`is_nothing`], where it is known whether one of our own markers stands in the value.
pub(super) fn is_nothing_in(value: &str, is_marked: impl FnOnce() -> bool) -> bool {
    static WORDS: Lexicon = Lexicon::of(&[
        "()",
        "empty",
        "err",
        "false",
        "filtered",
        "hidden",
        "masked",
        "missing",
        "n/a",
        "na",
        "nan",
        "nil",
        "no",
        "none",
        "null",
        "off",
        "ok",
        "on",
        "redacted",
        "removed",
        "set",
        "some",
        "true",
        "undefined",
        "unknown",
        "unset",
        "yes",
    ]);
    value.is_empty()
        // Anywhere in it: what was a secret in the value has been taken away already.
        || is_marked()
        || value == "[REDACTED"
        || mark::end(value.as_bytes(), 0).is_some()
        || value.starts_with("[PANICKED")
        || value.starts_with("…[dropped")
        || WORDS.has(value)
        || is_bracketed_nothing(value, &WORDS)
        || value
            .chars()
            .all(|char| matches!(char, '*' | 'x' | 'X' | '.' | '•' | '-' | '_' | '…' | '#'))
}

/// `<none>`, `[redacted]`, `(empty)`.
fn is_bracketed_nothing(value: &str, words: &Lexicon) -> bool {
    let opens = value.starts_with(['[', '<', '(', 'r', 'R']);
    if !opens {
        return false;
    }
    let inner = value.trim_matches(|char: char| matches!(char, '[' | ']' | '<' | '>' | '(' | ')'));
    let redacted = || {
        inner.split_at_checked(8).is_some_and(|(head, rest)| {
            // A label is of small letters, what goes on as a word is another one: what was to be hidden, perhaps.
            let label = rest
                .strip_prefix(':')
                .is_none_or(|label| label.bytes().all(|byte| byte.is_ascii_lowercase()));
            let apart = !rest.starts_with(|char: char| char.is_ascii_alphanumeric());
            head.eq_ignore_ascii_case("redacted") && label && apart
        })
    };
    inner.len() <= 20 && (words.has(inner) || redacted())
}

/// `${NAME}`, `$1`, `?`, `%s`, `{name}`, `<name>`: where a value will stand.
pub(super) fn is_placeholder(value: &str) -> bool {
    is_placeholder_with(value, traits::of(value.as_bytes()))
}

/// As [`is_placeholder`], where it is known what stands in the value.
pub(super) fn is_placeholder_with(value: &str, traits: Traits) -> bool {
    // Nothing else begins one of these.
    static FIRST: Bytes = Bytes::of(b"${<%#?[(!:@YyIR");
    let first = value.bytes().next();
    first.is_some_and(|first| FIRST.has(first)) && begins_placeholder(value, traits)
}

fn begins_placeholder(value: &str, traits: Traits) -> bool {
    let has_digit = traits & traits::DIGIT != 0;
    let name = |inner: &str| {
        !inner.is_empty()
            && inner
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b' ' | b'-' | b':'))
    };
    let within = |open: &str, close: &str| {
        value
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(name)
    };
    let upper = |inner: &str| {
        !inner.is_empty()
            && inner
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    within("${", "}")
        || within("{{", "}}")
        || within("{", "}") && !(value.len() >= 10 && has_digit)
        || within("$(", ")")
        || within("<", ">")
        || within("%(", ")s")
        || within("#{", "}")
        || value.strip_prefix('$').is_some_and(upper)
        || value
            .strip_prefix('%')
            .and_then(|rest| rest.strip_suffix('%'))
            .is_some_and(upper)
        || matches!(
            value,
            "?" | "%s"
                | "%d"
                | "{}"
                | "{:?}"
                | "%v"
                | "[]"
                | "{"
                | "["
                | "("
                | "{{"
                | "${{"
                | "<%="
                | "!vault"
                | "!secret"
                | "!Ref"
                | "!Sub"
                | "!env"
                | "!ENV"
        )
        || !has_digit && is_request(value)
        || value
            .strip_prefix([':', '@'])
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

/// `YOUR_API_KEY`: what documents say where a reader's own value is to stand; no digit is in it.
fn is_request(value: &str) -> bool {
    static BEGINNINGS: Beginnings =
        Beginnings::of(&["YOUR_", "your_", "your-", "YOUR-", "<your", "INSERT_", "REPLACE_"]);
    BEGINNINGS.begin(value)
}

/// Whether the value is a number, with or without a unit: `Some(true)` for digits alone.
pub(super) fn is_number(value: &str) -> Option<bool> {
    let bytes = value.as_bytes();
    let digits = Alphabet::Digit.run(bytes);
    if digits == bytes.len() {
        return Some(true);
    }
    let unit = value.get(digits..)?;
    let unit = unit.trim_start_matches(|char: char| char.is_ascii_digit() || matches!(char, '.' | ',' | '/'));
    let known = matches!(
        unit,
        "" | "s"
            | "ms"
            | "us"
            | "ns"
            | "m"
            | "h"
            | "d"
            | "min"
            | "b"
            | "kb"
            | "mb"
            | "gb"
            | "k"
            | "%"
            | "KiB"
            | "MiB"
    );
    (digits > 0 && known).then_some(false)
}

/// The folders at the root of a file system, and of what containers mount, in which files are kept.
const FOLDERS: &[&str] = &[
    "etc", "var", "home", "usr", "opt", "tmp", "run", "root", "mnt", "srv", "data", "app", "secrets",
    "Users", "proc", "dev", "keys", "certs", "config",
];

/// Whether the value begins with `/`, one of those folders, and `/`.
fn is_rooted(value: &str) -> bool {
    let folder = value.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    folder.is_some_and(|(folder, _)| FOLDERS.contains(&folder))
}

/// A place where a secret may be kept, but not the secret.
pub(super) fn is_path(value: &str, traits: Traits) -> bool {
    static ROOTS: Beginnings = Beginnings::of(&[
        "./", "../", "~/", "file:", "C:\\", "c:\\", "env:", "vault:", "arn:",
    ]);
    if traits & (traits::PATH | traits::COLON) == 0 {
        return false;
    }
    // `prod/db/password`: small words in a row.
    let words = value
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'/' | b'-' | b'_'));
    let segments = || value.bytes().filter(|byte| *byte == b'/').count();
    words && segments() >= 2
        || is_rooted(value)
        || ROOTS.begin(value)
        || [
            ".pem", ".key", ".json", ".yaml", ".yml", ".toml", ".txt", ".rs", ".py", ".crt",
        ]
        .iter()
        .any(|end| traits & traits::SPACE == 0 && value.ends_with(end))
}

/// What expressions and types of programs begin with.
static CODE: Beginnings = Beginnings::of(&[
    "self.",
    "this.",
    "process.env",
    "os.environ",
    "config.",
    "settings.",
    "env.",
    "env(",
    "std::",
    "&str",
    "&mut ",
    "Option<",
    "Vec<",
    "String",
    "secrets.",
    "ENV[",
    "getenv",
    "req.",
    "request.",
    "args.",
    "ctx.",
    "useState(",
    "useRef(",
    "getpass.",
    "params[",
    "Optional[",
]);

/// An expression or a type of a program.
pub(super) fn is_code(value: &str, traits: Traits) -> bool {
    static TYPES: Lexicon = Lexicon::of(&[
        "any",
        "array",
        "bool",
        "boolean",
        "bytes",
        "i32",
        "i64",
        "int",
        "integer",
        "number",
        "object",
        "password",
        "secret",
        "secretstring",
        "str",
        "string",
        "text",
        "token",
        "u16",
        "u32",
        "u64",
        "u8",
        "usize",
        "varchar",
    ]);
    TYPES.has(value)
        || CODE.begin(value)
        || value.ends_with("()")
        || traits & traits::PATH != 0 && value.ends_with('(') && value.contains('.')
        || value.ends_with("()?")
        || traits & traits::DOUBLE != 0
}

/// What messages say about secrets.
static ABOUT: Lexicon = Lexicon::of(&[
    "a",
    "absent",
    "accepted",
    "access",
    "active",
    "admin",
    "all",
    "allowed",
    "already",
    "always",
    "an",
    "and",
    "any",
    "are",
    "at",
    "auth",
    "available",
    "basic",
    "bearer",
    "blank",
    "blocked",
    "both",
    "by",
    "cached",
    "can",
    "can't",
    "cannot",
    "changed",
    "check",
    "checked",
    "checking",
    "closed",
    "could",
    "created",
    "default",
    "deleted",
    "denied",
    "did",
    "different",
    "digest",
    "disabled",
    "do",
    "does",
    "done",
    "dynamic",
    "enabled",
    "encrypted",
    "endpoint",
    "enter",
    "error",
    "exchange",
    "exists",
    "expected",
    "expired",
    "expires",
    "failed",
    "failure",
    "field",
    "for",
    "forbidden",
    "found",
    "from",
    "generated",
    "given",
    "grant",
    "granted",
    "had",
    "has",
    "hashed",
    "have",
    "header",
    "id",
    "identifier",
    "if",
    "ignored",
    "in",
    "inactive",
    "include",
    "incorrect",
    "invalid",
    "is",
    "issued",
    "it",
    "key",
    "length",
    "loaded",
    "locked",
    "long",
    "malformed",
    "manager",
    "may",
    "mismatch",
    "missing",
    "must",
    "name",
    "needed",
    "needs",
    "never",
    "new",
    "no",
    "none",
    "not",
    "of",
    "old",
    "omit",
    "on",
    "only",
    "open",
    "optional",
    "or",
    "parsed",
    "passed",
    "pending",
    "plaintext",
    "please",
    "policy",
    "present",
    "provided",
    "ready",
    "received",
    "refresh",
    "refreshed",
    "refused",
    "rejected",
    "removed",
    "request",
    "required",
    "reset",
    "response",
    "revoked",
    "rotated",
    "rotation",
    "same",
    "same-origin",
    "see",
    "sent",
    "service",
    "short",
    "should",
    "skipped",
    "stale",
    "static",
    "store",
    "strong",
    "success",
    "successful",
    "supported",
    "the",
    "they",
    "this",
    "to",
    "todo",
    "too",
    "type",
    "unauthorized",
    "unavailable",
    "unchanged",
    "unexpected",
    "unlocked",
    "unsupported",
    "unused",
    "updated",
    "use",
    "used",
    "user",
    "using",
    "valid",
    "value",
    "verified",
    "verify",
    "was",
    "we",
    "weak",
    "were",
    "will",
    "with",
    "would",
    "wrong",
    "you",
    "your",
]);

/// What a word of a sentence may end with.
pub(super) const MARKS: [char; 6] = ['.', ',', '!', '?', ':', ';'];

/// A single word that says something about a secret.
pub(super) fn is_word_about(value: &str) -> bool {
    /// No word of the lists is as long.
    const LONG: usize = 32;
    // Marks behind a long word, which many names in one run may ask for, are not read again for each.
    let is_long = |rest: &[u8]| rest.iter().any(|byte| !MARKS.contains(&char::from(*byte)));
    if value.as_bytes().get(LONG - 1..).is_some_and(is_long) {
        return false;
    }
    let word = value.trim_end_matches(MARKS);
    ABOUT.has(word) || is_foreign_word(word)
}

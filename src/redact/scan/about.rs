//! What stands behind sensitive names and is no secret: words about it, types, placeholders, marks of what is gone.

use super::alphabet::Alphabet;

/// Nothing, or a mark that stands for what was taken away: never counted again.
pub(super) fn is_nothing(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "none",
        "nil",
        "undefined",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "n/a",
        "na",
        "nan",
        "unset",
        "empty",
        "missing",
        "unknown",
        "some",
        "ok",
        "err",
        "redacted",
        "filtered",
        "masked",
        "hidden",
        "removed",
        "set",
        "()",
    ];
    value.is_empty()
        // Anywhere in it: what was a secret in the value has been taken away already.
        || value.contains("[REDACTED:")
        || value.starts_with("[REDACTED")
        || value.starts_with("hmac-sha256:")
        || value.starts_with("[PANICKED")
        || value.starts_with("…[dropped")
        || value.to_ascii_lowercase_in(|lower| WORDS.contains(&lower))
        || value
            .trim_matches(|char: char| matches!(char, '[' | ']' | '<' | '>' | '(' | ')'))
            .to_ascii_lowercase_in(|lower| WORDS.contains(&lower) || lower.starts_with("redacted"))
        || value
            .chars()
            .all(|char| matches!(char, '*' | 'x' | 'X' | '.' | '•' | '-' | '_' | '…' | '#'))
}

/// Lower case on the stack.
trait Lower {
    fn to_ascii_lowercase_in(&self, of: impl FnOnce(&str) -> bool) -> bool;
}

impl Lower for str {
    /// False for what is longer than any word of a list.
    fn to_ascii_lowercase_in(&self, of: impl FnOnce(&str) -> bool) -> bool {
        let mut buffer = [0; 20];
        let Some(place) = buffer.get_mut(..self.len()) else {
            return false;
        };
        place.copy_from_slice(self.as_bytes());
        place.make_ascii_lowercase();
        std::str::from_utf8(place).is_ok_and(of)
    }
}

/// `${NAME}`, `$1`, `?`, `%s`, `{name}`, `<name>`: where a value will stand.
pub(super) fn is_placeholder(value: &str) -> bool {
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
        || within("{", "}") && !(value.len() >= 10 && value.bytes().any(|byte| byte.is_ascii_digit()))
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
        || ["YOUR_", "your_", "your-", "YOUR-", "<your", "my-secret-", "INSERT_", "REPLACE_"]
            .iter()
            .any(|begin| value.starts_with(begin))
        || value
            .strip_prefix([':', '@'])
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
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

/// A place where a secret may be kept, but not the secret.
pub(super) fn is_path(value: &str) -> bool {
    const ROOTS: &[&str] = &[
        "/etc/",
        "/var/",
        "/home/",
        "/usr/",
        "/opt/",
        "/tmp/",
        "/run/",
        "/root/",
        "/mnt/",
        "/srv/",
        "/data/",
        "/app/",
        "/secrets/",
        "/Users/",
        "/proc/",
        "/dev/",
        "/keys/",
        "/certs/",
        "/config/",
        "./",
        "../",
        "~/",
        "file:",
        "C:\\",
        "c:\\",
        "env:",
        "vault:",
        "arn:",
    ];
    // `prod/db/password`: small words in a row.
    let segments = value.bytes().filter(|byte| *byte == b'/').count();
    let words = value
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'/' | b'-' | b'_'));
    segments >= 2 && words
        || ROOTS.iter().any(|root| value.starts_with(root))
        || [
            ".pem", ".key", ".json", ".yaml", ".yml", ".toml", ".txt", ".rs", ".py", ".crt",
        ]
        .iter()
        .any(|end| value.ends_with(end) && !value.contains(' '))
}

/// An expression or a type of a program.
pub(super) fn is_code(value: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
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
    ];
    const TYPES: &[&str] = &[
        "str",
        "string",
        "int",
        "integer",
        "bool",
        "boolean",
        "number",
        "u8",
        "u16",
        "u32",
        "u64",
        "i32",
        "i64",
        "usize",
        "bytes",
        "text",
        "varchar",
        "object",
        "array",
        "any",
        "secretstring",
        "password",
        "token",
        "secret",
    ];
    BEGINNINGS.iter().any(|begin| value.starts_with(begin))
        || value.ends_with("()")
        || value.ends_with('(') && value.contains('.')
        || value.ends_with("()?")
        || value.contains("::")
        || value.to_ascii_lowercase_in(|lower| TYPES.contains(&lower))
}

/// What messages say about secrets.
const ABOUT: &[&str] = &[
    "is",
    "was",
    "are",
    "were",
    "has",
    "had",
    "have",
    "must",
    "may",
    "should",
    "will",
    "would",
    "can",
    "cannot",
    "can't",
    "could",
    "not",
    "no",
    "too",
    "does",
    "did",
    "do",
    "invalid",
    "required",
    "missing",
    "please",
    "this",
    "the",
    "a",
    "an",
    "at",
    "needs",
    "expired",
    "expires",
    "incorrect",
    "wrong",
    "mismatch",
    "denied",
    "rejected",
    "refused",
    "revoked",
    "changed",
    "reset",
    "updated",
    "created",
    "deleted",
    "removed",
    "rotated",
    "accepted",
    "valid",
    "verified",
    "verify",
    "failed",
    "failure",
    "success",
    "successful",
    "error",
    "expected",
    "unexpected",
    "unauthorized",
    "forbidden",
    "enabled",
    "disabled",
    "optional",
    "unsupported",
    "malformed",
    "found",
    "given",
    "provided",
    "sent",
    "received",
    "refresh",
    "refreshed",
    "issued",
    "used",
    "unused",
    "pending",
    "stale",
    "weak",
    "strong",
    "short",
    "long",
    "length",
    "enter",
    "check",
    "checked",
    "your",
    "use",
    "using",
    "bearer",
    "basic",
    "digest",
    "for",
    "from",
    "in",
    "of",
    "to",
    "with",
    "and",
    "or",
    "if",
    "on",
    "by",
    "it",
    "we",
    "you",
    "they",
    "ignored",
    "skipped",
    "generated",
    "loaded",
    "parsed",
    "cached",
    "default",
    "todo",
    "see",
    "only",
    "already",
    "never",
    "always",
    "active",
    "inactive",
    "exists",
    "present",
    "absent",
    "needed",
    "blank",
    "none",
    "same",
    "different",
    "new",
    "old",
    "plaintext",
    "encrypted",
    "hashed",
    "rotation",
    "policy",
    "store",
    "manager",
    "service",
    "request",
    "response",
    "grant",
    "type",
    "access",
    "id",
    "name",
    "key",
    "value",
    "field",
    "header",
    "auth",
    "user",
    "admin",
    "exchange",
    "include",
    "omit",
    "same-origin",
    "accepted",
    "endpoint",
    "granted",
    "allowed",
    "blocked",
    "passed",
    "checking",
    "ready",
    "done",
    "locked",
    "unlocked",
    "closed",
    "open",
    "static",
    "dynamic",
    "supported",
    "available",
    "unavailable",
    "unchanged",
    "all",
    "any",
    "both",
];

/// A single word that says something about a secret.
pub(super) fn is_word_about(value: &str) -> bool {
    let word = value.trim_end_matches(['.', ',', '!', '?', ':', ';']);
    word.to_ascii_lowercase_in(|lower| ABOUT.contains(&lower))
}

/// Several words of which the first says something about a secret, or a sentence of plain words.
pub(super) fn is_prose(value: &str) -> bool {
    let mut words = value.split_whitespace();
    let first = words.next().is_some_and(is_word_about);
    let plain = |word: &str| {
        let word = word.trim_end_matches(['.', ',', '!', '?', ':', ';']);
        word.bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'\'' || byte == b'-')
    };
    let count = value.split_whitespace().take(32).count();
    let about = value.split_whitespace().take(32).any(is_word_about);
    count >= 2 && first || count >= 3 && about && value.split_whitespace().take(32).all(plain)
}

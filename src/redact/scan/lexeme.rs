//! Tokens of a language, and objects that are spoken of by their names: `unexpected token '}'`, `kubectl get secret "db"`.
//! What stands in the marks has to be too short for a secret, or of words that are known.

use super::alphabet::byte;
use super::bytes::{find, run};
use super::joint::Site;
use super::lexicon::Lexicon;
use super::plausible::Joint;
use super::value::Extent;

/// Whether what stands where a value would is such a token, or such a name.
pub(super) fn is_spoken_of(bytes: &[u8], site: Site, found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    if matches!(value, [mark] if mark.is_ascii_punctuation()) && is_token(bytes, site) {
        return true;
    }
    match (site.joint, found.quoted) {
        (Joint::Colon, false) => is_kind(bytes, site, found) && is_token(bytes, site),
        (Joint::Colon, true) => is_keyword(bytes, site, value) && is_token(bytes, site),
        (Joint::Assigned, true) if value.len() < 64 && is_apart(bytes, site, found) => {
            (is_short(value) || is_word(bytes, found, value)) && is_token(bytes, site)
                || is_of_cluster(bytes, site, value)
                || is_host(bytes, site, found)
        }
        _ => false,
    }
}

fn is_token(bytes: &[u8], site: Site) -> bool {
    bytes
        .get(site.from..site.to)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"token"))
}

/// Whether a space and marks stand between the two, and no sign.
fn is_apart(bytes: &[u8], site: Site, found: Extent) -> bool {
    let marks = bytes.get(site.to + 1..found.start).unwrap_or_default();
    byte(bytes, site.to) == b' '
        && (1..=4).contains(&marks.len())
        && marks
            .iter()
            .all(|mark| matches!(mark, b'"' | b'\'' | b'`' | b'\\'))
}

/// `Unexpected token: punc (;)`, `Illegal character in token: 0x1f`
fn is_kind(bytes: &[u8], site: Site, found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    match value {
        b"punc" => {
            let behind = bytes.get(found.end..).unwrap_or_default();
            behind.starts_with(b" (") && byte(behind, 2).is_ascii_punctuation() && byte(behind, 3) == b')'
        }
        [b'0', b'x', code @ ..] => {
            let head = bytes.get(..site.from).unwrap_or_default();
            matches!(code.len(), 1 | 2)
                && code.iter().all(u8::is_ascii_hexdigit)
                && head.ends_with(b"character in ")
        }
        _ => false,
    }
}

/// `the first token: "SELECT"`
fn is_keyword(bytes: &[u8], site: Site, value: &[u8]) -> bool {
    static KEYWORDS: Lexicon = Lexicon::of(&[
        "alter", "begin", "commit", "create", "delete", "drop", "end", "explain", "from", "grant", "insert",
        "revoke", "rollback", "select", "set", "show", "truncate", "update", "where", "with",
    ]);
    let head = bytes.get(..site.from).unwrap_or_default();
    let places = [&b"first "[..], b"next ", b"last "];
    KEYWORDS.has_bytes(value)
        && value.iter().all(u8::is_ascii_uppercase)
        && places.iter().any(|place| head.ends_with(place))
}

/// `'<'`, `"}"`, `'o'`, `"==="`: shorter than any secret.
fn is_short(value: &[u8]) -> bool {
    let is_mark = |byte: &u8| byte.is_ascii_punctuation() || byte.is_ascii_alphabetic();
    (1..=3).contains(&value.len()) && value.iter().all(is_mark)
}

/// `Unrecognized token 'foo': was expecting …`, `token "hello" has id 7592`, `token "ci-deploy" revoked by admin`
fn is_word(bytes: &[u8], found: Extent, value: &[u8]) -> bool {
    static WORDS: Lexicon = Lexicon::of(&[
        "foo",
        "false",
        "hello",
        "nan",
        "none",
        "null",
        "test",
        "true",
        "undefined",
    ]);
    static PARTS: Lexicon = Lexicon::of(&[
        "admin", "api", "backup", "bot", "build", "ci", "deploy", "dev", "prod", "read", "release",
        "service", "staging", "test", "write",
    ]);
    let marks = run(bytes, found.end, 4, |byte| {
        matches!(byte, b'\\' | b'"' | b'\'' | b'`')
    });
    let behind = bytes.get(found.end + marks..).unwrap_or_default();
    let is_joined = || {
        value.contains(&b'-')
            && value
                .split(|byte| *byte == b'-')
                .all(|part| PARTS.has_bytes(part))
    };
    let is_revoked = || {
        [
            &b" revoked"[..],
            b" created",
            b" deleted",
            b" expired",
            b" not found",
        ]
        .iter()
        .any(|said| behind.starts_with(said))
    };
    WORDS.has_bytes(value) && (behind.starts_with(b": was expecting") || behind.starts_with(b" has id "))
        || is_revoked() && is_joined()
}

/// `kubectl get secret "db-creds"`: an object of a cluster, which a command gets by its name.
fn is_of_cluster(bytes: &[u8], site: Site, value: &[u8]) -> bool {
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.');
    if !matches!(name, b"secret" | b"secrets") || !value.iter().all(is_part) {
        return false;
    }
    let head = bytes
        .get(site.from.saturating_sub(48)..site.from)
        .unwrap_or_default();
    let line = head.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let verbs = [&b" get "[..], b" describe ", b" delete ", b" edit "];
    verbs.iter().any(|verb| line.ends_with(verb)) && find(line, b"kubectl ").is_some()
}

/// `credentials "app.terraform.io" {`: the host that the block is about.
fn is_host(bytes: &[u8], site: Site, found: Extent) -> bool {
    if bytes.get(site.from..site.to) != Some(b"credentials") {
        return false;
    }
    let host = bytes.get(found.start..found.end).unwrap_or_default();
    let behind = bytes.get(found.end..).unwrap_or_default();
    let is_part =
        |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
    let last = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    behind.starts_with(b"\" {")
        && matches!(byte(behind, 3), 0 | b' ' | b'\r' | b'\n' | b'\\')
        && host.contains(&b'.')
        && matches!(
            last,
            b"io" | b"com" | b"net" | b"org" | b"dev" | b"internal" | b"local"
        )
        && host.split(|byte| *byte == b'.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn the_tokens_of_a_language_and_the_names_of_objects_are_no_secrets() {
        check(&[
            (
                "message",
                "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
            ),
            ("message", "unexpected token \"}\""),
            ("message", "{\"m\":\"unexpected token \\\"}\\\"\"}"),
            ("message", "Unrecognized token 'foo': was expecting null"),
            ("message", "Unexpected token 'o', \"not json\" is not valid JSON"),
            ("message", "Unexpected token: punc (;)"),
            ("message", "Illegal character in token: 0x1f"),
            ("message", "the first token: \"SELECT\""),
            ("message", "token \"hello\" has id 7592"),
            ("message", "kubectl get secret \"db-creds\""),
            ("message", "token \"ci-deploy\" revoked by admin"),
            ("message", "token 'abc' not found"),
            ("message", "credentials \"app.terraform.io\" {\n  host = \"x\"\n}"),
        ]);
    }

    #[test]
    fn what_may_be_a_secret_in_such_a_place_is_cut() {
        check(&[
            ("message", "Google app secret \"«abcdefghijklmnop»\" revoked"),
            ("message", "unrecognized token \"«abcdefghijklmnop»\""),
            ("message", "Unrecognized token '«hunter»': was expecting null"),
            ("message", "unexpected token '«Xabc12XYdefgh9»'"),
            ("message", "the token '«hunter»'"),
            ("message", "token: «hunter22»"),
            ("message", "token: «0x1f»"),
            ("message", "token: \"«SELECT»\""),
            ("message", "the first token: \"«HUNTER»\""),
            ("message", "get secret \"«db-creds»\""),
            ("message", "kubectl get secret \"«Xabc12XYdefgh9»\""),
            ("message", "token '«a8Kq29dk»' not found"),
            ("message", "token \"«correct-horse»\" revoked by admin"),
            ("message", "password '«abc»' not found"),
            ("message", "token = \"«abc»\""),
            ("message", "token = '«hello»' has id 7592"),
            ("message", "password \"«sunshine»\" {"),
            ("message", "credentials \"«hunter22x»\" {"),
            ("message", "credentials \"«hunter»\""),
            ("message", "credentials \"«hunter.two»\" {"),
        ]);
    }
}

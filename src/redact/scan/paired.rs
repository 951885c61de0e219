//! Pairs in lists whose values are of letters alone: `[('host', 'x'), ('password', '…')]`, `[["api_key", "…"], ["LIMIT", 1]]`. A
//! list of two names looks the same, so the pair has to be one of several, or stand in brackets of its own, and the value must be
//! no name.

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::lexicon::Lexicon;
use super::value;

/// Whether the name at `from` is the first of a pair, behind whose comma at `at` a value of letters stands.
pub(super) fn is_paired(bytes: &[u8], from: usize, at: usize) -> bool {
    let open = from - run_back(bytes, from, 8, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let closing = match before(bytes, open, 1) {
        b'(' => b')',
        b'[' => b']',
        _ => return false,
    };
    let near = bytes.get(..bytes.len().min(at + 96)).unwrap_or_default();
    let Some(found) = value::in_marks(near, value::skip_space(near, at, true)) else {
        return false;
    };
    let marks = run(near, found.end, 8, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let text = near.get(found.start..found.end).unwrap_or_default();
    marks > 0
        && byte(near, found.end + marks) == closing
        && is_in_list(bytes, open - 1)
        && is_value(bytes.get(open..at).unwrap_or_default(), text)
}

/// Whether the bracket at `open` is the first of a list in a list, or one behind another.
fn is_in_list(bytes: &[u8], open: usize) -> bool {
    let space = |byte: u8| byte.is_ascii_whitespace();
    let end = open - run_back(bytes, open, 32, space);
    match before(bytes, end, 1) {
        b'[' | b'(' | b'{' => true,
        b',' => {
            let comma = end - 1;
            let last = comma - run_back(bytes, comma, 32, space);
            matches!(before(bytes, last, 1), b')' | b']')
        }
        _ => false,
    }
}

/// Whether letters are a value and no name or type: those of a key, or behind the name of a password a word that is no other
/// field's name and no label, which mostly begins with a capital.
fn is_value(name: &[u8], text: &[u8]) -> bool {
    if text.len() < 6 || !text.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    is_mixed(text) || text.len() >= 8 && text.iter().all(u8::is_ascii_lowercase) && is_of_password(name, text)
}

/// `DGyVabc`: at least three capitals, and after a row of them a word of one small letter or two, as in no name of a type.
fn is_mixed(text: &[u8]) -> bool {
    let capitals = text.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let mut words = text.chunk_by(|last, this| last.is_ascii_uppercase() || this.is_ascii_lowercase());
    let is_odd = |word: &[u8]| {
        let small = word.iter().filter(|byte| byte.is_ascii_lowercase()).count();
        (1..=2).contains(&small)
    };
    let has = |part: &[u8]| {
        text.windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
    };
    // `APIKey`
    let is_named = || text.len() < 16 && NAMES.iter().any(|name| has(name));
    capitals >= 3 && capitals < text.len() && words.any(is_odd) && !is_named()
}

/// What names of types and fields have in them.
const NAMES: [&[u8]; 6] = [b"key", b"token", b"pass", b"secret", b"type", b"id"];

fn is_of_password(name: &[u8], text: &[u8]) -> bool {
    static OTHERS: Lexicon = Lexicon::of(&[
        "alphanumeric",
        "authentication",
        "authenticator",
        "characters",
        "checkbox",
        "confirmation",
        "confirmed",
        "credentials",
        "encrypted",
        "hashable",
        "identifier",
        "kennwort",
        "lifecycle",
        "mandatory",
        "nullable",
        "optional",
        "passwort",
        "personal",
        "plaintext",
        "protected",
        "readonly",
        "security",
        "sensitive",
        "textarea",
        "textfield",
        "username",
        "wachtwoord",
    ]);
    const PARTS: [&[u8]; 9] = [
        b"pass", b"secret", b"token", b"field", b"input", b"valid", b"length", b"mail", b"hidden",
    ];
    let is_password = [&b"password"[..], b"passwd", b"pwd", b"passphrase"]
        .iter()
        .any(|end| {
            let name = name.trim_ascii_end();
            let marks = run_back(name, name.len(), 9, |byte| {
                matches!(byte, b'"' | b'\'' | b'\\' | b',')
            });
            name.get(..name.len() - marks)
                .is_some_and(|name| name.ends_with(end))
        });
    is_password
        && !OTHERS.has_bytes(text)
        && !PARTS
            .iter()
            .any(|part| text.windows(part.len()).any(|window| window == *part))
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn the_value_of_a_pair_in_a_list_is_cut_also_where_it_is_of_letters_alone() {
        check(&[
            (
                "message",
                "OrderedDict([('host', 'x'), ('password', '«DGyVxoYBbnROfkeAkBJgMRNg»')])",
            ),
            ("message", "[('host', 'x'), ('password', '«DGyVabc»')]"),
            (
                "message",
                "User Load (0.3ms) [[\"api_key\", \"«DUFMtlNIpIGXDDjFbUH»\"], [\"LIMIT\", 1]]",
            ),
            (
                "message",
                "{\"m\":\"[[\\\"api_key\\\", \\\"«DUFMtlNIpIGXDDjFbUH»\\\"]]\"}",
            ),
            (
                "message",
                "[(\"user\", \"bob\"), (\"password\", \"«liverpool»\")]",
            ),
            ("message", "(('token', '«xQvBnKtRw»'), ('a', 'b'))"),
            ("message", "[(\"x-api-key\", \"«a8Kq29dkQm2L»\")]"),
        ]);
    }

    #[test]
    fn names_labels_and_types_in_lists_of_pairs_stay() {
        check(&[
            (
                "message",
                "choices=[('password', 'Password'), ('token', 'Token'), ('secret', 'ClientSecret')]",
            ),
            (
                "message",
                "unique_together = [['token', 'user'], ('password', 'username')]",
            ),
            (
                "message",
                "[('password', 'required'), ('token', 'UUIDField'), ('api_key', 'CharField')]",
            ),
            (
                "message",
                "[[\"password\", \"string\"], [\"token\", \"jsonSchemaType\"]]",
            ),
            ("message", "permit('password', 'liverpool')"),
            ("message", "['password', 'remember']"),
            ("message", "hidden = ['password', 'DGyVabc']"),
            ("message", "[('password', 'Passwort'), ('api_key', 'APIKey')]"),
        ]);
    }
}

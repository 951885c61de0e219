//! Commands whose output a secret will be: `TOKEN=$(vault read -field=token x)`. What stands in one is looked at by itself.

use super::alphabet::byte;
use super::bytes::{before, find};
use super::lexicon::Lexicon;
use super::value::Extent;

/// The longest command, in bytes.
const LONGEST: usize = 256;

/// Whether the value is such a command, in brackets or in the marks of a shell.
pub(super) fn is_command(bytes: &[u8], found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    if !found.quoted {
        return value.starts_with(b"$(") && is_open(bytes, found.start + 2);
    }
    let inner = match value {
        [b'$', b'(', rest @ ..] => rest.strip_suffix(b")"),
        text => Some(text).filter(|text| before(bytes, found.start, 1) == b'`' && text.contains(&b' ')),
    };
    inner.is_some_and(|inner| inner.len() <= LONGEST && is_known(inner) && is_plain(inner))
}

/// Whether such a command begins at `at` and its bracket closes in the same line. The value ends with its first word, so what
/// else stands in it is looked at whatever this says.
fn is_open(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at..bytes.len().min(at + LONGEST)).unwrap_or_default();
    memchr::memchr2(b')', b'\n', ahead).is_some_and(|close| byte(ahead, close) == b')') && is_known(ahead)
}

/// Whether it begins with a program that gives secrets, or makes them.
fn is_known(command: &[u8]) -> bool {
    static PROGRAMS: Lexicon = Lexicon::of(&[
        "aws",
        "az",
        "bw",
        "curl",
        "doppler",
        "gcloud",
        "gh",
        "gopass",
        "heroku",
        "jq",
        "kubectl",
        "lpass",
        "oc",
        "pwgen",
        "sops",
        "terraform",
        "uuidgen",
        "vault",
    ]);
    const BEGINNINGS: [&[u8]; 6] = [
        b"head -c",
        b"openssl rand",
        b"op item ",
        b"op read ",
        b"pass show ",
        b"security find-",
    ];
    let end = command.iter().position(|byte| matches!(byte, b' ' | b')'));
    let program = command.get(..end.unwrap_or(command.len())).unwrap_or_default();
    program.iter().all(u8::is_ascii_lowercase) && PROGRAMS.has_bytes(program)
        || BEGINNINGS.iter().any(|begin| command.starts_with(begin))
}

/// Whether no word of it has as many digits among its letters as a secret.
fn is_plain(command: &[u8]) -> bool {
    // It is given one itself, or another command follows.
    let takes_one = [&b"<<<"[..], b"--from-literal"]
        .iter()
        .any(|sign| find(command, sign).is_some());
    if takes_one || memchr::memchr2(b';', b'&', command).is_some() {
        return false;
    }
    command.split(|byte| !byte.is_ascii_alphanumeric()).all(|word| {
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        digits <= 1 || digits == word.len() && digits <= 4 || word == b"base64"
    })
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn a_command_whose_output_it_will_be_is_no_secret() {
        check(&[
            ("message", "export TOKEN=$(vault read -field=token secret/x)"),
            (
                "message",
                "TOKEN=\"$(aws secretsmanager get-secret-value --secret-id=x)\" make",
            ),
            ("message", "API_KEY=`gcloud secrets versions access latest` make"),
            ("message", "PASSWORD=$(openssl rand -hex 32)"),
            ("message", "PASSWORD=\"«$(printf hunter22x | x=)»\""),
            ("message", "PASSWORD=`«openssl passwd sunshine»`"),
            ("message", "TOKEN=\"«$(jq -r .t <<< sunshine)»\""),
            ("message", "PASSWORD=`«hunter22x»`"),
            ("message", "PASSWORD=`«vault»`"),
            ("message", "TOKEN=\"«$(curl a8Kq29dkQm2L | x=)»\""),
            ("message", "PASSWORD=«$(Xabc12XYdefgh9»"),
            (
                "message",
                "TOKEN=$(curl -H \"X-Api-Key: «a8Kq29dkQm2L»\" https://h/t)",
            ),
        ]);
    }
}

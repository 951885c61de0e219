//! Lines of tools and protocols of which one place is a secret, read step by step from what they begin with. Every step
//! looks a bounded way, and a form that does not fit to its end says nothing.

use super::about::{is_nothing, is_placeholder};
use super::alphabet::{Bytes, byte};
use super::bytes::{before, find, run, run_back};
use super::code;
use super::dialog;
use super::hashed;
use super::look::Look;
use super::mark;
use crate::redact::scan::hits::Sort;
use crate::redact::words::Force;

/// What a line that begins with a literal may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Each of these forms, tried by itself.
    Steps(&'static [&'static [Step]]),
    /// `echo 'SECRET' | sudo -S`
    Piped,
    /// `echo "root:SECRET" | chpasswd`
    PipedUser,
    /// `a001 LOGIN bob SECRET`
    Imap,
    /// `wa.me/4915112345678`: a telephone number as an address.
    Chat,
    /// `831242 is your login code`: the code before the words.
    Code,
    /// `$argon2id$v=19$m=65536,t=3,p=4$…`: the hash of a password, behind its parameters.
    Hash,
    /// `pbkdf2:sha256:600000$…`: the same, with colons between the parameters.
    Digest,
    /// `echo 'SECRET' | docker login --password-stdin`
    Stdin,
    /// `334 UGFzc3dvcmQ6`: the answer to it.
    Dialog,
    /// What did not fit a field, named in the line before: `input_value='SECRET'`.
    Refused,
}

/// One thing after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The literal is written just so.
    Exact(&'static [u8]),
    /// The literal begins its line, or a text.
    Begins,
    /// The literal stands right behind this.
    Behind(&'static [u8]),
    /// This stands near before the literal, in its line.
    After(&'static [u8]),
    /// A word and the spaces behind it.
    Word,
    /// An argument, in marks or without, and the spaces behind it.
    Arg,
    /// A text in quotation marks, and the comma behind it.
    Quoted,
    /// This stands here.
    Is(&'static [u8]),
    /// This stands further on in the line.
    To(&'static [u8]),
    /// A word that goes on behind this byte.
    Upto(u8),
    /// An argument: the secret.
    Secret,
    /// The secret, before this byte; before anything that ends a part of a URL or is not ASCII, if it is 0.
    SecretTo(u8),
    /// The secret stands in quotation marks.
    Marked,
    /// The secret is no plain word and no number.
    Odd,
    /// The one or the other.
    Sure,
    /// Nor an id: of letters of both kinds and digits alone.
    Mixed,
    /// This follows.
    Then(&'static [u8]),
    /// The line ends here.
    End,
}

/// How far ahead in a line something is looked for, in bytes.
const NEAR: usize = 256;

/// The longest word or secret, in bytes.
const LONGEST: usize = 96;

const RULE: &str = "kv.form";

/// Where a secret stands, and where the line goes on behind it.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    behind: usize,
}

/// The literal at `start..end`, which a form begins with.
pub(super) fn begin(look: &mut Look<'_, '_>, form: Form, start: usize, end: usize) {
    let place = match form {
        Form::Steps(forms) => {
            for steps in forms {
                if let Some(place) = walk(look.bytes, steps, start, end) {
                    push(look, place);
                }
            }
            return;
        }
        Form::Piped => piped(look.bytes, start, end),
        Form::PipedUser => piped_user(look.bytes, start),
        Form::Imap => imap(look.bytes, start, end),
        Form::Chat => return chat(look, end),
        Form::Code => return code::before(look, start, end),
        Form::Hash => return hashed::listed(look, start, end),
        Form::Digest => return hashed::digest(look, start, end),
        Form::Dialog => return dialog::answer(look, end),
        Form::Stdin => stdin(look.bytes, start, end),
        Form::Refused => refused(look, start, end),
    };
    if let Some(place) = place {
        push(look, place);
    }
}

fn push(look: &mut Look<'_, '_>, place: Place) {
    let text = look.text.get(place.start..place.end).unwrap_or_default();
    let is_own = !text.is_empty()
        && !text.starts_with(['-', '$', '[', '/', '*', '<', '{', '%'])
        && !is_nothing(text)
        && !is_placeholder(text)
        && !mark::is_in(text.as_bytes());
    if is_own {
        look.hits.push(place.start, place.end, RULE, Sort::Secret);
    }
}

/// Follows the steps from `end` on; where the secret stands if all of them fit.
fn walk(bytes: &[u8], steps: &[Step], start: usize, end: usize) -> Option<Place> {
    let mut at = end;
    let mut place = None;
    for step in steps {
        match *step {
            Step::Exact(text) => stands(bytes, start, text)?,
            Step::Begins => begins_line(bytes, start)?,
            Step::Behind(text) => stands(bytes, start.checked_sub(text.len())?, text)?,
            Step::After(text) => after(bytes, start, text)?,
            Step::Word => at = word(bytes, at)?,
            Step::Arg => at = behind_argument(bytes, at)?,
            Step::Quoted => at = quoted(bytes, at)?,
            Step::Is(text) => {
                stands(bytes, at, text)?;
                at += text.len();
            }
            Step::To(text) => at += to(bytes, at, text)?,
            Step::Upto(wanted) => {
                let open = at + usize::from(matches!(byte(bytes, at), b'"' | b'\''));
                let len = run(bytes, open, LONGEST, |byte| byte != wanted && is_part(byte));
                at = open + len + 1;
                (byte(bytes, open + len) == wanted).then_some(())?;
            }
            Step::Secret => place = Some(argument(bytes, at)?),
            Step::SecretTo(close) => place = Some(closed(bytes, at, close)?),
            Step::Marked => place.filter(|place| place.behind > place.end).map(|_| ())?,
            Step::Odd => place.filter(|place| is_odd(bytes, *place)).map(|_| ())?,
            Step::Sure => place
                .filter(|place| place.behind > place.end || is_odd(bytes, *place))
                .map(|_| ())?,
            Step::Mixed => place.filter(|place| is_mixed(bytes, *place)).map(|_| ())?,
            Step::Then(text) => stands(bytes, place?.behind, text)?,
            Step::End => ends_line(bytes, place?.behind)?,
        }
    }
    place
}

fn after(bytes: &[u8], start: usize, text: &[u8]) -> Option<()> {
    let back = bytes.get(start.saturating_sub(NEAR)..start)?;
    let at = memchr::memmem::rfind(back, text)?;
    let is_in_line = memchr::memchr3(b'\n', b'|', b';', back.get(at..)?).is_none();
    is_in_line.then_some(())
}

fn stands(bytes: &[u8], at: usize, text: &[u8]) -> Option<()> {
    let ahead = bytes.get(at..).unwrap_or_default();
    ahead.starts_with(text).then_some(())
}

/// Whether nothing stands before it in its line but what a program shows a line with.
fn begins_line(bytes: &[u8], start: usize) -> Option<()> {
    let before = before(bytes, start, 1);
    matches!(before, 0 | b'\n' | b'\r' | b'"' | b'\'' | b'`').then_some(())
}

fn ends_line(bytes: &[u8], at: usize) -> Option<()> {
    let at = at + run(bytes, at, 8, |byte| byte == b' ');
    let is_end = match byte(bytes, at) {
        0 => at >= bytes.len(),
        b'\\' => matches!(byte(bytes, at + 1), b'n' | b'r' | b'"' | b'\\'),
        byte => matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'`'),
    };
    is_end.then_some(())
}

/// Part of an argument that is not quoted.
fn is_part(byte: u8) -> bool {
    byte > b' ' && byte != 0x7F && !matches!(byte, b'"' | b'\'' | b'`')
}

/// Behind the word at `at` and the spaces that follow it.
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let len = run(bytes, at, LONGEST, is_part);
    let spaces = run(bytes, at + len, 8, |byte| byte == b' ');
    (len > 0 && spaces > 0).then_some(at + len + spaces)
}

/// Behind the argument at `at` and the spaces that follow it.
fn behind_argument(bytes: &[u8], at: usize) -> Option<usize> {
    let at = argument(bytes, at)?.behind;
    let spaces = run(bytes, at, 8, |byte| byte == b' ');
    (spaces > 0).then_some(at + spaces)
}

/// Behind the text in quotation marks at `at`, and the comma and the spaces that follow it.
fn quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(matches!(byte(bytes, at), b'N' | b'n'));
    let mark = byte(bytes, at);
    if !matches!(mark, b'\'' | b'"') {
        return None;
    }
    let end = shut(bytes, at + 1, mark, 0)?;
    let comma = (byte(bytes, end + 1) == b',').then_some(end + 2)?;
    Some(comma + run(bytes, comma, 8, |byte| byte == b' '))
}

/// How far behind `at` the text ends that stands further on in the same command.
fn to(bytes: &[u8], at: usize, text: &[u8]) -> Option<usize> {
    let ahead = bytes.get(at..bytes.len().min(at + NEAR)).unwrap_or_default();
    let line = memchr::memchr2(b'\n', b'|', ahead).unwrap_or(ahead.len());
    let line = ahead.get(..line).unwrap_or_default();
    let line = line.get(..command_end(line))?;
    find(line, text).map(|found| found + text.len())
}

/// Where another command follows: behind `; ` or `&& ` outside of quotation marks.
fn command_end(line: &[u8]) -> usize {
    let mut quote = 0;
    let ends = |at: usize| {
        let rest = line.get(at..).unwrap_or_default();
        rest.starts_with(b"; ") || rest.starts_with(b"&& ")
    };
    let end = line.iter().enumerate().position(|(at, byte)| match *byte {
        mark @ (b'"' | b'\'') if quote == 0 || quote == mark => {
            quote = mark - quote;
            false
        }
        b';' | b'&' => quote == 0 && ends(at),
        _ => false,
    });
    end.unwrap_or(line.len())
}

/// The argument at `at`, with the backslash of a text in a text before its marks, or without marks.
fn argument(bytes: &[u8], at: usize) -> Option<Place> {
    let at = at + usize::from(matches!(byte(bytes, at), b'N') && byte(bytes, at + 1) == b'\'');
    let escapes = run(bytes, at, 8, |byte| byte == b'\\');
    let mark = byte(bytes, at + escapes);
    if matches!(mark, b'"' | b'\'') {
        let start = at + escapes + 1;
        let end = shut(bytes, start, mark, escapes)?;
        let behind = end + escapes + 1;
        return Some(Place { start, end, behind });
    }
    static METAS: Bytes = Bytes::of(b"<>|;&");
    let len = run(bytes, at, LONGEST, |byte| is_part(byte) && !METAS.has(byte));
    let text = bytes.get(at..at + len).unwrap_or_default();
    // The mark or the line break behind it is one of the text that it stands in.
    let len = match memchr::memchr(b'\\', text) {
        Some(slash) if matches!(byte(text, slash + 1), 0 | b'n' | b'r' | b't' | b'\\') => slash,
        _ => len,
    };
    let text = bytes.get(at..at + len).unwrap_or_default();
    let tail = run_back(text, text.len(), 4, |byte| {
        matches!(byte, b',' | b')' | b']' | b'}' | b'*')
    });
    let end = at + len - tail;
    (end > at).then_some(Place {
        start: at,
        end,
        behind: end,
    })
}

/// Where the text that begins at `start` ends before its mark, behind so many backslashes; those with more, and doubled ones,
/// are its own. `None` also where the mark is the end of a text around it: what follows is its structure, and another
/// mark in a text of this kind would be that end.
fn shut(bytes: &[u8], start: usize, mark: u8, escapes: usize) -> Option<usize> {
    if matches!(byte(bytes, start), b',' | b':' | b'}' | b']' | b' ' | b'\t') {
        return None;
    }
    let mut at = start;
    while at < start + LONGEST {
        let ahead = bytes.get(at..bytes.len().min(start + LONGEST))?;
        let found = at + memchr::memchr3(mark, b'"', b'\n', ahead)?;
        let slashes = run_back(bytes, found, 9, |byte| byte == b'\\').min(found - start);
        let is_doubled = mark == b'\'' && byte(bytes, found + 1) == mark;
        if byte(bytes, found) == mark && slashes == escapes && !(is_doubled && escapes == 0) {
            return Some(found - escapes);
        }
        if byte(bytes, found) != mark || slashes < escapes {
            return None;
        }
        at = found + 1 + usize::from(is_doubled && slashes == escapes);
    }
    None
}

/// The secret from `at` on that `close` ends.
fn closed(bytes: &[u8], at: usize, close: u8) -> Option<Place> {
    static ENDS: Bytes = Bytes::of(b"&#;,<>\\");
    let is_in = |byte: u8| match close {
        0 => is_part(byte) && byte.is_ascii() && !ENDS.has(byte),
        close => is_part(byte) && byte != close && byte != b'/',
    };
    let end = at + run(bytes, at, LONGEST, is_in);
    // Where an address is named behind it, the colon is not the secret's.
    let end = end - usize::from(close == 0 && before(bytes, end, 1) == b':');
    let is_closed = close == 0 || byte(bytes, end) == close;
    (is_closed && end > at).then_some(Place {
        start: at,
        end,
        behind: end,
    })
}

/// Whether it is neither a word, nor a number, nor a name in capitals.
fn is_odd(bytes: &[u8], place: Place) -> bool {
    let text = bytes.get(place.start..place.end).unwrap_or_default();
    text.len() >= 8 && text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_lowercase)
}

fn is_mixed(bytes: &[u8], place: Place) -> bool {
    let text = bytes.get(place.start..place.end).unwrap_or_default();
    let is_key = || text.len() >= 32 && text.iter().all(u8::is_ascii_hexdigit);
    text.len() >= 10
        && text.iter().all(u8::is_ascii_alphanumeric)
        && is_odd(bytes, place)
        && (text.iter().any(u8::is_ascii_uppercase) || is_key())
}

/// The argument of the `echo` or `printf` that is piped into what stands at `start`.
fn echoed(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let from = start.saturating_sub(NEAR);
    let head = bytes.get(from..start)?.trim_ascii_end();
    let head = head.strip_suffix(b"sudo").unwrap_or(head).trim_ascii_end();
    let head = head.strip_suffix(b"|")?.trim_ascii_end();
    let last = |word: &[u8]| {
        let at = |at: &usize| head.get(*at..).is_some_and(|text| text.starts_with(word));
        memchr::memrchr_iter(*word.first()?, head)
            .find(at)
            .map(|at| at + word.len())
    };
    let mut at = last(b"echo ").max(last(b"printf "))?;
    for option in [&b"-n "[..], b"-e ", b"'%s' ", b"\"%s\" "] {
        let is_it = head.get(at..).is_some_and(|text| text.starts_with(option));
        at += if is_it { option.len() } else { 0 };
    }
    let text = head.get(at..).unwrap_or_default();
    let open = run(text, 0, 8, |byte| byte == b'\\');
    let open = open + usize::from(matches!(byte(text, open), b'"' | b'\''));
    let text = text.get(open..).unwrap_or_default();
    let shut = run_back(text, text.len(), 1, |byte| matches!(byte, b'"' | b'\''));
    let shut = shut + run_back(text, text.len() - shut, 8, |byte| byte == b'\\');
    let text = text.get(..text.len() - shut).unwrap_or_default();
    let is_one = !text
        .iter()
        .any(|byte| matches!(byte, b'"' | b'\'' | b'\n' | b'|' | b'`' | b';' | b'&'));
    let start = from + at + open;
    (is_one && !text.is_empty()).then_some((start, start + text.len()))
}

fn piped(bytes: &[u8], start: usize, end: usize) -> Option<Place> {
    let is_it = bytes.get(start..end) == Some(b"sudo -S");
    let (start, end) = echoed(bytes, start).filter(|_| is_it)?;
    let behind = end;
    Some(Place { start, end, behind }).filter(|place| is_odd(bytes, *place))
}

/// As [`piped`], of a program that says itself that it reads its secret there.
fn stdin(bytes: &[u8], start: usize, end: usize) -> Option<Place> {
    let (start, behind) = echoed(bytes, start)?;
    let reads = |option: &[u8]| to(bytes, end - 1, option).is_some();
    (reads(b" --password-stdin") || reads(b" --with-token")).then_some(Place {
        start,
        end: behind,
        behind,
    })
}

fn piped_user(bytes: &[u8], start: usize) -> Option<Place> {
    let (start, end) = echoed(bytes, start)?;
    let text = bytes.get(start..end)?;
    let user = run(text, 0, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
    });
    (user > 0 && byte(text, user) == b':').then_some(Place {
        start: start + user + 1,
        end,
        behind: end,
    })
}

/// A tag of letters and digits at the beginning of the line, the command in capitals, a name, the secret, and no more.
fn imap(bytes: &[u8], start: usize, end: usize) -> Option<Place> {
    stands(bytes, start, b" LOGIN ")?;
    let digits = run_back(bytes, start, 6, |byte| byte.is_ascii_digit());
    let letters = run_back(bytes, start - digits, 4, |byte| byte.is_ascii_alphabetic());
    let tag = start - digits - letters;
    (digits >= 3 && letters > 0).then_some(())?;
    let is_shown = before(bytes, tag, 1) == b' ' && matches!(before(bytes, tag, 2), b':' | b'>');
    begins_line(bytes, tag).or(is_shown.then_some(()))?;
    let mark = byte(bytes, end);
    let name = match mark {
        b'"' => shut(bytes, end + 1, mark, 0)? + 2,
        _ => word(bytes, end)?,
    };
    let place = argument(bytes, name)?;
    let is_quoted = place.behind > place.end;
    ends_line(bytes, place.behind)?;
    let text = bytes.get(place.start..place.end).unwrap_or_default();
    let capitals = text.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let is_jumbled = text.len() >= 10 && capitals >= 3 && text.iter().any(u8::is_ascii_lowercase);
    (is_quoted || is_jumbled || is_odd(bytes, place)).then_some(place)
}

fn chat(look: &mut Look<'_, '_>, start: usize) {
    let start = start + usize::from(byte(look.bytes, start) == b'+');
    let end = start + run(look.bytes, start, 16, |byte| byte.is_ascii_digit());
    let is_free = super::bytes::free_right(look.bytes, end);
    if (8..=15).contains(&(end - start)) && byte(look.bytes, start) != b'0' && is_free {
        look.hits.push(start, end, "phone", Sort::Personal);
    }
}

/// What a validator says that it was given, where the line before names a secret.
fn refused(look: &mut Look<'_, '_>, start: usize, end: usize) -> Option<Place> {
    let from = start.saturating_sub(2 * NEAR);
    let head = look.bytes.get(from..start)?;
    let (line, _) = line_end(head)?;
    let (name_start, width) = line_end(head.get(..line)?).unwrap_or((0, 0));
    let name = look.text.get(from + name_start + width..from + line)?.trim();
    let name = name.rsplit('.').next().unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
        return None;
    }
    let known = look.known_name(name.as_bytes());
    let named = known.unwrap_or_else(|| look.look_up(name))?;
    let is_secret = named.force == Force::Certain && named.sort == Sort::Secret;
    let place = argument(look.bytes, end).filter(|place| is_secret && place.behind > place.end)?;
    Some(place)
}

/// Where the last line break stands, real or of a text in a text, and how long it is.
fn line_end(head: &[u8]) -> Option<(usize, usize)> {
    let real = memchr::memrchr(b'\n', head).map(|at| (at, 1));
    let written = memchr::memrchr_iter(b'\\', head)
        .find(|at| byte(head, at + 1) == b'n')
        .map(|at| (at - run_back(head, at, 8, |byte| byte == b'\\'), at))
        .map(|(from, at)| (from, at + 2 - from));
    real.max(written)
}

//! E-mail addresses; what only looks like one (remotes, packages, units, digests) stays.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::alphabet::Bytes;
use super::bytes::{at, before, is_word, run, run_back};
use super::clue::EMAIL;
use super::domains::{ALGORITHMS, COMMON, FILES, is_east_asian, sentence_before, sentence_behind};
use super::hits::Sort;
use super::login;
use super::numbers::Scan;

/// The longest local part that is looked at, and the longest domain.
const LOCAL: usize = 128;
const DOMAIN: usize = 255;

const fn is_local(byte: u8) -> bool {
    is_word(byte)
        || matches!(
            byte,
            b'.' | b'%' | b'+' | b'-' | b'\'' | b'!' | b'#' | b'$' | b'*' | b'^' | b'~'
        )
}

const fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || byte >= 0x80
}

/// Pushes the address around the `@` at `sign`; says where to look on.
pub(super) fn at_sign(scan: &mut Scan<'_, '_>, sign: usize) -> usize {
    if let Some(end) = login::password(scan, sign) {
        return end;
    }
    let bytes = scan.bytes;
    let spaced = before(bytes, sign, 1) == b' ' && at(bytes, sign + 1) == b' ';
    let (left, right) = if spaced {
        (sign - 1, sign + 2)
    } else {
        (sign, sign + 1)
    };
    let Some(end) = domain_end(scan, right) else {
        return sign + 1;
    };
    let Some(start) = local_start(bytes, left) else {
        return sign + 1;
    };
    let allowed = !spaced || (is_common(scan.text, end) && bytes.get(start..left).is_some_and(has_letter));
    if allowed && !is_other(scan, start, sign, end) {
        scan.push(start, end, "email", Sort::Personal);
        return end;
    }
    sign + 1
}

/// Where the local part that ends at `end` begins.
fn local_start(bytes: &[u8], end: usize) -> Option<usize> {
    if before(bytes, end, 1) == b'"' {
        let quoted = run_back(bytes, end - 1, LOCAL, |byte| !matches!(byte, b'"' | b'\n' | b'@'));
        let start = (end - 1).checked_sub(quoted + 1)?;
        // What stands between two texts of JSON is no name.
        let name = bytes.get(start + 1..end - 1).unwrap_or_default();
        let escapes = name.iter().rev().take_while(|byte| **byte == b'\\').count();
        let before = run_back(bytes, start, escapes, |byte| byte == b'\\');
        let is_name = name.iter().any(|byte| is_word(*byte)) && before == escapes;
        return (is_name && at(bytes, start) == b'"').then_some(start - before);
    }
    let len = run_back(bytes, end, LOCAL, is_local);
    let mut start = end - len;
    // The limit may fall into the middle of a character.
    while matches!(at(bytes, start), 0x80..=0xBF) {
        start += 1;
    }
    // `\nalice@…` in a text that holds JSON: the escape's letter is not of the name.
    if before(bytes, start, 1) == b'\\' {
        start += match at(bytes, start) {
            b'n' | b't' | b'r' | b'b' | b'f' => 1,
            b'u' if run(bytes, start + 1, 4, |byte| byte.is_ascii_hexdigit()) == 4 => 5,
            _ => 0,
        };
    }
    // `user%3Dalice@…`: an escape of what no name holds ends what stands before it.
    let local = bytes.get(start..end).unwrap_or_default();
    let escape = local.windows(3).rposition(|code| {
        matches!(code, [b'%', high, low] if matches!((high, low), (b'2', b'0' | b'2' | b'3' | b'6' | b'7' | b'8' | b'C' | b'c' | b'F' | b'f') | (b'3', b'A'..=b'F' | b'a'..=b'f')))
    });
    start += escape.map_or(0, |escape| escape + 3);
    // `—alice@…—`
    let local = bytes.get(start..end).unwrap_or_default();
    let mut marks = memchr::memrchr_iter(0xE2, local);
    let mark = marks.find(|at| is_punctuation(local, *at));
    start += mark.map_or(0, |mark| mark + 3);
    start += sentence_before(bytes.get(start..end).unwrap_or_default());
    while start < end
        && matches!(
            at(bytes, start),
            b'.' | b'-' | b'\'' | b'!' | b'#' | b'$' | b'*' | b'^' | b'~' | b'+'
        )
    {
        start += 1;
    }
    (start < end).then_some(start)
}

/// The domain that was read last: lists repeat a few.
#[derive(Default)]
pub(super) struct Domain {
    /// Where it stands, with the byte behind its run.
    start: usize,
    to: usize,
    /// How long it is, if it is one.
    len: Option<usize>,
}

/// Whether a dash between words, a quotation mark or dots stand there that are no ASCII: no part of an address.
fn is_punctuation(bytes: &[u8], place: usize) -> bool {
    at(bytes, place) == 0xE2
        && at(bytes, place + 1) == 0x80
        && matches!(at(bytes, place + 2), 0x93..=0x95 | 0x98..=0x9F | 0xA2 | 0xA6 | 0xB9 | 0xBA)
}

/// The end of the domain at `start`, if it is one: labels with dots, the last of letters.
fn domain_end(scan: &mut Scan<'_, '_>, start: usize) -> Option<usize> {
    static PARTS: Bytes = Bytes::alnum_and(b".-").and_foreign();
    let bytes = scan.bytes;
    let ahead = bytes
        .get(start..bytes.len().min(start + DOMAIN))
        .unwrap_or_default();
    let run = start + PARTS.run(ahead);
    // What decides is the run and the byte behind it.
    let known = bytes.get(scan.domain.start..scan.domain.to).unwrap_or_default();
    if !known.is_empty() && bytes.get(start..=run) == Some(known) {
        return scan.domain.len.map(|len| start + len);
    }
    let end = domain_in(scan, start, run);
    scan.domain = Domain {
        start,
        to: run + 1,
        len: end.map(|end| end - start),
    };
    end
}

/// As [`domain_end`], where the run of what domains are made of ends at `end`.
fn domain_in(scan: &Scan<'_, '_>, start: usize, mut end: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let domain = bytes.get(start..end).unwrap_or_default();
    if !domain.is_ascii() {
        let mut marks = memchr::memchr_iter(0xE2, domain);
        let mark = marks.find(|at| is_punctuation(domain, *at));
        end = start + mark.unwrap_or(domain.len());
        end = start + sentence_behind(bytes.get(start..end).unwrap_or_default());
    }
    while end > start && matches!(before(bytes, end, 1), b'.' | b'-') {
        end -= 1;
    }
    // A limit in the middle of a character is no end.
    let domain = scan.text.get(start..end)?;
    let mut labels = domain.split('.');
    let last = labels.next_back()?;
    let first = labels.next()?;
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let camel = last
        .as_bytes()
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let top = (last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic()) && !camel)
        || last.starts_with("xn--")
        || !last.is_ascii();
    let second = labels.next().unwrap_or(last);
    let starts_with_digit = |label: &str| label.starts_with(|char: char| char.is_ascii_digit());
    let bare = first.strip_prefix('v').unwrap_or(first);
    let version =
        !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) && starts_with_digit(second);
    let all = is_label(first) && is_label(last) && is_label(second) && labels.all(is_label);
    let is_free = !is_word(at(bytes, end)) || is_punctuation(bytes, end) || is_east_asian(at(bytes, end));
    (all && top && !version && is_free).then_some(end)
}

/// Whether what looks like an address is a remote, a unit, a file, an algorithm or part of a URL.
fn is_other(scan: &mut Scan<'_, '_>, start: usize, sign: usize, end: usize) -> bool {
    let bytes = scan.bytes;
    let local = scan.text.get(start..sign).unwrap_or_default();
    let domain = scan.text.get(sign + 1..end).unwrap_or_default();
    let dot = memchr::memrchr(b'.', domain.as_bytes());
    let last = dot.and_then(|dot| domain.get(dot + 1..)).unwrap_or(domain);
    if FILES.has(last) || ALGORITHMS.contains(&domain) {
        return true;
    }
    // `user@host:path`, and every form of a repository's remote.
    let path = at(bytes, end) == b':' && {
        let len = run(bytes, end + 1, 256, |byte| {
            is_word(byte) || matches!(byte, b'/' | b'.' | b'-' | b'~')
        });
        let path = scan.text.get(end + 1..end + 1 + len).unwrap_or_default();
        path.as_bytes().contains(&b'/') || path.ends_with(".git")
    };
    if path || matches!(local, "git" | "hg" | "svn") {
        return true;
    }
    let head = start - run_back(bytes, start, 5, |byte| byte.is_ascii_lowercase() || byte == b' ');
    let command = scan.text.get(head..start).unwrap_or_default();
    if matches!(command.trim_start(), "ssh " | "scp " | "sftp ") {
        return true;
    }
    is_user_info(bytes, start)
}

/// Whether the local part stands in the authority of a URL: `scheme://name:pass@host`, which has its own rule.
fn is_user_info(bytes: &[u8], start: usize) -> bool {
    let is_part = |byte: u8| {
        !matches!(
            byte,
            b'/' | b' ' | b'"' | b'\'' | b'\n' | b'?' | b'<' | b'>' | b'@'
        )
    };
    let back = run_back(bytes, start, LOCAL, is_part);
    let slash = start - back;
    before(bytes, slash, 1) == b'/' && before(bytes, slash, 2) == b'/' && before(bytes, slash, 3) == b':'
}

fn has_letter(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_alphabetic)
}

fn is_common(text: &str, end: usize) -> bool {
    let head = text.get(..end).unwrap_or_default();
    let last = head.rsplit('.').next().unwrap_or_default();
    COMMON.iter().any(|common| last.eq_ignore_ascii_case(common))
}

/// Pushes the address whose sign is written `[at]` or `(at)`, with the bracket at `open`.
pub(super) fn bracketed(scan: &mut Scan<'_, '_>, open: usize) -> Option<usize> {
    let inner = scan.bytes.get(open + 1..open + 4)?;
    let close = inner.get(2)?;
    if !inner.get(..2)?.eq_ignore_ascii_case(b"at") || !matches!(close, b']' | b')') {
        return None;
    }
    in_words(scan, open, open + 4)
}

pub(super) static SMALL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" dot "));
pub(super) static CAPITAL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" DOT "));

/// Dots that are written as words. Where the next of each is, is remembered: one may stand far behind many of the other.
#[derive(Default)]
struct Dots {
    small: Option<usize>,
    capital: Option<usize>,
}

impl Dots {
    /// The first at `from` or behind it.
    fn next(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        // A searcher takes longer to begin than a short text to end.
        if rest.len() < 64 {
            let is_dot = |text: &[u8]| matches!(text, [b' ', b'd' | b'D', b'o' | b'O', b't' | b'T', b' ']);
            return rest.windows(5).position(is_dot).map(|place| from + place);
        }
        let find = |known: Option<usize>, finder: &Finder<'_>| match known {
            Some(known) if known >= from => known,
            _ => finder.find(rest).map_or(usize::MAX, |place| from + place),
        };
        let (small, capital) = (find(self.small, &SMALL), find(self.capital, &CAPITAL));
        (self.small, self.capital) = (Some(small), Some(capital));
        Some(small.min(capital)).filter(|place| *place < bytes.len())
    }
}

/// Pushes addresses in words: `alice at example dot com`.
pub(super) fn spelled_out(scan: &mut Scan<'_, '_>) {
    let mut from = 0;
    let mut dots = Dots::default();
    while let Some(dot) = dots.next(scan.bytes, from) {
        // The space behind it may be the one in front of the next.
        from = dot + 4;
        let label = run_back(scan.bytes, dot, 64, is_domain);
        let sign = (dot - label).saturating_sub(4);
        if scan
            .bytes
            .get(sign..dot - label)
            .is_some_and(|text| text.eq_ignore_ascii_case(b" at "))
        {
            in_words(scan, sign, sign + 4);
        }
    }
}

/// Pushes the address whose sign in words reaches from `left` to `right`.
fn in_words(scan: &mut Scan<'_, '_>, left: usize, right: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let space = |position: usize| usize::from(at(bytes, position) == b' ');
    let left = left - usize::from(before(bytes, left, 1) == b' ');
    let start = local_start(bytes, left)?;
    let mut end = right + space(right);
    let mut labels = 0;
    loop {
        let len = run(bytes, end, 63, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'-'
        });
        if len == 0 {
            return None;
        }
        labels += 1;
        end += len;
        let dot = dot_in_words(bytes, end);
        if dot == 0 || labels > 8 {
            break;
        }
        end += dot;
    }
    let last = run_back(bytes, end, 24, |byte| byte.is_ascii_alphabetic());
    let top = scan.text.get(end - last..end)?;
    let common = COMMON.iter().any(|common| top.eq_ignore_ascii_case(common));
    let certain = common || scan.kinds() & EMAIL != 0;
    if labels < 2 || !certain || is_word(at(bytes, end)) {
        return None;
    }
    scan.push(start, end, "email", Sort::Personal);
    Some(end)
}

/// The length of a dot, plain, in brackets or as a word, that a label follows.
fn dot_in_words(bytes: &[u8], position: usize) -> usize {
    let space = usize::from(at(bytes, position) == b' ');
    let from = position + space;
    if space == 0 && at(bytes, from) == b'.' {
        return usize::from(at(bytes, from + 1).is_ascii_alphanumeric());
    }
    let word = bytes.get(from..from + 5).unwrap_or_default();
    let len = match word {
        [b'[' | b'(', rest @ .., b']' | b')'] if rest.eq_ignore_ascii_case(b"dot") => 5,
        [word @ .., _] if space == 1 && word.eq_ignore_ascii_case(b"dot ") => 3,
        _ => return 0,
    };
    let after = from + len + usize::from(at(bytes, from + len) == b' ');
    if at(bytes, after).is_ascii_alphanumeric() {
        after - position
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, found, leaves};

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for text in [
            "«alice@example.com»",
            "mail to «alice.b+tag@mail.example.co.uk».",
            "<«alice@example.com»>",
            "mailto:«alice@example.com»?subject=x",
            "{\"email\":\"«alice@example.com»\"}",
            "user='«alice@example.com»'",
            "a\\n«alice@example.com»\\n",
            "to=«a_b-c@x-y.example.org»&x=1",
            "«josé@bücher.example»",
            "«用户@例子.测试»",
            "«o'brien@example.com»",
            "«\"john doe\"@example.com»",
            "«alice@xn--bcher-kva.xn--p1ai»",
            "/users/«alice@example.com»/edit",
            "«alice@example.com»: wrong password",
            "«alice @ example.com»",
            "«alice [at] example [dot] com»",
            "«alice[at]example.com»",
            "«alice(at)example(dot)com»",
            "write to «alice at example dot com» now",
            "«ALICE AT EXAMPLE DOT COM»",
            "ask «alice at DOT dot com» about the invoice that was sent to you yesterday",
            "ask «bob at dot dot org»",
            "«ALICE@EXAMPLE.COM»",
            "«1234@example.com»",
            "«alice@example.rs»",
        ] {
            claims("email", text, "");
        }
    }

    #[test]
    fn what_only_looks_like_an_address_stays() {
        for text in [
            "git@github.com:org/repo.git",
            "ssh://git@github.com/org/repo",
            "deploy@web.example.com:/var/www/x",
            "ssh deploy@web.example.com",
            "https://user:pass@host.example.com/x",
            "postgres://app:secret@db.example.com:5432/app",
            "@scope/pkg@1.2.3",
            "lodash@4.17.21",
            "golang.org/x/net@v0.1.0",
            "foo@1.2.3-beta.rc",
            "image@sha256:0123456789abcdef",
            "icon@2x.png",
            "getty@tty1.service",
            "java.lang.Object@1f2e3d",
            "x @ Some(_)",
            "a@b",
            "@media screen",
            "chacha20-poly1305@openssh.com",
            "@user.name",
            "3 @ 4.50",
            "look at this dot that",
            "arr[at] x",
            "alice@",
            "a@a@a@a@",
            "a@.com a@-x.com a@x..com",
        ] {
            leaves(text, "");
        }
    }

    #[test]
    fn an_address_in_capital_words_is_found_before_one_in_small_words() {
        let text = format!(
            "ALICE AT EXAMPLE DOT COM {}bob at example dot org {}CAROL AT EXAMPLE DOT NET {}",
            "and ".repeat(20),
            "or ".repeat(30),
            "then ".repeat(20),
        );
        let addresses: Vec<_> = found(&text, "").into_iter().map(|(_, found)| found).collect();
        assert_eq!(
            addresses,
            [
                "ALICE AT EXAMPLE DOT COM",
                "bob at example dot org",
                "CAROL AT EXAMPLE DOT NET"
            ]
        );
    }

    #[test]
    fn a_domain_is_judged_by_itself_whatever_was_read_before() {
        let text = "a@x.com, a@x.com_ b@x.com: c@x.co d@x.com.1 e@x.com, f@x.comB g@x.com.";
        let addresses: Vec<_> = found(text, "").into_iter().map(|(_, found)| found).collect();
        assert_eq!(
            addresses,
            ["a@x.com", "b@x.com", "c@x.co", "e@x.com", "g@x.com"],
            "{text}"
        );
    }

    #[test]
    fn two_addresses_side_by_side_are_two() {
        let found = found("alice@example.com,bob@example.org", "");
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

//! Secrets of URLs: userinfo, one-time links, webhooks, OAuth grants. Other parameters are names with values.

use super::about::is_nothing;
use super::ahead::Ahead;
use super::alphabet::{Alphabet, Bytes, byte};
use super::bytes::run_back;
use super::look::Look;
use super::plausible::is_opaque;
use super::value;

/// Which part of a webhook's path is the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// All that follows.
    Rest,
    /// What follows the next segment.
    BehindId,
    /// The next segment.
    Segment,
    /// Each of the segments that follow, but for words.
    Segments,
}

/// Addresses of webhooks, up to the part that only its owner knows.
pub(super) const WEBHOOKS: &[(&str, Secret)] = &[
    ("hooks.slack.com/services/", Secret::Rest),
    ("hooks.slack.com/workflows/", Secret::Rest),
    ("hooks.slack.com/triggers/", Secret::Rest),
    ("discord.com/api/webhooks/", Secret::BehindId),
    ("discordapp.com/api/webhooks/", Secret::BehindId),
    ("webhook.office.com/webhookb2/", Secret::Segments),
    ("outlook.office.com/webhook/", Secret::Segments),
    ("outlook.office365.com/webhook/", Secret::Segments),
    ("api.telegram.org/bot", Secret::Segment),
    ("api.telegram.org/file/bot", Secret::Segment),
    ("hooks.zapier.com/hooks/catch/", Secret::BehindId),
    ("/with/key/", Secret::Rest),
    ("open-apis/bot/v2/hook/", Secret::Rest),
    ("events.pagerduty.com/integration/", Secret::Rest),
    ("hc-ping.com/", Secret::Rest),
];

/// Path segments before the token of a one-time link.
pub(super) const LINKS: &[&str] = &[
    "reset/",
    "reset-password/",
    "reset_password/",
    "resetpassword/",
    "password-reset/",
    "password_reset/",
    "invite/",
    "invites/",
    "invitation/",
    "invitations/",
    "verify/",
    "verify-email/",
    "verify_email/",
    "confirm/",
    "confirmation/",
    "confirm-email/",
    "activate/",
    "activation/",
    "magic/",
    "magic-link/",
    "magic_link/",
    "magiclink/",
    "join/",
    "recover/",
    "recovery/",
    "unlock/",
    "/s/",
];

/// The longest URL that is looked at for its userinfo, in bytes.
const LONGEST: usize = 2048;

/// Userinfo behind the `://` at `start..end`: up to the last `@` of the authority.
pub(super) fn authority(look: &mut Look<'_, '_>, start: usize, end: usize) {
    if end < look.url {
        return;
    }
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + LONGEST))
        .unwrap_or_default();
    let run = ahead.get(..run(ahead)).unwrap_or_default();
    look.url = end + run.len();
    // Without a sign there is no userinfo, whatever else the run is.
    let Some(sign) = memchr::memrchr(b'@', run) else {
        return;
    };
    let authority = run
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(run.len());
    let web = is_web(look.bytes, start);
    let Some(at) = userinfo(run, authority, sign, web) else {
        return;
    };
    let text = look.text.get(end..end + at).unwrap_or_default();
    if super::mark::is_in(text.as_bytes()) {
        return;
    }
    let (from, secret) = match text.split_once(':') {
        Some((user, "")) => (end, user),
        Some((user, password)) => (end + user.len() + 1, password),
        None if is_opaque(text) => (end, text),
        None => return,
    };
    if !is_nothing(secret) && !is_variable(secret) {
        let user = text.get(..from.saturating_sub(end + 1)).unwrap_or_default();
        if is_opaque(user) {
            // A token in the place of the name: `https://TOKEN:x-oauth-basic@host`.
            look.secret(end, end + user.len(), "url.userinfo");
        }
        look.secret(from, from + secret.len(), "url.userinfo");
        look.named = look.named.max(from + secret.len());
    }
}

/// How many bytes of a URL there are, at most to where the next one begins.
fn run(ahead: &[u8]) -> usize {
    static ENDS: Bytes = Bytes::controls_and(b"\"<>\\`:");
    let mut len = 0;
    while let Some(&byte) = ahead.get(len) {
        let is_end =
            ENDS.has(byte) && (byte != b':' || matches!(ahead.get(len..), Some([_, b'/', b'/', ..])));
        if is_end {
            break;
        }
        len += 1;
    }
    len
}

/// Where the `@` that ends the userinfo stands, of which the last one stands at `sign`. A password may hold `/`, `?` and `#`
/// though it should not.
fn userinfo(run: &[u8], authority: usize, sign: usize, web: bool) -> Option<usize> {
    let head = run.get(..authority)?;
    let last = |bytes: &[u8]| memchr::memrchr(b'@', bytes);
    let within = if sign < authority { Some(sign) } else { last(head) };
    let colon = head.iter().position(|byte| *byte == b':');
    let port = colon.is_some_and(|colon| {
        let behind = head.get(colon + 1..).unwrap_or_default();
        !behind.is_empty() && behind.iter().all(u8::is_ascii_digit)
    });
    let beyond = colon.is_some() && (within.is_none() && !port || within.is_some() && !web);
    if beyond {
        let query = run.get(authority..)?.iter().position(|byte| *byte == b'?');
        let end = query.map_or(run.len(), |query| authority + query);
        let found = last(run.get(..end)?).filter(|at| *at > authority);
        // Behind a path of several segments it is no password any more.
        let slashes = run
            .get(authority..found.unwrap_or(authority))?
            .iter()
            .filter(|byte| **byte == b'/')
            .count();
        if let Some(found) = found.filter(|_| slashes <= 2) {
            return Some(found);
        }
        if within.is_none() {
            return last(run);
        }
    }
    within
}

fn is_web(bytes: &[u8], at: usize) -> bool {
    let scheme = bytes.get(..at).unwrap_or_default();
    [&b"http"[..], b"https", b"ws", b"wss"]
        .iter()
        .any(|web| scheme.ends_with(web))
}

/// `$PASSWORD`, `${PASSWORD}`, `{password}`, `<password>`
fn is_variable(text: &str) -> bool {
    let inner = text.trim_matches(|char: char| matches!(char, '$' | '{' | '}' | '<' | '>' | '%' | '(' | ')'));
    inner.len() < text.len()
        && (text.starts_with(['$', '{', '<', '%']))
        && inner
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        || text.bytes().all(|byte| matches!(byte, b'*' | b'x'))
}

/// What is known of what stands before hosts without a scheme.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// How far was read, and behind the last byte before that which ends a word.
    read: usize,
    begin: usize,
    /// The next colon.
    colon: Ahead,
}

/// The longest userinfo without a scheme, in bytes.
const BARE: usize = 160;

/// `user:password@tcp(…)`, with the `@` at `at`.
pub(super) fn bare_userinfo(look: &mut Look<'_, '_>, at: usize) {
    static ENDS: Bytes = Bytes::controls_and(b"\"'`");
    let (bytes, hosts) = (look.bytes, &mut look.hosts);
    let least = at.saturating_sub(BARE);
    if at < hosts.read {
        (hosts.read, hosts.begin) = (least, least);
    }
    let from = hosts.read.max(least);
    let unread = bytes.get(from..at).unwrap_or_default();
    if let Some(end) = unread.iter().rposition(|byte| ENDS.has(*byte)) {
        hosts.begin = from + end + 1;
    }
    hosts.read = at;
    let from = hosts.begin.max(least);
    let colon = hosts
        .colon
        .next(bytes, (from, at), 1, |text| memchr::memchr(b':', text));
    if let Some(colon) = colon {
        look.secret(colon + 1, at, "url.userinfo");
    }
}

/// `jdbc:oracle:thin:user/password@…`
pub(super) fn oracle(look: &mut Look<'_, '_>, end: usize) {
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + 160))
        .unwrap_or_default();
    // Without these two there is nothing, however long the word is.
    let (Some(slash), Some(_)) = (memchr::memchr(b'/', ahead), memchr::memchr(b'@', ahead)) else {
        return;
    };
    let run = value::word(ahead, 0);
    let run = ahead.get(..run).unwrap_or_default();
    if let Some(at) = run.iter().rposition(|byte| *byte == b'@')
        && slash < at
    {
        look.secret(end + slash + 1, end + at, "url.userinfo");
    }
}

/// The secret of a webhook whose known part ends at `end`.
pub(super) fn webhook(look: &mut Look<'_, '_>, secret: Secret, end: usize) {
    let mut start = end;
    if secret == Secret::BehindId {
        let ahead = look
            .bytes
            .get(end..look.bytes.len().min(end + 32))
            .unwrap_or_default();
        match ahead.iter().position(|byte| *byte == b'/') {
            Some(slash) => start = end + slash + 1,
            None => return,
        }
    }
    let limit = look.bytes.len().min(start + PATH);
    let end = look.path.next(look.bytes, (start, limit), 1, path_end);
    let mut len = end.unwrap_or(limit).saturating_sub(start);
    let text = look.text.get(start..start + len).unwrap_or_default();
    if secret == Secret::Segment {
        len = memchr::memchr(b'/', text.as_bytes()).unwrap_or(len);
    }
    if secret == Secret::Segments {
        let mut from = start;
        for segment in text.as_bytes().split(|byte| *byte == b'/').take(SEGMENTS) {
            if segment.len() >= 16 && segment.iter().any(u8::is_ascii_digit) {
                look.secret(from, from + segment.len(), "url.webhook");
            }
            from += segment.len() + 1;
        }
        look.named = look.named.max(start + len);
        return;
    }
    if len >= 8 {
        look.secret(start, start + len, "url.webhook");
        look.named = look.named.max(start + len);
    }
}

/// The most segments of a webhook's path that are looked at.
const SEGMENTS: usize = 12;

/// The longest path of a webhook that is looked at, in bytes.
const PATH: usize = 512;

/// Where a path ends.
fn path_end(ahead: &[u8]) -> Option<usize> {
    ahead.iter().position(|&byte| {
        !(Alphabet::Tilde.has(byte) || matches!(byte, b'/' | b'@' | b':' | b'%' | b'+' | b'='))
    })
}

/// The token of a one-time link behind the path segment that ends at `end`.
pub(super) fn link(look: &mut Look<'_, '_>, end: usize) {
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + 512))
        .unwrap_or_default();
    let run = Alphabet::Tilde.run(ahead);
    let token = look.text.get(end..end + run).unwrap_or_default();
    let token = token.trim_end_matches('.');
    let closed = !matches!(byte(ahead, run), b'/' | b':') && !token.contains('.');
    if closed
        && is_opaque(token)
        && !is_amid_letters(look.bytes, end)
        && look
            .bytes
            .get(end.saturating_sub(40)..end)
            .is_some_and(|before| before.contains(&b'/'))
    {
        look.secret(end, end + token.len(), "url.link");
    }
}

/// Whether the segment that ends at `end` is one letter between two slashes that stand in a run of base64: nothing before them
/// is of a URL or of a path.
fn is_amid_letters(bytes: &[u8], end: usize) -> bool {
    static WORD: Bytes = Bytes::alnum_and(b"+/");
    let start = end.saturating_sub(3);
    if !bytes
        .get(start..end)
        .is_some_and(|segment| segment.eq_ignore_ascii_case(b"/s/"))
    {
        return false;
    }
    let len = run_back(bytes, start, 192, |byte| WORD.has(byte));
    let word = bytes.get(start - len..start).unwrap_or_default();
    let mixed = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_digit);
    // `https://`, `/path`
    len >= 40 && mixed && byte(word, 0) != b'/'
}

/// `host:5432:database:user:password`, behind the port: the last of the parts.
pub(super) fn passfile(look: &mut Look<'_, '_>, end: usize) {
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + 256))
        .unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'*');
    let mut at = 0;
    for _ in 0..2 {
        let name = ahead
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| is_name(**byte))
            .count();
        at += name;
        if name == 0 || byte(ahead, at) != b':' {
            return;
        }
        at += 1;
    }
    let len = look.word_end(end + at, end + ahead.len()) - end - at;
    let text = look.text.get(end + at..end + at + len).unwrap_or_default();
    if len >= 4 && !is_nothing(text) && !is_variable(text) {
        look.secret(end + at, end + at + len, "kv.secret");
    }
}

#[cfg(test)]
mod tests {
    use super::super::hits::Hits;
    use super::*;

    #[test]
    fn a_userinfo_begins_behind_the_last_mark_before_it_however_many_stand_there() {
        for unit in [
            "a:b@tcp(h)",
            "u:@tcp(",
            ":@tcp( ",
            "x'a:b@tcp(\"",
            "@tcp(",
            "aa:bb:@tcp(::",
        ] {
            for count in [1, 3, 40] {
                let text = format!("{}q:Xabc12@tcp(h) r:w@tcp(", unit.repeat(count));
                let (mut hits, mut alone) = (Hits::default(), Hits::default());
                let mut look = Look::new(&text, &mut hits);
                for (at, _) in text.match_indices("@tcp(") {
                    bare_userinfo(&mut look, at);
                    bare_userinfo(&mut Look::new(&text, &mut alone), at);
                }
                assert_eq!(hits.list(), alone.list(), "{text}");
            }
        }
    }

    #[test]
    fn a_url_ends_where_a_mark_or_the_next_one_stands() {
        for (text, len) in [
            ("a:b@c", 5),
            ("a:b@c d", 5),
            ("a:b@c\"", 5),
            ("a:/b://c", 4),
            ("a::/b", 5),
            ("é<", 2),
            ("a`", 1),
            ("a\\n", 1),
            ("a:/", 3),
            ("://", 0),
            ("", 0),
        ] {
            assert_eq!(run(text.as_bytes()), len, "{text}");
        }
    }

    #[test]
    fn a_word_that_was_measured_in_parts_ends_where_it_does() {
        let text = format!(
            "{} {}\"{}",
            "a:5432:".repeat(90),
            "b".repeat(300),
            "c:5432".repeat(60)
        );
        for step in [1, 3, 9, 40] {
            let mut hits = Hits::default();
            let mut look = Look::new(&text, &mut hits);
            for at in (0..text.len()).step_by(step) {
                let limit = text.len().min(at + 200);
                let wanted = at + value::word(&text.as_bytes()[..limit], at);
                assert_eq!(look.word_end(at, limit), wanted, "{at}");
            }
        }
    }
}

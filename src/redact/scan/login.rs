//! `app:…@db.internal:5432`: a login before a host and its port, without a scheme.

use super::alphabet::Bytes;
use super::bytes::{at, before, is_word, run, run_back};
use super::hits::Sort;
use super::lexicon::Lexicon;
use super::numbers::Scan;

/// What stands before the colon of something else: schemes, and names of who is spoken to.
static OTHERS: Lexicon = Lexicon::of(&[
    "account",
    "acct",
    "author",
    "bcc",
    "celery",
    "commit",
    "cc",
    "email",
    "from",
    "host",
    "http",
    "https",
    "id",
    "image",
    "jabber",
    "job",
    "key",
    "mail",
    "mailto",
    "node",
    "peer",
    "pod",
    "queue",
    "rcpt",
    "recipient",
    "rev",
    "sender",
    "sftp",
    "sip",
    "sips",
    "span",
    "ssh",
    "stun",
    "stuns",
    "tag",
    "task",
    "to",
    "topic",
    "trace",
    "turn",
    "turns",
    "vm",
    "worker",
    "xmpp",
]);

/// What ends a password before it.
static ENDS: Bytes = Bytes::of(b"\"'`\\/@:=,;<>()[]{}");

/// Pushes the password before the `@` at `sign`, and says where the host begins.
pub(super) fn password(scan: &mut Scan<'_, '_>, sign: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let host = run(bytes, sign + 1, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
    });
    let colon = sign + 1 + host;
    if host < 2 || at(bytes, colon) != b':' {
        return None;
    }
    let port = run(bytes, colon + 1, 6, |byte| byte.is_ascii_digit());
    let end = colon + 1 + port;
    if !(2..=5).contains(&port) || is_word(at(bytes, end)) {
        return None;
    }
    let len = run_back(bytes, sign, 64, |byte| byte.is_ascii_graphic() && !ENDS.has(byte));
    let start = sign - len;
    let name = start.checked_sub(1)?;
    let user = run_back(bytes, name, 32, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
    });
    let from = name - user;
    let is_apart = matches!(
        before(bytes, from, 1),
        0..=b' ' | b'"' | b'\'' | b'`' | b'=' | b'(' | b'[' | b'{' | b',' | b';' | b'<'
    );
    let is_user =
        user >= 2 && at(bytes, from).is_ascii_alphabetic() && !OTHERS.has_bytes(bytes.get(from..name)?);
    let secret = bytes.get(start..sign)?;
    if at(bytes, name) != b':' || !is_apart || !is_user || !is_odd(secret) {
        return None;
    }
    scan.push(start, sign, "url.userinfo", Sort::Secret);
    Some(sign + 1)
}

/// A word would be the name of somebody, digits a port.
fn is_odd(secret: &[u8]) -> bool {
    let is_mark = |byte: &u8| !byte.is_ascii_alphabetic() && !matches!(byte, b'.' | b'-' | b'_');
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let version = secret.strip_prefix(b"v").unwrap_or(secret);
    let is_version = digits(version) > 0 && at(version, digits(version)) == b'.';
    !is_version
        && secret.len() >= 6
        && secret.iter().any(u8::is_ascii_alphabetic)
        && secret.iter().any(is_mark)
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn the_password_of_a_login_before_a_port_is_cut() {
        check(&[
            ("message", "connecting as app:«hunter2xQ9»@db-5:5432"),
            ("message", "app:«hunter2xQ9»@db.internal:3306/shop is down"),
            ("target", "app:«hunter2xQ9»@db.internal:3306"),
            (
                "message",
                r#"{"server":"svc_web:«p4ss%word»@cache-1:6379","n":1}"#,
            ),
            ("message", "broker=guest-1:«xK29dk2l»@mq:5672, 3 tries"),
        ]);
    }

    #[test]
    fn what_is_no_login_stays() {
        check(&[
            (
                "message",
                "repo/app:v1.2.3-rc4@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            ),
            ("message", "127.0.0.1:6379@16379 connected"),
            ("message", "worker:7001@node-3:7002 joined"),
            (
                "message",
                "app:v1.2.3@registry:5000 pod:web-7d9f8c6b5d-x2x4q@node:10250",
            ),
            (
                "message",
                "job:id-12345@worker:7001 trace:4bf92f3577b34da6@collector:4317",
            ),
            ("message", "at 12:30 job-7@node-3:8080 began"),
            ("message", "peer:node-0001@cluster:4369"),
            ("message", "spark app:driver@exec-1:7078"),
        ]);
    }
}

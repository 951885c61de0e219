//! Command lines: options of one letter, which mean a secret only behind certain commands.

use super::joint;
use super::look::Look;
use super::value;

/// A command whose short options hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// `-p SECRET`
    P,
    /// `-pSECRET`
    GluedP,
    /// `-P SECRET`, where `-p` is another option.
    CapitalP,
    /// `-w SECRET`
    W,
    /// `-u USER:SECRET`
    U,
    /// `-a SECRET`
    A,
}

/// What is looked for, and what its options mean.
pub(super) const COMMANDS: &[(&str, Command)] = &[
    ("sshpass", Command::P),
    (" login ", Command::P),
    ("\"login\"", Command::P),
    ("mysql", Command::GluedP),
    ("mariadb", Command::GluedP),
    ("mongo", Command::P),
    ("7z ", Command::GluedP),
    ("unzip", Command::CapitalP),
    ("zip -", Command::CapitalP),
    ("mosquitto_", Command::CapitalP),
    ("ipmitool", Command::CapitalP),
    ("beeline", Command::P),
    ("psexec", Command::P),
    ("ldapsearch", Command::W),
    ("ldapmodify", Command::W),
    ("ldapwhoami", Command::W),
    ("sqlcmd", Command::CapitalP),
    ("bcp ", Command::CapitalP),
    ("curl", Command::U),
    ("wget", Command::U),
    ("redis-cli", Command::A),
];

/// How far behind its command an option is believed, in bytes.
const NEAR: usize = 512;

/// `-p`, `-u` or `-a` at `start`.
pub(super) fn option(look: &mut Look<'_, '_>, start: usize) {
    let before = start
        .checked_sub(1)
        .map_or(0, |at| super::alphabet::byte(look.bytes, at));
    let begins = before.is_ascii_whitespace() || matches!(before, b'"' | b'\'');
    let Some((command, _)) = look.command.filter(|(_, at)| begins && start - at <= NEAR) else {
        return;
    };
    let letter = super::alphabet::byte(look.bytes, start + 1);
    let after = super::alphabet::byte(look.bytes, start + 2);
    let apart = after == b' ' || after == b'"' || after == b'\'' || after == b'\\';
    match (command, letter) {
        (Command::P, b'p') | (Command::CapitalP, b'P') | (Command::A, b'a') if apart => {
            argument(look, start + 2, false)
        }
        (Command::U, b'u' | b'U') => argument(look, start + 2, true),
        (Command::GluedP | Command::P, b'p') | (Command::CapitalP, b'P')
            if after.is_ascii_graphic() && !apart =>
        {
            let end = start + 2 + value::word(look.bytes, start + 2);
            if is_password(look.text.get(start + 2..end).unwrap_or_default()) {
                look.secret(start + 2, end, "kv.option");
                look.named = look.named.max(end);
            }
        }
        (Command::GluedP, b'p') if before.is_ascii_whitespace() => in_quotes(look, start + 2),
        _ => {}
    }
}

/// `-p'SECRET'`: the quotation marks are the shell's.
fn in_quotes(look: &mut Look<'_, '_>, at: usize) {
    let byte = |at| super::alphabet::byte(look.bytes, at);
    let open = at + usize::from(byte(at) == b'\\');
    let quote = byte(open);
    if joint::closes(look.bytes, at, at)
        || !matches!(quote, b'"' | b'\'')
        || !byte(open + 1).is_ascii_graphic()
        || matches!(byte(open + 1), b',' | b']')
    {
        return;
    }
    let end = open + 1 + value::until(look.bytes, open + 1, quote);
    let is_closed = byte(end) == quote || byte(end) == b'\\' && byte(end + 1) == quote;
    if is_closed && is_password(look.text.get(open + 1..end).unwrap_or_default()) {
        look.secret(open + 1, end, "kv.option");
        look.named = look.named.max(end);
    }
}

/// How far behind its command `-w` is looked for, in bytes.
const LDAP: usize = 256;

/// `ldapsearch … -w SECRET`, behind the command: the option is too common to be looked for in all texts.
pub(super) fn bind_password(look: &mut Look<'_, '_>, end: usize) {
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + LDAP))
        .unwrap_or_default();
    let is_end = |byte: &u8| matches!(byte, b'\n' | b';' | b'|' | b'&');
    let line = ahead.iter().position(is_end).unwrap_or(ahead.len());
    let line = ahead.get(..line).unwrap_or_default();
    if let Some(option) = memchr::memmem::find(line, b" -w ") {
        // The names before the option are still to be looked at.
        let named = look.named;
        argument(look, end + option + 3, false);
        look.named = named;
    }
}

/// `--user USER:SECRET`; `--userSECRET` is no such option.
pub(super) fn user(look: &mut Look<'_, '_>, _start: usize, end: usize) {
    argument(look, end, true);
}

/// The argument that begins behind an option: all of it, or what follows the colon.
fn argument(look: &mut Look<'_, '_>, at: usize, user: bool) {
    if joint::closes(look.bytes, at, value::skip_space(look.bytes, at, false)) {
        return;
    }
    let Some(start) = value::next_argument(look.bytes, at) else {
        return;
    };
    let quote = super::alphabet::byte(look.bytes, start.saturating_sub(1));
    let end = if matches!(quote, b'"' | b'\'') {
        start + value::until(look.bytes, start, quote)
    } else {
        start + value::word(look.bytes, start)
    };
    let text = look.text.get(start..end).unwrap_or_default();
    let start = match super::mark::colon(text) {
        Some(colon) if user => start + colon + 1,
        _ if user => return,
        _ => start,
    };
    if is_password(look.text.get(start..end).unwrap_or_default()) {
        look.secret(start, end, "kv.option");
        look.named = look.named.max(end);
    }
}

fn is_password(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['-', '$', '[', '/']) && !text.starts_with("*") && !is_port(text)
}

/// `80:80`, `8080`: the `-p` of a container.
fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) || text.contains(":80")
}

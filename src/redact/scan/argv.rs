//! Command lines: options of one letter, which mean a secret only behind certain commands.

use super::about::is_placeholder;
use super::ahead::Ahead;
use super::argvec;
use super::bytes::find;
use super::joint;
use super::look::Look;
use super::mark;
use super::value;

/// What is known of commands, and of the arguments of options, of which one long word may hold many.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// The commands of the line that the text is in.
    pub(super) commands: Commands,
    /// The next colon.
    colon: Ahead,
    /// Between these two places each colon is one of a mark.
    marked: (usize, usize),
    /// The next `:80`.
    port: Ahead,
    /// The next `-w` in a line, and the next in a list.
    bind: Ahead,
    listed: Ahead,
}

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

const KINDS: [Command; 6] = [
    Command::P,
    Command::GluedP,
    Command::CapitalP,
    Command::W,
    Command::U,
    Command::A,
];

/// The commands of the line that was read last, by kind, and where each stands. A host may be called as a command is
/// (`redis-cli -h mysql-01 -a SECRET`), and is none: so one word takes nothing from those before it in its line.
#[derive(Debug, Default)]
pub(super) struct Commands {
    at: [Option<usize>; KINDS.len()],
    last: usize,
}

impl Commands {
    /// The word of a command at `start`.
    fn add(&mut self, bytes: &[u8], command: Command, start: usize) {
        let between = bytes.get(self.last..start).unwrap_or_default();
        if is_ended(between) {
            *self = Self::default();
        }
        if let Some(at) = self.at.get_mut(command as usize) {
            *at = Some(start);
        }
        self.last = self.last.max(start);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.iter().all(Option::is_none)
    }

    /// Where such a command stands near before `option`.
    fn before(&self, command: Command, option: usize) -> Option<usize> {
        let at = self.at.get(command as usize).copied().flatten();
        at.filter(|at| option.saturating_sub(*at) <= NEAR)
    }
}

/// Whether a command ends in the text, and another one may begin: what is in a URL (`&`, `;`) ends none.
fn is_ended(text: &[u8]) -> bool {
    memchr::memchr3_iter(b'\n', b'|', b'&', text).any(|at| match super::alphabet::byte(text, at) {
        b'&' => matches!(super::alphabet::byte(text, at + 1), b'&' | b' '),
        b'\n' => at.checked_sub(1).and_then(|at| text.get(at)) != Some(&b'\\'),
        _ => true,
    }) || find(text, b"; ").is_some()
}

/// How far behind its command an option is believed, in bytes.
const NEAR: usize = 512;

/// The word of a command at `start..end`.
pub(super) fn command(look: &mut Look<'_, '_>, command: Command, start: usize, end: usize) {
    look.arguments.commands.add(look.bytes, command, start);
    if command == Command::W {
        bind_password(look, end);
    }
}

/// `-p`, `-u` or `-a` at `start`.
pub(super) fn option(look: &mut Look<'_, '_>, start: usize) {
    let before = start
        .checked_sub(1)
        .map_or(0, |at| super::alphabet::byte(look.bytes, at));
    if !before.is_ascii_whitespace() && !matches!(before, b'"' | b'\'') {
        return;
    }
    for command in KINDS {
        if let Some(at) = look.arguments.commands.before(command, start) {
            option_of(look, (command, at), start, before);
        }
    }
}

/// As [`option`], of the command at a place; `before` is the byte before the option.
fn option_of(look: &mut Look<'_, '_>, (command, at): (Command, usize), start: usize, before: u8) {
    let letter = super::alphabet::byte(look.bytes, start + 1);
    let after = super::alphabet::byte(look.bytes, start + 2);
    let apart = after == b' ' || after == b'"' || after == b'\'' || after == b'\\';
    match (command, letter) {
        (Command::P, b'p') | (Command::CapitalP, b'P') | (Command::A, b'a') if apart => {
            behind(look, at, (start, start + 2), false);
        }
        (Command::U, b'u' | b'U') => {
            behind(look, at, (start, start + 2), true);
        }
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

/// The argument of the option at `place`, in a line or in a list.
fn behind(look: &mut Look<'_, '_>, command: usize, place: (usize, usize), user: bool) {
    if !listed(look, command, place, user) {
        argument(look, place.1, (Some(command), user));
    }
}

/// `"-a", "SECRET"`: whether the option at `place` is a text of a list that the command begins, and so is its argument.
fn listed(look: &mut Look<'_, '_>, command: usize, place: (usize, usize), user: bool) -> bool {
    let Some(found) = argvec::argument(look.bytes, place.0, place.1) else {
        return false;
    };
    let start = match user {
        true => look.arguments.colon(look.bytes, found.start, found.end),
        false => found.start.checked_sub(1),
    };
    let Some(start) = start.map(|colon| colon + 1) else {
        return true;
    };
    let text = look.text.get(start..found.end).unwrap_or_default();
    if !argvec::is_one(look.bytes, command, place.0) {
        return false;
    }
    if may_be_password(text) && !argvec::is_numbers(text.as_bytes()) {
        look.secret(start, found.end, "kv.option");
        look.named = look.named.max(found.end);
    }
    true
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

const BIND: &[u8] = b" -w ";

/// `ldapsearch … -w SECRET`, behind the command: the option is too common to be looked for in all texts.
fn bind_password(look: &mut Look<'_, '_>, end: usize) {
    let ahead = look
        .bytes
        .get(end..look.bytes.len().min(end + LDAP))
        .unwrap_or_default();
    let is_end = |byte: &u8| matches!(byte, b'\n' | b';' | b'|' | b'&');
    let place = (end, end + ahead.len());
    let option = look
        .arguments
        .bind
        .next(look.bytes, place, BIND.len(), |text| find(text, BIND));
    let before = |option: usize| look.bytes.get(end..option).unwrap_or_default();
    if let Some(option) = option.filter(|option| !before(*option).iter().any(is_end)) {
        // The names before the option are still to be looked at.
        let named = look.named;
        argument(look, option + 3, (None, false));
        look.named = named;
    }
    let in_list = |text: &[u8]| {
        let is_in_marks = |at: &usize| matches!(super::alphabet::byte(text, at + 2), b'"' | b'\'' | b'\\');
        memchr::memmem::find_iter(text, b"-w").find(is_in_marks)
    };
    if let Some(option) = look.arguments.listed.next(look.bytes, place, 3, in_list) {
        let named = look.named;
        listed(look, end, (option, option + 2), false);
        look.named = named;
    }
}

/// `--user USER:SECRET`; `--userSECRET` is no such option.
pub(super) fn user(look: &mut Look<'_, '_>, start: usize, end: usize) {
    let command = look.arguments.commands.before(Command::U, start);
    if !command.is_some_and(|command| listed(look, command, (start, end), true)) {
        argument(look, end, (command, true));
    }
}

/// The argument that begins behind an option of a command: all of it, or what follows the colon.
fn argument(look: &mut Look<'_, '_>, at: usize, (command, user): (Option<usize>, bool)) {
    if joint::closes(look.bytes, at, value::skip_space(look.bytes, at, false)) {
        return;
    }
    let Some(start) = value::next_argument(look.bytes, at) else {
        return;
    };
    let byte = |at| super::alphabet::byte(look.bytes, at);
    let quote = byte(start.saturating_sub(1));
    // What the marks close ends here, or goes on with an escape.
    let is_mark = |byte: u8| matches!(byte, b'"' | b'\'');
    let is_apart = look.bytes.get(at..start).is_some_and(|gap| gap.contains(&b' '));
    let is_closed = match (quote, byte(start)) {
        (b'"' | b'\'', b']' | b'}' | b')') | (b'\\', b'n' | b'r' | b't') => {
            is_mark(byte(start.saturating_sub(2)))
        }
        _ => false,
    };
    if is_closed && !is_apart {
        return;
    }
    let end = if matches!(quote, b'"' | b'\'') {
        start + value::until(look.bytes, start, quote)
    } else {
        let end = look.word_end(start, look.bytes.len().min(start + value::LONGEST));
        command.map_or(end, |command| argvec::end_in_list(look, command, start, end))
    };
    let start = match user {
        true => match look.arguments.colon(look.bytes, start, end) {
            Some(colon) => colon + 1,
            None => return,
        },
        false => start,
    };
    let text = look.text.get(start..end).unwrap_or_default();
    let (bytes, port) = (look.bytes, &mut look.arguments.port);
    let mut is_port = || {
        port.next(bytes, (start, end), PORT.len(), |text| find(text, PORT))
            .is_some()
    };
    if may_be_password(text) && !is_number(text) && !is_port() {
        look.secret(start, end, "kv.option");
        look.named = look.named.max(end);
    }
}

impl Arguments {
    /// Where the first colon stands between `start` and `end` that is none of a marker's or pseudonym's.
    fn colon(&mut self, bytes: &[u8], start: usize, end: usize) -> Option<usize> {
        let within = bytes.get(..end).unwrap_or(bytes);
        let mut at = start;
        let found = loop {
            let colon = self
                .colon
                .next(bytes, (at, end), 1, |text| memchr::memchr(b':', text));
            let Some(colon) = colon else { break None };
            // The colon of a mark stands at one of two places in it.
            let begin = |name: &[u8]| colon.checked_sub(name.len() - 1).filter(|begin| *begin >= at);
            let begins = [mark::MARKER, mark::PSEUDONYM].into_iter().filter_map(begin);
            let Some(behind) = begins.filter_map(|begin| mark::end(within, begin)).min() else {
                break Some(colon);
            };
            // From the end of a mark that was passed before, all go on alike.
            let is_known = self.marked.0 <= start && behind <= self.marked.1;
            at = if is_known { self.marked.1 } else { behind };
        };
        // A mark at the very end may go on behind it.
        if at < end {
            let is_known = (self.marked.0..=self.marked.1).contains(&start);
            let from = if is_known { self.marked } else { (start, start) };
            self.marked = (from.0, from.1.max(at));
        }
        found
    }
}

fn is_password(text: &str) -> bool {
    may_be_password(text) && !is_number(text) && find(text.as_bytes(), PORT).is_none()
}

fn may_be_password(text: &str) -> bool {
    // `:x` and `@x` stand for a value in queries only.
    let is_placeholder = || !text.starts_with([':', '@']) && is_placeholder(text);
    !text.is_empty() && !text.starts_with(['-', '$', '[', '/', '*']) && !is_placeholder()
}

/// `80:80`: the `-p` of a container.
const PORT: &[u8] = b":80";

/// `8080`
fn is_number(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_colon_of_an_argument_is_where_it_is_whatever_was_asked_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "--user=", ":", "[REDACTED:secret]", "[REDACTED:", "x", "[", "h", "hmac-sha256:", "a]",
                    "hmac-sha256:k1:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                ]),
                0..40,
            ),
            asked in prop::collection::vec((0..60_usize, 0..400_usize), 1..40),
        ) {
            let text = pieces.concat();
            let mut arguments = Arguments::default();
            let (mut at, mut end) = (0, 0);
            for (step, len) in asked {
                at = (at + step) % (text.len() + 1);
                end = text.len().min((at + len).max(end));
                let wanted = text.get(at..end).and_then(mark::colon).map(|colon| at + colon);
                prop_assert_eq!(arguments.colon(text.as_bytes(), at, end), wanted, "{}..{} of {}", at, end, text);
            }
        }
    }
}

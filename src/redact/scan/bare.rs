//! How far a bare value goes. Marks end it where what follows them shows that they are not part of it. One long run may hold
//! many names that ask for what is left of it.

use super::alphabet::{Bytes, byte};
use super::bytes::before;
use super::value::{LONGEST, assigns};

/// How long the bare value at `at` is.
pub(super) fn len(bytes: &[u8], at: usize, parameter: bool) -> usize {
    behind(bytes, at, 0, parameter)
}

/// As [`len`], where the first `len` bytes are known to belong to it.
pub(super) fn behind(bytes: &[u8], at: usize, len: usize, parameter: bool) -> usize {
    let ahead = bytes.get(at..bytes.len().min(at + LONGEST)).unwrap_or_default();
    let mut read = Read {
        len,
        open: 0,
        passed: 0,
    };
    read.on(ahead, ahead.len(), parameter);
    read.len_of(ahead)
}

/// What was read of a bare value.
#[derive(Debug, Default, Clone, Copy)]
struct Read {
    len: usize,
    /// How many brackets are open.
    open: usize,
    /// Behind the last bracket that would have ended the value, were none open.
    passed: usize,
}

impl Read {
    /// Reads on to the end of the value, at most to `limit`; whether it ends there.
    #[inline]
    fn on(&mut self, ahead: &[u8], limit: usize, parameter: bool) -> bool {
        /// What may end it, or be one of a pair. All others belong to it.
        static MARKS: Bytes = Bytes::controls_and(b"\"'`()[]{}<>;&#\\,|");
        let (mut len, mut open) = (self.len, self.open);
        let mut is_end = false;
        let within = ahead.get(..limit).unwrap_or(ahead);
        while let Some(&char) = within.get(len) {
            if !MARKS.has(char) {
                len += 1;
                continue;
            }
            if matches!(char, b'(' | b'[' | b'{') {
                open += 1;
            } else if matches!(char, b')' | b']' | b'}') && open > 0 {
                open -= 1;
                len += 1;
                if ends_there(byte(ahead, len)) {
                    self.passed = len;
                }
                continue;
            }
            let next = byte(ahead, len + 1);
            is_end = match char {
                0..=b' ' | b'"' | b'`' | b'<' | b';' => true,
                b'&' => parameter || assigns(ahead, len + 1),
                b'#' => parameter,
                b'\\' => {
                    let escapes = ahead.get(len..).unwrap_or_default();
                    let escapes = escapes.iter().take_while(|byte| **byte == b'\\').count();
                    let next = byte(ahead, len + escapes);
                    // Two before what needs none are one of the value's own, as JSON writes it: `a\\1`.
                    let goes_on = (next.is_ascii_alphanumeric() || b"!@#$%^*+-_=?~".contains(&next))
                        && !matches!(next, b'n' | b'r' | b't' | b'u');
                    len += if goes_on { escapes - 1 } else { 0 };
                    !goes_on && (escapes > 1 || matches!(next, b'n' | b'r' | b't' | b'"' | b'\'' | b'u'))
                }
                b',' | b'|' => ends_there(next) || assigns(ahead, len + 1),
                b')' | b']' | b'}' | b'>' | b'\'' => ends_there(next),
                _ => false,
            };
            if is_end {
                break;
            }
            len += 1;
        }
        (self.len, self.open) = (len, open);
        is_end
    }

    /// How long the value is without the marks behind it.
    fn len_of(&self, ahead: &[u8]) -> usize {
        let mut value = ahead.get(..self.len).unwrap_or(ahead);
        while let [head @ .., b'.' | b',' | b':'] = value {
            // The end of an address that was cut to its network: `2001:db8::`.
            if value.ends_with(b"::") {
                break;
            }
            value = head;
        }
        value.len()
    }
}

/// The value that was read last.
#[derive(Debug, Default)]
pub(super) struct Run {
    parameter: bool,
    from: usize,
    /// Where it ends; if it does not, how far it was read without a doubt.
    to: usize,
    is_end: bool,
    read: Read,
}

/// How much is read behind what may end a value.
const BEHIND: usize = 64;

impl Run {
    /// Of parameters of URLs.
    pub(super) fn of_parameters() -> Self {
        Self {
            parameter: true,
            ..Self::default()
        }
    }

    /// How long the value at `at` is, as [`len`] says.
    pub(super) fn len(&mut self, bytes: &[u8], at: usize) -> usize {
        let parameter = self.parameter;
        let ahead = bytes.get(at..bytes.len().min(at + LONGEST)).unwrap_or_default();
        let known = self.goes_through(bytes, at);
        if known && self.is_end && self.to + BEHIND < at + LONGEST {
            let len = self.to - at;
            return Read { len, ..self.read }.len_of(ahead);
        }
        // All before this is read as it was read already; brackets that are open count where one of them is closed.
        let mut read = Read {
            len: self.to.saturating_sub(at),
            open: self.read.open,
            passed: 0,
        };
        if !known || self.is_end {
            read = Read::default();
        }
        let is_new = read.len == 0;
        let sure = LONGEST - BEHIND;
        let is_end = read.on(ahead, sure, parameter);
        let (to, known) = (at + read.len, read);
        if !is_end {
            read.on(ahead, ahead.len(), parameter);
        }
        if !is_new && read.passed > 0 {
            return len(bytes, at, parameter);
        }
        let passed = if is_new {
            known.passed + at
        } else {
            self.read.passed
        };
        *self = Self {
            parameter,
            from: at,
            to,
            is_end,
            read: Read { passed, ..known },
        };
        read.len_of(ahead)
    }

    /// Whether reading from `at` on comes by where this one did: nothing before it says what stands behind it.
    fn goes_through(&self, bytes: &[u8], at: usize) -> bool {
        // Of several backslashes in a row each says something of the next.
        let is_apart = |at| before(bytes, at, 1) != b'\\';
        (self.from.max(self.read.passed)..self.to).contains(&at) && is_apart(at) && is_apart(self.to + 1)
    }
}

/// Whether nothing of a value can follow: the end, white space, or a mark.
fn ends_there(next: u8) -> bool {
    matches!(
        next,
        0..=b' '
            | b'"'
            | b'\''
            | b'`'
            | b','
            | b';'
            | b'.'
            | b':'
            | b')'
            | b']'
            | b'}'
            | b'>'
            | b'<'
            | b'|'
            | b'\\'
            | b'&'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_ends_where_it_does_whatever_was_read_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "?code=", "&", "a", "(", ")", "[", "]", "{}", ")x", ") ", "),", "\\", "\\\\n", "\\\\", ",", "::", ".", "'", "|", "#", "b=1", "é",
                    " ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                ]),
                0..40,
            ),
            long in prop::sample::select(vec![1, 1, 300, 900]),
            step in 1..90_usize,
            narrow in any::<bool>(),
        ) {
            let unit = pieces.concat();
            // Runs longer than values are, too, of pieces that end none.
            let unit = if narrow { unit.replace([' ', '&', '#', '|', ','], "") } else { unit };
            let text = format!("{}{}", unit.repeat(if unit.is_empty() { 1 } else { long.min(9000 / unit.len() + 1) }), pieces.concat());
            let bytes = text.as_bytes();
            for mut run in [Run::default(), Run::of_parameters()] {
                let parameter = run.parameter;
                for at in (0..=bytes.len()).step_by(step) {
                    prop_assert_eq!(run.len(bytes, at), len(bytes, at, parameter), "{} of {}", at, text);
                }
            }
        }
    }
}

//! Cutting what was claimed out of a text, once.

use std::fmt::Write as _;

use super::alphabet::Bytes;
use super::hits::{Hit, Hits};
use crate::memory;

/// Stands, in the marker, before the number of bytes that the cap left out.
const DROPPED: &str = "…[dropped ";
const DROPPED_END: &str = " bytes]";

/// Where a hit ended, how long it was, and how long what stands in its place is.
pub(in crate::redact) struct Edit {
    pub(in crate::redact) end: usize,
    pub(in crate::redact) was: usize,
    pub(in crate::redact) is: usize,
}

/// Writes the text with what `replace` puts in each hit's place, then the mark of the bytes left out. `edits` are told
/// what was done, marks that the place needs included.
pub(crate) fn cut(
    text: &str,
    hits: &Hits,
    dropped: usize,
    replace: &mut dyn FnMut(&Hit, &str, &mut String),
    edits: &mut Vec<Edit>,
) -> String {
    let mut out = String::new();
    memory::room_for_text(&mut out, text.len() + 32);
    let mut from = 0;
    let mut before = Before::default();
    for hit in hits.list() {
        let start = floor(text, hit.start).max(from);
        let end = ceil(text, hit.end);
        memory::push_str(&mut out, text.get(from..start).unwrap_or_default());
        let was = text.get(start..end).unwrap_or_default();
        let place = out.len();
        replace(hit, was, &mut out);
        if closes(text.as_bytes(), end) && is_bare(was) && out.get(place..) != Some(was) {
            quote(&mut before, text, start, place, &mut out);
        }
        let edit = Edit {
            end: hit.end,
            was: was.len(),
            is: out.len() - place,
        };
        memory::push(edits, edit);
        from = end.max(from);
    }
    memory::push_str(&mut out, text.get(from..).unwrap_or_default());
    if dropped > 0 && memory::room_for_text(&mut out, DROPPED.len() + 20 + DROPPED_END.len()) {
        let _ = write!(out, "{DROPPED}{dropped}{DROPPED_END}");
    }
    out
}

/// Whether what follows at `at` ends a value of a JSON text.
fn closes(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at..).unwrap_or_default();
    let next = ahead.iter().find(|byte| !is_gap(**byte)).copied();
    match next {
        Some(b',' | b'}' | b']') => true,
        // A line break of a text within a text.
        Some(b'\\') => ahead.iter().take(2).any(|byte| *byte == b'n' || *byte == b'r'),
        _ => false,
    }
}

/// Whether a value may be a number of JSON, or several with commas.
fn is_bare(was: &str) -> bool {
    static PARTS: Bytes = Bytes::digits_and(b".-+eE, \n");
    was.bytes().all(|byte| PARTS.has(byte)) && was.bytes().any(|byte| byte.is_ascii_digit())
}

/// Puts quotation marks around what was written from `place` on, where it stands for a number of a JSON text that began at
/// `start` and that a mark closes, so that the text stays JSON: with as many backslashes as the marks of the texts beside it
/// have.
fn quote(before: &mut Before, text: &str, start: usize, place: usize, out: &mut String) {
    let Some(escapes) = before.escapes(text.as_bytes().get(..start).unwrap_or_default()) else {
        return;
    };
    let mut mark = String::new();
    if !memory::room_for_text(&mut mark, escapes + 1) || !memory::room_for_text(out, 2 * (escapes + 1)) {
        return;
    }
    mark.extend(std::iter::repeat_n('\\', escapes));
    mark.push('"');
    out.insert_str(place, &mark);
    out.push_str(&mark);
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How far back the text or key beside a number is looked for, in bytes.
const NEAR: usize = 2048;

/// What was seen before the numbers of a text. A list of numbers is read back from each of them: those behind the first go as
/// far as the one before them began, and know the rest.
#[derive(Debug, Default)]
struct Before {
    /// For a way back on which no list's beginning was seen yet, and for one on which one was: the two go on in their own ways.
    ways: [Option<Way>; 2],
    /// Up to here there is neither a text's nor a list's beginning.
    bare: usize,
}

/// Where a way back leads from a place behind which something stood apart.
#[derive(Debug, Clone, Copy)]
struct Way {
    at: usize,
    /// How many steps it takes from there, the last one with it; if it did not end, that it takes more.
    steps: usize,
    end: Option<Option<usize>>,
}

impl Before {
    /// How many backslashes the quotation mark of the key, or of the text of the same list, before a value has; none where
    /// the value is no number of a JSON text.
    fn escapes(&mut self, before: &[u8]) -> Option<usize> {
        // Without one of these before it, no value is one of JSON.
        let unread = before.get(self.bare..).unwrap_or(before);
        if memchr::memchr2(b'"', b'[', unread).is_none() {
            self.bare = before.len();
            return None;
        }
        let mut back = Back {
            before,
            rest: before,
            listed: false,
            apart: false,
        };
        // Where this way came by, and after how many steps.
        let mut places = [None; 2];
        let (mut steps, mut end) = (0, None);
        while steps < NEAR && end.is_none() {
            // No way was ever remembered within a number.
            steps += back.over_number(NEAR - steps);
            if steps == NEAR {
                break;
            }
            end = back.step();
            steps += 1;
            let way = usize::from(back.listed);
            let at = back.rest.len();
            if end.is_some() || !back.apart {
                continue;
            }
            if let Some(place @ None) = places.get_mut(way) {
                *place = Some((at, steps));
            }
            let known = self.ways.get(way).copied().flatten();
            let known =
                known.filter(|known| known.at == at && (known.end.is_some() || known.steps >= NEAR - steps));
            if let Some(known) = known {
                (steps, end) = (steps + known.steps, known.end);
                break;
            }
        }
        for (way, place) in self.ways.iter_mut().zip(places) {
            if let Some((at, taken)) = place {
                *way = Some(Way {
                    at,
                    steps: steps - taken,
                    end,
                });
            }
        }
        end.filter(|_| steps <= NEAR).flatten()
    }
}

/// A way back from a value.
struct Back<'t> {
    before: &'t [u8],
    rest: &'t [u8],
    /// Whether the beginning of a list was seen.
    listed: bool,
    /// Whether a mark was seen behind which values stand.
    apart: bool,
}

impl Back<'_> {
    /// Goes over what a number is made of, as [`Self::step`] would byte by byte, and says how many bytes it was.
    fn over_number(&mut self, most: usize) -> usize {
        static PARTS: Bytes = Bytes::digits_and(b".-+");
        let mut len = 0;
        while len < most
            && let [head @ .., last] = self.rest
            && PARTS.has(*last)
        {
            self.rest = head;
            len += 1;
        }
        len
    }

    /// Goes over the last byte, or word, of the rest; what [`Before::escapes`] says where the way ends there. How it goes on
    /// depends on nothing but the rest and the two marks.
    fn step(&mut self) -> Option<Option<usize>> {
        let Some((&last, head)) = self.rest.split_last() else {
            // The text is the list itself.
            return Some(self.listed.then_some(0));
        };
        self.apart |= matches!(last, b':' | b',' | b'[');
        self.rest = match last {
            b'"' => return Some(self.apart.then(|| own_escapes(self.before, head))),
            b'[' => {
                self.listed = true;
                head
            }
            b':' if !self.listed || is_key(head) => head,
            // Empty lists and objects before it in the same list.
            b'{' | b'}' | b']' if self.apart => head,
            b'e' | b'E' if head.last().is_some_and(u8::is_ascii_digit) => head,
            b'e' | b'l' if self.apart => match literal(self.rest) {
                Some(head) => head,
                None => return Some(None),
            },
            b',' | b'.' | b'-' | b'+' | b'0'..=b'9' => head,
            byte if is_gap(byte) => head,
            _ => return Some(None),
        };
        None
    }
}

/// The backslashes of a value beside the quotation mark behind `head`. At once behind the mark it is a part of the text
/// that begins there.
fn own_escapes(before: &[u8], head: &[u8]) -> usize {
    let escapes = head.iter().rev().take_while(|byte| **byte == b'\\').count();
    // Before those of its own depth (0, 1, 3, 7 …) stand those of backslashes that end the text.
    let own = (1 << escapes.trailing_ones().min(6)) - 1;
    // A list that begins at once behind the mark is within a text, one depth further in.
    let within = before.get(head.len() + 1) == Some(&b'[');
    if within { 2 * own + 1 } else { own }
}

/// What stands before the `null`, `true` or `false` that ends here.
fn literal(text: &[u8]) -> Option<&[u8]> {
    let head = [&b"null"[..], b"true", b"false"]
        .iter()
        .find_map(|literal| text.strip_suffix(*literal))?;
    let begins = head
        .last()
        .is_none_or(|last| matches!(last, b',' | b'[' | b':') || is_gap(*last));
    begins.then_some(head)
}

/// Whether a key in quotation marks ends here.
fn is_key(head: &[u8]) -> bool {
    head.iter().rev().find(|byte| !is_gap(**byte)) == Some(&b'"')
}

/// The start of the character that holds the byte at `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The end of the character that holds the byte before `at`.
fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The length of the text before the mark of left-out bytes, if it ends in one.
pub(crate) fn before_mark(text: &str) -> Option<usize> {
    let number = text.strip_suffix(DROPPED_END)?;
    let head = number.trim_end_matches(|char: char| char.is_ascii_digit());
    let head_end = head.strip_suffix(DROPPED)?.len();
    (head.len() < number.len()).then_some(head_end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is known of the ways back says the same as going all of them afresh, for these places in turn.
    fn agrees(text: &str, places: impl IntoIterator<Item = usize>) {
        let mut before = Before::default();
        for at in places {
            let head = text.as_bytes().get(..at).unwrap();
            assert_eq!(
                before.escapes(head),
                Before::default().escapes(head),
                "{at} of {text}"
            );
        }
    }

    #[test]
    fn a_list_as_long_as_numbers_are_looked_for_ends_where_it_ended() {
        for head in [
            "",
            "[",
            r#"{"a":"#,
            r#"{"a":["#,
            "\"[",
            r#"\\\"a\\\": ["#,
            "x ",
            "true,",
            "[null,x,",
            r#"{"a" : [["#,
        ] {
            for number in ["1,", "1.1.1.1,", "[1,1,", "1], [1,", "null,1,", "1e5 ,", "{},1,"] {
                let text = format!("{head}{}", number.repeat(2 * NEAR / number.len() + 3));
                agrees(&text, 0..=text.len());
                agrees(&text, (0..=text.len()).step_by(number.len()));
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_known_of_the_way_back_is_where_it_leads(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "1", "1.1.1.1,", ",", ", ", "[", "]", "{", "}", ":", "\"", r#"\""#, r#"\\\""#, r#""a": "#, r#""a":["#, "null", "true,", "false",
                    "e", "5e5", "-", "x", " ", "[1, ",
                ]),
                0..60,
            ),
            step in 1..9_usize,
        ) {
            let text = pieces.concat();
            agrees(&text, (0..=text.len()).step_by(step));
        }
    }
}

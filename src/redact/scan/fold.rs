//! The detection copy: what a reader would see, in ASCII as far as it goes, with the way back to the original bytes.

use super::bytes::{before, is_word, run, run_back};
use super::escapes;
use super::fold_table::{Fold, fold as fold_char, is_accent, lookalike};
use super::marked::Marked;
use super::replaced::{Back, Replaced};
use crate::memory;

/// A text as the detectors see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Folded {
    pub(crate) text: String,
    replaced: Replaced,
    /// Characters that were asked about, by their last bits: a text has few.
    known: Vec<Known>,
}

/// What is known of a character beyond ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    char: char,
    fold: Fold,
    lookalike: Option<u8>,
    is_accent: bool,
}

/// How many characters are remembered.
const KNOWN: usize = 64;

impl Known {
    const NUL: Self = Self {
        char: '\0',
        fold: Fold::Keep,
        lookalike: None,
        is_accent: false,
    };

    fn of(char: char) -> Self {
        let fold = fold_char(char);
        Self {
            char,
            fold,
            lookalike: lookalike(char),
            is_accent: fold == Fold::Keep && is_accent(char),
        }
    }
}

impl Folded {
    /// The way back to the original.
    pub(super) fn back(&self) -> Back<'_> {
        self.replaced.back()
    }

    fn known(&mut self, char: char) -> Known {
        // Without memory for it nothing is remembered, and nothing else changes.
        if self.known.is_empty() && self.known.try_reserve(KNOWN).is_ok() {
            self.known.resize(KNOWN, Known::NUL);
        }
        let place = self.known.get_mut(u32::from(char) as usize % KNOWN);
        match place {
            Some(known) if known.char == char => *known,
            Some(place) => {
                *place = Known::of(char);
                *place
            }
            None => Known::of(char),
        }
    }
}

/// Makes the detection copy of a text; `false` where it would be the text itself. `folded` is memory used again.
///
/// Invisible characters go, digits, dashes, spaces and compatible forms become ASCII, accents on ASCII letters are
/// dropped, letters that only look like ASCII become it where their neighbours are, and escapes are read.
pub(crate) fn fold(text: &str, folded: &mut Folded) -> bool {
    folded.text.clear();
    folded.replaced.clear();
    if is_plain(text.as_bytes()) {
        return false;
    }
    let mut folder = Folder {
        text,
        bytes: text.as_bytes(),
        folded,
        copied: 0,
        word_end: 0,
        mixed: false,
    };
    let mut specials = Marked::new(is_special);
    let mut from = 0;
    while let Some(at) = specials.next(folder.bytes, from) {
        from = at + folder.special(at);
    }
    folder.finish()
}

/// Whether any byte of the text may be folded.
pub(super) fn is_special_in(bytes: &[u8]) -> bool {
    !is_plain(bytes)
}

/// Whether there is nothing to fold: the quick way out of nearly every text.
fn is_plain(bytes: &[u8]) -> bool {
    const STEP: usize = 64;
    bytes
        .chunks(STEP)
        .all(|chunk| !chunk.iter().fold(false, |any, &byte| any | is_special(byte)))
}

#[inline]
const fn is_special(byte: u8) -> bool {
    // Controls but for tab, line feed, carriage return.
    (byte >= 0x7F)
        | (byte == b'%')
        | (byte == b'\\')
        | (byte == b'&')
        | (byte < 9)
        | ((byte > 13) & (byte < 32))
}

struct Folder<'t> {
    text: &'t str,
    bytes: &'t [u8],
    folded: &'t mut Folded,
    /// How far the original is taken over.
    copied: usize,
    /// The end of the word that was judged last, and whether it mixes ASCII with look-alikes.
    word_end: usize,
    mixed: bool,
}

impl Folder<'_> {
    /// Folds what stands at `at`; says how many bytes it was.
    #[inline]
    fn special(&mut self, at: usize) -> usize {
        let byte = super::bytes::at(self.bytes, at);
        // A chain of escapes is mostly one of a kind.
        let is_chain = byte == b'%' && super::bytes::at(self.bytes, at + 3) == b'%';
        if is_chain && let Some(len) = self.chain(at) {
            return len;
        }
        let decoded = match byte {
            b'%' => escapes::percent(self.bytes, at),
            b'\\' => escapes::backslash(self.bytes, at),
            b'&' => escapes::entity(self.bytes, at),
            0x80.. => return self.beyond_ascii(at),
            _ => Some((char::from(byte), 1)),
        };
        let Some((char, len)) = decoded else {
            // What all of these backslashes say depends on what stands behind the last one.
            return run(self.bytes, at, usize::MAX, |byte| byte == b'\\').max(1);
        };
        if char.is_ascii() && !char.is_ascii_control() {
            self.replace_by(at, at + len, char);
            return len;
        }
        self.decoded(at, char, len)
    }

    /// Takes over several characters at once that were written as escapes; says how many bytes those were.
    fn chain(&mut self, at: usize) -> Option<usize> {
        let (chars, count) = escapes::percents(self.bytes, at);
        let with = std::str::from_utf8(chars.get(..count)?).ok()?;
        if count < 2 || !memory::room_for_text(&mut self.folded.text, at - self.copied + count) {
            return None;
        }
        let from = self.take_over(at);
        self.folded.text.push_str(with);
        let end = at + 3 * count;
        self.folded
            .replaced
            .note_each((at, end), (from, from + count), (3, 1));
        self.copied = end;
        Some(end - at)
    }

    /// Takes over a character that was written as an escape, or a control.
    fn decoded(&mut self, at: usize, char: char, len: usize) -> usize {
        let end = at + len;
        match char {
            '\u{1B}' => {
                let len = len + escapes::terminal(self.bytes, end);
                self.replace(at, at + len, "");
                return len;
            }
            '\t' | '\n' | '\r' => self.replace_by(at, end, char),
            _ if char.is_ascii_control() => self.replace(at, end, ""),
            _ => {
                let known = self.folded.known(char);
                match self.seen(at, known) {
                    Fold::Keep => self.replace_by(at, end, char),
                    fold => self.replace_as(at, end, fold),
                }
            }
        }
        len
    }

    fn beyond_ascii(&mut self, at: usize) -> usize {
        let Some(char) = self.text.get(at..).and_then(|rest| rest.chars().next()) else {
            return 1;
        };
        let len = char.len_utf8();
        let known = self.folded.known(char);
        if let Some(byte) = known.lookalike {
            if self.in_mixed_word(at) {
                self.replace_by(at, at + len, char::from(byte));
            }
            return len;
        }
        let fold = self.seen(at, known);
        self.replace_as(at, at + len, fold);
        len
    }

    /// The fold of a character; an accent vanishes on the ASCII character before it.
    fn seen(&self, place: usize, known: Known) -> Fold {
        if known.is_accent && self.follows_ascii(place) {
            return Fold::Strip;
        }
        known.fold
    }

    /// Whether what the copy has before `place` of the original is a letter, digit or mark of ASCII.
    fn follows_ascii(&self, place: usize) -> bool {
        let last = if self.copied < place {
            before(self.bytes, place, 1)
        } else {
            self.folded.text.as_bytes().last().copied().unwrap_or(0)
        };
        last.is_ascii_graphic()
    }

    /// Whether the word around `at` has ASCII letters or digits, and otherwise only letters that look like them.
    fn in_mixed_word(&mut self, at: usize) -> bool {
        if at < self.word_end {
            return self.mixed;
        }
        let unread = at - self.word_end;
        let start = at - run_back(self.bytes, at, unread, is_word);
        let end = at + run(self.bytes, at, usize::MAX, is_word);
        let word = self.text.get(start..end).unwrap_or_default();
        let is_foreign =
            |char: char| lookalike(char).is_none() && fold_char(char) == Fold::Keep && !char.is_ascii();
        self.word_end = end;
        self.mixed = word.bytes().any(|byte| byte.is_ascii_alphanumeric()) && !word.chars().any(is_foreign);
        self.mixed
    }

    /// Replaces what lies between `start` and `end` as the fold says.
    fn replace_as(&mut self, start: usize, end: usize, fold: Fold) {
        match fold {
            Fold::Keep => {}
            Fold::Strip => self.replace(start, end, ""),
            Fold::To(ascii) => match ascii.only() {
                Some(char) => self.replace_by(start, end, char),
                None => self.replace(start, end, ascii.text()),
            },
        }
    }

    /// As [`Self::replace`], with one character.
    fn replace_by(&mut self, start: usize, end: usize, with: char) {
        let from = self.take_over(start);
        if memory::room_for_text(&mut self.folded.text, with.len_utf8()) {
            self.folded.text.push(with);
        }
        self.replaced(start, end, from);
    }

    /// Takes over the original up to `start`, and `with` in place of what lies between `start` and `end`.
    fn replace(&mut self, start: usize, end: usize, with: &str) {
        let from = self.take_over(start);
        memory::push_str(&mut self.folded.text, with);
        self.replaced(start, end, from);
    }

    /// Takes over the original up to `start`; says how long the copy is then.
    #[inline]
    fn take_over(&mut self, start: usize) -> usize {
        if self.copied < start {
            let same = self.text.get(self.copied..start).unwrap_or_default();
            memory::push_str(&mut self.folded.text, same);
        }
        self.folded.text.len()
    }

    #[inline]
    fn replaced(&mut self, start: usize, end: usize, from: usize) {
        self.copied = end;
        let to = self.folded.text.len();
        self.folded.replaced.note((start, end), (from, to));
    }

    fn finish(self) -> bool {
        if self.folded.replaced.is_empty() {
            return false;
        }
        let rest = self.text.get(self.copied..).unwrap_or_default();
        memory::push_str(&mut self.folded.text, rest);
        self.folded.text != self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fold(text: &str) -> Option<Folded> {
        let mut folded = Folded::default();
        super::fold(text, &mut folded).then_some(folded)
    }

    fn folded(text: &str) -> String {
        fold(text).map_or_else(|| text.to_owned(), |folded| folded.text)
    }

    #[test]
    fn a_reader_and_the_copy_see_the_same() {
        for (text, wanted) in [
            ("4111\u{a0}1111\u{2011}1111", "4111 1111-1111"),
            ("4\u{200b}1\u{ad}1\u{2060}1", "4111"),
            ("４１１１ ＠ ａ", "4111 @ a"),
            ("٤١١١", "4111"),
            ("alice%40example.com", "alice@example.com"),
            ("alice\\u0040example.com", "alice@example.com"),
            ("alice&#64;example.com", "alice@example.com"),
            ("\u{1b}[31mpass\u{1b}[0mword", "password"),
            ("pa\0ss", "pass"),
            ("pass\\0word", "password"),
            ("p\u{430}ssword", "password"),
            ("p\u{301}a\u{308}ssword", "password"),
            ("pässwörd", "password"),
            ("1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}", "12"),
            ("%EF%BC%A0", "@"),
            ("\\u001b[31mx", "x"),
            ("%E2%80%8Bx", "x"),
            ("a%0Ab", "a\nb"),
        ] {
            assert_eq!(folded(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_chain_of_escapes_is_read_as_each_of_them_is() {
        let escapes = [
            "%41",
            "%2e",
            "%25",
            "%2541",
            "%0A",
            "%E2%80%8B",
            "%zz",
            "%4",
            "%20",
            "%7F",
            "%+1",
        ];
        for first in escapes {
            for second in escapes {
                for count in [1, 2, 31, 32, 33, 70] {
                    let chain = format!("x{}{second}y", first.repeat(count));
                    // A character that vanishes keeps two escapes apart.
                    let apart = format!("x{}{second}y", format!("{first}\u{200b}").repeat(count));
                    assert_eq!(folded(&chain), folded(&apart), "{first} {second} {count}");
                }
            }
        }
        let folded = fold(&format!("x{}y", "%41".repeat(40))).unwrap();
        assert_eq!(
            (folded.back().origin(1, 2), folded.back().origin(34, 41)),
            ((1, 4), (100, 121))
        );
    }

    #[test]
    fn nothing_to_fold_is_no_copy() {
        for text in [
            "",
            "plain",
            "50% of \\n & more\t\r\n",
            "привет мир",
            "密码 パスワード",
            "😀",
            "%zz",
        ] {
            assert_eq!(fold(text), None, "{text}");
        }
    }

    #[test]
    fn words_of_another_alphabet_stay() {
        assert_eq!(folded("мир оса"), "мир оса");
        assert_eq!(folded("оса123я"), "оса123я");
        assert_eq!(folded("pаypаl мир"), "paypal мир");
    }

    #[test]
    fn a_span_of_the_copy_leads_back_to_what_it_was_made_of() {
        let text = "x 4\u{200b}1%31１ y";
        let folded = fold(text).unwrap();
        assert_eq!(folded.text, "x 4111 y");
        let (start, end) = folded.back().origin(2, 6);
        assert_eq!(&text[start..end], "4\u{200b}1%31１");
        let (start, end) = folded.back().origin(7, 8);
        assert_eq!(&text[start..end], "y");
        let (start, end) = folded.back().origin(4, 5);
        assert_eq!(&text[start..end], "%31");
    }

    #[test]
    fn the_copy_never_grows_beyond_four_times_the_text() {
        for char in ["℡", "㏂", "％２５", "%25%25", "&amp;", "\\x41"] {
            let text = char.repeat(1000);
            assert!(folded(&text).len() <= 4 * text.len(), "{char}");
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[ -~]{0,6}",
            "\\PC{0,4}",
            any::<char>().prop_map(String::from),
            proptest::sample::select(vec![
                "%40",
                "%",
                "%E2%80%8B",
                "\\u0041",
                "\\\\x41",
                "&#x40;",
                "&amp;",
                "\u{1b}[1m",
                "\0",
                "а",
                "é",
                "\u{301}",
                "１",
                "\u{200b}",
                "\\",
                "%25",
                "\\ud83d\\ude00",
            ])
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn spans_lead_back_to_whole_characters_in_the_same_order(text in pieces()) {
            let Some(folded) = fold(&text) else { return Ok(()) };
            let ends: Vec<usize> = folded.text.char_indices().map(|(at, _)| at).chain([folded.text.len()]).collect();
            let mut last = (0, 0);
            for pair in ends.windows(2) {
                let (start, end) = folded.back().origin(pair[0], pair[1]);
                prop_assert!(start < end && text.get(start..end).is_some(), "{start}..{end}");
                prop_assert!(last.0 <= start && last.1 <= end);
                let verbatim = text[start..end] == folded.text[pair[0]..pair[1]];
                prop_assert!(verbatim || fold(&text[start..end]).is_some() || lookalike(text[start..].chars().next().unwrap()).is_some());
                last = (start, end);
            }
            let (start, end) = folded.back().origin(0, folded.text.len());
            prop_assert!(start <= end && end <= text.len());
        }

        #[test]
        fn folding_twice_changes_only_what_an_escape_hid(text in "[a-z0-9 ]{0,20}\\PC{0,20}") {
            let once = folded(&text);
            prop_assert!(once.len() <= 4 * text.len());
        }
    }
}

//! The detection copy: what a reader would see, in ASCII as far as it goes, with the way back to the original bytes.

use super::bytes::{before, is_word, run, run_back};
use super::escapes;
use super::fold_table::{Fold, fold as fold_char, is_accent, lookalike};
use crate::memory;

/// A text as the detectors see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Folded {
    pub(crate) text: String,
    /// What was replaced, in order. Between two pieces both texts are the same.
    pieces: Vec<Piece>,
}

/// One replacement: these bytes of the original became those of the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    original: (usize, usize),
    folded: (usize, usize),
}

impl Folded {
    /// The span of the original that covers this span of the copy: whatever was replaced is covered whole.
    pub(crate) fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        let first = match self.piece_at(start) {
            Some(piece) if start < piece.folded.1 => piece.original.0,
            Some(piece) => piece.original.1 + (start - piece.folded.1),
            None => start,
        };
        if end <= start {
            return (first, first);
        }
        let last = match self.piece_at(end - 1) {
            Some(piece) if end <= piece.folded.1 => piece.original.1,
            Some(piece) => piece.original.1 + (end - piece.folded.1),
            None => end,
        };
        (first, last)
    }

    /// The last piece that begins at or before this place of the copy.
    fn piece_at(&self, place: usize) -> Option<&Piece> {
        let next = self.pieces.partition_point(|piece| piece.folded.0 <= place);
        self.pieces.get(next.checked_sub(1)?)
    }
}

/// Makes the detection copy of a text; `false` where it would be the text itself. `folded` is memory used again.
///
/// Invisible characters go, digits, dashes, spaces and compatible forms become ASCII, accents on ASCII letters are
/// dropped, letters that only look like ASCII become it where their neighbours are, and escapes are read.
pub(crate) fn fold(text: &str, folded: &mut Folded) -> bool {
    folded.text.clear();
    folded.pieces.clear();
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
    let mut at = 0;
    while let Some(&byte) = folder.bytes.get(at) {
        at += if is_special(byte) {
            folder.special(at, byte)
        } else {
            1
        };
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
    fn special(&mut self, at: usize, byte: u8) -> usize {
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
        self.decoded(at, char, len)
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
            '\t' | '\n' | '\r' => self.replace(at, end, char.encode_utf8(&mut [0; 4])),
            _ if char.is_ascii_control() => self.replace(at, end, ""),
            _ => match self.seen(at, char) {
                Fold::Strip => self.replace(at, end, ""),
                Fold::To(ascii) => self.replace(at, end, ascii.text()),
                Fold::Keep => self.replace(at, end, char.encode_utf8(&mut [0; 4])),
            },
        }
        len
    }

    fn beyond_ascii(&mut self, at: usize) -> usize {
        let Some(char) = self.text.get(at..).and_then(|rest| rest.chars().next()) else {
            return 1;
        };
        let len = char.len_utf8();
        if let Some(byte) = lookalike(char) {
            if self.in_mixed_word(at) {
                self.replace(at, at + len, char::from(byte).encode_utf8(&mut [0; 4]));
            }
            return len;
        }
        match self.seen(at, char) {
            Fold::Keep => {}
            Fold::Strip => self.replace(at, at + len, ""),
            Fold::To(ascii) => self.replace(at, at + len, ascii.text()),
        }
        len
    }

    /// The fold of a character; an accent vanishes on the ASCII character before it.
    fn seen(&self, place: usize, char: char) -> Fold {
        match fold_char(char) {
            Fold::Keep if !char.is_ascii() && is_accent(char) && self.follows_ascii(place) => Fold::Strip,
            fold => fold,
        }
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

    /// Takes over the original up to `start`, and `with` in place of what lies between `start` and `end`.
    fn replace(&mut self, start: usize, end: usize, with: &str) {
        let same = self.text.get(self.copied..start).unwrap_or_default();
        memory::push_str(&mut self.folded.text, same);
        let from = self.folded.text.len();
        memory::push_str(&mut self.folded.text, with);
        self.copied = end;
        if let Some(last) = self.folded.pieces.last_mut()
            && last.original.1 == start
            && last.folded == (from, from)
            && with.is_empty()
        {
            last.original.1 = end;
            return;
        }
        let piece = Piece {
            original: (start, end),
            folded: (from, self.folded.text.len()),
        };
        memory::push(&mut self.folded.pieces, piece);
    }

    fn finish(self) -> bool {
        if self.folded.pieces.is_empty() {
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
        let (start, end) = folded.origin(2, 6);
        assert_eq!(&text[start..end], "4\u{200b}1%31１");
        let (start, end) = folded.origin(7, 8);
        assert_eq!(&text[start..end], "y");
        let (start, end) = folded.origin(4, 5);
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
                let (start, end) = folded.origin(pair[0], pair[1]);
                prop_assert!(start < end && text.get(start..end).is_some(), "{start}..{end}");
                prop_assert!(last.0 <= start && last.1 <= end);
                let verbatim = text[start..end] == folded.text[pair[0]..pair[1]];
                prop_assert!(verbatim || fold(&text[start..end]).is_some() || lookalike(text[start..].chars().next().unwrap()).is_some());
                last = (start, end);
            }
            let (start, end) = folded.origin(0, folded.text.len());
            prop_assert!(start <= end && end <= text.len());
        }

        #[test]
        fn folding_twice_changes_only_what_an_escape_hid(text in "[a-z0-9 ]{0,20}\\PC{0,20}") {
            let once = folded(&text);
            prop_assert!(once.len() <= 4 * text.len());
        }
    }
}

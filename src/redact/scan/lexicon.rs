//! Lists of words and of beginnings, with what rules nearly every text out at a glance.

/// Words in lower case, sorted by their first byte.
pub(super) struct Lexicon {
    words: &'static [&'static str],
    /// By first byte, the lengths that words with it have, as bits.
    lengths: [u32; 256],
    /// By first byte, where its words begin and end.
    places: [(u16, u16); 256],
}

impl Lexicon {
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        let mut lengths = [0; 256];
        let mut places = [(0, 0); 256];
        let mut last = 0;
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_bytes();
            assert!(!word.is_empty() && word.len() < 32, "a word fits the bits");
            let first = word[0] as usize;
            assert!(first >= last, "words are sorted by their first byte");
            if first > last {
                places[first].0 = at as u16;
            }
            lengths[first] |= 1 << word.len();
            places[first].1 = at as u16 + 1;
            last = first;
            at += 1;
        }
        Self {
            words,
            lengths,
            places,
        }
    }

    /// Whether the text is one of the words, in any case.
    #[inline]
    pub(super) fn has(&self, text: &str) -> bool {
        self.has_bytes(text.as_bytes())
    }

    /// As [`Self::has`].
    pub(super) fn has_bytes(&self, text: &[u8]) -> bool {
        let (Some(first), Some(last)) = (text.first(), text.last()) else {
            return false;
        };
        let first = usize::from(first.to_ascii_lowercase());
        let lengths = self.lengths.get(first).copied().unwrap_or(0);
        if text.len() >= 32 || lengths >> text.len() & 1 == 0 {
            return false;
        }
        let (from, to) = self.places.get(first).copied().unwrap_or((0, 0));
        let words = self
            .words
            .get(usize::from(from)..usize::from(to))
            .unwrap_or_default();
        // Mostly another one of as many letters ends otherwise.
        let last = last.to_ascii_lowercase();
        words.iter().any(|word| {
            let word = word.as_bytes();
            word.len() == text.len() && word.last() == Some(&last) && word.eq_ignore_ascii_case(text)
        })
    }
}

/// What texts of a kind begin with, as written.
pub(super) struct Beginnings {
    list: &'static [&'static str],
    first: [bool; 256],
}

impl Beginnings {
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    pub(super) const fn of(list: &'static [&'static str]) -> Self {
        let mut first = [false; 256];
        let mut at = 0;
        while at < list.len() {
            first[list[at].as_bytes()[0] as usize] = true;
            at += 1;
        }
        Self { list, first }
    }

    pub(super) fn begin(&self, text: &str) -> bool {
        let first = text.as_bytes().first().copied().unwrap_or(0);
        self.first.get(usize::from(first)).copied().unwrap_or(false)
            && self.list.iter().any(|begin| text.starts_with(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_knows_its_words_in_any_case_and_no_others() {
        static WORDS: Lexicon = Lexicon::of(&["one", "three", "zwölf"]);
        for (text, wanted) in [
            ("one", true),
            ("THREE", true),
            ("zwölf", true),
            ("tree", false),
            ("", false),
            ("ones", false),
        ] {
            assert_eq!(WORDS.has(text), wanted, "{text}");
        }
        static BEGIN: Beginnings = Beginnings::of(&["/etc/", "./"]);
        assert!(BEGIN.begin("/etc/x") && BEGIN.begin("./") && !BEGIN.begin("/e") && !BEGIN.begin(""));
    }
}

//! What names say together with the words before them: lists repeat a few.

use crate::redact::words::{self, Named};

/// The most words before a name that are read with it.
pub(super) const MOST: usize = 3;

/// How many phrases are remembered of each number of words, each in its place.
const PLACES: usize = 4;

/// By the number of words before a name, what was asked last and what that says.
#[derive(Debug, Default)]
pub(super) struct Phrases<'t>([[(&'t str, Option<Named>); PLACES]; MOST]);

impl<'t> Phrases<'t> {
    /// As [`words::phrase`], of a name that has so many words more than one before it.
    pub(super) fn named(&mut self, more: usize, phrase: &'t str) -> Option<Named> {
        let place = phrase.len() ^ usize::from(phrase.bytes().last().unwrap_or(0));
        let known = self.0.get_mut(more).and_then(|few| few.get_mut(place % PLACES));
        let Some(known) = known else {
            return words::phrase(phrase);
        };
        if known.0 != phrase {
            *known = (phrase, words::phrase(phrase));
        }
        known.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_says_the_same_whenever_it_is_asked_for() {
        let mut phrases = Phrases::default();
        for phrase in [
            "",
            "card number",
            "card number",
            "red number",
            "card number",
            "date of birth",
            "",
        ] {
            for more in [0, 1, 0, MOST] {
                assert_eq!(
                    phrases.named(more, phrase),
                    words::phrase(phrase),
                    "{phrase} {more}"
                );
            }
        }
    }
}

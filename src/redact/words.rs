//! Field names as words: `apiKey`, `api-key`, `API_KEY` and `x.api_key` all say "api key".

use super::names::part;
pub(crate) use super::names::{Force, Named};
use super::scan::hits::Sort;
use super::vocabulary::{Entry, VOCABULARY, secret};

/// The words of a name, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Splits at everything that is not alphanumeric, before a capital that follows a small letter or digit, and
    /// before the last capital of a run that a small letter follows (`HTTPToken` is "http token").
    pub(crate) fn of(name: &str) -> Self {
        let mut words = Vec::new();
        split(name, true, |word| words.push(word.to_lowercase()));
        Self(words)
    }

    /// The words of a name whose capitals mean nothing: split at everything that is not alphanumeric. None where there is
    /// no capital that splitting by case could have heeded.
    pub(crate) fn in_any_case(name: &str) -> Self {
        let mut words = Vec::new();
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            split(name, false, |word| words.push(word.to_lowercase()));
        }
        Self(words)
    }

    /// Whether these words contain the others, one behind the other.
    pub(crate) fn contains(&self, others: &Self) -> bool {
        !others.0.is_empty()
            && self
                .0
                .windows(others.0.len())
                .any(|window| window == others.0.as_slice())
    }

    /// The words with dots between them.
    pub(crate) fn joined(&self) -> String {
        self.0.join(".")
    }

    /// The words themselves, first to last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn named(&self) -> Option<Named> {
        let mut few = Few::default();
        self.0.iter().for_each(|word| few.push(word));
        few.named()
    }
}

fn split<'n>(name: &'n str, by_case: bool, mut word: impl FnMut(&'n str)) {
    if name.is_ascii() {
        return split_ascii(name, by_case, word);
    }
    let mut start = 0;
    let mut before = ' ';
    let mut chars = name.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let after = chars.peek().map_or(' ', |&(_, after)| after);
        let starts = by_case
            && char.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || (before.is_uppercase() && after.is_lowercase()));
        if (starts || !char.is_alphanumeric()) && start < at {
            word(name.get(start..at).unwrap_or_default());
        }
        if starts {
            start = at;
        }
        if !char.is_alphanumeric() {
            start = at + char.len_utf8();
        }
        before = char;
    }
    if start < name.len() {
        word(name.get(start..).unwrap_or_default());
    }
}

/// As [`split`], for a name of ASCII.
#[inline]
fn split_ascii<'n>(name: &'n str, by_case: bool, mut word: impl FnMut(&'n str)) {
    let mut start = 0;
    let mut before = b' ';
    let bytes = name.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        // Most are of this kind, and go on with the word.
        if !(byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            let after = || bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            let is_capital = byte.is_ascii_uppercase();
            let starts = by_case
                && is_capital
                && (before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && after());
            if (starts || !is_capital) && start < at {
                word(name.get(start..at).unwrap_or_default());
            }
            if starts {
                start = at;
            }
            if !is_capital {
                start = at + 1;
            }
        }
        before = byte;
    }
    if start < bytes.len() {
        word(name.get(start..).unwrap_or_default());
    }
}

/// What the name says of its value, and how much that proves. A name that needs a look at the value, such as `auth`,
/// proves nothing by itself.
pub(crate) fn named_of(words: &Words) -> Option<Named> {
    words.named()
}

/// What an identifier of a text says of its value. Makes no allocation.
pub(crate) fn named(identifier: &str) -> Option<Named> {
    let identifier = last_words(identifier);
    let mut few = Few::default();
    split(identifier, true, |word| few.push(word));
    let named = few.named();
    // `PaSsWoRd` is one word, whatever its capitals say.
    if named.is_some() || few.about || !identifier.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return named;
    }
    let mut whole = Few::default();
    split(identifier, false, |word| whole.push(word));
    whole.named()
}

/// The end of a long name that holds as many words as are looked at.
fn last_words(name: &str) -> &str {
    /// Names are mostly much shorter.
    const LONG: usize = 128;
    if name.len() <= LONG || !name.is_ascii() {
        return name;
    }
    let mut words = name.as_bytes().rsplit(|byte| !byte.is_ascii_alphanumeric());
    let len = words
        .by_ref()
        .try_fold((0, 0), |(count, len), word| {
            let count = count + usize::from(!word.is_empty());
            let len = len + word.len() + 1;
            // Each is one word or more.
            if count < FEW {
                Ok((count, len))
            } else {
                Err(len - 1)
            }
        })
        .err();
    let from = len.and_then(|len| name.len().checked_sub(len)).unwrap_or(0);
    name.get(from..).unwrap_or(name)
}

/// Whether a word of the name says that its value tells something about a secret: `type`, `expires_in`.
pub(crate) fn tells_about(name: &str) -> bool {
    let mut about = false;
    split(name, true, |word| {
        about |= VOCABULARY.entry(word).parts & part::TAIL != 0
    });
    about
}

/// What words in a row say of a value behind them, where all of them together are one name: `card number`.
pub(crate) fn phrase(words: &str) -> Option<Named> {
    // Mostly the first word is one of no such name.
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = words.bytes().take_while(|byte| plain(byte)).count();
    let ends = words
        .as_bytes()
        .get(first)
        .is_some_and(|next| next.is_ascii_punctuation() || *next == b' ');
    if ends && first > 0 && VOCABULARY.entry(words.get(..first).unwrap_or_default()).id == 0 {
        return None;
    }
    let mut few = Few::default();
    split(words, true, |word| few.push(word));
    few.at(0)
        .filter(|&(_, len)| len == few.len && len > 1)
        .map(|(named, _)| Named {
            short: named.short || words.ends_with("code"),
            ..named
        })
}

/// The last words of a name; what makes a name a secret's stands near its end.
#[derive(Default)]
struct Few {
    entries: [Entry; FEW],
    len: usize,
    /// A sensitive name was found, and a word beside it made it the name of something about it.
    about: bool,
}

const FEW: usize = 12;

impl Few {
    fn push(&mut self, word: &str) {
        if self.len == FEW {
            self.entries.rotate_left(1);
            self.len -= 1;
        }
        if let Some(place) = self.entries.get_mut(self.len) {
            *place = VOCABULARY.entry(word);
            self.len += 1;
        }
    }

    fn words(&self) -> &[Entry] {
        self.entries.get(..self.len).unwrap_or_default()
    }

    /// The gravest thing that the name says and that nothing beside it takes back.
    fn named(&mut self) -> Option<Named> {
        let mut best: Option<Named> = None;
        let mut about = false;
        for at in 0..self.len {
            let Some((named, len)) = self.at(at) else {
                continue;
            };
            if self.is_about(at, at + len, named.short) {
                about = true;
                continue;
            }
            if best.is_none_or(|best| rank(named) > rank(best)) {
                best = Some(named);
            }
        }
        self.about = about;
        best
    }

    /// What the words that begin at `at` say, and how many they are.
    fn at(&self, at: usize) -> Option<(Named, usize)> {
        let words = self.words().get(at..).unwrap_or_default();
        let first = words.first().filter(|first| first.id != 0)?;
        let longest = VOCABULARY
            .sequences(first.id)
            .iter()
            .filter(|sequence| {
                sequence.ids.len() <= words.len()
                    && sequence.ids.iter().zip(words).all(|(id, word)| *id == word.id)
            })
            .max_by_key(|sequence| sequence.ids.len());
        if let Some(sequence) = longest {
            return Some((sequence.named, sequence.ids.len()));
        }
        let second = words.get(1).copied().unwrap_or_default();
        let pair = [
            (part::OF_KEY, VOCABULARY.key),
            (part::OF_CODE, VOCABULARY.code),
            (part::OF_PHRASE, VOCABULARY.phrase),
            (part::OF_PHRASE, VOCABULARY.word),
        ];
        let pair = pair
            .iter()
            .find(|(part, id)| first.parts & part != 0 && second.id == *id);
        if let Some((part, _)) = pair {
            let short = *part == part::OF_CODE;
            let mut named = secret(Force::Certain, second.plural, short);
            // `passWord` is a password, and a seed's word is one.
            named.phrase = *part == part::OF_PHRASE && (second.id != VOCABULARY.word || second.plural);
            return Some((named, 2));
        }
        let force = match first.parts {
            parts if parts & part::SECRET != 0 => Force::Certain,
            parts if parts & part::OPAQUE != 0 => Force::Opaque,
            parts if parts & part::PARAMETER != 0 => Force::Parameter,
            _ => return None,
        };
        let mut named = secret(force, first.plural, first.parts & part::SHORT != 0);
        named.phrase = first.id == VOCABULARY.mnemonic || first.id == VOCABULARY.passphrase;
        Some((named, 1))
    }

    fn is_about(&self, start: usize, end: usize, password: bool) -> bool {
        let words = self.words();
        let is = |at: Option<usize>, parts: u16| {
            at.and_then(|at| words.get(at))
                .is_some_and(|word| word.parts & parts != 0)
        };
        let tail = if password {
            part::TAIL
        } else {
            part::TAIL | part::HASH
        };
        let head = if password {
            part::HEAD
        } else {
            part::HEAD | part::TOKEN_HEAD
        };
        let first = (start > 0).then_some(0);
        let last = self.len.checked_sub(1).filter(|&last| last >= end);
        is(first, head) || is(start.checked_sub(1), head) || is(Some(end), tail) || is(last, tail)
    }
}

/// A certain name counts before one that needs a look at the value, a secret's before a person's.
fn rank(named: Named) -> u8 {
    let force = match named.force {
        Force::Certain | Force::Digits(_) => 8,
        Force::Opaque | Force::Street => 4,
        Force::Parameter => 0,
    };
    force
        + match named.sort {
            Sort::Secret => 3,
            Sort::Financial => 2,
            Sort::Personal => 1,
            Sort::Network => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str) -> bool {
        let named = named_of(&Words::of(name));
        named.is_some_and(|named| {
            named.sort == Sort::Secret && matches!(named.force, Force::Certain | Force::Digits(_))
        })
    }

    #[test]
    fn a_secret_is_recognised_in_every_spelling_of_its_name() {
        for name in [
            "password",
            "userPassword",
            "user-password",
            "user.password",
            "USER_PASSWORD",
            "apiKey",
            "api_key",
            "APIKey",
            "x-api-key",
            "db.connectionString",
            "authToken",
            "HTTPAuthorization",
            "privateKey",
            "otp",
            "passwords",
            "password1",
            "token2",
            "api_keys",
            "primary_access_key",
            "primary.password",
            "creds",
            "dbpassword",
            "ssh_key",
        ] {
            assert!(secret(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_only_about_a_secret_is_left_alone() {
        for name in [
            "password_policy",
            "token_count",
            "max_tokens",
            "tokens_used",
            "has_password",
            "secretary",
            "tokenizer",
            "compass",
            "passenger",
            "pinned",
            "public_key",
            "api_key_id",
            "password_changed_at",
            "monkey",
            "spinner",
        ] {
            assert!(!secret(name), "{name}");
        }
    }

    #[test]
    fn names_are_split_at_marks_and_at_case_boundaries() {
        assert_eq!(
            Words::of("HTTPTokenV2-last.used").0,
            ["http", "token", "v2", "last", "used"]
        );
        assert_eq!(Words::of("").0, Vec::<String>::new());
        assert_eq!(Words::of("größeMax").0, ["größe", "max"]);
    }
}

//! OAuth grants: `code=…&state=…`. One long run may hold many, each of which asks where it ends and what stands beside it.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::about::is_nothing;
use super::bare;
use super::joint::Site;
use super::look::Look;
use super::plausible::{self, is_opaque_with};
use super::value;

/// How far around a grant its other half is looked for, in bytes.
const NEAR: usize = 256;

/// What stands beside a grant's code, and beside its state.
pub(super) static OF_CODES: LazyLock<[Finder<'static>; 5]> =
    LazyLock::new(|| ["state=", "callback", "oauth", "redirect", "session_state"].map(Finder::new));
pub(super) static OF_STATES: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["code=", "id_token=", "access_token=", "assertion="].map(Finder::new));

/// What is known of the grants of a text.
#[derive(Debug)]
pub(super) struct Grants {
    run: bare::Run,
    of_codes: [Next; 5],
    of_states: [Next; 4],
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            run: bare::Run::of_parameters(),
            of_codes: Default::default(),
            of_states: Default::default(),
        }
    }
}

/// Where a word stands next.
#[derive(Debug, Default, Clone, Copy)]
struct Next {
    /// From where it was looked for, and where it was found; the same place where it was never looked for.
    from: usize,
    at: Option<usize>,
    is_known: bool,
}

impl Next {
    /// Whether the word stands whole between the two places.
    fn is_within(&mut self, bytes: &[u8], word: &Finder<'_>, from: usize, to: usize) -> bool {
        let is_known = self.is_known && self.from <= from && self.at.is_none_or(|at| from <= at);
        if !is_known {
            let rest = bytes.get(from..).unwrap_or_default();
            *self = Self {
                from,
                at: word.find(rest).map(|at| from + at),
                is_known: true,
            };
        }
        self.at.is_some_and(|at| at + word.needle().len() <= to)
    }
}

/// Whether one of the words stands between the two places.
fn has(known: &mut [Next], words: &[Finder<'_>], bytes: &[u8], (from, to): (usize, usize)) -> bool {
    let mut all = known.iter_mut().zip(words);
    all.any(|(known, word)| known.is_within(bytes, word, from, to))
}

/// `code=…&state=…`: an OAuth grant, known by both, or by the path that it comes back to.
pub(super) fn grant(look: &mut Look<'_, '_>, site: Site) {
    if !site.parameter {
        return;
    }
    let bytes = look.bytes;
    let is_code = bytes
        .get(site.from)
        .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'c'));
    // Without a word anywhere near, or with what is no key's at its beginning, the value need not be read.
    let near = bytes.len().min(site.at + value::LONGEST + NEAR);
    let from = site.from.saturating_sub(NEAR);
    let may_be = if is_code {
        has(&mut look.grants.of_codes, &*OF_CODES, bytes, (from, near))
    } else {
        let head = bytes.get(site.at..site.at + plausible::OPAQUE);
        head.is_some_and(|head| head.iter().all(|byte| plausible::is_of_key(*byte)))
            && has(&mut look.grants.of_states, &*OF_STATES, bytes, (from, near))
    };
    if !may_be {
        return;
    }
    let end = site.at + look.grants.run.len(bytes, site.at);
    let value = look.text.get(site.at..end).unwrap_or_default();
    let around = (from, bytes.len().min(end + NEAR));
    let fits = if is_code {
        let bare = value.len() < 6 || value.bytes().all(|byte| byte.is_ascii_digit());
        !bare && has(&mut look.grants.of_codes, &*OF_CODES, bytes, around)
    } else {
        has(&mut look.grants.of_states, &*OF_STATES, bytes, around)
            && is_opaque_with(value, look.known.of(bytes, site.at, end))
    };
    if fits && !is_nothing(value) {
        look.secret(site.at, end, "url.grant");
        look.named = look.named.max(end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_word_stands_where_it_does_whatever_was_asked_before(
            pieces in prop::collection::vec(prop::sample::select(vec!["code=", "state=", "stat", "e=", "oauth", "x", "callback "]), 0..30),
            places in prop::collection::vec((0..100_usize, 0..60_usize), 1..30),
        ) {
            let text = pieces.concat();
            let bytes = text.as_bytes();
            let mut known = [Next::default(); 5];
            for (from, len) in places {
                let from = from.min(bytes.len());
                let to = bytes.len().min(from + len);
                let wanted = OF_CODES.iter().any(|word| word.find(&bytes[from..to]).is_some());
                prop_assert_eq!(has(&mut known, &*OF_CODES, bytes, (from, to)), wanted, "{}..{} of {}", from, to, text);
            }
        }
    }
}

//! Lists of pairs as one value: `user=svc;password=…`. The names in it are looked at by themselves.

use super::alphabet::Bytes;
use super::alphabet::byte;
use super::bytes::{ends_like, run};
use super::filled::is_noise;
use super::joint::Site;
use super::lexicon::Lexicon;
use super::look::Look;
use super::traits;
use super::value::{self, Extent};
use crate::redact::scan::hits::Sort;
use crate::redact::words::{self, Force, Named};

/// Whether the value at `start` is a list of pairs of which one is a secret.
pub(super) fn is_secret(look: &mut Look<'_, '_>, value: &str, start: usize) -> bool {
    if value.len() < SHORTEST {
        return false;
    }
    let end = start + value.len();
    // Within one long run many names ask for what is left of it: what stands behind its first pair is looked at once.
    let is_known = look.rest.of == end && (look.rest.from..=look.rest.gap).contains(&start);
    if !is_known {
        let is_there = look.known.has_equals(start, end).unwrap_or_else(|| {
            // Mostly the first pair is near.
            let near = value.as_bytes().get(..64).unwrap_or(value.as_bytes());
            memchr::memchr(b'=', near).is_some()
                || look.known.of(look.bytes, start, end) & traits::EQUALS != 0
        });
        if !is_there {
            return false;
        }
        let Rest { from, gap, .. } = look.rest;
        // Where the last value ended in the midst of a pair, this one may go on with it.
        let (from, read) = if (from..gap).contains(&start) {
            (from, gap.min(end))
        } else {
            (start, start)
        };
        let rest = look.bytes.get(read..end).unwrap_or_default();
        look.rest = Rest {
            from,
            gap: read + rest.iter().take_while(|byte| !ENDS.has(**byte)).count(),
            of: end,
            secret: None,
        };
    }
    let Rest { gap, secret, .. } = look.rest;
    let Some(name) = look.bytes.get(start..gap).and_then(name) else {
        return false;
    };
    let behind = || look.text.get(gap + 1..end).is_some_and(has_secret);
    let secret = secret.unwrap_or_else(behind);
    look.rest.secret = Some(secret);
    // Mostly the name whose value this is, once more.
    let named = || look.known_name(name).unwrap_or_else(|| looked_up(name));
    secret || is_secrets(name, named)
}

/// `connection string: host=db port=1 password=…`: whether the value is the first of several pairs apart, and says where the
/// database is. The names of the others are looked at by themselves.
pub(super) fn are_apart(look: &mut Look<'_, '_>, site: Site, found: Extent) -> bool {
    static PARTS: Bytes = Bytes::alnum_and(b"=._-");
    static PLACES: Lexicon = Lexicon::of(&[
        "database", "dbname", "driver", "host", "hostaddr", "hostname", "port", "server", "uid", "user",
        "username",
    ]);
    let bytes = look.bytes;
    let name_of_all = bytes.get(site.from..site.to).unwrap_or_default();
    let last = name_of_all.last().map_or(0, u8::to_ascii_lowercase);
    let is_connection = || {
        [&b"dsn"[..], b"string", b"str"].iter().any(|end| {
            let from = name_of_all.len().saturating_sub(end.len());
            name_of_all
                .get(from..)
                .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        })
    };
    matches!(last, b'n' | b'g' | b'r')
        && bytes.get(found.end) == Some(&b' ')
        && is_connection()
        && bytes
            .get(found.start..found.end)
            .and_then(name)
            .is_some_and(|first| PLACES.has_bytes(first))
        // With more than a name or a place in it, the value may be a secret's.
        && look
            .unpaired
            .next(bytes, (found.start, found.end), 1, |text| {
                text.iter().position(|byte| !PARTS.has(*byte))
            })
            .is_none()
        && value::assigns(bytes, found.end)
}

/// The shortest value of several pairs, in bytes.
const SHORTEST: usize = 8;

/// What is known of the pairs behind the first one of a value.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Rest {
    /// Between these two places nothing ends a pair.
    from: usize,
    gap: usize,
    /// Where the value ends.
    of: usize,
    /// Whether one of those behind the gap is a secret, once it was asked.
    secret: Option<bool>,
}

/// What may stand between pairs.
const GAPS: [char; 4] = [';', '&', ' ', ','];
static ENDS: Bytes = Bytes::of(b";& ,");

/// Whether one of the pairs is a secret.
pub(super) fn has_secret(pairs: &str) -> bool {
    let pairs = pairs.split(GAPS).take(PAIRS - 1);
    let mut names = pairs.filter_map(|pair| name(pair.as_bytes()));
    names.any(|name| is_secrets(name, || looked_up(name)))
}

fn looked_up(name: &[u8]) -> Option<Named> {
    std::str::from_utf8(name).ok().and_then(words::named)
}

/// The name of letters and digits before `=` and a value.
#[inline]
fn name(pair: &[u8]) -> Option<&[u8]> {
    static PARTS: Bytes = Bytes::alnum_and(b"_-.");
    let (name, value) = pair.split_at_checked(PARTS.run(pair))?;
    match value {
        [b'=', next, ..] if *next != b'=' && !name.is_empty() => Some(name),
        _ => None,
    }
}

/// Whether a pair with this name is a secret, whatever its value.
fn is_secrets(name: &[u8], named: impl FnOnce() -> Option<Named>) -> bool {
    let certain = |named: Named| named.sort == Sort::Secret && named.force == Force::Certain;
    !is_noise(name) && named().is_some_and(certain)
}

/// The most pairs of a value that are looked at.
const PAIRS: usize = 24;

/// `tokens: input=1200`, `--secret id=npm,src=x`, `access_token -> active=true`: a pair of its own, which is judged by its own
/// name.
pub(super) fn is_of_its_own(bytes: &[u8], site: Site, found: Extent) -> bool {
    static NAMES: Lexicon = Lexicon::of(&[
        "active", "cached", "count", "env", "expired", "id", "input", "limit", "max", "min", "output",
        "prompt", "reason", "src", "status", "target", "total", "type", "used", "valid",
    ]);
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let sign = run(value, 0, 12, |byte| byte.is_ascii_lowercase());
    let (name, rest) = value.split_at_checked(sign).unwrap_or_default();
    let Some(said) = rest.strip_prefix(b"=") else {
        return false;
    };
    let of = bytes.get(site.from..site.to).unwrap_or_default();
    let is_number = said.len() <= 9 && said.iter().all(u8::is_ascii_digit);
    let is_word = said.len() <= 12 && said.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    !found.quoted
        && !matches!(byte(bytes, site.to), b'=' | b'>')
        && !said.is_empty()
        && (is_number || is_word)
        && (ends_like(of, b"token") || ends_like(of, b"tokens") || ends_like(of, b"secret"))
        && NAMES.has_bytes(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hits::Hits;
    use super::*;

    proptest! {
        #[test]
        fn a_value_is_a_list_or_none_whatever_was_asked_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["user=svc", "password=x", "key=", ";", "&", " ", ",", "=", "a", "host=b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
                0..30,
            ),
            values in prop::collection::vec((0..40_usize, 0..200_usize), 1..20),
        ) {
            let text = pieces.concat();
            let (mut hits, mut others) = (Hits::default(), Hits::default());
            let mut look = Look::new(&text, &mut hits);
            let mut start = 0;
            for (step, len) in values {
                start = (start + step) % (text.len() + 1);
                let value = &text[start..text.len().min(start + len)];
                let afresh = is_secret(&mut Look::new(&text, &mut others), value, start);
                prop_assert_eq!(is_secret(&mut look, value, start), afresh, "{} of {}", value, text);
            }
        }
    }
}

//! PHP's notation of values, which says how long each text is: `s:8:"password";s:11:"…";`.

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::joint::Site;
use super::value::{Extent, LONGEST};

/// Where the text stands that is at `at`, behind its length.
pub(super) fn text(bytes: &[u8], at: usize) -> Option<usize> {
    let ahead = bytes.get(at..)?.strip_prefix(b"s:")?;
    let digits = run(ahead, 0, 6, |byte| byte.is_ascii_digit());
    let mark = digits + 1 + run(ahead, digits + 1, 8, |byte| byte == b'\\');
    (digits > 0 && byte(ahead, digits) == b':' && byte(ahead, mark) == b'"').then_some(at + 2 + digits + 1)
}

/// A text ends where its length says: marks within it are its own, without a sign before them.
#[inline]
pub(super) fn whole(bytes: &[u8], site: Site, found: Extent) -> Extent {
    let is_text = found.quoted && byte(bytes, site.at) == b'"' && before(bytes, site.at, 1) == b':';
    if !is_text || !before(bytes, site.at, 2).is_ascii_digit() {
        return found;
    }
    let end = measured(bytes, site.at).map(|len| found.start + len);
    let end = end.filter(|end| *end > found.end && bytes.get(*end..*end + 2) == Some(b"\";"));
    Extent {
        end: end.unwrap_or(found.end),
        ..found
    }
}

/// What the number before the colon before `mark` says.
fn measured(bytes: &[u8], mark: usize) -> Option<usize> {
    let digits = run_back(bytes, mark - 1, 6, |byte| byte.is_ascii_digit());
    let from = mark - 1 - digits;
    let number = std::str::from_utf8(bytes.get(from..mark - 1)?).ok()?;
    let is_sized = before(bytes, from, 1) == b':' && before(bytes, from, 2) == b's';
    number.parse().ok().filter(|len| is_sized && *len <= LONGEST)
}

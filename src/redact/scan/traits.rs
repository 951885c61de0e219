//! What stands in a value: asked many times of the same bytes, where within one long run many names ask for what is left
//! of it. A run is read once, and remembers where each thing stands last.

use super::alphabet::byte;
use super::bytes::find;
use super::mark;

/// Things that stand in a value, as bits.
pub(super) type Traits = u16;

pub(super) const DIGIT: Traits = 1;
/// `/`, `.`, `~`, `\`: marks of a path, beside the colon.
pub(super) const PATH: Traits = 1 << 1;
pub(super) const COLON: Traits = 1 << 2;
pub(super) const COMMA: Traits = 1 << 3;
pub(super) const SPACE: Traits = 1 << 4;
pub(super) const EQUALS: Traits = 1 << 5;
pub(super) const LETTER: Traits = 1 << 6;
pub(super) const CAPITAL: Traits = 1 << 7;
/// What no word of a sentence has in it.
pub(super) const UNLIKE: Traits = 1 << 8;
const OPEN: Traits = 1 << 9;
/// `::`
pub(super) const DOUBLE: Traits = 1 << 10;
/// `://`
pub(super) const SCHEME: Traits = 1 << 11;
/// One of our own markers.
pub(super) const MARKED: Traits = 1 << 12;
/// How many traits there are up to [`EQUALS`], with it.
const EQUALS_PLACES: usize = EQUALS.trailing_zeros() as usize + 1;
/// As many as there are, and a few that are none: sixteen are compared at once.
const COUNT: usize = 16;

/// The traits that are one byte's.
static OF_BYTE: [Traits; 256] = {
    let mut all = [0; 256];
    let mut at = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    while at < 256 {
        let byte = at as u8;
        let mut traits = match byte {
            b'0'..=b'9' => DIGIT,
            b'/' | b'.' | b'~' | b'\\' => PATH,
            b':' => COLON,
            b',' => COMMA,
            b' ' => SPACE,
            b'=' => EQUALS,
            b'[' => OPEN,
            b'A'..=b'Z' => LETTER | CAPITAL,
            b'a'..=b'z' => LETTER,
            _ => 0,
        };
        if matches!(
            byte,
            b'0'..=b'9' | b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'+' | b'=' | b'/' | b'~' | b'_' | 0x80..
        ) {
            traits |= UNLIKE;
        }
        all[at] = traits;
        at += 1;
    }
    all
};

fn of_byte(byte: u8) -> Traits {
    OF_BYTE.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The traits that begin at `at`, where `this` stands, but for a marker.
#[inline]
fn traits_at(text: &[u8], at: usize, this: u8) -> Traits {
    let mut traits = of_byte(this);
    if this == b':' && byte(text, at + 1) == b':' {
        traits |= DOUBLE;
    }
    if this == b':' && byte(text, at + 1) == b'/' && byte(text, at + 2) == b'/' {
        traits |= SCHEME;
    }
    traits
}

/// What stands in the text.
pub(super) fn of(text: &[u8]) -> Traits {
    let mut traits = text.iter().fold(0, |traits, byte| traits | of_byte(*byte));
    if traits & COLON != 0 {
        if find(text, b"::").is_some() {
            traits |= DOUBLE;
        }
        // Without a slash behind it, a colon begins no address.
        if traits & PATH != 0 && find(text, b"://").is_some() {
            traits |= SCHEME;
        }
    }
    if traits & OPEN != 0 && mark::is_in(text) {
        traits |= MARKED;
    }
    traits
}

/// The text without white space at its ends.
#[inline]
pub(super) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [only] if only.is_ascii_graphic() => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// The longest text that is read each time.
const SHORT: usize = 48;

/// The longest that is read each time it ends elsewhere.
const LONG: usize = 512;

/// What stands where in one long run.
#[derive(Debug, Default)]
pub(super) struct Known {
    from: usize,
    end: usize,
    /// By trait, behind the first byte of where it stands last; zero where it does not.
    last: [u32; COUNT],
    /// Where the text ended that was asked of last.
    asked: usize,
}

impl Known {
    /// What stands in `bytes` from `start` to `end`. Most questions about a long run end where it does.
    pub(super) fn of(&mut self, bytes: &[u8], start: usize, end: usize) -> Traits {
        if end.saturating_sub(start) <= SHORT {
            return of(bytes.get(start..end).unwrap_or_default());
        }
        if self.end != end || start < self.from {
            // Most are asked of once; of how they end, no more need be known then.
            let asked = std::mem::replace(&mut self.asked, end);
            let is_long = end - start > LONG && start < asked;
            if is_long && self.end < end && (self.from..self.end).contains(&start) {
                self.read_on(bytes, end);
            } else if is_long || asked == end {
                self.read(bytes, start, end);
            } else {
                return of(bytes.get(start..end).unwrap_or_default());
            }
        }
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let traits = self.last.iter().enumerate();
        traits.fold(0, |traits, (number, last)| {
            traits | if *last > start { 1 << number } else { 0 }
        })
    }

    /// Whether `=` stands there, if that is known.
    #[inline]
    pub(super) fn has_equals(&self, start: usize, end: usize) -> Option<bool> {
        let is_read = self.end == end && start >= self.from;
        let [.., last] = self.last.first_chunk::<EQUALS_PLACES>()?;
        is_read.then_some(*last as usize > start)
    }

    /// Reads on to an end further on.
    fn read_on(&mut self, bytes: &[u8], end: usize) {
        let text = bytes.get(..end).unwrap_or_default();
        // What the old end cut through: a marker at most.
        let from = self.from.max(self.end.saturating_sub(mark::LONGEST));
        self.end = end;
        for (at, &this) in text.iter().enumerate().skip(from) {
            let mut new = traits_at(text, at, this);
            if this == b'[' && mark::is_marker(text, at) {
                new |= MARKED;
            }
            while new != 0 {
                if let Some(last) = self.last.get_mut(new.trailing_zeros() as usize) {
                    *last = u32::try_from(at + 1).unwrap_or(u32::MAX).max(*last);
                }
                new &= new - 1;
            }
        }
    }

    fn read(&mut self, bytes: &[u8], from: usize, end: usize) {
        (self.from, self.end, self.last) = (from, end, [0; COUNT]);
        let text = bytes.get(..end).unwrap_or_default();
        let mut seen: Traits = 0;
        for (at, &this) in text.iter().enumerate().skip(from).rev() {
            let mut new = traits_at(text, at, this);
            if this == b'[' && seen & MARKED == 0 && mark::is_marker(text, at) {
                new |= MARKED;
            }
            new &= !seen;
            seen |= new;
            while new != 0 {
                if let Some(last) = self.last.get_mut(new.trailing_zeros() as usize) {
                    *last = u32::try_from(at + 1).unwrap_or(u32::MAX);
                }
                new &= new - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_remembered_of_a_run_is_what_stands_in_the_rest_of_it(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", "B", "7", ":", "::", "://", "[REDACTED:secret]", "[", "]", ",", " ", "=", "/", "é", "_", "-", "xxxxxxxxxxxxxxxx",
                ]),
                0..60,
            ),
            cuts in proptest::collection::vec((0..400_usize, 0..3_usize), 1..40),
            times in 1..30_usize,
        ) {
            let text = parts.concat().repeat(times);
            let mut known = Known::default();
            for (start, shorter) in cuts {
                let end = text.len().saturating_sub(shorter);
                let start = start.min(end);
                let wanted = of(text.as_bytes().get(start..end).unwrap());
                prop_assert_eq!(known.of(text.as_bytes(), start, end), wanted, "{}..{}", start, end);
            }
            // Each begins a little further on than the one before it, and ends as far behind that.
            let mut slid = Known::default();
            for start in (0..text.len()).step_by(41) {
                let end = text.len().min(start + 700);
                let wanted = of(text.as_bytes().get(start..end).unwrap());
                prop_assert_eq!(slid.of(text.as_bytes(), start, end), wanted, "{}..{}", start, end);
            }
        }
    }
}

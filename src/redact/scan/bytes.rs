//! Looking at single bytes of a text, with nothing beyond its ends, and where a value may begin and end.

/// The byte at `at`; zero beyond the end.
#[inline]
pub(super) fn at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The byte `back` places before `at`; zero before the beginning.
#[inline]
pub(super) fn before(bytes: &[u8], position: usize, back: usize) -> u8 {
    position
        .checked_sub(back)
        .map_or(0, |position| at(bytes, position))
}

/// Part of a word: letters, digits, `_` and whatever is not ASCII.
#[inline]
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a number may begin here: it is not the tail of a longer token such as a UUID, a version or a hash.
/// An escape (`\n4111…` in a text that holds JSON) is no part of what follows it.
pub(super) fn free_left(bytes: &[u8], start: usize) -> bool {
    let last = before(bytes, start, 1);
    let before_last = before(bytes, start, 2);
    if is_word(last) {
        return matches!(last, b'n' | b't' | b'r') && before_last == b'\\';
    }
    !(matches!(last, b'-' | b'.' | b'+') && is_word(before_last))
}

/// Whether a number may end here.
pub(super) fn free_right(bytes: &[u8], end: usize) -> bool {
    let next = at(bytes, end);
    let after = at(bytes, end + 1);
    if is_word(next) {
        return false;
    }
    match next {
        b'-' | b'+' => !is_word(after),
        b'.' => !after.is_ascii_digit(),
        _ => true,
    }
}

/// Whether a name ends so, whatever its capitals.
pub(super) fn ends_like(name: &[u8], end: &[u8]) -> bool {
    let at = name.len().checked_sub(end.len());
    at.and_then(|at| name.get(at..))
        .is_some_and(|name| name.eq_ignore_ascii_case(end))
}

/// How many bytes from `start` on satisfy the condition, at most `most`. Mostly few: nothing is made ready for many.
#[inline]
pub(super) fn run(bytes: &[u8], start: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
    let mut len = 0;
    while len < most && bytes.get(start + len).is_some_and(|&byte| is(byte)) {
        len += 1;
    }
    len
}

/// How many digits there are from `start` on. Eight are asked at once: how many a random text has is guessed wrong.
#[inline]
pub(super) fn digits_from(bytes: &[u8], start: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut len = 0;
    while let Some(eight) = bytes.get(start + len..).and_then(<[u8]>::first_chunk) {
        let number = u64::from_le_bytes(*eight) ^ (ONES * b'0' as u64);
        let others = (((number & (ONES * 0x7F)) + ONES * (0x80 - 10)) | number) & (ONES * 0x80);
        if others != 0 {
            return len + others.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    len + run(bytes, start + len, 8, |byte| byte.is_ascii_digit())
}

/// How long what stands at `end` is, if it breaks a token in two: a line's end, a soft one of a mail, or two texts that a
/// program joins.
pub(super) fn broken(bytes: &[u8], end: usize) -> usize {
    const JOINTS: [&[u8]; 4] = [b"\" + \"", b"' + '", b"\" . \"", b"' . '"];
    let rest = bytes.get(end..).unwrap_or_default();
    match (at(bytes, end), at(bytes, end + 1)) {
        (b'\n', _) => 1,
        (b'\r', b'\n') | (b'=', b'\n') => 2,
        (b'=', b'\r') if at(bytes, end + 2) == b'\n' => 3,
        (b'"' | b'\'', b' ') if JOINTS.iter().any(|joint| rest.starts_with(joint)) => 5,
        _ => 0,
    }
}

/// Where the part first stands in the text. For short texts: no searcher is made ready for many.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let stands = |at: &usize| text.get(*at..).is_some_and(|rest| rest.starts_with(part));
    memchr::memchr_iter(*part.first()?, text).find(stands)
}

/// How many bytes before `end` satisfy the condition, at most `most`.
#[inline]
pub(super) fn run_back(bytes: &[u8], end: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
    let mut at = end;
    while end - at < most && at > 0 && bytes.get(at - 1).is_some_and(|&byte| is(byte)) {
        at -= 1;
    }
    end - at
}

/// The digits of a few groups, at most `N`; `None` where there are more.
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<([u8; N], usize)> {
    let mut digits = [0; N];
    let mut count = 0;
    for byte in text.iter().filter(|byte| byte.is_ascii_digit()) {
        *digits.get_mut(count)? = byte - b'0';
        count += 1;
    }
    Some((digits, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_begins_and_ends_only_where_no_longer_token_does() {
        for (text, from, to, left, right) in [
            ("a 12 b", 2, 4, true, true),
            ("a12", 1, 3, false, true),
            ("e-12-x", 2, 4, false, false),
            ("0.12.5", 2, 4, false, false),
            ("\\n12.", 2, 4, true, true),
            ("-12", 1, 3, true, true),
            ("é12é", 2, 4, false, false),
        ] {
            assert_eq!(free_left(text.as_bytes(), from), left, "{text}");
            assert_eq!(free_right(text.as_bytes(), to), right, "{text}");
        }
    }

    #[test]
    fn nothing_lies_beyond_the_ends() {
        assert_eq!(at(b"ab", 2), 0);
        assert_eq!(before(b"ab", 1, 2), 0);
        assert_eq!(before(b"ab", 1, 1), b'a');
        assert_eq!(run(b"aab", 0, 9, |byte| byte == b'a'), 2);
        assert_eq!(run_back(b"baa", 3, 1, |byte| byte == b'a'), 1);
        assert_eq!(
            digits::<4>(b"1-2 3").map(|(digits, count)| (digits[2], count)),
            Some((3, 3))
        );
        assert_eq!(digits::<2>(b"123"), None);
    }

    #[test]
    fn a_part_is_found_where_it_first_stands() {
        for (text, part, wanted) in [
            ("a::b::", "::", Some(1)),
            (":a:/:://x", "://", Some(5)),
            ("://", "://", Some(0)),
            (":/", "://", None),
            ("", "::", None),
            ("aab", "ab", Some(1)),
        ] {
            assert_eq!(find(text.as_bytes(), part.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn digits_are_counted_wherever_they_end() {
        for other in 0..=255_u8 {
            for len in 0..40 {
                for more in 0..12 {
                    let mut bytes: Vec<u8> = (0..len).map(|at| b'0' + at % 10).collect();
                    bytes.push(other);
                    bytes.extend((0..more).map(|at| b'9' - at % 10));
                    let wanted = run(&bytes, 0, usize::MAX, |byte| byte.is_ascii_digit());
                    assert_eq!(digits_from(&bytes, 0), wanted, "{other} {len}");
                }
            }
        }
        assert_eq!(digits_from(b"12", 2), 0);
    }
}

//! Telephone numbers: international ones by their `+`, national ones only where a word or the name says so.

use super::address;
use super::bytes::{at, before, free_left, free_right, is_word, run};
use super::clue::{CALL, PHONE};
use super::digits::Group;
use super::hits::Sort;
use super::numbers::Scan;
use super::unowned;

/// The most digits of a number, country included (E.164).
const MOST: usize = 15;

/// Digits with the marks that telephone numbers are written with.
struct Number {
    end: usize,
    count: usize,
    /// Whether there is any mark between the digits.
    marked: bool,
    first: [u8; 5],
    first_group: usize,
}

impl Number {
    /// Reads on from `start`, which is a digit or a bracket, to at most `most` digits. A group that would pass the
    /// limit is left out.
    fn read(bytes: &[u8], start: usize, most: usize) -> Option<Self> {
        let mut number = Self {
            end: start,
            count: 0,
            marked: false,
            first: [0; 5],
            first_group: 0,
        };
        let mut position = start + usize::from(at(bytes, start) == b'(');
        loop {
            let len = run(bytes, position, most + 1, |byte| byte.is_ascii_digit());
            if len == 0 || number.count + len > most {
                break;
            }
            let digits = bytes.get(position..position + len).unwrap_or_default();
            for (place, digit) in number.first.iter_mut().skip(number.count).zip(digits) {
                *place = *digit;
            }
            if number.count == 0 {
                number.first_group = len;
            }
            number.count += len;
            position += len;
            number.end = position;
            // A complete number before a space: what follows is something else.
            if number.count == most || (number.count >= 12 && at(bytes, position) == b' ') {
                break;
            }
            let joint = joint(bytes, position);
            if joint == 0 {
                break;
            }
            number.marked = true;
            position += joint;
        }
        // A bracket that was opened inside and closes right here belongs to the number.
        (number.count > 0).then_some(number)
    }

    fn starts_with(&self, digits: &[u8]) -> bool {
        self.first.starts_with(digits)
    }
}

/// The length of the marks between two groups: one, or a few around a bracket; zero where the number ends.
fn joint(bytes: &[u8], position: usize) -> usize {
    let is_mark = |byte| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')');
    if !is_mark(at(bytes, position)) {
        return 0;
    }
    if at(bytes, position + 1).is_ascii_digit() {
        return 1;
    }
    let len = run(bytes, position, 4, is_mark);
    let marks = bytes.get(position..position + len).unwrap_or_default();
    let bracket = marks.iter().any(|mark| matches!(mark, b'(' | b')'));
    let doubled = marks
        .windows(2)
        .any(|pair| pair.first() == pair.last() && pair != b"))");
    let fits = bracket && !doubled && len <= 3 && at(bytes, position + len).is_ascii_digit();
    if fits { len } else { 0 }
}

/// Pushes the number whose `+` stands at `plus`.
pub(super) fn international(scan: &mut Scan<'_, '_>, plus: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let start = plus + 1;
    let first = at(bytes, start + usize::from(at(bytes, start) == b'('));
    let left = free_left(bytes, plus) && !matches!(before(bytes, plus, 1), b'+');
    if !left || !matches!(first, b'1'..=b'9') || is_clock(bytes, plus) {
        return None;
    }
    let most = if matches!(first, b'1' | b'7') { 11 } else { MOST };
    let number = Number::read(bytes, start, most)?;
    let country = match first {
        b'1' => number.count == 11 && !number.starts_with(b"10") && !number.starts_with(b"11"),
        b'7' => number.count == 11,
        _ => ![b"28", b"83", b"89"].iter().any(|gap| number.starts_with(*gap)),
    };
    let least = if number.marked || scan.speaks_of(plus, PHONE | CALL) {
        8
    } else {
        10
    };
    let text = bytes.get(start..number.end).unwrap_or_default();
    let closes = text.contains(&b')') && !text.contains(&b'(') && before(bytes, plus, 1) == b'(';
    finish(
        scan,
        plus - usize::from(closes),
        number.end,
        country && number.count >= least,
    )
}

/// `… +0000 UTC m=+864.363924326`: the clock of a program, which Go writes behind the time of day, with nine digits.
fn is_clock(bytes: &[u8], plus: usize) -> bool {
    let head = bytes.get(plus.saturating_sub(4)..plus).unwrap_or_default();
    let is_said =
        matches!(head, [zone, b' ', b'm', b'='] if zone.is_ascii_uppercase() || zone.is_ascii_digit());
    is_said && {
        let point = plus + 1 + run(bytes, plus + 1, MOST, |byte| byte.is_ascii_digit());
        at(bytes, point) == b'.' && run(bytes, point + 1, 10, |byte| byte.is_ascii_digit()) == 9
    }
}

/// Pushes the number in the form `(415) 555-0132`, which needs no word.
pub(super) fn bracketed(scan: &mut Scan<'_, '_>, open: usize) -> Option<usize> {
    let bytes = scan.bytes;
    if at(bytes, open) != b'(' || at(bytes, open + 4) != b')' || !free_left(bytes, open) {
        return None;
    }
    let number = Number::read(bytes, open, 10)?;
    let form =
        number.count == 10 && matches!(number.first.first(), Some(b'2'..=b'9')) && number.first_group == 3;
    let tail = at(bytes, number.end.saturating_sub(5));
    finish(scan, open, number.end, form && matches!(tail, b'-' | b' ' | b'.'))
}

/// Pushes the number that begins with the groups where a word before it or the field's name says that it is one.
pub(super) fn national(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let bytes = scan.bytes;
    let start = groups.first()?.start;
    let strong = scan.speaks_of(start, PHONE);
    if !strong && !scan.speaks_of(start, CALL) {
        return None;
    }
    // `dial tcp 192.0.2.0:5432`: an address of no one is no telephone number either.
    if unowned::is_moment(scan, start) || address::quad(bytes, groups).is_some() {
        return None;
    }
    let start = start - usize::from(before(bytes, start, 1) == b'(' && !is_aside(bytes, start));
    let number = Number::read(bytes, start, MOST)?;
    let date =
        number.first_group == 4 && number.marked && (number.starts_with(b"19") || number.starts_with(b"20"));
    let clear = number.marked
        || matches!(
            (number.count, number.first.first()),
            (10, Some(b'2'..=b'9')) | (11, Some(b'0' | b'1'))
        );
    let fits = (7..=MOST).contains(&number.count) && !date && (strong || clear);
    finish(scan, start, number.end, fits)
}

/// `sent (4155550132)`: the brackets are the sentence's, not the number's.
fn is_aside(bytes: &[u8], start: usize) -> bool {
    let digits = run(bytes, start, MOST, |byte| byte.is_ascii_digit());
    digits >= 7 && at(bytes, start + digits) == b')'
}

fn finish(scan: &mut Scan<'_, '_>, start: usize, end: usize, fits: bool) -> Option<usize> {
    if !fits {
        return None;
    }
    let end = end + extension(scan.bytes, end);
    if !free_right(scan.bytes, end) {
        return None;
    }
    scan.push(start, end, "phone", Sort::Personal);
    Some(end)
}

/// The length of an extension: ` ext. 12`, `x12`.
fn extension(bytes: &[u8], end: usize) -> usize {
    let spaces = run(bytes, end, 1, |byte| byte == b' ');
    let word = run(bytes, end + spaces, 4, |byte| byte.is_ascii_alphabetic());
    let text = bytes.get(end + spaces..end + spaces + word).unwrap_or_default();
    if !(text.eq_ignore_ascii_case(b"x") || text.eq_ignore_ascii_case(b"ext")) {
        return 0;
    }
    let marks = run(bytes, end + spaces + word, 2, |byte| matches!(byte, b' ' | b'.'));
    let digits_at = end + spaces + word + marks;
    let digits = run(bytes, digits_at, 6, |byte| byte.is_ascii_digit());
    if digits == 0 || is_word(at(bytes, digits_at + digits)) {
        return 0;
    }
    spaces + word + marks + digits
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, leaves};

    #[test]
    fn international_numbers_are_found_in_every_writing() {
        for text in [
            "«+14155550132»",
            "«+1 415 555 0132»",
            "«+1 (415) 555-0132»",
            "«+1-415-555-0132»",
            "«+1.415.555.0132»",
            "«+49 (0)30 1234567»",
            "«+49 30 1234567»",
            "«+4915112345678»",
            "«+44 20 7946 0958»",
            "«+44 7700 900123»",
            "«+33 1 23 45 67 89»",
            "«+91 98765 43210»",
            "«+86 138 0013 8000»",
            "«+7 495 123-45-67»",
            "tel:«+1-415-555-0132»",
            "reach me at «+44 20 7946 0958», or not",
            "(«+49 30 1234567»)",
            "«(+1) 415 555 0132»",
            "«+1 415 555 0132 ext. 12» now",
            "a\\n«+14155550132»",
        ] {
            claims("phone", text, "");
        }
    }

    #[test]
    fn national_numbers_need_a_word_or_a_name() {
        for (number, word) in [
            ("415-555-0132", "phone: "),
            ("(415) 555-0132", "call "),
            ("4155550132", "phone="),
            ("030 1234567", "Tel. "),
            ("0301234567", "telefon "),
            ("020 7946 0958", "my mobile is "),
            ("555-0132", "phone number "),
            ("0049 30 1234567", "fax: "),
            ("06 12 34 56 78", "tel "),
            ("415-555-0132", "call me at "),
            ("415.555.0132", "{\"cell\":\""),
        ] {
            claims("phone", &format!("{word}«{number}»"), "");
            claims("phone", &format!("«{number}»"), "homePhone");
            if !number.starts_with('(') {
                leaves(number, "");
                leaves(number, "reference");
            }
        }
        claims("phone", "«(415) 555-0132»", "");
    }

    #[test]
    fn the_clock_of_a_program_is_no_telephone_and_a_number_with_a_point_is() {
        leaves("2026-03-01 10:11:12.245096841 +0000 UTC m=+573.747029466", "");
        leaves(
            "t=\"2026-03-01 10:11:12.2 +0100 CET m=+49.747029466\"",
            "updatedAt",
        );
        leaves("2026-03-01 10:11:12.2 +0200 +0200 m=+12345.747029466 x", "");
        claims("phone", "m=«+49.301234567»", "");
        claims("phone", "UTC m=«+49.3012345678»", "");
        claims("phone", "phone m «+44.2079460958»", "");
    }

    #[test]
    fn numbers_of_no_one_are_no_telephones() {
        for text in [
            "+0200",
            "+12345678",
            "+1234",
            "2024-01-01T00:00:00+02:00",
            "a+14155550132",
            "+1 415 555 01324",
            "+49301234567a",
            "diff +1234567 -7654321",
            "call id 1234567",
            "phone 2024-02-29",
            "call took 1234567 us",
            "called 1700000000",
            "phone order 4155550132",
            "phone 12345",
            "dial tcp 203.0.113.0:5432: connect: refused",
            "call 100.64.0.0",
            "phone 0.0.0.0",
        ] {
            leaves(text, "");
        }
        leaves("1234567", "phone_id");
        leaves("1234567", "phone_count");
    }
}

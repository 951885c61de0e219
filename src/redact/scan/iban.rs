//! International bank account numbers: the country's length and the check of ISO 7064.

use super::bytes::{at, before, free_left, is_word};
use super::clue::IBAN;
use super::hits::Sort;
use super::numbers::Scan;

/// Countries with the length of their account numbers, sorted.
const COUNTRIES: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// Pushes the account number whose check digits begin at `check`.
#[inline]
pub(super) fn find(scan: &mut Scan<'_, '_>, check: usize) -> Option<usize> {
    let bytes = scan.bytes;
    // What no account number begins in the midst of, asked first: in a random text nothing else is guessed right.
    let last = before(bytes, check, 3);
    if is_word(last) & !matches!(last, b'n' | b'r' | b't') {
        return None;
    }
    behind_code(scan, check)
}

fn behind_code(scan: &mut Scan<'_, '_>, check: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let is_letter = |back: usize| before(bytes, check, back).is_ascii_alphabetic();
    let is_code = is_letter(1) & is_letter(2) & at(bytes, check + 1).is_ascii_digit();
    let start = check.checked_sub(2).filter(|_| is_code)?;
    if !free_left(bytes, start) {
        return None;
    }
    let country = [
        at(bytes, start).to_ascii_uppercase(),
        at(bytes, start + 1).to_ascii_uppercase(),
    ];
    let place = COUNTRIES.binary_search_by_key(&&country, |(code, _)| code).ok()?;
    let (_, len) = COUNTRIES.get(place)?;
    let end = end_of(bytes, start, *len)?;
    // A lower-case hash of that length; one in a hundred has the right check.
    let text = bytes.get(start..end)?;
    let is_hash = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && text.iter().skip(4).any(u8::is_ascii_alphabetic);
    // Every country's numbers have digits enough; words and types in a row do not.
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits < 6 || is_hash && !scan.speaks_of(start, IBAN) {
        return None;
    }
    scan.push(start, end, "iban", Sort::Financial);
    Some(end)
}

/// The end of the number at `start`, if it has its length, its marks only between groups of four, and its check.
fn end_of(bytes: &[u8], start: usize, len: usize) -> Option<usize> {
    let mut position = start;
    let mut count = 0;
    let mut head = 0;
    let mut remainder = 0;
    while count < len {
        let byte = at(bytes, position);
        position += 1;
        if matches!(byte, b' ' | b'-' | b'.') && count % 4 == 0 && at(bytes, position).is_ascii_alphanumeric()
        {
            continue;
        }
        let value = match byte {
            b'0'..=b'9' => u64::from(byte - b'0'),
            b'A'..=b'Z' | b'a'..=b'z' => u64::from(byte.to_ascii_uppercase() - b'A') + 10,
            _ => return None,
        };
        let shift = if value > 9 { 100 } else { 10 };
        if count < 4 {
            // Two letters and two check digits: they weigh last.
            head = head * shift + value;
        } else {
            remainder = remainder * shift + value;
            if remainder > u64::MAX / 1_000 {
                remainder %= 97;
            }
        }
        count += 1;
    }
    let check = (remainder % 97 * 1_000_000 + head) % 97;
    let next = at(bytes, position);
    let glued = is_word(next) || (next == b'-' && is_word(at(bytes, position + 1)));
    (check == 1 && !glued).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, leaves};
    use super::COUNTRIES;

    /// The number of this country with this account, check digits computed by long division.
    fn iban(country: &str, account: &str) -> String {
        let digits: String = format!("{account}{country}00")
            .bytes()
            .map(|byte| match byte {
                b'0'..=b'9' => (byte - b'0').to_string(),
                letter => (letter - b'A' + 10).to_string(),
            })
            .collect();
        let rest = digits
            .bytes()
            .fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
        format!("{country}{:02}{account}", 98 - rest)
    }

    fn spaced(text: &str, mark: &str) -> String {
        let chunks = text
            .as_bytes()
            .chunks(4)
            .map(|chunk| std::str::from_utf8(chunk).unwrap());
        chunks.collect::<Vec<_>>().join(mark)
    }

    #[test]
    fn account_numbers_of_many_countries_are_found_in_every_writing() {
        for (country, account) in [
            ("DE", "370400440532013000"),
            ("GB", "WEST12345698765432"),
            ("FR", "20041010050500013M02606"),
            ("NL", "ABNA0417164300"),
            ("NO", "86011117947"),
            ("CH", "00762011623852957"),
            ("MT", "MALT011000012345MTLCAST001S"),
            ("ES", "21000418450200051332"),
        ] {
            let number = iban(country, account);
            for number in [
                number.clone(),
                number.to_lowercase(),
                spaced(&number, " "),
                spaced(&number, "-"),
                spaced(&number.to_lowercase(), " "),
            ] {
                claims("iban", &format!("«{number}»"), "");
                claims("iban", &format!("IBAN: «{number}», amount 5"), "note");
                claims("iban", &format!("a\\n«{number}»."), "");
            }
        }
    }

    #[test]
    fn the_countries_are_sorted() {
        assert!(COUNTRIES.is_sorted());
    }

    #[test]
    fn a_wrong_check_country_or_length_is_no_account() {
        let number = iban("DE", "370400440532013000");
        let swapped = number.replace("3704", "7304");
        leaves(&swapped, "");
        leaves(&number[..21], "");
        leaves(&format!("{number}7"), "");
        leaves(&format!("X{number}"), "");
        leaves(&iban("ZZ", "370400440532013000"), "");
        leaves("SE123456789", "");
    }
}

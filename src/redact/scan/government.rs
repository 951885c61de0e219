//! Numbers of government offices: form and check digits, and, but for two clear forms, a word or name beside them.

use super::bytes::{at, before, digits, free_left, free_right, is_word, run, run_back};
use super::card::luhn;
use super::clue::{
    AADHAAR, BSN, CPF, DNI, DOCUMENT, FORMED, GOVERNMENT, IMEI, Kinds, NINO, NIR, PESEL, SIN, SSN, STEUER,
};
use super::digits::{Group, mark};
use super::hits::Sort;
use super::numbers::Scan;
use super::unowned;

/// Pushes the American social security (or taxpayer) number in the groups.
pub(super) fn ssn(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let first = groups.first()?;
    let (start, end) = match groups {
        [a, b, c, rest @ ..] if (a.len(), b.len(), c.len()) == (3, 2, 4) => {
            let marked = mark(scan.bytes, *b);
            let alone = rest.is_empty() && !before(scan.bytes, a.start, 2).is_ascii_digit();
            let clear = marked == b'-' || (marked == b' ' && alone);
            if marked != mark(scan.bytes, *c) || !(clear || scan.speaks_of(a.start, SSN)) {
                return None;
            }
            (a.start, c.end)
        }
        _ if first.len() == 9 && scan.speaks_of(first.start, SSN) && !unowned::is_id(scan, first.start) => {
            (first.start, first.end)
        }
        _ => return None,
    };
    let (digits, _) = digits::<9>(scan.bytes.get(start..end)?)?;
    if !is_issued(digits) || !free_right(scan.bytes, end) {
        return None;
    }
    scan.push(start, end, "ssn", Sort::Personal);
    Some(end)
}

/// Whether such a number can have been given out: no part is all zeros; the area is neither 666 nor, but for
/// taxpayer numbers with their own groups, above 899.
fn is_issued([a, b, c, d, e, rest @ ..]: [u8; 9]) -> bool {
    let area = u16::from(a) * 100 + u16::from(b) * 10 + u16::from(c);
    let group = d * 10 + e;
    let taxpayer = matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    area != 0 && area != 666 && group != 0 && rest != [0; 4] && (area < 900 || taxpayer)
}

/// A kind of number: how many digits, and the check.
type Check = (Kinds, usize, &'static str, fn(&[u8]) -> bool);

const CHECKS: &[Check] = &[
    (SIN, 9, "gov.sin", luhn),
    (BSN, 9, "gov.bsn", bsn),
    (STEUER, 11, "gov.steuer", steuer),
    (CPF, 11, "gov.cpf", cpf),
    (PESEL, 11, "gov.pesel", pesel),
    (AADHAAR, 12, "gov.aadhaar", aadhaar),
    (NIR, 15, "gov.nir", nir),
    (IMEI, 15, "imei", luhn),
];

/// Pushes the number that a word or the name announces, with valid check digits.
pub(super) fn numbers(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let start = groups.first()?.start;
    let kinds = scan.clues.all_near(start, GOVERNMENT) | (scan.kinds() & GOVERNMENT);
    if kinds == 0 {
        return None;
    }
    if kinds & NIR != 0
        && let Some(end) = spaced_nir(scan, groups)
    {
        return Some(end);
    }
    for last in groups.iter().take(8) {
        let Some((digits, count)) = digits::<15>(scan.bytes.get(start..last.end)?) else {
            break;
        };
        let digits = digits.get(..count)?;
        let fits = |check: &&Check| kinds & check.0 != 0 && check.1 == count && (check.3)(digits);
        let Some(check) = CHECKS
            .iter()
            .find(fits)
            .filter(|_| free_right(scan.bytes, last.end))
        else {
            continue;
        };
        scan.push(start, last.end, check.2, Sort::Personal);
        return Some(last.end);
    }
    None
}

/// Pushes the French form `1 85 05 78 006 084 36` behind its word, whatever its key is: no other number is written so.
fn spaced_nir(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let groups = groups.first_chunk::<7>()?;
    let [first, .., last] = groups;
    let is_spaced = groups
        .iter()
        .skip(1)
        .all(|group| mark(scan.bytes, *group) == b' ');
    let lens = groups.each_ref().map(|group| group.len()) == [1, 2, 2, 2, 3, 3, 2];
    let sex = at(scan.bytes, first.start);
    let [_, _, month, ..] = groups;
    let month = scan.bytes.get(month.start..month.end)?;
    let is_month = matches!(month, [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2']);
    if !lens
        || !is_spaced
        || !is_month
        || !matches!(sex, b'1' | b'2' | b'7' | b'8')
        || !free_right(scan.bytes, last.end)
    {
        return None;
    }
    scan.push(first.start, last.end, "gov.nir", Sort::Personal);
    Some(last.end)
}

/// Pushes the Brazilian form `000.000.000-00` with two check digits, which is clear without a word.
pub(super) fn clear_cpf(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let [a, b, c, d, ..] = groups else { return None };
    let lens = (a.len(), b.len(), c.len(), d.len()) == (3, 3, 3, 2);
    let marks = [*b, *c, *d].map(|group| mark(scan.bytes, group)) == *b"..-";
    if !lens || !marks {
        return None;
    }
    let (digits, _) = digits::<11>(scan.bytes.get(a.start..d.end)?)?;
    if !cpf(&digits) || !free_right(scan.bytes, d.end) {
        return None;
    }
    scan.push(a.start, d.end, "gov.cpf", Sort::Personal);
    Some(d.end)
}

/// How far behind its word a number stands that the word labels, in bytes: `AHV-Nr.: `.
const LABEL: usize = 8;

/// Pushes the Swiss form `756.0000.0000.00` with its check digit, which is clear without a word.
pub(super) fn clear_ahv(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let [a, b, c, d, ..] = groups else { return None };
    let lens = (a.len(), b.len(), c.len(), d.len()) == (3, 4, 4, 2);
    let marks = [*b, *c, *d].map(|group| mark(scan.bytes, group)) == *b"...";
    if !lens || !marks || scan.bytes.get(a.start..a.end) != Some(b"756") {
        return None;
    }
    let (digits, _) = digits::<13>(scan.bytes.get(a.start..d.end)?)?;
    let sum = weighed(&digits, [1, 3].into_iter().cycle());
    // Right behind its word, a digit that was typed wrong is no other number.
    let word = scan.clues.nearest(a.start, FORMED);
    let is_it = sum % 10 == 0 || word > 0 && a.start - word <= LABEL;
    if !is_it || !free_right(scan.bytes, d.end) {
        return None;
    }
    scan.push(a.start, d.end, "gov.ahv", Sort::Personal);
    Some(d.end)
}

/// The sum of digits times weights.
fn weighed(digits: &[u8], weights: impl Iterator<Item = u32>) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum()
}

fn digit(digits: &[u8], at: usize) -> u32 {
    digits.get(at).copied().map_or(0, u32::from)
}

fn bsn(digits: &[u8]) -> bool {
    let sum = weighed(digits, (2..=9).rev());
    sum % 11 == digit(digits, 8) && sum != 0
}

fn steuer(digits: &[u8]) -> bool {
    // ISO 7064, modulus 11, 10.
    let product = digits.iter().take(10).fold(10, |product, &digit| {
        let sum = match (u32::from(digit) + product) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    digit(digits, 0) != 0 && (11 - product) % 10 == digit(digits, 10)
}

fn cpf(digits: &[u8]) -> bool {
    let check = |count: u32| weighed(digits, (2..=count + 1).rev()) * 10 % 11 % 10;
    let varied = digits.iter().any(|digit| Some(digit) != digits.first());
    varied && check(9) == digit(digits, 9) && check(10) == digit(digits, 10)
}

fn pesel(digits: &[u8]) -> bool {
    let sum = weighed(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3].into_iter());
    let month = (digit(digits, 2) * 10 + digit(digits, 3)) % 20;
    (1..=12).contains(&month) && (10 - sum % 10) % 10 == digit(digits, 10)
}

fn nir(digits: &[u8]) -> bool {
    let number = |part: &[u8]| {
        part.iter()
            .fold(0_u64, |number, &digit| number * 10 + u64::from(digit))
    };
    let Some((number_part, key)) = digits.split_at_checked(13) else {
        return false;
    };
    matches!(digits.first(), Some(1 | 2 | 7 | 8)) && 97 - number(number_part) % 97 == number(key)
}

/// The permutation and multiplication of Verhoeff's check: the dihedral group of order ten.
fn aadhaar(digits: &[u8]) -> bool {
    const SHIFT: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (at, &digit)| {
        let shifted = (0..at % 8).fold(digit, |digit, _| {
            SHIFT.get(usize::from(digit)).copied().unwrap_or(digit)
        });
        product(sum, shifted)
    });
    sum == 0 && digit(digits, 0) >= 2
}

/// Pushes a number with letters in it: British insurance, Spanish identity, passports. `start` is its first digit.
pub(super) fn lettered(scan: &mut Scan<'_, '_>, start: usize) -> Option<usize> {
    // All of them are longer than four letters and this digit.
    let next = at(scan.bytes, start + 1);
    if !(next.is_ascii_alphanumeric() || next == b'-') {
        return None;
    }
    insurance(scan, start)
        .or_else(|| fiscal(scan, start))
        .or_else(|| identity(scan, start))
        .or_else(|| document(scan, start))
}

/// `AB 12 34 56 C`, with or without spaces.
fn insurance(scan: &mut Scan<'_, '_>, digit: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let gap = usize::from(before(bytes, digit, 1) == b' ');
    let start = digit.checked_sub(2 + gap)?;
    let (first, second) = (
        at(bytes, start).to_ascii_uppercase(),
        at(bytes, start + 1).to_ascii_uppercase(),
    );
    let letters = first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !matches!(first, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V')
        && !matches!(second, b'D' | b'F' | b'I' | b'O' | b'Q' | b'U' | b'V');
    if !letters || !free_left(bytes, start) {
        return None;
    }
    let mut position = digit;
    for pair in 0..3 {
        let space = usize::from(pair > 0 && matches!(at(bytes, position), b' ' | b'-'));
        if run(bytes, position + space, 2, |byte| byte.is_ascii_digit()) != 2 {
            return None;
        }
        position += space + 2;
    }
    position += usize::from(matches!(at(bytes, position), b' ' | b'-'));
    let suffix = matches!(at(bytes, position).to_ascii_uppercase(), b'A'..=b'D');
    if !suffix || !free_right(bytes, position + 1) || !scan.speaks_of(start, NINO) {
        return None;
    }
    scan.push(start, position + 1, "gov.nino", Sort::Personal);
    Some(position + 1)
}

/// `RSSMRA85T10A562S`: the last letter follows from the others.
fn fiscal(scan: &mut Scan<'_, '_>, digit: usize) -> Option<usize> {
    const FORM: &[u8; 16] = b"LLLLLLDDLDDLDDDL";
    /// What a letter or digit counts for in the first place, the third, the fifth …
    const ODD: &[u8; 26] = &[
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    let bytes = scan.bytes;
    let start = digit.checked_sub(6)?;
    let code = bytes.get(start..start + FORM.len())?;
    let is_formed = code.iter().zip(FORM).all(|(byte, form)| match form {
        b'L' => byte.is_ascii_alphabetic(),
        _ => byte.is_ascii_digit(),
    });
    if !is_formed || !free_left(bytes, start) || !free_right(bytes, start + FORM.len()) {
        return None;
    }
    let (last, rest) = code.split_last()?;
    let value = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.to_ascii_uppercase().wrapping_sub(b'A'),
    };
    let counts = rest.iter().enumerate().map(|(place, byte)| match place % 2 {
        0 => ODD.get(usize::from(value(*byte))).copied().unwrap_or(0),
        _ => value(*byte),
    });
    let sum: u32 = counts.map(u32::from).sum();
    if sum % 26 != u32::from(value(*last)) || !scan.speaks_of(start, FORMED) {
        return None;
    }
    scan.push(start, start + FORM.len(), "gov.fiscal", Sort::Personal);
    Some(start + FORM.len())
}

/// `12345678Z` and `X1234567L`: the letter follows from the number.
fn identity(scan: &mut Scan<'_, '_>, digit: usize) -> Option<usize> {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let bytes = scan.bytes;
    let len = run(bytes, digit, 9, |byte| byte.is_ascii_digit());
    let prefix = match before(bytes, digit, 1).to_ascii_uppercase() {
        letter @ b'X'..=b'Z' if len == 7 => Some(u32::from(letter - b'X')),
        _ if len == 8 => None,
        _ => return None,
    };
    let start = digit - usize::from(prefix.is_some());
    let digits = bytes.get(digit..digit + len)?;
    let number = digits.iter().fold(prefix.unwrap_or(0), |number, &digit| {
        number * 10 + u32::from(digit - b'0')
    });
    let letter_at = digit + len + usize::from(at(bytes, digit + len) == b'-');
    let wanted = LETTERS.get(usize::try_from(number % 23).ok()?)?;
    let letter = at(bytes, letter_at);
    // Where the word itself stands before it, a letter that was typed wrong is no other number.
    let fits =
        (letter.to_ascii_uppercase() == *wanted || letter.is_ascii_uppercase()) && free_left(bytes, start);
    if !fits || is_word(at(bytes, letter_at + 1)) || !scan.speaks_of(start, DNI) {
        return None;
    }
    scan.push(start, letter_at + 1, "gov.dni", Sort::Personal);
    Some(letter_at + 1)
}

/// A passport or licence number: it has no form of its own, so a word must announce it.
fn document(scan: &mut Scan<'_, '_>, digit: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let start = digit - run_back(bytes, digit, 4, |byte| byte.is_ascii_alphabetic());
    let len = run(bytes, start, 21, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'-'
    });
    let token = bytes.get(start..start + len)?;
    let digits = token.iter().filter(|byte| byte.is_ascii_digit()).count();
    let date = token.len() == 10 && at(bytes, start + 4) == b'-' && at(bytes, start + 7) == b'-'
        || token.len() == 13 && unowned::is_late_date(bytes, start);
    let is_code = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let many = digits >= 5 || len == 9 && digits >= 3 && token.iter().all(is_code);
    let fits = (6..=20).contains(&len) && many && !date;
    let free = fits && free_left(bytes, start) && free_right(bytes, start + len);
    if !free || !scan.speaks_of(digit, DOCUMENT) {
        return None;
    }
    scan.push(start, start + len, "gov.document", Sort::Personal);
    Some(start + len)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, found, leaves};
    use super::*;

    /// Completes the digits so that they pass the check.
    fn complete(body: &str, missing: usize, check: fn(&[u8]) -> bool) -> String {
        (0..10_u32.pow(u32::try_from(missing).unwrap()))
            .map(|tail| format!("{body}{tail:0missing$}"))
            .find(|number| check(&number.bytes().map(|byte| byte - b'0').collect::<Vec<_>>()))
            .unwrap()
    }

    fn area(area: &str, mark: &str) -> String {
        [area, "45", "6789"].join(mark)
    }

    #[test]
    fn social_security_numbers_are_found_in_both_writings() {
        claims("ssn", &format!("«{}»", area("123", "-")), "");
        claims("ssn", &format!("is «{}».", area("899", "-")), "");
        claims("ssn", &format!("is «{}».", area("123", " ")), "");
        claims("ssn", &format!("ssn «{}»", area("123", "")), "");
        claims(
            "ssn",
            &format!("{{\"socialSecurityNumber\":\"«{}»\"}}", area("123", "")),
            "",
        );
        claims("ssn", &format!("«{}»", area("123", "")), "user_ssn");
        for text in [
            area("000", "-"),
            area("666", "-"),
            area("900", "-"),
            area("123", ""),
            format!("ORD-{}", area("123", "-")),
            format!("{}-1", area("123", "-")),
            "123-00-6789".to_owned(),
            "123-45-0000".to_owned(),
            "11 123 45 6789 22".to_owned(),
        ] {
            leaves(&text, "");
        }
    }

    #[test]
    fn numbers_with_check_digits_need_their_word() {
        for (rule, word, number, wrong) in [
            ("gov.sin", "SIN", complete("12345678", 1, luhn), "123456789"),
            ("gov.bsn", "bsn", complete("11122233", 1, bsn), "111222334"),
            (
                "gov.steuer",
                "Steuer-ID",
                complete("3657426180", 1, steuer),
                "36574261808",
            ),
            ("gov.cpf", "CPF", complete("529982247", 2, cpf), "52998224799"),
            (
                "gov.pesel",
                "PESEL",
                complete("4405140135", 1, pesel),
                "44051401358",
            ),
            (
                "gov.aadhaar",
                "Aadhaar",
                complete("23456789012", 1, aadhaar),
                "234567890129",
            ),
            (
                "gov.nir",
                "NIR",
                complete("2690549588157", 2, nir),
                "269054958815799",
            ),
        ] {
            claims(rule, &format!("{word}: «{number}»"), "");
            claims(rule, &format!("«{number}»"), word);
            leaves(&number, "");
            let wrong = if wrong == number {
                number.replacen('5', "6", 1)
            } else {
                wrong.to_owned()
            };
            leaves(&format!("{word} {wrong}"), "");
        }
    }

    #[test]
    fn known_numbers_pass_their_checks() {
        // Published examples of the offices, in pieces.
        assert!(aadhaar(&[2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 6]));
        assert!(steuer(&[8, 6, 0, 9, 5, 7, 4, 2, 7, 1, 9]));
        assert!(nir(&[2, 5, 5, 0, 8, 1, 4, 1, 6, 8, 0, 2, 5, 3, 8]));
        assert!(bsn(&[1, 1, 1, 2, 2, 2, 3, 3, 3]));
        assert!(!bsn(&[1, 1, 1, 2, 2, 2, 3, 3, 4]));
    }

    #[test]
    fn groups_are_read_as_one_number() {
        let number = complete("23456789012", 1, aadhaar);
        let spaced = format!("{} {} {}", &number[..4], &number[4..8], &number[8..]);
        claims("gov.aadhaar", &format!("aadhaar «{spaced}» given"), "");
        let number = complete("529982247", 2, cpf);
        let dotted = format!(
            "{}.{}.{}-{}",
            &number[..3],
            &number[3..6],
            &number[6..9],
            &number[9..]
        );
        claims("gov.cpf", &format!("«{dotted}»"), "");
    }

    #[test]
    fn numbers_with_letters_are_found_beside_their_word() {
        claims("gov.nino", &format!("NINO «{}{}»", "AB", "123456C"), "");
        claims(
            "gov.nino",
            &format!("national insurance «{}»", ["AB", "12", "34", "56", "C"].join(" ")),
            "",
        );
        leaves("AB123456C", "");
        leaves("NINO DF123456C", "");
        let letter = char::from(b"TRWAGMYFPDXBNJZSQVHLCKE"[12_345_678 % 23]);
        claims("gov.dni", &format!("DNI: «12345678{letter}»"), "");
        leaves(&format!("12345678{letter}"), "");
        claims("gov.document", "passport: «X12345678»", "");
        claims("gov.document", "driver license «D1234567»", "");
        leaves("X12345678", "");
        assert_eq!(found("passport expires 2030-01-01", ""), []);
    }
}

//! Whole values that only their field's name makes somebody's: `zip = "94103"`, `phone = "5550132"`.

use super::account;
use super::clue::{ACCOUNT, BIRTH, CARD, EMAIL, GOVERNMENT, HARDWARE, IBAN, PHONE, SSN, ZIP};
use super::hits::Sort;
use super::numbers::Scan;

/// The longest value that is one number.
pub(super) const LONGEST: usize = 48;

/// What the characters of a value are.
#[derive(Default)]
struct Shape {
    digits: usize,
    letters: usize,
    /// Spaces, dashes, dots, slashes, brackets and a plus.
    marks: usize,
    others: usize,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self::default();
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => shape.digits += 1,
                b'A'..=b'Z' | b'a'..=b'z' => shape.letters += 1,
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+' => shape.marks += 1,
                _ => shape.others += 1,
            }
        }
        shape
    }
}

/// Pushes the whole value where it is a number, or address, of the kind that the name says.
pub(super) fn whole(scan: &mut Scan<'_, '_>) -> bool {
    let kinds = scan.kinds();
    let text = scan.text.trim();
    let start = scan.text.len() - scan.text.trim_start().len();
    let end = start + text.len();
    let shape = Shape::of(text);
    if shape.others > 0 && kinds & (EMAIL | HARDWARE) == 0 {
        return false;
    }
    let plain = shape.others == 0;
    let only_digits = plain && shape.letters == 0;
    let (rule, sort) = match shape.digits {
        12..=19 if kinds & CARD != 0 && only_digits => ("pan", Sort::Financial),
        7..=9 if kinds & SSN != 0 && only_digits => ("ssn", Sort::Personal),
        5..=15 if kinds & PHONE != 0 && only_digits => ("phone", Sort::Personal),
        6..=8 if kinds & BIRTH != 0 && plain && account::date_end(scan.bytes, start) == Some(end) => {
            ("birth", Sort::Personal)
        }
        2..=9 if kinds & ZIP != 0 && plain && text.len() <= 10 && text.len() >= 4 => ("zip", Sort::Personal),
        10.. if kinds & IBAN != 0 && plain && shape.letters >= 2 => ("iban", Sort::Financial),
        5..=20 if kinds & ACCOUNT != 0 && plain && shape.letters <= 4 => ("account", Sort::Financial),
        _ if kinds & HARDWARE != 0 && is_hardware(text) => ("mac", Sort::Network),
        _ if kinds & EMAIL != 0 && is_local_address(text) => ("email", Sort::Personal),
        5..=15 if kinds & GOVERNMENT != 0 && plain && shape.letters <= 9 => {
            return document(scan, start, end);
        }
        _ => return false,
    };
    scan.push(start, end, rule, sort);
    true
}

/// A government number that no detector knows by its form.
fn document(scan: &mut Scan<'_, '_>, start: usize, end: usize) -> bool {
    let groups = super::digits::Cluster::at(scan.bytes, start);
    let known = super::government::clear_cpf(scan, groups.groups()).is_some()
        || super::government::numbers(scan, groups.groups()).is_some()
        || (start..end).any(|at| super::government::lettered(scan, at).is_some());
    if !known {
        scan.push(start, end, "gov.document", Sort::Personal);
    }
    true
}

/// Twelve hexadecimal digits, with or without marks, not all the same.
fn is_hardware(text: &str) -> bool {
    let is_mark = |char: char| matches!(char, ':' | '-' | '.');
    let digits = || text.chars().filter(|&char| !is_mark(char));
    let first = digits().next();
    digits().count() == 12
        && digits().all(|char| char.is_ascii_hexdigit())
        && digits().any(|char| Some(char) != first)
}

/// `alice@intranet`: an address whose domain has no dot.
fn is_local_address(text: &str) -> bool {
    let mut parts = text.split('@');
    let (local, domain, more) = (parts.next(), parts.next(), parts.next());
    let is_part =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && !part.contains([' ', '/', ':']));
    is_part(local) && is_part(domain) && more.is_none()
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, leaves};

    #[test]
    fn a_value_is_taken_whole_by_its_name() {
        for (rule, name, value) in [
            ("zip", "zip", "94103"),
            ("zip", "postalCode", "SW1A 1AA"),
            ("zip", "zip_code", "94103-1234"),
            ("phone", "phone", "5550132"),
            ("phone", "mobile_number", "(030) 123 45"),
            ("pan", "card_number", "1234 5678 9012 3456"),
            ("account", "bank_account", "12345678"),
            ("account", "account_number", "GB-12345"),
            ("iban", "iban", "DE00 1234 5678 9012 3456 78"),
            ("birth", "dob", "1984-02-03"),
            ("email", "email", "alice@intranet"),
            ("mac", "mac", "001a.2b3c.4d5e"),
            ("mac", "mac_address", "001A2B3C4D5E"),
            ("gov.document", "passport_number", "X1234567"),
            ("gov.document", "national_id", "1234567890"),
            ("ssn", "ssn", "12-345-6789"),
        ] {
            claims(rule, &format!("«{value}»"), name);
            leaves(value, "comment");
        }
    }

    #[test]
    fn values_that_are_not_of_the_kind_stay() {
        for (name, value) in [
            ("zip", "true"),
            ("phone", "unknown"),
            ("phone", "****"),
            ("phone", "[REDACTED:phone]"),
            ("email", "hmac-sha256:k1:abcdef"),
            ("card_number", "****1234"),
            ("card_type", "4111"),
            ("email_verified", "1"),
            ("account_id", "12345678"),
            ("phone_count", "1234567"),
        ] {
            leaves(value, name);
        }
    }
}

//! Numbers with check digits that only their own word announces, with or without a colon: the British NHS number, the Swedish
//! personnummer.

use super::bytes::{at, digits, free_right, is_word};
use super::card::luhn;
use super::clue::FORMED;
use super::digits::{Group, mark};
use super::hits::Sort;
use super::numbers::Scan;

/// How many groups, the rule, and the check.
type Kind = (usize, &'static str, fn(&[u8]) -> bool);

/// Pushes the number in the groups if a word announces it.
pub(super) fn find(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let first = groups.first()?;
    let joint = |group: &Group| mark(scan.bytes, *group);
    let (count, rule, check): Kind = match groups {
        [a, b, c, ..] if (a.len(), b.len(), c.len()) == (3, 3, 4) => match (joint(b), joint(c)) {
            (b' ', b' ') | (b'-', b'-') => (3, "gov.nhs", nhs),
            _ => return None,
        },
        [a, b, ..] if matches!(a.len(), 6 | 8) && b.len() == 4 && joint(b) == b'-' => {
            (2, "gov.personnummer", personnummer)
        }
        [a, ..] if a.len() == 12 => (1, "gov.personnummer", personnummer),
        [a, ..] if a.len() == 10 => (1, "gov.nhs", |digits| nhs(digits) || personnummer(digits)),
        _ => return None,
    };
    let end = groups.get(count - 1)?.end;
    let (digits, len) = digits::<12>(scan.bytes.get(first.start..end)?)?;
    let fits = check(digits.get(..len)?) && free_right(scan.bytes, end) && !is_word(at(scan.bytes, end));
    if !fits || !scan.speaks_of(first.start, FORMED) {
        return None;
    }
    scan.push(first.start, end, rule, Sort::Personal);
    Some(end)
}

/// Modulus 11 over the first nine.
fn nhs(digits: &[u8]) -> bool {
    let weights = (2..=10_u32).rev();
    let sum: u32 = digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum();
    let check = (11 - sum % 11) % 11;
    digits.len() == 10 && sum > 0 && digits.last().is_some_and(|last| u32::from(*last) == check)
}

/// The day of birth, three digits, and the check of cards; with a century it has two digits more.
fn personnummer(digits: &[u8]) -> bool {
    let brief = digits.len().checked_sub(10).and_then(|from| digits.get(from..));
    let century = digits.len().checked_sub(10).and_then(|until| digits.get(..until));
    let Some([_, _, month, unit, day, of_day, ..]) = brief else {
        return false;
    };
    let (month, day) = (month * 10 + unit, day * 10 + of_day);
    matches!(century, Some([] | [1, 9] | [2, 0]))
        && (1..=12).contains(&month)
        // Of who has no number yet, the day is 60 more.
        && matches!(day, 1..=31 | 61..=91)
        && brief.is_some_and(luhn)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, leaves};

    #[test]
    fn a_number_behind_its_word_is_found_without_a_colon() {
        for (rule, text) in [
            ("gov.nhs", "NHS number «943 476 5919» rejected"),
            ("gov.nhs", "NHS number («943 476 5919») rejected"),
            ("gov.nhs", "nhs no «9434765919»"),
            ("gov.nhs", "NHS «943-476-5919»."),
            ("gov.personnummer", "personnummer «811218-9876» saknas"),
            ("gov.personnummer", "personnummer «19811218-9876»"),
            ("gov.personnummer", "personnummer «198112189876»"),
        ] {
            claims(rule, text, "");
        }
        claims("gov.nhs", "«943 476 5919»", "nhs_number");
    }

    #[test]
    fn what_is_not_of_its_form_or_has_no_word_stays() {
        for text in [
            "943 476 5919",
            "ref 811218-9876",
            "NHS number 943 476 5918",
            "NHS trust 123 456 7890",
            "NHS order 9434765919",
            "personnummer 811218-9875",
            "personnummer 811318-9876",
            "personnummer 811218-98761",
        ] {
            leaves(text, "");
        }
    }
}

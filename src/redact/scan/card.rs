//! Payment card numbers: issuer prefix, length, check digit, and the groups in which they are written.

use super::bytes::{before, digits, free_right};
use super::clue::{CARD, OPAQUE};
use super::digits::{Group, mark};
use super::hits::Sort;
use super::numbers::Scan;

/// The longest card number.
const LONGEST: usize = 19;

/// A range of issuer prefixes, as the first six digits, with the lengths of its numbers.
struct Brand {
    from: u32,
    to: u32,
    /// Lengths that need no further evidence.
    sure: &'static [usize],
    /// Lengths that other long numbers have too: only in groups, by name or with a word.
    rare: &'static [usize],
    /// Ranges so wide that groups are no evidence either.
    wide: bool,
}

const fn brand(from: u32, to: u32, sure: &'static [usize], rare: &'static [usize]) -> Brand {
    Brand {
        from,
        to,
        sure,
        rare,
        wide: false,
    }
}

const fn wide(from: u32, to: u32) -> Brand {
    Brand {
        from,
        to,
        sure: &[],
        rare: &[12, 13, 14, 15, 16, 17, 18, 19],
        wide: true,
    }
}

/// All lengths but 16 of the brands that have many.
const LONG: &[usize] = &[17, 18, 19];
const OLD: &[usize] = &[12, 13, 14, 15, 17, 18, 19];

/// Narrow ranges stand before the wide ones that hold them.
const BRANDS: &[Brand] = &[
    // American Express
    brand(340_000, 349_999, &[15], &[]),
    brand(370_000, 379_999, &[15], &[]),
    // Diners Club
    brand(300_000, 305_999, &[14], &[16, 19]),
    brand(309_500, 309_599, &[14], &[16, 19]),
    brand(360_000, 369_999, &[14], &[16, 19]),
    brand(380_000, 399_999, &[14], &[16, 19]),
    // JCB
    brand(352_800, 358_999, &[16], LONG),
    // Visa
    brand(400_000, 499_999, &[16], &[13, 19]),
    // Mastercard, both series
    brand(510_000, 559_999, &[16], &[]),
    brand(222_100, 272_099, &[16], &[]),
    // Discover
    brand(601_100, 601_199, &[16], LONG),
    brand(644_000, 659_999, &[16], LONG),
    // UnionPay, with the range that Discover shares
    brand(620_000, 629_999, &[16], LONG),
    brand(810_000, 817_199, &[], &[16, 17, 18, 19]),
    // Maestro: the ranges in wide use, then all that it may take
    brand(501_800, 501_899, &[16], OLD),
    brand(502_000, 502_099, &[16], OLD),
    brand(503_800, 503_899, &[16], OLD),
    brand(589_300, 589_399, &[16], OLD),
    brand(630_400, 630_499, &[16], OLD),
    brand(675_900, 675_999, &[16], OLD),
    brand(676_100, 676_399, &[16], OLD),
    wide(500_000, 509_999),
    wide(560_000, 589_999),
    wide(600_000, 699_999),
];

/// Group lengths in which cards are printed and typed.
const GROUPINGS: &[&[usize]] = &[
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 4, 4, 4, 3],
    &[4, 6, 4],
    &[4, 4, 4, 3],
    &[4, 4, 4, 2],
    &[4, 4, 4, 1],
    &[6, 13],
    &[8, 8],
    &[4, 4, 5],
    &[4, 12],
    &[6, 10],
];

/// Pushes the card number that begins with the first of the groups. `spoken`: there is a word that may say so.
pub(super) fn find(scan: &mut Scan<'_, '_>, groups: &[Group], spoken: bool) -> Option<usize> {
    let first = groups.first()?;
    if !matches!(super::bytes::at(scan.bytes, first.start), b'2'..=b'6' | b'8') {
        return None;
    }
    let plain = (12..=LONGEST).contains(&first.len());
    let end = if plain { one_run(scan, *first) } else { None };
    let end = end
        .or_else(|| grouped(scan, groups))
        .or_else(|| if spoken { in_any_groups(scan, groups) } else { None })?;
    scan.push(first.start, end, "pan", Sort::Financial);
    Some(end)
}

/// `%B4…^`: whether the groups begin with the number on a card's magnetic stripe.
pub(super) fn is_track(bytes: &[u8], groups: &[Group]) -> bool {
    let is_first = |first: &Group| {
        super::bytes::at(bytes, first.end) == b'^'
            && matches!(
                (before(bytes, first.start, 2), before(bytes, first.start, 1)),
                (b'%', b'B' | b'b')
            )
    };
    groups.first().is_some_and(is_first)
}

/// A number without marks in it.
fn one_run(scan: &mut Scan<'_, '_>, group: Group) -> Option<usize> {
    let lengths = check(scan.bytes.get(group.start..group.end)?)?;
    if !free_right(scan.bytes, group.end) {
        return None;
    }
    let named = scan.kinds() & CARD != 0;
    let word = scan.clues.nearest(group.start, CARD);
    // `/cards/4111…/charge` is a path, of which the part before says what this one is.
    let is_part = word > 0 && word + 1 == group.start && before(scan.bytes, group.start, 1) == b'/';
    if !is_part && in_encoded_run(scan.bytes, group) {
        return None;
    }
    let opaque = scan.clues.nearest(group.start, OPAQUE);
    // A number right behind `trace id`, or alone in a field of that name.
    let alone = group.start <= 1 && group.end + 1 >= scan.bytes.len() && scan.kinds() & OPAQUE != 0;
    let is_anyones = !named && word <= opaque && (alone || (opaque > 0 && group.start - opaque <= 4));
    let sure = lengths.sure.contains(&group.len()) && !is_anyones;
    (sure || named || (word > 0 && word > opaque)).then_some(group.end)
}

/// A number in one of the printed groupings, with one and the same mark between the groups.
fn grouped(scan: &Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let second = groups.get(1)?;
    let marked = mark(scan.bytes, *second);
    // Two groups with a dot between them are a number with a fraction.
    let least = if marked == b'.' { 3 } else { 2 };
    let begin = |grouping: &&&[usize]| grouping.len() >= least && grouping.get(1) == Some(&second.len());
    GROUPINGS.iter().filter(begin).find_map(|grouping| {
        let groups = groups.get(..grouping.len())?;
        let fits = groups
            .iter()
            .zip(*grouping)
            .all(|(group, len)| group.len() == *len);
        let same = groups
            .iter()
            .skip(1)
            .all(|group| mark(scan.bytes, *group) == marked);
        let (start, end) = (groups.first()?.start, groups.last()?.end);
        let same = same && !(grouping.first() == Some(&6) && is_timed(scan.bytes, start, *second));
        let free = fits && (same || grouping.len() >= 4) && free_right(scan.bytes, end);
        (free && check(scan.bytes.get(start..end)?).is_some_and(|brand| !brand.wide)).then_some(end)
    })
}

/// `up 416273 1768362978`: whether a number that is none of UnionPay, which prints cards so, stands before a time of
/// these years, in seconds or milliseconds.
fn is_timed(bytes: &[u8], first: usize, second: Group) -> bool {
    let is_time = matches!(
        bytes.get(second.start..second.start + 2),
        Some(b"16" | b"17" | b"18")
    );
    is_time && bytes.get(first..first + 2) != Some(b"62")
}

/// A number in groups of any size: only where a word or the name says that it is a card.
fn in_any_groups(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let (first, total) = (
        groups.first()?,
        groups.iter().map(|group| group.len()).sum::<usize>(),
    );
    if groups.len() < 2 || total < 12 || !scan.speaks_of(first.start, CARD) {
        return None;
    }
    groups.iter().rev().find_map(|last| {
        let text = scan.bytes.get(first.start..last.end)?;
        (free_right(scan.bytes, last.end) && check(text).is_some()).then_some(last.end)
    })
}

/// The brand of a number whose prefix, length and check digit are those of a card.
fn check(text: &[u8]) -> Option<&'static Brand> {
    let (digits, count) = digits::<LONGEST>(text)?;
    let digits = digits.get(..count)?;
    // One digit over and over passes the check, and is a placeholder.
    if !luhn(digits) || digits.iter().all(|digit| Some(digit) == digits.first()) {
        return None;
    }
    let prefix = digits
        .get(..6)?
        .iter()
        .fold(0, |number, &digit| number * 10 + u32::from(digit));
    BRANDS.iter().find(|brand| {
        (brand.from..=brand.to).contains(&prefix)
            && (brand.sure.contains(&count) || brand.rare.contains(&count))
    })
}

/// The check digit of cards (and of Canadian insurance numbers).
pub(super) fn luhn(digits: &[u8]) -> bool {
    const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let doubled = |digit: &u8| DOUBLED.get(usize::from(*digit)).copied().unwrap_or(0);
    let odd = digits.len() % 2;
    let pairs = digits.get(odd..).unwrap_or_default().chunks_exact(2);
    let sum = |pair: &[u8]| pair.first().map_or(0, doubled) + pair.last().copied().unwrap_or(0);
    let first = digits.first().filter(|_| odd == 1).copied().unwrap_or(0);
    let total = pairs.fold(u32::from(first), |total, pair| total + u32::from(sum(pair)));
    total.is_multiple_of(10)
}

/// Whether the digits are a piece of base64 text: a `+` or `/` with letters behind it on both sides.
fn in_encoded_run(bytes: &[u8], group: Group) -> bool {
    let left = matches!(before(bytes, group.start, 1), b'+' | b'/')
        && before(bytes, group.start, 2).is_ascii_alphanumeric();
    let next = super::bytes::at(bytes, group.end);
    let right = matches!(next, b'+' | b'/' | b'=')
        && (next == b'=' || super::bytes::at(bytes, group.end + 1).is_ascii_alphanumeric());
    left && right
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, leaves};
    use super::*;

    /// The number with this prefix and length whose check digit is right.
    fn card(prefix: &str, len: usize) -> String {
        let body: String = prefix
            .chars()
            .chain("0123456789012345678".chars())
            .take(len - 1)
            .collect();
        let number = |digit: u8| format!("{body}{digit}");
        (0..10)
            .map(number)
            .find(|number| check(number.as_bytes()).is_some() || luhn(&plain(number)))
            .unwrap()
    }

    fn plain(number: &str) -> Vec<u8> {
        number.bytes().map(|byte| byte - b'0').collect()
    }

    fn grouped(number: &str, lens: &[usize], mark: &str) -> String {
        let mut at = 0;
        let groups = lens.iter().map(|len| {
            at += len;
            &number[at - len..at]
        });
        groups.collect::<Vec<_>>().join(mark)
    }

    #[test]
    fn every_brand_is_found_bare_and_in_its_groups() {
        for (prefix, len, lens) in [
            ("4", 16, &[4, 4, 4, 4][..]),
            ("51", 16, &[4, 4, 4, 4]),
            ("2221", 16, &[4, 4, 4, 4]),
            ("2720", 16, &[4, 4, 4, 4]),
            ("34", 15, &[4, 6, 5]),
            ("37", 15, &[4, 6, 5]),
            ("6011", 16, &[4, 4, 4, 4]),
            ("65", 16, &[4, 4, 4, 4]),
            ("3530", 16, &[4, 4, 4, 4]),
            ("36", 14, &[4, 6, 4]),
            ("6212", 16, &[4, 4, 4, 4]),
            ("6759", 16, &[4, 4, 4, 4]),
        ] {
            let number = card(prefix, len);
            claims("pan", &format!("«{number}»"), "");
            claims("pan", &format!("paid with «{number}»."), "message");
            claims("pan", &format!("GET /v1/cards/«{number}»/charge"), "");
            leaves(&format!("GET /v1/orders/{number}/items"), "");
            claims("pan", &format!("{{\"n\":\"«{number}»\",\"x\":1}}"), "");
            for mark in [" ", "-", ".", "  ", " - ", "_"] {
                let number = grouped(&number, lens, mark);
                claims("pan", &format!("2 times «{number}», thanks"), "");
            }
        }
    }

    #[test]
    fn rare_lengths_need_a_word_a_name_or_groups() {
        for (prefix, len) in [("4", 13), ("4", 19), ("6212", 19), ("5018", 12), ("6759", 13)] {
            let number = card(prefix, len);
            leaves(&number, "");
            claims("pan", &format!("card: «{number}»"), "");
            claims("pan", &format!("«{number}»"), "card_number");
        }
        let number = card("6212", 19);
        claims(
            "pan",
            &format!("«{}»", grouped(&number, &[4, 4, 4, 4, 3], " ")),
            "",
        );
    }

    #[test]
    fn a_wrong_check_digit_prefix_or_length_is_no_card() {
        let number = card("4", 16);
        let wrong = format!("{}{}", &number[..15], (plain(&number)[15] + 1) % 10);
        leaves(&wrong, "");
        leaves(&card("1", 16), "");
        leaves(&card("9", 16), "");
        leaves(&card("4", 14), "");
        leaves(&card("4", 17), "");
        leaves(&"4".repeat(16), "");
        leaves("id 304285 1758081597181", "");
        leaves("up 416273 1768362978", "");
        claims("pan", "card «416273 1768362978»", "");
        claims("pan", "up «416273 4768362972»", "");
        leaves(&"0".repeat(16), "");
    }

    #[test]
    fn digits_of_longer_tokens_are_no_card() {
        let number = card("4", 16);
        for text in [
            format!("a1b2-{number}"),
            format!("{number}-7f"),
            format!("0.{number}"),
            format!("{number}.25"),
            format!("x{number}"),
            format!("{number}abc"),
            format!("trace_id={number}"),
            format!("QUJD/{number}+QUJD"),
            format!("span {number}"),
            format!("{number}{number}"),
        ] {
            leaves(&text, "");
        }
        claims("pan", &format!("paid with «{number}»"), "request.body");
        claims("pan", &format!("paid with «{number}»"), "order_id");
        leaves(&number, "trace_id");
        leaves(&number, "order_id");
    }

    #[test]
    fn a_number_with_a_fraction_is_no_card() {
        for lens in [[4, 12], [8, 8], [6, 10]] {
            let number = card("4", 16);
            let fraction = grouped(&number, &lens, ".");
            leaves(&format!("took {fraction} ms"), "");
            leaves(&fraction, "elapsed");
            claims(
                "pan",
                &format!("paid with «{}»", grouped(&number, &lens, " ")),
                "",
            );
            claims("pan", &format!("my visa is «{fraction}»"), "");
        }
    }

    #[test]
    fn a_word_allows_any_grouping() {
        let number = card("4", 16);
        let split = grouped(&number, &[1; 16], " ");
        claims("pan", &format!("my visa is «{split}»"), "");
        let split = grouped(&number, &[5, 5, 6], "-");
        claims("pan", &format!("card «{split}»"), "");
        claims("pan", &format!("card_«{number}»"), "");
    }

    #[test]
    fn an_escaped_line_break_before_a_card_is_not_part_of_it() {
        let number = card("4", 16);
        claims("pan", &format!("{{\\\"note\\\":\\\"a\\n«{number}»\\\"}}"), "");
    }
}

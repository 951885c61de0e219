//! Numbers that only a word makes somebody's: bank accounts and dates of birth.

use super::bytes::{at, free_right, run};
use super::clue::{ACCOUNT, BIRTH};
use super::digits::{Group, mark};
use super::hits::Sort;
use super::numbers::Scan;
use super::unowned;

/// Pushes the account number or date of birth that the groups begin with.
pub(super) fn find(scan: &mut Scan<'_, '_>, groups: &[Group]) -> Option<usize> {
    let start = groups.first()?.start;
    if scan.speaks_of(start, BIRTH)
        && let Some(end) = date_end(scan.bytes, start)
        && !unowned::is_date_of_deed(scan, start)
    {
        scan.push(start, end, "birth", Sort::Personal);
        return Some(end);
    }
    if !scan.speaks_of(start, ACCOUNT)
        || unowned::is_late_date(scan.bytes, start)
        || unowned::is_reference(scan, start)
    {
        return None;
    }
    let count = |last: usize| {
        groups
            .iter()
            .take(last + 1)
            .map(|group| group.len())
            .sum::<usize>()
    };
    let marked = groups.get(1).map_or(0, |group| mark(scan.bytes, *group));
    let same = groups
        .iter()
        .skip(1)
        .take_while(|group| mark(scan.bytes, **group) == marked)
        .count();
    let last = (0..=same.min(4))
        .rev()
        .find(|&last| (6..=17).contains(&count(last)))?;
    let end = groups.get(last)?.end;
    if !free_right(scan.bytes, end) {
        return None;
    }
    scan.push(start, end, "account", Sort::Financial);
    Some(end)
}

/// The end of a date at `start`, in digits, in any of the usual orders.
pub(super) fn date_end(bytes: &[u8], start: usize) -> Option<usize> {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let first = run(bytes, start, 9, is_digit);
    if first == 8 && matches!(at(bytes, start), b'1' | b'2') {
        return free_right(bytes, start + 8).then_some(start + 8);
    }
    let mark = at(bytes, start + first);
    if !matches!(mark, b'-' | b'.' | b'/' | b' ') {
        return None;
    }
    let second_at = start + first + 1;
    let second = run(bytes, second_at, 3, is_digit);
    let third_at = second_at + second + 1;
    let third = run(bytes, third_at, 5, is_digit);
    let order = matches!((first, second, third), (4, 1..=2, 1..=2) | (1..=2, 1..=2, 2 | 4));
    let end = third_at + third;
    let closes = free_right(bytes, end) || at(bytes, end) == b'T';
    (order && at(bytes, second_at + second) == mark && closes).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::tests::{claims, leaves};

    #[test]
    fn accounts_need_their_word() {
        for text in [
            "account number: «12345678»",
            "acct «0123456789»",
            "bank account no. «1234 5678 90»",
            "routing «021000021»",
            "sort code «12-34-56»",
        ] {
            claims("account", text, "");
        }
        for text in [
            "account 12345678",
            "number 12345678",
            "account number 1234",
            "account id 12345678",
        ] {
            leaves(text, "");
        }
    }

    #[test]
    fn a_date_is_of_birth_only_where_it_is_said() {
        for text in [
            "born «1984-02-03»",
            "dob=«03/02/1984»",
            "date of birth: «3.2.1984»",
            "dob «19840203»",
        ] {
            claims("birth", text, "");
        }
        leaves("created 1984-02-03", "");
        claims("birth", "«1984-02-03»", "date_of_birth");
    }
}

//! Numbers that a word within reach would claim and that are not its own: dates of when something was done, references and
//! times of a row whose own number was found already. Each needs a name or words that are known.

use super::bytes::{at, before, digits, run, run_back};
use super::clue::{ACCOUNT, BIRTH, CALL, PHONE, SSN};
use super::hits::Hit;
use super::lexicon::Lexicon;
use super::numbers::Scan;

/// Whether the date at `start` is said to be that of another thing than a birth: `birthday reminder sent on 2024-05-01`,
/// `{"date_of_birth":"…","created_at":"2024-05-01"}`.
pub(super) fn is_date_of_deed(scan: &mut Scan<'_, '_>, start: usize) -> bool {
    if scan.kinds() & BIRTH != 0 || !is_date(scan.bytes, start) {
        return false;
    }
    let clue = scan.clues.nearest(start, BIRTH);
    if let Some((from, to)) = name_of(scan.bytes, start).filter(|(from, _)| *from > clue) {
        let name = scan.bytes.get(from..to).unwrap_or_default();
        // What is only `created` may be a date of birth that was typed in.
        return TIMES.has_bytes(name) || name == b"created" && is_found(scan, "birth", clue, start);
    }
    let between = scan.bytes.get(clue..start).unwrap_or_default();
    is_reminder(between) || is_found(scan, "birth", clue, start) && is_entry(between)
}

/// Names of moments, whole.
static TIMES: Lexicon = Lexicon::of(&[
    "created_at",
    "createdat",
    "deleted_at",
    "deletedat",
    "expires_at",
    "last_login",
    "last_seen",
    "lastlogin",
    "logged_at",
    "modified_at",
    "modifiedat",
    "received_at",
    "sent_at",
    "updated_at",
    "updatedat",
]);

/// Words behind `birthday` that make it that of a thing to be sent, and what was done with that.
fn is_reminder(between: &[u8]) -> bool {
    static THINGS: Lexicon = Lexicon::of(&[
        "campaign",
        "card",
        "coupon",
        "email",
        "greeting",
        "mail",
        "message",
        "notification",
        "reminder",
        "voucher",
    ]);
    let mut words = words(between).skip_while(|word| *word == b"date");
    let is_sent = |deed: &[u8]| {
        matches!(
            deed,
            b"sent" | b"issued" | b"queued" | b"scheduled" | b"delivered"
        )
    };
    match words.next() {
        // `birth date missing, checked on …`
        Some(b"missing,") => words.eq([&b"checked"[..], b"on"]),
        Some(thing) if THINGS.has_bytes(thing) => {
            words.next().is_some_and(is_sent)
                && matches!(words.next(), Some(b"on" | b"at"))
                && words.next().is_none()
        }
        _ => false,
    }
}

/// `…, record updated 2024-05-01`: whose date it is, behind a date of birth.
fn is_entry(between: &[u8]) -> bool {
    let tail = between
        .get(between.len().saturating_sub(32)..)
        .unwrap_or_default();
    let words = words(tail);
    let last: [&[u8]; 3] = {
        let mut last = [&b""[..]; 3];
        for word in words {
            last = [last[1], last[2], word];
        }
        last
    };
    let deed = if matches!(last[2], b"on" | b"at") {
        [last[0], last[1]]
    } else {
        [last[1], last[2]]
    };
    matches!(deed[0], b"record" | b"account" | b"profile" | b"entry" | b"row")
        && matches!(
            deed[1],
            b"updated" | b"created" | b"changed" | b"saved" | b"imported"
        )
}

/// The words of a text.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

/// Whether the number at `start` has a name of its own and its word has its account already: `iban=… ref=12345678`.
pub(super) fn is_reference(scan: &mut Scan<'_, '_>, start: usize) -> bool {
    static NAMES: Lexicon = Lexicon::of(&[
        "id",
        "invoice",
        "invoice_id",
        "order",
        "order_id",
        "ref",
        "reference",
        "request_id",
        "timestamp",
        "transaction_id",
        "ts",
        "txn",
    ]);
    let clue = scan.clues.nearest(start, ACCOUNT);
    let name = name_of(scan.bytes, start).filter(|(from, _)| *from > clue);
    let name = name.and_then(|(from, to)| scan.bytes.get(from..to));
    name.is_some_and(|name| NAMES.has_bytes(name)) && is_beside(scan, "iban", clue, start)
}

/// `{"ssn":"…","id":123456789}`: whether the number at `start` is an id right behind the number that the word announced. Where
/// a name stands between the word and that number, or before the id, the id may be another such number.
pub(super) fn is_id(scan: &Scan<'_, '_>, start: usize) -> bool {
    let bytes = scan.bytes;
    let name = name_of(bytes, start).filter(|(from, to)| bytes.get(*from..*to) == Some(b"id"));
    let Some((name, _)) = name.filter(|_| scan.kinds() & SSN == 0) else {
        return false;
    };
    let is_mark = |byte: u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    let is_announced = |hit: &&Hit| {
        let word = hit.start - run_back(bytes, hit.start, 6, is_mark);
        let from = word - run_back(bytes, word, 5, |byte| byte.is_ascii_alphanumeric());
        let word = bytes.get(from..word).unwrap_or_default();
        word.eq_ignore_ascii_case(b"ssn") && run_back(bytes, name, 8, is_mark) == name - hit.end
    };
    let mut last = scan.hits.list().iter().rev().take(4);
    let found = last.find(|hit| hit.rule == "ssn" && hit.end <= name);
    let found = found.filter(is_announced).map(|hit| hit.start);
    found.is_some_and(|found| is_beside(scan, "ssn", found, start))
}

/// Whether digits are the seconds or milliseconds since 1970 right behind a telephone number that was found:
/// `phone: +49 30 1234567 at 1714560000`.
pub(super) fn is_moment(scan: &mut Scan<'_, '_>, start: usize) -> bool {
    const AT: &[u8] = b" at ";
    let digits = run(scan.bytes, start, 14, |byte| byte.is_ascii_digit());
    if !matches!(digits, 10 | 13) || at(scan.bytes, start) != b'1' || scan.kinds() & (PHONE | CALL) != 0 {
        return false;
    }
    let gap = start.saturating_sub(AT.len());
    let last = scan.hits.list().last();
    scan.bytes.get(gap..start) == Some(AT) && last.is_some_and(|hit| hit.rule == "phone" && hit.end == gap)
}

/// Whether a date stands at `start` on which hardly anybody who has an account or a passport was born.
pub(super) fn is_late_date(bytes: &[u8], start: usize) -> bool {
    let year = bytes.get(start..start + 4).unwrap_or_default();
    year >= b"2015".as_slice() && is_date(bytes, start)
}

/// Whether a date of four digits for its year stands at `start`, alone or before a time of the day.
pub(super) fn is_date(bytes: &[u8], start: usize) -> bool {
    let number = |from: usize, len: usize| {
        let digits = bytes.get(from..from + len).unwrap_or_default();
        digits
            .iter()
            .fold(0_usize, |number, digit| number * 10 + usize::from(digit & 15))
    };
    let is_digits = |from: usize, len: usize| run(bytes, from, len + 1, |byte| byte.is_ascii_digit()) == len;
    let is_marked = is_digits(start, 4)
        && at(bytes, start + 4) == b'-'
        && is_digits(start + 5, 2)
        && at(bytes, start + 7) == b'-'
        && is_digits(start + 8, 2);
    let is_time = || is_digits(start + 11, 2) && at(bytes, start + 13) == b':' && is_digits(start + 14, 2);
    is_marked
        && (1990..2100).contains(&number(start, 4))
        && (1..=12).contains(&number(start + 5, 2))
        && (1..=31).contains(&number(start + 8, 2))
        && match at(bytes, start + 10) {
            b'T' => is_time(),
            _ => super::bytes::free_right(bytes, start + 10),
        }
}

/// Whether a number was found under the rule between two places: the last that were found are asked.
fn is_found(scan: &Scan<'_, '_>, rule: &str, from: usize, to: usize) -> bool {
    let mut last = scan.hits.list().iter().rev().take(4);
    last.any(|hit| hit.rule == rule && hit.start >= from && hit.end <= to)
}

/// As [`is_found`], of a number in which the digits at `to` do not stand: an id may repeat it without its marks.
fn is_beside(scan: &Scan<'_, '_>, rule: &str, from: usize, to: usize) -> bool {
    /// The most digits that are compared.
    const MOST: usize = 40;
    let bytes = scan.bytes;
    let own = run(bytes, to, MOST, |byte| byte.is_ascii_digit());
    let own = digits::<MOST>(bytes.get(to..to + own).unwrap_or_default());
    let Some((own, count)) = own else { return false };
    let own = own.get(..count).unwrap_or_default();
    let is_other = |hit: &Hit| {
        let found = digits::<MOST>(bytes.get(hit.start..hit.end).unwrap_or_default());
        found.is_some_and(|(found, _)| !found.windows(count.max(1)).any(|part| part == own))
    };
    let mut last = scan.hits.list().iter().rev().take(4);
    last.find(|hit| hit.rule == rule && hit.start >= from && hit.end <= to)
        .is_some_and(is_other)
}

/// The name that a sign joins to the number at `start`: `"created_at":"`, `ref=`.
fn name_of(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\' | b' ');
    let sign = start - run_back(bytes, start, 8, is_mark);
    if !matches!(before(bytes, sign, 1), b':' | b'=') {
        return None;
    }
    let end = sign - 1 - run_back(bytes, sign - 1, 8, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let len = run_back(bytes, end, 32, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
    });
    (len > 0).then_some((end - len, end))
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;
    use super::super::numbers::tests::{claims, found, leaves};

    #[test]
    fn a_date_of_a_deed_is_no_birth() {
        for text in [
            "birthday reminder sent on 2024-05-01",
            "birth date missing, checked on 2024-09-16",
            "bank account verified on 2024-05-24",
            "bank account verified on 2024-05-24 10:00:00",
            "passport scan uploaded 2024-05-24T10:00:00Z",
            "passport scan uploaded 2024-05-24",
        ] {
            leaves(text, "");
        }
        for text in [
            "{\"date_of_birth\":\"«1980-01-02»\",\"created_at\":\"2024-05-01\"}",
            "{\"date_of_birth\":\"«1980-01-02»\",\"created_at\":\"2024-05-01T10:49:00Z\"}",
            "{\"dob\":\"«1980-01-02»\",\"updatedAt\":\"2024-05-01\"}",
            "dob=«1980-01-02» created=2024-05-01",
            "DOB «1964-03-23», record updated 2024-04-22",
        ] {
            claims("birth", text, "");
        }
    }

    #[test]
    fn a_date_that_may_be_the_birth_is_cut() {
        for text in [
            "{\"field\":\"dob\",\"old\":\"«1995-01-02»\"}",
            "dob updated from=«1995-01-02»",
            "dob updated to=«1995-01-02»",
            "birth registered on «1995-01-02»",
            "dob verified on «1995-01-02»",
            "dob record updated «1995-01-02»",
            "dob created=«1995-01-02»",
            "birthday on «1995-01-02»",
            "birthday of anna sent on «1995-01-02»",
            "birthday card, born on «1995-01-02»",
            "DOB changed «1995-01-02»",
            "date of birth updated to «1995-01-02»",
            "born at «1980-01-02»T10:20:00Z",
            "birth: created_by=x «1995-01-02»",
        ] {
            claims("birth", text, "");
        }
        claims("birth", "created_at: «1995-03-23»", "date_of_birth");
        for text in [
            "{\"field\":\"dob\",\"old\":\"1995-01-02\",\"new\":\"1996-02-03\"}",
            "dob=1995-01-02 spouse=1996-01-02",
            "dob=1995-01-02 updated=1996-01-02",
            "born 1995-01-02 or 1996-01-02",
            "dob 1995-01-02, changed 1996-01-02",
        ] {
            assert_eq!(found(text, "").len(), 2, "{text}");
        }
    }

    #[test]
    fn a_number_with_a_name_of_its_own_is_not_the_account_before_it() {
        let iban = ["DE89", "3704", "0044", "0532", "0130", "00"].concat();
        for text in [
            format!("iban=«{iban}» ref=1234567890"),
            format!("{{\"iban\":\"«{iban}»\",\"ref\":\"1234567890\"}}"),
            format!("{{\"iban\":\"«{iban}»\",\"date\":\"2024-04-26\",\"ref\":\"1234567890\"}}"),
            format!("IBAN «{iban}» on 2024-05-01"),
            format!("7;IBAN;«{iban}»;2024-05-01"),
        ] {
            claims("iban", &text, "");
        }
        for text in [
            format!("iban={iban} geboren 1995-06-07"),
            "Kontonummer 12345678, geb. 1995-06-07".to_owned(),
            "{\"account_number\":\"12345678\",\"geb\":\"1995-06-07\"}".to_owned(),
            format!("iban={iban} account=12345678"),
            format!("iban={iban} number=12345678"),
            format!("iban={iban} ref=0532013000"),
        ] {
            assert_eq!(found(&text, "").len(), 2, "{text}");
        }
        claims("account", "iban: unknown, ref: «1234567890»", "");
        claims("account", "account #2 number: «12345678»", "");
        claims("account", "bank account «12345678» USD 500.00", "");
        claims("gov.document", "passport «1985-06-07-123456»", "");
        claims("gov.document", "passport «1995-06-07T12X»", "");
    }

    #[test]
    fn what_stands_behind_a_telephone_number_is_not_another() {
        claims("phone", "phone: «+49 30 1234567» at 1714560000", "");
        claims("phone", "SMS sent («3005203983»)", "");
        claims("phone", "call «(415) 555-0132»", "");
        claims("phone", "reach me at «4155550132»", "");
        claims("phone", "phone changed: «1632960001»", "");
        claims("phone", "phone verified at «1632960001»", "");
        for text in [
            "phone: +49 30 1234567 or 030 1234568",
            "phone: +49 30 1234567, 1632960001",
        ] {
            assert_eq!(found(text, "").len(), 2, "{text}");
        }
    }

    #[test]
    fn an_id_behind_a_number_of_an_office_is_an_id() {
        let ssn = ["536", "22", "8714"].join("-");
        let text = format!("{{\"ssn\":\"«{ssn}»\",\"id\":123456789}}");
        check(&[("body", &text)]);
        let bare = ["536", "22", "8714"].concat();
        for same in [
            format!("{{\"ssn\":\"{ssn}\",\"id\":{bare}}}"),
            format!("ssn={ssn} id={bare}"),
        ] {
            assert_eq!(found(&same, "").len(), 2, "{same}");
        }
        for both in [
            "[{\"type\":\"SSN\",\"id\":\"536-22-8714\"},{\"type\":\"SSN\",\"id\":\"219099999\"}]",
            "SSN 536-22-8714, taxpayer id: 219099999",
            "social security id=536228714 replaced by social security id=219099999",
            "ssn=536-22-8714, spouse ssn id=219099999",
            "SSN: 536-22-8714 / ITIN id: 912709999",
            "<ssn id=\"536228714\"/><ssn id=\"219099999\"/>",
            "{\"ssn\":\"536-22-8714\",\"spouse_ssn\":{\"id\":\"219099999\"}}",
            "{\"ssns\":[{\"id\":\"536228714\"},{\"id\":\"219099999\"}]}",
            "ssn:\n  - id: 536-22-8714\n  - id: 219099999",
        ] {
            assert_eq!(found(both, "").len(), 2, "{both}");
        }
        claims("ssn", "ssn id «123456789»", "");
        claims("ssn", "ssn: {\"id\": \"«123456789»\"}", "");
        claims("ssn", "SSN «536228714» US citizen", "");
    }
}

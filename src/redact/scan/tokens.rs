//! Tokens by their own shape: a literal that its vendor chose, and a body of certain bytes and length.

use super::alphabet::{Alphabet, byte, kinds, varied, walled};
use super::search::Behind;

pub(super) use super::token_table::{INFIXES, PREFIXES};

/// A token that begins with a literal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix {
    pub(super) rule: &'static str,
    pub(super) literal: &'static str,
    pub(super) body: Alphabet,
    /// The shortest body, in bytes.
    pub(super) min: usize,
    /// The longest body; a longer run is something else. 0: any length.
    pub(super) max: usize,
    /// Whether a letter or digit before the literal makes it part of something else.
    pub(super) walled: bool,
    /// What else the body must be.
    pub(super) shape: Option<Shape>,
}

/// What a body is beside its length and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As [`is_mixed`] says.
    Mixed,
    /// As [`is_jwt`] says.
    Jwt,
    /// As [`has_parts`] says.
    Parts,
    /// As [`is_airtable`] says.
    Airtable,
    /// As [`is_uuid`] says.
    Uuid,
    /// As [`is_crypt`] says.
    Crypt,
}

impl Shape {
    pub(super) fn fits(self, body: &[u8]) -> bool {
        match self {
            Self::Mixed => is_mixed(body),
            Self::Jwt => is_jwt(body),
            Self::Parts => has_parts(body),
            Self::Airtable => is_airtable(body),
            Self::Uuid => is_uuid(body),
            Self::Crypt => is_crypt(body),
        }
    }

    /// Whether no body that begins like this fits.
    pub(super) fn is_out(self, beginning: &[u8]) -> bool {
        let least = match self {
            Self::Jwt => 8,
            Self::Parts => 12,
            Self::Mixed | Self::Airtable | Self::Uuid | Self::Crypt => return false,
        };
        beginning.iter().take(least).any(|byte| *byte == b'.')
    }

    /// Where a body does not fit: up to which of its places one that begins there, and ends where it does, fits neither.
    pub(super) fn misfits(self, body: &[u8]) -> usize {
        match self {
            Self::Mixed => body.len(),
            // Only the part before the first dot is shorter then, and it is not to be short.
            Self::Jwt | Self::Parts => memchr::memchr(b'.', body).unwrap_or(body.len()),
            Self::Airtable | Self::Uuid | Self::Crypt => 0,
        }
    }
}

/// A token that is known by a literal in its middle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Infix {
    pub(super) rule: &'static str,
    pub(super) literal: &'static str,
    pub(super) before: Alphabet,
    pub(super) before_min: usize,
    pub(super) before_max: usize,
    pub(super) after: Alphabet,
    pub(super) after_min: usize,
}

impl Prefix {
    /// Whether a body may well be without a digit and of one case.
    fn one_case(&self) -> bool {
        matches!(
            self.body,
            Alphabet::Upper | Alphabet::UpperDash | Alphabet::UpperDot | Alphabet::Lower
        )
    }

    /// How many kinds of letters a body of one case has at least, if it may be one: words of the same length as a token
    /// that has only one are rare.
    pub(super) fn fewest(&self) -> Option<u32> {
        let fewest = if self.min == self.max { 5 } else { 8 };
        self.one_case().then_some(fewest)
    }

    /// Whether the literal at `start`, with a body that ends at `end`, is a token.
    pub(super) fn is_at(&self, bytes: &[u8], start: usize, end: usize) -> bool {
        let body = bytes.get(start + self.literal.len()..end).unwrap_or_default();
        self.stands(bytes, start, end) && self.shape.is_none_or(|shape| shape.fits(body))
    }

    /// As [`Self::is_at`], whatever the body's shape is: however long it is, only its beginning is read. The body's end is
    /// found by the caller, who measures each run once.
    pub(super) fn stands(&self, bytes: &[u8], start: usize, end: usize) -> bool {
        let body = bytes.get(start + self.literal.len()..end).unwrap_or_default();
        self.fits(bytes, start, end)
            && (varied(body) || self.fewest().is_some_and(|fewest| kinds(body) >= fewest))
    }

    /// As [`Self::stands`], whatever the body's bytes are.
    pub(super) fn fits(&self, bytes: &[u8], start: usize, end: usize) -> bool {
        let from = start + self.literal.len();
        self.is_long(end.saturating_sub(from))
            && bytes.get(start..from) == Some(self.literal.as_bytes())
            && (!self.walled || walled(bytes, start))
    }

    /// Whether a body can be so long.
    pub(super) const fn is_long(&self, len: usize) -> bool {
        len >= self.min && (self.max == 0 || len <= self.max)
    }
}

/// Whether a token begins where the text does.
pub(super) fn begins(text: &[u8]) -> bool {
    /// A bit for each three bytes that a literal begins with.
    static THREES: [u64; 128] = {
        let mut threes = [0; 128];
        let mut row = 0;
        #[allow(
            clippy::indexing_slicing,
            reason = "evaluated while compiling: out of bounds does not compile"
        )]
        while row < PREFIXES.len() {
            let literal = PREFIXES[row].literal.as_bytes();
            // Behind one of two bytes, anything may stand.
            let mut third = if literal.len() > 2 { literal[2] } else { 0 };
            loop {
                let place = three(literal[0], literal[1], third);
                threes[place >> 6] |= 1 << (place & 63);
                if literal.len() > 2 || third == u8::MAX {
                    break;
                }
                third += 1;
            }
            row += 1;
        }
        threes
    };
    let first = byte(text, 0);
    let place = three(first, byte(text, 1), byte(text, 2));
    let may_begin = THREES
        .get(place >> 6)
        .is_some_and(|threes| threes >> (place & 63) & 1 == 1);
    may_begin
        && PREFIXES.iter().any(|row| {
            let literal = row.literal.as_bytes();
            literal.first() == Some(&first) && text.starts_with(literal)
        })
}

/// One of 8192 places for three bytes.
const fn three(first: u8, second: u8, third: u8) -> usize {
    let three = u32::from_le_bytes([first, second, third, 0]);
    (three.wrapping_mul(0x9E37_79B1 << 8) >> 19) as usize
}

/// How much of a body is read to see that it is no word: one long run may hold many literals.
pub(super) const BEGINNING: usize = 256;

impl Infix {
    /// What must follow the literal.
    pub(super) const fn behind(&self) -> Behind {
        match self.after_min {
            0 => Behind::Any,
            _ => Behind::Of(self.after),
        }
    }

    /// The token around the literal at `at`; `run_end` says where the run of an alphabet ends that goes through a place.
    pub(super) fn around(
        &self,
        bytes: &[u8],
        at: usize,
        run_end: impl FnOnce(usize, Alphabet) -> usize,
    ) -> Option<(usize, usize)> {
        let from = at + self.literal.len();
        if bytes.get(at..from) != Some(self.literal.as_bytes()) {
            return None;
        }
        let back = bytes
            .get(at.saturating_sub(self.before_max + 1)..at)
            .unwrap_or_default();
        let before = self.before.run_back(back);
        // Mostly what stands before it says enough.
        if before < self.before_min || before > self.before_max {
            return None;
        }
        let after = run_end(from, self.after).saturating_sub(from).min(LONGEST);
        let body = bytes.get(at - before..from + after).unwrap_or_default();
        (after >= self.after_min && varied(body)).then_some((at - before, from + after))
    }
}

/// How far an infix token is followed, in bytes.
const LONGEST: usize = 128;

/// What follows `eyJ` in a JSON web token: three parts, or two, or five if encrypted.
pub(super) fn is_jwt(body: &[u8]) -> bool {
    let mut parts = body.split(|&byte| byte == b'.');
    let header = parts.next().map_or(0, <[u8]>::len);
    let payload = parts.next();
    let signed = parts.next().is_some();
    let begins = payload.is_some_and(|payload| payload.starts_with(b"eyJ"));
    header >= 8 && payload.is_some_and(|payload| payload.len() >= 8 || signed) && (signed || begins)
}

/// `pat` of Airtable: 14 characters, a dot, 64 hexadecimal digits.
pub(super) fn is_airtable(body: &[u8]) -> bool {
    byte(body, 14) == b'.' && Alphabet::Hex.run(body.get(15..).unwrap_or_default()) >= 60
}

/// A body with at least one dot and one on each side of it long enough to be a part of a key.
pub(super) fn has_parts(body: &[u8]) -> bool {
    let mut parts = body.split(|&byte| byte == b'.');
    parts.next().is_some_and(|part| part.len() >= 12) && parts.next().is_some_and(|part| part.len() >= 16)
}

/// A salt or more before a `$`, and the hash of a password behind it.
pub(super) fn is_crypt(body: &[u8]) -> bool {
    let hash = memchr::memrchr(b'$', body).and_then(|at| body.get(at + 1..));
    hash.is_some_and(|hash| hash.len() >= 20 && is_mixed(hash))
}

/// 36 bytes of which four are dashes.
pub(super) fn is_uuid(body: &[u8]) -> bool {
    body.len() == 36 && body.iter().filter(|&&byte| byte == b'-').count() == 4
}

/// A body with letters of both cases and a digit: no word, no number, no hash.
pub(super) fn is_mixed(body: &[u8]) -> bool {
    body.iter().any(u8::is_ascii_digit)
        && body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::cases::{ALNUM, body};
    use super::super::scan;
    use super::*;

    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// A body that fits a row, of `len` bytes.
    fn fitting(row: &Prefix, len: usize) -> String {
        let letters = match row.body {
            Alphabet::Digit => "0123456789",
            Alphabet::Hex | Alphabet::HexDash => "0123456789abcdef",
            Alphabet::Upper | Alphabet::UpperDash | Alphabet::UpperDot => UPPER,
            Alphabet::Lower => "abcdefghijklmnopqrstuvwxyz0123456789",
            _ => ALNUM,
        };
        let text = body(letters, len);
        match row.shape {
            Some(shape)
                if shape.fits(b"4bf92f35-77b3-4da6-a3ce-929d0e0e4736") && !shape.fits(text.as_bytes()) =>
            {
                "4bf92f35-77b3-4da6-a3ce-929d0e0e4736".to_owned()
            }
            Some(Shape::Crypt) => format!("{}${}", &text[..2], &text[3..]),
            Some(shape) if !shape.fits(text.as_bytes()) => with_dots(shape),
            _ => text,
        }
    }

    /// A body of parts that its row's shape asks for.
    fn with_dots(shape: Shape) -> String {
        let part = |len| body(ALNUM, len);
        let dotted = [
            format!("{}.{}", part(14), body("0123456789abcdef", 64)),
            format!("{}.{}.{}", part(22), part(43), part(43)),
        ];
        dotted
            .into_iter()
            .find(|text| shape.fits(text.as_bytes()))
            .expect("a shape that one of the forms has")
    }

    fn positive(row: &Prefix) -> String {
        format!(
            "{}{}",
            row.literal,
            fitting(row, row.min.max(20).min(if row.max == 0 { 999 } else { row.max }))
        )
    }

    #[test]
    fn every_row_finds_its_token_wherever_it_stands() {
        for row in PREFIXES {
            let token = positive(row);
            for (before, after) in [
                ("", ""),
                ("got ", " from bob"),
                ("x=", "&page=2"),
                ("{\"a\":\"", "\",\"b\":1}"),
                ("{\"m\":\"{\\\"a\\\":\\\"", "\\\"}\"}"),
                ("line\\n", "\\nnext"),
                ("https://example.com/?q=", "#x"),
                ("(", "), then"),
                ("env A=", "\nB=2"),
            ] {
                let text = format!("{before}{token}{after}");
                let found = scan("message", &text);
                assert_eq!(
                    found.value,
                    format!("{before}[REDACTED:secret]{after}"),
                    "{} {text}",
                    row.rule
                );
                assert_eq!(found.redactions.len(), 1, "{} {text}", row.rule);
            }
        }
    }

    #[test]
    fn no_row_takes_its_literal_alone_a_short_body_or_a_word() {
        for row in PREFIXES {
            let word = "x".repeat(row.min.max(8));
            let short = row.min.min(15) - 1;
            for tail in [String::new(), word, body("abcdef", short / 2)] {
                let text = format!("see {}{tail} now", row.literal);
                assert_eq!(scan("message", &text).value, text, "{}", row.rule);
            }
            if row.walled {
                let text = format!("ab{}", positive(row));
                let found = scan("message", &text);
                assert!(
                    !found.redactions.iter().any(|cut| cut.rule == row.rule),
                    "{} {text}",
                    row.rule
                );
            }
        }
    }

    #[test]
    fn a_token_begins_where_a_literal_of_one_stands_and_nowhere_else() {
        for row in PREFIXES {
            for text in [
                row.literal.to_owned(),
                format!("{}7", row.literal),
                row.literal.to_uppercase(),
                row.literal.chars().skip(1).collect(),
                row.literal.chars().take(2).collect(),
                format!("x{}", row.literal),
            ] {
                let wanted = PREFIXES.iter().any(|row| text.starts_with(row.literal));
                assert_eq!(begins(text.as_bytes()), wanted, "{text}");
            }
        }
    }

    #[test]
    fn every_infix_finds_the_token_around_it() {
        for row in INFIXES {
            let part = |alphabet: Alphabet, len| match alphabet {
                Alphabet::Digit => body("0123456789", len),
                Alphabet::Hex => body("0123456789abcdef", len),
                _ => body(ALNUM, len),
            };
            let token = format!(
                "{}{}{}",
                part(row.before, row.before_min),
                row.literal,
                part(row.after, row.after_min.max(1))
            );
            let text = format!("got {token} from bob");
            let found = scan("message", &text);
            let rest = found.value.strip_prefix("got [REDACTED:secret]").expect("found");
            assert!(rest.ends_with(" from bob"), "{} {}", row.rule, found.value);
            let short = format!("got a{}b now", row.literal);
            assert_eq!(scan("message", &short).value, short, "{}", row.rule);
        }
    }
}

//! Bytes that tokens are made of, and how far a run of them goes.

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Digit,
    Hex,
    /// Hexadecimal digits and `-`: a UUID.
    HexDash,
    /// Capitals and digits.
    Upper,
    UpperDash,
    UpperDot,
    /// Small letters and digits.
    Lower,
    Alnum,
    /// Letters, digits, `_`.
    Word,
    /// base64url: letters, digits, `_`, `-`.
    Dash,
    /// base64url with `.`
    Dotted,
    /// base64url with `.` and `~`
    Tilde,
    /// base64: letters, digits, `+`, `/`, `=`
    Base64,
    /// Both base64 alphabets, `.` and `%`
    Any,
    /// As `Any`, with `$` between the parts
    Dollar,
}

pub(super) const ALPHABETS: usize = 15;

impl Alphabet {
    const fn holds(self, byte: u8) -> bool {
        let upper = byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let alnum = byte.is_ascii_alphanumeric();
        let dash = alnum || byte == b'_' || byte == b'-';
        let base64 = alnum || byte == b'+' || byte == b'/' || byte == b'=';
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::HexDash => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Upper => upper,
            Self::UpperDash => upper || byte == b'-',
            Self::UpperDot => upper || byte == b'.',
            Self::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Alnum => alnum,
            Self::Word => alnum || byte == b'_',
            Self::Dash => dash,
            Self::Dotted => dash || byte == b'.',
            Self::Tilde => dash || byte == b'.' || byte == b'~',
            Self::Base64 => base64,
            Self::Any => base64 || dash || byte == b'.' || byte == b'%',
            Self::Dollar => base64 || dash || byte == b'.' || byte == b'%' || byte == b'$',
        }
    }

    const ALL: [Self; ALPHABETS] = [
        Self::Digit,
        Self::Hex,
        Self::HexDash,
        Self::Upper,
        Self::UpperDash,
        Self::UpperDot,
        Self::Lower,
        Self::Alnum,
        Self::Word,
        Self::Dash,
        Self::Dotted,
        Self::Tilde,
        Self::Base64,
        Self::Any,
        Self::Dollar,
    ];

    /// Whether the byte belongs to it.
    pub(super) fn has(self, byte: u8) -> bool {
        MEMBERS
            .get(usize::from(byte))
            .is_some_and(|sets| sets >> self as u16 & 1 == 1)
    }

    /// How many bytes of `bytes` from its start belong to it.
    pub(super) fn run(self, bytes: &[u8]) -> usize {
        bytes
            .iter()
            .position(|&byte| !self.has(byte))
            .unwrap_or(bytes.len())
    }

    /// How many bytes before the end of `bytes` belong to it.
    pub(super) fn run_back(self, bytes: &[u8]) -> usize {
        bytes
            .iter()
            .rev()
            .position(|&byte| !self.has(byte))
            .unwrap_or(bytes.len())
    }
}

/// For each byte, the alphabets that hold it.
static MEMBERS: [u16; 256] = {
    let mut members = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut set = 0;
        while set < ALPHABETS {
            #[allow(
                clippy::indexing_slicing,
                reason = "evaluated while compiling: out of bounds does not compile"
            )]
            if Alphabet::ALL[set].holds(byte as u8) {
                members[byte] |= 1 << set;
            }
            set += 1;
        }
        byte += 1;
    }
    members
};

/// Bytes as a table, for what is asked of every byte of a text.
pub(super) struct Bytes([bool; 256]);

impl Bytes {
    /// Letters and digits of ASCII, and these.
    pub(super) const fn alnum_and(more: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut byte = 0;
        #[allow(
            clippy::indexing_slicing,
            reason = "evaluated while compiling: out of bounds does not compile"
        )]
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        Self(table).and(more)
    }

    /// These alone.
    pub(super) const fn of(these: &[u8]) -> Self {
        Self([false; 256]).and(these)
    }

    /// Digits of ASCII, and these.
    pub(super) const fn digits_and(more: &[u8]) -> Self {
        Self([false; 256]).and(b"0123456789").and(more)
    }

    /// Control characters of ASCII and the space, and these.
    pub(super) const fn controls_and(more: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut byte = 0;
        #[allow(
            clippy::indexing_slicing,
            reason = "evaluated while compiling: out of bounds does not compile"
        )]
        while byte <= b' ' as usize {
            table[byte] = true;
            byte += 1;
        }
        Self(table).and(more)
    }

    /// Whatever is not ASCII, beside these.
    pub(super) const fn and_foreign(mut self) -> Self {
        let mut byte = 0x80;
        #[allow(
            clippy::indexing_slicing,
            reason = "evaluated while compiling: out of bounds does not compile"
        )]
        while byte < 256 {
            self.0[byte] = true;
            byte += 1;
        }
        self
    }

    const fn and(mut self, more: &[u8]) -> Self {
        let mut at = 0;
        #[allow(
            clippy::indexing_slicing,
            reason = "evaluated while compiling: out of bounds does not compile"
        )]
        while at < more.len() {
            self.0[more[at] as usize] = true;
            at += 1;
        }
        self
    }

    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }

    /// How many bytes of `bytes` from its start are of these.
    #[inline]
    pub(super) fn run(&self, bytes: &[u8]) -> usize {
        let end = bytes.iter().position(|&byte| !self.has(byte));
        end.unwrap_or(bytes.len())
    }
}

/// The byte at a place, NUL outside of the text: so that looking around needs no bounds.
#[inline]
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Whether a token may begin at `at`: no letter or digit stands before it, unless it is the end of an escape
/// (`\n`, `%20`).
pub(super) fn walled(bytes: &[u8], at: usize) -> bool {
    let (third, second, before) = match bytes.get(..at).unwrap_or_default() {
        [.., third, second, before] => (*third, *second, *before),
        [second, before] => (0, *second, *before),
        [before] => (0, 0, *before),
        [] => return true,
    };
    !(before.is_ascii_alphanumeric() || before == b'_')
        || (second == b'\\' && matches!(before, b'n' | b'r' | b't'))
        || (third == b'%' && before.is_ascii_hexdigit() && second.is_ascii_hexdigit())
}

/// How many different bytes there are among the first 64.
pub(super) fn kinds(bytes: &[u8]) -> u32 {
    let head = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    head.iter()
        .fold(0_u128, |seen, byte| seen | 1 << (byte & 127))
        .count_ones()
}

/// Whether bytes are of as many kinds as those of a random token: no `xxxxxxxx`, no word. Looks at no more than the
/// first 64.
pub(super) fn varied(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    let (mut digit, mut upper, mut lower) = (false, false, false);
    for &byte in head {
        digit |= byte.is_ascii_digit();
        upper |= byte.is_ascii_uppercase();
        lower |= byte.is_ascii_lowercase();
    }
    let wanted = if head.len() >= 16 { 6 } else { 4 };
    kinds(head) >= wanted && (digit || (upper && lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alphabet_has_its_own_bit() {
        for (at, set) in Alphabet::ALL.into_iter().enumerate() {
            assert_eq!(set as usize, at);
            for byte in 0..=255_u8 {
                assert_eq!(set.has(byte), set.holds(byte), "{set:?} {byte}");
            }
        }
    }

    #[test]
    fn a_token_begins_where_no_word_goes_on() {
        for (text, at, wanted) in [
            ("sk-", 0, true),
            (" sk-", 1, true),
            ("ask-", 1, false),
            ("\\nsk-", 2, true),
            ("nsk-", 1, false),
            ("%20sk-", 3, true),
            ("x20sk-", 3, false),
        ] {
            assert_eq!(walled(text.as_bytes(), at), wanted, "{text}");
        }
    }
}

//! Single characters on their way to ASCII: what is invisible, what is a digit, and what looks like a letter or mark.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What becomes of a character in the detection copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Keep,
    Strip,
    To(Ascii),
}

/// The few ASCII characters that one character stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ascii {
    bytes: [u8; Ascii::MOST],
    len: u8,
}

impl Ascii {
    /// A character that stands for more than that is no disguise; it also bounds how much a text can grow.
    const MOST: usize = 8;

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(usize::from(self.len))? = byte;
        self.len += 1;
        Some(())
    }

    /// Its character where it is only one.
    #[inline]
    pub(super) fn only(&self) -> Option<char> {
        match self.bytes {
            [byte, ..] if self.len == 1 => Some(char::from(byte)),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

fn to(byte: u8) -> Fold {
    let mut ascii = Ascii::default();
    let _ = ascii.push(byte);
    Fold::To(ascii)
}

/// The fold of one character by itself. Look-alike letters are not in it: they depend on their neighbours.
pub(super) fn fold(char: char) -> Fold {
    if char.is_ascii() {
        return Fold::Keep;
    }
    // Letters of scripts without compatible forms of ASCII characters: most text in them ends here.
    if matches!(char,
        '\u{391}'..='\u{3C9}' | '\u{400}'..='\u{481}' | '\u{48A}'..='\u{52F}' | '\u{5D0}'..='\u{5EA}'
        | '\u{620}'..='\u{64A}' | '\u{904}'..='\u{939}' | '\u{E01}'..='\u{E30}' | '\u{3041}'..='\u{309F}'
        | '\u{30A1}'..='\u{30FA}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
    {
        return Fold::Keep;
    }
    if is_ignorable(char) {
        return Fold::Strip;
    }
    if let Some(byte) = mark(char).or_else(|| digit(char)) {
        return to(byte);
    }
    compatible(char)
}

/// The compatible form of a character, where it is ASCII but for accents.
fn compatible(char: char) -> Fold {
    let mut ascii = Ascii::default();
    let mut all = true;
    decompose_compatible(char, |part| {
        let byte = match part {
            _ if part.is_ascii() => u8::try_from(part).ok(),
            _ if is_ignorable(part) || is_combining_mark(part) => return,
            _ => mark(part).or_else(|| digit(part)),
        };
        all &= byte.and_then(|byte| ascii.push(byte)).is_some();
    });
    if all && ascii.len > 0 {
        Fold::To(ascii)
    } else {
        Fold::Keep
    }
}

/// Whether the character is an accent or the like, which takes nothing from the character before it.
pub(super) fn is_accent(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36F}' | '\u{20D0}'..='\u{20F0}') || is_combining_mark(char)
}

/// Characters without any appearance: format controls (category Cf), variation selectors and fillers.
pub(super) const fn is_ignorable(char: char) -> bool {
    matches!(char,
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}'
        | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Dashes, spaces, quotes and dots of other alphabets and of typesetting.
const fn mark(char: char) -> Option<u8> {
    Some(match char {
        '\u{58A}'
        | '\u{5BE}'
        | '\u{1400}'
        | '\u{1806}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2E17}'
        | '\u{2E1A}'
        | '\u{2E3A}'..='\u{2E3B}'
        | '\u{2E40}'
        | '\u{2E5D}'
        | '\u{301C}'
        | '\u{3030}'
        | '\u{30A0}'
        | '\u{FE31}'..='\u{FE32}'
        | '\u{FE58}'
        | '\u{FE63}'
        | '\u{FF0D}'
        | '\u{10EAD}' => b'-',
        '\u{A0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{3000}'
        | '\u{2800}' => b' ',
        '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        '\u{B7}' | '\u{387}' | '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22C5}' | '\u{3002}'
        | '\u{FF61}' => b'.',
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2BC}' => b'\'',
        '\u{201C}'..='\u{201F}' | '\u{2033}' | '\u{AB}' | '\u{BB}' => b'"',
        '\u{2044}' | '\u{2215}' => b'/',
        '\u{2236}' | '\u{A789}' => b':',
        _ => return None,
    })
}

/// Zeros of all scripts whose digits stand in a row (category Nd).
const ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730,
    0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1CCF0,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// Ones of digits in circles, which have no compatible form.
const ONES: &[u32] = &[0x2776, 0x2780, 0x278A];

/// The digit that a character is in any script.
fn digit(char: char) -> Option<u8> {
    let code = u32::from(char);
    let zero = ZEROS.get(ZEROS.partition_point(|&zero| zero <= code).checked_sub(1)?)?;
    if code - zero < 10 {
        return u8::try_from(code - zero).ok().map(|digit| b'0' + digit);
    }
    let one = ONES.iter().find(|&&one| code >= one && code - one < 9)?;
    u8::try_from(code - one).ok().map(|digit| b'1' + digit)
}

/// The ASCII letter that a letter of another alphabet looks like.
pub(super) const fn lookalike(char: char) -> Option<u8> {
    Some(match char {
        'а' | 'α' | 'ɑ' => b'a',
        'с' | 'ϲ' => b'c',
        'ԁ' => b'd',
        'е' | 'ε' | 'ҽ' => b'e',
        'ɡ' => b'g',
        'һ' | 'հ' => b'h',
        'і' | 'ι' | 'ı' => b'i',
        'ј' | 'ϳ' => b'j',
        'к' | 'κ' => b'k',
        'ӏ' | 'Ӏ' => b'l',
        'м' => b'm',
        'η' | 'ո' => b'n',
        'о' | 'ο' | 'օ' | 'σ' => b'o',
        'р' | 'ρ' => b'p',
        'ԛ' => b'q',
        'ѕ' => b's',
        'т' | 'τ' => b't',
        'υ' | 'ս' => b'u',
        'ν' | 'ѵ' => b'v',
        'ԝ' | 'ω' => b'w',
        'х' | 'χ' => b'x',
        'у' | 'γ' => b'y',
        _ => return capital(char),
    })
}

const fn capital(char: char) -> Option<u8> {
    Some(match char {
        'А' | 'Α' => b'A',
        'В' | 'Β' => b'B',
        'С' | 'Ϲ' => b'C',
        'Е' | 'Ε' => b'E',
        'Н' | 'Η' => b'H',
        'І' | 'Ι' => b'I',
        'Ј' => b'J',
        'К' | 'Κ' => b'K',
        'М' | 'Μ' => b'M',
        'Ν' => b'N',
        'О' | 'Ο' | 'Օ' => b'O',
        'Р' | 'Ρ' => b'P',
        'Ѕ' => b'S',
        'Т' | 'Τ' => b'T',
        'Ѵ' => b'V',
        'Ԝ' => b'W',
        'Х' | 'Χ' => b'X',
        'У' | 'Υ' => b'Y',
        'Ζ' => b'Z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(char: char) -> String {
        match fold(char) {
            Fold::Keep => char.to_string(),
            Fold::Strip => String::new(),
            Fold::To(ascii) => ascii.text().to_owned(),
        }
    }

    #[test]
    fn the_digits_of_every_script_are_digits() {
        for &zero in ZEROS {
            for digit in 0..10_u8 {
                let char = char::from_u32(zero + u32::from(digit)).unwrap();
                assert_eq!(folded(char), digit.to_string(), "{zero:x}");
            }
        }
        assert!(ZEROS.is_sorted());
        assert_eq!(folded('①'), "1");
        assert_eq!(folded('❼'), "7");
        assert_eq!(folded('９'), "9");
    }

    #[test]
    fn compatible_forms_become_ascii() {
        for (char, wanted) in [
            ('＠', "@"),
            ('Ａ', "A"),
            ('𝐩', "p"),
            ('é', "e"),
            ('Å', "A"),
            ('ﬁ', "fi"),
            ('℡', "TEL"),
            ('．', "."),
            ('。', "."),
            ('‑', "-"),
            ('–', "-"),
            ('\u{a0}', " "),
            ('\u{3000}', " "),
            ('\u{200b}', ""),
            ('\u{ad}', ""),
            ('\u{feff}', ""),
            ('\u{e0041}', ""),
            ('“', "\""),
        ] {
            assert_eq!(folded(char), wanted, "{char}");
        }
    }

    #[test]
    fn text_of_other_scripts_stays() {
        for char in "ñ密码パ한жשﷺ😀".chars().skip(1) {
            assert_eq!(fold(char), Fold::Keep, "{char}");
        }
    }

    #[test]
    fn no_character_grows_beyond_its_bound() {
        for char in '\0'..=char::MAX {
            if let Fold::To(ascii) = fold(char) {
                assert!(
                    !ascii.text().is_empty() && ascii.text().len() <= Ascii::MOST,
                    "{char:?}"
                );
                assert!(ascii.text().is_ascii(), "{char:?}");
            }
            if let Some(byte) = lookalike(char) {
                assert!(byte.is_ascii_alphabetic() && !char.is_ascii());
            }
        }
    }
}

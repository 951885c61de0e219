//! Checksums for the rivals made of patterns alone, which would call every long number a card without them.

/// What must hold of a match beside its pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    None,
    /// The last digit of a card number.
    Luhn,
    /// The remainder of an account number.
    Iban,
}

impl Check {
    /// Whether it holds.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        match self {
            Self::None => true,
            Self::Luhn => luhn(text) == 0,
            Self::Iban => iban(text) == 1,
        }
    }
}

/// The sum of a card number's digits modulo 10, every second one doubled: 0 for a valid number.
#[must_use]
pub fn luhn(text: &str) -> u32 {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit);
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => 2 * digit,
                _ => 2 * digit - 9,
            }
        })
        .sum();
    sum % 10
}

/// The remainder modulo 97 of an account number, its first four places behind the others: 1 for a valid number.
#[must_use]
pub fn iban(text: &str) -> u32 {
    let places: Vec<u32> = text.chars().filter_map(|place| place.to_digit(36)).collect();
    let turned = places.iter().skip(4).chain(places.iter().take(4));
    turned.fold(0, |rest, place| {
        let shift = if *place > 9 { 100 } else { 10 };
        (rest * shift + place) % 97
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_digit_is_found() {
        // From the standards' own examples, taken apart.
        let (card, account) = (
            ["4111 1111", " 1111 1111"].concat(),
            ["GB82 WEST 1234", " 5698 7654 32"].concat(),
        );
        assert!(Check::Luhn.holds(&card) && Check::Iban.holds(&account));
        assert!(
            !Check::Luhn.holds(&card.replacen('4', "5", 1))
                && !Check::Iban.holds(&account.replace("82", "83"))
        );
        assert!(Check::None.holds(""));
    }
}

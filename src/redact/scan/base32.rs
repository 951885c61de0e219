//! Texts in base 32: capitals and the digits 2 to 7, five bits each.

use super::alphabet::Bytes;
use crate::memory;

/// The shortest run that is decoded.
const SHORTEST: usize = 32;

/// Decodes a run that is base 32 and stands for printed ASCII; `false`, with nothing in the buffer, where it is not.
pub(super) fn decode(run: &[u8], buffer: &mut Vec<u8>) -> bool {
    static DIGITS: Bytes = Bytes::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    let run = run.trim_ascii_end();
    let padding = run.iter().rev().take(6).take_while(|byte| **byte == b'=').count();
    let digits = run.get(..run.len() - padding).unwrap_or_default();
    let is_run = digits.len() >= SHORTEST && DIGITS.run(digits) == digits.len();
    // What is no text shows it at its beginning.
    let is_text = |digits: &[u8]| bytes(digits).all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
    let is_it = is_run && digits.get(..16).is_some_and(is_text) && is_text(digits);
    if !is_it || !memory::room(buffer, digits.len()) {
        return false;
    }
    buffer.extend(bytes(digits));
    true
}

/// The bytes that the digits stand for; bits that make no byte are left out.
fn bytes(digits: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let (mut bits, mut count) = (0_u32, 0);
    digits.iter().filter_map(move |digit| {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            _ => digit.wrapping_sub(b'2').wrapping_add(26),
        };
        bits = (bits << 5 | u32::from(value)) & 0xFFF;
        count += 5;
        (count >= 8).then(|| {
            count -= 8;
            (bits >> count & 0xFF) as u8
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_says_what_it_stands_for_and_other_runs_say_nothing() {
        let mut buffer = Vec::new();
        assert!(decode(
            b"NBSWY3DPEB3W64TMMQQGC3TEEBWW64TFEBXWMIDUNBQXI===",
            &mut buffer
        ));
        assert_eq!(buffer, b"hello world and more of that");
        buffer.clear();
        for run in [
            &b"NBSWY3DPEB3W64TMMQ"[..],
            b"AVERYLONGNAMEINCAPITALSTHATISNOTEXTATALL",
            b"nbswy3dpeb3w64tmmqqgc3teebww64tfebxwmidunbqxi",
        ] {
            assert!(!decode(run, &mut buffer));
            assert!(buffer.is_empty());
        }
    }
}

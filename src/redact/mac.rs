//! HMAC-SHA-256 (RFC 2104) over a key whose two first blocks are hashed beforehand: a short message costs two blocks more,
//! and no state that was made of the key is copied into memory that would have to be wiped byte by byte each time.

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

/// A block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// What SHA-256 begins with (FIPS 180-4, 5.3.3).
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A key, as the states of SHA-256 behind its inner and its outer block.
#[derive(Clone)]
pub(super) struct MacKey {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl MacKey {
    pub(super) fn new(secret: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; BLOCK]);
        let hashed = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret)));
        let short = if secret.len() > BLOCK {
            hashed.as_slice()
        } else {
            secret
        };
        for (place, byte) in key.iter_mut().zip(short) {
            *place = *byte;
        }
        let behind = |pad: u8| {
            let block = Zeroizing::new(key.map(|byte| byte ^ pad));
            let mut state = START;
            compress256(&mut state, std::slice::from_ref(&block));
            state
        };
        Self {
            inner: behind(0x36),
            outer: behind(0x5C),
        }
    }

    /// The code of the message that the parts are together.
    pub(super) fn of(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut state = self.inner;
        let mut block = [0; BLOCK];
        let (mut filled, mut len) = (0, BLOCK);
        for part in parts {
            let mut left = *part;
            len += left.len();
            while !left.is_empty() {
                let place = block.get_mut(filled..).unwrap_or_default();
                let fits = left.len().min(place.len());
                let (head, rest) = left.split_at(fits);
                for (place, byte) in place.iter_mut().zip(head) {
                    *place = *byte;
                }
                (left, filled) = (rest, filled + fits);
                if filled == BLOCK {
                    compress256(&mut state, std::slice::from_ref(&block));
                    filled = 0;
                }
            }
        }
        close(&mut state, &mut block, filled, len);
        // The message's last block is overwritten by the outer one, and the inner state by the code.
        let inner = bytes(state);
        state = self.outer;
        for (place, byte) in block.iter_mut().zip(inner) {
            *place = byte;
        }
        close(&mut state, &mut block, inner.len(), BLOCK + inner.len());
        bytes(state)
    }
}

/// How every message of a kind begins, where a value behind it may still fit into one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beginning {
    /// Zeros behind it.
    block: [u8; BLOCK],
    len: usize,
}

impl Beginning {
    /// `None` where no value would fit.
    pub(super) fn of(parts: &[&[u8]]) -> Option<Self> {
        let mut new = Self {
            block: [0; BLOCK],
            len: 0,
        };
        for part in parts {
            let end = new.len + part.len();
            new.block.get_mut(new.len..end)?.copy_from_slice(part);
            new.len = end;
        }
        (new.len < LENGTH).then_some(new)
    }
}

/// A short message: a beginning and a value behind it, in one block.
///
/// It is filled some time before it is hashed: a processor that reads many bytes at once waits for those that were written
/// one by one a moment ago, and hashes nothing meanwhile.
pub(super) struct Short {
    block: [u8; BLOCK],
}

impl Short {
    pub(super) const EMPTY: Self = Self { block: [0; BLOCK] };

    /// Answers `false`, and takes nothing, where the value is too long.
    #[inline]
    pub(super) fn fill(&mut self, beginning: &Beginning, value: &[u8]) -> bool {
        let len = beginning.len + value.len();
        // Behind the value stand a bit and the length.
        if len >= LENGTH {
            return false;
        }
        self.block = beginning.block;
        if let Some(place) = self.block.get_mut(beginning.len..len) {
            place.copy_from_slice(value);
        }
        if let Some(place) = self.block.get_mut(len) {
            *place = 0x80;
        }
        put_len(&mut self.block, BLOCK + len);
        true
    }
}

impl MacKey {
    /// As [`Self::of`], for a short message, which is used up: two blocks, and no loop over parts.
    pub(super) fn of_short(&self, message: &mut Short) -> [u8; 32] {
        let mut state = self.inner;
        compress256(&mut state, std::slice::from_ref(&message.block));
        // The value is not needed any more; whether the compiler leaves a copy of it on the stack is up to it.
        message.block = OUTER;
        if let Some(place) = message.block.first_chunk_mut() {
            *place = bytes(state);
        }
        state = self.outer;
        compress256(&mut state, std::slice::from_ref(&message.block));
        bytes(state)
    }
}

/// The outer block behind the code that it begins with: its end, and that the message has 96 bytes.
const OUTER: [u8; BLOCK] = {
    let mut block = [0; BLOCK];
    block[32] = 0x80;
    let bits = (BLOCK as u16 + 32) * 8;
    [block[BLOCK - 2], block[BLOCK - 1]] = bits.to_be_bytes();
    block
};

/// Where the length stands in the last block.
const LENGTH: usize = BLOCK - 8;

/// Hashes the last block of a message of so many bytes, which is there but for that number.
fn end(state: &mut [u32; 8], block: &mut [u8; BLOCK], len: usize) {
    put_len(block, len);
    compress256(state, std::slice::from_ref(block));
}

/// States at the end of a message's last block how many bytes the message has.
fn put_len(block: &mut [u8; BLOCK], len: usize) {
    if let Some(place) = block.last_chunk_mut() {
        *place = (len as u64 * 8).to_be_bytes();
    }
}

impl Drop for MacKey {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// Hashes the last block, of which so many bytes are filled, of a message of so many bytes.
fn close(state: &mut [u32; 8], block: &mut [u8; BLOCK], filled: usize, len: usize) {
    let free = block.get_mut(filled..).unwrap_or_default();
    free.fill(0);
    if let Some(end) = free.first_mut() {
        *end = 0x80;
    }
    if filled >= LENGTH {
        compress256(state, std::slice::from_ref(block));
        block.fill(0);
    }
    end(state, block, len);
}

fn bytes(state: [u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;

    fn theirs(key: &[u8], message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    #[test]
    fn a_message_of_every_length_has_the_code_that_others_compute() {
        let message: Vec<u8> = (0..=255).collect();
        for len in 0..=200 {
            for key in [0, 1, 32, 63, 64, 65, 200] {
                let (key, message) = (&message[..key], &message[..len]);
                assert_eq!(MacKey::new(key).of(&[message]), theirs(key, message));
            }
        }
    }

    #[test]
    fn a_value_behind_a_beginning_has_the_code_of_both_or_is_too_long() {
        let message: Vec<u8> = (0..=255).collect();
        let key = MacKey::new(&message[..40]);
        for begins in 0..=80 {
            let Some(beginning) = Beginning::of(&[&message[..begins / 2], &message[begins / 2..begins]])
            else {
                assert!(begins >= LENGTH);
                continue;
            };
            for len in 0..80 {
                let mut short = Short::EMPTY;
                let fits = short.fill(&beginning, &message[begins..begins + len]);
                let code = fits.then(|| key.of_short(&mut short));
                let whole = (begins + len < LENGTH).then(|| theirs(&message[..40], &message[..begins + len]));
                assert_eq!(code, whole, "{begins} {len}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_message_is_cut(key: [u8; 32], parts: Vec<Vec<u8>>) {
            let whole = parts.concat();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(MacKey::new(&key).of(&parts), theirs(&key, &whole));
        }
    }
}

//! The hashes of leaves and nodes (RFC 6962 §2.1): SHA-256 behind a mark of one byte.

use sha2::block_api::compress256;

/// A SHA-256 hash: of a leaf, of a node, of a whole tree.
pub type Hash = [u8; 32];

/// What SHA-256 begins with (FIPS 180-4 §5.3.3).
const BEGIN: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// SHA-256 of a byte and what follows it. A log hashes millions of short texts, of which every second one has 65 bytes:
/// blocks are filled here, because a general hasher's buffer costs half as much again.
fn hash_behind(first: u8, rest: &[u8]) -> Hash {
    let mut state = BEGIN;
    let mut block = [0; 64];
    let (head, rest_of_block) = block.split_at_mut(1);
    head.fill(first);
    let begun = rest.len().min(63);
    let (begin, rest_of_text) = rest.split_at(begun);
    for (slot, byte) in rest_of_block.iter_mut().zip(begin) {
        *slot = *byte;
    }
    let bits = (rest.len() as u64 + 1) * 8;
    if begun < 63 {
        return finish(&mut state, block, begun + 1, bits);
    }
    compress256(&mut state, &[block]);
    let (blocks, tail) = rest_of_text.as_chunks::<64>();
    compress256(&mut state, blocks);
    let mut block = [0; 64];
    for (slot, byte) in block.iter_mut().zip(tail) {
        *slot = *byte;
    }
    finish(&mut state, block, tail.len(), bits)
}

/// The last block, of which `used` bytes are text and the others zero, with its padding.
fn finish(state: &mut [u32; 8], mut block: [u8; 64], used: usize, bits: u64) -> Hash {
    if let Some(slot) = block.get_mut(used) {
        *slot = 0x80;
    }
    if used >= 56 {
        compress256(state, &[block]);
        block = [0; 64];
    }
    if let Some(length) = block.last_chunk_mut::<8>() {
        *length = bits.to_be_bytes();
    }
    compress256(state, &[block]);
    let mut hash = Hash::default();
    let (words, _) = hash.as_chunks_mut::<4>();
    for (slot, word) in words.iter_mut().zip(state.iter()) {
        *slot = word.to_be_bytes();
    }
    hash
}

/// The hash of a leaf: SHA-256 of a zero byte and the line, without its newline.
#[must_use]
pub fn leaf_hash(line: &[u8]) -> Hash {
    hash_behind(0, line)
}

/// The hash of a node: SHA-256 of a one byte and the hashes below it.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut both = [0; 64];
    let (first, second) = both.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    hash_behind(1, &both)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn hashes_are_sha_256_of_the_mark_and_the_text_at_every_length() {
        let text: Vec<u8> = (0..700_u32).map(|n| (n * 31 % 251) as u8).collect();
        for len in 0..text.len() {
            let whole = [&[0], &text[..len]].concat();
            assert_eq!(
                leaf_hash(&text[..len]),
                Hash::from(Sha256::digest(whole)),
                "{len}"
            );
        }
        let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
        let whole = [&[1], left.as_slice(), right.as_slice()].concat();
        assert_eq!(node_hash(&left, &right), Hash::from(Sha256::digest(whole)));
    }
}

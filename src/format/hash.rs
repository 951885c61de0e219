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

/// The mark of a leaf, and that of a node.
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// Where the length stands in the last block.
const LENGTH: usize = 56;

/// The hash of a leaf: SHA-256 of a zero byte and the line, without its newline.
///
/// A log hashes millions of short texts: blocks are filled here, because a general hasher's buffer costs half as much again,
/// and all but the first and the last are taken from the line where it stands, in one call.
#[must_use]
pub fn leaf_hash(line: &[u8]) -> Hash {
    let bits = (line.len() as u64 + 1) * 8;
    let mut state = BEGIN;
    let mut block = [0; 64];
    let Some((begin, rest)) = line.split_first_chunk::<63>() else {
        fill(&mut block, 1, line);
        return finish(state, block, line.len() + 1, bits);
    };
    if let Some((mark, room)) = block.split_first_mut() {
        *mark = LEAF;
        room.copy_from_slice(begin);
    }
    compress256(&mut state, &[block]);
    let (blocks, tail) = rest.as_chunks::<64>();
    compress256(&mut state, blocks);
    let mut block = [0; 64];
    fill(&mut block, 0, tail);
    finish(state, block, tail.len(), bits)
}

/// Puts a text that has room there into a block.
fn fill(block: &mut [u8; 64], at: usize, text: &[u8]) {
    if let Some(room) = block.get_mut(at..at + text.len()) {
        room.copy_from_slice(text);
    }
}

/// The last block, of which `used` bytes are text and the others zero, with its padding.
fn finish(mut state: [u32; 8], mut block: [u8; 64], used: usize, bits: u64) -> Hash {
    fill(&mut block, used, &[0x80]);
    if used >= LENGTH {
        compress256(&mut state, &[block]);
        block = [0; 64];
    }
    fill(&mut block, LENGTH, &bits.to_be_bytes());
    compress256(&mut state, &[block]);
    bytes_of(&state)
}

fn bytes_of(state: &[u32; 8]) -> Hash {
    let mut hash = Hash::default();
    let (words, _) = hash.as_chunks_mut::<4>();
    for (slot, word) in words.iter_mut().zip(state) {
        *slot = word.to_be_bytes();
    }
    hash
}

/// The hash of a node: SHA-256 of a one byte and the hashes below it.
///
/// Every second text of a log is one of these 65 bytes, so both of its blocks are laid out at once: the second holds the last
/// byte, the end mark and the length.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut text = [0; 128];
    text[0] = NODE;
    text[1..33].copy_from_slice(left);
    text[33..65].copy_from_slice(right);
    text[65] = 0x80;
    text[120..].copy_from_slice(&(65_u64 * 8).to_be_bytes());
    let mut state = BEGIN;
    compress256(&mut state, text.as_chunks::<64>().0);
    bytes_of(&state)
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

//! The hashes of leaves and nodes (RFC 6962 §2.1): SHA-256 behind a mark of one byte.

use std::sync::LazyLock;

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

/// So many texts are hashed together: what a processor can work on at once, a few times over.
const GROUP: usize = 64;

/// The hashes of lines, each ended by a newline, in their order. A rest without a newline is left out.
///
/// SHA-256 is a chain, and a processor spends most of a hash waiting for its last step: several lines at a time take half as
/// long as one behind the other.
pub(crate) fn leaf_hashes(lines: &[u8], hashes: &mut Vec<Hash>) {
    hashes.clear();
    let mut group = [[].as_slice(); GROUP];
    let (mut used, mut start) = (0, 0);
    for end in memchr::memchr_iter(b'\n', lines) {
        if let (Some(slot), Some(line)) = (group.get_mut(used), lines.get(start..end)) {
            *slot = line;
            used += 1;
        }
        start = end + 1;
        if used == GROUP {
            leaves_of(&group, hashes);
            used = 0;
        }
    }
    leaves_of(group.get(..used).unwrap_or_default(), hashes);
}

fn leaves_of(lines: &[&[u8]], hashes: &mut Vec<Hash>) {
    let from = hashes.len();
    hashes.resize(from + lines.len(), Hash::default());
    let room = hashes.get_mut(from..).unwrap_or_default();
    if !together(LEAF, lines, room) {
        for (slot, line) in room.iter_mut().zip(lines) {
            *slot = leaf_hash(line);
        }
    }
}

/// The row above a row of hashes: the hash of each two of them, written over its first half. An odd last one is left out.
pub(crate) fn fold_row(row: &mut [Hash]) {
    let mut above = [Hash::default(); GROUP];
    for from in (0..row.len() / 2).step_by(GROUP) {
        let pairs = row.get(2 * from..).unwrap_or_default().as_chunks::<2>().0;
        let mut texts = [[].as_slice(); GROUP];
        let used = pairs.len().min(GROUP);
        for (slot, pair) in texts.iter_mut().zip(pairs) {
            *slot = pair.as_flattened();
        }
        let (texts, room) = (texts.get(..used), above.get_mut(..used));
        let (texts, room) = (texts.unwrap_or_default(), room.unwrap_or_default());
        if !together(NODE, texts, room) {
            for (slot, [left, right]) in room.iter_mut().zip(pairs) {
                *slot = node_hash(left, right);
            }
        }
        if let Some(slots) = row.get_mut(from..from + used) {
            slots.copy_from_slice(room);
        }
    }
}

/// Fewer texts are not worth the lanes.
const LEAST: usize = 4;

/// The hashes of a mark and each text, all at a time; `false` where one by one is better.
fn together(mark: u8, texts: &[&[u8]], hashes: &mut [Hash]) -> bool {
    let is_worth = texts.len() >= LEAST && texts.len() == hashes.len() && *TOGETHER;
    if is_worth {
        tape_sha256::hash_many_prefixed(&[mark], texts, hashes);
    }
    is_worth
}

/// Whether hashing together gives the same hashes on this processor, found out once: which instructions do it is chosen
/// while the program runs, and a trail with wrong hashes could not be mended.
pub(super) static TOGETHER: LazyLock<bool> = LazyLock::new(|| {
    let text: [u8; 200] = std::array::from_fn(|at| (at * 31 % 251) as u8);
    // Ends in each part of a block, with equal lengths side by side and without; groups that fill the lanes and not.
    let texts: [&[u8]; 180] = std::array::from_fn(|at| text.get(..at / 2 + at % 3 * 50).unwrap_or_default());
    let wanted = texts.map(leaf_hash);
    [180, 16, 15, 7].into_iter().all(|count| {
        let mut found = [Hash::default(); 180];
        let (Some(texts), Some(room)) = (texts.get(180 - count..), found.get_mut(180 - count..)) else {
            return false;
        };
        tape_sha256::hash_many_prefixed(&[LEAF], texts, room);
        wanted.get(180 - count..).is_some_and(|wanted| wanted == room)
    })
});

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn many_lines_have_the_hashes_that_each_has_alone_whatever_their_lengths_and_their_number() {
        assert!(*TOGETHER);
        for count in (0..70).chain([127, 128, 129, 1_000]) {
            let lines: Vec<Vec<u8>> = (0..count)
                .map(|n: usize| vec![(n % 251) as u8 | 0x80; n * 37 % 701])
                .collect();
            let wanted: Vec<Hash> = lines
                .iter()
                .map(|line| Sha256::digest([&[0], line.as_slice()].concat()).into())
                .collect();
            let mut text = lines.iter().fold(Vec::new(), |mut text, line| {
                text.extend_from_slice(line);
                text.push(b'\n');
                text
            });
            text.extend_from_slice(b"torn");
            let mut hashes = vec![Hash::default(); 3];
            leaf_hashes(&text, &mut hashes);
            assert!(hashes == wanted, "{count}");
        }
    }

    #[test]
    fn a_row_is_folded_as_its_pairs_are() {
        for len in 0..=256_usize {
            let mut row: Vec<Hash> = (0..len).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let wanted: Vec<Hash> = row
                .chunks_exact(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
            fold_row(&mut row);
            assert!(row[..len / 2] == wanted, "{len}");
        }
    }

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

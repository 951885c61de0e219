//! The parts of a run between marks that may not belong to it, found without guessing at each byte.

/// The shortest run, or part of one, that is decoded, in bytes.
pub(super) const SHORTEST: usize = 24;

/// Calls `part` with where each part behind a mark begins and ends that is long enough.
pub(super) fn behind_marks(run: &[u8], mut part: impl FnMut(usize, usize)) {
    let Some(first) = next_mark(run, 0) else {
        return;
    };
    let mut from = first + 1;
    while let Some(window) = run.get(from..).and_then(<[u8]>::first_chunk) {
        // Behind the last mark of as many bytes as the shortest part has, the next one that may be long enough begins.
        let marks = marks(window);
        if marks != 0 {
            from += marks.ilog2() as usize + 1;
            continue;
        }
        let to = next_mark(run, from + SHORTEST).unwrap_or(run.len());
        part(from, to);
        from = to + 1;
    }
}

/// The next byte from `from` on that is none of base64's letters and digits.
fn next_mark(run: &[u8], from: usize) -> Option<usize> {
    let (blocks, rest) = run.get(from..)?.as_chunks::<8>();
    let within = |(number, block): (usize, &[u8; 8])| {
        let marks = marks_of(*block);
        (marks != 0).then(|| from + number * 8 + marks.trailing_zeros() as usize)
    };
    let found = blocks.iter().enumerate().find_map(within);
    found.or_else(|| {
        let at = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'-' | b'_' | b'+'))?;
        Some(from + blocks.len() * 8 + at)
    })
}

/// A bit for each byte of a run that is `+`, `-`, `/` or `_`, the first one's lowest.
fn marks(window: &[u8; SHORTEST]) -> u32 {
    let (blocks, _) = window.as_chunks();
    let next = |marks, block: &[u8; 8]| marks >> 8 | marks_of(*block) << (SHORTEST - 8);
    blocks.iter().fold(0, next)
}

/// As [`marks`], without a branch: random bytes would have every one guessed wrong.
#[inline]
const fn marks_of(block: [u8; 8]) -> u32 {
    const ONES: u64 = u64::MAX / 255;
    const LOW: u64 = ONES * 0x7F;
    let bytes = u64::from_le_bytes(block);
    // Of a run's bytes only `+`, `-` and `/` are among these eight.
    let signs = (bytes & (ONES * 0xF8)) ^ (ONES * 0x28);
    let lines = bytes ^ (ONES * b'_' as u64);
    let others = (((signs & LOW) + LOW) | signs) & (((lines & LOW) + LOW) | lines);
    let marks = !(others | LOW) >> 7;
    (marks.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

#[cfg(test)]
mod tests {
    use super::super::encoded::CODED;
    use super::*;

    #[test]
    fn each_mark_of_a_run_has_its_bit_and_nothing_else_has() {
        let coded: Vec<u8> = (0..128)
            .filter(|byte| CODED.has(*byte) || *byte == b'=')
            .collect();
        for at in 0..coded.len() {
            let window: [u8; SHORTEST] = std::array::from_fn(|place| coded[(at + 7 * place) % coded.len()]);
            for place in 0..32 {
                let is_mark = window.get(place).is_some_and(|byte| b"+-/_".contains(byte));
                assert_eq!(marks(&window) >> place & 1 == 1, is_mark, "{at} {place}");
            }
            let first = window.iter().position(|byte| b"+-/_".contains(byte));
            for len in 0..=SHORTEST {
                assert_eq!(next_mark(&window[..len], 0), first.filter(|first| *first < len));
            }
        }
    }
}

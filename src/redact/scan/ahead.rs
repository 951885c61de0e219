//! Where something stands next in a text, for questions of many places that are answered by the same one.

/// What was looked for last, and how far.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    from: usize,
    /// From the one place to before the other none begins.
    to: usize,
    /// Whether one begins at the latter.
    is_there: bool,
}

impl Ahead {
    /// Where the first begins of those that stand between `at` and `end`. Each is `width` bytes long, and `find` says where
    /// the first of a text begins.
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        (at, end): (usize, usize),
        width: usize,
        find: impl FnOnce(&[u8]) -> Option<usize>,
    ) -> Option<usize> {
        if !(self.from..=self.to).contains(&at) {
            (self.from, self.to, self.is_there) = (at, at, false);
        }
        if !self.is_there && self.to + width <= end {
            let found = find(bytes.get(self.to..end).unwrap_or_default());
            self.is_there = found.is_some();
            self.to = found.map_or(end + 1 - width, |found| self.to + found);
        }
        (self.is_there && self.to + width <= end).then_some(self.to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bytes::find;
    use super::*;

    proptest! {
        #[test]
        fn the_next_one_is_where_it_is_whatever_was_looked_for_before(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", ":", ":8", ":80", "::80", "0", "xxxxxxxxxxxxxxxxxxxxxxxxx"]),
                0..60,
            ),
            asked in prop::collection::vec((0..300_usize, 0..200_usize), 1..40),
        ) {
            let text = pieces.concat();
            let bytes = text.as_bytes();
            let (mut colon, mut port) = (Ahead::default(), Ahead::default());
            let mut at = 0;
            for (step, len) in asked {
                at = (at + step) % (bytes.len() + 1);
                let end = bytes.len().min(at + len);
                let wanted = |part: &[u8]| find(&bytes[at..end], part).map(|found| at + found);
                let told = colon.next(bytes, (at, end), 1, |text| find(text, b":"));
                prop_assert_eq!(told, wanted(b":"), "{}..{} of {}", at, end, text);
                let told = port.next(bytes, (at, end), 3, |text| find(text, b":80"));
                prop_assert_eq!(told, wanted(b":80"), "{}..{} of {}", at, end, text);
            }
        }
    }
}

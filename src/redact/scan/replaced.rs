//! What was replaced in a copy of a text, and the way back: runs of neighbours that were replaced alike are one entry.

use crate::memory;

/// Replacements in order. Between two of them both texts are the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Replaced {
    runs: Vec<Run>,
}

/// Neighbours of which so many bytes of the original became so many of the copy, each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    original: (usize, usize),
    folded: (usize, usize),
    was: u32,
    is: u32,
}

impl Replaced {
    pub(super) fn clear(&mut self) {
        self.runs.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Notes that these bytes of the original became those of the copy.
    #[inline]
    pub(super) fn note(&mut self, original: (usize, usize), folded: (usize, usize)) {
        let len = |(start, end): (usize, usize)| u32::try_from(end - start).unwrap_or(u32::MAX);
        self.note_each(original, folded, (len(original), len(folded)));
    }

    /// As [`Self::note`], of neighbours of which so many bytes became so many, each.
    #[inline]
    pub(super) fn note_each(
        &mut self,
        original: (usize, usize),
        folded: (usize, usize),
        (was, is): (u32, u32),
    ) {
        if let Some(last) = self.runs.last_mut()
            && last.original.1 == original.0
            && last.folded.1 == folded.0
            && last.is == is
            && (last.was == was || is == 0)
        {
            (last.original.1, last.folded.1) = (original.1, folded.1);
            return;
        }
        let run = Run {
            original,
            folded,
            was,
            is,
        };
        memory::push(&mut self.runs, run);
    }

    /// The way back to the original.
    pub(super) fn back(&self) -> Back<'_> {
        Back {
            runs: &self.runs,
            next: 0,
        }
    }
}

/// The way back from a copy. Who asks goes through the copy mostly from its start, so the runs near the last one that was
/// asked about come first.
#[derive(Debug)]
pub(super) struct Back<'r> {
    runs: &'r [Run],
    /// The run behind that of the last place.
    next: usize,
}

impl Back<'_> {
    /// The span of the original that covers this span of the copy: whatever was replaced is covered whole.
    pub(super) fn origin(&mut self, start: usize, end: usize) -> (usize, usize) {
        let first = match self.run_at(start) {
            Some(run) if start < run.folded.1 => run.piece(start).0,
            Some(run) => run.original.1 + (start - run.folded.1),
            None => start,
        };
        if end <= start {
            return (first, first);
        }
        let last = match self.run_at(end - 1) {
            Some(run) if end <= run.folded.1 => run.piece(end - 1).1,
            Some(run) => run.original.1 + (end - run.folded.1),
            None => end,
        };
        (first, last)
    }

    /// The last run that begins at or before this place of the copy.
    fn run_at(&mut self, place: usize) -> Option<&Run> {
        /// How many runs are gone over one by one.
        const NEAR: usize = 4;
        let begins = |run: Option<&Run>| run.is_some_and(|run| run.folded.0 <= place);
        let mut next = self.next;
        let is_behind = next.checked_sub(1).is_none_or(|last| begins(self.runs.get(last)));
        let most = next + NEAR;
        while is_behind && next < most && begins(self.runs.get(next)) {
            next += 1;
        }
        if !is_behind || next == most {
            next = self.runs.partition_point(|run| run.folded.0 <= place);
        }
        self.next = next;
        self.runs.get(next.checked_sub(1)?)
    }
}

impl Run {
    /// The bytes of the original that became those around this place of the copy, which lies in the run.
    fn piece(&self, place: usize) -> (usize, usize) {
        let (was, is) = (self.was as usize, self.is as usize);
        let number = (place - self.folded.0).checked_div(is).unwrap_or(0);
        let start = self.original.0 + number * was;
        (start, (start + was).min(self.original.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_were_replaced_alike_lead_back_one_by_one() {
        let mut replaced = Replaced::default();
        for at in 0..4 {
            replaced.note((3 * at, 3 * at + 3), (at, at + 1));
        }
        assert_eq!(replaced.runs.len(), 1);
        assert_eq!(replaced.back().origin(0, 1), (0, 3));
        assert_eq!(replaced.back().origin(1, 3), (3, 9));
        assert_eq!(replaced.back().origin(3, 6), (9, 14));
        assert_eq!(replaced.back().origin(2, 2), (6, 6));
    }

    #[test]
    fn the_way_back_is_the_same_whichever_place_was_asked_about_before() {
        let mut replaced = Replaced::default();
        for at in 0..40 {
            replaced.note((5 * at, 5 * at + 3), (3 * at, 3 * at + 1));
        }
        let mut back = replaced.back();
        for step in [1, 2, 7, 50, 101] {
            for start in (0..600).map(|at| at * step % 120) {
                for end in [start + 1, start + 20] {
                    let afresh = replaced.back().origin(start, end);
                    assert_eq!(back.origin(start, end), afresh, "{start}..{end}");
                }
            }
        }
    }

    #[test]
    fn what_vanished_is_covered_by_no_neighbour() {
        let mut replaced = Replaced::default();
        replaced.note((1, 4), (1, 1));
        replaced.note((4, 9), (1, 1));
        replaced.note((9, 12), (1, 2));
        assert_eq!(replaced.runs.len(), 2);
        assert_eq!(replaced.back().origin(0, 1), (0, 1));
        assert_eq!(replaced.back().origin(1, 2), (9, 12));
    }
}

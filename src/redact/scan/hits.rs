//! What detectors say of a text: which bytes must not stay, and by which rule.

use std::cmp::Ordering;
use std::ops::Range;

use crate::memory;

/// What kind of thing a rule finds; the policy maps it to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    /// Passwords, tokens, keys: always replaced.
    Secret,
    /// Payment cards and bank accounts.
    Financial,
    /// E-mail addresses, telephone and government numbers.
    Personal,
    /// IP and hardware addresses.
    Network,
}

/// Bytes of the scanned text that a rule claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The rule's id, as remarks and counters state it: `token.github`, `kv.secret`, `pan`, `ip` …
    pub(crate) rule: &'static str,
    pub(crate) sort: Sort,
}

/// The hits of one text. Detectors push in any order; overlaps are settled once, before anything is cut.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    list: Vec<Hit>,
    /// Memory to merge in, used again.
    spare: Vec<Hit>,
    /// Hits that may be pushed again, and where that was left out.
    known: Vec<Hit>,
    again: Vec<Again>,
}

/// Known hits that would stand in the list once more.
#[derive(Debug)]
struct Again {
    /// Before which of the list.
    at: usize,
    known: Range<usize>,
}

/// How many rows of hits that stand in order are merged.
const ROWS: usize = 8;

impl Hits {
    pub(crate) fn push(&mut self, start: usize, end: usize, rule: &'static str, sort: Sort) {
        if start < end {
            let hit = Hit {
                start,
                end,
                rule,
                sort,
            };
            memory::push(&mut self.list, hit);
        }
    }

    /// As [`Self::push`], of one that may be pushed again: its number among these.
    pub(super) fn push_known(&mut self, place: &Range<usize>, rule: &'static str, sort: Sort) -> usize {
        let (start, end) = (place.start, place.end);
        self.push(start, end, rule, sort);
        let hit = Hit {
            start,
            end,
            rule,
            sort,
        };
        memory::push(&mut self.known, hit);
        self.known.len() - 1
    }

    /// Pushes known hits again. Nothing more is cut by it, and a text may do it very often: so it is only noted.
    pub(super) fn push_again(&mut self, known: Range<usize>) {
        if !known.is_empty() {
            let at = self.list.len();
            memory::push(&mut self.again, Again { at, known });
        }
    }

    /// Pushes what was found in a copy of the text, of which `origin` says where it stands in the text itself.
    pub(super) fn push_all(&mut self, copy: &Self, mut origin: impl FnMut(usize, usize) -> (usize, usize)) {
        let base = self.list.len();
        for hit in &copy.list {
            let (start, end) = origin(hit.start, hit.end);
            self.push(start, end, hit.rule, hit.sort);
        }
        if copy.again.is_empty() {
            return;
        }
        let first = self.known.len();
        for hit in &copy.known {
            let (start, end) = origin(hit.start, hit.end);
            memory::push(&mut self.known, Hit { start, end, ..*hit });
        }
        for again in &copy.again {
            let (at, known) = (base + again.at, &again.known);
            let known = first + known.start..first + known.end;
            memory::push(&mut self.again, Again { at, known });
        }
    }

    /// Brings in what was pushed again, where that can say something: of two rules that claim the same bytes, which one is
    /// named depends on how many hits there are.
    pub(super) fn complete(&mut self) {
        if !self.again.is_empty() && self.has_ties() {
            self.put_again();
        }
        self.again.clear();
        self.known.clear();
    }

    pub(super) fn put_again(&mut self) {
        self.spare.clear();
        let mut from = 0;
        for again in &self.again {
            let before = self.list.get(from..again.at).unwrap_or_default();
            let known = self.known.get(again.known.clone()).unwrap_or_default();
            let is_one = |hit: &&Hit| hit.start < hit.end;
            for hit in before.iter().chain(known.iter().filter(is_one)) {
                memory::push(&mut self.spare, *hit);
            }
            from = again.at;
        }
        for hit in self.list.get(from..).unwrap_or_default() {
            memory::push(&mut self.spare, *hit);
        }
        std::mem::swap(&mut self.list, &mut self.spare);
    }

    /// Whether two rules claim the same bytes, and neither is the first.
    fn has_ties(&mut self) -> bool {
        self.spare.clear();
        for hit in &self.list {
            memory::push(&mut self.spare, *hit);
        }
        self.spare.sort_unstable_by(Hit::order);
        let mut pairs = self.spare.windows(2);
        pairs.any(|pair| matches!(pair, [this, that] if this.order(that).is_eq() && this != that))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.again.clear();
        self.known.clear();
    }

    pub(crate) fn list(&self) -> &[Hit] {
        &self.list
    }

    /// Leaves what lies in the first `end` bytes.
    pub(crate) fn clip(&mut self, end: usize) {
        self.list.retain(|hit| hit.start < end);
        self.list.iter_mut().for_each(|hit| hit.end = hit.end.min(end));
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Hit) -> bool) {
        self.list.retain(keep);
    }

    /// Leaves of settled hits what lies before `end`.
    pub(crate) fn end_at(&mut self, end: usize) {
        self.list.retain(|hit| hit.start < end);
        if let Some(last) = self.list.last_mut() {
            last.end = last.end.min(end);
        }
    }

    /// Drops what is an e-mail address only because a URL's userinfo stands before its host: `p@host.example`.
    pub(crate) fn drop_hosts(&mut self) {
        const USERINFO: &str = "url.userinfo";
        let first = self.list.iter().position(|hit| hit.rule == USERINFO);
        let Some(first) = first else { return };
        if !self.list.iter().any(|hit| hit.sort == Sort::Personal) {
            return;
        }
        let mut userinfo: Vec<(usize, usize)> = Vec::new();
        self.list
            .iter()
            .skip(first)
            .filter(|hit| hit.rule == USERINFO)
            .for_each(|hit| memory::push(&mut userinfo, (hit.start, hit.end)));
        userinfo.sort_unstable();
        self.list.retain(|hit| {
            hit.sort != Sort::Personal || {
                let at = userinfo.partition_point(|&(start, _)| start <= hit.start);
                let within = at.checked_sub(1).and_then(|at| userinfo.get(at));
                !within.is_some_and(|&(_, end)| hit.start <= end && hit.end > end)
            }
        });
    }

    /// Sorts the hits and merges those that overlap: the union is cut once, under the rule of the gravest sort and,
    /// among equals, of the longest.
    pub(crate) fn settle(&mut self) {
        self.complete();
        self.sort();
        // Those that are settled stand in front; there are never more of them than were looked at.
        let mut settled = 0;
        for at in 0..self.list.len() {
            let Some(&hit) = self.list.get(at) else { break };
            let last = self
                .list
                .get_mut(..settled)
                .and_then(|settled| settled.last_mut());
            match last.filter(|last| hit.start < last.end) {
                Some(last) => {
                    let graver = hit.sort.gravity() > last.sort.gravity();
                    let longer = hit.sort == last.sort && hit.end - hit.start > last.end - last.start;
                    if graver || longer {
                        (last.rule, last.sort) = (hit.rule, hit.sort);
                    }
                    last.end = last.end.max(hit.end);
                }
                None => {
                    if let Some(place) = self.list.get_mut(settled) {
                        *place = hit;
                    }
                    settled += 1;
                }
            }
        }
        self.list.truncate(settled);
    }
}

impl Hits {
    /// Brings the hits in order. Each detector goes through the text from its start, so they mostly come as a few rows that
    /// stand in order already.
    fn sort(&mut self) {
        if !self.merge() {
            self.list.sort_unstable_by(Hit::order);
        }
    }

    /// Merges the rows; `false`, and nothing is changed, where there are too many of them, no memory, or hits of which
    /// neither is the first though two rules have them.
    fn merge(&mut self) -> bool {
        // Where each row is read on, and where it ends.
        let mut rows = [(0, 0); ROWS];
        let mut count = 0;
        let mut from = 0;
        for (at, pair) in self.list.windows(2).enumerate() {
            if matches!(pair, [this, that] if this.order(that).is_gt()) {
                let Some(row) = rows.get_mut(count) else {
                    return false;
                };
                (*row, from, count) = ((from, at + 1), at + 1, count + 1);
            }
        }
        if count == 0 {
            return true;
        }
        let Some(row) = rows.get_mut(count) else {
            return false;
        };
        *row = (from, self.list.len());
        self.spare.clear();
        if self.spare.try_reserve(self.list.len()).is_err() {
            return false;
        }
        let rows = rows.get_mut(..=count).unwrap_or_default();
        while let Some(next) = first(&self.list, rows) {
            let last = self.spare.last();
            let same = last.filter(|last| last.start == next.start && last.order(&next).is_eq());
            if same.is_some_and(|last| *last != next) {
                return false;
            }
            self.spare.push(next);
        }
        std::mem::swap(&mut self.list, &mut self.spare);
        true
    }
}

/// Takes the first of the hits at which rows are read on.
fn first(list: &[Hit], rows: &mut [(usize, usize)]) -> Option<Hit> {
    let mut best: Option<(&mut usize, &Hit)> = None;
    for (at, end) in rows {
        let Some(hit) = list.get(*at).filter(|_| at < end) else {
            continue;
        };
        if best.as_ref().is_none_or(|(_, best)| hit.order(best).is_lt()) {
            best = Some((at, hit));
        }
    }
    let (at, hit) = best?;
    *at += 1;
    Some(*hit)
}

impl Hit {
    /// Which stands first, and of two that claim the same bytes, which knows their shape and names them.
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        let by_name = |rule: &str| rule.starts_with("kv.") || rule.starts_with("name.");
        match self.start.cmp(&other.start).then(self.end.cmp(&other.end)) {
            Ordering::Equal => by_name(self.rule).cmp(&by_name(other.rule)),
            order => order,
        }
    }
}

impl Sort {
    /// The sort as remarks state it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Financial => "financial",
            Self::Personal => "personal",
            Self::Network => "network",
        }
    }

    const fn gravity(self) -> u8 {
        match self {
            Self::Secret => 3,
            Self::Financial => 2,
            Self::Personal => 1,
            Self::Network => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overlapping_hits_are_cut_once_under_the_gravest_rule() {
        let mut hits = Hits::default();
        hits.push(10, 20, "email", Sort::Personal);
        hits.push(5, 12, "kv.secret", Sort::Secret);
        hits.push(30, 31, "ip", Sort::Network);
        hits.settle();
        let settled: Vec<_> = hits
            .list()
            .iter()
            .map(|hit| (hit.start, hit.end, hit.rule))
            .collect();
        assert_eq!(settled, [(5, 20, "kv.secret"), (30, 31, "ip")]);
    }

    proptest! {
        #[test]
        fn rows_that_stand_in_order_are_merged_as_they_would_be_sorted(
            rows in prop::collection::vec(
                prop::collection::vec((0..40_usize, 1..4_usize, 0..4_usize), 0..30).prop_map(|mut row| {
                    row.sort_unstable();
                    row
                }),
                0..12,
            ),
            same in any::<bool>(),
        ) {
            const RULES: [&str; 4] = ["kv.secret", "token.x", "url.userinfo", "name.secret"];
            let mut hits = Hits::default();
            for (start, len, rule) in rows.concat() {
                hits.push(start, start + len, RULES[if same { 0 } else { rule }], Sort::Secret);
            }
            let mut sorted = hits.list.clone();
            sorted.sort_unstable_by(Hit::order);
            hits.sort();
            prop_assert_eq!(hits.list, sorted);
        }
    }

    proptest! {
        #[test]
        fn what_is_only_noted_to_be_pushed_again_is_settled_as_if_it_were(
            known in prop::collection::vec((0..60_usize, 0..5_usize), 1..30),
            others in prop::collection::vec((0..60_usize, 1..5_usize, any::<bool>(), 0..30_usize, 0..30_usize), 0..40),
        ) {
            let (mut noted, mut pushed) = (Hits::default(), Hits::default());
            for (start, len) in &known {
                noted.push_known(&(*start..start + len), "header.parameter", Sort::Secret);
                pushed.push(*start, start + len, "header.parameter", Sort::Secret);
            }
            for (start, len, is_token, from, to) in others {
                let rule = if is_token { "token.x" } else { "kv.secret" };
                noted.push(start, start + len, rule, Sort::Secret);
                pushed.push(start, start + len, rule, Sort::Secret);
                let again = from.min(known.len())..to.min(known.len());
                for (start, len) in known.get(again.clone()).unwrap_or_default() {
                    pushed.push(*start, start + len, "header.parameter", Sort::Secret);
                }
                noted.push_again(again);
            }
            noted.settle();
            pushed.settle();
            prop_assert_eq!(noted.list, pushed.list);
        }
    }

    #[test]
    fn hits_that_only_touch_stay_two() {
        let mut hits = Hits::default();
        hits.push(0, 5, "a", Sort::Secret);
        hits.push(5, 9, "b", Sort::Secret);
        hits.push(3, 3, "empty", Sort::Secret);
        hits.settle();
        assert_eq!(hits.list().len(), 2);
    }
}

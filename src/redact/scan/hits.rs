//! What detectors say of a text: which bytes must not stay, and by which rule.

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
}

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

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
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
        // Of two that claim the same bytes, the one that knows their shape names them.
        let by_name = |rule: &str| rule.starts_with("kv.") || rule.starts_with("name.");
        self.list.sort_unstable_by(|this, that| {
            let places = (this.start, this.end).cmp(&(that.start, that.end));
            places.then_with(|| by_name(this.rule).cmp(&by_name(that.rule)))
        });
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

//! Groups of digits with a mark between them: the raw form of cards, telephone numbers, addresses and dates.

use super::bytes::at;

/// How many groups are taken at once.
const MOST: usize = 24;

/// Digits in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Group {
    pub(super) const fn len(self) -> usize {
        self.end - self.start
    }
}

/// Neighbouring groups, each but the first behind a space, dash, dot or low line.
pub(super) struct Cluster {
    groups: [Group; MOST],
    count: usize,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            groups: [Group::default(); MOST],
            count: 0,
        }
    }
}

impl Cluster {
    /// The groups from the digit at `start` on.
    pub(super) fn at(bytes: &[u8], start: usize) -> Self {
        let mut cluster = Self::default();
        cluster.read(bytes, start);
        cluster
    }

    /// Takes the groups from the digit at `start` on in the place of those that it has.
    pub(super) fn read(&mut self, bytes: &[u8], start: usize) {
        let mut count = 0;
        let mut from = start;
        for place in &mut self.groups {
            let mut end = from;
            while at(bytes, end).is_ascii_digit() {
                end += 1;
            }
            *place = Group { start: from, end };
            count += 1;
            let joint = joint(bytes, end);
            if joint == 0 {
                break;
            }
            from = end + joint;
        }
        self.count = count;
    }

    pub(super) fn groups(&self) -> &[Group] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    /// Where to look on: behind the groups, or at the last of them where there may be more.
    pub(super) fn resume(&self) -> usize {
        let last = self.groups().last().copied().unwrap_or_default();
        if self.count == MOST {
            // The groups of a value that begins among the last ones are seen whole the next time.
            return self.groups().get(MOST - 8).map_or(last.end, |group| group.start);
        }
        last.end
    }

    /// How many groups can begin a value: those after which `resume` does not look again.
    pub(super) fn firsts(&self) -> usize {
        if self.count == MOST { MOST - 8 } else { self.count }
    }
}

/// The length of what may stand between two groups, where a digit follows: one mark, two spaces, a dash in spaces.
#[inline]
pub(super) fn joint(bytes: &[u8], end: usize) -> usize {
    let next = at(bytes, end + 1);
    let len = match at(bytes, end) {
        b' ' if next == b' ' => 2,
        b' ' if next == b'-' && at(bytes, end + 2) == b' ' => 3,
        b' ' | b'-' | b'.' | b'_' if next.is_ascii_digit() => return 1,
        _ => return 0,
    };
    if at(bytes, end + len).is_ascii_digit() {
        len
    } else {
        0
    }
}

/// The mark between a group and the one before it.
pub(super) fn mark(bytes: &[u8], group: Group) -> u8 {
    super::bytes::before(bytes, group.start, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_taken_in_groups() {
        let text = b"4111 1111-22.3, 4";
        let cluster = Cluster::at(text, 0);
        let lens: Vec<_> = cluster.groups().iter().map(|group| group.len()).collect();
        assert_eq!(lens, [4, 4, 2, 1]);
        assert_eq!(cluster.resume(), 14);
        assert_eq!(mark(text, cluster.groups()[1]), b' ');
    }

    #[test]
    fn two_spaces_and_a_dash_in_spaces_join_too() {
        let text = b"4111  1111 - 22_3  x";
        assert_eq!(Cluster::at(text, 0).groups().len(), 4);
    }

    #[test]
    fn very_many_groups_are_taken_in_parts_that_overlap() {
        let text = "1 ".repeat(100);
        let cluster = Cluster::at(text.as_bytes(), 0);
        assert_eq!(cluster.groups().len(), MOST);
        assert_eq!(cluster.resume(), 2 * (MOST - 8));
        assert_eq!(cluster.firsts(), MOST - 8);
    }
}

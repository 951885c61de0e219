//! Writes the values of a frame: scalars as RFC 8785 or as a `$` form, maps sorted, within depth and key limits.

use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::Range;

use super::member::Member;
use super::text;
use super::walk::Walk;
use crate::record::frame::{TOO_DEEP, tag};

/// The most keys that attributes, labels, hashes, detail, call stack and the maps within them have together.
pub(super) const MAX_KEYS: u32 = 512;

/// The nesting of a line, forms included, stays within this.
pub(super) const MAX_DEPTH: u32 = 64;

/// Writes values, and holds what is scratch for that or is counted on the way.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Members of maps: first those of the slots that are maps, then those of the maps that are being written.
    pub(super) members: Vec<Member>,
    /// Where the value of a text or byte string stands, and to how many bytes it is cut. Sorted; usually empty.
    pub(super) cuts: Vec<(u32, u32)>,
    /// How many keys the members of maps may still have.
    pub(super) keys_left: Cell<u32>,
    /// Keys that were left out because there were too many.
    pub(super) omitted: u32,
    /// Containers that a marker stands for.
    pub(super) too_deep: u32,
}

impl Values {
    /// Begins a line.
    pub(super) fn begin(&mut self) {
        self.keys_left.set(MAX_KEYS);
        self.omitted = 0;
        self.too_deep = 0;
    }

    /// The part of a text or byte string at `place` that is kept.
    #[inline]
    pub(super) fn kept<'f>(&self, place: u32, bytes: &'f [u8]) -> &'f [u8] {
        if self.cuts.is_empty() {
            return bytes;
        }
        match self.cuts.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(found) => {
                let keep = self.cuts.get(found).map_or(0, |(_, keep)| *keep as usize);
                bytes.get(..keep).unwrap_or(bytes)
            }
            Err(_) => bytes,
        }
    }

    /// Writes the next value, which stands in `depth` containers.
    pub(super) fn value(&mut self, walk: &mut Walk<'_>, depth: u32, out: &mut Vec<u8>) -> Option<()> {
        let place = walk.here();
        match walk.byte()? {
            tag::NULL => out.extend_from_slice(b"null"),
            tag::FALSE => out.extend_from_slice(b"false"),
            tag::TRUE => out.extend_from_slice(b"true"),
            tag::I64 => text::i64(out, i64::from_le_bytes(walk.take()?)),
            tag::U64 => text::u64(out, u64::from_le_bytes(walk.take()?)),
            tag::I128 => text::i128(out, i128::from_le_bytes(walk.take()?)),
            tag::U128 => text::u128(out, u128::from_le_bytes(walk.take()?)),
            tag::F64 => text::f64(out, f64::from_bits(u64::from_le_bytes(walk.take()?))),
            tag::STR | tag::FORMATTED => text::string(out, self.kept(place, walk.sized()?)),
            tag::BYTES => text::bytes(out, self.kept(place, walk.sized()?)),
            tag::COMMITMENT => text::commitment(out, &walk.take()?),
            tag::LIST => self.list(walk, place, depth, out)?,
            tag::MAP => self.nested(walk, place, depth, out)?,
            _ => return None,
        }
        Some(())
    }

    fn list(&mut self, walk: &mut Walk<'_>, place: u32, depth: u32, out: &mut Vec<u8>) -> Option<()> {
        if depth + 1 >= MAX_DEPTH {
            return self.deep(walk, place, out);
        }
        out.push(b'[');
        let count = walk.count()?;
        for index in 0..count {
            if index > 0 {
                out.push(b',');
            }
            self.value(walk, depth + 1, out)?;
        }
        out.push(b']');
        Some(())
    }

    fn nested(&mut self, walk: &mut Walk<'_>, place: u32, depth: u32, out: &mut Vec<u8>) -> Option<()> {
        let from = self.members.len();
        for _ in 0..walk.count()? {
            let key = walk.sized()?;
            self.members.push(Member::new(0, key, walk));
            walk.skip(0)?;
        }
        settle(walk.frame, &mut self.members, from);
        let to = self.members.len();
        let done = self.map(walk.frame, from, to, depth, out);
        self.members.truncate(from);
        if done.is_none() {
            return self.deep(walk, place, out);
        }
        Some(())
    }

    /// Writes the settled members `from..to` as an object; writes nothing and gives `None` where it lies too deep.
    pub(super) fn map(
        &mut self,
        frame: &[u8],
        from: usize,
        to: usize,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let count = u32::try_from(to - from).unwrap_or(u32::MAX);
        let kept = count.min(self.keys_left.get());
        let first = self.members.get(from).map(|member| member.key(frame));
        let wrapped = kept == 1 && first.is_some_and(|key| key.first() == Some(&b'$'));
        let inner = depth + 1 + u32::from(wrapped);
        if inner >= MAX_DEPTH {
            return None;
        }
        self.keys_left.set(self.keys_left.get() - kept);
        self.omitted += count - kept;
        out.extend_from_slice(if wrapped { b"{\"$map\":{" } else { b"{" });
        for index in 0..kept as usize {
            let Some(member) = self.members.get(from + index).copied() else {
                break;
            };
            if index > 0 {
                out.push(b',');
            }
            text::string(out, member.key(frame));
            out.push(b':');
            self.value(&mut Walk::at(frame, member.value), inner, out);
        }
        out.extend_from_slice(if wrapped { b"}}" } else { b"}" });
        Some(())
    }

    /// Writes settled members whose keys are paths as objects inside each other. The first `skip` bytes of each key
    /// lead to here.
    pub(super) fn tree(
        &mut self,
        frame: &[u8],
        members: Range<usize>,
        skip: usize,
        depth: u32,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let count = self.groups(frame, members.clone(), skip).count();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let kept = count.min(self.keys_left.get());
        let first = self.members.get(members.start)?.step(frame, skip);
        let wrapped = kept == 1 && first.first() == Some(&b'$');
        let inner = depth + 1 + u32::from(wrapped);
        self.keys_left.set(self.keys_left.get() - kept);
        self.omitted += count - kept;
        out.extend_from_slice(if wrapped { b"{\"$map\":{" } else { b"{" });
        let mut start = members.start;
        for index in 0..kept {
            let group = self.groups(frame, start..members.end, skip).next()?;
            start = group.end;
            let member = self.members.get(group.start).copied()?;
            let step = member.step(frame, skip);
            if index > 0 {
                out.push(b',');
            }
            text::string(out, step);
            out.push(b':');
            let behind = skip + step.len() + 1;
            if group.len() == 1 && behind > member.key(frame).len() {
                self.value(&mut Walk::at(frame, member.value), inner, out)?;
            } else {
                self.tree(frame, group, behind, inner, out)?;
            }
        }
        out.extend_from_slice(if wrapped { b"}}" } else { b"}" });
        Some(())
    }

    /// The ranges of members that lead through the same key.
    fn groups<'a>(
        &'a self,
        frame: &'a [u8],
        members: Range<usize>,
        skip: usize,
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut start = members.start;
        std::iter::from_fn(move || {
            let inside = self.members.get(start..members.end)?;
            let step = inside.first()?.step(frame, skip);
            let len = inside
                .iter()
                .take_while(|member| member.step(frame, skip) == step);
            let group = start..start + len.count();
            start = group.end;
            Some(group)
        })
    }

    #[cold]
    fn deep(&mut self, walk: &mut Walk<'_>, place: u32, out: &mut Vec<u8>) -> Option<()> {
        self.too_deep += 1;
        text::string(out, TOO_DEEP.as_bytes());
        *walk = Walk::at(walk.frame, place);
        walk.skip(0)
    }
}

/// Sorts the members from `from` on by slot and key, and keeps only the last one of equal keys.
pub(super) fn settle(frame: &[u8], members: &mut Vec<Member>, from: usize) {
    let Some(fresh) = members.get_mut(from..) else {
        return;
    };
    if fresh.len() < 2 {
        return;
    }
    let order = |left: &Member, right: &Member| left.order(right, frame);
    if is_ascending(frame, fresh) {
        return;
    }
    // Where keys are equal, the one that stands later comes first, and `dedup` keeps the first.
    fresh.sort_unstable_by(|left, right| order(left, right).then(right.value.cmp(&left.value)));
    let mut place = 0;
    let mut last: Option<Member> = None;
    members.retain(|member| {
        place += 1;
        if place <= from {
            return true;
        }
        let fresh = last.is_none_or(|last| order(&last, member) != Ordering::Equal);
        last = Some(*member);
        fresh
    });
}

/// The most members whose order is remembered.
const REMEMBERED: usize = 64;

/// How the members of the last line with so many of them had to be ordered. Lines of one callsite follow each other,
/// and then the order is only checked: that takes one comparison for each member, and no sorting.
#[derive(Debug, Default)]
pub(super) struct Orders {
    by_count: Vec<Vec<u8>>,
    spare: Vec<Member>,
}

impl Orders {
    /// As [`settle`], for all members.
    pub(super) fn settle(&mut self, frame: &[u8], members: &mut Vec<Member>) {
        let count = members.len();
        if !(2..=REMEMBERED).contains(&count) {
            return settle(frame, members, 0);
        }
        self.by_count
            .resize_with(self.by_count.len().max(count + 1), Vec::new);
        let Some(order) = self.by_count.get_mut(count) else {
            return settle(frame, members, 0);
        };
        self.spare.clear();
        let ordered = order.iter().filter_map(|&at| members.get(usize::from(at)));
        self.spare.extend(ordered);
        if self.spare.len() == count && is_ascending(frame, &self.spare) {
            return std::mem::swap(members, &mut self.spare);
        }
        self.spare.clone_from(members);
        settle(frame, members, 0);
        order.clear();
        if members.len() == count {
            // Where a value stands tells members apart.
            let place = |member: &Member| self.spare.iter().position(|old| old.value == member.value);
            let places = members.iter().filter_map(place);
            order.extend(places.filter_map(|place| u8::try_from(place).ok()));
        }
    }
}

fn is_ascending(frame: &[u8], members: &[Member]) -> bool {
    members
        .windows(2)
        .all(|pair| matches!(pair, [left, right] if left.order(right, frame) == Ordering::Less))
}

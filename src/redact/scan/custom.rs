//! Shapes that the application declares: an automaton beside the built-in search, and runs of bytes.

use std::ops::RangeInclusive;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use memchr::memmem;

use super::alphabet::walled;
use super::hits::{Hits, Sort};
use super::{encoded, fold, mark};
use crate::memory;
use crate::redact::pattern::Alphabet;

/// What one pattern looks for.
#[derive(Debug, Clone)]
pub(in crate::redact) struct Shape {
    pub(in crate::redact) rule: &'static str,
    pub(in crate::redact) sort: Sort,
    /// What it begins with; empty where it begins with a byte of `start`.
    pub(in crate::redact) literal: Box<str>,
    pub(in crate::redact) start: Option<Alphabet>,
    /// What follows, and how many bytes of it. Without a literal: what all of it is, and how many bytes there are.
    pub(in crate::redact) alphabet: Alphabet,
    pub(in crate::redact) len: RangeInclusive<usize>,
}

/// Shapes with the automaton of their literals.
#[derive(Debug, Clone, Default)]
pub(in crate::redact) struct Shapes {
    /// Those with a literal, in the order of the automaton's patterns.
    anchored: Vec<Shape>,
    /// Those without.
    words: Vec<Shape>,
    automaton: Option<AhoCorasick>,
}

impl Shapes {
    pub(in crate::redact) fn of(all: Vec<Shape>) -> Result<Self, BuildError> {
        let (anchored, words): (Vec<_>, Vec<_>) = all.into_iter().partition(|shape| shape.start.is_none());
        let automaton = if anchored.is_empty() {
            None
        } else {
            // Every occurrence of every literal counts, so none may hide another.
            let builder = AhoCorasick::builder().match_kind(MatchKind::Standard).clone();
            Some(builder.build(anchored.iter().map(|shape| shape.literal.as_bytes()))?)
        };
        Ok(Self {
            anchored,
            words,
            automaton,
        })
    }

    /// Pushes what the text holds of them: as it stands, as a reader would see it, and one encoding deep.
    pub(in crate::redact) fn find(&self, text: &str, hits: &mut Hits) {
        self.each(text, &mut |shape, start, end| {
            hits.push(start, end, shape.rule, shape.sort);
        });
        let mut folded = fold::Folded::default();
        if fold::fold(text, &mut folded) {
            self.each(&folded.text, &mut |shape, start, end| {
                let (start, end) = folded.back().origin(start, end);
                hits.push(start, end, shape.rule, shape.sort);
            });
        }
        // What an encoding holds is judged as in the engine: a secret makes the whole run go. Words without a literal
        // are too weak for that: any decoded bytes may look like them.
        let holds_secrets = self.anchored.iter().any(|shape| shape.sort == Sort::Secret);
        if !holds_secrets {
            return;
        }
        let mut rule = None;
        let mut coded = Hits::default();
        let mut secret = |inner: &str| self.secret(inner, &mut rule);
        encoded::runs(text, &mut secret, &mut Vec::new(), &mut coded);
        for hit in coded.list() {
            hits.push(hit.start, hit.end, rule.unwrap_or(hit.rule), Sort::Secret);
        }
    }

    /// Whether a decoded text holds a secret of an anchored shape, and which.
    fn secret(&self, text: &str, rule: &mut Option<&'static str>) -> bool {
        let mut found = None;
        self.anchored(text, &mut |shape, _, _| {
            if shape.sort == Sort::Secret {
                found = Some(shape.rule);
            }
        });
        *rule = rule.or(found);
        found.is_some()
    }

    fn each(&self, text: &str, found: &mut dyn FnMut(&Shape, usize, usize)) {
        let marks = marks(text.as_bytes());
        let mut outside = |shape: &Shape, start: usize, end: usize| {
            let before = marks.partition_point(|mark| mark.0 < end);
            let nearest = before.checked_sub(1).and_then(|at| marks.get(at));
            if nearest.is_none_or(|mark| mark.1 <= start) {
                found(shape, start, end);
            }
        };
        self.anchored(text, &mut outside);
        self.words(text.as_bytes(), &mut outside);
    }

    /// Every literal with its run. The runs that were measured last are remembered, so that a text is read once for
    /// each alphabet, however often a literal stands in one run.
    fn anchored(&self, text: &str, found: &mut dyn FnMut(&Shape, usize, usize)) {
        let Some(automaton) = &self.automaton else { return };
        let bytes = text.as_bytes();
        let mut measured = [(0, 0); Alphabet::ALL.len()];
        for literal in automaton.find_overlapping_iter(bytes) {
            let Some(shape) = self.anchored.get(literal.pattern().as_usize()) else {
                continue;
            };
            let (start, body) = (literal.start(), literal.end());
            let begins_a_word = Alphabet::Word.has(bytes.get(start).copied().unwrap_or(0));
            if begins_a_word && !walled(bytes, start) {
                continue;
            }
            let Some(run) = measured.get_mut(shape.alphabet as usize) else {
                continue;
            };
            if !(run.0..run.1).contains(&body) {
                *run = (body, body + run_at(bytes, body, shape.alphabet));
            }
            let end = run.1.max(body);
            if shape.len.contains(&(end - body)) {
                found(shape, start, end);
            }
        }
    }

    /// Every run that is as long as a shape without a literal, and stands alone.
    fn words(&self, bytes: &[u8], found: &mut dyn FnMut(&Shape, usize, usize)) {
        for shape in &self.words {
            let mut at = 0;
            while at < bytes.len() {
                let len = run_at(bytes, at, shape.alphabet);
                let end = at + len;
                let first = bytes.get(at).copied().unwrap_or(0);
                let after = bytes.get(end).copied().unwrap_or(0);
                let fits = shape.len.contains(&len)
                    && shape.start.is_some_and(|start| start.has(first))
                    && walled(bytes, at)
                    && !Alphabet::Word.has(after);
                if fits {
                    found(shape, at, end);
                }
                at = end + 1;
            }
        }
    }
}

fn run_at(bytes: &[u8], at: usize, alphabet: Alphabet) -> usize {
    let ahead = bytes.get(at..).unwrap_or_default();
    ahead
        .iter()
        .position(|&byte| !alphabet.has(byte))
        .unwrap_or(ahead.len())
}

/// Where our own markers and pseudonyms stand, first to last: what was replaced is not looked at again.
fn marks(bytes: &[u8]) -> Vec<(usize, usize)> {
    let markers = memmem::find_iter(bytes, mark::MARKER);
    let starts = markers.chain(memmem::find_iter(bytes, mark::PSEUDONYM));
    let mut marks = Vec::new();
    starts
        .filter_map(|start| Some((start, mark::end(bytes, start)?)))
        .for_each(|mark| memory::push(&mut marks, mark));
    marks.sort_unstable();
    marks
}

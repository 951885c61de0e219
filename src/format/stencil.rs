//! Stencils: what the lines of frames of one shape have in common.
//!
//! The frames of a callsite differ in their values, and hardly ever in anything else: the same slots and keys follow each
//! other, and the same parts of the line do. Such a shape is a path through a tree of entries. At its end stands the
//! stencil: the line's fixed parts in order, and which value of the frame stands behind each. A frame that finds its way
//! through the tree is written by `fill.rs`; any other is written as if there were no tree, and may then be learned
//! (`draw.rs`). The line is the same either way.

use super::draw::{Entry, draw, entries};
use super::line::Fixed;
use crate::record::frame::HEADER;

/// The most entries of a frame that is learned.
pub(super) const ENTRIES: usize = 64;

/// The most steps and stencils there are. All are forgotten when there would be more: shapes come from source code, so
/// that this is rare.
const STEPS: usize = 4096;
const STENCILS: usize = 512;

/// The most steps among which the next one is looked for. All are forgotten when there would be more.
const CHOICES: u32 = 32;

/// What it costs to learn, in lines; and how much is there from the beginning, and at most. Each line saves one. So
/// frames whose shapes never repeat cost little more than without all this.
const PRICE: u32 = 64;
const START: u32 = 128 * PRICE;
const MOST: u32 = 512 * PRICE;

/// How many bytes of an entry's beginning are compared at once.
const HEAD: usize = 16;

/// The longest fixed part that is copied at once.
pub(super) const PIECE: usize = 48;

/// No step, or no stencil.
const NONE: u32 = u32::MAX;

/// An entry of a frame: what stands before its value, and what kind of value it is. Aligned, so that a number finds it
/// without multiplying.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Step {
    /// The first bytes of the head and of the tag behind it, and which of their bits are compared.
    want: [u64; 2],
    mask: [u64; 2],
    /// Whether that does not tell everything.
    is_special: bool,
    /// All of the head, where it is longer than that.
    long: Box<[u8]>,
    /// How many bytes stand before the value's tag.
    head: u32,
    /// The tags that the value can have, as bits.
    tags: u16,
    /// What the value takes with its tag and its length, and which bits behind the tag are a length.
    takes: u32,
    counted: u32,
    /// The step to try where this one does not fit, and the first one of what can follow.
    or: u32,
    then: u32,
    /// What is written where the frame ends here: if the event's name gives no category, and if it gives one.
    ends: [u32; 2],
}

/// Where the value of an entry stands, and how many bytes follow its tag and its length.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spot {
    pub(super) at: u32,
    pub(super) len: u32,
}

/// What is written behind a fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Nothing: the fixed part goes on, or the line ends.
    More,
    /// A text without its quotes: all of it, what stands behind its last dot, or what stands before that.
    Text,
    Last,
    Family,
    /// An integer as decimal text, or bytes as hex, without quotes.
    Digits,
    U64,
    I64,
    F64,
    Truth,
    Bytes,
    Texts,
    Id,
    Seq,
    Time,
    ObservedAt,
}

/// A fixed part of a line, and what is written behind it. Aligned, so that a number finds it without multiplying.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Part {
    pub(super) piece: [u8; PIECE],
    pub(super) len: u8,
    pub(super) what: What,
    /// The number of the entry whose value it is.
    pub(super) entry: u8,
}

/// What the lines of one shape have in common.
#[derive(Debug)]
pub(super) struct Stencil {
    pub(super) parts: Vec<Part>,
    /// The room that a line takes at most beside its frame's size, if its bytes as hex are short, and how many of the
    /// frame's texts stand in it once more.
    pub(super) room: usize,
    pub(super) names: usize,
    /// Entries whose texts must not be empty: other names would stand in the line then.
    pub(super) named: Vec<u8>,
    /// The event's name, where the category is taken from it.
    pub(super) event: Option<u8>,
    /// Whether the event's name gives one.
    pub(super) has_family: bool,
    pub(super) actor_missing: bool,
}

/// The tree, and what was found of the frame that was looked up last.
#[derive(Debug)]
pub(super) struct Stencils {
    steps: Vec<Step>,
    pub(super) stencils: Vec<Stencil>,
    pub(super) spots: [Spot; ENTRIES],
    /// How many bytes of the event's name are a category.
    pub(super) family: usize,
    /// A part that is not a usual one.
    pub(super) aside: Vec<u8>,
    /// What lines are written on: initialised once, and longer than any so far.
    pub(super) sheet: Vec<u8>,
    savings: u32,
}

impl Default for Stencils {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            stencils: Vec::new(),
            spots: [Spot::default(); ENTRIES],
            family: 0,
            aside: Vec::new(),
            sheet: Vec::new(),
            savings: START,
        }
    }
}

/// The part of a name before its last dot; empty where there is none.
#[inline]
pub(super) fn family(name: &[u8]) -> &[u8] {
    let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(0);
    name.get(..dot).unwrap_or_default()
}

/// The part of a name behind its last dot; all of it where there is none.
#[inline]
pub(super) fn last(name: &[u8]) -> &[u8] {
    let dot = name.iter().rposition(|byte| *byte == b'.');
    let last = dot.and_then(|dot| name.get(dot + 1..));
    last.filter(|last| !last.is_empty()).unwrap_or(name)
}

impl Stencils {
    /// Forgets all: the tree is full, or what stands in every line has changed.
    pub(super) fn forget(&mut self) {
        self.steps.clear();
        self.stencils.clear();
    }

    /// How much was learned.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.steps.len() + self.stencils.len()
    }

    /// The number of the stencil for a frame of `len` bytes, behind which others follow; notes where its values stand.
    pub(super) fn find(&mut self, frame: &[u8], len: usize) -> Option<usize> {
        self.savings = (self.savings + 1).min(MOST);
        let (mut at, mut next) = (HEADER, 0);
        for spot in &mut self.spots {
            let (words, _) = frame.get(at..)?.first_chunk::<HEAD>()?.as_chunks::<8>();
            let [low, high] = *words.first_chunk::<2>()?;
            let (low, high) = (u64::from_le_bytes(low), u64::from_le_bytes(high));
            let mut step = self.steps.get(next as usize)?;
            loop {
                let ([want, more], [mask, rest]) = (step.want, step.mask);
                let differs = ((low & mask) ^ want) | ((high & rest) ^ more);
                if differs == 0 && (!step.is_special || step.fits(frame, at)) {
                    break;
                }
                step = self.steps.get(step.or as usize)?;
            }
            let value = at + step.head as usize;
            let size = frame.get(value + 1..)?.first_chunk::<4>()?;
            let size = u32::from_le_bytes(*size) & step.counted;
            *spot = Spot {
                at: value as u32,
                len: size,
            };
            at = value
                .checked_add(step.takes as usize)?
                .checked_add(size as usize)?;
            if at >= len {
                let ends = step.ends;
                return if at == len { self.end(frame, ends) } else { None };
            }
            next = step.then;
        }
        None
    }

    fn end(&mut self, frame: &[u8], ends: [u32; 2]) -> Option<usize> {
        let [plain, with_family] = ends.map(|end| self.stencils.get(end as usize));
        let stencil = plain.or(with_family)?;
        for entry in &stencil.named {
            if self.spots.get(usize::from(*entry))?.len == 0 {
                return None;
            }
        }
        self.family = match stencil.event {
            None => 0,
            Some(entry) => family(self.text(frame, entry)?).len(),
        };
        let [plain, with_family] = ends;
        let end = if self.family > 0 { with_family } else { plain };
        (end != NONE).then_some(end as usize)
    }

    /// The text of an entry.
    #[inline]
    pub(super) fn text<'f>(&self, frame: &'f [u8], entry: u8) -> Option<&'f [u8]> {
        let spot = self.spots.get(usize::from(entry))?;
        frame.get(spot.at as usize + 5..)?.get(..spot.len as usize)
    }

    /// Learns the shape of a frame for which there is no stencil, if there can be one.
    pub(super) fn learn(&mut self, frame: &[u8], fixed: &Fixed<'_>) {
        if self.savings < PRICE {
            return;
        }
        self.savings -= PRICE;
        let Some(entries) = entries(frame) else { return };
        let Some(stencil) = draw(frame, &entries, fixed) else {
            return;
        };
        if self.steps.len() + ENTRIES > STEPS || self.stencils.len() >= STENCILS {
            self.forget();
        }
        let number = self.stencils.len() as u32;
        let Some(end) = self.path(frame, &entries) else {
            return self.forget();
        };
        let [plain, with_family] = &mut end.ends;
        *(if stencil.has_family { with_family } else { plain }) = number;
        self.stencils.push(stencil);
    }

    /// The last step of the path for these entries; what is missing of the path is made.
    fn path(&mut self, frame: &[u8], entries: &[Entry]) -> Option<&mut Step> {
        let mut last: Option<usize> = None;
        for entry in entries {
            let step = Step::of(frame, entry)?;
            let first = match last {
                None if self.steps.is_empty() => NONE,
                None => 0,
                Some(last) => self.steps.get(last)?.then,
            };
            last = Some(self.child(last, first, step)?);
        }
        self.steps.get_mut(last?)
    }

    /// The step that is like `step` among those from `first` on, or a new one behind them;
    /// `None` where there are too many.
    fn child(&mut self, parent: Option<usize>, first: u32, step: Step) -> Option<usize> {
        let number = self.steps.len();
        let link = u32::try_from(number).ok()?;
        let mut at = first;
        let mut before = None;
        let mut choices = 0;
        while let Some(other) = self.steps.get(at as usize) {
            if other.is_like(&step) {
                return Some(at as usize);
            }
            before = Some(at as usize);
            at = other.or;
            choices += 1;
        }
        if choices >= CHOICES {
            return None;
        }
        match (before, parent) {
            (Some(before), _) => self.steps.get_mut(before)?.or = link,
            (None, Some(parent)) => self.steps.get_mut(parent)?.then = link,
            (None, None) => {}
        }
        self.steps.push(step);
        Some(number)
    }
}

impl Step {
    fn of(frame: &[u8], entry: &Entry) -> Option<Self> {
        let head = frame.get(entry.at..entry.value)?;
        let bits = std::iter::repeat_n(0xFF, head.len()).chain([entry.sort.common()]);
        let tag = frame.get(entry.value)?;
        let (mut want, mut mask) = ([0; HEAD], [0; HEAD]);
        for ((want, mask), (byte, bits)) in want
            .iter_mut()
            .zip(&mut mask)
            .zip(head.iter().chain([tag]).zip(bits))
        {
            (*want, *mask) = (*byte & bits, bits);
        }
        let halves = |bytes: [u8; HEAD]| {
            let (words, _) = bytes.as_chunks::<8>();
            words
                .first_chunk::<2>()
                .map(|words| words.map(u64::from_le_bytes))
        };
        let is_long = head.len() >= HEAD;
        Some(Self {
            want: halves(want)?,
            mask: halves(mask)?,
            is_special: is_long || !entry.sort.is_exact(),
            long: if is_long { head.into() } else { Box::default() },
            head: u32::try_from(head.len()).ok()?,
            tags: entry.sort.tags,
            takes: entry.sort.takes,
            counted: entry.sort.counted,
            or: NONE,
            then: NONE,
            ends: [NONE; 2],
        })
    }

    /// What the first bytes do not tell: whether a long head is this one, and whether the tag is one of these.
    ///
    /// Not inlined: it is asked for few entries, and the loop keeps its registers.
    #[inline(never)]
    fn fits(&self, frame: &[u8], at: usize) -> bool {
        let value = at + self.head as usize;
        let is_head = self.long.is_empty() || frame.get(at..value) == Some(&*self.long);
        let tag = frame.get(value).copied().unwrap_or(u8::MAX);
        is_head && tag < 16 && self.tags >> tag & 1 != 0
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.want, self.mask, self.head, self.tags) == (other.want, other.mask, other.head, other.tags)
            && self.long == other.long
    }
}

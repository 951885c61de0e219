//! The value engine and its rivals behind one door: each takes a value and makes of it a value with less in it.

use std::hint::black_box;
use std::ops::Range;

use anyhow::{Result, bail};
use regex::{Regex, RegexSet};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input, meta};

use super::rules::{GROUP, MIDDLES, RULES, Rule};

/// A scanner that the tables list.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// The name on the command line and in the tables.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Why it cannot be measured; empty where it can.
    pub skipped: &'static str,
}

/// Ours.
pub const OURS: &str = "audit";

/// Ours as a caller has it whose value is longer than is scanned.
pub const AS_ONE: &str = "audit-as-one";

const WITHOUT_OURS: &str = if cfg!(feature = "ours") {
    ""
} else {
    "built without the feature `ours`"
};

/// Every scanner, in the order of the tables.
pub const SCANNERS: &[Named] = &[
    Named {
        name: OURS,
        about: "`tracing_audit::redact::scan`, field `message`: the whole engine; the field's name is judged once, because it is the one before",
        skipped: WITHOUT_OURS,
    },
    Named {
        name: AS_ONE,
        about: "the same, of 64 KiB given as one value, whatever is done with it: 16 KiB are scanned, the rest is dropped and said to be",
        skipped: WITHOUT_OURS,
    },
    Named {
        name: "sds",
        about: "dd-sensitive-data-scanner with our rules and its own checksum validators; the value is copied into its buffer",
        skipped: if cfg!(feature = "sds") {
            ""
        } else {
            "built without the feature `sds`"
        },
    },
    Named {
        name: "regex-set",
        about: "`regex::RegexSet` of the same rules, then each rule that matched by itself; checksums by us",
        skipped: "",
    },
    Named {
        name: "regex-free",
        about: "`regex-set` whose rules begin anywhere, not only at a word's start, with three for tokens known by their middle: nearer to what ours finds",
        skipped: "",
    },
    Named {
        name: "regex-many",
        about: "the same rules as one `regex_automata` automaton, one pass; checksums by us",
        skipped: "",
    },
];

/// Something that redacts values.
pub trait Scanner {
    /// Redacts `value` and says how many cuts that were. What comes out is made and not kept.
    ///
    /// # Errors
    /// When the scanner fails.
    fn scan(&mut self, value: &str) -> Result<usize>;
}

/// The scanner with this name.
///
/// # Errors
/// When there is none, or it does not take our rules.
pub fn start(name: &str) -> Result<Box<dyn Scanner>> {
    Ok(match name {
        #[cfg(feature = "ours")]
        OURS => Box::new(Ours),
        #[cfg(feature = "ours")]
        AS_ONE => Box::new(AsOne),
        #[cfg(feature = "sds")]
        "sds" => Box::new(super::sds::Sds::new()?),
        "regex-set" => Box::new(Set::new(RULES.to_vec(), Rule::ascii)?),
        "regex-free" => Box::new(Set::new([RULES, MIDDLES].concat(), Rule::free)?),
        "regex-many" => Box::new(Many::new()?),
        other => bail!("no scanner that was built is called {other}"),
    })
}

/// How much of a value ours scans at most; what is longer is given to it in pieces of this size.
pub const PIECE: usize = 16 * 1024;

/// The value in pieces that ours takes whole.
#[cfg(feature = "ours")]
fn pieces(mut value: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = value.split_at_checked(floor(value, PIECE))?;
        value = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(feature = "ours")]
fn floor(text: &str, at: usize) -> usize {
    let places = (0..=at.min(text.len())).rev();
    places
        .into_iter()
        .find(|place| text.is_char_boundary(*place))
        .unwrap_or(0)
}

#[cfg(feature = "ours")]
struct Ours;

#[cfg(feature = "ours")]
impl Ours {
    fn piece(value: &str) -> Result<usize> {
        let scanned = tracing_audit::redact::scan("message", value);
        anyhow::ensure!(scanned.dropped == 0, "{} bytes were not scanned", scanned.dropped);
        black_box(&scanned.value);
        Ok(scanned.redactions.iter().map(|cut| cut.n as usize).sum())
    }
}

#[cfg(feature = "ours")]
impl Scanner for Ours {
    fn scan(&mut self, value: &str) -> Result<usize> {
        if value.len() <= PIECE {
            return Self::piece(value);
        }
        pieces(value).map(Self::piece).sum()
    }
}

#[cfg(feature = "ours")]
struct AsOne;

#[cfg(feature = "ours")]
impl Scanner for AsOne {
    fn scan(&mut self, value: &str) -> Result<usize> {
        let scanned = tracing_audit::redact::scan("message", value);
        black_box(&scanned.value);
        Ok(scanned.redactions.iter().map(|cut| cut.n as usize).sum())
    }
}

/// What is to be cut, and the text without it.
#[derive(Default)]
struct Cuts {
    spans: Vec<Range<usize>>,
    out: String,
}

impl Cuts {
    /// Writes the text with a marker for each span; overlapping ones are one.
    fn cut(&mut self, text: &str) -> usize {
        if self.spans.is_empty() {
            black_box(text);
            return 0;
        }
        self.spans.sort_unstable_by_key(|span| (span.start, span.end));
        self.out.clear();
        let (mut done, mut cuts) = (0, 0);
        for span in self.spans.drain(..) {
            if span.start >= done {
                self.out.push_str(text.get(done..span.start).unwrap_or_default());
                self.out.push_str("[REDACTED]");
                cuts += 1;
            }
            done = done.max(span.end);
        }
        self.out.push_str(text.get(done..).unwrap_or_default());
        black_box(&self.out);
        cuts
    }
}

struct Set {
    rules: Vec<Rule>,
    set: RegexSet,
    each: Vec<Regex>,
    cuts: Cuts,
}

impl Set {
    fn new(rules: Vec<Rule>, written: fn(&Rule) -> String) -> Result<Self> {
        let patterns: Vec<String> = rules.iter().map(written).collect();
        let each = patterns.iter().map(|pattern| Regex::new(pattern));
        Ok(Self {
            set: RegexSet::new(&patterns)?,
            each: each.collect::<Result<_, _>>()?,
            rules,
            cuts: Cuts::default(),
        })
    }
}

impl Scanner for Set {
    fn scan(&mut self, value: &str) -> Result<usize> {
        for number in self.set.matches(value) {
            let (Some(rule), Some(regex)) = (self.rules.get(number), self.each.get(number)) else {
                continue;
            };
            let spans = &mut self.cuts.spans;
            if rule.has_group() {
                let groups = regex.captures_iter(value).filter_map(|found| found.name(GROUP));
                spans.extend(groups.map(|group| group.range()));
            } else {
                let found = regex
                    .find_iter(value)
                    .filter(|found| rule.check.holds(found.as_str()));
                spans.extend(found.map(|found| found.range()));
            }
        }
        Ok(self.cuts.cut(value))
    }
}

struct Many {
    regex: meta::Regex,
    groups: Captures,
    cuts: Cuts,
}

impl Many {
    fn new() -> Result<Self> {
        let patterns: Vec<String> = RULES.iter().map(Rule::ascii).collect();
        let regex = meta::Regex::new_many(&patterns)?;
        Ok(Self {
            groups: regex.create_captures(),
            regex,
            cuts: Cuts::default(),
        })
    }
}

impl Scanner for Many {
    fn scan(&mut self, value: &str) -> Result<usize> {
        for found in self.regex.find_iter(value) {
            let Some(rule) = RULES.get(found.pattern().as_usize()) else {
                continue;
            };
            if rule.has_group() {
                let there = Input::new(value)
                    .span(found.span())
                    .anchored(Anchored::Pattern(found.pattern()));
                self.regex.search_captures(&there, &mut self.groups);
                self.cuts
                    .spans
                    .extend(self.groups.get_group_by_name(GROUP).map(|group| group.range()));
            } else if value
                .get(found.range())
                .is_some_and(|text| rule.check.holds(text))
            {
                self.cuts.spans.push(found.range());
            }
        }
        Ok(self.cuts.cut(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::inputs;

    #[test]
    fn every_scanner_finds_every_sensitive_value_and_cuts_no_harmless_one() {
        for scanner in SCANNERS.iter().filter(|scanner| scanner.skipped.is_empty()) {
            let mut started = start(scanner.name).unwrap();
            for value in inputs::sensitive() {
                let cuts = started.scan(&value).unwrap();
                assert!(cuts > 0, "{} finds nothing in {value}", scanner.name);
            }
            for value in inputs::harmless().iter().chain(&inputs::ids()) {
                let cuts = started.scan(value).unwrap();
                assert_eq!(cuts, 0, "{} cuts {value}", scanner.name);
            }
        }
    }

    #[cfg(feature = "ours")]
    #[test]
    fn a_piece_is_as_much_as_ours_scans_of_a_value() {
        let scanned = |len: usize| tracing_audit::redact::scan("message", &"a ".repeat(len / 2)).dropped;
        assert_eq!((scanned(PIECE), scanned(PIECE + 2) > 0), (0, true));
        let long = "aé".repeat(PIECE);
        assert_eq!(pieces(&long).collect::<String>(), long);
        assert!(pieces(&long).all(|piece| piece.len() <= PIECE));
    }

    #[test]
    fn spans_that_overlap_are_cut_once_and_a_group_leaves_its_key() {
        let mut cuts = Cuts {
            spans: vec![4..8, 2..6, 9..10],
            out: String::new(),
        };
        assert_eq!(cuts.cut("0123456789a"), 2);
        assert_eq!(cuts.out, "01[REDACTED]8[REDACTED]a");
        let mut many = Many::new().unwrap();
        many.scan(&["password", "=", "hunter22 and more"].concat())
            .unwrap();
        assert_eq!(many.cuts.out, "password=[REDACTED] and more");
    }
}

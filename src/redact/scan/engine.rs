//! The engine: all detectors over one text, in an order that lets a harmless one go after a glance.

use std::borrow::Cow;
use std::net::IpAddr;

use super::about::is_nothing;
use super::clue::Kinds;
use super::field::Field;
use super::glance::{self, Needs};
use super::hits::{Hits, Sort};
use super::id;
use super::look::Look;
use super::plausible::{is_opaque, is_street};
use super::tokens::is_uuid;
use super::triggers::{TRIGGERS, Trigger};
use super::{bare, cut, encoded, fold, header, mark, numbers, vkey, word};
use crate::redact::words::{Force, Named};

/// How much of a text is scanned unless told otherwise, in bytes; what lies beyond is not kept.
pub(crate) const CAP: usize = 16 * 1024;

/// How much of what was scanned is not kept where the cap falls into a run without a gap, in bytes: longer than tokens
/// are, so that one which goes through the place of the cut was seen whole.
const MARGIN: usize = 4 * 1024;

/// Memory that is used again from text to text, so that a text without a hit costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) hits: Hits,
    folded: Hits,
    marks: Vec<(usize, usize)>,
    copy: fold::Folded,
    decoded: Vec<u8>,
}

impl Scratch {
    /// Brings the hits in order; what lies within a marker of our own or a public key is none.
    fn settle(&mut self, text: &str) {
        if self.hits.is_empty() {
            return;
        }
        self.hits.complete();
        self.hits.drop_hosts();
        self.hits.settle();
        vkey::spare(text.as_bytes(), &mut self.hits);
        if self.marks.is_empty() {
            return;
        }
        // They stand in the order in which they were found, each behind the end of the last.
        let marks = &self.marks;
        self.hits.retain(|hit| {
            let next = marks.partition_point(|mark| mark.0 <= hit.start);
            let mark = next.checked_sub(1).and_then(|last| marks.get(last));
            mark.is_none_or(|mark| hit.end > mark.1)
        });
    }
}

/// How much of a text was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Bytes from the text's start; what follows must not be kept.
    pub(crate) kept: usize,
    /// Bytes behind them.
    pub(crate) dropped: usize,
}

/// The detectors with their limits. Has no state of its own: all threads share one.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    cap: usize,
}

impl Default for Engine {
    fn default() -> Self {
        Self { cap: CAP }
    }
}

impl Engine {
    /// Scans at most `cap` bytes of a text.
    pub(crate) fn with_cap(cap: usize) -> Self {
        Self { cap }
    }

    /// Whether the text is an id of a common form and nothing else, in which nothing is found.
    #[inline]
    pub(crate) fn is_id(field: &Field, text: &str) -> bool {
        field.plain && id::is_id(text)
    }

    /// What a glance tells has to be looked for in a text; nothing where it holds nothing. Texts that differ in nothing but
    /// their digits get the same answer.
    pub(crate) fn glance(field: &Field, text: &str) -> Needs {
        if !field.plain || text.len() > glance::LONGEST {
            return glance::ALL;
        }
        if word::Counted::of(text).is_harmless(text) {
            return 0;
        }
        glance::needs(text)
    }

    /// As [`Self::glance`], also of an id.
    pub(crate) fn needs(field: &Field, text: &str) -> Needs {
        match Self::is_id(field, text) {
            true => 0,
            false => Self::glance(field, text),
        }
    }

    /// Finds what must not stay of a field's value: `scratch.hits` holds it, settled, when this returns.
    pub(crate) fn scan(&self, field: &Field, text: &str, scratch: &mut Scratch) -> Scanned {
        self.scan_for(Self::needs(field, text), field, text, scratch)
    }

    /// As [`Self::scan`], where a glance has told what to look for.
    pub(crate) fn scan_for(&self, needs: Needs, field: &Field, text: &str, scratch: &mut Scratch) -> Scanned {
        scratch.hits.clear();
        let (scanned, gap) = self.head(text);
        let head = text.get(..scanned.kept).unwrap_or_default();
        self.look(needs, field, head, scratch);
        if gap {
            return scanned;
        }
        let margin = MARGIN.min(self.cap / 2);
        let kept = cut::floor(text, scanned.kept.saturating_sub(margin));
        scratch.hits.end_at(kept);
        Scanned {
            kept,
            dropped: text.len() - kept,
        }
    }

    fn look(&self, needs: Needs, field: &Field, text: &str, scratch: &mut Scratch) {
        if field.named.is_some() && self.by_name(field, text, scratch) {
            return;
        }
        if needs == 0 {
            return;
        }
        // A text that is too long for a glance may have nothing that a copy would show in another way.
        let folds = !field.plain || text.len() <= glance::LONGEST || fold::is_special_in(text.as_bytes());
        let needs = if folds { needs } else { needs & !glance::FOLDS };
        detect(text, field.kinds, needs, scratch);
        scratch.settle(text);
    }

    /// How much of the text is scanned: to the cap, and there to the last gap between words, so that no half of a
    /// secret is left at the end. `false` where there is no gap: what is scanned last is then not to be kept.
    fn head(&self, text: &str) -> (Scanned, bool) {
        // A text that was cut before keeps its mark; markers may have made it somewhat longer than the cap.
        let whole = text.len() <= self.cap || text.len() <= 4 * self.cap && cut::before_mark(text).is_some();
        if whole {
            let (kept, dropped) = (text.len(), 0);
            return (Scanned { kept, dropped }, true);
        }
        let cap = cut::floor(text, self.cap);
        let head = text.as_bytes().get(..cap).unwrap_or_default();
        let gap = head
            .iter()
            .rev()
            .take(1024)
            .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b';'));
        let kept = cap - gap.unwrap_or(0);
        let dropped = text.len() - kept;
        (Scanned { kept, dropped }, gap.is_some())
    }

    /// What the field's name alone says; `true` where nothing else need be looked at.
    fn by_name(&self, field: &Field, text: &str, scratch: &mut Scratch) -> bool {
        let Some(named) = field.named else {
            return false;
        };
        let value = text.trim();
        if value.is_empty() {
            return true;
        }
        if cut::before_mark(text) == Some(0) || !is_whole(named, value) {
            return false;
        }
        // `Bearer …&sig=…`: a name with a space is no cookie's.
        let named_so = value
            .split('=')
            .next()
            .is_some_and(|name| !name.trim().contains(' '));
        if field.cookies && named_so {
            header::cookies(&mut Look::new(text, &mut scratch.hits), 0);
            if !scratch.hits.is_empty() || value.contains('=') {
                scratch.hits.settle();
                return true;
            }
        }
        if field.connection && value.contains(['=', '@', ':']) {
            detect(text, field.kinds, glance::ALL, scratch);
            if !scratch.hits.is_empty() {
                scratch.settle(text);
                return true;
            }
        }
        let lead = text.len() - text.trim_start().len();
        let extent = super::value::Extent {
            start: lead,
            end: lead + value.len(),
            quoted: true,
        };
        let scheme = header::scheme(text.as_bytes(), named, extent.start);
        let extent = header::credential(text.as_bytes(), &mut bare::Run::default(), scheme, extent);
        let rest = text.get(extent.start..extent.end).unwrap_or_default();
        if is_nothing(rest) {
            return true;
        }
        if named.sort != Sort::Secret {
            detect(text, field.kinds, glance::ALL, scratch);
            scratch.hits.settle();
            let covered = scratch
                .hits
                .list()
                .iter()
                .any(|hit| hit.start <= extent.start && hit.end >= extent.end);
            if covered {
                return true;
            }
        }
        scratch
            .hits
            .push(extent.start, extent.end, rule(named.sort), named.sort);
        scratch.hits.settle();
        true
    }
}

/// Whether the name takes the whole value.
fn is_whole(named: Named, value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let number = digits == value.len();
    match named.force {
        _ if is_nothing(value) => false,
        // Once it is cut to its network it is no more than that.
        _ if named.sort != Sort::Secret && value.parse::<IpAddr>().is_ok() => false,
        Force::Certain if named.sort == Sort::Secret => !(named.plural && number),
        Force::Certain => named.sort != Sort::Network,
        Force::Digits(least) => digits >= usize::from(least),
        Force::Street => is_street(value),
        Force::Opaque => is_opaque(value) && !is_uuid(value.as_bytes()),
        Force::Parameter => false,
    }
}

const fn rule(sort: Sort) -> &'static str {
    match sort {
        Sort::Secret => "name.secret",
        Sort::Financial => "name.financial",
        Sort::Personal => "name.personal",
        Sort::Network => "name.network",
    }
}

/// The detectors that the text needs, over it and over its detection copy where that differs.
fn detect(text: &str, name: Kinds, needs: Needs, scratch: &mut Scratch) {
    scratch.marks.clear();
    if needs & glance::LITERALS != 0 {
        secrets(text, &mut scratch.hits, Some(&mut scratch.marks));
    }
    if needs & glance::NUMBERS != 0 {
        numbers::detect(text, name, &mut scratch.hits);
    }
    if needs & glance::RUNS != 0 && encoded::has_run(text.as_bytes()) {
        encoded::runs(text, &mut holds_secret, &mut scratch.decoded, &mut scratch.hits);
    }
    if needs & glance::FOLDS == 0 {
        return;
    }
    let mut folded = std::mem::take(&mut scratch.copy);
    if fold::fold(text, &mut folded) {
        scratch.folded.clear();
        secrets(&folded.text, &mut scratch.folded, None);
        numbers::detect(&folded.text, name, &mut scratch.folded);
        if encoded::has_run(folded.text.as_bytes()) {
            encoded::runs(
                &folded.text,
                &mut holds_secret,
                &mut scratch.decoded,
                &mut scratch.folded,
            );
        }
        let mut back = folded.back();
        scratch
            .hits
            .push_all(&scratch.folded, |start, end| back.origin(start, end));
    }
    scratch.copy = folded;
}

/// Whether a decoded text holds a secret.
pub(super) fn holds_secret(text: &str) -> bool {
    let mut hits = Hits::default();
    let mut look = Look::new(text, &mut hits);
    look.inner = true;
    TRIGGERS.each(text.as_bytes(), |trigger, start, end| {
        look.at(trigger, start, end)
    });
    hits.list().iter().any(|hit| hit.sort == Sort::Secret)
}

/// Everything that the literals lead to.
fn secrets(text: &str, hits: &mut Hits, mut marks: Option<&mut Vec<(usize, usize)>>) {
    let mut look: Option<Look<'_, '_>> = None;
    let mut unused = Some(hits);
    TRIGGERS.each(text.as_bytes(), |trigger, start, end| {
        if trigger == Trigger::Mark {
            if let (Some(marks), Some(end)) = (&mut marks, mark::end(text.as_bytes(), start)) {
                crate::memory::push(marks, (start, end));
            }
            return;
        }
        // One letter behind a dash stands in many texts, and says something in those that have a command before it.
        if matches!(trigger, Trigger::Option)
            && look
                .as_ref()
                .is_none_or(|look| look.arguments.commands.is_empty())
        {
            return;
        }
        if look.is_none() {
            look = unused.take().map(|hits| Look::new(text, hits));
        }
        if let Some(look) = &mut look {
            look.at(trigger, start, end);
        }
    });
}

/// The text with what `replace` puts in each hit's place; borrowed where there is nothing to replace. `edits` are told
/// what was done.
pub(crate) fn redacted<'t>(
    text: &'t str,
    scanned: Scanned,
    hits: &Hits,
    replace: &mut dyn FnMut(&super::hits::Hit, &str, &mut String),
    edits: &mut Vec<cut::Edit>,
) -> Cow<'t, str> {
    if hits.is_empty() && scanned.dropped == 0 {
        return Cow::Borrowed(text);
    }
    let head = text.get(..scanned.kept).unwrap_or_default();
    Cow::Owned(cut::cut(head, hits, scanned.dropped, replace, edits))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;

    fn marked(engine: &Engine, text: &str) -> String {
        let mut scratch = Scratch::default();
        let scanned = engine.scan(&Field::of("message"), text, &mut scratch);
        redacted(
            text,
            scanned,
            &scratch.hits,
            &mut |_, _, out| out.push_str("[REDACTED:x]"),
            &mut Vec::new(),
        )
        .into_owned()
    }

    /// Prints how long texts of many kinds take: `cargo test --release --lib -- --ignored --nocapture timings`.
    #[test]
    #[ignore = "prints times and asserts nothing"]
    fn timings() {
        super::super::timings::print();
    }

    fn rules_of(field: &Field, text: &str) -> Vec<(&'static str, usize, usize)> {
        let mut scratch = Scratch::default();
        Engine::default().scan(field, text, &mut scratch);
        let hits = scratch.hits.list().iter();
        hits.map(|hit| (hit.rule, hit.start, hit.end)).collect()
    }

    /// What is found in a text.
    pub(in super::super) fn rules(text: &str) -> Vec<(&'static str, usize, usize)> {
        rules_of(&Field::of("message"), text)
    }

    /// What is found where every detector looks.
    pub(in super::super) fn rules_with_all_needs(text: &str) -> Vec<(&'static str, usize, usize)> {
        let field = Field {
            plain: false,
            ..Field::of("message")
        };
        rules_of(&field, text)
    }

    #[test]
    fn what_lies_beyond_the_cap_is_not_kept_and_its_mark_is_stable() {
        let engine = Engine::with_cap(64);
        let text = format!("{} password=hunter2", "word ".repeat(14));
        let once = marked(&engine, &text);
        assert_eq!(once, format!("{}…[dropped 27 bytes]", "word ".repeat(12)));
        assert_eq!(marked(&engine, &once), once);
        let secret = format!("{} password=hunter2{}", "word ".repeat(9), "x".repeat(80));
        assert!(!marked(&engine, &secret).contains("hunter2"));
    }

    #[test]
    fn nothing_is_found_within_a_marker_however_many_there_are() {
        for count in [1, 2, 30, 300] {
            let text = "[REDACTED:10.2.3.4] 10.2.3.5, ".repeat(count);
            let wanted: Vec<_> = (0..count).map(|at| ("ip", 30 * at + 20, 30 * at + 28)).collect();
            assert_eq!(rules(&text), wanted);
        }
    }

    pub(in super::super) fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("password"),
            Just("token"),
            Just("="),
            Just(": "),
            Just("\""),
            Just("\\\""),
            Just("\\"),
            Just(" "),
            Just("://"),
            Just("bob:"),
            Just("@"),
            Just("/"),
            Just("?"),
            Just("&"),
            Just("eyJ"),
            Just("."),
            Just("ghp_"),
            Just("-----BEGIN PRIVATE KEY-----"),
            Just("-----END"),
            Just("Cookie: "),
            Just("Bearer "),
            Just("hunter2"),
            Just("é"),
            Just("\u{200b}"),
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just("("),
            Just(")"),
            Just(","),
            Just("Some("),
            Just("\n"),
            Just("4111"),
            Just("[REDACTED:secret]"),
            Just("hmac-sha256:k1:abc"),
            Just("is "),
            Just("<password>"),
            Just("values ("),
            Just("[1, 2, 3"),
            Just("AbCdEfGh0123456789"),
            Just("%40"),
            Just("-p"),
            Just("curl "),
            Just("reset/"),
            Just("'"),
            Just("identified by "),
            Just("code="),
            Just("state="),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_without_a_panic_and_hits_are_apart(text in pieces()) {
            let mut scratch = Scratch::default();
            Engine::default().scan(&Field::of("message"), &text, &mut scratch);
            let mut from = 0;
            for hit in scratch.hits.list() {
                prop_assert!(hit.start >= from && hit.start < hit.end && hit.end <= text.len());
                from = hit.end;
            }
        }
    }

    /// The same texts on every run: among all nonsense there may be some that reads otherwise once a part is cut.
    #[test]
    fn what_was_cut_once_is_cut_no_more() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        for _ in 0..2000 {
            let text = pieces().new_tree(&mut runner).expect("a text").current();
            let once = super::super::scan("message", &text).value.into_owned();
            let again = super::super::scan("message", &once);
            assert_eq!(again.value.as_ref(), once, "{text} {:?}", again.redactions);
        }
    }
}

//! What the value engine makes of a kept text, under the policy.

use std::borrow::Cow;
use std::cell::RefCell;

use zeroize::{Zeroize as _, Zeroizing};

use super::action::Action;
use super::class::{Class, ClassKind};
use super::instead;
use super::judge::{Judged, Look};
use super::memo;
use super::policy::Policy;
use super::recording::{self, Piece};
use super::scan::hits::{Hit, Hits, Sort};
use super::scan::{self, Edit, Engine, Extent, Field, Needs, Scratch, redacted};
use crate::memory;

/// A text of which something was replaced or left out.
pub(super) struct Sifted {
    pub(super) text: String,
    pub(super) notes: Vec<Note>,
    /// Whether the text's end was left out, because nobody looked at it.
    pub(super) is_short: bool,
}

impl Sifted {
    /// What is left of a text for which there was no memory: whoever settles it gives the record up.
    const fn nothing() -> Self {
        Self {
            text: String::new(),
            notes: Vec::new(),
            is_short: true,
        }
    }
}

/// What a rule did to parts of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) rule: &'static str,
    pub(super) class: Class,
    pub(super) action: Action,
    pub(super) n: u32,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn with_scratch<R>(then: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut then = Some(then);
    let done = SCRATCH.try_with(|scratch| {
        let mut scratch = scratch.try_borrow_mut().ok()?;
        then.take().map(|then| then(&mut scratch))
    });
    match (done, then) {
        (Ok(Some(done)), _) => done,
        // The thread is ending: its own memory is gone.
        (_, Some(then)) => then(&mut Scratch::default()),
        (_, None) => unreachable!("it was called, or is here still"),
    }
}

/// Whether nothing of the text needs to be replaced. Makes no allocation where the answer is yes.
///
/// `memo` is the field's number. A function of its own: its caller knows most texts to be words, and what
/// little it does then must not pay for the registers that this one needs.
#[inline(never)]
pub(super) fn passes(policy: &Policy, judged: &Judged, memo: memo::Number, text: &str) -> bool {
    let Some(field) = &judged.field else { return true };
    if judged.trial.is_some() {
        return false;
    }
    if is_id(policy, field, text) || memo::knows(memo, text.as_bytes()) {
        return true;
    }
    let Some(needs) = glanced(policy, judged, (memo, field), text) else {
        return true;
    };
    let needs = wanted(judged.text.look, needs);
    let passes = holds_nothing(policy, judged, (field, needs), text);
    if passes {
        memo::learn(memo, text.as_bytes(), false);
    }
    passes
}

/// Whether the text is an id in which nothing is looked for. The engine knows the built-in detectors, not the application's
/// patterns.
#[inline]
fn is_id(policy: &Policy, field: &Field, text: &str) -> bool {
    Engine::is_id(field, text) && policy.inner().patterns.is_none()
}

/// What a text has to be looked through for that is not known, and no id unless there are patterns; `None` where a glance tells
/// that it may stay.
#[inline]
fn glanced(
    policy: &Policy,
    judged: &Judged,
    (memo, field): (memo::Number, &Field),
    text: &str,
) -> Option<Needs> {
    let is_enough = policy.inner().patterns.is_none();
    let needs = match is_enough {
        true => Engine::glance(field, text),
        // Whether it is an id, nobody has asked.
        false => Engine::needs(field, text),
    };
    if wanted(judged.text.look, needs) == 0 && is_enough {
        // A glance does not tell digits apart.
        memo::learn(memo, text.as_bytes(), true);
        return None;
    }
    Some(needs)
}

/// What the value engine makes of a text that user code has shown, of a field under no trial: most are like the one before, or
/// a glance tells that they may stay. `None` where this one stays as it is.
pub(super) fn sift_shown(
    policy: &Policy,
    judged: &Judged,
    memo: memo::Number,
    shown: &[u8],
) -> Option<Sifted> {
    let field = judged.field.as_ref()?;
    if memo::knows(memo, shown) {
        return None;
    }
    let Ok(text) = std::str::from_utf8(shown) else {
        // Unreachable, as only texts are shown: what nobody could look through does not stay.
        return Some(Sifted::nothing());
    };
    if is_id(policy, field, text) {
        return None;
    }
    let needs = glanced(policy, judged, (memo, field), text)?;
    let look = judged.text.look;
    let sifted = sift_for(policy, judged, (field, look, needs), text, &mut Vec::new());
    if sifted.is_none() {
        memo::learn(memo, shown, false);
    }
    sifted
}

/// What of that has to be looked for.
fn wanted(look: Look, needs: Needs) -> Needs {
    match look {
        Look::All => needs,
        Look::None | Look::Secrets => scan::for_secrets(needs),
    }
}

fn holds_nothing(policy: &Policy, judged: &Judged, (field, needs): (&Field, Needs), text: &str) -> bool {
    with_scratch(|scratch| {
        let engine = &policy.inner().engine;
        let scanned = engine.scan_for(needs, field, text, scratch);
        own(policy, text, scanned.kept, &mut scratch.hits);
        scanned.dropped == 0
            && !memory::lacks()
            && !scratch
                .hits
                .list()
                .iter()
                .any(|hit| counts(judged.text.look, hit))
    })
}

fn counts(look: Look, hit: &Hit) -> bool {
    look == Look::All || hit.sort == Sort::Secret
}

/// The text as the policy leaves it; `None` where it stays as it is.
pub(super) fn sift(policy: &Policy, judged: &Judged, look: Look, text: &str) -> Option<Sifted> {
    sift_around(policy, judged, look, text, &mut Vec::new())
}

/// As [`sift`], for a text in which values with a class stand. What the policy left of them is not looked at again,
/// except for secrets in what can still be read. Afterwards `pieces` are those that are left, where they stand now.
pub(super) fn sift_around(
    policy: &Policy,
    judged: &Judged,
    look: Look,
    text: &str,
    pieces: &mut Vec<Piece>,
) -> Option<Sifted> {
    if let (Some(trial), Some(other)) = (&judged.trial, policy.trial()) {
        rehearse(policy, other, trial, text);
    }
    let field = judged.field.as_ref().filter(|_| look > Look::None)?;
    let needs = Engine::needs(field, text);
    sift_for(policy, judged, (field, look, needs), text, pieces)
}

fn sift_for(
    policy: &Policy,
    judged: &Judged,
    (field, look, needs): (&Field, Look, Needs),
    text: &str,
    pieces: &mut Vec<Piece>,
) -> Option<Sifted> {
    with_scratch(|scratch| {
        let mut scanned = policy.inner().engine.scan_for(needs, field, text, scratch);
        own(policy, text, scanned.kept, &mut scratch.hits);
        if !pieces.is_empty() {
            spare(&mut scratch.hits, pieces);
        }
        if memory::lacks() {
            // What was found may not all be known.
            return Some(Sifted::nothing());
        }
        if look == Look::Secrets {
            scratch.hits.retain(|hit| counts(look, hit));
        }
        if scratch.hits.is_empty() && scanned.dropped == 0 {
            return None;
        }
        let is_short = scanned.dropped > 0;
        // The record lists what was cut; the text itself needs no mark of it.
        scanned.dropped = 0;
        let head = text.get(..scanned.kept).unwrap_or_default();
        let (text, notes, edits) = replaced(policy, judged, (head, scanned), &scratch.hits);
        moved(pieces, &scratch.hits, &edits, head.len());
        if memory::lacks() {
            return Some(Sifted::nothing());
        }
        (is_short || !notes.is_empty()).then_some(Sifted {
            text,
            notes,
            is_short,
        })
    })
}

/// The text with what the policy puts in the place of each hit.
fn replaced(
    policy: &Policy,
    judged: &Judged,
    (head, scanned): (&str, Extent),
    hits: &Hits,
) -> (String, Vec<Note>, Vec<Edit>) {
    let (mut notes, mut edits) = (Vec::new(), Vec::new());
    let whole = head.trim().len();
    let mut replace_hit = |hit: &Hit, text: &str, out: &mut String| {
        let (rule, class) = (hit.rule, class_of(policy, judged, hit));
        let is_named = text.len() >= whole && class.kind() == judged.named.kind();
        let action = found(policy, class, is_named);
        if instead::replace(policy, action, class, rule, text, out) {
            let n = 1;
            let done = Note {
                rule,
                class,
                action,
                n,
            };
            note(&mut notes, done);
        }
    };
    let text = match redacted(head, scanned, hits, &mut replace_hit, &mut edits) {
        Cow::Borrowed(text) => memory::owned(text),
        Cow::Owned(text) => text,
    };
    (text, notes, edits)
}

/// Takes away what was found in values with a class that the policy has been at; only a secret counts in one that can
/// still be read. What lies across the edge of one takes all of it.
fn spare(hits: &mut Hits, pieces: &[Piece]) {
    let holds = |piece: &Piece, hit: &Hit| piece.start <= hit.start && hit.end <= piece.end;
    let is_spared =
        |piece: &Piece, hit: &Hit| holds(piece, hit) && (piece.is_hidden() || hit.sort != Sort::Secret);
    hits.retain(|hit| !pieces.iter().any(|piece| is_spared(piece, hit)));
    let mut wider: Vec<Hit> = Vec::new();
    for hit in hits.list() {
        for piece in pieces
            .iter()
            .filter(|piece| piece.note.is_some() && touches(piece, hit))
        {
            let all = Hit {
                start: piece.start.min(hit.start),
                end: piece.end.max(hit.end),
                ..*hit
            };
            memory::push(&mut wider, all);
        }
    }
    if !wider.is_empty() {
        wider
            .into_iter()
            .for_each(|hit| hits.push(hit.start, hit.end, hit.rule, hit.sort));
        hits.settle();
    }
}

fn touches(piece: &Piece, hit: &Hit) -> bool {
    hit.start < piece.end && piece.start < hit.end
}

/// Leaves of the pieces those that stand in the new text, where they stand there.
fn moved(pieces: &mut Vec<Piece>, hits: &Hits, edits: &[Edit], kept: usize) {
    pieces.retain(|piece| piece.start < kept && !hits.list().iter().any(|hit| touches(piece, hit)));
    for piece in pieces {
        let (mut start, mut end) = (piece.start, piece.end.min(kept));
        for edit in edits.iter().filter(|edit| edit.end <= piece.start) {
            (start, end) = (start + edit.is - edit.was, end + edit.is - edit.was);
        }
        (piece.start, piece.end) = (start, end);
    }
}

/// As [`sift`], for bytes that may be text, whole or in part: each stretch of it is looked at.
pub(super) fn sift_bytes(policy: &Policy, judged: &Judged, bytes: &[u8]) -> Option<Sifted> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return sift(policy, judged, judged.text.look, text);
    }
    let mut whole = Sifted {
        text: String::new(),
        notes: Vec::new(),
        is_short: false,
    };
    for chunk in bytes.utf8_chunks() {
        match sift(policy, judged, judged.text.look, chunk.valid()) {
            Some(sifted) => {
                memory::push_str(&mut whole.text, &sifted.text);
                whole.is_short |= sifted.is_short;
                sifted
                    .notes
                    .into_iter()
                    .for_each(|found| note(&mut whole.notes, found));
            }
            None => memory::push_str(&mut whole.text, chunk.valid()),
        }
        if !chunk.invalid().is_empty() {
            memory::push_str(&mut whole.text, "\u{FFFD}");
        }
    }
    if memory::lacks() {
        return Some(Sifted::nothing());
    }
    (whole.is_short || !whole.notes.is_empty()).then_some(whole)
}

/// A link of an error's chain: its message, and the values with a class in it.
pub(super) struct Link {
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
}

/// As [`sift`], for the links of an error's chain: each for itself and all of them joined, because a link may end with
/// the name of what the next one begins with. Answers the texts that are left, and what was done.
pub(super) fn sift_chain(policy: &Policy, judged: &Judged, links: Vec<Link>) -> (Vec<String>, Vec<Note>) {
    const BETWEEN: &str = ": ";
    let look = judged.text.look;
    let mut notes = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut pieces: Vec<Piece> = Vec::new();
    // Wide enough from the start: memory that is grown leaves a copy behind.
    let room: usize = links.iter().map(|link| link.text.len() + 256).sum();
    let mut joined = Zeroizing::new(String::new());
    memory::room_for_text(&mut joined, room);
    for mut link in links {
        if let Some(sifted) = sift_around(policy, judged, look, &link.text, &mut link.pieces) {
            link.text.zeroize();
            link.text = sifted.text;
            sifted.notes.into_iter().for_each(|found| note(&mut notes, found));
        }
        if !texts.is_empty() {
            memory::push_str(&mut joined, BETWEEN);
        }
        let before = joined.len();
        link.pieces.into_iter().for_each(|piece| {
            let shifted = Piece {
                start: before + piece.start,
                end: before + piece.end,
                ..piece
            };
            memory::push(&mut pieces, shifted);
        });
        memory::push_str(&mut joined, &link.text);
        memory::push(&mut texts, link.text);
    }
    if let Some(sifted) = sift_around(policy, judged, look, &joined, &mut pieces) {
        // Where the whole shows more than its parts do, nobody can say where one link's share of it ends.
        sifted.notes.into_iter().for_each(|found| note(&mut notes, found));
        texts.zeroize();
        memory::push(&mut texts, sifted.text);
    }
    recording::notes_of(&pieces)
        .into_iter()
        .for_each(|note| memory::push(&mut notes, note));
    (texts, notes)
}

pub(super) fn note(notes: &mut Vec<Note>, new: Note) {
    let same = |known: &&mut Note| (known.rule, known.action) == (new.rule, new.action);
    match notes.iter_mut().find(same) {
        Some(known) => known.n += new.n,
        None => memory::push(notes, new),
    }
}

/// How far behind what is kept a token of the application's own is looked for that begins before: no half of it stays.
const AHEAD: usize = 4 * 1024;

/// Adds what the policy's own patterns find in the first `kept` bytes of the text, or find beginning there.
#[inline]
fn own(policy: &Policy, text: &str, kept: usize, hits: &mut Hits) {
    if let Some(patterns) = &policy.inner().patterns {
        let seen = crate::record::frame::cut(text, kept.saturating_add(AHEAD));
        if patterns.find(seen, hits) {
            hits.clip(kept);
            hits.settle();
        }
    }
}

fn class_of(policy: &Policy, judged: &Judged, hit: &Hit) -> Class {
    if hit.rule.starts_with("name.") {
        return judged.named;
    }
    let patterns = policy.inner().patterns.as_ref();
    patterns
        .and_then(|patterns| patterns.class(hit.rule))
        .unwrap_or_else(|| Class::found(hit.sort, hit.rule))
}

/// What is done to what was found. What is only found in a text gets a marker where a field so named would keep its last
/// digits: a guess that is right must hide, one that is wrong must show that it was made.
fn found(policy: &Policy, class: Class, is_named: bool) -> Action {
    match policy.action_for(class) {
        Action::KeepLast(_) if !is_named && class.kind() == ClassKind::Financial => Action::Marker,
        // No commitment can stand within a text.
        Action::Drop | Action::Erasable(_) => Action::Marker,
        action => action,
    }
}

/// Counts what the policy under trial would have done to what it would have found.
#[cold]
fn rehearse(policy: &Policy, other: &Policy, trial: &Judged, text: &str) {
    let look = trial.text.look;
    let keeps = trial.text.action == Action::Keep && look > Look::None;
    let Some(field) = trial.field.as_ref().filter(|_| keeps) else {
        return;
    };
    with_scratch(|scratch| {
        let scanned = other.inner().engine.scan(field, text, scratch);
        own(other, text, scanned.kept, &mut scratch.hits);
        for hit in scratch.hits.list().iter().filter(|hit| counts(look, hit)) {
            if other.action_for(class_of(other, trial, hit)) != Action::Keep {
                policy.counts().add_trial(hit.rule, 1);
            }
        }
    });
}

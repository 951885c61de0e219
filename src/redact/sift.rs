//! What the value engine makes of a kept text, under the policy.

use std::cell::RefCell;

use zeroize::{Zeroize as _, Zeroizing};

use super::action::Action;
use super::class::{Class, ClassKind};
use super::judge::{Judged, Look};
use super::policy::Policy;
use super::scan::hits::{Hit, Sort};
use super::scan::{Engine, Scratch, redacted};

/// A text of which something was replaced or left out.
pub(super) struct Sifted {
    pub(super) text: String,
    pub(super) notes: Vec<Note>,
    /// Whether the text's end was left out, because nobody looked at it.
    pub(super) is_short: bool,
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
#[inline]
pub(super) fn passes(policy: &Policy, judged: &Judged, text: &str) -> bool {
    let Some(field) = &judged.field else { return true };
    if judged.trial.is_some() {
        return false;
    }
    if Engine::clears(field, text, judged.text.look == Look::Secrets) {
        return true;
    }
    with_scratch(|scratch| {
        let scanned = policy.inner().engine.scan(field, text, scratch);
        scanned.dropped == 0
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
    let field = judged.field.as_ref().filter(|_| look > Look::None)?;
    with_scratch(|scratch| {
        let mut scanned = policy.inner().engine.scan(field, text, scratch);
        if let (Some(trial), Some(other)) = (&judged.trial, policy.trial()) {
            rehearse(policy, other, trial, scratch.hits.list());
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
        let mut notes = Vec::new();
        let head = text.get(..scanned.kept).unwrap_or_default();
        let whole = head.trim().len();
        let text = redacted(head, scanned, &scratch.hits, &mut |hit, text, out| {
            let class = class_of(judged, hit);
            let is_named = text.len() >= whole && class.kind() == judged.named.kind();
            let action = found(policy, class, is_named);
            if replace(policy, action, class, hit.rule, text, out) {
                note(
                    &mut notes,
                    Note {
                        rule: hit.rule,
                        class,
                        action,
                        n: 1,
                    },
                );
            }
        });
        (is_short || !notes.is_empty()).then(|| Sifted {
            text: text.into_owned(),
            notes,
            is_short,
        })
    })
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
                whole.text.push_str(&sifted.text);
                whole.is_short |= sifted.is_short;
                sifted
                    .notes
                    .into_iter()
                    .for_each(|found| note(&mut whole.notes, found));
            }
            None => whole.text.push_str(chunk.valid()),
        }
        if !chunk.invalid().is_empty() {
            whole.text.push('\u{FFFD}');
        }
    }
    (whole.is_short || !whole.notes.is_empty()).then_some(whole)
}

/// The links of an error's chain of which something was replaced.
pub(super) struct SiftedChain {
    pub(super) texts: Vec<String>,
    pub(super) notes: Vec<Note>,
}

/// As [`sift`], for the links of an error's chain: each for itself and all of them joined, because a link may end with
/// the name of what the next one begins with. A link that takes part in something that only the whole shows is replaced.
pub(super) fn sift_chain(policy: &Policy, judged: &Judged, links: &[String]) -> Option<SiftedChain> {
    let look = judged.text.look;
    let mut notes = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for link in links {
        let sifted = sift(policy, judged, look, link);
        texts.push(
            sifted
                .as_ref()
                .map_or_else(|| link.clone(), |sifted| sifted.text.clone()),
        );
        sifted
            .into_iter()
            .flat_map(|sifted| sifted.notes)
            .for_each(|found| note(&mut notes, found));
    }
    let joined = Zeroizing::new(texts.join(": "));
    if let Some(sifted) = sift(policy, judged, look, &joined) {
        // Where the whole shows more than its parts do, nobody can say where one link's share of it ends.
        for found in sifted.notes {
            note(&mut notes, found);
        }
        texts.zeroize();
        texts = vec![sifted.text];
    }
    (!notes.is_empty()).then_some(SiftedChain { texts, notes })
}

pub(super) fn note(notes: &mut Vec<Note>, new: Note) {
    let same = |known: &&mut Note| (known.rule, known.action) == (new.rule, new.action);
    match notes.iter_mut().find(same) {
        Some(known) => known.n += new.n,
        None => notes.push(new),
    }
}

fn class_of(judged: &Judged, hit: &Hit) -> Class {
    if hit.rule.starts_with("name.") {
        return judged.named;
    }
    Class::found(hit.sort, hit.rule)
}

/// What is done to what was found. What is only found in a text gets a marker where a field so named would keep its last
/// digits: a guess that is right must hide, one that is wrong must show that it was made.
fn found(policy: &Policy, class: Class, is_named: bool) -> Action {
    match policy.action_for(class) {
        Action::KeepLast(_) if !is_named && class.kind() == ClassKind::Financial => Action::Marker,
        Action::Drop => Action::Marker,
        action => action,
    }
}

/// Writes what stands in the place of `text`; `false` where that is the text itself.
pub(super) fn replace(
    policy: &Policy,
    action: Action,
    class: Class,
    rule: &str,
    text: &str,
    out: &mut String,
) -> bool {
    match action {
        Action::Keep => {
            out.push_str(text);
            return false;
        }
        Action::TruncateIp => {
            if let Some((address, bits)) = super::ip::truncate_ip(text) {
                out.push_str(&address);
                return bits.is_some() && address != text;
            }
        }
        Action::TruncateLen(len) => {
            let kept = crate::record::frame::cut(text, usize::from(len));
            out.push_str(kept);
            return kept.len() < text.len();
        }
        Action::Mask | Action::KeepLast(_) => {
            action.mask(text, out);
            return true;
        }
        Action::Hmac => {
            if let Some(pseudonym) = policy.pseudonym(class, None, text) {
                out.push_str(&pseudonym);
                return true;
            }
        }
        Action::Drop | Action::Marker => {}
    }
    marker(class, rule, out);
    true
}

/// The marker for what a rule found: it names the family, never the value.
fn marker(class: Class, rule: &str, out: &mut String) {
    let family = match class.kind() {
        ClassKind::Secret => "secret",
        _ if rule.starts_with("name.") => class.word(),
        _ => rule.rsplit('.').next().unwrap_or(rule),
    };
    out.push_str("[REDACTED:");
    out.push_str(family);
    out.push(']');
}

/// Whether the text is nothing but what redaction itself puts in the place of a value: a marker, a mask or a pseudonym.
pub(super) fn is_own(text: &str) -> bool {
    let is_word = |word: &str, others: &[u8]| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        (1..=32).contains(&word.len()) && word.bytes().all(allowed)
    };
    if let Some(rest) = text.strip_prefix("[REDACTED") {
        let family = rest.strip_prefix(':').and_then(|rest| rest.strip_suffix(']'));
        return rest == "]" || family.is_some_and(|family| is_word(family, b"-_."));
    }
    if let Some(last) = text.strip_prefix(super::action::MASK) {
        return last.chars().count() <= 4 && last.chars().all(char::is_alphanumeric);
    }
    let pseudonym = text
        .strip_prefix("hmac-sha256:")
        .and_then(|rest| rest.split_once(':'));
    pseudonym.is_some_and(|(key, hex)| {
        is_word(key, b"-_") && hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Counts what the policy under trial would have done to what was found.
fn rehearse(policy: &Policy, other: &Policy, trial: &Judged, hits: &[Hit]) {
    if trial.text.action != Action::Keep {
        return;
    }
    for hit in hits
        .iter()
        .filter(|hit| trial.text.look > Look::None && counts(trial.text.look, hit))
    {
        if other.action_for(class_of(trial, hit)) != Action::Keep {
            policy.counts().add_trial(hit.rule, 1);
        }
    }
}

//! The value engine: finds in a text what must not stay in it, by shape and by the key beside it.
//! One pass of detectors over one buffer; what they claim is merged and cut once.

mod about;
mod account;
mod address;
mod ahead;
mod algorithm;
mod alphabet;
mod announced;
mod another;
mod argv;
mod argvec;
mod bare;
mod base32;
mod beyond;
mod bytes;
mod card;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cases_commands;
#[cfg(test)]
mod cases_forms;
#[cfg(test)]
mod cases_kv;
#[cfg(test)]
mod cases_logins;
#[cfg(test)]
mod cases_odd;
#[cfg(test)]
mod cases_pem;
#[cfg(test)]
mod cases_released;
#[cfg(test)]
mod cases_several;
#[cfg(test)]
mod cases_tables;
#[cfg(test)]
mod cases_told;
mod children;
mod clue;
mod clue_words;
mod code;
mod command;
pub(super) mod custom;
mod cut;
mod dialog;
mod digits;
mod domains;
mod email;
mod encoded;
mod engine;
mod escapes;
mod field;
mod filled;
mod fold;
mod fold_table;
mod form_table;
mod forms;
mod glance;
mod government;
mod grant;
mod halves;
mod harmless;
mod hashed;
mod header;
pub(super) mod hits;
mod iban;
mod id;
mod identifier;
mod joint;
mod judged;
mod jwk;
mod keys;
mod keyval;
mod lead;
mod lexeme;
mod lexicon;
mod listed;
mod lists;
mod login;
mod look;
mod mark;
mod marked;
mod members;
mod misfits;
mod named;
mod neighbours;
mod numbers;
mod otherwise;
mod paired;
mod pairs;
mod parts;
mod passphrase;
mod path;
mod pem;
mod phone;
mod phrases;
mod plausible;
mod prose;
mod putty;
mod reference;
mod replaced;
mod search;
mod sentence;
mod serialized;
mod settings;
mod several;
mod shape;
mod spoken;
mod tables;
#[cfg(test)]
mod timings;
mod token_table;
mod tokens;
mod traits;
mod triggers;
mod unowned;
mod url;
mod value;
mod variety;
mod verdict;
mod vkey;
mod word;
mod written;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

pub(super) use cut::Edit;
pub(super) use engine::{Engine, Scanned as Extent, Scratch, redacted};
pub(super) use field::Field;
pub(super) use glance::{Needs, for_secrets};
use hits::{Hit, Sort};
pub(crate) use word::Counted;
pub(super) use word::Limits;

use crate::memory;

/// A value after the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned<'v> {
    /// The value, with what was found replaced; borrowed where nothing was.
    pub value: Cow<'v, str>,
    /// What was cut, by rule: its id, its sort, and how many times.
    pub redactions: Vec<Redaction>,
    /// Bytes that were left out because the value is longer than is scanned.
    pub dropped: usize,
}

/// How often a rule cut something out of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redaction {
    /// The rule's id: `token.github`, `kv.secret`, `email` …
    pub rule: &'static str,
    /// What the rule finds: `secret`, `financial`, `personal` or `network`.
    pub sort: &'static str,
    /// How many times it cut.
    pub n: u32,
}

/// Makes the tables that every scan reads.
pub(super) fn make_tables() {
    LazyLock::force(&neighbours::NEIGHBOURS);
    LazyLock::force(&triggers::TRIGGERS);
    LazyLock::force(&mark::MARKERS);
    LazyLock::force(&email::SMALL);
    LazyLock::force(&email::CAPITAL);
    LazyLock::force(&grant::OF_CODES);
    LazyLock::force(&grant::OF_STATES);
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    static JUDGED: RefCell<Option<Name>> = const { RefCell::new(None) };
}

/// The name that was judged last on a thread, and what it says: many values of one field come in a row.
struct Name {
    name: [u8; Self::LONGEST],
    len: usize,
    field: Field,
}

impl Name {
    /// The longest name that is remembered, in bytes.
    const LONGEST: usize = 64;

    fn judged(name: &str) -> Field {
        let known = |judged: &RefCell<Option<Self>>| {
            let judged = judged.try_borrow().ok()?;
            let known = judged.as_ref()?;
            let is_it = known.name.get(..known.len) == Some(name.as_bytes());
            is_it.then(|| known.field.clone())
        };
        if let Ok(Some(field)) = JUDGED.try_with(known) {
            return field;
        }
        let field = Field::of(name);
        let mut bytes = [0; Self::LONGEST];
        if let Some(place) = bytes.get_mut(..name.len()) {
            place.copy_from_slice(name.as_bytes());
            let new = Self {
                name: bytes,
                len: name.len(),
                field: field.clone(),
            };
            let _ = JUDGED.try_with(|judged| judged.try_borrow_mut().map(|mut judged| *judged = Some(new)));
        }
        field
    }
}

/// Scans a field's value and replaces what must not stay, in the way of the balanced policy without a key: secrets,
/// accounts and personal numbers by a marker, IP addresses by their first 24 (IPv4) or 48 (IPv6) bits.
///
/// At most 16 KiB are scanned; what lies beyond is not kept, and its place says how many bytes it had.
#[must_use]
pub fn scan<'v>(field: &str, value: &'v str) -> Scanned<'v> {
    let field = Name::judged(field);
    let needs = Engine::needs(&field, value);
    if needs == 0 && !field.says_something() {
        // Nothing is looked for, so nothing that a scan needs has to be at hand.
        return Scanned {
            value: Cow::Borrowed(value),
            redactions: Vec::new(),
            dropped: 0,
        };
    }
    let (scanned, lacks) = memory::apart(|| {
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => balanced((&field, needs), value, &mut scratch),
            Err(_) => balanced((&field, needs), value, &mut Scratch::default()),
        })
    });
    if lacks {
        // What was found may not all be known, so nothing stays.
        return Scanned {
            value: Cow::Borrowed(""),
            redactions: Vec::new(),
            dropped: value.len(),
        };
    }
    scanned
}

fn balanced<'v>((field, needs): (&Field, Needs), value: &'v str, scratch: &mut Scratch) -> Scanned<'v> {
    let scanned = Engine::default().scan_for(needs, field, value, scratch);
    let mut redactions: Vec<Redaction> = Vec::new();
    let value = engine::redacted(
        value,
        scanned,
        &scratch.hits,
        &mut |hit, text, out| {
            if !replace(hit, text, out) {
                return;
            }
            let known = redactions.iter_mut().find(|redaction| redaction.rule == hit.rule);
            match known {
                Some(known) => known.n += 1,
                None => redactions.push(Redaction {
                    rule: hit.rule,
                    sort: hit.sort.name(),
                    n: 1,
                }),
            }
        },
        &mut Vec::new(),
    );
    Scanned {
        value,
        redactions,
        dropped: scanned.dropped,
    }
}

/// Whether the text is one of our own markers or pseudonyms, whole.
pub(super) fn is_mark(text: &str) -> bool {
    mark::end(text.as_bytes(), 0) == Some(text.len())
}

/// Writes what stands in a hit's place; `false` where that is the text itself.
fn replace(hit: &Hit, text: &str, out: &mut String) -> bool {
    if hit.sort == Sort::Network
        && let Some(is_changed) = super::ip::put_whole(text, out)
    {
        return is_changed;
    }
    let family = match hit.sort {
        Sort::Secret => "secret",
        _ => hit.rule.rsplit('.').next().unwrap_or(hit.rule),
    };
    out.push_str("[REDACTED:");
    out.push_str(family);
    out.push(']');
    true
}

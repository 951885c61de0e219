//! Three neighbours of a text that every literal has somewhere: a set that a glance looks them up in, and the literals
//! themselves, for the places at which it found some.

use std::sync::LazyLock;

use super::argv::Command;
use super::triggers::{self, Trigger};

/// The class of a byte in the set of neighbours: letters by themselves, all others in a few classes. The first half are
/// those that texts are made of: so the words of the set that a short text asks for stand in a few lines of memory.
pub(super) mod kind {
    /// White space, quotation marks, and the ends of the text.
    pub(in super::super) const GAP: u64 = 0;
    pub(in super::super) const DIGIT: u64 = 16;
    pub(in super::super) const DASH: u64 = 17;
    pub(in super::super) const LOW_LINE: u64 = 18;
    pub(in super::super) const OTHER: u64 = 19;
    pub(in super::super) const FOREIGN: u64 = 20;
    pub(in super::super) const COUNT: usize = 32;
}

pub(super) const fn kind(byte: u8) -> u64 {
    match byte {
        b'a'..=b'z' => letter(byte),
        b'A'..=b'Z' => letter(byte | 0x20),
        b'0'..=b'9' => kind::DIGIT,
        b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'`' => kind::GAP,
        b'-' => kind::DASH,
        b'_' => kind::LOW_LINE,
        0x80.. => kind::FOREIGN,
        _ => kind::OTHER,
    }
}

/// The kind of a small letter.
const fn letter(letter: u8) -> u64 {
    /// The usual ones, and behind a gap the others.
    const ORDER: [u8; 26] = *b"etaoinsrhldcumpfgwybvkxjqz";
    let mut at = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "evaluated while compiling: out of bounds does not compile"
    )]
    while ORDER[at] != letter {
        at += 1;
    }
    at as u64 + if at < 15 { 1 } else { 6 }
}

/// How many words the set of neighbours has: a bit for each three kinds in a row.
const WORDS: usize = kind::COUNT * kind::COUNT * kind::COUNT / 64;

/// Three kinds in a row as one number.
pub(super) const THREE: u64 = (1 << 15) - 1;

pub(super) static NEIGHBOURS: LazyLock<Neighbours> = LazyLock::new(Neighbours::new);

/// A bit for each three kinds in a row. What two usual kinds have in common stands in one line of memory.
#[repr(align(64))]
pub(super) struct Set([u64; WORDS]);

impl Set {
    /// One in the last bit if these three kinds are of the set.
    #[inline(always)]
    pub(super) fn get(&self, three: u64) -> u64 {
        let word = self.0.get((three >> 6) as usize).copied().unwrap_or(!0);
        word >> (three & 63)
    }
}

/// Three kinds in a row that every text with one of the literals must have somewhere.
pub(super) struct Neighbours {
    pub(super) set: Box<Set>,
    /// The literals by their three kinds.
    literals: Vec<Known>,
    /// By the slot of three kinds, how many of the literals stand in one before.
    slots: [u16; SLOTS + 1],
}

/// A literal that is known by three kinds.
struct Known {
    three: u16,
    /// How far before the last of the three it begins.
    back: u8,
    literal: Box<str>,
}

/// How many slots the literals are kept in: mostly one in each.
const SLOTS: usize = 256;

const fn slot(three: u64) -> usize {
    ((three as u32).wrapping_mul(0x9E37_79B1) >> 24) as usize
}

/// Literals that detectors look for without the search: among them the words of documents, whose numbers may have no
/// five digits in a row.
const EXTRA: &[&str] = &[
    "born",
    " dot ",
    "(at)",
    "hmac-sha256:",
    "ausweis",
    "pasaporte",
    "driv",
    "licen",
    "national",
    "fiscale",
];

/// What harmless texts are made of: a literal leaves its mark where they have it least.
const USUAL: &str = "user created an order in the shop and the payment was approved after the check completed; \
    invoice sent to customer, shipment delayed until monday, retrying connection to upstream server with timeout of \
    seconds; request finished with status ok in ms; started worker and loaded configuration from file; item added to \
    cart by visitor; document updated, report exported, job scheduled, queue drained, session started and closed; \
    permission granted by administrator, role changed from reader to editor, access denied for project; record \
    deleted, policy enabled, backup restored, database migrated to version; login succeeded, login failed, logout; \
    message received from topic, event published, task completed, batch processed, index rebuilt, metrics collected; \
    starting application on host, listening on port, connected to cluster, node joined, leader elected, shutting down; \
    cannot open file, no such directory, invalid argument, unexpected end of input, service unavailable, not found; \
    processing took longer than expected, cancelled by user, resource limit reached, disk usage at percent, memory; \
    approved by manager, rejected because of missing data, transferred between accounts, ticket opened and assigned; \
    first attempt failed, will try again later; response size in bytes, current state is running, previous value";

impl Neighbours {
    fn new() -> Self {
        let mut new = Self {
            set: Box::new(Set([0; WORDS])),
            literals: Vec::new(),
            slots: [0; SLOTS + 1],
        };
        let mut seen = vec![0_u32; WORDS * 64];
        for three in USUAL.as_bytes().windows(3) {
            if let Some(seen) = seen.get_mut(three_of(three)) {
                *seen += 1;
            }
        }
        let literals = triggers::literals();
        let short = literals.iter().filter(|(_, trigger)| is_short(*trigger));
        for literal in short
            .map(|(literal, _)| literal.as_str())
            .chain(EXTRA.iter().copied())
        {
            let option = literal.len() == 2 && literal.starts_with('-');
            match literal.as_bytes() {
                // An option begins a word.
                [dash, letter] if option => new.add(three_of(&[b' ', *dash, *letter]), 1, literal),
                [first, second] => {
                    let two = three_of(&[*first, *second]);
                    (0..kind::COUNT).for_each(|third| new.add(two << 5 | third, 2, literal));
                }
                bytes => {
                    let threes = bytes.windows(3).map(three_of).enumerate();
                    let rarest = threes.min_by_key(|(_, three)| seen.get(*three).copied());
                    if let Some((at, three)) = rarest {
                        new.add(three, at + 2, literal);
                    }
                }
            }
        }
        new.literals
            .sort_by_key(|known| (slot(u64::from(known.three)), known.three));
        for (at, place) in new.slots.iter_mut().enumerate() {
            let before = new
                .literals
                .partition_point(|known| slot(u64::from(known.three)) < at);
            *place = u16::try_from(before).unwrap_or(u16::MAX);
        }
        new
    }

    fn add(&mut self, three: usize, back: usize, literal: &str) {
        if let Some(word) = self.set.0.get_mut(three >> 6) {
            *word |= 1 << (three & 63);
        }
        let (three, back) = (u16::try_from(three), u8::try_from(back));
        debug_assert!(three.is_ok() && back.is_ok(), "{literal}");
        self.literals.push(Known {
            three: three.unwrap_or(0),
            back: back.unwrap_or(0),
            literal: literal.into(),
        });
    }

    /// Whether a literal stands where these three kinds end.
    #[inline(never)]
    pub(super) fn is_literal(&self, bytes: &[u8], at: usize, three: u64) -> bool {
        let place = |slot: usize| self.slots.get(slot).map_or(0, |place| usize::from(*place));
        let (from, to) = (place(slot(three)), place(slot(three) + 1));
        let near = self.literals.get(from..to).unwrap_or_default();
        near.iter().any(|known| {
            let stands = at.checked_sub(usize::from(known.back));
            let text = stands.and_then(|start| bytes.get(start..start + known.literal.len()));
            text.is_some_and(|text| is_like(text, known.literal.as_bytes()))
        })
    }
}

/// Whether a text may be a literal: neither cases nor digits are told apart, so that all that a glance says of a text holds for
/// one with other digits as well.
fn is_like(text: &[u8], literal: &[u8]) -> bool {
    let is_like = |(byte, of): (&u8, &u8)| {
        byte.eq_ignore_ascii_case(of) || byte.is_ascii_digit() && of.is_ascii_digit()
    };
    text.len() == literal.len() && text.iter().zip(literal).all(is_like)
}

fn three_of(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |three, &byte| three << 5 | kind(byte)) as usize
}

/// Whether what a literal announces fits in less than a run, and needs neither `@` nor `[`.
pub(super) const fn is_short(trigger: Trigger) -> bool {
    match trigger {
        // The other commands are nothing without an option that is looked for itself.
        Trigger::Name
        | Trigger::Command(Command::W)
        | Trigger::Form(_)
        | Trigger::Option
        | Trigger::User
        | Trigger::Identified
        | Trigger::Basic
        | Trigger::Putty
        | Trigger::Table
        | Trigger::Settings
        | Trigger::Written
        | Trigger::Values => true,
        // Runs: tokens, keys, links. Marks: userinfo, lists. Behind four colons: the line of a password file. A
        // command alone is nothing without its option, and a marker nothing without a hit.
        Trigger::Prefix(_)
        | Trigger::Infix(_)
        | Trigger::Discord
        | Trigger::Pem
        | Trigger::Jwk
        | Trigger::Webhook(_)
        | Trigger::Link
        | Trigger::Scheme
        | Trigger::Dsn
        | Trigger::Oracle
        | Trigger::Numbers
        | Trigger::Passfile
        | Trigger::Command(_)
        | Trigger::Mark => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot that could not say where its literals begin would have none.
    #[test]
    fn every_slot_can_say_where_its_literals_begin() {
        let all = Neighbours::new();
        assert!(all.literals.len() < usize::from(u16::MAX));
        assert_eq!(
            all.slots.last().map(|last| usize::from(*last)),
            Some(all.literals.len())
        );
        for known in &all.literals {
            let slot = slot(u64::from(known.three));
            let places = usize::from(all.slots[slot])..usize::from(all.slots[slot + 1]);
            let near = &all.literals[places];
            assert!(
                near.iter().any(|other| other.literal == known.literal),
                "{}",
                known.literal
            );
        }
    }

    #[test]
    fn every_letter_has_a_kind_of_its_own_and_no_other_byte_has_it() {
        let letters: Vec<u64> = (b'a'..=b'z').map(kind).collect();
        let marks = [
            kind::GAP,
            kind::DIGIT,
            kind::DASH,
            kind::LOW_LINE,
            kind::OTHER,
            kind::FOREIGN,
        ];
        let mut all = [letters.as_slice(), &marks].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), all.last()), (26 + marks.len(), Some(&31)));
        for byte in 0..=u8::MAX {
            let letter = letters.get(usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a')));
            assert!(
                letter.map_or(marks.contains(&kind(byte)), |letter| *letter == kind(byte)),
                "{byte}"
            );
        }
    }
}

//! A search for secrets in bytes, whatever form they took.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::canary::{Encoding, Planted, hex, percent};

/// Every form of a needle that bytes of ours could hold.
pub(crate) fn forms(needle: &str) -> Vec<Vec<u8>> {
    let bytes = needle.as_bytes();
    let utf16 = |low: bool| -> Vec<u8> {
        bytes
            .iter()
            .flat_map(|&byte| if low { [byte, 0] } else { [0, byte] })
            .collect()
    };
    let mut forms = vec![
        bytes.to_vec(),
        hex(bytes).into_bytes(),
        hex(bytes).to_uppercase().into_bytes(),
        percent(bytes, false).into_bytes(),
        percent(bytes, true).into_bytes(),
        // Backslashes are taken out of what is searched: a text in a text in a line has any number of them.
        Encoding::JsonEscapes.of(needle).replace('\\', "").into_bytes(),
        // A list of bytes, as `Debug` shows it.
        bytes
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", ")
            .into_bytes(),
    ];
    // A zero byte behind each letter: in JSON, as `Debug` shows it, in a URL.
    for zero in ["u0000", "0", "%00"] {
        forms.push(
            needle
                .chars()
                .map(|char| format!("{char}{zero}"))
                .collect::<String>()
                .into_bytes(),
        );
    }
    for utf16 in [utf16(true), utf16(false)] {
        forms.extend(base64(&utf16));
        forms.push(utf16);
    }
    forms.extend(base64(bytes));
    // What is encoded already, and then given as bytes.
    forms.extend(base64(STANDARD.encode(bytes).as_bytes()));
    forms.extend(base64(hex(bytes).as_bytes()));
    forms.extend(base64(percent(bytes, false).as_bytes()));
    forms.sort();
    forms.dedup();
    forms
}

/// What of the bytes' base64 does not depend on its neighbours, at each of the three places where it can begin, in both
/// alphabets.
fn base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for shift in 0..3 {
        let mut padded = vec![0; shift];
        padded.extend(bytes);
        let text = STANDARD.encode(&padded);
        // Letters that hold bits of a neighbour are left out.
        let from = (shift * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        let inner = &text[from..to];
        all.push(inner.as_bytes().to_vec());
        all.push(inner.replace('+', "-").replace('/', "_").into_bytes());
    }
    all
}

/// Looks for many needles at once: the first eight bytes of each form are a number, and numbers are looked up.
pub(crate) struct Finder {
    /// By the first eight bytes: forms that begin so, and whose they are.
    heads: HashMap<u64, Vec<(Vec<u8>, usize)>>,
    /// A bit for each hash of a head that there is: most places are left after one look.
    bits: Vec<u64>,
}

const BITS: u32 = 24;

impl Finder {
    pub(crate) fn new(planted: &[Planted]) -> Self {
        Self::of(planted.iter().map(|planted| planted.needles.as_slice()))
    }

    /// A finder for lists of needles; what it finds is the number of a list.
    pub(crate) fn of<'n>(lists: impl Iterator<Item = &'n [String]>) -> Self {
        let mut finder = Self {
            heads: HashMap::new(),
            bits: vec![0; 1 << (BITS - 6)],
        };
        for (whose, needles) in lists.enumerate() {
            for form in needles.iter().flat_map(|needle| forms(needle)) {
                let Some(head) = form.first_chunk::<8>() else {
                    continue;
                };
                let head = u64::from_le_bytes(*head);
                let bit = bit(head);
                finder.bits[bit / 64] |= 1 << (bit % 64);
                finder.heads.entry(head).or_default().push((form, whose));
            }
        }
        finder
    }

    /// The numbers of those whose needles stand in the bytes, in whatever form.
    pub(crate) fn find(&self, bytes: &[u8]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.look(bytes, &mut found);
        for inner in given_as_bytes(bytes) {
            self.look(&inner, &mut found);
        }
        found
    }

    fn look(&self, bytes: &[u8], found: &mut BTreeSet<usize>) {
        self.slide(bytes, found);
        if bytes.contains(&b'\\') {
            let plain: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\\').collect();
            self.slide(&plain, found);
        }
    }

    fn slide(&self, bytes: &[u8], found: &mut BTreeSet<usize>) {
        let mut window = 0_u64;
        for (at, &byte) in bytes.iter().enumerate() {
            window = window >> 8 | u64::from(byte) << 56;
            let bit = bit(window);
            if self.bits[bit / 64] & 1 << (bit % 64) == 0 || at < 7 {
                continue;
            }
            let rest = &bytes[at - 7..];
            for (form, whose) in self.heads.get(&window).into_iter().flatten() {
                if rest.starts_with(form) {
                    found.insert(*whose);
                }
            }
        }
    }
}

/// What lines state in base64, as it was.
fn given_as_bytes(lines: &[u8]) -> Vec<Vec<u8>> {
    let open = br#""$bytes":""#;
    let parts = memchr::memmem::find_iter(lines, open).map(|at| &lines[at + open.len()..]);
    let texts = parts.map(|rest| &rest[..rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len())]);
    texts.filter_map(|text| STANDARD.decode(text).ok()).collect()
}

fn bit(head: u64) -> usize {
    (head.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS)) as usize
}

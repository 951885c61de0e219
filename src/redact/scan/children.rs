//! Lines below a secret's name in YAML: `password:\n  old: …`, `tokens:\n  github: …`, `secrets:\n  - …`.
//!
//! A name that says what it is of itself is a trigger of its own; here are those that say nothing alone. Translations have the
//! same keys (`password:\n  new: New password`), so a value is one word, with a digit among its letters or nothing like a word.

use super::alphabet::byte;
use super::bytes::run;
use super::hits::Sort;
use super::joint::{self, Site};
use super::keyval;
use super::look::Look;
use super::members::{is_place, is_secret};
use super::plausible::{Joint, is_random};
use super::value::{self, Extent};
use crate::redact::words::{Force, Named};

/// The most lines below a name that are looked at.
const LINES: usize = 64;

/// The longest key, and the longest value, in bytes.
const KEY: usize = 48;
const VALUE: usize = 256;

/// Cuts what is a secret in the lines below a name, the first of which begins at `at`, if they are elements or have keys.
///
/// It ends with the first line that is further in, so that sections within each other are not read again for each.
pub(super) fn secrets(look: &mut Look<'_, '_>, named: Named, site: Site, at: usize) {
    let gap = look.bytes.get(site.at..at).unwrap_or_default();
    let is_below = site.joint == Joint::Colon
        && named.sort == Sort::Secret
        && named.force == Force::Certain
        && gap.contains(&b'\n')
        && !gap.iter().any(|byte| matches!(byte, b'|' | b'>'));
    let is_list = is_item(look.bytes, at);
    if !is_below || !(is_list || key(look.bytes, at).is_some()) {
        return;
    }
    let indent = gap.iter().rev().take_while(|byte| **byte == b' ').count();
    let before = look.named;
    let mut line = at - indent;
    for _ in 0..LINES {
        let own = run(look.bytes, line, indent + 3, |byte| byte == b' ');
        let at = line + own;
        let end = line_end(look.bytes, at);
        let is_item = is_item(look.bytes, at);
        let continues = is_list && own == indent + 2 && !is_item;
        if at < end && own != indent && !continues || is_list && own == indent && !is_item {
            break;
        }
        one(look, named, if is_item { at + 2 } else { at }, end, is_item);
        line = end + 1;
        if line >= look.bytes.len() {
            break;
        }
    }
    // What is none of these may hold names of its own.
    look.named = before;
}

/// One line: a key with its value, or an element of a list.
fn one(look: &mut Look<'_, '_>, named: Named, at: usize, end: usize, is_item: bool) {
    let key = key(look.bytes, at);
    let start = match key {
        Some(key) => value::skip_space(look.bytes, key.end + 1, false),
        None if is_item => at,
        None => return,
    };
    let Some(found) = scalar(look, start, end) else {
        return;
    };
    let text = look.text.get(found.start..found.end).unwrap_or_default();
    let name = key.and_then(|key| look.text.get(key.start..key.end));
    let is_secret = match name {
        Some(name) => is_secret(named, name, text),
        None => named.plural && text.len() >= 8 && is_random(text) && !is_place(text),
    };
    if !is_secret || !is_no_word(text) {
        return;
    }
    let site = key.and_then(|key| joint::of(look.bytes, key.start, key.end));
    let site = site.unwrap_or(Site {
        from: at,
        to: at,
        joint: Joint::Colon,
        at,
        parameter: false,
        marked: false,
    });
    keyval::cut(look, named, site, found);
}

/// The value at `start`, if it is one run, with marks or without, to the end of its line.
fn scalar(look: &Look<'_, '_>, start: usize, end: usize) -> Option<Extent> {
    let line = look.bytes.get(start..end).filter(|line| line.len() <= VALUE)?;
    let line = line.trim_ascii_end();
    let (lead, inner) = match line {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => (1, inner),
        inner => (0, inner),
    };
    let is_run = inner
        .iter()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\''));
    (is_run && !inner.is_empty()).then_some(Extent {
        start: start + lead,
        end: start + lead + inner.len(),
        quoted: lead > 0,
    })
}

/// Whether a value is neither a word, nor a number or a date.
fn is_no_word(text: &str) -> bool {
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    text.len() >= 6 && has_letter && (has_digit || is_random(text))
}

/// The key of a mapping at `at`.
fn key(bytes: &[u8], at: usize) -> Option<Extent> {
    let len = run(bytes, at, KEY, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
    });
    let is_key = len > 0
        && byte(bytes, at + len) == b':'
        && matches!(byte(bytes, at + len + 1), 0 | b' ' | b'\r' | b'\n');
    is_key.then_some(Extent {
        start: at,
        end: at + len,
        quoted: false,
    })
}

/// `- …`: an element of a list.
pub(super) fn is_item(bytes: &[u8], at: usize) -> bool {
    byte(bytes, at) == b'-' && byte(bytes, at + 1) == b' '
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

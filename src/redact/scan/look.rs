//! One look at one text: what the literals that were found are turned into, and how far each kind of look has come. Every
//! look-around is bounded or remembered, so that a text is read in linear time whatever it holds.

use std::borrow::Cow;

use super::ahead::Ahead;
use super::alphabet::{ALPHABETS, Alphabet, byte};
use super::hits::{Hits, Sort};
use super::judged::Judged;
use super::misfits::Misfits;
use super::tokens::{BEGINNING, INFIXES, PREFIXES, Prefix};
use super::traits::Known;
use super::triggers::Trigger;
use super::variety::Variety;
use super::{
    argv, bare, forms, grant, jwk, keyval, listed, lists, pairs, pem, phrases, prose, putty, url, value,
};
use crate::redact::words::{self, Named};

/// A text under the eyes of the detectors.
#[derive(Debug)]
pub(super) struct Look<'t, 'h> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) hits: &'h mut Hits,
    /// Names that begin before this place have been looked at.
    pub(super) named: usize,
    /// Names that were looked up, and what they say: lists repeat a few.
    names: [(&'t str, Option<Named>); NAMES],
    /// The same of names with words before them.
    pub(super) phrases: phrases::Phrases<'t>,
    /// The bare run that was measured last.
    pub(super) bare: (usize, usize),
    /// Where the last list of pairs ended that was a value: the values within it are read no further.
    pub(super) pairs: usize,
    /// The part that was read of the word that was measured last.
    word: (usize, usize),
    /// What stands in the run of which it was asked last.
    pub(super) known: Known,
    /// What was said of the values that were judged last.
    pub(super) judged: Judged<'t>,
    /// The same of those in sentences.
    pub(super) told: prose::Told<'t>,
    /// What was seen last of the pairs of a value.
    pub(super) rest: pairs::Rest,
    /// What was read last behind a scheme.
    pub(super) credential: bare::Run,
    /// The parameters that were read last.
    pub(super) listed: listed::Listed,
    /// What is known of the grants.
    pub(super) grants: grant::Grants,
    /// URLs that begin before this place have been looked at.
    pub(super) url: usize,
    /// Where the last PEM block, or key in JSON, ended.
    pub(super) pem: usize,
    /// The headers that the last block was followed through.
    pub(super) pem_headers: pem::Known,
    /// What is known of commands and the arguments of their options.
    pub(super) arguments: argv::Arguments,
    /// What is known of the columns of an insert.
    pub(super) columns: lists::Columns,
    /// How far tables were read.
    pub(super) tables: super::tables::Tables,
    /// What stands next that is no part of a name.
    pub(super) parts: Ahead,
    /// What stands next that is no part of plain pairs.
    pub(super) unpaired: Ahead,
    /// What stands behind the marks that close a value.
    pub(super) behind: Ahead,
    /// What is known of what stands before hosts without a scheme.
    pub(super) hosts: url::Hosts,
    /// Where the path of a webhook ends.
    pub(super) path: Ahead,
    /// Lists that begin before this place have been looked at.
    pub(super) list: usize,
    /// The text is what a list of bytes says: no list is read within it.
    pub(super) inner: bool,
    /// Where the last token ended.
    token: usize,
    /// By alphabet, the run that was measured last.
    runs: [(usize, usize); ALPHABETS],
    /// Where the dots at the end of a run begin, and where that run ends.
    dots: (usize, usize),
    /// For a run's end, and what the run is made of, where it goes on to on the next line.
    line: (usize, Option<Alphabet>, usize),
    /// Of how many kinds the bytes are that were read last.
    variety: Variety,
    /// By shape, which bodies in one line do not have it.
    misfits: [Misfits; SHAPES],
    /// The same of bodies in two lines.
    broken: [Misfits; SHAPES],
}

/// How many shapes are remembered: the others are read in a moment.
const SHAPES: usize = 3;

/// The longest word of a path that is taken for one, in bytes.
const WORD: usize = 20;

/// How many names are remembered, each in its place.
const NAMES: usize = 8;

#[inline]
fn place(name: &[u8]) -> usize {
    let last = name.last().copied().unwrap_or(0);
    (name.len() ^ usize::from(last)) % NAMES
}

impl<'t, 'h> Look<'t, 'h> {
    pub(super) fn new(text: &'t str, hits: &'h mut Hits) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            hits,
            named: 0,
            names: [("", None); NAMES],
            phrases: phrases::Phrases::default(),
            bare: (0, 0),
            pairs: 0,
            word: (0, 0),
            known: Known::default(),
            judged: Judged::default(),
            told: prose::Told::default(),
            rest: pairs::Rest::default(),
            credential: bare::Run::default(),
            listed: listed::Listed::default(),
            grants: grant::Grants::default(),
            url: 0,
            pem: 0,
            pem_headers: pem::Known::default(),
            tables: super::tables::Tables::default(),
            arguments: argv::Arguments::default(),
            columns: lists::Columns::default(),
            parts: Ahead::default(),
            unpaired: Ahead::default(),
            behind: Ahead::default(),
            hosts: url::Hosts::default(),
            path: Ahead::default(),
            list: 0,
            inner: false,
            token: 0,
            runs: [(0, 0); ALPHABETS],
            dots: (0, 0),
            line: (0, None, 0),
            variety: Variety::default(),
            misfits: [const { Misfits::NONE }; SHAPES],
            broken: [const { Misfits::NONE }; SHAPES],
        }
    }

    /// Looks closer at the literal at `start..end`.
    pub(super) fn at(&mut self, trigger: Trigger, start: usize, end: usize) {
        match trigger {
            Trigger::Prefix(row) => self.prefix(row, start),
            Trigger::Infix(row) => self.infix(row, start),
            Trigger::Name => keyval::name(self, start, end),
            Trigger::Scheme => url::authority(self, start, end),
            Trigger::Pem => pem::block(self, start),
            Trigger::Putty => putty::lines(self, start, end),
            Trigger::Webhook(secret) => url::webhook(self, secret, end),
            Trigger::Link => url::link(self, end),
            Trigger::Dsn => url::bare_userinfo(self, start),
            Trigger::Oracle => url::oracle(self, end),
            Trigger::Command(command) => argv::command(self, command, start, end),
            Trigger::Form(form) => forms::begin(self, form, start, end),
            Trigger::Option => argv::option(self, start),
            Trigger::User => argv::user(self, start, end),
            Trigger::Identified => keyval::identified(self, end),
            Trigger::Basic => prose::basic(self, start, end),
            Trigger::Jwk => jwk::members(self, start),
            Trigger::Passfile => url::passfile(self, end),
            Trigger::Discord => self.discord(start),
            Trigger::Numbers => lists::bytes(self, start),
            Trigger::Values => lists::values(self, start, end),
            Trigger::Table => super::tables::pairs(self, start, end),
            Trigger::Settings => super::settings::lines(self, start),
            Trigger::Written => super::written::value(self, start),
            Trigger::Mark => {}
        }
    }

    /// What a name says by itself, if it was looked up.
    #[inline]
    pub(super) fn known_name(&self, name: &[u8]) -> Option<Option<Named>> {
        let (known, named) = self.names.get(place(name))?;
        (known.as_bytes() == name).then_some(*named)
    }

    /// What the name says by itself.
    pub(super) fn look_up(&mut self, name: &'t str) -> Option<Named> {
        let named = words::named(name);
        if let Some(known) = self.names.get_mut(place(name.as_bytes())) {
            *known = (name, named);
        }
        named
    }

    pub(super) fn secret(&mut self, start: usize, end: usize, rule: &'static str) {
        self.hits.push(start, end, rule, Sort::Secret);
    }

    /// Where the run of an alphabet that goes through `at` ends.
    fn run_end(&mut self, at: usize, alphabet: Alphabet) -> usize {
        let Some(known) = self.runs.get_mut(alphabet as usize) else {
            return at;
        };
        if !(known.0..known.1).contains(&at) {
            let ahead = self.bytes.get(at..).unwrap_or_default();
            *known = (at, at + alphabet.run(ahead));
        }
        known.1.max(at)
    }

    /// Whether the `len` bytes before `at` are known to be of one run.
    fn is_within_run(&self, at: usize, len: usize, alphabet: Alphabet) -> bool {
        let known = self.runs.get(alphabet as usize);
        known.is_some_and(|known| known.0 + len <= at && at <= known.1)
    }

    /// Where the word that goes through `at` ends, which is looked for up to `limit`. One long word may be asked for many times.
    pub(super) fn word_end(&mut self, at: usize, limit: usize) -> usize {
        let (from, read) = self.word;
        let (from, read) = if from <= at && at <= read {
            (from, read)
        } else {
            (at, at)
        };
        let ahead = self.bytes.get(read..limit).unwrap_or_default();
        self.word = (from, read + value::word(ahead, 0));
        self.word.1.min(limit)
    }

    fn prefix(&mut self, row: usize, start: usize) {
        let Some(row) = PREFIXES.get(row) else {
            return;
        };
        if start < self.token {
            return;
        }
        let run = self.run_end(start + row.literal.len(), row.body);
        let mut end = self.undotted(start, run);
        if byte(self.bytes, start.wrapping_sub(1)) == b'/' {
            end = self.path_end(start, end);
        }
        let on = self.line_behind(row, start, end);
        let is_whole = self.is_token(row, start, end);
        // What is whole before a mark is not joined to what stands behind it.
        let on = if is_whole && !byte(self.bytes, end).is_ascii_whitespace() {
            end
        } else {
            on
        };
        if is_whole || on > end && self.is_broken(row, start, end, on) {
            self.secret(start, on, row.rule);
            self.token = on;
            if row.rule == "token.aws" {
                self.other_half(on);
            }
        }
    }

    /// The end of a run without the dots that it ends with. One run is asked for many times.
    fn undotted(&mut self, start: usize, run: usize) -> usize {
        if self.dots.1 != run {
            let bytes = self.bytes.get(..run).unwrap_or_default();
            let dots = bytes.iter().rev().take_while(|byte| **byte == b'.').count();
            self.dots = (run - dots, run);
        }
        self.dots.0.max(start)
    }

    fn is_token(&mut self, row: &Prefix, start: usize, end: usize) -> bool {
        let from = start + row.literal.len();
        // The literal was found where it may begin: of what a row asks for, the length is left.
        row.is_long(end.saturating_sub(from))
            && self.variety.is_enough(self.bytes, from..end, row.fewest())
            && self.is_shaped(row, from, end)
    }

    /// Whether the body has its row's shape. One long run may hold many literals, and what is missing behind one of them is
    /// missing behind those that follow.
    fn is_shaped(&mut self, row: &Prefix, from: usize, end: usize) -> bool {
        let Some(shape) = row.shape else {
            return true;
        };
        let body = self.bytes.get(from..end).unwrap_or_default();
        match self.misfits.get_mut(shape as usize) {
            Some(misfit) => misfit.ask(shape, from, end, || Some(Cow::Borrowed(body))),
            None => shape.fits(body),
        }
    }

    /// `AKIA…:…`, `AKIA…,…`: the key that belongs to a key's id has no form but its length.
    fn other_half(&mut self, end: usize) {
        let marks = self
            .bytes
            .get(end..self.bytes.len().min(end + 3))
            .unwrap_or_default();
        let gap = marks
            .iter()
            .take_while(|byte| matches!(**byte, b':' | b'/' | b',' | b' ' | b'|' | b'\t'))
            .count();
        let from = end + gap;
        let ahead = self
            .bytes
            .get(from..self.bytes.len().min(from + 41))
            .unwrap_or_default();
        let run = Alphabet::Base64.run(ahead);
        let mixed = ahead.get(..run).is_some_and(super::tokens::is_mixed);
        if gap > 0 && run == 40 && mixed {
            self.secret(from, from + run, "token.aws");
            self.token = from + run;
        }
    }

    /// The end of a token whose alphabet has `/` and that is a segment of a path: words that follow are not its own.
    fn path_end(&self, start: usize, end: usize) -> usize {
        let mut end = end;
        for _ in 0..3 {
            // A longer one is no word: no more is read, because many tokens may end there.
            let near = self
                .bytes
                .get(start.max(end.saturating_sub(WORD + 1))..end)
                .unwrap_or_default();
            let Some(slash) = near.iter().rposition(|byte| *byte == b'/') else {
                break;
            };
            let segment = near.get(slash + 1..).unwrap_or_default();
            let is_word = segment
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'));
            if !is_word || end - start <= segment.len() + 1 {
                break;
            }
            end -= segment.len() + 1;
        }
        end
    }

    /// As [`Self::next_line`], which says the same of all rows of one alphabet that know no longest body.
    fn line_behind(&mut self, row: &Prefix, start: usize, end: usize) -> usize {
        if row.max > 0 {
            return self.next_line(row, start, end);
        }
        let (known, alphabet, on) = self.line;
        if known == end && alphabet == Some(row.body) {
            return on;
        }
        let on = self.next_line(row, start, end);
        self.line = (end, Some(row.body), on);
        on
    }

    /// Where a token that a line break divides goes on to; `end` where nothing like its rest begins the next line.
    fn next_line(&self, row: &Prefix, start: usize, end: usize) -> usize {
        let gap = super::bytes::broken(self.bytes, end);
        if gap == 0 {
            return end;
        }
        if row.max > 0 && end - start >= row.literal.len() + row.max {
            return end;
        }
        let from = end + gap;
        let ahead = self
            .bytes
            .get(from..self.bytes.len().min(from + 200))
            .unwrap_or_default();
        let run = row.body.run(ahead);
        let rest = ahead.get(..run).unwrap_or_default();
        let closed =
            byte(ahead, run) <= b' ' || matches!(byte(ahead, run), b'"' | b'\'' | b',' | b';' | b')');
        let mixed = super::tokens::is_mixed(rest) && run >= 6;
        // A new token on the next line has a beginning of its own.
        if closed && mixed && run < ahead.len().max(199) && !super::tokens::begins(rest) {
            from + run
        } else {
            end
        }
    }

    /// Whether both lines together are the token.
    fn is_broken(&mut self, row: &Prefix, start: usize, end: usize, on: usize) -> bool {
        let from = start + row.literal.len();
        // The beginning of both lines together is that of the first where that is long, and says most before anything is
        // copied.
        if end < from + 4 || end > from + row.min.max(BEGINNING) && !row.stands(self.bytes, start, end) {
            return false;
        }
        let bytes = self.bytes;
        let joined = |from: usize| {
            let first = bytes.get(from..end)?;
            let rest = bytes.get(end + super::bytes::broken(bytes, end)..on)?;
            let mut joined: Vec<u8> = Vec::new();
            if !crate::memory::room(&mut joined, first.len() + rest.len()) {
                return None;
            }
            joined.extend_from_slice(first);
            joined.extend_from_slice(rest);
            Some(joined)
        };
        let first = bytes.get(from..end).unwrap_or_default();
        if row.shape.is_some_and(|shape| shape.is_out(first)) {
            return false;
        }
        let broken = row
            .shape
            .and_then(|shape| Some((shape, self.broken.get_mut(shape as usize)?)));
        if let Some((shape, misfit)) = broken
            && !misfit.ask(shape, from, on, || joined(from).map(Cow::Owned))
        {
            return false;
        }
        let is_at = |joined: Vec<u8>| row.is_at(&joined, 0, joined.len());
        joined(start).is_some_and(is_at) && (!row.walled || super::alphabet::walled(bytes, start))
    }

    fn infix(&mut self, row: usize, start: usize) {
        let Some(row) = INFIXES.get(row) else { return };
        if self.is_within_run(start, row.before_max + 1, row.before) {
            return;
        }
        let bytes = self.bytes;
        let found = row
            .around(bytes, start, |at, alphabet| self.run_end(at, alphabet))
            .map(|found| (row, found));
        if let Some((row, (from, end))) = found.filter(|(_, found)| found.0 >= self.token) {
            self.secret(from, end, row.rule);
            self.token = end;
        }
    }

    /// A Discord bot's token: its id in base64, a time, a signature.
    fn discord(&mut self, start: usize) {
        if start < self.token {
            return;
        }
        let mut at = start;
        for (least, most) in [(22, 28), (5, 8), (25, 60)] {
            let ahead = self
                .bytes
                .get(at..self.bytes.len().min(at + most + 1))
                .unwrap_or_default();
            let run = Alphabet::Dash.run(ahead);
            if !(least..=most).contains(&run) {
                return;
            }
            at += run;
            if most != 60 && self.bytes.get(at) != Some(&b'.') {
                return;
            }
            at += usize::from(most != 60);
        }
        self.secret(start, at, "token.discord");
        self.token = at;
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{ALNUM, body};
    use super::super::engine::tests::rules;

    #[test]
    fn what_is_known_of_one_shape_is_nothing_of_another() {
        for (begin, gap) in [("api-", "\n"), ("sdk-", "\n"), ("mob-", "\r\n")] {
            let token = format!("{begin}{}", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
            let text = format!("eyJhbGci1Ab{gap}Ab9-{token}");
            let found = rules(&text);
            assert!(found.iter().any(|hit| hit.2 == text.len()), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_token_is_found_behind_and_in_a_long_run_of_beginnings_of_tokens() {
        let token = format!("ghp_{}", body(ALNUM, 36));
        let mixed = body(ALNUM, 60);
        for beginning in ["-pa", "-eyJ", "A3-", "-live_", "-EAAA", "-pat", "-pa-bcdef1"] {
            let run = beginning.repeat(300);
            for between in [" ", "\n", ".......... ", "\n\n", "/ "] {
                let text = format!("{run}{between}{token}");
                let found = rules(&text);
                assert!(
                    found
                        .iter()
                        .any(|hit| hit.1 <= text.len() - token.len() && hit.2 == text.len()),
                    "{beginning}{between}: {found:?}"
                );
            }
            let text = format!("{run}-pa-{mixed}");
            let found = rules(&text);
            assert!(
                found.iter().any(|hit| hit.2 == text.len()),
                "{beginning}: {found:?}"
            );
        }
    }
}

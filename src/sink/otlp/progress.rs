//! How far a sink has come in each of the streams whose entries it is given.

use crate::format::Entry;

/// How far one stream has come. Each counts its entries by itself, and a sink is given those of all.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) stream: Box<str>,
    /// Every entry below this one was answered for, if it is not younger than [`Self::newest`]: one that took the number of an
    /// entry that the disk has lost since is another one.
    pub(super) passed: u64,
    /// When the newest of those was observed.
    newest: u64,
    /// Where parts end into which a chunk was cut because the receiver refused some of it, the nearest last. Kept from call to
    /// call: a receiver that is also away now and then must not have the search begin anew.
    pub(super) ends: Vec<u64>,
    /// Those that the receiver refused and that were not answered for yet: of the batch under way, or of one behind it that was
    /// offered together with it.
    refused: Vec<u64>,
}

impl Progress {
    pub(super) fn new(stream: &str) -> Self {
        Self {
            stream: stream.into(),
            ..Self::default()
        }
    }

    /// How many of the entries were answered for, from the first one on.
    pub(super) fn done(&self, run: &[Entry<'_>]) -> usize {
        let is_done = |entry: &&Entry<'_>| entry.seq() < self.passed && entry.observed_at() <= self.newest;
        run.iter().take_while(is_done).count()
    }

    pub(super) fn pass(&mut self, part: &[Entry<'_>]) {
        if let Some(last) = part.last() {
            self.passed = last.seq().saturating_add(1);
        }
        let newest = part.iter().map(Entry::observed_at).max();
        self.newest = self.newest.max(newest.unwrap_or(0));
        let passed = self.passed;
        self.ends.retain(|end| *end > passed);
    }

    /// Adds those of the run that were refused. Those before it belong to a batch that was given up, and is offered no more.
    pub(super) fn answer_for(&mut self, run: &[Entry<'_>], refused: &mut Vec<u64>) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return;
        };
        self.refused.retain(|seq| *seq >= first.seq());
        refused.extend(self.refused.extract_if(.., |seq| *seq <= last.seq()));
    }

    pub(super) fn refuse(&mut self, part: &[Entry<'_>]) {
        self.refused.extend(part.iter().map(Entry::seq));
        self.pass(part);
    }
}

/// The entries in runs, each of one stream, whose name stands with it. Those of the trail are of one, with numbers one behind
/// the other: then the first and the last are looked into, and otherwise each.
pub(super) fn runs<'b, 'e>(batch: &'b [Entry<'e>]) -> Vec<(&'e str, &'b [Entry<'e>])> {
    let goes_on =
        |pair: &[Entry<'_>]| matches!(pair, [one, next] if one.seq().checked_add(1) == Some(next.seq()));
    let ends = batch
        .first()
        .and_then(Entry::stream)
        .zip(batch.last().and_then(Entry::stream));
    if let Some((stream, last)) = ends
        && stream == last
        && batch.windows(2).all(goes_on)
    {
        return vec![(stream, batch)];
    }
    let mut runs: Vec<(&str, &[Entry<'_>])> = Vec::new();
    let mut from = 0;
    let mut known: Option<&[u8]> = None;
    for (at, entry) in batch.iter().enumerate() {
        let is_known = known.is_some_and(|known| ends_alike(entry.line(), known));
        let last = runs.last().map(|(last, _)| *last);
        let stream = match last.filter(|_| is_known) {
            Some(last) => last,
            None => entry.stream().unwrap_or_default(),
        };
        if !is_known {
            known = end_of(entry.line(), stream);
        }
        let is_same = last == Some(stream);
        from = if is_same { from } else { at };
        let run = batch.get(from..=at).unwrap_or_default();
        match runs.last_mut().filter(|_| is_same) {
            Some(last) => last.1 = run,
            None => runs.push((stream, run)),
        }
    }
    runs
}

/// How many bytes of a line stand behind `"time":"`, most often.
const BEHIND: usize = "2026-11-21T09:00:00.123456789Z\"}".len();

/// What stands before those bytes in a line of this stream, from the key on, where nothing else does.
fn end_of<'l>(line: &'l [u8], stream: &str) -> Option<&'l [u8]> {
    let len = r#""stream":"","time":""#.len() + stream.len();
    let start = line.len().checked_sub(BEHIND + len)?;
    let end = line.get(start..line.len() - BEHIND)?;
    let rest = end
        .strip_prefix(br#""stream":""#)?
        .strip_prefix(stream.as_bytes())?;
    let is_whole = rest == br#"","time":""# && !stream.is_empty();
    (is_whole && ends_alike(line, end)).then_some(end)
}

/// Whether a line ends with these bytes and a time, in which there can be no key.
fn ends_alike(line: &[u8], end: &[u8]) -> bool {
    let Some((before, behind)) = line.split_last_chunk::<BEHIND>() else {
        return false;
    };
    before.ends_with(end) && memchr::memchr(b'"', behind) == Some(BEHIND - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_end_alike_are_of_one_stream_and_no_other_line_is_taken_for_one() {
        let time = "2026-11-21T09:00:00.123456789Z";
        let line = |stream: &str, time: &str| {
            format!("{{\"seq\":0,\"stream\":\"{stream}\",\"time\":\"{time}\"}}").into_bytes()
        };
        let lines = [
            line("one", time),
            line("one", time),
            line("two", time),
            line("", time),
            // The key of another stream stands where a time of the usual length would.
            line("one", "\",\"stream\":\"x\",\"time\":\"1234567"),
            line("one", time),
            line("one", "yesterday"),
        ];
        for first in &lines {
            for second in &lines {
                let entries = [Entry::new(0, 0, first), Entry::new(1, 0, second)];
                let found: Vec<&str> = runs(&entries)
                    .into_iter()
                    .flat_map(|(stream, run)| run.iter().map(move |_| stream))
                    .collect();
                let wanted = entries.map(|entry| entry.stream().unwrap_or_default());
                assert_eq!(found, wanted);
            }
        }
    }

    #[test]
    fn neighbours_of_one_stream_are_a_run_and_a_stream_can_come_again() {
        let line = |stream: &str| format!("{{\"seq\":0,\"stream\":\"{stream}\",\"time\":\"\"}}").into_bytes();
        let (one, other) = (line("one"), line("other"));
        let lines: [&[u8]; 5] = [&one, &one, &other, &one, b"{}"];
        let entries: Vec<Entry<'_>> = (0..)
            .zip(lines)
            .map(|(seq, line)| Entry::new(seq, 0, line))
            .collect();
        let found: Vec<(&str, Vec<u64>)> = runs(&entries)
            .into_iter()
            .map(|(stream, run)| (stream, run.iter().map(Entry::seq).collect()))
            .collect();
        let wanted = [
            ("one", vec![0, 1]),
            ("other", vec![2]),
            ("one", vec![3]),
            ("", vec![4]),
        ];
        assert_eq!(found, wanted);
        assert!(runs(&[]).is_empty());
        // As the trail gives them.
        let batch: Vec<Entry<'_>> = (7..20).map(|seq| Entry::new(seq, 0, &one)).collect();
        assert_eq!(runs(&batch), [("one", batch.as_slice())]);
        let holes: Vec<Entry<'_>> = [0, 2, 3].map(|seq| Entry::new(seq, 0, &one)).into();
        assert_eq!(runs(&holes), [("one", holes.as_slice())]);
    }
}

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
    /// Of the batch under way, those that the receiver refused.
    pub(super) refused: Vec<u64>,
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

    pub(super) fn refuse(&mut self, part: &[Entry<'_>]) {
        self.refused.extend(part.iter().map(Entry::seq));
        self.pass(part);
    }
}

/// The entries in runs, each of one stream, whose name stands with it. Each entry is looked into once.
pub(super) fn runs<'b, 'e>(batch: &'b [Entry<'e>]) -> Vec<(&'e str, &'b [Entry<'e>])> {
    let mut runs: Vec<(&str, &[Entry<'_>])> = Vec::new();
    let mut from = 0;
    for (at, entry) in batch.iter().enumerate() {
        let stream = entry.stream().unwrap_or_default();
        let is_same = runs.last().is_some_and(|(last, _)| *last == stream);
        from = if is_same { from } else { at };
        let run = batch.get(from..=at).unwrap_or_default();
        match runs.last_mut().filter(|_| is_same) {
            Some(last) => last.1 = run,
            None => runs.push((stream, run)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}

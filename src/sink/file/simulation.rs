//! A trail over a simulated disk, from a seed: its callers, who know what was acknowledged and what was stated, and what
//! happens to them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::fault_tests::START;
use super::memfs::Fault;
use super::planted::{Bug, Planted};
use super::*;
use crate::ErrorKind;
use crate::clock::{Clock as _, ManualClock};

/// What each segment holds, in their order.
type Segments = BTreeMap<(u64, jiff::civil::Date), Vec<u8>>;

/// A trail, the disk below it, and what its callers know.
pub(super) struct World {
    pub(super) random: StdRng,
    pub(super) fs: Planted,
    stream: &'static str,
    clock: ManualClock,
    keep_segments: u64,
    /// Whether removals are stated before they come about, as in a pipeline.
    states: bool,
    /// Removals that were told and have no record yet: the segments and the last number that each takes.
    due: Vec<(Vec<SegmentName>, u64)>,
    /// Records that state removals: the last number that goes, and where each stands.
    stated: Vec<(u64, u64)>,
    sink: Option<FileSink>,
    /// The line that was delivered under each number.
    delivered: Vec<Vec<u8>>,
    /// Entries below this were confirmed, or stood in the trail when it was opened.
    acknowledged: u64,
    /// The sink said that they may be gone.
    excused: Vec<RangeInclusive<u64>>,
    /// Whether the disk ever lost what it had in memory: only then may the sink say so.
    pub(super) has_zeros: bool,
    /// What the segments held when they were looked at last.
    seen: Segments,
    life: u32,
    /// What happened, for who looks into a seed that failed.
    pub(super) story: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64, fs: Planted, stream: &'static str) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let keep_segments = if random.random_bool(0.3) { 3 } else { 0 };
        let states = random.random_bool(0.6);
        Self {
            random,
            fs,
            stream,
            states,
            due: Vec::new(),
            stated: Vec::new(),
            clock: ManualClock::new(START),
            keep_segments,
            sink: None,
            delivered: Vec::new(),
            acknowledged: 0,
            excused: Vec::new(),
            has_zeros: false,
            seen: BTreeMap::new(),
            life: 0,
            story: Vec::new(),
        }
    }

    fn builder(&self) -> FileSinkBuilder {
        let builder = FileSink::builder("/audit")
            .stream(self.stream)
            .segment_bytes(65_536)
            .keep_days(0)
            .keep_segments(self.keep_segments)
            .clock(self.clock.clone())
            .fs(self.fs.clone());
        if self.states {
            builder.states_removal()
        } else {
            builder
        }
    }

    /// Opens the trail, and looks at what it finds.
    pub(super) fn open(&mut self) -> Result<(), String> {
        self.life += 1;
        for _ in 0..60 {
            match self.builder().open() {
                Ok(sink) => return self.begin(sink),
                Err(error) if self.fs.disk.hit() => self.tell(format!("it does not open: {error}")),
                Err(error) => return Err(format!("it does not open: {error}")),
            }
        }
        Err("it does not open although the faults are over".to_owned())
    }

    /// Whatever a start finds is on disk when it has begun, however many starts failed before.
    fn begin(&mut self, sink: FileSink) -> Result<(), String> {
        let next = sink.next_seq();
        self.tell(format!("opened: {:?}", sink.opened()));
        if let Some((first, last)) = sink.opened().missing {
            let mut seqs = first..=last;
            if !self.has_zeros && !seqs.all(|seq| self.is_excused(seq)) {
                return Err(format!(
                    "lines {first} to {last} are called missing, but the disk had them"
                ));
            }
            self.excused.push(first..=last);
        }
        self.sink = Some(sink);
        if next < self.acknowledged {
            return Err(format!(
                "the trail goes on at {next}, but {} were acknowledged",
                self.acknowledged
            ));
        }
        if next > self.delivered.len() as u64 {
            return Err(format!("the trail goes on at {next} of {}", self.delivered.len()));
        }
        self.delivered.truncate(next as usize);
        self.excused.retain(|range| *range.start() < next);
        self.stated.retain(|(_, at)| *at < next);
        self.due.clear();
        self.acknowledged = next;
        self.look()
    }

    fn sink(&mut self) -> &mut FileSink {
        self.sink.as_mut().expect("it is open")
    }

    /// Calls until it goes well; errors must come from a fault.
    fn until_ok(
        &mut self,
        mut call: impl FnMut(&mut FileSink) -> Result<(), SinkError>,
    ) -> Result<(), String> {
        for _ in 0..60 {
            let is_late = self.sink().is_confirming();
            let answer = call(self.sink());
            match answer {
                Ok(()) => return Ok(()),
                Err(SinkError::Retry { .. }) if is_late || self.fs.disk.hit() => {}
                Err(error) => return Err(format!("an error without a fault: {error}")),
            }
        }
        Err("the sink does not recover although the faults are over".to_owned())
    }

    fn deliver(&mut self) -> Result<(), String> {
        let from = self.sink().next_seq();
        let mut lines = Vec::new();
        for seq in from..from + self.random.random_range(1..12) {
            let pad = [40, 300, 500, 3_000][self.random.random_range(0..4)];
            let pad = "x".repeat(self.random.random_range(0..pad));
            lines.push(self.line(seq, &format!("\"pad\":\"{pad}\"")));
        }
        self.tell(format!("deliver {} from {from}", lines.len()));
        self.write(from, lines)
    }

    fn line(&self, seq: u64, says: &str) -> Vec<u8> {
        let (time, life) = (lock::rfc3339(self.clock.now()), self.life);
        let line = format!(
            "{{\"event\":\"test.step\",\"life\":{life},\"observed_at\":\"{time}\",{says},\"seq\":{seq}}}"
        );
        line.into_bytes()
    }

    fn write(&mut self, from: u64, lines: Vec<Vec<u8>>) -> Result<(), String> {
        self.delivered.truncate(from as usize);
        self.delivered.extend(lines.clone());
        let now = self.clock.now();
        let entries: Vec<_> = (from..)
            .zip(&lines)
            .map(|(seq, line)| Entry::new(seq, now, line))
            .collect();
        self.until_ok(|sink| sink.deliver(&entries).map(drop))
    }

    /// Writes the records that state what is due, as the pipeline does.
    fn state(&mut self) -> Result<(), String> {
        for (segments, last) in std::mem::take(&mut self.due) {
            let at = self.sink().next_seq();
            let line = self.line(at, &format!("\"removes\":{last}"));
            self.write(at, vec![line])?;
            self.tell(format!("entry {at} states that {last} goes"));
            let is_bug = self.fs.bug == Some(Bug::RemovalIsNotAwaited);
            let stands_at = if is_bug { 0 } else { at };
            self.sink().removal_stands_at(&segments, stands_at);
            self.stated.push((last, at));
        }
        Ok(())
    }

    /// Carries out what was stated. What goes by it, a record on disk says.
    fn remove(&mut self) -> Result<(), String> {
        if self.random.random_bool(0.5) {
            // Where it fails, nothing is sealed, and so nothing goes.
            let _ = self.sink().seal();
        }
        self.sink().remove_stated();
        self.take_events()?;
        let safe = self.sink().durable_seq();
        self.is_stated(safe)
    }

    /// Whether everything that is gone from the begin of the trail was stated by a record before `safe`.
    fn is_stated(&self, safe: u64) -> Result<(), String> {
        let first = self.segments().keys().next().map_or(0, |name| name.0);
        let known = self.stated.iter().filter(|(_, at)| *at < safe);
        let may_go = known.map(|(last, _)| last + 1).max().unwrap_or(0);
        if self.states && first > may_go {
            return Err(format!(
                "the trail begins at {first}, and records on disk say that what is below {may_go} goes"
            ));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        self.tell("flush".to_owned());
        self.until_ok(Sink::flush)?;
        self.take_events()?;
        self.acknowledged = self.sink().next_seq();
        self.state()?;
        self.remove()
    }

    /// Asks the disk without waiting for it; the answer is taken later, but the disk is done when this returns, so that a
    /// seed always tells the same story.
    fn confirm_behind(&mut self) -> Result<(), String> {
        let is_late = self.sink().is_confirming();
        let answer = self.sink().confirm_behind(true);
        self.fs.disk.until_idle();
        self.tell(format!("confirm behind: {answer:?}"));
        if let Err(error) = answer
            && !is_late
            && !self.fs.disk.hit()
        {
            return Err(format!("an error without a fault: {error}"));
        }
        self.take_events()?;
        self.acknowledged = self.acknowledged.max(self.sink().durable_seq());
        Ok(())
    }

    fn take_events(&mut self) -> Result<(), String> {
        for event in self.sink().take_events() {
            self.tell(format!("{event:?}"));
            if let FileEvent::Unconfirmed { first, last } = event {
                if !self.has_zeros {
                    return Err(format!(
                        "lines {first} to {last} are given up, but the disk had them"
                    ));
                }
                self.excused.push(first..=last);
            }
            if let FileEvent::Removing {
                segments, records, ..
            } = event
            {
                self.due.push((segments, records.map_or(0, |(_, last)| last)));
            }
        }
        Ok(())
    }

    pub(super) fn fault(&mut self) {
        let fault = Fault::ALL[self.random.random_range(0..Fault::ALL.len())];
        self.has_zeros |= fault == Fault::Zeros;
        let (nth, count) = (self.random.random_range(1..14), self.random.random_range(1..6));
        self.tell(format!("{fault:?} at call {nth}, {count} times"));
        self.fs.disk.fail(nth, count, fault);
    }

    pub(super) fn tell(&mut self, what: String) {
        let stream = self.stream;
        self.story.push(format!("{stream}: {what}"));
    }

    /// Ends the process.
    pub(super) fn leave(&mut self) -> Result<(), String> {
        self.take_events()?;
        // A sync that was asked for is begun: of a process that is gone nothing asks the disk later, when another one has
        // opened the trail.
        while self.sink().is_confirming() {
            let _ = self.sink().confirm_behind(false);
            std::thread::yield_now();
        }
        self.sink = None;
        self.fs.disk.until_idle();
        self.only_added()
    }

    /// Ends the machine, perhaps.
    pub(super) fn power(&mut self) {
        let end = self.random.random_range(0..8);
        self.tell(format!("end {end}, {} acknowledged", self.acknowledged));
        match end {
            0 => self.fs.disk.crash(),
            1 => {}
            _ => self.fs.disk.crash_torn(&mut self.random),
        }
    }

    /// Looks at what is left of it.
    pub(super) fn wake(&mut self) {
        self.seen = self.segments();
    }

    fn end(&mut self) -> Result<(), String> {
        self.leave()?;
        self.power();
        self.wake();
        if self.random.random_bool(0.3) {
            self.fault();
        }
        Ok(())
    }

    fn second_writer(&mut self) -> Result<(), String> {
        match self.builder().open() {
            Err(error) if error.kind() == ErrorKind::Locked || self.fs.disk.hit() => Ok(()),
            Err(error) => Err(format!("a second writer is told: {error}")),
            Ok(_) => Err("a second writer was let in".to_owned()),
        }
    }

    pub(super) fn step(&mut self) -> Result<(), String> {
        let most = self.random.random_range(0..20);
        self.step_below(most)
    }

    /// A step by its number; the last one is an end.
    pub(super) fn step_below(&mut self, number: u32) -> Result<(), String> {
        match number {
            0..8 => self.deliver(),
            8..11 => self.flush(),
            11 | 12 => self.confirm_behind(),
            13 => self.until_ok(|sink| sink.rotate().map(drop).map_err(SinkError::retry)),
            14..17 => {
                self.fault();
                Ok(())
            }
            17 => {
                self.clock.set(self.clock.now() + 40_000_000_000_000);
                let now = self.clock.now();
                self.until_ok(|sink| sink.tick(now).map_err(SinkError::retry))
            }
            18 => self.second_writer(),
            _ => {
                self.end()?;
                self.open()
            }
        }
    }

    fn segments(&self) -> Segments {
        let home = PathBuf::from("/audit").join(self.stream);
        let names = self.fs.disk.names_in(&home);
        let names = names.iter().filter_map(|name| SegmentName::parse(name));
        names
            .map(|name| {
                let bytes = self.fs.disk.get(&home.join(name.to_string()));
                ((name.first_seq, name.date), bytes)
            })
            .collect()
    }

    /// Since the last look bytes were only added, and nothing but retention removed a segment, the oldest first.
    fn only_added(&mut self) -> Result<(), String> {
        let there = self.segments();
        let mut is_young = false;
        for (name, before) in &self.seen {
            match there.get(name) {
                Some(bytes) if bytes.starts_with(before) => is_young = true,
                // The system itself made zeros of what it could not write.
                Some(bytes) if self.has_zeros && bytes.len() >= before.len() => is_young = true,
                Some(_) => return Err(format!("{name:?}: bytes were changed or cut off")),
                None if self.keep_segments > 0 && !is_young => {}
                None => return Err(format!("{name:?} is gone")),
            }
        }
        self.seen = there;
        Ok(())
    }

    /// Reads the trail by the rule of docs/format.md: each number once, in order, and the line that was delivered.
    fn look(&mut self) -> Result<(), String> {
        self.only_added()?;
        let next = self.sink().next_seq();
        self.is_stated(next)?;
        let firsts: Vec<_> = self.seen.keys().map(|name| name.0).collect();
        let mut due = if self.keep_segments > 0 {
            firsts.first().copied().unwrap_or(0)
        } else {
            0
        };
        for (at, bytes) in self.seen.values().enumerate() {
            let limit = firsts.get(at + 1).copied().unwrap_or(next);
            for line in bytes.split(|byte| *byte == b'\n') {
                let Some(seq) = seq_of(line).filter(|seq| *seq < limit) else {
                    continue;
                };
                if self
                    .delivered
                    .get(seq as usize)
                    .is_none_or(|delivered| delivered != line)
                {
                    return Err(format!("line {seq} is not what was delivered"));
                }
                self.without_hole(due, seq)?;
                if seq < due {
                    return Err(format!("line {seq} stands there twice"));
                }
                due = seq + 1;
            }
        }
        self.without_hole(due, next)
    }

    fn is_excused(&self, seq: u64) -> bool {
        self.excused.iter().any(|range| range.contains(&seq))
    }

    fn without_hole(&self, due: u64, seq: u64) -> Result<(), String> {
        match (due..seq).find(|seq| !self.is_excused(*seq)) {
            Some(missing) => Err(format!("line {missing} is lost")),
            None => Ok(()),
        }
    }

    pub(super) fn live(&mut self) -> Result<(), String> {
        self.open()?;
        for _ in 0..self.random.random_range(10..40) {
            self.step()?;
        }
        self.fs.disk.heal();
        self.last()
    }

    /// Where nothing fails any more, all is well.
    pub(super) fn last(&mut self) -> Result<(), String> {
        self.flush()?;
        self.look()
    }
}

/// The number of a line that is whole, by other means than the sink's.
fn seq_of(line: &[u8]) -> Option<u64> {
    if line.first() != Some(&b'{') || line.contains(&0) {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?.strip_suffix('}')?;
    text.rsplit_once("\"seq\":")?.1.parse().ok()
}

//! Barriers: what each sink has done with everything up to a point, told to whoever waits for that point.

use std::sync::OnceLock;

use parking_lot::Mutex;

use super::port_state::Lost;
use super::ports::Port;

/// What one sink says when it reaches a barrier.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    pub(super) name: String,
    /// Entries that it missed and that its receiver refused, since the start and up to here.
    pub(super) missed: u64,
    pub(super) refused: u64,
    /// Why it could not flush; `None` where it did.
    pub(super) failure: Option<String>,
    /// Entries that it has not taken, where it will not be asked again before the end.
    pub(super) behind: u64,
    /// What it lost since the last barrier for receipts, where this is one.
    pub(super) lost: Vec<Lost>,
}

/// What every sink said.
#[derive(Debug, Clone, Default)]
pub(super) struct Reached {
    pub(super) marks: Vec<Mark>,
}

/// Called once, when the writer and every sink have reached the barrier. Dropped uncalled where one of them never will:
/// the promises in it say so to those who wait.
type Then = Box<dyn FnOnce(Reached) + Send>;

/// Waits for the writer and for every sink.
pub(super) struct Barrier {
    state: Mutex<State>,
    /// What each sink's port was too full for, when the writer came here.
    skipped: OnceLock<Vec<u64>>,
    /// For receipts: of the entries before this one.
    receipts: Option<u64>,
}

struct State {
    left: usize,
    marks: Vec<Mark>,
    then: Option<Then>,
}

impl std::fmt::Debug for Barrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Barrier")
            .field("left", &self.state.lock().left)
            .finish_non_exhaustive()
    }
}

impl Barrier {
    /// A barrier over `sinks` sinks and the writer.
    pub(super) fn new(sinks: usize, then: impl FnOnce(Reached) + Send + 'static) -> Self {
        let marks = std::iter::repeat_with(Mark::default).take(sinks).collect();
        Self {
            state: Mutex::new(State {
                left: sinks + 1,
                marks,
                then: Some(Box::new(then)),
            }),
            skipped: OnceLock::new(),
            receipts: None,
        }
    }

    /// A barrier at which each sink says what it lost of the entries before `seq`.
    pub(super) fn for_receipts(mut self, seq: u64) -> Self {
        self.receipts = Some(seq);
        self
    }

    pub(super) fn receipts(&self) -> Option<u64> {
        self.receipts
    }

    /// The writer is here: all entries before the barrier were offered to the ports.
    pub(super) fn reached(&self, ports: &[Port]) {
        let _ = self
            .skipped
            .set(ports.iter().map(|port| port.state.skipped()).collect());
        self.arrive(None);
    }

    /// What the sink's port was too full for, before the barrier.
    pub(super) fn skipped(&self, at: usize) -> u64 {
        let skipped = self.skipped.get().and_then(|skipped| skipped.get(at));
        skipped.copied().unwrap_or(0)
    }

    /// A sink is here.
    pub(super) fn arrive(&self, sink: Option<(usize, Mark)>) {
        let mut state = self.state.lock();
        if let Some((at, mark)) = sink
            && let Some(place) = state.marks.get_mut(at)
        {
            *place = mark;
        }
        state.left = state.left.saturating_sub(1);
        if state.left > 0 {
            return;
        }
        let marks = std::mem::take(&mut state.marks);
        let then = state.then.take();
        drop(state);
        if let Some(then) = then {
            then(Reached { marks });
        }
    }
}

impl Reached {
    /// What the sinks did wrong since `told`, in words; `None` where nothing.
    pub(super) fn complaint(&self, told: &[(u64, u64)]) -> Option<String> {
        let mut complaints = Vec::new();
        for (at, mark) in self.marks.iter().enumerate() {
            let (missed, refused) = told.get(at).copied().unwrap_or_default();
            let missed = mark.missed.saturating_sub(missed);
            let refused = mark.refused.saturating_sub(refused);
            let name = &mark.name;
            if missed + refused > 0 {
                complaints.push(format!(
                    "sink `{name}` missed {missed} entries and its receiver refused {refused} since the last flush that said so"
                ));
            }
            if mark.behind > 0 {
                let behind = mark.behind;
                complaints.push(format!(
                    "sink `{name}` has not taken {behind} entries; they are offered again after the next start"
                ));
            }
            if let Some(cause) = &mark.failure {
                complaints.push(format!("sink `{name}` could not flush: {cause}"));
            }
        }
        (!complaints.is_empty()).then(|| complaints.join("; "))
    }

    /// What each sink has missed and refused so far.
    pub(super) fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.marks.iter().map(|mark| (mark.missed, mark.refused))
    }

    /// Why the entry `seq` cannot be called delivered; `None` where it can.
    pub(super) fn objection(&self, seq: u64) -> Option<String> {
        self.marks.iter().find_map(|mark| {
            if let Some(cause) = &mark.failure {
                return Some(format!("sink `{}` could not flush: {cause}", mark.name));
            }
            let lost = mark.lost.iter().find(|lost| lost.covers(seq))?;
            Some(lost.objection(&mark.name))
        })
    }
}

/// Passes barriers on to the sinks, each with the number of its port, as far as there is room. At a port they keep their
/// order even where room comes up in the middle of this: a later barrier would otherwise take the answer that belongs to an
/// earlier one.
pub(super) fn pass_on<B>(unsent: &mut Vec<(usize, B)>, mut send: impl FnMut(usize, &B) -> bool) {
    let mut full = Vec::new();
    unsent.retain(|(at, barrier)| {
        if full.contains(at) {
            return true;
        }
        let is_sent = send(*at, barrier);
        if !is_sent {
            full.push(*at);
        }
        !is_sent
    });
}

#[cfg(test)]
mod tests {
    use super::pass_on;

    #[test]
    fn a_barrier_never_overtakes_another_at_a_port_where_room_comes_up_meanwhile() {
        let mut unsent = vec![(0, 'a'), (1, 'a'), (0, 'b'), (1, 'b')];
        let mut sent = Vec::new();
        let mut tries = 0;
        // Port 0 is full at the first try, and has room a moment later.
        pass_on(&mut unsent, |at, &barrier| {
            tries += 1;
            let has_room = at == 1 || tries > 1;
            if has_room {
                sent.push((at, barrier));
            }
            has_room
        });
        assert_eq!(sent, [(1, 'a'), (1, 'b')]);
        assert_eq!(unsent, [(0, 'a'), (0, 'b')]);
        pass_on(&mut unsent, |_, _| true);
        assert!(unsent.is_empty());
    }
}

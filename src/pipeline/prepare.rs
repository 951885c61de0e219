//! A record that is given as a value on its way to a frame: what leaves it out, what refuses it, what it inherits.

use super::handle::Inner;
use crate::capture::{Fate, Loss, Outlet as _};
use crate::config::Mode;
use crate::error::{Error, ErrorKind, Result};
use crate::memory;
use crate::record::{Level, Record, Slot};
use crate::redact::{Redacted, Redacting, sees};
use crate::stats::add;

/// What a record became before the queue.
#[expect(
    clippy::large_enum_variant,
    reason = "frames travel by value, and the large one is the usual one"
)]
pub(super) enum Prepared {
    Frame(Redacted, Mode, String),
    BelowLevel,
    Paused,
}

/// Whether rules can leave a record out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    Usual,
    /// No floor and no pause does.
    Mandatory,
}

impl Inner {
    /// Takes a record through policy, floor and mode.
    pub(super) fn prepare(&self, record: &Record, rank: Rank) -> Result<Prepared> {
        let prepared = self.try_prepare(record, rank)?;
        prepared.ok_or_else(|| self.inbox().rejected(None, Loss::Memory))
    }

    /// As [`Self::prepare`]. Counts what is refused, but for one thing: `None` where there was no memory.
    pub(super) fn try_prepare(&self, record: &Record, rank: Rank) -> Result<Option<Prepared>> {
        if crate::capture::is_recording() {
            return Err(self.inbox().rejected(None, Loss::Reentrant));
        }
        if self.inbox().is_forked() {
            return Err(self.inbox().rejected(None, Loss::Forked));
        }
        let action = || record.text(Slot::Action).unwrap_or_default();
        let event = Some(record.event())
            .filter(|event| !event.is_empty())
            .unwrap_or_else(action);
        let derived = event.rsplit_once('.').map_or("", |(category, _)| category);
        let category = record.text(Slot::Category).unwrap_or(derived);
        let level = record.text(Slot::Level).map_or(Level::Info, Level::from);
        let fate = match rank {
            Rank::Usual => self.capture.route(event, category, &level),
            Rank::Mandatory => Fate::Wanted(Mode::Durable),
        };
        let mode = match fate {
            Fate::Wanted(mode) => mode,
            Fate::BelowLevel => return Ok(Some(Prepared::BelowLevel)),
            Fate::Paused => return Ok(Some(Prepared::Paused)),
        };
        let time = super::control::stated_time(record).unwrap_or_else(|| self.inbox().clock.now());
        if time > crate::clock::MAX_TIME {
            let message = format!("time {time} is after 2262-04-11, the last day that a line can state");
            self.inbox().rejected(None, Loss::Policy);
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let mut into = Redacting::frame(self.inbox().buffer(), self.capture.policy());
        into.at(time);
        let has_actor = self.capture.inherit_for(record, &mut into);
        if has_actor && record.get(Slot::ActorId).is_some() {
            into.level();
        }
        if record.get(Slot::Level).is_none() {
            into.word(Slot::Level, "info");
        }
        into.record(record);
        self.capture.count(&into.tally);
        if into.is_lost() {
            self.inbox().recycle(into.discard());
            return Ok(None);
        }
        if into.seen & sees::ACTOR_PERSONAL != 0 && self.capture.policy().is_strict() {
            self.inbox().recycle(into.discard());
            self.inbox().rejected(None, Loss::Policy);
            return Err(Error::new(ErrorKind::Refused, PERSONAL_ACTOR));
        }
        if !has_actor && into.seen & sees::ACTOR == 0 {
            if self.capture.requires_actor() {
                self.inbox().recycle(into.discard());
                return Err(self.inbox().rejected(None, Loss::Policy));
            }
            add(&self.inbox().counters.missing_actor, 1);
        }
        let whole = self.finish(into, category);
        Ok(whole.map(|(frame, category)| Prepared::Frame(frame, mode, category)))
    }

    /// Ends a frame, and copies its category; `None` where there was no memory for all of it.
    fn finish(&self, mut into: Redacting<'_>, category: &str) -> Option<(Redacted, String)> {
        let category = memory::owned(category);
        if memory::take_lack() || into.capacity().is_none() {
            self.inbox().recycle(into.discard());
            return None;
        }
        let (frame, spare) = into.finish();
        self.inbox().recycle(spare);
        Some((frame, category))
    }
}

const PERSONAL_ACTOR: &str = "`actor.id` holds a person's address or number, which the strict policy does not take; \
                              give an id that stands for the person";

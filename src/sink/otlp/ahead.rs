//! The next requests are written while one is under way: the collector reads, and does not have to wait for them.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, Scope};

use crate::format::Entry;

/// Writes a request with entries; what is in its place is behind nothing.
pub(super) type Encode<'e> = dyn FnMut(&[Entry<'_>], &mut Vec<u8>) -> io::Result<()> + Send + 'e;

/// Entries to write, and the room for them.
type Job<'b> = (&'b [Entry<'b>], Vec<u8>);

/// A request, or why it could not be written.
type Written = io::Result<Vec<u8>>;

/// Writes requests, one after the other, before anybody asks for them.
pub(super) struct Desk<'d, 'b> {
    place: Place<'d, 'b>,
    /// What was begun and not taken, in order.
    begun: VecDeque<Begun<'b>>,
}

enum Place<'d, 'b> {
    /// By whoever sends it, when it is due.
    Here(&'d mut Encode<'d>),
    /// On a thread. It is the writing that goes elsewhere: what a client of HTTP reports is hushed on the one that sends.
    Beside(Sender<Job<'b>>, Receiver<Written>),
}

enum Begun<'b> {
    /// It will be written when it is taken.
    Due(Job<'b>),
    /// The thread has it.
    Away,
    Done(Written),
}

impl<'d, 'b> Desk<'d, 'b> {
    /// One that writes when a request is due.
    pub(super) fn here(encode: &'d mut Encode<'d>) -> Self {
        Self {
            place: Place::Here(encode),
            begun: VecDeque::new(),
        }
    }

    /// One with a thread, which ends when nothing more can be asked of it; what writes is given back where there is no thread
    /// to be had.
    pub(super) fn beside<'scope>(
        scope: &'scope Scope<'scope, '_>,
        encode: &'scope mut Encode<'scope>,
    ) -> Result<Self, &'scope mut Encode<'scope>>
    where
        'b: 'scope,
    {
        let (lend, lent) = channel::<&'scope mut Encode<'scope>>();
        let (jobs, waiting) = channel::<Job<'b>>();
        let (answer, done) = channel();
        let write = move || {
            let Ok(encode) = lent.recv() else { return };
            for job in waiting {
                if answer.send(written(encode, job)).is_err() {
                    return;
                }
            }
        };
        let builder = Builder::new().name("audit-encode".to_owned());
        if builder.spawn_scoped(scope, write).is_err() {
            return Err(encode);
        }
        lend.send(encode).map_err(|back| back.0)?;
        Ok(Self {
            place: Place::Beside(jobs, done),
            begun: VecDeque::new(),
        })
    }

    /// Begins to write a request, behind those that were begun before.
    pub(super) fn begin(&mut self, entries: &'b [Entry<'b>], room: Vec<u8>) {
        self.begun.push_back(match &self.place {
            Place::Here(_) => Begun::Due((entries, room)),
            Place::Beside(jobs, _) => match jobs.send((entries, room)) {
                Ok(()) => Begun::Away,
                Err(_) => Begun::Done(ended()),
            },
        });
    }

    /// The oldest request that was begun; `None` where none was.
    pub(super) fn take(&mut self) -> Option<Written> {
        Some(match self.begun.pop_front()? {
            Begun::Due(job) => match &mut self.place {
                Place::Here(encode) => written(encode, job),
                Place::Beside(..) => ended(),
            },
            Begun::Away => self.answer(),
            Begun::Done(written) => written,
        })
    }

    /// Lets go of what was begun, but for its room.
    pub(super) fn forget(&mut self) -> Vec<Vec<u8>> {
        let begun = std::mem::take(&mut self.begun);
        let rooms = begun.into_iter().map(|begun| match begun {
            Begun::Due((_, room)) => Some(room),
            Begun::Away => self.answer().ok(),
            Begun::Done(written) => written.ok(),
        });
        rooms.flatten().collect()
    }

    /// Writes a request now; those that were begun can still be taken.
    pub(super) fn write(&mut self, entries: &'b [Entry<'b>], room: Vec<u8>) -> Written {
        for at in 0..self.begun.len() {
            if let Some(Begun::Away) = self.begun.get(at) {
                let done = Begun::Done(self.answer());
                if let Some(begun) = self.begun.get_mut(at) {
                    *begun = done;
                }
            }
        }
        match &mut self.place {
            Place::Here(encode) => written(encode, (entries, room)),
            Place::Beside(jobs, _) => match jobs.send((entries, room)) {
                Ok(()) => self.answer(),
                Err(_) => ended(),
            },
        }
    }

    fn answer(&self) -> Written {
        match &self.place {
            Place::Here(_) => ended(),
            Place::Beside(_, done) => done.recv().unwrap_or_else(|_| ended()),
        }
    }
}

fn written(encode: &mut Encode<'_>, (entries, mut room): Job<'_>) -> Written {
    room.clear();
    encode(entries, &mut room).map(|()| room)
}

/// It panicked: the scope's end says so.
fn ended() -> Written {
    Err(io::Error::other("the thread that writes requests has ended"))
}

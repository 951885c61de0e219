//! The next requests are written while one is under way: the collector reads, and does not have to wait for them.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, Scope};

use crate::format::Entry;

/// Writes a request with entries; what is in its place is behind nothing.
pub(super) trait Encode: FnMut(&[Entry<'_>], &mut Vec<u8>) -> io::Result<()> + Send {}

impl<F: FnMut(&[Entry<'_>], &mut Vec<u8>) -> io::Result<()> + Send> Encode for F {}

/// Entries to write, and the room for them.
type Job<'b> = (&'b [Entry<'b>], Vec<u8>);

/// A request, or why it could not be written.
type Written = io::Result<Vec<u8>>;

/// Writes requests, one after the other, before anybody asks for them.
pub(super) struct Desk<'d, 'b, E> {
    place: Place<'d, 'b, E>,
    /// What was begun and not taken, in order.
    begun: VecDeque<Begun<'b>>,
}

enum Place<'d, 'b, E> {
    /// By whoever sends it, when it is due.
    Here(&'d mut E),
    /// On threads, which take turns. It is the writing that goes elsewhere: what a client of HTTP reports is hushed on the one
    /// that sends.
    Beside {
        hands: Vec<Hand<'b>>,
        /// How many requests were given to them.
        given: usize,
    },
}

/// A thread that writes.
struct Hand<'b> {
    jobs: Sender<Job<'b>>,
    done: Receiver<Written>,
}

enum Begun<'b> {
    /// It will be written when it is taken.
    Due(Job<'b>),
    /// This hand has it.
    Away(usize),
    Done(Written),
}

impl<'b> Hand<'b> {
    /// A thread, which ends when nothing more can be asked of it; what writes is given back where there is none to be had.
    fn start<'scope, E: Encode>(
        scope: &'scope Scope<'scope, '_>,
        encode: &'scope mut E,
    ) -> Result<Self, &'scope mut E>
    where
        'b: 'scope,
    {
        let (lend, lent) = channel::<&'scope mut E>();
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
        Ok(Self { jobs, done })
    }
}

impl<'d, 'b, E: Encode> Desk<'d, 'b, E> {
    /// One that writes when a request is due.
    pub(super) fn here(encode: &'d mut E) -> Self {
        Self {
            place: Place::Here(encode),
            begun: VecDeque::new(),
        }
    }

    /// One with a thread for each of those that write; the first of them is given back where there is no thread to be had.
    pub(super) fn beside<'scope>(
        scope: &'scope Scope<'scope, '_>,
        (first, others): (&'scope mut E, &'scope mut [E]),
    ) -> Result<Self, &'scope mut E>
    where
        'b: 'scope,
    {
        let mut hands = vec![Hand::start(scope, first)?];
        hands.extend(
            others
                .iter_mut()
                .map_while(|other| Hand::start(scope, other).ok()),
        );
        Ok(Self {
            place: Place::Beside { hands, given: 0 },
            begun: VecDeque::new(),
        })
    }

    /// Begins to write a request, behind those that were begun before.
    pub(super) fn begin(&mut self, entries: &'b [Entry<'b>], room: Vec<u8>) {
        let job = (entries, room);
        let begun = match &mut self.place {
            Place::Here(_) => Begun::Due(job),
            Place::Beside { hands, given } => give(hands, given, job).map_or_else(Begun::Done, Begun::Away),
        };
        self.begun.push_back(begun);
    }

    /// The oldest request that was begun; `None` where none was.
    pub(super) fn take(&mut self) -> Option<Written> {
        Some(match self.begun.pop_front()? {
            Begun::Due(job) => match &mut self.place {
                Place::Here(encode) => written(*encode, job),
                Place::Beside { .. } => ended(),
            },
            Begun::Away(hand) => self.answer(hand),
            Begun::Done(written) => written,
        })
    }

    /// Lets go of what was begun, but for its room.
    pub(super) fn forget(&mut self) -> Vec<Vec<u8>> {
        let begun = std::mem::take(&mut self.begun);
        let rooms = begun.into_iter().map(|begun| match begun {
            Begun::Due((_, room)) => Some(room),
            Begun::Away(hand) => self.answer(hand).ok(),
            Begun::Done(written) => written.ok(),
        });
        rooms.flatten().collect()
    }

    /// Writes a request now; those that were begun can still be taken.
    pub(super) fn write(&mut self, entries: &'b [Entry<'b>], room: Vec<u8>) -> Written {
        for at in 0..self.begun.len() {
            if let Some(&Begun::Away(hand)) = self.begun.get(at) {
                let done = Begun::Done(self.answer(hand));
                if let Some(begun) = self.begun.get_mut(at) {
                    *begun = done;
                }
            }
        }
        let job = (entries, room);
        match &mut self.place {
            Place::Here(encode) => written(*encode, job),
            Place::Beside { hands, given } => match give(hands, given, job) {
                Ok(hand) => self.answer(hand),
                Err(written) => written,
            },
        }
    }

    fn answer(&self, hand: usize) -> Written {
        match &self.place {
            Place::Here(_) => ended(),
            Place::Beside { hands, .. } => {
                let answer = hands.get(hand).map(|hand| hand.done.recv());
                answer.and_then(Result::ok).unwrap_or_else(ended)
            }
        }
    }
}

/// Gives a request to the hand whose turn it is; says to which.
fn give<'b>(hands: &[Hand<'b>], given: &mut usize, job: Job<'b>) -> Result<usize, Written> {
    let at = *given % hands.len().max(1);
    *given += 1;
    match hands.get(at).map(|hand| hand.jobs.send(job)) {
        Some(Ok(())) => Ok(at),
        Some(Err(_)) | None => Err(ended()),
    }
}

fn written<E: Encode>(encode: &mut E, (entries, mut room): Job<'_>) -> Written {
    room.clear();
    encode(entries, &mut room).map(|()| room)
}

/// It panicked: the scope's end says so.
fn ended() -> Written {
    Err(io::Error::other("the thread that writes requests has ended"))
}

//! The bounded hand-over from many threads to one. It knows nothing of audit.
//!
//! A ring of places that are there from the beginning. Who hands an item over draws the next number, writes into that
//! number's place and says that it is filled; the receiver takes the places in the order of their numbers.
//!
//! Invariant: credit for a record and its bytes is taken with the number and given back after the item was taken out. There
//! are as many places as records of credit, and a short circle beside them that is used only while fewer are out than it has:
//! so who draws a number finds its place empty, and nobody waits for a lock there; and a queue that is closed and holds no
//! credit holds no record.

mod credit;
mod pool;
mod ring;
mod signal;

pub(crate) use credit::Credit;
pub(crate) use pool::{BUFFER, Pool};
pub(crate) use signal::Signal;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use credit::{Meter, No};
use ring::{Ring, are_few};

/// How many trip states there are; categories share them by hash.
const TRIPS: usize = 64;

/// Which part of the credit a record may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Three quarters.
    Ordinary,
    /// All of it: the last quarter is kept for callers who wait for the disk.
    Reserved,
}

/// Why a record was not taken; the record comes back.
#[derive(Debug)]
pub(crate) enum Refused<T> {
    Full(T),
    /// An earlier wait in the same trip state expired, and nothing has moved since.
    Tripped(T),
    Closed(T),
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    ring: Ring<T>,
    meter: Meter,
    capacity: Credit,
    /// What [`Lane::Ordinary`] may use.
    ordinary: Credit,
    /// From here on the receiver is woken.
    quarter: Credit,
    /// Grows whenever the receiver gives credit back.
    progress: AtomicU64,
    trips: [AtomicU64; TRIPS],
    waiters: AtomicUsize,
    room: Mutex<Vec<Waker>>,
    has_room: Condvar,
    signal: Signal,
}

impl<T: Default> Queue<T> {
    pub(crate) fn new(capacity: Credit) -> Self {
        let quarter = Credit {
            records: capacity.records / 4,
            bytes: capacity.bytes / 4,
        };
        let ring = Ring::new(usize::try_from(capacity.records).unwrap_or(usize::MAX));
        Self {
            meter: Meter::new(ring.places()),
            ring,
            capacity,
            ordinary: Credit {
                records: capacity.records - quarter.records,
                bytes: capacity.bytes - quarter.bytes,
            },
            quarter,
            progress: AtomicU64::new(1),
            trips: [const { AtomicU64::new(0) }; TRIPS],
            waiters: AtomicUsize::new(0),
            room: Mutex::new(Vec::new()),
            has_room: Condvar::new(),
            signal: Signal::default(),
        }
    }

    /// Hands over what `fill` writes into an empty place, without waiting. Never wakes the receiver, but for the one that
    /// crosses a quarter. `fill` is called only where there is room; it must not panic, nor run anybody else's code.
    #[inline]
    pub(crate) fn try_fill(
        &self,
        bytes: usize,
        lane: Lane,
        fill: impl FnOnce(&mut T),
    ) -> Result<(), Refused<()>> {
        let (number, is_near, is_busy) = match self.meter.take_easily(bytes as u64, self.quarter) {
            Some((number, before)) => (number, are_few(before), false),
            None => {
                let (number, is_busy) = self.take_more(bytes, lane)?;
                (number, false, is_busy)
            }
        };
        self.ring.fill(number, is_near, fill);
        if is_busy {
            self.signal.notify();
        }
        Ok(())
    }

    /// Credit where a quarter is in use: the item's number, and whether the receiver should know.
    #[inline(never)]
    fn take_more(&self, bytes: usize, lane: Lane) -> Result<(u64, bool), Refused<()>> {
        let limit = match lane {
            Lane::Ordinary => self.ordinary,
            Lane::Reserved => self.capacity,
        };
        let (number, used) = self.meter.take(bytes as u64, limit).map_err(|no| match no {
            No::Room => Refused::Full(()),
            No::Closed => Refused::Closed(()),
        })?;
        let is_busy = used.records >= self.quarter.records || used.bytes + bytes as u64 >= self.quarter.bytes;
        Ok((number, is_busy))
    }

    /// As [`Self::try_fill`], with an item that is there already.
    pub(crate) fn try_push(&self, mut item: T, bytes: usize, lane: Lane) -> Result<(), Refused<T>> {
        let pushed = self.try_fill(bytes, lane, |place| std::mem::swap(place, &mut item));
        pushed.map_err(|refused| match refused {
            Refused::Full(()) => Refused::Full(item),
            Refused::Tripped(()) => Refused::Tripped(item),
            Refused::Closed(()) => Refused::Closed(item),
        })
    }

    /// Hands an item over, waiting for room until `timeout` has passed. `trip` picks the trip state: after one
    /// wait has expired there, later callers are refused at once until the receiver has moved.
    pub(crate) fn push(
        &self,
        item: T,
        bytes: usize,
        lane: Lane,
        trip: u8,
        timeout: Duration,
    ) -> Result<(), Refused<T>> {
        let mut item = match self.try_push(item, bytes, lane) {
            Err(Refused::Full(item)) => item,
            done => return done,
        };
        let progress = self.progress.load(Ordering::Acquire);
        let trip = self.trips.get(usize::from(trip) % TRIPS);
        if trip.is_some_and(|trip| trip.load(Ordering::Acquire) == progress) {
            return Err(Refused::Tripped(item));
        }
        let deadline = crate::clock::deadline(timeout);
        self.signal.notify();
        loop {
            let mut wakers = self.room.lock();
            self.waiters.fetch_add(1, Ordering::SeqCst);
            // Tried again under the lock: a receiver that made room before it saw the waiter has not notified.
            let tried = self.try_push(item, bytes, lane);
            let expired = match tried {
                Err(Refused::Full(_)) => self.has_room.wait_until(&mut wakers, deadline).timed_out(),
                _ => false,
            };
            self.waiters.fetch_sub(1, Ordering::SeqCst);
            drop(wakers);
            item = match tried {
                Err(Refused::Full(item)) => item,
                done => return done,
            };
            if expired {
                return match self.try_push(item, bytes, lane) {
                    Err(Refused::Full(item)) => {
                        if let Some(trip) = trip {
                            trip.store(self.progress.load(Ordering::Acquire), Ordering::Release);
                        }
                        Err(Refused::Full(item))
                    }
                    done => done,
                };
            }
        }
    }

    /// Hands an item over, or arranges that `waker` is woken when there may be room.
    pub(crate) fn poll_push(
        &self,
        item: T,
        bytes: usize,
        lane: Lane,
        waker: &Waker,
    ) -> Result<(), Refused<T>> {
        let item = match self.try_push(item, bytes, lane) {
            Err(Refused::Full(item)) => item,
            done => return done,
        };
        self.signal.notify();
        let mut wakers = self.room.lock();
        self.waiters.fetch_add(1, Ordering::SeqCst);
        match self.try_push(item, bytes, lane) {
            Err(Refused::Full(item)) => {
                // The waiter stays counted until the receiver takes its waker.
                if wakers.iter().any(|known| known.will_wake(waker)) {
                    self.waiters.fetch_sub(1, Ordering::SeqCst);
                } else if wakers.try_reserve(1).is_ok() {
                    wakers.push(waker.clone());
                } else {
                    // There is no memory to remember it: it asks again.
                    self.waiters.fetch_sub(1, Ordering::SeqCst);
                    drop(wakers);
                    waker.wake_by_ref();
                }
                Err(Refused::Full(item))
            }
            done => {
                self.waiters.fetch_sub(1, Ordering::SeqCst);
                done
            }
        }
    }

    /// Takes the oldest items out with `take`, which leaves their places empty, one for each of `into` if there are so many; and
    /// answers how many. Their credit is still held: see [`Self::release`].
    #[inline]
    pub(crate) fn pop_into<U>(&self, into: &mut [U], take: impl FnMut(&mut T, &mut U)) -> usize {
        self.ring.take(&self.meter, into, take)
    }

    /// Takes the oldest item out. Its credit is still held.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut item = None;
        self.pop_into(std::slice::from_mut(&mut item), |place, item| {
            *item = Some(std::mem::take(place));
        });
        item
    }

    /// Gives credit back and wakes those who wait for room, once there is enough of it to be worth a wake.
    pub(crate) fn release(&self, credit: Credit) {
        let left = self.meter.give_back(credit);
        self.progress.fetch_add(1, Ordering::AcqRel);
        let roomy = left.records <= self.capacity.records / 2 && left.bytes <= self.capacity.bytes / 2;
        if roomy && self.waiters.load(Ordering::SeqCst) > 0 {
            self.wake_waiters();
        }
    }

    fn wake_waiters(&self) {
        let mut wakers = self.room.lock();
        self.waiters.fetch_sub(wakers.len(), Ordering::SeqCst);
        let woken = std::mem::take(&mut *wakers);
        self.has_room.notify_all();
        drop(wakers);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Refuses all later items. Those with credit still arrive: the receiver waits until [`Self::used`] is zero.
    pub(crate) fn close(&self) {
        self.meter.close();
        self.wake_waiters();
        self.signal.notify();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.meter.is_closed()
    }

    /// The credit that is held now.
    pub(crate) fn used(&self) -> Credit {
        self.meter.used()
    }

    pub(crate) fn capacity(&self) -> Credit {
        self.capacity
    }

    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }
}

#[cfg(test)]
mod tests;

//! Buffers that travel in a circle, so that the sending threads never allocate.

use std::cell::Cell;

use crossbeam_queue::ArrayQueue;

/// The size of a pooled buffer. Larger ones are not taken back: one large record must not pin its memory.
pub(crate) const BUFFER: usize = 2048;

/// How many buffers circulate first. Together they fit a core's second-level cache; the reserve is cold.
const HOT: usize = 128;

thread_local! {
    /// The buffer that this thread used last. What it writes is mostly copied out, so the same memory serves again and
    /// stays in its core's first cache. Shared by all pools, whose buffers are alike.
    /// As narrow as can be: every record takes it and gives it back.
    static HAND: Cell<Option<Box<[u8; BUFFER]>>> = const { Cell::new(None) };
}

/// Buffers of one size and length, all made and touched beforehand: a first touch is a page fault, and the caller would pay.
#[derive(Debug)]
pub(crate) struct Pool {
    hot: ArrayQueue<Vec<u8>>,
    reserve: ArrayQueue<Vec<u8>>,
}

impl Pool {
    /// Makes `count` buffers, and room for `room`.
    pub(crate) fn new(count: usize, room: usize) -> Self {
        let hot = ArrayQueue::new(HOT);
        let reserve = ArrayQueue::new(room.max(count).saturating_sub(HOT).max(1));
        let pool = Self { hot, reserve };
        for _ in 0..count {
            pool.put_away(vec![1; BUFFER]);
        }
        pool
    }

    /// The buffer in the thread's hand, if there is one.
    #[inline(always)]
    pub(crate) fn held() -> Option<Vec<u8>> {
        let held: Box<[u8]> = HAND.try_with(Cell::take).ok()??;
        Some(held.into_vec())
    }

    /// Another buffer of the pooled size, for a thread that has none; `None` where all are on their way.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        self.hot.pop().or_else(|| self.reserve.pop())
    }

    /// Takes a buffer back, into the thread's hand if that is empty. `false` where it was too large to keep; one without
    /// memory is none.
    #[inline]
    pub(crate) fn put(&self, buffer: Vec<u8>) -> bool {
        if buffer.len() != BUFFER || buffer.capacity() != BUFFER {
            return buffer.capacity() == 0;
        }
        // As long as its memory, it becomes a box and the same buffer again without being moved.
        let Ok(buffer) = Box::<[u8; BUFFER]>::try_from(buffer) else {
            return false;
        };
        // Where the thread's locals are gone already, the buffer goes with them.
        let before = HAND.try_with(|hand| hand.replace(Some(buffer)));
        if let Ok(Some(before)) = before {
            let before: Box<[u8]> = before;
            self.put_away(before.into_vec());
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn put_away(&self, buffer: Vec<u8>) {
        if let Err(buffer) = self.hot.push(buffer) {
            // A full reserve means that the pool was empty once and a buffer was made; that one may go.
            let _ = self.reserve.push(buffer);
        }
    }
}

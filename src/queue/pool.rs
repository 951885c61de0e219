//! Buffers that travel in a circle, so that the sending threads never allocate.

use crossbeam_queue::ArrayQueue;

/// The size of a pooled buffer. Larger ones are not taken back: one large record must not pin its memory.
pub(crate) const BUFFER: usize = 2048;

/// How many buffers circulate first. Together they fit a core's second-level cache; the reserve is cold.
const HOT: usize = 128;

/// Buffers of one size and length, all made and touched beforehand: a first touch is a page fault, and the caller would pay.
#[derive(Debug)]
pub(crate) struct Pool {
    hot: ArrayQueue<Vec<u8>>,
    reserve: ArrayQueue<Vec<u8>>,
}

impl Pool {
    /// Makes `count` buffers.
    pub(crate) fn new(count: usize) -> Self {
        let hot = ArrayQueue::new(HOT);
        let reserve = ArrayQueue::new(count.saturating_sub(HOT).max(1));
        let pool = Self { hot, reserve };
        for _ in 0..count {
            pool.put(vec![1; BUFFER]);
        }
        pool
    }

    /// A buffer of the pooled size, or `None` where all are on their way.
    #[inline]
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        self.hot.pop().or_else(|| self.reserve.pop())
    }

    /// Takes a buffer back. `false` where it was too large to keep.
    #[inline]
    pub(crate) fn put(&self, mut buffer: Vec<u8>) -> bool {
        if buffer.capacity() != BUFFER {
            return false;
        }
        if buffer.len() < BUFFER {
            buffer.resize(BUFFER, 0);
        }
        if let Err(buffer) = self.hot.push(buffer) {
            // A full reserve means that the pool was empty once and a buffer was made; that one may go.
            let _ = self.reserve.push(buffer);
        }
        true
    }
}

//! The spans that each thread has entered, of every stack whose trail asks a tracer: the registry's own list is its secret.

use std::cell::RefCell;

/// A span of a stack, by the stack's number and the span's.
type Entry = (u32, u64);

thread_local! {
    /// Oldest first, as they were entered: a span may be in it more than once. Gone when the thread ends.
    static ENTERED: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// How many more entries a thread's list gets room for at once, so that it hardly ever grows.
const AT_FIRST: usize = 32;

/// A span is entered.
#[inline]
pub(super) fn push(stack: u32, span: u64) {
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            // Without memory the span is not in the list, and whoever asks where the thread is sees that.
            if entered.len() < entered.capacity() || entered.try_reserve(AT_FIRST).is_ok() {
                entered.push((stack, span));
            }
        }
    });
}

/// A span is left, wherever in the order it stands.
#[inline]
pub(super) fn pop(stack: u32, span: u64) {
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut()
            && let Some(at) = entered.iter().rposition(|entry| *entry == (stack, span))
        {
            entered.remove(at);
        }
    });
}

/// The spans of one stack that the thread is inside of, innermost first, as a registry tells them: one that was entered again
/// inside of itself stands only where it was entered first.
///
/// The list is not held between two answers: whoever takes one may enter spans, as a sampler does.
#[derive(Debug)]
pub(super) struct Around {
    stack: u32,
    /// All before this place are still to be told.
    rest: usize,
}

impl Around {
    pub(super) fn of(stack: u32) -> Self {
        Self {
            stack,
            rest: usize::MAX,
        }
    }
}

impl Iterator for Around {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let found = ENTERED.try_with(|entered| {
            let entered = entered.try_borrow().ok()?;
            let mut rest = entered.get(..self.rest.min(entered.len()))?;
            while let Some((entry, before)) = rest.split_last() {
                rest = before;
                if entry.0 == self.stack && !before.contains(entry) {
                    self.rest = before.len();
                    return Some(entry.1);
                }
            }
            self.rest = 0;
            None
        });
        found.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(stack: u32) -> Vec<u64> {
        Around::of(stack).collect()
    }

    #[test]
    fn spans_are_told_innermost_first_and_each_stack_has_its_own() {
        for (stack, span) in [(1, 5), (2, 5), (1, 6), (1, 7)] {
            push(stack, span);
        }
        assert_eq!(
            (around(1), around(2), around(3)),
            (vec![7, 6, 5], vec![5], vec![])
        );
        pop(1, 6);
        pop(3, 7);
        assert_eq!(around(1), [7, 5]);
        for (stack, span) in [(1, 7), (1, 5), (2, 5)] {
            pop(stack, span);
        }
        assert_eq!((around(1), around(2)), (vec![], vec![]));
    }

    #[test]
    fn a_span_that_is_entered_inside_of_itself_stands_where_it_was_entered_first() {
        for span in [5, 6, 5] {
            push(1, span);
        }
        assert_eq!(around(1), [6, 5]);
        pop(1, 5);
        assert_eq!(around(1), [6, 5]);
        pop(1, 5);
        assert_eq!(around(1), [6]);
        pop(1, 6);
    }
}

//! The spans that each thread has entered, of every stack whose trail asks a tracer: the registry's own list is its secret.

use std::cell::RefCell;

/// A span that the thread is inside of.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The stack's number and the span's.
    of: (u32, u64),
    /// What it was entered in was left before it.
    has_moved: bool,
}

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
                entered.push(Entry {
                    of: (stack, span),
                    has_moved: false,
                });
            }
        }
    });
}

/// A span is left, wherever in the order it stands.
#[inline]
pub(super) fn pop(stack: u32, span: u64) {
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut()
            && let Some(at) = entered.iter().rposition(|entry| entry.of == (stack, span))
        {
            entered.remove(at);
            for inside in entered.iter_mut().skip(at) {
                inside.has_moved = true;
            }
        }
    });
}

/// Whether the thread stands where it stood when it entered this span: all that was entered since is left, in whichever
/// stack, and nothing that it was entered in.
pub(super) fn is_as_at_first(stack: u32, span: u64) -> bool {
    let found = ENTERED.try_with(|entered| {
        let entered = entered.try_borrow().ok()?;
        let (last, around) = entered.split_last()?;
        let is_again = || around.iter().any(|entry| entry.of == last.of);
        Some(last.of == (stack, span) && !last.has_moved && !is_again())
    });
    found.ok().flatten().unwrap_or(false)
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
                let (stack, span) = entry.of;
                if stack == self.stack && !before.iter().any(|outer| outer.of == entry.of) {
                    self.rest = before.len();
                    return Some(span);
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

    #[test]
    fn a_thread_is_as_it_was_where_all_that_was_entered_since_is_left_and_nothing_around() {
        for span in [5, 6, 7] {
            push(1, span);
        }
        assert!(is_as_at_first(1, 7));
        assert!(!is_as_at_first(1, 6), "7 is inside of it");
        assert!(!is_as_at_first(2, 7), "another stack's");
        pop(1, 6);
        assert!(!is_as_at_first(1, 7), "it was entered in 6");
        pop(1, 7);
        assert!(is_as_at_first(1, 5));
        push(2, 5);
        assert!(!is_as_at_first(1, 5), "another stack's is inside of it");
        pop(2, 5);
        push(1, 5);
        assert!(!is_as_at_first(1, 5), "it is entered twice");
        pop(1, 5);
        assert!(is_as_at_first(1, 5));
        pop(1, 5);
        assert!(!is_as_at_first(1, 5), "it is left");
    }
}

//! Memory that may not be there: growth that can fail, on threads that are the application's.
//!
//! Rust ends the process where an allocation fails that nobody asked to be careful. A record is not worth that, so what
//! grows with a record's values grows by these functions. What does not fit is left out, and the thread notes it; whoever
//! called must ask for that note ([`take_lack`]) before other code runs, and give the whole record up.

use std::cell::Cell;
use std::fmt;
use std::hint::black_box;

thread_local! {
    static LACKS: Cell<bool> = const { Cell::new(false) };
}

/// Notes that there was no memory for something on this thread.
#[cold]
pub(crate) fn lack() {
    let _ = LACKS.try_with(|lacks| lacks.set(true));
}

/// Whether there was no memory for something since this was asked last. The note is taken away.
pub(crate) fn take_lack() -> bool {
    LACKS.try_with(|lacks| lacks.replace(false)).unwrap_or(false)
}

/// As [`take_lack`], and the note stays.
pub(crate) fn lacks() -> bool {
    LACKS.try_with(Cell::get).unwrap_or(false)
}

/// Does something whose notes are its own, whatever was noted before; whether there was no memory for something in it.
pub(crate) fn apart<R>(then: impl FnOnce() -> R) -> (R, bool) {
    /// What was noted before stands again, also where `then` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            let _ = LACKS.try_with(|lacks| lacks.set(self.0));
        }
    }
    let _before = Before(take_lack());
    let done = then();
    (done, lacks())
}

/// Makes room for so many items more; `false`, and noted, where there is none.
#[inline]
pub(crate) fn room<T>(list: &mut Vec<T>, more: usize) -> bool {
    let is_there = more <= list.capacity() - list.len() || list.try_reserve(more).is_ok();
    if !is_there {
        lack();
    }
    is_there
}

/// As [`Vec::push`].
#[inline]
pub(crate) fn push<T>(list: &mut Vec<T>, item: T) {
    if room(list, 1) {
        list.push(item);
    }
}

/// As [`room`], for so many bytes of a text.
pub(crate) fn room_for_text(text: &mut String, more: usize) -> bool {
    let is_there = text.try_reserve(more).is_ok();
    if !is_there {
        lack();
    }
    is_there
}

/// As [`String::push_str`].
pub(crate) fn push_str(text: &mut String, more: &str) {
    if room_for_text(text, more.len()) {
        text.push_str(more);
    }
}

/// A copy of the text; an empty one where there is no memory for it.
pub(crate) fn owned(text: &str) -> String {
    let mut copy = String::new();
    push_str(&mut copy, text);
    copy
}

/// A text that is formatted into.
#[derive(Debug, Default)]
pub(crate) struct Text(pub(crate) String);

impl fmt::Write for Text {
    /// Never reports an error, for which other code would panic.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_str(&mut self.0, text);
        Ok(())
    }
}

/// So many bytes of zeros; none where there is no memory for them, which is not noted: what is written there grows by
/// itself.
pub(crate) fn zeros(len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(len).is_ok() {
        bytes.resize(len, 0);
    }
    bytes
}

/// As [`is_there`], and noted where it cannot.
pub(crate) fn is_enough(bytes: usize) -> bool {
    let is_enough = is_there(bytes);
    if !is_enough {
        lack();
    }
    is_enough
}

/// Whether so much memory can be had now: for what can only be made by code that ends the process where it cannot. Who
/// comes between this and that can take it away, so it is asked where there is no other way.
pub(crate) fn is_there(bytes: usize) -> bool {
    let mut probe: Vec<u8> = Vec::new();
    let is_there = probe.try_reserve_exact(bytes).is_ok();
    // Memory that nobody looks at need not be asked for, as the compiler sees it.
    black_box(&mut probe);
    is_there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_left_out_and_noted_once() {
        assert!(!take_lack());
        let mut list = vec![1_u8];
        assert!(!room(&mut list, usize::MAX));
        assert!(lacks() && take_lack() && !take_lack());
        let mut text = "kept".to_owned();
        assert!(!room_for_text(&mut text, usize::MAX));
        assert!(take_lack());
        push(&mut list, 2);
        push_str(&mut text, " whole");
        assert_eq!(
            (list.as_slice(), text.as_str()),
            ([1, 2].as_slice(), "kept whole")
        );
        assert!(is_enough(64) && !take_lack());
        assert!(!is_enough(usize::MAX) && take_lack());
        assert_eq!(zeros(3), [0; 3]);
        assert!(zeros(usize::MAX).is_empty() && !take_lack());
        assert_eq!(owned("whole"), "whole");
        assert_eq!(apart(|| 7), (7, false));
        assert_eq!((apart(lack), lacks()), (((), true), false));
        lack();
        assert_eq!(apart(lacks), (false, false));
        assert!(take_lack(), "what was noted before stands");
        let panics = || {
            lack();
            panic!("inside")
        };
        assert!(std::panic::catch_unwind(|| apart(panics)).is_err() && !take_lack());
    }
}

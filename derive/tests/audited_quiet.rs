//! The short forms where nobody listens. A process of its own: a trail anywhere in it would be a listener.

use std::cell::Cell;

use tracing_audit::testing::capture;
use tracing_audit::{audit, audited};

thread_local!(static ASKED: Cell<u32> = const { Cell::new(0) });

fn asked<T>(value: T) -> T {
    ASKED.set(ASKED.get() + 1);
    value
}

#[audited(resource = ("x", asked(1)), changed = |_| asked("x"), denied = |_| asked(true), fields(x = asked(1)))]
fn call(is_ok: bool) -> Result<u8, u8> {
    if is_ok { Ok(1) } else { Err(2) }
}

fn event() {
    audit!(action = "x", size = asked(7), "{}", asked(7));
}

#[test]
fn without_a_listener_nothing_is_asked() {
    assert_eq!((call(true), call(false)), (Ok(1), Err(2)));
    event();
    assert_eq!(ASKED.get(), 0);
    let captured = capture(|| {
        assert_eq!((call(true), call(false)), (Ok(1), Err(2)));
        event();
    });
    captured.count(3);
    // Two values for each call, what has changed for one and whether it was refused for the other, and two for the event.
    assert_eq!(ASKED.get(), 8);
}

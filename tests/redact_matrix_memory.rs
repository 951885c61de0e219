//! Copies of a secret in this process's memory, beside the one that the application holds: none of ours is left when a
//! record was written. Linux only, because it reads `/proc/self/mem`.
#![cfg(target_os = "linux")]

#[path = "support/torture.rs"]
mod torture;

use std::error::Error;
use std::fmt;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use tracing::{field, info, info_span};
use tracing_audit::AuditedExt;

const LEN: usize = 40;

/// The halves of what is random in it.
const HALVES: [Range<usize>; 2] = [4..20, 20..36];

/// The secret, masked: what is searched for never stands in memory as it is.
struct Masked {
    bytes: [u8; LEN],
    mask: [u8; LEN],
}

impl Masked {
    /// `ghp_` and 36 random letters.
    fn new() -> Self {
        let random: [u8; LEN] = std::array::from_fn(|_| rand::random());
        let mask: [u8; LEN] = std::array::from_fn(|_| rand::random());
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let bytes = std::array::from_fn(|at| {
            let letter = match at {
                0 => b'g',
                1 => b'h',
                2 => b'p',
                3 => b'_',
                _ => letters[usize::from(random[at]) % letters.len()],
            };
            letter ^ mask[at]
        });
        Self { bytes, mask }
    }

    /// Calls with the secret, in a buffer on the stack that is wiped behind the call.
    fn with(&self, call: impl FnOnce(&str)) {
        let mut plain = zeroize::Zeroizing::new([0_u8; LEN]);
        for (at, place) in plain.iter_mut().enumerate() {
            *place = self.bytes[at] ^ self.mask[at];
        }
        call(std::str::from_utf8(&*plain).expect("letters"));
    }

    /// Whether a half of the secret's random part begins here. Either is enough: what was freed has its first bytes
    /// overwritten by the allocator.
    fn is_at(&self, bytes: &[u8]) -> bool {
        HALVES.iter().any(|half| {
            let plain = |at: usize| bytes.get(at - half.start).map(|byte| byte ^ self.mask[at]);
            half.clone().all(|at| plain(at) == Some(self.bytes[at]))
        })
    }

    /// In how many places of the heap and of other writable memory without a file the secret stands. Stacks are left out:
    /// what lies on them is overwritten by the next call, and the application's own copy was there.
    fn copies(&self) -> usize {
        let on_stack = 0_u8;
        let stack = std::ptr::from_ref(&on_stack).addr() as u64;
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let mut memory = std::fs::File::open("/proc/self/mem").expect("Linux");
        let mut buffer = vec![0_u8; 1 << 20];
        let mut copies = 0;
        for line in maps.lines() {
            let mut parts = line.split_whitespace();
            let (range, rights) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let path = parts.nth(3).unwrap_or_default();
            let (from, to) = range.split_once('-').expect("a range");
            let parse = |hex: &str| u64::from_str_radix(hex, 16).expect("an address");
            let (from, to) = (parse(from), parse(to));
            let is_stack = (from..to).contains(&stack) || path == "[stack]";
            if !rights.starts_with("rw") || is_stack || !(path.is_empty() || path == "[heap]") {
                continue;
            }
            let own = buffer.as_ptr().addr() as u64;
            let mut at = from;
            while at < to {
                let len = (to - at).min(buffer.len() as u64) as usize;
                if memory.seek(SeekFrom::Start(at)).is_err() || memory.read_exact(&mut buffer[..len]).is_err()
                {
                    break;
                }
                let first = |half: &Range<usize>| self.bytes[half.start] ^ self.mask[half.start];
                let [one, other] = [first(&HALVES[0]), first(&HALVES[1])];
                for place in memchr::memchr2_iter(one, other, &buffer[..len]) {
                    let address = at + place as u64;
                    let is_own = (own..own + buffer.len() as u64).contains(&address);
                    copies += usize::from(!is_own && self.is_at(&buffer[place..len]));
                }
                buffer[..len].fill(0);
                // A secret can stand on the border.
                at += (len as u64).saturating_sub(LEN as u64).max(1);
                if len < buffer.len() {
                    break;
                }
            }
        }
        copies
    }
}

#[derive(Debug)]
struct Failed(Masked);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Ok(());
        self.0
            .with(|text| written = write!(f, "cannot sign in with {text}"));
        written
    }
}

#[derive(Debug)]
struct Outer(Failed);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Failed {}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masked")
    }
}

/// A typed event whose field nobody but the trail is shown.
#[cfg(feature = "derive")]
#[derive(tracing_audit::record::AuditEvent)]
#[audit(
    event = "x.login",
    category = "x",
    action = "login",
    level = "info",
    outcome = "success"
)]
struct Login<'a> {
    #[audit(detail = "login.phrase", secret)]
    phrase: &'a str,
}

#[cfg(feature = "derive")]
fn typed(phrase: &str) {
    use tracing_audit::record::AuditEvent as _;
    Login { phrase }.record();
}

#[cfg(not(feature = "derive"))]
fn typed(phrase: &str) {
    info!(target: "audit", event = "x", password = phrase);
}

/// Ways in, by the name of the scenario.
fn report(way: &str, secret: Masked) -> Masked {
    match way {
        "str" => secret.with(|text| info!(target: "audit", event = "x", password = text)),
        "shape" => secret.with(|text| info!(target: "audit", event = "x", note = text)),
        "bytes" => secret.with(|text| info!(target: "audit", event = "x", note = text.as_bytes())),
        "debug" => secret.with(|text| info!(target: "audit", event = "x", password = field::debug(text))),
        "display" => secret.with(|text| info!(target: "audit", event = "x", note = field::display(text))),
        "message" => secret.with(|text| info!(target: "audit", event = "x", "signed in with {text}")),
        "span" => secret.with(|text| drop(info_span!(target: "audit", "x", label.note = text))),
        "key" => secret.with(|text| info!(target: "audit", event = "x", "password={text} and on")),
        "typed" => secret.with(typed),
        "chain" => {
            let error = Outer(Failed(secret));
            info!(target: "audit", event = "x", err = &error as &(dyn Error + 'static));
            return error.0.0;
        }
        _ => {
            // The control: a copy that nobody wipes.
            let mut kept = String::new();
            secret.with(|text| kept.push_str(text));
            assert!(secret.copies() >= 1, "the search is void");
            drop(kept);
        }
    }
    secret
}

const WAYS: [&str; 11] = [
    "control", "str", "shape", "bytes", "debug", "display", "message", "span", "key", "typed", "chain",
];

#[test]
fn no_copy_of_a_secret_is_left_in_the_heap_when_its_record_was_written() {
    let Some(way) = torture::scenario() else {
        for way in WAYS {
            torture::succeed(torture::child(
                "no_copy_of_a_secret_is_left_in_the_heap_when_its_record_was_written",
                way,
            ));
        }
        return;
    };
    let (audit, sink) = torture::trail();
    let subscriber = tracing_subscriber::registry().audited(&audit);
    let secret = tracing::subscriber::with_default(subscriber, || report(&way, Masked::new()));
    audit.flush(torture::PATIENCE).expect("it is written");
    if way != "control" {
        assert_eq!(audit.stats().redacted, 1, "{way}");
        assert!(!sink.lines().is_empty());
        assert_eq!(secret.copies(), 0, "{way}");
    }
}

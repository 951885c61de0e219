//! How long the engine takes for texts of many kinds, printed for whoever changes it. Asserts nothing.

use std::hint::black_box;
use std::time::Instant;

use super::engine::{Engine, Scratch};
use super::field::Field;

/// Harmless texts as fields hold them.
const SHORT: &[&str] = &[
    "u-1",
    "doc-17",
    "approved",
    "eu-north-1",
    "invoice 4711 was approved",
    "order 18423 shipped today",
    "user logged in from mobile",
    "GET /v1/orders/4711 200 OK",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "7f3c2b1a-9d4e-4c5f-8a6b-1c2d3e4f5a6b",
    "2026-03-14T09:26:53.589Z",
    "the password was changed by the administrator",
    "request finished with status 200 in 41 ms after 2 attempts for tenant acme",
];

/// What is repeated to 64 KiB.
const LONG: &[&str] = &[
    "the run finished without errors on every platform, nothing else to report from shard seven. ",
    "user 17 changed the name of account to the value that was requested by the owner, and the code passed review. ",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ+/9fKz",
    "123456789012345678901234567890",
    "1234 5678 ",
    "a@",
    "a=",
    "token: ",
    "password=",
    "eyJ",
    "eyJhbGciOi.",
    "-----BEGIN",
    "-----BEGIN RSA PRIVATE KEY-----",
    "\\",
    "\\\"",
    "%25",
    "%41",
    "e\u{301}",
    "\u{301}",
    ":",
    "a:",
    "/",
    "://",
    "http://a:b@",
    "{\"a\":",
    "{\"key\":{\"",
    "[1,",
    "[",
    "(",
    "a.b@c.d ",
    "+1",
    "ghp_",
    "sk-",
    "DE89",
    "de12",
    "1.",
    "aa:",
    "aa-",
    "<a>",
    "key ",
    "-p ",
    "curl -u ",
    "reset/",
    "basic ",
    "\u{0430}a",
    "&#64;",
    "kty\"",
    "name=\"key\"",
    "card ",
    "4111111111111111",
    "phone 1 ",
    "code=",
    "&code=1&state=",
    "login,password\n",
    "\"password\",",
    "password,password\nb\n",
    "|password|x\n|---|---|\n",
    "a,password\n\"b,",
    "\"a,password\\n\",",
    "x, token\\n",
    "name,value\n",
    "redis-cli \"-a\",\"x\",",
    "openssl enc ",
    "value\n-",
    "Key  Value\n---  ---\n",
    "$6$",
    "$argon2id$v=1,p=",
    "123456 is your ",
    "mysql redis-cli -a ",
    "add_user ",
    "add_user a b1b1b1b1",
];

/// Nanoseconds for one scan, the least of several rounds.
fn time(engine: &Engine, field: &Field, text: &str, rounds: u32, turns: u32) -> f64 {
    let mut scratch = Scratch::default();
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..turns {
            black_box(engine.scan(field, black_box(text), &mut scratch));
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(turns));
    }
    best
}

/// Prints nanoseconds for short texts and MB/s for long ones: at 4 KiB, at the cap, at 64 KiB without a cap.
pub(super) fn print() {
    let field = Field::of("message");
    let engine = Engine::default();
    for text in SHORT {
        println!("{:8.1} ns  {text}", time(&engine, &field, text, 20, 2000));
    }
    let all = Engine::with_cap(1 << 20);
    for piece in LONG {
        let rate = |engine: &Engine, len: usize| {
            let mut text = piece.repeat(len / piece.len() + 1);
            text.truncate(super::cut::floor(&text, len));
            len as f64 * 1e3 / time(engine, &field, &text, 3, 3)
        };
        let (small, capped, large) = (rate(&all, 4096), rate(&engine, 65536), rate(&all, 65536));
        println!("{small:8.0} {capped:8.0} {large:8.0} MB/s  {piece:?}");
    }
}

//! What must hold for every input: each target takes bytes, makes an input of them, and panics where something does not
//! hold. libFuzzer drives them (`fuzz_targets/`), and so does a test on a stable compiler (`tests/fuzz_lane.rs`).

#![allow(unreachable_pub, reason = "the test includes this file as a module")]

use tracing_audit::format::{MAX_LINE, read_line, write_line};
use tracing_audit::record::{Fill, Kind, Map, Record, Slot, Value};
use tracing_audit::redact::scan;

/// The longest input, in bytes: what takes time beyond it is not the subject.
pub const MAX_INPUT: usize = 64 * 1024;

/// The value engine: any text under any field name is scanned without a panic; what was changed is counted, and what was
/// not is the same, byte for byte.
pub fn engine(data: &[u8]) {
    let (name, text) = value_of_field(data);
    let once = scan(&name, &text);
    let count: u32 = once.redactions.iter().map(|redaction| redaction.n).sum();
    let is_same = once.value == text;
    assert!(
        is_same || count > 0 || once.dropped > 0,
        "changed and not counted: {name:?} {text:?} -> {:?}",
        once.value
    );
    assert!(
        !is_same || count == 0,
        "counted and not changed: {name:?} {text:?}"
    );
}

/// Whether a text that was scanned would be changed by a second scan: then, what the two made of it.
pub fn unsettled(data: &[u8]) -> Option<String> {
    let (name, text) = value_of_field(data);
    let once = scan(&name, &text);
    let again = scan(&name, &once.value);
    let is_settled = again.value == once.value && again.redactions.is_empty();
    (!is_settled).then(|| format!("{name:?}: {text:?} -> {:?} -> {:?}", once.value, again.value))
}

/// The field's name and its value that an input stands for.
fn value_of_field(data: &[u8]) -> (String, String) {
    let mut bytes = Bytes::new(data);
    let name = match bytes.next() {
        at @ 0..=199 => NAMES[usize::from(at) % NAMES.len()].to_owned(),
        _ => {
            let len = usize::from(bytes.next() % 24);
            String::from_utf8_lossy(bytes.take(len)).into_owned()
        }
    };
    let text = match bytes.next() % 3 {
        0 => String::from_utf8_lossy(bytes.rest()).into_owned(),
        1 => pieces(&mut bytes),
        _ => json(&mut bytes, 0).to_string(),
    };
    (name, text)
}

/// Names that say something, and names that do not.
const NAMES: &[&str] = &[
    "message",
    "note",
    "password",
    "apiKey",
    "url",
    "authorization",
    "cookie",
    "email",
    "phone",
    "client.address",
    "card_number",
    "date_of_birth",
    "token_count",
    "pin",
    "session",
    "error.message",
    "",
];

/// What texts with secrets in them are made of. Nothing here is a whole token.
const PIECES: &[&str] = &[
    " ",
    "\n",
    "=",
    ":",
    ": ",
    "\"",
    "'",
    "\\\"",
    "\\\\\"",
    ",",
    ";",
    "&",
    "?",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "/",
    "|",
    "-",
    "--",
    "@",
    ".",
    "%",
    "%20",
    "%3D",
    "%70",
    "\\u0070",
    "\\n",
    "&#112;",
    "&amp;",
    "\0",
    "\u{200b}",
    "\u{ad}",
    "\u{ff50}",
    "\u{2011}",
    "\u{a0}",
    "\u{1b}[31m",
    "é",
    "名",
    "password",
    "passwd",
    "api_key",
    "x-api-key",
    "token",
    "secret",
    "Authorization",
    "Bearer ",
    "Basic ",
    "Cookie: ",
    "Set-Cookie: ",
    "sid",
    "pin",
    "otp",
    "the password is ",
    "login ",
    "hunter2",
    "abc123",
    "true",
    "null",
    "Some(",
    "https://",
    "postgres://",
    "ann:",
    "ann",
    "example.org",
    "@example.org",
    "?token=",
    "&sig=",
    "#access_token=",
    "curl -u ",
    "mysql -p",
    "--password",
    "IDENTIFIED BY ",
    ") VALUES (",
    "<password>",
    "</password>",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "-----END ",
    "MIIEowIBAAKCAQEA",
    "gh",
    "p_",
    "AK",
    "IA",
    "sk_",
    "live_",
    "xox",
    "b-",
    "eyJ",
    "hbGciOiJIUzI1NiJ9",
    "AIza",
    "4111",
    "1111",
    "4111111111111111",
    "DE89370400440532013000",
    "192.0.2.77",
    "2001:db8::1",
    "::ffff:192.0.2.77",
    "+49 30 123456",
    "123-45-6789",
    "1990-02-03",
    "born ",
    "account ",
    "550e8400-e29b-41d4-a716-446655440000",
    "[REDACTED:secret]",
    "[REDACTED:",
    "REDACTED",
    "hmac-sha256:k1:",
    "0123456789abcdef",
    "cGFzc3dvcmQ9aHVudGVyMg==",
    "70617373776f72643d68756e74657232",
    "104, 117, 110",
    "...",
    "[dropped 7 bytes]",
    "****",
];

/// A text of pieces, with random letters among them.
fn pieces(bytes: &mut Bytes<'_>) -> String {
    let mut text = String::new();
    while !bytes.is_empty() {
        match bytes.next() {
            at if usize::from(at) < PIECES.len() => text.push_str(PIECES[usize::from(at)]),
            len => {
                let letters = bytes.take(usize::from(len) - PIECES.len() + 1);
                text.extend(letters.iter().map(|byte| LETTERS[usize::from(byte % 64)] as char));
            }
        }
    }
    text
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// A JSON value whose texts are of pieces.
fn json(bytes: &mut Bytes<'_>, depth: usize) -> serde_json::Value {
    let kind = bytes.next();
    let len = usize::from(bytes.next() % 6);
    match kind % 7 {
        0 if depth < 6 => (0..len).map(|_| json(bytes, depth + 1)).collect(),
        1 | 2 if depth < 6 => {
            let members = (0..len).map(|_| (short(bytes), json(bytes, depth + 1)));
            serde_json::Value::Object(members.collect())
        }
        3 => u64::from_le_bytes(bytes.array()).into(),
        4 => (kind > 128).into(),
        // A text that is JSON itself.
        5 if depth < 3 => json(bytes, depth + 1).to_string().into(),
        _ => short(bytes).into(),
    }
}

fn short(bytes: &mut Bytes<'_>) -> String {
    let len = usize::from(bytes.next() % 8);
    pieces(&mut Bytes::new(bytes.take(len)))
}

/// The line: every record becomes one line of valid JSON within its bounds, which reads back as what it says, and whose
/// record makes the same line again. What is no line is refused without a panic.
pub fn line(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    if bytes.next().is_multiple_of(4) {
        return garbled(&mut bytes);
    }
    let record = record(&mut bytes);
    let line = written(&record);
    let read = read_line(&line).unwrap_or_else(|error| panic!("{error}: {}", shown(&line)));
    let again = written(&read);
    assert_eq!(
        shown(&again),
        shown(&line),
        "a line that was read makes another line"
    );
}

/// Writes a record and checks what holds for every line.
fn written(record: &Record) -> Vec<u8> {
    let line = write_line(
        record,
        "stream-1",
        7,
        1_795_251_600_123_456_789,
        uuid::Uuid::from_u128(7),
    );
    assert!(line.len() <= MAX_LINE, "{} bytes", line.len());
    assert!(!line.contains(&b'\n'), "{}", shown(&line));
    serde_json::from_slice::<serde_json::Value>(&line)
        .unwrap_or_else(|error| panic!("{error}: {}", shown(&line)));
    line
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// A line with some bytes changed: it is read as something that can be written, or refused.
fn garbled(bytes: &mut Bytes<'_>) {
    let changes: Vec<(usize, u8)> = (0..bytes.next() % 4)
        .map(|_| (usize::from(u16::from_le_bytes(bytes.array())), bytes.next()))
        .collect();
    let mut line = match bytes.next() % 2 {
        0 => bytes.rest().to_vec(),
        _ => written(&record(bytes)),
    };
    for (at, byte) in changes {
        let len = line.len();
        if let Some(place) = line.get_mut(at % len.max(1)) {
            *place = byte;
        }
    }
    if let Ok(record) = read_line(&line) {
        let again = written(&record);
        read_line(&again).unwrap_or_else(|error| panic!("{error}: {}", shown(&again)));
    }
}

/// A record of any slots that a caller can fill, attributes, labels and details.
pub fn record(bytes: &mut Bytes<'_>) -> Record {
    let mut builder = Record::builder(short(bytes) + "x");
    for _ in 0..bytes.next() % 8 {
        let slot = Slot::ALL[usize::from(bytes.next()) % Slot::ALL.len()];
        let value = match (slot.fill(), slot.kind()) {
            (Fill::Reserved, _) => continue,
            (_, Kind::Uint) => Value::from(u64::from_le_bytes(bytes.array())),
            (_, Kind::Bool) => Value::from(bytes.next() > 127),
            (_, Kind::Texts) => Value::from(vec![short(bytes) + "x", short(bytes)]),
            (_, Kind::Text | Kind::Id | Kind::Any) => Value::Str(short(bytes) + "x"),
            _ => continue,
        };
        builder = builder.set(slot, value);
    }
    for _ in 0..bytes.next() % 6 {
        builder = builder.attribute(short(bytes), value(bytes, 0));
    }
    for _ in 0..bytes.next() % 3 {
        builder = builder.label(short(bytes), short(bytes));
    }
    if bytes.next() > 200 {
        builder = builder.detail(value(bytes, 0));
    }
    builder.build()
}

/// Any value, nested at most seven levels deep.
pub fn value(bytes: &mut Bytes<'_>, depth: usize) -> Value {
    let kind = bytes.next();
    let len = usize::from(bytes.next() % 6);
    match kind % 12 {
        0 => Value::Null,
        1 => Value::from(kind > 128),
        2 => Value::from(i64::from_le_bytes(bytes.array())),
        3 => Value::from(i128::from_le_bytes(bytes.array())),
        4 => Value::from(u128::from_le_bytes(bytes.array())),
        5 => Value::from(f64::from_le_bytes(bytes.array())),
        6 => Value::from(bytes.take(len * 9)),
        7 | 8 if depth < 7 => Value::List((0..len).map(|_| value(bytes, depth + 1)).collect()),
        9 | 10 if depth < 7 => {
            let members = (0..len).map(|_| (short(bytes), value(bytes, depth + 1)));
            Value::Map(members.collect::<Map>())
        }
        _ => Value::Str(pieces(&mut Bytes::new(bytes.take(len * 4)))),
    }
}

/// The bytes of an input, read front to back; behind their end there are zeros.
#[derive(Debug)]
pub struct Bytes<'d> {
    rest: &'d [u8],
}

impl<'d> Bytes<'d> {
    /// Begins an input, of which [`MAX_INPUT`] bytes count.
    #[must_use]
    pub fn new(data: &'d [u8]) -> Self {
        Self {
            rest: &data[..data.len().min(MAX_INPUT)],
        }
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn next(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, len: usize) -> &'d [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn rest(&mut self) -> &'d [u8] {
        self.take(usize::MAX)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next())
    }
}

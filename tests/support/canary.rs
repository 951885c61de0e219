//! Secrets made at random, and the texts that carry them.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Random numbers from a seed: splitmix64, the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn text(&mut self, alphabet: &str, len: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..len)
            .map(|_| letters[self.below(letters.len())] as char)
            .collect()
    }
}

/// The seed of this run: the one that `TRACING_AUDIT_SEED` gives, else a new one. Printed, so that a failure can be
/// repeated.
pub(crate) fn seed() -> u64 {
    let seed = given_seed();
    println!("TRACING_AUDIT_SEED={seed}");
    seed
}

/// As [`seed`], without a word: a child's output is searched.
pub(crate) fn given_seed() -> u64 {
    let given = std::env::var("TRACING_AUDIT_SEED").ok();
    given
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random)
}

pub(crate) const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(crate) const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &str = "0123456789";

/// What kind of secret was planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Github,
    Aws,
    Stripe,
    Jwt,
    Slack,
    Google,
    Pem,
    Card,
    Iban,
    Email,
    Password,
    Opaque,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Github,
        Self::Aws,
        Self::Stripe,
        Self::Jwt,
        Self::Slack,
        Self::Google,
        Self::Pem,
        Self::Card,
        Self::Iban,
        Self::Email,
        Self::Password,
        Self::Opaque,
    ];

    /// Whether the value's own shape gives it away; else a name must.
    pub(crate) fn is_shaped(self) -> bool {
        !matches!(self, Self::Password | Self::Opaque)
    }

    /// Whether it gives access, as against what belongs to a person.
    pub(crate) fn is_secret(self) -> bool {
        !matches!(self, Self::Card | Self::Iban | Self::Email)
    }

    /// Whether it is a secret by its shape alone.
    pub(crate) fn is_token(self) -> bool {
        self.is_secret() && self.is_shaped()
    }

    /// A value of this kind, and the stretches of it that nobody may find.
    fn made(self, dice: &mut Dice) -> (String, Vec<String>) {
        let whole = |text: String| (text.clone(), vec![text]);
        let behind = |prefix: &[&str], body: String| (prefix.concat() + &body, halves(&body));
        match self {
            // The prefixes are put together here: no whole token stands in the source.
            Self::Github => behind(&["gh", "p_"], dice.text(ALNUM, 36)),
            Self::Aws => behind(&["AK", "IA"], dice.text(UPPER, 16)),
            Self::Stripe => behind(&["sk_", "live_"], dice.text(ALNUM, 24)),
            Self::Jwt => jwt(dice),
            Self::Slack => {
                let body = dice.text(ALNUM, 24);
                let prefix = format!(
                    "xox{}-{}-{}-",
                    "b",
                    dice.text("123456789", 11),
                    dice.text("123456789", 11)
                );
                (prefix + &body, halves(&body))
            }
            Self::Google => behind(&["AI", "za"], dice.text(ALNUM, 35)),
            Self::Pem => pem(dice),
            Self::Card => {
                let mut digits = format!("4{}", dice.text(DIGITS, 14));
                digits.push(luhn(&digits));
                whole(digits)
            }
            Self::Iban => whole(iban(&dice.text(DIGITS, 18))),
            Self::Email => {
                let name = dice.text("abcdefghijklmnopqrstuvwxyz", 14);
                (
                    format!("{name}@{}.example.org", dice.text("abcdefghijklmnop", 6)),
                    vec![name],
                )
            }
            Self::Password => {
                let core = dice.text(ALNUM, 16);
                (core.clone() + "!9", vec![core])
            }
            Self::Opaque => {
                let core = dice.text(ALNUM, 32);
                (core.clone(), halves(&core))
            }
        }
    }
}

fn jwt(dice: &mut Dice) -> (String, Vec<String>) {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let body = part(format!(r#"{{"sub":"{}"}}"#, dice.text(ALNUM, 16)));
    let signature = dice.text(ALNUM, 43);
    let head = part(r#"{"alg":"HS256","typ":"JWT"}"#.to_owned());
    let needles = [halves(&body[8..]), halves(&signature)].concat();
    (format!("{head}.{body}.{signature}"), needles)
}

fn pem(dice: &mut Dice) -> (String, Vec<String>) {
    let lines: Vec<String> = (0..3).map(|_| dice.text(ALNUM, 64)).collect();
    let label = ["RSA PRIVATE", " KEY"].concat();
    let body = lines.join("\n");
    let text = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----");
    (text, lines.iter().flat_map(|line| halves(line)).collect())
}

/// Both halves of a text that is long enough for each to be nobody else's; the whole of a shorter one.
fn halves(text: &str) -> Vec<String> {
    if text.len() < 24 {
        return vec![text.to_owned()];
    }
    let (one, other) = text.split_at(text.len() / 2);
    vec![one.to_owned(), other.to_owned()]
}

/// The digit that makes a card number valid.
fn luhn(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

/// A German account number with valid check digits.
fn iban(account: &str) -> String {
    // `DE00` behind the account, letters as two digits each.
    let remainder = format!("{account}131400")
        .bytes()
        .fold(0_u32, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - remainder)
}

/// What a value is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    Bare,
    Prose,
    Json,
    JsonInJson,
    Debug,
    Url,
    Header,
    Arguments,
}

impl Carrier {
    pub(crate) const ALL: [Self; 8] = [
        Self::Bare,
        Self::Prose,
        Self::Json,
        Self::JsonInJson,
        Self::Debug,
        Self::Url,
        Self::Header,
        Self::Arguments,
    ];

    /// The text that carries `value`; `telling` says whether the key beside it may give it away.
    fn wrap(self, value: &str, telling: bool) -> String {
        let key = if telling { "api_key" } else { "ref" };
        let json = || {
            let object = serde_json::json!({"user": "ann", key: value, "n": 1});
            object.to_string()
        };
        match self {
            Self::Bare => value.to_owned(),
            Self::Prose if telling => format!("the password is {value} and it was refused"),
            Self::Prose => format!("signed in with {value} and went on"),
            Self::Json => json(),
            Self::JsonInJson => serde_json::json!({"log": json(), "n": 2}).to_string(),
            Self::Debug => format!("Login {{ user: \"ann\", {key}: {value:?}, remember: true }}"),
            Self::Url => {
                let escaped = value
                    .replace(' ', "%20")
                    .replace('\n', "%0A")
                    .replace('\0', "%00");
                format!("https://api.example.org/cb?page=2&{key}={escaped}&n=1")
            }
            Self::Header if telling => format!("POST /v1 HTTP/1.1\r\nX-Api-Key: {value}\r\nAccept: */*"),
            Self::Header => format!("POST /v1 HTTP/1.1\r\nX-Ref: {value}\r\nAccept: */*"),
            Self::Arguments => format!("deploy --{} {value} --host db1", key.replace('_', "-")),
        }
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Plain,
    Base64,
    Hex,
    Percent,
    JsonEscapes,
    Utf16,
}

impl Encoding {
    pub(crate) const ALL: [Self; 6] = [
        Self::Plain,
        Self::Base64,
        Self::Hex,
        Self::Percent,
        Self::JsonEscapes,
        Self::Utf16,
    ];

    pub(crate) fn of(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Base64 => STANDARD.encode(value),
            Self::Hex => hex(value.as_bytes()),
            Self::Percent => percent(value.as_bytes(), false),
            Self::JsonEscapes => value
                .chars()
                .map(|char| format!("\\u{:04x}", u32::from(char)))
                .collect(),
            // As it reaches a text: each letter of ASCII with a zero byte behind it.
            Self::Utf16 => value.chars().flat_map(|char| [char, '\0']).collect(),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn percent(bytes: &[u8], lower: bool) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = if lower {
            write!(text, "%{byte:02x}")
        } else {
            write!(text, "%{byte:02X}")
        };
        text
    })
}

/// A secret in its carrier.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    pub(crate) kind: Kind,
    pub(crate) carrier: Carrier,
    pub(crate) encoding: Encoding,
    /// The secret as it is, neither encoded nor wrapped.
    pub(crate) secret: String,
    /// The text that is reported.
    pub(crate) text: String,
    /// Whether it is reported under a name that says what it is. Where it is not, its shape or the key beside it does.
    pub(crate) told: bool,
    /// A number that is a secret under a telling name.
    pub(crate) number: u64,
    /// What must not be found.
    pub(crate) needles: Vec<String>,
}

impl Planted {
    /// Secret number `at` of a run: every kind in every carrier and encoding comes once in 576, the rest is random.
    pub(crate) fn new(at: usize, dice: &mut Dice) -> Self {
        let kind = Kind::ALL[at % 12];
        let carrier = Carrier::ALL[at / 12 % 8];
        let encoding = Encoding::ALL[at / 96 % 6];
        let (secret, mut needles) = kind.made(dice);
        let encoded = encoding.of(&secret);
        let is_found_bare = kind.is_shaped() && is_decoded(kind, encoding);
        // Half of what could give itself away is told all the same.
        let is_telling = !is_found_bare || dice.below(2) == 0;
        let told = is_telling && (matches!(carrier, Carrier::Bare) || dice.below(2) == 0);
        let text = carrier.wrap(&encoded, is_telling);
        let number = 1_000_000_000_000_000 + dice.next() % 8_000_000_000_000_000;
        needles.push(number.to_string());
        Self {
            kind,
            carrier,
            encoding,
            secret,
            text,
            told,
            number,
            needles,
        }
    }

    pub(crate) fn many(count: usize, seed: u64) -> Vec<Self> {
        let mut dice = Dice::new(seed);
        (0..count).map(|at| Self::new(at, &mut dice)).collect()
    }

    /// For a failure: what it was, without what it was made of.
    pub(crate) fn what(&self) -> String {
        let Self {
            kind,
            carrier,
            encoding,
            told,
            ..
        } = self;
        format!("{kind:?} in {carrier:?} as {encoding:?}, told: {told}")
    }
}

/// Whether the shape is looked for behind this encoding. What is written in base64 or hexadecimal is decoded to look for
/// what gives access; what belongs to a person is not looked for there (SECURITY.md says so).
fn is_decoded(kind: Kind, encoding: Encoding) -> bool {
    match encoding {
        Encoding::Plain | Encoding::Percent | Encoding::JsonEscapes | Encoding::Utf16 => true,
        Encoding::Base64 | Encoding::Hex => kind.is_secret(),
    }
}

//! What the scanners are given: made from printed rules and a fixed seed, the same for each of them. No whole token stands
//! here: what must look like one is put together when the program runs.

use anyhow::{Result, bail};
use fastrand::Rng;

use super::checks::{iban, luhn};

/// Harmless texts of 25 bytes each, as messages and short fields hold them.
const HARMLESS: [&str; 24] = [
    "the folder was shared now",
    "export finished, 12 files",
    "user opened the dashboard",
    "quota raised by the owner",
    "invoice approved by sales",
    "retry 3 of 5 after 200 ms",
    "archived: no longer in us",
    "plan changed to Team Plus",
    "login from a known device",
    "report 2026-11 was viewed",
    "two members left the team",
    "status changed: in review",
    "job done in 418.2 seconds",
    "cache miss for page three",
    "the draft was not changed",
    "moved to Projects/Archive",
    "comment added to task 981",
    "role = viewer, not editor",
    "limit of 40 seats reached",
    "label urgent was put away",
    "version 2.14.0 rolled out",
    "search gave back 7 thing!",
    "backup of region eu-north",
    "a guest asked for access.",
];

/// The adversarial texts: their names, and what each is made of.
pub const ADVERSARIAL: [(&str, Stuff); 57] = [
    ("hex", Stuff::Random(b"0123456789abcdef")),
    (
        "base64",
        Stuff::Random(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
    ),
    ("digits", Stuff::Random(b"0123456789")),
    ("a@", Stuff::Again("a@")),
    ("eyJ", Stuff::Again("eyJ")),
    // Each may begin a token that reaches to the end.
    ("-eyJ", Stuff::Again("-eyJ")),
    ("-pa", Stuff::Again("-pa")),
    ("A3-", Stuff::Again("A3-")),
    // Each may be a token that a line break divides.
    ("-eyJ, two lines", Stuff::Again("-eyJa1\nZx9kLm4Q ")),
    ("1.1.1.1,", Stuff::Again("1.1.1.1,")),
    ("-----BEGIN", Stuff::Again("-----BEGIN")),
    // Each begins in a header of the one before it.
    ("PEM headers", Stuff::Again("abc: -----BEGIN A-----\n")),
    ("PEM headers, one line", Stuff::Again("abc:-----BEGIN A----")),
    ("a=", Stuff::Again("a=")),
    ("backslashes", Stuff::Again("\\")),
    ("%25", Stuff::Again("%25")),
    ("combining marks", Stuff::Again("e\u{301}\u{323}\u{308}")),
    ("token: ", Stuff::Again("token: ")),
    (":", Stuff::Again(":")),
    // Names without an end, each of which may ask for all that follows.
    ("key=", Stuff::Again("key=")),
    ("a key=", Stuff::Again("a key=")),
    // Each asks for what is left of one long value.
    ("==secret_key=", Stuff::Again("==secret_key=")),
    ("key=x&&", Stuff::Again("key=x&&")),
    ("identified by ", Stuff::Again("identified by ")),
    ("Authorization: ", Stuff::Again("Authorization: ")),
    ("&code=1&state=", Stuff::Again("&code=1&state=")),
    ("@tcp(", Stuff::Again("@tcp(")),
    (" DOT ", Stuff::Again(" DOT ")),
    ("dob 1 1 1", Stuff::Again("dob 1 1 1 ")),
    // Addresses, each of which is cut.
    ("1.1.1.1 ", Stuff::Again("1.1.1.1 ")),
    ("1.1.1.1/", Stuff::Again("1.1.1.1/")),
    ("full-width", Stuff::Again("\u{ff41}")),
    ("<password>", Stuff::Again("<password>")),
    ("zero width", Stuff::Again("a\u{200b}")),
    ("JSON in JSON", Stuff::Again("{\\\"key\\\":{\\\"")),
    // Texts that are looked at again once they are decoded.
    ("%41", Stuff::Again("%41")),
    ("hex of token", Stuff::Again("746f6b656e3a20")),
    // Of each, something is cut as it stands, and once more in what a reader sees.
    ("userinfo, folded", Stuff::Again("1.http://a:b@é")),
    ("userinfo, a digit", Stuff::Again("http://a:b@\u{ff10}")),
    ("address, \\0", Stuff::Again("/1.2.3.4\\0,key=")),
    ("address, entity", Stuff::Again("token:1.1.1.1/&amp;")),
    ("columns, folded", Stuff::Again(") values (API key DE89 \u{ff10}")),
    (
        "numbers, folded",
        Stuff::Again("ssn 123456789 dob 1 1 1 \u{ff10}"),
    ),
    ("sentences, folded", Stuff::Again("Token [1,é")),
    ("markers", Stuff::Again("[REDACTED:secret] 1.1.1.1 ")),
    // Each asks of what is left of one long run: where it ends, or what stands in it.
    ("aa:email$", Stuff::Again("aa:email$")),
    ("?code=", Stuff::Again("?code=")),
    ("key=token+", Stuff::Again("key=token+")),
    ("sig=[\\(", Stuff::Again("sig=[\\(")),
    ("Digest", Stuff::Again("identified by Digest key=")),
    (":5432:a:b:[[", Stuff::Again("dob:5432:a:b:[[")),
    ("-dob", Stuff::Again("-00-1a-2b-3c-4d-5e-dob 1 1 1 ")),
    // Each is followed through the same white space.
    (
        "PEM headers, spaces",
        Stuff::Both("abc:-----BEGIN A----value", "%20"),
    ),
    // Each asks for the rest of one long word, for the columns before it, or for what stands behind one value's marks.
    ("--user=", Stuff::Again("--user=")),
    (") values", Stuff::Again("A) values ")),
    ("email$, marks", Stuff::Both("aa:email$é", "\\\"")),
    ("fm2_/", Stuff::Both("fm2_/", "token.firecrawl")),
];

/// The sizes of an adversarial text, in KiB.
pub const KIB: [usize; 3] = [4, 16, 64];

/// The bytes of the longest.
const LONGEST: usize = 64 * 1024;

/// Those of the adversarial texts that are in common use against scanners; the others were looked for until this engine
/// was slow.
pub const COMMON: [&str; 10] = [
    "base64",
    "hex",
    "digits",
    "a@",
    "eyJ",
    "-----BEGIN",
    "a=",
    "backslashes",
    "%25",
    "combining marks",
];

/// What an adversarial text is made of.
#[derive(Debug, Clone, Copy)]
pub enum Stuff {
    /// Bytes of this alphabet at random.
    Random(&'static [u8]),
    /// The same again and again.
    Again(&'static str),
    /// The one again and again in the first half, the other in the second.
    Both(&'static str, &'static str),
}

impl Stuff {
    /// Values of this length. Those of random bytes are [`LONGEST`] bytes together, whatever the length: a processor guesses
    /// the branches of a short text that comes again and again, so that sizes could not be compared otherwise.
    fn texts(self, len: usize) -> Vec<String> {
        match self {
            Self::Random(alphabet) => {
                let rng = &mut Rng::with_seed(11);
                (0..LONGEST / len).map(|_| random(rng, alphabet, len)).collect()
            }
            _ => vec![self.text(len)],
        }
    }

    fn text(self, len: usize) -> String {
        match self {
            Self::Random(alphabet) => random(&mut Rng::with_seed(11), alphabet, len),
            Self::Again(text) => text.repeat(len / text.len()),
            Self::Both(first, second) => {
                let half = first.repeat(len / 2 / first.len());
                let rest = second.repeat((len - half.len()) / second.len());
                half + &rest
            }
        }
    }
}

/// The cases that are not adversarial.
pub const PLAIN: [&str; 5] = ["empty", "harmless", "ids", "sensitive", "prose"];

/// The name of an adversarial case.
#[must_use]
pub fn adversarial(name: &str, kib: usize) -> String {
    format!("{name} {kib} KiB")
}

/// The name of the case in which an adversarial text is scanned in all its sizes in turn.
#[must_use]
pub fn growing(name: &str) -> String {
    format!("{name}{GROWING}")
}

const GROWING: &str = ", sizes in turn";

/// The adversarial text that is scanned in all its sizes in this case.
#[must_use]
pub fn grown(case: &str) -> Option<&str> {
    case.strip_suffix(GROWING)
}

/// Whether this is an adversarial text of the largest size.
#[must_use]
pub fn is_longest(case: &str) -> bool {
    case.ends_with(" 64 KiB")
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<String> {
    let plain = PLAIN.iter().map(|case| (*case).to_owned());
    let hard = ADVERSARIAL.iter().flat_map(|(name, _)| {
        let sized = KIB.map(|kib| adversarial(name, kib));
        sized.into_iter().chain([growing(name)])
    });
    plain.chain(hard).collect()
}

/// The values of a case; they are scanned in turn.
///
/// # Errors
/// When no case has this name.
pub fn values(case: &str) -> Result<Vec<String>> {
    Ok(match case {
        "empty" => vec![String::new()],
        "harmless" => harmless(),
        "ids" => ids(),
        "sensitive" => sensitive(),
        "prose" => prose(),
        other => {
            let sized = ADVERSARIAL.iter().flat_map(|made| KIB.map(|kib| (made, kib)));
            let mut found = sized.filter(|((name, _), kib)| adversarial(name, *kib) == other);
            match found.next() {
                Some(((_, stuff), kib)) => stuff.texts(kib * 1024),
                None => bail!("no case is called {other}; there are {}", cases().join(", ")),
            }
        }
    })
}

/// Harmless texts of 25 bytes.
#[must_use]
pub fn harmless() -> Vec<String> {
    HARMLESS.map(str::to_owned).into()
}

/// Short ids of the kinds that audit records hold.
#[must_use]
pub fn ids() -> Vec<String> {
    let mut rng = Rng::with_seed(7);
    let rng = &mut rng;
    let mut ids = Vec::new();
    for number in 0..6_u32 {
        let digits = |rng: &mut Rng, len| random(rng, b"0123456789", len);
        let hex = |rng: &mut Rng, len| random(rng, b"0123456789abcdef", len);
        ids.extend([
            format!("u-{:06}", 100_003 + number * 7),
            format!("doc-{}", hex(rng, 8)),
            format!("tenant-{number:02}"),
            format!(
                "{}-{}-4{}-8{}-{}",
                hex(rng, 8),
                hex(rng, 4),
                hex(rng, 3),
                hex(rng, 3),
                hex(rng, 12)
            ),
            format!("req-{}-{number:04}", hex(rng, 8)),
            format!("ord_2026_{}", digits(rng, 5)),
        ]);
    }
    ids
}

/// Short values that hold something to cut, one each.
#[must_use]
pub fn sensitive() -> Vec<String> {
    const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = Rng::with_seed(5);
    let rng = &mut rng;
    let mut values = Vec::new();
    for _ in 0..2 {
        let jwt = [20, 40, 43].map(|len| random(rng, ALNUM, len));
        let [head, claims, mac] = &jwt;
        values.extend([
            format!("ghp_{}", random(rng, ALNUM, 36)),
            format!("cloned with glpat-{}", random(rng, ALNUM, 20)),
            format!("sk_live_{}", random(rng, ALNUM, 24)),
            format!("{}{}", "AKIA", random(rng, b"ABCDEFGHJKLMNPQRSTUVWXYZ234567", 16)),
            format!("eyJ{head}.eyJ{claims}.{mac}"),
            format!("card {} charged", card(rng)),
            format!("paid to {}", account(rng)),
            format!(
                "mail from {}.{}@example.org",
                random(rng, b"aeiomnrst", 5),
                random(rng, b"aeiomnrst", 6)
            ),
            format!("peer 203.0.113.{} left", rng.u8(1..250)),
            format!("login failed, password={}", random(rng, ALNUM, 12)),
            format!("Authorization: Bearer {}", random(rng, ALNUM, 32)),
            format!("postgres://app:{}@db.internal/shop", random(rng, ALNUM, 14)),
        ]);
    }
    values
}

/// A card number of one scheme's range with a right last digit, in groups of four.
fn card(rng: &mut Rng) -> String {
    let body = ["4", &random(rng, b"0123456789", 14)].concat();
    let last = (10 - luhn(&format!("{body}0"))) % 10;
    let (a, b) = (body.split_at(4), format!("{body}{last}"));
    let rest = b.split_at(4).1;
    let (second, rest) = rest.split_at(4);
    let (third, fourth) = rest.split_at(4);
    format!("{} {second} {third} {fourth}", a.0)
}

/// An account number with right check digits.
fn account(rng: &mut Rng) -> String {
    let body = random(rng, b"0123456789", 18);
    let check = 98 - iban(&format!("DE00{body}"));
    format!("DE{check:02}{body}")
}

/// A little under 1 MiB of prose in lines, in fields of at most 4 KiB.
#[must_use]
pub fn prose() -> Vec<String> {
    let mut rng = Rng::with_seed(3);
    let field = |_| {
        let mut field = String::new();
        loop {
            let line = line(&mut rng);
            if field.len() + line.len() > 4096 {
                return field;
            }
            field.push_str(&line);
        }
    };
    (0..256).map(field).collect()
}

const WHO: [&str; 8] = [
    "The reviewer",
    "A member of the team",
    "Support",
    "The new owner",
    "Nobody in finance",
    "The scheduler",
    "An administrator",
    "Our partner in Lyon",
];
const DID: [&str; 10] = [
    "moved the folder",
    "asked for a second opinion",
    "closed the ticket",
    "renamed the project",
    "found three files too many",
    "answered the survey",
    "restored an older version",
    "left a note for the next shift",
    "raised the limit",
    "looked at the report twice",
];
const WHY: [&str; 10] = [
    "because the deadline had passed",
    "after the meeting in the small room",
    "although the numbers did not agree",
    "before anybody had read the draft",
    "while the export was still running",
    "since the plan allows it",
    "so that the audit could go on",
    "as the customer had wished",
    "without a word to the others",
    "when the second server came back",
];

/// A line of two sentences; one line in four has numbers in it.
fn line(rng: &mut Rng) -> String {
    let mut sentence = || {
        let pick = |rng: &mut Rng, from: &[&'static str]| rng.choice(from).copied().unwrap_or_default();
        let (who, did, why) = (pick(rng, &WHO), pick(rng, &DID), pick(rng, &WHY));
        match rng.u8(0..8) {
            0 => format!("{who} {did} {why}; it took {} minutes.", rng.u8(2..60)),
            1 => format!("On {} May, {} {did}: {why}.", rng.u8(1..31), who.to_lowercase()),
            2 => format!("{who} {did}, {why}, and said so (see page {}).", rng.u16(1..400)),
            _ => format!("{who} {did} {why}."),
        }
    };
    format!("{} {}\n", sentence(), sentence())
}

fn random(rng: &mut Rng, alphabet: &[u8], len: usize) -> String {
    let place = |_| rng.choice(alphabet).copied().map_or(' ', char::from);
    (0..len).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_the_values_that_its_name_promises() {
        for (number, text) in HARMLESS.iter().enumerate() {
            assert_eq!(text.len(), 25, "{text}");
            assert!(!HARMLESS[..number].contains(text), "{text} stands there twice");
        }
        for case in cases().into_iter().filter(|case| grown(case).is_none()) {
            let values = values(&case).unwrap();
            if let Some((name, kib)) = case.strip_suffix(" KiB").and_then(|case| case.rsplit_once(' ')) {
                let kib: usize = kib.parse().unwrap();
                let is_of_its_size =
                    |value: &String| value.len() <= kib * 1024 && value.len() > kib * 1024 - 32;
                assert!(values.iter().all(is_of_its_size), "{case}");
                let is_random = ["hex", "base64", "digits"].contains(&name);
                assert_eq!(values.len(), if is_random { 64 / kib } else { 1 }, "{case}");
            }
            if case == "prose" {
                let bytes: usize = values.iter().map(String::len).sum();
                assert!(bytes > 1_000_000 && values.iter().all(|field| field.len() <= 4096));
            }
        }
        values("sixty").unwrap_err();
    }
}

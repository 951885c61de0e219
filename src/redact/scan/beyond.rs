//! What stands beyond the end of the text or the element that a name ends, or behind a word in brackets that is no tag, and
//! is not the name's value: `'missing token', src/lib.rs:12:5`, `<msg>wrong password</msg><n>3</n>`, `Promise<Token> resolved`.

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::joint::Site;
use super::lexicon::Lexicon;
use super::plausible::Joint;
use super::value::Extent;

/// How far back the beginning of a text is looked for, in bytes.
const NEAR: usize = 64;

/// Whether what was found is no value of the name, since something ends between them.
pub(super) fn is_beyond(bytes: &[u8], site: Site, found: Extent) -> bool {
    if found.end - found.start > 128 {
        return false;
    }
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    match (site.joint, byte(bytes, site.to)) {
        (Joint::Listed, _) => {
            let is_sentence = before(bytes, site.from, 1) == b' ';
            let is_element = || matches!(byte(bytes, found.end), b']' | b')' | b',');
            let is_complaint = || is_complaint(bytes, site, b"\"'");
            let is_said = || {
                is_place(value) && (value.contains(&b'/') || is_complaint())
                    || is_count(value) && is_element() && is_complaint()
            };
            site.marked && is_sentence && !found.quoted && is_said()
        }
        (Joint::Assigned, b'<') => is_in_next_element(bytes, site, found),
        (Joint::Assigned, b'>') if before(bytes, site.from, 1) == b'<' => is_behind_word(bytes, site, found),
        _ => false,
    }
}

/// `src/lib.rs:12:5`
fn is_place(value: &[u8]) -> bool {
    static ENDS: Lexicon = Lexicon::of(&[
        "c", "cc", "cpp", "cs", "ex", "go", "h", "hpp", "java", "js", "jsx", "kt", "lua", "mjs", "php", "pl",
        "py", "rb", "rs", "scala", "sh", "sql", "swift", "ts", "tsx", "vue",
    ]);
    let mut parts = value.split(|byte| *byte == b':');
    let file = parts.next().unwrap_or_default();
    let is_number = |part: &[u8]| (1..=6).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    let end = file.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let folders = file.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let folders = file.get(..folders).unwrap_or_default();
    (1..=2).contains(&parts.clone().count())
        && parts.all(is_number)
        && end.len() + 1 < file.len()
        && ENDS.has_bytes(end)
        && file.iter().filter(|byte| byte.is_ascii_digit()).count() <= 4
        && !folders.iter().any(u8::is_ascii_uppercase)
        && file
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"./_-\\".contains(byte))
}

/// `122`: shorter than what opens something.
fn is_count(value: &[u8]) -> bool {
    (1..=3).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

/// `invalid password`, `missing api key`: whether the text that one of the marks opens and the name ends says that it was no good,
/// and nothing else. The code on a card has three digits, and a PIN may have.
fn is_complaint(bytes: &[u8], site: Site, marks: &[u8]) -> bool {
    static FAULTS: Lexicon = Lexicon::of(&[
        "bad",
        "empty",
        "expired",
        "incorrect",
        "invalid",
        "malformed",
        "missing",
        "no",
        "unknown",
        "wrong",
    ]);
    static KINDS: Lexicon = Lexicon::of(&["access", "api", "auth", "bearer", "client", "refresh", "session"]);
    static NAMES: Lexicon = Lexicon::of(&["credentials", "key", "passphrase", "password", "secret", "token"]);
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let mut start = site.from;
    while start > site.from.saturating_sub(NEAR) && !marks.contains(&byte(bytes, start - 1)) {
        start -= 1;
    }
    let words = bytes.get(start..site.from).unwrap_or_default();
    let mut words = words.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    NAMES.has_bytes(name)
        && words.next().is_some_and(|word| FAULTS.has_bytes(word))
        && words.all(|word| KINDS.has_bytes(word))
}

/// `<msg>wrong password</msg><n>3</n>`, `<li>password</li><li>email</li>`: the next element is another thing. Where the text of the
/// one is the name alone, the next may well be the value: `<key>password</key><string>…</string>`.
fn is_in_next_element(bytes: &[u8], site: Site, found: Extent) -> bool {
    // An attempt may be what was tried.
    static COUNTS: Lexicon = Lexicon::of(&["code", "count", "errno", "line", "n", "status"]);
    let tag = |at: usize| {
        let len = run(bytes, at, 16, |byte| byte.is_ascii_alphanumeric());
        bytes.get(at..at + len).unwrap_or_default()
    };
    let closed = tag(site.to + 2);
    let open = || before_tag(bytes, found.start).map_or(&b""[..], |open| tag(open + 1));
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    if is_count(value) {
        return byte(bytes, found.end) == b'<' && is_complaint(bytes, site, b">") && COUNTS.has_bytes(open());
    }
    match closed {
        b"li" | b"th" | b"LI" | b"TH" | b"option" => is_field(bytes, found.start) && open() == closed,
        [b'h', b'1'..=b'6'] => is_request(bytes, site, found) && open() == b"p",
        _ => false,
    }
}

/// Whether the element's text that begins at `start` is the name of a field of a form or a table.
fn is_field(bytes: &[u8], start: usize) -> bool {
    static FIELDS: Lexicon = Lexicon::of(&[
        "actions",
        "created",
        "created at",
        "e-mail",
        "email",
        "first name",
        "full name",
        "ip address",
        "last login",
        "last name",
        "last seen",
        "phone",
        "role",
        "roles",
        "status",
        "updated",
        "user name",
        "username",
    ]);
    let ahead = bytes.get(start..bytes.len().min(start + 32)).unwrap_or_default();
    let end = ahead.iter().position(|byte| *byte == b'<').unwrap_or(0);
    let text = ahead.get(..end).unwrap_or_default().trim_ascii();
    FIELDS.has_bytes(text) && matches!(byte(ahead, end + 1), b'/' | b'\\')
}

/// `<h1>Reset password</h1><p>Click the link</p>`: a page asks for something, and says how to give it.
fn is_request(bytes: &[u8], site: Site, found: Extent) -> bool {
    let head = bytes.get(..site.from).unwrap_or_default();
    let titles = [
        &b">Reset "[..],
        b">Change ",
        b">Forgot ",
        b">Reset your ",
        b">Change your ",
        b">Forgot your ",
    ];
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let behind = bytes.get(found.end..).unwrap_or_default();
    matches!(
        value,
        b"Click" | b"Enter" | b"Follow" | b"Please" | b"Choose" | b"Use"
    ) && [
        &b" the "[..],
        b" your ",
        b" a ",
        b" enter ",
        b" click ",
        b" here ",
    ]
    .iter()
    .any(|word| behind.starts_with(word))
        && titles.iter().any(|title| head.ends_with(title))
}

/// Where the tag begins that ends right before `at`.
fn before_tag(bytes: &[u8], at: usize) -> Option<usize> {
    let space = run_back(bytes, at, 16, |byte| byte.is_ascii_whitespace());
    let back = run_back(bytes, at - space, 48, |byte| byte != b'<');
    (at - space - back).checked_sub(1)
}

/// `--password <password> --n 3`, `the <password> element`, `Promise<Token> resolved`: a word in brackets that nothing closes,
/// and on both sides of it what does not stand beside a tag.
fn is_behind_word(bytes: &[u8], site: Site, found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let open = site.from - 1;
    let said = match byte(bytes, site.to + 1) {
        b' ' => {
            goes_on(value) && is_asked_for(bytes, open)
                || is_help(bytes, site, found) && is_asked_for(bytes, open)
                || is_spoken_of(bytes, open, value)
                || is_type(bytes, site) && SAID.has_bytes(value) && byte(bytes, found.end) == b' '
        }
        b'\r' | b'\n' => is_usage(bytes, open) && is_indented(bytes, found) && DOES.has_bytes(value),
        b'@' => is_host(value) && is_of_address(bytes, open),
        b'`' => is_type(bytes, site) && is_between_types(bytes, site.to + 2),
        _ => false,
    };
    said && !is_closed(bytes, site)
}

/// ``Result<Token>`, found `String``: words between two types.
fn is_between_types(bytes: &[u8], at: usize) -> bool {
    let len = run(bytes, at, 16, |byte| {
        byte.is_ascii_lowercase() || matches!(byte, b',' | b' ')
    });
    let words = bytes.get(at..at + len).unwrap_or_default();
    matches!(words, b", found " | b" and " | b" or " | b" not ") && byte(bytes, at + len) == b'`'
}

/// What is said of a value of a type, and what a variable of one is called: `Promise<Token> resolved`, `List<Token> list`.
static SAID: Lexicon = Lexicon::of(&[
    "expected", "failed", "found", "for", "from", "has", "in", "is", "list", "pending", "rejected",
    "resolved", "returned", "to", "was",
]);

/// What a program says that it does.
static DOES: Lexicon = Lexicon::of(&[
    "adds", "changes", "checks", "creates", "prints", "reads", "removes", "resets", "sets", "shows",
    "stores", "updates",
]);

/// `--password <password>`, `token=<password>`: the word in brackets stands where a value would.
fn is_asked_for(bytes: &[u8], open: usize) -> bool {
    match before(bytes, open, 1) {
        b'=' => before(bytes, open, 2).is_ascii_alphanumeric(),
        b' ' => {
            let name = run_back(bytes, open - 1, 32, |byte| {
                byte.is_ascii_lowercase() || byte == b'-' || byte == b'_'
            });
            let option = bytes.get(open - 1 - name..open - 1).unwrap_or_default();
            option.starts_with(b"--") && option.len() > 3
        }
        _ => false,
    }
}

/// `--n`, `n=3`: another option or pair, of which the name decides by itself.
fn goes_on(value: &[u8]) -> bool {
    let name = run(value, 0, 24, |byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_option = matches!(value, [b'-', b'-', first, ..] if first.is_ascii_lowercase())
        && value
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || *byte == b'-' || *byte == b'=')
        || matches!(value, [b'-', letter] if letter.is_ascii_lowercase());
    let digits = run(value, name + 1, 4, |byte| byte.is_ascii_digit());
    let is_count = || (1..=3).contains(&digits) && name + 1 + digits == value.len();
    is_option || name > 0 && byte(value, name) == b'=' && is_count()
}

/// `  -t, --token <TOKEN>  API token`: what a program says of its options, in columns.
fn is_help(bytes: &[u8], site: Site, found: Extent) -> bool {
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let gap = found.start - site.to - 1;
    if gap < 2 || !name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_') {
        return false;
    }
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let head = bytes
        .get(site.from.saturating_sub(40)..site.from)
        .unwrap_or_default();
    let line = head.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"  ")
        && line.trim_ascii_start().starts_with(b"-")
        && byte(value, 0).is_ascii_uppercase()
        && value.iter().all(u8::is_ascii_alphabetic)
        && byte(bytes, found.end) == b' '
        && byte(bytes, found.end + 1).is_ascii_lowercase()
}

/// `the <password> element is missing`
fn is_spoken_of(bytes: &[u8], open: usize, value: &[u8]) -> bool {
    let head = bytes.get(..open).unwrap_or_default();
    (head.ends_with(b"the ") || head.ends_with(b"The "))
        && matches!(
            value,
            b"element" | b"field" | b"tag" | b"attribute" | b"placeholder" | b"argument"
        )
}

/// `Promise<Token>`, `Vec<Password>`: a type of a program.
fn is_type(bytes: &[u8], site: Site) -> bool {
    static TYPES: Lexicon = Lexicon::of(&[
        "arc",
        "array",
        "box",
        "future",
        "iterator",
        "list",
        "mutex",
        "observable",
        "option",
        "optional",
        "promise",
        "rc",
        "result",
        "rwlock",
        "set",
        "task",
        "vec",
    ]);
    let open = site.from - 1;
    let len = run_back(bytes, open, 16, |byte| byte.is_ascii_alphanumeric());
    let outer = bytes.get(open - len..open).unwrap_or_default();
    byte(bytes, site.from).is_ascii_uppercase()
        && byte(outer, 0).is_ascii_uppercase()
        && TYPES.has_bytes(outer)
        && !matches!(before(bytes, open - len, 1), b'>' | b'/')
}

/// `usage: login <user> <password>` at the end of its line.
fn is_usage(bytes: &[u8], open: usize) -> bool {
    let head = bytes.get(open.saturating_sub(NEAR)..open).unwrap_or_default();
    let line = head.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    line.get(..6)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"usage:"))
}

/// Whether what was found stands further in than its line begins, and a word follows.
fn is_indented(bytes: &[u8], found: Extent) -> bool {
    let gap = run_back(bytes, found.start, 16, |byte| byte == b' ');
    gap >= 2
        && before(bytes, found.start - gap, 1) == b'\n'
        && byte(bytes, found.end) == b' '
        && byte(bytes, found.end + 1).is_ascii_lowercase()
}

/// `@db.example.com`, `@host/db`: small letters, as hosts are named in examples.
fn is_host(value: &[u8]) -> bool {
    let host = value.get(1..).unwrap_or_default();
    host.iter()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-' | b'/' | b'_'))
}

/// `https://<user>:<password>@host/`
fn is_of_address(bytes: &[u8], open: usize) -> bool {
    let user = run_back(bytes, open.saturating_sub(2), 24, |byte| {
        byte.is_ascii_alphabetic()
    });
    let from = open.saturating_sub(2 + user);
    bytes
        .get(from..open)
        .is_some_and(|text| user > 0 && text.ends_with(b">:"))
        && bytes.get(..from).is_some_and(|head| head.ends_with(b"://<"))
}

/// Whether a tag closes the element that the name may open.
fn is_closed(bytes: &[u8], site: Site) -> bool {
    /// How far behind the name it is looked for, in bytes, and how many tags are read.
    const FAR: usize = 1024;
    const TAGS: usize = 8;
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let ahead = bytes
        .get(site.to..bytes.len().min(site.to + FAR))
        .unwrap_or_default();
    memchr::memchr_iter(b'<', ahead).take(TAGS).any(|at| {
        let slash = at + 1 + run(ahead, at + 1, 4, |byte| byte == b'\\');
        let closed = ahead.get(slash + 1..slash + 1 + name.len());
        byte(ahead, slash) == b'/' && closed.is_some_and(|closed| closed.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn what_may_be_a_value_beyond_the_end_is_cut() {
        check(&[
            ("message", "user=bob password=<password> «x=hunter22x»"),
            ("message", "('user password', «p4ss.pl:22»)"),
            ("message", "'new password', «monkey.sh:99»"),
            ("message", "<msg>wrong password</msg><attempt>«482»</attempt>"),
            ("message", "  --password <PASSWORD>  «hunter» two"),
        ]);
    }

    #[test]
    fn what_follows_a_sentence_or_an_element_is_not_its_last_words_value() {
        check(&[
            (
                "panic",
                "thread 'main' panicked at 'missing token', src/lib.rs:12:5",
            ),
            (
                "panic",
                "thread 'main' panicked at 'called `Result::unwrap()` on an `Err` value: \"wrong pin\"', src/lib.rs:12:5",
            ),
            ("panic", "panicked at 'couldn't read token', src/a.rs:1:2"),
            ("message", "[\"invalid password\",122]"),
            ("message", "(\"wrong password\", 358)"),
            ("message", "{\"m\":\"[\\\"invalid api key\\\",122]\"}"),
            ("body", "<msg>invalid password</msg><n>378</n>"),
            ("body", "<li>password</li><li>email</li>"),
            ("body", "<th>Password</th><th>Role</th>"),
            ("body", "<h1>Reset password</h1><p>Click the link</p>"),
            (
                "body",
                "<a><msg>wrong password</msg><n>3</n><password>«hunter»</password></a>",
            ),
        ]);
    }

    #[test]
    fn what_may_be_the_value_beyond_an_end_is_cut() {
        check(&[
            ("message", "[\"invalid api key\",\"«hunter22x»\"]"),
            ("message", "(\"invalid pin\", «4821»)"),
            ("message", "(\"wrong pin\", «358»)"),
            ("message", "(\"wrong cvv\", «123»)"),
            ("message", "(\"new pin\", «482193»)"),
            ("message", "[\"password\",\"«hunter22x»\"]"),
            ("message", "log.error(\"wrong password\", «given=hunter22x»)"),
            ("message", "auth for \"password\", \"«hunter22x»\": denied"),
            ("message", "('password', «a8Kq29dk:12»)"),
            ("message", "('missing token', «hunter22.dog:12»)"),
            ("message", "('password', «hunter.rs:12»)"),
            ("message", "('missing token', «a8Kq29dkQm27.rs:12»)"),
            ("message", "('missing token', «PORUSAvJabfPyVsrc/lib.rs:12»)"),
            ("body", "<msg>invalid password</msg><n>«046» 454"),
            ("message", "(\"invalid password\",«231» Elm Street"),
            (
                "message",
                "\"https://vault.corp/v1/kv/token\": «s.abcdef12345678»",
            ),
            ("body", "<h2>Your new password</h2><p>«sunshine»</p>"),
            ("body", "<h1>Reset password</h1><p>«sunshine»</p>"),
            ("body", "<h1>Reset password</h1><p>«Sunshine» for bob</p>"),
            ("body", "<msg>invalid password</msg><value>«hunter22x»</value>"),
            ("body", "<msg>invalid password</msg><code>«482193»</code>"),
            ("body", "<msg>invalid cvv</msg><n>«378»</n>"),
            (
                "body",
                "<soap:msg>invalid password</soap:msg><soap:value>«hunter22x»</soap:value>",
            ),
            ("body", "<li>password</li><li>«hunter22x»</li>"),
            ("body", "<li>password</li><li>«sunshine»</li>"),
            ("body", "<td>password</td><td>«email»</td>"),
            ("body", "<h3>Password</h3><p>«hunter»</p>"),
            ("body", "<key>password</key><string>«hunter»</string>"),
            ("body", "<key>password</key><n>«hunter»</n>"),
        ]);
    }

    #[test]
    fn a_word_in_brackets_that_nothing_closes_is_no_tag() {
        check(&[
            ("message", "run app --password <password> --n 3"),
            ("message", "user=bob token=<password> n=3"),
            ("message", "the <password> element is missing"),
            (
                "message",
                "usage: set-password <user> <password>\n  sets the password of a user",
            ),
            ("message", "  -t, --token <TOKEN>  API token [env: API_TOKEN=]"),
            ("message", "Promise<Token> resolved after 266 ms"),
            ("message", "expected `Result<Token>`, found `String`"),
            ("message", "List<Password> list = repo.find(4);"),
            ("message", "https://<user>:<password>@host/db"),
        ]);
    }

    #[test]
    fn what_may_be_the_text_of_a_tag_is_cut() {
        check(&[
            ("message", "<user>bob</user><password> «sunshine»"),
            ("message", "<password> «hunter» </password>"),
            ("message", "<password>\n  «hunter»\n</Password>"),
            ("message", "{\"m\":\"<password>\\n «hunter»<\\/password>\"}"),
            ("message", "<password>«@hunter22»</password>"),
            ("message", "a<token>«hunter22x»</token>"),
            ("message", "a<token>«>hunter22x»"),
            ("message", "<password> «hunter22x» and more"),
            ("message", "<password>«hunter22x»"),
            ("message", "--password <password> «hunter22x»"),
            ("message", "token=<password> «sid=buZSy5IXZrOwJkV78ta0»"),
            ("message", "<user> <password>\n  «sunshine»"),
            ("message", "usage: passwd <password>\n«sunshine»"),
            ("message", "usage: passwd <password>\n  «hunter22x» for bob"),
            ("body", "<li>password</li><li>«host»</li>"),
            ("message", "the <password> «sunshine»"),
            ("message", "x=1 <token> «n=hunter22x»"),
            ("message", "<Vec><Token> «resolved» </Token>"),
            ("message", "Option<Password> «sunshine» for bob"),
            ("message", "Option<Password>`«hunter22x»`"),
            ("message", "Vec<Token> «tokens» = api_key"),
            ("message", "https://<user>:<password>«@hunter22x»"),
            ("message", "usage: x <password>\n  «sunshine» is"),
        ]);
    }
}

//! Values that only say where the value is, or why none is shown: `(sensitive value)`, `$(cat /run/secrets/db)`,
//! `var.db_password`, `env("DB_PASSWORD")`. Each has a closed form: what is not wholly of it is cut as before.

use super::alphabet::{Bytes, byte};
use super::bytes::{before, run, run_back};
use super::joint::Site;
use super::lexicon::Lexicon;
use super::plausible::Joint;
use super::value::{self, Extent};

/// The longest reference, in bytes.
const LONGEST: usize = 96;

/// What is the value of what was found behind a name: itself where it is no reference, the default where the reference has
/// one, nothing otherwise.
pub(super) fn resolved(bytes: &[u8], site: Site, found: Extent) -> Option<Extent> {
    if site.joint == Joint::Listed || site.parameter || found.end - found.start > LONGEST {
        return Some(found);
    }
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let is_said = match byte(value, 0) {
        b'(' => is_aside(bracketed(bytes, found)),
        b'$' => is_file(bracketed(bytes, found)) || is_store(bytes, found) || is_of_query(bytes, site, found),
        b's' if is_store(bytes, found) => true,
        first if found.quoted => {
            return match first.is_ascii_alphabetic() {
                true => argument(bytes, found),
                false => Some(found),
            };
        }
        b'a'..=b'z' => is_expression(bytes, site, value) && ends_statement(bytes, found.end),
        _ => false,
    };
    (!is_said).then_some(found)
}

/// A member, a call, a variable of a program.
fn is_expression(bytes: &[u8], site: Site, value: &[u8]) -> bool {
    match value.last() {
        Some(b')') => is_made(value),
        Some(b'a'..=b'z') if value.contains(&b'.') => is_member(value),
        _ => is_variable(bytes, site, value),
    }
}

/// Whether nothing but white space or a mark that closes something stands at `at`: the value is as long as it looks.
pub(super) fn ends(bytes: &[u8], at: usize) -> bool {
    matches!(
        byte(bytes, at),
        0..=b' ' | b',' | b';' | b')' | b']' | b'}' | b'"' | b'\'' | b'`' | b'<'
    ) || byte(bytes, at) == b'\\' && matches!(byte(bytes, at + 1), b'n' | b'r' | b't' | b'"')
}

/// As [`ends`], where what follows a space is no text in marks, which might be another name's.
fn ends_statement(bytes: &[u8], at: usize) -> bool {
    static OPENS: Bytes = Bytes::of(b"\"'`\\{=:- ");
    ends(bytes, at) && !(byte(bytes, at) == b' ' && OPENS.has(byte(bytes, at + 1)))
}

/// The value up to the bracket that closes it, behind spaces; empty where something goes on behind that.
fn bracketed(bytes: &[u8], found: Extent) -> &[u8] {
    if found.quoted {
        return bytes.get(found.start..found.end).unwrap_or_default();
    }
    let ahead = bytes.get(found.start..bytes.len().min(found.start + LONGEST));
    let ahead = ahead.unwrap_or_default();
    let close = memchr::memchr2(b')', b'\n', ahead).filter(|close| byte(ahead, *close) == b')');
    let whole = close.filter(|close| ends(bytes, found.start + close + 1));
    whole.and_then(|close| ahead.get(..=close)).unwrap_or_default()
}

/// `(sensitive value)`, `(known after apply)`: what plans say in the place of a value.
fn is_aside(value: &[u8]) -> bool {
    const ASIDES: [&[u8]; 7] = [
        b"(known after apply)",
        b"(not set)",
        b"(sensitive)",
        b"(sensitive value)",
        b"(value hidden)",
        b"(write-only attribute)",
        b"(unchanged)",
    ];
    ASIDES.contains(&value)
}

/// `login(user:$u,pass:$p){ok}`: a variable of a query, in the list of a field's arguments.
fn is_of_query(bytes: &[u8], site: Site, found: Extent) -> bool {
    let name = run(bytes, found.start + 1, 16, |byte| {
        byte.is_ascii_alphabetic() || byte == b'_'
    });
    let is_argument = matches!(before(bytes, site.from, 1), b',' | b'(' | b' ') && !found.quoted;
    is_argument
        && site.joint == Joint::Colon
        && name > 0
        && matches!(
            bytes.get(found.start + 1 + name..),
            Some([b')', b'{' | b' ' | b'}', ..] | [b',', b' ' | b'a'..=b'z', ..])
        )
}

/// `$(cat /run/secrets/db)`, `$(< ./token.txt)`: a file, and nothing else is said of it.
fn is_file(value: &[u8]) -> bool {
    let inner = value.strip_prefix(b"$(").and_then(|rest| rest.strip_suffix(b")"));
    let inner = inner.unwrap_or_default();
    let path = inner
        .strip_prefix(b"cat ")
        .or_else(|| inner.strip_prefix(b"<").map(<[u8]>::trim_ascii_start));
    path.is_some_and(is_path)
}

/// `/run/secrets/db`, `./secret.txt`, `~/.token`
fn is_path(path: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    let begins = [&b"/"[..], b"./", b"../", b"~/"];
    // A secret in the place of a path has more digits.
    let digits = path.iter().filter(|byte| byte.is_ascii_digit()).count();
    begins.iter().any(|begin| path.starts_with(begin))
        && path.len() > 2
        && digits <= 2
        && path.iter().skip(1).all(is_part)
}

/// `ssm:/prod/db/password`, `secretref:db-password`, `${file(./secret.txt)}`: a store and a place in it.
fn is_store(bytes: &[u8], found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    if !matches!(byte(value, 1), b'{' | b's' | b'e') {
        return false;
    }
    let within = |open: &[u8], close: &[u8]| {
        value
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .unwrap_or_default()
    };
    // A secret has more digits than the names of what keeps it.
    let is_name = |name: &[u8], marks: &[u8]| {
        name.len() >= 2
            && name.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
            && name
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || marks.contains(byte))
    };
    let is_place = |place: &[u8]| {
        byte(place, 0) == b'/'
            && place.get(2..).is_some_and(|rest| rest.contains(&b'/'))
            && is_name(place, b"/-_.")
    };
    let is_joined =
        |name: &[u8]| name.contains(&b'-') && is_name(name, b"-") && !name.iter().any(u8::is_ascii_digit);
    let is_whole = || found.quoted || ends(bytes, found.end);
    is_whole()
        && (is_path(within(b"${file(", b")}"))
            || is_place(within(b"${ssm:", b"}"))
            || is_place(within(b"ssm:", b""))
            || is_joined(within(b"secretref:", b"")))
}

/// Whether one of the words that a name is made of says that it is the name of a secret.
pub(super) fn is_named(name: &[u8]) -> bool {
    static WORDS: Lexicon = Lexicon::of(&[
        "credential",
        "credentials",
        "key",
        "passphrase",
        "passwd",
        "password",
        "pw",
        "secret",
        "secrets",
        "token",
        "tokens",
    ]);
    name.split(|byte| matches!(byte, b'_' | b'-' | b'/' | b'.'))
        .any(|word| WORDS.has_bytes(word))
}

/// `var.db_password`, `module.db.password`, `random_password.db.result`: a member of what describes an infrastructure.
fn is_member(value: &[u8]) -> bool {
    const PROVIDERS: [&[u8]; 5] = [b"aws_", b"azurerm_", b"google_", b"kubernetes_", b"vault_"];
    static SAID: Lexicon = Lexicon::of(&["arn", "id", "result", "secret_string", "value"]);
    let is_part = |part: &[u8]| {
        (1..=48).contains(&part.len()) && part.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
    };
    let mut parts = value.split(|byte| *byte == b'.');
    let root = parts.next().unwrap_or_default();
    let count = parts.clone().count();
    let kind = parts.clone().next().unwrap_or_default();
    let last = parts.clone().next_back().unwrap_or_default();
    let says = |last: &[u8]| is_named(last) || SAID.has_bytes(last);
    count > 0
        && is_part(root)
        && parts.all(is_part)
        && match root {
            b"var" | b"local" | b"module" | b"props" => is_named(last),
            b"data" => count >= 3 && kind.contains(&b'_') && says(last),
            b"random_password" | b"random_string" => count == 2 && last == b"result",
            _ => count == 2 && PROVIDERS.iter().any(|provider| root.starts_with(provider)) && says(last),
        }
}

/// `token = old_token`, `tokens[i`, `api_key=api_key`: a variable of a program that has the name itself.
fn is_variable(bytes: &[u8], site: Site, value: &[u8]) -> bool {
    static WHICH: Lexicon = Lexicon::of(&[
        "access", "current", "new", "next", "old", "previous", "refresh", "session",
    ]);
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    // `api_key=api_key,`
    if value == name && name.contains(&b'_') && bytes.get(site.to..site.to + 1) == Some(b"=") {
        return true;
    }
    if bytes.get(site.to..site.to + 3) != Some(b" = ") || name != b"token" {
        return false;
    }
    let is_other = || {
        value
            .strip_suffix(b"_token")
            .is_some_and(|which| WHICH.has_bytes(which))
    };
    let is_element = || {
        let index = value.strip_prefix(b"tokens[").unwrap_or_default();
        matches!(
            index.strip_suffix(b"]").unwrap_or(index),
            [b'i' | b'j' | b'k' | b'n']
        )
    };
    is_other() || is_element()
}

/// `generate_token(user)`: a call that is named after what it gives, of a variable that is called after no secret.
fn is_made(value: &[u8]) -> bool {
    static CALLS: Lexicon = Lexicon::of(&[
        "create_token",
        "createtoken",
        "generate_password",
        "generate_token",
        "generatepassword",
        "generatetoken",
        "issue_token",
        "new_token",
        "newtoken",
    ]);
    static ARGUMENTS: Lexicon = Lexicon::of(&[
        "client", "config", "ctx", "request", "self", "session", "user", "user.id", "user_id", "userid",
    ]);
    let open = value.iter().position(|byte| *byte == b'(').unwrap_or(value.len());
    let call = value.get(..open).unwrap_or_default();
    let inner = value.get(open + 1..).and_then(|rest| rest.strip_suffix(b")"));
    CALLS.has_bytes(call) && inner.is_some_and(|inner| ARGUMENTS.has_bytes(inner))
}

/// What is left to be judged of the argument of a call that looks a name up: nothing of `env("DB_PASSWORD")`, the default of
/// `env('DB_PASSWORD', '…')`, the argument itself of any other call.
fn argument(bytes: &[u8], found: Extent) -> Option<Extent> {
    let name = bytes.get(found.start..found.end).unwrap_or_default();
    let mark = found.start.saturating_sub(1);
    let escapes = run_back(bytes, mark, 8, |byte| byte == b'\\');
    let open = mark - escapes;
    if before(bytes, open, 1) != b'(' || name.len() > 48 {
        return Some(found);
    }
    let end = open - 1 - usize::from(before(bytes, open, 2) == b'!');
    let len = run_back(bytes, end, 24, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_'
    });
    let call = bytes.get(end - len..end).unwrap_or_default();
    let is_environment = ENVIRONMENT.has_bytes(call)
        || matches!(call, b"var" | b"var_os")
            && bytes
                .get(..end - len)
                .is_some_and(|head| head.ends_with(b"env::"));
    let is_looked_up =
        is_environment && is_of_environment(name) || STORES.has_bytes(call) && is_of_store(name);
    let close = found.end + escapes;
    if !is_looked_up || byte(bytes, close) != byte(bytes, mark) {
        return Some(found);
    }
    let next = value::skip_space(bytes, close + 1, false);
    if byte(bytes, next) == b')' {
        return None;
    }
    // What stands second in a store's call is mostly a region or a version.
    is_environment
        .then(|| default(bytes, next, escapes))
        .flatten()
        .or(Some(found))
}

/// The text behind the comma at `at`, in marks like those of the name, and closed with the call.
fn default(bytes: &[u8], at: usize, escapes: usize) -> Option<Extent> {
    let second = value::skip_space(bytes, at + 1, true);
    let default = value::in_marks(bytes, second).filter(|_| byte(bytes, at) == b',')?;
    let text = bytes.get(default.start..default.end)?;
    // Such a text may be two of another kind of marks, and what lies between them.
    if memchr::memchr2(b'"', b'\n', text).is_some() {
        return None;
    }
    let depth = run(bytes, second, 8, |byte| byte == b'\\');
    let close = default.end + depth;
    let is_whole = depth == escapes
        && byte(bytes, close) == byte(bytes, second + depth)
        && byte(bytes, close + 1) == b')'
        && default.end - default.start <= 256;
    is_whole.then_some(default)
}

/// Calls that look a variable of the environment up.
static ENVIRONMENT: Lexicon =
    Lexicon::of(&["env", "env_var", "get_env", "getenv", "lookupenv", "option_env"]);

/// Calls that look a secret up in a store, by its name there.
static STORES: Lexicon = Lexicon::of(&[
    "access_secret",
    "fetch_secret",
    "get_secret",
    "get_secret_value",
    "getsecret",
    "getsecretvalue",
    "load_secret",
    "read_secret",
]);

/// `DB_PASSWORD`: capitals and low lines.
fn is_of_environment(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let ends = [&b"_URL"[..], b"_DSN", b"_PASS", b"_PWD", b"_PIN"];
    (is_named(name) || ends.iter().any(|end| name.ends_with(end)))
        && byte(name, 0).is_ascii_uppercase()
        && name.iter().all(is_part)
        && name.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
}

/// `db`, `prod/db-password`: shorter than any secret, or called after one.
fn is_of_store(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    name.iter().all(is_part) && (name.len() <= 2 || is_named(name))
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn what_says_where_the_secret_is_stays() {
        check(&[
            ("message", "  ~ password = (sensitive value)"),
            ("message", "password = (known after apply)"),
            ("message", "client_secret=(sensitive)"),
            ("message", "--password=(sensitive)"),
            ("message", "secret: (not set)"),
            ("message", "{\"password\":\"(not set)\"}"),
            ("message", "password=$(cat /run/secrets/x)"),
            ("message", "{\"token\":\"$(cat /run/secrets/x)\"}"),
            ("message", "password=$(< /run/secrets/x)"),
            ("message", "password = ${file(./secret.txt)}"),
            ("message", "password: ssm:/prod/db/password"),
            ("message", "{\"password\":\"secretref:db-password\"}"),
            ("message", "password: \"${ssm:/db/password}\""),
            (
                "message",
                "mutation Login($u:String!,$p:String!){login(user:$u,pass:$p){ok}}",
            ),
            ("message", "login(user: $u, password: $password) { ok }"),
        ]);
    }

    #[test]
    fn what_only_looks_as_if_it_said_where_the_secret_is_is_cut() {
        check(&[
            ("message", "{\"password\":\"«(not set) hunter22x»\"}"),
            ("message", "password = «(hunter)»"),
            ("message", "password=«(hunter22)»"),
            ("message", "password=«(sensitive)hunter22x»"),
            ("message", "passphrase: «(sensitive) hunter dog cat»"),
            ("message", "password=«$(echo» hunter)"),
            ("message", "TOKEN=\"$(az login --password «hunter22x»)\""),
            ("message", "TOKEN=\"«$(cat /run/x)hunter22x»\""),
            ("message", "{\"token\":\"«$(cat /run/x hunter22x)»\"}"),
            ("message", "password: \"«${ssm:/db/password, 'hunter22x'}»\""),
            ("message", "password: «ssm:hunter22x»"),
            ("message", "password: «ssm:/a8Kq29dkQm2L»"),
            ("message", "token: «{{resolve:a}}hunter»"),
            ("message", "token: «secretref:Xabc12XYd»"),
            ("message", "token: «secretref:hunter»"),
            ("message", "token: «secretref:a-bhunter22x»"),
            ("message", "password=«$(cat» ./S3cr3tPassw0rdaB3x9Kq2L)"),
            ("message", "password=«ssm:/hunter»"),
            ("message", "api_key=«$monkey»"),
        ]);
    }

    #[test]
    fn a_path_of_what_describes_an_infrastructure_is_no_secret() {
        check(&[
            ("message", "password = var.db_password"),
            ("message", "password: module.db.password"),
            ("message", "password=local.password"),
            ("message", "password: props.password"),
            ("message", "token = random_password.db.result"),
            (
                "message",
                "token = data.aws_secretsmanager_secret_version.db.secret_string",
            ),
            ("message", "token = aws_db_instance.main.password"),
            ("message", "{\"m\":\"password = var.db_password\"}"),
            ("message", "password=«local.dev»"),
            ("message", "password=«var.hunter»"),
            ("message", "password=«data.monkey»"),
            ("message", "password = «var.Xa12b3c4d5»"),
            ("message", "password = «var.password22»"),
            ("message", "password=«var.db_password!x»"),
            ("message", "password = «vars.db_password»"),
            ("message", "password = «user.hunter»"),
            ("message", "password=«random_password.hunter»"),
            ("message", "passphrase = «var.db_password dog cat»"),
            ("message", "password = «var.db_password» - api_key: «hunter22x»"),
            ("message", "{\"password\":\"«var.db_password»\"}"),
        ]);
    }

    #[test]
    fn a_call_that_looks_a_name_up_holds_no_secret_but_its_default() {
        check(&[
            ("message", "let password = std::env::var(\"DB_PASSWORD\")?;"),
            ("message", "'password' => env('DB_PASSWORD'),"),
            ("message", "'password' => env('DB_PASSWORD', '«hunter22x»'),"),
            ("message", "'password' => env('DB_PASSWORD', '«hunter»'),"),
            ("message", "{\"m\":\"password = os.getenv(\\\"DB_PASSWORD\\\")\"}"),
            ("message", "password = get_secret(\"db\")"),
            ("message", "password = get_secret(\"prod/db-password\")"),
            (
                "message",
                "password = get_secret(\"«prod/db-password»\", \"us-east-1\")",
            ),
            (
                "message",
                "{\"a\":\"password = get_secret('«db»', '\",\"n\":{\"d\":\"')\"}}",
            ),
            ("message", "recovery_code = env(\"«ABCD_EFGH_IJKL»\")"),
            ("message", "license_key = env(\"«QWER_TYUI_ASDF_GHJK»\")"),
            ("message", "HTTPBasicAuth(\"bob\", \"secretref:db-x\")"),
            ("message", "password = get_secret(\"«hunter»\")"),
            ("message", "password = get_secret(\"«hunter22x»\")"),
            ("message", "password = get_password(\"«db»\")"),
            ("message", "password = decrypt(\"«DB_PASSWORD»\")"),
            ("message", "password = env(\"«hunter22x»\")"),
            ("message", "password = env(\"«HUNTER»\")"),
            ("message", "password = env(\"«A8_KQ29DKQM2L»\")"),
            ("message", "password = input(\"«correct horse battery»\")"),
            ("message", "password = var(\"«DB_PASSWORD»\")"),
            ("message", "{\"a\":\"get_password(\\\"\",\"status\":\"ok\"}"),
        ]);
    }

    #[test]
    fn what_a_program_makes_of_variables_is_no_secret_and_what_may_be_one_is_cut() {
        check(&[
            ("message", "+ token = generate_token(user)\n- token = old_token"),
            ("message", "token = tokens[i + 1]"),
            ("message", "client = Client(api_key=api_key, retries=3)"),
            ("message", "login(user, api_key=«api_key1»)"),
            ("message", "password = params[:password]"),
            ("message", "password: Optional[str] = None"),
            ("message", "password = getpass.getpass('Password: ')"),
            ("message", "token = «generate_token(sunshine)»"),
            ("message", "password = «hash_password(sunshine)»"),
            ("message", "pin = «code(4821)»"),
            ("message", "password = «old_password»"),
            ("message", "token=«old_token»"),
            ("message", "token = «tokens[12ab34]»"),
        ]);
    }
}

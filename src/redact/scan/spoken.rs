//! What programs say behind a name and its sign that is no value: messages of a module that is called after secrets, lines
//! of a shell's errors, causes, help for an option. Each is a closed form of known words: any other word may be the secret.

use super::alphabet::byte;
use super::bytes::{before, run, run_back};
use super::joint::Site;
use super::lexicon::Lexicon;
use super::plausible::Joint;
use super::unowned::is_date;
use super::value::Extent;

/// Whether what stands where a value would is something said.
pub(super) fn is_said(bytes: &[u8], site: Site, found: Extent) -> bool {
    if found.quoted || found.end - found.start > 40 {
        return false;
    }
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let behind = bytes.get(found.end..bytes.len().min(found.end + 16));
    let behind = behind.unwrap_or_default();
    match site.joint {
        Joint::Colon => match byte(value, 0) {
            b'a'..=b'z' => {
                is_line(value, behind)
                    || is_cause(value, behind)
                    || is_service(bytes, site, value)
                    || is_state(bytes, site, value, behind)
                    || is_of_module(bytes, site, value, behind)
            }
            b'B' => is_decoding(value),
            _ => false,
        },
        Joint::Assigned => match byte(value, 0) {
            b'a'..=b'z' => before(bytes, site.from, 1) == b'-' && is_help(bytes, site, value, behind),
            b'/' => is_folder(bytes, site, value, behind),
            _ => false,
        },
        Joint::Listed => false,
    }
}

/// `get-token.sh: line 3: …`, `refresh token: status 400: …`
fn is_line(value: &[u8], behind: &[u8]) -> bool {
    let most = match value {
        b"line" => 5,
        b"status" => 3,
        _ => return false,
    };
    let digits = run(behind, 1, most + 1, |byte| byte.is_ascii_digit());
    byte(behind, 0) == b' '
        && (1..=most).contains(&digits)
        && byte(behind, 1 + digits) == b':'
        && matches!(byte(behind, 2 + digits), 0 | b' ')
}

/// `bad credentials: caused by: …`, `checking password: argon2 error: …`
fn is_cause(value: &[u8], behind: &[u8]) -> bool {
    match value {
        b"caused" => behind.starts_with(b" by:"),
        b"argon2" | b"bcrypt" | b"scrypt" | b"pbkdf2" => behind.starts_with(b" error:"),
        _ => false,
    }
}

/// `decoding token: Base64(InvalidByte(3, 45))`
fn is_decoding(value: &[u8]) -> bool {
    const FAULTS: [&[u8]; 4] = [
        b"Base64(InvalidByte(",
        b"Base64(InvalidLastSymbol(",
        b"Base64(InvalidLength",
        b"Base64(InvalidPadding",
    ];
    FAULTS.iter().any(|fault| {
        let rest = value.strip_prefix(*fault);
        rest.is_some_and(|rest| {
            let has_place = fault.ends_with(b"(");
            let is_said = |byte: &u8| *byte == b')' || has_place && byte.is_ascii_digit();
            rest.len() <= 6 && rest.iter().all(is_said)
        })
    })
}

/// `pam_unix(passwd:chauthtok)`: the service and what it was asked for.
fn is_service(bytes: &[u8], site: Site, value: &[u8]) -> bool {
    if before(bytes, site.from, 1) != b'('
        || !matches!(value, b"chauthtok" | b"auth" | b"session" | b"account")
    {
        return false;
    }
    let name = run_back(bytes, site.from - 1, 24, |byte| {
        byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit()
    });
    let module = bytes.get(site.from - 1 - name..).unwrap_or_default();
    module.starts_with(b"pam_")
}

/// `session token: renewed`: what became of it, in one word that ends the text. A password may be any word.
fn is_state(bytes: &[u8], site: Site, value: &[u8], behind: &[u8]) -> bool {
    static STATES: Lexicon = Lexicon::of(&[
        "acquired",
        "activated",
        "cancelled",
        "configured",
        "deactivated",
        "fetched",
        "initialized",
        "invalidated",
        "mounted",
        "reloaded",
        "renewed",
        "restored",
        "retrieved",
        "synced",
        "throttled",
        "triggered",
        "validated",
    ]);
    let is_end = match (byte(behind, 0), byte(behind, 1)) {
        (b'\r' | b'\n', _) | (0, 0) => true,
        (b'"', next) => matches!(next, b',' | b'}'),
        _ => false,
    };
    is_end
        && matches!(bytes.get(site.from..site.to), Some(b"token" | b"secret"))
        && STATES.has_bytes(value)
        && value.iter().all(u8::is_ascii_lowercase)
        && before(bytes, site.from, 1) == b' '
        && before(bytes, site.from, 2).is_ascii_lowercase()
}

/// `INFO app::auth::token: user=anna logged in`, `INFO 1 --- [main] c.a.auth.TokenFilter : user=anna`: what follows the path of
/// a module that follows a level is what it has to say, if that is of known words.
fn is_of_module(bytes: &[u8], site: Site, value: &[u8], behind: &[u8]) -> bool {
    static DOES: Lexicon = Lexicon::of(&[
        "checking",
        "decoding",
        "fetching",
        "loading",
        "reading",
        "refreshing",
        "renewing",
        "rotating",
        "validating",
        "verifying",
    ]);
    let is_doing = || DOES.has_bytes(value) && byte(behind, 0) == b' ';
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    (is_pair(name, value) || is_doing()) && is_behind_level(bytes, site)
}

/// `user=anna`, `attempt=12`: whose it is, in letters, or how often, in few digits. Behind a module of passwords, a user may
/// be one.
fn is_pair(module: &[u8], value: &[u8]) -> bool {
    static WHOSE: Lexicon = Lexicon::of(&["user", "username"]);
    static COUNTS: Lexicon = Lexicon::of(&[
        "attempt", "attempts", "count", "elapsed", "n", "retries", "size", "status", "step", "took", "ttl",
    ]);
    let sign = value.iter().position(|byte| *byte == b'=').unwrap_or(value.len());
    let name = value.get(..sign).unwrap_or_default();
    let said = value.get(sign + 1..).unwrap_or_default();
    if (WHOSE.has_bytes(name) || name == b"n")
        && module.windows(4).any(|part| part.eq_ignore_ascii_case(b"pass"))
    {
        return false;
    }
    (1..=12).contains(&said.len()) && WHOSE.has_bytes(name) && said.iter().all(u8::is_ascii_lowercase)
        || (1..=3).contains(&said.len()) && COUNTS.has_bytes(name) && said.iter().all(u8::is_ascii_digit)
}

/// Whether the name is the end of a module's path, and a level stands before that.
fn is_behind_level(bytes: &[u8], site: Site) -> bool {
    static LEVELS: Lexicon = Lexicon::of(&["debug", "error", "info", "trace", "warn", "warning"]);
    if !matches!(before(bytes, site.from, 1), b':' | b' ') {
        return false;
    }
    let path = run_back(bytes, site.from, 96, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'$' | b'-')
    });
    let from = site.from - path;
    let head = bytes.get(from.saturating_sub(64)..from).unwrap_or_default();
    if !head.ends_with(b" ") {
        return false;
    }
    let line = head.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_level = |word: &[u8]| LEVELS.has_bytes(word) && word.iter().all(u8::is_ascii_uppercase);
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let last = words.clone().next_back().unwrap_or_default();
    let name = bytes.get(from..site.to).unwrap_or_default();
    // Codes are called by short names.
    let module = name
        .rsplit(|byte| matches!(byte, b':' | b'.'))
        .next()
        .unwrap_or_default();
    let is_path = || {
        name.windows(2).any(|pair| pair == b"::") || name.iter().filter(|byte| **byte == b'.').count() >= 2
    };
    // Java writes the thread between the two.
    (is_level(last) || last.ends_with(b"]") && words.any(is_level)) && module.len() > 4 && is_path()
}

/// `the --api-key flag is required`, `using --password via the CLI`: words about an option, and the word that follows them.
fn is_help(bytes: &[u8], site: Site, value: &[u8], behind: &[u8]) -> bool {
    let next = || {
        let len = run(behind, 1, 12, |byte| byte.is_ascii_alphabetic());
        behind.get(1..=len).unwrap_or_default()
    };
    let said = match value {
        b"via" | b"takes" | b"expects" | b"requires" => {
            matches!(next(), b"the" | b"a" | b"an" | b"one" | b"no" | b"two")
        }
        b"flag" | b"option" | b"argument" | b"parameter" => matches!(
            next(),
            b"is" | b"was" | b"must" | b"has" | b"takes" | b"requires" | b"cannot"
        ),
        _ => false,
    };
    said && before(bytes, site.from, 2) == b'-' && byte(bytes, site.to) == b' ' && byte(behind, 0) == b' '
}

/// `pwd=/srv`: where a program runs, in a folder at the root of a file system.
fn is_folder(bytes: &[u8], site: Site, value: &[u8], behind: &[u8]) -> bool {
    static FOLDERS: Lexicon = Lexicon::of(&[
        "/app", "/data", "/etc", "/home", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/var",
    ]);
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    matches!(before(bytes, site.from, 1), 0 | b' ' | b'\r' | b'\n')
        && before(bytes, site.from, 2) != b';'
        && name.eq_ignore_ascii_case(b"pwd")
        && FOLDERS.has_bytes(value)
        && value.iter().skip(1).all(u8::is_ascii_lowercase)
        && matches!(byte(behind, 0), 0 | b' ' | b'\r' | b'\n')
}

/// Where the value ends that is found in a sentence: before the comma of `password reset requested,2024-05-01`, a line of a
/// table whose next cell is a date.
pub(super) fn first_cell(bytes: &[u8], start: usize, end: usize) -> usize {
    static DONE: Lexicon = Lexicon::of(&[
        "accepted",
        "changed",
        "expired",
        "missing",
        "rejected",
        "requested",
        "required",
        "reset",
        "revoked",
        "sent",
        "supplied",
        "updated",
        "verified",
        "wrong",
    ]);
    /// How long a date is, in bytes.
    const DATE: usize = 10;
    let Some(comma) = end.checked_sub(DATE + 1).filter(|comma| *comma > start) else {
        return end;
    };
    let word = bytes.get(start..comma).unwrap_or_default();
    let is_cell = byte(bytes, comma) == b','
        && word.iter().all(u8::is_ascii_lowercase)
        && DONE.has_bytes(word)
        && is_date(bytes, comma + 1);
    if is_cell { comma } else { end }
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn what_a_module_or_a_shell_has_to_say_is_no_secret() {
        check(&[
            (
                "message",
                "2024-04-16T10:10:00Z  INFO app::auth::token: user=anna logged in n=190",
            ),
            ("message", "DEBUG my_app::password: attempt=293 user=anna"),
            ("message", "INFO app::secret: loading /etc/app.toml (128)"),
            (
                "message",
                "INFO 1 --- [main] c.a.auth.TokenFilter : user=anna n=294",
            ),
            ("message", "pam_unix(passwd:chauthtok): password changed for anna"),
            ("message", "./get-token.sh: line 3: curl: command not found"),
            (
                "message",
                "/usr/bin/get-secret: line 94: syntax error near unexpected token `fi'",
            ),
            ("message", "INFO app::auth::token: «hunter22x» was refused"),
            ("message", "INFO app::auth::token: password=«hunter22x»"),
            ("message", "INFO app::auth::token: «user=a8Kq29dkQm2L»"),
            ("message", "INFO app::auth::password: «state=sunshine»"),
            ("message", "INFO app::auth::pin: «n=4821»"),
            ("message", "INFO app::auth::password: «user=sunshine»"),
            ("message", "ERROR app::auth::passcode: «n=482»"),
            ("message", "WARN app::cvv: «n=123»"),
            ("message", "totp token: «status» 482193: ok"),
            ("message", "INFO profile::mysql::password: «sunshine»"),
            ("message", "profile::mysql::password: «sunshine»"),
            ("message", "app.auth.token: «hunter22x»"),
            ("message", "INFO token: «user=anna» logged in"),
            ("message", "token: «user=anna» logged in"),
            ("message", "x(passwd:«chauthtok»)"),
            ("message", "pam_unix(passwd:«sunshine»)"),
            ("message", "password: «hunter» user: bob"),
        ]);
    }

    #[test]
    fn what_is_said_behind_a_colon_or_an_option_is_no_secret() {
        check(&[
            ("message", "Using --password via the CLI is insecure."),
            ("message", "the --api-key flag is required"),
            ("message", "option --secret takes one argument"),
            ("error", "bad credentials: caused by: io error"),
            ("error", "refresh token: status 400: invalid_grant"),
            ("error", "checking password: argon2 error: invalid hash"),
            ("error", "decoding token: Base64(InvalidByte(3, 45))"),
            ("message", "session token: renewed"),
            ("message", "failed to decode token: signature mismatch"),
            ("message", "token: signature «a8Kq29dkQm2L»"),
            ("message", "Authorization: Signature «admin»"),
            ("message", "17,x,password reset requested,2024-05-01"),
            ("message", "63,sync,the password was wrong,2024-05-01"),
            ("message", "17,bob,otp «sent,482193»"),
            ("message", "17,bob,password «hunter,2024-05-01»"),
            ("message", "password «requested,Xabc12XYd»"),
            ("message", "password «requested,2024-05-01x»"),
            ("message", "{\"m\":\"cancellation token: triggered\"}"),
            ("message", "client secret: configured"),
            ("message", "cwd=/srv pwd=/srv"),
            ("message", "app --secret «option»"),
            ("message", "app --password «takes»"),
            ("message", "app --password «then» sunshine"),
            ("message", "app --password «via» hunter"),
            ("message", "app --password «flag» user"),
            ("message", "app --password «hunter» and more"),
            ("message", "password: «caused» user=bob"),
            ("error", "decoding token: «Base64(Invalid7x»"),
            ("message", "token: «Base64(hunter22)»"),
            ("message", "password: «suspended»"),
            ("message", "password: «renewed»"),
            ("message", "user password: «renewed»"),
            ("message", "session token: «renewed99»"),
            ("message", "token: «renewed»"),
            ("message", "token=«renewed»"),
            ("message", "{\"token\":\"«renewed hunter22»\"}"),
            ("message", "PWD=«/sunshine»"),
            ("message", "pwd=«/Srv»"),
            ("message", "Server=x;UID=sa;PWD=«/data»"),
            ("message", "Server=x; UID=sa; PWD=«/data»"),
            ("error", "decoding token: «Base64(InvalidLength482193»"),
            ("message", "password is «Wrong,2001-01-01»"),
            ("message", "password=«/srv»"),
            ("message", "token_filter=«hunter22x»"),
        ]);
    }
}

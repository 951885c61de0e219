//! What stands behind a secret's name and its sign, and is another thing's: a permission, a version, the name of an algorithm, of
//! an object of a cluster, of a repository, a command. Each is a closed form: what is not wholly of it is cut as before.

use super::alphabet::byte;
use super::bytes::{before, ends_like, run};
use super::joint::Site;
use super::lexicon::Lexicon;
use super::plausible::Joint;
use super::value::Extent;
use super::{command, pairs, reference};

/// Whether what is plausible as a secret is another thing's.
pub(super) fn is_anothers(bytes: &[u8], site: Site, found: Extent) -> bool {
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    match byte(value, 0) {
        b'&' => is_entity(bytes, found),
        b'$' => command::is_command(bytes, found),
        b'^' | b'~' | b'<' | b'>' | b'=' => is_package(bytes, site, found),
        b'0'..=b'9' => is_package(bytes, site, found) || is_object(name, value),
        b'a'..=b'z' => {
            is_scope(bytes, site, found)
                || pairs::is_of_its_own(bytes, site, found)
                || ends_like(name, b"encryption") && is_algorithm(value)
                || is_artifact(name, value)
                || is_object(name, value)
                || is_called(bytes, site, found)
                || is_link(bytes, site, found)
                || command::is_command(bytes, found)
        }
        b'A'..=b'Z' => is_link(bytes, site, found),
        _ => false,
    }
}

/// `<p>Reset your password</p><a href="/x">more</a>`: what a page says of where a link leads.
pub(super) fn is_link(bytes: &[u8], site: Site, found: Extent) -> bool {
    static WORDS: Lexicon = Lexicon::of(&[
        "back", "cancel", "change", "continue", "copy", "delete", "details", "edit", "forgot", "help",
        "here", "more", "next", "open", "reset", "revoke", "rotate", "show", "view",
    ]);
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let behind = bytes.get(found.end..).unwrap_or_default();
    byte(bytes, site.to) == b'<'
        && before(bytes, found.start, 1) == b'>'
        && (behind.starts_with(b"</a>") || behind.starts_with(b"<\\/a>"))
        && WORDS.has_bytes(value)
}

/// `secrets:read`, `api_key:write`: what one may do with such things, written against their name. Passwords in the singular have
/// values.
fn is_scope(bytes: &[u8], site: Site, found: Extent) -> bool {
    const THINGS: [&[u8]; 10] = [
        b"secret",
        b"secrets",
        b"token",
        b"tokens",
        b"key",
        b"keys",
        b"credential",
        b"credentials",
        b"passwords",
        b"passphrases",
    ];
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    !found.quoted
        && site.joint == Joint::Colon
        && byte(bytes, site.to) == b':'
        && found.start == site.to + 1
        && byte(name, 0).is_ascii_lowercase()
        && THINGS.iter().any(|thing| ends_like(name, thing))
        && (reference::ends(bytes, found.end) || matches!(byte(bytes, found.end), b'.' | b'&' | b'|' | b'\\'))
        && are_permissions(value)
}

/// What one may do with a thing.
static MAY: Lexicon = Lexicon::of(&[
    "access",
    "add",
    "admin",
    "all",
    "approve",
    "create",
    "decrypt",
    "delete",
    "describe",
    "destroy",
    "edit",
    "encrypt",
    "export",
    "full",
    "get",
    "impersonate",
    "import",
    "introspect",
    "issue",
    "list",
    "manage",
    "modify",
    "patch",
    "purge",
    "read",
    "readonly",
    "readwrite",
    "refresh",
    "regenerate",
    "remove",
    "reset",
    "restore",
    "revoke",
    "rotate",
    "set",
    "sign",
    "update",
    "use",
    "verify",
    "view",
    "watch",
    "write",
]);

/// `read`, `read:all`, `create,tokens:revoke`
fn are_permissions(value: &[u8]) -> bool {
    static WHICH: Lexicon = Lexicon::of(&[
        "any", "metadata", "only", "org", "own", "self", "team", "value", "values",
    ]);
    let says = |word: &[u8]| {
        let mut parts = word.split(|byte| matches!(byte, b'_' | b'-' | b'.'));
        parts.next().is_some_and(|part| MAY.has_bytes(part))
            && parts.all(|part| MAY.has_bytes(part) || WHICH.has_bytes(part))
    };
    let mut rest = value.split(|byte| matches!(byte, b',' | b'+' | b'|'));
    let first = rest.next().unwrap_or_default();
    let mut words = first.split(|byte| *byte == b':');
    value
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || b":_-.,+|*".contains(byte))
        && words.next().is_some_and(says)
        && words.all(|word| word == b"*" || says(word) || WHICH.has_bytes(word))
        && rest.all(|next| next.rsplit(|byte| *byte == b':').next().is_some_and(says))
}

/// `scram-sha-256`, `md5`, `argon2id`: nothing but names of algorithms and their sizes.
fn is_algorithm(value: &[u8]) -> bool {
    static NAMES: Lexicon = Lexicon::of(&[
        "aes",
        "argon2",
        "argon2d",
        "argon2i",
        "argon2id",
        "bcrypt",
        "chacha20",
        "crypt",
        "hmac",
        "md5",
        "pbkdf2",
        "plain",
        "rsa",
        "scram",
        "scrypt",
        "sha",
        "sha1",
        "sha256",
        "sha384",
        "sha512",
        "ssha",
        "xchacha20",
        "yescrypt",
    ]);
    static DETAILS: Lexicon = Lexicon::of(&[
        "1", "128", "192", "224", "256", "384", "512", "cbc", "ctr", "gcm", "oaep", "plus", "poly1305", "siv",
    ]);
    let mut parts = value.split(|byte| matches!(byte, b'-' | b'_' | b'/'));
    parts.next().is_some_and(|part| NAMES.has_bytes(part))
        && parts.all(|part| NAMES.has_bytes(part) || DETAILS.has_bytes(part))
}

/// `"jsonwebtoken": "^9.0.2"`: a version, where the name is that of a package: its last word has no mark before it, or it is of
/// several and a sign says that later versions will do as well.
fn is_package(bytes: &[u8], site: Site, found: Extent) -> bool {
    const WORDS: [&[u8]; 2] = [b"token", b"tokens"];
    if !found.quoted || found.end - found.start > 24 {
        return false;
    }
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let version = value.trim_ascii_start();
    let signs = run(version, 0, 2, |byte| {
        matches!(byte, b'^' | b'~' | b'<' | b'>' | b'=')
    });
    let version = version.get(signs..).unwrap_or_default().trim_ascii_start();
    let is_lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(byte);
    name.iter().all(is_lower) && is_version(version) && {
        let word = WORDS.iter().find(|word| name.ends_with(word));
        let glued = word.and_then(|word| name.len().checked_sub(word.len() + 1));
        let is_glued = glued.is_some_and(|at| byte(name, at).is_ascii_lowercase());
        let is_joined = name.contains(&b'-') || before(bytes, site.from, 1) == b'/';
        is_glued || signs > 0 && is_joined && version.iter().filter(|byte| **byte == b'.').count() == 2
    }
}

/// `9.0.2`, `1.0`: two to four numbers of few digits.
fn is_version(text: &[u8]) -> bool {
    let is_number = |part: &[u8]| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    (2..=4).contains(&text.split(|byte| *byte == b'.').count())
        && text.split(|byte| *byte == b'.').all(is_number)
}

/// `io.jsonwebtoken:jjwt-api:0.12.6`: what a build takes from a repository.
fn is_artifact(name: &[u8], value: &[u8]) -> bool {
    const KINDS: [&[u8]; 7] = [
        b"jar",
        b"pom",
        b"compile",
        b"runtime",
        b"test",
        b"provided",
        b"sources",
    ];
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'-';
    let mut parts = value.split(|byte| *byte == b':');
    let artifact = parts.next().unwrap_or_default();
    name.ends_with(b".jsonwebtoken")
        && artifact.starts_with(b"jjwt")
        && artifact.len() <= 32
        && artifact.iter().all(is_word)
        && parts.all(|part| is_version(part) || KINDS.contains(&part))
}

/// `existingSecret: app-auth`, `adminPasswordKey: admin-password`: how the object of a cluster is called that holds the secret, and
/// under which key it does.
fn is_object(name: &[u8], value: &[u8]) -> bool {
    // Names first: nearly none is one of these, and every value that is cut is asked.
    let is_existing = is_of_existing(name);
    let is_key = || name.ends_with(b"PasswordKey") || name.ends_with(b"passwordKey");
    if value.len() > 63 || !is_existing && !is_key() {
        return false;
    }
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(byte);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    value.iter().all(is_part)
        && (is_existing && digits <= 4 && (digits == 0 || value.contains(&b'-'))
            || is_key() && digits == 0 && reference::is_named(value))
}

/// `existingSecret`, `auth.existingSecretName`, as charts write it. What was the secret until now is called an existing one, too,
/// by others.
fn is_of_existing(name: &[u8]) -> bool {
    memchr::memchr(b'x', name).is_some_and(|at| {
        name.get(at..)
            .is_some_and(|rest| rest.starts_with(b"xistingSecret"))
    })
}

/// `ERR AUTH <password> called without any password configured`: what a store says of a command.
fn is_called(bytes: &[u8], site: Site, found: Extent) -> bool {
    let head = bytes.get(..site.from).unwrap_or_default();
    let said = bytes.get(site.to..).unwrap_or_default();
    head.ends_with(b"AUTH <")
        && said.starts_with(b"> called without any password configured")
        && found.start == site.to + 2
}

/// `&#39;`: a mark as a page writes it; what stands in it is seen in the copy in which it is one.
fn is_entity(bytes: &[u8], found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    byte(bytes, found.end) == b';'
        && matches!(
            value,
            b"&#39" | b"&#039" | b"&#34" | b"&#034" | b"&#x27" | b"&#x22" | b"&quot" | b"&apos"
        )
}

/// `"full_name":"acme/x"`: a repository and whose it is. In lists of passengers, names have a slash as well, and capitals.
pub(super) fn is_repository(bytes: &[u8], site: Site, found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let is_part = |part: &[u8]| {
        (1..=100).contains(&part.len())
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if !found.quoted || bytes.get(site.from..site.to) != Some(b"full_name") {
        return false;
    }
    let mut parts = value.split(|byte| *byte == b'/');
    let (owner, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_large = |part: &[u8]| byte(part, 0).is_ascii_uppercase();
    parts.next().is_none() && is_part(owner) && is_part(name) && !(is_large(owner) && is_large(name))
}

/// `RefreshTokenJob JID-…`, `using RSA key …`: the number of a piece of work, of a class that is called after what it does; the
/// fingerprint of a key. What stands behind a name in a sentence.
pub(super) fn is_number_of(bytes: &[u8], (from, to): (usize, usize), (start, end): (usize, usize)) -> bool {
    let value = bytes.get(start..end).unwrap_or_default();
    let name = bytes.get(from..to).unwrap_or_default();
    let is_hex = |part: &[u8], letters: fn(&u8) -> bool| {
        part.iter().all(|byte| byte.is_ascii_digit() || letters(byte))
    };
    if let Some(number) = value.strip_prefix(b"JID-") {
        let is_class = name.ends_with(b"Job") || name.ends_with(b"Worker");
        return is_class && number.len() == 24 && is_hex(number, |byte| matches!(byte, b'a'..=b'f'));
    }
    let head = bytes.get(..from).unwrap_or_default();
    let kinds = [
        &b"using RSA "[..],
        b"using EDDSA ",
        b"using ECDSA ",
        b"using DSA ",
    ];
    name == b"key"
        && start == to + 1
        && matches!(value.len(), 8 | 16 | 32 | 40 | 64)
        && is_hex(value, |byte| matches!(byte, b'A'..=b'F'))
        && kinds.iter().any(|kind| head.ends_with(kind))
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn a_permission_is_no_secret() {
        check(&[
            ("message", "secrets:read tokens:write openid profile"),
            ("message", "missing scope api_key:write"),
            (
                "message",
                "the role may 'secret:list', \"token:read\" and (api_keys:rotate)",
            ),
            (
                "message",
                "{\"permissions\":[\"api_keys:create\",\"webhook:read\",\"passwords:reset\"]}",
            ),
            ("message", "granted token:create, token:revoke to role queue"),
            (
                "message",
                "scope=tokens:read,secrets:write+api_keys:manage&state=1",
            ),
            ("message", "needs secrets:read:all or refresh_tokens:read_only."),
            ("message", "credentials:view; tokens:*; secrets:get"),
            ("message", "{\"m\":\"missing secret:list\\nnext\"}"),
            ("message", "token:«hunter22x»"),
            ("message", "token:«readXy12kq9»"),
            ("message", "api_key:«write1»"),
            ("message", "secret:«read:hunter22x»"),
            ("message", "password:«write»"),
            ("message", "db_password:«rotate»"),
            ("message", "{\"token\":\"«create»\"}"),
            ("message", "token=«create»"),
            ("message", "API_KEY:«write»"),
        ]);
    }

    #[test]
    fn the_name_of_an_algorithm_is_no_password() {
        check(&[
            ("message", "password_encryption = scram-sha-256\nssl = on"),
            ("message", "password_encryption: md5"),
            ("message", "SET password_encryption = 'scram-sha-256'; x"),
            ("message", "password_encryption=bcrypt user=bob"),
            ("message", "{\"password_encryption\":\"argon2id\"}"),
            ("message", "password_encryption = «hunter22x»"),
            ("message", "password_encryption = «scram-hunter-256»"),
            ("message", "password = «scram-sha-256x9»"),
            ("message", "password = «bcrypt-hunter22»"),
        ]);
    }

    #[test]
    fn the_version_of_a_package_is_no_token() {
        check(&[
            ("message", "{\"jsonwebtoken\": \"^9.0.2\", \"bcrypt\": \"5.1.1\"}"),
            ("message", "jsonwebtoken = \"9.3\"\nserde = \"1.0\""),
            (
                "message",
                "{\"password-validator\": \"^5.3.0\", \"csrf-token\": \"~1.2.3\", \"@acme/token\": \">=1.0.0\"}",
            ),
            ("message", "implementation 'io.jsonwebtoken:jjwt-api:0.12.6'"),
            (
                "message",
                "[INFO] +- io.jsonwebtoken:jjwt-impl:jar:0.11.5:runtime",
            ),
            ("message", "{\"jsonwebtoken\": \"«hunter22x»\"}"),
            ("message", "{\"jsonwebtoken\": \"«^9.0.2a8Kq29dkQm»\"}"),
            ("message", "io.jsonwebtoken:«a8Kq29dkQm2L»"),
            ("message", "{\"password\": \"«^90.021.2»\"}"),
            ("message", "{\"db_password\": \"«^9.0.21»\"}"),
        ]);
    }

    #[test]
    fn the_name_of_what_holds_the_secret_is_none() {
        check(&[
            (
                "message",
                "auth:\n  existingSecret: app-auth\n  adminPasswordKey: admin-password\n",
            ),
            (
                "message",
                "helm install x --set auth.existingSecret=pg-main-01 --wait",
            ),
            ("message", "existingSecretPasswordKey: \"redis-password\""),
            ("message", "existingSecret: «Xabc12XYdefgh9»"),
            ("message", "existingSecret: «a8k29dk3m25»"),
            ("message", "existing_password: «sunshine»"),
            ("message", "existingPassword=«hunter22x»&x=1"),
            ("message", "adminPasswordKey: «sunshine»"),
            ("message", "adminPassword: «admin-password»"),
        ]);
    }

    #[test]
    fn the_words_of_a_link_behind_a_title_are_no_secret() {
        check(&[
            (
                "body",
                "<p>Reset your password</p><a href=\"/x/17?tab=tokens\">more</a><td>1</td>",
            ),
            ("body", "<li>email</li><a href=\"/x\">more</a>"),
            ("body", "<th>Token</th><td><a href=\"/x\">Edit</a></td>"),
            ("body", "<th>Token</th><td>«a8Kq29dkQm2L»</td>"),
            ("body", "<p>password</p><a href=\"/x\">«hunter22x»</a>"),
            ("body", "<p>password</p><p>«sunshine»</p>"),
        ]);
    }

    #[test]
    fn a_repository_is_no_person() {
        check(&[
            (
                "message",
                "{\"repository\":{\"full_name\":\"acme/worker\",\"private\":true}}",
            ),
            (
                "message",
                "{\"full_name\":\"Homebrew/brew\"} {\"full_name\":\"microsoft/TypeScript\"}",
            ),
            ("message", "{\"full_name\":\"«Alice Smith»\"}"),
            ("message", "{\"full_name\":\"«SMITH/JOHN»\"}"),
            ("message", "{\"full_name\":\"«Smith / Jones»\"}"),
        ]);
    }

    #[test]
    fn what_programs_say_of_keys_and_commands_stays() {
        check(&[
            (
                "message",
                "sidekiq: RefreshTokenJob JID-8b0a90ed80852128b7bad76c done: 0.811 sec",
            ),
            (
                "message",
                "ERR AUTH <password> called without any password configured for the default user.",
            ),
            (
                "message",
                "gpg:                using RSA key 006B6F5832E1525F83CB9DF1D985C56E678E90E0",
            ),
            (
                "message",
                "gpg: using EDDSA key 006B6F5832E1525F83CB9DF1D985C56E678E90E0\nx",
            ),
            ("message", "RefreshTokenJob «a8Kq29dkQm2L»"),
            ("message", "the token «JID-8b0a90ed80852128b7bad76c»"),
            ("message", "AUTH <password> «hunter22x»"),
            ("message", "using RSA key «a8Kq29dkQm2LZt4Vb0Lrw»"),
        ]);
    }

    #[test]
    fn a_value_between_marks_of_a_page_is_one() {
        let text = "&lt;input x&gt; api_key=&#39;Xabc12XYdefgh9&#39; y";
        let scanned = super::super::scan("message", text);
        assert_eq!(
            scanned.value,
            "&lt;input x&gt; api_key=&#39;[REDACTED:secret]&#39; y"
        );
        assert_eq!(scanned.redactions.len(), 1);
        check(&[("message", "password=&quot;«hunter22x»&quot; a=1")]);
    }
}

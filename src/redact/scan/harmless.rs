//! More of what stands behind sensitive names and is no secret: words of other languages, types of databases, and where
//! the name is that of a thing of a program.

use super::alphabet::byte;
use super::bytes::{ends_like, run, run_back};
use super::joint::Site;
use super::lexicon::Lexicon;
use super::plausible::Joint;
use super::value::Extent;
use super::{another, beyond, lexeme, reference, spoken};
use crate::redact::scan::hits::Sort;
use crate::redact::words::Named;

/// Whether the word says something about a secret in another language.
pub(super) fn is_foreign_word(word: &str) -> bool {
    static WORDS: Lexicon = Lexicon::of(&[
        "abgelaufen",
        "abgelehnt",
        "caducada",
        "erforderlich",
        "expirada",
        "falsch",
        "fehlerhaft",
        "fehlt",
        "gesperrt",
        "incorrecta",
        "incorrecte",
        "invalide",
        "manquant",
        "obligatoire",
        "obligatoria",
        "obligatorio",
        "requerida",
        "requis",
    ]);
    WORDS.has(word)
}

/// `VARCHAR(255)`: the type of a column and its length.
pub(super) fn is_column_type(value: &str) -> bool {
    static TYPES: Lexicon = Lexicon::of(&[
        "binary",
        "char",
        "character",
        "nchar",
        "nvarchar",
        "nvarchar2",
        "string",
        "text",
        "varbinary",
        "varchar",
        "varchar2",
        "varying",
    ]);
    let value = value.trim_end_matches([',', ';', ')']);
    let sized = value.split_once('(').filter(|(name, _)| TYPES.has(name));
    sized.is_some_and(|(_, size)| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What is the value of what is plausible as one: nothing of a secret's, where it belongs to something else or only says where
/// the value is kept.
pub(super) fn value(bytes: &[u8], named: Named, site: Site, found: Extent) -> Option<Extent> {
    if named.sort != Sort::Secret {
        let is_anothers = another::is_repository(bytes, site, found) || another::is_link(bytes, site, found);
        return (!is_anothers).then_some(found);
    }
    if site.joint == Joint::Listed {
        return (!beyond::is_beyond(bytes, site, found)).then_some(found);
    }
    // A phrase is of several words.
    if named.phrase && !found.quoted && is_phrase(bytes, found) {
        return Some(found);
    }
    if is_kind(bytes, site, found)
        || another::is_anothers(bytes, site, found)
        || beyond::is_beyond(bytes, site, found)
        || spoken::is_said(bytes, site, found)
        || lexeme::is_spoken_of(bytes, site, found)
    {
        return None;
    }
    reference::resolved(bytes, site, found)
}

/// `secret_backend=vault`, `cookieSameSite: lax`: what keeps a secret, or how, in one small word.
fn is_kind(bytes: &[u8], site: Site, found: Extent) -> bool {
    const ENDS: [&[u8]; 3] = [b"backend", b"samesite", b"same_site"];
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let is_word = value.len() <= 16 && value.iter().all(u8::is_ascii_lowercase);
    is_word && ENDS.iter().any(|end| ends_like(name, end))
}

fn is_phrase(bytes: &[u8], found: Extent) -> bool {
    let words = bytes.get(found.start..found.end);
    byte(bytes, found.end) == b' ' || words.unwrap_or_default().contains(&b' ')
}

/// Whether what stands where a value would is none, by what is around it.
pub(super) fn is_no_value(bytes: &[u8], site: Site, found: Extent) -> bool {
    match (site.joint, found.quoted) {
        (Joint::Colon, false) => {
            is_key(bytes, site, found) || is_resource(bytes, site) || is_permission(bytes, site, found)
        }
        (_, true) => {
            is_object(bytes, site, found) || is_lexeme(bytes, site, found) || is_prompt(bytes, site, found)
        }
        _ => false,
    }
}

/// `db_password:` and `valueFrom:` on the next line, further in: a name as well.
fn is_key(bytes: &[u8], site: Site, found: Extent) -> bool {
    let value = bytes.get(found.start..found.end).unwrap_or_default();
    let gap = bytes.get(site.at..found.start).unwrap_or_default();
    byte(bytes, found.end) == b':'
        && matches!(byte(bytes, found.end + 1), 0 | b' ' | b'\r' | b'\n')
        && gap.contains(&b'\n')
        // Behind those the next line is a text.
        && !gap.iter().any(|byte| matches!(byte, b'|' | b'>'))
        && is_name_of_key(value)
}

/// `valueFrom`, `db_password`, `api-key2`, `$ref`: letters, or words of one case with digits at their ends.
fn is_name_of_key(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"$").unwrap_or(name);
    let is_mark = |byte: &u8| matches!(byte, b'_' | b'-' | b'.');
    let is_word = |word: &[u8]| {
        let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let digits = word.get(letters..).unwrap_or_default();
        let letters = word.get(..letters).unwrap_or_default();
        !letters.is_empty()
            && digits.len() <= 2
            && digits.iter().all(u8::is_ascii_digit)
            && (letters.iter().all(u8::is_ascii_lowercase) || letters.iter().all(u8::is_ascii_uppercase))
    };
    let is_plain = || name.iter().all(u8::is_ascii_alphabetic);
    let are_words = || name.iter().any(is_mark) && name.split(is_mark).all(is_word);
    name.len() <= 32 && (is_plain() || are_words())
}

/// `id-token: write`, `secrets: inherit`: what a job of a build may do.
fn is_permission(bytes: &[u8], site: Site, found: Extent) -> bool {
    let said = (bytes.get(site.from..site.to), bytes.get(found.start..found.end));
    let is_line = matches!(byte(bytes, found.end), 0 | b'\r' | b'\n' | b'\\');
    is_line
        && matches!(
            said,
            (Some(b"id-token"), Some(b"write" | b"read")) | (Some(b"secrets"), Some(b"inherit"))
        )
}

/// `'Password: ')`: what is asked for, in marks: what was found stands behind the one that closes it.
fn is_prompt(bytes: &[u8], site: Site, found: Extent) -> bool {
    let mark = super::bytes::before(bytes, found.start, 1);
    let asked = bytes.get(site.at..found.start).unwrap_or_default();
    let is_asked = matches!(asked, [b' ', _] | [_]) && super::bytes::before(bytes, site.from, 1) == mark;
    is_asked && matches!(mark, b'"' | b'\'') && matches!(byte(bytes, found.start), b')') && {
        let value = bytes.get(found.start..found.end).unwrap_or_default();
        matches!(value, [b')'] | [b')', b'\n' | b';' | b',', ..])
    }
}

/// `arn:aws:secretsmanager:…:secret:prod/db`: a name in a store.
fn is_resource(bytes: &[u8], site: Site) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-');
    let is_named = bytes.get(site.from..site.to) == Some(b"secret");
    is_named && super::bytes::before(bytes, site.from, 1) == b':' && {
        let back = run_back(bytes, site.from, 96, is_part);
        let parts = bytes.get(site.from - back..site.from).unwrap_or_default();
        parts.starts_with(b"arn:aws") && memchr::memmem::find(parts, b":secretsmanager:").is_some()
    }
}

/// `secret "tls-cert" not found`: a cluster speaks of one of its objects, by name.
fn is_object(bytes: &[u8], site: Site, found: Extent) -> bool {
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let is_apart = byte(bytes, site.to) == b' ' && matches!(byte(bytes, site.to + 1), b'"' | b'\\');
    if !matches!(name, b"secret" | b"secrets" | b"Secret") || !is_apart {
        return false;
    }
    let object = bytes.get(found.start..found.end).unwrap_or_default();
    let behind = bytes.get(found.end + 1..).unwrap_or_default();
    let behind = behind.strip_prefix(b"\"").unwrap_or(behind);
    let is_said = [
        &b" not found"[..],
        b" is forbidden",
        b" already exists",
        b" in namespace",
        b" of namespace",
        b" created",
        b" deleted",
        b" rotated",
        b" synced",
        b" updated",
        b" version ",
    ]
    .iter()
    .any(|said| behind.starts_with(said));
    let digits = object.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_joined = object.contains(&b'-');
    is_said
        && object.len() <= 63
        && digits <= if is_joined { 4 } else { 0 }
        && object
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

/// `token: Ident("foo")`: the token of a language.
fn is_lexeme(bytes: &[u8], site: Site, found: Extent) -> bool {
    static KINDS: Lexicon = Lexicon::of(&[
        "comment",
        "ident",
        "identifier",
        "keyword",
        "literal",
        "op",
        "operator",
        "punct",
        "symbol",
        "whitespace",
    ]);
    let name = bytes.get(site.from..site.to).unwrap_or_default();
    let lexeme = bytes.get(found.start..found.end).unwrap_or_default();
    let digits = lexeme.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_word = lexeme.len() <= 24 && (digits == 0 || digits == lexeme.len());
    if !name.eq_ignore_ascii_case(b"token") || !is_word || found.start < 2 {
        return false;
    }
    let at = super::value::skip_space(bytes, site.at, false);
    let kind = run(bytes, at, 16, |byte| byte.is_ascii_alphabetic());
    byte(bytes, at + kind) == b'('
        && at + kind + 2 == found.start
        && bytes.get(at..at + kind).is_some_and(|kind| KINDS.has_bytes(kind))
}

#[cfg(test)]
mod tests {
    use super::super::cases::check;

    #[test]
    fn what_only_stands_where_a_secret_would_stays() {
        check(&[
            ("message", "volume \"certs\" : secret \"tls-cert\" not found"),
            ("message", "secret \"db-main\" version 1297 rotated"),
            ("message", "secret \"«db9main7x2q3»\" version 1297 rotated"),
            ("message", "{\"m\":\"secret \\\"tls-cert\\\" not found\"}"),
            ("message", "secrets \"db-credentials\" is forbidden"),
            ("message", "secret \"«Xabc12XYdefgh9»\" not found"),
            ("message", "secret \"«tls-cert»\""),
            ("message", "secret = \"«correct-horse-battery»\" created"),
            ("message", "arn:aws:secretsmanager:eu:1:password:«hunter22x»"),
            ("message", "token: symbol(\"«sEcr3tXyZZ12»\")"),
            (
                "message",
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-x",
            ),
            ("message", "aws:secret:«Xabc12XYdefgh9»"),
            ("message", "id INT, password VARCHAR(255) NOT NULL, token TEXT"),
            ("message", "password «Xabc12(255)»"),
            ("message", "password:\n  valueFrom:\n    secretKeyRef:"),
            ("message", "password:\n  «hunter22x»\nuser: bob"),
            ("message", "password: «hunter22x»: user"),
            ("message", "cookie.samesite=lax password.encoder=bcrypt"),
            ("message", "token: Ident(\"foo\")"),
            ("message", "token: Secret(\"«foo12bar»\")"),
            ("message", "password: Ident(\"«foo12bar»\")"),
            ("message", "const [token, setToken] = useState(null)"),
            (
                "message",
                "const [token, setToken] = useState(\"«Xabc12XYdefgh9»\")",
            ),
            ("message", "contraseña: obligatoria"),
            ("message", "Passwort: abgelaufen"),
            ("message", "Passwort: «sommer»"),
            ("message", "mot de passe : obligatoire"),
            ("message", "unexpected token: identifier `password` in line 3"),
        ]);
    }

    #[test]
    fn what_is_said_of_the_ways_of_a_secret_stays() {
        check(&[
            ("message", "permissions:\n  id-token: write\n  contents: read"),
            ("message", "uses: ./build.yml\nsecrets: inherit\n"),
            ("message", "secrets: «inherited22x»"),
            ("message", "id-token: «write22x9»"),
            ("message", "svc=billing secret_backend=vault ms=3248"),
            (
                "message",
                "{\"secretNamespace\": \"prod\", \"cookieSameSite\": \"lax\"}",
            ),
            (
                "message",
                "svc=x password_hasher=argon2id secret_scanning=enabled",
            ),
            (
                "message",
                r#"{"id_token_signing_alg_values_supported": ["RS256"]}"#,
            ),
            (
                "argv",
                r#"["--token-file", "/run/t", "--password-stdin", "--port", "6756"]"#,
            ),
            ("argv", r#"["--password", "«--portxyz9»", "6756"]"#),
            ("message", "login ok method=password mfa=totp duration_ms=1887"),
            ("message", "login bob password «totpx1»"),
            ("message", "invalid token: signature verification failed"),
            ("message", "token: signature «verification Failed9x»"),
            ("message", "token: signature «hunter verified»"),
            ("message", "secret: hmac «correct horse failed»"),
            ("message", "Authorization: Bearer «sid=hunter2xQ9»"),
            ("message", "Authorization: Bearer «sid=abcdef»"),
            ("message", "DB_PASSWORD_BACKEND=«hunter2xQ9»"),
            ("message", "auth_token=bearer «mfa_totp9xKq2L»"),
            ("message", "password = getpass.getpass('Password: ')"),
            ("message", "ask('Password: ')"),
            ("message", "auth('Password: «)hunter2x»')"),
        ]);
    }

    #[test]
    fn base64_that_ends_like_a_name_and_a_sign_has_no_value_behind_it() {
        let body = "q8Zt3Vb0Lr".repeat(13);
        for end in ["psw==", "+Pw==", "_pin=", "/Pw=="] {
            let fill = "AbCd"
                .get(..(8 - (body.len() + end.len()) % 4) % 4)
                .unwrap_or_default();
            let text = format!("{{\"content\":\"{fill}{body}{end}\",\"size\":1000}}");
            assert_eq!(super::super::scan("message", &text).value, text);
        }
        check(&[
            (
                "message",
                "Content-MD5=7BZExRYaXw/uIUGDQX4TPw== size=78358 status=200",
            ),
            ("message", "db2AccountPw=\"«hunter22x»\""),
            ("message", "s3BucketAccessSecretKey=\"«hunter2xQ9»\""),
            ("message", "s3BucketAccessSecretKey= «hunter2xQ9»"),
            (
                "message",
                "{\"m\":\"s3BucketAccessSecretKey=\\\"«hunter2xQ9»\\\"\"}",
            ),
            ("message", "{\"a\":\"<pin>1;\",\"b\":[\"</\"]}"),
            (
                "message",
                "{\"m\":\"<password>«a1b2»;\",\"k\":1,\"n\":[\"</p>\"]}",
            ),
            (
                "message",
                "see https://h/d/7BZExRYaXw4uIUGDQX4TPwx7BZExRYaXw4uIUGDQX4TPwx7BZExRYaXw4uIUGDQ/s/«xtvVVo48kBJCUARFywoPA1ia»",
            ),
            ("message", "host/Team1/s/«xtvVVo48kBJCUARFywoPA1ia»"),
            ("message", "if(theAdminUserPassword==\"«hunter22x»\")"),
            ("message", "https://h/api/v1/x3/resetPassword=\"«hunter22x»\""),
            (
                "message",
                "src=data:image/png;base64,oqWVdNDyZ07woqWVdNDyZ07woqWVdNDyZ07w+bq8/S/xtvVVo48kBJCUARFywoPA1iaJ736DO6JhOFkh+59JXn",
            ),
            (
                "message",
                "go to https://example.com/s/«xtvVVo48kBJCUARFywoPA1ia»",
            ),
            ("message", "GET /s/«xtvVVo48kBJCUARFywoPA1ia» 200"),
            (
                "message",
                r#"{"auth_method": "oauth2", "certificateCount7": "8", "ok": true}"#,
            ),
            ("message", "<db_password>«YygX&quot;KRViGoPZ»</db_password>"),
        ]);
    }
}

//! Texts that once passed, broke what they stood in, or read otherwise the second time.

use super::cases::{ALNUM, body, check};
use super::engine::{Engine, Scratch};
use super::field::Field;
use super::scan;

fn letters(len: usize) -> String {
    format!(
        "S{}",
        body("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", len - 1)
    )
}

fn checked(cases: &[(&str, String)]) {
    let cases: Vec<(&str, &str)> = cases
        .iter()
        .map(|(field, text)| (*field, text.as_str()))
        .collect();
    check(&cases);
}

#[test]
fn what_only_begins_like_a_mark_of_ours_hides_nothing() {
    check(&[
        ("message", "hmac-sha256:k1:«{GH}»"),
        ("message", "hmac-sha256:«{AWS}» seen"),
        ("message", "password=\"«[REDACTED:Hunter2]»\""),
        ("password", "«hmac-sha256:k1:hunter2»"),
        ("password", "«[REDACTED:Hunter2»"),
        ("message", "password=«hmac-sha256:hunter2» and more"),
        ("message", "[REDACTED:secret] and hmac-sha256:k1:{HEX}"),
    ]);
    let token = format!("ghp{}{}", "_", body(ALNUM, 36));
    for (text, secret) in [
        (format!("[REDACTED:{token}]"), &*token),
        ("[REDACTED:password=hunter2]".to_owned(), "hunter2"),
    ] {
        let found = scan("message", &text);
        assert!(!found.value.contains(secret), "{text} -> {}", found.value);
        assert_eq!(scan("message", &found.value).value, found.value);
    }
    let pseudonym = format!("hmac-sha256:k1:{}", body("0123456789abcdef", 64));
    checked(&[
        ("message", format!("password={pseudonym} host=db")),
        ("password", pseudonym),
    ]);
}

#[test]
fn what_is_said_beside_a_secret_does_not_make_it_something_else() {
    check(&[
        ("message", "password=«hunter22x» msg=\"x\""),
        ("message", "token=«hunter22xY9zQ1» note=\"x\""),
        ("message", "ldapsearch LDAP_TOKEN=«sEcrXy9z12» -w «Xabc12XYd»"),
        ("message", "ldapsearch failed, password=«hunter22x»; grep -w abc1"),
        ("message", "dsn: «user=scott/tiger1x@db» host=x"),
        ("message", "passphrase: «tulip horse -- staple»"),
    ]);
}

#[test]
fn a_text_of_json_that_ends_where_a_value_would_begin_has_none() {
    check(&[
        ("message", r#"{"a":"password (temp):","b":"z9hunter"}"#),
        ("message", r#"{"q":"password[]=","x":"y"}"#),
        ("message", r#"[{"cmd":"mysql -u root -p"},{"host":"db1"}]"#),
        ("message", r#"{"a":"ldapsearch -w "}"#),
        ("message", r#"{"a":"sqlcmd -P","b":"c"}"#),
        ("message", r#"{"a":"x","password":"«,abc12x»"}"#),
        ("message", r#"{"a":"mysql -u root -p'«Xabc12XYd»' db"}"#),
    ]);
}

#[test]
fn a_place_in_a_file_is_no_secret_whatever_the_file_is_called() {
    check(&[
        ("message", "error at src/token.rs:42:9"),
        ("message", "error at password.ts:12:5: unexpected end"),
        (
            "message",
            "thread 'main' panicked at src/password.rs:120:9:\nno such row",
        ),
        ("message", "cookie.rs:7:1 api_key.rs:7:1, secret.py:1042:10"),
        ("message", "{\"at\":\"src/token.rs:42:9\",\"n\":1}"),
        ("message", "db.password:«12ab:42:9»"),
        ("message", "db.password: «12345:678»"),
        ("message", "db.password: «hunter2:9»"),
    ]);
}

#[test]
fn a_number_in_a_sentence_can_be_the_secret() {
    let long = body("123456789", 36);
    check(&[
        ("message", "login failed for ann with password «12345678»"),
        ("message", "the password is «12345678» and it works"),
        ("message", "the password was 123456 bytes long"),
        ("message", "token 12345678 expired"),
        ("message", "the password is 30 days old"),
        ("message", "the api key was rotated 300000 seconds ago"),
    ]);
    checked(&[
        ("message", format!("the password is «{long}» and it was refused")),
        ("message", format!("the token is «{long}»")),
        ("message", format!("token «{long}» was refused")),
    ]);
}

#[test]
fn a_secret_that_begins_like_an_algorithm_is_none() {
    let key = body(ALNUM, 30);
    for begin in ["v1", "id", "utf", "sha", "sha256", "rsa", "aes", "http", "p256"] {
        checked(&[(
            "message",
            format!("the password is «{begin}{key}» and it was refused"),
        )]);
    }
    for name in [
        "sha256",
        "SHA-256",
        "v1",
        "v1.2.3",
        "utf-8",
        "AES-256-GCM",
        "argon2id",
        "http/1.1",
        "bcrypt",
        "ed25519",
        "x509",
        "pbkdf2-hmac-sha256",
        "oauth2",
        "base64",
        "2fa",
        "TLS1.3",
    ] {
        checked(&[("message", format!("the token is {name} encoded"))]);
    }
}

#[test]
fn letters_alone_can_be_a_key_and_names_of_types_are_none() {
    for len in [16, 20, 32, 40] {
        checked(&[
            ("message", format!("X-Api-Key: «{}»\r\nAccept: */*", letters(len))),
            ("message", format!("api_key: «{}» was refused", letters(len))),
        ]);
    }
    check(&[
        ("message", "token: AuthenticationTokenExpired"),
        ("message", "secret: InvalidSecretFormat for user"),
        ("message", "password: Unauthenticated"),
        ("message", "struct Login { user: String, password: Zeroizing }"),
    ]);
}

#[test]
fn a_password_of_letters_that_begins_with_a_capital_is_no_type() {
    check(&[
        (
            "message",
            "db:\n  user: app\n  password: «Liverpool»\n  port: 5432",
        ),
        ("message", "X-Api-Key: «HCOqZBBmtYxunq»\r\nHost: example.com"),
        ("message", "user: svc, password: «GScpIdgZLwNAqN»"),
        ("message", "password: «WinterIsComing»"),
        ("message", "password: Liverpool plays tonight"),
        ("message", "token: CancellationToken"),
        (
            "message",
            "let secret: SigningKey = SigningKey::generate(&mut rng);",
        ),
        ("message", "token: Spanned<&'a str>,"),
        ("message", "def strip(s: str, tokens: ParseThings):"),
        ("message", "trait Secret: ZeroizeOnDrop + Zeroize {}"),
        ("message", "unexpected token: Semicolon"),
        ("message", "Passwort: Vergessen"),
        ("message", "Password: Required"),
    ]);
}

#[test]
fn a_token_of_one_length_needs_few_kinds_of_letters() {
    let token = format!("AKI{}{}", "A", ["BFBQEXFP", "XBBPEXQX"].concat());
    checked(&[
        ("message", format!("signed in with «{token}» and went on")),
        ("message", format!("AKI{}{}", "A", "XYXYXYXYXYXYXYXY")),
    ]);
}

#[test]
fn zero_bytes_are_folded_as_debug_writes_them() {
    let token = format!("AKI{}{}", "A", body("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    let wide: String = token.chars().flat_map(|char| [char, '\0']).collect();
    let other: String = token.chars().flat_map(|char| ['\0', char]).collect();
    for text in [
        format!("{:?}", Some(&wide)),
        format!("{:?}", Some(&other)),
        format!("{:?}", format!("{wide:?}")),
    ] {
        let found = scan("message", &text);
        let tail = &token[token.len() - 4..];
        assert!(!found.redactions.is_empty(), "{text} -> {}", found.value);
        let left: String = found.value.replace("\\0", "");
        assert!(!left.contains(tail), "{left}");
    }
}

#[test]
fn json_stays_json_whatever_is_cut_in_it() {
    let digits = "17977613165209020809";
    for text in [
        format!(r#"{{"password":{digits}}}"#),
        format!(r#"{{"a":{{"password":{digits}}},"b":1}}"#),
        format!(r#"{{"a":[{{"password":{digits}}}]}}"#),
        format!(r#"{{"log":"{{\"password\":{digits}}}"}}"#),
        format!(r#"{{"password":-{digits}.5}}"#),
        r#"{"password":1.7977613165209021e19}"#.to_owned(),
        r#"{"a":"+49 30 1234567\n}"}"#.to_owned(),
        r#"[{},[1],4111111111111111]"#.to_owned(),
        r#"[null,false,4111111111111111]"#.to_owned(),
        r#"{"user":"pw:"}"#.to_owned(),
        r#"{"user":"the password: ","b":["token="]}"#.to_owned(),
        r#"{"log":"{\"user\":\"pw:\"}"}"#.to_owned(),
        r#"{"a":"[4111111111111111, -3]"}"#.to_owned(),
        r#"{"a":"\u0000@example.com"}"#.to_owned(),
        r#"["\\",4111111111111111]"#.to_owned(),
        r#"{"log":"[\"\\\\\",4111111111111111]"}"#.to_owned(),
        r#"{"a":[1.5e-38,{"b":[2E7,[4111111111111111]]}]}"#.to_owned(),
        r#"{"a":"192.0.2.77]"}"#.to_owned(),
        r#"{"?token=":{}}"#.to_owned(),
        r#"{"?token=":"k9rWBjx81Lz","b":1}"#.to_owned(),
        r#"{"token ":"k9rWBjx81Lz"}"#.to_owned(),
        r#"{"password=":[1,2]}"#.to_owned(),
        r#"{"password= ":"x","a":["b"]}"#.to_owned(),
        r#"{"a":"b","c":"@example.com"}"#.to_owned(),
        r#"["a","@example.com"]"#.to_owned(),
        r#"{"a":"\"bob smith\"@example.com"}"#.to_owned(),
        r#"{"log":"{\"a\":\"@example.com\"}"}"#.to_owned(),
        r#"{"a":"x","b@example.com":"bob@example.com"}"#.to_owned(),
    ] {
        let found = scan("message", &text);
        let read = serde_json::from_str::<serde_json::Value>(&found.value);
        assert!(read.is_ok(), "{text} -> {}", found.value);
        assert!(!found.value.contains(digits), "{}", found.value);
        let again = scan("message", &found.value);
        assert_eq!(again.value, found.value, "{text}");
    }
    let found = scan("message", r#"{"?token=":"k9rWBjx81Lz","b":1}"#);
    assert_eq!(found.value, r#"{"?token=":"[REDACTED:secret]","b":1}"#);
}

#[test]
fn no_half_of_a_token_is_left_where_the_cap_falls_into_a_run() {
    let token = format!("ghp{}{}", "_", body(ALNUM, 36));
    for lead in [16_363, 16_384 - 44, 16_384 - 4_096 - 20, 16_384 - 1] {
        let text = format!("{}/{token}{}", "a".repeat(lead), "b".repeat(9_000));
        let found = scan("message", &text);
        assert!(!found.value.contains(&token[..8]), "{lead}");
        assert!(found.dropped > 0);
    }
    let mut scratch = Scratch::default();
    let text = format!("{} {}", "a".repeat(16_000), "b".repeat(900));
    let scanned = Engine::default().scan(&Field::of("message"), &text, &mut scratch);
    assert_eq!(scanned.kept, 16_001);
}

#[test]
fn what_was_cut_reads_the_same_the_second_time() {
    let key = body(ALNUM, 16);
    let mut wrong = Vec::new();
    for (field, text) in [
        ("message", "?token=2001:db8::1".to_owned()),
        ("message", "token=192.0.2.77".to_owned()),
        ("date_of_birth", "192.0.2.77".to_owned()),
        ("message", "mysql -p;U2jY3a-AsvZLnnJ7".to_owned()),
        ("message", format!("curl -u ?token=MIIE{key}&")),
        ("cookie", format!("Bearer k9rWBj{key}&sig=\u{200b}kLv")),
    ] {
        let once = scan(field, &text);
        let again = scan(field, &once.value);
        if once.redactions.is_empty() || again.value != once.value || !again.redactions.is_empty() {
            wrong.push(format!("{field}: {text} -> {} -> {}", once.value, again.value));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_marker_claims_no_number_and_makes_no_word_a_value() {
    for text in [
        "DE89370400440532013000 ref 38616386",
        "call +49 30 8484711 then role 572509944748",
        "token: returned 4111111111111111",
        "account number DE89 3704 0044 0532 0130 00 ref 38616386",
    ] {
        let once = scan("message", text);
        assert_eq!(
            once.redactions.iter().map(|done| done.n).sum::<u32>(),
            1,
            "{text}"
        );
        assert_eq!(scan("message", &once.value).value, once.value, "{text}");
    }
}

#[test]
fn json_with_marks_within_its_texts_stays_json() {
    let cases = [
        (
            "message",
            r#"{"prompt":"user \"bob\", enter password: ","tty":true}"#,
        ),
        (
            "message",
            r#"{"a":"{\"p\":\"enter \\\"x\\\" password: \",\"n\":1}"}"#,
        ),
        (
            "message",
            r#"{"m":"password='«Xabc12XYdefgh9»","n":1,"user":"bob"}"#,
        ),
        ("message", r#"{"m":"password=`«Xabc12XYdefgh9»"}"#),
        (
            "message",
            r#"{"m":"password='«Xabc12XYdefgh9»","k":"password='«Xabc12XYdefgh8»"}"#,
        ),
        (
            "message",
            r#"{"a":"{\"m\":\"password='«Xabc12XYdefgh9»\",\"n\":1}","b":2}"#,
        ),
        ("message", r#"{"m":"password='«Xabc\",12»', user='bob'"}"#),
        ("message", r#"{"m":"password='«Some(\": »","n":1}"#),
        ("message", r#"{"m":"password: \"«abcX12def\\»","n":1}"#),
        ("message", r#"{"usage":"login <password>","n":1}"#),
        ("message", r#"{"usage":"login <password>\n","n":1}"#),
        ("message", r#"{"cut":"enter password: [","n":1}"#),
        ("message", r#"{"cut":"enter password: \\","n":1}"#),
        ("message", r#"{"m":"address: «12 Main St»\"","n":1}"#),
        ("message", r#"{"m":"phone: «+49 30 8484711»\"","n":1}"#),
    ];
    check(&cases);
    for (_, text) in cases {
        let text = text.replace(['«', '»'], "");
        let found = scan("message", &text).value;
        assert!(
            serde_json::from_str::<serde_json::Value>(&found).is_ok(),
            "{text} -> {found}"
        );
    }
}

#[test]
fn a_quotation_mark_behind_a_name_in_capitals_is_no_gap_of_a_table() {
    check(&[
        ("message", "db_password\" «Xabc12XYdefgh9»"),
        ("message", "DB_PASSWORD\" «Xabc12XYdefgh9»"),
        ("message", "DB_PASSWORD   «Xabc12XYdefgh9»"),
        ("message", "DB_PASSWORD\" was changed"),
    ]);
}

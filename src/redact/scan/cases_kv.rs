//! Texts of keys and values that once kept a part of the value, or lost what stood beside it.

use super::cases::check;

#[test]
fn only_in_a_url_does_a_hash_end_a_value() {
    check(&[
        ("message", "Server=x;Password=«3FYmI#fxQ15Qm»;n=1"),
        ("message", "Server=x;Password=«#fxQ15Qm9»;n=1"),
        ("message", "https://x.y/z?password=«Xabc12XYdefgh9»#top"),
        ("message", "password=«Xabc12XYdefgh9» # for bob"),
    ]);
}

#[test]
fn a_value_in_the_braces_of_a_connection_string_ends_with_them() {
    check(&[
        ("message", "Driver={x};PWD=«{a;b}»;Server=q"),
        (
            "message",
            "Driver={SQL Server};UID=sa;PWD=«{Xabc;9}}12}»;Server=q",
        ),
        ("message", "Driver={x};PWD={password};Server=q"),
        ("message", r#"{"cs":"PWD=«{Xab;c\"9}»;Server=q"}"#),
    ]);
}

#[test]
fn a_brace_that_is_never_closed_takes_nothing_of_the_json_around_it() {
    check(&[
        ("message", r#"{"cs":"Server=x;PWD=«{abc»;Database=d"}"#),
        ("message", r#"{"cs":"Server=x;PWD=«{abc»;Database=d","b":"}"}"#),
        ("message", r#"{"cs":"Server=x;PWD=«{abc;defgh9»","b":"};"}"#),
        ("message", r#"["Server=x;PWD=«{abc»;Database=d", {"n": 1}]"#),
        (
            "message",
            r#"{"m":"{\"cs\":\"Server=x;PWD=«{abc»;Database=d\"}"}"#,
        ),
        (
            "message",
            r#"Config { cs: "Server=x;PWD=«{abc»;Database=d", other: "a" }"#,
        ),
        ("message", r#"connect("PWD=«{abc»;Database=d"); f("}");"#),
        ("message", r#"Server="x";PWD=«{Xab;"c9}»;Database=d"#),
    ]);
}

#[test]
fn a_sentence_says_a_secret_behind_marks_and_in_other_languages() {
    check(&[
        ("message", r#"{"m":"the password is \"«Xabc12XYdefgh9»\""}"#),
        (
            "message",
            r#"{"m":"the \"password\" is \"«Xabc12XYdefgh9»\" now"}"#,
        ),
        ("message", "the password is: «Xabc12XYdefgh9»"),
        ("message", "the password is: required"),
        ("message", "Das Passwort lautet: «Xabc12XYdefgh9»"),
        ("message", "Das Passwort lautet «Xabc12XYdefgh9» und gilt"),
        ("message", "Das Passwort ist «Xabc12XYdefgh9» und gilt"),
        ("message", "le mot de passe est «Xabc12XYdefgh9»"),
        ("message", "Das Passwort ist abgelaufen"),
        ("message", "Das Passwort ist ungültig."),
        ("message", "la contraseña es inválida"),
        ("message", "la contraseña es «Xabc12XYdefgh9»"),
    ]);
}

#[test]
fn a_value_may_stand_in_the_next_column() {
    check(&[
        ("message", "password\t«Xabc12XYdefgh9»\tbob"),
        ("message", "DB_PASSWORD   «Xabc12XYdefgh9»   bob"),
        ("message", "the password   changed"),
        ("message", "DB_PASSWORD   is set"),
        ("message", "password\tvarchar(255)\tNOT NULL"),
        ("message", "CREATE TABLE users (password VARCHAR(255) NOT NULL)"),
    ]);
}

#[test]
fn a_doubled_backslash_is_one_of_the_value() {
    check(&[
        ("message", r#"{"m":"password=«Xab\\12XYdefgh9»"}"#),
        ("message", r#"{"m":"password=«Xab\\!2XYdefgh9»"}"#),
        ("message", r#"{"m":"{\"n\":\"password=«Xab12XY»\"}"}"#),
        ("message", r#"{"m":"password=«Xab12XY»\\nnext"}"#),
    ]);
}

#[test]
fn what_stands_beside_a_value_stays() {
    check(&[
        ("message", "gpg --passphrase «Xabc12XYdefgh9» --decrypt f.gpg"),
        ("message", "gpg --batch --passphrase «Xabc12XYdefgh9» -d f.gpg"),
        ("message", "pass\u{200b}word=«Xabc12XYdefgh9» a b c"),
        ("message", "pass\u{2060}word=«Qwert!6486!» queue worker"),
        ("message", "密码：«Xabc12XYdefgh9»，用户：bob"),
        ("message", "密码：«P12345»，用户=bob"),
        ("message", "seed_words=«abandon ability able about above»"),
    ]);
}

#[test]
fn what_is_named_for_signing_in_is_a_secret() {
    check(&[
        ("message", r#"{"apisecret":"«Xabc12XYdefgh9»"}"#),
        ("basic_auth", "«bob:monkey9»"),
        ("message", r#"{"basic_auth":"«bob:monkey9»"}"#),
        ("message", "basic_auth: enabled"),
        ("basic_auth", "true"),
        ("message", "REDISCLI_AUTH=«Xabc12XY»"),
    ]);
}

#[test]
fn a_type_that_names_a_secret_holds_it() {
    check(&[
        (
            "message",
            r#"AccessToken { value: "«Xabc12XYdefgh9»", expires: 3 }"#,
        ),
        ("message", r#"Password { inner: "«Xabc12XYdefgh9»" }"#),
        ("message", r#"TokenRequest { value: "grant2Xabc12XY" }"#),
        ("message", r#"Token { value: "let", span: 0..3 }"#),
        ("message", "Password { min: 12 }"),
    ]);
}

#[test]
fn members_of_what_is_called_a_secret_are_secrets() {
    check(&[
        (
            "message",
            r#"tokens: {"a":"«Xabc12XYdefgh9»","b": "«Yabc12XYdefgh8»"}, n: 1"#,
        ),
        ("message", r#"{"password":{"S":"«Xabc12XYdefgh9»"}}"#),
        (
            "message",
            r#"{"log":"{\"password\":{\"S\":\"«Xabc12XYdefgh9»\"},\"n\":1}"}"#,
        ),
        (
            "message",
            r#"{"token":{"type":"opaque2","value":"«Xabc12XYdefgh9»"}}"#,
        ),
        (
            "message",
            r#"{"credentials":{"user":"bob12XYdefgh9","password":"«hunter2»","x":"«Xabc12XYdefgh9»"}}"#,
        ),
        (
            "message",
            r#"{"tokens":{"model":"gpt-4o-2024","input":12,"output":30}}"#,
        ),
        (
            "message",
            r#"{"password":{"type":"string","description":"what you sign in with, of 8 letters"}}"#,
        ),
    ]);
}

#[test]
fn a_pair_may_say_other_things_before_its_value() {
    check(&[
        (
            "message",
            r#"{"key":"password","type":"string","value":"«Xabc12XYdefgh9»"}"#,
        ),
        (
            "message",
            r#"{"name":"DB_PASSWORD","secure":true,"n":1,"value":"«Xabc12XYdefgh9»","x":2}"#,
        ),
        (
            "message",
            r#"{"m":"{\"name\":\"password\",\"type\":\"string\",\"value\":\"«Xabc12XYdefgh9»\"}"}"#,
        ),
        ("message", r#"["password","type","value"]"#),
        (
            "message",
            r#"{"key":"password","type":"string"},{"key":"city","value":"Berlin2"}"#,
        ),
        ("message", "new password (temporary): «Xabc12XYdefgh9» for bob"),
        ("message", "password (required): enter 12 letters"),
        ("message", "password[]=«Xabc12XYdefgh9»&a=b"),
        ("url", "https://x.y/z?password[]=«Xabc12XYdefgh9»&a=b"),
    ]);
}

#[test]
fn options_of_commands_are_secrets_in_the_shells_marks_too() {
    check(&[
        ("message", "mysql -u root -p'«Xabc12XYdefgh9»' db"),
        ("message", r#"{"cmd":"mysql -p\"«Xabc12XYdefgh9»\" db"}"#),
        ("message", r#"["mysql -p","db"]"#),
        ("message", "mysql -uroot -p«S3cretPw9» db"),
        ("message", "ldapsearch -x -D cn=admin -w «Xabc12XYdefgh9» -b dc=x"),
        (
            "message",
            "sqlcmd.exe -S db1 -U sa -P «Xabc12XYdefgh9» -Q 'select 1'",
        ),
        ("message", "sqlcmd -p 1 -S db1"),
        ("message", "tool --password «{Xabc12XY» db"),
    ]);
}

#[test]
fn a_signature_may_have_many_small_letters_in_a_row() {
    let hex = "abfcadcbdfabfa517c0123456789abcdef0123456789abcdefabfcadcbdfabfa51";
    let base64 = "abcdefghijklmnopqr%2F0ABCDEFghij0123456789012%3D";
    for (name, value) in [("sig", hex), ("signature", hex), ("hmac", hex), ("sig", base64)] {
        check(&[("url", &format!("https://x.y/z?{name}=«{value}»&se=1"))]);
    }
    check(&[(
        "url",
        "https://x.y/z?state=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    )]);
}

#[test]
fn what_a_connection_string_says_of_the_place_stays() {
    check(&[
        (
            "message",
            "connection string: host=db port=1 password=«Xabc12XYdefgh9»",
        ),
        ("message", "dsn: host=db password=«Xabc12XYdefgh9» user=x"),
        ("message", "connection string: «Xabc12XYdefgh9»"),
    ]);
}

#[test]
fn a_member_in_marks_can_be_the_commonest_password() {
    check(&[
        ("message", r#"{"password":"«admin»"}"#),
        ("message", r#"Login { user: "bob", password: "«secret»" }"#),
        ("message", r#"{"password":"required"}"#),
        ("message", r#"{"password":"string"}"#),
        ("message", "password: secret"),
    ]);
}

#[test]
fn a_value_may_begin_with_a_word_in_brackets() {
    check(&[
        ("message", "password=«<Tag>99x» host=a"),
        ("message", "password=«[sq]99ab» host=a"),
        ("message", "password=<b>bold</b>"),
        ("message", "password=<name> host=a"),
        ("message", "token=[ok] host=a"),
    ]);
}

//! Values that are told in the ways of protocols and programs, with what must be cut from them.

use super::cases::check;

#[test]
fn what_phps_notation_says_of_a_secret_is_cut() {
    check(&[
        (
            "body",
            r#"a:2:{s:4:"user";s:3:"bob";s:8:"password";s:11:"«Voxi9nnMBOe»";}"#,
        ),
        (
            "body",
            r#"{"m":"a:1:{s:8:\"password\";s:8:\"«sunshine»\";}","n":1}"#,
        ),
        (
            "body",
            r#"O:4:"User":1:{s:9:"api_token";s:11:"«a"b;c"d12xy»";s:1:"n";i:1;}"#,
        ),
        ("body", r#"a:1:{s:8:"password";s:99:"«sunshine»";i:1;}"#),
    ]);
}

#[test]
fn what_it_says_of_other_things_stays() {
    check(&[
        ("body", r#"a:1:{s:8:"password";N;}"#),
        ("body", r#"a:1:{s:8:"password";s:0:"";s:4:"user";s:3:"bob";}"#),
        ("body", r#"a:1:{s:11:"token_count";i:123456;}"#),
        ("body", r#"a:1:{s:8:"password";s:17:"[REDACTED:secret]";}"#),
        ("body", r#"throw new Error("bad token"); s = "x";"#),
    ]);
}

#[test]
fn what_a_hidden_value_is_changed_to_is_cut() {
    check(&[
        ("message", "  ~ password = (sensitive) -> \"«Voxi9nnMBO»\""),
        ("message", "  ~ password = (sensitive value) -> \"«Voxi9nnMBO»\""),
        ("message", "password: *** -> \"«Voxi9nnMBO»\""),
        (
            "message",
            r#"{"m":"~ password = (sensitive) -> \"«Voxi9nnMBO»\"","n":1}"#,
        ),
    ]);
}

#[test]
fn what_is_changed_to_nothing_known_stays() {
    check(&[
        ("message", "  ~ password = (sensitive value) -> (sensitive value)"),
        (
            "message",
            "  ~ password = (sensitive value) -> (known after apply)",
        ),
        ("message", "password = (sensitive) -> null"),
        ("message", "password = (sensitive) -> \"***\""),
        ("message", "password = *** -> 401"),
        ("message", "{\"password\":\"***\",\"m\":\"a -> \\\"b\\\"\"}"),
        ("message", "{\"m\":\"password = (sensitive) -> \",\"n\":\"b\"}"),
    ]);
}

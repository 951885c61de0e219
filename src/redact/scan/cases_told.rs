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
        ("message", "POST /login password=*** -> \"302 Found\""),
        (
            "message",
            "POST /login password=*** -> \"500 Internal Server Error\"",
        ),
        ("message", "{\"password\":\"***\",\"m\":\"a -> \\\"b\\\"\"}"),
        ("message", "{\"m\":\"password = (sensitive) -> \",\"n\":\"b\"}"),
    ]);
}

#[test]
fn what_is_answered_when_a_server_asks_for_the_password_is_cut() {
    check(&[
        ("message", "334 UGFzc3dvcmQ6\r\n«Vm94aTlubk1CT2U=»\r\n235 ok"),
        ("message", "334 UGFzc3dvcmQ6\n«Vm94aTlubk1CT2Ux»"),
        (
            "message",
            "S: 334 VXNlcm5hbWU6\nC: Ym9i\nS: 334 UGFzc3dvcmQ6\nC: «Vm94aTlubk1CT2U=»\nS: 235 ok",
        ),
        (
            "message",
            "<<< 334 UGFzc3dvcmQ6\r\n>>> «Vm94aTlubk1CT2U=»\r\n<<< 535 no",
        ),
        (
            "message",
            r#"{"m":"S: 334 UGFzc3dvcmQ6\r\nC: «Vm94aTlubk1CT2U=»\r\nS: 235 ok"}"#,
        ),
        ("message", r#"{"m":"334 cGFzc3dvcmQ6\n«YWI=»"}"#),
        ("message", "server: 334 UGFzc3dvcmQ6\nclient: «Vm94aTlubk1CT2U=»"),
    ]);
}

#[test]
fn what_is_said_beside_such_a_dialog_stays() {
    check(&[
        ("message", "334 VXNlcm5hbWU6\r\nYm9iYm9iYm9i\r\n"),
        ("message", "334 UGFzc3dvcmQ6\r\n535 authentication failed"),
        ("message", "334 UGFzc3dvcmQ6\r\nQUIT\r\n221 bye"),
        ("message", "334 UGFzc3dvcmQ6 was the question"),
        ("message", "334 UGFzc3dvcmQ6\n*\n501 cancelled"),
        ("message", "S: 334 UGFzc3dvcmQ6\nC: [REDACTED:secret]\nS: 235 ok"),
    ]);
}

#[test]
fn a_setting_that_is_called_after_the_use_of_its_key_holds_one_if_it_looks_like_one() {
    check(&[
        ("env", "ENC_KEY=«{HEX}»"),
        ("env", "APP_ENC_KEY=\"«{B40}=»\" PORT=80"),
        ("env", "TLS_KEY=«{B40}»"),
        ("env", r#"{"TLS_KEY":"«{B40}»","PORT":"80"}"#),
        ("env", "SIGN_KEY: «{HEX}»"),
        ("env", "TLS_KEY=/etc/tls/key.pem"),
        ("env", "TLS_KEY=/etc/Tls2/private/Keys/of/This/very/long/path"),
        ("env", "TLS_KEY=tls/Conf2/private/Keys/of/This/very/long/path"),
        ("env", "tls key: TLS_AES_128_GCM_SHA256"),
        ("env", "TLS_KEY=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("env", "ENC_KEY=00000000000000000000000000000000"),
        ("env", "ENC_KEY=abcdef12"),
        ("env", "CACHE_KEY={HEX} SORT_KEY={HEX} PRIMARY_KEY=id"),
        ("env", "enc_key={HEX}"),
        ("env", "ENC_KEY=$ENC_KEY_OF_ANOTHER_SERVICE_IN_USE_1aB2cD"),
    ]);
}

#[test]
fn what_stands_under_a_section_of_secrets_is_judged_by_its_own_name() {
    check(&[
        ("config", "secrets:\n  jwt_secret: «abcD12efgh»\n  ttl: 3600\n"),
        (
            "config",
            "secrets:\n  db-password: «hunter2xQ9»\n  api.key: «xyzABC123456»\n",
        ),
        (
            "config",
            "token:\n  access_token2: «abcd12345678»\n  type: bearer\n",
        ),
        (
            "config",
            "secrets:\n  jwt_secret: >-\n    «dKsEKn2buKtw3pK6a7OGAm526K5gY20-»\n  ttl: 3600\n",
        ),
        ("config", "secrets:\n  jwt_secret: |\n    «abcD12efgh»\n"),
        ("config", "password:\n  «hunter2xQ9»\n"),
        ("config", "password: |\n  «hunter2xQ9: x»\n"),
        ("config", "api_key: |\n  «aB3dE5fG7hI9jK1l:»\n"),
        ("config", "tokens:\n  «q8Zt3Vb0LrxK2mN9wPq2»: {user: bob}\n"),
        (
            "config",
            "auth_token:\n  «abcdef0123456789abcdef0123456789»: deploy\n",
        ),
        ("config", "password:\n  «hunter2xQ9:x»\n"),
    ]);
}

#[test]
fn a_pair_where_a_value_might_stand_is_judged_by_its_own_name() {
    check(&[
        ("message", "tokens: input=1200 output=350 total=1550"),
        (
            "message",
            "docker build --secret id=npm,src=.npmrc -t web:1.4.2 .",
        ),
        (
            "message",
            "introspect token=«24e895779dbaa8bde0723bb1ecb85799» token_type_hint=access_token -> active=true",
        ),
        ("message", "vault login «token=Voxi9nnMBOeSKIXdy»"),
        ("message", "password=«id=hunter2»"),
        ("message", "password: «id=hunter2xQ9»"),
        ("message", "<password>«id=hunter2xQ9»</password>"),
        ("message", "Authorization: Bearer «id=hunter2xQ9zzz»"),
        ("message", "token: «id=q8Zt3Vb0LrxK2mN9wPq2q8Zt3Vb0»"),
        ("message", "password=\"«old99x»\" -> \"«404 Not Found»\""),
        ("message", "password: *** -> \"«123 Abc9»\""),
        ("message", "password: «hunter=x9Qz»"),
        ("message", "password: «id==x9Qz»"),
        ("message", "ParseError { line: 3, found: Token(\"}\") }"),
        ("message", "db.auth(\"app\", \"«anchor-tundra-river-harbor»\")"),
        ("message", "AUTH «{HEX}»"),
        ("message", "AUTH default «{HEX}»"),
        ("message", "AUTH PLAIN"),
    ]);
}

#[test]
fn a_key_with_as_many_small_letters_in_a_row_as_a_word_is_a_key() {
    check(&[
        (
            "message",
            "fetching https://«qpxhxahtvuxuSyVdGjfI4hDDGwxFjPZCFx9Dm38xcHz»@api.example.com/acme/repo.git failed",
        ),
        ("session-id", "«qpxhxahtvuxuSyVdGjfI4hDDGwxFjPZCFx9Dm38xcHz»"),
        (
            "session_id",
            "AbstractUserAuthenticationConfigurationFactoryV2Bean",
        ),
        (
            "session_id",
            "internationalizationOfHttp2AndHttp3RequestHandlersInV8",
        ),
    ]);
}

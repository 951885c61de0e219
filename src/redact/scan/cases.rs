//! Texts of each family with what must be cut from them between « and »: nothing else may change.

use super::scan;

/// A token's body, made when the test runs: the source holds no whole token.
pub(super) fn body(alphabet: &str, len: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ len as u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            letters[(state >> 33) as usize % letters.len()]
        })
        .collect()
}

pub(super) const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Puts generated tokens in the place of their names in braces.
fn filled(text: &str) -> String {
    let jwt = format!(
        "eyJ{}.eyJ{}.{}",
        body(ALNUM, 17),
        body(ALNUM, 40),
        body(ALNUM, 43)
    );
    let key = body(ALNUM, 64);
    text.replace("{GH}", &format!("ghp{}{}", "_", body(ALNUM, 36)))
        .replace(
            "{AWS}",
            &format!("AKI{}{}", "A", body("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        )
        .replace("{SK}", &format!("sk_li{}{}", "ve_", body(ALNUM, 24)))
        .replace("{JWT}", &jwt)
        .replace("{B64}", &key)
        .replace("{B40}", &body(ALNUM, 40))
        .replace("{HEX}", &body("0123456789abcdef", 40))
        .replace("{BEGIN}", &format!("-----BEGIN {} KEY-----", "RSA PRIVATE"))
        .replace("{END}", &format!("-----END {} KEY-----", "RSA PRIVATE"))
}

/// The text with one marker for all families.
fn same_markers(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split("[REDACTED:").enumerate() {
        let rest = part.split_once(']').map_or(part, |(_, rest)| rest);
        out.push_str(if at == 0 { part } else { "[REDACTED:secret]" });
        out.push_str(if at == 0 { "" } else { rest });
    }
    out
}

/// Checks each `(field, text)`: what stands between « and » is cut, and nothing else.
#[track_caller]
pub(super) fn check(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (field, marked) in cases {
        let marked = filled(marked);
        let value = marked.replace(['«', '»'], "");
        let mut wanted = String::new();
        let mut count = 0;
        for (at, part) in marked.split('«').enumerate() {
            if at == 0 {
                wanted.push_str(part);
                continue;
            }
            let (_, rest) = part.split_once('»').expect("closed");
            wanted.push_str("[REDACTED:secret]");
            wanted.push_str(rest);
            count += 1;
        }
        let found = scan(field, &value);
        let shown = same_markers(&found.value);
        let n: u32 = found.redactions.iter().map(|redaction| redaction.n).sum();
        if shown != wanted || n != count {
            wrong.push(format!(
                "{field}: {value}\n   wanted {wanted}\n   found  {} {n}",
                found.value
            ));
        }
        let again = scan(field, &found.value);
        if again.value != found.value || !again.redactions.is_empty() {
            wrong.push(format!(
                "{field}: not idempotent: {} -> {}",
                found.value, again.value
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn tokens_are_found_by_their_shape_in_any_surroundings() {
    check(&[
        ("message", "«{GH}»"),
        ("message", "pushed with «{GH}» to origin"),
        ("message", "pushed with «{GH}»."),
        ("message", "a=«{GH}»&page=2"),
        ("message", "[«{GH}»]"),
        ("message", "key «{AWS}» was used"),
        ("message", "charge failed: «{SK}»: card declined"),
        ("message", r#"{"a":"«{JWT}»","b":1}"#),
        ("message", r#"{"m":"{\"a\":\"«{SK}»\"}"}"#),
        ("message", "line\\n«{SK}»\\nnext"),
        ("url", "https://x.y/cb#access_token=«{JWT}»&token_type=bearer"),
    ]);
}

#[test]
fn values_behind_a_sensitive_name_are_cut_in_every_notation() {
    check(&[
        ("message", "password=«hunter2»"),
        ("message", "password = «hunter2» user=bob"),
        ("message", "user=bob, password=«hunter2», host=db1"),
        ("message", "password: «hunter2»"),
        ("message", "password => «hunter2»"),
        ("message", "DB_PASSWORD=«hunter2» PORT=5432"),
        ("message", "export API_TOKEN='«abc def»'"),
        ("message", r#"{"password":"«hunter2»","user":"bob"}"#),
        ("message", r#"{"password": "«hun\"ter2»", "user": "bob"}"#),
        (
            "message",
            r#"{"log":"{\"password\":\"«hunter2»\",\"user\":\"bob\"}"}"#,
        ),
        (
            "message",
            r#"{"log":"{\"m\":\"{\\\"apiKey\\\":\\\"«hunter2»\\\",\\\"a\\\":1}\"}"}"#,
        ),
        (
            "message",
            r#"Login { user: "bob", password: "«hunter2»", remember: true }"#,
        ),
        ("message", r#"Login { user: "bob", password: Some("«hunter2»") }"#),
        ("message", r#"Login { token: Some(Secret("«hunter2»")), id: 3 }"#),
        (
            "message",
            "Login {\n    password: Some(\n        \"«hunter2»\",\n    ),\n}",
        ),
        ("message", r#"Password("«hunter2»")"#),
        ("message", "password: [«104, 117, 110, 116, 101, 114, 50»]"),
    ]);
}

#[test]
fn values_on_command_lines_in_headers_and_in_statements_are_cut() {
    check(&[
        ("message", "--password «hunter2» --host db"),
        ("message", "--password=«hunter2» --host db"),
        ("message", r#"["mysql","--password","«hunter2»","--host","db"]"#),
        ("message", "mysql -u root -p«hunter2» shop"),
        ("message", "curl -u bob:«hunter2» https://example.com/"),
        ("message", "sshpass -p «hunter2» ssh bob@host"),
        ("message", "Authorization: Bearer «abc.def-123»"),
        ("message", "authorization: Basic «Ym9iOmh1bnRlcjI=»"),
        ("message", r#"{"Authorization":"Bearer «abcdef123»"}"#),
        (
            "message",
            r#"{"authorization": "Token «abcdef123»", "accept": "*/*"}"#,
        ),
        ("message", "X-Api-Key: «9fK2mQx81Lz»\r\nAccept: */*"),
        ("message", "Cookie: theme=dark; sid=«a8f7d6e5c4b3a291»; lang=en"),
        (
            "message",
            "Set-Cookie: session=«a8f7d6e5c4b3a291»; Path=/; HttpOnly",
        ),
        ("message", "CREATE USER bob WITH PASSWORD '«hunter2»'"),
        ("message", "CREATE USER 'bob'@'%' IDENTIFIED BY '«hunter2»'"),
        ("message", "UPDATE users SET password = '«hunter2»' WHERE id = 3"),
        (
            "message",
            "<login><user>bob</user><password>«hunter2»</password></login>",
        ),
        (
            "message",
            r#"<wsse:Password Type="text">«hunter2»</wsse:Password>"#,
        ),
        ("message", r#"<user name="bob" password="«hunter2»"/>"#),
        ("message", r#"<add key="ApiKey" value="«hunter2»"/>"#),
        ("message", r#"{"name":"DB_PASSWORD","value":"«hunter2»"}"#),
    ]);
}

#[test]
fn values_in_files_connection_strings_and_sentences_are_cut() {
    check(&[
        ("message", "user: bob\npassword: «hunter2»\nhost: db"),
        (
            "message",
            "Server=db;Database=x;User Id=sa;Password=«hunter2»;Encrypt=true",
        ),
        ("message", "machine example.com login bob password «swordfish»"),
        ("message", "the password is «hunter2» and it works"),
        ("message", "password for alice is «hunter2»"),
        ("message", "login failed for bob with password «hunter2»"),
        ("message", "your verification code: «493021»"),
        ("message", "api key: «9fK2mQx81LzPq»"),
        ("message", "$_POST['password'] = '«hunter2»'"),
        ("message", "pin=«4821»"),
        ("message", "Your one-time code is «482910»."),
        ("message", "token «abc123def456» rejected"),
        (
            "message",
            r#"Authorization: Digest username="bob", realm="x", response="«6629fae49393a05397450978507c4ef1»""#,
        ),
        ("message", r#"{"secret":{"value":"«hunter2»"}}"#),
        ("message", r#"const TOKEN: &str = "«abc123def»";"#),
        ("message", "| password | «hunter2» |"),
        (
            "message",
            "INSERT INTO users (name, password) VALUES ('bob', '«hunter2»'), ('al', '«swordfish»')",
        ),
        ("message", "PaSsWoRd=«hunter2»"),
        (
            "message",
            "recovery phrase: «apple river stone cloud seven eight nine ten eleven twelve moon sun»",
        ),
    ]);
}

#[test]
fn values_in_forms_lists_and_files_of_other_trades_are_cut() {
    check(&[
        (
            "message",
            "--b\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n«4821»\r\n--b--",
        ),
        (
            "message",
            "- name: API_TOKEN\n  value: «9fK2mQx81Lz»\n- name: REGION\n  value: north",
        ),
        ("message", "credentials 'user=svc;password=«hunter2»'"),
        ("message", "invalid credentials: api_key=«9fK2mQx81Lz» (user svc)"),
        ("message", "session_cookie=«I9M8K0H8HFCN» outcome=denied"),
        (
            "message",
            "Uid=app;Pwd={«9fK2mQx81L»};Encrypt=no"
                .replace("{«", "«{")
                .replace("»}", "}»")
                .leak(),
        ),
        ("message", "Authorization: Token token=\"«9fK2mQx81Lz»\""),
        ("message", "java -Dapi.key=«9fK2mQx81Lz» -jar app.jar"),
        ("message", "db-01:5432:orders:app:«hunter2»"),
        ("message", "cvv «123» entered"),
        (
            "url",
            "https://d.example/v?Expires=1&Signature=«~Uf163npA~bLg8Jip0d1j»&Key-Pair-Id=K17",
        ),
        ("message", "password='«it''s me»' x=1"),
        (
            "message",
            "{AWS}:{B40}"
                .replace("{AWS}", "«{AWS}»")
                .replace("{B40}", "«{B40}»")
                .leak(),
        ),
        ("dsn", "postgres://app:«hunter2»@db-01:5432/orders"),
        ("connection_string", "Server=db;Password=«hunter2»;Encrypt=true"),
        ("address", "«12 Main Street»"),
        ("address", "0.0.0.0:8080"),
        ("message", "if password == confirm {"),
        ("message", "api_key=YOUR_API_KEY"),
        ("message", "authorization: granted"),
        ("message", "token := r.Header.Get(\"X-Token\")"),
        (
            "message",
            "SHA256:9Q7R5H3aqYygPwNhwlFgVGGLlLM6x6YoYuwc7uMdTYM (ED25519)",
        ),
    ]);
}

#[test]
fn a_number_of_json_is_replaced_by_a_text_of_json() {
    for text in [
        r#"{"step":1,"pin":275237,"plan":"basic"}"#,
        r#"{"pin": 275237 }"#,
        r#"{"cards":[4111111111111111,5500000000000004],"n":2}"#,
        r#"[4111111111111111,"x"]"#,
        r#"["x",4111111111111111]"#,
        "{\"pin\": 275237\n}",
        r#"{"password":[104,117,110,116,101,114,50]}"#,
        r#"{"body":"{\"pin\":275237,\"n\":1}"}"#,
    ] {
        let found = scan("message", text);
        assert_ne!(found.value, text);
        let outer: serde_json::Value =
            serde_json::from_str(&found.value).unwrap_or_else(|error| panic!("{error}: {}", found.value));
        if let Some(body) = outer.get("body").and_then(serde_json::Value::as_str) {
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{body}");
        }
        let again = scan("message", &found.value);
        assert_eq!(again.value, found.value);
    }
    assert_eq!(
        scan("message", "Customer { pin: 275237, id: 1 }").value,
        "Customer { pin: [REDACTED:secret], id: 1 }"
    );
}

#[test]
fn urls_lose_their_secrets_and_nothing_else() {
    check(&[
        ("url", "postgres://bob:«hunter2»@db:5432/shop"),
        ("url", "amqp://bob:«p@ss»@mq/vhost"),
        ("url", "amqp://bob:«p@ss»@mq.example.com/vhost"),
        ("url", "postgres://bob:«hunter2»@db.example.com/shop"),
        ("url", "postgres://bob:«p@ss/w0rd»@db/shop"),
        ("url", "redis://:«hunter2»@cache:6379/0"),
        ("url", "https://bob:«hunter2»@example.com/a?b=c"),
        ("url", "mongodb+srv://bob:«hunter2»@c0.mongodb.net/x"),
        ("url", "https://example.com/?api_key=«abc123»&page=2"),
        ("url", "https://example.com/a?page=2&token=«abc123»#top"),
        (
            "url",
            "https://s.blob.core.windows.net/c?sv=2021&sr=b&sig=«dD80ihBh5jfNpymO5Hg1IdiJIEvHcJpCMiCMnN%2Fj9ks%3D»&se=2030",
        ),
        (
            "url",
            "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=«fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024»&X-Amz-Expires=60",
        ),
        (
            "url",
            "https://app.example.com/callback?code=«SplxlOBeZQQYbYS6WxSbIA»&state=xyz",
        ),
        (
            "url",
            "https://hooks.slack.com/services/«T0000/B0000/abcdefABCDEF123456»",
        ),
        (
            "url",
            "https://discord.com/api/webhooks/1234567890/«abcDEF123456abcDEF123456»",
        ),
        ("url", "https://example.com/reset-password/«k3J9xQ2mLp8Zr5Tn7Wv1»"),
        ("url", "GET /v1?access_token=«abc123» HTTP/1.1"),
        ("url", "root:«hunter2»@tcp(db:3306)/shop"),
    ]);
}

#[test]
fn private_keys_are_cut_in_every_form() {
    check(
        &[
            ("message", "{BEGIN}\n{B64}\n{B64}\nab==\n{END}"),
            ("message", "key: {BEGIN}\\n{B64}\\n{B64}\\n{END}\\n"),
        ]
        .map(|(field, text)| (field, text))
        .map(|(field, text)| {
            let marked = text.replace("{BEGIN}", "«{BEGIN}").replace("{END}", "{END}»");
            (field, &*Box::leak(marked.into_boxed_str()))
        }),
    );
    check(&[
        ("message", "«{BEGIN} {B64} {B64} {END}» done"),
        ("message", r#"{"k":"«{BEGIN}\n{B64}\n{END}»\n","b":1}"#),
        ("message", r#"{"m":"{\"k\":\"«{BEGIN}\\n{B64}\\n{END}»\\n\"}"}"#),
        ("message", "«{BEGIN}\n{B64}\n{B64}»"),
        (
            "message",
            "«{BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n{B64}\n{END}»\nbye",
        ),
        ("message", "{BEGIN} is how a key begins"),
        (
            "message",
            "-----BEGIN PUBLIC KEY-----\n{B64}\n-----END PUBLIC KEY-----",
        ),
    ]);
}

#[test]
fn a_name_that_says_secret_is_enough() {
    check(&[
        ("password", "«hunter2»"),
        ("db.password", "«correct horse battery staple»"),
        ("apiKey", "«12»"),
        ("authorization", "Bearer «abc»"),
        ("cookie", "theme=dark; sid=«a8f7d6e5c4b3a291»"),
        ("pin", "«1234»"),
        ("date_of_birth", "«1990-04-01»"),
        ("first_name", "«Alice»"),
        ("passport_number", "«X1234567»"),
        ("password", ""),
        ("password", "[REDACTED:secret]"),
        ("password_policy", "at least 12 characters"),
        ("max_tokens", "4096"),
        ("token_count", "15"),
        ("tokens", "1532"),
        ("email_verified", "true"),
        ("phone_model", "iPhone 12"),
        ("secretary", "Jane"),
        ("tokenizer", "bpe-50k"),
    ]);
}

#[test]
fn harmless_texts_stay_byte_for_byte() {
    check(&[
        ("message", "the password policy was changed by an administrator"),
        ("message", "token expired at 2026-01-02T03:04:05Z"),
        ("message", "password is required"),
        ("message", "password: must be at least 8 characters"),
        ("message", "invalid token: expired"),
        ("message", "Invalid password: too short"),
        ("message", "password reset e-mail sent to user 42"),
        ("message", "authorization: required"),
        ("message", "secret rotation finished in 35 ms"),
        ("message", "refreshed 3 tokens for 2 clients"),
        ("message", "tokens=1532 cost=0.03"),
        ("message", "prompt_tokens: 512, completion_tokens: 1024"),
        ("message", r#"{"usage":{"prompt_tokens":12,"total_tokens":25}}"#),
        ("message", r#"{"errors":{"password":["is too short"]}}"#),
        ("message", r#"filtering ["password", "token", "email"]"#),
        ("message", "token_type=bearer expires_in=3600"),
        (
            "message",
            "SELECT id FROM users WHERE password = $1 AND token = ?",
        ),
        ("message", "password=${DB_PASSWORD}"),
        ("message", "password=******** token=<redacted>"),
        (
            "message",
            "crate::auth::token::verify failed at src/auth/token.rs:42",
        ),
        ("message", "my_app::token: verified"),
        ("message", "request 550e8400-e29b-41d4-a716-446655440000 done"),
        ("message", "commit {HEX} deployed"),
        ("message", "sha256:{HEX}"),
        ("message", "trace_id=4bf92f3577b34da6a3ce929d0e0e4736"),
        ("message", "dead::beef and a::b::c"),
        ("message", "primary key: user_id"),
        ("message", "pressed key: Enter"),
        ("message", "cache key user:1234:profile missed"),
        ("message", "compass heading 123, passenger 12, 3 pass, 1 fail"),
        ("message", "pass=12 fail=3"),
        ("message", "https://example.com/docs/token?page=2&sort=asc"),
        ("message", "https://example.com:8080/a@b"),
        ("message", "npm i @scope/pkg@1.2.3"),
        ("message", "docker run -p 8080:80 -u 1000 nginx"),
        ("message", "private_key_path=/etc/ssl/private/server.pem"),
        ("message", "private_key=/etc/ssl/private/server"),
        ("message", "fn login(password: &str, token: String)"),
        ("message", "token: Token"),
        ("message", "error code: 404"),
        ("message", "status code 503, exit code 137"),
        ("message", "PIN entry failed 3 times"),
        ("message", "basic authentication is disabled"),
        ("message", "Bearer token rejected"),
        ("message", "the api key was rotated 3 days ago"),
        ("message", "secret_name=prod/db version=3"),
        ("message", "secret=prod/db/password version=3"),
        ("message", "author: bob, authority: example"),
        ("message", "Cookie: theme=dark; lang=en"),
    ]);
}

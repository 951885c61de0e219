//! Lines of tools and protocols with what must be cut from them, and lines like them of which nothing is.

use super::cases::{body, check};
use super::numbers::tests::{claims, leaves};
use super::scan;

#[test]
fn the_secret_of_a_command_is_cut() {
    check(&[
        ("cmd", r"net use Z: \\srv\share «Qwerty12xZ» /user:bob"),
        ("cmd", r"net use \\srv\share «Qwerty12xZ» /user:bob"),
        ("cmd", "smbclient //srv/share -U bob%«MUfV2xCU3»"),
        ("cmd", "echo \"root:«orchid5315q0N»\" | chpasswd"),
        ("cmd", "echo root:«orchid5315q0N» | sudo chpasswd"),
        ("cmd", r#"{"cmd":"echo \"root:«orchid5315q0N»\" | chpasswd"}"#),
        ("cmd", "echo '«Sommer33204oW»' | sudo -S apt update"),
        ("cmd", "EXEC sp_addlogin 'bob', '«izJa8l53L52R»'"),
        (
            "cmd",
            "snmpget -v3 -u bob -A «kaffee84Rg» -X «AznNP8CLOY» host sysUpTime.0",
        ),
        ("cmd", "ssh-keygen -t ed25519 -N '«tiger9VKLxg»' -f k"),
        ("cmd", "xfreerdp /u:bob /p:«6nK9ufSQoPsP» /v:srv"),
        ("cmd", "schtasks /create /tn x /ru bob /rp «ju7wURt6Cc7G02BU»"),
        ("cmd", "wpa_passphrase HomeNet «dAGpyc3vpPJo»"),
        (
            "cmd",
            "dotnet nuget push a.nupkg -k «MP7tDgqW0R6cI2laFaiNmB4K» -s x",
        ),
        (
            "cmd",
            "cvs -d :pserver:bob:«mqYul9JNxU»@cvs.example.com:/cvsroot co x",
        ),
        ("cmd", "poetry config http-basic.acme bob «f959554e5118bddd»"),
        ("cmd", "http -a bob:«VBJd8y5DE86G» GET https://x.example.com"),
        ("cmd", "htpasswd -bc .htpasswd bob «ee4093cfb6c210b04ee3»"),
        ("cmd", "snmp-server community «c6fZPDcl9YNr» RO"),
        (
            "url",
            "http://db.example.com:8086/write?db=x&u=root&p=«Falcon5744rM5»",
        ),
        ("cmd", "sp_addlogin 'a', '«it''s12pw»'"),
        ("cmd", "<code>htpasswd -b f u «pw12ab34»</code> then"),
        ("cmd", "API_KEY ?= «f59d18e1a0f9a2b4c3d5»"),
    ]);
}

#[test]
fn a_command_without_its_secret_stays() {
    check(&[
        ("cmd", r"net use Z: \\srv\share /user:bob"),
        ("cmd", r"net use Z: /delete"),
        ("message", "net use of memory grew by 12 MB"),
        ("cmd", "smbclient //srv/share -U bob"),
        ("cmd", "smbclient //srv/share -U bob% -c ls"),
        ("cmd", "cat users.txt | chpasswd"),
        ("cmd", "echo \"root:$NEW\" | chpasswd"),
        ("message", "echo done | tee chpasswd.log"),
        ("cmd", "echo hello | sudo -s"),
        ("cmd", "echo \"$PW\" | sudo -S apt update"),
        ("message", "exec sp_addlogin failed for bob"),
        ("cmd", "snmpget -v2c -c public host sysUpTime.0"),
        ("cmd", "snmpwalk -v3 -A $A -X $X host"),
        ("cmd", "ssh-keygen -t ed25519 -N '' -f k"),
        ("cmd", "xfreerdp /u:bob /v:srv /p:$PW"),
        ("cmd", "schtasks /create /tn x /ru bob /rp *"),
        ("message", "wpa_passphrase is missing today"),
        ("cmd", "dotnet nuget push a.nupkg -s x"),
        ("cmd", "cvs -d :pserver:anonymous@cvs.example.com:/cvsroot co x"),
        ("cmd", "poetry config http-basic.acme bob"),
        ("cmd", "http -a bob GET https://x.example.com"),
        ("cmd", "htpasswd -c .htpasswd bob"),
        ("cmd", "snmp-server community public RO"),
        ("url", "http://db.example.com:8086/write?db=x&u=root&p=12"),
        ("message", "API_KEY ?= $(KEY)"),
        ("message", "TOKEN ?= $(shell cat .token)"),
        ("message", "@token ?= options.token"),
        ("cmd", "{\"c\":\"ssh-keygen -N \",\"z\":1}"),
        ("cmd", "{\"c\":\"ssh-keygen -N 'abc\",\"z\":\"x'\"}"),
        ("cmd", "{\"c\":\"sp_addlogin 'bob', \",\"z\":\"a1b2c3d4e5\"}"),
        ("cmd", "echo 1 | sudo -S tee /x"),
        ("cmd", "echo done; ls | sudo -S cat"),
        ("url", "GET /write?menu=1&p=page2read"),
        (
            "message",
            "run poetry config http-basic.foo to see the credentials",
        ),
        ("message", "use htpasswd -b to add users from files"),
    ]);
}

#[test]
fn the_secret_of_a_line_of_a_protocol_is_cut() {
    check(&[
        ("line", "PRIVMSG NickServ :IDENTIFY «Falcon1558C5q»"),
        ("line", "PRIVMSG NickServ :IDENTIFY bob «Falcon1558C5q»"),
        ("line", "a001 LOGIN bob «mQJzTmaEQfWO»"),
        ("line", "C: a001 LOGIN \"bob\" \"«open sesame»\""),
        ("line", "AUTH «D7hhXFjfTI52mkIn»"),
        ("line", "AUTH app «D7hhXFjfTI52mkIn»"),
        ("note", "https://wa.me/«4915587729980»"),
        ("line", "ACL SETUSER app on >«2A70LBNltrCm» ~* +@all"),
        ("note", "creds are bob / «Sommer7228!»"),
    ]);
}

#[test]
fn a_line_like_one_of_a_protocol_stays() {
    check(&[
        ("line", "a001 LOGIN bob failed"),
        ("line", "order 66 LOGIN bob mQJzTmaEQfWO"),
        ("line", "a001 LOGIN bob mQJzTmaEQfWO was refused"),
        ("line", "AUTH PLAIN"),
        ("line", "AUTH CRAM-MD5"),
        ("line", "AUTH SCRAM-SHA-256"),
        ("line", "AUTH failed"),
        ("line", "AUTH service v2beta started"),
        ("note", "https://wa.me/message/1234"),
        ("note", "https://wa.me/4915587729980123456"),
        ("line", "ACL SETUSER app on ~* +@all"),
        ("note", "creds are 3 / 5 done"),
        ("note", "creds are valid / fresh"),
        ("line", "before_action :identify user"),
        ("line", "segment:identify userId"),
        ("line", "AUTH ok session=12"),
        ("line", "AUTH getUserById"),
        ("line", "AUTH 4f9c1d2e-5c1e-4b7a-9f02-000000000001"),
        ("line", "Q3 LOGIN flow mobileApp2024"),
        ("line", "acl setuser bob >out.log"),
        ("note", "credentials are stored / VaultSecretStore"),
    ]);
}

#[test]
fn what_a_validator_or_a_trace_was_given_is_cut() {
    check(&[
        (
            "error",
            "1 validation error for Login\npassword\n  String should have at least 40 characters [type=string_too_short, input_value='«61FKEVLU»', input_type=str]",
        ),
        (
            "error",
            r#"{"e":"1 validation error for Login\nuser.password\n  too short [type=x, input_value='«61FKEVLU»', input_type=str]"}"#,
        ),
        (
            "error",
            "1 validation error for Login\ncolour\n  bad [type=x, input_value='61FKEVLU', input_type=str]",
        ),
        (
            "error",
            "#0 /app/db.php(12): PDO->__construct('mysql:host=db', 'root', '«orchid7Mx»')",
        ),
        (
            "error",
            "#0 /app/db.php(12): PDO->__construct('mysql:host=db', 'root', Object(SensitiveParameterValue))",
        ),
        ("error", "#0 /app/db.php(12): PDO->__construct('sqlite:/tmp/db')"),
    ]);
}

#[test]
fn a_token_in_a_list_of_hexadecimal_bytes_is_cut_and_other_bytes_stay() {
    let token = format!("ghp{}{}", "_", body(super::cases::ALNUM, 36));
    let pairs = |prefix: &str, text: &str| -> String {
        let all: Vec<String> = text.bytes().map(|byte| format!("{prefix}{byte:02x}")).collect();
        all.join(", ")
    };
    for prefix in ["0x", ""] {
        let text = format!("Token {{ key: [{}] }}", pairs(prefix, &token));
        let found = scan("message", &text);
        assert_eq!(found.value, "Token { key: [[REDACTED:secret]] }", "{text}");
        assert_eq!(scan("message", &found.value).value, found.value);
        let text = format!("frame [{}]", pairs(prefix, "hello world, and more of that"));
        assert_eq!(scan("message", &text).value, text);
    }
    let text = "mac [1a, 2b, 3c, 4d, 5e, 6f] at [0x1f]";
    assert_eq!(scan("message", text).value, text);
}

#[test]
fn numbers_of_more_offices_are_found_behind_their_words() {
    claims("gov.ahv", "AHV-Nr. «756.7045.4520.72» ok", "");
    leaves("rev 756.7045.4520.72 ok", "");
    claims("gov.fiscal", "codice fiscale: «RSSMRA85T10A562S» ok", "");
    leaves("codice fiscale: RSSMRA85T10A562T ok", "");
    leaves("part RSSMRA85T10A562S ok", "");
    claims(
        "gov.nir",
        "numéro de sécurité sociale «1 85 05 78 006 084 36» ok",
        "",
    );
    leaves("sociale 1 20 30 40 500 600 70", "");
    leaves("measured 1 85 05 78 006 084 36 ok", "");
    claims("phone", "電話 «090-1234-1954» です", "");
    leaves("注文 090-1234-1954 です", "");
    let text = "codice fiscale: RSSMRA85T10A562S ok";
    assert_eq!(scan("message", text).redactions.len(), 1);
}

#[test]
fn tokens_of_more_vendors_are_found_and_words_like_them_stay() {
    let all = super::cases::ALNUM;
    for token in [
        format!("tines{}{}", "_", body(all, 32)),
        format!("secret-{}-{}=", "live", body(all, 35)),
        format!("zpka{}{}", "_", body("0123456789abcdef", 41)),
        format!("apik{}{}", "_", body(all, 40)),
        format!("K0{}{}", "0", body(all, 28)),
    ] {
        let text = format!("key {token} is old");
        let found = scan("message", &text);
        assert_eq!(found.redactions.len(), 1, "{text}");
        assert!(
            !found.value.contains(&token[token.len() - 8..]),
            "{}",
            found.value
        );
    }
    check(&[
        ("message", "tines_workflow_of_the_second_story_was_run"),
        ("message", "secret-live-view-of-the-second-dashboard-in-beta"),
        ("message", "SCWX100200300AB40050"),
        ("message", "TEST_UserLoginFlowWithTwoFactorAuth22"),
        ("message", "TEST_the_second_case_with_a_long_name_of_its"),
        ("message", "apik_list_of_the_second_dashboard_in_the_beta_view"),
    ]);
}

#[test]
fn a_token_in_octal_or_base_32_or_two_parts_is_cut() {
    let token = format!("ghp{}{}", "_", body(super::cases::ALNUM, 36));
    let octal = |text: &str| -> String { text.bytes().map(|byte| format!("\\{byte:03o}")).collect() };
    let (first, second) = token.split_at(14);
    for text in [
        format!("octal {} end", octal(&token)),
        format!("tok {first}=\n{second} end"),
        format!("tok \"{first}\" + \"{second}\" end"),
        format!("tok '{first}' . '{second}' end"),
    ] {
        let found = scan("message", &text);
        assert_eq!(
            found.redactions.iter().map(|done| done.n).sum::<u32>(),
            1,
            "{text}: {}",
            found.value
        );
        assert!(!found.value.contains(&second[..8]), "{}", found.value);
        assert!(!found.value.contains(&octal(&second[..8])), "{}", found.value);
        assert_eq!(scan("message", &found.value).value, found.value);
    }
    let text = format!("tok \"{token}\" + \"Suffix12\" end");
    assert_eq!(
        scan("message", &text).value,
        "tok \"[REDACTED:secret]\" + \"Suffix12\" end"
    );
    for text in [
        format!("{} end", octal("hello world, and more")),
        "replace \\101\\102 in C:\\123\\117".to_owned(),
        "\"Part1\" + \"Abc123x\"".to_owned(),
    ] {
        assert_eq!(scan("message", &text).value, text);
    }
}

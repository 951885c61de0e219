//! Logins as commands and messages state them, and hashes of passwords, with what must be cut from them.

use super::cases::{ALNUM, body, check};

/// A text of random letters that only exists while the test runs, in the place of each `{N}`.
#[track_caller]
fn check_hashes(cases: &[&str]) {
    let filled = |text: &&str| {
        let mut text = (*text).to_owned();
        for len in [8, 16, 20, 22, 27, 32, 43, 53, 86] {
            text = text.replace(&format!("{{{len}}}"), &body(ALNUM, len));
        }
        text
    };
    let filled: Vec<String> = cases.iter().map(filled).collect();
    let cases: Vec<(&str, &str)> = filled.iter().map(|text| ("line", text.as_str())).collect();
    check(&cases);
}

#[test]
fn a_host_that_is_called_as_a_command_is_takes_no_option_from_the_command_before_it() {
    check(&[
        (
            "cmd",
            "redis-cli -h mysql-01.example.net -p 6379 -a «Voxi9nnMBOeSKIXdy» ping",
        ),
        ("cmd", "redis-cli -p 6379 -a «Voxi9nnMBOeSKIXdy» ping"),
        (
            "cmd",
            "redis-cli -h redis-01 -n 2 -a '«Voxi9nnMBOeSKIXdy»' --no-auth-warning info",
        ),
        ("cmd", "mysql -h mongo-01 -P 3306 -u root -p«Voxi9nnMBO» shop"),
        ("cmd", "mongo --host mysql-01 --port 27017 -u bob -p «Voxi9nnMBO»"),
        (
            "cmd",
            "sqlcmd -S curl-db.example.net,1433 -U sa -P «Voxi9nnMBO» -Q x",
        ),
        (
            "cmd",
            "curl -s https://mysql.example.net/x?a=1&b=2 -u bob:«Voxi9nnMBO»",
        ),
        (
            "cmd",
            "mosquitto_pub -h mongo-01 -p 1883 -u bob -P «Voxi9nnMBO» -t x -m y",
        ),
        (
            "cmd",
            "sshpass -p «Voxi9nnMBO» ssh -p 2222 bob@mysql-01 redis-cli -h curl-1 -a «Sommer33204oW»",
        ),
        (
            "cmd",
            r#"{"cmd":"redis-cli -h mysql-01 -p 6379 -a \"«Voxi9nnMBOeSKIXdy»\" ping"}"#,
        ),
        (
            "cmd",
            "redis-cli -p 6379 \\\n  -h mysql-01 \\\n  -a «Voxi9nnMBOeSKIXdy» \\\n  ping",
        ),
        ("cmd", "redis-cli -h mysql-01 -a [REDACTED:secret] ping"),
    ]);
}

#[test]
fn what_is_an_option_of_another_command_stays() {
    check(&[
        ("cmd", "redis-cli -h cache-01 ping; mysql -a folder"),
        ("cmd", "redis-cli -h cache-01 ping && curl -a archive"),
        ("cmd", "redis-cli info | grep mysql -a pattern"),
        ("cmd", "redis-cli -h mysql-01 -p 6379 ping"),
        ("cmd", "mysql -h redis-cli-01 -u root -P 3306 shop"),
        ("cmd", "mysql_upgrade done\nmkdir -a dir"),
    ]);
}

#[test]
fn the_secret_of_a_user_of_a_broker_is_cut() {
    check(&[
        ("cmd", "rabbitmqctl change_password worker «V6VFyyJKhPbDi»"),
        ("cmd", "rabbitmqctl add_user worker «V6VFyyJKhPbDi»"),
        ("cmd", "htpasswd -bB .htpasswd bob «V6VFyyJKhPbDi»"),
        ("cmd", "htpasswd -C 10 -bB .htpasswd bob «V6VFyyJKhPbDi»"),
        ("cmd", "htpasswd -nbB bob «V6VFyyJKhPbDi»"),
        ("cmd", "htpasswd -nB bob"),
        (
            "cmd",
            "rabbitmqctl -n rabbit@mq-1 add_user 'worker' '«correct horse»'",
        ),
        (
            "cmd",
            "sudo rabbitmqctl authenticate_user worker «V6VFyyJKhPbDi» && echo ok",
        ),
        (
            "cmd",
            r#"{"cmd":"rabbitmqctl change_password worker \"«V6VFyyJKhPbDi»\""}"#,
        ),
        (
            "cmd",
            r#"{"cmd":"rabbitmqctl change_password worker «V6VFyyJKhPbDi»","n":1}"#,
        ),
        ("cmd", "rabbitmqctl change_password worker"),
        ("cmd", "rabbitmqctl change_password worker $NEW"),
        ("cmd", "rabbitmqctl add_user <username> <password>"),
        ("cmd", "rabbitmqctl list_users"),
        ("cmd", "run rabbitmqctl add_user worker and wait"),
        ("cmd", "rabbitmqctl set_permissions -p / worker '.*' '.*' '.*'"),
    ]);
}

#[test]
fn a_code_that_a_sentence_names_behind_it_is_cut() {
    check(&[
        ("sms", "Use «831242» as your login code"),
        ("sms", "«831242» is your login code"),
        ("sms", "«831242» is your Acme verification code. Do not share it."),
        ("sms", "Your order is ready. «831242» is your one-time passcode"),
        ("sms", "use «4821» as your PIN"),
        ("sms", "<b>«831242»</b> is your sign-in code"),
        ("sms", "Enter \"«831242»\" as your security code to go on"),
        ("sms", "G-«831242» is your Google verification code."),
        ("sms", "«831 242» is your Acme confirmation code"),
        ("sms", "«831242» is your one time password"),
        ("sms", "USE «831242» AS YOUR LOGIN CODE"),
        ("sms", "[Acme] «83124277» is your log in code"),
        ("sms", r#"{"text":"«831242» is your login code","n":1}"#),
        ("sms", r#"{"text":"Use \"«831242»\" as your access code","n":1}"#),
    ]);
}

#[test]
fn a_number_that_is_another_code_stays() {
    check(&[
        ("sms", "use 200 as your status code"),
        ("sms", "Use 2000 as your status code"),
        ("sms", "404 is the error code"),
        ("sms", "4041 is your error code"),
        ("sms", "Use 443 as your port"),
        ("sms", "Use 8443 as your port, and keep the login code short"),
        ("sms", "94107 is your postal code"),
        ("sms", "831242 is your order"),
        ("sms", "831242 is your country access number"),
        ("sms", "1234 is your PIN length"),
        ("sms", "take 83124.5 as your access code rate"),
        ("sms", "[REDACTED:secret] is your login code"),
        ("sms", "what is your login code"),
        ("sms", "7 is your access code"),
        ("sms", "build 4711 as your team and login code owners asked"),
    ]);
}

#[test]
fn the_hash_of_a_password_is_cut() {
    check_hashes(&[
        "web:«$6${16}${86}»:19700:0:99999:7:::",
        "web:«$6$rounds=5000${16}${86}»:19700:0:99999:7:::",
        "web:«$5${16}${43}»:19700:0:99999:7:::",
        "web:«$1${8}${22}»:19700:0:99999:7:::",
        "web:«$y$j9T${22}${43}»:19700:0:99999:7:::",
        "web:«$gy$j9T${22}${43}»:19700:0:99999:7:::",
        "web:«$7$C6..../....{22}${43}»:19700:0:99999:7:::",
        "bob:«$apr1${8}${22}»",
        "bob:«$2y$05${53}»",
        "bob:«{SHA}{27}=»",
        "bob:«{SSHA}{32}»",
        "userPassword: «{SSHA}{32}»",
        "bob:«$argon2id$v=19$m=65536,t=3,p=4${22}${43}»",
        "web,«$argon2id$v=19$m=65536,t=3,p=4${22}${43}»,true",
        "bob:«$scrypt$ln=16,r=8,p=1${22}${43}»",
        "bob:«$pbkdf2-sha256$29000${22}${43}»",
        "bob,«pbkdf2_sha256$600000${22}${43}=»",
        "bob,«pbkdf2:sha256:600000${16}${HEX}{HEX}»,true",
        "{\"hash\":\"«scrypt:32768:8:1${16}${HEX}{HEX}»\",\"n\":1}",
        "bob\\n«pbkdf2:sha1${8}${HEX}»",
        "bob|«scrypt${22}$16384$8$1${86}==»",
        "root:«$6${16}${86}»:1::\nweb:«$6${16}${86}»:2::",
        "{\"shadow\":\"web:«$6${16}${86}»:19700:0:99999:7:::\\nbin:*:19700\"}",
    ]);
}

#[test]
fn what_only_begins_as_a_hash_does_stays() {
    check_hashes(&[
        "at com.acme.Main$1$LocalHandlerImplementation.run",
        "at com.acme.OrderService$6$HandlerForTheVeryLongNameOfAClassInATest2",
        "replace by $1$2 and $5$6",
        "echo $1$2$3 costs $5$",
        "web:$6$:19700:0:99999:7:::",
        "bin:*:19700:0:99999:7:::",
        "sys:!:19700:0:99999:7:::",
        "the format is $6$salt$hash",
        "algorithm=$argon2id$v=19$m=65536,t=3,p=4",
        "{SSHA} is used for userPassword",
        "web:[REDACTED:secret]:19700:0:99999:7:::",
        "hash $argon2id$ and $scrypt$ are known",
        "method=pbkdf2:sha256:600000 salt_length=16",
        "method: scrypt:32768:8:1, scrypt: too slow",
        "pbkdf2:sha256:600000$salt$hash",
        "xpbkdf2:sha256:600000${16}${32}",
        "scrypt:32768:8:1$[REDACTED:secret]",
    ]);
}

#[test]
fn the_password_that_a_store_made_at_its_first_start_is_cut_whole() {
    check(&[
        (
            "message",
            "[Note] A temporary password is generated for root@localhost: «Z9f4<a;k(&1,X.»",
        ),
        (
            "message",
            "{\"m\":\"A temporary password is generated for root@localhost: «hunter22!x»\\nready\"}",
        ),
        (
            "message",
            "A random password is generated for 'root'@'localhost': «hunter22!x»",
        ),
        (
            "message",
            "a temporary password is generated for every user: see below",
        ),
        ("message", "A temporary password is generated for bob: required"),
    ]);
}

//! Logins as commands and messages state them, with what must be cut from them.

use super::cases::check;

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

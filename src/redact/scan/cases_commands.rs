//! Commands as programs are given them, and what they are told on the way, with what must be cut from them.

use super::cases::check;

#[test]
fn the_secret_of_a_command_that_is_a_list_is_cut() {
    check(&[
        ("cmd", r#"["redis-cli","-a","«Voxi9nnMBOeSKIXdy»","ping"]"#),
        (
            "cmd",
            r#"subprocess.run(["sshpass", "-p", "«Voxi9nnMBO»", "ssh", "h"])"#,
        ),
        ("cmd", "['mysql','-u','root','--password','«Voxi9nnMBO»']"),
        (
            "cmd",
            r#"exec.Command("curl", "-u", "bob:«Voxi9nnMBO»", "https://x.example.com")"#,
        ),
        (
            "cmd",
            r#"spawn("curl", ["-s", "--user", "bob:«Voxi9nnMBO»", "https://x.example.com"])"#,
        ),
        ("cmd", "[redis-cli -a «Voxi9nnMBOeSKIXdy»]"),
        ("cmd", "args=[/usr/bin/redis-cli -a «Voxi9nnMBOeSKIXdy» ping]"),
        (
            "cmd",
            r#"{"m":"run [\"redis-cli\",\"-a\",\"«Voxi9nnMBOeSKIXdy»\",\"ping\"]"}"#,
        ),
        (
            "cmd",
            r#"{"m":"[\"sshpass\", \"-p\", \"«it's mine, all of it»\", \"ssh\"]","n":1}"#,
        ),
        (
            "cmd",
            r#"{"cmd":["docker","login","-u","bob","-p","«Voxi9nnMBO»"],"n":1}"#,
        ),
        ("cmd", r#"["ldapsearch","-x","-w","«Voxi9nnMBO»","-b","dc=x"]"#),
        ("cmd", "['redis-cli', '-h', 'mysql-01', '-a', \"«it's»\", 'ping']"),
        (
            "cmd",
            "[\n  \"mosquitto_pub\",\n  \"-P\",\n  \"«hunter two»\",\n  \"-t\",\n  \"x\"\n]",
        ),
    ]);
}

#[test]
fn what_is_no_secret_in_a_list_stays() {
    check(&[
        ("cmd", r#"["redis-cli","-a"]"#),
        ("cmd", r#"["redis-cli","-a","$REDIS_PASSWORD","ping"]"#),
        ("cmd", r#"["redis-cli","-a","<password>","ping"]"#),
        ("cmd", r#"["redis-cli", "-a", "%s"]"#),
        ("cmd", r#"["redis-cli","-a","{{ redis_password }}"]"#),
        ("cmd", "curl -u bob:<password> https://x.example.com"),
        ("cmd", r#"{"cmd":"redis-cli","opt":"-a","value":"all"}"#),
        ("cmd", r#"[["redis-cli","ping"],["ls","-a","build"]]"#),
        ("cmd", r#"["mysql","-u","root","-p","shop"]"#),
        (
            "cmd",
            r#"["docker","run","--name","mongo","-p","27017:27017","mongo:7"]"#,
        ),
        ("cmd", r#"["docker","run","-p","127.0.0.1:6379:6379","curl"]"#),
        ("cmd", r#"["curl","-u","bob","https://x.example.com"]"#),
        ("cmd", r#"["docker","run","--user","1000:1000","curl"]"#),
        ("cmd", r#"["git","commit","-a","-m","curl"]"#),
        ("cmd", "[curl -s https://x.example.com]"),
        ("cmd", r#"["tar","-w","files"]"#),
        ("cmd", r#"["redis-cli","option \"-a\""]"#),
        ("cmd", r#"{"m":"redis-cli knows \"-a\"\nand more"}"#),
        ("cmd", r#"["redis-cli","-a","[REDACTED:secret]","ping"]"#),
    ]);
}

#[test]
fn what_a_program_is_told_on_its_way_in_is_cut() {
    check(&[
        ("cmd", "openssl enc -aes-256-cbc -k «Voxi9nnMBOeSKIXdy» -in f"),
        (
            "cmd",
            "openssl enc -d -aes-256-cbc -in f -k '«hunter two»' | tar x",
        ),
        ("cmd", "openssl aes-256-cbc -d -K «{HEX}» -in f"),
        ("cmd", "vault login «Voxi9nnMBOeSKIXdy»"),
        ("cmd", "vault login «Voxi9nnMBOeSKIXdy» > f && ls"),
        ("cmd", "vault login -no-print «Voxi9nnMBOeSKIXdy»; ls"),
        ("cmd", r#"{"cmd":"vault login «Voxi9nnMBOeSKIXdy»","n":1}"#),
        (
            "cmd",
            "echo «sunshine» | docker login -u bob --password-stdin registry.example.com",
        ),
        (
            "cmd",
            "echo -n \"«Voxi9nnMBO»\" | sudo podman login --username bob --password-stdin",
        ),
        (
            "cmd",
            r#"{"cmd":"echo \"«Voxi9nnMBO»\" | docker login --password-stdin"}"#,
        ),
        ("cmd", "echo «Voxi9nnMBO» | gh auth login --with-token"),
        (
            "cmd",
            "printf '%s' '«Voxi9nnMBO»' | helm registry login -u bob --password-stdin r",
        ),
        ("cmd", "echo «Voxi9nnMBO» | sudo -S apt-get update"),
    ]);
}

#[test]
fn a_command_that_is_told_nothing_stays() {
    check(&[
        ("cmd", "openssl enc -aes-256-cbc -kfile f -in g"),
        ("cmd", "openssl enc -aes-256-cbc -k $PASS -in f"),
        (
            "cmd",
            "openssl enc -aes-256-cbc -in f; curl -k https-1x.example.com",
        ),
        ("cmd", "openssl enc -ciphers"),
        ("cmd", "vault login -method=oidc role=demo1234"),
        ("cmd", "vault login failed"),
        ("cmd", "vault login svc-web-01 succeeded"),
        ("cmd", "vault login for user svc-web-1 failed"),
        ("cmd", "docker login -u bob --password-stdin < f"),
        (
            "cmd",
            "echo ready | tee f && docker login -u bob --password-stdin",
        ),
        ("cmd", "echo done | docker login -u bob registry.example.com"),
        ("cmd", "echo $TOKEN | docker login -u bob --password-stdin"),
        ("cmd", "echo \"$(cat f)\" | gh auth login --with-token"),
        ("cmd", "echo [REDACTED:secret] | docker login --password-stdin"),
    ]);
}

#[test]
fn what_arguments_say_does_not_end_their_list_and_digits_may_be_a_password() {
    check(&[
        (
            "message",
            "['curl', '-s', '-H', 'Accept: application/json; charset=utf-8', '-u', 'bob:«Voxi9nnMBOx1»', 'https://x']",
        ),
        (
            "message",
            "['curl', '-A', 'Mozilla/5.0 (X11; Linux)', '--user', 'bob:«Voxi9nnMBOx1»']",
        ),
        (
            "message",
            "[\"redis-cli\", \"-u\", \"redis://[::1]:6379\", \"-a\", \"«Voxi9nnMBOx1»\"]",
        ),
        ("message", "['sshpass', '-p', '«12345678»', 'ssh']"),
        ("message", "['mongo', '-p', '27017']"),
        (
            "message",
            "{\"image\":\"sshpass\",\"cmd\":[\"mkdir\",\"-p\",\"dist\"]}",
        ),
        (
            "message",
            "smbclient //srv/share -c 'cd dir; get f' -U bob%«Voxi9nnMBOx1»",
        ),
        (
            "message",
            "openssl enc -in f; curl -k https://example.com/x1y2z3w4",
        ),
    ]);
}

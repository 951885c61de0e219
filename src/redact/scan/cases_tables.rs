//! Tables with what must be cut from them, and tables like them of which nothing is.

use super::cases::check;
use super::scan;

#[test]
fn what_stands_under_the_name_of_a_secret_is_cut() {
    check(&[
        ("body", "login,password,active\nweb,«FB7UTtM!6uv6vK3»,true"),
        (
            "body",
            "login,password,active\r\nweb,«FB7UTtM!6uv6vK3»,true\r\nbob,«sunshine»,false\r\n",
        ),
        ("body", "login;password\nweb;«hunter2»\nbob;«hunter3, or so»\n"),
        ("body", "login\tpassword\tactive\nweb\t«FB7UTtM!6uv6vK3»\ttrue\n"),
        (
            "body",
            "\"login\",\"password\"\n\"web\",\"«a,b\"\"c»\"\n\"bob\",\"«hunter2»\"\n",
        ),
        (
            "body",
            "id,api_key,note\n1,«9fK2mQx81LzPq»,\"two\nlines\"\n2,«9fK2mQx81LzPr»,x",
        ),
        ("body", "password,login\n«hunter2»,bob"),
        ("body", "user,password\n\"bob,«hunter2»\nal,«hunter3»"),
        (
            "body",
            "imported:\nlogin,password,active\nweb,«FB7UTtM!6uv6vK3»,true\n\ndone",
        ),
        (
            "body",
            "login,password,active\nweb,«hunter22x»,true\nbob,«hunter23x»",
        ),
        (
            "body",
            " user | password \n------+----------\n bob  | «hunter2»\n al   | \n zoe  | «hunter3»\n(3 rows)",
        ),
        (
            "body",
            "+----+----------+\n| id | password |\n+----+----------+\n|  1 | «hunter2»  |\n|  2 | «hunter3»  |\n+----+----------+\n2 rows in set",
        ),
        (
            "body",
            "| user | password |\n|------|:--------:|\n| bob | «hunter2» |\n| al | |\n",
        ),
        (
            "body",
            "|user|password|active|\n|---|---|---|\n|bob|«hunter2»|yes|",
        ),
    ]);
}

#[test]
fn a_table_without_secrets_stays() {
    check(&[
        ("body", "model,token_count,latency_ms\na,123456,12\nb,654321,13"),
        ("body", "user,password_changed_at,active\nbob,2026-01-02,true"),
        (
            "body",
            "user,password\nbob,***\nal,\nzoe,null\nmax,[REDACTED:secret]",
        ),
        ("body", "user,password\nbob,<value>\nal,${PW}\n"),
        ("body", "user, password\nplease, retry"),
        ("body", "user,password\nhunter2"),
        ("body", "user,password\nbob,hunter2,3"),
        ("body", "user,the password,x\na,b,c"),
        ("body", "user,password,\nbob,plum,x"),
        ("body", "a,b,password=1\nc,d,e"),
        ("body", "user,password"),
        ("body", "user,password\n\nbob,plum"),
        ("body", "filter login,password,active\nweb,plum,true"),
        ("body", "| user | password |\n| bob | plum |"),
        ("body", "user | password\nbob | plum"),
        ("body", "prompt_tokens,completion_tokens\n123456,654321"),
        ("body", "| metric | tokens |\n|---|---|\n| input | 123456 |"),
        ("body", "{\n \"a\": [\n\"user\",\"password\"\n],\n\"b\":1}"),
        ("body", "token,pos,lemma\nhello,NN,hello\n123456,CD,x"),
        ("body", "pin,x,y\nGPIO17,1,2\n17,2,3"),
        ("body", "cookie,domain,path\ntheme,example.com,/"),
        ("body", "volume,secret\ncerts,tls-cert"),
        ("body", "test,pass,fail\nall,123456,3"),
        ("body", "country,code,name\nDE,49,Germany"),
        ("body", "SELECT\nid,password\nfrom users,accounts\nwhere id = 1"),
        ("body", "function login(\nuser,password\n) { return a,b }"),
        ("body", "feature,password,otp\nlogin,yes,no\nreset,required,true"),
    ]);
}

#[test]
fn what_stands_beside_the_name_of_a_secret_in_a_table_of_two_columns_is_cut() {
    check(&[
        (
            "out",
            "Key                Value\n---                -----\nlease_duration     768h\npassword           «Pa55Walnut184»\nttl                24h",
        ),
        (
            "out",
            "====== Data ======\nKey         Value\n---         -----\npassword    «correct horse»\nuser        bob\n",
        ),
        (
            "out",
            "NAME      VALUE\r\n-----     -----\r\napi_key   «9fK2mQx81LzPq»\r\nregion    north\r\n",
        ),
        ("out", "Field\tValue\n-----\t-----\nsecret_key\t«9fK2mQx81LzPq»\n"),
        (
            "out",
            "Property   Value\n--------   -----\nuser       bob\npassword   «sunshine»",
        ),
    ]);
}

#[test]
fn a_table_of_two_columns_that_says_no_secret_stays() {
    check(&[
        (
            "out",
            "Key                Value\n---                -----\nlease_duration     768h\npassword           ***\ntoken_duration     24h\ntoken_policies     [default]",
        ),
        ("out", "Key    Value\npassword   plum"),
        ("out", "Rule   Value\n----   -----\npassword   plum"),
        ("out", "the value\n- password   plum"),
        ("out", "Key    Value\n---    -----\nkeys   5\n\npassword   plum"),
        ("out", "Key    Value\n-----------\npassword   plum"),
        ("out", "Key    Value\n---    -----\npassword\nttl    24h"),
        ("out", "Key    Value\n---    -----\npassword   not set\n"),
        (
            "out",
            "Key    Value\n---    -----\npassword   (sensitive value)\n",
        ),
        (
            "out",
            "Key    Value\n---    -----\ntoken   1234567\nkey   orders\n",
        ),
    ]);
}

#[test]
fn settings_of_two_cells_are_judged_by_their_names() {
    check(&[
        ("out", "name,value\ndb_password,«sunshine»\ndb_user,bob"),
        (
            "out",
            "\"key\",\"value\"\n\"db_password\",\"«a,b\"\"c»\"\n\"db_user\",\"bob\"\n",
        ),
        (
            "out",
            "Setting;Value\r\ndb_user;bob\r\napi_key;«9fK2mQx81LzPq»\r\n",
        ),
        ("out", "property\tvalue\ndb.password\t«sunshine»\n"),
        ("out", "exported:\nKEY,VALUE\nDB_PASSWORD,«sunshine»\n\ndone"),
        (
            "out",
            r#"{"log":"name,value\ndb_user,bob\ndb_password,«sunshine»\n","n":1}"#,
        ),
        (
            "out",
            r#"{"log":"\"key\",\"value\"\r\n\"db_password\",\"«sunshine»\"\r\n","n":1}"#,
        ),
    ]);
}

#[test]
fn lines_that_are_no_settings_stay() {
    check(&[
        ("out", "name,value\ntoken_count,123456\npassword_changed,yes"),
        (
            "out",
            "name,value\npassword,***\ntoken,\nsecret,[REDACTED:secret]",
        ),
        ("out", "rule,value\npassword,plum"),
        ("out", "a name,value\npassword,plum"),
        ("out", "f(\nname,value\n)\npassword,plum"),
        ("out", "name,value\n\npassword,plum"),
        ("out", "name,value\npassword,plum,3"),
        ("out", "name;value\npassword,plum"),
        ("out", r#"{"log":"the value\npassword,plum"}"#),
    ]);
}

#[test]
fn what_stands_under_the_name_of_a_secret_in_a_text_of_a_text_is_cut() {
    check(&[
        (
            "body",
            r#"{"log":"login,password,active\nweb,«FB7UTtM!6uv6vK3»,true\n"}"#,
        ),
        (
            "body",
            r#"{"n":1,"log":"login,password\r\nweb,«sunshine»\r\nbob,«hunter2»\r\n","m":"web,plum"}"#,
        ),
        (
            "body",
            r#"["a","password,login\n«hunter2»,bob","login;password\nweb;«hunter2»"]"#,
        ),
        ("body", r#"{"log":"login\tpassword\nweb\t«hunter2»\n"}"#),
        (
            "body",
            r#"{"m":"id, token, name","n":["key","token"],"log":"login,password\nweb,«hunter2»\n"}"#,
        ),
        ("body", r#"{"log":"\"login\",\"password\"\n\"web\",\"«a,b»\"\n"}"#),
        (
            "body",
            r#"{"log":"imported:\nlogin,password,active\nweb,«sun\/shine\\x»,true\n\ndone"}"#,
        ),
        (
            "body",
            r#"{"out":"| user | password |\n|------|:--------:|\n| bob | «hunter2» |\n| al | |\n"}"#,
        ),
        (
            "body",
            r#"{"out":" user | password \n------+----------\n bob  | «hunter2»\n(1 row)"}"#,
        ),
        (
            "body",
            r#"{"out":"Key         Value\n---         -----\npassword    «correct horse»\nuser        bob\n"}"#,
        ),
        ("body", r"login,password,active\nweb,«FB7UTtM!6uv6vK3»,true"),
        ("body", r#"Export { body: "size,login,password\n7,wéb,«plüm»" }"#),
    ]);
}

#[test]
fn a_text_of_a_text_without_a_table_stays() {
    check(&[
        ("body", r#"{"log":"user,password\nbob,***\nal,\nzoe,null\n"}"#),
        ("body", r#"{"log":"user,password\nhunter2"}"#),
        ("body", r#"{"log":"user,password\nbob,plum,3"}"#),
        ("body", r#"{"log":"no such column: token, id\n at x, y"}"#),
        ("body", r#"{"q":"SELECT\nid,password\nfrom users,accounts"}"#),
        ("body", r#"{"log":"user,password\n","b":"bob,plum"}"#),
        ("body", r#"["user","password\nbob,plum"]"#),
        ("body", r#"{"log":"model,token_count\na,123456\n"}"#),
    ]);
}

#[test]
fn the_second_half_of_a_row_that_the_limit_cuts_takes_no_secret_with_it() {
    let row = "web,hunter22x,true and more of it\n";
    let text = format!("login,password,note\n{}", row.repeat(1000));
    for more in 0..row.len() {
        let text = format!("{}{text}", "\n".repeat(more));
        let found = scan("body", &text);
        assert!(found.dropped > 0 && !found.value.contains("hunter22x"), "{more}");
    }
}

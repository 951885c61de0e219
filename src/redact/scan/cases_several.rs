//! Texts in which a secret stands in a list without marks, before its name, behind another value, or under a label.

use super::cases::check;

#[test]
fn a_value_in_brackets_without_marks_is_cut_and_a_label_is_not() {
    check(&[
        (
            "message",
            "{grant_type=[password], username=[bob], password=[«hunter2x»]}",
        ),
        (
            "message",
            "{Authorization=[Bearer «295be5a8-702c-4973-afbc-c9e398d9a5a1»]}",
        ),
        (
            "message",
            "map[Accept:[*/*] X-Api-Key:[«Xabc12XYdefgh9»] User-Agent:[Go]]",
        ),
        ("message", "passwords=[«Xabc12XYd», «Falcon14491tY»] n=3"),
        (
            "message",
            "http.Header{\"Accept\":[]string{\"*/*\"}, \"X-Api-Key\":[]string{\"«Xabc12XYd»\"}}",
        ),
        ("message", "password=[is too short, must contain a digit]"),
        ("message", "password=[too short (minimum is 8 characters)]"),
        ("message", "password=[PROTECTED] token=[INVALID] secret=[none]"),
        ("message", "password=[[REDACTED:secret]]"),
        ("message", "tokens = [default_value]"),
        ("message", "Tokens: [Select, Star, From]"),
        ("message", "INFO app::token: [worker-12] renewed"),
        ("message", "{\"pin\":[1234],\"tokens\":[12,13,14]}"),
    ]);
}

#[test]
fn a_pair_is_read_in_either_order_and_in_every_notation() {
    check(&[
        ("message", r#"{"value":"«hunter2x»","name":"DB_PASSWORD"}"#),
        (
            "message",
            r#"[{"value":"eu","name":"REGION"},{"value":"«hunter2x»","name":"API_TOKEN","x":1}]"#,
        ),
        (
            "message",
            r#"{"m":"{\"Value\":\"«hunter2x»\",\"Key\":\"API_TOKEN\"}"}"#,
        ),
        (
            "message",
            r#"[{"value":"eu","name":"REGION"},{"name":"password","value":"«hunter2x»"}]"#,
        ),
        ("message", r#"{"value":"required","name":"password"}"#),
        (
            "message",
            r#"{"errors":[{"field":"password","rejectedValue":"«hunter2x»"}]}"#,
        ),
        (
            "message",
            r#"{"Name": "/prod/db/password", "Type": "String", "Value": "«hunter2x»"}"#,
        ),
        (
            "message",
            r#"{"Name":"/prod/db/x","Type":"SecureString","Value":"«hunter2x»"}"#,
        ),
        ("message", "ParameterKey=DBPassword,ParameterValue=«hunter2x»"),
        ("message", "Name=DB_PASSWORD,Value=«hunter2x»"),
        (
            "message",
            "- ParameterKey: DBPassword\n  ParameterValue: «hunter2x»",
        ),
        (
            "message",
            "<entry key=\"password\">«hunter2x»</entry><entry key=\"user\">bob</entry>",
        ),
        (
            "message",
            "<setting name=\"Password\"><value>«hunter2x»</value></setting>",
        ),
        (
            "message",
            "<string name=\"password_hint\">Enter your password</string>",
        ),
        ("message", "<property name=\"password\">${db.password}</property>"),
        ("message", "<label for=\"password\">Forgot password?</label>"),
        ("message", "<option name=\"password\">Forgot123?</option>"),
        ("message", "[{user,\"bob\"},{password,\"«hunter2x»\"}]"),
        ("message", "((user . \"bob\") (password . \"«hunter2x»\"))"),
    ]);
}

#[test]
fn the_value_that_is_meant_is_cut_and_not_the_one_beside_it() {
    check(&[
        ("message", "[\"pwd\"]=>\n  string(8) \"«hunter2x»\""),
        ("message", "password: !!str «hunter2x»"),
        ("message", "HTTPBasicAuth('bob', '«hunter2x»')"),
        ("message", "HTTPBasicAuth('bob', password)"),
        ("message", "requests.get(url, auth=('bob', '«hunter2x»'))"),
        ("message", "'OAuth': ('oauth_get_sbs', 'oauth_urlencode')"),
        ("message", "pulumi config set --secret dbPassword «hunter2x»"),
        (
            "message",
            "~ password = \"«hunter2x»\" -> \"«hunter3y»\"\n  port = 5432",
        ),
        ("message", "password = null -> \"«hunter2x»\""),
        ("message", "token: a -> b"),
        ("message", "'password' => env('DB_PASSWORD', '«hunter2x»')"),
        ("message", "password = os.getenv(\"DB_PASSWORD\", \"«hunter2x»\")"),
        ("message", "unzip -p a.zip file; unzip -P «hunter2x» a.zip"),
        ("message", "invalid input for \"token\": received \"«hunter2xx»\""),
        ("message", "SET PASSWORD FOR 'a'@'%' = PASSWORD('«hunter2x»')"),
        (
            "message",
            "CREDENTIALS=(AWS_KEY_ID='{AWS}' AWS_SECRET_KEY='«{B40}»')"
                .replace("{AWS}", "«{AWS}»")
                .leak(),
        ),
    ]);
}

#[test]
fn what_is_nested_under_a_secrets_name_is_cut() {
    check(&[
        (
            "message",
            r#"{"password":{"old":"«hunter2x»","new":"«hunter3y»"},"n":1}"#,
        ),
        ("message", r#"{"password":{"min":"8","max":"64"}}"#),
        (
            "message",
            r#"{"secrets":[{"db":"«Xabc12XYdef»","id":"12"},{"api":"«Zabc12XYdef»"}],"n":1}"#,
        ),
        ("message", r#"{"secrets":[{"name":"db-creds","type":"Opaque"}]}"#),
        (
            "message",
            r#"Cfg { credentials: Credentials { user: "bob", key: "«Xabc12XYdefgh9»" }, n: 3 }"#,
        ),
        ("message", r#"{"tokens":[{"type":"ident","text":"foo"}]}"#),
    ]);
}

#[test]
fn labels_tables_arguments_and_declarations_say_what_follows() {
    check(&[
        ("message", "**Password:** «hunter2xx»"),
        ("message", "*API key:* «Xabc12XYdefgh9» *x*"),
        ("message", "**Password:** required"),
        ("message", "password: *** user=bob"),
        ("message", "<b>Password:</b> «hunter2xx»<br>"),
        ("message", "<td>Password:</td><td>bob</td>"),
        (
            "message",
            "token           created         expires\nabc             2024-05-01",
        ),
        ("message", "password    varchar(50)"),
        ("message", "Unseal Key 1: «Ab3dEf6hIj9kLmNoPqRsTuVw»"),
        ("message", "primary key 1: id, token 3: identifier expected"),
        ("message", "const dbPassword string = \"«hunter2x»\""),
        ("message", "DECLARE @password varchar(50) = '«hunter2x»'"),
        (
            "message",
            "public string Password { get; set; } = \"«hunter2x»\";",
        ),
        (
            "message",
            "variable \"db_password\" {\n  default = \"«hunter2x»\"\n}",
        ),
        (
            "message",
            "WHERE password LIKE '«hunter2x»' OR password LIKE '%x%'",
        ),
        ("message", "gh secret set DB --body «hunter2x» -R a/b"),
        (
            "message",
            "aws ssm put-parameter --name /db/password --value «hunter2x» --type String",
        ),
        ("message", "the secret set --body is short"),
        ("message", "\"AUTH\" \"«hunter2x»\""),
        ("message", "\"AUTH\" \"default\" \"«hunter2x»\""),
        ("message", "username admin privilege 15 password 7 «0822455D0A16»"),
        ("message", "password 8 characters long"),
        ("message", "ConvertTo-SecureString \"«hunter2x»\" -AsPlainText"),
    ]);
}

#[test]
fn a_credential_behind_a_scheme_or_a_name_of_its_own_is_cut() {
    check(&[
        (
            "message",
            "Authorization: GenieKey «c3727fd5-75c6-4229-8bf8-bcca2615d195»",
        ),
        (
            "message",
            "authorization: denied 550e8400-e29b-41d4-a716-446655440000",
        ),
        (
            "message",
            "header: \"Bearer «dd3cd39d-c42a-44a2-9c09-7c63d172f2af»\"",
        ),
        ("message", "JSESSIONID=«88D7E738D4991AC60549B09DE4ECE622» n=3"),
        (
            "message",
            "GET /app;jsessionid=«88D7E738D4991AC60549B09DE4ECE622»?x=1",
        ),
        ("message", "JSESSIONID missing, PHPSESSID: none"),
        ("connect.sid", "«nkl3K8yLAHE4»"),
        (
            "message",
            "{\"sessionid\":\"«c9c88ba453117e6139f2f7080edc8c00»\"}",
        ),
        ("message", "sessionid=sess-1234"),
        (
            "message",
            "ADMIN_KEY=«Xabc12XYd» GITHUB_PAT=«Xabc12XYe» tls_key=/etc/tls/key.pem",
        ),
        ("message", "GITHUB_PAT is not set"),
        (
            "message",
            "keytool -deststorepass «hunter2x» -srcstorepass «hunter3y» -noprompt",
        ),
        (
            "message",
            "docker pull repo/image:tag12345@sha256:abcdef0123456789",
        ),
        ("message", "npm i lodash:abc12345@4.17.21, sip:alice1234@pbx:5060"),
        ("message", "sqlplus admin/«hunter22x»@db01:1521/billing"),
    ]);
}

/// What a rule of this file could take for something else.
#[test]
fn what_only_looks_like_one_of_these_forms_is_cut_as_it_is_elsewhere() {
    check(&[
        (
            "message",
            r#"{"defaultValue":"","name":"password","value":"«hunter2x»"}"#,
        ),
        (
            "message",
            r#""name":"user","value":"bob","name":"password","value":"«hunter2x»""#,
        ),
        ("message", r#"password=«Hunter99» {"user":"bob"}"#),
        ("message", "mytool set --secret «Xk29dkeLs»"),
        ("message", "BORG_PASSPHRASE=«Winter2024 correct horse battery»"),
        ("message", "oauth(\"«Xk29dkeLsPq81Zm4abcd1234»\", callback)"),
        ("message", "AUTH: \"«Xk29dkeLsPq81Zm4»\" \"Mozilla/5.0\""),
        ("message", "{\"m\":\"password: «&hunter» foo\"}"),
        ("message", "password: «!!sunshine» user logged in"),
        ("message", "password=«a1b[\\d]zz9kq22»"),
        (
            "message",
            "{\"authorization\":\"«correcthorse 550e8400-e29b-41d4-a716-446655440000»\"}",
        ),
        ("message", "cc:«alice1984@example.com»:25"),
        ("message", "POST /login password=«hunter2x9» -> 401"),
        ("message", "credentials: aws / eu-west-1a"),
        ("message", "tls key: TLS_AES_256_GCM_SHA384, enc key: aes-256-gcm"),
        ("message", "{\"value\":\"body.password\",\"field\":\"password\"}"),
    ]);
}

#[test]
fn words_beside_a_stroke_are_no_user_and_no_password() {
    check(&[
        ("message", "credentials are read / write"),
        ("message", "login: GET / HTTP/1.1"),
    ]);
}

#[test]
fn what_stands_beside_a_secret_stays() {
    check(&[
        ("message", "BORG_PASSPHRASE=«correct horse battery staple»"),
        (
            "message",
            "-H 'Authorization: AWS4-HMAC-SHA256 SignedHeaders=host, Signature=«Xabc12XYdefgh9»' --compressed",
        ),
        ("message", "—«alice@example.com»—"),
    ]);
}

#[test]
fn numbers_of_persons_are_found_in_their_writings() {
    check(&[
        ("message", "passport no. «C01X00T47» ok"),
        ("message", "passport «№C01X00T47» ok"),
        ("message", "pasaporte: «nºC01X00T47» ok"),
        ("message", "{\"note\":\"passport «№C01X00T47»\"}"),
        ("message", "passport «C12Xa3456» ok"),
        ("message", "passport «LM12Kl34567» ok"),
        ("message", "passport--«0000a0»"),
        ("message", "module C01X00T47 ok"),
        ("passport_number", "«CF51KJ4KF»"),
        ("message", "Geburtsdatum: «12.03.1976» ok"),
        ("message", "{\"diagnosis\":\"«type 2 diabetes»\",\"n\":1}"),
        ("message", "{\"diagnosis\":\"unknown\"}"),
        ("message", "%B«4111111111111111»^DOE/JOHN^2712101?"),
        ("message", "AHV-Nr. «756.1234.5678.97», not 756.1234.5678.98"),
    ]);
}

#[test]
fn a_token_ends_where_its_own_parts_do() {
    check(&[
        (
            "message",
            "glpat-{A27}.01.{L9}; x"
                .replace("glpat-", "«glpat-")
                .replace(';', "»;")
                .replace("{A27}", &super::cases::body(super::cases::ALNUM, 27))
                .replace("{L9}", &super::cases::body("abcdefghijk0123456789", 9))
                .leak(),
        ),
        (
            "message",
            "«sk-{HEX32}» gone"
                .replace("{HEX32}", &super::cases::body("0123456789abcdef", 32))
                .leak(),
        ),
    ]);
}

#[test]
fn lines_below_a_secrets_name_are_judged_as_members_of_an_object_are() {
    check(&[
        ("message", "password:\n  old: «hunter2xyz»\n  new: «Tr0ub4dor»\n"),
        (
            "message",
            "tokens:\n  github: \"«abc9Kq2LxTz8RwV3nYb»\"\n\n  slack: «zz81Kq2LxTz8RwV3n»\nregion: eu-west-1\n",
        ),
        (
            "message",
            "spec:\n  secrets:\n    - «abc9Kq2LxTz8RwV3nYb»\n    - name: db\n      value: «zz81Kq2LxTz8RwV3n»\n    - «qw81Kq2LxTz8RwV3n»\n",
        ),
        (
            "message",
            "password:\n  new: New password\n  old: Old\n  current: \"Current password\"\n",
        ),
        (
            "message",
            "tokens:\n  input: 1200\n  model: gpt-4o-2024\n  count: two\n",
        ),
        (
            "message",
            "secrets:\n  - name: tls-cert\n    mountPath: /etc/tls\n  - name: db\n",
        ),
        (
            "message",
            "tokens:\n  tokenizer: cl100k_base\n  model: gpt-4o-mini-2024-07-18\n",
        ),
        (
            "message",
            "credentials:\n  project: acme-prod-1\n  commit: {HEX}\n  client: web-frontend-2\n",
        ),
        (
            "message",
            r#"{"credentials":{"project":"acme-prod-1","commit":"{HEX}","tokenizer":"cl100k_base","db":"«anchor-tundra-7»"}}"#,
        ),
        ("message", "Secret:\n  $ref: '#/components/schemas/Secret2'\n"),
        (
            "message",
            "password:\n  min_length: 12\n  new: 2024-11-02\n  value: required\n",
        ),
        (
            "message",
            "secrets:\n  db:\n    path: projects/acme/secrets/db/versions/3\n    version: 3\n",
        ),
    ]);
}

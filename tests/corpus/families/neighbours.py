"""What stands near a secret's word, or a person's, and is not its value; and the forms that look like it, in which it is.

The letters in braces are those of `elsewhere`.
"""

from carriers import FIELDS

from .elsewhere import SLOT, drawn

SECRETS = [
    (1, "password={p}, next in 'src/lib.rs:12:5'"), (1, "thread 'main' panicked at 'bad password=\"{p}\"', src/lib.rs:12:5"), (1, '["new password","{p}"]'), (1, '("api_key", "{t}")'),
    (2, "<key>password</key><string>{p}</string>"), (2, "<td>password</td><td>{p}</td>"), (1, "<a><msg>wrong password</msg><n>3</n><password>{p}</password></a>"), (1, "<password> {p} </password>"),
    (2, "<msg>invalid password</msg><value>{p}</value>"), (2, "<li>password</li><li>{p}</li>"), (1, '{"ssn":"{s}","id":123456789}'), (1, "iban={i} ref=1234567890"), (1, "IBAN {i} debited on 2024-05-01"),
    (1, "phone: {n} at 1714560000"), (1, "INFO app::auth::token: refreshed password={p}"), (1, "app --password {p} --verbose"), (1, "session token: {t}"), (1, "password = {p}"),
    (2, "'password' => env('DB_PASSWORD', '{p}'),"), (2, "unexpected token '{t}'"), (1, "Token: {t}"), (2, '{"password":"(not set) {p}"}'), (2, 'password = get_secret("{t}")'), (2, "token=<password> {t}"),
]

HARMLESS = [
    (1, "thread 'main' panicked at 'missing token', src/lib.rs:12:5"), (1, "called `Result::unwrap()` on an `Err` value: \"wrong pin\"', src/lib.rs:12:5"), (1, '["invalid password",122]'),
    (1, "17,x,password reset requested,2024-05-01"), (1, "<msg>invalid password</msg><n>378</n>"), (1, "<li>password</li><li>email</li>"), (1, "<th>Password</th><th>Role</th>"),
    (2, "<h1>Reset password</h1><p>Click the link</p>"), (1, "birthday reminder sent on 2024-05-01"), (1, "bank account verified on 2024-05-24"), (1, "passport scan uploaded 2024-05-24T10:00:00Z"),
    (1, "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON"), (1, 'unexpected token "}"'), (2, "Unrecognized token 'foo': was expecting null"), (2, "Unexpected token: punc (;)"),
    (1, "INFO app::auth::token: user=anna logged in"), (1, "INFO 1 --- [main] c.a.auth.TokenFilter : user=anna n=3"), (1, "pam_unix(passwd:chauthtok): password changed for anna"),
    (1, "./get-token.sh: line 3: curl: command not found"), (1, "Using --password via the CLI is insecure."), (1, "the --api-key flag is required"), (1, "failed to decode token: signature mismatch"),
    (1, "bad credentials: caused by: io error"), (1, "refresh token: status 400: invalid_grant"), (1, "checking password: argon2 error: invalid hash"), (2, "decoding token: Base64(InvalidByte(3, 45))"),
    (1, "session token: renewed"), (1, 'kubectl get secret "db-creds"'), (2, 'credentials "app.terraform.io" {'), (2, "password = (sensitive value)"), (2, "password = (known after apply)"),
    (2, "password = var.db_password"), (2, "token = data.aws_secretsmanager_secret_version.db.secret_string"), (2, "password=$(cat /run/secrets/x)"), (2, 'password = std::env::var("DB_PASSWORD")'),
    (2, 'password = get_secret("db")'), (2, "password: ssm:/prod/db/password"), (2, "run app --password <password> --n 3"), (2, "the <password> element is missing"),
    (2, "Promise<Token> resolved after 266 ms"), (2, "expected `Result<Token>`, found `String`"), (2, "https://<user>:<password>@host/db"),
]


def add(corpus):
    """Each template once, and the harmless texts."""
    rng = corpus.family("neighbours")
    for number, (tier, template) in enumerate(SECRETS):
        marked = SLOT.sub(lambda match: drawn(corpus, rng, match.group(1)), template)
        corpus.redact(tier, "neighbours", rng.choice(FIELDS), marked, entry=f"neighbours-{number}")
    rng = corpus.family("neighbours-harmless")
    for tier, value in HARMLESS:
        corpus.keep(tier, "neighbours", rng.choice(FIELDS), value)

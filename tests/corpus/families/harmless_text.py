"""Harmless text that talks about secrets, names that only sound like them, and structures without any."""

from carriers import FIELDS, as_json, debug, nested, pretty
from shapes import HEX, b64, blob, pick

PROSE = [
    "password reset requested", "the token expired after 30 s", "user changed their password twice this week", "API key rotation is due on Friday", "secret santa list was updated",
    "please never share your password with anybody", "invalid credentials", "token refresh scheduled", "bearer authentication is required for this endpoint", "the session cookie was missing",
    "authorization denied by policy 14", "password must have at least 12 characters", "two-factor authentication enabled", "no private key was found in the store", "the secret is to start early",
    "token bucket refilled with 40 tokens", "author: Jane approved the keyboard order", "card declined by the issuer", "phone call ended after 12 minutes", "email delivery delayed by 3 minutes",
    "social security office is closed today", "the address could not be resolved", "cookie consent banner was shown", "the key to success is sleep", "the passport office opens at nine",
    "signature verification failed for the upload", "credentials provider chain exhausted", "otp delivery took 4 s", "login failed: wrong password", "the password is wrong",
    "token type mismatch: expected access, got refresh", "missing header: authorization", "unknown key: retries", "the api key is invalid or expired", "auth took 41 ms", "pin the version of the image",
    "passwordless login is on for tenant seven", "secrets manager answered in 12 ms", "keyring unlocked by the operator", "monkey patching is not supported", "the bearer of bad news", "basic plan upgraded to team",
    "he said that the token was red", "basic authentication is off", "password policy updated by the administrator", "tokenizer loaded 50257 tokens", "secretary of the board signed",
    "AKIA is the prefix of access key ids", "tokens that start with ghp_ are personal", "sk_live_ keys must not be used here", "a line with BEGIN but without END", "the eyJ prefix means a JSON object",
]
TRAPS = {
    "max_tokens": "4096", "token_count": "1187", "tokenizer": "cl100k_base", "secretary": "Jane", "password_policy": "min 12 characters", "has_password": "true", "author": "jane", "keyboard": "qwerty",
    "session_count": "12", "public_key_fingerprint": "SHA256:47DEQpj8HBSa", "passwordResetCount": "3", "maxTokens": "2048", "token_type": "bearer", "tokenType": "Bearer", "secret_name": "prod/db", "secretVersion": "7",
    "api_key_id": "17", "key_count": "3", "password_changed_at": "2026-01-02T03:04:05Z", "password_enabled": "true", "tokens_used": "311", "prompt_tokens": "88", "completion_tokens": "91", "total_tokens": "179",
    "is_secret": "false", "cookie_policy": "strict", "auth_method": "oidc", "auth_type": "mtls", "authority": "login.example.com", "authored_by": "build", "primary_key": "orders_pkey", "partition_key": "eu-north", "foreign_key": "order_id",
    "sort_key": "created", "key": "region", "keyspace": "orders", "keyword": "winter", "monkey": "banana", "passenger_count": "3", "compass": "north", "bypass": "no", "bypass_cache": "true", "passive": "yes",
    "secret_count": "4", "session_timeout": "1800", "pinned": "true", "pin_count": "2", "opinion": "good", "spinning": "no", "email_verified": "true", "email_count": "3", "phone_verified": "false", "card_type": "visa",
    "card_count": "2", "address_family": "inet", "ssn_verified": "true", "ip_version": "4", "token_ttl": "3600", "token_name": "ci", "token_expires_at": "2026-05-06T07:08:09Z", "password_length": "14", "num_passwords": "2",
    "signing_algorithm": "EdDSA", "key_type": "ed25519", "key_version": "3", "key_size": "2048", "credentials_type": "static", "certificate_name": "web", "access_key_age_days": "41", "login_attempts": "3", "token_bucket_size": "64",
}
INNER = ["max_tokens=4096 temperature=0.2", "token_count: 1187, cache: hit", '{"max_tokens":4096,"tokenizer":"cl100k","stop":null}', '{"has_password":true,"password_policy":"strict","email_verified":false}',
         "Usage { prompt_tokens: 88, completion_tokens: 91 }", "token_type=bearer&expires_in=3600", "primary_key=orders_pkey partition=7", "author=jane keyboard=qwerty", "session_count=12 session_timeout=1800",
         "https://api.example.com/v1/usage?max_tokens=100&token_type=access", "password_changed_at=2026-01-02 by=policy", "https://app.example.com/password/reset?step=2", "https://app.example.com/tokens?page=2&sort=name",
         "key=region value=eu-north-1", '{"key":"region","value":"eu-north-1"}', "sort_key=created cursor=17", "pinned=true opinion=good", "bypass=no compass=north", "http code=404 status=failed", "exit code: 137", "error code=E0502 line=14",
         "state=running code=0", "signature_count=3", "auth_method=oidc authority=login.example.com", "--max-tokens 4096 --tokenizer fast", "country code: 49"]
EMPTY = ["password=", "password=[REDACTED]", "token: [REDACTED:secret] user=17", '{"password":"[REDACTED]","user":"17"}', "Settings { password: [REDACTED], workers: 4 }", "[REDACTED]", "[REDACTED:email]", "contact [REDACTED:email] about order 17",
         "client hmac-sha256:k1:Zm9vYmFyYmF6cXV4MTIzNA left", 'Settings { api_key: None, workers: 4 }', '{"password":null,"user":"17"}', '{"password":"","user":"17"}', "Authorization: [REDACTED]", "https://[REDACTED]@db-01.internal/orders", "password=[REDACTED:secret]&mode=fast"]
PLACEHOLDERS = ["password=****", "password: ********", "DB_PASSWORD=${DB_PASSWORD}", "api_key: {{ .Values.apiKey }}", "password=<redacted>", 'Login { password: "***", retries: 3 }', "password=$PASSWORD", "token=%TOKEN%", "SELECT * FROM users WHERE password = ?", "password: required", "Authorization: Bearer <token>"]
USER_AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.127 Safari/537.36", "curl/8.5.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
               "aws-sdk-rust/1.3.9 os/linux lang/rust/1.79.0", "kube-probe/1.29", "Googlebot/2.1 (+http://www.google.com/bot.html)", "okhttp/4.12.0", "python-requests/2.32.3"]
PATHS = ["/var/lib/app/data/orders/2026/03/14/segment-000017.log", "C:\\Program Files\\Acme\\bin\\agent.exe", "/etc/ssl/certs/ca-certificates.crt", "src/auth/token/mod.rs:41:9", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "~/.config/app/settings.toml",
         "file:///srv/www/index.html", "s3://bucket/path/2026/q1.csv", "/run/secrets/db_password", "./node_modules/@angular/core/index.js"]
TYPES = ["alloc::sync::Arc<tokio::sync::Mutex<app::auth::Token>>", "core::option::Option<secrecy::SecretString>", "java.lang.IllegalStateException: token stream closed", "com.acme.auth.PasswordEncoder", "builtins.KeyError: 'region'",
         "<app::Session as core::fmt::Debug>::fmt", "app::auth::verify_password::h1f2e3d4c5b6a7988", "std::collections::HashMap<String, Vec<u8>>", "org.springframework.security.authentication.BadCredentialsException: Bad credentials"]
TRACES = ["stack backtrace:\n   0: rust_begin_unwind\n             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/std/src/panicking.rs:645:5\n   1: app::auth::check_token\n             at ./src/auth.rs:41:9",
          "java.lang.NullPointerException\n\tat com.acme.auth.TokenFilter.doFilter(TokenFilter.java:57)\n\tat org.apache.catalina.core.StandardWrapper.invoke(StandardWrapper.java:197)",
          'Traceback (most recent call last):\n  File "/srv/app/password.py", line 31, in check\n    raise ValueError("too short")\nValueError: too short',
          "goroutine 17 [running]:\nmain.(*Server).handle(0xc000012345, {0x7f8a1c2d3e40, 0x12})\n\t/srv/app/main.go:31 +0x1d", "thread 'main' panicked at src/main.rs:17:5:\nindex out of bounds: the len is 3 but the index is 7",
          "called `Result::unwrap()` on an `Err` value: Os { code: 2, kind: NotFound, message: \"No such file or directory\" }"]
SQL = ["SELECT id, password_hash FROM users WHERE id = $1", "UPDATE sessions SET expires_at = now() WHERE token_id = $2 AND active", "INSERT INTO tokens (id, kind) VALUES ($1, $2)", "SELECT count(*) FROM orders WHERE created > '2026-01-01' GROUP BY region",
       "ALTER TABLE users ADD COLUMN password_changed_at timestamptz", "CREATE INDEX users_email_idx ON users (lower(email))", "DELETE FROM api_keys WHERE revoked = true"]
MISC = {
    "cron": ["*/5 * * * *", "0 3 * * 1-5", "@hourly", "15 14 1 * *", "schedule 0 0 */2 * * *"], "locale": ["en-GB,en;q=0.9,de;q=0.8", "sv_SE.UTF-8", "zh-Hant-TW", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"],
    "git-remote": ["git@github.com:acme/site.git", "ssh://git@git.example.com:2222/acme/site.git", "origin git@gitlab.com:acme/tools.git (fetch)", "https://github.com/acme/site.git", "git+ssh://git@github.com/acme/lib.git"],
    "package": ["@angular/core@17.0.1", "installed @types/node@20.11.5 and left-pad@1.3.0", "pkg:npm/%40angular/core@17.0.1", "serde@1.0.204", "acme/web@v1.4.2", "uses: actions/checkout@v4"],
    "unit": ["getty@tty1.service", "user@1000.service: Deactivated successfully", "dev-disk-by\\x2duuid.device", "started postgresql@16-main.service", "session-17.scope"],
    "at-sign": ["@media print", "see @deprecated since 2.1", "at 10:30 @ room 4", "matrix A@B computed", "@Override public String toString()", "price 3 @ 4.50 EUR", "ping @channel please"],
    "equation": ["a=b;c=d", "x = y + z", "retries=3 timeout=30s mode=fast", "a: b, c: d", "k1=v1&k2=v2", "status=200 bytes=512 cached=true", "SELECT=1", "E = m c^2", "1 + 1 = 2"],
    "unicode": ["Grüße aus Köln, schöne Woche", "заказ принят в обработку", "注文を受け付けました", "café naïve façade", "time 10\u202f:\u202f30 and 5\u00a0km", "emoji 👩\u200d💻 joined", "مرحبا بالعالم", "soft\u00adhyphen\u00adated words", "№ 7 — “quoted” text…"],
    "percent": ["100%25 of the quota", "path /a%20b/c%2Fd", "discount of 20% on 3 items", "progress: 41% (7/17)", "https://example.com/search?q=caf%C3%A9%20au%20lait&page=2"],
    "markup": ["<p>Hello &amp; welcome</p>", "<user><name>svc</name><active>true</active></user>", "a &lt; b &amp;&amp; c &gt; d", "# Title\n\n- one\n- two", "<token/>", "<password></password>"],
    "escape": ["line one\\nline two", "C:\\\\temp\\\\new", "\\u00e9t\\u00e9 arrived", "tab\\tseparated", "regex ^\\d{4}-\\d{2}$ matched", "\x1b[32mok\x1b[0m 41 passed"],
    "url": ["https://example.com/docs/auth/tokens#refresh", "https://example.com/?utm_source=mail&utm_campaign=q1", "https://cdn.example.com/app.3f9a2c1b.js", "postgres://db-01.internal:5432/orders", "redis://cache-01.internal:6379/0",
            "https://example.com/a/b?page=2&sort=name&id=4711", "wss://example.com/socket?v=4", "https://example.com/orders/4711/items/3?lang=en#top", "jdbc:postgresql://db-01.internal:5432/orders?ssl=true"],
    "header": ["content-type: application/json; charset=utf-8", "cache-control: no-store, max-age=0", "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_token\"", "Cookie: theme=dark; lang=en", "Accept-Encoding: gzip, br", "x-ratelimit-remaining: 41", "Set-Cookie: theme=dark; Path=/; Max-Age=3600"],
}


def certificates(rng):
    """(name, tier, text) of PEM that holds no secret."""
    dashes = "-" * 5
    block = lambda label, body: f"{dashes}BEGIN {label}{dashes}\n{body}\n{dashes}END {label}{dashes}"
    lines = lambda n: "\n".join(b64(b"\x30\x82" + blob(rng, 46)) for _ in range(n))
    yield "certificate", 1, block("CERTIFICATE", lines(9))
    yield "public-key", 1, block("PUBLIC KEY", lines(4))
    yield "public-key-json", 1, as_json({"kid": "k-17", "pem": block("PUBLIC KEY", lines(4))})
    yield "request", 1, block("CERTIFICATE REQUEST", lines(5))
    yield "header-only", 1, f"the file must start with {dashes}BEGIN PRIVATE " + f"KEY{dashes} and hold one key"
    yield "header-only", 2, f"expected {dashes}BEGIN RSA PRIVATE " + f"KEY{dashes}, found end of file"
    yield "ssh-public", 2, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + b64(blob(rng, 32))[:43] + " build-host"
    yield "fingerprint", 1, f"SHA256:{b64(blob(rng, 32), pad=False)} (ED25519)"
    yield "fingerprint-hex", 2, "fingerprint " + ":".join(pick(rng, HEX, 2) for _ in range(20))
    yield "signature-prose", 2, f"ed25519 signature of segment 17 is {b64(blob(rng, 64))}"


def structures(rng):
    """(name, tier, text) of JSON, Debug, YAML and forms without a secret."""
    n = rng.randrange(10, 999)
    plain = {"order_id": n, "region": "eu-north-1", "items": [{"sku": f"A-{n}", "qty": 2}], "paid": True, "note": None}
    yield "json", 1, as_json(plain)
    yield "json-nested", 1, nested(plain, 1)
    yield "json-usage", 1, as_json({"usage": {"prompt_tokens": n, "total_tokens": n + 88}, "model": "base-2"})
    yield "debug", 1, debug("Order", [("id", str(n)), ("region", '"eu-north-1"'), ("items", "[Item { sku: \"A-17\", qty: 2 }]"), ("note", "None")])
    yield "debug-pretty", 1, pretty("Order", [("id", str(n)), ("region", '"eu-north-1"'), ("paid", "true")])
    yield "yaml", 1, f"order: {n}\nregion: eu-north-1\nitems:\n  - sku: A-17\n    qty: 2"
    yield "form", 1, f"order={n}&region=eu-north-1&step=2"
    yield "argv", 1, f"/usr/bin/worker --shard {n} --region eu-north-1 --verbose --token-ttl 300"
    yield "env", 1, f"RUST_LOG=info\nSHARD={n}\nREGION=eu-north-1\nTOKENIZERS_PARALLELISM=false"
    yield "toml", 1, f'[server]\nport = {8000 + n}\nname = "web-03"\nkeepalive = true'
    yield "matrix", 2, as_json({"rows": [[round(rng.uniform(0, 9), 4) for _ in range(4)] for _ in range(3)]})
    yield "bytes", 2, debug("Frame", [("kind", "Data"), ("payload", "[" + ", ".join(str(rng.randrange(256)) for _ in range(12)) + "]")])
    yield "log", 1, f"2026-03-14T09:26:53.589Z INFO request{{id={n} route=/v1/orders}}: finished status=200 elapsed_ms=41 bytes=51{n}"
    yield "csv", 1, f"2026-03-14,eu-north-1,{n},42.10,EUR,shipped"
    yield "json-dates", 1, as_json({"created": "2024-05-06", "due_date": "2026-03-14", "shipped_at": "2026-03-14T09:26:53Z", "year": 2026})
    yield "json-numbers", 1, as_json({"code": n, "pin_count": 2, "count": 4111, "offset": 123456789012, "ratio": 0.75})
    yield "sizes", 1, f"read {n}123456 bytes in {n} chunks of 65536, crc 0x{pick(rng, HEX, 8)}"


def add(corpus):
    """All families of this module."""
    lists = [("prose-secret", 1, PROSE), ("name-trap-inside", 1, INNER), ("already-redacted", 1, EMPTY), ("placeholder", 2, PLACEHOLDERS), ("user-agent", 1, USER_AGENTS), ("path", 1, PATHS),
             ("type-path", 1, TYPES), ("stack-trace", 1, TRACES), ("harmless-sql", 1, SQL)] + [(name, 1 if name in ("cron", "locale", "git-remote", "equation", "url", "header", "percent") else 2, v) for name, v in MISC.items()]
    for family, tier, values in lists:
        rng = corpus.family(family)
        for value in values:
            corpus.keep(tier, "bare", rng.choice(FIELDS), value)
    rng = corpus.family("long-harmless")
    for number in range(6):
        corpus.keep(1, "long", "message", " ".join(rng.choice(PROSE[:46]) + rng.choice([",", ";", ".", "\n"]) for _ in range(60 + 30 * number)))
    corpus.family("name-trap")
    for field, value in TRAPS.items():
        corpus.keep(1, "name only", field, value)
    for family, make, turns in (("certificate", certificates, 2), ("structure", structures, 3)):
        rng = corpus.family(family)
        for _ in range(turns):
            for name, tier, text in make(rng):
                corpus.keep(tier, name, rng.choice(FIELDS), text, entry=name)

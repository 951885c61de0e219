"""What programs print of themselves: error chains with addresses in them, panics, and Debug of nested structs."""

from carriers import as_json, debug, pretty, rust
from people import local, opaque, password
from shapes import ALNUM, VENDORS, b64, blob, jwt, mixed, uuid

TOKENS = [make for _, tier, make in VENDORS if tier == 1]


def errors(corpus, rng):
    """(name, tier, text) of error messages."""
    o = corpus.optional
    s, t = lambda: corpus.secret(password(rng)), lambda: corpus.secret(opaque(rng))
    v = lambda: corpus.secret(rng.choice(TOKENS)(rng))
    yield "reqwest", 1, f"error sending request for url (https://api.example.com/v1/users?page=2&api_key={t()}): operation timed out"
    yield "reqwest-last", 1, f"error sending request for url (https://api.example.com/v1/users?access_token={t()})"
    yield "reqwest-token", 1, f"HTTP status client error (403 Forbidden) for url (https://api.example.com/v1/charges?limit=3&key={v()})"
    yield "reqwest-debug", 1, (
        'reqwest::Error { kind: Request, url: "https://api.example.com/v1/users?token=' + t() + '&page=2", source: hyper_util::client::legacy::Error(Connect) }'
    )
    yield "reqwest-url", 2, (
        'reqwest::Error { kind: Request, url: Url { scheme: "https", cannot_be_a_base: false, username: "' + o("svc") + '", password: Some("' + s()
        + '"), host: Some(Domain("api.example.com")), port: None, path: "/v1", query: None, fragment: None }, source: TimedOut }'
    )
    yield "sqlx", 1, f"error communicating with database: postgres://{o('app')}:{s()}@db-01.internal:5432/orders: Connection refused (os error 111)"
    yield "chain", 1, f"could not load settings\n\nCaused by:\n    0: could not parse line 4\n    1: invalid value: password={s()}\n    2: expected integer"
    yield "serde", 2, f'invalid type: string "{v()}", expected u64 at line 3 column 21'
    yield "git", 1, f"fatal: unable to access 'https://{o('x-access-token')}:{v()}@github.com/acme/site.git/': The requested URL returned error: 403"
    yield "python", 1, f"requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: /v1/me?access_token={t()} (Caused by NewConnectionError)"
    yield "java", 1, f"java.sql.SQLException: Access denied for connection jdbc:mysql://db-02:3306/shop?user=root&password={s()}\n\tat com.acme.Pool.open(Pool.java:88)"
    yield "go", 1, f'Get "https://api.example.com/v1/items?token={t()}&limit=5": context deadline exceeded'
    yield "body", 1, "unexpected status 401, body: " + as_json({"error": "invalid_client", "client_secret": t(), "hint": "check settings"})
    yield "jwt", 1, f"token verification failed: ExpiredSignature: {corpus.secret(jwt(rng))}"
    yield "openai", 1, f"Incorrect API key provided: {corpus.secret('s' + 'k-' + mixed(rng, ALNUM, 48))}. You can find your key on the settings page."
    yield "command", 1, f'Command "mysqldump --password={s()} --host=db-01 orders" exited with status 2'
    yield "permission", 2, f"login failed for svc-batch with password '{s()}'"


def panics(corpus, rng):
    """(name, tier, text) of panics."""
    o = corpus.optional
    s, t = lambda: corpus.secret(password(rng)), lambda: corpus.secret(opaque(rng))
    v = lambda: corpus.secret(rng.choice(TOKENS)(rng))
    at = f"src/session.rs:{rng.randrange(20, 400)}:17"
    head = f"thread 'tokio-runtime-worker' panicked at {at}:\n"
    yield "bare-token", 1, f"{head}called `Option::unwrap()` on a `None` value for {v()}"
    yield "unwrap", 1, f'{head}called `Result::unwrap()` on an `Err` value: AuthError {{ user: "svc", password: "{s()}", attempts: 3 }}'
    yield "parse", 2, f'{head}called `Result::unwrap()` on an `Err` value: InvalidHeader("{v()}")'
    yield "assert-eq", 2, f'{head}assertion `left == right` failed\n  left: "{v()}"\n right: "{v()}"'
    yield "assert-struct", 1, f'{head}assertion `left == right` failed: settings differ\n  left: Settings {{ api_key: Some("{t()}"), workers: 4 }}\n right: Settings {{ api_key: None, workers: 4 }}'
    yield "expect", 1, f"{head}connect to redis://:{s()}@cache-01.internal:6379/0: Elapsed(())\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"
    yield "old-style", 1, f"thread 'main' panicked at 'bad url https://{o('svc')}:{s()}@api.example.com/v1', {at}"
    yield "python", 2, f'Traceback (most recent call last):\n  File "/srv/app/main.py", line 31, in connect\n    login(user="svc", password="{s()}")\nValueError: refused'
    yield "java", 1, f"Exception in thread \"main\" java.lang.IllegalStateException: token={t()} rejected\n\tat com.acme.auth.Filter.check(Filter.java:57)"
    yield "go", 1, f"panic: dial amqp://{o('svc')}:{s()}@rabbit.internal:5672/: timeout\n\ngoroutine 17 [running]:\nmain.main()\n\t/srv/app/main.go:31 +0x1d"


def structs(corpus, rng):
    """(name, tier, text) of Debug."""
    s, t = lambda: rust(corpus.secret(password(rng))), lambda: rust(corpus.secret(opaque(rng)))
    yield "struct", 1, debug("Account", [("id", "17"), ("password", s()), ("plan", rust("basic"))])
    yield "some", 1, debug("Account", [("id", "17"), ("api_key", f"Some({t()})"), ("plan", rust("basic"))])
    yield "nested", 1, debug("Request", [("path", rust("/v1")), ("auth", debug("Auth", [("client_id", rust("web")), ("client_secret", t())])), ("body", "None")])
    yield "pretty", 1, pretty("Account", [("id", "17"), ("password", s()), ("plan", rust("basic"))])
    yield "pretty-nested", 1, pretty("Request", [("path", rust("/v1")), ("auth", pretty("Auth", [("realm", rust("web")), ("access_token", t())], 1)), ("body", "None")])
    yield "pretty-some", 1, pretty("Account", [("id", "17"), ("api_key", f"Some(\n        {t()},\n    )"), ("plan", rust("basic"))])
    yield "tuple", 2, debug("Login", [("password", f"Password({s()})"), ("remember", "true")])
    yield "ok-some", 2, debug("State", [("refresh_token", f"Ok(Some({t()}))"), ("retries", "2")])
    yield "map", 1, f'{{"region": "eu-north-1", "api_key": {t()}, "mode": "fast"}}'
    yield "header-map", 1, f'{{"accept": "*/*", "authorization": {rust("Bearer " + corpus.secret(opaque(rng)))}, "host": "api.example.com"}}'
    yield "vec", 2, debug("Pool", [("passwords", f"[{s()}, {s()}]"), ("size", "2")])
    yield "bytes", 2, debug("Frame", [("kind", "Auth"), ("password", "[" + corpus.secret(", ".join(str(ord(c)) for c in password(rng))) + "]"), ("retries", "3")])
    yield "byte-string", 2, debug("Frame", [("kind", "Auth"), ("secret", "b" + s()), ("retries", "3")])
    yield "pretty-bytes", 3, "Frame {\n    secret: [\n        " + corpus.secret(",\n        ".join(str(ord(c)) for c in password(rng))) + ",\n    ],\n    retries: 3,\n}"
    yield "raw-ident", 2, debug("Options", [("r#secret", s()), ("workers", "4")])
    yield "json-value", 2, 'Object {"region": String("eu-north-1"), "password": String(' + s() + '), "workers": Number(4)}'
    yield "enum", 1, "Authenticate(" + debug("Credentials", [("user", rust("svc")), ("password", s())]) + ")"
    held = corpus.optional("RwLock { data: ") + t() + corpus.optional(", poisoned: false, .. }")
    yield "arc", 2, debug("Shared", [("token", held), ("workers", "4")])
    yield "cow", 2, debug("Shared", [("client_secret", f"Borrowed({t()})"), ("workers", "4")])
    yield "secret-email", 1, debug("Account", [("id", "17"), ("email", '"' + corpus.secret(local(rng)) + corpus.optional("@example.com") + '"'), ("plan", rust("basic"))])


def logs(corpus, rng):
    """(name, tier, text) of log lines of other programs."""
    t, v = lambda: corpus.secret(opaque(rng)), lambda: corpus.secret(rng.choice(TOKENS)(rng))
    yield "tracing", 1, f"2026-03-14T09:26:53Z  INFO login{{user_id=17 session_token={t()}}}: app::auth: accepted elapsed=3ms"
    yield "access", 1, f'web-03 - - [14/Mar/2026:09:26:53 +0000] "GET /v1/me?fields=id&access_token={t()} HTTP/1.1" 200 512'
    yield "systemd", 1, f"Mar 14 09:26:53 web-03 app[812]: starting with API_KEY={t()} and 16 workers"
    yield "json", 1, as_json({"ts": 1773480413, "level": "info", "msg": f"using key {v()}", "trace_id": uuid(rng).replace("-", "")})
    yield "csv", 2, f"2026-03-14,deploy,{v()},success,41"
    yield "tab", 2, f"deploy\t{v()}\tsuccess\t41"
    yield "k8s", 2, f'Liveness probe failed: Get "http://web:8080/healthz?token={t()}": EOF'
    yield "terraform", 2, f'  + api_token = "{t()}" -> (known after apply)\n  + region    = "eu-north-1"'
    yield "diff", 2, f"-  region: eu-west-1\n+  region: eu-north-1\n-  api_key: {t()}\n+  api_key: {t()}"
    yield "sealed", 2, f"sealed blob attached, api_secret => {corpus.secret(b64(blob(rng, 24)))} (24 bytes)"


def add(corpus):
    """Each form with three different secrets."""
    for family, make, field in (
        ("error", errors, "error.message"), ("panic", panics, "panic.payload"), ("debug", structs, "request"), ("log", logs, "message"),
    ):
        rng = corpus.family(family)
        total = len(list(make(corpus, rng)))
        for number in [n for _ in range(2) for n in range(total)]:
            corpus._known = []
            name, tier, marked = list(make(corpus, rng))[number]
            corpus.redact(tier, family, field, marked, count=(1, 2) if name == "vec" else None, entry=name)

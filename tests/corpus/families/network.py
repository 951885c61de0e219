"""URLs, headers and cookies: the secret stands beside parts that must stay."""

from carriers import as_json
from people import opaque, password
from shapes import ALNUM, BASE32, DIGITS, HEX, UPPER, URL64, b64, blob, jwt, mixed, pick, uuid
from carriers import percent


def signed(corpus, rng):
    """(name, tier, url) of the signed forms of the large stores."""
    s = corpus.secret
    key = "AK" + "IA" + mixed(rng, BASE32, 16)
    yield "s3-v4", 1, (
        "https://reports.s3.eu-west-1.amazonaws.example/2026/q1.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={s(key)}{corpus.optional('%2F20260314%2Feu-west-1%2Fs3%2Faws4_request')}&X-Amz-Date=20260314T092653Z&X-Amz-Expires=900"
        f"&X-Amz-SignedHeaders=host&X-Amz-Signature={s(pick(rng, HEX, 64))}"
    )
    token = b64(blob(rng, 150))
    yield "s3-v4-session", 2, (
        "https://reports.s3.amazonaws.example/q1.csv?X-Amz-Expires=900"
        f"&X-Amz-Security-Token={s(percent(token), token)}&X-Amz-Signature={s(pick(rng, HEX, 64))}"
    )
    sign = b64(blob(rng, 20))
    yield "s3-v2", 2, f"https://reports.s3.amazonaws.example/q1.csv?AWSAccessKeyId={s(key)}&Expires=1773480413&Signature={s(percent(sign), sign)}"
    yield "gcs", 1, (
        "https://storage.googleapis.example/bucket/q1.csv?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=20260314T092653Z"
        f"&X-Goog-Expires=900&X-Goog-Signature={s(pick(rng, HEX, 512))}"
    )
    sas = b64(blob(rng, 32))
    yield "azure-sas", 1, f"https://acme.blob.core.windows.example/data/q1.csv?sv=2023-11-03&sr=b&sp=r&se=2026-03-15T00%3A00%3A00Z&sig={s(percent(sas), sas)}"
    yield "cloudfront", 2, f"https://d111.cloudfront.example/v.mp4?Expires=1773480413&Signature={s(mixed(rng, ALNUM + '-~', 342))}&Key-Pair-Id={corpus.optional('K2JCJMDEHXQW5F')}"
    yield "signature", 1, f"https://cdn.example.com/file.pdf?expires=1773480413&signature={s(pick(rng, HEX, 40))}"


def queries(corpus, rng):
    """(name, tier, url) of secrets in the query, the fragment, the path and the authority."""
    s, o = corpus.secret, corpus.optional
    host = rng.choice(["api.example.com", "login.example.org:8443", "id.example.net"])
    hidden = percent(text := password(rng, hard=True))
    yield "userinfo", 1, f"https://{o('deploy')}:{s(password(rng))}@{host}/repo.git?ref=main"
    yield "userinfo-at", 2, f"https://{o('deploy')}:{s('p@' + mixed(rng, ALNUM, 10))}@{host}/repo.git"
    yield "userinfo-percent", 2, f"https://{o('deploy')}:{s(hidden, text)}@{host}/repo.git"
    yield "userinfo-token", 1, f"https://{s(opaque(rng))}@{host}/acme/repo.git"
    yield "userinfo-oauth2", 1, f"https://oauth2:{s('gl' + 'pat-' + mixed(rng, URL64, 20))}@{host}/acme/repo.git"
    yield "userinfo-empty-user", 2, f"redis://:{s(password(rng))}@cache-01.internal:6379/0"
    yield "query-token", 1, f"https://{host}/v1/me?access_token={s(opaque(rng))}&fields=id"
    yield "query-key", 1, f"https://{host}/maps/json?zoom=11&place=berlin&key={s('AI' + 'za' + mixed(rng, URL64, 35))}&sensor=false"
    yield "query-apikey", 1, f"https://{host}/weather?city=oslo&appid=12&api_key={s(pick(rng, HEX, 32))}"
    yield "query-camel", 1, f"https://{host}/weather?city=oslo&apiKey={s(mixed(rng, ALNUM, 32))}&units=metric"
    yield "query-jwt", 1, f"wss://{host}/socket?transport=websocket&token={s(jwt(rng))}"
    yield "query-jwt-bare", 1, f"https://{host}/confirm?lang=en&t={s(jwt(rng))}"
    yield "fragment", 1, f"https://app.example.com/callback#access_token={s(opaque(rng))}&token_type=bearer&expires_in=3600"
    yield "fragment-id", 2, f"https://app.example.com/callback#state={s(mixed(rng, ALNUM, 24))}&id_token={s(jwt(rng))}&scope=openid"
    yield "oauth-code", 1, f"https://app.example.com/callback?code={s('4/0A' + mixed(rng, URL64, 60))}&state={s(mixed(rng, ALNUM, 32))}&scope=email"
    yield "oauth-code-short", 1, f"https://app.example.com/oauth/callback?code={s(pick(rng, HEX, 20))}&state={s(mixed(rng, URL64, 22))}"
    yield "pkce", 2, f"https://{host}/oauth/token?grant_type=authorization_code&code_verifier={s(mixed(rng, URL64, 64))}&redirect_uri=https%3A%2F%2Fapp.example.com"
    yield "reset-link", 2, f"https://app.example.com/password/reset?email_sent=1&reset_token={s(mixed(rng, ALNUM, 48))}"
    yield "percent-name", 2, f"https://{host}/v1/me?fields=id&access%5Ftoken={s(opaque(rng))}"
    yield "nested-url", 2, f"https://proxy.example.com/fetch?timeout=30&url=https%3A%2F%2F{host.split(':')[0]}%2Fme%3Faccess_token%3D{s(opaque(rng))}"
    yield "slack-webhook", 1, f"https://hooks.slack.com/services/{s('T0' + pick(rng, UPPER + DIGITS, 8) + '/B0' + pick(rng, UPPER + DIGITS, 8) + '/' + mixed(rng, ALNUM, 24))}"
    yield "discord-webhook", 1, f"https://discord.com/api/webhooks/{o(pick(rng, DIGITS[1:], 18) + '/')}{s(mixed(rng, URL64, 68))}"
    yield "teams-webhook", 2, (
        f"https://acme.webhook.office.com/webhookb2/{o(uuid(rng) + '@' + uuid(rng))}/IncomingWebhook/{s(pick(rng, HEX, 32))}/{o(uuid(rng))}"
    )
    yield "telegram-bot", 1, f"https://api.telegram.org/bot{s(pick(rng, DIGITS[1:], 9) + ':A' + 'A' + mixed(rng, URL64, 33))}/sendMessage?chat=7"


def headers(corpus, rng):
    """(name, tier, field or None, value) of header lines and cookies."""
    s, o = corpus.secret, corpus.optional
    basic = lambda: (lambda t: s(b64(t.encode()), t))(f"svc-{rng.randrange(99)}:{password(rng)}")
    digest = o('Digest username="mufasa", realm="testrealm", uri="/dir/index.html", response="') + s(pick(rng, HEX, 32)) + o('"')
    yield "bearer", 1, None, f"Authorization: Bearer {s(opaque(rng))}"
    yield "bearer-lower", 1, None, f"content-type: application/json\nauthorization: bearer {s(opaque(rng))}\naccept: */*"
    yield "bearer-jwt", 1, None, f"GET /v1/me HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer {s(jwt(rng))}\r\nAccept: */*"
    yield "basic", 1, None, f"Authorization: Basic {basic()}"
    yield "proxy", 1, None, f"Proxy-Authorization: Basic {basic()}\nConnection: keep-alive"
    yield "digest", 2, None, f"Authorization: {digest}"
    yield "token-scheme", 1, None, f"Authorization: token {s(pick(rng, HEX, 40))}\nAccept: application/vnd.github+json"
    yield "sigv4", 2, None, (
        f"Authorization: {o('AWS4-HMAC-SHA256 Credential=')}{s('AK' + 'IA' + mixed(rng, BASE32, 16))}{o('/20260314/eu-west-1/s3/aws4_request')}, "
        f"{o('SignedHeaders=host;x-amz-date, Signature=')}{s(pick(rng, HEX, 64))}"
    )
    yield "ssws", 2, None, f"Authorization: SSWS {s('00' + mixed(rng, URL64, 40))}\nAccept: application/json"
    yield "x-api-key", 1, None, f"Host: api.example.com\nX-Api-Key: {s(opaque(rng))}\nContent-Length: 18"
    yield "x-auth-token", 1, None, f"x-auth-token: {s(opaque(rng))}\nuser-agent: curl/8.5.0"
    yield "private-token", 1, None, f"PRIVATE-TOKEN: {s(opaque(rng))}\nuser-agent: curl/8.5.0"
    yield "x-csrf-token", 1, None, f"X-CSRF-Token: {s(mixed(rng, ALNUM, 36))}\nAccept-Language: en-GB"
    yield "header-json", 1, None, as_json({"headers": {"accept": "*/*", "authorization": f"Bearer {s(opaque(rng))}", "x-request-id": uuid(rng)}})
    yield "header-map", 1, None, f'{{"accept": "*/*", "authorization": "Bearer {s(opaque(rng))}", "content-length": "312"}}'
    yield "header-array", 2, None, as_json({"headers": {"accept": ["text/html"], "authorization": [f"Bearer {s(opaque(rng))}"]}})
    yield "header-sensitive", 2, None, f'headers: {{"host": "api.example.com", "x-api-key": "{s(opaque(rng))}", "accept": "text/html"}}'
    yield "cookie", 1, None, f"Cookie: theme=dark; sessionid={s(mixed(rng, LOWER_HEX, 32))}; lang=en-GB"
    yield "cookie-php", 1, None, f"cookie: PHPSESSID={s(mixed(rng, LOWER_HEX, 26))}; consent=granted"
    yield "cookie-java", 2, None, f"Cookie: JSESSIONID={s(mixed(rng, UPPER + DIGITS, 32))}; theme=dark"
    yield "cookie-connect", 2, None, f"Cookie: theme=dark; connect.sid={s('s%3A' + mixed(rng, ALNUM, 32) + '.' + mixed(rng, ALNUM, 43))}; tz=UTC+1"
    yield "set-cookie", 1, None, f"Set-Cookie: session={s(mixed(rng, URL64, 43))}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600"
    yield "set-cookie-csrf", 2, None, f"set-cookie: XSRF-TOKEN={s(mixed(rng, URL64, 40))}; Path=/; Secure"
    yield "cookie-jwt", 1, None, f"Cookie: locale=sv_SE; auth={s(jwt(rng))}; theme=light"
    yield "field-bearer", 1, "http.request.header.authorization", f"{o('Bearer')} {s(opaque(rng))}"
    yield "field-basic", 1, "http.request.header.authorization", f"{o('Basic')} {basic()}"
    yield "field-api-key", 1, "http.request.header.x-api-key", s(opaque(rng))
    yield "bearer-in-prose", 1, None, f"retrying with Bearer {s(jwt(rng))} after the gateway closed the connection"
    yield "bearer-opaque-prose", 2, None, f"sent Bearer {s(opaque(rng))} to the upstream service"


LOWER_HEX = "0123456789abcdefghijklmnopqrstuvwxyz"


def curls(corpus, rng):
    """(name, tier, command line) of the usual clients."""
    s, o = corpus.secret, corpus.optional
    yield "curl-header", 1, f"curl -sS -H 'Authorization: Bearer {s(opaque(rng))}' -H 'Accept: application/json' https://api.example.com/v1/items"
    yield "curl-user", 1, f"curl -u {o('deploy')}:{s(password(rng))} https://api.example.com/v1/items"
    yield "curl-user-long", 2, f"curl --user '{o('deploy')}:{s(password(rng))}' --fail https://api.example.com/v1/items"
    yield "curl-data", 1, f"curl -X POST https://login.example.com/token -d 'grant_type=password&username=svc&password={s(password(rng))}'"
    yield "curl-json", 1, "curl -X POST https://login.example.com/token --data '" + as_json({"grant_type": "password", "password": s(password(rng))}) + "'"
    yield "curl-cookie", 2, f"curl --cookie 'theme=dark; sessionid={s(mixed(rng, ALNUM, 32))}' https://app.example.com/home"
    yield "mysql-p", 2, f"mysql -h db-01 -u root -p{s(password(rng))} orders"
    yield "mysqldump", 1, f"mysqldump --host=db-01 --password={s(password(rng))} --single-transaction orders"
    yield "pg-env", 1, f"PGPASSWORD={s(password(rng))} pg_dump -h db-01 -U app orders"
    yield "sshpass", 2, f"sshpass -p {s(password(rng))} ssh -o StrictHostKeyChecking=no web-03"
    yield "docker-login", 1, f"docker login --username ci --password {s(opaque(rng))} registry.example.com"
    yield "docker-run", 1, f"docker run --rm -e REGION=eu-north-1 -e DB_PASSWORD={s(password(rng))} acme/worker:1.4.2"
    yield "redis-cli", 2, f"redis-cli -h cache-01 -a {s(password(rng))} ping"
    yield "helm-set", 1, f"helm upgrade web ./chart --set image.tag=1.4.2 --set auth.password={s(password(rng))} --wait"
    yield "kubectl", 1, f"kubectl create secret generic web --from-literal=password={s(password(rng))} -n staging"


def add(corpus):
    """All families of this module."""
    rng = corpus.family("url-signed")
    for turn in range(3):
        for number in range(7):
            corpus._known = []
            name, tier, url = list(signed(corpus, rng))[number]
            marked = [url, f"GET {url} -> 403 in 41 ms", as_json({"level": "warn", "source": url, "retries": 3})][turn]
            corpus.redact(tier, ["url", "prose", "json"][turn], "url.full" if not turn else "message", marked, entry=name)
    rng = corpus.family("url")
    total = len(list(queries(corpus, rng)))
    for turn in range(3):
        for number in range(total):
            corpus._known = []
            name, tier, url = list(queries(corpus, rng))[number]
            marked = [url, f"fetching {url} failed with a timeout", as_json({"level": "warn", "source": url, "retries": 3})][turn]
            field = ["url.full", "message", "payload"][turn]
            corpus.redact(tier, ["url", "prose", "json"][turn], field, marked, entry=name)
    rng = corpus.family("header")
    corpus._known = []
    total = len(list(headers(corpus, rng)))
    for turn in range(2):
        for number in range(total):
            corpus._known = []
            name, tier, field, marked = list(headers(corpus, rng))[number]
            count = (1, 6) if name in ("sigv4", "digest") else None
            corpus.redact(tier, "header", field or rng.choice(["message", "request", "detail"]), marked, count, entry=name)
    rng = corpus.family("command-line")
    corpus._known = []
    total = len(list(curls(corpus, rng)))
    for turn in range(2):
        for number in range(total):
            corpus._known = []
            name, tier, marked = list(curls(corpus, rng))[number]
            if turn:
                marked, tier = as_json({"host": "build-07", "exec": marked, "exit_code": 1}), max(tier, 2)
            corpus.redact(tier, "argv" if not turn else "json", "process.command_line" if not turn else "event.original", marked, entry=name)

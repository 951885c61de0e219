"""Notations that programs of other trades use: queries, shells, mail, phones, files of settings, and prose of tickets.

Each line is a template: what stands in braces is drawn anew for each case, and is the secret. `{p}` password, `{t}`
opaque token, `{j}` JSON web token, `{v}` vendor's token, `{b}` base64 of user and password, `{d}` digits of a code,
`{c}` and `{g}` card plain and in groups, `{i}` and `{f}` IBAN plain and in fours, `{s}` social security number, `{n}`
telephone number, `{m}` e-mail address, `{a}` IPv4 address, `{h}` hexadecimal key, `{k}` base64 key.
"""

import re

from carriers import FIELDS
from people import DOMAINS, WORDS, card, grouped, iban, in_fours, ipv4, local, opaque, password, phone, ssn
from shapes import DIGITS, HEX, VENDORS, b64, blob, jwt, pick

COMMON = [make for _, tier, make in VENDORS if tier == 1]
SLOT = re.compile(r"\{([a-z])\}")

# (family, tier, field or None, template)
SECRETS = [
    ("graphql", 1, None, 'mutation { login(input: {username: "svc", password: "{p}"}) { id } }'),
    ("graphql", 2, None, '{"query":"mutation($p: String!) { signIn(password: $p) { ok } }","variables":{"p":"x","password":"{p}"}}'),
    ("graphql", 1, None, '{"operationName":"SignIn","variables":{"input":{"email":"{m}","password":"{p}"}}}'),
    ("docker-inspect", 1, None, '"Env": ["PATH=/usr/bin", "POSTGRES_PASSWORD={p}", "LANG=C.UTF-8"]'),
    ("docker-compose", 1, None, "services:\n  db:\n    environment:\n      - POSTGRES_USER=app\n      - POSTGRES_PASSWORD={p}\n    ports: ['5432']"),
    ("docker-compose", 1, None, "    environment:\n      REDIS_PASSWORD: {p}\n      REDIS_HOST: cache-01"),
    ("k8s-secret", 2, None, "kind: Secret\nmetadata:\n  name: web\nstringData:\n  db-password: {p}\n  region: north"),
    ("k8s-env", 1, None, "- name: API_TOKEN\n  value: {t}\n- name: REGION\n  value: north"),
    ("k8s-env", 2, None, '- name: DB_PASSWORD\n  value: "{p}"\n- name: REGION\n  value: "north"'),
    ("properties", 1, None, "spring.datasource.url=jdbc:h2:mem\nspring.datasource.password={p}\nspring.jpa.show-sql=true"),
    ("properties", 1, None, "# prod\nmail.smtp.password = {p}\nmail.smtp.port = 587"),
    ("ini", 1, None, "[client]\nuser = root\npassword = {p}\nhost = db-01"),
    ("ini", 1, None, '[default]\naws_access_key_id = none\naws_secret_access_key = {k}\nregion = eu-north-1'),
    ("dotenv", 1, None, 'NODE_ENV=production\nJWT_SECRET="{t}"\nPORT=8080'),
    ("dotenv", 1, None, "STRIPE_API_KEY={t}\nDEBUG=false"),
    ("dotenv", 1, None, "DATABASE_URL=postgres://app:{p}@db-01:5432/orders\nPORT=8080"),
    ("hcl", 1, None, 'provider "acme" {\n  region  = "north"\n  api_key = "{t}"\n}'),
    ("json5", 2, None, "{user: 'svc', password: '{p}', retries: 3}"),
    ("jsonl", 1, None, '{"a":1}\n{"user":"svc","password":"{p}"}\n{"b":2}'),
    ("npmrc", 1, None, "//registry.npmjs.example/:_authToken={t}\nalways-auth=true"),
    ("npmrc", 2, None, "//registry.npmjs.example/:_password={k}\nalways-auth=true"),
    ("pypirc", 1, None, "[pypi]\nusername = __token__\npassword = {v}"),
    ("netrc", 2, None, "machine git.example.com\n  login svc\n  password {p}"),
    ("maven", 2, None, "<server><id>repo</id><username>svc</username><password>{p}</password></server>"),
    ("plist", 2, None, "<dict><key>password</key><string>{p}</string><key>port</key><integer>80</integer></dict>"),
    ("soap", 2, None, "<soap:Body><m:Login><m:user>svc</m:user><m:password>{p}</m:password></m:Login></soap:Body>"),
    ("web-config", 2, None, '<add name="Main" connectionString="Server=db-01;Database=shop;User Id=app;Password={p};" />'),
    ("php", 1, None, "$config['db_password'] = '{p}';"),
    ("php", 2, None, "define('DB_PASSWORD', '{p}');"),
    ("ruby", 1, None, 'Parameters: {"user"=>"svc", "password"=>"{p}", "commit"=>"Sign in"}'),
    ("ruby", 2, None, '#<Session id: 17, access_token: "{t}", created_at: "2026-01-02 03:04:05">'),
    ("python", 2, None, "connect(host='db-01', user='svc', passwd='{p}', port=5432)"),
    ("python", 1, None, "Session(id=17, api_key='{t}', active=True)"),
    ("java", 1, None, "LoginRequest(username=svc, password={p}, rememberMe=true)"),
    ("java", 1, None, "LoginRequest{username='svc', password='{p}', rememberMe=true}"),
    ("java", 2, None, "User [id=17, password={p}, active=true]"),
    ("go", 2, None, "{Name:svc Password:{p} Retries:3}"),
    ("go", 2, None, 'config.Options{User:"svc", Password:"{p}", Retries:3}'),
    ("go", 1, None, 'level=error msg="login failed" user=svc password="{p}" retries=3'),
    ("kotlin", 2, None, "AuthConfig(clientId=web, clientSecret={t}, scope=read)"),
    ("js", 1, None, "{ user: 'svc', apiKey: '{t}', retries: 3 }"),
    ("js", 1, None, "AxiosError: Request failed with status code 401 config: { headers: { Authorization: 'Bearer {t}' } }"),
    ("csharp", 2, None, "LoginModel { UserName = svc, Password = {p}, Remember = True }"),
    ("elixir", 2, None, '%{"user" => "svc", "password" => "{p}", "retries" => 3}'),
    ("elixir", 2, None, "[info] config: [username: \"svc\", password: \"{p}\", pool_size: 10]"),
    ("rust-map", 1, None, 'headers: {"x-api-key": "{t}", "accept": "*/*"}'),
    ("rust-tuple", 2, None, '[("user", "svc"), ("password", "{p}"), ("mode", "fast")]'),
    ("rust-url", 1, None, 'Url { scheme: "https", host: Some(Domain("api.example.com")), path: "/v1", query: Some("access_token={t}") }'),
    ("rust-reqwest", 1, None, 'Request { method: GET, url: "https://api.example.com/v1/me?api_key={t}&page=2", headers: {} }'),
    ("rust-anyhow", 1, None, "Error: could not start\n\nCaused by:\n    0: pool\n    1: postgres://app:{p}@db-01/orders: refused"),
    ("rust-display", 1, None, "invalid credentials: api_key={t} (user svc)"),
    ("curl-trace", 1, None, "> GET /v1/me HTTP/1.1\n> Host: api.example.com\n> Authorization: Bearer {t}\n> Accept: */*"),
    ("curl-trace", 1, None, "> Authorization: Basic {b}\n> User-Agent: curl/8.5.0"),
    ("http-raw", 1, None, "POST /login HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nusername=svc&password={p}"),
    ("http-raw", 1, None, "GET / HTTP/1.1\r\nX-Api-Key: {t}\r\nAccept: */*\r\n\r\n"),
    ("header", 1, None, "X-Auth-Token: {t}"), ("header", 1, None, "PRIVATE-TOKEN: {t}"), ("header", 1, None, "X-Vault-Token: {t}"),
    ("header", 1, None, "X-Amz-Security-Token: {k}"), ("header", 1, None, "Proxy-Authorization: Basic {b}"),
    ("header", 2, None, "Ocp-Apim-Subscription-Key: {h}"), ("header", 1, None, "X-CSRF-Token: {t}"), ("header", 2, None, "x-functions-key: {k}"),
    ("header", 2, None, "X-Goog-Api-Key: {t}"), ("header", 1, None, "DD-API-KEY: {h}"), ("header", 2, None, "X-Shopify-Access-Token: {t}"),
    ("header", 1, None, "Authorization: Token {t}"), ("header", 2, None, "Authorization: ApiKey {t}"), ("header", 2, None, 'Authorization: Token token="{t}"'),
    ("header", 2, None, "authorization=[Bearer {t}], accept=[*/*]"), ("header", 2, None, '"authorization": ["Bearer {t}"], "accept": ["*/*"]'),
    ("header", 1, None, "Cookie: lang=en; sessionid={t}; theme=dark"), ("header", 1, None, "Set-Cookie: auth_token={t}; Path=/; HttpOnly; Secure"),
    ("header", 2, None, "Cookie: JSESSIONID={h}; lang=en"), ("header", 2, None, "set-cookie: connect.sid=s%3A{t}; Path=/; HttpOnly"),
    ("header", 1, "http.request.header.authorization", "Bearer {t}"), ("header", 1, "authorization", "Basic {b}"), ("header", 1, "x-api-key", "{t}"),
    ("header", 2, "cookie", "theme=dark; sessionid={t}; lang=en"), ("header", 2, "http.response.header.set_cookie", "sid={t}; Path=/; HttpOnly"),
    ("ws", 2, None, "wss://stream.example.com/socket?token={t}&v=4"),
    ("url", 1, "url.full", "https://example.com/api?key={t}&page=2"), ("url", 1, "url.query", "api_key={t}&page=2"),
    ("url", 1, "url.full", "https://svc:{p}@git.example.com/acme/site.git"), ("url", 2, "url.full", "https://example.com/cb#access_token={t}&token_type=bearer"),
    ("url", 1, "url.full", "https://maps.example.com/json?key={v}&q=berlin"), ("url", 2, "url.full", "https://example.com/unsubscribe?token={j}"),
    ("url", 1, "url.full", "https://acct.blob.core.windows.net/c/f.csv?sv=2024-05-04&se=2026-01-02&sr=b&sp=r&sig={t}%3D"),
    ("url", 1, "url.full", "https://bucket.s3.amazonaws.com/k.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-Signature={h}"),
    ("url", 1, "url.full", "https://storage.googleapis.com/b/o.csv?X-Goog-Date=20260102T030405Z&X-Goog-Signature={h}"),
    ("url", 2, "url.full", "https://d1.cloudfront.example/x.m3u8?Expires=1767225600&Signature={t}&Key-Pair-Id=K17"),
    ("url", 2, "url.full", "https://app.example.com/callback?code={t}&state={t}"), ("url", 2, "url.full", "https://example.com/verify?otp={d}&user=17"),
    ("url", 2, "url.full", "https://example.com/password/reset/{h}"), ("url", 2, "url.full", "https://example.com/magic-link?token={t}"),
    ("redirect", 2, None, "302 -> https://sso.example.com/login?next=%2Fhome&session_token={t}"),
    ("sql", 1, "db.query.text", "UPDATE users SET password='{p}' WHERE id=17"),
    ("sql", 1, "db.query.text", "SELECT id FROM users WHERE email='{m}' AND active"),
    ("sql", 1, "db.query.text", "ALTER USER app WITH ENCRYPTED PASSWORD '{p}'"),
    ("sql", 2, "db.query.text", "INSERT INTO accounts (name, api_key, region) VALUES ('web', '{t}', 'north')"),
    ("sql", 2, "db.query.text", "SET PASSWORD FOR 'app'@'%' = PASSWORD('{p}')"),
    ("sql", 2, "db.query.text", "CREATE ROLE app LOGIN PASSWORD '{p}'"),
    ("sql", 2, "db.query.text", "CREATE SUBSCRIPTION s CONNECTION 'host=db-01 user=rep password={p}' PUBLICATION p"),
    ("mongo", 2, None, 'db.createUser({ user: "svc", pwd: "{p}", roles: ["read"] })'),
    ("redis", 2, None, "CONFIG SET requirepass {p}"),
    ("ldap", 2, None, "dn: uid=svc,dc=example\nuserPassword: {p}\ncn: svc"),
    ("smtp", 3, None, "AUTH PLAIN {b}"),
    ("ftp", 3, None, "USER svc\r\nPASS {p}\r\nSYST"),
    ("imap", 3, None, "a1 LOGIN svc {p}"),
    ("shell", 1, None, "export AWS_SECRET_ACCESS_KEY={k}"), ("shell", 1, None, "$env:API_TOKEN = '{t}'"), ("shell", 1, None, "set DB_PASSWORD={p}"),
    ("shell", 1, None, "vault login -method=token token={t}"), ("shell", 2, None, "mysql -uroot -p{p} -e 'select 1'"), ("shell", 2, None, "PGPASSWORD='{p}' psql -h db-01"),
    ("shell", 1, None, "gh auth login --with-token {v}"), ("shell", 1, None, "az login --service-principal -u app --password {p} --tenant acme"),
    ("shell", 2, None, "openssl enc -aes-256-cbc -pass pass:{p} -in a -out b"), ("shell", 2, None, "keytool -genkey -storepass {p} -alias web"),
    ("shell", 2, None, "net use \\\\host\\share /user:svc /password:{p}"), ("shell", 1, None, "java -Dapi.key={t} -Xmx2g -jar app.jar"),
    ("shell", 1, None, "java -Djavax.net.ssl.keyStorePassword={p} -jar app.jar"), ("shell", 2, None, "docker login -u svc --password={p} registry.example.com"),
    ("shell", 2, None, "http POST example.com/login username=svc password={p}"), ("shell", 1, None, "wget --http-password={p} https://example.com/f"),
    ("shell", 1, None, "ansible-playbook site.yml -e 'db_password={p} region=north'"), ("shell", 1, "process.command_line", '["app","--api-key={t}","--port","80"]'),
    ("shell", 1, "process.command_args", '["app","--password","{p}","--port","80"]'), ("shell", 2, None, "curl -H 'X-API-Key: {t}' https://api.example.com"),
    ("shell", 1, None, 'curl -d \'{"client_secret":"{t}","grant_type":"client_credentials"}\' https://login.example.com/token'),
    ("chat", 3, None, "hi, my password is {p} can you check?"), ("chat", 3, None, "use token {t} for the demo"), ("chat", 3, None, "the db password was changed to {p} today"),
    ("chat", 3, None, "pw: {p}"), ("chat", 3, None, "login with svc / password: {p}"), ("chat", 3, None, "your code is {d}, it expires in 5 minutes"),
    ("chat", 3, None, "Your verification code is {d}."), ("chat", 3, None, "OTP {d} for login"), ("chat", 3, None, "PIN is {d}"),
    ("chat", 3, None, "secret = {t}"), ("chat", 3, None, "credentials: svc / {p}"), ("chat", 3, None, "API key - {t}"),
    ("pii", 1, None, "customer {m} asked for a refund"), ("pii", 1, None, "mail from=<{m}> to=<{m}> size=512"), ("pii", 1, None, '{"to":["{m}","{m}"],"subject":"hi"}'),
    ("pii", 1, None, "card {c} declined"), ("pii", 1, None, "charged {g} for order 17"), ("pii", 1, None, '{"pan":"{c}","exp":"12/29"}'),
    ("pii", 1, None, "Payment { card: \"{g}\", amount: 42 }"), ("pii", 2, None, '{"card":{c},"amount":42}'), ("pii", 2, None, '{"cards":[{c},{c}],"n":2}'),
    ("pii", 1, None, "IBAN {f} on file"), ("pii", 1, None, "transfer to {i} failed"), ("pii", 1, None, '{"iban":"{i}","amount":42}'),
    ("pii", 1, None, "ssn {s} on file"), ("pii", 1, None, '{"ssn":"{s}","plan":"basic"}'), ("pii", 1, None, "called {n} twice"),
    ("pii", 1, None, '{"phone":"{n}","plan":"basic"}'), ("pii", 1, None, "sms to {n}: queued"), ("pii", 1, None, "client {a} disconnected"),
    ("pii", 1, None, '{a} - - [14/Mar/2026:09:26:53 +0000] "GET / HTTP/1.1" 200 512'), ("pii", 1, None, "X-Forwarded-For: {a}, {a}"),
    ("pii", 1, None, '{"remote_addr":"{a}","status":200}'), ("pii", 1, None, "connect to {a}:5432 timed out"), ("pii", 2, None, "Peer(V4({a}:5432))"),
    ("pii", 1, "client.address", "{a}"), ("pii", 1, "user.email", "{m}"), ("pii", 1, "user.phone", "{n}"), ("pii", 1, "payment.card", "{g}"), ("pii", 2, "contact", "{m}"),
    ("pii", 2, None, "user%3D{m}%26x"), ("pii", 2, None, "mailto:{m}?subject=hi"), ("pii", 2, None, "tel:{n}"), ("pii", 2, None, "https://example.com/users/{m}/orders?page=2"),
    ("sentry", 1, None, "https://{h}@o17.ingest.sentry.example/42"), ("sentry", 2, "dsn", "https://{h}:{h}@sentry.example.com/42"),
    ("amqp", 1, None, "connecting to amqps://svc:{p}@mq.example.com/vhost failed"), ("ssh", 2, None, "sftp://svc:{p}@files.example.com:22/in"),
    ("proxy", 1, None, "HTTPS_PROXY=http://svc:{p}@proxy.example.com:3128 NO_PROXY=localhost"), ("proxy", 1, None, "--proxy http://svc:{p}@proxy.example.com:3128"),
    ("mqtt", 2, None, "mqtt://dev17:{p}@broker.example.com:1883?clientId=a"), ("git", 1, None, "Cloning into 'site'... remote: https://oauth2:{v}@git.example.com/acme/site.git"),
    ("git", 1, None, "https://{v}@git.example.com/acme/site.git"), ("pip", 1, None, "--extra-index-url https://svc:{p}@pypi.example.com/simple"),
]

HARMLESS = [
    (1, None, "query Me { me { id name orders(first: 10) { id } } }"), (1, None, "services:\n  db:\n    image: postgres:16\n    ports: ['5432']"),
    (1, None, "auth: none, tls: off, region: north"), (1, None, "authentication took 17 ms for tenant acme"), (1, None, "password reset link sent"), (1, None, "the session was closed by the peer"),
    (1, None, "token bucket: 17 of 40 left"), (1, None, "api key rotation is due in 3 days"), (1, None, "no credentials configured, using defaults"), (1, None, "loaded 3 secrets from the store in 12 ms"),
    (1, None, "invalid password for user 17"), (1, None, "password mismatch"), (1, None, "Incorrect username or password."), (1, None, "missing required field: password"), (1, None, "key not found: region"),
    (1, None, "cache key orders:17:eu missed"), (1, None, "secret santa list published"), (1, None, "tokenization of 1187 words took 3 ms"), (1, None, "private beta opens on Monday"), (1, None, "access token refreshed"),
    (1, None, "pin code required"), (1, None, "cookie policy accepted"), (1, None, "signature: valid"), (1, None, "certificate fingerprint matches"), (1, None, "authorization: granted"), (1, None, "auth: ok"),
    (1, None, "pass 17 of 40 complete"), (1, None, "3 passed, 1 failed, 2 skipped"), (1, None, "keys: [region, zone, host]"), (1, None, "missing keys: a, b, c"), (1, None, "sort key = created_at desc"),
    (1, None, "phone support is closed"), (1, None, "address already in use"), (1, None, "email queue drained"), (1, None, "card reader ready"), (1, None, "account 17 locked"), (1, None, "name resolution failed"),
    (1, None, "ETag: W/\"5e3f-17a9c2b4d10\""), (1, None, "x-request-id: 7f3c2b1a-9d4e-4c5f-8a6b-1c2d3e4f5a6b"), (1, None, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    (1, None, "if-none-match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\""), (1, None, "content-md5: Q2hlY2sgSW50ZWdyaXR5IQ=="), (1, None, "accept-language: en-GB,en;q=0.9"),
    (1, None, "2026-03-14T09:26:53.123456789Z"), (1, None, "20260314092653"), (1, None, "1773480413123"), (1, None, "1773480413123456789"), (1, None, "took 1.234567ms"), (1, None, "0xdeadbeefcafebabe"), (1, None, "0x00007f8a1c2d3e40"),
    (1, None, "v1.22.333-rc.4+build.5"), (1, None, "rustc 1.95.0 (90b35a623 2026-03-01)"), (1, None, "10.0.22631.3447"), (1, "app.version", "4.18.2.1099"), (1, None, "Chrome/126.0.6478.127"), (1, None, "1.3.6.1.4.1.311.21.20"),
    (1, None, "std::collections::HashMap"), (1, None, "a::b::c"), (1, None, "[::]:443"), (1, None, "::1"), (1, None, "dead::beef"), (1, None, "127.0.0.1:8080"), (1, None, "0.0.0.0:80"), (1, None, "time 12:34:56"), (1, None, "ratio 16:9"),
    (1, None, "lat=52.520008 lon=13.404954"), (1, None, "geo:48.8584,2.2945"), (1, None, "total 1,234,567.89 EUR"), (1, None, "ISBN 978-3-16-148410-0"), (1, None, "order 4111-2222"), (1, None, "invoice INV-2026-000417"),
    (1, None, "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"), (1, None, "commit 356a192b7913b04c54574d18c28d46e6395428ab"), (1, None, "md5 d41d8cd98f00b204e9800998ecf8427e"),
    (1, "request.id", "01J9Z3NDEKTSV4RRFFQ69G5FAV"), (1, "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), (1, "session.id", "7f3c2b1a-9d4e-4c5f-8a6b-1c2d3e4f5a6b"), (1, "order.id", "ord_17c2b4d10a9f"), (1, "user.id", "u-417"), (1, "message.id", "<20260314092653.17@mx>"),
    (1, "token_count", "417"), (1, "keyboard", "dvorak"), (1, "secretary", "Ines"), (1, "passenger", "17A"), (1, "author", "ines"), (1, "compass", "SW"), (1, "tokenizer.name", "bpe"), (1, "auth.method", "oidc"), (1, "passwordless", "true"),
    (1, "card_brand", "visa"), (1, "email_template", "welcome"), (1, "phone_type", "mobile"), (1, "ip_family", "v6"), (1, "address_count", "3"), (1, "key_usage", "sign"), (1, "cookie_consent", "given"), (1, "session_length", "1800"),
    (1, "otp_enabled", "true"), (1, "pinning", "strict"), (1, "credit_limit", "1000"), (1, "cardinality", "417"), (1, "accountant", "Ines"), (1, "primary_key", "id"), (1, "keyed", "yes"), (1, "bearer_count", "3"), (1, "salted", "true"),
    (2, None, "password: <none>"), (2, None, "api_key=YOUR_API_KEY"), (2, None, "token: null, retries: 3"), (2, None, "api_key: ${{ secrets.API_KEY }}"), (2, None, "password: !vault web"),
    (2, None, "secret: *****"), (2, None, "password=xxxxxxxx"), (2, None, "Authorization: Bearer ***"), (2, None, "token=…"), (2, None, 'password: ""'), (2, None, "os.environ['API_KEY']"), (2, None, "let token = get_token();"),
    (2, None, "if password == confirm {"), (2, None, "fn check(token: &str) -> bool"), (2, None, "SELECT password FROM users WHERE id = 17"), (2, None, "token := r.Header.Get(\"X-Token\")"), (2, None, "password = self.config.password"),
]


def drawn(corpus, rng, letter):
    """The marked text that a letter stands for."""
    s = corpus.secret
    if letter == "b":
        text = f"svc-{rng.randrange(99)}:{password(rng)}"
        return s(b64(text.encode()), text)
    if letter == "m":
        return s(local(rng)) + corpus.optional("@" + rng.choice(DOMAINS))
    if letter == "a":
        return s(ipv4(rng), whole=True)
    return s({
        "p": lambda: password(rng), "t": lambda: opaque(rng), "j": lambda: jwt(rng), "v": lambda: rng.choice(COMMON)(rng), "d": lambda: pick(rng, DIGITS[1:], 6),
        "c": lambda: card(rng, rng.choice(["visa", "mastercard", "amex"])), "g": lambda: grouped(card(rng, rng.choice(["visa", "mastercard"])), rng.choice(" -")),
        "i": lambda: iban(rng), "f": lambda: in_fours(iban(rng)), "s": lambda: ssn(rng), "n": lambda: phone(rng), "h": lambda: pick(rng, HEX, 32), "k": lambda: b64(blob(rng, 30)),
    }[letter]())


def add(corpus):
    """Each template once, and the harmless texts that look most like them."""
    rng = corpus.family("elsewhere")
    for number, (family, tier, field, template) in enumerate(SECRETS):
        marked = SLOT.sub(lambda match: drawn(corpus, rng, match.group(1)), template)
        corpus.redact(tier, family, field or rng.choice(FIELDS), marked, entry=f"{family}-{number}")
    rng = corpus.family("elsewhere-harmless")
    for tier, field, value in HARMLESS:
        corpus.keep(tier, "elsewhere", field or rng.choice(FIELDS), value)

"""Secrets beside something that is not their name: in brackets, said before it, behind another value, under a label.

Templates as in `elsewhere`.
"""

from carriers import FIELDS

from .elsewhere import SLOT, drawn

SECRETS = [
    ("brackets", 1, "{grant_type=[password], username=[svc], password=[{p}]}"), ("brackets", 2, "formData={client_secret=[{t}], grant_type=[client_credentials]}"),
    ("brackets", 2, "map[Accept:[*/*] X-Api-Key:[{t}] User-Agent:[Go-http-client/1.1]]"), ("brackets", 2, "map[Authorization:[Bearer {t}] Accept:[*/*]]"),
    ("brackets", 2, 'http.Header{"Accept":[]string{"*/*"}, "X-Api-Key":[]string{"{t}"}}'),
    ("value-first", 2, '{"value":"{p}","name":"DB_PASSWORD"}'), ("value-first", 2, '[{"Value":"{t}","Key":"API_TOKEN"},{"Value":"north","Key":"REGION"}]'),
    ("pair", 2, "ParameterKey=DBPassword,ParameterValue={p}"), ("pair", 2, "- ParameterKey: DBPassword\n  ParameterValue: {p}"), ("pair", 2, "Name=DB_PASSWORD,Value={p}"),
    ("pair", 2, '{"errors":[{"field":"password","rejectedValue":"{p}","message":"too short"}]}'), ("pair", 2, '{"Name":"/prod/db/password","Type":"SecureString","Value":"{p}","Version":3}'),
    ("element", 2, '<entry key="password">{p}</entry>'), ("element", 2, '<setting name="Password"><value>{p}</value></setting>'), ("element", 2, '<string name="api_key">{t}</string>'),
    ("nested", 2, '{"password":{"old":"{p}","new":"{p}"},"n":1}'), ("nested", 2, '{"secrets":[{"db":"{t}"}],"n":1}'),
    ("nested", 2, 'Config { credentials: Credentials { user: "svc", key: "{h}" }, retries: 3 }'),
    ("dump", 2, 'array(1) {\n  ["api_key"]=>\n  string(32) "{h}"\n}'), ("yaml", 2, "password: &pw {p}\nuser: svc"), ("yaml", 2, "password: !!str {p}\nuser: svc"),
    ("login", 2, "requests.get(url, auth=('svc', '{p}'))"), ("login", 2, "HTTPBasicAuth('svc', '{p}')"), ("login", 3, "credentials are svc / {t}"),
    ("change", 2, '  ~ password = "{p}" -> "{p}"\n    port     = 5432'), ("fallback", 3, "'password' => env('DB_PASSWORD', '{p}'),"),
    ("argument", 2, "pulumi config set --secret dbPassword {p}"), ("argument", 2, "gh secret set API_KEY --body {t} -R acme/app"),
    ("argument", 2, "aws ssm put-parameter --name /db/password --value {p} --type SecureString"), ("argument", 3, "unzip -P {t} a.zip"),
    ("label", 2, "**Password:** {p}"), ("label", 2, "<b>API key:</b> {t}"), ("label", 2, "Unseal Key 1: {k}"), ("table", 2, "password        {h}\nusername        svc"),
    ("declared", 2, 'const apiKey string = "{t}"'), ("declared", 3, 'public string Password { get; set; } = "{p}";'), ("declared", 3, "API_KEY ?= {t}"),
    ("scheme", 2, "Authorization: GenieKey {t}"), ("session", 2, "GET /cart;jsessionid={h}?page=2"), ("session", 2, "user=svc PHPSESSID={h} n=3"),
    ("redis", 2, '"AUTH" "{t}"'), ("dsn", 2, "svc:{t}@ab12345/main/public?warehouse=WH"), ("oracle", 3, "sqlplus svc/{t}@db-01:1521/orders"),
    ("context", 1, "java -Dpassphrase={h} -Xmx512m"), ("context", 2, "BORG_PASSPHRASE={h} borg create"), ("context", 2, "CREDENTIALS=(AWS_KEY_ID='AKI' AWS_SECRET_KEY='{k}')"),
    ("wire", 2, 'http-outgoing-0 >> "Authorization: Bearer {t}[\\r][\\n]"'), ("stripe", 2, "swipe %B{c}^DOE/JOHN^2712101?"),
]

HARMLESS = [
    (1, "password=[is too short, must contain a digit]"), (1, "token=[INVALID] user=[svc]"), (1, "INFO app::token: [worker-12] renewed"), (1, '{"tokens":[12,13,14],"n":3}'),
    (1, '{"value":"required","name":"password"}'), (1, '<label for="password">Forgot password?</label>'), (1, '<string name="password_hint">Enter your password</string>'),
    (1, '{"password":{"min":"8","max":"64"}}'), (1, '{"secrets":[{"name":"db-creds","type":"Opaque"}]}'), (1, '{"tokens":[{"type":"ident","text":"foo"}]}'),
    (1, "token: a -> b"), (1, "**Password:** required"), (1, "primary key 1: id, token 3: identifier expected"), (1, "password    type       null\nvarchar     required   no"),
    (1, "authorization: denied 550e8400-e29b-41d4-a716-446655440000"), (1, "JSESSIONID missing, PHPSESSID: none"), (1, "docker pull repo/image:tag12345@sha256:abcdef0123456789"),
    (1, "npm i lodash:abc12345@4.17.21"), (1, "unzip -p a.zip file"), (2, "HTTPBasicAuth('svc', password)"), (2, "pulumi config set --secret dbPassword"), (2, "password=[PROTECTED]"),
]


def add(corpus):
    """Each template once, and the harmless texts that look most like them."""
    rng = corpus.family("beside")
    for number, (family, tier, template) in enumerate(SECRETS):
        marked = SLOT.sub(lambda match: drawn(corpus, rng, match.group(1)), template)
        corpus.redact(tier, family, rng.choice(FIELDS), marked, entry=f"{family}-{number}")
    rng = corpus.family("beside-harmless")
    for tier, value in HARMLESS:
        corpus.keep(tier, "beside", rng.choice(FIELDS), value)

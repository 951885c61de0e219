"""Secrets that only a name gives away: a key inside the value in every carrier, or the name of the field itself."""

import re

from carriers import FIELDS, as_json, as_json_spaced, debug, nested, percent, pretty, rust
from people import card, iban, local, DOMAINS, name, opaque, password, phone, ssn, WORDS
from shapes import ALNUM, DIGITS, mixed, pick

# Words of a name that makes a secret, with the kind of value that it holds.
SECRET_NAMES = [
    ("password", "word"), ("passwd", "word"), ("pwd", "word"), ("passphrase", "word"), ("user password", "word"),
    ("db password", "word"), ("admin password", "word"), ("new password", "word"), ("password confirmation", "word"),
    ("secret", "opaque"), ("client secret", "opaque"), ("app secret", "opaque"), ("shared secret", "opaque"),
    ("secret key", "opaque"), ("api key", "opaque"), ("api secret", "opaque"), ("x api key", "opaque"), ("api token", "opaque"),
    ("access token", "opaque"), ("refresh token", "opaque"), ("id token", "opaque"), ("auth token", "opaque"),
    ("bearer token", "opaque"), ("session token", "opaque"), ("csrf token", "opaque"), ("xsrf token", "opaque"),
    ("access key", "opaque"), ("secret access key", "opaque"), ("aws secret access key", "opaque"), ("private key", "opaque"),
    ("encryption key", "opaque"), ("signing key", "opaque"), ("master key", "opaque"), ("account key", "opaque"),
    ("webhook secret", "opaque"), ("jwt secret", "opaque"), ("hmac key", "opaque"), ("service token", "opaque"),
    ("credentials", "opaque"), ("authorization", "opaque"), ("proxy authorization", "opaque"), ("cookie", "opaque"),
    ("session id", "opaque"), ("session cookie", "opaque"), ("token", "opaque"), ("otp", "pin"), ("totp secret", "opaque"),
    ("one time password", "pin"), ("pin", "pin"), ("cvv", "pin"), ("cvc", "pin"), ("security code", "pin"), ("two factor code", "pin"),
    ("recovery code", "word"), ("security answer", "word"), ("mfa secret", "opaque"), ("verification code", "pin"), ("ssh key", "opaque"),
]
assert len(SECRET_NAMES) == 58
AMBIGUOUS = {"session id", "cookie", "credentials", "token", "pin", "otp", "security answer", "recovery code", "two factor code", "verification code", "ssh key", "security code"}


UNSURE = {"session id", "security answer", "recovery code", "two factor code", "verification code", "ssh key"}


def spelled(words, style):
    """A name in one of the spellings that code uses."""
    parts = words.split()
    if style == "camel":
        return parts[0] + "".join(p.title() for p in parts[1:])
    if style == "pascal":
        return "".join(p.title() for p in parts)
    if style == "screaming":
        return "_".join(parts).upper()
    mark = {"snake": "_", "kebab": "-", "dotted": "."}[style]
    return mark.join(parts)


STYLES = ["snake", "camel", "kebab", "dotted", "screaming", "pascal"]


def kind_of_value(rng, kind):
    """A value for a name: a dictionary word or two, random text, or a short number."""
    if kind == "pin":
        return pick(rng, DIGITS, rng.choice([4, 6]))
    if kind == "opaque":
        return opaque(rng)
    return password(rng)


def field_names(corpus):
    """The field's name alone: the value is plain words, so that nothing else can find it."""
    rng = corpus.family("field-name")
    for number, (words, _) in enumerate(SECRET_NAMES):
        for turn in range(2):
            style = STYLES[(number + turn * 3 + rng.randrange(3)) % len(STYLES)]
            field = spelled(words, style)
            if turn and rng.random() < 0.4:
                field = rng.choice(["user.", "request.body.", "config.", "params."]) + field
            text = f"{rng.choice(WORDS)}{rng.choice([' ', '-', ''])}{rng.choice(WORDS)}"
            tier = 2 if words in UNSURE or (words in AMBIGUOUS and turn) else 1
            corpus.redact(tier, "name only", field, corpus.secret(text), entry=words.replace(" ", "-"))


def personal_names(corpus):
    """Personal data by the field's name."""
    rng = corpus.family("field-name-personal")
    street = lambda: f"{rng.randrange(11, 980)} {rng.choice(WORDS).title()} {rng.choice(['Street', 'Avenue', 'Lane'])}"
    born = lambda: f"{rng.randrange(1941, 2005)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    made = [
        ("email", 1, lambda: f"{local(rng)}@{rng.choice(DOMAINS)}"), ("user email", 1, lambda: f"{local(rng)}@{rng.choice(DOMAINS)}"),
        ("email address", 1, lambda: f"{local(rng)}@{rng.choice(DOMAINS)}"), ("phone", 1, lambda: phone(rng)),
        ("phone number", 1, lambda: pick(rng, "23456789", 10)), ("mobile number", 2, lambda: "0" + pick(rng, "23456789", 9)),
        ("ssn", 1, lambda: ssn(rng).replace("-", "")), ("social security number", 1, lambda: ssn(rng)),
        ("date of birth", 1, born), ("dob", 1, born), ("birth date", 2, born), ("card number", 1, lambda: card(rng)),
        ("credit card", 1, lambda: card(rng)), ("iban", 1, lambda: iban(rng)), ("address", 2, street), ("home address", 1, street),
        ("street address", 1, street), ("first name", 2, lambda: name(rng).split()[0]), ("last name", 2, lambda: name(rng).split()[1]),
        ("full name", 2, lambda: name(rng)), ("passport number", 2, lambda: "C" + pick(rng, DIGITS, 8)),
        ("bank account number", 2, lambda: pick(rng, "123456789", 9)), ("tax id", 2, lambda: pick(rng, "123456789", 9)),
        ("driver license", 2, lambda: "D" + pick(rng, DIGITS, 7)), ("national id", 2, lambda: pick(rng, "123456789", 11)),
    ]
    for words, tier, make in made:
        for style in rng.sample(STYLES, 2):
            text = make()
            if "@" in text:
                front, back = text.split("@")
                marked = corpus.secret(front) + corpus.optional("@" + back)
            else:
                marked = corpus.secret(text)
            corpus.redact(tier, "name only", spelled(words, style), marked, count=1, entry=words.replace(" ", "-"))


def screaming(key):
    """A name of any spelling as an environment variable has it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[-.]", "_", key).upper()


def carriers(rng, key, s, quote):
    """(carrier, tier, value) of one key and its secret in all notations; `quote`: the secret needs quotes."""
    number = rng.randrange(10, 999)
    member = key.replace("-", "_")
    quoted = [
        ("json", 1, as_json({"user": f"u-{number}", key: s, "active": True})),
        ("json", 1, as_json_spaced({"level": "info", "data": {"region": "eu-north-1", key: s}, "attempt": number})),
        ("json-json", 2, nested({"user": f"u-{number}", key: s, "mode": "fast"}, 1)),
        ("json-json-json", 2, nested({"user": f"u-{number}", key: s, "mode": "fast"}, 2)),
        ("debug", 1, debug("LoginRequest", [("user_id", str(number)), (member, rust(s)), ("remember", "true")])),
        ("debug-some", 1, debug("Settings", [("host", rust("db-01")), (member, f"Some({rust(s)})"), ("port", "5432")])),
        ("debug-pretty", 1, pretty("Settings", [("region", rust("eu-north-1")), (member, rust(s)), ("workers", "16")])),
        ("debug-pretty-some", 2, pretty("Settings", [("region", rust("eu-north-1")), (member, f"Some(\n        {rust(s)},\n    )"), ("workers", "16")])),
        ("debug-newtype", 2, debug("Settings", [(member, f"Secret({rust(s)})"), ("workers", "16")])),
        ("debug-map", 2, f'{{"region": "eu-north-1", "{key}": String("{s}"), "workers": Number(16)}}'),
        ("toml", 1, f'[database]\nhost = "db-01"\n{key} = "{s}"\npool = 16'),
        ("python", 2, f"{{'region': 'eu-north-1', '{key}': '{s}', 'workers': 16}}"),
        ("arrow", 2, f'{{:region=>"eu-north-1", :{member}=>"{s}", :workers=>16}}'),
        ("argv-quoted", 1, f"importer --batch 500 --{key.replace('_', '-')} '{s}' --verbose"),
        ("argv-list", 2, f'["importer", "--{key.replace("_", "-")}", "{s}", "--verbose"]'),
        ("xml", 2, f"<config><region>eu-north-1</region><{key}>{s}</{key}><workers>16</workers></config>"),
        ("xml-attribute", 2, f'<add name="primary" {key}="{s}" timeout="30"/>'),
        ("yaml-quoted", 1, f'region: eu-north-1\n{key}: "{s}"\nworkers: 16'),
    ]
    open_ = [
        ("pair", 1, f"login attempt user=u-{number} {key}={s} outcome=denied"),
        ("pair-colon", 1, f"connecting with {key}: {s}"),
        ("yaml", 1, f"region: eu-north-1\n{key}: {s}\nworkers: 16"),
        ("env", 1, f"export REGION=eu-north-1\nexport APP_{screaming(key)}={s}\nexport WORKERS=16"),
        ("argv", 1, f"importer --batch 500 --{key.replace('_', '-')}={s} --verbose"),
        ("argv-space", 1, f"importer --batch 500 --{key.replace('_', '-')} {s} --verbose"),
        ("query", 1, f"https://api.example.com/v2/report?page=3&{key}={s}&sort=asc"),
        ("form", 1, f"user=u-{number}&{key}={s}&remember=on"),
        ("error", 1, f"request failed (status 401): {key}={s}, retrying in 5s"),
        ("panic", 1, f"thread 'main' panicked at src/auth.rs:{number}:9:\nassertion failed: {key}={s} was refused"),
        ("logfmt", 1, f'time=2026-02-03T10:11:12Z level=warn msg="rejected" {key}="{s}" shard={number}'),
        ("semicolon", 1, f"Region=eu-north-1;{key}={s};Pooling=true"),
        ("brackets", 2, f"retry[{number}] ({key}={s}) scheduled"),
        ("spaced", 2, f"resolved {key} = {s} for tenant-{number}"),
        ("multipart", 2, f'--b7\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{s}\r\n--b7--'),
    ]
    return quoted if quote else quoted + open_


def inside(corpus):
    """A key inside the value, in every notation; the field's name says nothing."""
    rng = corpus.family("key")
    secret = [entry for entry in SECRET_NAMES if entry[0] not in AMBIGUOUS]
    kinds = len(carriers(rng, "password", "x", False))
    for number in range(8 * kinds):
        words, kind = secret[(number * 7 + number // kinds) % len(secret)]
        key = spelled(words, rng.choice(["snake", "camel", "snake", "kebab"]))
        text = kind_of_value(rng, kind)
        carrier, tier, marked = carriers(rng, key, corpus.secret(text), False)[number % kinds]
        if kind == "pin" and carrier not in ("json", "pair", "query", "form", "debug"):
            tier = max(tier, 2)
        if "authorization" in words:
            tier = max(tier, 2)
        corpus.redact(tier, carrier, rng.choice(FIELDS), marked, entry=words.replace(" ", "-"))

    rng = corpus.family("key-quoted")
    kinds = len(carriers(rng, "password", "x", True))
    for number in range(2 * kinds):
        key = spelled(rng.choice(["password", "db password", "client secret", "passphrase"]), rng.choice(["snake", "camel"]))
        carrier, tier, _ = carriers(rng, key, "x", True)[number % kinds]
        text = password(rng, hard=carrier not in ("xml", "xml-attribute", "json-json-json", "json-json"))
        marked = carriers(rng, key, corpus.secret(text), True)[number % kinds][2]
        corpus.redact(max(tier, 2), carrier, rng.choice(FIELDS), marked)

    rng = corpus.family("key-escapes")
    for number in range(12):
        text = f'{rng.choice(WORDS)}"{mixed(rng, ALNUM, 8)}\\{rng.choice(WORDS)}'
        pairs = {"user": f"u-{number}", "password": "@@", "mode": "fast"}
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        if number % 3 == 0:
            marked, tier = as_json(pairs).replace("@@", corpus.secret(escaped, text)), 1
        elif number % 3 == 1:
            twice = escaped.replace("\\", "\\\\").replace('"', '\\"')
            marked, tier = nested(pairs, 1).replace("@@", corpus.secret(twice, text)), 2
        else:
            marked, tier = debug("Login", [("password", '"@@"'), ("retries", "3")]).replace("@@", corpus.secret(escaped, text)), 1
        corpus.redact(tier, "escapes", "payload", marked)

    rng = corpus.family("key-structure")
    for number in range(24):
        s = corpus.secret(password(rng))
        t = corpus.secret(opaque(rng))
        bytes_ = "[" + corpus.secret(", ".join(str(ord(c)) for c in password(rng)), whole=False) + "]" if number % 12 == 11 else ""
        marked, tier, carrier = [
            (as_json({"headers": [["accept", "text/html"], ["x-api-key", t]], "status": 200}), 2, "pair list"),
            (as_json([{"name": "REGION", "value": "eu-north-1"}, {"name": "DB_PASSWORD", "value": s}]), 2, "name/value"),
            (as_json({"passwords": [s, t], "region": "eu-north-1"}), 2, "array"),
            (f"password: {s}\ntoken: {t}\nregion: eu-north-1", 1, "several"),
            (f"password={s}&api_key={t}&region=north", 1, "several"),
            (as_json({"password": s, "api_key": t, "region": "eu-north-1"}), 1, "several"),
            (f'("password", "{s}"), ("region", "eu-north-1")', 2, "tuples"),
            (f"the new password is {s}", 3, "sentence"),
            (f"password for deploy: {s}", 3, "sentence"),
            (f"my api key is {t}, please check", 3, "sentence"),
            (f"Client {{ auth: Basic {{ username: {corpus.optional('svc')}, password: Some(\"{s}\") }}, timeout: 30s }}", 1, "debug-nested"),
            (f"Login {{ password: {bytes_}, retries: 3 }}", 2, "debug-bytes"),
        ][number % 12]
        # Slots that the chosen text does not use stay in the table and are no part of the case.
        corpus.redact(tier, carrier, rng.choice(FIELDS), marked, count=(1, 2) if carrier in ("array", "pair list") else None)


def personal_inside(corpus):
    """Personal data by a key inside the value, where the data's own shape says nothing; and secrets that are JSON numbers."""
    rng = corpus.family("key-personal")
    for number in range(42):
        key, text, tier = [
            ("date_of_birth", f"{rng.randrange(1941, 2005)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}", 1),
            ("ssn", ssn(rng).replace("-", ""), 1), ("phone_number", pick(rng, "23456789", 10), 1), ("email", f"{local(rng)}@localhost", 2),
            ("card_number", card(rng), 1), ("home_address", f"{rng.randrange(11, 980)} {rng.choice(WORDS).title()} Street", 2), ("iban", iban(rng).lower(), 2),
        ][number % 7]
        front, mark, back = text.partition("@")
        s = corpus.secret(front) + (corpus.optional(mark + back) if mark else "")
        marked, carrier = [
            (as_json({"step": "signup", key: s, "plan": "basic"}), "json"), (debug("Customer", [("id", "17"), (key, rust(s)), ("plan", rust("basic"))]), "debug"),
            (nested({"step": "signup", key: s, "plan": "basic"}, 1), "json-json"),
        ][number // 14]
        corpus.redact(2 if carrier == "json-json" else tier, carrier, rng.choice(FIELDS), marked, count=1, entry=key)
    rng = corpus.family("key-number")
    for number in range(12):
        key, digits = [("pin", pick(rng, "123456789", 6)), ("cvv", pick(rng, "123456789", 3)), ("card_number", card(rng)), ("otp", pick(rng, "123456789", 6))][number % 4]
        marked = '{"step":"signup","' + key + '":' + corpus.secret(digits) + ',"plan":"basic"}'
        if number >= 8:
            marked = debug("Customer", [("plan", rust("basic")), (key, corpus.secret(digits)), ("active", "true")])
        corpus.redact(2, "number", rng.choice(FIELDS), marked, count=1, entry=key)


def encoded_form(corpus):
    """A key whose secret is percent-encoded in a form or query."""
    rng = corpus.family("key-percent")
    for number in range(10):
        text = f"{rng.choice(WORDS)}&{mixed(rng, ALNUM, 6)}#{rng.choice(WORDS)}"
        s = corpus.secret(percent(text), text)
        marked = f"user=u-{number}&password={s}&remember=on" if number % 2 else f"https://api.example.com/login?page=1&password={s}&sort=asc"
        corpus.redact(1 if number % 2 else 2, "form", "body", marked)


def add(corpus):
    """All families of this module."""
    field_names(corpus)
    personal_names(corpus)
    inside(corpus)
    encoded_form(corpus)
    personal_inside(corpus)

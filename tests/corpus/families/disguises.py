"""Encodings and evasions: the secret is whole for a reader, but not for a search of plain text."""

from carriers import FIELDS, as_json, nested, percent
from people import card, grouped, iban, in_fours, ipv4, local, opaque, password, ssn
from shapes import VENDORS, b64, jwt

COMMON = {"github-pat", "gitlab-pat", "slack-bot", "stripe-live", "google-api", "npm", "sendgrid", "anthropic", "openai-legacy", "aws-access-key", "shopify", "digitalocean"}
TOKENS = [(name, make) for name, _, make in VENDORS if name in COMMON]
INVISIBLE = {
    "zero-width-space": "\u200b", "zero-width-non-joiner": "\u200c", "zero-width-joiner": "\u200d", "word-joiner": "\u2060", "byte-order-mark": "\ufeff",
    "soft-hyphen": "\u00ad", "left-to-right-mark": "\u200e", "grapheme-joiner": "\u034f", "mongolian-separator": "\u180e", "isolate": "\u2068", "null": "\0",
}
CYRILLIC = dict(zip("aeopcxyAEOPCTXKMHB", "аеорсхуАЕОРСТХКМНВ"))


def wide(text):
    """Full-width forms."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def digits_of(text, zero):
    """Digits of another script or style, by its zero."""
    return "".join(chr(ord(zero) + int(c)) if c.isdigit() else c for c in text)


def sprinkle(rng, text, mark, times=2):
    """Puts a mark into a text at a few places."""
    out = list(text)
    for place in sorted(rng.sample(range(1, len(text)), times), reverse=True):
        out.insert(place, mark)
    return "".join(out)


def encoded(corpus):
    """One level of base64, hex or percent around a secret, and two of percent."""
    rng = corpus.family("encoded")
    for number in range(60):
        secret, inner = [
            lambda token: (token, token), lambda token: (word := password(rng), f"password={word}&user=svc"),
            lambda token: (key := opaque(rng), as_json({"user": "svc", "api_key": key, "n": 1})), lambda token: (token, f"svc:{token}"),
        ][number % 4](rng.choice(TOKENS)[1](rng))
        form = ["base64", "base64url", "hex", "percent", "base64-json", "hex-upper"][(number // 4) % 6]
        data = inner.encode()
        text = {
            "base64": lambda: b64(data), "base64url": lambda: b64(data, True, False), "hex": data.hex, "hex-upper": lambda: data.hex().upper(),
            "percent": lambda: percent(inner, True), "base64-json": lambda: b64(data),
        }[form]()
        s = corpus.secret(text, secret)
        if form == "percent":
            marked = f"payload {s} was refused by shard 7"
        elif form == "base64-json":
            marked = as_json({"shard": "seven", "blob": s, "retries": 3})
        else:
            marked = [s, f"payload {s} was refused by shard 7", f"data={s} shard=seven"][(number // 24) % 3]
        corpus.redact(2, form, rng.choice(FIELDS), marked, count=(1, 2))

    rng = corpus.family("encoded-names")
    for number in range(18):
        t, p = corpus.secret(opaque(rng)), corpus.secret(password(rng))
        m = corpus.secret(local(rng))
        marked, tier, carrier = [
            ('{"url":"https://s3.example/q1.csv?X-Amz-Expires=900\\u0026X-Amz-\\u0053ignature=' + t + '\\u0026part=2"}', 2, "json-unicode"),
            ('{"region":"eu-north-1","pass\\u0077ord":"' + p + '"}', 2, "json-unicode"), (f"region=north&amp;password={p}&amp;mode=fast", 1, "entity"),
            (f"contact {m}&#64;{corpus.optional('example.com')} for access", 2, "entity"), (f"contact {m}%40{corpus.optional('example.com')} for access", 2, "percent"),
            (f"https://app.example.com/login?user={m}%40{corpus.optional('example.org')}&step=2", 2, "percent"), (f"region=north&pass%77ord={p}&mode=fast", 3, "percent"),
            (f"%7B%22region%22%3A%22north%22%2C%22password%22%3A%22{p.replace('!', '%21')}%22%7D", 2, "percent"), (f"&lt;password&gt;{p}&lt;/password&gt; region north", 3, "entity"),
        ][number % 9]
        corpus.redact(tier, carrier, rng.choice(FIELDS), marked, count=1)

    rng = corpus.family("email-forms")
    for number in range(10):
        m = corpus.secret(local(rng))
        domain, tier, at = [("bücher.example", 2, "@"), ("xn--bcher-kva.example", 2, "@"), ("example.com", 3, "＠"), ("example.com", 3, "\u200b@"), ("example.com", 3, " @ ")][number % 5]
        corpus.redact(tier, "email", rng.choice(FIELDS), f"contact {m}{corpus.optional(at + domain)} for access", count=1)


def hidden(corpus):
    """Characters that no reader sees, look-alikes, other digits, line breaks."""
    rng = corpus.family("evasion-invisible")
    for mark_name, mark in INVISIBLE.items():
        for turn in range(2):
            name, make = TOKENS[rng.randrange(len(TOKENS))]
            token = make(rng)
            s = corpus.secret(sprinkle(rng, token, mark, 1 + turn), token)
            marked = [s, f"please rotate {s} before the release"][turn]
            tier = 2 if mark_name in ("zero-width-space", "soft-hyphen") and not turn else 3
            corpus.redact(tier, "evasion", rng.choice(FIELDS), marked, count=1, entry=mark_name)
    rng = corpus.family("evasion-card")
    for number in range(18):
        digits = card(rng, rng.choice(["visa", "mastercard"]))
        name, shown, tier = [
            ("no-break-space", grouped(digits, "\u00a0"), 2), ("no-break-hyphen", grouped(digits, "\u2011"), 2), ("thin-space", grouped(digits, "\u2009"), 3), ("full-width", wide(digits), 3),
            ("arabic", digits_of(digits, "٠"), 3), ("mathematical", digits_of(digits, "𝟎"), 3), ("soft-hyphen", grouped(digits, "\u00ad"), 3), ("zero-width", sprinkle(rng, digits, "\u200b", 3), 3),
            ("minus", grouped(digits, "\u2212"), 3),
        ][number % 9]
        s = corpus.secret(shown, digits)
        corpus.redact(tier, "evasion", rng.choice(FIELDS), [f"paid with {s} yesterday", s][number // 9], count=1, entry=name)
    rng = corpus.family("evasion-number")
    for number in range(12):
        text, back = ssn(rng), iban(rng, rng.choice(["DE", "GB", "NL", "FR"]))
        address = ipv4(rng)
        marked, tier, name = [
            (f"SSN {corpus.secret(text.replace('-', chr(0x2011)), text)} on file", 2, "ssn-hyphen"), (f"SSN {corpus.secret(wide(text), text)} on file", 3, "ssn-wide"),
            (f"transfer to {corpus.secret(in_fours(back, chr(0xA0)), back)} today", 2, "iban-space"), (f"transfer to {corpus.secret(sprinkle(rng, back, chr(0x200B)), back)} today", 3, "iban-zero-width"),
            (f"client {corpus.secret(wide(address), address, whole=True)} left early", 3, "ip-wide"), (f"client {corpus.secret(sprinkle(rng, address, chr(0x200B)), address, whole=True)} left early", 3, "ip-zero-width"),
        ][number % 6]
        corpus.redact(tier, "evasion", rng.choice(FIELDS), marked, count=1, entry=name)
    rng = corpus.family("evasion-letters")
    for number in range(30):
        name, make = TOKENS[rng.randrange(len(TOKENS))]
        token = make(rng)
        p = corpus.secret(password(rng))
        cut = rng.randrange(len(token) // 2, len(token) - 6)
        prefix = "".join(CYRILLIC.get(c, c) if at < 4 else c for at, c in enumerate(token))
        marked, entry = [
            (f"please rotate {corpus.secret(wide(token), token)} now", "full-width"), (f"please rotate {corpus.secret(token[:cut] + chr(10) + token[cut:], token)} now", "line-break"),
            (f"please rotate {corpus.secret(prefix, token)} now", "look-alike"), (f"user=svc pаsswоrd={p} mode=fast", "look-alike-key"), (f"user=svc pass\u200bword={p} mode=fast", "zero-width-key"),
            (f"user=svc ｐａｓｓｗｏｒｄ={p} mode=fast", "full-width-key"), (f"user=svc password＝{p} mode=fast", "full-width-equals"), (f"user=svc PaSsWoRd={p} mode=fast", "case"),
            (f"user=svc \x1b[33mpassword\x1b[0m=\x1b[2m{p}\x1b[0m mode=fast", "ansi"), (f"user=svc pass\u00adword: {p} mode=fast", "soft-hyphen-key"),
        ][number % 10]
        # A token that is broken by a line end may leave its tail's line; the look-alike keeps its windows.
        corpus.redact(2 if entry in ("ansi", "case") else 3, "evasion", rng.choice(FIELDS), marked, count=(1, 2) if entry == "line-break" else 1, entry=entry)
    rng = corpus.family("evasion-deep")
    for number in range(12):
        t, p, j = corpus.secret(opaque(rng)), corpus.secret(password(rng)), corpus.secret(jwt(rng))
        marked, entry, tier = [
            (nested({"user": "svc", "password": p, "mode": "fast"}, 3), "json-four", 2), (nested({"auth": f"Bearer {j}", "mode": "fast"}, 2), "json-three-header", 2),
            (f"https://sso.example.com/go?next=https%253A%252F%252Fapp.example.com%253Faccess_token%253D{t}%2526step%253D2", "percent-twice", 3),
            ("Some(Object {\"inner\": String(\"{\\\"password\\\":\\\"" + p + "\\\",\\\"mode\\\":\\\"fast\\\"}\")})", "debug-json", 2),
        ][number % 4]
        corpus.redact(tier, "evasion", rng.choice(FIELDS), marked, count=1, entry=entry)
    rng = corpus.family("glued")
    for number in range(18):
        name, make = TOKENS[rng.randrange(len(TOKENS))]
        s = corpus.secret(make(rng))
        marked = [f"key:{s};done", f"[{s}]", f"<{s}>", f"`{s}`", f"prefix={s}&page=2", f"value={s},next=1", f"({s}):", f"a|{s}|b", f"→{s}←"][number % 9]
        corpus.redact(2, "glued", rng.choice(FIELDS), marked, count=1, entry=name)


def add(corpus):
    """All families of this module."""
    encoded(corpus)
    hidden(corpus)



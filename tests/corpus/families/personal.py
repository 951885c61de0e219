"""Cards, accounts, gov ids, phones, e-mail and network addresses where only the shape or a word near it speaks."""

from carriers import FIELDS, as_json, debug, nested
from people import CARDS, DOMAINS, IBANS, card, grouped, iban, in_fours, ipv4, ipv6, local, national, phone, ssn


def forms(s, rng):
    """(carrier, value) around a marked value; none of them names what it holds."""
    return [
        ("bare", s),
        ("prose", rng.choice([f"the caller gave {s} as a reference yesterday", f"customer wrote: please use {s} from now on"])),
        ("json", as_json({"step": "checkout", "note": s, "attempt": 2})),
        ("log", f"2026-03-14T09:26:53.589Z WARN checkout: rejected input={s} elapsed_ms=41"),
        ("error", f"validation failed for {s}: unsupported region"),
        ("debug", debug("Row", [("id", "17"), ("value", f'"{s}"'), ("ok", "true")])),
        ("quoted", f"input was '{s}' on page 3"),
        ("json-json", nested({"step": "checkout", "note": s}, 1)),
    ]


def cards(corpus):
    """Payment cards, plain and grouped; the last four digits may stay by the policy."""
    rng = corpus.family("card")
    for number in range(48):
        brand = list(CARDS)[number % len(CARDS)]
        digits = card(rng, brand)
        style = (number // 7) % 3
        text = [digits, grouped(digits), grouped(digits, "-")][style]
        carrier, marked = forms(corpus.secret(text, digits), rng)[number % 8]
        tier = 2 if carrier == "json-json" or brand == "diners" or (carrier == "bare" and style == 0 and brand == "unionpay") else 1
        corpus.redact(tier, carrier, rng.choice(FIELDS), marked, entry=brand)
    rng = corpus.family("card-word")
    for number in range(10):
        digits = card(rng)
        s = corpus.secret(digits)
        marked = [f"card {s} exp 09/28 declined", f"paid with Visa ending soon, pan={s}", f"cc: {s}, amount 42.10 EUR", f"card_number={s} status=declined", f"charged [{s}] twice"][number % 5]
        corpus.redact(1, "word", "message", marked)


def accounts(corpus):
    """IBANs of all formats in the table."""
    rng = corpus.family("iban")
    for number in range(32):
        country = list(IBANS)[number % len(IBANS)]
        text = iban(rng, country)
        style = (number // 4) % 4
        shown = [text, in_fours(text), text, text.lower()][style]
        carrier, marked = forms(corpus.secret(shown, text.lower() if style == 3 else text), rng)[number % 8]
        corpus.redact(2 if style == 3 or carrier == "json-json" else 1, carrier, rng.choice(FIELDS), marked, entry=country)


def government(corpus):
    """American social security numbers; without a word beside it the dashed form is the harder tier."""
    rng = corpus.family("ssn")
    for number in range(20):
        text = ssn(rng)
        s = corpus.secret(text, text)
        if number % 2:
            words = [f"SSN {s} on file", f"social security number: {s}, verified", f"ssn={s} state=NY", f"applicant SSN: {s} (checked)", as_json({"ssn": s, "state": "NY"})]
            corpus.redact(1, "word", rng.choice(FIELDS), words[(number // 2) % 5])
        else:
            carrier, marked = forms(s, rng)[(number // 2) % 7]
            corpus.redact(2, carrier, rng.choice(FIELDS), marked)


def phones(corpus):
    """International numbers anywhere; national ones with a word near."""
    rng = corpus.family("phone")
    for number in range(30):
        text = phone(rng)
        carrier, marked = forms(corpus.secret(text, "".join(c for c in text if c.isdigit())), rng)[number % 8]
        corpus.redact(1 if carrier != "json-json" else 2, carrier, rng.choice(FIELDS), marked, entry="international")
    for number in range(16):
        a, b, c = national(rng)
        text = rng.choice([f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"{a}{b}{c}"])
        s = corpus.secret(text, a + b + c)
        marked = [f"phone: {s}, call after noon", f"call me at {s} after noon", f"mobile {s} was unreachable", as_json({"phone": s, "plan": "basic"}), f"tel={s} plan=basic", f"fax: {s}, office hours"][number % 6]
        corpus.redact(2 if "call me" in marked or "fax" in marked else 1, "word", rng.choice(FIELDS), marked, entry="national")


def mails(corpus):
    """E-mail addresses; the domain may stay by the policy."""
    rng = corpus.family("email")
    for number in range(48):
        front, back = local(rng), rng.choice(DOMAINS)
        s = corpus.secret(front) + corpus.optional("@" + back)
        extra = [
            ("mailto", f"mailto:{s}?subject=hello"), ("angle", f"From: Support <{s}> via relay-7"), ("path", f"GET /v1/users/{s}/orders 404"),
            ("query", f"https://app.example.com/login?lang=en&user={s}&step=2"), ("list", f"sent to {s}; {corpus.secret(local(rng))}{corpus.optional('@' + back)}; done"),
            ("paren", f"owner ({s}) asked again"), ("sentence", f"Write to {s}. Thank you."), ("sql", f"SELECT id FROM users WHERE login = '{s}' LIMIT 1"),
        ]
        carrier, marked = (forms(s, rng) + extra)[number % 16]
        corpus.redact(2 if carrier in ("json-json", "path") else 1, carrier, rng.choice(FIELDS), marked, count=(1, 2) if carrier == "list" else 1)


def addresses(corpus):
    """Network addresses: truncated, so only the host part is the secret."""
    rng = corpus.family("ip")
    for number in range(44):
        private = number % 11 == 10
        address = ipv4(rng, private)
        s = corpus.secret(address, whole=True)
        marked, tier, carrier = [
            (s, 1, "bare"), (f"client connected from {s} port 50222", 1, "prose"), (f'{s} - - [14/Mar/2026:09:26:53 +0000] "GET / HTTP/1.1" 200 512', 1, "access log"),
            (as_json({"step": "login", "peer": s, "attempt": 2}), 1, "json"), (f"http://{s}:8080/health returned 503", 1, "url"),
            (f"peer={s}:50222 closed after 3 s", 1, "port"), (f"X-Forwarded-For: {s}, {corpus.secret(ipv4(rng), whole=True)}", 1, "header"),
            (f'Peer {{ addr: {s}:50222, ttl: 64 }}', 1, "debug"), (f"blocked [{s}] after 5 attempts", 1, "brackets"),
            (f"route to ::ffff:{s} is down", 2, "mapped"), (nested({"peer": s, "step": "login"}, 1), 2, "json-json"),
        ][number % 11]
        corpus.redact(max(tier, 2 if private else 1), carrier, rng.choice(FIELDS), marked, count=(1, 2) if carrier == "header" else 1, entry="v4")
    for number in range(20):
        network, host = ipv6(rng)
        short = number % 4 == 3
        if short:
            host = ":" + host.split(":")[-2] + ":" + host.split(":")[-1]
        s = corpus.secret(f"{network}:{host}", whole=True)
        s = corpus.optional(network + ":") + corpus.secret(host, whole=True)
        marked, tier, carrier = [
            (s, 1, "bare"), (f"client connected from {s} port 50222", 1, "prose"), (f"http://[{s}]:8080/health returned 503", 1, "url"),
            (as_json({"step": "login", "peer": s, "attempt": 2}), 1, "json"), (f"peer=[{s}]:50222 closed after 3 s", 1, "port"), (f"addr {s}%eth0 left", 2, "zone"),
        ][number % 6]
        corpus.redact(tier, carrier, rng.choice(FIELDS), marked, count=1, entry="v6")
    rng = corpus.family("ip-field")
    for field in ("client_ip", "client.address", "remoteAddr", "source.ip", "peer_ip", "x-real-ip", "net.peer.ip", "user_ip_address"):
        corpus.redact(1, "name only", field, corpus.secret(ipv4(rng), whole=True))


def mixed(corpus):
    """Several kinds in one record."""
    rng = corpus.family("personal-several")
    for number in range(12):
        mail = corpus.secret(local(rng)) + corpus.optional("@example.org")
        digits = card(rng, "visa")
        tel = f"+1 {' '.join(national(rng))}"
        s, p = corpus.secret(digits), corpus.secret(tel, tel.replace(" ", "")[1:])
        marked, count = [
            (as_json({"email": mail, "phone": p, "plan": "basic"}), 2), (f"order 17 by {mail} paid with {s} today", 2),
            (f"{mail} called from {p} about order 17", 2), (f"Contact {{ email: \"{mail}\", phone: Some(\"{p}\"), tier: 2 }}", 2),
        ][number % 4]
        corpus.redact(1, "several", rng.choice(FIELDS), marked, count=count)


def add(corpus):
    """All families of this module."""
    for part in (cards, accounts, government, phones, mails, addresses, mixed):
        part(corpus)

"""Harmless values that look like secrets: identifiers, hashes, numbers, times, versions, addresses of nobody."""

from carriers import FIELDS, as_json, debug
from people import FIRST
from shapes import ALNUM, DIGITS, HEX, UPPER, URL64, b64, blob, luhn, pick, uuid


def wrapped(text, rng):
    """(carrier, value) around a harmless value."""
    return rng.choice([
        ("bare", text), ("prose", f"processing {text} took 41 ms"), ("json", as_json({"step": "load", "ref": text, "attempt": 2})),
        ("log", f"2026-03-14T09:26:53.589Z INFO loader: stored ref={text} elapsed_ms=41"), ("debug", debug("Row", [("ref", f'"{text}"'), ("ok", "true")])),
    ])


def not_a_card(rng, length, first):
    """A number of a card's length that fails Luhn or belongs to no issuer."""
    while luhn(text := first + pick(rng, DIGITS, length - len(first))):
        pass
    return text


def ean(rng):
    """An EAN-13 with its check digit, and none that passes for one of the old cards of 13 digits."""
    while True:
        body = rng.choice(["400", "731", "590"]) + pick(rng, DIGITS, 9)
        code = body + str(-sum(int(c) * (3 if at % 2 else 1) for at, c in enumerate(body)) % 10)
        if not luhn(code):
            return code


def isbn(rng):
    """An ISBN-13 with hyphens."""
    body = "978" + pick(rng, DIGITS, 9)
    check = -sum(int(c) * (3 if at % 2 else 1) for at, c in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:6]}-{body[6:12]}-{check}"


def simple(rng):
    """(family, tier, times, wrap, maker) of values that are made from the random source alone."""
    seconds = lambda: rng.randrange(1_600_000_000, 1_900_000_000)
    date = lambda: f"{rng.randrange(2019, 2028)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    clock = lambda: f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    return [
        ("uuid", 1, 40, True, lambda: uuid(rng, rng.choice([1, 3, 4, 4, 5, 6, 7]))),
        ("uuid-plain", 1, 8, True, lambda: uuid(rng, 7).replace("-", "")),
        ("uuid-upper", 1, 4, True, lambda: uuid(rng).upper()),
        ("sha256", 1, 10, True, lambda: pick(rng, HEX, 64)), ("sha1", 1, 8, True, lambda: pick(rng, HEX, 40)),
        ("md5", 1, 4, True, lambda: pick(rng, HEX, 32)), ("commit-short", 1, 6, True, lambda: pick(rng, HEX, 8)),
        ("digest", 1, 6, True, lambda: f"registry.example.com/acme/web@sha256:{pick(rng, HEX, 64)}"),
        ("sri", 2, 4, True, lambda: "sha384-" + b64(blob(rng, 48))),
        ("traceparent", 1, 6, True, lambda: f"00-{pick(rng, HEX, 32)}-{pick(rng, HEX, 16)}-01"),
        ("etag", 1, 4, False, lambda: f'W/"{pick(rng, HEX, 32)}"'),
        ("epoch-s", 1, 6, True, lambda: str(seconds())), ("epoch-ms", 1, 14, True, lambda: str(seconds() * 1000 + rng.randrange(1000))),
        ("epoch-us", 1, 10, True, lambda: str(seconds() * 10**6 + rng.randrange(10**6))), ("epoch-ns", 2, 6, True, lambda: str(seconds() * 10**9 + rng.randrange(10**9))),
        ("iso-date", 1, 8, True, lambda: f"{date()}T{clock()}.{rng.randrange(1000):03}Z"), ("compact-date", 1, 6, True, lambda: f"{date()} {clock()}".translate({45: None, 32: None, 58: None})),
        ("semver", 1, 8, True, lambda: f"{rng.randrange(20)}.{rng.randrange(40)}.{rng.randrange(90)}-rc.{rng.randrange(9)}+build.{rng.randrange(999)}"),
        ("version-4", 1, 6, False, lambda: f"upgraded agent to version {rng.randrange(1, 20)}.{rng.randrange(20)}.{rng.randrange(9)}.{rng.randrange(200)}"),
        ("version-4", 1, 4, False, lambda: f"Chrome/{rng.randrange(90, 150)}.0.{rng.randrange(3000, 7000)}.{rng.randrange(200)} on Windows build 10.0.{rng.randrange(19000, 26000)}.{rng.randrange(4000)}"),
        ("version-4", 2, 3, False, lambda: f"libfoo v{rng.randrange(1, 9)}.{rng.randrange(20)}.{rng.randrange(9)}.{rng.randrange(200)} loaded"),
        ("oid", 2, 5, True, lambda: f"1.3.6.1.4.1.{rng.randrange(300, 60000)}.{rng.randrange(9)}.{rng.randrange(99)}.1"), ("oid", 1, 3, False, lambda: f"signature algorithm 1.2.840.113549.1.1.{rng.randrange(5, 14)}"),
        ("coordinates", 1, 6, True, lambda: f"{rng.uniform(-80, 80):.6f},{rng.uniform(-170, 170):.6f}"),
        ("order", 1, 8, True, lambda: f"ORD-{rng.randrange(2020, 2028)}-{pick(rng, DIGITS, 8)}"), ("invoice", 1, 5, True, lambda: f"INV{pick(rng, DIGITS, 10)}"),
        ("number-16", 1, 8, True, lambda: not_a_card(rng, 16, rng.choice("1789"))), ("number-16", 2, 6, True, lambda: not_a_card(rng, 16, rng.choice(["4", "52"]))),
        ("snowflake", 1, 5, True, lambda: "1" + pick(rng, DIGITS, 18)), ("u64", 2, 5, True, lambda: not_a_card(rng, 19, rng.choice("1278"))),
        ("ean", 1, 5, True, lambda: ean(rng)), ("isbn", 1, 5, True, lambda: isbn(rng)), ("tracking", 2, 4, True, lambda: "1Z" + pick(rng, UPPER + DIGITS, 6) + pick(rng, DIGITS, 10)),
        ("ulid", 1, 5, True, lambda: "01" + pick(rng, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)), ("nanoid", 2, 6, True, lambda: pick(rng, URL64, 21)), ("ksuid", 2, 4, True, lambda: "2" + pick(rng, ALNUM, 26)),
        ("object-id", 1, 4, True, lambda: pick(rng, HEX, 24)), ("stripe-id", 1, 6, True, lambda: rng.choice(["cus_", "pi_3", "ch_3", "evt_1", "in_1"]) + pick(rng, ALNUM, 22)),
        ("request-id", 1, 6, False, lambda: f"request_id=req_{pick(rng, ALNUM, 24)} status=200"), ("aws-arn", 1, 5, True, lambda: f"arn:aws:iam::{pick(rng, DIGITS[1:], 12)}:role/deploy-{rng.choice(FIRST)}"),
        ("instance", 1, 3, True, lambda: "i-0" + pick(rng, HEX, 16)), ("mac-count", 1, 3, False, lambda: f"{rng.randrange(10**6)} of {rng.randrange(10**7)} rows, {rng.randrange(10**9)} bytes"),
        ("amount", 1, 8, False, lambda: rng.choice([f"total {rng.randrange(1, 99)},{rng.randrange(100, 999)}.{rng.randrange(10, 99)} EUR", f"refunded ${rng.randrange(9999)}.00 of ${rng.randrange(10000, 99999)}.00", f"balance: -{rng.randrange(999)}.{rng.randrange(10, 99)} SEK"])),
        ("measures", 1, 6, False, lambda: "[" + ", ".join(f"{rng.uniform(0, 99):.3f}" for _ in range(8)) + "]"), ("measures", 2, 4, False, lambda: " ".join(str(rng.randrange(100, 999 if at % 3 == 2 else 9999)) for at in range(9))),
        ("latency", 1, 4, False, lambda: f"p50=41us p99={rng.randrange(100, 999)}us max={rng.randrange(1000, 9999)}us n={rng.randrange(10**6, 10**8)}"),
        ("harmless-base64", 1, 8, True, lambda: b64(" ".join(rng.choice("the build finished without errors on every platform we support".split()) for _ in range(9)).encode())),
        ("image", 1, 5, False, lambda: "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA" + b64(blob(rng, 120))), ("base64-blob", 2, 5, True, lambda: b64(blob(rng, 60))), ("hex-blob", 2, 4, True, lambda: pick(rng, HEX, 96)),
        ("pseudonym", 1, 6, True, lambda: f"hmac-sha256:k{rng.randrange(1, 9)}:{b64(blob(rng, 16), True, False)}"), ("pseudonym-hex", 1, 4, True, lambda: f"hmac-sha256:k1:{pick(rng, HEX, 64)}"),
        ("port", 1, 4, False, lambda: f"listening on port {rng.randrange(1024, 65535)}, metrics on {rng.randrange(1024, 65535)}"), ("hostname", 1, 5, True, lambda: f"ip-10-0-{rng.randrange(99)}-{rng.randrange(99)}.eu-west-1.compute.internal"),
        ("hostport", 1, 4, True, lambda: f"db-0{rng.randrange(9)}.internal:{rng.randrange(1024, 65535)}"), ("score", 2, 4, False, lambda: f"ratio 0.{pick(rng, DIGITS, 16)} after {rng.randrange(9)} rounds"),
        ("sequence", 2, 4, False, lambda: "seq " + "-".join(pick(rng, DIGITS, 4) for _ in range(3)) + " closed"), ("range", 2, 3, False, lambda: f"bytes {rng.randrange(10**6)}-{rng.randrange(10**6, 10**8)}/{rng.randrange(10**8, 10**9)}"),
        ("weak-id", 2, 4, False, lambda: f"session_count=4 shard_id={pick(rng, HEX, 12)} lease={pick(rng, DIGITS, 11)}"),
    ]


FIXED = [
    ("loopback", 1, ["127.0.0.1", "listening on 127.0.0.1:8080", "bound to 0.0.0.0:443", "http://localhost:3000/health", "::1", "http://[::1]:9090/metrics", "bound to [::]:443", "joined 224.0.0.251 on eth0",
                     "announcing on 239.255.255.250:1900", "ff02::1", "fast path through 127.0.0.53 port 53", '{"bind":"0.0.0.0","port":8080}', "Listener { addr: 127.0.0.1:0, backlog: 128 }"]),
    ("network-range", 2, ["10.0.0.0/8", "allowed 192.168.0.0/16 and 203.0.113.0/24", "2001:db8:77::/48", "route 172.16.0.0/12 via gateway", "truncated peer 198.51.100.0/24"]),
    ("hex-words", 2, ["dead::beef is no address here", "std::net::IpAddr", "crate::a::b", "abc::def", "cafe::babe::run()", "f::a::b", "10:20:30 remaining", "at 12:34:56:789"]),
]


def add(corpus):
    """All families of this module."""
    seen = {}
    for family, tier, times, wrap, make in simple(corpus.family("harmless-ids")):
        seen[family] = seen.get(family, -1) + 1
        rng = corpus.family(family if not seen[family] else f"{family}-{seen[family] + 1}")
        made = {(f, t, n): m for f, t, n, _, m in simple(rng)}
        for _ in range(times):
            text = made[family, tier, times]()
            carrier, value = wrapped(text, rng) if wrap else ("bare", text)
            corpus.keep(tier, carrier, rng.choice([*FIELDS, "ref", "value", "result"]), value)
    for family, tier, values in FIXED:
        rng = corpus.family(family)
        for value in values:
            corpus.keep(tier, "bare", rng.choice(FIELDS), value)

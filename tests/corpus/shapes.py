"""Random text and the checksums that make it look issued: base62 CRC32, Luhn, mod 97, JWT, and the vendors' shapes.

Every prefix is joined from parts, so that no scanner of this repository finds even the beginning of a token here.
"""

import base64
import hashlib
import json
import string
import zlib

DIGITS = string.digits
LOWER = string.ascii_lowercase
UPPER = string.ascii_uppercase
HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + DIGITS
BASE62 = DIGITS + UPPER + LOWER
URL64 = ALNUM + "-_"
BASE32 = UPPER + "234567"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper()
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def pick(rng, alphabet, length):
    """`length` characters of `alphabet`."""
    return "".join(rng.choice(alphabet) for _ in range(length))


def mixed(rng, alphabet, length):
    """As `pick`, but never all letters or all digits, as issued tokens hardly ever are."""
    while True:
        text = pick(rng, alphabet, length)
        if any(c.isdigit() for c in text) and any(c.isalpha() for c in text):
            return text


def blob(rng, length):
    """`length` random bytes."""
    return bytes(rng.randrange(256) for _ in range(length))


def b64(data, url=False, pad=True):
    """Base64 as text."""
    text = (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode()
    return text if pad else text.rstrip("=")


def base62(number, width):
    """A number in base 62, padded with zeros."""
    text = ""
    while number:
        number, rest = divmod(number, 62)
        text = BASE62[rest] + text
    return text.rjust(width, "0")


def crc62(rng, prefix):
    """GitHub's and npm's form: 30 random characters, then the CRC32 of them in base 62."""
    body = mixed(rng, BASE62, 30)
    return prefix + body + base62(zlib.crc32(body.encode()), 6)


def luhn_digit(digits):
    """The digit that makes `digits` + it pass the Luhn test."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def luhn(digits):
    """Whether a run of digits passes the Luhn test."""
    return luhn_digit(digits[:-1]) == digits[-1]


def jwt(rng, alg=None):
    """A JSON web token of real structure; the signature is random."""
    alg = alg or rng.choice(["HS256", "RS256", "ES256"])
    header = {"alg": alg, "typ": "JWT"}
    if alg != "HS256":
        header["kid"] = pick(rng, HEX, 8)
    issued = 1_700_000_000 + rng.randrange(90_000_000)
    claims = {"sub": str(rng.randrange(10**6)), "iss": "https://login.example.com", "iat": issued, "exp": issued + 3600}
    size = {"HS256": 32, "RS256": 256, "ES256": 64}[alg]
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, claims)] + [blob(rng, size)]
    return ".".join(b64(part, url=True, pad=False) for part in parts)


def uuid(rng, version=4):
    """A UUID of the given version."""
    text = pick(rng, HEX, 32)
    text = text[:12] + str(version) + text[13:16] + rng.choice("89ab") + text[17:]
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def base58check(rng, version, length, suffix=b""):
    """A Bitcoin-style key: version, payload and four bytes of checksum in base 58."""
    body = version + blob(rng, length) + suffix
    body += hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]
    number, text = int.from_bytes(body, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return text


def atlassian(rng):
    """An Atlassian API token: a long body, `=`, and the CRC32 of what stands before it."""
    body = "ATA" + "TT3xFf" + "GF0" + mixed(rng, URL64, 171)
    return f"{body}={zlib.crc32(body.encode()):08X}"


def grafana_service(rng):
    """A Grafana service account token: 32 characters and the CRC32 of them."""
    body = mixed(rng, ALNUM, 32)
    return f"{'gl' + 'sa_'}{body}_{zlib.crc32(body.encode()):08x}"


def grafana_cloud(rng):
    """A Grafana cloud policy token: base64 of a JSON object."""
    inner = {"o": str(rng.randrange(10**6)), "n": "ingest", "k": mixed(rng, ALNUM, 24), "m": {"r": "eu"}}
    return "gl" + "c_" + b64(json.dumps(inner, separators=(",", ":")).encode())


def sentry_org(rng):
    """A Sentry organisation token: base64 JSON, `_`, and a secret of 43."""
    inner = {"iat": 1_700_000_000 + rng.randrange(10**7), "url": "https://sentry.example.com", "org": "acme"}
    return "sntr" + "ys_" + b64(json.dumps(inner, separators=(",", ":")).encode()) + "_" + pick(rng, ALNUM + "+/", 43)


def onepassword(rng):
    """A 1Password service account token: base64 JSON."""
    inner = {"signInAddress": "acme.1password.example", "secretKey": mixed(rng, UPPER + DIGITS, 34), "salt": pick(rng, HEX, 32)}
    return "ops" + "_" + b64(json.dumps(inner, separators=(",", ":")).encode(), url=True, pad=False)


def pypi(rng):
    """A PyPI token: a macaroon in URL-safe base64."""
    head = bytes([2, 1, 8]) + b"pypi.org" + bytes([2, 36]) + uuid(rng).encode()
    return "pyp" + "i-" + b64(head + blob(rng, 70), url=True, pad=False)


def flyio(rng):
    """A Fly.io macaroon."""
    return "fm" + "2_" + b64(blob(rng, 96))


def discord_bot(rng):
    """A Discord bot token: base64 of the id, a time, and the secret."""
    ident = b64(str(rng.randrange(10**17, 10**18)).encode(), url=True, pad=False)
    return f"{ident}.{pick(rng, UPPER, 1)}{pick(rng, URL64, 5)}.{mixed(rng, URL64, 38)}"


def mapbox(rng):
    """A Mapbox secret token."""
    inner = {"u": "acme", "a": "c" + mixed(rng, LOWER + DIGITS, 24)}
    head = b64(json.dumps(inner, separators=(",", ":")).encode(), url=True, pad=False)
    return f"{'s' + 'k.'}{head}.{mixed(rng, URL64, 22)}"


def plain(prefix, alphabet, length, suffix=""):
    """A shape of a prefix and a run of one alphabet."""
    joined = "".join(prefix)
    return lambda rng: joined + mixed(rng, alphabet, length) + suffix


def runs(*parts):
    """A shape of literals and runs (alphabet, length), in their order."""
    def one(rng, alphabet, length):
        both = length > 8 and any(c.isdigit() for c in alphabet) and any(c.isalpha() for c in alphabet)
        return (mixed if both else pick)(rng, alphabet, length)

    return lambda rng: "".join(part if isinstance(part, str) else one(rng, *part) for part in parts)


# (name, tier, maker). Tier 1: shapes that any product meets. Tier 2: rarer vendors.
VENDORS = [
    ("aws-access-key", 1, plain(("AK", "IA"), BASE32, 16)),
    ("aws-session-key", 1, plain(("AS", "IA"), BASE32, 16)),
    ("github-pat", 1, lambda r: crc62(r, "gh" + "p_")),
    ("github-oauth", 1, lambda r: crc62(r, "gh" + "o_")),
    ("github-app", 1, lambda r: crc62(r, "gh" + "s_")),
    ("github-user", 1, lambda r: crc62(r, "gh" + "u_")),
    ("github-refresh", 1, lambda r: crc62(r, "gh" + "r_")),
    ("github-fine", 1, runs("github" + "_pat_", (ALNUM, 22), "_", (ALNUM, 59))),
    ("gitlab-pat", 1, plain(("gl", "pat-"), URL64, 20)),
    ("gitlab-deploy", 1, plain(("gl", "dt-"), URL64, 20)),
    ("gitlab-runner", 1, plain(("gl", "rt-"), URL64, 20)),
    ("gitlab-trigger", 1, plain(("gl", "ptt-"), HEX, 40)),
    ("slack-bot", 1, runs("xo" + "xb-", (DIGITS, 12), "-", (DIGITS, 13), "-", (ALNUM, 24))),
    ("slack-user", 1, runs("xo" + "xp-", (DIGITS, 12), "-", (DIGITS, 12), "-", (DIGITS, 13), "-", (HEX, 32))),
    ("slack-app", 1, runs("xa" + "pp-1-A", (UPPER + DIGITS, 10), "-", (DIGITS, 13), "-", (HEX, 64))),
    ("stripe-live", 1, plain(("sk", "_live_"), ALNUM, 24)),
    ("stripe-long", 1, plain(("sk", "_live_51"), ALNUM, 97)),
    ("stripe-test", 1, plain(("sk", "_test_"), ALNUM, 24)),
    ("stripe-restricted", 1, plain(("rk", "_live_"), ALNUM, 24)),
    ("stripe-webhook", 1, plain(("wh", "sec_"), ALNUM, 32)),
    ("openai-legacy", 1, runs("s" + "k-", (ALNUM, 20), "T3Bl" + "bkFJ", (ALNUM, 20))),
    ("openai-project", 1, runs("s" + "k-pr" + "oj-", (URL64, 74), "T3Bl" + "bkFJ", (URL64, 74))),
    ("anthropic", 1, runs("sk-" + "ant-" + "api03-", (URL64, 93), "AA")),
    ("google-api", 1, plain(("AI", "za"), URL64, 35)),
    ("google-oauth", 1, runs("ya" + "29.a0", (URL64, 90))),
    ("google-client", 1, plain(("GOC", "SPX-"), URL64, 28)),
    ("sendgrid", 1, runs("S" + "G.", (URL64, 22), ".", (URL64, 43))),
    ("twilio-key", 1, plain(("S", "K"), HEX, 32)),
    ("mailgun", 1, plain(("ke", "y-"), HEX, 32)),
    ("mailchimp", 1, runs((HEX, 32), "-us", ("12345678", 1))),
    ("npm", 1, lambda r: crc62(r, "np" + "m_")),
    ("pypi", 1, pypi),
    ("docker", 1, plain(("dckr", "_pat_"), URL64, 27)),
    ("digitalocean", 1, plain(("dop", "_v1_"), HEX, 64)),
    ("shopify", 1, plain(("shp", "at_"), HEX, 32)),
    ("shopify-shared", 1, plain(("shp", "ss_"), HEX, 32)),
    ("square", 1, plain(("sq0", "atp-"), URL64, 22)),
    ("telegram", 1, runs((DIGITS[1:], 9), ":A" + "A", (URL64, 33))),
    ("huggingface", 1, lambda r: "h" + "f_" + pick(r, string.ascii_letters, 34)),
    ("databricks", 1, plain(("da", "pi"), HEX, 32)),
    ("newrelic", 1, plain(("NR", "AK-"), UPPER + DIGITS, 27)),
    ("vault-service", 1, plain(("hv", "s."), URL64, 95)),
    ("vault-batch", 1, plain(("hv", "b."), URL64, 140)),
    ("terraform", 1, runs((ALNUM, 14), ".atla" + "sv1.", (URL64, 67))),
    ("doppler", 1, plain(("dp.", "pt."), ALNUM, 43)),
    ("grafana-service", 1, grafana_service),
    ("postman", 1, runs("PM" + "AK-", (HEX, 24), "-", (HEX, 34))),
    ("linear", 1, plain(("lin", "_api_"), ALNUM, 40)),
    ("atlassian", 1, atlassian),
    ("discord-bot", 1, discord_bot),
    ("jwt", 1, jwt),
    ("pulumi", 1, plain(("pu", "l-"), HEX, 40)),
    ("figma", 1, plain(("fi", "gd_"), URL64, 40)),
    ("planetscale", 1, plain(("pscale", "_tkn_"), URL64, 43)),
    ("rubygems", 1, plain(("ruby", "gems_"), HEX, 48)),
    ("age", 1, lambda r: "AGE-" + "SECRET-" + "KEY-1" + pick(r, BECH32, 58)),
    ("slack-refresh", 2, runs("xo" + "xe-1-", (ALNUM, 146))),
    ("slack-rotated", 2, runs("xo" + "xe.xo" + "xp-1-", (ALNUM, 163))),
    ("grafana-cloud", 2, grafana_cloud),
    ("sentry-org", 2, sentry_org),
    ("sentry-user", 2, plain(("sntr", "yu_"), HEX, 64)),
    ("onepassword", 2, onepassword),
    ("heroku", 2, plain(("HRK", "U-AA"), URL64, 58)),
    ("notion", 2, plain(("nt", "n_"), ALNUM, 46)),
    ("airtable", 2, runs("pat", (ALNUM, 14), ".", (HEX, 64))),
    ("bitbucket", 2, plain(("AT", "BB"), ALNUM, 32)),
    ("prefect", 2, plain(("pn", "u_"), LOWER + DIGITS, 36)),
    ("flyio", 2, flyio),
    ("cratesio", 2, plain(("ci", "o"), ALNUM, 32)),
    ("supabase", 2, plain(("sb", "p_"), HEX, 40)),
    ("clojars", 2, plain(("CLO", "JARS_"), HEX, 60)),
    ("groq", 2, plain(("gs", "k_"), ALNUM, 52)),
    ("xai", 2, plain(("xa", "i-"), ALNUM, 80)),
    ("perplexity", 2, plain(("pp", "lx-"), ALNUM, 48)),
    ("replicate", 2, plain(("r", "8_"), ALNUM, 37)),
    ("tailscale", 2, runs("tsk" + "ey-auth-", (ALNUM, 12), "-", (ALNUM, 32))),
    ("cloudflare-ca", 2, runs("v1" + ".0-", (HEX, 24), "-", (HEX, 146))),
    ("azure-client", 2, runs((ALNUM, 3), "8Q" + "~", (URL64, 34))),
    ("buildkite", 2, plain(("bk", "ua_"), HEX, 40)),
    ("easypost", 2, plain(("EZ", "AK"), ALNUM, 54)),
    ("flutterwave", 2, runs("FLW" + "SECK-", (HEX, 32), "-X")),
    ("duffel", 2, plain(("duffel", "_live_"), URL64, 43)),
    ("shippo", 2, plain(("shippo", "_live_"), HEX, 40)),
    ("readme", 2, plain(("rd", "me_"), LOWER + DIGITS, 70)),
    ("contentful", 2, plain(("CF", "PAT-"), URL64, 43)),
    ("netlify", 2, plain(("nf", "p_"), ALNUM, 36)),
    ("sourcegraph", 2, plain(("sg", "p_"), HEX, 40)),
    ("mapbox", 2, mapbox),
    ("alibaba", 2, plain(("LT", "AI5t"), ALNUM, 20)),
    ("dynatrace", 2, runs("dt0" + "c01.", (BASE32, 24), ".", (BASE32, 64))),
    ("langsmith", 2, runs("ls" + "v2_pt_", (HEX, 32), "_", (HEX, 10))),
    ("plaid", 2, lambda r: "access-" + "production-" + uuid(r)),
    ("braintree", 2, runs("access_" + "token$production$", (LOWER + DIGITS, 16), "$", (HEX, 32))),
    ("brevo", 2, runs("xke" + "ysib-", (HEX, 64), "-", (ALNUM, 16))),
    ("google-refresh", 2, plain(("1/", "/0"), URL64, 60)),
    ("dropbox", 2, plain(("s", "l.B"), URL64, 135)),
    ("nuget", 2, plain(("oy", "2"), LOWER + DIGITS, 43)),
    ("bitcoin-wif", 3, lambda r: base58check(r, b"\x80", 32, b"\x01")),
    ("facebook", 2, plain(("EAA", "CEdEose0c"), ALNUM, 150)),
]

"""Random personal and financial data with valid check digits, passwords, and the pieces of network identity."""

from shapes import ALNUM, DIGITS, HEX, LOWER, UPPER, luhn_digit, mixed, pick

FIRST = "maria anders yusuf chiara kwame ingrid tomasz leila sanjay brigitte mateo freya dmitri naomi olufemi hanna".split()
LAST = "kowalska lindqvist okonkwo ferrari mensah haugland nowak farahani gupta lefevre alvarez jensen petrov tanaka".split()
DOMAINS = ["example.com", "example.org", "mail.example.net", "corp.example.co.uk", "fastmail.example", "gmx.example"]
WORDS = "copper lantern orbit walnut meadow falcon quartz harbor velvet thunder saffron glacier pepper anchor".split()

# Prefix, length: the table of issuers.
CARDS = {
    "visa": (["4"], 16), "mastercard": (["51", "52", "53", "54", "55", "2221", "2500", "2720"], 16), "amex": (["34", "37"], 15),
    "discover": (["6011", "65"], 16), "jcb": (["3530", "3569"], 16), "diners": (["36", "38"], 14), "unionpay": (["62"], 16),
}
# Country: the BBAN as (alphabet, length) runs, after the registry of IBAN formats.
IBANS = {
    "DE": [(DIGITS, 18)], "GB": [(UPPER, 4), (DIGITS, 14)], "FR": [(DIGITS, 10), (UPPER + DIGITS, 11), (DIGITS, 2)],
    "NL": [(UPPER, 4), (DIGITS, 10)], "ES": [(DIGITS, 20)], "IT": [(UPPER, 1), (DIGITS, 10), (UPPER + DIGITS, 12)],
    "PL": [(DIGITS, 24)], "SE": [(DIGITS, 20)], "CH": [(DIGITS, 5), (UPPER + DIGITS, 12)], "NO": [(DIGITS, 11)],
    "BE": [(DIGITS, 12)], "AT": [(DIGITS, 16)], "PT": [(DIGITS, 21)], "DK": [(DIGITS, 14)], "FI": [(DIGITS, 14)],
    "IE": [(UPPER, 4), (DIGITS, 14)],
}


def card(rng, brand=None):
    """A card number that passes Luhn, with its issuer's prefix and length."""
    prefixes, length = CARDS[brand or rng.choice(list(CARDS))]
    body = rng.choice(prefixes)
    body += pick(rng, DIGITS, length - len(body) - 1)
    return body + luhn_digit(body)


def grouped(number, mark=" "):
    """A card number as printed: 4-4-4-4, for 15 digits 4-6-5, for 14 digits 4-6-4."""
    cuts = {15: (4, 10), 14: (4, 10)}.get(len(number), tuple(range(4, len(number), 4)))
    parts = [number[a:b] for a, b in zip((0, *cuts), (*cuts, len(number)))]
    return mark.join(parts)


def iban(rng, country=None):
    """An IBAN with its country's length and valid mod-97 digits."""
    country = country or rng.choice(list(IBANS))
    body = "".join(pick(rng, *run) for run in IBANS[country])
    number = "".join(str(int(c, 36)) for c in body + country + "00")
    return f"{country}{98 - int(number) % 97:02}{body}"


def in_fours(text, mark=" "):
    """Grouped by four, as an IBAN is printed."""
    return mark.join(text[i : i + 4] for i in range(0, len(text), 4))


def ssn(rng):
    """An American social security number of an area that is issued."""
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03}-{rng.randrange(1, 100):02}-{rng.randrange(1, 10000):04}"


def national(rng):
    """An American number in its national parts."""
    return f"{rng.choice('23456789')}{rng.randrange(10, 99)}", f"{rng.choice('2346789')}{rng.randrange(10, 99)}", f"{rng.randrange(1000, 9999)}"


def phone(rng):
    """A phone number in international form, written as people write it."""
    a, b, c = national(rng)
    last = pick(rng, DIGITS[2:], 4)
    return rng.choice([
        f"+1{a}{b}{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}", f"+1 ({a}) {b}-{c}", f"+44 20 7946 {last}", f"+4930{b}{last}",
        f"+49 151 {last}{last[::-1]}", f"+33 6 12 {last[:2]} {last[2:]} 85", f"+48 601 {b} {last[1:]}", f"+46 70 {b} {last[:2]} {last[2:]}",
    ])


def name(rng):
    """A person's name."""
    return f"{rng.choice(FIRST).title()} {rng.choice(LAST).title()}"


def local(rng):
    """The part of an e-mail address before the @; at least eight characters, with a number so that it is nobody's."""
    first, last, tail = rng.choice(FIRST), rng.choice(LAST), rng.randrange(10, 999)
    return rng.choice([f"{first}.{last}{tail}", f"{first}_{last}{tail}", f"{first[0]}{last}{tail}x", f"{first}{last}+news{tail}"])


def password(rng, hard=False):
    """A password that survives unquoted in any carrier; `hard`: with punctuation that needs quotes."""
    word, other = rng.choice(WORDS), rng.choice(WORDS)
    soft = rng.choice([
        f"{word.title()}{rng.randrange(10, 9999)}!", mixed(rng, ALNUM, rng.randrange(12, 22)), f"{word}-{other}-{rng.randrange(100)}",
        f"{word.title()}_{other}{rng.randrange(10, 99)}", f"{word[:3].upper()}{mixed(rng, LOWER + DIGITS, 9)}*",
    ])
    if not hard:
        return soft
    return rng.choice([f"{word} {other} {rng.randrange(10, 99)}", f"{soft};{other}", f"{word}, {other}&{rng.randrange(10, 99)}", f"{soft}}}{other}"])


def opaque(rng):
    """A secret without a vendor's shape: only its key gives it away."""
    return rng.choice([mixed(rng, ALNUM, 32), mixed(rng, HEX, 40), mixed(rng, ALNUM + "-_", 43), mixed(rng, UPPER + DIGITS, 20)])


def ipv4(rng, private=False):
    """An address of the public range, never ending in .0; the parts are far enough from version numbers."""
    if private:
        return rng.choice([f"10.{rng.randrange(256)}.{rng.randrange(256)}", f"192.168.{rng.randrange(256)}", f"172.{rng.randrange(16, 32)}.{rng.randrange(256)}"]) + f".{rng.randrange(10, 255)}"
    first = rng.choice([n for n in range(23, 200) if n not in (100, 127, 169, 172, 192, 198)])
    return f"{first}.{rng.randrange(20, 250)}.{rng.randrange(20, 250)}.{rng.randrange(10, 255)}"


def ipv6(rng):
    """A global address as (network of 48 bits, host part of 80 bits)."""
    group = lambda: f"{rng.randrange(0x1000, 0x10000):x}"
    return f"2a0{rng.randrange(1, 9)}:{group()}:{group()}", ":".join(group() for _ in range(5))

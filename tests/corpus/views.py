"""The ways in which a reader could still read a secret out of a text: decodings, foldings, and text without its gaps."""

import base64
import binascii
import html
import re
import unicodedata
import urllib.parse

MARKERS = re.compile(r"\[REDACTED(?::[a-z0-9_.:-]{1,60})?\]|hmac-sha256:[A-Za-z0-9_.-]{1,32}:[A-Za-z0-9_-]+")
ESCAPES = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|.)", re.S)
SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0"}
BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
HEX_RUN = re.compile(r"(?:[0-9a-fA-F]{2}){4,}")
GAPS = re.compile(r"[\s\-.()]")
CSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LOOKALIKES = str.maketrans("аеорсхуАЕОРСТХКМНВ" + "‐‑‒–—−", "aeopcxyAEOPCTXKMHB" + "-" * 6)
DEPTH = 4


def unescape(text):
    """Undoes one level of backslashes, as in JSON and Debug."""
    def one(match):
        rest = match.group(1)
        if len(rest) > 1:
            code = int(rest.strip("ux{}"), 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        return SHORT.get(rest, rest)
    return ESCAPES.sub(one, text)


def fold(text):
    """What the eye sees: compatibility forms, no invisible characters, ASCII digits and look-alikes."""
    text = unicodedata.normalize("NFKC", CSI.sub("", text))
    out = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Cf" or char in "\u034f\u180e\0":
            continue
        out.append(str(unicodedata.decimal(char)) if category == "Nd" else char)
    return "".join(out).translate(LOOKALIKES)


def inside(text):
    """The texts that base64 and hex runs of a text hold."""
    found = []
    for run in BASE64_RUN.findall(text):
        body = run.rstrip("=").replace("-", "+").replace("_", "/")
        for start in range(4):
            part = body[start:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            found.append(base64.b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "ignore"))
    for run in HEX_RUN.findall(text):
        found.append(binascii.unhexlify(run).decode("utf-8", "ignore"))
    return found


def levels(text):
    """A text and what its escapes, percent signs and entities stand for, a few levels deep."""
    seen, front = {text: None}, [text]
    for _ in range(DEPTH):
        front = [made for old in front for made in (unescape(old), urllib.parse.unquote(old, errors="replace"), html.unescape(old)) if made not in seen]
        seen.update(dict.fromkeys(front))
    return list(seen)


def views(text):
    """All readings of a text, without our own markers: pairs of (reading, whether gaps were taken out)."""
    made = {}
    for level in levels(MARKERS.sub("\u2400", text)):
        for reading in (level, fold(level), *inside(fold(level))):
            made[reading, False] = None
            made[GAPS.sub("", reading), True] = None
    return list(made)


def windows(secret, size=6):
    """All pieces of a secret that are long enough to be a leak; a short secret leaks only whole."""
    size = min(size, len(secret))
    return {secret[at : at + size] for at in range(len(secret) - size + 1)}

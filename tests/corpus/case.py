"""What a case is, and how a value remembers which of its parts are secret while it is being written.

A secret is put into a value through `Corpus.secret`, which returns a *slot*: the text between two private-use
characters that carry its number. Carriers (JSON escaping, shell quoting, Debug formatting) work on the marked text, so
the label never has to be found again by searching. `Corpus.redact` takes the slots out and writes the labels down.
"""

import random
import re

OPEN, CLOSE = "\ue000", "\ue001"
OPTIONAL_OPEN, OPTIONAL_CLOSE = "\ue010", "\ue011"
FIRST_NUMBER = 0xE100
PRIVATE = re.compile("[\ue000-\uf8ff]")
SLOT = re.compile(f"{OPEN}(.)(.*?){CLOSE}", re.S)
OPTIONAL = re.compile(f"{OPTIONAL_OPEN}(.*?){OPTIONAL_CLOSE}", re.S)
WORD = re.compile(r"[A-Za-z0-9_.-]{4,}")
SCHEME = re.compile(r"\b(Bearer|Basic|Token|SSWS|Digest)\s+$", re.I)
WRAPPER = re.compile(r"(?:\b(?:Some|Ok|Secret|Password|String|Borrowed)\(\s*)+\W*$")


class Corpus:
    """Collects the cases of one seed. Each family draws from its own stream, so a new family moves no other one."""

    def __init__(self, seed):
        self.seed = seed
        self.cases = []
        self._family = None
        self._known = []

    def family(self, name):
        """Starts a family and returns its source of randomness."""
        self._family = name
        return random.Random(f"{self.seed}/{name}")

    def secret(self, text, canonical=None, whole=False):
        """Marks `text` as a secret. `canonical` is what a reader would recover from it (the token without the
        zero-width characters). `whole`: only the complete text is a leak, as for an address whose network may stay."""
        number = len(self._known)
        self._known.append((text if canonical is None else canonical, whole))
        return f"{OPEN}{chr(FIRST_NUMBER + number)}{text}{CLOSE}"

    @staticmethod
    def optional(text):
        """Marks context that a careful engine may cut or may leave, such as the user name beside a password."""
        return f"{OPTIONAL_OPEN}{text}{OPTIONAL_CLOSE}"

    def redact(self, tier, carrier, field, marked, count=None, entry=None):
        """Adds a case that must be redacted. `count` is the expected number of redactions, or a pair of bounds."""
        numbers = [ord(m.group(1)) - FIRST_NUMBER for m in SLOT.finditer(marked)]
        assert numbers, f"{self._family}: a case to redact without a secret: {marked!r}"
        known = [self._known[n] for n in numbers]
        parts = re.split(SLOT, marked)
        outside = parts[0::3]
        options = sum(len(OPTIONAL.findall(part)) for part in outside)
        # A scheme or a wrapper right before its secret may stay or go with it, so it is no context.
        keep = [word for part in outside for word in WORD.findall(OPTIONAL.sub("\0", WRAPPER.sub("", SCHEME.sub("", part))))]
        value = PRIVATE.sub("", marked)
        if count is None:
            count = (len(numbers), len(numbers) + options)
        self._add(
            tier, carrier, field, value, "redact",
            secrets=unique(text for text, whole in known if not whole),
            whole=unique(text for text, whole in known if whole),
            raw=unique(PRIVATE.sub("", m.group(2)) for m in SLOT.finditer(marked)),
            keep=unique(keep),
            count=[count, count] if isinstance(count, int) else list(count),
            entry=entry,
        )
        self._known = []

    def keep(self, tier, carrier, field, value, entry=None):
        """Adds a harmless case: the value must come back byte for byte, and nothing may be counted."""
        assert not PRIVATE.search(value), f"{self._family}: a mark in a harmless value"
        self._add(
            tier, carrier, field, value, "keep",
            secrets=[], whole=[], raw=[], keep=[], count=[0, 0], entry=entry,
        )

    def _add(self, tier, carrier, field, value, expect, entry, **labels):
        family = self._family if entry is None else f"{self._family}.{entry}"
        number = sum(1 for case in self.cases if case["top"] == self._family)
        self.cases.append({
            "id": f"{self._family}-{number:03}", "field": field, "value": value, "tier": tier, "family": family,
            "top": self._family, "carrier": carrier, "expect": expect, **labels,
        })


def unique(items):
    """The items in their order, each once."""
    return list(dict.fromkeys(items))

"""Filters lines by a query, as slowly and plainly as can be: what the readers written in Rust must find.

One request a line on standard input, {"query": …, "lines": […]}; one answer a line on standard output: the places of the
records found, [observed_at, stream, seq], in order, or {"error": …}. The language is read here from its description, with
no code of the crate's; names and kinds of fields are those that docs/fields.md lists, as far as the tests ask for them.
"""

import ipaddress
import json
import re
import sys
import zoneinfo
from datetime import datetime, timezone

SHORT = {
    "actor": "actor.id",
    "agent": "agent.id",
    "correlation": "correlation_id",
    "duration": "duration_ns",
    "ip": "actor.ip",
    "request": "request_id",
    "session": "session_id",
    "span": "span_id",
    "tenant": "scope.tenant",
    "trace": "trace_id",
}
TEXTS = {
    "action", "actor.id", "actor.ip", "actor.roles", "actor.type", "agent.id", "category", "correlation_id", "event",
    "level", "outcome", "reason", "request_id", "resource.id", "resource.type", "scope.tenant", "service", "session_id",
    "source", "stream", "summary", "trace_id", "span_id",
}
NUMBERS = {"duration_ns", "seq"}
TIMES = {"time", "observed_at"}
LEVELS = ["trace", "debug", "info", "warn", "error"]
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}

# -- the language ------------------------------------------------------------------------------------------------------

QUOTED = re.compile(r'"((?:\\["\\*]|[^"])*)"|\'((?:\\["\\*]|[^\'])*)\'')
NAME = re.compile(r'(?:(?!!=|!~)[^\s()"=<>~])+')
VALUE = re.compile(r'[^\s()"]+')
MEMBER = re.compile(r'[^\s()",]+')
OPERATOR = re.compile(r"!=|!~|<=|>=|=|~|<|>")


def glob(text, folds):
    """A text with stars as a regular expression."""
    expression = ""
    for piece in re.findall(r'\\["\\*]|.', text, re.DOTALL):
        if piece == "*":
            expression += ".*"
        else:
            piece = piece[1] if len(piece) == 2 else piece
            expression += re.escape(fold(piece) if folds else piece)
    return re.compile(expression, re.DOTALL)


def bare(text):
    return re.sub(r'\\(["\\*])', r"\1", text)


def fold(text):
    # Letter by letter: the lower case of a letter does not depend on those beside it.
    return "".join(letter.lower() for letter in text)


class Language:
    """Gives a predicate. `equals` on the same field, side by side, is either."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def take(self, expression):
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        found = expression.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def word(self, word):
        return self.take(re.compile(word + r'(?=[\s()"]|$)', re.IGNORECASE))

    def whole(self):
        tree = self.either()
        self.take(re.compile(""))
        if self.at < len(self.text):
            raise ValueError(f"column {self.at + 1} of {self.text!r}")
        return meaning(tree)

    def either(self):
        members = [self.both()]
        while self.word("or"):
            members.append(self.both())
        return members[0] if len(members) == 1 else ("or", members)

    def both(self):
        members = []
        while True:
            joined = bool(self.word("and"))
            at = self.at
            if self.word("or"):
                self.at = at
                break
            term = self.term()
            if term is None:
                break
            same = [m for m in members if m[0] == "equals" and term[0] == "equals" and m[1] == term[1]]
            if same and not joined:
                same[0][2].extend(term[2])
            else:
                members.append(term)
        return members[0] if len(members) == 1 else ("and", members)

    def term(self):
        if self.word("not"):
            return ("not", self.term())
        if self.take(re.compile(r"\(")):
            inner = self.either()
            if not self.take(re.compile(r"\)")):
                raise ValueError("`(` is not closed")
            return inner
        quoted = self.take(QUOTED)
        head = quoted or self.take(NAME)
        if not head:
            return None
        head = content(head) if quoted else head.group()
        if self.word("in"):
            return self.members(head)
        operator = self.take(OPERATOR)
        if not operator:
            return ("says", glob(head, True))
        value = self.take(QUOTED)
        value = content(value) if value else self.take(VALUE).group()
        return condition(bare(head), operator.group(), value)

    def members(self, head):
        self.take(re.compile(r"\("))
        values = []
        while True:
            value = self.take(QUOTED)
            values.append(content(value) if value else self.take(MEMBER).group())
            if self.take(re.compile(r"\)")):
                return ("equals", field_name(bare(head)), values)
            self.take(re.compile(","))


def content(quoted):
    return quoted.group(1) if quoted.group(1) is not None else quoted.group(2)


def field_name(name):
    name = SHORT.get(name, name)
    is_own = name.startswith(("attributes.", "label.", "detail."))
    if not (is_own or name == "resource" or name in TEXTS | NUMBERS | TIMES):
        raise ValueError(f"unknown field {name!r}")
    return name


def condition(name, operator, value):
    name = field_name(name)
    if operator in ("=", "!="):
        tree = ("equals", name, [value])
    elif operator in ("~", "!~"):
        tree = ("contains", name, glob(value, True))
    else:
        tree = ("order", name, operator, value)
    return ("not", tree) if operator.startswith("!") else tree


# -- what it means -----------------------------------------------------------------------------------------------------


def meaning(tree):
    kind = tree[0]
    if kind in ("and", "or"):
        members = [meaning(member) for member in tree[1]]
        every = all if kind == "and" else any
        return lambda record: every(member(record) for member in members)
    if kind == "not":
        inner = meaning(tree[1])
        return lambda record: not inner(record)
    if kind == "says":
        return lambda record: any(tree[1].search(fold(text)) for text in texts(record))
    if kind == "contains":
        return lambda record: any(tree[2].search(fold(spelled(value))) for value in values(record, tree[1]))
    if kind == "equals":
        tests = [equal(tree[1], value) for value in tree[2]]
        return lambda record: any(test(record) for test in tests)
    test = order(tree[1], tree[2], tree[3])
    return lambda record: any(test(value) for value in values(record, tree[1]))


def equal(name, wanted):
    if wanted == "*":
        return lambda record: present(record, name)
    return lambda record: any(equals(name, value, wanted) for value in values(record, name))


def equals(name, value, wanted):
    if name in TIMES:
        return value == moment(wanted)
    if name in NUMBERS:
        return value == number(name, wanted)
    if name == "actor.ip":
        net = network(bare(wanted))
        if net:
            found = address(value)
            return found is not None and found.version == net.version and found in net
    if name in ("trace_id", "span_id"):
        full = 32 if name == "trace_id" else 16
        wanted = wanted.lower() + ("*" if len(wanted) < full and "*" not in wanted else "")
    if name == "level":
        wanted = wanted.lower()
    if isinstance(value, float) and not isinstance(value, bool):
        try:
            if value == float(wanted):
                return True
        except ValueError:
            pass
    return glob(wanted, False).fullmatch(spelled(value)) is not None


def order(name, operator, text):
    compare = {
        "<": lambda found, bound: found < bound,
        "<=": lambda found, bound: found <= bound,
        ">": lambda found, bound: found > bound,
        ">=": lambda found, bound: found >= bound,
    }[operator]
    if name == "level":
        bound = LEVELS.index(text.lower())
        return lambda value: value in LEVELS and compare(LEVELS.index(value), bound)
    if name in TIMES:
        return lambda value: compare(value, moment(text))
    if name in NUMBERS:
        return lambda value: compare(value, number(name, text))
    bound = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)

    def test(value):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if isinstance(value, int) and isinstance(bound, int):
            return compare(value, bound)
        return compare(float(value), float(bound))

    return test


def network(text):
    if "%" in text:
        return None
    try:
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = getattr(net.network_address, "ipv4_mapped", None)
    if mapped and net.prefixlen >= 96:
        return ipaddress.ip_network(f"{mapped}/{net.prefixlen - 96}", strict=False)
    return net


def address(text):
    if "%" in text:
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def number(name, text):
    if name == "duration_ns" and not text.isdigit():
        return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([a-z]+)", text))
    return int(text)


MOMENT = re.compile(
    r"(\d+-\d+-\d+)(?:[T ](\d+):(\d+)(?::(\d+)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:\d\d)?(?: ?\[(.+)\]| ([A-Za-z].*))?"
)


def moment(text):
    """Nanoseconds since 1970 of `2025-11-21T10:00:05Z`, of a day, with an offset, or by the clocks of a zone."""
    found = MOMENT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a time")
    day, hour, minute, second, fraction, offset, bracketed, zone = found.groups()
    local = datetime.fromisoformat(day).replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
    zone = bracketed or zone
    if offset:
        local = local.replace(tzinfo=datetime.fromisoformat("2000-01-01T00:00" + offset.replace("Z", "+00:00")).tzinfo)
    else:
        # Of a time that there is twice, or not at all, `fold=0` takes the offset from before the change.
        local = local.replace(tzinfo=zoneinfo.ZoneInfo(zone) if zone else timezone.utc, fold=0)
    since = local.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86400 + since.seconds) * 10**9 + int((fraction or "").ljust(9, "0") or 0)


# -- a record ----------------------------------------------------------------------------------------------------------


def opened(value):
    """A value as it was before it became JSON."""
    if isinstance(value, list):
        return [opened(member) for member in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (key, inner), = value.items()
            if key == "$int":
                return int(inner)
            if key == "$f64":
                return float(inner)
            if key == "$bytes":
                return b""
            if key == "$map":
                return {name: opened(member) for name, member in inner.items()}
            if key.startswith("$"):
                raise ValueError(f"a value of another kind: {key}")
        return {key: opened(inner) for key, inner in value.items()}
    return value


def texts(value, key=None):
    """Every text inside a record. A time is no text."""
    if isinstance(value, str) and key not in TIMES:
        yield value
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from texts(member, name)


def spelled(value):
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def within(values, path):
    """The member of this name; where there is none, of the longest head that names an object, what it has of the rest."""
    if path in values:
        return [values[path]]
    for dot in reversed([at for at, letter in enumerate(path) if letter == "."]):
        head = values.get(path[:dot])
        if isinstance(head, dict):
            found = within(head, path[dot + 1 :])
            if found:
                return found
    return []


def raw(record, name):
    head, _, rest = name.partition(".")
    if head in ("attributes", "detail"):
        return within(record.get(head, {}), rest)
    if head == "label":
        return [record["labels"][rest]] if rest in record.get("labels", {}) else []
    if name == "correlation_id":
        return [record[key] for key in ("correlation_id", "trace_id") if key in record][:1]
    if name == "resource":
        parts = record.get("resource", {})
        both = ["/".join((parts["type"], parts["id"]))] if "type" in parts and "id" in parts else []
        return list(parts.values()) + both
    value = record.get(head, {}).get(rest) if rest else record.get(head)
    return [] if value is None else [moment(value) if name in TIMES else value]


def present(record, name):
    return bool(raw(record, name))


def values(record, name):
    """What a field has to be tested: a list is each of its members, an object nothing."""
    for value in raw(record, name):
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, (dict, list, bytes)):
                yield one


def answer(request):
    wanted = Language(request["query"]).whole()
    records = [opened(json.loads(line)) for line in request["lines"]]
    found = [record for record in records if wanted(record)]
    return sorted([moment(record["observed_at"]), record["stream"], record["seq"]] for record in found)


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:  # whatever it is, the test is told
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)

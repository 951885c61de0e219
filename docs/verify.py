#!/usr/bin/env python3
"""Verifies a trail of tracing-audit from nothing but docs/format.md: a second opinion, in one file.

usage: verify.py [--key VKEY]... STREAM_DIRECTORY...

It needs Python 3.9 and nothing else. Signatures are checked by the package `cryptography` where it is installed, and
else by the slow arithmetic below. For each directory it writes a line of JSON:
  {"directory": ..., "outcome": "verified" | "tampered" | "undecided", "size": ..., "first": the first record that is
   concerned, or null, "why": ..., "signed": whether a key given has signed the newest checkpoint}
It stops at the first thing that is wrong; `tracing-audit verify` says what is right behind it. It reads a stream that
nobody writes to, and keeps 32 bytes for each record in memory. It exits with 1 if any directory is not verified.
"""
import base64, hashlib, json, os, re, sys

SEGMENT = re.compile(r"audit-\d{4}-\d\d-\d\d-(\d{20})\.jsonl")


class Wrong(Exception):
    def __init__(self, why, first=None):
        super().__init__(why)
        self.first = first


def leaf_hash(line):
    return hashlib.sha256(b"\0" + line).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """RFC 6962: the roots of the complete subtrees, from the largest to the smallest."""

    def __init__(self):
        self.size, self.roots = 0, []

    def push(self, leaf):
        self.roots.append(leaf)
        size = self.size
        while size & 1:
            right = self.roots.pop()
            self.roots.append(node_hash(self.roots.pop(), right))
            size >>= 1
        self.size += 1

    def root(self):
        if not self.roots:
            return hashlib.sha256(b"").digest()
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root


# Ed25519 (RFC 8032), for verification only. Points are (x, y, z, t) with x = X/Z, y = Y/Z, t = XY/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(a, b):
    p, q = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    r, s = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = q - p, s - r, s + r, q + p
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar, point):
    sum_ = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            sum_ = add(sum_, point)
        point, scalar = add(point, point), scalar >> 1
    return sum_


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def own_verify(public, signature, message):
    key, r, s = decompress(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= ORDER or len(signature) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = times(s, BASE), add(r, times(h, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def ed25519(public, signature, message):
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            return True
        except (InvalidSignature, ValueError):
            return False
except ImportError:
    ed25519 = own_verify

SEEN = {}


def is_signed(public, signature, message):
    """Many directories of one origin have the same notes."""
    at = (public, signature, message)
    if at not in SEEN:
        SEEN[at] = ed25519(public, signature, message)
    return SEEN[at]


def b64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 that nobody writes")
    return data


def key_of(vkey):
    name, key_id, data = vkey.split("+", 2)
    data = b64(data)
    if len(data) != 33 or data[0] != 1 or id_of(name, data[1:]).hex() != key_id:
        raise ValueError("no key")
    return name, data[1:]


def id_of(name, public):
    return hashlib.sha256(name.encode() + b"\n\1" + public).digest()[:4]


def read(directory, name):
    try:
        with open(os.path.join(directory, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def checkpoint_of(text, stream, where):
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), b64(lines[2])
        if str(size) != lines[1] or len(root) != 32 or len(lines) < 4:
            raise ValueError
    except (ValueError, IndexError):
        raise Wrong(f"{where}: no checkpoint") from None
    if origin != stream and not origin.endswith("/" + stream):
        raise Wrong(f"{where}: a checkpoint of another log")
    return size, root


def note_of(note, stream, keys, where):
    """The size, the root, and who of `keys` signed it."""
    text, mark, signatures = note.rpartition("\n\n")
    if not mark or not signatures.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in note):
        raise Wrong(f"{where}: no signed note")
    by = set()
    text += "\n"
    for line in signatures[:-1].split("\n"):
        try:
            dash, name, data = line.split(" ")
            data = b64(data)
            if dash != "\u2014":
                raise ValueError
        except ValueError:
            raise Wrong(f"{where}: no signature") from None
        for at, (first, key_name, public) in enumerate(keys):
            if name in (key_name, f"{key_name}/{stream}") and data[:4] == id_of(name, public):
                if is_signed(public, data[4:], text.encode()):
                    by.add(at)
    if not by:
        raise Wrong(f"{where}: not signed by a key that is known")
    return checkpoint_of(text, stream, where) + (by,)


def notes_of(directory, stream, keys):
    """Every checkpoint: (size, root, signers, file). A note that is the beginning of one is skipped."""
    found = []
    for name in ("checkpoint", "checkpoint.unsigned"):
        data = read(directory, name)
        if data is not None:
            try:
                text = data.decode()
            except UnicodeDecodeError:
                raise Wrong(f"{name}: not UTF-8") from None
            found.append((checkpoint_of(text, stream, name) + (set(),) if name.endswith("d") else note_of(text, stream, keys, name)) + (name,))
    data, last = read(directory, "checkpoints") or b"", 0
    try:
        blocks = [block for block in data.decode().split("\n\n") if block.strip("\n")]
    except UnicodeDecodeError:
        raise Wrong("checkpoints: not UTF-8") from None
    while blocks:
        text = blocks.pop(0)
        if blocks and blocks[0].startswith("\u2014 "):
            signatures = blocks.pop(0).rstrip("\n")
            whole = all(len(line.rpartition(" ")[2]) >= 92 for line in signatures.split("\n"))
            if not whole and not blocks:
                break
            size, root, by = note_of(f"{text}\n\n{signatures}\n", stream, keys, "checkpoints")
            if size < last:
                raise Wrong("checkpoints: a size fell")
            last = size
            found.append((size, root, by, "checkpoints"))
        elif blocks or not f"{text}\n".split("\n")[0].startswith(tuple(k[1] for k in keys)):
            raise Wrong("checkpoints: a text without a signature")
    return found


def keys_of(directory):
    keys = []
    data = read(directory, "keys") or b""
    for line in data.splitlines(keepends=True):
        try:
            entry = json.loads(line)
            keys.append((entry["first"],) + key_of(entry["vkey"]))
        except (ValueError, KeyError, TypeError):
            raise Wrong("keys: a line is damaged") from None
    if data and not data.endswith(b"\n"):
        raise Wrong("keys: a line has no end")
    if [key[0] for key in keys] != sorted(key[0] for key in keys):
        raise Wrong("keys: a size fell")
    return keys


class Stream:
    def __init__(self, directory, given):
        self.directory, self.leaves, self.torn, self.odd, self.takeovers = directory, [], [], [], {}
        self.removal, self.first, self.rubbish = float("inf"), 0, False
        self.stream = json.loads(read(directory, "stream"))["stream"]
        self.keys = keys_of(directory)
        self.checkpoints = notes_of(directory, self.stream, self.keys or [(0,) + key for key in given])

    def tiles(self):
        """Leaf hashes as the tiles have them, as far as they are there."""
        number = 0
        while True:
            name = "/".join(["x%03d" % (number // 1000 ** n % 1000) for n in (3, 2, 1) if number >= 1000 ** n] + ["%03d" % (number % 1000)])
            data = read(self.directory, f"tile/0/{name}")
            if data is None:
                try:
                    widths = sorted(int(width) for width in os.listdir(os.path.join(self.directory, f"tile/0/{name}.p")))
                except FileNotFoundError:
                    return
                if not widths:
                    return
                data = read(self.directory, f"tile/0/{name}.p/{widths[-1]}")
            for at in range(0, len(data), 32):
                yield data[at:at + 32]
            if len(data) < 8192:
                return
            number += 1

    def walk(self):
        names = sorted((int(match[1]), match[0]) for match in map(SEGMENT.fullmatch, os.listdir(self.directory)) if match)
        self.first = names[0][0] if names else 0
        tiles = self.tiles()
        self.leaves.extend(leaf for leaf, _ in zip(tiles, range(self.first)))
        if len(self.leaves) < self.first:
            raise Wrong("records at the beginning are gone, and so are their tiles", 0)
        for (first, name), (after, _) in zip(names, names[1:] + [(None, None)]):
            if len(self.leaves) < first and after is not None and after <= len(self.leaves):
                continue
            self.segment(name, first, after)

    def segment(self, name, first, after):
        data, offset, begun = read(self.directory, name), 0, False
        for line in data.splitlines(keepends=True) if b"\r" not in data else re.findall(rb"[^\n]*\n|[^\n]+$", data):
            start, offset = offset, offset + len(line)
            seq = None
            if line.endswith(b"\n"):
                try:
                    record = json.loads(line)
                    seq = record["seq"] if type(record["seq"]) is int else None
                except (ValueError, KeyError, TypeError, RecursionError):
                    pass
            due = len(self.leaves)
            if seq == due and (after is None or seq < after):
                begun = begun or seq >= first
                self.leaves.append(leaf_hash(line[:-1]))
                self.control(record)
            elif seq is not None and seq < min(due, first) and not begun:
                if self.leaves[seq] != leaf_hash(line[:-1]):
                    raise Wrong(f"{name} at byte {start}: the copy of a record is not the record", seq)
            else:
                self.odd.append((name, start, offset, due, after))

    def control(self, record):
        try:
            self.says(record)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # It was changed, or is of a later version; its bytes are checked as all others.

    def says(self, record):
        if not record["event"].startswith("audit."):
            return
        said = record.get("attributes", {})
        torn = said.get("torn", [])
        for region in torn if isinstance(torn, list) else [torn]:
            self.torn.append(region)
        failed = record["event"] == "audit.rotate" and said.get("cause") not in ("midnight", "size", "requested")
        self.rubbish |= failed or record["event"] == "audit.open" and said.get("clean") is False
        if record["event"] == "audit.key":
            self.takeovers[(said["first"], key_of(said["vkey"])[1])] = record["seq"]
        if record["event"] == "audit.retention":
            first, last = said["records"]
            amid = first < self.first <= last and self.first in [int(SEGMENT.fullmatch(name)[1]) for name in said["segments"]]
            if self.first == last + 1 or amid:
                self.removal = min(self.removal, record["seq"])

    def explained(self, name, start, end):
        for region in (region for region in self.torn if isinstance(region, dict)):
            first = region.get("offset", start)
            if region.get("segment") == name and first <= start and end <= first + region.get("len", 0) + 1:
                data = read(self.directory, name)[first:first + region["len"]]
                return hashlib.sha256(data).hexdigest() == region.get("sha256")
        return False

    def check(self, given):
        self.walk()
        sealed = max((size for size, *_ in self.checkpoints), default=0)
        # The first leaf that a tile does not have is where a change is.
        tiles = list(self.tiles())
        differing = next((n for n, (leaf, tile) in enumerate(zip(self.leaves, tiles)) if leaf != tile), None)
        odd = [at for at in self.odd if not self.explained(at[0], at[1], at[2]) and not (at[4] is None and at[3] >= sealed)]
        # A crash, or a write that failed, leaves lines that do not count at the end of a segment.
        odd = [at for at in odd if not (self.rubbish and at[4] is not None and at[3] >= at[4])]
        self.roots(differing, odd)
        if odd:
            raise Wrong(f"{odd[0][0]} at byte {odd[0][1]}: what stands here is no record that is due", odd[0][3])
        if len(self.leaves) < max(sealed, len(tiles)):
            raise Wrong("records are missing", len(self.leaves))
        self.all_tiles()
        self.succession()
        if self.first and self.removal >= (sealed or float("inf")):
            raise Wrong("records at the beginning are gone, and no retention record says so", 0)
        return self.trust(given, sealed)

    def roots(self, differing, odd):
        tree, due = Tree(), sorted(self.checkpoints, key=lambda at: at[0])
        odd_first = odd[0][3] if odd else None
        for n in range(len(self.leaves) + 1):
            while due and due[0][0] == n:
                size, root, _, name = due.pop(0)
                if tree.root() != root:
                    first = min((at for at in (differing, odd_first) if at is not None and at < size), default=None)
                    raise Wrong(f"{name}: the root of size {size} is another one", first)
            if n < len(self.leaves):
                tree.push(self.leaves[n])
        if due:
            first = min(at for at in (len(self.leaves), differing, odd_first) if at is not None)
            raise Wrong("there are fewer records than were sealed", first)

    def all_tiles(self):
        """Every tile's file, of every level."""
        row, level = self.leaves, 0
        while row:
            top = os.path.join(self.directory, "tile", str(level))
            for directory, _, files in os.walk(top):
                for file in files:
                    path = os.path.relpath(os.path.join(directory, file), top)
                    number, _, width = path.partition(".p" + os.sep)
                    index = int("".join(part.lstrip("x") for part in number.split(os.sep)))
                    wanted = b"".join(row[index * 256:index * 256 + int(width or 256)])
                    if read(top, path) != wanted:
                        raise Wrong(f"tile/{level}/{path}: not the records' hashes", None)
            row, level = [fold(row[at:at + 256]) for at in range(0, len(row) - 255, 256)], level + 1

    def succession(self):
        """Each checkpoint is signed by the key of its range; each key but the first was endorsed."""
        if not self.keys:
            return
        used, endorsed = set(), {0}
        for size, _, by, name in self.checkpoints:
            if not by:
                continue
            due = max((at for at, key in enumerate(self.keys) if key[0] <= size), default=None)
            if due not in by:
                raise Wrong(f"{name}: the checkpoint of size {size} is not signed by the key of its range")
            used.add(due)
            for at in by - {0}:
                record = self.takeovers.get((self.keys[at][0], self.keys[at][2]))
                if at - 1 in by and (self.keys[at][0] < self.first if record is None else record < size):
                    endorsed.add(at)
        if self.keys[0][0] > 0 and 0 in used and (self.keys[0][0], self.keys[0][2]) not in self.takeovers and self.keys[0][0] >= self.first:
            raise Wrong("keys: no record says that the first key begins to sign")
        if used - endorsed:
            raise Wrong("keys: a key took over without the record or the two signatures that say so")
        self.endorsed = endorsed

    def trust(self, given, sealed):
        signed = [(size, max(by)) for size, _, by, _ in self.checkpoints if by]
        if not signed:
            if given:
                raise Wrong("a key was given, and the log is not signed")
            return sealed, False
        if not self.keys:
            return sealed, bool(given)
        newest, trusted, before = max(signed)[1], set(), False
        for at, (_, name, public) in enumerate(self.keys):
            same = any(public == key and (name == n or name == f"{n}/{self.stream}") for n, key in given)
            before = same or (before and at in self.endorsed)
            trusted |= {at} if before else set()
        if given and newest not in trusted:
            raise Wrong("the newest checkpoint is signed by no key that was given")
        return sealed, newest in trusted


def fold(row):
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def main(arguments):
    given = []
    while arguments[:1] == ["--key"]:
        given.append(key_of(arguments[1]))
        arguments = arguments[2:]
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 4
    failed = False
    for directory in arguments:
        size, first, why, signed = 0, None, "", False
        try:
            if not os.path.isfile(os.path.join(directory, "stream")):
                raise ValueError("no file `stream` is in it; give a stream's directory, such as audit/main")
            stream = Stream(directory, given)
            size, signed = stream.check(given)
            outcome = "verified" if stream.checkpoints else "undecided"
        except Wrong as wrong:
            outcome, first, why = "tampered", wrong.first, str(wrong)
        except (OSError, ValueError, LookupError, TypeError) as error:
            outcome, why = "undecided", f"{type(error).__name__}: {error}"
        failed |= outcome != "verified"
        print(json.dumps({"directory": directory, "outcome": outcome, "size": size, "first": first, "why": why, "signed": signed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Searches bytes for planted secrets: `search.py --needles FILE PATH…`. Prints each hit; exits with 1 when there is one.

NEEDLES is a text file with one secret a line, or JSON lines with a `needle` and optionally a `name`; what is printed is
the name (or the line's number) and never the secret. Each PATH is a file or a folder, searched to the bottom, hidden and
temporary files included. The contents of gzip members, at any place in a file, are searched as well.
"""

import argparse
import base64
import json
import sys
import urllib.parse
import zlib
from pathlib import Path

SHORTEST = 8
GZIP = b"\x1f\x8b\x08"
LARGEST = 1 << 28


def base64_forms(data):
    """The parts of a base64 text that depend on `data` alone, for its three places within a group of three bytes."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data)
        # The first character that holds no bit of the padding before, and the last that holds none of what follows.
        first = -(-shift * 8 // 6)
        last = (shift + len(data)) * 8 // 6
        part = text[first:last]
        yield f"base64+{shift}", part
        url = part.replace(b"+", b"-").replace(b"/", b"_")
        if url != part:
            yield f"base64url+{shift}", url


def forms(needle):
    """All (encoding, bytes) in which a needle is looked for; equal bytes are listed once."""
    data = needle.encode()
    made = {}
    put = lambda name, form: form and made.setdefault(form, name)
    put("raw", data)
    for name, form in base64_forms(data):
        put(name, form)
    put("hex", data.hex().encode())
    put("HEX", data.hex().upper().encode())
    put("hex spaced", data.hex(" ").encode())
    put("decimal bytes", ", ".join(map(str, data)).encode())
    put("decimal bytes, compact", ",".join(map(str, data)).encode())
    put("percent", urllib.parse.quote(needle, safe="").encode())
    put("percent, lower case", urllib.parse.quote(needle, safe="").encode().lower() if "%" in urllib.parse.quote(needle, safe="") and needle == needle.lower() else b"")
    put("percent, every byte", "".join(f"%{byte:02X}" for byte in data).encode())
    put("plus for space", urllib.parse.quote_plus(needle).encode())
    escaped = json.dumps(needle, ensure_ascii=False)[1:-1]
    put("json", escaped.encode())
    put("json, ascii", json.dumps(needle)[1:-1].encode())
    put("json in json", json.dumps(escaped, ensure_ascii=False)[1:-1].encode())
    put("json, all escaped", "".join(f"\\u{unit:04x}" for unit in units(needle)).encode())
    put("utf-16-le", needle.encode("utf-16-le"))
    put("utf-16-be", needle.encode("utf-16-be"))
    return [(name, form) for form, name in made.items()]


def units(text):
    """The UTF-16 units of a text."""
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def unpacked(data):
    """What the gzip members in `data` hold, also a member that is cut off in the middle."""
    at = data.find(GZIP)
    while at >= 0:
        try:
            content = zlib.decompressobj(wbits=31).decompress(data[at:], LARGEST)
        except zlib.error:
            content = partly(data[at:])
        if content:
            yield at, content
        at = data.find(GZIP, at + 1)


def partly(data):
    """As much of a damaged member as comes out."""
    stream, out = zlib.decompressobj(wbits=31), b""
    try:
        for start in range(0, len(data), 256):
            out += stream.decompress(data[start : start + 256], LARGEST)
    except zlib.error:
        pass
    return out


def hits(surface, data, needles, depth=2):
    """(surface, needle's name, encoding, offset) of each needle in each encoding, also inside gzip."""
    for name, encodings in needles:
        for encoding, form in encodings:
            at = data.find(form)
            if at >= 0:
                yield surface, name, encoding, at
    if depth:
        for at, content in unpacked(data):
            yield from hits(f"{surface} (gzip at {at})", content, needles, depth - 1)


def prepared(needles):
    """Needles with their forms; a short one is refused, it would be found by chance."""
    for name, needle in needles:
        if len(needle.encode()) < SHORTEST:
            raise SystemExit(f"needle {name} has {len(needle.encode())} bytes, at least {SHORTEST} are needed: plant longer secrets")
    return [(name, forms(needle)) for name, needle in needles]


def read_needles(path):
    """(name, needle) of each line."""
    made = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("{"):
            entry = json.loads(line)
            made.append((entry.get("name", f"line {number}"), entry["needle"]))
        elif line:
            made.append((f"line {number}", line))
    if not made:
        raise SystemExit(f"{path} holds no needle: nothing would be searched")
    return made


def surfaces(paths):
    """(name, bytes) of every file below the paths, and of every file's own name."""
    for path in map(Path, paths):
        if not path.exists():
            raise SystemExit(f"{path} does not exist: nothing would be searched")
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                yield str(file), file.read_bytes()
            yield f"name of {file}", file.name.encode()


def main():
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("paths", nargs="+")
    options.add_argument("--needles", required=True)
    options.add_argument("--quiet", action="store_true", help="print the totals only")
    given = options.parse_args()
    needles = prepared(read_needles(given.needles))
    files = size = found = 0
    for surface, data in surfaces(given.paths):
        files += not surface.startswith("name of ")
        size += len(data)
        for place, name, encoding, at in hits(surface, data, needles):
            found += 1
            if not given.quiet:
                print(f"{place}: {name} as {encoding} at byte {at}")
    print(f"{found} hits; searched {files} files, {size} bytes, {len(needles)} needles in {sum(len(f) for _, f in needles)} forms")
    if not files:
        raise SystemExit("no file was searched")
    sys.exit(1 if found else 0)


def selfcheck(folder):
    """(name, whether it holds) of each encoding: planted it must be found, and a clean file must show nothing."""
    import gzip

    needle = 'q"Z' + "7\\v/é+" + "tail of it?"
    data = needle.encode()
    once = json.dumps(needle, ensure_ascii=False)
    planted = {
        "raw": data, "hex": data.hex().encode(), "HEX": data.hex().upper().encode(), "percent": urllib.parse.quote(needle, safe="").encode(),
        "percent, every byte": "".join(f"%{b:02X}" for b in data).encode(), "json": once.encode(), "json, ascii": json.dumps(needle).encode(),
        "json in json": json.dumps(once, ensure_ascii=False).encode(), "utf-16-le": needle.encode("utf-16-le"), "utf-16-be": needle.encode("utf-16-be"),
        "decimal bytes": str(list(data)).encode(), "plus for space": urllib.parse.quote_plus(needle).encode(), "gzip": b"head" + gzip.compress(b"x " + data + b" y"),
        "gzip twice": gzip.compress(gzip.compress(data)), "gzip cut off": gzip.compress(data * 3 + bytes(range(256)) * 40)[:-40],
    }
    for before in range(3):
        for after in range(3):
            planted[f"base64 {before}+{after}"] = base64.b64encode(b"abc"[:before] + data + b"xyz"[:after])
            planted[f"base64url {before}+{after}"] = base64.urlsafe_b64encode(b"\xff\xfe\xfd"[:before] + data + b"\xff\xfe"[:after])
    needles = prepared([("n", needle)])
    for name, content in planted.items():
        for around in (b"", b"x: "):
            found = list(hits("memory", around + content + around, needles))
            yield f"search finds {name}{' in context' if around else ''}", bool(found)
    (folder / "deep").mkdir()
    (folder / "deep" / ".hidden.tmp").write_bytes(planted["base64 1+2"])
    seen = [hit for surface, content in surfaces([folder]) for hit in hits(surface, content, needles)]
    yield "search reads hidden files in folders", len(seen) == 1
    clean = b"".join(content for content in [b"harmless text, ", base64.b64encode(b"other words entirely"), gzip.compress(b"nothing"), bytes(range(256))])
    yield "search finds nothing in a clean file", not list(hits("memory", clean, needles))
    yield "search tells surfaces and encodings apart", [hit[:3] for hit in hits("s", b"_" + data.hex().encode(), needles)] == [("s", "n", "hex")]


if __name__ == "__main__":
    main()

"""The forms in which a value reaches a log: each function wraps a marked text and leaves its marks in place."""

import json


def as_json(pairs):
    """A JSON object on one line; the marks survive because nothing outside ASCII is escaped."""
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def as_json_spaced(pairs):
    """A JSON object with spaces, as Python and browsers print it."""
    return json.dumps(pairs, ensure_ascii=False)


def nested(pairs, depth=1):
    """An object that holds another one as text, `depth` times."""
    text = as_json(pairs)
    for level in range(depth):
        text = as_json({"request_id": f"req-{level}77", "body": text})
    return text


def rust(text):
    """A string as Rust's Debug prints it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def debug(name, fields):
    """A derived Debug on one line; `fields` are (name, text already in Debug form)."""
    return f"{name} {{ " + ", ".join(f"{key}: {value}" for key, value in fields) + " }"


def pretty(name, fields, indent=0):
    """A derived Debug as `{:#?}` prints it."""
    pad = "    " * (indent + 1)
    return f"{name} {{\n" + "".join(f"{pad}{key}: {value},\n" for key, value in fields) + "    " * indent + "}"


def percent(text, every=False):
    """Percent-encoding that passes over the marks; `every`: encodes letters too."""
    out = []
    for char in text:
        if "\ue000" <= char <= "\uf8ff" or (not every and char.isascii() and (char.isalnum() or char in "-_.~")):
            out.append(char)
        else:
            out.extend(f"%{byte:02X}" for byte in char.encode())
    return "".join(out)


# Carriers that say nothing about the content: only the shape of the value can give it away.
NEUTRAL = {
    "bare": lambda s, rng: s,
    "prose": lambda s, rng: rng.choice([
        f"please rotate {s} before the release on Friday", f"found {s} in the build output of runner 14",
        f"the worker started with {s} and then stopped responding", f"({s}) was pasted into the support chat",
    ]),
    "json": lambda s, rng: as_json({"step": "deploy", "note": s, "attempt": rng.randrange(1, 9), "region": "eu-west-1"}),
    "json-json": lambda s, rng: nested({"step": "deploy", "note": s}, 1),
    "error": lambda s, rng: rng.choice([
        f"error: invalid credential {s}: status code 401 Unauthorized", f"upstream rejected {s} (HTTP 403), retrying in 30s",
    ]),
    "panic": lambda s, rng: f"thread 'tokio-runtime-worker' panicked at src/client.rs:{rng.randrange(20, 400)}:13:\nunexpected reply for {s}",
    "debug": lambda s, rng: debug("Job", [("id", str(rng.randrange(999))), ("input", f'Some("{s}")'), ("retries", "3")]),
    "argv": lambda s, rng: f"/usr/local/bin/deployctl run --verbose {s} --region eu-west-1",
    "env": lambda s, rng: f"HOME=/root RUST_LOG=info VALUE={s} LANG=C.UTF-8",
    "url": lambda s, rng: f"https://hooks.example.com/v1/items?page=2&ref={s}&limit=50",
    "header": lambda s, rng: f"accept: application/json\nx-forwarded-value: {s}\ncontent-length: 312",
    "log": lambda s, rng: f"2026-03-14T09:26:53.589Z INFO worker{{shard=4}}: uploaded artifact input={s} elapsed_ms=41",
    "array": lambda s, rng: as_json(["first", s, "last", 7]),
    "quoted": lambda s, rng: f"the input was '{s}', which nobody expected",
    "url-path": lambda s, rng: f"GET https://hooks.example.com/v1/items/{s}/status returned 404 after 3 attempts",
}
FIELDS = ["message", "note", "detail", "payload", "text", "body", "output", "comment", "input", "description"]

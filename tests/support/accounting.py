"""Counts what a journal holds, without any code of the library: user records, and records that gaps account for."""

import json
import pathlib
import sys

users = gaps = 0
expected = None
for segment in sorted(pathlib.Path(sys.argv[1]).rglob("*.jsonl")):
    with open(segment, "rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record.get("actor", {}).get("id") == "tracing-audit":
                if record["event"] == "audit.gap":
                    gaps += record["attributes"]["lost"]
            else:
                users += 1
            if expected is not None and record["seq"] != expected:
                print(f"seq {record['seq']} follows {expected - 1}", file=sys.stderr)
            expected = record["seq"] + 1
print(users, gaps)

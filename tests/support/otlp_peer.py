"""Reads what a collector handed to a broker, with OTLP's own decoder, and compares it with the lines of a trail, field by
field. Written from docs/opentelemetry.md. Arguments: the broker, the topic, the directory of the stream, seconds to wait."""
import base64
import calendar
import glob
import json
import math
import os
import re
import sys
import time

from kafka import KafkaConsumer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

GROUPS = {"actor", "agent", "code", "decision", "error", "lineage", "pii", "redaction", "resource", "scope"}
NAMED = {
    "user.roles": ("actor", "roles"), "user.hash": ("actor", "client_hash"),
    "user_agent.original": ("actor", "user_agent"), "gen_ai.agent.id": ("agent", "id"),
    "gen_ai.agent.name": ("agent", "name"), "code.file.path": ("code", "file"),
    "code.line.number": ("code", "line"), "error.type": ("error", "code"),
    "deployment.environment.name": ("scope", "environment"), "audit.target.id": ("resource", "id"),
    "audit.target.type": ("resource", "type"), "audit.source.id": ("actor", "ip"),
    "session.id": (None, "session_id"), "gen_ai.conversation.id": (None, "conversation_id"),
    "audit.record.id": (None, "id"), "audit.sequence.number": (None, "seq"),
    "audit.sequence.stream_id": (None, "stream"),
}
MAPS = {"attribute": "attributes", "detail": "detail", "hash": "hashes", "label": "labels"}


def value(any_value):
    """A value, as a tagged pair, so that 1, 1.0 and True differ."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return ("null", None)
    said = getattr(any_value, kind)
    if kind == "array_value":
        return ("list", [value(inner) for inner in said.values])
    if kind == "kvlist_value":
        return ("map", {pair.key: value(pair.value) for pair in said.values})
    if kind == "double_value":
        return ("float", "NaN" if math.isnan(said) else said.hex())
    return ({"string_value": "text", "bool_value": "bool", "int_value": "int", "bytes_value": "bytes"}[kind], said)


def tagged(said):
    """The same of a line's JSON."""
    if said is None:
        return ("null", None)
    if isinstance(said, bool):
        return ("bool", said)
    if isinstance(said, int):
        return ("int", said)
    if isinstance(said, float):
        return ("float", said.hex())
    if isinstance(said, str):
        return ("text", said)
    if isinstance(said, list):
        return ("list", [tagged(inner) for inner in said])
    if len(said) == 1:
        (key, inner), = said.items()
        if key == "$map":
            return ("map", {key: ("map", {name: tagged(member) for name, member in inner.items()})})
        if key == "$int" and -2**63 <= int(inner) < 2**63:
            return ("int", int(inner))
        if key == "$f64":
            number = float(inner.replace("Infinity", "inf"))
            return ("float", "NaN" if math.isnan(number) else number.hex())
        if key == "$bytes":
            return ("bytes", base64.b64decode(inner))
    return ("map", {key: tagged(inner) for key, inner in said.items()})


def nanos(text):
    date, fraction = re.fullmatch(r"(.*)\.(\d{9})Z", text).groups()
    seconds = time.strptime(date, "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(seconds) * 10**9 + int(fraction)


def flat(line):
    """A line's members by their paths, values tagged."""
    found = {}
    for key, said in line.items():
        if key in ("attributes", "detail", "hashes", "labels") and isinstance(said, dict) and said:
            inner = said.get("$map", said) if len(said) == 1 else said
            if inner is said and len(said) == 1 and next(iter(said)).startswith("$"):
                found[(None, key)] = tagged(said)
                continue
            found.update({(key, name): tagged(member) for name, member in inner.items()})
        elif key in GROUPS and isinstance(said, dict) and said:
            found.update({(key, name): tagged(member) for name, member in said.items()})
        else:
            found[(None, key)] = tagged(said)
    return found


def received(resource, record):
    found = {}
    for pair in record.attributes:
        name, said = pair.key, value(pair.value)
        if name in ("log.record.uid", "audit.source.type"):
            continue
        if name == "audit.schema.version":
            said, place = ("int", int(said[1])), (None, "schema")
        elif name in NAMED:
            place = NAMED[name]
        elif not name.startswith("audit."):
            place = ("attributes", name)
        else:
            first, dot, rest = name[len("audit."):].partition(".")
            if first in MAPS and dot:
                place = (MAPS[first], rest)
            elif first in GROUPS and dot:
                place = (first, rest)
            else:
                place = (None, name[len("audit."):])
        assert place not in found, (name, "stands twice")
        found[place] = said
    found[(None, "time")] = ("time", record.time_unix_nano)
    found[(None, "observed_at")] = ("time", record.observed_time_unix_nano)
    found[(None, "event")] = ("text", record.event_name)
    if record.HasField("body"):
        found[(None, "summary")] = value(record.body)
    for key, said in (("trace_id", record.trace_id), ("span_id", record.span_id)):
        if said:
            found[(None, key)] = ("text", said.hex())
    if record.flags:
        found[(None, "trace_flags")] = ("int", record.flags)
    shared = {pair.key: value(pair.value) for pair in resource.attributes}
    for key, name in (("service", "service.name"), ("host", "host.name")):
        if name in shared:
            found.setdefault((None, key), shared[name])
    return found


def main():
    broker, topic, stream, seconds = sys.argv[1:]
    lines = {}
    for path in glob.glob(os.path.join(stream, "audit-*.jsonl")):
        with open(path, encoding="utf-8") as segment:
            for text in segment.read().split("\n"):
                if text:
                    line = flat(json.loads(text))
                    for key in ("time", "observed_at"):
                        line[(None, key)] = ("time", nanos(line[(None, key)][1]))
                    lines[line[(None, "seq")][1]] = line
    unequal, seen, again = [], set(), 0
    consumer = KafkaConsumer(topic, bootstrap_servers=broker, auto_offset_reset="earliest", enable_auto_commit=False)
    until = time.monotonic() + float(seconds)
    while len(seen) < len(lines) and time.monotonic() < until:
        for messages in consumer.poll(timeout_ms=200).values():
            for message in messages:
                request = ExportLogsServiceRequest.FromString(message.value)
                for logs in request.resource_logs:
                    for scope in logs.scope_logs:
                        for record in scope.log_records:
                            found = received(logs.resource, record)
                            seq = found[(None, "seq")][1]
                            again += seq in seen
                            seen.add(seq)
                            due = lines.get(seq, {})
                            if found != due:
                                differ = [str((key, due.get(key), found.get(key))) for key in {**due, **found} if due.get(key) != found.get(key)]
                                unequal.append([seq, differ[:5]])
    print(json.dumps({"lines": len(lines), "arrived": len(seen), "again": again, "unequal": unequal[:5]}))


main()

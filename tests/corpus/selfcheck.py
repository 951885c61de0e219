"""Checks the yardstick itself: filters whose score is known must get it, and the same seed must give the same cases."""

import json
import sys
import tempfile
from pathlib import Path

import search
import views
from generate import corpus
from score import again, numbers, parses, score, second
from shapes import luhn

FAILED = []


def expect(name, holds, seen=""):
    """Notes one check."""
    print(f"{'ok  ' if holds else 'FAIL'} {name}{'' if holds else f': {seen}'}")
    if not holds:
        FAILED.append(name)


def run(cases, change):
    """The numbers of a filter given as a function of the case that returns (value, count)."""
    results = []
    for case in cases:
        value, count = change(case)
        results.append({"id": case["id"], "value": value, "redactions": count})
    judged = score(cases, results)
    return numbers(judged), judged


def cut(case, marker):
    """The value with every secret replaced."""
    value = case["value"]
    for raw in sorted(case["raw"], key=len, reverse=True):
        value = value.replace(raw, marker)
    return value


def oracle(case):
    """Cuts exactly what the labels say; where the secret is a JSON number the marker brings its quotes."""
    value = cut(case, "[REDACTED:secret]")
    if parses(case["value"]) and not parses(value):
        value = cut(case, '"[REDACTED:secret]"')
    return value, case["count"][0]


def filters(cases):
    """Filters with a known score."""
    made, judged = run(cases, lambda case: (case["value"], 0))
    unseen = [case["id"] for case, _, found in judged if found.get("leak") is False]
    expect("without a filter every secret leaks", not unseen, unseen[:9])
    expect("without a filter nothing is spoiled", not any(made[f"spoiled {tier}"] for tier in (1, 2, 3)), made)
    expect("without a filter nothing is miscounted", made["miscounts"] == 0, made)

    made, _ = run(cases, lambda case: ("", 1))
    expect("a filter that blanks everything leaks nothing", not any(made[f"leaks {tier}"] for tier in (1, 2, 3)), made)
    expect("a filter that blanks everything spoils everything", all(made[f"spoiled rate {tier}"] == 100 for tier in (1, 2)), made)
    expect("a filter that blanks everything keeps no context", made["context"] == 0, made)

    made, judged = run(cases, oracle)
    for kind in ("leak", "spoiled", "miscount", "broken"):
        bad = [(case["id"], found) for case, _, found in judged if found.get(kind)]
        expect(f"a filter that follows the labels has no {kind}", not bad, bad[:5])
    expect("a filter that follows the labels keeps all context", made["context"] == 100, made)

    bare, _ = run(cases, lambda case: (cut(case, "[REDACTED:secret]"), case["count"][0]))
    expect("a marker without quotes in place of a JSON number is seen", bare["broken"] > 0, bare)
    first = [{"id": case["id"], "value": oracle(case)[0], "redactions": 1} for case in cases]
    expect("a second pass that changes nothing is clean", not second(first, [{**each, "redactions": 0} for each in first]))
    expect("a second pass that counts or cuts again is seen", len(second(first, first[:-1] + [{**first[-1], "value": "x", "redactions": 0}])) == len(first))
    expect("the second pass gets the fields and what came out of the first", [sorted(each) for each in again(cases[:1], first)] == [["field", "id", "value"]])

    half = lambda case: (case["value"].replace(case["raw"][0], case["raw"][0][: max(6, len(case["raw"][0]) // 2)]) if case["raw"] else case["value"], 1)
    long = [case for case in cases if case["secrets"] and len(case["secrets"][0]) >= 16 and case["raw"][0].isascii()]
    made, _ = run(long, half)
    expect("half of a secret is a leak", min(made[f"recall {tier}"] for tier in (1, 2) if made[f"redact {tier}"]) < 5, made)
    silent, _ = run(cases, lambda case: (oracle(case)[0], 0))
    wanted = sum(case["expect"] == "redact" for case in cases)
    expect("a redaction that is not counted is a miscount", silent["miscounts"] == wanted, (silent["miscounts"], wanted))


def shape(cases):
    """Size, order and variety of the set."""
    other = corpus(2)
    again = corpus(1)
    expect("the same seed gives the same cases", json.dumps(again) == json.dumps(cases))
    expect("another seed gives the same ids in the same order", [c["id"] for c in other] == [c["id"] for c in cases])
    random = [c for c in cases if c["expect"] == "redact" and c["secrets"]]
    old = {tuple(c["secrets"]) for c in random}
    same = [c["id"] for c in other if tuple(c["secrets"]) in old and c["secrets"] and min(map(len, c["secrets"])) > 8]
    expect("another seed gives other secrets", len(same) < len(random) // 50, same[:9])
    expect("at least 1,500 cases, at least 400 of them harmless", len(cases) >= 1500 and sum(c["expect"] == "keep" for c in cases) >= 400, len(cases))
    expect("all card numbers pass Luhn", all(luhn(c["secrets"][0]) for c in cases if c["top"] == "card"))
    readings = [text for text, _ in views.views("p%2540ss \\u0053ig a&#64;b ghp\u200b_x")]
    expect("readings undo what they should", all(any(part in text for text in readings) for part in ("p@ss", "Sig", "a@b", "ghp_x")), readings)


def main():
    """Runs all checks; exits with 1 when one fails."""
    cases = corpus(1)
    filters(cases)
    shape(cases)
    with tempfile.TemporaryDirectory() as folder:
        for name, holds in search.selfcheck(Path(folder)):
            expect(name, holds)
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()

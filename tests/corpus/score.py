"""Scores a filter: `score.py CASES RESULTS`. Exits with 1 when a gate of the redaction issue does not hold.

RESULTS has one line for each case, in the same order: `{"id": …, "value": …, "redactions": n}`.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict

from views import GAPS, fold, views, windows

GAP = "\u2400"


def context_of(case):
    """The value without its secrets: pieces of a secret that also stand here prove nothing."""
    text = case["value"]
    for raw in sorted(case["raw"], key=len, reverse=True):
        text = text.replace(raw, GAP)
    return text


def leaks(case, value):
    """The first piece of a secret that can still be read out of the value, or None."""
    if not case["secrets"] and not case["whole"]:
        return None
    readings = views(value)
    known = None
    for secret in case["secrets"]:
        for without_gaps in (False, True):
            text = GAPS.sub("", secret) if without_gaps else secret
            pieces = windows(text)
            for reading in (reading for reading, gaps in readings if gaps == without_gaps):
                for piece in pieces:
                    if piece in reading:
                        known = known or [text for text, _ in views(context_of(case))]
                        if not any(piece in text for text in known):
                            return piece
    for secret in case["whole"]:
        if any(secret in reading or fold(secret) in reading for reading, gaps in readings if not gaps):
            return secret
    return None


def parses(text):
    """Whether a text is a JSON object or array."""
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


def judge(case, result):
    """What one result did: a dictionary of findings, each True or a text."""
    if result is None or not isinstance(result.get("value"), str) or not isinstance(result.get("redactions"), int):
        return {"missing": True}
    value, count = result["value"], result["redactions"]
    found = {}
    changed = value != case["value"]
    if case["expect"] == "keep":
        found["spoiled"] = changed
    else:
        piece = leaks(case, value)
        found["leak"] = piece is not None
        found["context"] = all(word in value for word in case["keep"])
        low, high = case["count"]
        if piece is None and not low <= count <= high:
            found["miscount"] = f"{count} redactions, expected {low}" + (f" to {high}" if high != low else "")
    if changed != (count > 0):
        found["miscount"] = f"{count} redactions, but the value is {'changed' if changed else 'unchanged'}"
    found["broken"] = parses(case["value"]) and not parses(value)
    return found


def score(cases, results):
    """Judges all cases: (case, result, findings) for each."""
    by_id = {result.get("id"): result for result in results}
    return [(case, by_id.get(case["id"]), judge(case, by_id.get(case["id"]))) for case in cases]


def rate(part, whole):
    """A share in percent; of nothing it is 0."""
    return 100.0 * part / whole if whole else 0.0


def numbers(judged):
    """The numbers that the gates ask for."""
    redact = [(case, found) for case, _, found in judged if case["expect"] == "redact" and "missing" not in found]
    keep = [(case, found) for case, _, found in judged if case["expect"] == "keep" and "missing" not in found]
    made = {"missing": sum("missing" in found for _, _, found in judged)}
    for tier in (1, 2, 3):
        at = [found for case, found in redact if case["tier"] == tier]
        lost = sum(found["leak"] for found in at)
        made[f"redact {tier}"], made[f"leaks {tier}"], made[f"recall {tier}"] = len(at), lost, 100.0 - rate(lost, len(at))
        at = [found for case, found in keep if case["tier"] == tier]
        hurt = sum(found["spoiled"] for found in at)
        made[f"keep {tier}"], made[f"spoiled {tier}"], made[f"spoiled rate {tier}"] = len(at), hurt, rate(hurt, len(at))
    around = [(case, found) for case, found in redact if case["keep"]]
    made["context"] = rate(sum(found["context"] for _, found in around), len(around))
    made["miscounts"] = sum(bool(found.get("miscount")) for _, _, found in judged)
    made["broken"] = sum(bool(found.get("broken")) for _, _, found in judged)
    return made


GATES = [
    ("every case has a result", lambda n: n["missing"] == 0), ("tier-1 leaks: 0", lambda n: n["leaks 1"] == 0), ("tier-2 recall >= 96 %", lambda n: n["recall 2"] >= 96),
    ("tier-3 recall >= 75 %", lambda n: n["recall 3"] >= 75), ("spoiled in tier 1 <= 0.6 %", lambda n: n["spoiled rate 1"] <= 0.6), ("spoiled in tier 2 <= 5 %", lambda n: n["spoiled rate 2"] <= 5),
    ("context kept >= 99 %", lambda n: n["context"] >= 99), ("miscounts: 0", lambda n: n["miscounts"] == 0), ("broken JSON: 0", lambda n: n["broken"] == 0), ("a second pass changes nothing", lambda n: not n["second"]),
]


def table(judged, key):
    """Leaks and spoiled values by family or carrier: only the rows with a finding."""
    total, bad = Counter(), defaultdict(Counter)
    for case, _, found in judged:
        total[case[key], case["expect"]] += 1
        for kind in ("leak", "spoiled", "miscount", "broken"):
            bad[case[key], case["expect"]][kind] += bool(found.get(kind))
        bad[case[key], case["expect"]]["context lost"] += found.get("context") is False
    for row in sorted(bad):
        counts = ", ".join(f"{kind} {n}" for kind, n in bad[row].items() if n)
        if counts:
            print(f"  {row[0]:<24} {row[1]:<7} of {total[row]:>4}: {counts}")


def failures(judged, limit, show):
    """The first failing cases of each kind, with what went in and, where asked, what came out."""
    for kind in ("leak", "spoiled", "context", "miscount", "broken", "missing"):
        failing = [(case, result, found) for case, result, found in judged if (found.get(kind) is False if kind == "context" else found.get(kind))]
        if failing:
            print(f"\n{kind}: {len(failing)} cases, the first {min(limit, len(failing))}:")
        for case, result, found in sorted(failing, key=lambda each: each[0]["tier"])[:limit]:
            why = found["miscount"] if kind == "miscount" else ""
            print(f"  tier {case['tier']} {case['id']} field={case['field']} family={case['family']} carrier={case['carrier']} {why}")
            if show:
                print(f"      in:  {case['value'][:show]!r}\n      out: {(result or {}).get('value', '')[:show]!r}")


def again(cases, results):
    """The input of a second pass: what came out of the first, under the same fields."""
    by_id = {result.get("id"): result for result in results}
    return [{"id": c["id"], "field": c["field"], "value": by_id[c["id"]]["value"]} for c in cases if c["id"] in by_id]


def second(results, later):
    """The ids that a second pass changed or counted again: our own markers must be left alone."""
    by_id = {result.get("id"): result for result in later}
    same = lambda a, b: b is not None and a["value"] == b["value"] and b["redactions"] == 0
    return [result["id"] for result in results if not same(result, by_id.get(result["id"]))]


def load(path):
    """The JSON lines of a file."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def main():
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("cases")
    options.add_argument("results")
    options.add_argument("--first", type=int, default=20, help="failing cases of each kind to list")
    options.add_argument("--show", type=int, default=0, metavar="CHARS", help="also print this much of what went in and came out")
    options.add_argument("--again", metavar="FILE", help="write the results as the input of a second pass")
    options.add_argument("--second", metavar="RESULTS", help="what the second pass made of it; it must have changed and counted nothing")
    given = options.parse_args()
    cases, results = load(given.cases), load(given.results)
    if given.again:
        with open(given.again, "w", encoding="utf-8", newline="\n") as out:
            out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in again(cases, results))
    judged = score(cases, results)
    made = numbers(judged)
    made["second"] = second(results, load(given.second)) if given.second else []
    for tier in (1, 2, 3):
        print(f"tier {tier}: leaks {made[f'leaks {tier}']} of {made[f'redact {tier}']} (recall {made[f'recall {tier}']:.1f} %), "
              f"spoiled {made[f'spoiled {tier}']} of {made[f'keep {tier}']} ({made[f'spoiled rate {tier}']:.1f} %)")
    print(f"context kept {made['context']:.1f} %, miscounts {made['miscounts']}, broken JSON {made['broken']}, without a result {made['missing']}")
    for key, name in (("top", "family"), ("carrier", "carrier")):
        print(f"\nby {name}:")
        table(judged, key)
    failures(judged, given.first, given.show)
    if made["second"]:
        print(f"\nchanged or counted by a second pass: {len(made['second'])}: {' '.join(made['second'][: given.first])}")
    print("\ngates:")
    for name, holds in GATES:
        if "second" in name and not given.second:
            continue
        print(f"  {'holds' if holds(made) else 'FAILS'}  {name}")
    sys.exit(0 if all(holds(made) for _, holds in GATES) else 1)


if __name__ == "__main__":
    main()

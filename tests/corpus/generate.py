"""Writes the development set of one seed: `generate.py --seed N --out FILE`.

Each line is a JSON object with `id`, `field`, `value` and the labels; README.md says what the labels mean. The filter
under test reads the same file and ignores the labels; `--plain` leaves them out for a filter that does not.
"""

import argparse
import json

from case import Corpus
from families import ALL


def corpus(seed):
    """All cases of a seed, in their order."""
    made = Corpus(seed)
    for module in ALL:
        module.add(made)
    check(made.cases)
    return made.cases


def check(cases):
    """The labels must agree with the values, or a score would mean nothing."""
    names = [case["id"] for case in cases]
    assert len(set(names)) == len(names), "two cases have the same id"
    for case in cases:
        for text in case["raw"] + case["keep"]:
            assert text in case["value"], f"{case['id']}: {text!r} is not in the value"
        assert (case["expect"] == "redact") == bool(case["secrets"] or case["whole"]), case["id"]
        assert all(case["secrets"]), f"{case['id']}: an empty secret"


def main():
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--out", required=True)
    options.add_argument("--plain", action="store_true", help="id, field and value only")
    given = options.parse_args()
    cases = corpus(given.seed)
    with open(given.out, "w", encoding="utf-8", newline="\n") as out:
        for case in cases:
            if given.plain:
                case = {key: case[key] for key in ("id", "field", "value")}
            out.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(f"{len(cases)} cases: {sum(c['expect'] == 'redact' for c in cases)} to redact, {sum(c['expect'] == 'keep' for c in cases)} to keep")


if __name__ == "__main__":
    main()

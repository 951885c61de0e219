"""Vendors' tokens: the shape alone gives them away, whatever carries them."""

from carriers import FIELDS, NEUTRAL
from shapes import VENDORS

HARD = {"json-json", "url-path"}


def add(corpus):
    """Every shape bare, in prose, and in two carriers that move on with the shape."""
    rng = corpus.family("token")
    others = [name for name in NEUTRAL if name not in ("bare", "prose")]
    turn = rng.randrange(len(others))
    for name, tier, make in VENDORS:
        chosen = ["bare", "prose", others[turn % len(others)], others[(turn + 5) % len(others)]]
        turn += 1
        for carrier in chosen:
            marked = NEUTRAL[carrier](corpus.secret(make(rng)), rng)
            level = max(tier, 2 if carrier in HARD else 1)
            corpus.redact(level, carrier, rng.choice(FIELDS), marked, entry=name)

    rng = corpus.family("token-long")
    filler = "the run finished without errors on every platform, nothing else to report from shard seven. "
    for number in range(12):
        name, _, make = rng.choice([v for v in VENDORS if v[1] == 1])
        s = corpus.secret(make(rng))
        secret = [s, f"password={s}", f'{{"api_key":"{s}"}}'][number % 3]
        before = filler * rng.randrange(5, 60)
        corpus.redact(1 if number < 6 else 2, "long", "message", f"{before}{secret} {filler * rng.randrange(1, 20)}", entry=name)

    rng = corpus.family("token-pair")
    for number in range(8):
        (first, _, one), (second, _, two) = rng.sample([v for v in VENDORS if v[1] == 1], 2)
        a, b = corpus.secret(one(rng)), corpus.secret(two(rng))
        text = [f"swapped {a} for {b} on host web-03", f"old={a} new={b} by=operator", f'["{a}","{b}","unused"]'][number % 3]
        corpus.redact(1, "several", "message", text, entry=f"{first}+{second}")

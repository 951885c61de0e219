"""The families of cases. Each module offers `add(corpus)`; the order here is the order of the cases."""

from . import beside, connections, disguises, documents, elsewhere, harmless_ids, harmless_text, keys, neighbours, network, personal, tokens, traces

ALL = [tokens, keys, network, connections, documents, traces, personal, disguises, elsewhere, harmless_ids, harmless_text, beside, neighbours]

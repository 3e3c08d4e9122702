"""Training pairs, balanced over topics, as a chat set: `python examples/product_pairs.py [MODEL]`.

Pairs are asked until there are exactly as many as wanted; topics are found, named and evened out.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"

made = fb.pairs("product name and category → description", 24, model=MODEL)
table = fb.balance(made.to_arrow(), n=6, model=MODEL).table
sets = fb.export(
    table,
    "product_pairs",
    user="{{ product_name }}, {{ category }}",
    assistant="description",
    system="You sell products.",
    split={"train": 0.8, "test": 0.2},
    overwrite=True,
)
for file in sets.files:
    print(f"{file.path}: {file.rows} examples")

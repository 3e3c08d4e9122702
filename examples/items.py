"""A CSV file from one sentence: `python examples/items.py [MODEL]`.

The reply may be CSV, JSON or a table, with prose around it: exactly five typed rows are kept.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"

items = fb.generate(
    "5 rows of kitchen items: Name, Price (dollars), Inventory",
    model=MODEL,
    output="items.csv",
    overwrite=True,
)
print(items.to_pandas())

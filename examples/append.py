"""A frame from a sentence, and more rows for it: `python examples/append.py [MODEL]`.

The first rows stay as they are; columns, order and types are those of the frame.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"

stock = fb.generate("5 rows of home appliances: Name, Price (dollars), Inventory", model=MODEL)
frame = stock.to_pandas()
longer = fb.extend(frame, 5, model=MODEL)
assert longer.head(5).equals(frame)
longer.to_csv("stock.csv", index=False)
print(longer)

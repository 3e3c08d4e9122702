"""A program that makes houses, then a thousand more: `python examples/housing_program.py [MODEL]`.

The model writes the program once; it runs in a sandbox, and again at no cost.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"

houses = fb.program(
    "100 rows of housing data: id, house size (m^2), house price, location, number of bedrooms",
    model=MODEL,
    output="housing_program",
    overwrite=True,
)
print(houses.to_pandas().describe())
more = fb.run_program("housing_program", 1_000, seed=7)
print(f"{more.num_rows:,} rows by the same program")

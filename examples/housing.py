"""Houses whose columns go together: `python examples/housing.py [MODEL]`.

The relations stand in the prompt, ids are counted, and the rows are kept only if the relations
hold. `fake` makes numbers up, so that it breaks them: try a real model.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"

try:
    houses = fb.generate(
        "10 rows of housing data: id, house size (m^2), house price, location, number of bedrooms",
        model=MODEL,
        checks=["house price ~ house size (m^2) +", "number of bedrooms ~ house size (m^2) +"],
        output="housing.csv",
        overwrite=True,
    )
    print(houses.to_pandas())
except fb.FabulaError as error:
    print(f"{error.code}: {error}")

"""Three related tables by one program: `python examples/housing_tables.py [MODEL]`.

Keys, references and row counts are checked before a table is written.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"
TABLES = """
fabula: 1
name: homes
tables:
  location:
    n: 10
    columns:
      id:      {kind: key}
      country: {kind: llm}
      city:    {kind: llm, unique: true}
  house_types:
    n: 4
    columns:
      id:         {kind: key}
      house_type: {kind: llm, unique: true}
  housing:
    n: 100
    columns:
      id:             {kind: key}
      house_type_id:  {kind: reference, to: house_types}
      location_id:    {kind: reference, to: location}
      house_size_m2:  {kind: llm, type: float}
      house_price:    {kind: llm, type: float}
"""

homes = fb.program(TABLES, model=MODEL, output="homes", overwrite=True)
for name, table in homes.items():
    print(f"{name}: {table.num_rows} rows, {', '.join(table.column_names)}")

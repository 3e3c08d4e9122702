"""Several related tables, learned and drawn together: `python examples/learned_tables.py`.

Keys hold in every new row, and no order comes before its customer signed up.
"""

from pathlib import Path

import pyarrow.parquet as pq

import fabula as fb

shop = Path(__file__).with_name("shop.yaml")
real = fb.generate(shop, {"customers": 300, "products": 40}, seed=5, model="fake")
tables = {name: real[name] for name in ("customers", "products", "orders")}

model = fb.fit(tables, seed=1)
print(model.report())
made = model.sample(scale=2)
known = set(made["customers"]["id"].to_pylist())
assert known >= set(made["orders"]["customer_id"].to_pylist())
for name, table in made.items():
    pq.write_table(table, f"{name}.parquet")
fb.evaluate(made, real=tables).write("shop.html")

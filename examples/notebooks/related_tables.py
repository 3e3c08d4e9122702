# %% [markdown]
# # Related tables
# Customers place orders. Keys, counts per customer and totals agree, and checks prove it.

# %%
import duckdb

import fabula as fb

shop = fb.DatasetSpec(
    tables={
        "customers": fb.TableSpec(
            n=300,
            columns={
                "id": fb.col.key(),
                "name": fb.col.person("name"),
                "country": fb.col.choice({"AT": 5, "DE": 3, "CH": 2}),
            },
        ),
        "orders": fb.TableSpec(
            per_parent={"of": "customers", "poisson": 4},
            columns={
                "id": fb.col.key(),
                "customer_id": fb.col.reference("customers"),
                "quantity": fb.col.uniform(1, 5, decimals=0),
                "price": fb.col.lognormal(20, 0.6, decimals=2),
                "total": fb.col.expr("round(price * quantity, 2)"),
            },
            checks=[{"kind": "row", "sql": "total >= price"}],
        ),
    }
)
data = fb.generate(shop, seed=3)
data

# %%
print(data.report())

# %% [markdown]
# A table is an Arrow table, so DuckDB, pandas and polars read it as it is.

# %%
orders, customers = data["orders"], data["customers"]
duckdb.sql("""
    SELECT country, count(*) AS orders, round(sum(total)) AS turnover
    FROM orders JOIN customers ON customers.id = customer_id
    GROUP BY country ORDER BY turnover DESC
""").df()

# %%
orphans = duckdb.sql("FROM orders ANTI JOIN customers ON customers.id = customer_id")
assert len(orphans) == 0

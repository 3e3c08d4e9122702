# %% [markdown]
# # A training set
# Exactly as many distinct pairs as wanted, balanced over topics, as files that trainers read.

# %%
import fabula as fb

MODEL = "fake"
pairs = fb.pairs("product name and category → description", 24, model=MODEL)
pairs

# %% [markdown]
# Topics are found, named and evened out; missing examples are asked for.

# %%
balanced = fb.balance(pairs.to_arrow(), n=6, model=MODEL)
balanced

# %%
sets = fb.export(
    balanced.table,
    "product_pairs",
    user="{{ product_name }}, {{ category }}",
    assistant="description",
    system="You sell products.",
    split={"train": 0.8, "test": 0.2},
    overwrite=True,
)
sets

# %%
import json
from pathlib import Path

rows = [
    json.loads(line)
    for file in sets.files
    for line in Path(file.path).read_text(encoding="utf-8").splitlines()
]
assert len(rows) == balanced.table.num_rows
rows[0]

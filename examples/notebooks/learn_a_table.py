# %% [markdown]
# # Learn a real table
# Fit a model to real rows, sample new ones, and measure how real and how private they are.

# %%
from sklearn.datasets import load_wine

import fabula as fb

real = load_wine(as_frame=True).frame
real["target"] = real["target"].map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
real.head()

# %% [markdown]
# A spec that is inferred gives a reason for each guess. It can be edited and generates rows by
# itself.

# %%
fb.infer(real)

# %% [markdown]
# A fitted model also keeps the relations among columns. Its card says what it learned and what it
# left out.

# %%
model = fb.fit(real, model="mixture", seed=7)
model

# %%
synthetic = model.sample(500, seed=1)
synthetic.head()

# %% [markdown]
# New rows can be asked for under conditions.

# %%
barolo = model.sample(200, given={"target": "Barolo", "alcohol": "13.."}, seed=1)
assert set(barolo["target"]) == {"Barolo"}
barolo[["alcohol", "target"]].describe(include="all")

# %%
report = fb.evaluate(synthetic, real=real, holdout=model.holdout, target="target")
report

# %%
report.write("wine.html")

# %% [markdown]
# # Release a table of people
# Replace the people, make what is left coarse enough, search the result for the originals.

# %%
import fabula as fb

real = fb.generate(
    "patient_id key, name person.name, email person.email, sex choice f|m, age int 18..90, "
    "postcode pattern '10[0-9]{2}', diagnosis choice asthma:5|diabetes:3|gout:2",
    n=2_000,
    seed=4,
).to_pandas()
real.head()

# %% [markdown]
# Name and e-mail of a new person agree; all other columns are copied.

# %%
masked = fb.mask(real)
masked

# %%
masked.table.slice(0, 5).to_pandas()

# %% [markdown]
# Age, sex and postcode together still single people out. Coarser ones leave nobody alone.

# %%
safe = fb.generalise(masked.table, k=5, quasi=["age", "sex", "postcode"])
safe

# %%
assert safe.after.k >= 5
safe.table.slice(0, 5).to_pandas()

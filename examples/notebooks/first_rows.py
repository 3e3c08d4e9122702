# %% [markdown]
# # First rows
# A class says what a row is. Every generated row is an object of that class.

# %%
from typing import Literal

from pydantic import BaseModel, Field

import fabula as fb


class Patient(BaseModel):
    id: int
    name: str
    age: int = Field(ge=0, le=110)
    ward: Literal["ICU", "ER", "Oncology"]


patients = fb.generate(Patient, n=500, seed=7)
patients

# %%
patients.to_models(Patient)[:2]

# %% [markdown]
# A small table needs no class. One line names its columns and their kinds; `fabula kinds` lists
# them.

# %%
fb.generate("name person.name, age int 18..90, plan choice free:6|pro:3", n=1_000, seed=7)

# %% [markdown]
# The plan tells what a spec would make, before anything is made.

# %%
fb.plan("name person.name, age int 18..90, plan choice free:6|pro:3", n=1_000_000)

# %% [markdown]
# The same spec and seed give the same rows, on every machine.

# %%
again = fb.generate(Patient, n=500, seed=7)
assert again.to_arrow().equals(patients.to_arrow())

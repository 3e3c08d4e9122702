# %% [markdown]
# # Words from a language model
# Statistics make the columns that have a distribution; a model writes only the text. `fake`
# answers
# offline: replace it by `local`, `openai:gpt-4o-mini` or the address of your server.

# %%
import fabula as fb

MODEL = "fake"
tickets = fb.TableSpec(
    "tickets",
    n=6,
    columns={
        "id": fb.col.key(),
        "product": fb.col.choice(["kettle", "toaster", "fan"]),
        "mood": fb.col.choice({"calm": 6, "angry": 3}),
        "text": fb.col.llm("a support ticket about the product, in the customer's mood"),
    },
)

# %% [markdown]
# A rehearsal shows the prompts and the cost, and asks no model.

# %%
rehearsal = fb.rehearse(tickets, model=MODEL)
print(rehearsal.calls[0].request.messages[-1].content)
rehearsal

# %%
made = fb.generate(tickets, model=MODEL, seed=2)
made

# %% [markdown]
# Rows of a class from one sentence: every reply is validated, and a wrong one is asked again with
# its error.

# %%
from pydantic import BaseModel, Field


class Appliance(BaseModel):
    name: str
    price: float = Field(gt=0)


fb.generate(Appliance, n=5, prompt="kitchen appliances of the 1950s", model=MODEL)

# %% [markdown]
# More rows for a table that exists; the first ones stay as they are.

# %%
frame = made.to_pandas()
longer = fb.extend(frame, 3, model=MODEL)
assert longer.head(6).equals(frame)

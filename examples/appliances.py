"""Objects of a class, each of them valid: `python examples/appliances.py [MODEL]`.

What breaks a field's type or bounds, or the rule below, goes back to the model with the reason.
"""

import sys

from pydantic import BaseModel, Field

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"


class HomeAppliance(BaseModel):
    name: str = Field(description="the appliance, without a brand")
    price: float = Field(gt=0, description="in dollars")
    inventory: int = Field(ge=0, description="pieces in stock")


def in_dollars(appliance: HomeAppliance) -> str | None:
    """What is wrong with a row, as a text for the model; None if nothing is."""
    return "a price in cents is not a price in dollars" if appliance.price > 100_000 else None


appliances = fb.rows(
    HomeAppliance,
    prompt="home appliances in a shop",
    n=5,
    unique="name",
    check_row=in_dollars,
    model=MODEL,
)
for appliance in appliances:
    print(appliance)

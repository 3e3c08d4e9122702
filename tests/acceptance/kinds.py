"""The ways to have a model write rows, behind one call each, for the failure matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, Field

import fabula as fb
from fabula.review.notes import ReviewNotes
from fabula.spec.tables import ModelSpec

Make = Callable[..., list[dict[str, Any]]]
"""Takes a model and n (and limits), returns the rows that were made."""


class Thing(BaseModel):
    """A thing with a name and a price."""

    name: str
    price: float = Field(ge=0)


def thing(number: int) -> dict[str, Any]:
    """The same thing for every kind."""
    return {"name": f"Thing {number}", "price": 10.5 + number}


def csv(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """A table by prompt, into a file."""
    spec = fb.resolve("things of a shop: name, price").model_copy(
        update={"models": {"default": model}}
    )
    output = limits.pop("output", "things.csv")
    return fb.generate(spec, n=n, output=output, **limits).to_dicts()


def records(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Records of a Pydantic class, in memory."""
    spec = fb.resolve(Thing, prompt="things of a shop").model_copy(
        update={"models": {"default": model}}
    )
    return fb.generate(spec, n=n, **limits).to_dicts()


def reviewed(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Rows that are led by people's comments on earlier ones."""
    notes = ReviewNotes(("name", "price"), ("name the colour",), (thing(9_000),))
    return csv(model, n, review=notes, **limits)


def frame(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Rows appended to a table."""
    table = pa.table({"name": ["Old", "Older", "Oldest"], "price": [1.5, 9_999.0, 5.5]})
    longer = fb.extend(table, n, prompt="things of a shop", model=model, **limits)
    assert longer.slice(0, 3).equals(table)
    made: list[dict[str, Any]] = longer.slice(3).to_pylist()
    return made


def rows(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Rows of a class, few-shot."""
    made = fb.rows(Thing, prompt="things of a shop", n=n, model=model, **limits)
    return [row.model_dump() for row in made]


def pairs(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Training pairs of a class."""
    return list(fb.pairs(Thing, n, prompt="things of a shop", model=model, **limits))


KINDS: dict[str, Make] = {
    "csv": csv,
    "records": records,
    "reviewed": reviewed,
    "frame": frame,
    "rows": rows,
    "pairs": pairs,
}


def made_before(error: Any) -> int:
    """How many new rows an error says were made before it."""
    if getattr(error, "dataset", None) is not None:
        return len(error.dataset.to_dicts())
    left = getattr(error, "rows", None)
    if isinstance(left, pa.Table):
        return left.num_rows - 3
    return len(left or ())

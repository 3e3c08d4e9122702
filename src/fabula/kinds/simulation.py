"""Columns of a simulated table, and which model makes its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PrivateAttr, WithJsonSchema

from fabula.kinds import column_kind
from fabula.kinds.base.code import ModelFile, found_model
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import SpecModel


@column_kind(example="{kind: simulation, column: total}", aka=("agents", "abm"))
class Simulation(AbstractColumn):
    """A column of a table that a model of agents makes; the table names the model.

    Attributes:
        column: The column of the model's table; by default the one of the same name.
        type: The type of its values; planning fills it in.
    """

    kind: Literal["simulation"] = "simulation"
    column: str | None = None
    type: str | None = None

    section: ClassVar = "code"
    positional: ClassVar = ("column",)
    elsewhere: ClassVar = True

    def arrow_type(self) -> str | None:
        """That of the model's column."""
        return self.type

    @property
    def never_repeats(self) -> bool:
        """Whether it is the key: rows are not drawn, and so never drawn again."""
        return self.unique


def _model(value: Any) -> Any:
    """A world, or the file of one that its user allows."""
    if isinstance(value, str):
        return found_model(value)
    if not hasattr(value, "populations"):
        raise ValueError(f"it takes a `World`, or in a spec file its Python file, not {value!r}")
    return value


def _place(model: Any) -> str:
    return str(model) if isinstance(model, ModelFile) else f"{model.name}"


class SimulationTable(SpecModel):
    """A table of a model of agents: the last state of a population, or its events.

    Tables of one `file` are of one run, so their keys fit. What one of them says about the run
    (`steps`, `days`, `parameters`) holds for all.

    Attributes:
        file: The model: a Python file alongside the spec that you allow (`shop.py`, or
            `shop.py:WORLD`); from Python, a `World`.
        table: The population or event table; by default the one of the table's own name.
        steps: Steps to make; by default as many as the model says.
        days: Days to simulate, instead of steps.
        parameters: Numbers that the model asks for by `World.parameter`.
        run: A name, where the spec runs one model several times.
        sha256: The hash of the model; planning fills it in.
        held: Which laws held in the run; planning fills it in.
    """

    file: Annotated[
        Any, BeforeValidator(_model), PlainSerializer(_place), WithJsonSchema({"type": "string"})
    ]
    table: str | None = None
    steps: int | None = Field(default=None, ge=0)
    days: float | None = Field(default=None, ge=0)
    parameters: dict[str, float] = Field(default_factory=dict)
    run: str | None = None
    sha256: str | None = None
    held: str | None = None

    _made: Any = PrivateAttr(default=None)

    @property
    def made(self) -> Any:
        """The rows of the table, once the model ran."""
        return self._made

    def with_rows(self, rows: Any, facts: Mapping[str, Any]) -> SimulationTable:
        """The table with its rows, an Arrow table, and what is known about its run."""
        settled = self.model_copy(update=dict(facts))
        settled._made = rows
        return settled


def spread(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table `kind: simulation` as one with a `simulation`."""
    own = {name: table[name] for name in SimulationTable.model_fields if name in table}
    rest = {name: value for name, value in table.items() if name not in {*own, "kind"}}
    return {**rest, "simulation": own}

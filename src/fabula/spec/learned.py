"""Columns that a fitted synthesizer draws: one of them, or all of a table."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from fabula.spec.columns import AbstractColumn
from fabula.spec.parameters import Scalar, SpecModel

GivenValue: TypeAlias = Scalar | tuple[Scalar, ...]
"""What a column is to hold: a value, several, or a range as text (`18..30`)."""


class Learned(AbstractColumn):
    """A value that a fitted synthesizer draws, together with the other columns of its file.

    Columns of one table that name the same file and `given` belong to the same drawn row.

    Attributes:
        file: What `fabula fit` wrote.
        column: The column in the file; by default the one of the same name.
        given: What other columns of the file are to hold: `{city: Wien, age: 18..30}`.
        sha256: The file's hash; planning fills it in, and refuses another file.
    """

    kind: Literal["learned"] = "learned"
    file: str
    column: str | None = None
    given: dict[str, GivenValue] = Field(default_factory=dict)
    sha256: str | None = None


class LearnedTable(SpecModel):
    """All columns of a fitted synthesizer's file; a table's own columns take their place.

    Attributes:
        file: What `fabula fit` wrote.
        given: What columns of the file are to hold: `{city: Wien, age: 18..30}`.
    """

    file: str
    given: dict[str, GivenValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _file_alone(cls, data: object) -> object:
        return {"file": data} if isinstance(data, str) else data

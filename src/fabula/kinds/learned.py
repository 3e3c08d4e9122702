"""Columns that a fitted synthesizer draws: one of them, or all of a table."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from pydantic import model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import Scalar, SpecModel

GivenValue: TypeAlias = Scalar | tuple[Scalar, ...]
"""What a column is to hold: a value, several, or a range as text (`18..30`)."""


@column_kind(example="{kind: learned, file: people.fabula, given: {city: Wien}}")
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
    given: dict[str, GivenValue] | None = None
    sha256: str | None = None

    section: ClassVar = "learned"
    positional: ClassVar = ("file",)
    elsewhere: ClassVar = True

    def arrow_type(self) -> None:
        """That of the file's column."""


class LearnedTable(SpecModel):
    """All columns of a fitted synthesizer's file; a table's own columns take their place.

    Attributes:
        file: What `fabula fit` wrote.
        given: What columns of the file are to hold: `{city: Wien, age: 18..30}`.
    """

    file: str
    given: dict[str, GivenValue] | None = None

    @model_validator(mode="before")
    @classmethod
    def _file_alone(cls, data: object) -> object:
        return {"file": data} if isinstance(data, str) else data

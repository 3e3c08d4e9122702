"""The key of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.problems import Problem
from fabula.kinds.base.steps import step_problems, step_problems_with_rows


@column_kind(example="{kind: key}", aka=("id",))
class Key(AbstractColumn):
    """The table's own key: whole numbers from `start` by `step`."""

    kind: Literal["key"] = "key"
    start: int = 1
    step: int = 1

    section: ClassVar = "keys"

    def arrow_type(self) -> str:
        """Whole numbers."""
        return "int64"

    @property
    def never_repeats(self) -> bool:
        """A key differs in every row."""
        return True

    def problems(self) -> Iterator[Problem]:
        """Missing keys, and steps that lead nowhere."""
        if self.nulls:
            hint = "leave out `nulls`, or use `kind: sequence`"
            yield Problem("spec.bad-key", "a key can't be missing", "nulls", hint)
        yield from step_problems(self.start, self.step)

    def problems_with_rows(self, rows: int) -> Iterator[Problem]:
        """Steps beyond whole numbers of 64 bits."""
        yield from step_problems_with_rows(self.start, self.step, rows)

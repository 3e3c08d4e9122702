"""Numbers or dates in steady steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import CalendarStep, Duration, Instant
from fabula.kinds.base.problems import Problem
from fabula.kinds.base.steps import step_problems, step_problems_with_rows
from fabula.kinds.base.values import TIME


@column_kind(example="{kind: sequence, start: 2026-01-01, step: 1d}", aka=("serial",))
class Sequence(AbstractColumn):
    """Numbers or dates in steady steps, one per row.

    Dates may step by `month`, `quarter` or `year`: to the same day of each, or to its last.
    `within` names the reference that `per_parent` follows: each parent's rows count from `start`.
    """

    kind: Literal["sequence"] = "sequence"
    start: int | float | Instant = 1
    step: int | float | CalendarStep | Duration = 1
    within: str | None = None

    section: ClassVar = "keys"
    positional: ClassVar = ("start", "step")

    def arrow_type(self) -> str:
        """The type of the start, or floats where the step is one."""
        if isinstance(self.start, dt.datetime):
            return TIME
        if isinstance(self.start, dt.date):
            return "date32"
        whole = not isinstance(self.start, float) and not isinstance(self.step, float)
        return "int64" if whole else "float64"

    @property
    def never_repeats(self) -> bool:
        """Steps over the whole table never come back."""
        return self.within is None

    def problems(self) -> Iterator[Problem]:
        """Steps that lead nowhere."""
        yield from step_problems(self.start, self.step)

    def problems_with_rows(self, rows: int) -> Iterator[Problem]:
        """Steps beyond whole numbers of 64 bits."""
        yield from step_problems_with_rows(self.start, self.step, rows)

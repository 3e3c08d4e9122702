"""What is wrong with a start and a step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from fabula.kinds.base.parameters import CALENDAR, seconds
from fabula.kinds.base.problems import WHOLE, Problem


def step_problems(start: float | dt.date, step: float | str) -> Iterator[Problem]:
    """A step that doesn't suit its start, or that leads nowhere."""
    if isinstance(step, str):
        if not isinstance(start, dt.date):
            message = f"`step: {step}` is a length of time, but `start` is a number"
            yield Problem("spec.wrong-type", message, "step", "write `step: 1`")
        elif step not in CALENDAR and seconds(step) == 0:
            yield Problem("spec.bad-number", "`step` must not be 0", "step")
    elif step == 0:
        yield Problem("spec.bad-number", "`step` must not be 0", "step")


def step_problems_with_rows(
    start: float | dt.date, step: float | str, rows: int
) -> Iterator[Problem]:
    """Steps that leave whole numbers of 64 bits within that many rows."""
    if not isinstance(start, int):
        return
    last = start + (step if isinstance(step, int) else 0) * max(rows - 1, 0)
    if start not in WHOLE or last not in WHOLE:
        yield Problem("spec.bad-number", "the steps exceed 64-bit whole numbers")

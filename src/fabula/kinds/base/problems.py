"""What is wrong with a column's constants, told by its kind and placed by the planner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fabula.errors import SpecError, Violation

WHOLE = range(-(2**63), 2**63)
"""Whole numbers of 64 bits."""


@dataclass(frozen=True)
class Problem:
    """One problem of a column: of a parameter (`of.0.mean`), or of the column where it is empty."""

    code: str
    message: str
    parameter: str = ""
    hint: str | None = None

    def at(self, where: str) -> Violation:
        """The problem as a violation of the column at a place of the spec."""
        place = f"{where}.{self.parameter}" if self.parameter else where
        return Violation(self.code, self.message, place, self.hint)


def problems_of(prepare: Callable[[], object], parameter: str) -> Iterator[Problem]:
    """The problems that preparing a column shows, as those of a parameter."""
    try:
        prepare()
    except SpecError as error:
        for item in error.violations:
            yield Problem(item.code, item.message, parameter, item.hint)


def matching_problems(pattern: str) -> Iterator[Problem]:
    """A `pattern` that values can't be matched against in linear time."""
    from fabula.fakers.linear import linear_pattern  # lazily: most columns have none

    try:
        linear_pattern(pattern)
    except ValueError as error:
        message = f"`{pattern}` can't be matched in linear time: {error}"
        hint = "write it without look-around, back references and large repeats"
        yield Problem("spec.bad-regex", message, "pattern", hint)

"""What goes wrong in a model, as one error with the line of the model that caused it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from fabula.errors import FabulaError, SpecError, UsageError, Violation


class ModelFault(UsageError):
    """A model asked for something that is not possible; inside a rule it gets a file and line."""

    def __init__(self, message: str, hint: str | None = None, line: int | None = None) -> None:
        super().__init__(message, code="simulation.rule", hint=hint, line=line)


class EndlessRule(Exception):
    """A rule ran longer than a step may take."""


_HINTS: dict[type[BaseException], str] = {
    FloatingPointError: "guard it: `np.divide(a, b, out=np.zeros(len(a)), where=b > 0)`",
    ZeroDivisionError: "guard it: `a / b if b else 0`",
    EndlessRule: "end its loops, or raise `World(limit=…)`, the seconds that a rule may take",
}
_READ_ONLY = "read-only"


@contextmanager
def located(function: Callable[..., Any], where: Callable[[], str]) -> Iterator[None]:
    """Raise whatever a function of a model raises with its file and line.

    Args:
        function: The function that is called inside.
        where: Tells what it is, and when: `rule shopping, step 3`.

    Raises:
        SpecError: It raised anything.
    """
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            yield
    except (Exception, SystemExit) as error:
        if isinstance(error, FabulaError) and not isinstance(error, ModelFault):
            raise
        file, line = place_of(function, error.__traceback__)
        if isinstance(error, ModelFault):
            message, line = error.message, error.line or line
        elif isinstance(error, EndlessRule):
            message = str(error)
        else:
            message = f"the rule fails: {type(error).__name__}: {error}"
        hint = error.hint if isinstance(error, ModelFault) else _HINTS.get(type(error))
        if _READ_ONLY in message:
            hint = (
                "columns are read-only views: write `a.mood = a.mood + 1` for `a.mood += 1`;"
                " `take`, `pay` and `arrive` move what is conserved"
            )
        raise SpecError(
            [Violation("simulation.rule", message, where(), hint, file, line)]
        ) from error


def place_of(
    function: Callable[..., Any], traceback: TracebackType | None = None
) -> tuple[str, int]:
    """The file and the line of a function, or of its innermost frame in a traceback."""
    code = function.__code__
    line = code.co_firstlineno
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == code.co_filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return code.co_filename, line


def declared_at(depth: int = 2) -> tuple[str, int]:
    """The file and the line that called a function of this package."""
    frame = sys._getframe(depth)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("fabula."):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def placed(error: SpecError, file: str, line: int | None) -> SpecError:
    """An error of a spec that a model makes, with its line in the model."""
    found = error.violations
    return SpecError([v if v.file else replace(v, file=file, line=line) for v in found])


def declaration_error(
    message: str, where: str, hint: str | None = None, *, at: tuple[str, int] | None = None
) -> SpecError:
    """The error of a declaration, with its line in the model."""
    place = at or declared_at()
    return SpecError([Violation("simulation.model", message, where, hint, *place)])

"""Every error that Fabula raises deliberately.

::

    FabulaError                    exit code
    ├── SpecError                  2   the spec is wrong; carries every violation
    │   └── SheetError             2   a review sheet is wrong; carries every violation
    ├── UsageError                 2   the command or call is wrong
    ├── SourceError                2   data that was given can't be read
    ├── CheckError                 1   generated data fails a check
    ├── GateError                  1   a metric misses its threshold
    ├── ProgramError               1   a program that a model wrote fails
    ├── PrerequisiteError          3   an extra, a key, a tool or a model is missing
    ├── ModelError                 3   a language model can't be used
    │   ├── AuthenticationError    3   the key was refused
    │   ├── RateLimitError         3   the quota is spent
    │   └── OutputError            4   replies stayed unusable after every retry
    ├── SinkError                  2   the output place can't be written
    ├── BudgetReached              4   calls, tokens or money are used up; a higher limit continues
    ├── PartialRunError            4   some rows are missing; the same command continues
    └── RunInterrupted             130 stopped by the user; the same command continues

Catch all of them with::

    try:
        fb.generate("shop.yaml")
    except fb.FabulaError as error:
        print(error.code, error.hint)
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

MOST_SHOWN = 50
"""Problems of a spec whose text an error shows; `violations` has them all."""


class FabulaError(Exception):
    """Base of all errors: what is wrong, where, and what to do next.

    Args:
        message: What is wrong; lower case, no final period, backticks around literals.
        code: A stable dotted name, `area.problem`.
        where: The place, as a path into the spec (`tables.orders.columns.total`) or a file.
        hint: What to do, ready to paste.
        file: The file that holds the problem.
        line: The line in that file, counted from 1.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        message: str,
        *,
        code: str,
        where: str | None = None,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.where = where
        self.hint = hint
        self.file = file
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all fields, so that errors cross process boundaries."""
        return _rebuilt, (type(self), self.args, vars(self))

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-ready values, for `--format json` and other programs."""
        fields = {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "file": self.file,
            "line": self.line,
            "hint": self.hint,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def __str__(self) -> str:
        return render(self)

    def _render_traceback_(self) -> list[str]:
        """The caller's line and the error: IPython shows them in place of the traceback."""
        frames = traceback.extract_tb(self.__traceback__)
        calls = [frame for frame in frames if frame.filename.startswith("<")
                 or "ipykernel" in frame.filename]  # fmt: skip
        at = [f"line {calls[-1].lineno}: {calls[-1].line}", ""] if calls else []
        return [*at, *str(self).splitlines()]


@dataclass(frozen=True)
class Violation:
    """One problem of a spec."""

    code: str
    message: str
    where: str | None = None
    hint: str | None = None
    file: str | None = None
    line: int | None = None


def _rebuilt(kind: type[FabulaError], args: tuple[Any, ...], state: dict[str, Any]) -> FabulaError:
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error


class SpecError(FabulaError):
    """The spec is wrong. `violations` lists every problem, not only the first."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        super().__init__(
            first.message,
            code=first.code,
            where=first.where,
            hint=first.hint,
            file=first.file,
            line=first.line,
        )
        self.violations = tuple(violations)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "violations": [vars(item) for item in self.violations]}

    def __str__(self) -> str:
        shown = [render(item) for item in self.violations[:MOST_SHOWN]]
        if len(self.violations) > MOST_SHOWN:
            shown.append(f"{len(self.violations) - MOST_SHOWN:,} more problems follow")
        return "\n\n".join(shown)


class SheetError(SpecError):
    """A sheet that a person filled in is wrong. `violations` lists every problem."""


class UsageError(FabulaError):
    """The command line or the call is wrong."""


class SourceError(FabulaError):
    """Data that was given can't be read or used."""


class CheckError(FabulaError):
    """Generated data fails a check whose repair is `fail`; `dataset` is that data."""

    exit_code = 1
    dataset: Any = None


class GateError(FabulaError):
    """A metric misses its threshold."""

    exit_code = 1


class ProgramError(FabulaError):
    """A model-written program or its tables failed; `folder` is where the program is kept."""

    exit_code = 1
    folder: Any = None
    dataset: Any = None


class PrerequisiteError(FabulaError):
    """Something outside Fabula is missing: an extra, a key, a tool, a model."""

    exit_code = 3

    @classmethod
    def for_extra(cls, extra: str, *, needed_by: str) -> PrerequisiteError:
        """The error for an optional dependency that is not installed."""
        return cls(
            f"{needed_by} needs the extra `{extra}`",
            code="prerequisite.extra",
            hint=f"pip install 'fabula[{extra}]'",
        )


class ModelError(FabulaError):
    """A language model can't be used."""

    exit_code = 3


class AuthenticationError(ModelError):
    """The endpoint refused the key."""


class RateLimitError(ModelError):
    """The endpoint's quota is used up, or it stayed busy past the deadline."""


class OutputError(ModelError):
    """The model's replies stayed unusable after every retry."""

    exit_code = 4


class SinkError(FabulaError):
    """The output place can't be written."""


class BudgetReached(FabulaError):
    """A limit on calls, tokens or money was reached; replies received so far are kept."""

    exit_code = 4


class PartialRunError(FabulaError):
    """The run ended with fewer rows than requested; the same command continues it.

    `dataset` contains the generated rows; for a list or frame, `rows` does, and `rejects` says why
    others are missing.
    """

    exit_code = 4
    dataset: Any = None
    rows: Any = None
    rejects: Sequence[Any] = ()


class RunInterrupted(FabulaError):
    """The user stopped the run; the same command continues it."""

    exit_code = 130


def render(error: FabulaError | Violation) -> str:
    """An error as text, for terminal, notebook and page."""
    lines = [f"error[{error.code}]: {error.message}"]
    place = ":".join(str(part) for part in (error.file, error.line) if part is not None)
    pointer = "  ".join(part for part in (place, error.where) if part)
    if pointer:
        lines.append(f"  --> {pointer}")
    if error.hint:
        lines += ["", f"hint: {error.hint}"]
    return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A "did you mean" hint for an unknown name, or None if no name is similar."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not near:
        near = [name for name in names if name.lower() == word.lower()]
    return f"did you mean `{near[0]}`?" if near else None


def column_hint(name: str, columns: Sequence[str], *, most: int = 10) -> str:
    """The hint for an unknown column: the most similar name, else the first few names."""
    return did_you_mean(name, columns) or f"the columns are {', '.join(columns[:most])}"

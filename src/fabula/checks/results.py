"""What checks find: one result a check, with numbers, a sentence and offending rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fabula.errors import CheckError
from fabula.kinds.checks import CHECKS, Check
from fabula.render.results import Result


@dataclass(frozen=True)
class CheckResult:
    """How one check went.

    Attributes:
        table: The table that it is on.
        kind: The check's kind.
        name: Its name, or the rule in words.
        passed: Whether the rule holds for what was written, as far as it was judged.
        judged: Whether there were rows enough to judge it.
        value: The measured number, if the rule is about one.
        expected: What the rule asks for, in words.
        failing: Rows (or groups of rows) that break it.
        rows: Rows that were looked at.
        examples: A few of the offending rows.
        repair: What was to be done about them.
        repaired: Rows that were drawn again or dropped, or drawings of a whole table.
        message: The verdict in one sentence.
    """

    table: str
    kind: str
    name: str
    passed: bool
    judged: bool = True
    value: float | None = None
    expected: str = ""
    failing: int = 0
    rows: int = 0
    examples: tuple[Mapping[str, Any], ...] = ()
    repair: str = "fail"
    repaired: int = 0
    message: str = ""

    @classmethod
    def of(
        cls, table: str, check: Check, message: str, *, failing: int, **found: Any
    ) -> CheckResult:
        """How a check of a spec went that that many rows break; `found` is the rest by name."""
        return cls(
            table=table,
            kind=check.kind,
            name=check.title,
            passed=not failing,
            failing=failing,
            repair=check.repair,
            message=message,
            **found,
        )

    @property
    def verdict(self) -> str:
        """The verdict in one word."""
        if not self.judged:
            return "not judged"
        return "pass" if self.passed else "FAIL"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        """The check in a line: its verdict, its table, its rule, what was repaired."""
        repaired = f" ({self.repair}: {self.repaired:,})" if self.repaired else ""
        return f"{self.verdict}  {self.table}: {self.message or self.name}{repaired}"


@dataclass(frozen=True, repr=False)
class CheckResults(Result):
    """The results of all checks of a dataset, in the order of the spec."""

    results: tuple[CheckResult, ...] = field(default=())

    @classmethod
    def from_dicts(cls, items: Sequence[Mapping[str, Any]]) -> CheckResults:
        """The results that `to_dict` wrote under `checks`."""
        return cls(
            tuple(CheckResult(**{**item, "examples": tuple(item["examples"])}) for item in items)
        )

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(result.passed for result in self.results)

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The results that don't hold."""
        return tuple(result for result in self.results if not result.passed)

    def __iter__(self) -> Iterator[CheckResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def to_dict(self) -> dict[str, Any]:
        """The results as plain values."""
        return {"passed": self.passed, "checks": [result.to_dict() for result in self.results]}

    @property
    def summary(self) -> str:
        """`9 passed`, `8 passed, 1 FAILED`, `8 passed, 1 not judged`, or `none`."""
        if not len(self):
            return "Checks: none"
        failed, open_ = len(self.failed), sum(not result.judged for result in self)
        parts = [f"{len(self) - failed - open_} passed"]
        parts += [f"{failed} FAILED"] if failed else []
        parts += [f"{open_} not judged: too few rows"] if open_ else []
        return f"Checks: {', '.join(parts)}"

    def report(self) -> str:
        """Every check with its verdict."""
        return "\n".join([self.summary, *(f"  {result}" for result in self)])

    def __repr__(self) -> str:
        good = len(self.results) - len(self.failed)
        lines = [f"CheckResults({good} of {len(self.results)} passed)"]
        lines += [
            f"  {result.verdict}  {result.table}: {result.message}" for result in self.results
        ]
        return "\n".join(lines)

    def error(self) -> CheckError | None:
        """The error that names every broken check, or None when all hold."""
        if self.passed:
            return None
        first, *others = self.failed
        also = f" (and {len(others)} more)" if others else ""
        return CheckError(
            f"{len(self.failed)} of {len(self)} checks failed: {first.message}{also}",
            code="check.failed",
            where=f"tables.{first.table}.checks",
            hint="look at the files with `fabula view FOLDER`; correct their column, or loosen the "
            "rule"
            if all(map(_is_of_files, self.failed))
            else "resampling did not repair it: use `repair: drop`, or loosen the rule"
            if all(result.repair == "resample" for result in self.failed)
            else "repair rows with `repair: resample` or `repair: drop`, or loosen the rule",
        )


def _is_of_files(result: CheckResult) -> bool:
    """Whether a check looks at files, which no repair of rows helps."""
    check = CHECKS.get(result.kind)
    return check is not None and check.of_files

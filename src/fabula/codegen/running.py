"""Runs a program in the sandbox and brings its tables into the form that was wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from fabula.checks.results import CheckResults
from fabula.codegen.asking import fault_in_words
from fabula.codegen.conform import Fitted, Made, fit
from fabula.codegen.repair import Orphans, Repaired, repair, with_repairs
from fabula.codegen.table_checks import failures_in_words, gate, spec_of
from fabula.codegen.targets import Targets
from fabula.sandbox.outcome import Fault
from fabula.sandbox.run import Limits, SandboxResult, run

ENTRY = "fabula.codegen.inside.tables:run"
LIMITS = Limits(seconds=60.0, output=16 << 20)

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


class _Told(TypedDict):
    how: str
    place: str
    name: str
    function: str


class _Notes(TypedDict):
    found: list[_Told]


_FOUND = TypeAdapter(_Notes)


@dataclass(frozen=True)
class ProgramOptions:
    """How a program is run."""

    seed: int = 0
    orphans: Orphans = "fail"
    limits: Limits = LIMITS


@dataclass(frozen=True)
class Ran:
    """One run of a program.

    Attributes:
        source: The program.
        outcome: What came out of the sandbox.
        fitted: Its tables as they are wanted; None if it failed.
        repaired: What repair of the data changed.
        results: What the gates found; empty if it failed, and where they were not asked.
    """

    source: str
    outcome: SandboxResult
    fitted: Fitted | None = None
    repaired: Repaired | None = None
    results: CheckResults = field(default_factory=CheckResults)

    @property
    def passed(self) -> bool:
        """Whether it ran and every gate holds."""
        return self.fitted is not None and self.results.passed

    @property
    def problem(self) -> str:
        """What is wrong with it, for the model; empty if nothing is."""
        fault = self.outcome.fault
        if fault is not None:
            words = fault_in_words(
                fault.kind, fault.message, fault.line, self.source, fault.traceback
            )
            return _ADDRESS.sub("0x…", words)  # else the same mistake is a new request each time
        return "" if self.passed else failures_in_words(self.results)

    @property
    def merit(self) -> tuple[bool, int]:
        """What makes one run better than another: that it ran, then how few gates fail."""
        return self.fitted is not None, -len(self.results.failed)


def run_unchecked(
    source: str,
    wanted: Targets,
    options: ProgramOptions,
    *,
    names: Mapping[str, str] | None = None,
) -> Ran:
    """Run a program and fit its tables; what they hold is not looked at.

    `names` are tables by the expressions that hold them, if that is known.

    Raises:
        PrerequisiteError: The sandbox is not available here.
    """
    outcome = run(
        ENTRY, {"source": source, "seed": options.seed}, seed=options.seed, limits=options.limits
    )
    if outcome.fault is not None:
        return Ran(source, outcome)
    made = _made(outcome)
    if made is None:
        fault = Fault("result", "it sent a reply that is not the sandbox's own")
        return Ran(source, replace(outcome, fault=fault))
    if names:
        made = [replace(item, name=names.get(item.place, item.name)) for item in made]
    return Ran(source, outcome, fit(wanted, made))


def _made(outcome: SandboxResult) -> list[Made] | None:
    """The tables that were found, or None if the reply was forged by the program."""
    try:
        found = _FOUND.validate_python(dict(outcome.notes))["found"]
        return [Made(**told, rows=outcome.tables[str(at)]) for at, told in enumerate(found)]
    except (ValidationError, KeyError):
        return None


def run_program(
    source: str,
    wanted: Targets,
    options: ProgramOptions,
    *,
    names: Mapping[str, str] | None = None,
) -> Ran:
    """Run a program, fit its tables, repair what is to be repaired, and gate them.

    Takes and raises the same as `run_unchecked`.
    """
    ran = run_unchecked(source, wanted, options, names=names)
    if ran.fitted is None:
        return ran
    spec = spec_of(wanted, ran.fitted.tables)
    repaired = repair(spec, ran.fitted.tables, orphans=options.orphans, seed=options.seed)
    results = with_repairs(gate(_less(wanted, repaired), repaired.tables), repaired)
    return replace(ran, repaired=repaired, results=results)


def _less(wanted: Targets, repaired: Repaired) -> Targets:
    """What is wanted, without the rows that repair was asked to take out."""
    gone = {name: sum(row.table == name for row in repaired.dropped) for name in repaired.tables}
    tables = tuple(
        replace(table, rows=table.rows - gone.get(table.name, 0))
        if table.rows is not None
        else table
        for table in wanted.tables
    )
    rows = None if wanted.rows is None else wanted.rows - sum(gone.values())
    return replace(wanted, tables=tables, rows=rows)

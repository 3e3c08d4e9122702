"""Checks each table as soon as it is made, and repairs what a check's `repair` says.

A check is due when the last table that it looks at is made and before any later table builds
on it: rows are dropped at once, and a table is drawn again before its children exist.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from fabula.checks.data import Data
from fabula.checks.evaluate import check_result, rows_to_drop
from fabula.checks.results import CheckResult, CheckResults
from fabula.checks.rows import rows_verdict
from fabula.kinds.checks import Check
from fabula.kinds.checks.foreign_key import ForeignKeyCheck
from fabula.kinds.checks.near_duplicate import NearDuplicateCheck
from fabula.planning.parents import is_of_one_row, parents_seen
from fabula.planning.plan import Plan
from fabula.runs.parts import merged
from fabula.runs.tables import Tables

MOST_DRAWINGS = 4
"""A table is drawn at most this often: once, and three times again."""

_Place: TypeAlias = tuple[str, int | str]
"""A table, and the position of a check in it or the reference column that is guarded."""


class Checking:
    """The checks of a run, each at its time."""

    def __init__(self, plan: Plan, tables: Tables) -> None:
        self._plan, self._tables = plan, tables
        self._made: list[str] = []
        self._results: dict[_Place, CheckResult] = {}

    def after(self, table: str) -> None:
        """Evaluate the checks that are due now that `table` is made, and repair it."""
        self._made.append(table)
        due = {**self._due(table), **self._guards(table)}
        while due and self._mend(table, due):
            pass

    def results(self) -> CheckResults:
        """What all checks of rows and tables found, in the order of the spec."""
        return CheckResults(
            tuple(
                self._row_result(name, i, check)
                if is_of_one_row(check, table)
                else self._results[name, i]
                for name, table in self._plan.spec.tables.items()
                for i, check in enumerate(table.checks)
                if not check.of_files
            )
        )

    def _mend(self, table: str, due: dict[_Place, Check]) -> bool:
        """Evaluate checks and repair one that is broken; False when there is nothing to repair."""
        spec = self._plan.spec
        with Data({name: self._tables.read(name) for name in self._made}) as data:
            results = {
                place: check_result(spec, data, place[0], check) for place, check in due.items()
            }
            broken = {place: due[place] for place in results if not results[place].passed}
            for (name, _), check in broken.items():
                if _drops(check):
                    rows = rows_to_drop(spec, data, name, check)
                    if len(rows):
                        self._tables.drop(name, rows, _reason(check))
                        return True
        redraw = any(
            check.repair == "resample" and not isinstance(check, NearDuplicateCheck)
            for check in broken.values()
        )
        if redraw and self._tables.attempt(table) + 1 < MOST_DRAWINGS:
            self._tables.draw_again(table)
            return True
        for place, result in results.items():
            repaired = self._repaired(table, place[0], due[place])
            self._results[place] = replace(result, repaired=repaired)
        return False

    def _due(self, table: str) -> dict[_Place, Check]:
        """Whole-table checks whose last table is `table`."""
        return {
            (name, i): check
            for name in self._made
            for i, check in enumerate(self._plan.spec.tables[name].checks)
            if not is_of_one_row(check, self._plan.spec.tables[name])
            and not check.of_files
            and (involved := self._involved(name, check)) <= set(self._made)
            and table in involved
        }

    def _involved(self, table: str, check: Check) -> set[str]:
        """The tables that a check looks at."""
        other = {check.other.partition(".")[0]} if check.other else set()
        return {table} | other | parents_seen(check, self._plan.spec.tables[table])

    def _guards(self, table: str) -> dict[_Place, Check]:
        """Foreign keys into tables that lost rows: who refers to a lost row is lost too."""
        return {
            (table, column): ForeignKeyCheck(
                column=column, to=f"{link.parent}.{link.key}", repair="drop"
            )
            for column, link in self._plan[table].references.items()
            if link.parent in self._made
            and column in self._plan[table].schema.names
            and any(record.rejected for record in self._tables.records[link.parent])
        }

    def _repaired(self, last: str, table: str, check: Check) -> int:
        """Rows that a check dropped, or further drawings that it asked for."""
        if isinstance(check, NearDuplicateCheck):
            return self._redrawn(table, check) + self._dropped(table, check)
        return (
            self._tables.attempt(last)
            if check.repair == "resample"
            else self._dropped(table, check)
        )

    def _dropped(self, table: str, check: Check) -> int:
        """Rows that a check took out of a finished table."""
        return sum(
            item.reason == _reason(check)
            for record in self._tables.records[table]
            for item in record.rejected
        )

    def _redrawn(self, table: str, check: Check) -> int:
        """Rows that a check had drawn again while blocks were made."""
        position = self._plan.spec.tables[table].checks.index(check)
        return sum(
            tally.repaired
            for record in self._tables.records[table]
            for tally in record.tallies
            if tally.check == position
        )

    def _row_result(self, table: str, position: int, check: Check) -> CheckResult:
        """The result of a row-level check, which was evaluated while blocks were made."""
        tallies = merged(
            tally for record in self._tables.records[table] for tally in record.tallies
        )
        mine = next((tally for tally in tallies if tally.check == position), None)
        if mine is None:
            return rows_verdict(table, check, rows=0, failing=0)
        return rows_verdict(
            table,
            check,
            rows=mine.rows,
            failing=mine.broken if check.repair == "fail" else 0,  # else repaired, or rejected
            repaired=mine.broken if check.repair == "drop" else mine.repaired,
            examples=mine.examples,
        )


def _drops(check: Check) -> bool:
    """Whether rows that break a check leave the finished table.

    Near-duplicates were drawn again while their block was made; those of other blocks go.
    """
    if isinstance(check, NearDuplicateCheck):
        return check.repair != "fail"
    return check.repair == "drop" and check.drops and not check.of_rows


def _reason(check: Check) -> str:
    """Why a row that breaks a check was dropped."""
    return f"breaks the rule: {check.in_words()}"

"""Repair of a program's data where it was requested: rows leave, or links are drawn again.

Every row that leaves is counted with its reason, and every value that is drawn again with its
check. Nothing here happens unasked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.checks.data import Data, MissingError
from fabula.checks.evaluate import rows_to_drop
from fabula.checks.results import CheckResult, CheckResults
from fabula.checks.structural import implied_checks
from fabula.kinds.checks.foreign_key import ForeignKeyCheck
from fabula.kinds.checks.unique import UniqueCheck
from fabula.spec.tables import DatasetSpec
from fabula.streams import stream

Orphans = Literal["fail", "drop", "resample"]
"""What happens to rows whose foreign key exists nowhere."""


@dataclass(frozen=True)
class Dropped:
    """A row (its number, from 0) that was made and left out, with the rule that it breaks."""

    table: str
    row: int
    reason: str


@dataclass(frozen=True)
class Repaired:
    """What stays of tables, rows that left, and how many values each rule had drawn again."""

    tables: Mapping[str, pa.Table]
    dropped: tuple[Dropped, ...]
    redrawn: Mapping[tuple[str, str], int]


def repair(
    spec: DatasetSpec, tables: Mapping[str, pa.Table], *, orphans: Orphans, seed: int
) -> Repaired:
    """Apply the repairs that checks and `orphans` ask for."""
    repairs = _Repairs(spec, tables, seed)
    for table, check in _asked(spec, orphans):
        if table in tables and isinstance(check, ForeignKeyCheck) and check.repair == "resample":
            repairs.redraw(table, check)
    while any(repairs.drop(*asked) for asked in _asked(spec, orphans)):
        pass  # rows that left may have been the parents of others
    return Repaired(repairs.tables, tuple(repairs.dropped), repairs.redrawn)


def _asked(
    spec: DatasetSpec, orphans: Orphans
) -> Iterator[tuple[str, ForeignKeyCheck | UniqueCheck]]:
    """The checks that repair, each with its table."""
    for name, table in spec.tables.items():
        for check in table.checks:
            if isinstance(check, UniqueCheck | ForeignKeyCheck) and check.repair != "fail":
                yield name, check
        if orphans != "fail":
            for check in implied_checks(spec, name):
                if isinstance(check, ForeignKeyCheck):
                    yield name, check.model_copy(update={"repair": orphans})


def with_repairs(results: CheckResults, repaired: Repaired) -> CheckResults:
    """The results of checks on what stays, with what was done to make them hold."""
    dropped = Counter((row.table, row.reason.partition(": ")[2]) for row in repaired.dropped)

    def told(result: CheckResult) -> CheckResult:
        place = (result.table, result.name)
        if place in repaired.redrawn:
            return replace(result, repair="resample", repaired=repaired.redrawn[place])
        if place in dropped:
            return replace(result, repair="drop", repaired=dropped[place])
        return result

    return CheckResults(tuple(map(told, results)))


class _Repairs:
    """Tables under repair."""

    def __init__(self, spec: DatasetSpec, tables: Mapping[str, pa.Table], seed: int) -> None:
        self.tables = dict(tables)
        self.dropped: list[Dropped] = []
        self.redrawn: dict[tuple[str, str], int] = {}
        self._spec, self._seed = spec, seed
        self._numbers = {name: np.arange(rows.num_rows) for name, rows in tables.items()}

    def drop(self, table: str, check: ForeignKeyCheck | UniqueCheck) -> bool:
        """Take out the rows that break a check; False if none does."""
        if check.repair != "drop":
            return False
        rows = self._broken(table, check)
        if not len(rows):
            return False
        reason = f"breaks the rule: {check.title}"
        numbers = self._numbers[table]
        self.dropped += [Dropped(table, int(row), reason) for row in numbers[rows]]
        keep = np.ones(len(numbers), dtype=bool)
        keep[rows] = False
        self._numbers[table] = numbers[keep]
        self.tables[table] = self.tables[table].filter(pa.array(keep))
        return True

    def redraw(self, table: str, check: ForeignKeyCheck) -> None:
        """Give orphans another parent, each as likely as any."""
        rows = self._broken(table, check)
        parent, _, column = check.to.partition(".")
        key = column or self._spec.tables[parent].key[0]
        if not len(rows) or not len(keys := self.tables[parent].column(key).drop_null()):
            return
        chosen = stream(self._seed, table, check.column, 0).integers(0, len(keys), len(rows))
        drawn = keys.take(pa.array(chosen))
        place = self.tables[table].column_names.index(check.column)
        held = self.tables[table].column(place)
        broken = np.zeros(len(held), dtype=bool)
        broken[rows] = True
        kind = drawn.type if pa.types.is_null(held.type) else held.type
        try:
            values = pc.replace_with_mask(
                held.combine_chunks(), pa.array(broken), drawn.combine_chunks().cast(kind)
            )
        except pa.ArrowException:
            return  # of another type: the gate names it
        self.tables[table] = self.tables[table].set_column(place, check.column, values)
        self.redrawn[table, check.title] = len(rows)

    def _broken(self, table: str, check: ForeignKeyCheck | UniqueCheck) -> NDArray[np.int64]:
        if table not in self.tables:
            return np.array([], dtype=np.int64)
        try:
            with Data(self.tables) as data:
                return rows_to_drop(self._spec, data, table, check)
        except (MissingError, KeyError):
            return np.array([], dtype=np.int64)

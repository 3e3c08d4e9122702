"""Checks inside a block: which rows break them, and drawing those rows again.

These are the checks that a row passes or fails by itself, and those against near-duplicates, by
which a row fails that says what an earlier one of its block says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Block, Loss
from fabula.engines.expressions import evaluate
from fabula.engines.made import CheckTally
from fabula.engines.unique import FIXED, companions, is_bound
from fabula.errors import CheckError
from fabula.functions.calling import broken_rows
from fabula.io.arrays import array_of, numbers_of
from fabula.io.expressions import parse_expression
from fabula.kinds.base.columns import AbstractFilled
from fabula.kinds.checks import Check
from fabula.kinds.checks.function import FunctionCheck
from fabula.kinds.checks.near_duplicate import NearDuplicateCheck
from fabula.planning.columns import closure, joint_groups
from fabula.planning.parents import is_of_one_row
from fabula.planning.plan import TablePlan
from fabula.spec.tables import TableSpec

_TRIES = 50
_TRIES_OF_MODELS = 3
_EXAMPLES = 5

Remake = Callable[[int, NDArray[np.bool_]], Block]
"""Makes a block again, given the try's number and the rows that are wanted."""


@dataclass(frozen=True)
class Rule:
    """One check of a table.

    Attributes:
        place: Its place in the spec.
        check: The check itself.
        sql: Its condition; empty if `judge` tells which rows of a block break it.
        needs: Columns that it looks at.
        judge: Which rows of a block break it, where SQL does not tell.
    """

    place: int
    check: Check
    sql: str
    needs: tuple[str, ...]
    judge: Callable[[Block], NDArray[np.bool_]] | None = None


@dataclass
class Repaired:
    """What happened to a block's rows: those lost, and how each check went."""

    lost: dict[int, Loss] = field(default_factory=dict)
    tallies: tuple[CheckTally, ...] = ()


class RowRules:
    """The row-level checks of one table."""

    def __init__(self, plan: TablePlan) -> None:
        self._plan = plan
        self._rules = list(_rules(plan.spec))
        self.redrawn = frozenset(_involved(plan, self._rules) - _kept(plan))
        filled = any(isinstance(item.spec, AbstractFilled) for item in plan.columns.values())
        self._tries = _TRIES_OF_MODELS if filled else _TRIES

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the checks look at."""
        return tuple(dict.fromkeys(need for rule in self._rules for need in rule.needs))

    @property
    def repairs(self) -> bool:
        """Whether rows may be drawn again or dropped."""
        return any(rule.check.repair != "fail" for rule in self._rules)

    def apply(self, block: Block, remake: Remake) -> Repaired:
        """Check a block; draw broken rows again, in place, while their checks ask for it.

        Raises:
            CheckError: No row of the block can meet a check, however often it is drawn.
        """
        if not self._rules or not block.rows:
            return Repaired()
        broken = self._broken(block)
        gone = np.zeros(block.rows, dtype=bool)
        gone[list(block.rejected)] = True
        first = [bad & ~gone for bad in broken]
        examples = [self._examples(block, bad) for bad in first]
        wrong = self._to_redraw(broken) & ~gone
        tries = 0
        while wrong.any() and tries < self._tries:
            tries += 1
            other = remake(tries, wrong)
            self._take_over(block, other, wrong)
            broken = self._broken(block)
            gone[list(block.rejected)] = True
            wrong = self._to_redraw(broken) & ~gone
        if wrong.any():
            self._demand_possible(broken, gone, first)
        lost = self._lost(broken, gone, tries)
        tallies = tuple(
            CheckTally(rule.place, block.rows, int(was.sum()), int((was & ~now).sum()), shown)
            for rule, was, now, shown in zip(self._rules, first, broken, examples, strict=True)
        )
        return Repaired(lost, tallies)

    def _broken(self, block: Block) -> list[NDArray[np.bool_]]:
        """For each rule, which rows break it; unknown (null) is not a breach."""
        sql = {str(i): f"({rule.sql}) IS FALSE" for i, rule in enumerate(self._rules) if rule.sql}
        needs = sorted({need for rule in self._rules if rule.sql for need in rule.needs})
        values = {name: block.values[name] for name in needs}
        where = f"tables.{self._plan.name}.checks"
        results = evaluate(sql, values, block.rows, where=where) if sql else {}
        return [
            numbers_of(results[str(i)]) if rule.judge is None else rule.judge(block)
            for i, rule in enumerate(self._rules)
        ]

    def _to_redraw(self, broken: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        wrong = np.zeros(len(broken[0]), dtype=bool)
        for rule, bad in zip(self._rules, broken, strict=True):
            if rule.check.repair == "resample":
                wrong |= bad
        return wrong

    def _take_over(self, block: Block, other: Block, rows: NDArray[np.bool_]) -> None:
        """Replace rows of a block by those of another, where columns may change."""
        picked = array_of(np.arange(block.rows) + np.where(rows, block.rows, 0))
        for name in self.redrawn & block.values.keys():
            both = pa.concat_arrays([block.values[name], other.values[name]])
            block.values[name] = both.take(picked)
            if name in block.links:
                block.links[name] = np.where(rows, other.links[name], block.links[name])
        for row, loss in other.rejected.items():
            block.rejected.setdefault(row, loss)

    def _demand_possible(
        self,
        broken: list[NDArray[np.bool_]],
        gone: NDArray[np.bool_],
        first: list[NDArray[np.bool_]],
    ) -> None:
        """Refuse a rule that no row ever met."""
        for rule, now, was in zip(self._rules, broken, first, strict=True):
            alive = ~gone
            if rule.check.repair == "resample" and now[alive].all() and was[alive].all():
                raise CheckError(
                    f"no row of `{self._plan.name}` meets {_said(rule.check)} "
                    f"after {self._tries} draws",
                    code="check.impossible",
                    where=f"tables.{self._plan.name}.checks.{rule.place}",
                    hint="check the rule against the columns' ranges, or against the other rules",
                )

    def _lost(
        self, broken: list[NDArray[np.bool_]], gone: NDArray[np.bool_], tries: int
    ) -> dict[int, Loss]:
        lost: dict[int, Loss] = {}
        for rule, bad in zip(self._rules, broken, strict=True):
            if rule.check.repair == "fail":
                continue
            for row in np.flatnonzero(bad & ~gone).tolist():
                reason = f"breaks {_said(rule.check)}"
                if rule.check.repair == "resample":
                    reason += f" after {tries} draws"
                lost.setdefault(row, Loss(reason, attempt=tries))
        return lost

    def _examples(self, block: Block, bad: NDArray[np.bool_]) -> tuple[dict[str, object], ...]:
        rows = np.flatnonzero(bad)[:_EXAMPLES]
        names = [name for name in self._plan.spec.written if name in block.values]
        picked = {name: block.values[name].take(array_of(rows)).to_pylist() for name in names}
        return tuple({name: picked[name][i] for name in names} for i in range(len(rows)))


def _like_earlier(check: NearDuplicateCheck, block: Block) -> NDArray[np.bool_]:
    """Which rows of a block say what an earlier one says; rows that are lost say nothing."""
    from fabula.dedup import near_duplicates

    texts = block.values[check.column].cast(pa.string()).to_pylist()
    for row in block.rejected:
        texts[row] = None
    broken = np.zeros(block.rows, dtype=bool)
    found = near_duplicates(texts, similarity=check.similarity, method=check.method)
    broken[[match.second for match in found]] = True
    return broken


def _refused(check: FunctionCheck, where: str, block: Block) -> NDArray[np.bool_]:
    """Which rows of a block the user's function refuses; rows that are lost it never sees."""
    kept = np.ones(block.rows, dtype=bool)
    kept[list(block.rejected)] = False
    rows = np.flatnonzero(kept)
    values = {name: block.values[name].take(array_of(rows)) for name in check.inputs}
    broken = np.zeros(block.rows, dtype=bool)
    broken[rows] = broken_rows(check, values, rows=len(rows), start=block.start, where=where)
    return broken


def _said(check: Check) -> str:
    """A check between backticks, which hold no others."""
    return f"`{check.title.replace('`', '')}`"


def _rules(table: TableSpec) -> Iterable[Rule]:
    for place, check in enumerate(table.checks):
        if isinstance(check, FunctionCheck):
            judge = partial(_refused, check, f"tables.{table.name}.checks.{place}")
            yield Rule(place, check, "", check.inputs, judge)
        elif is_of_one_row(check, table):
            parsed = parse_expression(check.condition())
            yield Rule(place, check, parsed.sql, parsed.needs)
        elif isinstance(check, NearDuplicateCheck) and check.repair != "fail":
            yield Rule(place, check, "", (check.column,), partial(_like_earlier, check))


def _involved(plan: TablePlan, rules: Sequence[Rule]) -> set[str]:
    """Columns that rules to resample look at, what these follow from, and what follows from it."""
    needs = {need for rule in rules if rule.check.repair == "resample" for need in rule.needs}
    sources = companions(plan, closure(needs, plan.columns))
    for group in joint_groups(dict(plan.columns)).values():
        sources |= set(group) if sources & set(group) else set()
    return {name for name in plan.columns if closure((name,), plan.columns) & sources}


def _kept(plan: TablePlan) -> set[str]:
    """Columns that drawing rows again leaves alone, with all that they follow from.

    Those are keys, values that may not repeat, references whose counts or pairs are settled, and
    whatever other rows of the table use through a reference to it.
    """
    groups = (plan.spec.primary_key, *plan.spec.unique)
    kept = {name for group in groups for name in group}
    for name, column in plan.columns.items():
        link = plan.references.get(name)
        if column.spec.kind in FIXED or column.spec.unique or is_bound(plan, name):
            kept.add(name)
        if link is not None and link.parent == plan.name:
            kept |= {link.key, *link.attributes}
    return closure(kept, plan.columns)

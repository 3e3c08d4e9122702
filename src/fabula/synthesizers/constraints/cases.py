"""Columns that follow one of a few formulas, or none: a tax by country, a fee that few pay.

Which formula holds in a row is a column of its own, which a model learns and nobody is handed. So
exceptions keep their share, and the rates keep what they go with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.render.amounts import percent
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.evidence import digits
from fabula.synthesizers.constraints.formulas import Plain, Threshold, plain_formula, plain_state
from fabula.synthesizers.constraints.lookups import Lookup
from fabula.synthesizers.constraints.measures import Flags, Floats, Measure
from fabula.synthesizers.constraints.sheet import Sheet

SIMPLER, TRADED, BARELY = 0.9, 0.5, 0.005
"""A simpler formula is taken that holds in the first share of another one's rows and, by those that
it lacks, in the second share of others; or lacks no more than the last."""


@dataclass(frozen=True)
class Cases:
    """One of several formulas, by a hidden column that numbers them from 1; 0 is none of them.

    Attributes:
        case: The hidden column.
        target: The column that follows.
        formulas: What it may be.
        shares: The share of the training rows in which it is so.
        by: What the number follows from in training, if it follows from anything; not saved.
    """

    case: str
    target: str
    formulas: tuple[Plain, ...]
    shares: tuple[float, ...]
    by: Lookup | Threshold | None = field(default=None, compare=False)

    @property
    def constants(self) -> tuple[float, ...]:
        """The formulas' own numbers."""
        return tuple(number for formula in self.formulas for number in formula.constants)

    @property
    def sources(self) -> tuple[str, ...]:
        """The hidden column, and those of all formulas."""
        names = [name for formula in self.formulas for name in formula.sources]
        return tuple(dict.fromkeys([self.case, *names]))

    def numbers(self, sheet: Sheet) -> Floats:
        """What each row's formula gives; the column's own number where none holds."""
        return self._chosen(sheet, [each.numbers(sheet) for each in self.formulas], self.target)

    def size(self, sheet: Sheet) -> Floats:
        """The largest part of each row's formula."""
        sizes = self._chosen(sheet, [each.size(sheet) for each in self.formulas], self.target)
        return np.abs(np.nan_to_num(sizes))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """What each row's formula leaves for a source; where it is none of it, its own number."""
        own = sheet.numbers(source)
        found = [
            each.solved(source, target, sheet) if source in each.sources else own
            for each in self.formulas
        ]
        return self._chosen(sheet, found, source)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`0.2 * net in 40 % of the rows, 0.19 * net in 20 %`."""
        if self.shares == (1.0,):
            return f"{self.formulas[0].told(target, measures)} where there is one"
        parts = [
            f"{each.told(target, measures) or 0} in {percent(share)}"
            for each, share in zip(self.formulas, self.shares, strict=True)
        ]
        return f"{', '.join(parts)} of the rows"

    def values(self, sheet: Sheet) -> pa.Array:
        """The number of the formula of each row; null where the column is missing."""
        numbers = sheet.numbers(self.target)
        found = np.zeros(len(sheet), np.int64)
        asked = self._asked(sheet)
        for at, formula in reversed([*enumerate(self.formulas, 1)]):
            found[holds(formula, self.target, sheet)] = at
        for at, formula in enumerate(self.formulas, 1):
            found[(asked == at) & holds(formula, self.target, sheet)] = at
        return array_of(found, missing=np.isnan(numbers))

    def _asked(self, sheet: Sheet) -> Floats:
        """The number that something else tells."""
        if isinstance(self.by, Threshold):
            return self.by.numbers(sheet)
        if self.by is None:
            return np.zeros(len(sheet))
        found, _ = self.by.found(sheet.values(self.by.source))
        return np.asarray(found.fill_null(0).to_numpy(zero_copy_only=False), float)

    def state(self) -> CodecState:
        """It as plain values."""
        return CodecState("cases", self.plain())

    def plain(self) -> dict[str, Any]:
        """The settings of its state."""
        formulas = [plain_state(formula) for formula in self.formulas]
        own = {"case": self.case, "target": self.target, "shares": self.shares}
        return {**own, "formulas": formulas}

    @classmethod
    def restore(cls, settings: Mapping[str, Any]) -> Cases:
        """The formulas of settings."""
        formulas = tuple(map(plain_formula, settings["formulas"]))
        return cls(settings["case"], settings["target"], formulas, tuple(settings["shares"]))

    @property
    def name(self) -> str:
        """The hidden column."""
        return self.case

    def _chosen(self, sheet: Sheet, found: Sequence[Floats], otherwise: str) -> Floats:
        case = sheet.numbers(self.case)
        own = np.where(np.isnan(case), np.nan, sheet.numbers(otherwise))
        return np.select([case == at for at in range(1, len(found) + 1)], found, own)


def holds(formula: Plain, target: str, sheet: Sheet) -> np.ndarray:
    """Where a column is what a formula gives."""
    numbers, computed = sheet.numbers(target), formula.numbers(sheet)
    room = sheet.measures[target].tolerance(numbers, formula.size(sheet))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(computed - numbers) <= room)


def best_case(found: Sequence[tuple[Plain, Flags]], left: Flags) -> tuple[Plain, Flags] | None:
    """The formula that holds in most of some rows, or a simpler one that does in nearly as many.

    A simpler one holds in rows where the other does not: one that lacks rows alone is less exact.
    """
    if not found:
        return None
    hits = np.array([on & left for _, on in found])
    counts = hits.sum(axis=1)
    most = hits[counts.argmax()]
    own, lost = (hits & ~most).sum(axis=1), (most & ~hits).sum(axis=1)
    nearly = counts >= SIMPLER * counts.max()
    alike = nearly & ((own >= TRADED * lost) | (lost <= BARELY * counts.max()))
    places = np.flatnonzero(alike).tolist()
    return found[min(places, key=lambda at: (digits(found[at][0].constants), -counts[at]))]


def free_name(target: str, taken: Iterable[str]) -> str:
    """A name for the hidden column of a target that no column has."""
    name, taken = f"case of {target}", set(taken)
    while name in taken:
        name += "'"
    return name


Formula: TypeAlias = Plain | Cases
"""What a column of numbers follows from."""


def formula_state(formula: Formula) -> dict[str, Any]:
    """A formula as JSON-ready values."""
    if isinstance(formula, Cases):
        return {"kind": "cases", **formula.plain()}
    return plain_state(formula)


def formula_of(state: Mapping[str, Any]) -> Formula:
    """The formula of a state."""
    return Cases.restore(state) if state["kind"] == "cases" else plain_formula(state)

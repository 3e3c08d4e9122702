"""Rankings: columns that hold each of the same numbers once in every row.

A model draws the columns nearly so. The drawn numbers are put in order, ties by chance, and each
column gets the number of its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.evidence import SURE
from fabula.synthesizers.constraints.measures import Floats
from fabula.synthesizers.constraints.sheet import Sheet

FEWEST, MOST = 3, 50
"""Columns of a ranking."""

FIRST_ROWS = 200
"""Rows that most columns fail on."""


@dataclass(frozen=True)
class Ranking:
    """Columns that hold each of the same numbers once in every row.

    Attributes:
        columns: The columns.
        numbers: The numbers from the smallest on.
    """

    columns: tuple[str, ...]
    numbers: tuple[float, ...]

    @property
    def told(self) -> str:
        """The ranking in words."""
        low, high = (f"{number:g}" for number in (self.numbers[0], self.numbers[-1]))
        return f"{', '.join(self.columns)} hold each of {low} … {high} once"

    def put(self, sheet: Sheet, rng: np.random.Generator) -> None:
        """Give each column the number of its place among the drawn ones."""
        drawn = np.column_stack([sheet.numbers(name) for name in self.columns])
        places = np.lexsort((rng.random(drawn.shape), drawn), axis=1)
        ranked = np.empty_like(drawn)
        np.put_along_axis(ranked, places, np.asarray(self.numbers)[None, :], axis=1)
        for at, name in enumerate(self.columns):
            if (ranked[:, at] != drawn[:, at]).any():
                sheet.replace(name, sheet.measures[name].values(ranked[:, at]))

    def state(self) -> CodecState:
        """The ranking as plain values."""
        settings = {"columns": list(self.columns), "numbers": list(self.numbers)}
        return CodecState("ranking", settings)

    @classmethod
    def restore(cls, state: CodecState) -> Ranking:
        """The ranking of a state."""
        settings = state.settings
        return cls(tuple(settings["columns"]), tuple(settings["numbers"]))


def find_rankings(sheet: Sheet) -> Iterator[Ranking]:
    """Rankings that hold on all rows; each column is in one at most."""
    values: dict[str, Floats] = {}
    different: dict[str, set[float]] = {}
    for name, measure in sheet.measures.items():
        numbers = sheet.numbers(name)
        if measure.is_time or not measure.step or np.isnan(numbers).any():
            continue
        distinct = set(np.unique(numbers[:FIRST_ROWS]).tolist())
        if 1 < len(distinct) <= MOST:
            values[name], different[name] = numbers, distinct
    left = list(values)
    while left:
        group = left[:1]
        for name in left[1:]:
            near = different[name] & different[group[0]]
            if near and all(_differ(values[name], values[own]) for own in group):
                group.append(name)
        numbers = np.unique([values[name] for name in group])
        ranked = FEWEST <= len(group) == len(numbers) and _is_sure(len(sheet), len(group))
        if ranked:
            yield Ranking(tuple(group), tuple(numbers.tolist()))
        left = [name for name in left[1:] if not ranked or name not in group]


def _differ(first: Floats, second: Floats) -> bool:
    """Whether two columns are equal in no row; the first ones rule most of them out."""
    return bool((first[:FIRST_ROWS] != second[:FIRST_ROWS]).all() and (first != second).all())


def _is_sure(rows: int, size: int) -> bool:
    """Whether columns that were drawn apart would have repeated a number in some row."""
    ranked = np.log2(np.arange(1, size + 1)).sum() - size * np.log2(size)
    return bool(-rows * ranked >= SURE)

"""Some rows of a table, in which formulas are looked for before all rows are asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

import numpy as np

from fabula.synthesizers.constraints.measures import Flags, Floats, Measure

FEWEST = 20
"""Rows without gaps that a formula needs."""

MOST_GAPS = 8
"""Different sets of rows with gaps that are looked at."""

SMALLEST, LARGEST = 1e-100, 1e100
"""Columns of a smaller spread or larger numbers have no formulas."""


def varies(numbers: Floats) -> bool:
    """Whether numbers are not a constant, and squares of them are numbers still."""
    return bool(np.ptp(numbers) > SMALLEST and np.abs(numbers).max() < LARGEST)


class Sample:
    """Columns of numbers in some rows.

    Args:
        numbers: The numbers of each column, none of them missing.
        measures: How the columns are numbers, by name.
    """

    def __init__(self, numbers: Mapping[str, Floats], measures: Mapping[str, Measure]) -> None:
        self.measures, self._numbers = measures, dict(numbers)

    def __len__(self) -> int:
        return len(next(iter(self._numbers.values()), ()))

    def without(self, names: Collection[str]) -> Sample:
        """The same rows without some columns."""
        left = {name: values for name, values in self._numbers.items() if name not in names}
        return Sample(left, self.measures)

    @property
    def names(self) -> list[str]:
        """The columns, in the table's order."""
        return list(self._numbers)

    def numbers(self, name: str) -> Floats:
        """The numbers of a column."""
        return self._numbers[name]

    def room(self, name: str, size: Floats) -> Floats:
        """How far a formula may lie from each of a column's numbers: see `Measure.tolerance`."""
        return self.measures[name].tolerance(self.numbers(name), size)

    def fineness(self, name: str) -> tuple[int, float]:
        """Sorts columns: those of most different numbers first, then those of fewest decimals."""
        return -len(np.unique(self.numbers(name))), -self.measures[name].step

    def deviation(self, name: str) -> float:
        """A column's standard deviation, above 0."""
        return self._deviations[name]

    def stride(self, rows: int) -> int:
        """The distance of rows of which about that many are taken."""
        return max(1, len(self) // rows)

    @cached_property
    def _deviations(self) -> dict[str, float]:
        return {name: float(values.std()) or 1.0 for name, values in self._numbers.items()}


def samples(
    numbers: Mapping[str, Floats], measures: Mapping[str, Measure]
) -> Iterator[tuple[Sample, list[str]]]:
    """Columns whose gaps are in the same rows, alongside those without gaps.

    A column with gaps of its own counts where another is zero there, as it may be a ratio.
    """
    gaps = {name: np.isnan(values) for name, values in numbers.items()}
    alike: dict[bytes, list[str]] = {}
    for name, missing in gaps.items():
        alike.setdefault(np.packbits(missing).tobytes(), []).append(name)
    whole = [name for name, missing in gaps.items() if not missing.any()]
    sets = [
        names
        for names in alike.values()
        if names != whole
        and (len(names) > 1 or any(not numbers[other][gaps[names[0]]].any() for other in whole))
    ]
    for names in [whole, *sorted(sets, key=len, reverse=True)[:MOST_GAPS]]:
        if not names:
            continue
        rows: Flags = ~gaps[names[0]]
        if rows.sum() < FEWEST:
            continue
        together = [name for name in numbers if name in names or name in whole]
        told = {name: numbers[name][rows] for name in together if varies(numbers[name][rows])}
        yield Sample(told, measures), [name for name in names if name in told]

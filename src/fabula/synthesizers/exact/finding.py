"""From training rows to the relations that hold on all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.synthesizers.columns.categories import CategoryCodec
from fabula.synthesizers.columns.learning import Columns
from fabula.synthesizers.exact.calendar import Part, part_of, parts_of
from fabula.synthesizers.exact.evidence import formula_is_sure, lookup_is_sure
from fabula.synthesizers.exact.formulas import Formula
from fabula.synthesizers.exact.gaps import find_gaps
from fabula.synthesizers.exact.linear import lines, planes
from fabula.synthesizers.exact.lookups import Labels, coded, lookup
from fabula.synthesizers.exact.measures import Flags, Floats, Measure, measures_of
from fabula.synthesizers.exact.orders import find_orders
from fabula.synthesizers.exact.products import products
from fabula.synthesizers.exact.relations import Relation, Relations, leads
from fabula.synthesizers.exact.rhythms import find_rhythms
from fabula.synthesizers.exact.sample import Sample
from fabula.synthesizers.exact.sheet import Sheet

SAMPLE_ROWS = 2_000
"""Rows in which formulas are looked for; more where a table has more columns than a third."""

FEWEST = 20
"""Rows without gaps that a formula needs."""

SMALLEST, LARGEST = 1e-100, 1e100
"""Columns of a smaller spread or larger numbers have no formulas."""

MOST_GAPS = 8
"""Different sets of rows with gaps that are looked at."""


def find_relations(
    table: pa.Table, columns: Columns, *, protect: int, given: Collection[str] = ()
) -> Relations:
    """Relations that hold on all rows, each column given by at most one.

    Args:
        table: Training rows.
        columns: What was learned of its columns.
        protect: Labels and numbers of fewer rows are not written into lookups.
        given: Columns that follow from elsewhere, such as another table.
    """
    search = _Search(table, columns, protect, given)
    search.parts()
    search.formulas()
    search.lookups()
    return Relations.of(search.found.values(), columns.codecs)


def with_orders(table: pa.Table, columns: Columns, found: Relations) -> Relations:
    """Relations and, beside them, which columns are never above others, and how near they are.

    Args:
        table: Training rows.
        columns: What was learned of its columns.
        found: Their other relations.
    """
    measures = measures_of(columns.codecs)
    sheet = Sheet(table, measures)
    few = Sheet(_few(table, len(measures)), measures)
    given = {item.target: item.sources for item in found.items}
    sources = dict(given)

    def take(high: str, low: str) -> bool:
        if high in sources or leads(sources, low, high):
            return False
        sources[high] = (low,)
        return True

    orders = find_orders(few, sheet)
    gaps = find_gaps(sheet, orders, take)
    parts = {(item.how.source, item.how.part) for item in found.items if isinstance(item.how, Part)}
    rhythms = find_rhythms(sheet, parts)
    items = [
        *found.items,
        *(Relation(gap.order.high, gap.formula(sheet)) for gap in gaps),
        *(Relation(rhythm.name, rhythm.formula) for rhythm in rhythms),
    ]
    near = {gap.order for gap in gaps}
    left = [
        order
        for order in orders
        if order not in near
        and not leads(given, order.low, order.high)
        and not leads(given, order.high, order.low)
    ]
    return Relations.of(items, columns.codecs, orders=left, latent=[*gaps, *rhythms])


def _few(table: pa.Table, columns: int) -> pa.Table:
    """Rows in which relations are looked for first."""
    size = min(table.num_rows, max(SAMPLE_ROWS, 3 * columns))
    rows = np.linspace(0, table.num_rows - 1, size).astype(np.int64)
    return table.take(array_of(rows))


class _Search:
    """Relations found so far; none leads back to its own column."""

    def __init__(
        self, table: pa.Table, columns: Columns, protect: int, given: Collection[str]
    ) -> None:
        self.measures = measures_of(columns.codecs)
        self.found: dict[str, Relation] = {}
        self._given = frozenset(given)
        table = table.select(columns.names)
        self._sheet = Sheet(table, self.measures)
        self._few = Sheet(_few(table, len(self.measures)), self.measures)
        self._table, self._protect = self._sheet.table, protect
        labels = [codec.name for codec in columns.codecs if isinstance(codec, CategoryCodec)]
        self._labels = [*labels, *self.measures]

    def formulas(self) -> None:
        """Lines and curves, then products, then sums.

        Of columns that are lines of each other one is left to the other formulas.
        """
        for sample, targets in _samples(
            {name: self._few.numbers(name) for name in self.measures}, self.measures
        ):
            order = sorted(targets, key=sample.fineness)
            self._take(lines(sample, order, self.found))
            free = sample.without(self.found)
            self._take(products(free, [name for name in targets if name not in self.found]))
            self._take(planes(free))

    def parts(self) -> None:
        """Numbers that are a part of a time, such as its weekday."""
        for time in self._times:
            values = self._few.values(time)
            for part in parts_of(values.type):
                numbers = part_of(part, values)
                codes, _ = coded(values, part)
                for name in [name for name in self.measures if name != time]:
                    difference = self._few.numbers(name) - numbers
                    known = difference[~np.isnan(difference)]
                    if len(known) < FEWEST or np.ptp(known) > 0:
                        continue
                    if part == "date" and known[0] != -self.measures[name].start:
                        continue
                    targets, _ = coded(self._few.values(name))
                    if lookup_is_sure(codes, targets, columns=len(self.measures)):
                        self._add(name, Part(part, time, float(known[0])))

    def lookups(self) -> None:
        """Labels and numbers that follow from another column.

        Where two follow from each other, a number does from a label, and a later column does.
        """
        if not self._labels:
            return
        candidates = Labels(self._few.table, self._labels, self._times).candidates()
        for target in reversed(self._labels):
            for source, part in candidates[target]:
                if not self._is_free(target, (source,)):
                    continue
                found = lookup(self._table, target, source, part, protect=self._protect)
                if found is not None:
                    self.found[target] = Relation(target, found)

    @property
    def _times(self) -> list[str]:
        return [name for name in self.measures if parts_of(self._table.schema.field(name).type)]

    def _take(self, candidates: Iterator[tuple[str, Formula]]) -> None:
        for target, formula in candidates:
            if self._is_free(target, formula.sources) and self._is_sure(target, formula):
                self._add(target, formula)

    def _add(self, target: str, formula: Formula) -> None:
        if self._is_free(target, formula.sources) and self._holds(target, formula):
            self.found[target] = Relation(target, formula)

    def _is_free(self, target: str, sources: Sequence[str]) -> bool:
        """Whether a column has no relation so far, and its sources don't follow from it."""
        found = {name: item.sources for name, item in self.found.items()}
        if target in found or target in self._given:
            return False
        return not any(leads(found, name, target) for name in sources)

    def _is_sure(self, target: str, formula: Formula) -> bool:
        """Whether a formula that holds can't be chance."""
        few = self._few
        numbers, computed = few.numbers(target), formula.numbers(few)
        known = np.isfinite(numbers) & np.isfinite(computed)
        step = self.measures[target].step or np.inf
        return formula_is_sure(
            numbers[known],
            np.column_stack([few.numbers(name)[known] for name in formula.sources]),
            np.abs(computed - numbers)[known] / step,
            constants=formula.constants,
            columns=len(self.measures),
        )

    def _holds(self, target: str, formula: Formula) -> bool:
        """Whether a formula holds on every row, gaps included."""
        numbers, computed = self._sheet.numbers(target), formula.numbers(self._sheet)
        known = np.isfinite(computed)
        if (known == np.isnan(numbers)).any():
            return False
        numbers, size = numbers[known], formula.size(self._sheet)[known]
        room = self.measures[target].tolerance(numbers, size)
        return bool((np.abs(computed[known] - numbers) <= room).all())


def _samples(
    numbers: Mapping[str, Floats], measures: Mapping[str, Measure]
) -> Iterator[tuple[Sample, list[str]]]:
    """Columns whose gaps are in the same rows, beside those without gaps."""
    gaps = {name: np.isnan(values) for name, values in numbers.items()}
    alike: dict[bytes, list[str]] = {}
    for name, missing in gaps.items():
        alike.setdefault(np.packbits(missing).tobytes(), []).append(name)
    whole = [name for name, missing in gaps.items() if not missing.any()]
    sets = [names for names in alike.values() if names != whole and len(names) > 1]
    for names in [whole, *sorted(sets, key=len, reverse=True)[:MOST_GAPS]]:
        if not names:
            continue
        rows: Flags = ~gaps[names[0]]
        if rows.sum() < FEWEST:
            continue
        together = [name for name in numbers if name in names or name in whole]
        told = {name: numbers[name][rows] for name in together if _varies(numbers[name][rows])}
        yield Sample(told, measures), [name for name in names if name in told]


def _varies(numbers: Floats) -> bool:
    """Whether numbers are no constant, and squares of them are numbers still."""
    return bool(np.ptp(numbers) > SMALLEST and np.abs(numbers).max() < LARGEST)

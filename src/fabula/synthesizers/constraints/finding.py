"""From training rows to the relations that hold on all of them, or on all but a few."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.categories import CategoryCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.constraints.absences import Absence
from fabula.synthesizers.constraints.calendar import Part, part_of, parts_of
from fabula.synthesizers.constraints.case_search import find_cases
from fabula.synthesizers.constraints.cases import Cases, Formula
from fabula.synthesizers.constraints.choices import Choice
from fabula.synthesizers.constraints.differences import find_differences
from fabula.synthesizers.constraints.elapsed import find_ages, find_elapsed
from fabula.synthesizers.constraints.evidence import formula_is_sure, lookup_is_sure, tolerable
from fabula.synthesizers.constraints.formulas import Plain, Product, Sum
from fabula.synthesizers.constraints.gaps import find_gaps
from fabula.synthesizers.constraints.label_search import LabelSearch, leads
from fabula.synthesizers.constraints.linear import lines, planes
from fabula.synthesizers.constraints.lookups import Common, Lookup, coded
from fabula.synthesizers.constraints.measures import Flags, measures_of
from fabula.synthesizers.constraints.orders import find_orders
from fabula.synthesizers.constraints.products import products
from fabula.synthesizers.constraints.rankings import find_rankings
from fabula.synthesizers.constraints.relation import Relation
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.constraints.rhythms import find_rhythms
from fabula.synthesizers.constraints.sample import FEWEST, samples
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.spots import find_spots

SAMPLE_ROWS = 2_000
"""Rows in which formulas are looked for; more where a table has more columns than a third."""

FEW_ROWS, TRIES = 250, 4
"""Rows of a small sample, most of which hold no exception, and how many samples are looked at."""

FEW_BROKEN = 0.01
"""The share of the rows in which formulas are looked for that may break one."""


def find_relations(
    table: pa.Table, columns: Columns, *, protect: int, given: Collection[str] = ()
) -> Relations:
    """Relations that hold on all rows, or all but a few; each column is given by at most one.

    Args:
        table: Training rows.
        columns: What was learned of its columns.
        protect: Labels and numbers of fewer rows are not written into lookups.
        given: Columns that follow from elsewhere, such as another table.
    """
    search = _Search(table, columns, protect, given)
    search.parts()
    search.elapsed(rounded=True)
    search.formulas()
    search.elapsed()
    search.formulas_nearly()
    search.cases()
    search.lookups()
    search.lookups(nearly=True)
    search.labels.rest()
    return Relations.of(
        search.found.values(), columns.codecs, latent=search.latent, rankings=search.rankings
    )


def learned_relations(
    train: pa.Table, columns: Columns, *, known: Collection[str], protect: int
) -> tuple[Relations, pa.Table, Columns]:
    """The relations of a table, and its rows and columns with those that relations bring along.

    Args:
        train: Training rows.
        columns: What was learned of its columns.
        known: Columns that have no relations, such as parts of a tree.
        protect: Labels of fewer rows are rare.
    """
    plain = columns.only([name for name in columns.names if name not in known])
    relations = with_orders(train, plain, find_relations(train, plain, protect=protect))
    people = None if columns.persons is None else columns.persons.numbers
    spots = find_spots(
        train, relations.measures, items=relations.items, protect=protect, people=people
    )
    relations = replace(relations, latent=(*relations.latent, *spots))
    if relations.latent:
        train = relations.widened(train)
        columns = columns.beside(train.select(relations.hidden), protect=protect)
        columns = columns.with_codecs({spot.name: spot.codec_of(train) for spot in spots})
        relations = replace(relations, measures=measures_of(columns.codecs))
    return relations, train, columns


def with_orders(
    table: pa.Table, columns: Columns, found: Relations, *, given: Collection[str] = ()
) -> Relations:
    """Relations and, alongside them, which columns are never above others, and how near they are.

    Args:
        table: Training rows.
        columns: What was learned of its columns.
        found: Their other relations.
        given: Columns that follow from elsewhere, such as another table, and have no orders.
    """
    measures = measures_of(columns.codecs)
    sheet = Sheet(table, measures)
    few = Sheet(_few(table, len(measures)), measures)
    elsewhere = set(given)
    ruled = [item for item in found.items if not isinstance(item.how, Absence)]
    for item in ruled:
        if elsewhere.intersection(item.sources):
            elsewhere.add(item.target)
    following = {item.target: item.sources for item in ruled}
    sources, led = {item.target: item.sources for item in found.items}, set(following)

    def take(high: str, low: str) -> bool:
        if high in led or leads(sources, low, high):
            return False
        led.add(high)
        sources[high] = (*sources.get(high, ()), low)
        return True

    orders = [
        order for order in find_orders(few, sheet) if elsewhere.isdisjoint((order.low, order.high))
    ]
    gaps = find_gaps(sheet, orders, take)
    parts = {(item.how.source, item.how.part) for item in found.items if isinstance(item.how, Part)}
    labels = [codec.name for codec in columns.codecs if isinstance(codec, CategoryCodec)]
    rhythms = find_rhythms(sheet, labels, parts, {gap.order.high: gap.spread for gap in gaps})
    ranked = [set(ranking.columns) for ranking in found.rankings]
    differences = [
        pair
        for pair in find_differences(sheet, labels, _within(found))
        if pair.first not in following.get(pair.second, ())
        and pair.second not in following.get(pair.first, ())
        and not any({pair.first, pair.second} <= group for group in ranked)
    ]
    near = {gap.order.high: gap.name for gap in gaps}  # a column is missing where its distance is
    items = [
        *(replace(item, target=near.get(item.target, item.target)) for item in found.items),
        *(Relation(gap.order.high, gap.formula(sheet)) for gap in gaps),
        *(Relation(rhythm.name, rhythm.formula) for rhythm in rhythms),
    ]
    alone = {frozenset((item.target, *item.sources)) for item in ruled}  # gives the order
    left = [
        replace(
            order.within(sheet),
            implied=leads(following, order.low, order.high)
            or leads(following, order.high, order.low),
        )
        for order in orders
        if {order.low, order.high} not in alone
    ]
    return Relations.of(
        items,
        columns.codecs,
        orders=[*left, *differences],
        latent=[*found.latent, *gaps, *rhythms],
        rankings=found.rankings,
    )


def _within(found: Relations) -> dict[frozenset[str], str]:
    """The column that two others go with, by these two."""
    giving = {item.target: item.sources[0] for item in found.items if isinstance(item.how, Lookup)}
    return {
        frozenset((item.target, giving[item.how.source])): item.how.source
        for item in found.items
        if isinstance(item.how, Choice) and item.how.source in giving
    }


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
        self.latent: list[Cases] = []
        self._near: dict[str, list[Plain]] = {}
        self._given = frozenset(given)
        table = table.select(columns.names)
        self._sheet = Sheet(table, self.measures)
        self._few = Sheet(_few(table, len(self.measures)), self.measures)
        self._table = self._sheet.table
        labels = [codec for codec in columns.codecs if isinstance(codec, CategoryCodec)]
        common = Common(
            {codec.name: codec.levels for codec in labels},
            protect,
            frozenset(codec.name for codec in labels if codec.pools),
            columns.persons,
        )
        names = [*common.levels, *self.measures]
        self._common = common
        self.labels = LabelSearch(
            self._table, names, self._times, common, self._given, self.found, self._is_free
        )
        self.rankings = [
            ranking
            for ranking in find_rankings(self._sheet)
            if not self._given & set(ranking.columns)
        ]
        self._ranked = {name for ranking in self.rankings for name in ranking.columns}

    def formulas(self) -> None:
        """Lines and curves, then products, then sums.

        Of columns that are lines of each other one is left to the other formulas.
        """
        self._search(self._few, self.found, self._take)

    def elapsed(self, *, rounded: bool = False) -> None:
        """Whole numbers of days, or of other units, between two times.

        Args:
            rounded: Only numbers that no sum gives exactly, and some sum nearly.
        """
        whole = [
            name
            for name, measure in self.measures.items()
            if not measure.is_time and measure.step and not measure.step % 1
        ]
        found = find_elapsed(self._few, self._times, whole)
        self._take(item for item in found if not rounded or item[1].is_rounded(self._few))
        if rounded:
            self._take(find_ages(self._few, self._sheet, self._times, whole))

    def cases(self) -> None:
        """Columns that follow one of several formulas, or one of which many rows are exceptions."""
        for item in find_cases(
            self._few, self._sheet, [name for name in self.measures if self._is_free(name, ())],
            [*self._common.levels], self._common, near=self._near, is_free=self._is_free,
        ):  # fmt: skip
            self.found[item.target] = Relation(item.target, item.formula, item.broken)
            if isinstance(item.formula, Cases):
                self.latent.append(item.formula)
                if item.by is not None:
                    self.found[item.formula.case] = Relation(item.formula.case, item.by)

    def formulas_nearly(self) -> None:
        """Formulas that a few rows break, which are looked for without these rows.

        Samples are so small that most of them hold none of these rows. A formula that is found in
        one tells which of the other rows break it.
        """
        few = self._few.table
        size = max(min(FEW_ROWS, few.num_rows // TRIES), 2 * len(self.measures) + 2)
        stride = few.num_rows // size
        broken = np.zeros(few.num_rows, bool)
        tried = dict(self.found)

        def take(candidates: Iterator[tuple[str, Formula]]) -> None:
            for target, formula in candidates:
                other = self._broken(target, formula, self._few)
                if target not in tried and other.mean() <= FEW_BROKEN:
                    tried[target] = Relation(target, formula)
                    broken[other] = True

        for start in range(min(TRIES, stride)):
            rows = np.arange(start, few.num_rows, stride)
            self._search(Sheet(few.take(array_of(rows)), self.measures), tried, take)
        if broken.any():
            self._few = Sheet(few.filter(array_of(~broken)), self.measures)
            self.formulas()

    def _search(
        self,
        few: Sheet,
        found: Mapping[str, Relation],
        take: Callable[[Iterator[tuple[str, Formula]]], None],
    ) -> None:
        """Offer formulas that hold in some rows.

        Args:
            few: The rows.
            found: Columns that need no formula; may grow meanwhile.
            take: What takes formulas.
        """
        numbers = {name: few.numbers(name) for name in self.measures if name not in self._ranked}
        for sample, targets in samples(numbers, self.measures):
            order = sorted(targets, key=sample.fineness)
            take(lines(sample, order, found))
            free = sample.without(found)
            take(products(free, [name for name in targets if name not in found]))
            take(planes(free))

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
                    if len(known) < FEWEST:
                        continue
                    constant = float(np.median(known))
                    fits = difference == constant
                    if (~fits).sum() - np.isnan(difference).sum() > FEW_BROKEN * len(known):
                        continue
                    if part == "date" and constant != -self.measures[name].start:
                        continue
                    targets, _ = coded(self._few.values(name))
                    if lookup_is_sure(codes[fits], targets[fits], columns=len(self.measures)):
                        self._add(name, Part(part, time, constant))

    def lookups(self, *, nearly: bool = False) -> None:
        """Labels and numbers that follow from another column, in all rows or nearly all."""
        self.labels.lookups(self._few.table, nearly=nearly)

    @property
    def _times(self) -> list[str]:
        return [name for name in self.measures if parts_of(self._table.schema.field(name).type)]

    def _take(self, candidates: Iterator[tuple[str, Formula]]) -> None:
        """Add formulas that hold on all rows but a few; those of more exceptions may be cases."""
        for target, formula in candidates:
            if self._is_free(target, formula.sources) and self._is_sure(target, formula):
                self._add(target, formula)
                if target not in self.found and isinstance(formula, Sum | Product):
                    self._near.setdefault(target, []).append(formula)

    def _add(self, target: str, formula: Formula) -> None:
        if not self._is_free(target, formula.sources):
            return
        broken = int(self._broken(target, formula, self._sheet).sum())
        if tolerable(broken, self._sheet.numbers(target)):
            self.found[target] = Relation(target, formula, broken)

    def _is_free(self, target: str, sources: Sequence[str]) -> bool:
        """Whether a column has no relation so far, and its sources don't follow from it."""
        found = {name: item.sources for name, item in self.found.items()}
        taken = target in found or target in self._ranked or target in self._given
        return not taken and not any(leads(found, name, target) for name in sources)

    def _is_sure(self, target: str, formula: Formula) -> bool:
        """Whether a formula that holds can't be chance."""
        few = self._few
        numbers, computed = few.numbers(target), formula.numbers(few)
        broken = self._broken(target, formula, few)
        known = np.isfinite(numbers) & np.isfinite(computed) & ~broken
        step = self.measures[target].step or np.inf
        return formula_is_sure(
            numbers[known],
            np.column_stack([few.numbers(name)[known] for name in formula.sources]),
            np.abs(computed - numbers)[known] / step,
            constants=formula.constants,
            columns=len(self.measures),
            exceptions=int(broken.sum()),
        )

    def _broken(self, target: str, formula: Formula, sheet: Sheet) -> Flags:
        """Which rows break a formula; a gap on one side does, and one on both does not."""
        numbers, computed = sheet.numbers(target), formula.numbers(sheet)
        known, given = np.isfinite(computed), ~np.isnan(numbers)
        room = self.measures[target].tolerance(numbers, formula.size(sheet))
        with np.errstate(invalid="ignore"):
            off = ~(np.abs(computed - numbers) <= room)
        return np.asarray((known != given) | (known & off))

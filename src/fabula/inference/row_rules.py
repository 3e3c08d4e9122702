"""Rules within a row in a guessed spec: what `fit` finds, written as columns that keep it.

Each formula is computed on the real rows first, and is written if it gives what they hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import SourceError
from fabula.inference.across import sql_name
from fabula.inference.arrays import LABEL_ROWS, guess_array
from fabula.inference.guesses import MOST_CHOICES
from fabula.io.arrays import array_of
from fabula.io.sql import sql_error, thread_connection
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.choice import Choice
from fabula.kinds.person import Person
from fabula.spec import col
from fabula.spec.tables import TableSpec
from fabula.synthesizers.codecs.categories import CategoryCodec
from fabula.synthesizers.codecs.learning import FEWEST_ROWS, Columns
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.constraints.finding import find_relations
from fabula.synthesizers.constraints.formulas import Sum
from fabula.synthesizers.constraints.label_search import leads
from fabula.synthesizers.constraints.lookups import MISSING, Lookup
from fabula.synthesizers.constraints.measures import measures_of
from fabula.synthesizers.constraints.orders import Order, find_orders
from fabula.synthesizers.constraints.rankings import Ranking
from fabula.synthesizers.constraints.relation import ByLabel, Relation
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.sql import formula_sql, lookup_sql, rounded

MOST_ROWS = 50_000
"""Rows in which rules are looked for."""

EXCEPTIONS = 0.01
"""The share of rows that may differ from a rule which is written, and are told."""

_MOST_RANKED = 12
"""Columns of a ranking that is written: each is compared with all others."""

_MOST_TOLD = 5
"""Orders of a table that are told where they are not written."""

_ROUNDED = 1e-6
"""The part of a step within which a number stands on its grid."""

_GIVEN = "follows from something else"


def keep_row_rules(
    rows: pa.Table, table: TableSpec, reasons: dict[str, str], given: Collection[str]
) -> tuple[TableSpec, list[str]]:
    """A guessed table whose columns follow from others of their row as the data's do.

    Also gives the rankings and orders that hold but are not written, in words.

    Args:
        rows: The real rows.
        table: The guessed table.
        reasons: Why each column is what it is, by place; changed in place.
        given: Columns that follow from elsewhere: keys, references, times after other times.
    """
    names = [name for name in rows.column_names if name in table.columns]
    if rows.num_rows < FEWEST_ROWS or len(names) < 2:
        return table, []
    every = rows.select(names)
    places = np.linspace(0, len(every) - 1, min(len(every), MOST_ROWS)).astype(np.int64)
    some = every.take(array_of(places)).combine_chunks()
    try:
        columns = Columns.learn(some, protect=LABEL_ROWS)
    except SourceError:  # nothing in it can follow from anything
        return table, []
    plain = [
        codec.name
        for codec in columns.codecs
        if isinstance(codec, CategoryCodec | NumberCodec)  # and not texts that nothing writes
        and (table.columns[codec.name].kind != "expr" or codec.name in given)
        and not _is_of_several(table.columns[codec.name])
    ]
    if len(plain) < 2:
        return table, []
    columns = columns.only(plain)
    some = some.select(columns.names)
    found = find_relations(some, columns, protect=LABEL_ROWS, given=given)
    written = _Written(every, some, table, reasons, columns, set(given))
    for item in found.items:
        written.relation(item, found)
    for ranking in found.rankings:
        written.ranking(ranking)
    written.orders()
    made = {"columns": written.columns, "checks": (*table.checks, *written.checks)}
    return table.model_copy(update=made), written.unwritten


def _is_of_several(kind: AbstractColumn) -> bool:
    """Whether a column is of people of several countries, whose details agree by themselves."""
    return isinstance(kind, Person) and isinstance(kind.locale, tuple)


@dataclass
class _Written:
    """The columns of a table, while rules replace them.

    Attributes:
        rows: All real rows.
        some: Those in which rules were found, with the columns that were learned.
        table: The guessed table.
        reasons: Why columns are what they are.
        learned: What was learned of the columns.
        given: Columns that stay as they are.
        columns: The columns so far.
        checks: What states rules that no column does.
        sources: What columns follow from.
        listed: Columns of whose values others are written for each one that the data has.
        unwritten: What holds and is not written, in words.
    """

    rows: pa.Table
    some: pa.Table
    table: TableSpec
    reasons: dict[str, str]
    learned: Columns
    given: set[str]
    columns: dict[str, AbstractColumn] = field(init=False)
    checks: list[RowCheck] = field(default_factory=list)
    sources: dict[str, Sequence[str]] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    unwritten: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = dict(self.table.columns)
        self.measures = measures_of(self.learned.codecs)
        self.labels = {
            codec.name for codec in self.learned.codecs if isinstance(codec, CategoryCodec)
        }

    def relation(self, item: Relation, found: Relations) -> None:
        """Write what a column follows from, if SQL gives what the data holds."""
        if item.target not in self.columns or item.target in self.given:
            return
        how, kind = item.how, self.rows.schema.field(item.target).type
        if isinstance(how, Lookup):
            ways = [lookup_sql(how, kind)]
        elif isinstance(how, ByLabel):
            return
        else:
            ways = formula_sql(how, item.target, found.measures)
        names = [name for name in item.sources if name in self.columns]
        if not set(item.sources) <= {*names, *found.hidden}:
            return
        if isinstance(how, Lookup) and not self._listed(how):
            return
        for sql in ways:
            broken = self._broken(sql, item.target)
            if broken is not None and broken <= EXCEPTIONS * len(self.rows):
                self._put(item.target, col.expr(sql), self._told(item, found, broken), names)
                if isinstance(how, Lookup):
                    self.listed.add(how.source)
                return

    def ranking(self, ranking: Ranking) -> None:
        """Write columns that hold each of the same numbers once, as places among drawn numbers."""
        names = ranking.columns
        if len(names) > _MOST_RANKED or self.given.intersection(names):
            why = f"at most {_MOST_RANKED} columns are" if len(names) > _MOST_RANKED else _GIVEN
            self.unwritten.append(f"{self.table.name}: {ranking.told}, not written: {why}")
            return
        spread = round(float(np.std(ranking.numbers)), 4)
        helpers = {name: self._free(f"{name}_drawn") for name in names}
        for name, helper in helpers.items():
            mean = round(pc.mean(self.rows.column(name)).as_py(), 4)
            drawn = col.normal(mean, spread).model_copy(update={"drop": True})
            self._insert(name, helper, drawn, f"gives the place of `{name}`")
        numbers = ", ".join(f"{number:g}" for number in ranking.numbers)
        for name in names:
            own = sql_name(helpers[name])
            before = " + ".join(
                f"CAST({sql_name(helpers[other])} < {own} AS INTEGER)"
                for other in names
                if other != name
            )
            kind = self.rows.schema.field(name).type
            sql = rounded(f"[{numbers}][1 + {before}]", kind, self.measures[name].step)
            self._put(name, col.expr(sql), ranking.told, [])

    def orders(self) -> None:
        """Write numbers that are never below others as these and a distance."""
        sheet = Sheet(self.some, self.measures)
        lows: dict[str, list[str]] = {}
        left: list[str] = []
        for order in find_orders(sheet, sheet):
            bound = order.high in self.given and self.columns[order.high].kind != "expr"
            if bound or self._is_led({order.low, order.high}):
                continue
            if why := self._lacks(order):
                left.append(f"{order.told} ({why})")
            elif not leads({**self.sources, **lows}, order.low, order.high):
                lows.setdefault(order.high, []).append(order.low)
        for high, names in lows.items():
            self._distance(high, names)
        if left:
            more = f" and {len(left) - _MOST_TOLD} more" if len(left) > _MOST_TOLD else ""
            told = f"{', '.join(left[:_MOST_TOLD])}{more}"
            self.unwritten.append(f"{self.table.name}: in the data, but not written: {told}")

    def _lacks(self, order: Order) -> str:
        """Why an order is not written; empty if it is."""
        gaps = self.rows.column(order.low).null_count
        if order.high in self.sources or order.high in self.given:
            return f"`{order.high}` {_GIVEN}"
        if order.high in self.listed:
            return f"others follow from the values of `{order.high}`"
        if self.measures[order.high].is_time:
            return "both are times"
        if not isinstance(self.columns.get(order.high), AbstractNumber | Choice):
            return f"`{order.high}` is not a number in the spec"
        if order.broken:
            return "some rows differ"
        return f"`{order.low}` is missing in {gaps:,} rows" if gaps else ""

    def _distance(self, high: str, names: Sequence[str]) -> None:
        """A number as the largest of others and a distance, within the bounds of its own."""
        kind, step = self.rows.schema.field(high).type, self.measures[high].step
        own = self.rows.column(high).cast(pa.float64())
        low = pc.max_element_wise(*(self.rows.column(name).cast(pa.float64()) for name in names))
        grid = 1.0 if pa.types.is_integer(kind) else step
        finer = False
        if grid:  # rounding a sum of finer numbers could end below them
            upper = pc.multiply(pc.ceil(pc.divide(low, grid)), grid)
            finer = pc.max(pc.subtract(upper, low)).as_py() > _ROUNDED * grid
            low = upper if finer else low
        apart = pc.subtract(own, low)
        if pa.types.is_integer(kind):
            apart = pc.round(apart).cast(pa.int64())
        elif step:
            apart = pc.round(apart, 9)
        if pc.min(apart).as_py() < 0:
            return  # an exception among the rows that were not looked at
        helper = self._free(f"{high}_above")
        made = guess_array(helper, apart, owner=self.table.name, beside=frozenset(self.columns))
        drawn = made.column.model_copy(update={"drop": True, "unique": False})
        if not isinstance(drawn, AbstractNumber | Choice) and drawn.kind != "constant":
            return
        lower = [sql_name(name) for name in names]
        start = lower[0] if len(lower) == 1 else f"greatest({', '.join(lower)})"
        if finer:
            start = f"ceil({start} / {grid:.15g}) * {grid:.15g}" if grid != 1 else f"ceil({start})"
        least, most = pc.min_max(own).as_py().values()
        number = f"least({start} + {sql_name(helper)}, {most:.15g})"
        if round(pc.min(low).as_py() + pc.min(apart).as_py(), 9) < least:
            number = f"greatest({number}, {least:.15g})"
        self._insert(high, helper, drawn, made.reason)
        told = f"never below {' and '.join(f'`{name}`' for name in names)} in all rows"
        self._put(high, col.expr(rounded(number, kind, step)), told, names)
        if not any(
            self.columns[name].drop for name in (high, *names)
        ):  # a check sees what is written
            self.checks += [RowCheck(sql=f"{sql_name(high)} >= {name}") for name in lower]

    def _is_led(self, ends: Collection[str]) -> bool:
        """Whether one of two columns follows from the other already."""
        first, second = ends
        return leads(self.sources, first, second) or leads(self.sources, second, first)

    def _listed(self, lookup: Lookup) -> bool:
        """Whether a column holds only values that a lookup knows; lists them if it can."""
        source, kind = lookup.source, self.columns[lookup.source]
        if lookup.part or source in self.sources:
            return lookup.part != MISSING or source not in self.given
        known = set(lookup.keys.to_pylist())
        if isinstance(kind, Choice) and set(kind.values) <= known:
            return True
        if source in self.given or source not in self.labels or len(known) > MOST_CHOICES:
            return False
        counted = self.rows.column(source).drop_null().value_counts()
        counts = {each["values"]: each["counts"] for each in counted.to_pylist()}
        values = sorted((key for key in known if key in counts), key=lambda key: -counts[key])
        left = sum(count for key, count in counts.items() if key not in known)
        if not values:
            return False
        listed = col.choice(values, weights=[counts[value] for value in values], nulls=kind.nulls)
        listed = listed.model_copy(update={"drop": kind.drop})
        self.columns[source] = listed
        told = f"{len(values):,} labels, from which others follow"
        rare = f"; {len(counts) - len(values):,} rarer ones in {left:,} rows are left out"
        self.reasons[self._place(source)] = told + rare * bool(left)
        return True

    def _broken(self, sql: str, target: str) -> int | None:
        """Rows of the data that differ from what SQL makes; None if it can't be computed."""
        rows = thread_connection().from_arrow(self.rows)
        try:
            made = rows.project(f"{sql} AS made").to_arrow_table()
        except sql_error():
            return None
        measure = self.measures.get(target)
        room = 0.0 if measure is None or measure.is_time else 0.5 * measure.step
        try:
            return _differing(made.column(0), self.rows.column(target), room)
        except pa.ArrowException:  # values of another type
            return None

    def _told(self, item: Relation, found: Relations, broken: int) -> str:
        told = replace(item, broken=0).told(found.measures)
        names = [item.target, *item.sources]
        timed = any(name in found.measures and found.measures[name].is_time for name in names)
        if isinstance(item.how, Sum) and timed:  # fitted numbers, for which SQL has plainer words
            told = f"follows from {' and '.join(item.sources)}"
        elif not isinstance(item.how, Lookup):
            told = f"is {told}"
        return f"{told} in all rows but {broken:,}" if broken else f"{told} in all rows"

    def _put(self, name: str, kind: AbstractColumn, told: str, sources: Sequence[str]) -> None:
        self.columns[name] = kind.model_copy(update={"drop": self.columns[name].drop})
        self.reasons[self._place(name)] = told
        self.sources[name] = tuple(sources)

    def _insert(self, before: str, name: str, kind: AbstractColumn, told: str) -> None:
        """Put a further column in front of one."""
        self.columns = dict(_inserted(self.columns, before, name, kind))
        self.reasons[self._place(name)] = told

    def _place(self, name: str) -> str:
        return f"tables.{self.table.name}.columns.{name}"

    def _free(self, name: str) -> str:
        return name if name not in self.columns else self._free(f"{name}_")


def _inserted(
    columns: Mapping[str, AbstractColumn], before: str, name: str, kind: AbstractColumn
) -> Iterator[tuple[str, AbstractColumn]]:
    for each, own in columns.items():
        if each == before:
            yield name, kind
        yield each, own


def _differing(made: pa.ChunkedArray, real: pa.ChunkedArray, room: float) -> int:
    """Rows in which two columns differ: one has no value, or numbers are farther apart."""
    if pa.types.is_dictionary(real.type):
        real = real.cast(real.type.value_type)
    number = pa.types.is_integer(real.type) or pa.types.is_floating(real.type)
    if number or pa.types.is_decimal(real.type):
        plain = made.cast(pa.float64()), real.cast(pa.float64())
        most = pc.add(pc.multiply(pc.abs(plain[1]), 1e-9), room)
        same = pc.less_equal(pc.abs(pc.subtract(*plain)), most)
    else:
        same = pc.equal(made.cast(real.type, safe=False), real)
    gaps = pc.equal(made.is_null(), real.is_null())
    kept = pc.and_(pc.fill_null(same, True), gaps)
    return int(len(real) - (pc.sum(kept).as_py() or 0))

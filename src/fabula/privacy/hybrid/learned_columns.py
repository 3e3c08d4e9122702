"""Columns learned given the kept ones; each row is drawn by a model that never saw it.

Partial synthesis (Reiter 2003), cross-fitted: a model guesses rows that it learned from better than
others, and so a release drawn by one model tells more of its own people than of anyone else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError, column_hint
from fabula.inference.resolve import SpecLike
from fabula.io.arrays import array_of
from fabula.io.tables import named_tables
from fabula.relationships.declared_keys import keys_of
from fabula.relationships.keys import Keys
from fabula.render.amounts import count
from fabula.render.results import ResultOfTables
from fabula.streams import stream
from fabula.synthesizers.conditional import fit_given
from fabula.types import Progress, TableLike

FOLDS = 4
_REDRAWS = 20
"""Attempts to draw rows again that break a rule."""

_FEWEST = 40
"""Rows below which nothing is learned."""

_BESIDE = "\x00"
"""Marks a parent's column in the rows of its children."""


@dataclass(frozen=True)
class Synthesized(ResultOfTables):
    """Tables whose chosen columns were drawn by models.

    Attributes:
        tables: The tables by name: kept columns are real, rows are in their order.
        columns: The learned columns by table.
        broken: Rows that keep no drawn values under the rules, by table.
        notes: What people should know.
    """

    tables: Mapping[str, pa.Table] = field(repr=False)
    columns: Mapping[str, tuple[str, ...]]
    broken: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def report(self) -> str:
        """What was learned, and what to know of it."""
        lines = [
            f"{name}: {count(self.tables[name].num_rows, 'row')}, learned given the kept columns:"
            f" {', '.join(columns)}"
            for name, columns in self.columns.items()
        ]
        lines += [
            f"warning: {count(rows, 'row')} of `{name}` break a rule after {_REDRAWS} draws"
            for name, rows in self.broken.items()
            if rows
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def synthesize(
    data: TableLike,
    columns: Sequence[str],
    *,
    person: str | NDArray[np.int64] | None = None,
    settled: pa.Table | None = None,
    folds: int = FOLDS,
    spec: SpecLike | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Synthesized:
    """Replace columns of real tables by drawn values, given the columns that are kept.

    The rows are cut into folds; each fold is drawn by a model that learned from the others. Rows
    of one person are in one fold. Children are drawn given their parents' columns, too.

    Args:
        data: A table or several related ones, in any form.
        columns: The columns to replace; of several tables as `table.column`.
        person: The column that identifies the person, if rows of one person must stay together;
            of one table also a number for each row.
        settled: Values that some of the columns have already, row by row; models learn from the
            real ones, and the columns after them are drawn given these.
        folds: Into how many parts the rows are cut.
        spec: A spec whose row checks the drawn values keep, together with the kept ones.
        seed: The same data and seed give the same rows.
        progress: Hears of the folds that are done.

    Raises:
        UsageError: A column does not exist, all are to be replaced, or the rows are too few.
        SourceError: The data can't be read.

    Examples:
        >>> import fabula as fb
        >>> people = fb.generate("age int 18..90, plan choice free|pro", n=300, seed=1)
        >>> made = fb.synthesize(people, ["plan"])
        >>> made.table.column("age").equals(people.to_arrow().column("age"))
        True
    """
    tables = named_tables(data)
    wanted = _wanted(tables, columns)
    keys = keys_of(tables)
    _spare_keys(wanted, keys)
    done: dict[str, pa.Table] = {}
    broken, notes = {}, []
    for name in _parents_first(tables, keys):
        table = done[name] = tables[name]
        if name not in wanted:
            continue
        beside = _parents_columns(name, done, keys)
        groups = _groups(name, table, person, keys)
        made, bad, said = _crossed(
            name, table, wanted[name], beside, groups,
            settled=pa.table({}) if settled is None else settled,
            folds=folds, spec=spec, seed=seed, progress=progress,
        )  # fmt: skip
        done[name], broken[name] = made, bad
        notes += said
    ordered = {name: done[name] for name in tables}
    return Synthesized(ordered, wanted, broken, tuple(dict.fromkeys(notes)))


def completed_by(
    rows: pa.Table, people: pa.Table, columns: Sequence[str], *, draws: int = 1, seed: int = 0
) -> pa.Table:
    """Other people's rows with some columns drawn as someone would who knows only the rows.

    Args:
        rows: What is learned from.
        people: Rows of others, whose values of these columns are not looked at.
        columns: The columns to draw.
        draws: How often everybody is drawn; one draw follows the other.
        seed: The same rows and seed give the same values.
    """
    empty = pa.table({})
    model = fit_given(_kept_first(rows, columns, empty), columns, seed=seed)
    asked = _kept_first(people, columns, empty)
    for column in columns:
        place = asked.column_names.index(column)
        gap = pa.nulls(asked.num_rows, rows.schema.field(column).type)
        asked = asked.set_column(place, rows.schema.field(column), gap)
    return pa.concat_tables(model.impute(asked, seed=seed + at) for at in range(draws))


def _spare_keys(wanted: Mapping[str, Sequence[str]], keys: Keys) -> None:
    for name, columns in wanted.items():
        tied = {*keys.primary.get(name, ())}
        tied.update(column for key in keys.foreign if key.child == name for column in key.columns)
        for column in columns:
            if column in tied:
                raise UsageError(
                    f"`{column}` can't be learned: it is a key of `{name}`",
                    code="synthesize.key",
                    where=column,
                    hint="replace keys with `fabula mask`",
                )


def _crossed(
    name: str,
    table: pa.Table,
    columns: Sequence[str],
    beside: pa.Table,
    groups: NDArray[np.int64],
    *,
    settled: pa.Table,
    folds: int,
    spec: SpecLike | None,
    seed: int,
    progress: Progress | None,
) -> tuple[pa.Table, int, list[str]]:
    """The table with drawn columns, how many rows break a rule, and notes."""
    fold = _folds(groups, folds, seed, name)
    wide = _kept_first(table, columns, beside)
    parts, places, notes, broken = [], [], [], 0
    for at in range(folds):
        inside = np.flatnonzero(fold == at)
        if not len(inside):
            continue
        others = wide.take(array_of(np.flatnonzero(fold != at)))
        model = fit_given(others, columns, seed=seed, spec=spec)
        for column in columns:
            if why := model.card().left_out.get(column):
                raise UsageError(
                    f"`{column}` can't be learned: {why}",
                    code="synthesize.column",
                    where=column,
                    hint=f"drop it: `--drop {column}`",
                )
        asked = wide.take(array_of(inside))
        for column in columns:
            place = asked.column_names.index(column)
            gap = pa.nulls(len(inside), asked.schema.field(column).type)
            if column in settled.column_names:
                gap = settled.column(column).take(array_of(inside))
            asked = asked.set_column(place, asked.schema.field(column), gap)
        drawn, bad = _ruled(model, asked, seed=seed + 1009 * at)
        parts.append(drawn.select(list(columns)))
        places.append(inside)
        broken += bad
        notes += [f"{name}: {each}" for each in model.card().notes if _is_about(each, columns)]
        if progress is not None:
            progress(name, int((fold <= at).sum()), table.num_rows)
    order = array_of(np.argsort(np.concatenate(places), kind="stable"))
    made = pa.concat_tables(parts).take(order)
    for column in columns:
        place = table.column_names.index(column)
        table = table.set_column(place, table.schema.field(column), made.column(column))
    return table, broken, notes


def _ruled(model: Any, asked: pa.Table, *, seed: int) -> tuple[pa.Table, int]:  # fmt: skip
    """Rows with their gaps drawn, those that break a rule again; and how many still do."""
    drawn = model.impute(asked, seed=seed)
    for attempt in range(1, _REDRAWS + 1):
        kept = model.keeps_rules(drawn)
        bad = np.flatnonzero(~kept)
        if not len(bad):
            return drawn, 0
        again = model.impute(asked.take(array_of(bad)), seed=seed + attempt)
        picked = np.arange(asked.num_rows)
        picked[bad] = asked.num_rows + np.arange(len(bad))
        drawn = pa.concat_tables([drawn, again]).take(array_of(picked))
    return drawn, int((~model.keeps_rules(drawn)).sum())


def _is_about(note: str, columns: Sequence[str]) -> bool:
    return any(note.startswith(f"{column}:") for column in columns)


def _kept_first(table: pa.Table, columns: Sequence[str], beside: pa.Table) -> pa.Table:
    """Kept columns before learned ones, so that each learned one is drawn given all kept ones."""
    kept = [name for name in table.column_names if name not in columns]
    wide = table.select(kept)
    for name in beside.column_names:
        wide = wide.append_column(name, beside.column(name))
    for name in columns:
        wide = wide.append_column(table.schema.field(name), table.column(name))
    return wide


def _folds(groups: NDArray[np.int64], folds: int, seed: int, name: str) -> NDArray[np.int64]:
    """The fold of each row; rows of a group share one."""
    order = stream(seed, name, "folds", 0).permutation(int(groups.max(initial=0)) + 1)
    return (order % folds)[groups]


def _groups(
    name: str, table: pa.Table, person: str | NDArray[np.int64] | None, keys: Keys
) -> NDArray[np.int64]:
    """A number for the person of each row: by the column, by the reference to a parent, or none."""
    if isinstance(person, np.ndarray):
        return person
    foreign = [key for key in keys.foreign if key.child == name and len(key.columns) == 1]
    column = person.rpartition(".")[2] if person else None
    if column not in table.column_names:
        column = foreign[0].columns[0] if foreign else None
    if column is None:
        return np.arange(table.num_rows)
    encoded = table.column(column).combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    codes = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(), np.int64)
    missing = np.flatnonzero(codes < 0)
    codes[missing] = len(encoded.dictionary) + np.arange(len(missing))
    return codes


def _parents_columns(name: str, done: Mapping[str, pa.Table], keys: Keys) -> pa.Table:
    """What the parents of each row hold, without their keys."""
    child, found = done[name], {}
    for key in keys.foreign:
        if key.child != name or key.parent == name or len(key.columns) > 1:
            continue
        parent = done[key.parent]
        places = pc.index_in(
            child.column(key.columns[0]).combine_chunks(),
            value_set=parent.column(key.key[0]).combine_chunks(),
        )
        identifying = {*keys.primary.get(key.parent, ()), *key.key}
        for column in parent.column_names:
            if column not in identifying:
                found[f"{key.name}{_BESIDE}{column}"] = parent.column(column).take(places)
    return pa.table(found)


def _parents_first(tables: Mapping[str, pa.Table], keys: Keys) -> list[str]:
    """Tables after those that they point at; where they point in a circle, as they are."""
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...] = ()) -> None:
        for key in keys.foreign:
            if key.child == name and key.parent not in (*above, name, *order):
                visit(key.parent, (*above, name))
        if name not in order:
            order.append(name)

    for name in tables:
        visit(name)
    return order


def _wanted(tables: Mapping[str, pa.Table], columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns to learn, by table.

    Raises:
        UsageError: A column does not exist, or nothing is kept.
    """
    found: dict[str, tuple[str, ...]] = {}
    several = len(tables) > 1
    known = [f"{t}.{c}" if several else c for t, rows in tables.items() for c in rows.column_names]
    for wanted in dict.fromkeys(columns):
        places = [
            (name, column)
            for name, table in tables.items()
            for column in table.column_names
            if wanted in (column, f"{name}.{column}")
        ]
        if len(places) != 1:
            raise UsageError(
                f"{len(places)} tables have a column `{wanted}`"
                if places
                else f"there is no column `{wanted}`",
                code="synthesize.unknown-column",
                hint=column_hint(wanted, known),
            )
        ((name, column),) = places
        found[name] = (*found.get(name, ()), column)
    for name, some in found.items():
        table = tables[name]
        if len(some) == table.num_columns:
            raise UsageError(
                f"all columns of `{name}` are to be learned, and none is kept",
                code="synthesize.nothing-kept",
                hint="learn the whole table: `fabula fit`",
            )
        if table.num_rows < _FEWEST:
            raise UsageError(
                f"`{name}` has {count(table.num_rows, 'row')}, and {_FEWEST} are needed to learn",
                code="synthesize.few-rows",
            )
    return found

"""The countries of people in a guessed spec, so that names, towns and phones are of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import load_locale
from fabula.inference.across import sql_name
from fabula.inference.arrays import LABEL_ROWS
from fabula.io.arrays import is_text
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.sql import literal
from fabula.kinds.choice import Choice
from fabula.kinds.person import Person
from fabula.spec import col
from fabula.spec.tables import TableSpec
from fabula.synthesizers.pii.countries import CountryColumn
from fabula.synthesizers.pii.detect import likely_locales

_MOST_PARTS, _PRICE_OF_A_PART = 12, 0.002
"""Entries of a list of locales, in which each country stands as often as its share asks for."""
_FEW_ABROAD, _MOST_ABROAD = 0.02, 0.5
"""Shares of the rows whose countries have no locale, up to which the countries of a spec are those
of its people, and up to which the others say whose names its people have."""
_TOLD_BY = ("name", "last_name", "first_name")
"""Fields that tell a language, the surest first."""
_PLACES: tuple[Literal["city", "state"], ...] = ("city", "state")
_MOST_KNOWN = 0.75
"""Share of the rows whose labels must be known towns."""


def with_locales(rows: pa.Table, table: TableSpec, reasons: dict[str, str]) -> TableSpec:
    """A guessed table whose people are of the countries that the data tells.

    The column of countries says it, or else the names do. Where there are several countries,
    towns and the country itself are attributes of the same people, so that all of them agree.

    Args:
        rows: The real rows.
        table: The guessed table, which has people.
        reasons: Why each column is what it is, by place; changed in place.
    """
    people = {name: kind for name, kind in table.columns.items() if isinstance(kind, Person)}
    column = CountryColumn.of(rows, LABEL_ROWS)
    homes = np.zeros(0, np.int64) if column is None else column.homes(rows, column.locales)
    if column is not None and np.mean(homes < 0) <= _MOST_ABROAD:
        locales = _shared(column.locales, homes)
    else:
        column, locales = None, _by_names(rows, people)
    if not locales or set(locales) == {"en"}:
        return table
    why = "by their names" if column is None else f"as in `{column.name}`"
    told = f"of {', '.join(dict.fromkeys(locales))}, {why}"
    several = len(set(locales)) > 1
    places = _places(rows, table, locales) if several else {}
    columns: dict[str, AbstractColumn] = dict(table.columns)
    for name, kind in {**people, **places}.items():
        place = f"tables.{table.name}.columns.{name}"
        reasons[place] = (
            f"towns of its people, {told}" if name in places else f"{reasons[place]}; {told}"
        )
        columns[name] = kind.model_copy(update={"locale": locales if several else locales[0]})
    if column is not None and several and np.mean(homes < 0) <= _FEW_ABROAD:
        columns |= _country(column, locales, columns)
        place = f"tables.{table.name}.columns.{column.name}"
        reasons[place] = "the country of the row's people"
    return table.model_copy(update={"columns": columns})


def _by_names(rows: pa.Table, people: Mapping[str, Person]) -> tuple[str, ...]:
    """The locales that know the names of a table; none if it has no names."""
    for field in _TOLD_BY:
        for name, kind in people.items():
            if kind.field == field and is_text(rows.column(name).type):
                known = pc.unique(rows.column(name).combine_chunks()).drop_null()
                return likely_locales(field, known) if len(known) >= LABEL_ROWS else ()
    return ()


def _shared(locales: Sequence[str], homes: NDArray[np.int64]) -> tuple[str, ...]:
    """Each locale as often as its share of the rows asks for, once at least."""
    counts = np.array([np.sum(homes == at) for at in range(len(locales))])
    shares = counts / counts.sum()
    tried = [np.maximum(1, np.round(shares * size)) for size in range(1, _MOST_PARTS + 1)]
    errors = [
        np.abs(parts / parts.sum() - shares).max() + _PRICE_OF_A_PART * parts.sum()
        for parts in tried
    ]
    parts = tried[int(np.argmin(errors))].astype(int).tolist()
    return tuple(code for code, part in zip(locales, parts, strict=True) for _ in range(part))


def _country(
    column: CountryColumn, locales: tuple[str, ...], columns: Mapping[str, AbstractColumn]
) -> dict[str, AbstractColumn]:
    """The column of countries as that of the row's person, under the names that the data has."""
    first = {code: labels[0] for code, labels in zip(column.locales, column.labels, strict=True)}
    nulls = columns[column.name].nulls
    for field in ("country", "country_code"):
        if all(getattr(load_locale(code), field) == label for code, label in first.items()):
            return {column.name: col.person(field, locale=locales, nulls=nulls)}
    helper = f"{column.name}_code"
    while helper in columns:
        helper += "_"
    cases = " ".join(
        f"WHEN {literal(load_locale(code).country_code)} THEN {literal(label)}"
        for code, label in first.items()
    )
    return {
        helper: col.person("country_code", locale=locales, drop=True),
        column.name: col.expr(f"CASE {sql_name(helper)} {cases} END", nulls=nulls),
    }


def _places(rows: pa.Table, table: TableSpec, locales: Sequence[str]) -> dict[str, AbstractColumn]:
    """Columns of labels most of which are towns or states of some locales."""
    known = [place for code in set(locales) for place in load_locale(code).places]
    lists = [(field, pa.array({getattr(place, field) for place in known})) for field in _PLACES]
    found: dict[str, AbstractColumn] = {}
    for name, kind in table.columns.items():
        if not isinstance(kind, Choice) or not is_text(rows.column(name).type):
            continue
        values = rows.column(name).cast(pa.string()).drop_null()
        for field, words in lists:
            if pc.mean(pc.is_in(values, value_set=words).cast(pa.int8())).as_py() >= _MOST_KNOWN:
                found[name] = col.person(field, nulls=kind.nulls)
    return found

"""The structure of tables that nobody declared: keys and links, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

from fabula.inference.guesses import words
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.tables import DatasetSpec, TableSpec


def guessed_spec(name: str, tables: Mapping[str, pa.Table]) -> DatasetSpec:
    """A spec in which `id` and `house_id` of `houses` are keys, and `house_id` elsewhere a link."""
    keys = {table: key for table, rows in tables.items() if (key := _key(table, rows))}
    return DatasetSpec(
        name=name, tables={table: _table(table, rows, keys) for table, rows in tables.items()}
    )


def _table(name: str, rows: pa.Table, keys: Mapping[str, str]) -> TableSpec:
    columns: dict[str, AbstractColumn] = {column: col.llm() for column in rows.column_names}
    for column in rows.column_names:
        for parent, key in keys.items():
            if column == keys.get(name):
                continue
            if words(column) in {f"{stem}_id" for stem in _stems(parent)}:
                missing = rows.column(column).null_count / max(1, rows.num_rows)
                columns[column] = col.reference(f"{parent}.{key}", nulls=missing)
    own = keys.get(name)
    primary = () if own is None else (own,)
    return TableSpec(name, n=rows.num_rows, columns=columns, primary_key=primary)


def _key(table: str, rows: pa.Table) -> str | None:
    names = {"id", *(f"{stem}_id" for stem in _stems(table))}
    return next((column for column in rows.column_names if words(column) in names), None)


def _stems(table: str) -> set[str]:
    """The table's name, also in the singular."""
    name = words(table)
    return {
        name,
        re.sub(r"ies$", "y", name),
        re.sub(r"(x|ss|ch)es$", r"\1", name),
        name.removesuffix("s"),
    }

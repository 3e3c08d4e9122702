"""A first spec from what there is: a class, a frame, a file, or several tables.

What comes out is meant to be edited: every guess has a reason, written behind its line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from os import PathLike
from types import MappingProxyType, ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import PrerequisiteError
from fabula.inference.across import keep_rules, sql_name
from fabula.inference.arrays import guess_array, guess_labels
from fabula.inference.correlations import correlated
from fabula.inference.inferred import Inferred
from fabula.inference.numbering import number_rows
from fabula.inference.pydantic_models import guessed_table
from fabula.inference.resolve import class_of
from fabula.inference.sources import may_declare, named_source, row_classes_of
from fabula.inference.written import written_guess
from fabula.io.arrays import is_text, whole_numbers
from fabula.io.notes import notes_of
from fabula.io.tables import named_tables
from fabula.io.written.fields import form_of
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.datetime import Datetime
from fabula.kinds.key import Key
from fabula.kinds.person import Person
from fabula.kinds.reference import Reference
from fabula.kinds.sequence import Sequence as Steps
from fabula.relationships.keys import ForeignKey, Keys, find_keys, key_labels, singular
from fabula.spec import col
from fabula.spec.locations import Source
from fabula.spec.tables import DatasetSpec, TableSpec


def infer(source: Any, *, prompt: str | None = None, profile: bool = False) -> Inferred:
    """Guess a spec.

    Args:
        source: A Pydantic class or dataclass, models of SQLAlchemy, SQLModel or Django,
            `module:Class`, the address of a database, its file, a script of `CREATE TABLE`
            statements, a JSON Schema, an OpenAPI document, or data in any form. Of a database
            the schema is read, and no row.
        prompt: What the rows are about; with a class, see `generate`.
        profile: Ask a database for aggregates: row counts, shares, rounded bounds, and labels that
            ten rows or more share.

    Raises:
        SourceError: The data can't be read.
        SpecError: The class has fields that can't be columns.
        UsageError: A profile is asked of what is not a database.

    Examples:
        >>> infer({"n": [1, 2, 3], "ok": [True, True, False]})
        data: 2 columns (1 key, 1 bernoulli)
    """
    if isinstance(source, str | PathLike):
        source = named_source(str(source))
    if may_declare(source) or profile:
        try:
            from fabula.inference.schemas.reading import infer_schema
        except ImportError as exc:
            raise PrerequisiteError.for_extra("databases", needed_by="reading a schema") from exc
        if (declared := infer_schema(source, profile=profile)) is not None:
            return declared
    if isinstance(source, ModuleType):
        return _from_classes(row_classes_of(source), prompt)
    cls = class_of(source)
    if cls is not None:
        found = _from_classes([cls], prompt)
        return replace(found, spec=found.spec.written_in(Source(row_class=cls)))
    return _from_tables(named_tables(source), prompt or "")


def _from_classes(classes: Iterable[type], prompt: str | None) -> Inferred:
    """The spec of Pydantic classes and dataclasses, a table each."""
    tables: dict[str, TableSpec] = {}
    places: dict[str, str] = {}
    for cls in classes:
        table, reasons = guessed_table(cls, prompt=prompt)
        tables[table.name] = table
        places |= {f"tables.{table.name}.columns.{name}": why for name, why in reasons.items()}
    name = next(iter(tables)) if len(tables) == 1 else "models"
    return Inferred(DatasetSpec(name=name, tables=tables), MappingProxyType(places))


def _from_tables(data: Mapping[str, pa.Table], prompt: str) -> Inferred:
    reasons: dict[str, str] = {}
    tables: dict[str, TableSpec] = {}
    plain: dict[str, dict[str, tuple[str, pa.Array]]] = {}
    for name, rows in data.items():
        plain[name] = {}
        columns: dict[str, AbstractColumn] = {}
        beside = frozenset(rows.column_names)
        for column in rows.column_names:
            place = f"tables.{name}.columns.{column}"
            values = rows.column(column)
            context: dict[str, Any] = {"owner": singular(name), "beside": beside}
            made = guess_array(column, values, **context)
            form = form_of(rows.schema.field(column))
            written = written_guess(column, values, made, form, **context)
            if written is not None:
                helpers = []
                for at, part in enumerate(written.values, 1):
                    number = f"_{at}" * (len(written.values) > 1)
                    helpers.append(_free(f"{column}_value{number}", beside))
                    columns[helpers[-1]] = part.column
                    reasons[f"tables.{name}.columns.{helpers[-1]}"] = part.reason
                made = written.texts_of(helpers)
                if written.plain is not None:
                    plain[name][column] = helpers[0], written.plain
            elif made.column.kind == "llm" and is_text(values.type):
                made = guess_labels(column, values) or made
            columns[column] = made.column
            reasons[place] = made.reason
        table = TableSpec(name, n=rows.num_rows, columns=columns, prompt=prompt)
        tables[name] = _with_locales(rows, table, reasons)
    unwritten = _link(data, plain, tables, reasons)
    for name, rows in data.items():
        tables[name], beyond = correlated(tables[name], rows)
        unwritten += beyond
    title = next(iter(data)) if len(data) == 1 else "dataset"
    notes = [
        f"{name}: {note}" if len(data) > 1 else note
        for name, rows in data.items()
        for note in notes_of(rows)
    ] + unwritten
    spec = DatasetSpec(name=title, tables=tables)
    return Inferred(spec, MappingProxyType(reasons), tuple(notes))


def _with_locales(rows: pa.Table, table: TableSpec, reasons: dict[str, str]) -> TableSpec:
    if not any(isinstance(kind, Person) for kind in table.columns.values()):
        return table
    from fabula.inference.people import with_locales  # lazily: reads the names of all locales

    return with_locales(rows, table, reasons)


def _free(name: str, taken: Collection[str]) -> str:
    """A name that no column has."""
    return name if name not in taken else _free(f"{name}_", taken)


def _link(
    data: Mapping[str, pa.Table],
    plain: Mapping[str, Mapping[str, tuple[str, pa.Array]]],
    tables: dict[str, TableSpec],
    reasons: dict[str, str],
) -> list[str]:
    """Declare the keys and rules of the data, in place; returns what is said about the others.

    Of a key of several columns one is a reference, and the others are copied through it.
    """
    keys = find_keys(data)
    unwritten = []

    def replace(table: str, column: str, kind: AbstractColumn, reason: str) -> None:
        columns = {**tables[table].columns, column: kind}
        tables[table] = tables[table].model_copy(update={"columns": columns})
        reasons[f"tables.{table}.columns.{column}"] = reason

    for name, key in keys.primary.items():
        values = data[name].column(key[0])
        if tables[name].key == key:
            continue
        whole = whole_numbers(values)
        if len(key) == 1 and whole is not None:
            low, high = pc.min(whole).as_py(), pc.max(whole).as_py()
            sparse = high - low >= 2 * len(whole) and high < 2**62  # ids, not plain counters
            replace(name, key[0], col.key(start=high + 1 if sparse else low), "identifies its row")
        else:
            tables[name] = tables[name].model_copy(update={"primary_key": key})
    written: set[tuple[str, str]] = set()
    for link in sorted(keys.foreign, key=lambda link: -len(link.columns)):
        child, parts = link.child, dict(zip(link.columns, link.key, strict=True))
        places = {(child, column) for column in parts}
        if places & written or (len(parts) > 1 and child == link.parent):
            if not _is_implied(link, keys):
                rows = data[child].num_rows - key_labels(data[child], link.columns).null_count
                told = "columns of it are those of another key; `fabula fit` keeps both"
                unwritten.append(
                    f"{link.name} points at {link.target} in {rows:,} rows, which is not written:"
                    f" {told}"
                )
            continue
        others = [key for key in keys.foreign if key.child == child and key != link]
        shared = {column for key in others for column in key.columns}
        column = min(parts, key=lambda column: column in shared)
        kind = col.reference(
            link.parent if len(parts) == 1 else f"{link.parent}.{parts[column]}",
            nulls=tables[child].columns[column].nulls,
            unique=keys.primary.get(child) == (column,),
        )
        replace(child, column, kind, _pointing(link, data))
        for other in [name for name in parts if name != column]:
            sql = f"{sql_name(column)}.{sql_name(parts[other])}"
            replace(child, other, col.expr(sql), f"with `{column}` a key of `{link.parent}`")
        written |= places
    number_rows(data, keys, tables, reasons)
    valued = {name: _valued(rows, plain[name], keys.of(name)) for name, rows in data.items()}
    keep_rules(valued, keys, tables, reasons)
    return [*unwritten, *_keep_row_rules(valued, keys, tables, reasons)]


def _valued(
    rows: pa.Table, plain: Mapping[str, tuple[str, pa.Array]], keys: Collection[str]
) -> pa.Table:
    """A table with the values that texts stand for in their place, under the names of these."""
    for column, (helper, values) in plain.items():
        if column not in keys:
            rows = rows.set_column(rows.column_names.index(column), helper, values)
    return rows


def _keep_row_rules(
    data: Mapping[str, pa.Table], keys: Keys, tables: dict[str, TableSpec], reasons: dict[str, str]
) -> list[str]:
    """Have columns follow from others of their row, in place; says what is not written."""
    try:
        from fabula.inference.row_rules import keep_row_rules  # lazily: takes seconds to import
    except ImportError as exc:
        install = PrerequisiteError.for_extra("learned", needed_by="finding them")
        return [f"rules within a row were not looked for, `{exc.name}` is missing: {install.hint}"]
    unwritten = []
    for name, rows in data.items():
        columns = tables[name].columns
        given = {*keys.of(name), *(each for each, kind in columns.items() if _is_bound(kind))}
        starts = [str(getattr(kind, "start", "")) for kind in columns.values()]
        given |= {each for each in columns if any(sql_name(each) in start for start in starts)}
        tables[name], told = keep_row_rules(rows, tables[name], reasons, given)
        unwritten += told
    return unwritten


def _is_bound(kind: AbstractColumn) -> bool:
    """Whether a column follows from other columns, or from other rows."""
    follows = isinstance(kind, Datetime) and isinstance(kind.start, str)
    return follows or isinstance(kind, Reference | Steps | Key) or kind.kind == "expr"


def _is_implied(link: ForeignKey, keys: Keys) -> bool:
    """Whether a key follows from another one: its column is copied from a row that has the key."""
    wider = [key for key in keys.foreign if key.child == link.child and len(key.columns) > 1]
    return len(link.columns) == 1 and any(
        link.columns[0] in key.columns
        and any(
            (up.child, up.parent, up.columns)
            == (key.parent, link.parent, (key.key[key.columns.index(link.columns[0])],))
            for up in keys.foreign
        )
        for key in wider
    )


def _pointing(link: ForeignKey, data: Mapping[str, pa.Table]) -> str:
    """Why a column is a foreign key, with the values that are none of its parent's keys."""
    known = key_labels(data[link.parent], link.key).combine_chunks()
    values = key_labels(data[link.child], link.columns).drop_null()
    lost = len(values) - (pc.sum(pc.is_in(values, value_set=known)).as_py() or 0)
    if not lost:
        return f"every value is a key of `{link.parent}`"
    return f"{lost:,} of {len(values):,} values are not a key of `{link.parent}`, all others are"

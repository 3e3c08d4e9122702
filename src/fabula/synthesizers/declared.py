"""A spec of a database whose values are learned from its rows, and whose keys are its schema's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from sqlglot import exp

from fabula.errors import SourceError
from fabula.inference.schemas.running import row_check_of
from fabula.inference.schemas.schema import InferredSchema
from fabula.io.read import TableRows
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.learned import Learned
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.synthesizer import Synthesizer
from fabula.types import Progress

MOST_ROWS = 100_000
"""Rows of a table that are learned from; of a larger one, that many are drawn."""


def with_learned(
    drafted: InferredSchema,
    tables: Mapping[str, Callable[[], TableRows]],
    file: Callable[[str], Path],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> InferredSchema:
    """A spec whose values a synthesizer of each table draws, and the files of these synthesizers.

    Keys, references and values that never repeat stay as the schema promises them. So do personal
    details and codes, of which a synthesizer would draw new ones, too, and texts. What the schema
    promises of learned values is checked on each row.

    Args:
        drafted: The spec of the schema.
        tables: What reads the rows of each table.
        file: Where the synthesizer of a table is written.
        seed: The seed of the fits.
        progress: Called with the table, rows learned and rows in all.

    Raises:
        SourceError: The rows can't be read.
        SinkError: A file can't be written.
    """
    specs, reasons = dict(drafted.spec.tables), dict(drafted.reasons)
    notes, told = list(drafted.notes), list(drafted.told)
    for name, table in drafted.spec.tables.items():
        wanted = [column for column in table.columns if _may_learn(table, column)]
        if name not in tables:
            continue  # the address names other tables
        rows = _some(tables[name](), wanted)
        watch = progress and partial(_named, progress, name)
        try:
            model = fit(rows, seed=seed, holdout=0.0, progress=watch) if wanted else None
        except SourceError as error:
            notes.append(f"{name} is not learned: {error.message}")
            continue
        assert model is None or isinstance(model, Synthesizer)
        learned = [c for c in model.schema.names if c not in model.replaced] if model else []
        if model is None or not learned:
            notes.append(f"{name} is not learned: no column of it has values to learn")
            continue
        model.save(file(name))
        specs[name] = _learned(table, drafted, learned, str(file(name)))
        for column in learned:
            reasons[f"tables.{name}.columns.{column}"] = f"learned from {rows.num_rows:,} rows"
        told.append((name, f"learned: {', '.join(learned)}", f"`{file(name)}`"))
    return replace(
        drafted,
        spec=DatasetSpec(name=drafted.spec.name, tables=specs),
        reasons=MappingProxyType(reasons),
        notes=tuple(notes),
        told=tuple(told),
        read="rows were read, to learn from",
    )


def _named(progress: Progress, table: str, _what: str, done: int, rows: int) -> None:
    progress(table, done, rows)


def _may_learn(table: TableSpec, name: str) -> bool:
    column = table.columns[name]
    single = {*table.primary_key, *(each for group in table.unique for each in group)}
    kept = column.unique or column.drop or column.kind in ("key", "reference", "expr", "sequence")
    return not kept and name not in single


def _some(rows: TableRows, columns: list[str]) -> pa.Table:
    """The columns of a table; of a large one, a part of its rows that looks like all of them."""
    count = rows.num_rows if isinstance(rows, pa.Table) else rows.count_rows()
    if count <= MOST_ROWS:
        taken = rows if isinstance(rows, pa.Table) else rows.to_table(columns=columns)
        return taken.select(columns)
    places = np.sort(np.random.default_rng(0).choice(count, MOST_ROWS, replace=False))
    if isinstance(rows, pa.Table):
        return rows.select(columns).take(pa.array(places))
    return rows.take(places, columns=columns)


def _learned(table: TableSpec, drafted: InferredSchema, names: list[str], file: str) -> TableSpec:
    """A table some of whose columns are learned, with a check for each rule about them."""
    columns = {
        name: Learned(file=file, description=column.description) if name in names else column
        for name, column in table.columns.items()
    }
    declared = drafted.schema.tables[table.name]
    known = {getattr(check, "sql", "") for check in table.checks}
    folded = {name.lower() for name in names}
    checks = [
        RowCheck(sql=sql, repair="resample")
        for rule in declared.checks
        if folded & {node.name.lower() for node in rule.find_all(exp.Column)}
        and (sql := row_check_of(rule, declared)) is not None
        and sql not in known
    ]
    return table.model_copy(update={"columns": columns, "checks": (*table.checks, *checks)})

"""Learned columns settled: a table's file spread over columns, each column found in its file."""

from __future__ import annotations

import pyarrow as pa

from fabula.errors import SourceError, Violation, did_you_mean
from fabula.io.arrays import is_text
from fabula.io.fitted import FittedFile, fitted_file
from fabula.kinds.learned import Learned
from fabula.spec.tables import DatasetSpec, TableSpec


def with_learned(spec: DatasetSpec, problems: list[Violation]) -> DatasetSpec:
    """The spec with every learned column named and its file's hash filled in.

    Files and columns that are not there are added to `problems`.
    """
    tables = {name: _settled(table, problems) for name, table in spec.tables.items()}
    return spec.model_copy(update={"tables": tables})


def learned_type(column: Learned, name: str) -> pa.DataType | None:
    """The type of a learned column as all engines know it; None if the file lacks it."""
    try:
        schema = fitted_file(column.file).schema
        return _plain(schema.field(column.column or name).type)
    except (SourceError, KeyError):  # noted by `with_learned`
        return None


def _settled(table: TableSpec, problems: list[Violation]) -> TableSpec:
    columns = dict(table.columns)
    if table.learned is not None:
        file = _look(table.learned.file, f"tables.{table.name}.learned", problems)
        for name in file.schema.names if file else ():
            columns.setdefault(name, Learned(file=table.learned.file, given=table.learned.given))
    for name, column in columns.items():
        if isinstance(column, Learned):
            where = f"tables.{table.name}.columns.{name}"
            columns[name] = _found(column, name, where, problems)
    return table.model_copy(update={"columns": columns})


def _found(column: Learned, name: str, where: str, problems: list[Violation]) -> Learned:
    """The column with its file's hash; what is wrong is noted."""
    file = _look(column.file, f"{where}.file", problems)
    if file is None:
        return column
    known, wanted = file.schema.names, column.column or name
    for asked, place in [(wanted, "column"), *((given, "given") for given in column.given or ())]:
        if asked not in known:
            message = f"`{column.file}` has no column `{asked}`"
            hint = did_you_mean(asked, known) or f"columns: {', '.join(known[:20])}"
            problems.append(Violation("spec.unknown-column", message, f"{where}.{place}", hint))
    if column.sha256 not in (None, file.sha256):
        message = f"`{column.file}` is not the file whose hash is given"
        problems.append(Violation("spec.other-file", message, f"{where}.sha256"))
    return column.model_copy(update={"sha256": file.sha256})


def _look(path: str, where: str, problems: list[Violation]) -> FittedFile | None:
    try:
        return fitted_file(path)
    except SourceError as error:
        problem = Violation("spec.no-file", error.message, where, error.hint)
        if problem not in problems:
            problems.append(problem)
        return None


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type of a frame library as one that expressions and files know."""
    if isinstance(kind, pa.DictionaryType):
        value = _plain(kind.value_type)
        return pa.dictionary(pa.int32(), value) if is_text(value) else value
    if is_text(kind):
        return pa.string()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return pa.timestamp("us")
    return kind

"""`describe` and `extract` from file to file: every item and every text keeps its row.

A table keeps its columns and gains `text`; items of another form are written as `fields`. What
failed stays in its row with `error`, so that rows asked are rows written; the same command may
then replace the file, and asks only for what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from fabula.describing.describe import Described, describe
from fabula.describing.extract import ExtractOptions, extract
from fabula.describing.extract_schema import SchemaLike
from fabula.describing.writing import DescribeOptions
from fabula.errors import PartialRunError, SinkError, SourceError
from fabula.io.examples import plain_value
from fabula.io.formats import ending_like, format_of
from fabula.io.partial_files import is_unfinished, mark_finished, mark_unfinished
from fabula.io.places import check_free, make_folder, replacing
from fabula.io.tables import as_table
from fabula.io.write import write_table

_ADDED = ("text", "variant", "unsupported", "round_trip", "error")


def describe_file(
    source: Path, output: Path, *, overwrite: bool = False, **wanted: Unpack[DescribeOptions]
) -> list[Described]:
    """Describe the items of a file, and write them with their texts to another.

    Raises:
        SinkError: The file is there already, or can't be written.
        PartialRunError: Texts are missing; every record is in the file.
    """
    _check_output(output, overwrite=overwrite)
    try:
        records = describe(source, **wanted)
    except PartialRunError as error:
        write_rows(output, described_rows(error.rows))
        mark_unfinished(output)
        raise
    write_rows(output, described_rows(records))
    mark_finished(output)
    return records


def extract_file(
    source: Path,
    schema: SchemaLike,
    output: Path,
    *,
    overwrite: bool = False,
    **wanted: Unpack[ExtractOptions],
) -> list[Any]:
    """Extract objects from the texts of a file, and write one row an object.

    `row` says which text an object is from, counted from 0; a text that gave nothing valid has a
    row with `error`.

    Raises:
        SinkError: The file is there already, or can't be written.
        PartialRunError: Texts gave nothing valid; all others are in the file.
    """
    _check_output(output, overwrite=overwrite)
    try:
        made = extract(source, schema, **wanted)
    except PartialRunError as error:
        reasons = {reject.row: reject.reason for reject in error.rejects}
        write_rows(output, extracted_rows(error.rows, reasons, error.message))
        mark_unfinished(output)
        raise
    write_rows(output, extracted_rows(made, {}, ""))
    mark_finished(output)
    return made


def described_rows(records: Sequence[Described]) -> list[dict[str, Any]]:
    """Records as rows of a file: a table's columns, or `fields` where items have none."""
    names = {str(name) for each in records for name in _columns(each)}
    flat = all(isinstance(each["fields"], Mapping) for each in records)
    flat = flat and names.isdisjoint(_ADDED)
    added = [name for name in _ADDED if any(name in each for each in records)]
    rows = []
    for each in records:
        told: Mapping[str, Any] = each
        fields = dict(each["fields"]) if flat else {"fields": each["fields"]}
        wishes = {} if flat and not each["preferences"] else {"preferences": each["preferences"]}
        rows.append({**fields, **wishes, **{name: told.get(name) for name in added}})
    return rows


def extracted_rows(
    made: Sequence[Any], reasons: Mapping[int, str], otherwise: str
) -> list[dict[str, Any]]:
    """Objects as rows of a file; every text has at least one."""
    rows: list[dict[str, Any]] = []
    for place, found in enumerate(made):
        listed = found if isinstance(found, list) else [found]
        if found is None:
            rows.append({"row": place, "error": reasons.get(place, otherwise)})
        for each in listed if found is not None else ():
            rows.append({"row": place, **plain_value(each), "error": None})
    names = dict.fromkeys(name for row in rows for name in row if name != "error")
    return [{name: row.get(name) for name in (*names, "error")} for row in rows]


def beside(source: Path, word: str) -> Path:
    """Where a result goes by default: `films-described.csv` for `films.csv`."""
    ending = ending_like(source, otherwise=".jsonl")
    return Path(f"{source.stem}-{word}{ending}")


def write_rows(output: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows; JSON Lines take values of any form, tables one type a column."""
    make_folder(output.parent)
    if format_of(output) == "jsonl":
        lines = (json.dumps(plain_value(row), ensure_ascii=False) + "\n" for row in rows)
        with replacing(output) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")
        return
    try:
        table = as_table(rows, name="rows") if rows else pa.table({"text": pa.array([], "string")})
    except SourceError as error:
        raise SinkError(
            f"`{output}` takes one type a column: {error.message}",
            code="sink.mixed-types",
            where=str(output),
            hint="write JSON Lines, `-o NAME.jsonl`; answered requests are not sent again",
        ) from error
    for position, field in enumerate(table.schema):
        if pa.types.is_null(field.type):  # nothing in it: text, as far as a file has types
            empty = table.column(position).cast(pa.string())
            table = table.set_column(position, field.name, empty)
    write_table(output, table, table.schema, format_of(output))


def _check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse, before anything is asked, a file that can't be written or is of no format."""
    format_of(output)
    check_free(output, overwrite=overwrite or is_unfinished(output))


def _columns(record: Described) -> Sequence[Any]:
    fields = record["fields"]
    return list(fields) if isinstance(fields, Mapping) else []

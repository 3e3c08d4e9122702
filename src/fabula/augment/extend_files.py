"""`extend` from file to file: the old rows of a text file keep every byte.

Where the new file has the format of the old one and it is CSV or JSON Lines, the old bytes are
copied and the new rows are written after them; any other pair of formats is written again.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from fabula.augment.extend import ExtendOptions, extend
from fabula.errors import PartialRunError
from fabula.io.examples import plain_value
from fabula.io.formats import ENDINGS, Format, ending_like, format_of
from fabula.io.formula_cells import FormulaGuard
from fabula.io.formulas import is_asked, tell
from fabula.io.partial_files import is_unfinished, mark_finished, mark_unfinished
from fabula.io.places import check_free, make_folder, replacing
from fabula.io.tables import as_table
from fabula.io.write import write_table

_SEPARATORS = (",", ";", "\t", "|")
_COPIED = ("csv", "jsonl")


def extend_file(
    source: Path,
    n: int,
    output: Path,
    *,
    overwrite: bool = False,
    **wanted: Unpack[ExtendOptions],
) -> pa.Table:
    """Append rows to the table in a file, and write the longer one to another (or the same).

    Raises:
        SinkError: The file is there already, or can't be written.
        PartialRunError: Rows are missing; those that came are in the file.
    """
    check_free(output, overwrite=overwrite or is_unfinished(output))
    file_format = format_of(output)
    table = as_table(source)
    try:
        longer = extend(table, n, **wanted)
    except PartialRunError as error:
        _write(source, output, file_format, table, error.rows)
        if not (output.exists() and source.exists() and output.samefile(source)):
            mark_unfinished(output)
        raise
    _write(source, output, file_format, table, longer)
    mark_finished(output)
    return longer


def longer_name(source: Path) -> Path:
    """Where the longer table goes by default: `tvs-extended.csv` for `tvs.csv`."""
    ending = ending_like(source, otherwise=".csv")
    return Path(f"{source.stem}-extended{ending}")


def _write(
    source: Path, output: Path, file_format: Format, table: pa.Table, longer: pa.Table
) -> None:
    make_folder(output.parent)
    old = source.read_bytes() if source.is_file() else b""
    alike = file_format in _COPIED and ENDINGS.get(source.suffix.lower()) == file_format
    if not alike or not old or old[:2] in (b"\xff\xfe", b"\xfe\xff"):
        write_table(output, longer, longer.schema, file_format)
        return
    new = longer.slice(table.num_rows)
    if file_format == "csv":
        guard = FormulaGuard(is_asked(None))
        new = guard.rows(new)
        tell(output.name, guard.found, escaped=is_asked(None))
    line_end = "\r\n" if old.partition(b"\n")[0].endswith(b"\r") else "\n"
    lines = _csv_lines(new, old, line_end) if file_format == "csv" else _json_lines(new)
    joint = b"" if old.endswith(b"\n") or not new.num_rows else line_end.encode()
    with replacing(output) as temporary:
        temporary.write_bytes(old + joint + lines.encode())


def _csv_lines(new: pa.Table, old: bytes, line_end: str) -> str:
    """The new rows with the separator of the old ones."""
    header = old.decode("utf-8-sig").lstrip("\r\n").splitlines()[0]
    outside = "".join(header.split('"')[::2])
    separator = max(_SEPARATORS, key=outside.count)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end)
    rows = new.to_pylist()
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _json_lines(new: pa.Table) -> str:
    rows = (json.dumps(plain_value(row), ensure_ascii=False) for row in new.to_pylist())
    return "".join(f"{row}\n" for row in rows)

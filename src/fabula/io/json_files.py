"""JSON and JSON Lines of any origin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError
from fabula.io.depth import check_depth

_BLOCK_BYTES = 16 << 20
_SHOWN = 80


def read_json_lines(path: Path) -> pa.Table:
    """A file of one JSON object a line, gzipped or not.

    Raises:
        SourceError: A line is no JSON object, or a name has values of several types.
    """
    from pyarrow import json as arrow_json

    check_depth(path, by_line=True)
    options = arrow_json.ReadOptions(block_size=_BLOCK_BYTES)
    try:
        return arrow_json.read_json(path, read_options=options)
    except pa.ArrowException as exc:
        with pa.input_stream(str(path), compression="detect") as stream:
            lines = stream.read().split(b"\n")
        for number, line in enumerate(lines, start=1):
            _check_line(path, number, line)
        raise SourceError(
            f"`{path}` can't be read: {str(exc).splitlines()[0]}",
            code="source.unreadable",
            file=str(path),
            hint="give each name values of one type",
        ) from exc


def read_json(path: Path) -> pa.Table:
    """A JSON file that holds a list of objects, an object of lists, or one object.

    Raises:
        SourceError: The file is no JSON, or holds no rows.
    """
    check_depth(path, by_line=False)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        line = getattr(exc, "lineno", None)
        if line is not None and line > 1:
            return read_json_lines(path)
        raise SourceError(
            f"`{path}` is no JSON: {exc}", code="source.unreadable", file=str(path), line=line
        ) from exc
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return pa.table(columns_of(content))
    if isinstance(content, dict) and all(isinstance(item, list) for item in content.values()):
        return pa.table(content)
    if isinstance(content, dict):
        return pa.table(columns_of([content]))
    raise SourceError(
        f"`{path}` holds no rows",
        code="source.unreadable",
        file=str(path),
        hint="give a list of objects: `[{...}, {...}]`",
    )


def json_rows(path: Path, *, by_line: bool) -> list[dict[str, Any]] | None:
    """The objects of a JSON file, gzipped or not, with each value as it stands there.

    Args:
        path: The file.
        by_line: Whether each line is an object.

    Returns:
        The objects; None where the file holds columns.

    Raises:
        SourceError: A line is no JSON object.
    """
    check_depth(path, by_line=by_line)
    with pa.input_stream(str(path), compression="detect") as stream:
        content = stream.read().removeprefix(b"\xef\xbb\xbf")
    if not by_line:
        try:
            whole = json.loads(content)
        except ValueError:
            return None
        rows = whole if isinstance(whole, list) else None
        return rows if rows and all(isinstance(row, dict) for row in rows) else None
    rows = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            _check_line(path, number, line)
            rows.append(json.loads(line))
    return rows


def columns_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns; a name that only some rows have is null in the others."""
    rows = list(rows)
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _check_line(path: Path, number: int, line: bytes) -> None:
    """Make sure that a line is one JSON object.

    Raises:
        SourceError: It is something else.
    """
    if not line.strip():
        return
    try:
        problem = "" if isinstance(json.loads(line), dict) else "it is no object"
    except UnicodeDecodeError as exc:
        problem = f"it is not UTF-8: {exc.reason}"
    except (ValueError, RecursionError) as exc:
        problem = str(exc)
    if problem:
        text = line[:_SHOWN].decode(errors="replace")
        raise SourceError(
            f"line {number} of `{path}` is no JSON: {problem}: `{text}`",
            code="source.bad-row",
            file=str(path),
            line=number,
        )

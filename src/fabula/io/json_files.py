"""JSON and JSON Lines of any origin."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from fabula.errors import SourceError
from fabula.io.depth import check_depth
from fabula.io.notes import told_rows, with_notes
from fabula.io.pieces import Fields, in_common, is_large, text_pieces

_BLOCK_BYTES = 16 << 20
_SHOWN = 80
_PLAIN = {"str", "int", "float", "bool"}
_WORDS = {
    "str": "text", "int": "a number", "float": "a number", "bool": "true or false",
    "list": "a list", "dict": "an object",
}  # fmt: skip
"""Types of JSON values by those of Python."""


def read_json_lines(path: Path) -> pa.Table:
    """A file of one JSON object per line, gzipped or not.

    Raises:
        SourceError: A line is not a JSON object, or a name has values of several types.
    """
    from pyarrow import json as arrow_json

    check_depth(path, by_line=True)
    options = arrow_json.ReadOptions(block_size=_BLOCK_BYTES)

    def read(given: Fields) -> Iterator[pa.Table]:
        known = arrow_json.ParseOptions(explicit_schema=pa.schema(given.values()))
        with pa.input_stream(str(path), compression="detect") as stream:
            for lines in text_pieces(stream, lambda text: text.rfind(b"\n") + 1):
                yield arrow_json.read_json(pa.BufferReader(lines), options, known)

    try:
        large = is_large(path)
        table = in_common(read, _common) if large else arrow_json.read_json(path, options)
    except pa.ArrowException:  # a type that differs, or a line that is none
        table = None
    if table is not None and not any(map(_may_be_rounded, table.columns)):
        return table
    return _table(path, columns_of(json_rows(path, by_line=True) or []))


def _common(one: pa.Field, other: pa.Field) -> pa.Field:
    """The field of values of two pieces.

    Raises:
        ArrowException: They have no type in common.
    """
    both = [pa.schema([one]), pa.schema([other])]
    return pa.unify_schemas(both, promote_options="permissive").field(0)


def read_json(path: Path) -> pa.Table:
    """A JSON file that holds a list of objects, an object of lists, or one object.

    Raises:
        SourceError: The file is not JSON, or holds no rows.
    """
    check_depth(path, by_line=False)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        line = getattr(exc, "lineno", None)
        if line is not None and line > 1:
            return read_json_lines(path)
        raise SourceError(
            f"`{path}` is not JSON: {exc}", code="source.unreadable", file=str(path), line=line
        ) from exc
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return _table(path, columns_of(content))
    if isinstance(content, dict) and all(isinstance(item, list) for item in content.values()):
        return _table(path, content)
    if isinstance(content, dict):
        return _table(path, columns_of([content]))
    raise SourceError(
        f"`{path}` holds no rows",
        code="source.unreadable",
        file=str(path),
        hint="give a list of objects: `[{...}, {...}]`",
    )


def _may_be_rounded(values: pa.ChunkedArray) -> bool:
    """Whether floats may have been whole numbers of more than 64 bits with a sign in the file."""
    if pa.types.is_struct(values.type):
        return any(map(_may_be_rounded, values.flatten()))
    if pa.types.is_list(values.type):
        return _may_be_rounded(pc.list_flatten(values))
    return pa.types.is_floating(values.type) and bool(
        pc.any(pc.greater_equal(pc.abs(values), 2.0**63)).as_py()
    )


def _table(path: Path, columns: Mapping[str, list[Any]]) -> pa.Table:
    """Columns as a table; one that holds text and numbers is text, which is said.

    Raises:
        SourceError: Values of a column have no type in common; the first odd one is named.
    """
    arrays, notes = {}, []
    for name, values in columns.items():
        try:
            arrays[name] = _exact(values)
        except (TypeError, ValueError, OverflowError, pa.ArrowException) as exc:
            kinds = Counter(type(value).__name__ for value in values if value is not None)
            usual = kinds.most_common(1)[0][0]
            odd = [at for at, value in enumerate(values)
                   if value is not None and type(value).__name__ != usual]  # fmt: skip
            if not set(kinds) <= _PLAIN or not (odd or usual == "int"):
                raise _mixed(path, name, values, odd) from exc
            arrays[name] = pa.array([_text(value) for value in values], pa.string())
            if not odd:
                notes.append(f"`{name}` holds whole numbers of more than 64 bits, read as text")
                continue
            others = " and ".join(_WORDS[kind] for kind in kinds if kind != usual)
            notes.append(
                f"`{name}` holds {_WORDS[usual]}, but {others} in {told_rows(odd)}; all are read"
                " as text"
            )
    try:
        return with_notes(pa.table(arrays), notes)
    except pa.ArrowException as exc:
        raise SourceError(
            f"`{path}` can't be read: {exc}", code="source.ragged", file=str(path)
        ) from exc


def _exact(values: list[Any]) -> pa.Array:
    """Values as an array; whole numbers above those of 64 bits with a sign are unsigned."""
    try:
        return pa.array(values)
    except OverflowError:
        return pa.array(values, pa.uint64())


def _mixed(path: Path, name: str, values: list[Any], odd: list[int]) -> SourceError:
    row = odd[0] if odd else 0
    return SourceError(
        f"`{name}` of record {row + 1} in `{path}` is {_WORDS.get(type(values[row]).__name__)},"
        " other records have another type",
        code="source.unreadable",
        file=str(path),
        hint="give each name values of one type",
    )


def _text(value: Any) -> str | None:
    """A plain value as JSON writes it, a text as it is."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


class _Float(float):
    """A number that is printed as it is in its file: `1.50`."""

    __slots__ = ("_written",)
    _written: str

    def __new__(cls, written: str) -> _Float:
        number = super().__new__(cls, written)
        number._written = written
        return number

    @override
    def __str__(self) -> str:
        return self._written


def json_text(value: Any) -> str:
    """A value as JSON, in which the numbers of a file are written as they are there."""
    if isinstance(value, Mapping):
        members = (f"{json_text(str(name))}: {json_text(item)}" for name, item in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(json_text, value))}]"
    return str(value) if isinstance(value, _Float) else json.dumps(value, ensure_ascii=False)


def json_rows(path: Path, *, by_line: bool) -> list[dict[str, Any]] | None:
    """The objects of a JSON file with each value as it is there; None if it holds columns.

    Raises:
        SourceError: A line is not a JSON object.
    """
    check_depth(path, by_line=by_line)
    with pa.input_stream(str(path), compression="detect") as stream:
        content = stream.read().removeprefix(b"\xef\xbb\xbf")
    if not by_line:
        try:
            whole = json.loads(content, parse_float=_Float)
        except ValueError:
            return None
        rows = whole if isinstance(whole, list) else None
        return rows if rows and all(isinstance(row, dict) for row in rows) else None
    rows = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line, parse_float=_Float)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                _check_line(path, number, line)
            rows.append(row)
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
        problem = "" if isinstance(json.loads(line), dict) else "it is not an object"
    except UnicodeDecodeError as exc:
        problem = f"it is not UTF-8: {exc.reason}"
    except (ValueError, RecursionError) as exc:
        problem = str(exc)
    if problem:
        text = line[:_SHOWN].decode(errors="replace")
        raise SourceError(
            f"line {number} of `{path}` is not JSON: {problem}: `{text}`",
            code="source.bad-row",
            file=str(path),
            line=number,
        )

"""A digest of the rows of a table, by which the same rows are known again in another file.

Equal rows give equal digests whatever their order, the order of the columns, and the form: 1, 1.0
and "1" count as one value, and so do a date and its text, so that CSV and Parquet files agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from fabula.io.sql import locked_connection
from fabula.relationships.common_types import NUMBER, kind_of, plain
from fabula.streams import mix, name_key

_TAGS = {kind: np.uint64(name_key(f"digest of {kind}")) for kind in ("number", "moment", "text")}
_MISSING = (*pa.csv.ConvertOptions().null_values, "-", "\\N", "None")
_FLAGS = {"true": 1.0, "false": 0.0}
_MOMENT = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?"
_TIME = r"\d\d:\d\d(:\d\d(\.\d+)?)?"
_READ = f"""
    SELECT md5_number_lower(text) AS hash,
           CASE WHEN regexp_full_match(text, '{NUMBER}') THEN try_cast(text AS DOUBLE)
                END AS number,
           CASE WHEN regexp_full_match(text, '{_MOMENT}')
                THEN epoch_us(try_cast(rtrim(text, 'Z') AS TIMESTAMP))
                WHEN regexp_full_match(text, '{_TIME}')
                THEN epoch_us(try_cast(text AS TIME)) END AS moment
    FROM labels
"""


@dataclass(frozen=True)
class Digest:
    """The rows of a table in one number, which none of them can be read from.

    Attributes:
        rows: How many there are.
        columns: The columns that are counted; lists and structures are not.
        total: The sum of the rows' 64-bit hashes.
    """

    rows: int
    columns: tuple[str, ...]
    total: int

    def __add__(self, other: Digest) -> Digest:
        """The digest of both tables' rows."""
        return Digest(self.rows + other.rows, self.columns, (self.total + other.total) % 2**64)

    def to_dict(self) -> dict[str, object]:
        """The digest as JSON-ready values."""
        return {"rows": self.rows, "columns": list(self.columns), "total": f"{self.total:016x}"}

    @classmethod
    def from_dict(cls, told: dict[str, object]) -> Digest:
        """The digest that `to_dict` gave.

        Raises:
            ValueError: It is none.
        """
        rows, columns, total = told["rows"], told["columns"], told["total"]
        if not (isinstance(rows, int) and isinstance(columns, list) and isinstance(total, str)):
            raise ValueError("a digest is malformed")
        return cls(rows, tuple(map(str, columns)), int(total, 16))


def digest(table: pa.Table, columns: Sequence[str] | None = None) -> Digest:
    """The digest of a table.

    Args:
        table: The rows.
        columns: The columns to count; by default all but lists and structures.

    Examples:
        >>> first = pa.table({"a": [1, 2], "b": ["x", None]})
        >>> digest(first) == digest(pa.table({"a": ["2.0", "1"], "b": ["", "x"]}))
        True
    """
    return digests(table, {"": slice(None)}, columns)[""]


def digests(
    table: pa.Table,
    parts: Mapping[str, slice | NDArray[np.int64]],
    columns: Sequence[str] | None = None,
) -> dict[str, Digest]:
    """The digests of parts of a table, each of which is some of its rows."""
    if columns is None:
        columns = [f.name for f in table.schema if kind_of(plain_type(f.type)) != "other"]
    values = {name: plain(table.column(name)) for name in columns}
    texts = {
        name: column.cast(pa.large_string()).combine_chunks().dictionary_encode()
        for name, column in values.items()
        if kind_of(column.type) == "text"
    }
    read = _of_labels([text.dictionary for text in texts.values()])
    hashes = np.zeros(table.num_rows, dtype=np.uint64)
    for name, column in values.items():
        if name in texts:
            labels, read = np.split(read, [len(texts[name].dictionary)])
            found = np.append(labels, np.uint64(0))[
                texts[name].indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
            ]
        else:
            found = _values(column)
        hashes += mix(found + np.uint64(name_key(name)))
    hashes = mix(hashes)
    return {
        part: Digest(len(hashes[rows]), tuple(columns), int(hashes[rows].sum(dtype=np.uint64)))
        for part, rows in parts.items()
    }


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column's values, without dictionaries and views."""
    return plain(pa.chunked_array([], kind)).type


def _values(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """A hash of each value that is not text; 0 where it is missing."""
    kind = kind_of(column.type)
    if kind in ("flag", "number"):
        if not pa.types.is_integer(column.type) and column.type not in (pa.float64(), pa.bool_()):
            column = column.cast(pa.string())  # a 32-bit 0.1 is 0.1 and not 0.10000000149
        numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return _of_numbers(numbers.astype(np.float64))
    if kind == "moment":
        if not pa.types.is_duration(column.type):
            is_time = pa.types.is_time(column.type)
            column = column.cast(pa.time64("us") if is_time else pa.timestamp("us"), safe=False)
        return _of_moments(column.cast(pa.int64()))
    return np.zeros(len(column), dtype=np.uint64)


def _of_numbers(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    bits = (numbers + 0.0).view(np.uint64)
    return np.where(np.isnan(numbers), np.uint64(0), mix(bits + _TAGS["number"]))


def _of_moments(ticks: pa.ChunkedArray | pa.Array) -> NDArray[np.uint64]:
    known = np.asarray(ticks.is_valid())
    bits = ticks.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    return np.where(known, mix(bits + _TAGS["moment"]), np.uint64(0))


def _of_labels(labels: Sequence[pa.Array]) -> NDArray[np.uint64]:
    """A hash of each label of all columns, as the number or time it stands for, else as text."""
    text = pc.utf8_trim_whitespace(pa.chunked_array(labels, pa.large_string()).combine_chunks())
    if not len(text):
        return np.zeros(0, np.uint64)
    missing = np.asarray(pc.is_in(text, value_set=pa.array(_MISSING, text.type)))
    with locked_connection() as connection:
        connection.register("labels", pa.table({"text": text}))
        read = connection.sql(_READ).to_arrow_table()
    lower = pc.utf8_lower(text)
    flags = pc.take(
        pa.array(list(_FLAGS.values())),
        pc.index_in(lower, value_set=pa.array(list(_FLAGS), lower.type)),
    )
    numbers = pc.coalesce(read["number"].combine_chunks(), flags)
    hashes = mix(read["hash"].to_numpy().astype(np.uint64) + _TAGS["text"])
    for found, made in (
        (read["moment"], _of_moments(read["moment"])),
        (numbers, _of_numbers(numbers.to_numpy(zero_copy_only=False).astype(np.float64))),
    ):
        hashes = np.where(np.asarray(found.is_valid()), made, hashes)
    return np.where(missing, np.uint64(0), hashes)

"""Types that several modules and callers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

Path: TypeAlias = str | PathLike[str]
Size: TypeAlias = int | Mapping[str, int] | None
"""Rows: one number for the only table, or one per table by name."""


class ArrowStream(Protocol):
    """Anything that speaks the Arrow C stream interface: pyarrow, polars, pandas, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class ArrowFrame(ArrowStream, Protocol):
    """A frame of any library: an Arrow stream that has columns."""

    @property
    def columns(self) -> object: ...


Frame = TypeVar("Frame", bound=ArrowFrame)

TableLike: TypeAlias = ArrowStream | Mapping[str, Any] | Sequence[Any] | Path
"""Tables in any form, read by `fabula.io.tables`.

One table: a pandas, polars, Arrow or DuckDB frame, a mapping of columns to values, or a list of
rows (mappings, dataclasses, named tuples, Pydantic objects). Several: a `Dataset`, or a mapping of
names to tables. Either: a file, a folder of files, a run's folder. Several tables of which there is
only one count as one.
"""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a table's name, rows done and rows asked."""

ProgressLike: TypeAlias = Progress | Literal[False] | None
"""None for the default: below the cell in a notebook, and else nowhere. False for nowhere."""

"""Types that several modules and callers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, Protocol, TypeAlias

Path: TypeAlias = str | PathLike[str]
SeedLike: TypeAlias = int
Size: TypeAlias = int | Mapping[str, int] | None
"""Rows: one number for the only table, or one per table by name."""


class ArrowStream(Protocol):
    """Anything that speaks the Arrow C stream interface: pyarrow, polars, pandas, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


TableLike: TypeAlias = ArrowStream | Mapping[str, Any] | Path
"""A frame, a mapping of column to values, or a path to a file."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a table's name, rows done and rows asked."""

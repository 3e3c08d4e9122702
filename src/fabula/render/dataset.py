"""How a dataset shows itself in a notebook: a few rows, and one tiny distribution a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup
from numpy.typing import NDArray

from fabula.io.arrays import plain_type
from fabula.render import charts
from fabula.render.pages import fragment
from fabula.render.values import digits_of

_ROWS, _TABLES, _CELL = 20, 10, 80
_SAMPLE = 10_000
_BINS = 16


class Tables(Protocol):
    """What a dataset shows of itself."""

    @property
    def rejected(self) -> Sequence[object]:
        """The rows that were lost."""

    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int: ...

    def head(self, n: int, table: str) -> pa.Table:
        """The first rows of a table."""

    def count(self, table: str) -> int:
        """The rows of a table."""


def dataset_html(dataset: Tables) -> str:
    """The dataset as HTML: at most twenty rows in all."""
    names = list(dataset)[:_TABLES]
    each = max(_ROWS // max(len(names), 1), 1)
    notes = [f"and {len(dataset) - len(names)} more tables"] if len(dataset) > len(names) else []
    notes += [f"{len(dataset.rejected):,} rows lost"] if dataset.rejected else []
    tables = [_table(name, dataset, each) for name in names]
    return fragment("dataset_cell.html", tables=tables, notes=notes)


def _table(name: str, dataset: Tables, rows: int) -> dict[str, Any]:
    sample, count = dataset.head(_SAMPLE, name), dataset.count(name)
    shown = sample.slice(0, rows)
    note = f"{count:,} rows"
    if count > sample.num_rows:
        note += f", distributions of the first {sample.num_rows:,}"
    heading = Markup("{}<br><small>{}</small><br>{}")
    return {
        "caption": Markup("{} <small>{}</small>").format(name, note),
        "columns": [
            (
                heading.format(column.name, plain_type(column.type), _distribution(values)),
                "n" if _is_number(column.type) else "",
            )
            for column, values in zip(sample.schema, sample.columns, strict=True)
        ],
        "rows": list(zip(*(_cells(column) for column in shown.columns), strict=True)),
        "more": f"… {count - shown.num_rows:,} more" if count > shown.num_rows else "",
    }


def _cells(column: pa.ChunkedArray[Any]) -> list[Any]:
    """A column's values in words; numbers have as many decimals each, so that they align."""
    values = column.to_pylist()
    form: Callable[[Any], str] = str
    if pa.types.is_floating(column.type) and (digits := digits_of(values)) is not None:
        form = f"{{:.{digits}f}}".format
    return [Markup("<i>null</i>") if value is None else _short(form(value)) for value in values]


def _short(text: str) -> str:
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _distribution(column: pa.ChunkedArray[Any]) -> str:
    """Bins of numbers and times, shares of labels; the bars of keys and texts would say nothing."""
    kind, values = column.type, column.drop_null()
    if not len(values) or pa.types.is_nested(kind) or pa.types.is_duration(kind):
        return ""
    if pa.types.is_temporal(kind):
        values = pc.cast(values, pa.int32() if kind.bit_width == 32 else pa.int64())
    elif pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
    elif not pa.types.is_floating(kind):
        counts = np.sort(pc.value_counts(values).field("counts").to_numpy())[::-1]
        if pa.types.is_integer(kind) and len(counts) == len(values):
            return ""
        if not pa.types.is_integer(kind):
            title = f"{len(counts):,} different values"
            return charts.split(counts.tolist(), title) if 2 * len(counts) <= len(values) else ""
    ends = pc.min_max(column).as_py()
    heights = histogram(values.to_numpy().astype(float))
    return charts.spark(heights.tolist(), f"{ends['min']} … {ends['max']}")


def histogram(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts of finite numbers in equal bins; halves keep the widest range from overflowing."""
    halves = numbers[np.isfinite(numbers)] / 2
    span = halves.max() - halves.min() if len(halves) else 0
    if not span > 0:
        return np.full(1, len(halves))
    bins = ((halves - halves.min()) / span * _BINS).astype(np.int64)
    return np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)

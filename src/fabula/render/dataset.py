"""How a dataset shows itself in a notebook: a few rows, and one tiny distribution a column.

Everything that comes from data is escaped; the page part needs no script and no network.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.write import plain_type

if TYPE_CHECKING:
    from fabula.runs.dataset import Dataset

_ROWS, _TABLES, _CELL = 20, 10, 80
_SAMPLE = 10_000
_WIDTH, _HEIGHT, _BINS, _VALUES = 96, 24, 16, 8


def dataset_html(dataset: Dataset) -> str:
    """The dataset as HTML: at most twenty rows in all."""
    names = list(dataset)[:_TABLES]
    each = max(_ROWS // max(len(names), 1), 1)
    parts = [_table_html(name, dataset, each) for name in names]
    if len(dataset) > len(names):
        parts.append(f"<p>and {len(dataset) - len(names)} more tables</p>")
    if dataset.rejected:
        parts.append(f"<p>{len(dataset.rejected):,} rows lost</p>")
    return f'<div class="fabula-dataset">{"".join(parts)}</div>'


def _table_html(name: str, dataset: Dataset, rows: int) -> str:
    sample, count = dataset.head(_SAMPLE, name), dataset.count(name)
    shown = sample.slice(0, rows)
    head = "".join(
        f"<th>{escape(column)}<br><small>{escape(str(plain_type(sample.field(column).type)))}</small><br>"
        f"{_distribution(sample.column(column))}</th>"
        for column in sample.column_names
    )
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in zip(*(column.to_pylist() for column in shown.columns), strict=True)
    )
    note = f"{count:,} rows"
    if count > sample.num_rows:
        note += f", distributions of the first {sample.num_rows:,}"
    return (
        f"<table><caption>{escape(name)} ({note})</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(value: Any) -> str:
    if value is None:
        return "<i>null</i>"
    text = str(value)
    return escape(text if len(text) <= _CELL else text[: _CELL - 1] + "…")


def _distribution(column: pa.ChunkedArray[Any]) -> str:
    """A bar chart of a column: bins of numbers and times, else the most frequent values."""
    kind, values = column.type, column.drop_null()
    if not len(values) or pa.types.is_nested(kind) or pa.types.is_duration(kind):
        return ""
    if pa.types.is_temporal(kind):
        values = pc.cast(values, pa.int32() if kind.bit_width == 32 else pa.int64())
    if pa.types.is_temporal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        heights = _histogram(values.to_numpy().astype(float))
        ends = pc.min_max(column).as_py()
        title = f"{ends['min']} … {ends['max']}"
    else:
        counts = sorted(pc.value_counts(values).to_pylist(), key=lambda item: -item["counts"])
        heights = np.array([item["counts"] for item in counts[:_VALUES]])
        title = f"{len(counts):,} different values"
    return _bars(heights, title)


def _histogram(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts of finite numbers in equal bins; halves keep the widest range from overflowing."""
    halves = numbers[np.isfinite(numbers)] / 2
    span = halves.max() - halves.min() if len(halves) else 0
    if not span > 0:
        return np.full(1, len(halves))
    bins = ((halves - halves.min()) / span * _BINS).astype(np.int64)
    return np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)


def _bars(heights: NDArray[np.int64], title: str) -> str:
    step = _WIDTH / len(heights)
    tall = _HEIGHT / max(int(heights.max()), 1)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{_HEIGHT - height * tall:.1f}"'
        f' width="{step - 1:.1f}" height="{height * tall:.1f}"/>'
        for i, height in enumerate(heights)
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" fill="currentColor" role="img">'
        f"<title>{escape(title)}</title>{bars}</svg>"
    )

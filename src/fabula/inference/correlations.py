"""Numbers of a guessed table that rise and fall together, as its data's do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import correlation, mean_ranks
from fabula.spec.tables import Correlation, TableSpec

LEAST, DEVIATIONS = 0.1, 4.0
"""Correlations are written from this size on, where chance hardly ever makes as large ones."""

MOST_COLUMNS = 24
"""Columns of one matrix; those with the largest correlations are kept."""

_FEWEST = 30
_SLACK = 0.01
"""How far rounding may take a matrix from those that normal numbers have."""
_Floats = NDArray[np.float64]


def correlated(table: TableSpec, rows: pa.Table) -> tuple[TableSpec, list[str]]:
    """A guessed table with the rank correlations of its data, and what is said of those left out.

    Args:
        table: The table, whose columns are guessed.
        rows: Its data.
    """
    taken = {*table.key, *(name for group in table.unique for name in group)}
    names = [
        name
        for name, column in table.columns.items()
        if name not in taken and column.orders and not column.unique
        if name in rows.column_names and _is_numeric(rows.column(name).type)
    ]
    found, linked = _ranked(names, rows)
    strongest = np.where(linked, np.abs(found), 0.0).max(axis=1, initial=0.0)
    order = np.argsort(-strongest, kind="stable")
    kept = sorted(int(at) for at in order[:MOST_COLUMNS] if strongest[at])
    beyond = [names[at] for at in order[MOST_COLUMNS:] if strongest[at]]
    said = []
    if beyond:
        said.append(
            f"{table.name}: correlations of {len(beyond)} more columns ({', '.join(beyond[:5])}"
            f"{' …' if len(beyond) > 5 else ''}) are not written; `fabula fit` learns all"
        )
    groups = [
        _group([names[kept[at]] for at in part], found[np.ix_(*2 * [[kept[at] for at in part]])])
        for part in _parts(linked[np.ix_(kept, kept)])
    ]
    return table.model_copy(update={"correlations": tuple(groups)}), said


def _ranked(names: Sequence[str], rows: pa.Table) -> tuple[_Floats, NDArray[np.bool_]]:
    """The rank correlation of each two columns, over rows that have both, and which are sure."""
    found = np.zeros((len(names), len(names)))
    if len(names) < 2:
        return found, found > 0
    values = [_floats(rows.column(name)) for name in names]
    known = np.array([~np.isnan(column) for column in values])
    whole = np.flatnonzero(known.all(axis=1))
    if len(whole) > 1 and rows.num_rows >= _FEWEST:  # in one step, as there may be hundreds
        ranks = np.array([mean_ranks(values[at]) for at in whole])
        ranks -= ranks.mean(axis=1, keepdims=True)
        sizes = np.sqrt((ranks**2).sum(axis=1))
        sizes[sizes == 0] = 1.0  # of a column that never changes
        found[np.ix_(whole, whole)] = (ranks @ ranks.T) / np.outer(sizes, sizes)
    counts = np.full(found.shape, rows.num_rows)
    for i in np.flatnonzero(~known.all(axis=1)):
        for j in range(len(names)):
            both = known[i] & known[j]
            counts[i, j] = counts[j, i] = both.sum()
            if i != j and both.sum() >= _FEWEST:
                ranked = mean_ranks(values[i][both]), mean_ranks(values[j][both])
                found[i, j] = found[j, i] = correlation(*ranked)
    np.fill_diagonal(found, 0.0)
    enough = np.abs(found) >= np.maximum(LEAST, DEVIATIONS / np.sqrt(np.maximum(counts, 1)))
    return found, enough & (counts >= _FEWEST)


def _floats(column: pa.ChunkedArray[pa.Scalar[pa.DataType]]) -> _Floats:
    """A column's numbers, NaN where there is none."""
    numbers = pc.cast(column.combine_chunks(), pa.float64(), safe=False)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _is_numeric(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(test(kind) for test in tests)


def _parts(linked: NDArray[np.bool_]) -> list[list[int]]:
    """Columns that are linked with each other, directly or through others."""
    left, parts = set(range(len(linked))), []
    while left:
        part, reached = set(), {min(left)}
        while reached:
            part |= reached
            reached = {int(at) for at in np.flatnonzero(linked[sorted(reached)].any(axis=0))} - part
        parts.append(sorted(part))
        left -= part
    return [part for part in parts if len(part) > 1]


def _group(columns: Sequence[str], found: _Floats) -> Correlation:
    if len(columns) == 2:
        return Correlation(
            columns=tuple(columns), r=round(float(found[0, 1]), 2), method="spearman"
        )
    nearest = _possible(found)
    for decimals in (2, 3, 4, 6):  # of many columns that hardly differ, two are too coarse
        matrix = np.round(nearest, decimals) + 0.0
        np.fill_diagonal(matrix, 1.0)
        if np.linalg.eigvalsh(2 * np.sin(np.pi * matrix / 6)).min() > -_SLACK:
            break
    told = tuple(tuple(map(float, row)) for row in matrix)
    return Correlation(columns=tuple(columns), matrix=told, method="spearman")


def _possible(found: _Floats) -> _Floats:
    """The nearest matrix that normal numbers can have; pairs measured apart may contradict."""
    normal = 2 * np.sin(np.pi * found / 6)
    np.fill_diagonal(normal, 1.0)
    values, vectors = np.linalg.eigh(normal)
    if values.min() > 0:
        return found
    nearest_normal = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(nearest_normal))
    nearest_normal /= np.outer(scale, scale)
    nearest: _Floats = 6 / np.pi * np.arcsin(np.clip(nearest_normal, -1, 1) / 2)
    return nearest

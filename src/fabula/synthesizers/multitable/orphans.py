"""Rows whose foreign key no parent has, left out or their share kept, and keys that come twice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import UsageError
from fabula.io.arrays import array_of
from fabula.relationships.keys import CONTAINED, ForeignKey, Keys, key_labels
from fabula.synthesizers.multitable.foreign_keys import pointing_nowhere


def settled(
    tables: Mapping[str, pa.Table], keys: Keys, asked: str
) -> tuple[dict[str, pa.Table], dict[ForeignKey, float], dict[str, str]]:
    """Tables, the share of orphans to keep by foreign key, and what is to be said about orphans.

    Raises:
        SourceError: More rows than a few would be left out: this is not a foreign key.
        UsageError: What is asked is neither `drop` nor `keep`.
    """
    if asked == "keep":
        return dict(tables), *with_orphans(tables, keys)
    if asked != "drop":
        raise UsageError(f"`orphans` must be `drop` or `keep`, not {asked!r}", code="usage.orphans")
    left, told = without_orphans(tables, keys)
    return left, {}, told


def without_orphans(
    tables: Mapping[str, pa.Table], keys: Keys
) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """Tables without rows whose keys no parent has, and what is to be said about these rows.

    Rows that point at a row that was left out are left out, too.

    Raises:
        SourceError: More rows than a few would be left out: this is not a foreign key.
    """
    left = dict(tables)
    told: dict[str, str] = {}
    while True:
        lost = {key: orphans(left, key) for key in keys.foreign}
        lost = {key: rows for key, rows in lost.items() if rows.any()}
        if not lost:
            return left, told
        for key, rows in lost.items():
            size = tables[key.child].num_rows
            if rows.sum() > (1 - CONTAINED) * size:
                values = key_labels(left[key.child], key.columns)
                raise pointing_nowhere(key, values.filter(array_of(rows)))
            told[key.name] = (
                f"{rows.sum():,} of {size:,} rows were not learned: their key is none of"
                f" `{key.target}`"
            )
        for child in {key.child for key in lost}:
            gone = np.any([rows for key, rows in lost.items() if key.child == child], axis=0)
            left[child] = left[child].filter(array_of(~gone))


def with_orphans(
    tables: Mapping[str, pa.Table], keys: Keys
) -> tuple[dict[ForeignKey, float], dict[str, str]]:
    """The share of rows whose key no parent has, of each foreign key, and what is to be said."""
    shares, told = {}, {}
    for key in keys.foreign:
        rows = orphans(tables, key)
        if rows.any():
            shares[key] = float(rows.mean())
            told[key.name] = (
                f"{rows.sum():,} of {len(rows):,} rows have a key that is none of `{key.target}`;"
                " a sample has the same share of them"
            )
    return shares, told


def orphans(tables: Mapping[str, pa.Table], key: ForeignKey) -> np.ndarray:
    """Which rows have a key that no parent has."""
    there = key_labels(tables[key.parent], key.key)
    wanted = key_labels(tables[key.child], key.columns)
    known = pc.is_in(wanted, value_set=there.combine_chunks(), skip_nulls=True)
    return np.asarray(pc.and_(pc.invert(known), pc.is_valid(wanted)))


def repeats(tables: Mapping[str, pa.Table], keys: Keys) -> dict[str, str]:
    """What is to be said about primary keys that come twice."""
    told = {}
    for name, (column, *more) in keys.primary.items():
        size = tables[name].num_rows
        twice = 0 if more else size - len(tables[name].column(column).unique())
        if twice:
            told[f"{name}.{column}"] = (
                f"{twice:,} of {size:,} rows repeat the key of another row; no new key repeats"
            )
    return told

"""Lookups: columns that follow from the label, or the common number, of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.synthesizers.columns.categories import plain_values
from fabula.synthesizers.exact.calendar import part_of, parts_of
from fabula.synthesizers.exact.evidence import SURE, entropy, lookup_is_sure
from fabula.synthesizers.exact.measures import Floats

COVERED = 0.5
"""The share of rows, at least, whose source is common enough to be looked up."""

_FIRST_ROWS = 200

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lookup:
    """What each common value of a column goes with.

    Attributes:
        source: The column that is looked up.
        part: The part of it, where it holds times; empty where it is looked up itself.
        keys: Its values, or parts of them.
        values: The target's value for each.
    """

    source: str
    part: str
    keys: pa.Array
    values: pa.Array

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that is looked up."""
        return (self.source,)

    def found(self, source: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
        """The target's values, and where there is one."""
        places = pc.index_in(_keys(source, self.part).cast(self.keys.type), value_set=self.keys)
        known = places.is_valid().to_numpy(zero_copy_only=False)
        return self.values.take(places), known

    def parts(self, target: pa.Array) -> Floats:
        """The part of a time that gives each value of the target; missing where several do."""
        unique = pc.count_distinct(self.values, mode="all").as_py() == len(self.values)
        if not unique:
            return np.full(len(target), np.nan)
        places = pc.index_in(_keys(target).cast(self.values.type), value_set=self.values)
        return np.asarray(self.keys.take(places).to_numpy(zero_copy_only=False))

    @property
    def told(self) -> str:
        """The lookup in words."""
        return f"follows from {f'{self.part} of ' if self.part else ''}{self.source}"


def coded(values: pa.Array, part: str = "") -> tuple[Ints, pa.Array]:
    """A code of each value, missing ones included, and the values of the codes."""
    encoded = pc.dictionary_encode(_keys(values, part), null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def _keys(values: pa.Array, part: str = "") -> pa.Array:
    if part:
        return array_of(part_of(part, values))
    plain = plain_values(values)
    if pa.types.is_floating(plain.type):
        return pc.if_else(pc.is_nan(plain), pa.scalar(None, plain.type), plain)
    return plain


class Labels:
    """Codes of columns, and of parts of times, in some rows.

    Args:
        table: The rows.
        names: Columns whose values are looked up and are found.
        times: Those of them that hold points in time.
    """

    def __init__(self, table: pa.Table, names: Sequence[str], times: Sequence[str]) -> None:
        values = {name: table.column(name).combine_chunks() for name in names}
        self._codes = {(name, ""): coded(values[name])[0] for name in names}
        for name in times:
            for part in parts_of(values[name].type):
                self._codes[name, part] = coded(values[name], part)[0]
        self._matrix = np.column_stack([self._codes[name, ""] for name in names])
        bits = [entropy(self._codes[name, ""]) * table.num_rows for name in names]
        self._telling = np.flatnonzero(np.array(bits) >= SURE)  # others can't be sure to follow
        self._names = list(names)

    def candidates(self) -> dict[str, list[tuple[str, str]]]:
        """By target the sources, and parts of them, that give it in all of the rows.

        Sources that cover most rows come first, then those of fewer values, then earlier ones.
        """
        found: dict[str, list[tuple[float, int, int, str]]] = {name: [] for name in self._names}
        for (source, part), codes in self._codes.items():
            sizes = np.bincount(codes)
            repeated = float(sizes[sizes > 1].sum() / len(codes))
            if repeated < COVERED or len(sizes) < 2:
                continue
            for at in self._followers(codes):
                target = self._names[at]
                sure = lookup_is_sure(codes, self._matrix[:, at], columns=len(self._names))
                if target != source and sure:
                    found[target].append((-repeated, len(sizes), self._names.index(source), part))
        return {
            target: [(self._names[source], part) for _, _, source, part in sorted(sources)]
            for target, sources in found.items()
        }

    def _followers(self, codes: Ints) -> Ints:
        """Columns that have one value for each code; a few rows rule most of them out."""
        left = self._telling
        for rows in (_FIRST_ROWS, len(codes)):
            part = codes[:rows]
            first = np.full(int(codes.max()) + 1, -1)
            first[part[::-1]] = np.arange(len(part))[::-1]
            block = self._matrix[:rows][:, left]
            left = left[(block[first[part]] == block).all(axis=0)]
        return left


def lookup(table: pa.Table, target: str, source: str, part: str, *, protect: int) -> Lookup | None:
    """The lookup of a target in all rows, or None where the source does not give it.

    Args:
        table: All training rows.
        target: The column that is given.
        source: The column that gives it.
        part: The part of the source, or empty.
        protect: Values of fewer rows are not looked up.
    """
    codes, keys = coded(table.column(source).combine_chunks(), part)
    targets, values = coded(table.column(target).combine_chunks())
    first = np.full(len(keys), -1)
    first[codes[::-1]] = targets[::-1]
    if (first[codes] != targets).any():
        return None
    sizes = np.bincount(codes, minlength=len(keys))
    common = np.flatnonzero(sizes >= max(1, protect))
    if sizes[common].sum() < COVERED * len(codes):
        return None
    if not lookup_is_sure(codes, targets, columns=table.num_columns):
        return None
    return Lookup(source, part, keys.take(array_of(common)), values.take(array_of(first[common])))

"""Towns of few people, which join a larger town of the same country or state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text, plain_type
from fabula.pii.lexicon import all_towns
from fabula.streams import stream
from fabula.synthesizers.codecs.categories import MANY_RARE, fewer, plain_values
from fabula.synthesizers.pii.detect import detail_by_name
from fabula.synthesizers.pii.persons import Persons

TOWNS, SAME_AREA = 0.5, 0.95
"""The share of labels that are known towns where a column contains some, and of the rows whose town
tells the area."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Rare towns of a column, and the town that each joins; not saved.

    Attributes:
        rare: The rare ones.
        joined: A frequent one for each.
        area: The column in which both are alike; empty if there is none.
        rows: Training rows of rare ones.
        whom: Whom they join, for the card.
    """

    rare: pa.Array
    joined: pa.Array
    area: str
    rows: int
    whom: str = "others"

    @classmethod
    def of(
        cls, table: pa.Table, name: str, persons: Persons | None, protect: int
    ) -> Neighbours | None:
        """The neighbours of a column of towns, or None if hardly any is rare or all are.

        Args:
            table: Training rows.
            name: The column.
            persons: Whom the rows are about; then people are counted in place of rows.
            protect: Towns of fewer are rare, or of `fewer(protect)` if that would be many.
        """
        if not is_text(plain_type(table.schema.field(name).type)):
            return None
        values = plain_values(table.column(name).combine_chunks())
        counted = values.drop_null().value_counts()
        towns, rows = counted.field("values"), counted.field("counts").to_numpy()
        if not _are_towns(name, towns):
            return None
        codes = pc.index_in(values, value_set=towns).fill_null(-1).to_numpy().astype(np.int64)
        who = rows if persons is None else persons.of_labels(codes, len(towns))
        rare = who < fewer(protect)
        if rare.all() or rows[rare].sum() <= MANY_RARE * rows.sum():
            return None
        area, areas = _area(table, name, codes, len(towns))
        rng = stream(0, "neighbours", name, 0)
        joined = np.full(len(towns), -1)
        for each in np.unique(areas[rare]):
            near = np.flatnonzero(~rare & (areas == each))
            there = np.flatnonzero(rare & (areas == each))
            if len(near):
                joined[there] = rng.choice(near, len(there), p=rows[near] / rows[near].sum())
        found = np.flatnonzero(joined >= 0)
        return cls(towns.take(array_of(found)), towns.take(array_of(joined[found])), area,
                   int(rows[found].sum()))  # fmt: skip

    @property
    def told(self) -> str:
        """What was done, for the card."""
        where = f" of the same `{self.area}`" if self.area else ""
        return f"{len(self.rare):,} rare ones in {self.rows:,} rows join {self.whom}{where}"

    def __call__(self, values: pa.Array) -> pa.Array:
        """Towns, of which the rare ones have joined others."""
        plain = plain_values(values)
        at = pc.index_in(plain, value_set=self.rare.cast(plain.type))
        joined = pc.coalesce(self.joined.cast(plain.type).take(at), plain)
        return joined.dictionary_encode() if pa.types.is_dictionary(values.type) else joined


def _are_towns(name: str, towns: pa.Array) -> bool:
    texts = towns.to_pylist()
    known = sum(text.strip().casefold() in all_towns() for text in texts)
    called = detail_by_name(name, towns, owner="", beside=frozenset()) in ("city", "state")
    return called or known >= TOWNS * max(1, len(texts))


def _area(
    table: pa.Table, name: str, codes: NDArray[np.int64], towns: int
) -> tuple[str, NDArray[np.int64]]:
    """The column of most labels that towns tell, and the label of each town; else one for all."""
    best, areas = "", np.zeros(towns, np.int64)
    known = codes >= 0
    for field in table.schema:
        if field.name == name or not is_text(plain_type(field.type)):
            continue
        values = plain_values(table.column(field.name).combine_chunks()).dictionary_encode()
        size = len(values.dictionary)
        if not areas.max(initial=0) + 1 < size <= towns / 2:
            continue
        theirs = values.indices.fill_null(size).to_numpy(zero_copy_only=False).astype(np.int64)
        pairs, rows = np.unique(codes[known] * (size + 1) + theirs[known], return_counts=True)
        order = np.lexsort((-rows, pairs // (size + 1)))
        first = order[np.unique((pairs // (size + 1))[order], return_index=True)[1]]
        if rows[first].sum() >= SAME_AREA * rows.sum():
            best, areas = field.name, pairs[first] % (size + 1)
    return best, areas

"""The labels of a table, such as its towns, that say how the postcodes of their rows begin."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import is_text, plain_type
from fabula.synthesizers.codecs.categories import plain_values

LONGEST = 2
"""Signs that a postcode shares with the others of its area."""

NEARLY_ALL, COVERED = 0.9, 0.5


@dataclass(frozen=True)
class AreaColumn:
    """A column of labels whose rows have postcodes of one beginning each.

    Attributes:
        name: Its name.
        labels: The labels of enough rows.
        starts: How the postcodes of each begin.
    """

    name: str
    labels: tuple[str, ...]
    starts: tuple[str, ...]

    @classmethod
    def of(
        cls, table: pa.Table, postcodes: pa.Array, personal: Collection[str], protect: int
    ) -> AreaColumn | None:
        """The column that tells the beginnings of most postcodes, or None.

        Args:
            table: Training rows.
            postcodes: Their postcodes as text.
            personal: Columns that are replaced.
            protect: Labels of fewer rows tell nothing.
        """
        found = [
            area
            for field in table.schema
            if field.name not in personal and is_text(plain_type(field.type))
            for area in [cls._learned(field.name, table, postcodes, max(2, protect))]
            if area is not None
        ]
        return max(found, key=lambda area: len(area.labels), default=None)

    @classmethod
    def _learned(
        cls, name: str, table: pa.Table, postcodes: pa.Array, protect: int
    ) -> AreaColumn | None:
        labels = plain_values(table.column(name).combine_chunks())
        known: dict[str, str] = {}
        covered = 0
        for length in range(1, LONGEST + 1):
            starts = pc.utf8_slice_codeunits(postcodes, 0, length)
            rows = pa.table({"label": labels, "start": starts}).drop_null()
            pairs = rows.group_by(["label", "start"]).aggregate([([], "count_all")])
            totals = pairs.group_by("label").aggregate([("count_all", "sum"), ("count_all", "max")])
            joined = pairs.join(totals, "label")
            enough = pc.greater_equal(joined["count_all"], protect)
            most = pc.equal(joined["count_all"], joined["count_all_max"])
            share = pc.divide(joined["count_all"].cast(pa.float64()), joined["count_all_sum"])
            kept = joined.filter(
                pc.and_(pc.and_(enough, most), pc.greater_equal(share, NEARLY_ALL))
            )
            known |= dict(zip(kept["label"].to_pylist(), kept["start"].to_pylist(), strict=True))
            covered = max(covered, pc.sum(kept["count_all"]).as_py() or 0)
        if len(set(known.values())) < 2 or covered < COVERED * len(postcodes):
            return None
        ordered = sorted(known)
        return cls(name, tuple(ordered), tuple(known[label] for label in ordered))

    def moved(self, codes: pa.Array, table: pa.Table) -> pa.Array:
        """Postcodes that begin as those of their rows' areas; unknown areas change nothing."""
        texts = plain_values(table.column(self.name).combine_chunks()).cast(pa.string())
        places = pc.index_in(texts, value_set=pa.array(self.labels, pa.string()))
        starts = pa.array(self.starts, pa.string()).take(places).cast(codes.type)
        moved = codes
        for length in range(1, LONGEST + 1):
            rest = pc.utf8_slice_codeunits(codes, length)
            whole = pc.binary_join_element_wise(starts, rest, pa.scalar("", codes.type))
            same = pc.equal(pc.utf8_length(starts), length).fill_null(False)
            moved = pc.if_else(same, whole, moved)
        return moved

    @classmethod
    def restore(cls, state: dict[str, Any] | None) -> AreaColumn | None:
        """The column of a state."""
        if state is None:
            return None
        return cls(state["name"], tuple(state["labels"]), tuple(state["starts"]))

"""A generalised table: makes its rows, and tells what was done and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.privacy.files.sources import Source, in_memory
from fabula.privacy.kanonymity.combinations import Combinations, Keys, Whole
from fabula.privacy.kanonymity.costs import Cost
from fabula.privacy.kanonymity.ladders import Ladder
from fabula.privacy.kanonymity.measures import Promise, Wanted
from fabula.privacy.kanonymity.search import Found
from fabula.privacy.masking import Counts
from fabula.render.amounts import count, percent
from fabula.render.grid import lines
from fabula.render.results import Result

MOST_BLANK = 0.03
MOST_TOLD = 12
"""The groups of people of a column that are listed."""

LIMITS = (
    "Kept columns are real: k-anonymity hides which row of a group is whose, and nothing else. "
    "It is evidence, not proof, of anonymity."
)


@dataclass(frozen=True, eq=False)
class Generalised(Result):
    """What a generalisation did.

    Attributes:
        name: The table's name.
        source: Where the original rows are.
        grouped: The distinct combinations of the quasi-identifiers.
        ladders: The ladder of each quasi-identifier.
        found: The levels that were chosen, and the released codes.
        wanted: What every group keeps.
        before: What the table promised as it was.
        after: What the release promises.
        reasons: Why each column is a quasi-identifier.
        notes: What people should know.
        cost: What a model of the target loses, if a target was named.
        max_blank: The share of cells that was allowed to be blanked.
        file: The file of the original, if it is one.
    """

    name: str
    source: Source = field(repr=False)
    grouped: Combinations = field(repr=False)
    ladders: tuple[Ladder, ...] = field(repr=False)
    found: Found = field(repr=False)
    wanted: Wanted
    before: Promise
    after: Promise
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()
    cost: Cost | None = None
    max_blank: float = MOST_BLANK
    file: Path | None = None

    @property
    def quasi(self) -> tuple[str, ...]:
        """The quasi-identifiers."""
        return tuple(ladder.column.name for ladder in self.ladders)

    @cached_property
    def table(self) -> pa.Table:
        """The release in memory."""
        arrow, maker = in_memory(self.source), self.maker()
        blocks = [arrow.masked(b, maker.mask(b), ()) for b in arrow.tables(arrow.names)]
        return pa.concat_tables([arrow.masked_schema(()).empty_table(), *blocks])

    def maker(self) -> Generaliser:
        """Makes the new columns of blocks."""
        return Generaliser(self.grouped, self.ladders, self.found)

    @property
    def blank_share(self) -> float:
        """The share of cells of the quasi-identifiers that were blanked."""
        return float(self.found.blanks.sum()) / (self.grouped.rows * len(self.ladders))

    def to_dict(self) -> dict[str, Any]:
        """What was done, as JSON-ready values without any of the data."""
        return _facts(self)

    def report(self) -> str:
        """What was done and what it cost, as text."""
        return "\n".join(_lines(self))


@dataclass(frozen=True, eq=False)
class Generaliser:
    """Makes the released quasi-identifiers of blocks; a block needs nothing of any other."""

    grouped: Combinations
    ladders: tuple[Ladder, ...]
    found: Found
    counts: Counts = field(default_factory=Counts)
    spans: dict[str, list[pa.Table]] = field(default_factory=dict)

    @cached_property
    def _keys(self) -> tuple[Keys, Whole]:
        keys = Keys(self.grouped.codes)
        place = np.zeros(len(keys.distinct), np.int64)
        place[keys.of] = np.arange(len(keys.of))
        return keys, place

    def mask(self, block: pa.Table) -> dict[str, pa.Array]:
        """The released values of each quasi-identifier.

        Args:
            block: Rows of the table that was grouped.
        """
        self.counts.rows += block.num_rows
        keys, place = self._keys
        columns = [
            column.codes(_plain(block.column(column.name))) for column in self.grouped.columns
        ]
        combination = place[keys.find(np.column_stack(columns))]
        released = self.found.codes[combination]
        return {
            ladder.column.name: ladder.levels[level].values.take(pa.array(released[:, at]))
            for at, (ladder, level) in enumerate(zip(self.ladders, self.found.levels, strict=True))
        }


def _plain(values: pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks()
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _lines(made: Generalised) -> Iterator[str]:
    before, after, rows = made.before, made.after, made.grouped.rows
    yield (
        f"{made.name}: k = {after.k} over {', '.join(made.quasi)}; with blanks as wildcards"
        f" {after.k_wildcard}"
    )
    yield (
        f"{count(rows, 'row')}, none dropped: {after.groups:,} groups; before,"
        f" {made.grouped.alone:,} ({percent(made.grouped.alone / rows)}) were alone"
    )
    table = [("  column", "becomes", "bits", "blank", "why")]
    for at, (ladder, level) in enumerate(zip(made.ladders, made.found.levels, strict=True)):
        table.append(
            (
                f"  {ladder.column.name}",
                ladder.levels[level].told,
                f"{ladder.levels[0].bits:.2f} → {ladder.levels[level].bits:.2f}",
                percent(made.found.blanks[at] / rows),
                made.reasons[ladder.column.name],
            )
        )
    yield from lines(table)
    yield (
        f"Lost: {percent(made.found.loss)} of the bits by coarser values, and"
        f" {int(made.found.blanks.sum()):,} cells ({percent(made.blank_share)})"
    )
    if not made.found.within:
        yield f"warning: {percent(made.max_blank)} of the cells were allowed; no ladder is enough"
    for name in after.l:
        yield (
            f"{name}: at least {after.l[name]} distinct values in a group (before,"
            f" {before.l[name]}), {after.l_entropy[name]:.1f} effective ones; distance from all"
            f" rows at most {after.t[name]:.2f} (before, {before.t[name]:.2f})"
        )
    if after.one_valued:
        yield (
            f"warning: {percent(after.one_valued)} of the rows are in groups that give a sensitive "
            "value away; use `--l 2`"
        )
    if made.cost is not None:
        cost = made.cost
        yield (
            f"A model of {cost.target}, on {cost.rows:,} rows it never saw: {cost.measure}"
            f" {cost.released:.4f} from the release, {cost.raw:.4f} from the original,"
            f" {cost.dropped:.4f} without these columns"
        )
    yield from (f"blank {told}" for told in _touched(made))
    yield from (f"note: {note}" for note in made.notes)
    yield LIMITS


def _touched(made: Generalised) -> list[str]:
    """Which share of the rows of each value lost a cell, where values are few enough to list."""
    grouped, found = made.grouped, made.found
    told = []
    lost = np.zeros(len(grouped.counts), bool)
    for at, (ladder, level) in enumerate(zip(made.ladders, found.levels, strict=True)):
        coded = ladder.levels[level].codes[grouped.codes[:, at]]
        lost |= (found.codes[:, at] == 0) & (coded != 0)
    for at, column in enumerate(grouped.columns):
        if len(column.values) > MOST_TOLD:
            continue
        hit = np.bincount(grouped.codes[:, at], grouped.counts * lost, len(column.counts))
        shares = [
            f"{value} {percent(hit[code] / column.counts[code])}"
            for code, value in enumerate(column.values.to_pylist(), 1)
        ]
        told.append(f"in rows by {column.name}: {', '.join(shares)}")
    return told


def _facts(made: Generalised) -> dict[str, Any]:
    """What was done, as JSON-ready values without any of the data's rows."""
    return {
        "format": 1,
        "made_by": f"fabula {version('fabula')}",
        "table": made.name,
        "rows": made.grouped.rows,
        "wanted": asdict(made.wanted),
        "quasi": [
            {
                "column": ladder.column.name,
                "reason": made.reasons[ladder.column.name],
                "level": ladder.levels[level].told,
                "bits": [ladder.levels[0].bits, ladder.levels[level].bits],
                "blank_cells": int(made.found.blanks[at]),
            }
            for at, (ladder, level) in enumerate(zip(made.ladders, made.found.levels, strict=True))
        ],
        "blank_share": made.blank_share,
        "lost_bits": made.found.loss,
        "alone_before": made.grouped.alone,
        "before": asdict(made.before),
        "after": asdict(made.after),
        "blanked_rows": _touched(made),
        "cost": None if made.cost is None else asdict(made.cost),
        "notes": list(made.notes),
        "limits": LIMITS,
    }

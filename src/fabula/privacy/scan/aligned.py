"""Parts of real values in the row of their own person, where a file keeps the order of the rows.

A surname by itself may be anyone's; in its person's row it is a leak. What chance brings there is
measured by the same search with every person moved to other rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.privacy.notes.details import TAIL
from fabula.privacy.notes.masking import BLOCK, own_places
from fabula.privacy.notes.needles import Mention
from fabula.privacy.notes.writers import flags
from fabula.privacy.scan.chance import is_chance
from fabula.privacy.squeezed import Squeezed

_TURNS = 10
"""How often people are moved to other rows to measure chance."""

_SAMPLE = 20_000
"""Rows in which chance is measured."""

_NAMES = ("name", "first_name", "last_name")


def own_parts(
    texts: pa.Array, own: Sequence[Mention], *, drawn: bool = False
) -> Iterator[tuple[str, Sequence[int], str, float]]:
    """Each kind of part that stands more often in its own row than chance explains.

    Args:
        texts: A column.
        own: The real values of each row.
        drawn: Whether the values were drawn, so that chance may bring what it did not in a sample.

    Returns:
        The kind, the rows that hold it, what is in the first of them, and how many rows chance
        explains.
    """
    found = _hits(texts, own)
    some = [each for each in own if _named(each.kind) in found]
    expected = _by_chance(texts.slice(0, _SAMPLE), some) if found and len(texts) > _TURNS else {}
    for kind, rows in found.items():
        chance = max(expected.get(kind, 0.0), drawn * 3 / _TURNS) * max(1.0, len(texts) / _SAMPLE)
        if len(rows) > (chance + 4 * math.sqrt(chance) + 1 if chance else 0):
            yield kind, sorted(rows), rows[min(rows)], chance


def _by_chance(texts: pa.Array, own: Sequence[Mention]) -> dict[str, float]:
    counts: dict[str, float] = {}
    size = len(texts)
    for turn in range(1, _TURNS + 1):
        by = turn * size // (_TURNS + 1)
        turned = [
            Mention(m.kind, *[pa.concat_arrays([m.original[by:size], m.original[:by]])] * 2)
            for m in own
        ]
        for kind, rows in _hits(texts, turned).items():
            counts[kind] = counts.get(kind, 0.0) + len(rows) / _TURNS
    return counts


def unchanged(values: pa.Array, own: pa.Array) -> tuple[int, int]:
    """How many rows have their own old number, and the first of them; none if chance explains it.

    Args:
        values: A column.
        own: The same column of the real table.
    """
    new, old = (Squeezed.of(each).whole() for each in (values, own))
    is_long = (old.lengths >= TAIL) & (old.lengths == new.lengths)
    rows = np.flatnonzero(is_long & (old.hashes == new.hashes))
    size = len(old.hashes)
    moves = [turn * size // (_TURNS + 1) for turn in range(1, _TURNS + 1)]
    turned = sum(int((np.roll(old.hashes, by) == new.hashes)[is_long].sum()) for by in moves)
    known = size > _TURNS and is_chance(len(rows), turned / _TURNS)
    return (0, 0) if known or not len(rows) else (len(rows), int(rows[0]))


def _hits(texts: pa.Array, own: Sequence[Mention]) -> dict[str, dict[int, str]]:
    """What is in the rows that hold a part of their person, by kind and row."""
    found: dict[str, dict[int, str]] = {}
    for start in range(0, len(texts), BLOCK):
        stream = Squeezed.of(texts.slice(start, BLOCK))
        if not len(stream.codes):
            continue
        mine = [Mention(m.kind, *[m.original.slice(start, BLOCK)] * 2) for m in own]
        for places in own_places(stream, mine):
            if not len(places.starts):
                continue
            hits = places.hits(stream)
            is_there = flags(places.write(hits).is_valid())
            rows = found.setdefault(_named(places.kind), {})
            told = hits.rows[is_there].tolist(), hits.spans.filter(array_of(is_there)).to_pylist()
            for row, span in zip(*told, strict=True):
                rows.setdefault(start + row, span)
    return {kind: rows for kind, rows in found.items() if rows}


def _named(kind: str) -> str:
    return "name" if kind in _NAMES else kind


def without_spans(texts: pa.Array, spans: pa.Table) -> pa.Array:
    """Notes without the places that a masker wrote.

    Args:
        texts: The notes as they were written.
        spans: The places: `row`, `start` and `end`.
    """
    rest = texts.to_pylist()
    columns = (spans.column(name).to_numpy() for name in ("row", "start", "end"))
    rows, starts, ends = columns
    for at in np.lexsort((-starts, rows)).tolist():  # from the back of each text
        row, start, end = int(rows[at]), int(starts[at]), int(ends[at])
        text = rest[row] or ""
        rest[row] = f"{text[:start]}\u2022{text[end:]}"
    return pa.array(rest, pa.large_string())

"""Single cells are blanked, the fewest and least important ones, until every group is kept."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fabula.privacy.kanonymity.combinations import Keys, Whole
from fabula.privacy.kanonymity.measures import Judge


def blanked(codes: Whole, judge: Judge, costs: NDArray[np.float64], most: float) -> Whole | None:
    """Codes with cells set to 0, so that every group keeps what is wanted.

    Rows of groups that fail lose one cell if that suffices, else two, and so on; sets of columns
    of equal size are tried in the order of their costs. Rows join groups that are there.

    Args:
        codes: The codes of each combination at some levels.
        judge: Tells which groups are kept.
        costs: What a blank cell of each column costs.
        most: The most cells that may be blanked.

    Returns:
        The released codes; None where more cells would be needed.
    """
    counts, width = judge.counts, codes.shape[1]
    keys = Keys(codes)
    everyone = np.arange(len(codes))
    kept = judge.keeps(everyone, keys.of, len(keys.distinct))[keys.of]
    released = codes.copy()
    sets = [set_ for size in range(1, width + 1) for set_ in combinations(range(width), size)]
    cells = 0.0
    for columns in sorted(sets, key=lambda some: (len(some), costs[list(some)].sum())):
        left = np.flatnonzero(~kept)
        if cells + counts[left].sum() * len(columns) > most:
            return None  # each row that is left loses at least that many
        if not len(left):
            break
        tried = codes[left]
        tried[:, columns] = 0
        hosts = np.flatnonzero(kept & (released[:, columns] == 0).all(axis=1))
        members = np.concatenate([left, hosts])
        keys = Keys(np.concatenate([tried, released[hosts]]))
        fits = judge.keeps(members, keys.of, len(keys.distinct))[keys.of[: len(left)]]
        moved = left[fits]
        released[moved] = tried[fits]
        kept[moved] = True
        cells += float((counts[moved] * (codes[moved][:, columns] != 0).sum(axis=1)).sum())
    return _with_rest(codes, released, kept, judge, most)


def _with_rest(
    codes: Whole, released: Whole, kept: NDArray[np.bool_], judge: Judge, most: float
) -> Whole | None:
    """Rows that fit nowhere lose all cells, together with the smallest groups that they need."""
    left = np.flatnonzero(~kept)
    if len(left):
        keys = Keys(released)
        sizes = np.bincount(keys.of, judge.counts)
        sizes[keys.of[left]] = 0
        smallest = iter([g for g in np.argsort(sizes, kind="stable") if sizes[g]])
        bare = np.union1d(left, np.flatnonzero((released == 0).all(axis=1)))
        while not judge.keeps(bare, np.zeros(len(bare), np.int64), 1)[0]:
            bare = np.union1d(bare, np.flatnonzero(keys.of == next(smallest)))
        released[bare] = 0
    lost = ((released == 0) & (codes != 0)).sum(axis=1)
    return released if float((lost * judge.counts).sum()) <= most else None

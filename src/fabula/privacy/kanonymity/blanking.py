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
    of equal size are tried in the order of their costs. Rows join groups that are there. Rows that
    are alike in what is sensitive would never make a group that keeps it: such rows are joined by
    the smallest group that differs from them in these columns alone, which loses the cells, too.

    Args:
        codes: The codes of each combination at some levels.
        judge: Tells which groups are kept.
        costs: What a blank cell of each column costs.
        most: The most cells that may be blanked.

    Returns:
        The released codes; None if more cells would be needed.
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
        if judge.wants_variety:
            _join_partners(codes, released, kept, columns, judge)
        cells = float((counts * ((released == 0) & (codes != 0)).sum(axis=1)).sum())
    return _with_rest(codes, released, kept, judge, most)


def _join_partners(
    codes: Whole,
    released: Whole,
    kept: NDArray[np.bool_],
    columns: tuple[int, ...],
    judge: Judge,
) -> None:
    """Blank columns of rows that fail and of the smallest kept group that then equals them.

    Only where that takes fewer cells than blanking all cells of the rows that fail.
    """
    left = np.flatnonzero(~kept)
    hosts = np.flatnonzero(kept & (released[:, columns] != 0).all(axis=1))
    there = np.flatnonzero(kept & (released[:, columns] == 0).all(axis=1))
    if not len(left) or not len(hosts):
        return
    members = np.concatenate([left, hosts, there])
    blank = np.where(kept[:, None], released, codes)[members]
    blank[:, columns] = 0
    key = Keys(blank)
    of_left, of_hosts, _ = np.split(key.of, [len(left), len(left) + len(hosts)])
    group = Keys(released[hosts])
    first = np.unique(group.of, return_index=True)[1]
    sizes, target = np.bincount(group.of, judge.counts[hosts]), of_hosts[first]
    partner = np.full(len(key.distinct), -1)
    by_size = np.argsort(-sizes, kind="stable")
    partner[target[by_size]] = by_size  # the smallest one is written last
    rows = np.bincount(of_left, judge.counts[left], len(partner))
    cheap = (rows + sizes[partner]) * len(columns) < rows * codes.shape[1]
    wanted = (partner >= 0) & (rows > 0) & cheap
    joins = np.concatenate(
        [wanted[of_left], partner[of_hosts] == group.of, np.ones(len(there), bool)]
    )
    kept_then = judge.keeps(members[joins], key.of[joins], len(partner)) & wanted
    changed = joins & kept_then[key.of]
    released[members[changed]] = blank[changed]
    kept[members[changed]] = True


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

"""Which parent each child gets: counts met, groups and labels respected, pairs distinct.

Pure functions of numpy arrays. A *stub* is one place for a child at a parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.multitable.foreign_keys import Rows

_ONE_IN = 20
"""The share of parents whose counts are blurred."""

_ROUNDS = 200
"""Most rounds of exchanges until pairs differ."""

NOWHERE: NDArray[np.float64] = np.zeros((0, 0))
"""Centres of groups of which none is near another."""


def counts_like(
    wanted: NDArray[np.float64] | None,
    real: NDArray[np.int64],
    total: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Numbers of children with the real distribution, in the order of what a model drew.

    The model decides which parent has many children, the real counts decide how many that are:
    rank by rank, so that the distribution is met however few parents there are. Of many parents
    the largest counts are blurred by up to a twentieth, since each may belong to a known one;
    a count that enough parents share stays, so that a full panel of years keeps them all.

    Args:
        wanted: What the model drew for each new parent; ties are broken at random. None if
            parents are kept as they are, and their order with them.
        real: Children of each real parent.
        total: What the counts must sum to.
        rng: The only source of randomness.

    Returns:
        Children of each new parent.
    """
    if wanted is None:
        return summing_to(real, total, rng)
    if not len(wanted) or not len(real):
        return np.zeros(len(wanted), dtype=np.int64)
    sorted_real = np.sort(real)
    largest = len(real) - len(real) // _ONE_IN
    blur = rng.uniform(0.95, 1.05, len(real) - largest)
    top = sorted_real[largest:]
    shared = np.bincount(sorted_real)[top] >= PROTECTED_ROWS
    sorted_real[largest:] = np.where(shared, top, np.rint(top * blur))
    order = np.lexsort((rng.random(len(wanted)), wanted))
    places = (np.arange(len(wanted)) + 0.5) / len(wanted) * len(real)
    counts = np.empty(len(wanted), dtype=np.int64)
    counts[order] = sorted_real[places.astype(np.int64)]
    return summing_to(counts, total, rng)


def summing_to(
    counts: NDArray[np.int64], total: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Counts changed one by one, in proportion to their size, until they sum to `total`."""
    lacking = total - int(counts.sum())
    if not lacking:
        return counts
    if not counts.any():
        return rng.multinomial(total, np.full(len(counts), 1 / len(counts)))
    if lacking > 0 and counts.max() == 1:  # no parent has two children while another has none
        counts = counts.copy()
        counts[rng.permutation(np.flatnonzero(counts == 0))[:lacking]] = 1
        lacking = total - int(counts.sum())
    if lacking > 0:
        return counts + rng.multinomial(lacking, counts / counts.sum())
    return rng.multivariate_hypergeometric(counts, total, method="marginals")


def chosen_parents(
    wanted: NDArray[np.int64],
    group: NDArray[np.int64],
    counts: NDArray[np.int64],
    siblings: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    centres: NDArray[np.float64] = NOWHERE,
) -> Rows:
    """Give each child a stub of a parent in its group, or in a near one where it has none left.

    Siblings come one after the other, so that those who find no stub in their group mostly find
    stubs of one other group together.

    Args:
        wanted: The group that each child asks for, shape (children,).
        group: The group of each parent, shape (parents,).
        counts: Stubs of each parent; they sum to the number of children.
        siblings: Equal for children of one leading parent; same shape as `wanted`.
        rng: The only source of randomness.
        centres: Where each group lies, shape (groups, axes); none if no group is near another.

    Returns:
        The parent of each child.
    """
    stubs = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    stubs = stubs[np.argsort(group[stubs], kind="stable")]
    families = np.unique(siblings, return_inverse=True)[1].reshape(-1)
    places = rng.permutation(int(families.max(initial=-1)) + 1)[families]
    children = np.lexsort((places, wanted))
    chosen = np.full(len(wanted), -1, dtype=np.int64)
    free = np.ones(len(stubs), dtype=bool)
    first, last = (
        np.searchsorted(group[stubs], wanted[children], side) for side in ("left", "right")
    )
    rank = np.arange(len(children)) - np.searchsorted(wanted[children], wanted[children], "left")
    fits = first + rank < last
    chosen[children[fits]] = stubs[(first + rank)[fits]]
    free[(first + rank)[fits]] = False
    lacking, spare = children[~fits], stubs[free]
    if len(centres):
        lacking, spare = _nearest_pairs(lacking, spare, wanted[lacking], group[spare], centres)
    chosen[lacking] = spare
    return chosen


def _nearest_pairs(
    children: Rows,
    stubs: Rows,
    wanted: NDArray[np.int64],
    group: NDArray[np.int64],
    centres: NDArray[np.float64],
) -> tuple[Rows, Rows]:
    """As many children and stubs, those of the nearest groups together.

    Args:
        children: The children, by the group that each asks for.
        stubs: The stubs, by their group.
        wanted: That group; one without a centre is near to none.
        group: The group of each stub.
        centres: Where each group lies.
    """
    size = max(len(centres), int(max(wanted.max(initial=0), group.max(initial=0))) + 1)
    apart = np.full((size, size), np.inf)
    squares = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    apart[: len(centres), : len(centres)] = squares
    starts, ends = (np.searchsorted(part, np.arange(size)) for part in (wanted, group))
    open_to, left = (np.bincount(part, minlength=size) for part in (wanted, group))
    pairs: list[tuple[Rows, Rows]] = []
    for at in np.argsort(apart, axis=None, kind="stable").tolist():
        asks, has = divmod(at, size)
        count = min(open_to[asks], left[has])
        if count:
            one, two = starts[asks], ends[has]
            pairs.append((children[one : one + count], stubs[two : two + count]))
            starts[asks], ends[has] = one + count, two + count
            open_to[asks], left[has] = open_to[asks] - count, left[has] - count
    none = np.zeros(0, np.int64)
    ours, theirs = (np.concatenate([none, *(pair[at] for pair in pairs)]) for at in (0, 1))
    return ours, theirs


def any_parents(
    wanted: NDArray[Any],
    group: NDArray[np.int64],
    counts: NDArray[np.int64],
    rng: np.random.Generator,
) -> Rows:
    """A parent of the group that each child asks for, as often as parents have children.

    Args:
        wanted: The group of each child; one that no parent has means none.
        group: The group of each parent.
        counts: Children of each parent.
        rng: The only source of randomness.
    """
    order = np.argsort(group, kind="stable")
    total = np.concatenate([[0], np.cumsum(counts[order])])
    first, last = (np.searchsorted(group[order], wanted, side) for side in ("left", "right"))
    start, end = total[first], total[last]
    places = np.searchsorted(total, start + rng.random(len(wanted)) * (end - start), "right") - 1
    return np.where(end > start, order[np.minimum(places, last - 1)], -1)


def chosen_within(
    wanted: NDArray[np.int64],
    group: NDArray[np.int64],
    counts: NDArray[np.int64],
    labels: tuple[NDArray[np.int64], NDArray[np.int64]],
    rng: np.random.Generator,
) -> Rows:
    """As `chosen_parents`, but each child's parent has the child's label.

    Counts are met in proportion, since a label may have more children than its parents ask for.

    Args:
        wanted: The group that each child asks for, shape (children,).
        group: The group of each parent, shape (parents,).
        counts: Stubs of each parent.
        labels: The label of each child, and that of each parent.
        rng: The only source of randomness.

    Returns:
        The parent of each child; -1 where no parent has its label.
    """
    of_child, of_parent = labels
    chosen = np.full(len(of_child), -1, dtype=np.int64)
    if not len(of_parent):
        return chosen
    asked_for = np.isin(of_parent, of_parent[counts > 0])
    stubs = np.repeat(np.arange(len(counts)), np.where(asked_for, counts, 1))
    stubs = rng.permutation(stubs)
    stubs = stubs[np.lexsort((group[stubs], of_parent[stubs]))]
    children = rng.permutation(len(of_child))
    children = children[np.lexsort((wanted[children], of_child[children]))]
    mine = of_child[children]
    first, last = (np.searchsorted(of_parent[stubs], mine, side) for side in ("left", "right"))
    start, end = (np.searchsorted(mine, mine, side) for side in ("left", "right"))
    rank = np.arange(len(mine)) - start
    places = first + rank * (last - first) // np.maximum(end - start, 1)
    found = last > first
    chosen[children[found]] = stubs[places[found]]
    return chosen


def made_distinct(
    parents: Rows,
    beside: NDArray[np.int64],
    rng: np.random.Generator,
    within: NDArray[np.int64] | None = None,
) -> Rows:
    """Exchange parents between children until no combination with `beside` repeats.

    How often each parent and each value of `beside` occurs stays, wherever that can be.

    Args:
        parents: The parent of each child; -1 for none.
        beside: What a parent may be alongside only once (another parent's row), same shape.
        rng: The only source of randomness.
        within: A label of each child; only children of one label exchange parents.

    Returns:
        The parents; combinations still repeat where the numbers leave no other choice.
    """
    parents = parents.copy()
    order, first, size = _alike(np.zeros(len(parents), np.int64) if within is None else within)
    repeats = _repeats(parents, beside)
    for _ in range(_ROUNDS):
        places = np.flatnonzero(repeats)
        if not len(places):
            return parents
        partners = order[first[places] + rng.integers(0, size[places])]
        for place, partner in zip(places.tolist(), partners.tolist(), strict=True):
            parents[place], parents[partner] = parents[partner], parents[place]
        repeats = _repeats(parents, beside)
    return _dealt(parents, beside, rng) if within is None else parents


def made_unequal(
    parents: Rows,
    others: Rows,
    counts: NDArray[np.int64],
    rng: np.random.Generator,
    within: NDArray[np.int64] | None = None,
) -> Rows:
    """Exchange parents between children until none is also the child's other parent.

    Args:
        parents: The parent of each child; -1 for none.
        others: Its other parent, of the same table.
        counts: Children that each parent asks for.
        rng: The only source of randomness.
        within: A label of each child; only children of one label exchange parents.

    Returns:
        The parents; children of whom no exchange helps get any other parent, if they need no label.
    """
    parents = parents.copy()
    order, first, size = _alike(np.zeros(len(parents), np.int64) if within is None else within)
    for _ in range(_ROUNDS):
        places = np.flatnonzero((parents == others) & (parents >= 0))
        if not len(places):
            return parents
        partners = order[first[places] + rng.integers(0, size[places])]
        for place, partner in zip(places.tolist(), partners.tolist(), strict=True):
            swapped = parents[partner] != others[place] and parents[place] != others[partner]
            if swapped:
                parents[place], parents[partner] = parents[partner], parents[place]
    places = np.flatnonzero((parents == others) & (parents >= 0))
    if within is None and len(counts) > 1:
        parents[places] = (parents[places] + rng.integers(1, len(counts), len(places))) % len(
            counts
        )
    return parents


def _alike(labels: NDArray[np.int64]) -> tuple[Rows, Rows, Rows]:
    """Rows sorted by label, and for each row where its label begins there and how often it is."""
    order = np.argsort(labels, kind="stable")
    first, last = (np.searchsorted(labels[order], labels, side) for side in ("left", "right"))
    return order, first, last - first


def _dealt(parents: Rows, beside: NDArray[np.int64], rng: np.random.Generator) -> Rows:
    """Deal parents again, the most frequent first, each to where most is free.

    This finds distinct pairs wherever the numbers allow them (Gale 1957, Ryser 1957).
    """
    dealt = np.full(len(parents), -1, dtype=np.int64)
    filled = np.flatnonzero(parents >= 0)
    order = filled[np.argsort(beside[filled], kind="stable")]
    values, first, free = np.unique(beside[order], return_index=True, return_counts=True)
    taken = np.zeros(len(values), dtype=np.int64)
    counts = np.bincount(parents[filled])
    left: list[int] = []
    for parent in np.argsort(-counts, kind="stable").tolist():
        most = np.lexsort((rng.random(len(values)), -(free - taken)))[: counts[parent]]
        most = most[taken[most] < free[most]]
        dealt[order[first[most] + taken[most]]] = parent
        taken[most] += 1
        left += [parent] * (int(counts[parent]) - len(most))
    dealt[filled[dealt[filled] < 0]] = left
    return dealt


def _repeats(parents: Rows, beside: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows whose combination is in an earlier row."""
    order = np.lexsort((np.arange(len(parents)), parents, beside))
    same = (np.diff(parents[order]) == 0) & (np.diff(beside[order]) == 0)
    repeats = np.zeros(len(parents), dtype=bool)
    repeats[order[1:]] = same & (parents[order[1:]] >= 0)
    return repeats


def moved(
    parents: Rows,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
    siblings: NDArray[np.int64] | None = None,
) -> Rows:
    """Parents of which each has children of one label; children of few labels change parents.

    Args:
        parents: The parent of each child; -1 for none.
        labels: The label of each child.
        rng: Chooses among parents, each as often as it has children.
        siblings: Equal for children who change parents together, if any do.
    """
    there = np.flatnonzero(parents >= 0)
    if not len(there):
        return parents
    known, mine = np.unique(parents[there], return_inverse=True)
    own = labels[there]
    families = there if siblings is None else siblings[there]
    first = representatives(mine, own)
    label_of = np.full(len(known), -1, np.int64)
    label_of[mine] = own[first]
    values, sizes = np.unique(own, return_counts=True)
    for value in values[np.argsort(sizes, kind="stable")].tolist():
        if not (label_of == value).any():  # takes a parent whose label has several
            free = np.bincount(label_of)[label_of] > 1
            counts = np.bincount(mine[own == value], minlength=len(known)) * free
            if counts.any():
                label_of[counts.argmax()] = value
    chosen = mine.copy()
    for value in values.tolist():
        wrong = np.flatnonzero((own == value) & (label_of[mine] != value))
        fitting = mine[(own == value) & (label_of[mine] == value)]
        if not len(fitting):
            fitting = np.flatnonzero(label_of == value)
        if len(fitting):
            _, together = np.unique(families[wrong], return_inverse=True)
            chosen[wrong] = rng.choice(fitting, len(wrong))[together.reshape(-1)]
    result = parents.copy()
    result[there] = known[chosen]
    return result


def representatives(parents: Rows, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each child the first one of its parent that has the most common label there."""
    size = len(parents)
    group = np.where(parents >= 0, parents, parents.max(initial=-1) + 1 + np.arange(size))
    order = np.lexsort((labels, group))
    starts = np.flatnonzero(
        np.append(True, (np.diff(group[order]) != 0) | (np.diff(labels[order]) != 0))
    )
    runs, owner = np.diff(np.append(starts, size)), group[order][starts]
    earliest = order[starts]  # `lexsort` keeps the order of equal ones
    best = np.lexsort((earliest, -runs, owner))
    leading = best[np.append(True, np.diff(owner[best]) != 0)]
    return np.asarray(earliest[leading][np.searchsorted(owner[leading], group)])


def combined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """One label for each combination."""
    return np.unique(np.column_stack(parts), axis=0, return_inverse=True)[1].reshape(-1)

"""Parents' columns that count their children, or sum, order or average a column of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
from itertools import combinations

import numpy as np

from fabula.relationships.rules.evidence import is_sure, is_worth_telling
from fabula.relationships.rules.links import Function, Link
from fabula.relationships.rules.plain import Flags, Values
from fabula.relationships.rules.rule import Empty, Found, Total

FIRST_PARENTS = 200
"""Parents with children that totals are tried on before all are."""

LIKELY = 0.9
"""The share of those parents that a total which is worth a look at all has."""

MOST_FACTORS = 6
"""Columns of which products are summed."""

_ORDER: tuple[Function, ...] = ("sum", "max", "min", "mean")


def find_totals(link: Link, alike: Set[str]) -> Iterator[Found]:
    """Totals that hold for all parents or nearly all, one for each column.

    Args:
        link: Children and parents.
        alike: Columns that are the same for all children of a parent: only sums of them count.
    """
    one_each = link.parents_used == len(link.used)
    first = _first(link)
    for column in link.parent.names("number", "time", "zoned time"):
        best: Found | None = None
        for rule in _candidates(link, column, one_each):
            if rule.function != "sum" and alike & set(rule.values):
                continue
            if not _may_hold(rule, first):
                continue
            found = _judged(link, rule)
            if found is not None and (best is None or found.broken < best.broken):
                best = found
            if best is not None and not best.broken:
                break
        if best is not None:
            yield best


def _first(link: Link) -> Link:
    """The children of a few parents."""
    counts = link.children.counts
    with_children = np.flatnonzero(counts)
    size = min(len(with_children), FIRST_PARENTS)
    parents = with_children[np.linspace(0, len(with_children) - 1, size).astype(np.int64)]
    place = np.full(len(counts) + 1, -1, np.int64)
    place[parents] = np.arange(size)
    children = np.flatnonzero(place[link.rows] >= 0)  # -1 looks at the last place, which is -1
    return Link(
        link.key,
        link.child.few(children),
        link.parent.few(parents),
        place[link.rows[children]],
    )


def _candidates(link: Link, column: str, one_each: bool) -> Iterator[Total]:
    """Totals that a column may be, the simplest first."""
    key, family = link.key, link.parent.family(column)
    if family == "number" and not one_each:
        yield Total(key, column, "count")
    if family is None or one_each:  # the total of one child is a copy
        return
    values = link.child.names(family)
    own = {column} if key.child == key.parent else set()
    values = [name for name in values if name not in own and link.child[name].is_exact]
    time = family != "number"
    for function in _ORDER if not time else ("max", "min"):
        for value in values:
            yield Total(key, column, function, (value,), time=time)
    if time and link.parent[column].is_daily:
        for function in ("max", "min"):
            for value in values:
                yield Total(key, column, function, (value,), time=True, daily=True)
    if not time:
        for pair in combinations(values[:MOST_FACTORS], 2):
            yield Total(key, column, "sum", pair)


def _may_hold(rule: Total, first: Link) -> bool:
    kept = rule.kept(first)[first.children.counts > 0]
    return bool(len(kept) and kept.mean() >= LIKELY)


def _judged(link: Link, rule: Total) -> Found | None:
    stated, (computed, filled) = link.parent[rule.column], rule.computed(link)
    rule = replace(
        rule,
        empty=_empty(stated, filled, rule),
        decimals=_decimals(link, rule, stated, computed, filled),
    )
    kept = rule.kept(link)
    values = stated.plain[filled & stated.known]
    rounded = stated.family == "number" and _is_rounded(stated, computed, filled)
    choices = len(link.parent.names()) * max(len(link.child.names()), 1)
    if not is_sure(values, int(filled.sum()), choices=choices, rounded=rounded):
        return None
    rows, broken = len(kept), int((~kept).sum())
    return Found(rule, rows, broken) if not broken or is_worth_telling(rows, broken) else None


def _empty(stated: Values, filled: Flags, rule: Total) -> Empty:
    """What stands if there are no children; what is usual where all parents have some."""
    if filled.all():
        return "zero" if rule.function in ("count", "sum") else "missing"
    known, plain = stated.known[~filled], stated.plain[~filled]
    if not known.any():
        return "missing"
    if stated.family == "number" and known.all() and not plain.any():
        return "zero"
    return "zero" if rule.function == "count" else "own"


def _decimals(
    link: Link, rule: Total, stated: Values, computed: np.ndarray, filled: Flags
) -> int | None:
    """To how many decimals a total is rounded: to all of its parts', if none was cut off."""
    if rule.time or stated.decimals is None or rule.function == "count":
        return 0 if rule.function == "count" else None
    parts = [link.child[name].decimals for name in rule.values]
    if rule.function == "mean" or None in parts or _is_rounded(stated, computed, filled):
        return stated.decimals
    return max(stated.decimals, sum(part or 0 for part in parts))


def _is_rounded(stated: Values, computed: np.ndarray, filled: Flags) -> bool:
    both = filled & stated.known
    apart = np.abs(computed[both].astype(float) - stated.plain[both])
    step = 10.0 ** -(stated.decimals or 0) if stated.decimals is not None else 1.0
    near = apart <= 1e-6 * step + 1e-9 * np.abs(stated.plain[both])
    return bool(near.mean() < LIKELY) if len(near) else False

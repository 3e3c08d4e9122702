"""Children's columns that repeat a column of their parent, or are a multiple of one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fabula.relationships.rules.evidence import has_exceptions, is_sure, is_worth_telling
from fabula.relationships.rules.links import Link
from fabula.relationships.rules.plain import Rows, Values
from fabula.relationships.rules.rule import Copy, Found

FIRST_ROWS, SAMPLE_ROWS = 50, 1_000
"""Rows that nearly all pairs fail on, and rows that are looked at before all are."""

LIKELY = 0.9
"""The share of sampled rows that a copy which is worth a look at all rows has."""

WHOLE = 0.9
"""Exceptions are parents, not single rows, where that share of these parents' children are some."""

_DIGITS = 4
"""Most digits of a factor."""


def find_copies(link: Link) -> Iterator[Found]:
    """Copies and multiples that hold on all rows or nearly all, columns of one name first."""
    few = _few(link)
    for column in few.child.names("label", "number"):
        family = few.child.family(column)
        sources = few.parent.names(family) if family else []
        for source in sorted(sources, key=lambda name: name != column):
            found = _copy(link, few, column, source)
            if found is not None:
                yield found
                break


def _few(link: Link) -> Link:
    """Some of the children, each with a row of its parent."""
    size = min(len(link.used), SAMPLE_ROWS)
    rows = link.used[np.linspace(0, len(link.used) - 1, size).astype(np.int64)]
    there = link.parent.few(link.rows[rows])
    return Link(link.key, link.child.few(rows), there, np.arange(size, dtype=np.int64))


def _copy(link: Link, few: Link, column: str, source: str) -> Found | None:
    rule = Copy(link.key, column, source)
    if not rule.is_literal(link):
        mine, theirs = few.child[column], few.parent[source]
        factor = _factor(mine, theirs)
        if factor is None:
            return None
        rule = Copy(link.key, column, source, factor, None if factor == 1 else mine.decimals)
    kept = rule.kept(few)
    if kept[:FIRST_ROWS].mean() < LIKELY or kept.mean() < LIKELY:
        return None
    kept = rule.kept(link)
    rows, broken = len(kept), int((~kept).sum())
    values = link.child[column].take(link.used)
    choices = len(link.child.names()) * len(link.parent.names())
    independent = _independent(link, values.known)
    rounded = rule.factor != 1 and not _is_unrounded(link, rule)
    if not is_sure(values.plain[values.known], independent, choices=choices, rounded=rounded):
        return None
    if rule.factor != 1 and len(np.unique(values.plain[values.known])) <= 2:
        return None
    if broken and has_exceptions(np.where(values.known, values.plain, -1), broken):
        return _by_parents(link, rule, kept)
    return Found(rule, rows, broken) if not broken or is_worth_telling(rows, broken) else None


def _by_parents(link: Link, rule: Copy, kept: NDArray[np.bool_]) -> Found:
    """A copy with its exceptions: those of few parents, or single rows."""
    parents = link.rows[link.used]
    broken = int((~kept).sum())
    of = np.unique(parents[~kept])
    whole = broken >= WHOLE * int(np.isin(parents, of).sum())
    return Found(rule, len(kept), broken, parents=len(of), whole=whole)


def _independent(link: Link, known: NDArray[np.bool_]) -> int:
    """Parents whose children have a value: those of one parent may be alike without being told."""
    parents: Rows = link.rows[link.used][known]
    return len(np.unique(parents))


def _factor(mine: Values, theirs: Values) -> float | None:
    """The factor of fewest digits that nearly all rows have; 1 where that does."""
    known = mine.known & theirs.known & (theirs.plain != 0)
    if not known.any():
        return None
    x, y = theirs.plain[known], mine.plain[known]
    room = mine.room(np.abs(y))
    if (np.abs(x - y) <= room).mean() >= LIKELY:
        return 1.0
    ratio = float(np.median(y / x))
    if not np.isfinite(ratio) or ratio == 0:
        return None
    for digits in range(_DIGITS):
        factor = float(f"{ratio:.{digits}e}")
        if (np.abs(factor * x - y) <= room).mean() >= LIKELY:
            return factor
    return None


def _is_unrounded(link: Link, rule: Copy) -> bool:
    mine, theirs = link.child[rule.column], link.parent[rule.source]
    used = link.used
    computed = theirs.take(link.rows[used]).plain * rule.factor
    apart = np.abs(computed - mine.take(used).plain)
    step = 10.0 ** -(mine.decimals or 0)
    return bool(np.nanmax(apart, initial=0.0) <= 1e-6 * step)

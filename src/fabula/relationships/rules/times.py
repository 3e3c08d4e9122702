"""Children's times that are never before a time of their parent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.relationships.rules.evidence import FEWEST, SURE, is_sure, is_worth_telling
from fabula.relationships.rules.links import Link, aligned
from fabula.relationships.rules.plain import DAY
from fabula.relationships.rules.rule import Found, Later

Times = NDArray[np.int64]

_OFTENER = 5
"""So much oftener chance must break an order than the rows do, for a near miss."""


def find_times(link: Link) -> Iterator[Found]:
    """Times of children that are the same as their parent's, or never before it.

    In a table that points at itself only one column in different rows is compared.
    """
    own = link.key.child == link.key.parent
    for family in ("time", "zoned time"):
        columns, sources = link.child.names(family), link.parent.names(family)
        choices = max(len(columns) * len(sources), 1)
        for column in columns:
            for source in [column] if own else sorted(sources, key=lambda name: name != column):
                found = _judged(link, column, source, choices)
                if found is not None:
                    yield found


def _judged(link: Link, column: str, source: str, choices: int) -> Found | None:
    mine, theirs = aligned(link, column, source)
    both = mine.known & theirs.known
    if both.sum() < FEWEST:
        return None
    t, since = mine.plain[both], theirs.plain[both]
    near: Found | None = None
    for daily in (False, True) if mine.is_daily and not theirs.is_daily else (False,):
        start = since // DAY * DAY if daily else since
        broken = int((t < start).sum())
        rule = Later(link.key, column, source, bool((t == start).all()), daily)
        if rule.equal and is_sure(t, len(np.unique(link.rows[link.used][both])), choices=choices):
            return Found(rule, len(t))
        if not broken and _is_no_chance(t, start, choices):
            return Found(replace(rule, equal=False), len(t))
        rare = _shuffled(t, start) * len(t) >= _OFTENER * broken
        if broken and rare and is_worth_telling(len(t), broken):
            near = Found(rule, len(t), broken)
    return near


def _is_no_chance(t: Times, since: Times, choices: int) -> bool:
    """Whether an order can't be chance: with one side shuffled it would be broken so often."""
    said = -len(t) * np.log2(max(1 - _shuffled(t, since), 1e-300))
    return bool(said >= SURE + 2 * np.log2(choices))


def _shuffled(t: Times, since: Times) -> float:
    """The share of rows that break the order where one side is shuffled."""
    before: Any = np.searchsorted(np.sort(t), since, "left")
    return float(before.mean()) / len(t)

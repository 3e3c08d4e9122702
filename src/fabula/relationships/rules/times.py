"""Children's times that are never before a time of their parent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey
from fabula.relationships.rules.evidence import FEWEST, SURE, is_sure, is_worth_telling
from fabula.relationships.rules.links import Link, aligned
from fabula.relationships.rules.plain import DAY, Plain
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
                if not own and (ending := _ending(link, column, source, choices)) is not None:
                    yield ending


def find_row_times(table: Plain) -> Iterator[tuple[str, str, int]]:
    """Times of a table that are never before another one of their row, and the longest distance.

    Of several earlier times a time has the nearest one.
    """
    rows = np.arange(table.rows)
    key = ForeignKey("", (), "", ())
    link = Link(key, table, table, rows)
    found: dict[str, tuple[int, str]] = {}
    names = [name for family in ("time", "zoned time") for name in table.names(family)]
    for column in names:
        for source in names:
            if column == source or table.family(column) != table.family(source):
                continue
            if any((column, source) == (low, high) for high, (_, low) in found.items()):
                continue
            item = _judged(link, column, source, len(names) ** 2)
            if item is None or item.broken:
                continue
            mine, theirs = aligned(link, column, source)
            apart = (mine.plain - theirs.plain)[mine.known & theirs.known]
            if not apart.any():
                continue  # one time in two columns
            if column not in found or int(apart.max()) < found[column][0]:
                found[column] = (int(apart.max()), source)
    for column, (longest, source) in found.items():
        yield column, source, longest


def _ending(link: Link, column: str, source: str, choices: int) -> Found | None:
    """A child's time that is never after its parent's."""
    mine, theirs = aligned(link, column, source)
    both = mine.known & theirs.known
    t, until = mine.plain[both], theirs.plain[both]
    if both.sum() < FEWEST or (t > until).any() or (t == until).all():
        return None
    if not _is_no_chance(-t, -until, choices):
        return None
    return Found(Later(link.key, column, source, until=True), len(t))


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

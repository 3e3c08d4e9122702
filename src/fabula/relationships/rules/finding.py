"""From tables with their keys to the rules across them that hold on every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from fabula.relationships.keys import ForeignKey, Keys
from fabula.relationships.rules.copies import find_copies
from fabula.relationships.rules.links import links_between
from fabula.relationships.rules.plain import Rows
from fabula.relationships.rules.rule import Copy, Found, Later, Place, Rule
from fabula.relationships.rules.times import find_times
from fabula.relationships.rules.totals import find_totals


@dataclass(frozen=True)
class RulesAcross:
    """Rules across tables.

    Attributes:
        kept: Rules that hold on every row; no column follows from two of them, but a time may be
            later than several others.
        near: Rules that hold on nearly all rows.
        second: Rules that hold as well, of a column that follows from another rule already.
    """

    kept: tuple[Found, ...] = ()
    near: tuple[Found, ...] = ()
    second: tuple[Found, ...] = ()


def find_rules(
    tables: Mapping[str, pa.Table], keys: Keys, rows: Mapping[ForeignKey, Rows] | None = None
) -> RulesAcross:
    """Copies, totals and times that hold on all rows of some tables, and those that nearly do.

    Args:
        tables: Tables by name; times are times, not texts.
        keys: Their keys.
        rows: The parent's row of each child by foreign key, if it is known already.
    """
    links = [link for link in links_between(tables, keys, rows) if len(link.used)]
    outward = [link for link in links if link.key.child != link.key.parent]
    copies = [item for link in outward for item in find_copies(link)]
    times = [item for link in links for item in find_times(link)]
    alike = {(item.rule.key, item.rule.column) for item in (*copies, *times) if _repeats(item.rule)}
    totals = [
        item
        for link in links
        for item in find_totals(link, {name for key, name in alike if key == link.key})
    ]
    computed = {item.rule.target for item in totals if not item.broken}
    times = [item for item in times if not computed.intersection(item.rule.sources)]
    return _sorted_out([*copies, *totals, *times])


def _repeats(rule: Rule) -> bool:
    """Whether a column is the same for all children of a parent."""
    return isinstance(rule, Copy) or (isinstance(rule, Later) and rule.equal)


def _sorted_out(found: list[Found]) -> RulesAcross:
    """One rule for each column, but for times that are later than several others."""
    kept: list[Found] = []
    second: list[Found] = []
    given: set[Place] = set()
    for item in sorted((item for item in found if not item.broken), key=_is_order):
        (second if item.rule.target in given else kept).append(item)
        if not _is_order(item):
            given.add(item.rule.target)
    near = tuple(item for item in found if item.broken and item.rule.target not in given)
    return RulesAcross(tuple(kept), near, tuple(second))


def _is_order(item: Found) -> bool:
    return isinstance(item.rule, Later) and not item.rule.equal

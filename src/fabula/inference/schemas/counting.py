"""Whole numbers that tell the rows of a table apart, alone or within a parent."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fabula.databases.schema import Table
from fabula.inference.schemas.kinds import type_name

_LONG = ("INT", "BIGINT", "UINT", "UBIGINT")


def number_within(
    table: Table, linked: Collection[str], driver: str | None, once: Collection[str]
) -> str | None:
    """The whole number that tells the rows of one parent apart: `line_no` of an order.

    Args:
        table: The table.
        linked: Columns of foreign keys.
        driver: The one whose parent decides how many rows there are.
        once: Columns that never repeat by themselves.
    """
    for group in _groups(table):
        own = [name for name in group if name not in linked]
        if len(own) == 1 and driver in group:
            column = table.columns[own[0]]
            if "INT" in type_name(column.type) and not column.identity and own[0] not in once:
                return own[0]
    return None


def counted(table: Table, linked: Collection[str]) -> set[str]:
    """The whole number of a key of several columns that nothing else tells apart."""
    found = set()
    for group in _groups(table):
        if not set(group) & set(linked):
            whole = [name for name in group if type_name(table.columns[name].type) in _LONG]
            found |= set(whole[:1])
    return found


def _groups(table: Table) -> Iterator[tuple[str, ...]]:
    """Keys and unique groups of several columns."""
    for group in (table.primary_key, *(once.columns for once in table.uniques)):
        if len(group) > 1:
            yield group

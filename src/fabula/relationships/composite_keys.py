"""Which columns of a child point at a composite key, part by part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from fabula.relationships.column_names import name_words
from fabula.relationships.key_names import ENDINGS, FULL, likeness

Columns: TypeAlias = tuple[str, ...]


def matching(
    key: tuple[str, Columns],
    child: tuple[str, Collection[str]],
    stem: Columns,
    targets: Mapping[str, tuple[str, Columns]],
) -> list[Columns]:
    """The columns of a child that are named like the parts of a composite key.

    Further ones share all columns with the first but one: a second address of one tenant.

    Args:
        key: The parent and its key.
        child: The child and its usable columns.
        stem: The words of the parent's name.
        targets: What single columns, as `table.column`, point at.
    """
    parent, parts = key
    name, usable = child
    columns: list[str] = []
    further: list[tuple[int, str]] = []
    for at, part in enumerate(parts):
        target = targets.get(f"{parent}.{part}")
        same = [column for column in usable if name_words(column) == name_words(part)]
        beside = [
            column
            for column in usable
            if (target and targets.get(f"{name}.{column}") == target)
            or likeness(column, stem, part, own=False) >= FULL
        ]
        choice = [column for column in (*same, *beside) if column not in columns]
        if not choice:
            return []
        columns.append(choice[0])
        own = () if {*name_words(part)} - {*ENDINGS} else stem
        further += [
            (at, column)
            for column in dict.fromkeys(choice)
            if likeness(column, own, part, own=False) >= FULL and f"{name}.{column}" not in targets
        ]
    return [
        tuple(columns),
        *(
            (*columns[:at], column, *columns[at + 1 :])
            for at, column in further
            if column not in columns
        ),
    ]

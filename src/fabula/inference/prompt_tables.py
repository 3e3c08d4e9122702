"""Several related tables from a text that lists the columns of each below its name.

::

    1. Housing (100 rows)
       - id (increasing)
       - location id (foreign key to Location)
    2. Location
       - id
       - city

A line `customers: id, name, email` says the same on one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from fabula.inference.guesses import words
from fabula.inference.prompts import Listed, column_of, count_of, items_of, listed_column
from fabula.spec import col
from fabula.spec.columns import AbstractColumn
from fabula.spec.tables import DatasetSpec, TableSpec

_MARKS = r"[*_`\"]*"
_BRACKETS = r"[ \t]*(\([^)]*\))?[ \t]*"
_NUMBERED = r"(?:(?:\d{1,2}|[a-z])[.)]|#+)?[ \t]*"
_HEAD = re.compile(
    rf"[ \t]*{_NUMBERED}{_MARKS}([^\s:*`\"(][^:*`\"(]{{0,60}}?){_MARKS}{_BRACKETS}:?[ \t]*{_MARKS}"
)
_BULLET = re.compile(r"[ \t]*[-*•–][ \t]+(\S.*)")
_ONE_LINE = re.compile(
    rf"[ \t]*(?:\d{{1,2}}[.)]|[-*•–])?[ \t]*{_MARKS}([A-Za-z_][\w -]{{0,40}}?){_MARKS}{_BRACKETS}"
    r":[ \t]+([^:]+,[^:]+)"
)
_LINK = re.compile(r"foreign key|refer(s|ences?|ring)\b|\bfk\b|\bid of (a|an|the)\b", re.I)
_NOISE = re.compile(r"\b(table|data ?frame|data|dataset|csv|rows?)\b", re.I)


@dataclass
class _Block:
    """A table as the text lists it."""

    head: str
    columns: list[Listed] = field(default_factory=list)


def tables_from_prompt(text: str) -> DatasetSpec | None:
    """The related tables that a text lists; None where it lists fewer than two.

    Columns called `location_id`, or described as a foreign key to `Location`, become references.
    """
    blocks = [block for block in _blocks(text) if block.columns]
    names = [_table_name(block.head) for block in blocks]
    if len(blocks) < 2 or len(set(names)) < len(names) or not all(names):
        return None
    made = {name: _columns(block) for name, block in zip(names, blocks, strict=True)}
    keyed = {name for name, columns in made.items() if "key" in {c.kind for c in columns.values()}}
    tables = {}
    for name, block in zip(names, blocks, strict=True):
        links = _links(name, block, keyed)
        columns = {**made[name], **links}
        tables[name] = TableSpec(name, n=count_of(block.head), columns=columns)
    return DatasetSpec(name="dataset", description=text, tables=tables)


def _blocks(text: str) -> list[_Block]:
    """Names with the columns below them, or on their line."""
    lines = [line for line in text.splitlines() if line.strip()]
    blocks: list[_Block] = []
    for line, after in zip_longest(lines, lines[1:], fillvalue=""):
        bullet, inline = _BULLET.fullmatch(line), _ONE_LINE.fullmatch(line)
        head = _HEAD.fullmatch(line)
        if inline and not (bullet and blocks and blocks[-1].columns and "(" in line):
            columns = [listed_column(item) for item in items_of(inline[3])]
            blocks.append(_Block(f"{inline[1]} {inline[2] or ''}", columns))
        elif bullet and blocks:
            blocks[-1].columns.append(listed_column(bullet[1]))
        elif head and not bullet and _BULLET.fullmatch(after):
            blocks.append(_Block(f"{head[1]} {head[2] or ''}"))
    return blocks


def _table_name(head: str) -> str:
    return words(_NOISE.sub("", head.partition("(")[0]))


def _columns(block: _Block) -> dict[str, AbstractColumn]:
    return {item.name: column_of(item, first=not at) for at, item in enumerate(block.columns)}


def _links(table: str, block: _Block, keyed: set[str]) -> Mapping[str, AbstractColumn]:
    """Columns that refer to the key of another table."""
    links: dict[str, AbstractColumn] = {}
    for place, item in enumerate(block.columns):
        name, about = words(item.name), words(item.about)
        for parent in keyed:
            stems = {parent, parent.removesuffix("s"), re.sub(r"ies$", "y", parent)}
            named = any(name in (f"{stem}_id", f"{stem}_key", f"id_{stem}") for stem in stems)
            told = _LINK.search(item.about) and any(
                re.search(rf"(^|_){re.escape(stem)}(s|_|$)", about) for stem in stems
            )
            if (named or told) and not (parent == table and place == 0):
                nulls = 0.1 if "optional" in about or parent == table else 0.0
                links[item.name] = col.reference(parent, nulls=nulls, description=item.about)
    return links

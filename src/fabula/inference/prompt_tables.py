"""Several related tables from a text that lists the columns of each below its name.

::

    1. Housing (100 rows)
       - id (increasing)
       - location id (foreign key to Location)
    2. Location
       - id
       - city

A line or sentence `customers: id, name, email` says the same, as does `customers (id, name, email)`
in the middle of one. Lines of prose may be between a numbered name and its columns. `+ any
relevant foreign keys` leaves it to the writer which links a table has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from fabula.inference.guesses import words
from fabula.inference.prompts import (
    Listed,
    column_of,
    count_of,
    is_column_name,
    items_of,
    listed_column,
)
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
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
_ABOVE = re.compile(r"(manager|supervisor|boss|parent|lead|leader|reports_to|superior)(_id)?")
"""Columns that point to another row of their own table."""
_ANY_LINKS = re.compile(r"\bany\b.*\bforeign keys?\b", re.I)
_FEW_WORDS = 8
_NUMBERED_HEAD = re.compile(r"\s*(?:\d{1,2}[.)]|#+)\s*\S+(?:\s+\S+){0,4}\s*:?\s*$")
_LISTING = re.compile(r"[a-z)][.;!?]\s+[A-Z][\w -]{0,40}:\s+[^:]*,")
_SENTENCE_END = re.compile(r"(?<=[a-z)][.;!?])\s+(?=[A-Z])")
_IN_BRACKETS = re.compile(r"(?:(\d[\d,]*)\s+)?\b([A-Za-z_]\w*)\s*\(([^()]*,[^()]*)\)")
_COLUMN_NAME = re.compile(r"[A-Za-z_]\w*(?:[ -]\w+){0,3}")
_NOISE = re.compile(r"\b(table|data ?frame|data|dataset|csv|rows?)\b", re.I)


@dataclass
class _Block:
    """A table as the text lists it.

    Attributes:
        head: Its name, with what a bracket adds.
        about: What else is said about it, such as its number of rows.
        columns: Its columns.
        any_links: Whether it may have links that are not listed.
    """

    head: str
    about: str = ""
    columns: list[Listed] = field(default_factory=list)
    any_links: bool = False


def tables_from_prompt(text: str) -> DatasetSpec | None:
    """The related tables that a text lists; None if it lists fewer than two.

    Columns called `location_id`, or described as a foreign key to `Location`, become references.
    """
    named = _named_blocks(text)
    if not named:
        return None
    made = {name: _columns(block) for name, block in named.items()}
    keyed = {name for name, columns in made.items() if _key_of(columns)}
    tables = {}
    for name, block in named.items():
        links = _links(name, block, keyed)
        columns = {**made[name], **links}
        size = count_of(f"{block.head}\n{block.about}") or _count_by_name(text, name)
        tables[name] = TableSpec(name, n=size, columns=columns)
    return DatasetSpec(name="dataset", description=text, tables=tables)


def with_any_links(text: str) -> frozenset[str]:
    """The tables of a text that may have links which it does not list."""
    return frozenset(name for name, block in _named_blocks(text).items() if block.any_links)


def links_by_name(table: str, columns: Iterable[str], keyed: Collection[str]) -> dict[str, str]:
    """Which columns refer to which table, by names such as `location_id` alone."""
    found = {}
    for name in columns:
        for parent in keyed:
            forms = {f"{stem}_{end}" for stem in _stems(parent) for end in ("id", "key")}
            if words(name) in forms and parent != table:
                found[name] = parent
    return found


def _named_blocks(text: str) -> dict[str, _Block]:
    """The tables of a text by name; none if it names fewer than two, or one twice."""
    for read in (_blocks, _bracketed):
        blocks = [block for block in read(text) if block.columns]
        names = [_table_name(block.head) for block in blocks]
        listed = all(is_column_name(item.name) for block in blocks for item in block.columns)
        if listed and len(blocks) > 1 and len(set(names)) == len(names) and all(names):
            return dict(zip(names, blocks, strict=True))
    return {}


def _blocks(text: str) -> list[_Block]:
    """Names with the columns below them, or on their line."""
    lines = [line for line in _sentences(text) if line.strip()]
    blocks: list[_Block] = []
    heading: _Block | None = None
    for line, after in zip_longest(lines, lines[1:], fillvalue=""):
        bullet, inline = _BULLET.fullmatch(line), _ONE_LINE.fullmatch(line)
        head = _HEAD.fullmatch(line)
        if blocks and _ANY_LINKS.search(line) and len(line.split()) <= _FEW_WORDS:
            blocks[-1].any_links = True
        elif inline and not (bullet and blocks and blocks[-1].columns and "(" in line):
            columns = [listed_column(item) for item in items_of(inline[3])]
            blocks.append(_Block(f"{inline[1]} {inline[2] or ''}", columns=columns))
        elif bullet and heading is not None:
            heading.columns.append(listed_column(bullet[1]))
            blocks.append(heading)
            heading = None
        elif bullet and blocks:
            blocks[-1].columns.append(listed_column(bullet[1]))
        elif head and (
            _NUMBERED_HEAD.match(line) or (_BULLET.fullmatch(after) and heading is None)
        ):
            heading = _Block(f"{head[1]} {head[2] or ''}")
        elif heading is not None:
            heading.about += f"{line}\n"
    return blocks


def _sentences(text: str) -> Iterator[str]:
    """The lines of a text, those that list columns in a sentence cut into sentences."""
    for line in text.splitlines():
        yield from _SENTENCE_END.split(line) if _LISTING.search(line) else (line,)


def _bracketed(text: str) -> Iterator[_Block]:
    """Names with their columns in brackets: `students (id, name) and 5 courses (id, title)`."""
    for found in _IN_BRACKETS.finditer(text):
        items = list(items_of(found[3]))
        if all(_COLUMN_NAME.fullmatch(item) for item in items):
            columns = [listed_column(item) for item in items]
            yield _Block(found[2], f"{found[1]} rows" if found[1] else "", columns)


def _count_by_name(text: str, table: str) -> int | None:
    """The only number that precedes a table's name: `120 employees`."""
    name = re.escape(table).replace("_", "[ _]")
    found = re.findall(rf"(?<![\w.,])(\d[\d,]*)\s+{name}\b", text, re.I)
    return int(found[0].replace(",", "")) if len(found) == 1 else None


def _table_name(head: str) -> str:
    return words(_NOISE.sub("", head.partition("(")[0]))


def _key_of(columns: Mapping[str, AbstractColumn]) -> bool:
    return "key" in {column.kind for column in columns.values()}


def _stems(table: str) -> set[str]:
    return {table, table.removesuffix("s"), re.sub(r"ies$", "y", table)}


def _columns(block: _Block) -> dict[str, AbstractColumn]:
    return {item.name: column_of(item, first=not at) for at, item in enumerate(block.columns)}


def _links(table: str, block: _Block, keyed: set[str]) -> Mapping[str, AbstractColumn]:
    """Columns that refer to the key of another table."""
    links: dict[str, AbstractColumn] = {}
    for place, item in enumerate(block.columns):
        name, about = words(item.name), words(item.about)
        for parent in keyed:
            stems = _stems(parent)
            named = any(name in (f"{stem}_id", f"{stem}_key", f"id_{stem}") for stem in stems)
            told = _LINK.search(item.about) and any(
                re.search(rf"(^|_){re.escape(stem)}(s|_|$)", about) for stem in stems
            )
            of_itself = parent == table and _ABOVE.fullmatch(name) is not None
            if (named or told or of_itself) and not (parent == table and place == 0):
                nulls = 0.1 if "optional" in about or parent == table else 0.0
                links[item.name] = col.reference(parent, nulls=nulls, description=item.about)
    return links

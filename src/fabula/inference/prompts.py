"""A table from a sentence that lists its columns: `10 rows of housing data: id, house price, …`.

Columns follow a colon, or on lines of their own with a dash; what a bracket or a dash adds
to a name describes it. Types follow from names, units and descriptions, the rest of the text goes
to the model. Names stay exactly as they are written, units in brackets included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fabula.errors import UsageError
from fabula.inference.check_shorthand import with_said_relations
from fabula.inference.guesses import words
from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.tables import DatasetSpec, TableSpec

EXAMPLE = '"10 rows of housing data: id, house size (m^2), house price, location"'

_HEAD = re.compile(r"(?:^|(?<=[.!?\n]))(?:[^:,\"'./={}!?\n]|(?<=\d),(?=\d)){3,}:(?=\s)")
_BULLET = re.compile(r"[ \t]*(?:[-*•–]|\d{1,3}[.)])[ \t]+(\S.*)")
_DEFINITION = re.compile(r"[ \t]*([^\s:,.][^:,.]{0,60}?)(?:[ \t]+[-–—][ \t]+|:[ \t]+)(\S.*)")
_LIST_ITEM = re.compile(r"(?:[^,;([{\n]|\([^)]*\)|\[[^\]]*\]|\{[^}]*\})+")
_LIST_END = re.compile(r"\n|(?<=[^\s.])\.(?=\s|$)")
_BRACKET = re.compile(r"(.*?)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*", re.S)
_NUMBER = r"\d{1,3}(?:[,_]\d{3})+|\d{1,9}"
_COUNT = re.compile(
    rf"(?<![\w.,])({_NUMBER})(?=\s+(?:[\w-]+\s+){{0,4}}?"
    r"(?:rows?|records?|entries|examples?|samples?|data ?points?|items?|lines?|observations?)\b)"
    rf"|^\s*(?:\w+\s+){{0,2}}?(?!(?:19|20)\d\d\b)({_NUMBER})(?=\s+(?!(?:[\w-]+\s+){{0,2}}(?:tables|columns|files)\b)[a-z])",
    re.I,
)
_OF_FORMAT = re.compile(r"\b(csv|respon[ds]e?|reply|output|format)\b", re.I)
_VERB = re.compile(
    r"^\W*(?:(?:please|create|generate|make|give me|write|an?|the|csv|file|table|with|python"
    r"|program|script|code|to|that (?:creates|generates|makes|writes))\s+)+",
    re.I,
)
_FILLING = re.compile(
    r"^(?:\W*(?:random|but|realistic|rows?|records?|data ?points?|entries|examples?|of)\b)+", re.I
)
_MOST_WORDS = 6
_RANGE = re.compile(
    r"\b(?:from |between )?(-?\d+(?:\.\d+)?)\s*(?:-|–|to|and|\.\.)\s*(-?\d+(?:\.\d+)?)\b"
)


@dataclass(frozen=True)
class Listed:
    """One column as the text lists it."""

    name: str
    about: str = ""


@dataclass(frozen=True)
class _Parsed:
    """The text taken apart: its columns, and what is said besides."""

    columns: Sequence[Listed]
    about: str


def is_prompt(text: str) -> bool:
    """Whether a text is a sentence in words rather than one line of columns and kinds."""
    if _bulleted(text) or _HEAD.search(text.strip()):
        return True
    start = text.partition(",")[0].split()
    if len(start) < 4 or not start[0].isalnum():
        return False
    kinds = [*KINDS, "int", "float", "bool", "date"]
    return not get_close_matches(start[1].partition(".")[0], kinds, n=1, cutoff=0.7)


def spec_from_prompt(text: str) -> DatasetSpec:
    """The spec of the one table that a sentence describes.

    Args:
        text: A sentence with a list of columns after a colon, or on lines with dashes.

    Raises:
        UsageError: No columns are listed, or one is listed twice.

    Examples:
        >>> spec = spec_from_prompt("10 rows of housing data: id, house size (m^2), location")
        >>> {name: column.kind for name, column in spec.tables["housing_data"].columns.items()}
        {'id': 'key', 'house size (m^2)': 'llm', 'location': 'llm'}
        >>> spec.tables["housing_data"].n
        10
    """
    parsed = _parse(text.strip())
    if parsed is None or not parsed.columns:
        raise UsageError(
            "the sentence does not list its columns",
            code="usage.no-columns",
            hint=f"list the columns after a colon: {EXAMPLE}",
        )
    columns: dict[str, AbstractColumn] = {}
    for listed in parsed.columns:
        if listed.name in columns:
            raise UsageError(
                f"the sentence lists `{listed.name}` twice",
                code="usage.repeated-column",
                hint="give each column another name",
            )
        columns[listed.name] = column_of(listed, first=not columns)
    name, about = _table_name(parsed.about), _subject(parsed.about)
    table = TableSpec(name, n=count_of(parsed.about), columns=columns, prompt=about)
    return with_said_relations(DatasetSpec(name=name, tables={name: table}), text)


def _parse(text: str) -> _Parsed | None:
    """The columns and the rest of a text; None if no list is found."""
    bullets = _bulleted(text)
    if bullets:
        return _Parsed([listed_column(line) for line in bullets], _without(text, _BULLET))
    found = _HEAD.search(text)
    if found is None:
        return None
    head, body = text[: found.end() - 1], text[found.end() :].lstrip()
    end = _LIST_END.search(body)
    inline, rest = (body[: end.start()], body[end.end() :]) if end else (body, "")
    items = [listed_column(item) for item in items_of(inline)]
    described = dict(_definitions(rest, [item.name for item in items]))
    items = [Listed(item.name, described.get(item.name, item.about)) for item in items]
    return _Parsed(items, f"{head}.\n{_without(rest, _DEFINITION) if described else rest}")


def _bulleted(text: str) -> list[str]:
    """The lines that begin with a dash, a star or a number."""
    found = [_BULLET.fullmatch(line) for line in text.splitlines()]
    return [match[1].strip() for match in found if match]


def _without(text: str, pattern: re.Pattern[str]) -> str:
    return "\n".join(line for line in text.splitlines() if not pattern.fullmatch(line))


def items_of(text: str) -> Iterator[str]:
    """The items of a list with commas; brackets keep theirs, and the last may follow an `and`."""
    items = [item.strip() for item in _LIST_ITEM.findall(text)]
    items = [item for item in items if item]
    for place, item in enumerate(items):
        last = place == len(items) - 1 and place > 0
        if last and item.startswith("and "):
            yield item[4:].strip()
        elif last and " and " in item:
            yield from (part.strip() for part in item.split(" and ", 1))
        else:
            yield item


def _definitions(text: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`Name - what it is` for names of the list."""
    for line in text.splitlines():
        found = _DEFINITION.fullmatch(line)
        if found and found[1].strip("`*\"' ") in names:
            yield found[1].strip("`*\"' "), found[2].strip()


def listed_column(item: str) -> Listed:
    """A column's name and description; a unit in brackets belongs to the name."""
    text = item.strip().rstrip(".;")
    defined = _DEFINITION.fullmatch(text)
    name, about = (defined[1], defined[2]) if defined else (text, "")
    name = name.strip().strip("`*\"'").strip()
    bracket = _BRACKET.fullmatch(name)
    if bracket and not _is_unit(bracket[2]):
        name, about = bracket[1], f"{bracket[2]} {about}".strip()
    return Listed(name, about.strip())


def _is_unit(text: str) -> bool:
    """Whether a bracket holds a unit (`m^2`, `EUR`, `per month`), not a description."""
    few = len(text.split()) <= 2 and "," not in text
    return (
        few and not _HINTS.search(text) and not re.fullmatch(r"\w+(/\w+)+|.*\d+\s*-\s*\d+.*", text)
    )


def is_column_name(name: str) -> bool:
    """Whether a listed item can be a column's name, rather than a piece of a sentence."""
    return not re.match(r"\d", name) and len(name.split()) <= _MOST_WORDS


def column_of(listed: Listed, *, first: bool) -> AbstractColumn:
    """The column that a name and its description ask for."""
    name, about = words(listed.name), listed.about
    if _INCREASING.search(about) or name in ("id", "row_id", "row_number", "index"):
        return col.key(start=_start(about), description=about)
    if first and not about and name.endswith("_id"):
        return col.key()
    choices = _choices(about)
    if choices:
        return col.llm(about, type=choices)
    kind = _kind(listed, f"{name} {about.lower()}")
    low, high = _bounds(about) if kind in ("int", "float") else (None, None)
    return col.llm(about, type=kind, min=low, max=high)


def _kind(listed: Listed, told: str) -> str:
    """The type that names, units and descriptions point to; text if nothing does."""
    name = told.partition(" ")[0]
    for kind, rule in _STATED.items():
        if re.search(rule, listed.about, re.I):
            return kind
    for kind, rule in _NAMED.items():
        if re.search(rule, name):
            return kind
    bracket = _BRACKET.fullmatch(listed.name)
    return "float" if bracket and _is_unit(bracket[2]) else "str"


def _choices(about: str) -> list[str]:
    """The listed values of `new/paid/shipped` or `one of: new, paid, shipped`."""
    if re.fullmatch(r"[\w ]+(?:\s*[/|]\s*[\w ]+)+", about) and not re.search(
        r"yes\s*/\s*no|true\s*/\s*false|and/or", about, re.I
    ):
        return [part.strip() for part in re.split(r"[/|]", about)]
    found = re.match(r"(?:one of|either|any of)\s*:?\s+(.+)", about, re.I)
    parts = re.split(r"\s*,\s*(?:or\s+)?|\s+or\s+", found[1]) if found else []
    return [part.strip(" '\"`.") for part in parts if part.strip()]


def _bounds(about: str) -> tuple[float | None, float | None]:
    found = _RANGE.search(about)
    return (float(found[1]), float(found[2])) if found else (None, None)


def _start(about: str) -> int:
    found = re.search(r"(?:start\w*|from|begin\w*)\D{0,12}(\d+)", about)
    return int(found[1]) if found else 1


def count_of(about: str) -> int | None:
    """How many rows a text asks for; None if it does not say."""
    return next(iter(counts_of(about)), None)


def counts_of(about: str) -> list[int]:
    """Every number of rows that a text speaks of, in its order."""
    return [int(re.sub(r"\D", "", many or few)) for many, few in _COUNT.findall(about)]


def _subject(about: str) -> str:
    """The text for the model: what the rows are of, without orders about the reply's form."""
    first, *others = re.split(r"(?<=[.!?:])\s+|\n+", about)
    kept = [_rows_of(first) or first]
    kept += [part.strip() for part in others if not _OF_FORMAT.search(part) and part[-1:] != ":"]
    return ". ".join(part.strip().rstrip(".:") for part in kept if part.strip())


def _rows_of(sentence: str) -> str:
    """What stays of `Create a CSV file with 10 rows of housing data.`: `housing data`."""
    rest = _COUNT.sub("", _VERB.sub("", sentence), count=1)
    return _FILLING.sub("", rest).strip(" .:")


def _table_name(about: str) -> str:
    """A name for the table: the first words of what the rows are of."""
    named = words(" ".join(_rows_of(about.partition("\n")[0]).split()[:3]))
    return named if re.match(r"[a-z]", named) else "rows"


_INCREASING = re.compile(r"increment|increasing|sequential|serial|auto.?(number|increment)", re.I)
_HINTS = re.compile(
    r"increment|increasing|sequential|integer|float|decimal|number|text|string|bool|yes|true|date"
    r"|unique|optional|start|one of|either|free",
    re.I,
)
_STATED = {
    "bool": r"\byes\s*(/|or)\s*no\b|\btrue\s*(/|or)\s*false\b|\bbool",
    "int": r"\b(integer|whole number|how many|number of|count of|int)\b",
    "date": r"\b(iso )?date\b",
    "float": r"\b(decimal|float|in (us )?(dollars?|euros?|pounds?|cents?)|(us)?d?ollars?)\b"
    r"|\b(EUR|USD|GBP)\b|[€$£]",
}
"""Types by what a description says, first match first."""

_NAMED = {
    "bool": r"^(is|has|can|was|with)_|(^|_)(flag|active|enabled)$",
    "date": r"(^|_)(date|day|dob|birthday|born)$|(^|_)date_|_(at|on)$",
    "int": r"(^|_)(number|count|no)_of_|(^|_)(count|quantity|qty|inventory|stock|units|years?|age"
    r"|bedrooms?|bathrooms?|rooms?|floors?|children|points|votes|visits|population|rank)($|_)",
    "float": r"(^|_)(price|cost|amount|size|area|weight|height|width|length|depth|distance|rate"
    r"|ratio|percent|percentage|share|salary|income|revenue|wage|score|rating|temperature|balance"
    r"|total|fee|tax|discount|charge|payment|lat|lon|latitude|longitude|speed|volume|duration"
    r"|budget|spend)s?($|_(?!name|type|category|range|level|label|class|method|status))",
}
"""Types by name, first match first."""

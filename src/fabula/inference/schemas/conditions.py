"""CHECK constraints taken apart: what they say about one column, and what is left as a condition.

Databases rewrite conditions when they keep them: PostgreSQL turns `status IN ('new', 'paid')` into
`status::text = ANY (ARRAY['new'::character varying, …]::text[])`. Brackets and casts are looked
through, so that both forms mean the same here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlglot import exp

from fabula.inference.schemas.literals import Literal, bare, literal_of, moment_of
from fabula.inference.schemas.patterns import regex_of

_LENGTHS = {"char_length", "character_length", "octet_length", "length", "len", "cardinality"}
_MIRRORED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.LT,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
}
_DAY = r"20[0-2][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
COUNTS = ("num_nonnulls", "num_nulls")
"""Functions that count gaps."""


@dataclass
class Facts:
    """What conditions say about one column.

    Attributes:
        values: The only values, if they are listed.
        low: The lowest value.
        high: The highest value.
        above: Whether `low` itself is excluded.
        below: Whether `high` itself is excluded.
        pattern: The regular expression that values match.
        shortest: Fewest characters.
        longest: Most characters.
        json: What the JSON is: `object`, `array`, or another type's name.
        rules: What people call the conditions.
        case: `lower` or `upper`, where all letters are such.
        said: The conditions themselves, each with what it is about: `values`, `bounds`, `pattern`,
            `lengths`, `json` or `case`.
    """

    values: tuple[Literal, ...] = ()
    low: Any = None
    high: Any = None
    above: bool = False
    below: bool = False
    pattern: str | None = None
    shortest: int = 0
    longest: int | None = None
    json: str | None = None
    case: str = ""
    rules: str = "CHECK"
    said: list[tuple[str, exp.Expression]] = field(default_factory=list)

    def beyond(self, kept: Iterable[str]) -> Iterator[exp.Expression]:
        """The conditions that are about something else."""
        return (condition for about, condition in self.said if about not in kept)

    def narrow(self, sign: type[exp.Expression], bound: Any) -> None:
        """Take a bound where it is narrower than the known one."""
        if sign in (exp.GT, exp.GTE):
            if self.low is None or not _is_less(bound, self.low):
                self.low, self.above = bound, sign is exp.GT
        elif self.high is None or not _is_less(self.high, bound):
            self.high, self.below = bound, sign is exp.LT


@dataclass
class Conditions:
    """What the checks of a table say.

    Attributes:
        facts: Of single columns, by name.
        orders: Columns that follow another one: later, earlier, and whether they may be equal.
        others: Whole conditions that say something else.
        gaps: Columns whose gaps a condition asks about.
    """

    facts: dict[str, Facts] = field(default_factory=dict)
    orders: list[tuple[str, str, bool]] = field(default_factory=list)
    others: list[exp.Expression] = field(default_factory=list)
    gaps: set[str] = field(default_factory=set)

    def of(self, column: str) -> Facts:
        """What is known about a column."""
        return self.facts.setdefault(column, Facts())


def conditions_of(
    checks: Iterator[exp.Expression] | tuple[exp.Expression, ...], names: Mapping[str, Any]
) -> Conditions:
    """What the checks of a table with these columns say."""
    found = Conditions()
    known = {name.lower(): name for name in names}
    for check in checks:
        for part in _parts(check):
            if not _take(part, found, known):
                found.others.append(part)
                found.gaps |= {
                    known[node.name.lower()]
                    for gap in part.find_all(exp.Is, exp.Anonymous)
                    if isinstance(gap, exp.Is) or gap.name.lower() in COUNTS
                    for node in gap.find_all(exp.Column)
                    if node.name.lower() in known
                }
    return found


def _parts(check: exp.Expression) -> Iterator[exp.Expression]:
    """The conditions that hold together."""
    check = bare(check)
    if isinstance(check, exp.And):
        yield from _parts(check.this)
        yield from _parts(check.expression)
    else:
        yield check


def _take(node: exp.Expression, found: Conditions, known: Mapping[str, str]) -> bool:
    """Take what one condition says; whether it was understood."""
    if node.args.get("negate"):
        return False  # `NOT LIKE`
    match node:
        case exp.Or():
            return _either(node, found, known)
        case exp.In() if not node.args.get("query"):
            return _listed(node.this, node.expressions, found, known)
        case exp.EQ() if isinstance(bare(node.expression), exp.Any):
            return _listed_in(node.this, bare(node.expression).this, found, known)
        case exp.ArrayContainedBy():
            return _listed_in(node.this, node.expression, found, known)
        case exp.EQ():
            return _equal(node, found, known) or _is_dated(node, found, known)
        case exp.Between():
            return _between(node, found, known)
        case exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
            return _compared(type(node), node.this, node.expression, found, known)
        case exp.NEQ() if literal_of(node.expression) == "":
            column = _column(node.this, known)
            if column is not None:
                found.of(column).shortest = max(found.of(column).shortest, 1)
                found.of(column).said.append(("lengths", node))
            return column is not None
        case exp.RegexpLike() | exp.RegexpILike() | exp.Like() | exp.ILike() | exp.SimilarTo():
            return _matched(node, found, known)
        case exp.Glob() | exp.RegexpFullMatch():
            return _matched(node, found, known)
    return _is_json_valid(node, found, known) or _is_dated(node, found, known)


def _either(node: exp.Or, found: Conditions, known: Mapping[str, str]) -> bool:
    """`x = 'a' OR x = 'b'`; `x IS NULL OR …` says no more than what follows."""
    sides = [bare(node.this), bare(node.expression)]
    for gap, rest in (sides, sides[::-1]):
        empty = isinstance(gap, exp.Is) and isinstance(gap.expression, exp.Null)
        if empty and not gap.args.get("negate"):
            asked = {column.name.lower() for column in rest.find_all(exp.Column)}
            if asked == {bare(gap.this).name.lower()}:
                return _take(rest, found, known)
    choices, columns = [], set()
    for side in map(bare, sides_of(node)):
        if not isinstance(side, exp.EQ) or literal_of(side.expression) is None:
            return _one_side(node, found, known)
        choices.append(side.expression)
        columns.add(_column(side.this, known))
    return len(columns) == 1 and _listed(bare(sides[1]).this, choices, found, known)


def _one_side(node: exp.Or, found: Conditions, known: Mapping[str, str]) -> bool:
    """The first side that lists values or gives a pattern, where all are about one column."""
    about = {column.name.lower() for column in node.find_all(exp.Column)}
    drawn = (exp.In, exp.EQ, exp.Like, exp.ILike, exp.RegexpLike, exp.Glob)
    sides = [side for side in map(bare, sides_of(node)) if isinstance(side, drawn)]
    return len(about) == 1 and any(_take(side, found, known) for side in sides)


def sides_of(node: exp.Or) -> list[exp.Expression]:
    """All conditions of which one holds."""
    return [side for side in node.flatten() if isinstance(side, exp.Expression)]


def _listed(
    left: exp.Expression, choices: list[exp.Expression], found: Conditions, known: Mapping[str, str]
) -> bool:
    column = _column(left, known)
    values = [literal_of(choice) for choice in choices]
    if column is None or not values or any(value is None for value in values):
        return False
    facts = found.of(column)
    listed = tuple(value for value in values if value is not None)
    if facts.values:
        listed = tuple(value for value in facts.values if value in listed)
        if not listed:
            return False
    facts.values = listed
    facts.said.append(("values", exp.In(this=left.copy(), expressions=choices)))
    return True


def _listed_in(
    left: exp.Expression, right: exp.Expression, found: Conditions, known: Mapping[str, str]
) -> bool:
    array = bare(right)
    return isinstance(array, exp.Array) and _listed(left, array.expressions, found, known)


def _between(node: exp.Between, found: Conditions, known: Mapping[str, str]) -> bool:
    ends = [node.args["low"], node.args["high"]]
    if node.args.get("symmetric"):
        values: list[Any] = [literal_of(end) for end in ends]
        if not all(isinstance(end, int | Decimal) for end in values):
            return False
        ends = ends if values[0] <= values[1] else ends[::-1]
    low, high = ends
    return _compared(exp.GTE, node.this, low, found, known) and _compared(
        exp.LTE, node.this, high, found, known
    )


def _compared(
    sign: type[exp.Expression],
    left: exp.Expression,
    right: exp.Expression,
    found: Conditions,
    known: Mapping[str, str],
) -> bool:
    """A comparison of a column, or of its length, with a constant or another column.

    Only lengths are taken where both sides are to be equal.
    """
    column, other = _column(left, known), _column(right, known)
    if sign is exp.EQ and (column is not None or other is not None):
        return False
    if column is not None and other is not None:
        later, earlier = (column, other) if sign in (exp.GT, exp.GTE) else (other, column)
        found.orders.append((later, earlier, sign in (exp.GTE, exp.LTE)))
        return True
    if column is None and other is not None:
        return _compared(_MIRRORED[sign], right, left, found, known)
    value: Any = literal_of(right)
    told = sign(this=left.copy(), expression=right.copy())
    if value is None:
        value = moment_of(right, before=sign in (exp.LT, exp.LTE))
    if column is not None and value is not None:
        found.of(column).narrow(sign, value)
        found.of(column).said.append(("bounds", told))
        return True
    size = bare(left)
    if isinstance(size, exp.Abs) and sign in (exp.LT, exp.LTE) and isinstance(value, int | Decimal):
        mirrored = exp.Neg(this=right.copy())
        return _compared(sign, size.this, right, found, known) and _compared(
            _MIRRORED[sign], size.this, mirrored, found, known
        )
    measured = _length(left, known)
    if measured is not None and isinstance(value, int):
        facts = found.of(measured)
        if sign in (exp.GT, exp.GTE, exp.EQ):
            facts.shortest = max(facts.shortest, value + (sign is exp.GT))
        if sign in (exp.LT, exp.LTE, exp.EQ):
            most = value - (sign is exp.LT)
            facts.longest = most if facts.longest is None else min(facts.longest, most)
        facts.said.append(("lengths", told))
        return True
    return False


def _matched(node: exp.Expression, found: Conditions, known: Mapping[str, str]) -> bool:
    """A regular expression, or a LIKE as one; a second one of a column stays a condition."""
    right, form = node.expression, type(node)
    if isinstance(right, exp.Anonymous) and right.name.lower() == "similar_to_escape":
        right, form = right.expressions[0], exp.SimilarTo
    column, pattern = _column(node.this, known), literal_of(right)
    if column is None or not isinstance(pattern, str) or found.of(column).pattern is not None:
        return False
    regex, facts = regex_of(form, pattern), found.of(column)
    if regex is None:
        return False
    facts.pattern = regex
    facts.said.append(("pattern", node))
    return True


def _equal(node: exp.EQ, found: Conditions, known: Mapping[str, str]) -> bool:
    """A value, a length, a case, or what JSON is."""
    kind = _json_kind(node.this)
    column = _column(kind, known) if kind is not None else None
    value = literal_of(node.expression)
    if column is not None and value is not None:
        found.of(column).json = str(value)
        found.of(column).said.append(("json", node))
        return True
    return (
        _cased(node, found, known)
        or _compared(exp.EQ, node.this, node.expression, found, known)
        or _listed(node.this, [node.expression], found, known)
    )


def _cased(node: exp.EQ, found: Conditions, known: Mapping[str, str]) -> bool:
    """`x = lower(x)`, in either order."""
    for one, other in ((node.this, node.expression), (node.expression, node.this)):
        call, column = bare(one), _column(other, known)
        if isinstance(call, exp.Lower | exp.Upper) and column is not None:
            if _column(call.this, known) != column:
                return False
            found.of(column).case = "lower" if isinstance(call, exp.Lower) else "upper"
            found.of(column).said.append(("case", node))
            return True
    return False


def _is_json_valid(node: exp.Expression, found: Conditions, known: Mapping[str, str]) -> bool:
    """`json_valid(x)`, which MariaDB adds to each column of JSON."""
    if not (isinstance(node, exp.Func) and "json_valid" in node.sql().lower()):
        return False
    column = next((_column(part, known) for part in node.find_all(exp.Column)), None)
    if column is not None:
        found.of(column).json = found.of(column).json or "object"
    return column is not None


def _is_dated(node: exp.Expression, found: Conditions, known: Mapping[str, str]) -> bool:
    """`d = date(d)` or `datetime(d) IS NOT NULL`, by which SQLite checks days in texts."""
    if isinstance(node, exp.Paren | exp.Not):
        inner = bare(node.this)
        return isinstance(inner, exp.Is) and _is_dated(inner, found, known)
    calls = {"date": _DAY, "datetime": f"{_DAY} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"}
    names = {column.name.lower() for column in node.find_all(exp.Column)}
    called = {
        (call.name if isinstance(call, exp.Anonymous) else call.key).lower()
        for call in node.find_all(exp.Func)
    }
    if not isinstance(node, exp.EQ | exp.Is) or len(names) != 1 or len(called) != 1:
        return False
    column, pattern = known.get(names.pop()), calls.get(called.pop())
    if column is None or pattern is None or found.of(column).pattern is not None:
        return False
    found.of(column).pattern = pattern
    found.of(column).said.append(("pattern", node))
    return True


def _json_kind(node: exp.Expression) -> exp.Expression | None:
    """What `jsonb_typeof(x)` is about."""
    node = bare(node)
    if isinstance(node, exp.Func) and re.match(r"(jsonb?_?type(of)?)\(", node.sql().lower()):
        return next(node.find_all(exp.Column), None)
    return None


def _length(node: exp.Expression, known: Mapping[str, str]) -> str | None:
    """The column whose length is measured."""
    node = bare(node)
    named = isinstance(node, exp.Anonymous) and node.name.lower() in _LENGTHS
    if named or isinstance(node, exp.Length | exp.ArraySize):
        inner = bare(node.expressions[0] if named else node.this)
        while isinstance(inner, exp.Trim):
            inner = bare(inner.this)
        return _column(inner, known)
    return None


def _column(node: exp.Expression | None, known: Mapping[str, str]) -> str | None:
    inner = bare(node) if node is not None else None
    return known.get(inner.name.lower()) if isinstance(inner, exp.Column) else None


def _is_less(one: Any, other: Any) -> bool:
    try:
        return bool(one < other)
    except TypeError:
        return False

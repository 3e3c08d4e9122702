"""A column of a database as a column of a spec, by its type, its conditions and its name."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlglot import exp

from fabula.databases.schema import Column
from fabula.fakers.regex_length import widths, with_length
from fabula.inference.guesses import END, START, guess, words
from fabula.inference.guesses import Facts as Known
from fabula.inference.schemas.conditions import Facts
from fabula.inference.schemas.numbers import NUMBERS, WHOLE, Bounds, number_guess, sizes_of
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.sql import quoted
from fabula.kinds.pattern import Pattern
from fabula.kinds.person import Person
from fabula.spec import col

NULLS = 0.1
"""Share of missing values of a nullable column."""

_TEXT = {
    "CHAR",
    "NCHAR",
    "VARCHAR",
    "NVARCHAR",
    "TEXT",
    "TINYTEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
    "NAME",
    "BPCHAR",
}
_TIMES = {
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TIMESTAMPLTZ",
    "TIMESTAMPNTZ",
    "DATETIME",
    "DATETIME2",
    "SMALLDATETIME",
    "TIMESTAMP_S",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
}
_BINARY = {"VARBINARY", "BINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "IMAGE"}
_RANGES = {
    "INT4RANGE": "int",
    "INT8RANGE": "int",
    "NUMRANGE": "int",
    "DATERANGE": "date",
    "TSRANGE": "time",
    "TSTZRANGE": "time",
}
_FIXED: Mapping[str, Callable[[], AbstractColumn]] = {
    "UUID": col.uuid,
    "INET": lambda: col.provider("internet.ip_v4"),
    "IPADDRESS": lambda: col.provider("internet.ip_v4"),
    "IPV4": lambda: col.provider("internet.ip_v4"),
    "MACADDR": lambda: col.pattern("([0-9a-f]{2}:){5}[0-9a-f]{2}"),
    "CIDR": lambda: col.pattern("10\\.[1-9][0-9]\\.[1-9][0-9]\\.0/24"),
    "INTERVAL": lambda: col.duration("0s", "30d"),
    "TIME": col.time_of_day,
    "TIMETZ": col.time_of_day,
    "XML": lambda: col.constant("<value/>"),
    "TSVECTOR": lambda: col.provider("text.word"),
    "HSTORE": lambda: col.constant("a=>1"),
    "OID": lambda: col.uniform(1, 9_999, decimals=0),
    "CITEXT": lambda: col.provider("text.word"),
}
"""Types whose name says everything."""
_JSON = {"object": "{}", "array": "[]", "string": '"text"', "number": "1", "boolean": "true"}
_LONG_NAMES = (
    "description",
    "comment",
    "note",
    "body",
    "text",
    "content",
    "message",
    "summary",
    "bio",
    "remark",
    "details",
)
_SIZES = {"text.word": 20, "text.sentence": 250, "email": 40}
"""Characters that values of a provider reach at most, as a rule; people's reach 120."""
_WHOLE = {"phone": 20, "internet.url": 60, "internet.hostname": 40, "internet.ip_v4": 15}
"""Characters that values have at most whose short ones are too rare to be drawn again for."""
_NAMED = 120
_SHORT = 3
"""Characters that names and words have nearly always."""


@dataclass(frozen=True)
class Draft:
    """A column of a spec, with what it needs alongside it.

    Attributes:
        column: The column.
        reason: Why it is that one.
        helpers: Columns that it is computed from, which are not written.
        checks: Conditions in SQL that its values are drawn again for.
        unknown: Whether its type is not known.
        keeps: Which of its conditions the column keeps by itself, as `Facts.said` calls them.
    """

    column: AbstractColumn
    reason: str
    helpers: Mapping[str, AbstractColumn] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    unknown: bool = False
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What is known around a column: its table in words, the other columns, and uniqueness.

    Attributes:
        owner: The table in words.
        beside: The other columns.
        unique: Whether its values never repeat.
        grouped: Whether they never repeat together with others, so that none is drawn again.
        key: The column that numbers the rows.
    """

    owner: str
    beside: frozenset[str]
    unique: bool = False
    grouped: bool = False
    key: str | None = None


def draft_of(column: Column, facts: Facts, around: Surroundings) -> Draft:
    """The column of a spec that keeps a column's type and what the conditions say about it."""
    kind, listed = type_name(column.type), facts.values or column.labels
    if kind in ("ARRAY", "LIST"):
        return _array(column, facts, around)
    if listed:
        reason = f"values from {facts.rules}" if facts.values else "labels of its enumeration"
        fitting = tuple(value for value in listed if fits(value, facts)) or listed
        keeps = ("values", "bounds", "lengths") if fits(fitting[0], facts) else ("values",)
        return Draft(col.choice(_as_typed(fitting)), reason, keeps=keeps)
    if facts.json is not None or kind in ("JSON", "JSONB"):
        value = _JSON.get(facts.json or "object", "{}")
        return Draft(col.constant(value), "JSON: put your own shape here", keeps=("json",))
    if kind in _RANGES:
        return _range(column, _RANGES[kind], around)
    if kind in _TIMES or kind in ("DATE", "DATE32"):
        return _moment(column, facts, date=kind not in _TIMES)
    if kind in _TEXT:
        return _text(column, facts, around)
    simple = _simple(column, kind)
    if simple is not None or kind not in NUMBERS:
        told = f"its type `{column.type.sql()}` is not known"
        return simple or Draft(col.provider("text.word"), told, unknown=True)
    bounds = Bounds.of(kind, sizes_of(column.type), facts)
    if bounds.is_empty:
        return Draft(col.constant(bounds.low), "its bounds leave no room: check it", unknown=True)
    if kind in WHOLE and around.unique and bounds.high is None:
        numbered = col.key(start=max(1, int(bounds.low or 1)))
        return Draft(numbered, "numbers that never repeat", keeps=("bounds",))
    known = Known(
        name=words(column.name),
        type=int if kind in WHOLE else Decimal,
        owner=around.owner,
        beside=around.beside,
        low=bounds.low,
        high=bounds.high,
        decimals=bounds.decimals,
    )
    made = number_guess(kind, bounds, known, facts.rules)
    plain = all(isinstance(end, int | Decimal | None) for end in (facts.low, facts.high))
    return Draft(made.column, made.reason, keeps=("bounds",) if plain else ())


def _simple(column: Column, kind: str) -> Draft | None:
    """A column whose type says everything; None for others."""
    sizes = sizes_of(column.type)
    if kind == "BOOLEAN" or (kind == "TINYINT" and sizes == [1]):
        return Draft(col.bernoulli(0.5), "true or false")
    if kind in _FIXED:
        return Draft(_FIXED[kind](), f"its type is `{column.type.sql().lower()}`")
    if kind == "SET":
        return Draft(col.choice([str(item.this) for item in column.type.expressions]), "of its set")
    if kind in ("BIT", "VARBIT"):
        return Draft(col.pattern(f"[01]{{{(sizes or [1])[0]}}}"), "bits")
    if kind in _BINARY:
        helper, size = f"{column.name}_text", min((sizes or [16])[0], 16)
        text = col.pattern(f"[a-z0-9]{{{size}}}").model_copy(update={"drop": True})
        return Draft(col.expr(f"encode({quoted(helper)})"), "bytes", {helper: text})
    return None


def type_name(kind: exp.DataType) -> str:
    """A type's name as sqlglot has it, in capitals; a type of the user's own by its own name."""
    if kind.this == exp.DType.USERDEFINED and kind.args.get("kind") is not None:
        called = kind.args["kind"]
        if isinstance(called, exp.Expression):
            *_, called = (part.name for part in called.find_all(exp.Identifier))
        return str(called).upper()
    return str(getattr(kind.this, "value", kind.this)).upper()


def fits(value: Any, facts: Facts) -> bool:
    """Whether a listed value lies between the bounds, and has a length, that conditions ask for."""
    try:
        low = facts.low is None or value > facts.low or (value == facts.low and not facts.above)
        high = facts.high is None or value < facts.high or (value == facts.high and not facts.below)
    except TypeError:
        return False
    longest = math.inf if facts.longest is None else facts.longest
    return low and high and (not isinstance(value, str) or facts.shortest <= len(value) <= longest)


def _as_typed(values: tuple[Any, ...]) -> list[Any]:
    return [float(value) if isinstance(value, Decimal) else value for value in values]


def _moment(column: Column, facts: Facts, *, date: bool) -> Draft:
    """Days or times between bounds, of which the later one is not included."""
    low, high = _moment_of(facts.low), _moment_of(facts.high)
    known = Known(name=words(column.name), type=dt.date if date else dt.datetime)
    if facts.low is None and facts.high is None and (made := guess(known)) is not None:
        return Draft(made.column, made.reason)
    one, four_years = dt.timedelta(days=1), dt.timedelta(days=1461)
    whole = all(end is None or end.time() == dt.time() for end in (low, high))
    unread = (low is None) is not (facts.low is None) or (high is None) is not (facts.high is None)
    first: dt.datetime = _midnight(START) if low is None else low
    last: dt.datetime = max(_midnight(END), first + four_years) if high is None else high
    if low is not None and facts.above:
        first += one if date else dt.timedelta(seconds=1)
    if date and high is not None and not facts.below and high != _midnight(END):
        last += one
    if low is None and last <= first:
        first = last - four_years
    days = date or first.time() == last.time() == dt.time()
    ends = (first.date(), last.date()) if days else (first, last)
    keeps = ("bounds",) if not unread and (whole or not date) else ()
    return Draft(col.datetime(*ends, date=date), f"bounds from {facts.rules}", keeps=keeps)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day)


def _moment_of(bound: Any) -> dt.datetime | None:
    """A bound as a time, in UTC where it names a zone."""
    try:
        found = dt.datetime.fromisoformat(bound) if isinstance(bound, str) else bound
    except ValueError:
        return None
    if not isinstance(found, dt.datetime):
        return None
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found


def _text(column: Column, facts: Facts, around: Surroundings) -> Draft:
    """Texts: by a pattern, by name, or words; never longer than the column."""
    name, size = words(column.name), next(iter(sizes_of(column.type)), None)
    longest = min([n for n in (size, facts.longest) if n is not None], default=None)
    if facts.pattern is not None:
        regex = with_length(facts.pattern, facts.shortest, longest)
        drawn, told = col.pattern(regex), f"pattern from {facts.rules}"
        least, most = widths(regex)
        fit = least >= facts.shortest and (longest is None or most <= longest)
        checks = () if fit else lengths_of(column.name, replace(facts, longest=longest))
        return Draft(drawn, told, checks=checks, keeps=("pattern", "lengths"))
    if facts.case:
        signs = "a-z" if facts.case == "lower" else "A-Z"
        drawn = col.pattern(with_length(f"[{signs}]{{4,10}}", facts.shortest, longest))
        return Draft(drawn, f"{facts.case} case from {facts.rules}", keeps=("lengths", "case"))
    fixed = (
        type_name(column.type) in ("CHAR", "NCHAR", "BPCHAR") and size is not None and size <= 40
    )
    if fixed and size == 36:
        return Draft(col.uuid(), "36 characters: a UUID", keeps=("lengths",))
    known = Known(name=name, type=str, owner=around.owner, beside=around.beside)
    made = guess(known)
    if fixed and not (made and "code" in name):
        drawn, told = col.pattern(f"[A-Z]{{{size or 1}}}"), f"{size} characters"
        return Draft(drawn, told, keeps=("lengths",) if facts.shortest <= (size or 1) else ())
    if made is None or (around.unique and made.column.kind == "provider"):
        made_column, reason = _words(name, around, longest, facts.shortest)
    else:
        made_column, reason = made.column, made.reason
    if made_column.kind in ("pattern", "uuid"):
        least, most = widths(made_column.regex) if isinstance(made_column, Pattern) else (36, 36)
        if least < facts.shortest or (longest is not None and most > longest):
            return Draft(_code(longest, facts.shortest), "a code", keeps=("lengths",))
        return Draft(made_column, reason, keeps=("lengths",))
    whole = _WHOLE.get(_called(made_column), 8)
    if longest is not None and longest < whole:
        told = f"at most {longest} characters"
        return Draft(_code(longest, facts.shortest), told, keeps=("lengths",))
    if facts.shortest > _SHORT:
        told = f"{facts.shortest} characters or more"
        return Draft(_code(longest, facts.shortest), told, keeps=("lengths",))
    return sized(column.name, made_column, reason, replace(facts, longest=longest), around)


def sized(
    name: str, drawn: AbstractColumn, reason: str, facts: Facts, around: Surroundings
) -> Draft:
    """A text that keeps lengths: drawn again until it does, or short from the start."""
    reach = _SIZES.get(_called(drawn), _NAMED)
    longest = facts.longest if facts.longest is not None and facts.longest < reach else None
    checks, shortest = lengths_of(name, replace(facts, longest=longest)), facts.shortest
    if not checks or not (around.unique or around.grouped):
        return Draft(drawn, reason, checks=checks, keeps=("lengths",))
    email = with_length(r"[a-z]{1,9}[0-9]{1,5}@example\.com", max(shortest, 18), longest)
    least, most = widths(email)
    is_email = isinstance(drawn, Person) and drawn.field == "email"
    if is_email and least >= shortest and (longest is None or most <= longest):
        return Draft(col.pattern(email), f"{reason}; short ones", keeps=("lengths",))
    return Draft(_code(longest, shortest), f"at most {longest} characters", keeps=("lengths",))


def _called(column: AbstractColumn) -> str:
    """The field of a person, or the name of a provider."""
    return str(getattr(column, "field", getattr(column, "name", "")))


def lengths_of(name: str, facts: Facts) -> tuple[str, ...]:
    """The conditions of a text's length."""
    checks = []
    if facts.longest is not None:
        checks.append(f"length({quoted(name)}) <= {facts.longest}")
    if facts.shortest > 1:
        checks.append(f"length({quoted(name)}) >= {facts.shortest}")
    return tuple(checks)


def _words(
    name: str, around: Surroundings, longest: int | None, shortest: int
) -> tuple[AbstractColumn, str]:
    if around.unique:
        return _code(longest, shortest), "a code that never repeats"
    if (longest is None or longest >= 40) and any(part in name for part in _LONG_NAMES):
        return col.provider("text.sentence"), f"named `{name}`"
    return col.provider("text.word"), "a text: say more about it"


def _code(longest: int | None, shortest: int = 0) -> AbstractColumn:
    """A code of capitals and digits, whose case can't make two of them equal."""
    size = max(min(longest or 10, 10), min(shortest, longest or shortest))
    return col.pattern(f"[A-Z0-9]{{{size}}}")


def _array(column: Column, facts: Facts, around: Surroundings) -> Draft:
    """A list of two values of the element's type, or of as many as conditions ask for."""
    inner = column.type.expressions[0] if column.type.expressions else exp.DataType.build("TEXT")
    if not isinstance(inner, exp.DataType):
        inner = exp.DataType.build("TEXT")
    element = replace(column, type=inner)
    made = draft_of(element, Facts(values=facts.values), replace(around, unique=False))
    if made.helpers or made.unknown:
        return Draft(col.expr("[]"), f"a list of `{inner.sql()}`: empty", unknown=made.unknown)
    fixed = [int(each.name) for each in column.type.args.get("values") or ()]
    size = (
        fixed[0]
        if fixed
        else max(facts.shortest, min(2, 2 if facts.longest is None else facts.longest))
    )
    helpers = {
        f"{column.name}_{number}": made.column.model_copy(update={"drop": True, "nulls": 0.0})
        for number in range(1, size + 1)
    }
    listed = col.expr(f"[{', '.join(map(quoted, helpers))}]")
    return Draft(listed, f"a list of {size}", helpers, keeps=("lengths", "values"))


def _range(column: Column, of: str, around: Surroundings) -> Draft:
    """A range for each row that overlaps with no other row's, so that exclusion rules hold."""
    key = f"{column.name}_number" if around.key is None else around.key
    helpers = {key: col.sequence().model_copy(update={"drop": True})} if around.key is None else {}
    number = quoted(key)
    starts = {
        "int": (f"2 * {number}", f"2 * {number} + 1"),
        "date": (
            f"DATE '2022-01-01' + CAST(2 * {number} AS INTEGER)",
            f"DATE '2022-01-01' + CAST(2 * {number} + 1 AS INTEGER)",
        ),
        "time": (
            f"TIMESTAMP '2022-01-01' + to_hours({number})",
            f"TIMESTAMP '2022-01-01' + to_hours({number}) + to_minutes(45)",
        ),
    }
    low, high = starts[of]
    sql = f"'[' || CAST({low} AS VARCHAR) || ',' || CAST({high} AS VARCHAR) || ')'"
    return Draft(col.expr(sql), "ranges that never overlap", helpers)

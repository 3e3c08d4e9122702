"""Values without parts as columns, with what a schema says of them as conditions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlglot import exp

from fabula.databases.schema import Column
from fabula.fakers.regex import PatternError, compile_pattern
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.sql import quoted
from fabula.schemas.choices import Settled
from fabula.schemas.formats import EXAMPLES, FORMATS, NUMBERS
from fabula.spec import col

ANY = exp.DataType.build("JSON")
"""The type of a value that a column of its own draws."""
SQL_TYPE = "\0sql"
"""The word that names a SQL type, for formats whose values are no JSON; no document can hold it."""
EMPTY_OBJECT = "MAP([]::VARCHAR[], []::VARCHAR[])"
_PLAIN = {"integer": "BIGINT", "number": "DOUBLE"}
_LISTED = 20
"""Multiples of a fraction that are listed, or up to twice as many."""


@dataclass
class Kept:
    """What of a table is there so far.

    Attributes:
        notes: What is not kept, with its place.
        columns: The columns, hidden ones before those that use them.
        checks: Conditions of single columns.
    """

    notes: list[str]
    columns: dict[str, Column] = field(default_factory=dict)
    checks: list[exp.Expression] = field(default_factory=list)

    def demand(self, sign: type[exp.Expression], left: exp.Expression, value: Any) -> None:
        if not isinstance(value, int | float | str):
            raise TypeError(f"`{value}` is not a bound")
        self.checks.append(sign(this=left.copy(), expression=exp.convert(value)))

    def hidden(self, name: str, drawn: AbstractColumn, reason: str) -> str:
        name = self.free(name)
        self.columns[name] = Column(
            name, ANY, nullable=False, drawn=drawn, reason=reason, hidden=True
        )
        return name

    def free(self, name: str) -> str:
        """A name that no column has, whatever its case."""
        taken = {column.lower() for column in self.columns}
        return name if name.lower() not in taken else self.free(f"{name}_")


def plain_column(kept: Kept, name: str, found: Settled, place: str) -> Column:
    """A value without parts, with what the schema says of it as conditions."""
    schema, column = found.schema, exp.column(exp.to_identifier(name, quoted=True))
    if "const" in schema or schema.get("enum") or found.type == "null":
        return _one_of(kept, name, found, column, place)
    if SQL_TYPE in schema:
        return _typed(kept, name, exp.DataType.build(schema[SQL_TYPE]))
    if found.type == "boolean":
        return Column(name, exp.DataType.build("BOOLEAN"))
    if found.type in ("integer", "number"):
        return _number(kept, name, found, column, place)
    return _text(kept, name, schema, column, place)


def _text(
    kept: Kept, name: str, schema: Mapping[str, Any], column: exp.Column, place: str
) -> Column:
    """A text by its format or its pattern, with its lengths."""
    drawn = FORMATS.get(known_as := str(schema.get("format", "")))
    regexes = schema.get("pattern", ())
    regexes = [regexes] if isinstance(regexes, str) else _joined(regexes)
    if "format" in schema and drawn is None and not regexes:
        kept.notes.append(f"{place}: the format `{known_as}` is not known")
    if (example := EXAMPLES.get(known_as)) and all(_found(r, example) for r in regexes):
        regexes = []  # what the format draws fits them
    for number, regex in enumerate(regexes):
        try:
            compile_pattern(regex)
        except PatternError as exc:
            kept.notes.append(f"{place}: `pattern` is not kept: {exc}")
            continue
        whole = f"^{_whole(regex, schema)}$" if number == 0 else regex
        kept.demand(exp.RegexpLike, column, whole)
        if drawn is not None:
            kept.notes.append(f"{place}: the format `{known_as}` is not kept: `pattern` is")
        drawn = None
    for word, sign in (("minLength", exp.GTE), ("maxLength", exp.LTE)):
        if word in schema:
            kept.demand(sign, exp.Length(this=column.copy()), int(schema[word]))
    if drawn is None:
        return Column(name, exp.DataType.build("TEXT"))
    made, reason = drawn(), f"its format is `{known_as}`"
    if isinstance(made, str):  # a type
        return Column(name, exp.DataType.build(made))
    if isinstance(made, tuple):  # SQL over a hidden column
        inner = kept.hidden(f"{name}_value", made[0], reason)
        return made_column(name, made[1].format(quoted(inner)), reason)
    return Column(name, exp.DataType.build("TEXT"), drawn=made, reason=reason)


def _joined(regexes: Sequence[str]) -> list[str]:
    """Expressions with one for the start of a text and one for its end made one."""
    ends = [regex.endswith("$") and not regex.endswith("\\$") for regex in regexes]
    starts = [regex.startswith("^") for regex in regexes]
    heads = [r for r, start, end in zip(regexes, starts, ends, strict=True) if start and not end]
    tails = [r for r, start, end in zip(regexes, starts, ends, strict=True) if end and not start]
    if len(heads) != 1 or len(tails) != 1:
        return list(regexes)
    whole = f"{heads[0]}[a-z0-9]{{1,4}}{tails[0]}"
    return [whole, *(regex for regex in regexes if regex not in (heads[0], tails[0]))]


def _found(regex: str, text: str) -> bool:
    try:
        return re.search(regex, text) is not None
    except re.error:
        return False


def _typed(kept: Kept, name: str, kind: exp.DataType) -> Column:
    """A value of a SQL type; bytes are a hidden text of the size."""
    if kind.this != exp.DType.BINARY:
        return Column(name, kind)
    sizes = [int(size.name) for size in kind.expressions]
    drawn = col.pattern(f"[a-z0-9]{{{(sizes or [12])[0]}}}")
    return made_column(
        name, f"encode({quoted(kept.hidden(f'{name}_text', drawn, 'bytes'))})", "bytes"
    )


def _one_of(kept: Kept, name: str, found: Settled, column: exp.Column, place: str) -> Column:
    """One value, or one of those that are listed."""
    schema = found.schema
    values = [schema["const"]] if "const" in schema else list(schema.get("enum") or [None])
    values = [value for value in values if value is not None]
    if not values:
        empty = col.constant(None, nulls=1.0)
        return Column(name, ANY, drawn=empty, reason="always null")
    allowed = [value for value in values if _is_allowed(value, schema)]
    if not allowed:
        kept.notes.append(f"{place}: none of its listed values is allowed: rows may break it")
    values = of_one_type(allowed or values, place, kept.notes)
    if isinstance(values[0], Mapping | list):
        if len(values) > 1:
            kept.notes.append(f"{place}: of {len(values)} listed values the first is kept")
        return made_column(name, literal_sql(values[0]), "its only value")
    kind = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}.get(type(values[0]), "TEXT")
    if len(values) == 1:
        only = col.constant(values[0])
        return Column(name, exp.DataType.build(kind), drawn=only, reason="its only value")
    listed = [exp.convert(value) for value in values]
    kept.checks.append(exp.In(this=column, expressions=listed))
    return Column(name, exp.DataType.build(kind))


def _is_allowed(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a listed value keeps the bounds, steps, lengths and patterns beside it."""
    if isinstance(value, str):
        regexes = schema.get("pattern", ())
        regexes = [regexes] if isinstance(regexes, str) else regexes
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
        return least <= len(value) <= most and all(_found(regex, value) for regex in regexes)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    low, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    high, below = schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf)
    if isinstance(above, bool):
        low, above = (-math.inf, low) if above else (low, -math.inf)
    if isinstance(below, bool):
        high, below = (math.inf, high) if below else (high, math.inf)
    step = schema.get("multipleOf")
    stepped = step is None or Decimal(str(value)) % Decimal(str(step)) == 0
    return low <= value <= high and above < value < below and stepped


def _number(kept: Kept, name: str, found: Settled, column: exp.Column, place: str) -> Column:
    """A number with its bounds; multiples are computed from how many times they go."""
    schema, whole = found.schema, found.type == "integer"
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if isinstance(above, bool):  # drafts 4 and OpenAPI 3.0
        low, above = (None, low) if above else (low, None)
    if isinstance(below, bool):
        high, below = (None, high) if below else (high, None)
    if whole and above is not None:
        low, above = max(math.floor(above) + 1, low if low is not None else -math.inf), None
    if whole and below is not None:
        high, below = min(math.ceil(below) - 1, high if high is not None else math.inf), None
    step = schema.get("multipleOf")
    if step is not None and not (whole and step == 1):
        return _multiple(kept, name, step, (low, high, above, below), place, whole=whole)
    for sign, bound in ((exp.GTE, low), (exp.LTE, high), (exp.GT, above), (exp.LT, below)):
        if bound is not None:
            kept.demand(sign, column, bound)
    kind = NUMBERS.get(str(schema.get("format", ""))) if whole else None
    return Column(name, exp.DataType.build(exp.DType[kind or _PLAIN[found.type]]))


def _multiple(
    kept: Kept, name: str, step: float, bounds: tuple[Any, ...], place: str, *, whole: bool
) -> Column:
    """A multiple of a step: whole steps of whole numbers at any size, others are listed."""
    low, high, above, below = bounds
    size, told = Decimal(str(step)), f"a multiple of {step}"
    if whole and size != size.to_integral_value():  # every whole multiple of 0.5 is one of 1
        size = Decimal(size.as_integer_ratio()[0])
    start = max((Decimal(str(b)) for b in (low, above) if b is not None), default=None)
    end = min((Decimal(str(b)) for b in (high, below) if b is not None), default=None)
    if start is None:
        start = Decimal(0) if end is None or end > 0 else end - 100 * size
    end = start + 100 * size if end is None else end
    first, last = math.ceil(start / size), math.floor(end / size)
    first += above is not None and first * size <= Decimal(str(above))
    last -= below is not None and last * size >= Decimal(str(below))
    if size == size.to_integral_value() and first <= last:
        inner = kept.hidden(f"{name}_steps", col.uniform(first, last, decimals=0), told)
        kind = "BIGINT" if whole else "DOUBLE"
        sql = f"CAST({quoted(inner)} * {size} AS {kind})"
        return replace(made_column(name, sql, told), type=exp.DataType.build(kind))
    values = [float(number * size) for number in range(first, min(last, first + 10**4) + 1)]
    exact = [value for value in values if value / step == int(value / step)]
    exact = exact[:: max(1, len(exact) // _LISTED)]
    if not exact:
        kept.notes.append(f"{place}: no multiple of {step} lies between its bounds")
        exact = [float(start)]
    drawn = col.choice(exact)
    return Column(name, exp.DataType.build("DOUBLE"), drawn=drawn, reason=told)


def made_column(name: str, sql: str, reason: str) -> Column:
    """A column that is computed from others."""
    return Column(name, ANY, drawn=col.expr(sql), reason=reason)


def struct_sql(parts: Mapping[str, str]) -> str:
    """An object of these values as SQL."""
    return f"struct_pack({', '.join(f'{quoted(key)} := {sql}' for key, sql in parts.items())})"


def of_one_type(values: Sequence[Any], place: str, notes: list[str]) -> list[Any]:
    """Those of the commonest type; whole numbers among others are numbers."""
    kinds = ["number" if type(value) in (int, float) else type(value).__name__ for value in values]
    usual = Counter(kinds).most_common(1)[0][0]
    kept = [value for value, kind in zip(values, kinds, strict=True) if kind == usual]
    if len(kept) < len(values):
        notes.append(f"{place}: values of several types: {len(kept)} of {len(values)} are kept")
    if usual == "number" and any(isinstance(value, float) for value in kept):
        return [float(value) for value in kept]
    return kept


def literal_sql(value: Any) -> str:
    """A JSON value as SQL."""
    match value:
        case None:
            return "NULL"
        case Mapping():
            if not value:
                return EMPTY_OBJECT
            return struct_sql({str(key): literal_sql(item) for key, item in value.items()})
        case list():
            return f"[{', '.join(map(literal_sql, value))}]"
    return exp.convert(value).sql("duckdb")


def _whole(regex: str, schema: Mapping[str, Any]) -> str:
    """The regular expression of whole texts; one that may end anywhere goes on to the length."""
    text = regex.removeprefix("^")
    if text.endswith("$") and not text.endswith("\\$"):
        return text[:-1]
    least = int(schema.get("minLength") or 0) if "maxLength" not in schema else 0
    return f"({text})[a-z0-9]{{{least}}}" if least else text

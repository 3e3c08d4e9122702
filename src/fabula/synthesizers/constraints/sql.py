"""Relations as SQL of a spec: what gives a column, written so that `generate` computes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.inference.across import sql_name
from fabula.synthesizers.constraints.calendar import Part
from fabula.synthesizers.constraints.cases import Cases, Formula
from fabula.synthesizers.constraints.elapsed import CALENDAR, WHOLE, Elapsed
from fabula.synthesizers.constraints.formulas import Curve, Extreme, Product, Sum, Threshold
from fabula.synthesizers.constraints.lookups import MISSING, Lookup
from fabula.synthesizers.constraints.measures import Measure

_DAY = 86_400.0
_DECIMALS = range(10)

_NEAR = 0.02
"""How far the number of a unit may be from the one that rounded lengths give."""

_PARTS = {
    "date": "epoch(CAST({0} AS DATE))",
    "month and year": "(year({0}) - 1970) * 12 + month({0})",
    "quarter and year": "(year({0}) - 1970) * 4 + quarter({0})",
    "year": "year({0})",
    "quarter": "quarter({0})",
    "month": "month({0})",
    "week": "weekofyear({0})",
    "day": "day({0})",
    "weekday": "isodow({0}) - 1",
    "day of year": "dayofyear({0})",
    "hour": "hour({0})",
    "minute": "minute({0})",
    "second of day": "hour({0}) * 3600 + minute({0}) * 60 + floor(second({0}))",
}
_CURVES = {
    "log": "ln({0})",
    "exp": "exp({0})",
    "log10": "log10({0})",
    "exp10": "pow(10, {0})",
    "log2": "log2({0})",
    "exp2": "pow(2, {0})",
    "log1p": "ln(1 + {0})",
    "expm1": "(exp({0}) - 1)",
    "sqrt": "sqrt({0})",
    "square": "pow({0}, 2)",
    "reciprocal": "(1 / nullif({0}, 0))",
}


def formula_sql(formula: Formula, target: str, measures: Mapping[str, Measure]) -> list[str]:
    """Ways to compute a column, the simplest one first; none if SQL has no words for it.

    Args:
        formula: What it follows from.
        target: The column.
        measures: How columns are numbers.
    """
    measure = measures[target]
    if measure.is_time:
        return list(_moments(formula, measure, measures)) if isinstance(formula, Sum) else []
    ways = [*_lengths(formula, measures), _number(formula, target, measures)]
    kind, step = measure.codec.lattice.type, measure.step
    return [rounded(number, kind, step) for number in ways if number is not None]


def rounded(number: str, kind: pa.DataType, step: float) -> str:
    """A number as a column has it: whole, of some decimals, or any float."""
    if pa.types.is_integer(kind):
        return f"CAST(round({number}) AS BIGINT)"
    places = next((n for n in _DECIMALS if step and abs(step * 10**n % 1 - 0.5) > 0.4999), None)
    number = f"CAST({number} AS DOUBLE)"
    return number if places is None else f"round({number}, {places})"


def lookup_sql(lookup: Lookup, kind: pa.DataType) -> str:
    """A lookup as `CASE`; what it does not know gives no value.

    Args:
        lookup: The lookup.
        kind: The type of the column that is given.
    """
    keys, values = lookup.keys.to_pylist(), lookup.values.to_pylist()
    groups: dict[Any, list[Any]] = {}
    for key, value in zip(keys, values, strict=True):
        groups.setdefault(value, []).append(key)
    source = part_sql(lookup.part, lookup.source)
    cases = [
        f"WHEN {_is_one_of(source, known)} THEN {literal(value)}"
        for value, known in groups.items()
        if value is not None
    ]
    sql = f"CASE {' '.join(cases)} END"
    if pa.types.is_integer(kind):
        return f"CAST({sql} AS BIGINT)"
    is_number = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return f"CAST({sql} AS DOUBLE)" if is_number else sql


def part_sql(part: str, source: str) -> str:
    """A part of a column, or the column."""
    if part == MISSING:
        return f"({sql_name(source)} IS NULL)"
    return _PARTS[part].format(sql_name(source)) if part else sql_name(source)


def literal(value: Any) -> str:
    """A value in SQL."""
    if isinstance(value, str):
        return f"'{value.replace(chr(39), chr(39) * 2)}'"
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    if isinstance(value, dt.date):
        return f"DATE '{value}'"
    return f"{value:.15g}" if isinstance(value, float | Decimal) else str(value)


def _is_one_of(source: str, keys: Iterable[Any]) -> str:
    known = [literal(key) for key in keys if key is not None]
    told = f"{source} = {known[0]}" if len(known) == 1 else f"{source} IN ({', '.join(known)})"
    parts = [told] * bool(known) + [f"{source} IS NULL"] * (len(known) < len([*keys]))
    return " OR ".join(parts)


def _number(formula: Formula, target: str, measures: Mapping[str, Measure]) -> str | None:
    """The number that a formula gives."""
    found = None
    if isinstance(formula, Sum):
        starts = sum(k * measures[name].start for name, k in formula.terms)
        terms = [(_plain(name, measures), k) for name, k in formula.terms]
        found = _sum(terms, formula.constant - starts)
    elif isinstance(formula, Product) and not any(measures[n].is_time for n in formula.sources):
        found = _product(formula)
    elif isinstance(formula, Curve) and not measures[formula.source].is_time:
        curve = _CURVES[formula.curve].format(sql_name(formula.source))
        found = _sum([(curve, formula.factor)], formula.constant)
    elif isinstance(formula, Part):
        found = _sum([(part_sql(formula.part, formula.source), 1.0)], formula.constant)
    elif isinstance(formula, Elapsed):
        found = _sum([(_elapsed(formula), 1.0)], formula.constant)
    elif isinstance(formula, Extreme):
        call = "greatest" if formula.which == "max" else "least"
        found = f"{call}({', '.join(map(sql_name, formula.sources))})"
    elif isinstance(formula, Threshold):
        name = sql_name(formula.source)
        low, high = literal(formula.low), literal(formula.high)
        found = f"CASE WHEN {name} < {literal(formula.at)} THEN {low} ELSE {high} END"
    elif isinstance(formula, Cases):
        found = _cases(formula, target, measures)
    return found


def _lengths(formula: Formula, measures: Mapping[str, Measure]) -> Iterator[str]:
    """Whole units between two times, where a sum over some rows gives nearly these."""
    if not isinstance(formula, Sum) or len(formula.terms) != 2:
        return
    if not all(measures[name].is_time for name in formula.sources):
        return
    (earlier, low), (later, high) = sorted(formula.terms, key=lambda term: term[1])
    for size in WHOLE.values():
        if abs(high * size - 1) < _NEAR and abs(low * size + 1) < _NEAR:
            yield f"(epoch({sql_name(later)}) - epoch({sql_name(earlier)})) / {literal(size)}"


def _plain(name: str, measures: Mapping[str, Measure]) -> str:
    return f"epoch({sql_name(name)})" if measures[name].is_time else sql_name(name)


def _sum(terms: Iterable[tuple[str, float]], constant: float) -> str:
    """A sum with the signs that people write."""
    parts = [(name if abs(k) == 1 else f"{literal(abs(k))} * {name}", k) for name, k in terms]
    if abs(constant) > 1e-9 or not parts:
        parts.append((literal(abs(constant)), constant))
    if not parts:
        return "0"
    parts.sort(key=lambda part: part[1] < 0)
    (first, k), *rest = parts
    signs = "".join(f" {'-' if sign < 0 else '+'} {part}" for part, sign in rest)
    return f"{'-' if k < 0 else ''}{first}{signs}"


def _product(formula: Product) -> str:
    parts = [literal(formula.factor)] * (formula.factor != 1)
    below: list[str] = []
    for name, power, offset, rate in formula.factors:
        plain = (offset, rate) == (0, 1)
        told = sql_name(name) if plain else f"({_sum([(sql_name(name), rate)], offset)})"
        told = told if abs(power) == 1 else f"pow({told}, {abs(power)})"
        (parts if power > 0 else below).append(told)
    above = " * ".join(parts) or "1"
    return " / ".join([above, *(f"nullif({told}, 0)" for told in below)])


def _elapsed(formula: Elapsed) -> str:
    later = sql_name(formula.later) if formula.later else literal(formula.day)
    earlier = sql_name(formula.earlier)
    if formula.unit in WHOLE:
        unit = literal(WHOLE[formula.unit])
        return f"floor((epoch({later}) - epoch({earlier})) / {unit})"
    call = "date_diff" if formula.unit in CALENDAR else "date_sub"
    unit = formula.unit.split()[1].removesuffix("s")
    return f"{call}('{unit}', {earlier}, {later})"


def _cases(formula: Cases, target: str, measures: Mapping[str, Measure]) -> str | None:
    """Formulas by what another column is, where it tells which one holds in every row."""
    made = [_number(each, target, measures) for each in formula.formulas]
    by = formula.by
    if None in made or not isinstance(by, Lookup):
        return None
    numbers = by.values.to_pylist()
    if not set(numbers) <= set(range(1, len(made) + 1)):
        return None
    source = part_sql(by.part, by.source)
    keys = by.keys.to_pylist()
    cases = [
        f"WHEN {_is_one_of(source, known)} THEN {each}"
        for at, each in enumerate(made, 1)
        if (known := [key for key, number in zip(keys, numbers, strict=True) if number == at])
    ]
    return f"CASE {' '.join(cases)} END"


def _moments(formula: Sum, target: Measure, measures: Mapping[str, Measure]) -> Iterator[str]:
    """A time some while after another one, in days if both are dates."""
    times = [(name, k) for name, k in formula.terms if measures[name].is_time]
    if len(times) != 1 or times[0][1] != 1:
        return
    source = times[0][0]
    terms = [(name, k) for name, k in formula.terms if name != source]
    constant = formula.constant + target.start - measures[source].start
    kinds = {pa.types.is_date(measures[n].codec.lattice.type) for n in (target.name, source)}
    if kinds == {True}:
        days = [(sql_name(name), k / _DAY) for name, k in terms]
        tidy = [(name, float(np.rint(k))) for name, k in days]
        if tidy and all(k for _, k in tidy):
            for more in (0, round(constant / _DAY)):
                yield f"{sql_name(source)} + CAST({_sum(tidy, more)} AS INTEGER)"
        elif not tidy:
            yield f"{sql_name(source)} + {round(constant / _DAY)}"
    elif kinds == {False}:
        seconds = [(sql_name(name), k) for name, k in terms]
        moved = f"round(({_sum(seconds or [('0', 1.0)], constant)}) * 1000000)"
        yield f"{sql_name(source)} + to_microseconds(CAST({moved} AS BIGINT))"

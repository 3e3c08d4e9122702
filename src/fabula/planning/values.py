"""Constants of a column that no value can follow from: bad numbers, empty ranges, bad patterns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from fabula.errors import SpecError, Violation
from fabula.fakers.linear import linear_pattern
from fabula.fakers.locales import load_locale
from fabula.fakers.pools import provider_pool
from fabula.fakers.regex import PatternError, compile_pattern
from fabula.planning.kinds import MOST_COUNT, is_whole, value_range
from fabula.spec.columns import AbstractColumn, AbstractNumber
from fabula.spec.keys import Constant, Key, Sequence
from fabula.spec.numbers import Bernoulli, Mixture, Zipf
from fabula.spec.parameters import Scalar, as_moment, is_expression, seconds
from fabula.spec.times import Datetime
from fabula.spec.words import Choice, Llm, Pattern, Person, Program, Provider

_POSITIVE = {"sigma", "scale", "shape", "a", "b", "median"}
_NOT_NEGATIVE = {"std", "trials"}
_WHOLE = range(-(2**63), 2**63)
_LAST_YEAR = dt.datetime.max


def value_violations(column: AbstractColumn, where: str) -> Iterator[Violation]:
    """Problems of a column's constants."""
    match column:
        case Mixture():
            yield from _mixture_problems(column, where)
        case AbstractNumber() | Bernoulli():
            yield from number_violations(column, where)
        case Datetime():
            yield from _time_problems(column, where)
        case Key() | Sequence():
            yield from _step_problems(column, where)
        case Choice():
            yield from _constant_problems(column.values, f"{where}.values")
        case Constant():
            yield from _constant_problems((column.value,), f"{where}.value")
        case Pattern():
            yield from _pattern_problems(column.regex, f"{where}.regex")
        case Llm() | Program() if column.pattern is not None:
            yield from _matching_problems(column.pattern, f"{where}.pattern")
        case Person():
            locales = [column.locale] if isinstance(column.locale, str) else column.locale
            for locale in locales:
                yield from _problems_of(partial(load_locale, locale), f"{where}.locale")
        case Provider():
            make = partial(provider_pool, column.name, column.locale, 1, 0)
            yield from _problems_of(make, f"{where}.name")


def number_violations(column: AbstractColumn, where: str) -> Iterator[Violation]:
    """Numbers that no distribution can have."""
    for name in column.expressions:
        value = getattr(column, name)
        if isinstance(value, int | float):
            problem = _number_problem(column.kind, name, value)
            if problem:
                yield Violation("spec.bad-number", f"`{name}` {problem}", f"{where}.{name}")
    if isinstance(column, Zipf) and column.min is not None:
        message, hint = "a `zipf` rank starts at 1", "leave out `min`"
        yield Violation("spec.bad-number", message, f"{where}.min", hint)
    if isinstance(column, AbstractNumber):
        yield from _range_problems(column, where)


def _number_problem(kind: str, name: str, value: float) -> str | None:
    counts = kind in ("poisson", "binomial")
    if (name in _POSITIVE or (kind, name) == ("pareto", "min")) and value <= 0:
        return "must be above 0"
    if (name in _NOT_NEGATIVE or (name == "mean" and kind in ("poisson", "exponential"))) and (
        value < 0
    ):
        return "must not be below 0"
    if name == "p" and not 0 <= value <= 1:
        return "must lie in 0 to 1"
    if counts and name in ("mean", "trials") and value > MOST_COUNT:
        return "is too large to count"
    return None


def _range_problems(column: AbstractNumber, where: str) -> Iterator[Violation]:
    low, high = value_range(column)
    if low > high:
        message = f"no value fits: the lowest is {low:g} and the highest {high:g}"
        yield Violation("spec.empty-range", message, where, "widen `min` and `max`")
        return
    if column.decimals is None and not is_whole(column):
        return
    scale = 10 ** (column.decimals or 0)
    given = [b for b in (column.min, column.max) if isinstance(b, int | float)]
    if any(int(bound * scale) not in _WHOLE for bound in given):
        message = f"a bound with {column.decimals or 0} decimals has more than 18 digits"
        yield Violation("spec.bad-number", message, where, "use fewer decimals or smaller bounds")
    elif len(given) == 2 and _between(given[0] * scale, given[1] * scale) == 0:
        message = f"no value with {column.decimals or 0} decimals lies between `min` and `max`"
        yield Violation("spec.empty-range", message, where, "allow more `decimals`")


def _between(low: float, high: float) -> int:
    """Whole numbers between two."""
    return int(max(0, (high + 1e-9) // 1 + (-low + 1e-9) // 1 + 1))


def _mixture_problems(column: Mixture, where: str) -> Iterator[Violation]:
    for i, part in enumerate(column.of):
        names = [n for n in part.column.expressions if is_expression(getattr(part.column, n))]
        for name in names:
            message = f"a part of a mixture takes plain numbers, and `{name}` is an expression"
            hint = "make each part a column of its own and choose with an `expr` column"
            yield Violation("spec.bad-number", message, f"{where}.of.{i}.{name}", hint)
        if not names:
            yield from number_violations(part.column, f"{where}.of.{i}")
    for name in ("min", "max"):
        if is_expression(getattr(column, name)):
            message = f"`{name}` of a mixture must be a plain number"
            yield Violation("spec.bad-number", message, f"{where}.{name}")
    yield from _range_problems(column, where)


def _time_problems(column: Datetime, where: str) -> Iterator[Violation]:
    start = as_moment(column.start)
    end = None if column.end is None else as_moment(column.end)
    if start is not None and end is not None and start >= end:
        message = f"`start` {start} is not before `end` {end}: no time fits"
        yield Violation("spec.empty-range", message, f"{where}.start")
    if column.within is not None:
        room = _LAST_YEAR - (start or dt.datetime(1970, 1, 1))
        if seconds(column.within) > room.total_seconds():
            message = f"`within: {column.within}` leads beyond the year 9999"
            yield Violation("spec.bad-number", message, f"{where}.within")


def _step_problems(column: Key | Sequence, where: str) -> Iterator[Violation]:
    if column.kind == "key" and column.nulls:
        message, hint = "a key can't be missing", "leave out `nulls`, or use `kind: sequence`"
        yield Violation("spec.bad-key", message, f"{where}.nulls", hint)
    timed = isinstance(column.start, dt.date)
    if isinstance(column.step, str):
        if not timed:
            message = f"`step: {column.step}` is a duration, but `start` is a number"
            yield Violation("spec.wrong-type", message, f"{where}.step", "write `step: 1`")
        elif seconds(column.step) == 0:
            yield Violation("spec.bad-number", "`step` must not be 0", f"{where}.step")
    elif column.step == 0:
        yield Violation("spec.bad-number", "`step` must not be 0", f"{where}.step")


def step_violations(column: AbstractColumn, rows: int, where: str) -> Iterator[Violation]:
    """Keys and sequences that run out of whole numbers within that many rows."""
    if isinstance(column, Key | Sequence) and isinstance(column.start, int):
        step = column.step if isinstance(column.step, int) else 0
        last = column.start + step * max(rows - 1, 0)
        if column.start not in _WHOLE or last not in _WHOLE:
            yield Violation("spec.bad-number", "the steps lead beyond 64-bit whole numbers", where)


def never_repeats(column: AbstractColumn) -> bool:
    """Whether the values of a kind differ from row to row by themselves."""
    if isinstance(column, Sequence):
        return column.within is None
    return column.kind in {"key", "uuid"}


def _constant_problems(values: tuple[Scalar, ...], where: str) -> Iterator[Violation]:
    if all(isinstance(value, int) or value is None for value in values):
        for value in values:
            if isinstance(value, int) and value not in _WHOLE:
                message, hint = f"{value} is no 64-bit whole number", f'write it as text: "{value}"'
                yield Violation("spec.bad-number", message, where, hint)


def _pattern_problems(regex: str, where: str) -> Iterator[Violation]:
    try:
        compile_pattern(regex)
    except PatternError as error:
        yield Violation("spec.bad-regex", f"no pattern to draw from: {error}", where)


def _matching_problems(pattern: str, where: str) -> Iterator[Violation]:
    try:
        linear_pattern(pattern)
    except ValueError as error:
        message = f"`{pattern}` can't be matched in linear time: {error}"
        hint = "write it without look-around, back references and large repeats"
        yield Violation("spec.bad-regex", message, where, hint)


def _problems_of(prepare: Callable[[], object], where: str) -> Iterator[Violation]:
    """The problems that preparing a column shows, at their place."""
    try:
        prepare()
    except SpecError as error:
        for violation in error.violations:
            yield replace(violation, where=where)

"""The column that an array of values looks like: a guess from all values, each with its reason.

Values of categories are kept as they are (they are the categories); names, texts and other
strings of many values are not: a kind takes their place.
"""

from __future__ import annotations

import re
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.inference.codes import code_pattern, is_mixed, number_pattern, run_pattern
from fabula.inference.families import MOST_DIGITS, nearest_family
from fabula.inference.guesses import MOST_CHOICES, Facts, Guess, guess, words
from fabula.inference.mixtures import best_fit
from fabula.inference.periods import are_periods
from fabula.inference.times import Values, guess_times
from fabula.io.arrays import is_text, whole_numbers
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.person import Person
from fabula.kinds.uniform import Uniform
from fabula.pii import find
from fabula.pii.kinds import TITLES
from fabula.relationships.key_names import named_as_key
from fabula.render.amounts import percent
from fabula.spec import col

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MICROSECONDS = 10**6
_MOST_SHOWN = 10**5 * _MICROSECONDS
"""The longest duration that `%g` writes digit by digit."""
LABEL_ROWS = 3
"""A label of fewer rows may be about one person, and is not listed."""
_LONGEST_LABEL = 60
_SAMPLE, _MOST_FORMS = 2_000, 3
"""Texts that tell the form of all, and the most forms of one column."""
_PUBLIC = ("country", "country_code", "nationality")
_PARTS_OF_ADDRESSES = frozenset({"city", "town", "street", "address", "postcode", "zip"})
_IDENTIFYING = {
    "name",
    "first_name",
    "last_name",
    "email",
    "username",
    "phone",
    "street",
    "address",
    "postcode",
}

_FEWEST_VALUES, _LEAST_ATOM, _OFTENER, _FAR = 10, 0.02, 5, 0.25
"""Of a number that is drawn apart: how many differing ones there are, the share of its rows, how
many times as many these are as those of any other, or how far off it is, as a share of their range.
"""
_FORMED = ("postcode", "phone")
"""Details whose forms differ from country to country."""


def guess_array(name: str, values: Values, *, owner: str, beside: frozenset[str]) -> Guess:
    """The column that the values look like.

    Args:
        name: The column's name.
        values: All of its values.
        owner: The table's name.
        beside: The names of the table's columns.
    """
    present = values.drop_null()
    if pa.types.is_dictionary(present.type):
        present = present.cast(present.type.value_type)
    if not len(present):
        return Guess(col.constant(None), "it holds no value")
    facts = Facts(words(name), str, owner=words(owner), beside=beside)
    found = _guess(facts, present, complete=not values.null_count)
    share = round(values.null_count / len(values), 4)
    return Guess(found.column.model_copy(update={"nulls": share}), found.reason)


def _guess(facts: Facts, values: Values, *, complete: bool) -> Guess:
    kind = values.type
    if pa.types.is_boolean(kind):
        share = pc.mean(values.cast(pa.int8())).as_py()
        return Guess(col.bernoulli(round(share, 4)), f"true in {percent(share)}")
    whole = whole_numbers(values) if complete else None
    if whole is not None and (key := _key(whole)):
        return key
    if _is_too_long(values):
        digits = values.cast(pa.string())
        found = _category(digits) or _string(facts, digits)
        return Guess(found.column, f"written as text, too long for 64 bits; {found.reason}")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _told(facts, values) or _category(values) or _number(values)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return guess_times(values, complete=complete)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return _span(values)
    if is_text(kind):
        told = _identity(facts) or _told(facts, values)
        return _own_form(told, values) or told or _category(values) or _string(facts, values)
    nested = "array" if pa.types.is_list(kind) or pa.types.is_large_list(kind) else "object"
    return Guess(col.llm(type={"type": nested}), f"nested values of type `{kind}`")


def _is_too_long(values: Values) -> bool:
    """Whether numbers have more digits than 64 bits hold."""
    kind = values.type
    if not (pa.types.is_uint64(kind) or pa.types.is_decimal(kind)):
        return False
    ends, places = pc.min_max(values), 10 ** getattr(kind, "scale", 0)
    return bool(ends["max"].as_py() * places >= 2**63 or ends["min"].as_py() * places < -(2**63))


def _key(values: Values) -> Guess | None:
    """A key where whole numbers, once sorted, rise in steady steps."""
    numbers = np.sort(values.to_numpy())
    steps = np.diff(numbers)
    if not len(steps) or steps[0] < 1 or not (steps == steps[0]).all():
        return None
    start, step = int(numbers[0]), int(steps[0])
    return Guess(col.key(start=start, step=step), f"rises from {start} in steps of {step}")


def _category(values: Values) -> Guess | None:
    """One of few values, with their counts as weights."""
    counts = values.value_counts()
    few = len(counts) <= 20 and len(counts) <= len(values) / 2
    if not few and not (len(counts) <= 100 and len(counts) <= len(values) / 50):
        return None
    items = [(item["values"].as_py(), item["counts"].as_py()) for item in counts]
    if any(isinstance(value, str) and len(value) > _LONGEST_LABEL for value, _ in items):
        return None
    items.sort(key=lambda item: -item[1])
    listed, weights = [value for value, _ in items], [count for _, count in items]
    if pa.types.is_decimal(values.type):
        listed = [float(value) for value in listed]
    column = col.choice(listed, weights=weights)
    return Guess(column, f"{len(items)} distinct values in {len(values):,} rows")


def _number(values: Values) -> Guess:
    """The nearest family, and a number of its own that many rows have, such as 0 or 999."""
    atom = _atom(values)
    if atom is None:
        return _of_a_family(values)
    rest = values.filter(pc.not_equal(values, pa.scalar(atom, values.type)))
    found = _of_a_family(rest)
    if not isinstance(found.column, AbstractDistribution):
        return _of_a_family(values)
    share = round(1 - len(rest) / len(values), 4)
    decimals = 0 if found.column.counts else found.column.decimals
    if decimals is not None and abs(float(atom)) >= 10.0 ** (MOST_DIGITS - decimals):
        return _of_a_family(values)
    end = float(atom) if decimals else int(atom)
    own = col.uniform(end, end, decimals=decimals)
    column = col.mixture([(share, own), (round(1 - share, 4), found.column)])
    return Guess(column, f"{atom:g} in {percent(share)}, others: {found.reason}")


def _atom(values: Values) -> Any:
    """The least or largest number, if far more rows have it than any other, or it is far off."""
    counted = values.value_counts()
    if len(counted) < _FEWEST_VALUES:
        return None
    order = np.argsort(-counted.field("counts").to_numpy())
    first, second = (counted[int(at)].as_py() for at in order[:2])
    ends = pc.min_max(values).as_py().values()
    if first["values"] not in ends or first["counts"] < _LEAST_ATOM * len(values):
        return None
    others = values.filter(pc.not_equal(values, pa.scalar(first["values"], values.type)))
    low, high = (float(end) for end in pc.min_max(others).as_py().values())
    apart = max(low - float(first["values"]), float(first["values"]) - high)
    often = first["counts"] >= _OFTENER * second["counts"]
    return first["values"] if often or apart > _FAR * (high - low) else None


def _of_a_family(values: Values) -> Guess:
    numbers = values.cast(pa.float64(), safe=False).to_numpy()
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return Guess(col.constant(None), "it has no finite numbers")
    if not pa.types.is_integer(values.type):
        return best_fit(finite, whole=False)
    found = best_fit(finite, whole=True)
    low, high = pc.min(values).as_py(), pc.max(values).as_py()  # floats round long numbers
    if low == high:
        return Guess(col.constant(low), found.reason)
    if finite.min() == finite.max():
        return Guess(col.uniform(low, high, decimals=0), f"between {low} and {high}")
    return Guess(found.column.model_copy(update={"min": low, "max": high}), found.reason)


def _span(values: Values) -> Guess:
    """A time of day or a duration, its seconds of the nearest family."""
    clock = pa.types.is_time(values.type)
    ticks = values.cast(pa.time64("us") if clock else pa.duration("us"), safe=False)
    micros = ticks.cast(pa.int64())
    low, high = pc.min(micros).as_py(), pc.max(micros).as_py()
    if low < 0:
        found = _number(pc.divide(micros, _MICROSECONDS))
        reason = "durations in whole seconds, since some are below zero"
        return Guess(found.column, f"{reason}; {found.reason}")
    whole = pc.multiply(pc.divide(micros, _MICROSECONDS), _MICROSECONDS).equals(micros)
    seconds = pc.divide(micros.cast(pa.float64()), float(_MICROSECONDS))
    found = nearest_family(seconds.to_numpy(), whole=whole)
    parameters: dict[str, Any] = {} if whole else {"decimals": 6}
    if isinstance(found.column, AbstractDistribution) and not isinstance(found.column, Uniform):
        free = dict.fromkeys(("min", "max", "decimals"))
        parameters["seconds"] = found.column.model_copy(update=free)
    if clock:
        first, last = low // _MICROSECONDS, high // _MICROSECONDS + 1
        times = [f"{end // 3600}:{end // 60 % 60:02}:{end % 60:02}" for end in (first, last)]
        return Guess(col.time_of_day(*times, **parameters), f"times of day; {found.reason}")
    least, most = (f"{end / _MICROSECONDS:g}s" for end in (low, high))
    if not whole or high > _MOST_SHOWN:
        least, most = (f"{end / _MICROSECONDS:.6f}s" for end in (low, high))
    return Guess(col.duration(least, most, **parameters), f"durations; {found.reason}")


def _identity(facts: Facts) -> Guess | None:
    """A made-up person's attribute where real values would tell who someone is."""
    found = guess(facts)
    column = found.column if found else None
    return found if isinstance(column, Person) and column.field in _IDENTIFYING else None


def _told(facts: Facts, values: Values) -> Guess | None:
    """A column whose values are personal whatever it is called: none of them is listed."""
    found = find(values, facts.name)
    if found is None or not found.direct:
        return None
    text = not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type))
    if text and found.kind in _IDENTIFYING:
        return Guess(col.person(cast(Any, found.kind)), found.reason)
    reason = f"{TITLES[found.kind]}, none of them kept: {found.reason}"
    if text:
        return Guess(_string(facts, values).column, reason)
    low, high = int(pc.min(values).as_py()), int(pc.max(values).as_py())
    unit = 10 ** max(0, len(str(high)) - 4)  # the bounds are not a real number either
    return Guess(col.uniform(low // unit * unit, (high // unit + 1) * unit, decimals=0), reason)


def _own_form(told: Guess | None, values: Values) -> Guess | None:
    """The form of postcodes and phones that the spec's people write otherwise: `00944-1410`."""
    column = None if told is None else told.column
    if told is None or not isinstance(column, Person) or column.field not in _FORMED:
        return None
    sample = pc.unique(values).slice(0, _SAMPLE).to_pylist()
    forms = {len(text): code_pattern([other for other in sample if len(other) == len(text)])
             for text in sample}  # fmt: skip
    found = [form for form in forms.values() if form is not None]
    if len(found) < len(forms) or len(found) > _MOST_FORMS or found == [r"\d{5}"]:
        return None
    if any(map(is_mixed, found)):
        return None
    regex = "|".join(found)
    if not pc.all(pc.match_substring_regex(values, f"^(?:{regex})$")).as_py():
        return None
    return Guess(col.pattern(regex), f"{told.reason}; every value has this form")


def _string(facts: Facts, values: Values) -> Guess:
    distinct = len(pc.unique(values)) / len(values)
    sample = values.slice(0, _SAMPLE).to_pylist()
    if all(_UUID.fullmatch(text) for text in sample):
        return Guess(col.uuid(), "every value is a UUID")
    if are_periods(values) and (labels := guess_labels(facts.name, values)) is not None:
        return labels
    by_name = guess(facts)
    if by_name is not None:
        field = by_name.column.field if isinstance(by_name.column, Person) else ""
        alone = field == "state" and (
            facts.beside.isdisjoint(_PARTS_OF_ADDRESSES) or all(map(str.isupper, sample))
        )  # the states of generated addresses are written out: `Alabama`
        listed = field in _PUBLIC or alone
        return (guess_labels(facts.name, values, least=1) if listed else None) or by_name
    for _ in range(2):
        regex = number_pattern(sample) or code_pattern(sample) or run_pattern(sample)
        if regex is None:
            break
        fits = pc.match_substring_regex(values, f"^(?:{regex})$")
        if pc.all(fits).as_py():
            return Guess(col.pattern(regex, unique=distinct == 1), "every value has this form")
        sample = [*sample, *values.filter(pc.invert(fits)).slice(0, _SAMPLE).to_pylist()]
    mean = sum(len(text.split()) for text in sample) / len(sample)
    reason = f"text: {percent(distinct)} distinct, {mean:.0f} words on average"
    return Guess(col.llm(facts.name.replace("_", " ")), reason)


def guess_labels(name: str, values: Values, least: int = LABEL_ROWS) -> Guess | None:
    """One of many labels that name nobody: most rows have one that other rows have, too.

    Args:
        name: The column's name.
        values: Its texts.
        least: Labels of fewer rows are left out; none that is a period of time.
    """
    counted = values.drop_null().value_counts()
    periods = are_periods(values)
    least = 1 if periods else least
    shared = counted.filter(pc.greater_equal(counted.field("counts"), least))
    labels, counts = shared.field("values"), shared.field("counts")
    rare = pc.sum(counted.field("counts")).as_py() - (kept := pc.sum(counts).as_py() or 0)
    if len(shared) > MOST_CHOICES or kept <= rare:
        return None
    if pc.max(pc.utf8_length(labels)).as_py() > _LONGEST_LABEL:
        return None
    if least > 1 and (named_as_key(name) or find(values, name) is not None):
        return None
    order = pc.sort_indices(pc.negate(counts))
    column = col.choice(labels.take(order).to_pylist(), weights=counts.take(order).to_pylist())
    told = "periods of time" if periods else f"labels of {least} rows or more"
    told = told if periods or least > 1 else "labels that name nobody"
    reason = f"{len(shared)} {told}"
    if rare:
        left = len(counted) - len(shared)
        reason += f"; {left:,} rarer ones in {rare:,} rows are left out"
    nulls = round(values.null_count / len(values), 4)
    unique = len(counted) == len(values)
    return Guess(column.model_copy(update={"nulls": nulls, "unique": unique}), reason)

"""Compiles JSON Schema into fast checks that also normalise harmless differences.

A value changes only if nothing is lost: surrounding space is removed, "29.99" becomes 29.99 for a
number (`numbers` reads them), 150.0 becomes 150 for an integer, and the digits 99203 become text
for a string. Every other violation is described in words that the model can act on.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from fabula.errors import UsageError
from fabula.fakers.linear import LinearPattern, linear_pattern
from fabula.llm.json_schema.numbers import NumberReader, is_machine_number
from fabula.llm.json_schema.reading import unwrapped_json
from fabula.llm.json_schema.wording import as_json

Check: TypeAlias = Callable[[Any], Any]
"""Takes a value and returns it normalised, or raises `Invalid`."""


class Invalid(Exception):
    """A value violates its schema; the message says how, the path says where."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path

    def under(self, step: str) -> Invalid:
        """The same problem, seen from one level up."""
        joined = f"{step}.{self.path}" if self.path else step
        return Invalid(self.problem, joined)


def compile_schema(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Check:
    """A function that checks and normalises a value.

    Args:
        schema: JSON Schema of the value.
        root: The schema that `$ref` points into; the schema itself when None.
    """
    return _compile(schema, root or schema, {})


def quoted(value: Any) -> str:
    """A value as short JSON, for messages."""
    text = as_json(value)
    return text if len(text) <= 80 else text[:77] + "..."


_Compiled: TypeAlias = dict[str, Check]


def _compile(schema: Any, root: Mapping[str, Any], known: _Compiled) -> Check:
    if isinstance(schema, bool):
        return _all_of(()) if schema else _any_of(())
    if "$ref" in schema:
        return _reference(schema["$ref"], root, known)
    checks = []
    if "enum" in schema or "const" in schema:
        checks.append(_one_of(schema["enum"] if "enum" in schema else [schema["const"]]))
    elif "type" in schema:
        types = schema["type"]
        kinds = [types] if isinstance(types, str) else types
        for kind in kinds:
            if kind not in _TYPES:
                raise _wrong_schema(f"`{kind}` is not a type", f"use one of {', '.join(_TYPES)}")
        checks.append(_any_of([_TYPES[kind](schema, root, known) for kind in kinds]))
    for name in ("anyOf", "oneOf"):
        if name in schema:
            parts = [_titled(part, schema) for part in schema[name]]
            checks.append(_any_of([_compile(part, root, known) for part in parts]))
    checks += [_compile(part, root, known) for part in schema.get("allOf", ())]
    return _all_of(checks)


def _titled(part: Any, outer: Mapping[str, Any]) -> Any:
    """A schema with the title and description of the enclosing one, for its units."""
    if not isinstance(part, Mapping):
        return part
    return {key: outer[key] for key in ("title", "description") if key in outer} | {**part}


def _reference(pointer: str, root: Mapping[str, Any], known: _Compiled) -> Check:
    """Compiled at first use, so that a schema may contain itself."""
    target: Any = root
    for step in filter(None, pointer.removeprefix("#").split("/")):
        target = target.get(step) if isinstance(target, Mapping) else None
    if target is None:
        raise _wrong_schema(f"`{pointer}` refers to nothing", "define it under `$defs`")

    def check(value: Any) -> Any:
        if pointer not in known:
            known[pointer] = _compile(target, root, known)
        return known[pointer](value)

    return check


def _wrong_schema(problem: str, hint: str) -> UsageError:
    return UsageError(f"the schema is wrong: {problem}", code="rows.schema", hint=hint)


def _all_of(checks: Sequence[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> Any:
        for each in checks:
            value = each(value)
        return value

    return check


def _any_of(checks: Sequence[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> Any:
        problems, straightened = [], []
        for each in checks:
            try:
                made = each(value)
            except Invalid as problem:
                problems.append(problem)
                continue
            if type(made) is type(value):
                return made
            straightened.append(made)
        if straightened:
            return straightened[0]
        if not problems:
            raise Invalid("no value is allowed here")
        raise max(problems, key=lambda problem: problem.path.count("."))  # of the nearest branch

    return check


def _one_of(allowed: Sequence[Any]) -> Check:
    by_text = {str(value).strip().casefold(): value for value in allowed}
    plain = all(isinstance(value, str) for value in allowed)
    exact = frozenset(allowed) if plain else None
    listed = ", ".join(quoted(value) for value in allowed[:20])

    def check(value: Any) -> Any:
        if exact is not None and isinstance(value, str) and value in exact:
            return value
        for candidate in allowed if exact is None else ():
            if value == candidate and isinstance(value, bool) == isinstance(candidate, bool):
                return candidate
        is_word = isinstance(value, str) or (isinstance(value, int) and value is not True)
        if is_word and (found := str(value).strip().casefold()) in by_text:
            return by_text[found]
        raise Invalid(f"{quoted(value)} is not one of {listed}")

    return check


def _string(schema: Mapping[str, Any], _root: Mapping[str, Any], _known: _Compiled) -> Check:
    low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    pattern = _pattern(schema["pattern"]) if "pattern" in schema else None
    is_format = _FORMATS.get(schema.get("format", ""))

    def check(value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # digits without quotes; a float has lost its trailing zeros
        if not isinstance(value, str):
            raise Invalid(f"{quoted(value)} is not a string")
        text = value.strip()
        if not low <= len(text) <= high:
            word = "shorter" if len(text) < low else "longer"
            bound = low if len(text) < low else high
            raise Invalid(f"{quoted(text)} is {word} than {bound} characters")
        if pattern is not None and not pattern.search(text):
            raise Invalid(f"{quoted(text)} does not match the pattern {pattern.pattern}")
        if is_format is not None and not is_format(text):
            raise Invalid(f"{quoted(text)} is not a valid {schema['format']}")
        return text

    return check


def _pattern(text: str) -> LinearPattern:
    try:
        return linear_pattern(text)
    except ValueError as problem:
        raise _wrong_schema(f"the pattern {text}: {problem}", "give a valid pattern") from problem


def _number(schema: Mapping[str, Any], _root: Mapping[str, Any], _known: _Compiled) -> Check:
    in_range = _in_range(schema)
    spelled = _spelled(schema, in_range, is_whole=False)

    def check(value: Any) -> Any:
        if isinstance(value, str):
            return spelled(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(f"{quoted(value)} is not a number")
        if not math.isfinite(value):
            raise Invalid(f"{value} is not a finite number")
        in_range(value)
        return value

    return check


def _integer(schema: Mapping[str, Any], _root: Mapping[str, Any], _known: _Compiled) -> Check:
    in_range = _in_range(schema)
    spelled = _spelled(schema, in_range, is_whole=True)

    def check(value: Any) -> Any:
        if isinstance(value, str):
            return spelled(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(f"{quoted(value)} is not an integer")
        in_range(value)
        return value

    return check


def _spelled(
    schema: Mapping[str, Any], in_range: Callable[[float], None], *, is_whole: bool
) -> Any:
    """A check for numbers written as text."""
    reader = NumberReader(f"{schema.get('title', '')} {schema.get('description', '')}")
    kind = "an integer" if is_whole else "a number"

    def check(text: str) -> Any:
        numbers, problem = reader.read(text)
        if is_whole and "," in text:
            numbers = numbers[-1:]  # integers are not written with a comma and decimals
        if not is_whole and is_machine_number(text):
            numbers = numbers[:1]
        if not numbers:
            raise Invalid(f"{quoted(text)} is not {kind}" + (f"; {problem}" if problem else ""))
        if not math.isfinite(numbers[0]):
            raise Invalid(f"{numbers[0]} is not a finite number")
        fitting, problems = [], []
        for value in numbers:
            try:
                in_range(value)
                fitting.append(value)
            except Invalid as invalid:
                problems.append(invalid)
        if not fitting:
            raise problems[0]
        if len(fitting) > 1:
            readings = " or ".join(f"{value:g}" for value in fitting)
            raise Invalid(f"{quoted(text)} may be {readings}; write digits without separators")
        value = fitting[0]
        if is_whole and value != int(value):
            raise Invalid(f"{quoted(text)} is not an integer")
        reader.keep(text)
        return int(value) if is_whole else value

    return check


def _in_range(schema: Mapping[str, Any]) -> Check:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above = schema.get("exclusiveMinimum", -math.inf)
    below = schema.get("exclusiveMaximum", math.inf)
    step = schema.get("multipleOf")

    def check(value: float) -> None:
        if value < low:
            raise Invalid(f"{value} is below the minimum {low}")
        if value > high:
            raise Invalid(f"{value} is above the maximum {high}")
        if value <= above:
            raise Invalid(f"{value} is not above {above}")
        if value >= below:
            raise Invalid(f"{value} is not below {below}")
        if step and abs(value / step - round(value / step)) > 1e-6:
            raise Invalid(f"{value} is not a multiple of {step}")

    return check


def _boolean(_schema: Mapping[str, Any], _root: Mapping[str, Any], _known: _Compiled) -> Check:
    def check(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in ("true", "false"):
            return word == "true"
        raise Invalid(f"{quoted(value)} is not true or false")

    return check


def _null(_schema: Mapping[str, Any], _root: Mapping[str, Any], _known: _Compiled) -> Check:
    def check(value: Any) -> None:
        if value is not None:
            raise Invalid(f"{quoted(value)} is not null")

    return check


def _array(schema: Mapping[str, Any], root: Mapping[str, Any], known: _Compiled) -> Check:
    low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    first = [_compile(part, root, known) for part in schema.get("prefixItems", ())]
    items = schema.get("items")
    rest = _compile(items, root, known) if isinstance(items, Mapping) else None

    def check(value: Any) -> list[Any]:
        value = unwrapped_json(value)
        if not isinstance(value, list):
            raise Invalid(f"{quoted(value)} is not a list")
        if not low <= len(value) <= high:
            raise Invalid(f"the list has {len(value)} items, not {_bounds(low, high)}")
        made = []
        for place, item in enumerate(value):
            each = first[place] if place < len(first) else rest
            try:
                made.append(item if each is None else each(item))
            except Invalid as problem:
                raise problem.under(str(place)) from None
        if schema.get("uniqueItems") and len({repr(item) for item in made}) < len(made):
            raise Invalid("the list repeats an item")
        return made

    return check


def _bounds(low: float, high: float) -> str:
    return f"at least {low}" if high == math.inf else f"{low} to {high}"


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], known: _Compiled) -> Check:
    members = {
        name: _compile(_titled(part, {"title": name}), root, known)
        for name, part in schema.get("properties", {}).items()
    }
    required = schema.get("required", ())
    more = schema.get("additionalProperties", True)
    others = _compile(more, root, known) if isinstance(more, Mapping) else None

    def check(value: Any) -> dict[str, Any]:
        value = unwrapped_json(value)
        if not isinstance(value, Mapping):
            raise Invalid(f"{quoted(value)} is not an object")
        for name in required:
            if name not in value:
                raise Invalid("is missing", name)
        made = {}
        for name, item in value.items():
            each = members.get(name, others)
            if each is None and more is False:
                raise Invalid("was not requested", str(name))
            try:
                made[name] = item if each is None else each(item)
            except Invalid as problem:
                raise problem.under(str(name)) from None
        return made

    return check


def _is_iso(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


def _is_match(pattern: str) -> Callable[[str], bool]:
    return lambda text: linear_pattern(pattern).fullmatch(text)


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_iso(datetime.date.fromisoformat),
    "date-time": _is_iso(datetime.datetime.fromisoformat),
    "time": _is_iso(datetime.time.fromisoformat),
    "email": _is_match(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "uuid": _is_match(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "uri": _is_match(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+"),
}

_TYPES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], _Compiled], Check]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "null": _null,
    "array": _array,
    "object": _object,
}

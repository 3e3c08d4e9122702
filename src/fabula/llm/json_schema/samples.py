"""Values that fit a JSON Schema, for the `fake` model and the scripted server.

Choices, bounds, lengths, formats and patterns are kept; strings are words chosen by the
property's name, so that a `city` looks like a city.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fabula.llm.json_schema.dialect import resolved, with_folded
from fabula.llm.json_schema.patterns import matching
from fabula.llm.json_schema.wording import usual_range
from fabula.llm.json_schema.words import WORDS, word_for

DEEPEST = 6
Bounds = Mapping[str, Any]


def make_value(rng: random.Random, schema: Mapping[str, Any], *, items: int | None = None) -> Any:
    """A value that fits the schema; `items` is the length of a list that the schema leaves open."""
    return _Maker(rng, schema, items).value(schema, name="", depth=0)


class _Maker:
    def __init__(self, rng: random.Random, root: Mapping[str, Any], items: int | None) -> None:
        self.rng = rng
        self.root = root
        self.items = items

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, Mapping):
            return self.rng.choice(WORDS["thing"])
        schema = with_folded(self._resolved(schema))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self.value(self._branch(schema[word], depth), name, depth)
        kind = schema.get("type")
        if isinstance(kind, list):
            wanted = [item for item in kind if item != "null"] or ["null"]
            kind = wanted[0]
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "integer":
            return self._integer(schema, name)
        if kind == "number":
            return self._number(schema, name)
        if kind == "boolean":
            return self.rng.random() < 0.5
        return None if kind == "null" else self._string(schema, name)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        schema = resolved(schema, self.root)
        for part in schema.get("allOf", ()):
            schema = {**schema, **self._resolved(part)}
        return schema

    def _branch(self, branches: Sequence[Any], depth: int) -> Any:
        nulls = [item for item in branches if item.get("type") == "null"]
        if nulls and depth >= DEEPEST:
            return nulls[0]
        return self.rng.choice([item for item in branches if item not in nulls] or branches)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = set(schema.get("required") or ())
        properties: Mapping[str, Any] = schema.get("properties") or {}
        made = {
            name: self.value(item, name, depth + 1)
            for name, item in properties.items()
            if name in required or depth < DEEPEST
        }
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping) and not properties:
            names = self.rng.sample(WORDS["thing"], 2)
            made = {name: self.value(extra, name, depth + 1) for name in names}
        return made

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.value(item, name, depth + 1) for item in schema["prefixItems"]]
        count, one = self._length(schema, depth), schema.get("items", {})
        distinct = schema.get("uniqueItems", False)
        made: list[Any] = []
        for _ in range(count * 20 if distinct else count):
            item = self.value(one, _singular(name), depth + 1)
            if not (distinct and item in made):
                made.append(item)
            if len(made) == count:
                break
        return made

    def _length(self, schema: Bounds, depth: int) -> int:
        asked, self.items = self.items, None
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        if not low and high is None and asked is not None:
            return asked
        if depth >= DEEPEST:
            return int(low)
        usual = max(low, 3)
        return int(usual if high is None else min(high, usual))

    def _integer(self, schema: Bounds, name: str) -> int:
        step = schema.get("multipleOf", 1)
        low, high = _range(schema, name)
        if "exclusiveMinimum" in schema and low <= schema["exclusiveMinimum"]:
            low = schema["exclusiveMinimum"] + 1
        if "exclusiveMaximum" in schema and high >= schema["exclusiveMaximum"]:
            high = schema["exclusiveMaximum"] - 1
        return int(self._multiple(low, high, step))

    def _number(self, schema: Bounds, name: str) -> float:
        low, high = _range(schema, name)
        step = schema.get("multipleOf")
        if step:
            return round(self._multiple(low, high, step), 10)
        value = round(self.rng.uniform(low, high), 2)
        strictly = value in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
        return value if low <= value <= high and not strictly else float(low + high) / 2

    def _multiple(self, low: float, high: float, step: float) -> float:
        first, last = -int(-low // step), int(high // step)
        return self.rng.randint(first, max(first, last)) * step

    def _string(self, schema: Bounds, name: str) -> str:
        if "pattern" in schema:
            return matching(self.rng, schema["pattern"])
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        made = self._formatted(schema.get("format")) or word_for(self.rng, name, longest=most)
        while len(made) < least:
            made += f" {self.rng.choice(WORDS['thing'])}"
        return made[:most].rstrip().ljust(least, "x") if most is not None else made

    def _formatted(self, form: Any) -> str | None:
        rng = self.rng
        day = dt.date(2022, 1, 1) + dt.timedelta(days=rng.randrange(1461))
        clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
        digits = f"{rng.getrandbits(128):032x}"
        return {
            "date": day.isoformat(),
            "time": clock,
            "date-time": f"{day.isoformat()}T{clock}Z",
            "duration": f"P{rng.randint(1, 30)}D",
            "email": word_for(rng, "email"),
            "uri": f"https://example.com/{rng.choice(WORDS['thing'])}/{rng.randrange(10_000)}",
            "hostname": f"{rng.choice(WORDS['thing'])}.example.com",
            "ipv4": f"192.0.2.{rng.randrange(256)}",
            "ipv6": f"2001:db8::{rng.randrange(65_536):x}",
            "uuid": f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}",
        }.get(str(form))


def _range(schema: Bounds, name: str) -> tuple[Any, Any]:
    """Bounds for a number: the schema's, completed by what its name suggests."""
    lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    usual = (18, 90) if "age" in re.findall("[a-z]+", name.lower()) else (1, 100)
    if lowest is None and highest is None:
        return usual_range(schema.get("description", "")) or usual
    if lowest is None:
        return highest - 100, highest
    return lowest, highest if highest is not None else lowest + 100


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") else name

"""JSON Schemas in JSON or YAML: read, references followed, and `allOf` merged into one schema."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fabula.errors import SourceError

Schema = Mapping[str, Any]

MOST_BYTES = 64 << 20
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def read_document(path: Path) -> Any:
    """What a JSON or YAML file holds.

    Raises:
        SourceError: It can't be read.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unreadable(path, f"it has more than {MOST_BYTES >> 20} MB")
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() in (".yaml", ".yml"):
            return YAML(typ="safe", pure=True).load(text)
        return json.loads(text)
    except OSError as exc:
        raise _unreadable(path, (exc.strerror or str(exc)).lower()) from exc
    except (ValueError, YAMLError, RecursionError) as exc:
        raise _unreadable(path, " ".join(str(exc).split())[:200]) from exc


class Documents:
    """The documents that a schema's references lead to.

    Args:
        path: The file that was named.
        root: What is in it.
    """

    def __init__(self, path: Path, root: Any) -> None:
        self._roots: dict[Path, Any] = {}
        self._anchors: dict[str, Any] = {}
        self.root = self._add(path.resolve(), root)

    def flat(self, schema: Any, within: tuple[str, ...] = ()) -> dict[str, Any]:
        """A schema without references and `allOf`: what all of its parts ask together.

        Args:
            schema: The schema; `true` is one that asks nothing.
            within: References on the way to it, which end a circle.

        Raises:
            SourceError: A reference leads nowhere, or in a circle.
        """
        if not isinstance(schema, Mapping):
            return {}
        parts: list[dict[str, Any]] = []
        ref = reference_of(schema)
        if ref is not None:
            if ref in within:
                raise SourceError(f"`{ref}` refers to nothing but itself", code="source.circle")
            parts.append(self.flat(self.target(ref), (*within, ref)))
        parts += [self.flat(part, within) for part in schema.get("allOf") or ()]
        own = {k: v for k, v in schema.items() if k not in (*_REFERENCES, "allOf", "nullable")}
        if schema.get("nullable") is True and isinstance(own.get("type"), str):  # OpenAPI 3.0
            own["type"] = [own["type"], "null"]
        made: dict[str, Any] = {}
        for part in (*parts, own):
            made = _merged(made, part)
        return made

    def target(self, ref: str) -> Any:
        """What a reference leads to.

        Raises:
            SourceError: It leads nowhere.
        """
        if ref in self._anchors:
            return self._anchors[ref]
        place, _, pointer = ref.partition("#")
        if place in self._anchors:
            found = self._anchors[place]
        elif "://" in place:
            raise SourceError(
                f"`{ref}` is on another machine",
                code="source.reference",
                hint="download it, and refer to the file by its path",
            )
        else:
            path = Path(place)
            if path not in self._roots:
                self._add(path, read_document(path))
            found = self._roots[path]
        for step in pointer.split("/")[1:] if pointer else ():
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise SourceError(
                    f"`{ref}` leads nowhere: there is no `{key}`", code="source.reference"
                ) from None
        return found

    def _add(self, path: Path, root: Any) -> Any:
        """Keep a document with its references made absolute."""
        self._roots[path] = self._absolute(root, path, "", ())
        return self._roots[path]

    def _absolute(self, value: Any, path: Path, base: str, within: tuple[int, ...]) -> Any:
        if id(value) in within:
            raise _unreadable(path, "an alias holds itself")
        within = (*within, id(value)) if isinstance(value, Mapping | list) else within
        if isinstance(value, list):
            return [self._absolute(item, path, base, within) for item in value]
        if not isinstance(value, Mapping):
            return value
        own = value.get("$id")
        if isinstance(own, str) and "#" not in own:
            base = own
        made = {
            str(key): self._absolute(item, path, base, within)
            for key, item in value.items()
            if key not in _REFERENCES or not isinstance(item, str)
        }
        for key in _REFERENCES:
            if isinstance(ref := value.get(key), str):
                made["$ref"] = _absolute_reference(ref, path, base)
        if isinstance(own, str):
            self._anchors[own] = made
            self._anchors[_absolute_reference(own, path, "")] = made
        for word in ("$anchor", "$dynamicAnchor"):
            if isinstance(name := value.get(word), str):
                for place in filter(None, (str(path), base)):
                    self._anchors[f"{place}#{name}"] = made
        return made


def reference_of(schema: Any) -> str | None:
    """The reference of a schema."""
    ref = schema.get("$ref") if isinstance(schema, Mapping) else None
    return ref if isinstance(ref, str) else None


def _absolute_reference(ref: str, path: Path, base: str) -> str:
    """A reference as it is from anywhere: `/folder/file.json#/definitions/name`."""
    if ref.startswith("#"):
        return f"{path}{ref}"
    if "://" in ref or ref.startswith("urn:"):
        return ref
    place, mark, pointer = ref.partition("#")
    if base:  # an `$id` in the same document
        known = base.rpartition("/")[0] + "/" + place
        if "://" in known and not (path.parent / place).exists():
            return f"{known}{mark}{pointer}"
    return f"{(path.parent / unquote(place)).resolve()}{mark}{pointer}"


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two schemas ask together; the second one's words of description win."""
    made = dict(one)
    for word, value in other.items():
        if word in made and word in _TOGETHER:
            made[word] = _TOGETHER[word](made[word], value)
        else:
            made[word] = value
    return made


def _properties(one: Schema, other: Schema) -> dict[str, Any]:
    both = {name: {"allOf": [one[name], other[name]]} for name in one if name in other}
    return {**one, **other, **both}


def _common(one: Any, other: Any) -> Any:
    """The types, or the values, that both allow."""
    first = one if isinstance(one, list) else [one]
    second = other if isinstance(other, list) else [other]
    found = [item for item in first if item in second]
    if "integer" in (*first, *second) and "number" in (*first, *second) and "integer" not in found:
        found.append("integer")
    return found if isinstance(one, list) or isinstance(other, list) else (found or [one])[0]


def _also(one: Any, other: Any) -> Any:
    """Both of two expressions; the first one is drawn."""
    first, second = (each if isinstance(each, list) else [each] for each in (one, other))
    both = list(dict.fromkeys([*first, *second]))
    return both if len(both) > 1 else both[0]


def _forms(one: Any, other: Any) -> Any:
    """Every pair of forms of two lists, since a value has one of each."""
    return [{"allOf": [first, second]} for first in one for second in other]


def _common_multiple(one: Any, other: Any) -> Any:
    first, second = Fraction(str(one)), Fraction(str(other))
    whole = Fraction(
        math.lcm(first.numerator, second.numerator), math.gcd(first.denominator, second.denominator)
    )
    return int(whole) if whole.denominator == 1 else float(whole)


def _narrower(one: Any, other: Any) -> Any:
    return {"allOf": [one, other]} if isinstance(one, Mapping) else other


_TOGETHER: Mapping[str, Callable[[Any, Any], Any]] = {
    "properties": _properties,
    "patternProperties": _properties,
    "required": lambda one, other: [*one, *(name for name in other if name not in one)],
    "type": _common,
    "enum": _common,
    "items": _narrower,
    "pattern": _also,
    "oneOf": _forms,
    "anyOf": _forms,
    "multipleOf": _common_multiple,
    **dict.fromkeys(("minimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "maxLength", "maxItems", "maxProperties"), min),
    "exclusiveMinimum": max,
    "exclusiveMaximum": min,
    "uniqueItems": lambda one, other: bool(one or other),
}
"""How a word of two schemas becomes one; of all others, the later one stands."""


def _unreadable(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"`{path}` can't be read: {reason}", code="source.unreadable", file=str(path)
    )

"""Pydantic's errors in plain words: what is wrong, where in the file, and what to write.

One problem of a file may be several errors of pydantic, one for each branch of a union, under a
location that names union branches; here it becomes one `Violation` at a place of the file.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic._internal._model_construction import ModelMetaclass
from pydantic_core import ErrorDetails
from typing_extensions import override

from fabula.errors import SpecError, Violation
from fabula.kinds import KINDS
from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.checks import CHECKS
from fabula.spec.synonyms import suggestion

Place = tuple[str | int, ...]

_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_type": "a date",
    "date_parsing": "a date",
    "date_from_datetime_parsing": "a date",
    "datetime_type": "a date or time",
    "datetime_parsing": "a date or time",
    "datetime_from_date_parsing": "a date or time",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "nothing",
}
_LIMITS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_FEW = 3
"""Places that a hint names."""
_FIRST = ("value_error", "assertion_error", *_LIMITS, "literal_error")


class ToldInWords(ModelMetaclass):
    """The class of specs that Python code builds by calling them; their problems are `SpecError`s.

    Pydantic builds a spec inside another one without a call, unless it has an `__init__`; so all
    problems come out together.
    """

    @override
    def __call__(self, name: str = "", /, **values: Any) -> Any:
        given = {**({"name": name} if name else {}), **values}
        try:
            return super().__call__(**given)
        except ValidationError as error:
            model: Any = self
            raise SpecError(violations_of(error, given, model=model)) from error


def violations_of(error: ValidationError, data: Any, *, model: type[BaseModel]) -> list[Violation]:
    """The problems that pydantic found in `data`, one for each place."""
    groups: dict[Place, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        groups.setdefault(_place(detail, data), []).append(detail)
    inner = {place[:depth] for place in groups for depth in range(len(place))}
    real = {
        place: details
        for place, details in groups.items()
        if place not in inner or all(detail["type"] == "value_error" for detail in details)
    }
    return [_violation(place, details, model) for place, details in real.items()]


def _place(detail: ErrorDetails, data: Any) -> Place:
    """The error's location as a path in the file, without the names of union branches."""
    place: list[str | int] = []
    *parents, last = detail["loc"] or ("",)
    for part in parents:
        if _holds(data, part):
            data = data[part]
            place.append(part)
    if last != "" and (_holds(data, last) or detail["type"] == "missing"):
        place.append(last)
    if detail["type"] == "union_tag_invalid":
        place.append("kind")
    return tuple(place)


def _holds(data: Any, part: str | int) -> bool:
    """Whether a mapping has a key, or a list an item."""
    if isinstance(data, list | tuple):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, Mapping) and part in data


def _violation(place: Place, details: list[ErrorDetails], model: type[BaseModel]) -> Violation:
    where = ".".join(str(part) for part in place) or None
    first = details[0]
    kind = first["type"]
    if "[key]" in first["loc"]:
        message = f"a name must be text, not {_shown(first['input'])}"
        return Violation("spec.wrong-type", message, where, f'put quotes around it: "{place[-1]}"')
    if kind == "invalid_key":
        return Violation(
            "spec.wrong-type", f"a key must be text, not {_shown(first['input'])}", where
        )
    if kind == "union_tag_invalid":
        return _unknown_kind(where, first)
    if kind == "union_tag_not_found":
        return _missing_kind(place, where, first)
    if kind == "extra_forbidden":
        return _unknown_key(place, where, first, model)
    if kind == "missing":
        return _missing_key(place, where, first, model)
    return _wrong_value(place, where, details)


def _unknown_kind(where: str | None, detail: ErrorDetails) -> Violation:
    tag = str(detail["ctx"]["tag"])
    known = [name.strip(" '") for name in detail["ctx"]["expected_tags"].split(",")]
    if set(known) == set(CHECKS):
        noun, listing = "check kind", f"there are {', '.join(known)}"
    elif set(known) == set(KINDS):
        noun, listing = "column kind", f"`fabula kinds` lists all {len(known)}"
    else:
        noun, listing = "distribution", f"there are {', '.join(known)}"
    near = suggestion(tag, known)
    return Violation(
        "spec.unknown-kind",
        f"{noun} `{tag}` does not exist",
        where,
        f"{near} {listing}" if near else listing,
    )


def _missing_kind(place: Place, where: str | None, detail: ErrorDetails) -> Violation:
    given = detail["input"] if isinstance(detail["input"], Mapping) else {}
    catalogue: Mapping[str, type[BaseModel]] = CHECKS if "checks" in place else KINDS
    fitting = [name for name, kind in catalogue.items() if set(given) <= set(kind.model_fields)]
    hint = f"did you mean `kind: {fitting[0]}`?" if given and len(fitting) == 1 else None
    return Violation(
        "spec.missing-key",
        f"{_named(place)} has no `kind`",
        where,
        hint or f"add `kind:`; there are {', '.join(sorted(catalogue))}",
    )


def _unknown_key(
    place: Place, where: str | None, detail: ErrorDetails, model: type[BaseModel]
) -> Violation:
    owner = _model_at(model, detail["loc"][:-1])
    key = str(detail["loc"][-1])
    known = sorted(set(owner.model_fields) - ({"name"} if len(place) == 3 else set()))
    near = suggestion(key, known) or suggestion(key, getattr(owner, "spread_keys", ()))
    if near is None and key == "columns" and len(place) == 1:
        near = "tables come first: `tables: {rows: {n: 100, columns: {…}}}`"
    listed = f"keys are {', '.join(known)}"
    here = "under `tables.NAME.columns.NAME`" if _kind(owner) in KINDS else ""
    if near is None and (places := [each for each in _places_of(key, model) if each != here]):
        near = f"`{key}` belongs {_either(places)}; here, {listed}"
    return Violation(
        "spec.unknown-key",
        f"{_owner(owner, place)} has no key `{key}`",
        where,
        near or f"its {listed}",
    )


def _places_of(key: str, model: type[BaseModel]) -> list[str]:
    """Where else in a spec a key is legal: at most a few places, the plainest first."""
    found: list[str] = []
    levels: list[tuple[str, Any]] = [("", model)]
    while levels:
        path, annotation = levels.pop(0)
        annotation = _plain(annotation)
        if not isinstance(annotation, type):
            inner, origin = get_args(annotation), get_origin(annotation)
            path += ".NAME" if origin is dict else ""
            levels += [(path, each) for each in (inner[1:] if origin is dict else inner)]
        elif issubclass(annotation, AbstractColumn | AbstractCheck):
            catalogue: Mapping[str, type[BaseModel]] = (
                KINDS if issubclass(annotation, AbstractColumn) else CHECKS
            )
            kinds = [name for name, kind in catalogue.items() if key in kind.model_fields]
            fit = (f"under `{path}: {{kind: {kind}}}`" for kind in kinds)
            found += [f"under `{path}`"] if len(kinds) > _FEW else fit
        elif issubclass(annotation, BaseModel):
            if key in annotation.model_fields:
                found.append(f"under `{path}`" if path else "at the top of the spec")
            levels += [(f"{path}.{name}".strip("."), field.annotation)
                       for name, field in annotation.model_fields.items()
                       if name != "distribution"]  # fmt: skip
    return sorted(dict.fromkeys(found), key=lambda place: "kind:" in place)[:_FEW]


def _missing_key(
    place: Place, where: str | None, detail: ErrorDetails, model: type[BaseModel]
) -> Violation:
    key = detail["loc"][-1]
    if isinstance(key, int):
        message = f"{_named(place[:-1])} takes more than {key} items"
        return Violation("spec.out-of-range", message, where)
    owner = _model_at(model, detail["loc"][:-1])
    kind = None if "checks" in place else _kind(owner)
    more = f"; `fabula kinds {kind}` has an example" if kind else ""
    message = f"{_owner(owner, place)} needs `{key}`"
    return Violation("spec.missing-key", message, where, f"add `{key}:`{more}")


def _wrong_value(place: Place, where: str | None, details: list[ErrorDetails]) -> Violation:
    """One violation for a value that no branch of its type accepts."""
    detail = min(details, key=lambda item: (*_FIRST, item["type"]).index(item["type"]))
    name, value = _subject(place, detail), detail["input"]
    context = detail.get("ctx", {})
    kind = detail["type"]
    if kind in ("value_error", "assertion_error"):
        return Violation("spec.bad-value", str(context["error"]), where)
    if kind in _LIMITS:
        word, key = _LIMITS[kind]
        message = f"{name} must be {word} {_shown(context[key])}, not {_shown(value)}"
        return Violation("spec.out-of-range", message, where)
    if kind == "literal_error":
        return _not_allowed(place, where, detail)
    if kind in ("too_short", "too_long"):
        return _wrong_length(name, where, detail)
    expected = list(dict.fromkeys(_EXPECTED.get(item["type"], "") for item in details))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    if not all(expected):
        return Violation("spec.bad-value", f"{name}: {detail['msg'].lower()}", where)
    if expected == ["a number", "text"]:
        expected = ["a number", "an expression over earlier columns"]
    if len(expected) > 3:
        expected = ["one plain value"]
    message = f"{name} must be {_either(expected)}, not {_shown(value)}"
    hint = f"write `{{kind: {value}}}`" if value in tuple(KINDS) and "columns" in place else None
    return Violation("spec.wrong-type", message, where, hint)


def _not_allowed(place: Place, where: str | None, detail: ErrorDetails) -> Violation:
    value = detail["input"]
    if place == ("fabula",):
        message = f"the file is written for version {_shown(value)} of the spec"
        hint = "this Fabula reads version 1: write `fabula: 1`, or install a newer Fabula"
        return Violation("spec.version", message, where, hint)
    known = detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
    message = f"{_named(place)} can't be {_shown(value)}"
    near = suggestion(str(value), known)
    return Violation("spec.bad-value", message, where, near or f"it is one of {', '.join(known)}")


def _wrong_length(name: str, where: str | None, detail: ErrorDetails) -> Violation:
    context = detail["ctx"]
    if not context["actual_length"]:
        return Violation("spec.out-of-range", f"{name} is empty", where)
    few = detail["type"] == "too_short"
    limit = context["min_length" if few else "max_length"]
    word = "at least" if few else "at most"
    message = f"{name} takes {word} {limit} items, not {context['actual_length']}"
    return Violation("spec.out-of-range", message, where)


def _subject(place: Place, detail: ErrorDetails) -> str:
    """The thing that is wrong; an item of a list that a short form was expanded to has no place."""
    *_, owner, last = ("", "", *detail["loc"])
    if isinstance(last, int) and last not in place[-1:]:
        return f"item {last + 1} of `{owner}`"
    return _named(place)


def _named(place: Place) -> str:
    """The thing at a place, for the middle of a sentence."""
    if not place:
        return "the spec"
    *parents, last = place
    if isinstance(last, int):
        return f"item {last + 1} of `{parents[-1]}`" if parents else f"item {last + 1}"
    nouns = {"columns": "column ", "tables": "table ", "models": "model "}
    return f"{nouns.get(str(parents[-1]), '') if parents else ''}`{last}`"


def _kind(owner: type[BaseModel]) -> str | None:
    """The kind of column or check that a mapping describes."""
    default = owner.model_fields["kind"].default if "kind" in owner.model_fields else None
    return default if default and (default in KINDS or default in CHECKS) else None


def _owner(owner: type[BaseModel], place: Place) -> str:
    """The mapping that holds the last key of a place, for the start of a sentence."""
    if kind := _kind(owner):
        noun = "check" if "checks" in place else "column"
        article = "an" if kind.startswith(("a", "e", "i", "o", "llm")) else "a"
        return f"{article} `{kind}` {noun}"
    is_alone = len(place) < 2 and owner.__name__ != "DatasetSpec"  # built in Python by a call
    return f"`{owner.__name__}`" if is_alone else _named(place[:-1])


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case str():
            return f"`{value if len(value) <= 40 else value[:39] + '…'}`"
    return str(value)[:40]


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel]:
    """The class whose keys are at a pydantic location, following its fields and tags."""
    annotation: Any = model
    for part in location:
        annotation = _step(annotation, part)
    plain = _plain(annotation)
    branches = map(_plain, get_args(plain)) if _is_union(plain) else (plain,)
    models = [part for part in branches if isinstance(part, type) and issubclass(part, BaseModel)]
    return models[0] if models else model


def _step(annotation: Any, part: str | int) -> Any:
    annotation = _plain(annotation)
    if isinstance(annotation, type) and issubclass(annotation, AbstractColumn) and part in KINDS:
        return KINDS[str(part)]
    if isinstance(annotation, type) and issubclass(annotation, AbstractCheck) and part in CHECKS:
        return CHECKS[str(part)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field is not None else None
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return inner[1]
    if origin is tuple:
        return inner[0]
    if _is_union(annotation):
        models = [item for item in map(_plain, inner) if _is_named(item, part)]
        if models:
            return models[0]
        steps = (_step(item, part) for item in inner)
        return next((step for step in steps if step is not None), None)
    return None


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _is_named(annotation: Any, tag: str | int) -> bool:
    """Whether a branch of a union is the one that pydantic calls `tag`."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return False
    kind = annotation.model_fields.get("kind")
    return annotation.__name__ == tag or (kind is not None and kind.default == tag)


def _plain(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation

"""A table from a Pydantic class or a dataclass: one column per field.

A field keeps the column of its own annotation (`Annotated[int, col.poisson(40)]`). With a prompt
every other field is asked of the language model; without one, what is obvious from name, type
and constraints is drawn, and only the rest is asked.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import types
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import FieldInfo

from fabula.errors import SpecError, Violation
from fabula.inference.guesses import Facts, Guess, guess, words
from fabula.inference.row_models import row_model, unusable
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.tables import TableSpec

OPTIONAL_NULLS = 0.1
"""Share of missing values of an optional field about which nothing else is known."""

_PLAIN = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    dt.date: "date",
    list[str]: "list[str]",
    list[int]: "list[int]",
    list[float]: "list[float]",
}
_SCALARS = (str, int, float, bool)


def table_from_class(cls: type, *, prompt: str | None = None) -> TableSpec:
    """The table whose rows are objects of a class.

    Args:
        cls: A Pydantic class or a dataclass.
        prompt: What the rows are about.

    Raises:
        SpecError: The class has no fields, or fields that JSON can't hold.
    """
    return guessed_table(cls, prompt=prompt)[0]


def guessed_table(cls: type, *, prompt: str | None = None) -> tuple[TableSpec, dict[str, str]]:
    """The table of a class, and for each guessed column the reason."""
    known = row_model(cls)
    assert known is not None
    name = words(cls.__name__) or "rows"
    columns: dict[str, AbstractColumn] = {}
    reasons: dict[str, str] = {}
    problems: list[Violation] = []
    beside = frozenset(words(field) for field in known.model.model_fields)
    for field, info in known.model.model_fields.items():
        try:
            made = guessed_column(field, info, owner=name, beside=beside, prompt=prompt)
        except SpecError as error:
            where = f"tables.{name}.columns.{field}"
            problems += [dataclasses.replace(item, where=where) for item in error.violations]
            continue
        columns[field] = made.column
        if made.reason:
            reasons[field] = made.reason
    if not columns and not problems:
        hint = "give it annotated fields: `age: int`"
        problems.append(Violation("spec.no-fields", f"`{cls.__name__}` has no fields", None, hint))
    if problems:
        raise SpecError(problems)
    return TableSpec(name, columns=columns, prompt=prompt or _about(cls)), reasons


def _about(cls: type) -> str:
    """What a class says that it is; a dataclass without words of its own says its signature."""
    text = " ".join((vars(cls).get("__doc__") or "").split())
    return "" if text.startswith(f"{cls.__name__}(") else text


def guessed_column(
    name: str, info: FieldInfo, *, owner: str, beside: frozenset[str], prompt: str | None
) -> Guess:
    """The column of one field; a column of the field's own has no reason.

    Args:
        name: The field.
        info: What Pydantic knows of it.
        owner: What it belongs to, in words.
        beside: The names of the other fields.
        prompt: What the rows are about; then only fields with a column of their own are drawn.

    Raises:
        SpecError: No column can hold the field.
    """
    bare, metadata, optional = unwrapped(info.annotation, list(info.metadata))
    own = [item for item in metadata if isinstance(item, AbstractColumn)]
    if own:
        return Guess(own[-1], "")
    facts = facts_of(words(name), bare, metadata, owner=owner, beside=beside)
    made = None if prompt else guess(facts)
    if made is None:
        column = _llm(name, info, bare, metadata, facts)
        made = Guess(column, "" if prompt else "nothing obvious: a language model fills it in")
    common: dict[str, Any] = {"description": info.description or made.column.description}
    if optional:
        common["nulls"] = OPTIONAL_NULLS
    return Guess(made.column.model_copy(update=common), made.reason)


def unwrapped(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any], bool]:
    """The type without `Annotated` and `None`, all metadata, and whether it may be missing.

    Args:
        annotation: The type of a field.
        metadata: What is known about it besides; more is added.
    """
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata += more
            continue
        if get_origin(annotation) in (Union, types.UnionType):
            branches = [item for item in get_args(annotation) if item is not type(None)]
            optional = optional or len(branches) < len(get_args(annotation))
            if len(branches) == 1:
                annotation = branches[0]
                continue
        return annotation, metadata, optional


def facts_of(
    name: str, bare: Any, metadata: list[Any], *, owner: str, beside: frozenset[str]
) -> Facts:
    """What is known about a field.

    Args:
        name: Its name, in words.
        bare: Its type, without `Annotated` and `None`.
        metadata: Its constraints.
        owner: What it belongs to, in words.
        beside: The names of the other fields.
    """
    low, high = _bound(metadata, "ge"), _bound(metadata, "le")
    above, below = _bound(metadata, "gt"), _bound(metadata, "lt")
    step = 1 if bare is int else _places(metadata)
    if bare is not int and above is not None and below is not None:
        step = step if below - above > 2 * step else (below - above) / 1_000
    return Facts(
        name=name,
        type=_named_type(bare),
        owner=owner,
        beside=beside,
        low=above + step if above is not None and low is None else low,
        high=below - step if below is not None and high is None else high,
        step=_bound(metadata, "multiple_of"),
        decimals=_digits(metadata, "decimal_places"),
        digits=_digits(metadata, "max_digits"),
        pattern=_pattern(metadata),
        choices=_choices(bare),
        since=_moment(metadata, "ge", bare) or _moment(metadata, "gt", bare, 1),
        until=_moment(metadata, "lt", bare) or _moment(metadata, "le", bare, 1),
    )


def _named_type(bare: Any) -> Any:
    """The plain type behind Pydantic's own: `EmailStr` and the like are text with a name."""
    if isinstance(bare, type) and issubclass(bare, str) and not issubclass(bare, enum.Enum):
        return str
    return bare


def _bound(metadata: list[Any], name: str) -> float | None:
    found = [getattr(item, name) for item in metadata if getattr(item, name, None) is not None]
    match found[-1:]:
        case [int() | float() as bound]:
            return bound
        case [Decimal() as bound]:
            return float(bound)
    return None


def _moment(metadata: list[Any], name: str, bare: Any, steps: int = 0) -> dt.date | None:
    """A bound of a date or a time, some days or seconds later."""
    found = [
        getattr(item, name) for item in metadata if isinstance(getattr(item, name, None), dt.date)
    ]
    step = dt.timedelta(days=1) if bare is dt.date else dt.timedelta(seconds=1)
    return found[-1] + steps * step if found else None


def _digits(metadata: list[Any], name: str) -> int | None:
    found = [getattr(item, name) for item in metadata if getattr(item, name, None) is not None]
    return int(found[-1]) if found else None


def _places(metadata: list[Any]) -> float:
    """The smallest step of a number with decimals, for bounds that exclude themselves."""
    places = _digits(metadata, "decimal_places")
    return 10.0 ** -(2 if places is None else places)


def _pattern(metadata: list[Any]) -> str | None:
    found = [item.pattern for item in metadata if getattr(item, "pattern", None) is not None]
    return getattr(found[-1], "pattern", found[-1]) if found else None


def _choices(bare: Any) -> tuple[Any, ...]:
    if get_origin(bare) is Literal:
        return tuple(item.value if isinstance(item, enum.Enum) else item for item in get_args(bare))
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        values = tuple(member.value for member in bare)
        return values if all(isinstance(value, _SCALARS) for value in values) else ()
    return ()


def _llm(
    name: str, info: FieldInfo, bare: Any, metadata: list[Any], facts: Facts
) -> AbstractColumn:
    """An `llm` column of the field's type; what is not a plain type becomes a JSON Schema."""
    description = info.description or ""
    examples = [item for item in info.examples or () if isinstance(item, _SCALARS)]
    if facts.choices:
        return col.llm(description, type=list(facts.choices), examples=examples)
    if bare is Decimal:
        bare, metadata = float, [item for item in metadata if not hasattr(item, "decimal_places")]
    plain = _PLAIN.get(str if facts.type is str else bare)
    excluded = any(_bound(metadata, bound) is not None for bound in ("gt", "lt", "multiple_of"))
    if plain is None or (excluded and plain != "int") or facts.step is not None:
        schema = _json_schema(name, bare, metadata)
        return col.llm(description, type=schema, examples=examples)
    sized = plain == "str" or plain.startswith("list")
    return col.llm(
        description,
        type=plain,
        min=_bound(metadata, "min_length") if sized else facts.low,
        max=_bound(metadata, "max_length") if sized else facts.high,
        pattern=facts.pattern,
        examples=examples,
        unique=facts.is_key,
    )


def _json_schema(name: str, bare: Any, metadata: list[Any]) -> dict[str, Any]:
    annotation: Any = Annotated[(bare, *metadata)] if metadata else bare
    try:
        schema = TypeAdapter(annotation).json_schema()
    except (PydanticUserError, PydanticSchemaGenerationError, TypeError) as error:
        raise unusable(name, error) from error
    definitions = schema.pop("$defs", {})
    found: dict[str, Any] = _inlined(schema, definitions, ())
    return found


def _inlined(schema: Any, definitions: Mapping[str, Any], open_names: tuple[str, ...]) -> Any:
    """The schema without references, because it becomes a part of a larger one.

    A class that holds itself ends at its second appearance, in a plain object.
    """
    if isinstance(schema, list):
        return [_inlined(item, definitions, open_names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if name in open_names:
            return {"type": "object"}
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_inlined(definitions[name], definitions, (*open_names, name)), **rest}
    return {
        key: _inlined(value, definitions, open_names)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }

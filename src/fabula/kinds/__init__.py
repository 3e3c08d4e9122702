"""The column kinds: one file each, with parameters, facts, an example; all of it plain Python.

A kind whose values are drawn column by column has an engine in the module of the same name in
`fabula.engines.kinds`. The JSON Schema, `col.NAME`, one-line specs, `fabula kinds`, validation,
estimates, `per_parent`, mixtures and hints follow from the class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from fabula.extensions import Register
from fabula.kinds.base.columns import SECTIONS, AbstractColumn
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import SpecModel

ColumnT = TypeVar("ColumnT", bound=AbstractColumn)


def _place(name: str, cls: type[AbstractColumn]) -> tuple[int, str]:
    return SECTIONS.index(cls.section), name


def _lack(name: str, cls: type[AbstractColumn]) -> str | None:
    """The first part that a kind lacks."""
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        return f"does not define `{missing[0]}`"
    if cls.arrow_type is AbstractColumn.arrow_type:
        return "does not define `arrow_type`"
    if not inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].endswith("."):
        return "has no docstring that begins with a sentence"
    if f"kind: {name}" not in cls.example:
        return f"has no example with `kind: {name}`"
    if getattr(cls, "section", None) not in SECTIONS:
        return f"has no `section`: one of {', '.join(SECTIONS)}"
    return None


KINDS: Register[type[AbstractColumn]] = Register(
    "column kind", home="fabula.kinds", order=_place, lacks=_lack
)
"""Every column kind by name."""


def column_kind(
    *, example: str, aka: tuple[str, ...] = ()
) -> Callable[[type[ColumnT]], type[ColumnT]]:
    """Register a class as a column kind, under the default of its field `kind`.

    Args:
        example: One column of the kind, as YAML.
        aka: What people and other tools call the kind, for hints.

    Raises:
        UsageError: The name is taken, or the class lacks a part.
    """

    def registered(cls: type[ColumnT]) -> type[ColumnT]:
        cls.example, cls.aka = example, aka
        KINDS.register(str(cls.model_fields["kind"].default), cls)
        return cls

    return registered


class AnyKind:
    """Stands for the union of a register's classes below a base class, chosen by `kind`.

    A kind's module is imported, and its validator built, when a spec first names the kind.
    """

    def __init__(self, register: Register[Any], base: type[SpecModel]) -> None:
        self._register, self._base = register, base

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema
        kinds = reduce(or_, self._kinds())
        union: Any = Annotated[kinds, Field(discriminator="kind")]
        return handler(TypeAdapter(union).core_schema)

    def _kinds(self) -> tuple[type[SpecModel], ...]:
        known = self._register.known().values()
        return tuple(cls for cls in known if issubclass(cls, self._base))

    def _validated(self, value: object) -> object:
        """The column that `value` is or describes; of an unknown kind, the error names all."""
        name = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
        kind = self._register.get(name) if isinstance(name, str) else None
        fits = kind is not None and issubclass(kind, self._base)
        return _union((kind,) if fits else self._kinds()).validate_python(value)


@lru_cache(maxsize=256)
def _union(kinds: tuple[type[SpecModel], ...]) -> SchemaValidator:
    """Validates what says by `kind` which of the classes it is."""
    each = core_schema.no_info_plain_validator_function
    choices: dict[Any, Any] = {
        str(cls.model_fields["kind"].default): each(cls.model_validate) for cls in kinds
    }
    return SchemaValidator(core_schema.tagged_union_schema(choices, discriminator="kind"))


Column: TypeAlias = Annotated[AbstractColumn, AnyKind(KINDS, AbstractColumn)]
"""A column of any kind."""

Distribution: TypeAlias = Annotated[AbstractDistribution, AnyKind(KINDS, AbstractDistribution)]
"""A number of any distribution."""

"""Columns in Python: one function for each column kind, named as in a spec file.

    >>> from fabula import TableSpec, col
    >>> price = col.normal(20, 5, min=1, decimals=2)
    >>> books = TableSpec("books", n=3, columns={"id": col.key(), "price": price})

What every column takes (`nulls`, `unique`, `drop`, `description`) is a keyword of each function.
A number may be text instead: a SQL expression over earlier columns, `col.normal("20 * size", 5)`.

The functions follow from the classes in `fabula.kinds`, those of plug-ins included; `col.pyi` has
the signatures of the built-in ones for type checkers and editors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from fabula.errors import SpecError
from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec.messages import violations_of
from fabula.spec.synonyms import suggestion


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return list(KINDS)
    if name.startswith("_") or name not in KINDS:
        hint = suggestion(name, list(KINDS)) or "`fabula kinds` lists all"
        raise AttributeError(f"there is no column kind `{name}`: {hint}")
    factory = globals()[name] = column_function(KINDS[name])
    return factory


def __dir__() -> list[str]:
    return sorted(KINDS)


def column_function(kind: type[AbstractColumn]) -> Callable[..., AbstractColumn]:
    """The function that makes columns of a kind, with its signature and documentation."""
    name = str(kind.model_fields["kind"].default)

    def make(*values: Any, **named: Any) -> AbstractColumn:
        given = {key: dict(v) if isinstance(v, Mapping) else v for key, v in named.items()}
        for place, value in zip(kind.positional, values, strict=False):
            if place in named:
                raise TypeError(f"{name}() got two values for `{place}`")
            given[place] = value
        if len(values) > len(kind.positional):
            takes = ", ".join(kind.positional) or "no value"
            raise TypeError(f"{name}() takes {takes} by place, and {len(values)} values were given")
        try:
            return kind(**given)
        except ValidationError as error:
            raise SpecError(violations_of(error, given, model=kind)) from error

    make.__name__ = make.__qualname__ = name
    make.__doc__ = kind.__doc__
    make.__module__ = __name__
    signature = inspect.Signature(signature_of(kind), return_annotation=kind)
    make.__signature__ = signature  # type: ignore[attr-defined]
    return make


def signature_of(kind: type[AbstractColumn]) -> list[inspect.Parameter]:
    """The parameters of a kind's function: those given by place, its own, the shared ones."""
    shared = AbstractColumn.model_fields
    names = sorted(
        (name for name in kind.model_fields if name not in (*kind.positional, "kind")),
        key=lambda name: (name in shared, name not in vars(kind)["__annotations__"]),
    )
    by_place, by_name = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    places = [(name, by_place) for name in kind.positional] + [(name, by_name) for name in names]
    return [inspect.Parameter(name, at, default=_default(kind, name)) for name, at in places]


def _default(kind: type[AbstractColumn], name: str) -> Any:
    value = kind.model_fields[name].get_default(call_default_factory=True)
    return inspect.Parameter.empty if value is PydanticUndefined else value

"""Python functions in a spec: what they read, and what tells two of them apart."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

GENERATOR = "rng"
"""The parameter that takes the block's random generator."""


def _callable(value: Any) -> Any:
    if not callable(value):
        raise ValueError(
            "a spec file can't hold a Python function: build the spec in Python, or register a"
            " kind of your own"
        )
    return value


def digest(function: Callable[..., Any]) -> str:
    """A hash of a function's source, defaults and closure; it changes when the code does."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):  # from a console, or written in C
        code = getattr(function, "__code__", None)
        source = repr(function) if code is None else repr((code.co_code, code.co_consts))
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    parts = (source, getattr(function, "__defaults__", None), cells)
    return "sha256:" + hashlib.sha256(repr(parts).encode()).hexdigest()


Function: TypeAlias = Annotated[
    Callable[..., Any],
    BeforeValidator(_callable),
    PlainSerializer(digest),
    WithJsonSchema({"not": {}, "description": "A Python function; no file can hold one."}),
]
"""A Python function; written out, its digest takes its place."""


def columns_read(function: Callable[..., Any], of: tuple[str, ...] | None) -> tuple[str, ...]:
    """The columns that a function reads: `of`, or its parameters' names.

    Raises:
        ValueError: Its parameters can't be columns.
    """
    parameters = inspect.signature(function).parameters.values()
    if any(item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD) for item in parameters):
        raise ValueError("the function's parameters must be named: each takes a column")
    names = tuple(item.name for item in parameters if item.name != GENERATOR)
    if of is not None and len(of) != len(names):
        raise ValueError(f"`of` names {len(of)} columns, and the function takes {len(names)}")
    return names if of is None else of


def takes_generator(function: Callable[..., Any]) -> bool:
    """Whether a function takes the block's random generator."""
    return GENERATOR in inspect.signature(function).parameters

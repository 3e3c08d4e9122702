"""Python functions in a spec: what they read, and what tells two of them apart."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from fabula.kinds.base.parameters import SpecModel

GENERATOR = "rng"
"""The parameter that takes the block's random generator."""


@dataclass(frozen=True)
class ModelFile:
    """The Python file of a model, as it was when its user allowed it.

    Attributes:
        place: How the spec names it: `shop.py`, or `shop.py:WORLD`.
        path: Where it is.
        text: What it holds.
        sha256: The hash of that.
    """

    place: str
    path: str = field(compare=False)
    text: bytes = field(repr=False, compare=False)
    sha256: str

    def __str__(self) -> str:
        return self.place


class Find(Protocol):
    """Finds the code that a spec file names."""

    def __call__(self, place: str, sandboxed: bool) -> Callable[..., Any]:
        """The function at a place such as `rules.py:total`, or one for the sandbox alone."""
        ...

    def model(self, place: str) -> ModelFile:
        """The file of a model of agents."""
        ...


_find: ContextVar[Find | None] = ContextVar("find", default=None)

FILE_SHA256 = "__fabula_sha256__"
"""The global of a file's functions that holds the hash of the file."""


@contextmanager
def found_by(find: Find | None) -> Iterator[None]:
    """Let the spec that is read meanwhile name functions; by default it may name none."""
    token = _find.set(find)
    try:
        yield
    finally:
        _find.reset(token)


def found_model(place: str) -> ModelFile:
    """The file of a model that the spec that is read names.

    Raises:
        ValueError: There is none, or the spec is not a file.
    """
    find = _find.get()
    if find is None:
        raise ValueError("a spec made in Python takes the `World` itself, not the name of its file")
    return find.model(place)


def _callable(value: Any) -> Any:
    if not callable(value):
        raise ValueError(
            "a spec file can't hold a Python function, only name one in a file next to it:"
            " `rules.py:total`"
        )
    return value


def digest(function: Callable[..., Any]) -> str:
    """A hash of a function's source, defaults and closure; it changes when the code does.

    Of a file that a spec names, the whole file counts: a function may call its neighbours.
    """
    file = getattr(function, "__globals__", {}).get(FILE_SHA256)
    if file:
        return "sha256:" + hashlib.sha256(f"{function.__name__} {file}".encode()).hexdigest()
    try:
        source = getattr(function, "source", "") or inspect.getsource(function)
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
    WithJsonSchema(
        {"type": "string", "description": "A function in a file next to the spec: FILE.py:NAME."}
    ),
]
"""A Python function; written out, its digest takes its place."""


class AbstractCode(SpecModel):
    """What calls a Python function of the user's.

    Attributes:
        function: The function: one value for one row, or with `blocks` one array for a block.
        of: The columns that it takes, in the order of its parameters, where their names differ.
        blocks: It takes NumPy arrays of whole columns, and returns one value for each row.
        sandboxed: It runs in the sandbox, from its source alone: no files, no
            network, and what it imports, it imports inside itself.
    """

    function: Function
    of: tuple[str, ...] | None = None
    blocks: bool = False
    sandboxed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        """Find a function that a spec file names; other text is refused with the field's words."""
        find = _find.get()
        if find is None or not isinstance(data, dict) or not isinstance(data.get("function"), str):
            return data
        return {**data, "function": find(data["function"], data.get("sandboxed") is True)}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that the function takes: `of`, or its parameters' names.

        Raises:
            ValueError: Its parameters can't be columns.
        """
        parameters = inspect.signature(self.function).parameters.values()
        if any(item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD) for item in parameters):
            raise ValueError("the function's parameters must be named: each takes a column")
        names = tuple(item.name for item in parameters if item.name != GENERATOR)
        if self.of is not None and len(self.of) != len(names):
            raise ValueError(
                f"`of` names {len(self.of)} columns, and the function takes {len(names)}"
            )
        return names if self.of is None else self.of

    @property
    def function_name(self) -> str:
        """What the function is called."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def takes_generator(self) -> bool:
        """Whether the function takes the block's random generator."""
        return GENERATOR in inspect.signature(self.function).parameters

    @property
    def source(self) -> str:
        """The function's source, with a function of the form that the sandbox calls.

        Raises:
            ValueError: The function has no source of its own.
        """
        try:
            text = getattr(self.function, "source", "") or inspect.getsource(self.function)
        except (OSError, TypeError) as error:
            raise ValueError("`sandboxed` needs a function whose source is in a file") from error
        text, name = textwrap.dedent(text), self.function_name
        if not text.startswith(f"def {name}("):
            raise ValueError("`sandboxed` needs a plain function (`def`), without decorators")
        rng = ["rng=rng"] if self.takes_generator else []
        row = ", ".join([*(f"row[{column!r}]" for column in self.inputs), *rng])
        whole = ", ".join([*(f"rows[{column!r}].to_numpy()" for column in self.inputs), *rng])
        call = f"def value(row, rng):\n    return {name}({row})\n"
        if self.blocks:
            call = f"def column(rows, rng):\n    return {name}({whole})\n"
        return f"from __future__ import annotations\n\n{text}\n\n{call}"

    @model_validator(mode="after")
    def _readable(self) -> Any:
        assert self.inputs is not None
        return self.source and self if self.sandboxed else self

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """A digest in the function's place."""
        return {**plain, "function": digest(self.function)}

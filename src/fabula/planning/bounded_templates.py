"""Jinja's sandbox, bounded: what a template may take of time and memory for one text.

Jinja's own sandbox keeps a template from reaching code and files. It does not keep it from
looping for ever, or from asking for a text of ten gigabytes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import override

MOST_STEPS = 100_000
"""Turns of all loops of a template, and calls of its macros, for one text."""
MOST_TEXT = 1_000_000
"""Characters of a text, or items of a list, that a template makes."""
MOST_WIDTH = 10_000
"""Characters that a text is padded to."""
_MOST_BITS = 4_096
_PADDED = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})
_WIDTH = re.compile(r"[*]|\d{5,}|\{[^{}]*\{")
"""In a format: a width from a value, or one of five digits."""

_taken = threading.local()


class _Generator(CodeGenerator):
    """Compiles `~` to a call that looks at the length of what it makes."""

    @override
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox with a budget; what goes over it is an error of the template."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            finalize=printed,
        )
        self.globals["range"] = _range
        self.filters["center"] = _padded(self.filters["center"])
        self.filters["indent"] = _indented(self.filters["indent"])
        for name in ("batch", "slice"):
            self.filters[name] = _padded(self.filters[name])
        self.filters["format"] = _formatted(self.filters["format"])
        self.filters["replace"] = _replaced

    @staticmethod
    @override
    def concat(pieces: Iterable[str]) -> str:
        """The text of a template, whose budget starts here, or of a macro or block in it."""
        depth = getattr(_taken, "depth", 0)
        if depth == 0:
            _taken.steps = 0
        _taken.depth = depth + 1
        try:
            return joined(pieces)
        finally:
            _taken.depth = depth

    @staticmethod
    def joined(parts: Iterable[Any]) -> str:
        """What `~` makes."""
        return _short(str_join(parts))

    @staticmethod
    def tick() -> None:
        """Count a turn of a loop, or a call of a macro."""
        _taken.steps = getattr(_taken, "steps", 0) + 1
        if _taken.steps > MOST_STEPS:
            raise TemplateRuntimeError(f"its loops and macros take more than {MOST_STEPS:,} turns")

    @override
    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for part in tree.find_all((nodes.For, nodes.Macro, nodes.CallBlock)):
            assert isinstance(part, nodes.For | nodes.Macro | nodes.CallBlock)
            counted = nodes.Call(nodes.EnvironmentAttribute("tick"), [], [], None, None)
            part.body.insert(0, nodes.ExprStmt(counted).set_lineno(part.lineno))
        return tree

    @override
    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            for thing, times in ((left, right), (right, left)):
                if isinstance(thing, str | bytes | list | tuple) and isinstance(times, int):
                    _check_length(len(thing) * times)
        elif operator == "+" and isinstance(left, str | list | tuple):
            _check_length(len(left) + (len(right) if hasattr(right, "__len__") else 0))
        elif operator == "%" and isinstance(left, str | bytes):
            _check_format(left)
        if isinstance(left, int) and isinstance(right, int) and operator in ("*", "**"):
            bits = left.bit_length() * right if operator == "**" else left.bit_length()
            if bits > _MOST_BITS or (operator == "*" and right.bit_length() > _MOST_BITS):
                raise TemplateRuntimeError("it makes a number of more than 1,000 digits")
        return super().call_binop(context, operator, left, right)

    @override
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        method = getattr(__obj, "__wrapped__", __obj)
        text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(text, str | bytes):
            if name in _PADDED:
                _check_width(*args)
            elif name in ("format", "format_map"):
                _check_format(text)
            elif name == "replace" and len(args) > 1:
                _check_length(len(text) + (text.count(args[0]) + 1) * len(args[1]))
        return super().call(__context, __obj, *args, **kwargs)


def joined(pieces: Iterable[str]) -> str:
    """Pieces as one text, as long as it is not too long."""
    found, length = [], 0
    for piece in pieces:
        length += len(piece)
        _check_length(length)
        found.append(piece)
    return "".join(found)


def printed(value: Any) -> Any:
    """What `{{ value }}` prints: nothing for a null; a function is an error, for it has none."""
    if value is None:
        return ""
    if callable(value) and not isinstance(value, StrictUndefined):
        raise TemplateRuntimeError("it prints a function instead of a value")
    return _short(value) if isinstance(value, str) else value


def _range(*bounds: int) -> range:
    found = range(*bounds)
    _check_length(len(found))
    return found


def _replaced(text: Any, old: str, new: str, count: int | None = None) -> str:
    text = str(text)
    _check_length(len(text) + (text.count(old) + 1) * len(new))
    return str(text).replace(old, new, -1 if count is None else count)


def _padded(function: Callable[..., Any]) -> Callable[..., Any]:
    def padded(value: Any, *args: Any, **kwargs: Any) -> Any:
        _check_width(*args, *kwargs.values())
        return function(value, *args, **kwargs)

    return padded


def _indented(function: Callable[..., Any]) -> Callable[..., Any]:
    def indented(text: Any, width: Any = 4, *args: Any, **kwargs: Any) -> Any:
        size = width if isinstance(width, int) else len(str(width))
        _check_width(size)
        _check_length(len(text) + (text.count("\n") + 1) * size)
        return function(text, width, *args, **kwargs)

    return indented


def _formatted(function: Callable[..., Any]) -> Callable[..., Any]:
    def formatted(text: Any, *args: Any, **kwargs: Any) -> Any:
        _check_format(text)
        return function(text, *args, **kwargs)

    return formatted


def _check_width(*widths: Any) -> None:
    if any(isinstance(width, int) and width > MOST_WIDTH for width in widths):
        raise TemplateRuntimeError(f"it pads to more than {MOST_WIDTH:,} characters")


def _check_format(text: Any) -> None:
    if isinstance(text, bytes) or _WIDTH.search(str(text)):
        raise TemplateRuntimeError("its format has a width from a value, or of five digits")


def _check_length(length: int) -> None:
    if length > MOST_TEXT:
        raise TemplateRuntimeError(f"it makes more than {MOST_TEXT:,} characters or items")


def _short(text: str) -> str:
    _check_length(len(text))
    return text

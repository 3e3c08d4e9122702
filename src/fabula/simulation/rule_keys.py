"""What decides the code of a compiled rule, as one digest: any change of it gives another one.

That is the bytecode of the rule and of all that it calls, the values of the globals and closures
that these use (numba makes constants of them), the types of what it is given, Fabula's own part
of the code, numba with its settings, and the processor. What can't be told apart surely, such as
an object of the model's own class, leaves the rule without a digest.
"""

from __future__ import annotations

import dis
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
import numpy as np
from numba import types
from numba.core import config
from numba.core.compiler import Compiler
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target
from numba.core.typing.templates import builtin_registry

_OURS = [
    *("draws.py", "kept_rules.py", "numba_rules.py"),
    *("numba_writes.py", "plain_rules.py", "rule_keys.py"),
]
"""Files next to this one that decide code."""
_CODE = [
    *("co_name", "co_filename", "co_firstlineno", "co_linetable", "co_flags", "co_code"),
    *("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_exceptiontable"),
    *("co_names", "co_varnames", "co_freevars", "co_cellvars"),
]
"""What a code object consists of, next to its constants."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
_STEADY = {"builtins", "cmath", "math", "numba", "numpy", "operator", "_operator"}
"""Packages whose versions are part of the digest: what they contain is told by its name."""
_ELSEWHERE = ("CACHE_DIR", "CACHE_LOCATOR", "NUMBA_NUM_", "NUMBA_DEFAULT_NUM_")
"""What the names of numba's settings that do not change code begin with."""


class _UnknownError(Exception):
    """Something that can't be told apart surely from what is not the same."""


def rule_key(rules: tuple[Any, ...], kinds: Any) -> str | None:
    """The digest of all that decides the code of a rule; None if that can't be told surely.

    Args:
        rules: The functions of the model that are compiled; None among them is told as such.
        kinds: The types of what the compiled functions are given, in tuples.
    """
    try:
        told = (
            [_Teller().told(rule) for rule in rules],
            _kind(kinds),
            [Path(__file__).with_name(name).read_bytes() for name in _OURS],
            (sys.version, numba.__version__, llvmlite.__version__, np.__version__),
            cpu_target.target_context.codegen().magic_tuple(),
            _settings(),
        )
    except (_UnknownError, OSError):
        return None
    return hashlib.sha256(repr(told).encode()).hexdigest()


def array_layout(values: np.ndarray[Any, Any]) -> tuple[bool, ...]:
    """What an array's type depends on, next to its dtype and dimensions."""
    flags = values.flags
    return flags.c_contiguous, flags.f_contiguous, flags.aligned, flags.writeable


def _settings() -> list[tuple[str, str]]:
    """Numba's settings.

    Raises:
        _UnknownError: A package has taught numba more, which no function shows that calls it.
    """
    for template in (*builtin_registry.functions, *builtin_registry.attributes):
        function = getattr(template, "_overload_func", None)
        home = "numba" if function is None else function.__globals__.get("__name__", "")
        if home.partition(".")[0] not in {"numba", "fabula"}:
            raise _UnknownError
    found = {name: value for name, value in vars(config).items() if name.isupper()}
    return sorted(
        (name, repr(value))
        for name, value in found.items()
        if not name.startswith(_ELSEWHERE) and isinstance(value, _PLAIN)
    )


def _kind(kind: Any) -> Any:
    """A numba type, or tuples of them: the names of tuples leave out what their fields are."""
    if isinstance(kind, tuple):
        return tuple(_kind(each) for each in kind)
    if isinstance(kind, types.BaseTuple):
        names = getattr(kind, "fields", ())
        return (
            type(kind).__name__,
            kind.name.partition("(")[0],
            names,
            _kind(tuple(getattr(kind, "types", ()))),
        )
    return type(kind).__name__, str(kind)


class _Teller:
    """Tells values as plain ones; a function that calls itself is told once."""

    def __init__(self) -> None:
        self._functions: list[Any] = []

    def told(self, value: Any) -> Any:
        """A value in plain ones, which differ when it does.

        Raises:
            _UnknownError: It may not differ.
        """
        kind = type(value).__name__
        if type(value) in _PLAIN:
            return kind, value
        if isinstance(value, np.generic) and not value.dtype.hasobject:
            return kind, repr(value.dtype), value.tobytes()
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            content = hashlib.sha256(value.tobytes()).hexdigest()
            return kind, repr(value.dtype), value.shape, array_layout(value), content
        if isinstance(value, tuple):
            return kind, getattr(value, "_fields", ()), [self.told(each) for each in value]
        if isinstance(value, frozenset):
            return kind, sorted(repr(self.told(each)) for each in value)
        if isinstance(value, types.Type):
            return _kind(value)
        if isinstance(value, Dispatcher):
            return self._dispatcher(value)
        if (name := _steady_name(value)) is not None:
            return kind, name
        if isinstance(value, FunctionType):
            return self._function(value)
        raise _UnknownError

    def _dispatcher(self, value: Any) -> Any:
        options = {**value.targetoptions, **value.locals}
        if value._compiler.pipeline_class is not Compiler:
            raise _UnknownError
        told = [(name, self.told(option)) for name, option in sorted(options.items())]
        return type(value).__name__, told, self.told(value.py_func)

    def _function(self, function: FunctionType) -> Any:
        if any(function is known for known in self._functions):
            return "function", next(
                place for place, known in enumerate(self._functions) if function is known
            )
        self._functions.append(function)
        given = (function.__defaults__, tuple((function.__kwdefaults__ or {}).items()))
        try:
            cells = [cell.cell_contents for cell in function.__closure__ or ()]
        except ValueError as error:  # not filled yet
            raise _UnknownError from error
        parts = self.told(given), [self.told(cell) for cell in cells]
        return "function", *parts, self._code(function.__code__, function)

    def _code(self, code: CodeType, function: FunctionType) -> Any:
        consts = [
            self._code(each, function) if isinstance(each, CodeType) else self.told(each)
            for each in code.co_consts
        ]
        used = [(name, self.told(value)) for name, value in _globals(code, function)]
        return [getattr(code, name) for name in _CODE], consts, used


def _globals(code: CodeType, function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The globals that code uses; of a module, what it takes from it."""
    known: dict[str, Any] = {**vars(sys.modules["builtins"]), **function.__globals__}
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for place, step in enumerate(steps):
        if step.opname.startswith("IMPORT_"):
            raise _UnknownError
        if step.opname not in {"LOAD_GLOBAL", "LOAD_NAME"} or step.argval not in known:
            continue
        value, name = known[step.argval], str(step.argval)
        for after in steps[place + 1 :]:
            if not isinstance(value, ModuleType) or after.opname not in {
                "LOAD_ATTR",
                "LOAD_METHOD",
            }:
                break
            name += f".{after.argval}"
            try:
                value = getattr(value, after.argval)
            except AttributeError as error:
                raise _UnknownError from error
        yield name, value


def _steady_name(value: Any) -> str | None:
    """The name of what belongs to Python, numpy or numba; None for all else."""
    module = "numpy" if isinstance(value, np.ufunc) else getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", getattr(value, "__name__", None))
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    home = sys.modules.get(module)
    if home is None or module.partition(".")[0] not in _STEADY:
        return None
    found: Any = home
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}.{name}" if found is value else None

"""Compiling to machine code, the first time on a machine; then it is read from a cache.

The cache lies alongside the source, or where that can't be written in the user's cache folder
(`NUMBA_CACHE_DIR` names another one).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code, which other threads run beside."""
    return _compiled(function)


def part_of_compiled(function: Function) -> Function:
    """A function that only compiled ones call: Python has no way in, whose code takes longest."""
    return _compiled(function, no_cpython_wrapper=True)


def _compiled(function: Function, **options: bool) -> Function:
    settings = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    made: Any = njit
    return cast(Function, made(**settings, **options)(function))

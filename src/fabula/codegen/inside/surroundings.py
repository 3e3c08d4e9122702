"""What programs from chats and notebooks count on: `display`, no arguments, folders of their own.

Runs in the locked child, before the program. Frames that a program would save elsewhere go into
its own folder: that a place can't be written to is not a fault of the data.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from fabula.sandbox.outcome import PROGRAM

for _name in ("sqlite3", "readline", "curses"):  # each loads a library that the lock refuses later
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)

_WRITERS = ("to_csv", "to_json", "to_parquet", "to_excel", "to_pickle", "to_feather", "to_html")
_PATHS = ("path_or_buf", "path", "excel_writer", "buf")


def furnish() -> None:
    """Make this process look like the place where such a program was tried."""
    sys.argv = [PROGRAM]
    setattr(builtins, "display", print)  # noqa: B010  (mypy knows no such name)
    _offer("IPython.display", display=print, clear_output=_nothing)
    os.mkdir = _made_or_not(os.mkdir)
    for kind in (pd.DataFrame, pd.Series):
        for name in _WRITERS:
            if hasattr(kind, name):
                setattr(kind, name, _kept_here(getattr(kind, name)))


def _offer(name: str, **members: Any) -> None:
    """A module that is not installed, with the few names that programs take from it."""
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
        return
    package, _, inner = name.partition(".")
    outer, module = ModuleType(package), ModuleType(name)
    vars(module).update(members)
    vars(outer)[inner] = module
    sys.modules.update({package: outer, name: module})


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing."""


def _kept_here(write: Callable[..., Any]) -> Any:
    """A frame's method that writes to the program's folder where the path can't be written."""

    @wraps(write)
    def written(*args: Any, **kwargs: Any) -> Any:
        try:
            return write(*args, **kwargs)
        except OSError:
            if len(args) > 1 and _is_elsewhere(args[1]):
                return write(args[0], Path(args[1]).name, *args[2:], **kwargs)
            named = next((name for name in _PATHS if _is_elsewhere(kwargs.get(name))), None)
            if named is None:
                raise
            return write(*args, **{**kwargs, named: Path(kwargs[named]).name})

    return written


def _made_or_not(make: Callable[..., None]) -> Any:
    """A function that makes no folder elsewhere, and says nothing."""

    @wraps(make)
    def made(path: Any, *args: Any, **kwargs: Any) -> None:
        try:
            make(path, *args, **kwargs)
        except OSError as error:
            if isinstance(error, FileExistsError) or not _is_elsewhere(path):
                raise

    return made


def _is_elsewhere(path: Any) -> bool:
    """Whether a path leads out of the program's folder."""
    if not isinstance(path, str | os.PathLike):
        return False
    asked = Path(path)
    return asked.is_absolute() and not asked.is_relative_to(Path.cwd())

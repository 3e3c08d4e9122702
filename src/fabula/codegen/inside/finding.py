"""Finds the tables that a program made, however it left them.

Runs inside the sandbox, after the program. Looked at in this order, until something is there:
variables of the program, files that it saved, CSV that it printed (`printed`), and what its
functions hold or return.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet  # before the sandbox locks: both load libraries of the system

How = Literal["variable", "saved", "printed", "local", "returned"]

DEEPEST = 3
"""Frames are looked for in lists and dicts that many levels deep."""
_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".parquet": pd.read_parquet,
    ".jsonl": lambda path: pd.read_json(path, lines=True),
    ".json": pd.read_json,
}


@dataclass(frozen=True)
class Found:
    """A table where the program left it.

    Attributes:
        how: In a variable, a file, the output, a function's variable, or a function's result.
        place: The expression, the file's path, or `function()` and what of its result.
        name: The name that the program gives it.
        frame: Its rows.
        function: The function whose variable it is.
    """

    how: How
    place: str
    name: str
    frame: pd.DataFrame
    function: str = ""


def in_variables(names: Mapping[str, Any]) -> list[Found]:
    """Frames in a program's variables; failing those, lists of rows and dicts of columns."""
    public = {name: value for name, value in names.items() if not name.startswith("_")}
    frames = [item for name, value in public.items() for item in _frames(name, name, value)]
    return _distinct(frames) or _distinct(list(_loose(public)))


def in_files(folder: Path) -> list[Found]:
    """Data files that the program saved, by their ending."""
    found = []
    for path in sorted(folder.rglob("*")):
        reader = _READERS.get(path.suffix.lower())
        if reader is not None and path.is_file():
            place = path.relative_to(folder).as_posix()
            found.append(Found("saved", place, path.stem, reader(path)))
    return found


def in_functions(run: Callable[[], Mapping[str, Any]], file: str) -> list[Found]:
    """Frames that functions hold when they end, in a further run of the program that is watched."""
    watch = _Watch(file)
    names = _watched(watch, run)
    if watch.found or watch.called:
        return _distinct(watch.found)
    found: list[Found] = []
    for name, value in names.items():
        if isinstance(value, FunctionType) and not _required(value.__code__, value.__defaults__):
            found += _frames(f"{name}()", name, _watched(watch, value), how="returned")
    return _distinct(found) or _distinct(watch.found)


class _Watch:
    """Notes the frames in functions that the program itself calls, when they end."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.found: list[Found] = []
        self.called = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        caller, code = frame.f_back, frame.f_code
        if event != "return" or code.co_filename != self._file or code.co_name == "<module>":
            return
        if caller is None or (
            caller.f_code.co_filename == self._file and caller.f_code.co_name != "<module>"
        ):
            return  # only what is at the top: inner functions hand theirs up
        self.called = True
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        for name, value in frame.f_locals.items():
            if isinstance(value, pd.DataFrame) and name not in given:
                self.found.append(Found("local", name, name, value, code.co_name))
        if not self.found:
            call = f"{code.co_name}()"
            self.found += _frames(call, code.co_name, argument, how="returned")


def _watched(watch: _Watch, run: Callable[[], Any]) -> Any:
    sys.setprofile(watch)
    try:
        return run()
    finally:
        sys.setprofile(None)


def _required(code: CodeType, defaults: Sequence[Any] | None) -> int:
    """How many arguments a function must be given."""
    return code.co_argcount + code.co_kwonlyargcount - len(defaults or ())


def _frames(
    place: str, name: str, value: Any, *, how: How = "variable", depth: int = 0
) -> Iterator[Found]:
    """The frames in a value: itself, or what it lists."""
    if isinstance(value, pa.Table):
        value = value.to_pandas()
    if isinstance(value, pd.DataFrame):
        yield Found(how, place, name, value)
    elif depth < DEEPEST and isinstance(value, dict):
        for key, item in value.items():
            yield from _frames(f"{place}[{key!r}]", str(key), item, how=how, depth=depth + 1)
    elif depth < DEEPEST and isinstance(value, list | tuple) and len(value) < 100:
        for number, item in enumerate(value):
            inner = f"{name}_{number + 1}"
            yield from _frames(f"{place}[{number}]", inner, item, how=how, depth=depth + 1)


def _loose(names: Mapping[str, Any]) -> Iterator[Found]:
    """Tables without a frame: lists of dicts, and dicts of lists that are equally long."""
    for name, value in names.items():
        rows = isinstance(value, list) and value and all(type(row) is dict for row in value)
        if rows:
            yield Found("variable", f"pd.DataFrame({name})", name, pd.DataFrame(value))
    for name, value in names.items():
        if isinstance(value, dict) and value:
            lists = [item for item in value.values() if isinstance(item, list)]
            if len(lists) == len(value) and len({len(item) for item in lists}) == 1:
                yield Found("variable", f"pd.DataFrame({name})", name, pd.DataFrame(value))


def _distinct(found: Sequence[Found]) -> list[Found]:
    """Each frame once, under its first name; results of `describe` are not tables."""
    kept: list[Found] = []
    for item in found:
        derived = list(item.frame.index[:2]) == ["count", "mean"]
        if not derived and all(other.frame is not item.frame for other in kept):
            kept.append(item)
    return kept


def scratch() -> Path:
    """The folder in which the program runs."""
    return Path(os.curdir)

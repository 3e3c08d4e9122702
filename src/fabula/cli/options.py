"""Options of verbs, from the verbs' own signatures and docstrings.

A verb is a function. Its parameters are the command's arguments and options, and the lines under
`Options:` in its docstring are their help: `name (METAVAR): help`. Options that several verbs share
are a `TypedDict`, which a verb unpacks. Options that a user leaves out are absent, so the callee's
default applies.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import UnionType
from typing import (
    Annotated,
    Any,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import typer
from typer.models import ArgumentInfo, OptionInfo
from typing_extensions import TypedDict

from fabula.cli.console import Talk
from fabula.cli.group import ALONE, PlainCommand
from fabula.errors import UsageError
from fabula.io.names import output_path

Verb = TypeVar("Verb", bound=Callable[..., None])

_OWN_WAY = ("generate", "init")
"""Verbs that say themselves what `-o -` is: a folder's rows are shown, and a spec is printed."""

SPELLED = {"n": ("-n",), "output": ("-o", "--output"), "form": ("--format",)}
"""Options that are not spelled like their parameters."""

_METAVARS = {int: "N", float: "X", str: "TEXT", Path: "PATH"}
"""What a help calls the values of options whose docstring has no word for them."""

_HELP = re.compile(r"^(\w+)(?: \(([^)]*)\))?: (.*(?:\n +.*)*)", re.MULTILINE)
_BREAK = re.compile(r"\s*\n\s*")

Helps: TypeAlias = dict[str, tuple[str, str]]
"""Matches the metavar and the help of each option."""


@dataclass(frozen=True)
class Read:
    """Marks a type whose values are read from the text of an option, or from all its texts."""

    function: Callable[[Any], Any]
    many: bool = False


def verb(app: typer.Typer | None = None, name: str | None = None) -> Callable[[Verb], Verb]:
    """Turn a function into a command: its parameters are the options.

    A parameter `talk` gets the console. A module with several commands names their `app`.
    """

    def made(function: Verb) -> Verb:
        about, helps = _parts(function.__doc__ or "")
        parameters = list(inspect.signature(function, eval_str=True).parameters.values())
        shared: list[inspect.Parameter] = []
        if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
            (group,) = get_args(parameters.pop().annotation)
            shared = list(_shared(group))
            for each in _groups(group):
                helps = _parts(each.__doc__ or "")[1] | helps
        reads: dict[str, Read] = {}
        if stray := helps.keys() - {each.name for each in [*parameters, *shared]}:
            raise TypeError(f"`{function.__name__}` has no option {', '.join(sorted(stray))}")
        shown = [_shown(each, helps, reads) for each in [*parameters, *shared]]

        def called(**given: Any) -> None:
            written = {str(given.get("output")), str(given.get("file"))}
            if "-" in written and called.__name__ not in _OWN_WAY:
                raise UsageError(
                    f"`{called.__name__}` writes files, not to stdout",
                    code="usage.output",
                    hint="name the output: `-o NAME`",
                )
            if "ctx" in given:
                given["talk"] = given.pop("ctx").obj
            for each in {*(each.name for each in shared), *reads}:
                if given[each] is None or given[each] is False:
                    del given[each]
            for each, read in reads.items():
                if each in given:
                    given[each] = read.function(given[each])
            function(**given)

        called.__name__, called.__doc__ = function.__name__, about
        called.__annotations__ = {}
        called.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        (app or ALONE[function.__module__]).command(name, cls=PlainCommand)(called)
        return function

    return made


def _parts(docstring: str) -> tuple[str, Helps]:
    """A docstring's text, and its help for each option."""
    about, _, options = inspect.cleandoc(docstring).partition("\n\nOptions:\n")
    found = _HELP.findall(dedent(options))
    return about, {name: (metavar, _BREAK.sub(" ", text)) for name, metavar, text in found}


def _groups(group: Any) -> Iterator[Any]:
    """A `TypedDict`, and those that it extends."""
    yield group
    for base in group.__orig_bases__:
        if base is not TypedDict:
            yield from _groups(base)


def _shared(group: Any) -> Iterator[inspect.Parameter]:
    """The options of a `TypedDict`, its own first."""
    # Without `localns`, names of a base are looked up in the derived class's module first.
    kinds = get_type_hints(group, localns={}, include_extras=True)
    inherited = {name for base in [*_groups(group)][1:] for name in base.__annotations__}
    for name in sorted(kinds, key=inherited.__contains__):
        default = False if kinds[name] is bool else None
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kinds[name]
        )


def _shown(
    parameter: inspect.Parameter,
    helps: Helps,
    reads: dict[str, Read],
) -> inspect.Parameter:
    """A parameter in Typer's form."""
    name, kind, default = parameter.name, parameter.annotation, parameter.default
    if kind is Talk:
        return parameter.replace(name="ctx", annotation=typer.Context)
    kind, *marks = _parted(kind)
    known = [mark for mark in marks if isinstance(mark, ArgumentInfo | OptionInfo)]
    word = _METAVARS.get(kind)
    read = next((mark for mark in marks if isinstance(mark, Read)), None)
    if read is None and kind is Path and name == "output":
        read = Read(output_path)  # a `Path` has lost the slashes of a broken address
    if read is not None:
        reads[name] = read
        kind = list[str] if read.many else str
        default = parameter.empty if default is parameter.empty else None
    info = copy.copy(known[0]) if known else _info(parameter)
    if isinstance(info, OptionInfo) and info.default is ...:
        spelled = tuple(mark for mark in marks if isinstance(mark, str)) or SPELLED.get(name)
        info.param_decls = spelled or (f"--{name.replace('_', '-')}",)
    if name in helps:
        metavar, info.help = helps[name]
        info.metavar = metavar or info.metavar
    if info.metavar is None:
        info.metavar = name.upper() if isinstance(info, ArgumentInfo) else word
    if default is None:
        kind = kind | None
    return parameter.replace(annotation=Annotated[kind, info], default=default)


def _parted(kind: Any) -> Sequence[Any]:
    """A type and its annotations; `Annotated[…] | None` gives the type without None."""
    sides = [side for side in get_args(kind) if side is not type(None)]
    if get_origin(kind) is UnionType or get_origin(kind) is Union:
        return _parted(sides[0]) if len(sides) == 1 else (kind,)
    return get_args(kind) if get_origin(kind) is Annotated else (kind,)


def _info(parameter: inspect.Parameter) -> ArgumentInfo | OptionInfo:
    named = parameter.kind is inspect.Parameter.KEYWORD_ONLY
    info: ArgumentInfo | OptionInfo = typer.Option() if named else typer.Argument()
    return info

"""Typer, configured for Fabula: verbs are imported on use, and help is plain text."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections import defaultdict
from functools import partial
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.main import get_command
from typing_extensions import override

from fabula.cli.verbs import VERBS, overview

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class LazyGroup(TyperGroup):
    """The verbs by name, each imported from the module of the same name on first use."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all verbs, none imported."""
        return list(VERBS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a verb; None if there is none of that name."""
        if cmd_name not in VERBS:
            return None
        module = f"fabula.cli.{cmd_name}"
        app = getattr(importlib.import_module(module), "app", None)
        command = get_command(app or ALONE[module])
        command.name = cmd_name
        return command

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the overview, which needs no import."""
        formatter.write(overview())

    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the verb; a reader may close the pipe early."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _mute()
            return 0
        except OSError as error:
            if not error.filename and error.errno == errno.ENOSPC:
                _mute()  # the rest of the buffer would fail again at exit
            raise
        return result


class PlainCommand(TyperCommand):
    """A verb whose help has no types of Python and no inequalities."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        for each in self.params:
            each._get_number_range_help_str = partial(_bounds, each)  # type: ignore[attr-defined]
            if isinstance(each, TyperArgument) and not each.type_descriptor.is_choice:
                each.display_type_rich = _no_type  # type: ignore[method-assign]


def _no_type(ctx: Any) -> None:
    """No type beside the name of an argument."""


def _bounds(number: Any) -> str | None:
    """`at least 1`; counts from 0 go without saying."""
    least, most = number.min, number.max
    if most is not None:
        return f"{least:g} to {most:g}" if least is not None else f"at most {most:g}"
    return f"at least {least:g}" if least else None


def _mute() -> None:
    """Discard everything printed to standard output from now on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def new_app(**settings: Any) -> typer.Typer:
    """A Typer app for the verb of one name."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP_OPTIONS,
        **settings,
    )


ALONE: defaultdict[str, typer.Typer] = defaultdict(new_app)
"""The apps of modules with one verb."""


def new_group() -> Any:
    """The whole command, with `--install-completion`."""
    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP_OPTIONS,
    )
    app.callback()(_nothing)
    return get_command(app)


def _nothing() -> None:
    """Typer makes a group from an app with a callback."""

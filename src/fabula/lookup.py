"""An entry of a register by the name that a user wrote, and what an entry names by its place."""

from __future__ import annotations

import shlex
from importlib import import_module
from importlib.metadata import metadata
from typing import Any, TypeVar

from fabula.errors import PrerequisiteError, UsageError, did_you_mean
from fabula.extensions import Register, load_plugins

EntryT = TypeVar("EntryT")


def entry_of(
    register: Register[EntryT],
    name: str,
    *,
    code: str,
    hint: str = "",
) -> EntryT:
    """The entry of that name.

    Args:
        register: Where it is looked for.
        name: The name as the user wrote it.
        code: The error's code where there is none.
        hint: What to do where no name is like it; by default all names are listed.

    Raises:
        UsageError: There is no such entry; plug-ins that could not be loaded are named.
    """
    if name in register:
        return register[name]
    names = list(register)
    near = did_you_mean(name, names) or hint or f"choose one of {', '.join(names)}"
    raise UsageError(
        f"there is no {register.sort} `{name}`{failed_plugins()}", code=code, hint=near
    )


def found_at(place: Any, *, needed_by: str, needs: str = "") -> Any:
    """What an entry names as `module:name`; anything but a text is what is meant itself.

    Raises:
        PrerequisiteError: The module lacks the package that the entry needs.
    """
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except ImportError as exc:
        if not needs:
            raise
        if needs in (metadata("fabula").get_all("Provides-Extra") or ()):
            raise PrerequisiteError.for_extra(needs, needed_by=needed_by) from exc
        raise PrerequisiteError(
            f"{needed_by} needs the package `{needs}`",
            code="prerequisite.format",
            hint=f"pip install {shlex.quote(needs)}",
        ) from exc


def failed_plugins() -> str:
    """Which plug-ins could not be loaded, as the end of an error; empty where all were."""
    failed = [plugin.name for plugin in load_plugins() if plugin.failure]
    if not failed:
        return ""
    listed = ", ".join(f"`{name}`" for name in failed)
    return f" (not loaded: the plug-in {listed}; `fabula plugins` says why)"

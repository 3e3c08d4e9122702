"""Looks up entries by the names that users write, and the objects that entries name."""

from __future__ import annotations

import shlex
from importlib import import_module
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
        register: Where to look.
        name: The name as the user wrote it.
        code: The error's code if there is no such entry.
        hint: What to do if no name is similar; by default all names are listed.

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
    """The object that an entry names as `module:name`; an object is returned unchanged.

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
        from fabula.extras import extras  # its parser of requirements takes a while to load

        if needs in extras():
            raise PrerequisiteError.for_extra(needs, needed_by=needed_by) from exc
        raise PrerequisiteError(
            f"{needed_by} needs the package `{needs}`",
            code="prerequisite.format",
            hint=f"pip install {shlex.quote(needs)}",
        ) from exc


def failed_plugins() -> str:
    """Which plug-ins failed to load, as the end of an error message; empty if none did."""
    failed = [plugin.name for plugin in load_plugins() if plugin.failure]
    if not failed:
        return ""
    listed = ", ".join(f"`{name}`" for name in failed)
    return f" (not loaded: the plug-in {listed}; `fabula plugins` says why)"

"""`fabula plugins`: lists installed plug-ins, what each adds, and what failed to load."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fabula.cli.arguments import print_as
from fabula.cli.options import verb


@verb()
def plugins(
    *, builtin: Annotated[bool, "--all"] = False, form: Literal["text", "json"] = "text"
) -> None:
    """List installed plug-ins, what each adds, and what failed to load.

    Options:
        builtin: List the built-in entries, too.
        form: How the list is printed.
    """
    from fabula.extending import load_plugins, registers
    from fabula.extensions import BUILT_IN

    found = [vars(plugin) for plugin in load_plugins()]
    entries = [
        {"sort": register.sort, "name": name, "source": register.source(name)}
        for register in registers()
        for name in register
        if builtin or register.source(name) != BUILT_IN
    ]
    lines = [line for plugin in found for line in _lines(plugin, entries)]
    if not found:
        lines = ["no plug-in is installed"]
    if builtin:
        lines += _lines({"name": BUILT_IN, "package": "", "version": "", "failure": ""}, entries)
    print_as(form, "\n".join(lines), {"plugins": found, "entries": entries})


def _lines(plugin: dict[str, Any], entries: list[dict[str, str]]) -> list[str]:
    """A plug-in, and below it what it adds, or why it adds nothing."""
    package = f" ({plugin['package']} {plugin['version']})" if plugin["package"] else ""
    head = f"{plugin['name']}{package}"
    if plugin["failure"]:
        return [f"!! {head} could not be loaded: {plugin['failure']}"]
    own = [entry for entry in entries if entry["source"] == plugin["name"]]
    width = max((len(entry["sort"]) for entry in own), default=0)
    listed = [f"  {entry['sort']:<{width}}  {entry['name']}" for entry in own]
    return [head, *(listed or ["  registers nothing"])]

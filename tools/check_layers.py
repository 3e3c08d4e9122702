"""Imports inside the package go one way: a module may import its own layer and those below.

Folders of one layer may import each other as long as no cycle arises. Imports inside functions
and under `TYPE_CHECKING` count too: laziness hides the price of an import, not its direction.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

PACKAGE = "fabula"

LAYERS = (
    ("cli", "web", "testing"),
    ("api",),
    ("reports",),
    ("runs",),
    (
        "engines",
        "synthesizers",
        "simulation",
        "programs",
        "texts",
        "privacy",
        "relations",
        "checks",
    ),
    ("planning",),
    ("inference", "render"),
    ("io", "llm", "pii", "metrics"),
    ("spec",),
    ("kinds",),
    ("words",),
    ("lookup",),
    ("extensions", "options", "streams", "types", "errors"),
)
"""Folders and modules of the package from the top layer to the bottom one."""

FACE = ("__init__", "__main__")
"""Modules at the package's top that show the rest to users, and so may import anything."""


def problems(root: Path) -> list[str]:
    """Every import that goes up, every cycle inside a layer, every part without a layer."""
    level = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    source = root / "src" / PACKAGE
    found: list[str] = []
    sideways: dict[str, dict[str, str]] = {}
    for path in sorted(source.rglob("*.py")):
        part = path.relative_to(source).parts[0].removesuffix(".py")
        if part in FACE:
            continue
        if part not in level:
            found.append(f"{path.relative_to(root)}: `{part}` has no place in LAYERS")
            continue
        for line, target in imported_parts(path, source):
            if target == part:
                continue
            place = f"{path.relative_to(root)}:{line}"
            if level.get(target, -1) < level[part]:
                found.append(f"{place}: {part} may not import {target}")
            elif level[target] == level[part]:
                sideways.setdefault(part, {}).setdefault(target, place)
    try:
        TopologicalSorter(sideways).prepare()
    except CycleError as error:
        found += [
            f"{sideways[part][target]}: {part} imports {target}, which closes a cycle"
            for target, part in pairwise(error.args[1])
        ]
    return found


def imported_parts(path: Path, source: Path) -> Iterator[tuple[int, str]]:
    """The line and the part of the package of each import of our own code in one file.

    The bare package counts as the part `__init__`, which no module below the face may import.
    """
    package = (PACKAGE, *path.relative_to(source).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = [*above, *(node.module.split(".") if node.module else ())]
            names = [[*module, alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == PACKAGE:
                yield node.lineno, name[1] if len(name) > 1 else "__init__"
